"""All projects of one server, and the one way to change them.

Owns loading, applying and reverting changes. Pure: decides nothing and knows no clock, I/O, Trio or
randomness.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actor.agenda import Agenda
from actor.records import (
    Change,
    ProjectRecord,
    Record,
    SlotLease,
    SlotRecord,
    TaskLease,
    TaskRecord,
    TemplateRecord,
)
from actor.state import ProjectState

__all__ = ["World"]


class World:
    """Read freely; write through `apply` and `revert`."""

    def __init__(self, default_slots: int) -> None:
        self.default_slots = default_slots
        self.projects: dict[str, ProjectState] = {}
        self.by_number: dict[int, ProjectState] = {}
        self.agenda = Agenda()
        """Everything that becomes due by itself, of all projects."""
        self.last_number = 0
        """The highest task number ever used."""

    def load(
        self,
        projects: Iterable[ProjectRecord],
        tasks: Iterable[TaskRecord],
        slots: Iterable[SlotRecord],
        templates: Iterable[TemplateRecord] = (),
    ) -> None:
        """Fill an empty world from stored records. Whoever holds something needs a lease then."""
        for project in projects:
            self.adopt(ProjectState(project, self.agenda))
        by_project: dict[int, list[TaskRecord]] = {number: [] for number in self.by_number}
        for task in tasks:
            by_project[task.project].append(task)
            self.last_number = max(self.last_number, task.number)
        for number, records in by_project.items():
            self.by_number[number].load_tasks(records)
        for slot in slots:
            self.by_number[slot.project].put_slot(None, slot)
        for template in templates:
            self.by_number[template.project].put_template(None, template)

    def find(self, name: str, now_ms: int) -> ProjectState:
        """The project, or an empty one that exists once a change about it is applied."""
        found = self.projects.get(name)
        if found is not None:
            return found
        number = max(self.by_number, default=0) + 1
        record = ProjectRecord(
            number=number, name=name, slots=self.default_slots, created_ms=now_ms
        )
        return ProjectState(record, self.agenda)

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
        record = after if after is not None else before
        assert record is not None, "a change has a before or an after"
        if isinstance(record, ProjectRecord):
            self._put_project(record, exists=after is not None)
            return
        if isinstance(after, TaskRecord):
            self.last_number = max(self.last_number, after.number)
        _KEEPERS[type(record)](self.by_number[record.project], before, after)

    def _put_project(self, record: ProjectRecord, *, exists: bool) -> None:
        if exists:
            self.by_number[record.number].record = record
        else:
            del self.by_number[record.number], self.projects[record.name]


_KEEPERS: Mapping[type[Any], Callable[[ProjectState, Any, Any], None]] = {
    TaskRecord: ProjectState.put_task,
    SlotRecord: ProjectState.put_slot,
    TaskLease: ProjectState.put_task_lease,
    SlotLease: ProjectState.put_slot_lease,
    TemplateRecord: ProjectState.put_template,
}
"""Which part of a project keeps which kind of record."""
