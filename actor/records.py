"""What the coordinator remembers: frozen records, one per task, slot and project.

Owns the shape of the remembered things, apart from how they travel (`protocol.models`) and how
they are stored (`actor.store`). Pure: knows no clock, I/O, Trio or randomness. Times are integer
milliseconds since 1970-01-01 UTC; sequences are tuples, so that a record can be shared freely.
"""

from typing import Any

import msgspec

from protocol.models import Event, Status

__all__ = [
    "Change",
    "LoggedEvent",
    "ProjectRecord",
    "Record",
    "ReplyRecord",
    "SlotRecord",
    "TaskRecord",
]


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task. `number` is its creation number: unique over all projects and never used again."""

    project: int
    number: int
    id: str
    description: str
    status: Status
    priority: int = 0
    dependencies: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] | None = None
    expected_output: str | None = None
    output: str | None = None
    error: str | None = None
    worker_id: str | None = None
    """The holder while `working`; afterwards the last one."""
    worker_slot: int | None = None
    """Only while `working`."""
    attempt: int = 0
    claim_seq: int | None = None
    """The event number of the claim that may report: the fencing token. None after a reset or a
    cancellation, which make every earlier claim stale."""
    version: int = 1
    created_by: str | None = None
    created_ms: int
    updated_ms: int
    claimed_ms: int | None = None
    completed_ms: int | None = None


class SlotRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A held worker slot. A free slot has no record."""

    project: int
    number: int
    worker_id: str | None = None
    """None until the first claim made on the slot names it."""
    session: str | None = None
    """The client session that claimed or named it: it may release the slot without a name."""
    task_id: str | None = None
    claimed_ms: int


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One isolated task list."""

    number: int
    name: str
    slots: int
    created_ms: int


class ReplyRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The reply that an idempotency key stands for."""

    project: int
    key: str
    fingerprint: int
    """Of method and params, 63 bits: tells the same request from another one."""
    reply: bytes | None
    """The encoded result; None where only the store has it."""
    at_ms: int


Record = TaskRecord | SlotRecord | ProjectRecord


class Change(msgspec.Struct, frozen=True, gc=False):
    """One record before and after; None stands for absence. Can be applied and reverted."""

    before: Record | None
    after: Record | None


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event and the number of the project that it happened in."""

    project: int
    event: Event
