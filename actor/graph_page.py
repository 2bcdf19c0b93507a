"""Which tasks a picture of the graph shows, and what of each.

Owns the choice: what passes the filter, or by default all unfinished work and a few levels of what
it was built on. Looks at no more than `GRAPH_SCAN_MAX` tasks. Must not know where anything is
drawn. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from actor.filtering import Filter
from actor.records import TaskRecord
from actor.state import FINISHED, ProjectState
from actor.views import title_of
from protocol.limits import GRAPH_SCAN_MAX
from protocol.models import Status
from protocol.params import GetGraph
from protocol.results import Graph, GraphNode

__all__ = ["get_graph"]

_OPEN: Final[tuple[Status, ...]] = ("working", "available", "scheduled", "blocked")
"""In the order in which they are kept where not all can be shown."""


def get_graph(state: ProjectState, params: GetGraph, _now: object) -> Graph:
    """The chosen tasks, and how many edges lead to others."""
    chosen, truncated = _chosen(state, params)
    shown_dependents = Counter(name for task in chosen.values() for name in task.dependencies)
    return Graph(
        nodes=[_node(state, task, chosen, shown_dependents[task.id]) for task in chosen.values()],
        seq=state.seq,
        truncated=truncated,
    )


def _chosen(state: ProjectState, params: GetGraph) -> tuple[dict[str, TaskRecord], bool]:
    wanted = Filter(state, params)
    candidates: Iterable[TaskRecord] | None = wanted.few(GRAPH_SCAN_MAX)
    by_default = not _says_what(params)
    if candidates is None or by_default:
        candidates = _open(state) if by_default else _newest(state)
    chosen: dict[str, TaskRecord] = {}
    for scanned, task in enumerate(candidates):
        if scanned == GRAPH_SCAN_MAX:
            return chosen, True
        if wanted.passes(task):
            if len(chosen) == params.limit:
                return chosen, True
            chosen[task.id] = task
    levels = params.finished_levels if by_default else 0
    return chosen, _add_finished(state, chosen, levels, params.limit)


def _says_what(params: GetGraph) -> bool:
    """Whether the filter itself says which tasks are meant, finished ones included."""
    return bool(params.status or params.ids or params.upstream_of or params.downstream_of)


def _open(state: ProjectState) -> Iterator[TaskRecord]:
    return (state.tasks[name] for status in _OPEN for name in state.by_status[status])


def _newest(state: ProjectState) -> Iterator[TaskRecord]:
    return (state.tasks[key[-1]] for key in reversed(state.in_creation_order))


def _add_finished(
    state: ProjectState, chosen: dict[str, TaskRecord], levels: int, limit: int
) -> bool:
    """Add what was finished for the chosen tasks; whether there was no room for all of it."""
    border = list(chosen.values())
    for _ in range(levels):
        found: dict[str, TaskRecord] = {}
        for name in (name for task in border for name in task.dependencies):
            task = state.tasks[name]
            if task.status in FINISHED and name not in chosen:
                found[name] = task
        room = limit - len(chosen)
        chosen.update(islice(found.items(), room))
        if len(found) > room:
            return True
        border = list(found.values())
    return False


def _node(
    state: ProjectState, task: TaskRecord, chosen: dict[str, TaskRecord], shown_dependents: int
) -> GraphNode:
    shown = [name for name in task.dependencies if name in chosen]
    return GraphNode(
        id=task.id,
        title=title_of(task),
        status=task.status,
        priority=task.priority,
        version=task.version,
        worker_id=task.worker_id,
        progress=task.progress,
        overdue=task.overdue,
        dependencies=shown,
        hidden_dependencies=len(task.dependencies) - len(shown),
        hidden_dependents=len(state.dependents.get(task.id, ())) - shown_dependents,
    )
