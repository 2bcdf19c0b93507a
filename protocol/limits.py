"""Every bound of the contract, by name, with its unit last.

Owns the numbers that a client can run into. Knows nothing of who enforces them: the models turn
the field limits into JSON Schema, the session and the shells count frames, requests and events.
"""

from typing import Final

# --- fields -----------------------------------------------------------------------------------

ID_LENGTH_MAX: Final = 200
DESCRIPTION_LENGTH_MAX: Final = 100_000
TEXT_LENGTH_MAX: Final = 100_000
"""`output`, `expectedOutput` and `error`, in characters."""
METADATA_BYTES_MAX: Final = 16 * 1024
METADATA_DEPTH_MAX: Final = 50
"""Lists and objects inside one another; databases and parsers have limits of their own."""
TAGS_MAX: Final = 50
TAG_LENGTH_MAX: Final = 100
DEPENDENCIES_MAX: Final = 1_000
PRIORITY_MAX: Final = 1_000_000
PROJECT_LENGTH_MAX: Final = 64
SLOTS_MAX: Final = 10_000
RESOURCES_MAX: Final = 50
"""Of one task, those it reserves while it is worked on included."""
RESOURCE_LENGTH_MAX: Final = 500
NOTE_LENGTH_MAX: Final = 10_000
ATTEMPTS_MAX: Final = 1_000
"""The highest `maxAttempts`."""
TEMPLATE_TASKS_MAX: Final = 200
TEMPLATE_PARAMETERS_MAX: Final = 50
TEMPLATE_BYTES_MAX: Final = 512 * 1024
TEMPLATES_MAX: Final = 500
"""Of one project."""
TEMPLATES_BYTES_MAX: Final = 2 * 1024 * 1024
"""Of one project, together: `list_templates` shows all of them at once."""
SEARCH_LENGTH_MAX: Final = 200
SUMMARY_LENGTH_MAX: Final = 200
"""Characters of a description that a task summary shows."""

# --- pages and batches ------------------------------------------------------------------------

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 500
SCAN_MAX: Final = 5_000
"""Tasks that one page may look at; a page that ends early carries a cursor."""
PAGE_TEXT_MAX: Final = 1_000_000
"""Characters of task texts after which a page of full tasks ends; one task always fits."""
ADD_TASKS_MAX: Final = 1_000
BULK_TASKS_MAX: Final = 1_000
"""Tasks that one bulk change touches; its reply says whether more match."""
STATS_ATTEMPTS_MAX: Final = 100_000
"""Attempts that one `get_stats` looks at: the newest of its window."""
EVENTS_PAGE_MAX: Final = 1_000
GRAPH_NODES_DEFAULT: Final = 2_000
GRAPH_NODES_MAX: Final = 5_000
GRAPH_SCAN_MAX: Final = 20_000
"""Tasks that one graph looks at; if there are more, it says that it is truncated."""
GRAPH_LEVELS_MAX: Final = 50
ATTENTION_MAX: Final = 200
BUCKETS_MAX: Final = 500
"""Of one `get_throughput`."""
ATTEMPTS_PAGE_DEFAULT: Final = 500
ATTEMPTS_PAGE_MAX: Final = 2_000
LISTED_MAX: Final = 100
"""Entries of lists inside a reply or an error, such as `blockedBy` or `missing`."""

# --- the wire ---------------------------------------------------------------------------------

FRAME_BYTES_MAX: Final = 1024 * 1024
BATCH_ENTRIES_MAX: Final = 1_000
BATCH_REPLY_BYTES_MAX: Final = 8 * 1024 * 1024
REPLIES_BYTES_MAX: Final = 64 * 1024 * 1024
"""Replies waiting for one client to read them; what comes on top is answered without its result."""
REQUEST_ID_BYTES_MAX: Final = 256
REQUESTS_IN_FLIGHT_MAX: Final = 256
"""Frames of one connection that were read and whose answer has not left yet."""
FRAGMENTS_MAX: Final = 1_024
OUTBOX_EVENTS_MAX: Final = 10_000
"""Notifications waiting for one subscriber; one more and it is cut off with close code 1013."""
OUTBOX_BYTES_MAX: Final = 16 * 1024 * 1024
SUBSCRIPTIONS_MAX: Final = 100
"""Subscriptions of one connection."""
CONNECTIONS_MAX: Final = 10_000
PROJECTS_MAX: Final = 1_000
WAITS_MAX: Final = 200
"""Requests of one connection that may wait at a time for a task or a slot."""

# --- time -------------------------------------------------------------------------------------

OPEN_TIMEOUT_SECONDS: Final = 10.0
KEEPALIVE_SECONDS: Final = 20.0
WRITE_TIMEOUT_SECONDS: Final = 30.0
"""A peer that takes no byte for this long is gone."""
CLOSE_TIMEOUT_SECONDS: Final = 2.0
IDEMPOTENCY_HOURS: Final = 24
WAIT_SECONDS_MAX: Final = 45.0
"""A longer `waitSeconds` waits this long: many hosts cut a call off after 60 seconds."""
LEASE_SECONDS_MIN: Final = 0.1
LEASE_SECONDS_MAX: Final = 86_400.0
TIMEOUT_SECONDS_MAX: Final = 30 * 86_400.0
RETRY_DELAY_SECONDS_MAX: Final = 86_400.0
"""Of `retryDelaySeconds`, and of the delay that the backoff makes of it."""
