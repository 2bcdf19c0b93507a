"""Which tasks pass a filter, and which of them an index can name without looking at all.

Owns what each condition of `TaskFilter` means. What is the same for every task, such as all that
a task depends on, is found out once. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from actor.graph import downstream, upstream
from actor.records import TaskRecord
from actor.state import Key, ProjectState, is_overdue
from actor.timestamps import from_datetime
from protocol.params import TaskFilter

__all__ = ["Condition", "Filter"]

Condition = Callable[[TaskRecord], bool]
Names = tuple[int, Iterable[str]]
"""Some task ids, and how many there are."""

_NOTHING: Final[Mapping[str, None]] = {}


class Filter:
    """A filter over the state as it is now: to be used at once, before anything changes."""

    def __init__(self, state: ProjectState, wanted: TaskFilter) -> None:
        self._state = state
        self._wanted = wanted
        self._lineage = _lineage(state, wanted)
        self._conditions = [*self._plain(), *self._related(), *self._timed()]
        if wanted.search is not None:
            self._conditions.append(_contains(wanted.search))

    def passes(self, task: TaskRecord) -> bool:
        """Whether the task passes every condition."""
        return all(condition(task) for condition in self._conditions)

    def few(self, at_most: int) -> list[TaskRecord] | None:
        """All tasks that might pass, in no order, if an index knows so few of them."""
        count, names = min(self._indexed(), key=lambda found: found[0], default=(0, None))
        if names is None or count > at_most:
            return None
        tasks = self._state.tasks
        return [tasks[name] for name in names if name in tasks]

    # --- indexes ------------------------------------------------------------------------------

    def _indexed(self) -> Iterable[Names]:
        """Everything that an index narrows the filter down to."""
        state, wanted = self._state, self._wanted
        if self._lineage is not None:
            yield len(self._lineage), self._lineage
        if wanted.ids:
            ids = dict.fromkeys(wanted.ids)
            yield len(ids), ids
        if wanted.depends_on is not None:
            dependents = state.dependents.get(wanted.depends_on, _NOTHING)
            yield len(dependents), dependents
        if wanted.overdue:
            yield len(state.overdue), state.overdue
        if wanted.status:
            statuses = [state.by_status[status] for status in dict.fromkeys(wanted.status)]
            yield sum(map(len, statuses)), (name for names in statuses for name in names)
        if wanted.updated_after is not None or wanted.updated_before is not None:
            yield self._updated()

    def _updated(self) -> Names:
        order = self._state.in_update_order
        after, before = self._wanted.updated_after, self._wanted.updated_before
        low = 0 if after is None else order.bisect_left(_moment_key(from_datetime(after)))
        high = (
            len(order) if before is None else order.bisect_left(_moment_key(from_datetime(before)))
        )
        return max(0, high - low), (key[-1] for key in order.islice(low, high))

    # --- conditions ---------------------------------------------------------------------------

    def _plain(self) -> Iterable[Condition]:
        wanted = self._wanted
        if wanted.ids:
            ids = frozenset(wanted.ids)
            yield lambda task: task.id in ids
        if wanted.status:
            statuses = frozenset(wanted.status)
            yield lambda task: task.status in statuses
        if wanted.tags:
            tags = frozenset(wanted.tags)
            yield lambda task: tags.issubset(task.tags)
        if wanted.exclude_tags:
            excluded = frozenset(wanted.exclude_tags)
            yield lambda task: excluded.isdisjoint(task.tags)
        if wanted.worker_id is not None:
            yield lambda task: task.worker_id == wanted.worker_id
        if wanted.overdue is not None:
            yield lambda task: is_overdue(task) == wanted.overdue
        if wanted.priority_min is not None:
            lowest = wanted.priority_min
            yield lambda task: task.priority >= lowest
        if wanted.priority_max is not None:
            highest = wanted.priority_max
            yield lambda task: task.priority <= highest

    def _related(self) -> Iterable[Condition]:
        depends_on, lineage = self._wanted.depends_on, self._lineage
        if depends_on is not None:
            yield lambda task: depends_on in task.dependencies
        if lineage is not None:
            yield lambda task: task.id in lineage

    def _timed(self) -> Iterable[Condition]:
        wanted = self._wanted
        if wanted.created_after is not None:
            created_from = from_datetime(wanted.created_after)
            yield lambda task: task.created_ms >= created_from
        if wanted.created_before is not None:
            created_until = from_datetime(wanted.created_before)
            yield lambda task: task.created_ms < created_until
        if wanted.updated_after is not None:
            updated_from = from_datetime(wanted.updated_after)
            yield lambda task: task.updated_ms >= updated_from
        if wanted.updated_before is not None:
            updated_until = from_datetime(wanted.updated_before)
            yield lambda task: task.updated_ms < updated_until


def _lineage(state: ProjectState, wanted: TaskFilter) -> set[str] | None:
    """The tasks that are related as it is asked for; None if it is not."""
    related: set[str] | None = None
    if wanted.upstream_of is not None:
        related = upstream(state, wanted.upstream_of)
    if wanted.downstream_of is not None:
        after = downstream(state, wanted.downstream_of)
        related = after if related is None else related & after
    return related


def _moment_key(at_ms: int) -> Key:
    """Where a moment stands in the order of the last change: before all that changed then."""
    return (at_ms, 0, 0, "")


def _contains(search: str) -> Condition:
    """Whether each word is part of the id or the description."""
    words = search.casefold().split()

    def contains(task: TaskRecord) -> bool:
        name, description = task.id.casefold(), task.description.casefold()
        return all(word in name or word in description for word in words)

    return contains
