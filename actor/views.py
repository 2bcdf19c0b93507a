"""Records as they look on the wire.

Owns the translation from records to `protocol.models`. Pure.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from actor.records import SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from protocol.limits import LISTED_MAX, SUMMARY_LENGTH_MAX
from protocol.models import STATUSES, Blocker, Counts, Slot, Task, TaskSummary

__all__ = [
    "Now",
    "blockers",
    "counts_of",
    "cut",
    "lease_end",
    "shorten",
    "title_of",
    "to_slot",
    "to_slots",
    "to_summary",
    "to_task",
]

SUMMARY_BLOCKERS_MAX = 10
TITLE_LENGTH_MAX = 80

Tasks = Mapping[str, TaskRecord]
"""Where a task's dependencies are looked up."""


class Now(NamedTuple):
    """What a question may know of the world outside the state."""

    wall_ms: int
    mono_ms: int
    waiting: int = 0
    """Requests of the project that wait for a task."""

    def on_wall(self, mono_ms: int) -> int:
        """A moment of the monotonic clock as one of the wall clock."""
        return self.wall_ms + mono_ms - self.mono_ms


def lease_end(state: ProjectState, task: TaskRecord, now: Now) -> int | None:
    """When a working task's claim ends, on the wall clock."""
    lease = state.task_leases.get(task.id)
    return None if lease is None else now.on_wall(lease.ends_ms)


def blockers(tasks: Tasks, task: TaskRecord, limit: int = LISTED_MAX) -> list[Blocker]:
    """The first dependencies of the task that are not done, in the order they were given."""
    found: list[Blocker] = []
    for name in task.dependencies:
        status = tasks[name].status
        if status != "done":
            found.append(Blocker(task_id=name, status=status))
            if len(found) == limit:
                break
    return found


def shorten(text: str, length: int) -> str:
    """At most so many characters; the last one is an ellipsis where something was cut."""
    if len(text) <= length:
        return text
    return text[: length - 1] + "…" if length else ""


def title_of(task: TaskRecord) -> str:
    """What a task is called where there is little room: the first line of its description."""
    lines = task.description[:SUMMARY_LENGTH_MAX].strip().splitlines()
    return shorten(lines[0].rstrip() if lines else task.id, TITLE_LENGTH_MAX)


def to_task(tasks: Tasks, task: TaskRecord, lease_end_ms: int | None = None) -> Task:
    """A task in full. `lease_end_ms` is on the wall clock."""
    return Task(
        id=task.id,
        description=task.description,
        status=task.status,
        priority=task.priority,
        dependencies=list(task.dependencies),
        tags=list(task.tags),
        attempt=task.attempt,
        version=task.version,
        created_at=to_text(task.created_ms),
        updated_at=to_text(task.updated_ms),
        metadata=task.metadata,
        expected_output=task.expected_output,
        output=task.output,
        error=task.error,
        worker_id=task.worker_id,
        worker_slot=task.worker_slot,
        blocked_by=blockers(tasks, task) if task.status == "blocked" else None,
        resources=list(task.resources) or None,
        reserved=list(task.reserved) or None,
        max_attempts=task.max_attempts,
        retry_delay_seconds=_seconds(task.retry_delay_ms),
        not_before=_text(task.not_before_ms),
        retry_at=_text(task.retry_at_ms) if task.status == "scheduled" else None,
        deadline=_text(task.deadline_ms),
        overdue=task.overdue,
        timeout_seconds=_seconds(task.timeout_ms),
        lease_expires_at=_text(lease_end_ms),
        progress=task.progress,
        note=task.note,
        created_by=task.created_by,
        claimed_at=_text(task.claimed_ms),
        completed_at=_text(task.completed_ms),
    )


def cut(task: Task, length: int) -> Task:
    """The task with every text cut to so many characters, and without metadata."""

    def short(text: str | None) -> str | None:
        return None if text is None else shorten(text, length)

    return replace(
        task,
        description=shorten(task.description, length),
        expected_output=short(task.expected_output),
        output=short(task.output),
        error=short(task.error),
        note=short(task.note),
        metadata=None,
    )


def to_summary(tasks: Tasks, task: TaskRecord) -> TaskSummary:
    """A task in a list."""
    blocked = task.status == "blocked"
    return TaskSummary(
        id=task.id,
        description=shorten(task.description, SUMMARY_LENGTH_MAX),
        status=task.status,
        priority=task.priority,
        attempt=task.attempt,
        version=task.version,
        worker_id=task.worker_id,
        worker_slot=task.worker_slot,
        blocked_by=blockers(tasks, task, SUMMARY_BLOCKERS_MAX) if blocked else None,
        progress=task.progress,
        overdue=task.overdue,
    )


def counts_of(state: ProjectState) -> Counts:
    """How many tasks there are in each status."""
    return Counts(**{status: len(state.by_status[status]) for status in STATUSES})


def to_slots(state: ProjectState, now: Now) -> list[Slot]:
    """All slots, free ones included, in the order of their numbers; last those that go when their
    task ends, because there are fewer slots by now."""
    slots = state.slots
    total = state.record.slots
    numbers = [*range(1, total + 1), *sorted(number for number in slots if number > total)]
    return [
        to_slot(state, slots[number], now) if number in slots else Slot(slot=number, status="free")
        for number in numbers
    ]


def to_slot(state: ProjectState, slot: SlotRecord, now: Now) -> Slot:
    """A held slot."""
    lease = state.slot_leases[slot.number]
    return Slot(
        slot=slot.number,
        status="working" if slot.task_id is not None else "idle",
        worker_id=slot.worker_id,
        task_id=slot.task_id,
        claimed_at=to_text(slot.claimed_ms),
        lease_expires_at=to_text(now.on_wall(lease.until_ms)),
        connected=lease.connected if slot.bound else None,
    )


def _text(ms: int | None) -> str | None:
    return None if ms is None else to_text(ms)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
