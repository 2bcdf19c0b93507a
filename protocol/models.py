"""What travels: tasks, slots and events, as they look on the wire.

Owns the shape and the bounds of every object. Fields are camelCase on the wire and snake_case in
Python; times are RFC 3339 in UTC with milliseconds; a field that is `null` is left out. Must not
know how any of it is stored or decided.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from protocol.limits import (
    DEPENDENCIES_MAX,
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    PRIORITY_MAX,
    SLOTS_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
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

Status = Literal["blocked", "available", "working", "done", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = ("blocked", "available", "working", "done", "failed", "cancelled")

EventType = Literal[
    "task_added",
    "task_edited",
    "task_unblocked",
    "task_blocked",
    "task_claimed",
    "task_done",
    "task_failed",
    "task_released",
    "task_reset",
    "task_cancelled",
    "task_deleted",
    "tasks_cleaned",
    "slot_claimed",
    "slot_named",
    "slot_released",
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


class Slot(Wire, frozen=True, kw_only=True):
    """A worker slot."""

    slot: int
    status: Literal["free", "idle", "working"]
    worker_id: str | None = None
    """Absent while the slot is free, or claimed without a name and not used yet."""
    task_id: str | None = None
    claimed_at: Timestamp | None = None


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
