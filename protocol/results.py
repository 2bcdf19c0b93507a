"""Results of every method. Objects throughout, so that they can grow.

Owns the result structs only. Must not know how they come about.
"""

from typing import Annotated, Any

from msgspec import Meta

from protocol.models import Blocker, Event, Slot, Status, Task, TaskSummary, Timestamp, Wire

SnapshotSeq = Annotated[
    int, Meta(ge=0, description="The last event this is true at: `subscribe(since=seq)` goes on.")
]


class SlotClaimed(Wire, frozen=True, kw_only=True):
    slot: int
    worker_id: str | None = None
    task_id: str | None = None
    """The task that this worker still holds, when it claims its slot again."""


class SlotReleased(Wire, frozen=True, kw_only=True):
    slot: int
    task_id: str | None = None
    """The unfinished task that went back to `available`."""


class Workers(Wire, frozen=True, kw_only=True):
    workers: list[Slot]
    total: int
    free: int
    seq: SnapshotSeq


class TaskResult(Wire, frozen=True, kw_only=True):
    task: Task


class TaskAdded(Wire, frozen=True, kw_only=True):
    task: TaskSummary


class TasksAdded(Wire, frozen=True, kw_only=True):
    tasks: list[TaskSummary]


class TaskClaimed(Wire, frozen=True, kw_only=True):
    task: Task
    claim_token: str


class TaskUpdated(Wire, frozen=True, kw_only=True):
    task: TaskSummary
    unblocked: list[str]
    """The first hundred tasks that became available by this."""


class TaskDeleted(Wire, frozen=True, kw_only=True):
    task_id: str


class TasksCleaned(Wire, frozen=True, kw_only=True):
    removed: int
    backup: str | None = None
    """Name of the backup file beside the database; absent for a store without files."""


class TaskPage(Wire, frozen=True, kw_only=True):
    tasks: list[Task]
    seq: SnapshotSeq
    next_cursor: str | None = None


class TaskSummaryPage(Wire, frozen=True, kw_only=True):
    tasks: list[TaskSummary]
    total: int
    seq: SnapshotSeq
    next_cursor: str | None = None


class TaskExplained(Wire, frozen=True, kw_only=True):
    task_id: str
    status: Status
    ready: bool
    """Whether it can be claimed now."""
    reason: str
    """One sentence: why it is where it is, and what would move it on."""
    blocked_by: list[Blocker]
    """The dependencies that are not done."""
    root_causes: list[Blocker]
    """Where the chain of waiting ends: tasks that wait for no other task."""
    unblocks: list[str]
    """Tasks that depend on this one and are not finished."""
    holder: str | None = None
    worker_slot: int | None = None


class Counts(Wire, frozen=True, kw_only=True):
    """Tasks per status."""

    blocked: int
    available: int
    working: int
    done: int
    failed: int
    cancelled: int


class Snapshot(Wire, frozen=True, kw_only=True):
    project: str
    seq: SnapshotSeq
    time: Timestamp
    counts: Counts
    workers: list[Slot]
    queue: list[TaskSummary]
    """What would be claimed next, in order."""


class Subscribed(Wire, frozen=True, kw_only=True):
    subscription: str
    seq: SnapshotSeq


class Unsubscribed(Wire, frozen=True, kw_only=True):
    subscription: str


class Events(Wire, frozen=True, kw_only=True):
    events: list[Event]
    seq: SnapshotSeq
    next_since: int | None = None
    """Pass it as `since` for the next page; absent on the last one."""


class Identified(Wire, frozen=True, kw_only=True):
    session_id: str
    project: str
    name: str | None = None


class ServerInfo(Wire, frozen=True, kw_only=True):
    name: str
    version: str
    protocol: str
    project: str
    started_at: Timestamp
    uptime_seconds: float
    database: str
    """Kind and name of the store, without folders or passwords."""
    connections: int
    seq: SnapshotSeq
    limits: dict[str, int]


class OpenRpc(Wire, frozen=True, kw_only=True):
    """The OpenRPC 1.3 document. Open-ended, so it stays a JSON object."""

    openrpc: str
    info: dict[str, Any]
    methods: list[dict[str, Any]]
    servers: list[dict[str, Any]]
    components: dict[str, Any]
