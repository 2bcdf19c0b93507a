"""What is true now: the records of each project and the indexes over them.

Owns the containers and keeps every index in step with the records. The only way to change it is
`World.apply`; `World.revert` takes a change back. Pure: decides nothing and knows no clock, I/O,
Trio or randomness. `actor.invariants` says what must hold.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from sortedcontainers import SortedList

from actor.records import Change, ProjectRecord, Record, SlotRecord, TaskRecord
from protocol.models import STATUSES, Status

__all__ = ["ProjectState", "World", "claim_key", "created_key", "updated_key"]

Key = tuple[int, int, str]
Order: TypeAlias = "SortedList[Key]"


def claim_key(task: TaskRecord) -> Key:
    """The order of claims: priority (high first), then creation."""
    return (-task.priority, task.number, task.id)


def created_key(task: TaskRecord) -> Key:
    """The order of creation."""
    return (task.number, 0, task.id)


def updated_key(task: TaskRecord) -> Key:
    """The order of the last change."""
    return (task.updated_ms, task.number, task.id)


class ProjectState:
    """One project: its tasks and slots. Read freely; write through `World` only."""

    def __init__(self, record: ProjectRecord, seq: int = 0) -> None:
        self.record = record
        self.seq = seq
        """The number of the last event."""
        self.tasks: dict[str, TaskRecord] = {}
        self.slots: dict[int, SlotRecord] = {}
        """The held ones."""
        self.slot_of_worker: dict[str, int] = {}
        self.dependents: dict[str, dict[str, None]] = {}
        """Task id -> ids of the tasks that name it as a dependency, in order of addition."""
        self.unmet: dict[str, int] = {}
        """Task id -> how many of its dependencies are not done. Absent means none."""
        self.by_status: dict[Status, dict[str, None]] = {status: {} for status in STATUSES}
        self.ready: Order = SortedList()
        self.in_claim_order: Order = SortedList()
        self.in_creation_order: Order = SortedList()
        self.in_update_order: Order = SortedList()

    def is_done(self, task_id: str) -> bool:
        task = self.tasks.get(task_id)
        return task is not None and task.status == "done"

    def unmet_of(self, task_id: str) -> int:
        """How many dependencies of the task are not done."""
        return self.unmet.get(task_id, 0)

    def lowest_free_slot(self) -> int | None:
        # Slots are given from the lowest up, so the gap is found early unless nearly all are held.
        if len(self.slots) >= self.record.slots:
            return None
        return next(n for n in range(1, self.record.slots + 1) if n not in self.slots)

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
        self.tasks = {task.id: task for task in tasks}
        for task in tasks:
            self.by_status[task.status][task.id] = None
            for name in task.dependencies:
                self.dependents.setdefault(name, {})[task.id] = None
            self._set_unmet(task.id, sum(not self.is_done(name) for name in task.dependencies))
        self.ready.update(claim_key(task) for task in tasks if task.status == "available")
        self.in_claim_order.update(map(claim_key, tasks))
        self.in_creation_order.update(map(created_key, tasks))
        self.in_update_order.update(map(updated_key, tasks))

    def put_slot(self, before: SlotRecord | None, after: SlotRecord | None) -> None:
        """Replace a slot's record; None stands for a free slot."""
        if before is not None:
            del self.slots[before.number]
            if before.worker_id is not None:
                del self.slot_of_worker[before.worker_id]
        if after is not None:
            self.slots[after.number] = after
            if after.worker_id is not None:
                self.slot_of_worker[after.worker_id] = after.number

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
        _move(self.ready, claim_key, _if_available(before), _if_available(after))

    def _relink(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        """Bring `dependents` and the task's own `unmet` count in step with its dependencies."""
        old = before.dependencies if before is not None else ()
        new = after.dependencies if after is not None else ()
        if old == new:
            return
        task_id = (after or before).id  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there
        for name in old:
            waiting = self.dependents[name]
            del waiting[task_id]
            if not waiting:
                del self.dependents[name]
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


def _if_available(task: TaskRecord | None) -> TaskRecord | None:
    return task if task is not None and task.status == "available" else None


class World:
    """All projects of one server."""

    def __init__(self, default_slots: int) -> None:
        self.default_slots = default_slots
        self.projects: dict[str, ProjectState] = {}
        self.by_number: dict[int, ProjectState] = {}
        self.last_number = 0
        """The highest task number ever used."""

    def load(
        self,
        projects: Iterable[ProjectRecord],
        tasks: Iterable[TaskRecord],
        slots: Iterable[SlotRecord],
    ) -> None:
        """Fill an empty world from stored records."""
        for project in projects:
            self.adopt(ProjectState(project))
        by_project: dict[int, list[TaskRecord]] = {number: [] for number in self.by_number}
        for task in tasks:
            by_project[task.project].append(task)
            self.last_number = max(self.last_number, task.number)
        for number, records in by_project.items():
            self.by_number[number].load_tasks(records)
        for slot in slots:
            self.by_number[slot.project].put_slot(None, slot)

    def find(self, name: str, now_ms: int) -> ProjectState:
        """The project, or an empty one that exists once a change about it is applied."""
        found = self.projects.get(name)
        if found is not None:
            return found
        number = max(self.by_number, default=0) + 1
        record = ProjectRecord(
            number=number, name=name, slots=self.default_slots, created_ms=now_ms
        )
        return ProjectState(record)

    def adopt(self, state: ProjectState) -> None:
        """Make a project that `find` made up a real one."""
        self.projects[state.record.name] = state
        self.by_number[state.record.number] = state

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes true, in order."""
        for change in changes:
            self._put(change.before, change.after)

    def revert(self, changes: list[Change]) -> None:
        """Undo changes that `apply` made, the last one first."""
        for change in reversed(changes):
            self._put(change.after, change.before)

    def _put(self, before: Record | None, after: Record | None) -> None:
        match before, after:
            case (TaskRecord() | None, TaskRecord(project=project, number=number)):
                self.last_number = max(self.last_number, number)
                self.by_number[project].put_task(before, after)
            case (TaskRecord(project=project), None):
                self.by_number[project].put_task(before, None)
            case (SlotRecord() | None, SlotRecord(project=project)):
                self.by_number[project].put_slot(before, after)
            case (SlotRecord(project=project), None):
                self.by_number[project].put_slot(before, None)
            case (ProjectRecord() | None, ProjectRecord(number=number)):
                self.by_number[number].record = after
            case (ProjectRecord(number=number, name=name), None):
                del self.by_number[number], self.projects[name]
            case _:
                raise AssertionError("a change keeps its kind")
