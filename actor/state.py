"""What is true now: the records of each project and the indexes over them.

Owns the containers and keeps every index in step with the records: the orders that pages walk,
the graph's edges, the queue of claims and the agenda of due moments. The only way to change it is
`World.apply`; `World.revert` takes a change back. Pure: decides nothing and knows no clock, I/O,
Trio or randomness. `actor.invariants` says what must hold.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from sortedcontainers import SortedList

from actor.agenda import Agenda, Due
from actor.queue import ClaimQueue, Key, Order, claim_key
from actor.records import (
    ProjectRecord,
    SlotLease,
    SlotRecord,
    TaskLease,
    TaskRecord,
    TemplateRecord,
)
from protocol.models import STATUSES, Status

__all__ = [
    "FINISHED",
    "Key",
    "Order",
    "ProjectState",
    "claim_key",
    "created_key",
    "deadline_moment",
    "is_overdue",
    "start_moment",
    "updated_key",
]

Member = TypeVar("Member")

FINISHED: Final[frozenset[Status]] = frozenset({"done", "failed", "cancelled"})


def created_key(task: TaskRecord) -> Key:
    """The order of creation."""
    return (task.number, 0, 0, task.id)


def updated_key(task: TaskRecord) -> Key:
    """The order of the last change."""
    return (task.updated_ms, task.number, 0, task.id)


def start_moment(task: TaskRecord) -> int | None:
    """When a scheduled task becomes available, on the wall clock."""
    if task.status != "scheduled":
        return None
    return max(task.not_before_ms or 0, task.retry_at_ms or 0)


def deadline_moment(task: TaskRecord) -> int | None:
    """When a task is to be told overdue, on the wall clock; None if it is finished or was told."""
    return None if task.overdue or task.status in FINISHED else task.deadline_ms


class ProjectState:
    """One project: its tasks and slots. Read freely; write through `World` only."""

    def __init__(self, record: ProjectRecord, agenda: Agenda) -> None:
        self.record = record
        self.seq = 0
        """The number of the last event."""
        self.tasks: dict[str, TaskRecord] = {}
        self.slots: dict[int, SlotRecord] = {}
        """The held ones."""
        self.templates: dict[str, TemplateRecord] = {}
        self.task_leases: dict[str, TaskLease] = {}
        """One for each working task."""
        self.slot_leases: dict[int, SlotLease] = {}
        """One for each held slot."""
        self.slot_of_worker: dict[str, int] = {}
        self.slots_of_session: dict[str, dict[int, None]] = {}
        self.dependents: dict[str, dict[str, None]] = {}
        """Task id -> ids of the tasks that name it as a dependency, in order of addition."""
        self.unmet: dict[str, int] = {}
        """Task id -> how many of its dependencies are not done. Absent means none."""
        self.overdue: dict[str, None] = {}
        """Unfinished tasks whose deadline passed."""
        self.by_status: dict[Status, dict[str, None]] = {status: {} for status in STATUSES}
        self.queue = ClaimQueue(self.tasks)
        self.in_claim_order: Order = SortedList()
        self.in_creation_order: Order = SortedList()
        self.in_update_order: Order = SortedList()
        self._agenda = agenda

    @property
    def ready(self) -> Order:
        """All available tasks in the order of claims."""
        return self.queue.ready

    def is_done(self, task_id: str) -> bool:
        task = self.tasks.get(task_id)
        return task is not None and task.status == "done"

    def unmet_of(self, task_id: str) -> int:
        """How many dependencies of the task are not done."""
        return self.unmet.get(task_id, 0)

    def unfinished(self) -> int:
        """How many tasks are still to be done."""
        return len(self.tasks) - sum(len(self.by_status[status]) for status in FINISHED)

    def lowest_free_slot(self) -> int | None:
        # Slots are given from the lowest up, so the gap is found early unless nearly all are held.
        # Slots beyond the number are on their way out and leave no room below it.
        total = self.record.slots
        if len(self.slots) >= total and all(number <= total for number in self.slots):
            return None
        return next((n for n in range(1, total + 1) if n not in self.slots), None)

    # --- kept by World ------------------------------------------------------------------------

    def put_task(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        """Replace a task's record (None stands for absence) and bring the indexes along."""
        self._reindex(before, after)
        self._relink(before, after)
        was_done = before is not None and before.status == "done"
        is_done = after is not None and after.status == "done"
        if was_done != is_done:
            self._count_for_dependents((after or before).id, -1 if is_done else 1)  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there

    def load_tasks(self, tasks: list[TaskRecord]) -> None:
        """Fill an empty project: sorting each index once is far cheaper than adding one by one."""
        self.tasks.update((task.id, task) for task in tasks)
        for task in tasks:
            self.by_status[task.status][task.id] = None
            for name in task.dependencies:
                self.dependents.setdefault(name, {})[task.id] = None
            if task.dependencies:
                self._set_unmet(task.id, sum(not self.is_done(name) for name in task.dependencies))
            self._plan(None, task)
        self.queue.load(tasks)
        self.in_claim_order.update(map(claim_key, tasks))
        self.in_creation_order.update(map(created_key, tasks))
        self.in_update_order.update(map(updated_key, tasks))

    def put_slot(self, before: SlotRecord | None, after: SlotRecord | None) -> None:
        """Replace a slot's record; None stands for a free slot."""
        if before is not None:
            del self.slots[before.number]
            if before.worker_id is not None:
                del self.slot_of_worker[before.worker_id]
            if before.session is not None:
                _discard(self.slots_of_session, before.session, before.number)
        if after is not None:
            self.slots[after.number] = after
            if after.worker_id is not None:
                self.slot_of_worker[after.worker_id] = after.number
            if after.session is not None:
                self.slots_of_session.setdefault(after.session, {})[after.number] = None

    def put_template(self, before: TemplateRecord | None, after: TemplateRecord | None) -> None:
        """Replace a template; None stands for absence."""
        if before is not None and after is None:
            del self.templates[before.name]
        if after is not None:
            self.templates[after.name] = after

    def put_task_lease(self, before: TaskLease | None, after: TaskLease | None) -> None:
        """Replace the lease of a working task."""
        if after is not None:
            self.task_leases[after.task_id] = after
            due = Due("task_lease", self.record.number, after.task_id)
            self._agenda.set(due, after.ends_ms)
        elif before is not None:
            del self.task_leases[before.task_id]
            self._agenda.set(Due("task_lease", self.record.number, before.task_id), None)

    def put_slot_lease(self, before: SlotLease | None, after: SlotLease | None) -> None:
        """Replace the lease of a held slot."""
        if after is not None:
            self.slot_leases[after.number] = after
            due = Due("slot_lease", self.record.number, str(after.number))
            self._agenda.set(due, after.until_ms)
        elif before is not None:
            del self.slot_leases[before.number]
            self._agenda.set(Due("slot_lease", self.record.number, str(before.number)), None)

    def _reindex(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        if before is not None:
            del self.tasks[before.id]
            del self.by_status[before.status][before.id]
        if after is not None:
            self.tasks[after.id] = after
            self.by_status[after.status][after.id] = None
        _move(self.in_claim_order, claim_key, before, after)
        _move(self.in_creation_order, created_key, before, after)
        _move(self.in_update_order, updated_key, before, after)
        self.queue.put(before, after)
        self._plan(before, after)

    def _plan(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        """Bring the agenda, and the list of what is overdue, in step with a task."""
        for kind, moment_of in (("start", start_moment), ("deadline", deadline_moment)):
            old = moment_of(before) if before is not None else None
            new = moment_of(after) if after is not None else None
            if old != new:
                task_id = (after or before).id  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there
                self._agenda.set(Due(kind, self.record.number, task_id), new)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] -- the two kinds above
        if before is not None and is_overdue(before):
            del self.overdue[before.id]
        if after is not None and is_overdue(after):
            self.overdue[after.id] = None

    def _relink(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        """Bring `dependents` and the task's own `unmet` count in step with its dependencies."""
        old = before.dependencies if before is not None else ()
        new = after.dependencies if after is not None else ()
        if old == new:
            return
        task_id = (after or before).id  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there
        for name in old:
            _discard(self.dependents, name, task_id)
        for name in new:
            self.dependents.setdefault(name, {})[task_id] = None
        self._set_unmet(task_id, sum(not self.is_done(name) for name in new))

    def _count_for_dependents(self, task_id: str, step: int) -> None:
        for name in self.dependents.get(task_id, ()):
            self._set_unmet(name, self.unmet_of(name) + step)

    def _set_unmet(self, task_id: str, count: int) -> None:
        if count:
            self.unmet[task_id] = count
        else:
            self.unmet.pop(task_id, None)


def is_overdue(task: TaskRecord) -> bool:
    """Whether a task that is still to be done is past its deadline, and that was told."""
    return task.overdue and task.status not in FINISHED


def _discard(index: dict[str, dict[Member, None]], name: str, member: Member) -> None:
    members = index[name]
    del members[member]
    if not members:
        del index[name]


def _move(
    order: Order,
    key_of: Callable[[TaskRecord], Key],
    before: TaskRecord | None,
    after: TaskRecord | None,
) -> None:
    """Bring an order in step. Most changes leave most keys as they are, and cost nothing."""
    old = key_of(before) if before is not None else None
    new = key_of(after) if after is not None else None
    if old == new:
        return
    if old is not None:
        order.remove(old)
    if new is not None:
        order.add(new)
