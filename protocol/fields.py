"""What a single field may hold: its type, its bounds, and what it is for.

Owns the types of fields that params, results and models share. The bounds themselves are in
`protocol.limits`; the descriptions end up in every schema that is published. Must not know which
method takes which field.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from protocol.limits import (
    ATTEMPTS_MAX,
    DEPENDENCIES_MAX,
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    LEASE_SECONDS_MAX,
    LEASE_SECONDS_MIN,
    NOTE_LENGTH_MAX,
    PAGE_MAX,
    PRIORITY_MAX,
    RESOURCE_LENGTH_MAX,
    RESOURCES_MAX,
    RETRY_DELAY_SECONDS_MAX,
    SEARCH_LENGTH_MAX,
    SLOTS_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
    TIMEOUT_SECONDS_MAX,
    WAIT_SECONDS_MAX,
)

# Controls, soft hyphen, zero-width and bidirectional marks: what makes two ids look the same or a
# line read backwards. ECMA-262 compatible, because it is published as JSON Schema. `$` alone
# would accept a trailing newline in Python.
PRINTABLE = (
    "^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e"
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]+$(?![\\s\\S])"
)
NO_NUL = "^[^\\u0000]*$(?![\\s\\S])"
"""Databases end a text at U+0000; everything else may stand in a description."""
TaskId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        pattern=PRINTABLE,
        description="Task id: 1-200 printable characters.",
    ),
]
WorkerId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        pattern=PRINTABLE,
        description="Worker id: 1-200 printable characters, the same in every call of one worker.",
    ),
]
SlotNumber = Annotated[int, Meta(ge=1, le=SLOTS_MAX, description="Worker slot, counted from 1.")]
Priority = Annotated[
    int, Meta(ge=-PRIORITY_MAX, le=PRIORITY_MAX, description="Higher is claimed first.")
]
Tag = Annotated[str, Meta(min_length=1, max_length=TAG_LENGTH_MAX, pattern=PRINTABLE)]
Description = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=DESCRIPTION_LENGTH_MAX,
        pattern=NO_NUL,
        description="What is to be done.",
    ),
]
Text = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX, pattern=NO_NUL)]
TaskIds = Annotated[list[TaskId], Meta(max_length=DEPENDENCIES_MAX)]
Tags = Annotated[list[Tag], Meta(max_length=TAGS_MAX)]
Timestamp = Annotated[
    str, Meta(description="RFC 3339, UTC, milliseconds: 2026-01-31T09:30:00.000Z")
]
Resource = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=RESOURCE_LENGTH_MAX,
        pattern=PRINTABLE,
        description="What only one worker may touch: a file `src/auth/login.py`, a folder and all "
        "below it `src/auth/` (also `src/auth/**`), or any name such as `db-schema`.",
    ),
]
Resources = Annotated[list[Resource], Meta(max_length=RESOURCES_MAX)]
Note = Annotated[str, Meta(min_length=1, max_length=NOTE_LENGTH_MAX, pattern=NO_NUL)]
Progress = Annotated[float, Meta(ge=0, le=1, description="How much is done, from 0 to 1.")]
MaxAttempts = Annotated[
    int,
    Meta(
        ge=1,
        le=ATTEMPTS_MAX,
        description="Attempts until the task is `failed` for good, counted since its last reset; "
        "an attempt that was handed back does not count.",
    ),
]
RetryDelaySeconds = Annotated[
    float,
    Meta(
        ge=0,
        le=RETRY_DELAY_SECONDS_MAX,
        description="Wait before the second attempt; it doubles with each further one.",
    ),
]
TimeoutSeconds = Annotated[
    float,
    Meta(
        ge=LEASE_SECONDS_MIN,
        le=TIMEOUT_SECONDS_MAX,
        description="How long one attempt may take, however lively its worker is.",
    ),
]
LeaseSeconds = Annotated[
    float,
    Meta(
        ge=LEASE_SECONDS_MIN,
        le=LEASE_SECONDS_MAX,
        description="How long a claim lasts without a sign of life; each one starts it anew.",
    ),
]
Moment = Annotated[
    datetime, Meta(tz=True, description="RFC 3339 with an offset: 2026-01-31T09:30:00Z")
]
MomentAfter = Annotated[datetime, Meta(tz=True, description="Then or later.")]
MomentBefore = Annotated[datetime, Meta(tz=True, description="Earlier.")]
ClaimToken = Annotated[
    str,
    Meta(
        max_length=64,
        description="From the claim: makes a report of a superseded claim impossible.",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX, description="At most this many per page.")]
Cursor = Annotated[
    str,
    Meta(max_length=2_000, description="`nextCursor` of the page before, with the same filter."),
]
Seq = Annotated[int, Meta(ge=0, description="Event number within the project.")]
Sort = Literal["created", "-created", "updated", "-updated", "priority", "-priority"]
Name = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=PRINTABLE)]
Metadata = Annotated[dict[str, Any], Meta(description="A JSON object of at most 16 KiB.")]
WaitSeconds = Annotated[
    float,
    Meta(
        ge=0,
        le=3_600,
        description="How long to wait if there is nothing yet; more than "
        f"{WAIT_SECONDS_MAX:g} waits {WAIT_SECONDS_MAX:g}.",
    ),
]
DryRun = Annotated[bool, Meta(description="Only say what would happen.")]
IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        pattern=PRINTABLE,
        description="The same key and request gets the same reply for 24 hours.",
    ),
]
TemplateName = Annotated[
    str, Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=PRINTABLE, description="Its name.")
]
Search = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=SEARCH_LENGTH_MAX,
        description="Words; each of them is part of the id or the description, upper and lower "
        "case alike.",
    ),
]
