"""What travels: tasks, slots and events, as they look on the wire.

Owns the shape and the bounds of every object. Fields are camelCase on the wire and snake_case in
Python; times are RFC 3339 in UTC with milliseconds; a field that is `null` is left out. Must not
know how any of it is stored or decided.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from protocol.fields import (
    Description,
    MaxAttempts,
    Priority,
    Resources,
    RetryDelaySeconds,
    Tags,
    TaskId,
    TaskIds,
    Text,
    TimeoutSeconds,
    Timestamp,
)

Status = Literal["blocked", "scheduled", "available", "working", "done", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = (
    "blocked",
    "scheduled",
    "available",
    "working",
    "done",
    "failed",
    "cancelled",
)

EventType = Literal[
    "task_added",
    "task_edited",
    "task_unblocked",
    "task_blocked",
    "task_ready",
    "task_claimed",
    "task_progress",
    "task_noted",
    "resources_reserved",
    "task_done",
    "task_failed",
    "task_retrying",
    "task_lapsed",
    "task_released",
    "task_overdue",
    "task_reset",
    "task_cancelled",
    "task_deleted",
    "tasks_cleaned",
    "tasks_pruned",
    "slot_claimed",
    "slot_named",
    "slot_disconnected",
    "slot_released",
    "slot_lapsed",
    "slots_changed",
    "claims_paused",
    "claims_resumed",
    "template_saved",
    "template_deleted",
]


class Wire(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of everything that a server sends. Fields that are null are left out."""


class Blocker(Wire, frozen=True, kw_only=True):
    """A dependency that is not `done` yet, and what it is instead."""

    task_id: str
    status: Status


class Task(Wire, frozen=True, kw_only=True):
    """A task in full."""

    id: str
    description: str
    status: Status
    priority: int
    dependencies: list[str]
    tags: list[str]
    attempt: Annotated[int, Meta(ge=0, description="0 before the first claim.")]
    version: Annotated[int, Meta(ge=1, description="Grows with every change of the task.")]
    created_at: Timestamp
    updated_at: Timestamp
    metadata: dict[str, Any] | None = None
    expected_output: str | None = None
    """What the author of the task asked for: `add_task(output=...)`."""
    output: str | None = None
    """What the worker reported."""
    error: str | None = None
    worker_id: str | None = None
    """The holder while `working`, the last holder afterwards."""
    worker_slot: int | None = None
    blocked_by: list[Blocker] | None = None
    """The first dependencies that are not done; only while `blocked`."""
    resources: list[str] | None = None
    """What only its worker may touch."""
    reserved: list[str] | None = None
    """What its worker reserved on top of `resources`; given back with the task."""
    max_attempts: int | None = None
    retry_delay_seconds: float | None = None
    not_before: Timestamp | None = None
    retry_at: Timestamp | None = None
    """When the next attempt may begin; only while `scheduled` for a retry."""
    deadline: Timestamp | None = None
    overdue: bool = False
    """Whether the deadline passed before the task was finished."""
    timeout_seconds: float | None = None
    lease_expires_at: Timestamp | None = None
    """When the claim ends unless its worker gives a sign of life; only while `working`."""
    progress: float | None = None
    note: str | None = None
    """The newest note: a handoff, a remark, what the worker is at."""
    created_by: str | None = None
    claimed_at: Timestamp | None = None
    completed_at: Timestamp | None = None


class TaskSummary(Wire, frozen=True, kw_only=True):
    """A task in a list: enough to choose by, bounded in size."""

    id: str
    description: str
    """Cut to 200 characters, then ending in an ellipsis."""
    status: Status
    priority: int
    attempt: int
    version: int
    worker_id: str | None = None
    worker_slot: int | None = None
    blocked_by: list[Blocker] | None = None
    progress: float | None = None
    overdue: bool = False


class Counts(Wire, frozen=True, kw_only=True):
    """Tasks per status."""

    blocked: int
    scheduled: int
    available: int
    working: int
    done: int
    failed: int
    cancelled: int


class Slot(Wire, frozen=True, kw_only=True):
    """A worker slot."""

    slot: int
    status: Literal["free", "idle", "working"]
    worker_id: str | None = None
    """Absent while the slot is free, or claimed without a name and not used yet."""
    task_id: str | None = None
    claimed_at: Timestamp | None = None
    lease_expires_at: Timestamp | None = None
    """When the slot is given back unless its worker gives a sign of life."""
    connected: bool | None = None
    """Only for a slot that is bound to a connection: false while that connection is lost."""


class TemplateTask(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task of a template. `{{name}}` in any of its texts is replaced by a parameter's value."""

    id: TaskId
    description: Description
    dependencies: TaskIds = []
    """Ids of tasks of the same template; any other id is one of the project."""
    output: Text | None = None
    priority: Priority = 0
    tags: Tags = []
    resources: Resources = []
    metadata: dict[str, Any] | None = None
    max_attempts: MaxAttempts | None = None
    retry_delay_seconds: RetryDelaySeconds | None = None
    timeout_seconds: TimeoutSeconds | None = None


class Template(Wire, frozen=True, kw_only=True):
    """A plan to be used again and again."""

    name: str
    description: str | None = None
    parameters: list[str]
    """The names that stand between double braces in its tasks."""
    tasks: list[TemplateTask]
    updated_at: Timestamp


class AttemptRecord(Wire, frozen=True, kw_only=True):
    """One attempt at a task, from its claim to its end."""

    attempt: int
    worker_id: str
    slot: int | None = None
    claimed_at: Timestamp
    ended_at: Timestamp | None = None
    """Absent while it goes on."""
    outcome: (
        Literal["done", "failed", "retrying", "lapsed", "released", "cancelled", "reset", "deleted"]
        | None
    ) = None
    cause: str | None = None
    """Why it lapsed or was released."""
    seconds: float | None = None
    """How long it took."""
    waited_seconds: float | None = None
    """How long the task had been available before."""
    error: str | None = None


class Event(Wire, frozen=True, kw_only=True):
    """Something that happened. `seq` has no gaps within a project."""

    seq: Annotated[int, Meta(ge=1)]
    time: Timestamp
    type: EventType
    task_id: str | None = None
    worker_id: str | None = None
    slot: int | None = None
    status: Status | None = None
    """The task's status after this event."""
    attempt: int | None = None
    version: int | None = None
    """The task's version after this event: apply it only to an older copy."""
    data: dict[str, Any] | None = None


class EventsNotification(Wire, frozen=True, kw_only=True):
    """Params of the `events` notification."""

    subscription: str
    events: list[Event]
