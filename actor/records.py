"""What the coordinator remembers: frozen records, one per task, slot and project.

Owns the shape of the remembered things, apart from how they travel (`protocol.models`) and how
they are stored (`actor.store`). Pure: knows no clock, I/O, Trio or randomness. Times are integer
milliseconds since 1970-01-01 UTC; sequences are tuples, so that a record can be shared freely.
"""

from typing import Any

import msgspec

from protocol.models import Event, Status, TemplateTask

__all__ = [
    "Change",
    "LoggedEvent",
    "ProjectRecord",
    "Record",
    "ReplyRecord",
    "SlotLease",
    "SlotRecord",
    "TaskLease",
    "TaskRecord",
    "TemplateRecord",
    "is_durable",
]


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A task. `number` is its creation number: unique over all projects and never used again.

    Encoded without the fields that are at their default: most are, and a store reads the rest
    twice as fast.
    """

    project: int
    number: int
    id: str
    description: str
    status: Status
    priority: int = 0
    dependencies: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """In their normal form (`actor.resources`)."""
    reserved: tuple[str, ...] = ()
    """What its worker reserved on top; only while `working`."""
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
    forgiven: int = 0
    """Attempts that do not count towards `max_attempts`: handed back, or before the last reset."""
    max_attempts: int | None = None
    retry_delay_ms: int | None = None
    timeout_ms: int | None = None
    lease_ms: int | None = None
    """The length of the lease that its holder claimed it with; only while `working`."""
    not_before_ms: int | None = None
    retry_at_ms: int | None = None
    """When a failed attempt may be followed by the next; None once that attempt has begun."""
    deadline_ms: int | None = None
    overdue: bool = False
    """Whether `task_overdue` was told of this deadline."""
    lapsed: bool = False
    """Whether its last attempt ended without a word of its worker."""
    progress: float | None = None
    note: str | None = None
    claim_seq: int | None = None
    """The event number of the claim that may report: the fencing token. None after a reset or a
    cancellation, which make every earlier claim stale."""
    version: int = 1
    created_by: str | None = None
    created_ms: int
    updated_ms: int
    ready_ms: int | None = None
    """When it became available for the attempt that is waited for or under way."""
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
    revoked: str | None = None
    """A task that was taken away from it since its last claim: its worker must hear of it."""
    bound: bool = False
    """Whether it is given back soon after its session's last connection is lost."""
    lease_ms: int
    claimed_ms: int


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One isolated task list."""

    number: int
    name: str
    slots: int
    paused: bool = False
    pause_reason: str | None = None
    pruned_seq: int = 0
    """Events up to this number may have been removed."""
    created_ms: int


class TemplateRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plan with parameters."""

    project: int
    name: str
    description: str | None = None
    tasks: tuple[TemplateTask, ...]
    updated_ms: int


class TaskLease(msgspec.Struct, frozen=True, gc=False):
    """How long a claim counts without a sign of life, on the monotonic clock. Never stored."""

    project: int
    task_id: str
    until_ms: int
    timeout_ms: int | None = None
    """When the attempt ends however lively its worker is."""

    @property
    def ends_ms(self) -> int:
        return self.until_ms if self.timeout_ms is None else min(self.until_ms, self.timeout_ms)


class SlotLease(msgspec.Struct, frozen=True, gc=False):
    """How long a slot is held without a sign of life, on the monotonic clock. Never stored."""

    project: int
    number: int
    until_ms: int
    connected: bool = True
    """False while the connection that the slot is bound to is lost."""


class ReplyRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The reply that an idempotency key stands for."""

    project: int
    key: str
    fingerprint: int
    """Of method and params, 63 bits: tells the same request from another one."""
    reply: bytes | None
    """The encoded result; None where only the store has it."""
    at_ms: int


Record = TaskRecord | SlotRecord | ProjectRecord | TemplateRecord | TaskLease | SlotLease


class Change(msgspec.Struct, frozen=True, gc=False):
    """One record before and after; None stands for absence. Can be applied and reverted."""

    before: Record | None
    after: Record | None


def is_durable(change: Change) -> bool:
    """Whether the store has to hear of it: leases live in memory only, and a restart gives every
    holder a fresh one."""
    return not isinstance(change.after or change.before, TaskLease | SlotLease)


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event and the number of the project that it happened in."""

    project: int
    event: Event
