"""Results for a person who looks at all of a project at once.

Owns those structs only; `protocol.results` hands them on. Must not know how they come about.
"""

from typing import Annotated, Literal

from msgspec import Meta

from protocol.fields import Timestamp
from protocol.models import AttemptRecord, Counts, Status, Wire

__all__ = [
    "Attention",
    "AttentionItem",
    "AttentionKind",
    "Graph",
    "GraphNode",
    "ProjectSummary",
    "Projects",
    "SnapshotSeq",
    "TaskAttempt",
    "TaskAttempts",
    "Throughput",
    "ThroughputBucket",
]

SnapshotSeq = Annotated[
    int, Meta(ge=0, description="The last event this is true at: `subscribe(since=seq)` goes on.")
]
AttentionKind = Literal[
    "worker_lost", "lease_ending", "blocked_by_failed", "failed", "overdue", "unclaimed"
]


class GraphNode(Wire, frozen=True, kw_only=True):
    """A task as a picture of the graph shows it."""

    id: str
    title: str
    """The first line of the description, cut to 80 characters."""
    status: Status
    priority: int
    version: int
    worker_id: str | None = None
    progress: float | None = None
    overdue: bool = False
    dependencies: list[str]
    """Those that are shown."""
    hidden_dependencies: int
    hidden_dependents: int


class Graph(Wire, frozen=True, kw_only=True):
    nodes: list[GraphNode]
    seq: SnapshotSeq
    truncated: bool
    """Whether there are more tasks than are shown: narrow the filter."""


class AttentionItem(Wire, frozen=True, kw_only=True):
    """Something that may need a person."""

    kind: AttentionKind
    task_id: str | None = None
    slot: int | None = None
    worker_id: str | None = None
    title: str | None = None
    """Of the task: the first line of its description, cut to 80 characters."""
    since: Timestamp | None = None
    until: Timestamp | None = None
    """When a lease ends."""
    message: str
    """What is the matter, and what to do."""


class Attention(Wire, frozen=True, kw_only=True):
    items: list[AttentionItem]
    """The most urgent first."""
    more: int
    """How many more there are, as far as was looked."""
    seq: SnapshotSeq


class ThroughputBucket(Wire, frozen=True, kw_only=True):
    """What happened in a stretch of time."""

    start: Timestamp
    added: int = 0
    claimed: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    """Failed, and to be tried again."""
    lapsed: int = 0
    released: int = 0
    cancelled: int = 0
    reset: int = 0
    removed: int = 0
    """Tasks that were deleted, cleaned away or pruned."""


class Throughput(Wire, frozen=True, kw_only=True):
    seq: SnapshotSeq
    since: Timestamp
    """When the first bucket begins."""
    until: Timestamp
    bucket_seconds: int
    buckets: list[ThroughputBucket]
    """All of the window without a gap, oldest first; the last one is not over yet."""
    counts: Counts
    """Tasks in each status at `seq`."""
    total: int
    """All tasks at `seq`."""


class TaskAttempt(AttemptRecord, frozen=True, kw_only=True):
    """An attempt, and the task that it was at."""

    task_id: str
    title: str | None = None
    """Absent where the task is gone."""


class TaskAttempts(Wire, frozen=True, kw_only=True):
    attempts: list[TaskAttempt]
    """By the time of their claim, oldest first; all that go on are among them."""
    seq: SnapshotSeq
    since: Timestamp
    until: Timestamp
    truncated: bool
    """Whether there were more than are shown; the newest are."""


class ProjectSummary(Wire, frozen=True, kw_only=True):
    name: str
    open: int
    """Tasks that are neither done nor failed nor cancelled."""
    working: int


class Projects(Wire, frozen=True, kw_only=True):
    projects: list[ProjectSummary]
    """By name; `default` is among them once it was used."""
