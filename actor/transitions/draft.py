"""The pieces that every transition is made of.

Owns the shape of a decision and the few steps that several transitions share: a new version of a
task, an event with its number, a task going back to the queue. Pure; must not touch the state.
"""

from typing import Any

import msgspec

from actor.records import Change, SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from protocol.errors import TaskNotFound
from protocol.models import Event, EventType, Status

__all__ = ["Context", "Decision", "Draft", "claim_token", "idle_status", "require_task"]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a transition may know of the world outside the state."""

    now_ms: int
    session: str = ""
    """The client session that calls."""
    caller: str | None = None
    """What the client calls itself."""
    next_number: int = 1
    """The first task number that is free."""
    backup: str | None = None
    """The name of the backup that was made for this command."""


class Decision(msgspec.Struct, frozen=True):
    """What a transition decided. No changes means that nothing needs to be written."""

    reply: msgspec.Struct
    changes: list[Change]
    events: list[Event]


class Draft:
    """A decision in the making: collects changes and events in order."""

    def __init__(self, state: ProjectState, context: Context) -> None:
        self.state = state
        self.context = context
        self.now_ms = context.now_ms
        self.changes: list[Change] = []
        self.events: list[Event] = []

    @property
    def next_seq(self) -> int:
        """The number that the next event will get."""
        return self.state.seq + len(self.events) + 1

    def add(self, task: TaskRecord) -> TaskRecord:
        self.changes.append(Change(None, task))
        return task

    def change(self, task: TaskRecord, **fields: Any) -> TaskRecord:
        """The task's next version."""
        after = msgspec.structs.replace(
            task, version=task.version + 1, updated_ms=self.now_ms, **fields
        )
        self.changes.append(Change(task, after))
        return after

    def remove(self, record: TaskRecord | SlotRecord) -> None:
        self.changes.append(Change(record, None))

    def change_slot(self, slot: SlotRecord, **fields: Any) -> SlotRecord:
        after = msgspec.structs.replace(slot, **fields)
        self.changes.append(Change(slot, after))
        return after

    def take_from_slot(self, task: TaskRecord) -> None:
        """The slot that works on the task becomes idle; it stays with its worker."""
        slot = self.state.slots.get(task.worker_slot) if task.worker_slot is not None else None
        if slot is not None and slot.task_id == task.id:
            self.change_slot(slot, task_id=None)

    def task_event(
        self,
        type_: EventType,
        task: TaskRecord,
        data: dict[str, Any] | None = None,
        slot: int | None = None,
    ) -> None:
        self.events.append(
            Event(
                seq=self.next_seq,
                time=to_text(self.now_ms),
                type=type_,
                task_id=task.id,
                worker_id=task.worker_id,
                slot=slot if slot is not None else task.worker_slot,
                status=task.status,
                attempt=task.attempt,
                version=task.version,
                data=data or None,
            )
        )

    def event(
        self,
        type_: EventType,
        *,
        worker_id: str | None = None,
        slot: int | None = None,
        task_id: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """An event that is not about a task's new version."""
        self.events.append(
            Event(
                seq=self.next_seq,
                time=to_text(self.now_ms),
                type=type_,
                task_id=task_id,
                worker_id=worker_id,
                slot=slot,
                data=data or None,
            )
        )

    def decided(self, reply: msgspec.Struct) -> Decision:
        return Decision(reply, self.changes, self.events)


def require_task(state: ProjectState, task_id: str) -> TaskRecord:
    """The task.

    Raises:
        TaskNotFound: there is none.
    """
    task = state.tasks.get(task_id)
    if task is None:
        raise TaskNotFound(
            f"There is no task `{task_id}` in project `{state.record.name}`. "
            "`get_all_tasks` lists what there is.",
            taskId=task_id,
        )
    return task


def idle_status(state: ProjectState, task: TaskRecord) -> Status:
    """Where a task that nobody works on belongs."""
    return "blocked" if state.unmet_of(task.id) else "available"


def claim_token(claim_seq: int) -> str:
    """The fencing token of a claim: it grows with every claim of the project.

    Source: Martin Kleppmann, "How to do distributed locking" (2016), on fencing tokens.
    """
    return str(claim_seq)
