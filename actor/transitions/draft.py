"""The pieces that every transition is made of.

Owns the shape of a decision, and a draft of it that sees its own changes: a new version of a
record, an event with its number, a lease that begins with work and ends with it. Pure; must not
touch the state.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import msgspec

from actor.policy import DEFAULT_POLICY, Policy
from actor.records import Change, ProjectRecord, SlotLease, SlotRecord, TaskLease, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.views import Now, to_summary, to_task
from protocol.errors import TaskNotFound
from protocol.models import Event, EventType, Task, TaskSummary

__all__ = ["Context", "Decision", "Draft", "Waiting", "claim_token", "require_task"]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a transition may know of the world outside the state."""

    now_ms: int
    """Wall clock: milliseconds since 1970-01-01 UTC. May step."""
    mono_ms: int = 0
    """Monotonic clock: milliseconds since some moment of this process. Never steps."""
    policy: Policy = DEFAULT_POLICY
    may_wait: bool = False
    """Whether a request that finds nothing may wait for it."""
    session: str = ""
    """The client session that calls."""
    caller: str | None = None
    """What the client calls itself."""
    next_number: int = 1
    """The first task number that is free."""
    backup: str | None = None
    """The name of the backup that was made for this command."""


class Waiting(msgspec.Struct, frozen=True):
    """The reply of a request that found nothing and waits: it is decided again when there may be
    something for it, and for the last time after so many seconds."""

    seconds: float


class Decision(msgspec.Struct, frozen=True):
    """What a transition decided. No changes means that nothing needs to be written."""

    reply: msgspec.Struct
    changes: list[Change]
    events: list[Event]
    forget_events: tuple[int, ...] = ()
    """Remove exactly these events from the history: they were archived."""


class Draft:
    """A decision in the making: collects changes and events in order, and shows what they make of
    the state, so that one decision can touch a record twice."""

    def __init__(self, state: ProjectState, context: Context) -> None:
        self.state = state
        self.context = context
        self.now_ms = context.now_ms
        self.mono_ms = context.mono_ms
        self.changes: list[Change] = []
        self.events: list[Event] = []
        self.forget_events: tuple[int, ...] = ()
        self._tasks: dict[str, TaskRecord] = {}
        self._removed: set[str] = set()
        self._slots: dict[int, SlotRecord | None] = {}
        self._task_leases: dict[str, TaskLease | None] = {}
        self._slot_leases: dict[int, SlotLease | None] = {}
        self._project: ProjectRecord | None = None
        self._done_changed = False

    # --- what is so, with this draft ----------------------------------------------------------

    @property
    def next_seq(self) -> int:
        """The number that the next event will get."""
        return self.state.seq + len(self.events) + 1

    @property
    def project(self) -> ProjectRecord:
        return self._project or self.state.record

    @property
    def tasks(self) -> Mapping[str, TaskRecord]:
        """All tasks by id, in their newest form. Removed ones may still be among them."""
        return ChainMap(self._tasks, self.state.tasks) if self._tasks else self.state.tasks

    def task(self, task_id: str) -> TaskRecord | None:
        if task_id in self._removed:
            return None
        return self._tasks.get(task_id) or self.state.tasks.get(task_id)

    def slot(self, number: int | None) -> SlotRecord | None:
        """The held slot of this number."""
        if number is None:
            return None
        return self._slots[number] if number in self._slots else self.state.slots.get(number)

    def is_done(self, task_id: str) -> bool:
        task = self.task(task_id)
        return task is not None and task.status == "done"

    def waits(self, task: TaskRecord) -> bool:
        """Whether a dependency of the task is not done."""
        known = self.state.tasks.get(task.id)
        if self._done_changed or known is None or known.dependencies != task.dependencies:
            return not all(map(self.is_done, task.dependencies))
        return bool(self.state.unmet_of(task.id))

    def view(self, task: TaskRecord) -> Task:
        """The task in full, as this draft leaves it."""
        lease = self._task_lease(task.id)
        now = Now(self.now_ms, self.mono_ms)
        return to_task(self.tasks, task, None if lease is None else now.on_wall(lease.ends_ms))

    def summary(self, task: TaskRecord) -> TaskSummary:
        return to_summary(self.tasks, task)

    # --- tasks --------------------------------------------------------------------------------

    def add(self, task: TaskRecord) -> TaskRecord:
        self._tasks[task.id] = task
        self._removed.discard(task.id)
        self.changes.append(Change(None, task))
        return task

    def change(self, task: TaskRecord, **fields: Any) -> TaskRecord:
        """The task's next version. A task that leaves `working` loses its lease."""
        before = self._tasks.get(task.id, task)
        after = msgspec.structs.replace(
            before, version=before.version + 1, updated_ms=self.now_ms, **fields
        )
        self._tasks[task.id] = after
        self.changes.append(Change(before, after))
        if (before.status == "done") != (after.status == "done"):
            self._done_changed = True
        if before.status == "working" and after.status != "working":
            self._put_task_lease(task.id, None)
        return after

    def rest(self, task: TaskRecord) -> dict[str, Any]:
        """The fields of a task that nobody works on: where it belongs, and since when."""
        if self.waits(task):
            return {"status": "blocked", "ready_ms": None}
        if max(task.not_before_ms or 0, task.retry_at_ms or 0) > self.now_ms:
            return {"status": "scheduled", "ready_ms": None}
        known = task.ready_ms if task.status == "available" else None
        return {"status": "available", "ready_ms": self.now_ms if known is None else known}

    def stop(self, task: TaskRecord, *, revoke: bool = False, **fields: Any) -> TaskRecord:
        """The next version of a task that nobody works on any more.

        Its slot stays with its worker. `revoke`: the worker did not want this and must hear of it.
        """
        slot = self.slot(task.worker_slot)
        if slot is not None and slot.task_id == task.id:
            self.change_slot(slot, task_id=None, revoked=task.id if revoke else slot.revoked)
        return self.change(task, worker_slot=None, lease_ms=None, reserved=(), **fields)

    def remove(self, task: TaskRecord) -> None:
        """Take a task out of the project."""
        self._put_task_lease(task.id, None)
        before = self._tasks.pop(task.id, task)
        self._removed.add(task.id)
        self.changes.append(Change(before, None))

    # --- slots --------------------------------------------------------------------------------

    def add_slot(self, slot: SlotRecord) -> SlotRecord:
        self._slots[slot.number] = slot
        self.changes.append(Change(None, slot))
        self.renew(slot)
        return slot

    def change_slot(self, slot: SlotRecord, **fields: Any) -> SlotRecord:
        before = self.slot(slot.number)
        assert before is not None, "only a held slot can change"
        after = msgspec.structs.replace(before, **fields)
        if after != before:
            self._slots[slot.number] = after
            self.changes.append(Change(before, after))
        return after

    def free_slot(self, slot: SlotRecord, cause: str, type_: EventType = "slot_released") -> None:
        """Take a slot, which works on nothing, from its worker."""
        before = self.slot(slot.number)
        self._slots[slot.number] = None
        self.changes.append(Change(before, None))
        self._put_slot_lease(slot.number, None)
        self.event(type_, slot=slot.number, worker_id=slot.worker_id, data={"cause": cause})

    # --- leases -------------------------------------------------------------------------------

    def begin_lease(self, task: TaskRecord, worked_ms: int = 0) -> None:
        """Start the lease of a task that was claimed `worked_ms` ago."""
        assert task.lease_ms is not None, "a claim has a lease"
        timeout_ms: int | None = None
        if task.timeout_ms is not None:
            timeout_ms = self.mono_ms + max(0, task.timeout_ms - worked_ms)
        lease = TaskLease(task.project, task.id, self.mono_ms + task.lease_ms, timeout_ms)
        self._put_task_lease(task.id, lease)

    def renew(self, slot: SlotRecord, waits_ms: int = 0) -> None:
        """A sign of life: the leases of a slot and of its task begin anew.

        `waits_ms`: the worker waits for an answer that long, and is alive meanwhile.
        """
        from_ms = self.mono_ms + waits_ms
        before = self._slot_lease(slot.number)
        if before is not None and not before.connected:
            self.event(
                "slot_claimed", slot=slot.number, worker_id=slot.worker_id, data={"resumed": True}
            )
        after = SlotLease(slot.project, slot.number, from_ms + slot.lease_ms)
        self._put_slot_lease(slot.number, after)
        task = self.task(slot.task_id) if slot.task_id is not None else None
        lease = self._task_lease(task.id) if task is not None else None
        if task is not None and lease is not None and task.lease_ms is not None:
            until_ms = from_ms + task.lease_ms
            self._put_task_lease(task.id, msgspec.structs.replace(lease, until_ms=until_ms))

    def touch(self, worker_id: str) -> None:
        """A call that a worker makes is a sign of life."""
        slot = self.slot(self.state.slot_of_worker.get(worker_id))
        if slot is not None:
            self.renew(slot)

    def limit_slot(self, number: int, until_ms: int, *, connected: bool) -> None:
        """End a slot's lease at this moment of the monotonic clock, if it does not end before."""
        before = self._slot_lease(number)
        if before is not None:
            until_ms = min(before.until_ms, until_ms)
            self._put_slot_lease(
                number, msgspec.structs.replace(before, until_ms=until_ms, connected=connected)
            )

    def _task_lease(self, task_id: str) -> TaskLease | None:
        if task_id in self._task_leases:
            return self._task_leases[task_id]
        return self.state.task_leases.get(task_id)

    def _slot_lease(self, number: int) -> SlotLease | None:
        if number in self._slot_leases:
            return self._slot_leases[number]
        return self.state.slot_leases.get(number)

    def _put_task_lease(self, task_id: str, after: TaskLease | None) -> None:
        before = self._task_lease(task_id)
        if before != after:
            self._task_leases[task_id] = after
            self.changes.append(Change(before, after))

    def _put_slot_lease(self, number: int, after: SlotLease | None) -> None:
        before = self._slot_lease(number)
        if before != after:
            self._slot_leases[number] = after
            self.changes.append(Change(before, after))

    # --- the project and the history ----------------------------------------------------------

    def change_project(self, **fields: Any) -> ProjectRecord:
        before = self.project
        self._project = msgspec.structs.replace(before, **fields)
        self.changes.append(Change(before, self._project))
        return self._project

    def task_event(
        self,
        type_: EventType,
        task: TaskRecord,
        data: Mapping[str, Any] | None = None,
        slot: int | None = None,
    ) -> None:
        """An event about a task's new version. What is None in `data` is left out."""
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
                data=_without_none(data),
            )
        )

    def event(
        self,
        type_: EventType,
        *,
        worker_id: str | None = None,
        slot: int | None = None,
        task_id: str | None = None,
        data: Mapping[str, Any] | None = None,
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
                data=_without_none(data),
            )
        )

    def decided(self, reply: msgspec.Struct) -> Decision:
        """The decision. Slots beyond the project's number, that work on nothing now, are freed."""
        for number, slot in list(self._slots.items()):
            if slot is not None and slot.task_id is None and number > self.project.slots:
                self.free_slot(slot, "slots_reduced")
        return Decision(reply, self.changes, self.events, self.forget_events)


def _without_none(data: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not data:
        return None
    return {name: value for name, value in data.items() if value is not None} or None


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


def claim_token(claim_seq: int) -> str:
    """The fencing token of a claim: it grows with every claim of the project.

    Source: Martin Kleppmann, "How to do distributed locking" (2016), on fencing tokens.
    """
    return str(claim_seq)
