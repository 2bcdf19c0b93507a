"""Records as they look on the wire.

Owns the translation from records to `protocol.models`. Pure.
"""

from collections.abc import Mapping

from actor.records import SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from protocol.limits import LISTED_MAX, SUMMARY_LENGTH_MAX
from protocol.models import Blocker, Slot, Task, TaskSummary

__all__ = ["blockers", "to_slot", "to_slots", "to_summary", "to_task"]

SUMMARY_BLOCKERS_MAX = 10

Tasks = Mapping[str, TaskRecord]
"""Where a task's dependencies are looked up."""


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


def to_task(tasks: Tasks, task: TaskRecord) -> Task:
    """A task in full."""
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
        created_by=task.created_by,
        claimed_at=None if task.claimed_ms is None else to_text(task.claimed_ms),
        completed_at=None if task.completed_ms is None else to_text(task.completed_ms),
    )


def to_summary(tasks: Tasks, task: TaskRecord) -> TaskSummary:
    """A task in a list."""
    blocked = task.status == "blocked"
    return TaskSummary(
        id=task.id,
        description=_shorten(task.description),
        status=task.status,
        priority=task.priority,
        attempt=task.attempt,
        version=task.version,
        worker_id=task.worker_id,
        worker_slot=task.worker_slot,
        blocked_by=blockers(tasks, task, SUMMARY_BLOCKERS_MAX) if blocked else None,
    )


def to_slots(state: ProjectState) -> list[Slot]:
    """All slots, free ones included, in the order of their numbers."""
    slots = state.slots
    return [
        to_slot(slots[number]) if number in slots else Slot(slot=number, status="free")
        for number in range(1, state.record.slots + 1)
    ]


def to_slot(slot: SlotRecord) -> Slot:
    """A held slot."""
    return Slot(
        slot=slot.number,
        status="working" if slot.task_id is not None else "idle",
        worker_id=slot.worker_id,
        task_id=slot.task_id,
        claimed_at=to_text(slot.claimed_ms),
    )


def _shorten(text: str) -> str:
    if len(text) <= SUMMARY_LENGTH_MAX:
        return text
    return text[: SUMMARY_LENGTH_MAX - 1] + "…"
