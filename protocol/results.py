"""Results of every method. Objects throughout, so that they can grow.

Owns the result structs only. Must not know how they come about.
"""

from typing import Any

from protocol.fields import Timestamp
from protocol.models import (
    AttemptRecord,
    Blocker,
    Counts,
    Event,
    Slot,
    Status,
    Task,
    TaskSummary,
    Template,
    Wire,
)
from protocol.results_overview import (
    Attention,
    AttentionItem,
    Graph,
    GraphNode,
    Projects,
    ProjectSummary,
    SnapshotSeq,
    TaskAttempt,
    TaskAttempts,
    Throughput,
    ThroughputBucket,
)

__all__ = [
    "Attention",
    "AttentionItem",
    "Counts",
    "Graph",
    "GraphNode",
    "ProjectSummary",
    "Projects",
    "TaskAttempt",
    "TaskAttempts",
    "Throughput",
    "ThroughputBucket",
]


class SlotClaimed(Wire, frozen=True, kw_only=True):
    slot: int
    worker_id: str | None = None
    task_id: str | None = None
    """The task that this worker still holds, when it claims its slot again."""
    claim_token: str | None = None
    """Of that task."""
    lease_expires_at: Timestamp | None = None
    """When the slot is given back unless its worker gives a sign of life."""


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


class NextTask(Wire, frozen=True, kw_only=True):
    task: Task | None = None
    """Absent when there was nothing to claim."""
    claim_token: str | None = None
    reason: str | None = None
    """Why there was nothing, and what to do."""
    remaining: int
    """Tasks of the project that are not finished; 0 says that there is nothing left to do."""


class HeldSlot(Wire, frozen=True, kw_only=True):
    """What a heartbeat renewed."""

    slot: int
    worker_id: str | None = None
    task_id: str | None = None
    lease_expires_at: Timestamp


class HeartbeatReply(Wire, frozen=True, kw_only=True):
    held: list[HeldSlot]
    cancelled: list[str]
    """Tasks that were taken away from these workers since their claim: they must stop."""
    paused: bool
    """Nobody may claim for now; work that is under way goes on."""
    draining: bool
    """Finish the task and release the slot: the project has fewer slots now."""
    lease_seconds: float
    """The shortest lease that was renewed; send the next heartbeat well before it ends."""


class Reserved(Wire, frozen=True, kw_only=True):
    task_id: str
    reserved: list[str]
    """All that the task holds on top of its own resources."""


class TaskUpdated(Wire, frozen=True, kw_only=True):
    task: TaskSummary
    unblocked: list[str]
    """The first hundred tasks that became available by this."""


class Skipped(Wire, frozen=True, kw_only=True):
    """A task that a bulk change left as it is."""

    task_id: str
    reason: str


class BulkChanged(Wire, frozen=True, kw_only=True):
    matched: int
    """Tasks that passed the filter, at most a thousand."""
    changed: int
    """Those that were changed, or would be in a dry run."""
    task_ids: list[str]
    """The first hundred of them."""
    skipped: list[Skipped]
    """The first hundred that passed the filter and could not be changed, and why."""
    more: bool
    """Whether further tasks may pass the filter: call again with `nextCursor` for them."""
    dry_run: bool
    next_cursor: str | None = None


class TasksImported(Wire, frozen=True, kw_only=True):
    tasks: int
    dry_run: bool


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


class Conflict(Wire, frozen=True, kw_only=True):
    """A resource that cannot be had now."""

    resource: str
    """What is wanted."""
    held: str
    """What is held of it: the same, or a folder around it or in it."""
    task_id: str
    holder: str


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
    waiting: int
    """Unfinished tasks that depend on this one directly or indirectly, at most 10,000: what it
    holds up if it is called off."""
    holder: str | None = None
    worker_slot: int | None = None
    conflicts: list[Conflict]
    """What others hold of the resources that this task needs."""
    waits_until: Timestamp | None = None
    """Only while `scheduled`."""


class Snapshot(Wire, frozen=True, kw_only=True):
    project: str
    seq: SnapshotSeq
    time: Timestamp
    counts: Counts
    workers: list[Slot]
    queue: list[TaskSummary]
    """What would be claimed next, in order."""
    paused: bool = False
    pause_reason: str | None = None
    overdue: int = 0
    """Unfinished tasks whose deadline passed."""
    waiting: int = 0
    """Requests that wait for a task."""


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
    pruned_through: int | None = None
    """Events up to this number may have been removed by `prune`."""


class TaskHistory(Wire, frozen=True, kw_only=True):
    task_id: str
    attempts: list[AttemptRecord]
    """The newest ones, oldest first, whatever the page of events."""
    events: list[Event]
    next_since: int | None = None
    """Pass it as `since` for the next page; absent on the last one."""


class Percentiles(Wire, frozen=True, kw_only=True):
    """Of a duration, in seconds, over the attempts that ended in the window."""

    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    mean: float


class WorkerStats(Wire, frozen=True, kw_only=True):
    """What one worker, or all of them, did in a window."""

    worker_id: str | None = None
    """Absent where all workers are meant."""
    attempts: int
    """Attempts that ended in the window."""
    done: int
    failed: int
    """Reports of failure, those that are tried again included."""
    lapsed: int
    released: int
    """Handed back, called off or reset."""
    done_per_hour: float
    failure_rate: float
    """Failed of all that ended."""
    lapse_rate: float
    waiting_seconds: Percentiles | None = None
    """From available to claimed."""
    working_seconds: Percentiles | None = None
    """From claimed to the end of the attempt."""


class Stats(Wire, frozen=True, kw_only=True):
    seq: SnapshotSeq
    since: Timestamp
    until: Timestamp
    added: int
    """Tasks that were added in the window."""
    project: WorkerStats
    workers: list[WorkerStats]
    """The busiest hundred."""
    truncated: bool
    """Whether the window holds more attempts than one call looks at; the newest were, and `since`
    is when the oldest of them ended."""


class TemplateSaved(Wire, frozen=True, kw_only=True):
    template: Template


class Templates(Wire, frozen=True, kw_only=True):
    templates: list[Template]
    seq: SnapshotSeq


class TemplateDeleted(Wire, frozen=True, kw_only=True):
    name: str


class TemplateInstantiated(Wire, frozen=True, kw_only=True):
    tasks: list[TaskSummary]
    prefix: str
    dry_run: bool


class SlotsSet(Wire, frozen=True, kw_only=True):
    slots: int
    draining: list[int]
    """Slots beyond the number that go when their task ends."""


class ClaimsPaused(Wire, frozen=True, kw_only=True):
    paused: bool
    reason: str | None = None


class BackupMade(Wire, frozen=True, kw_only=True):
    backup: str | None = None
    """Name of the backup file beside the database; absent for a store without files."""


class Pruned(Wire, frozen=True, kw_only=True):
    tasks: int
    events: int
    kept: int
    """Finished tasks that are old enough, and stay because something kept depends on them."""
    archive: str | None = None
    """Name of the JSON Lines file that what was removed went to."""
    dry_run: bool


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
