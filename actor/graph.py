"""The graph of dependencies: what may be added to it, and where waiting ends.

Owns the checks against unknown dependencies and cycles, and the search for root causes. Pure, and
free of recursion: a chain of 100,000 tasks is an ordinary plan.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from actor.records import TaskRecord
from actor.state import FINISHED, ProjectState
from protocol.errors import DependencyCycle, UnknownDependency
from protocol.limits import LISTED_MAX, SCAN_MAX
from protocol.models import Blocker, Status

__all__ = ["check_edges", "downstream", "root_causes", "unfinished_downstream", "upstream"]

Edges = Mapping[str, Sequence[str]]


def check_edges(state: ProjectState, edges: Edges) -> None:
    """Whether these tasks may have these dependencies: all known, and no cycle.

    `edges` are new tasks, or existing ones with new dependencies; they may name one another.

    Raises:
        UnknownDependency: `data.missing` names what does not exist.
        DependencyCycle: `data.cycle` spells it out, from a task back to itself.
    """
    missing = {
        name: task_id
        for task_id, names in edges.items()
        for name in names
        if name not in edges and name not in state.tasks
    }
    if missing:
        name, task_id = next(iter(missing.items()))
        more = f" ({len(missing) - 1} more are missing)" if len(missing) > 1 else ""
        raise UnknownDependency(
            f"There is no task `{name}` for `{task_id}` to depend on{more}. Add it first, or in "
            "the same `add_tasks` call.",
            missing=list(missing)[:LISTED_MAX],
            taskId=task_id,
        )
    cycle = _find_cycle(state, edges)
    if cycle is not None:
        shown = cycle if len(cycle) <= LISTED_MAX else [*cycle[:LISTED_MAX], cycle[-1]]
        steps = " -> ".join(f"`{name}`" for name in shown[:10])
        steps += " -> ..." if len(shown) > 10 else ""
        raise DependencyCycle(
            f"The dependencies run in a circle: {steps}. Leave one of them out.", cycle=shown
        )


def _find_cycle(state: ProjectState, edges: Edges) -> list[str] | None:
    """Depth-first search from the changed tasks; everything else is known to be free of cycles.

    A cycle must run through a changed task. New tasks have no dependents outside of `edges`, so
    the search looks past `edges` only for tasks that exist already and got new dependencies.
    """

    def next_of(name: str) -> Sequence[str]:
        names = edges.get(name)
        if names is not None:
            return names
        task = state.tasks.get(name)
        return task.dependencies if task is not None and leads_back else ()

    leads_back = any(name in state.tasks for name in edges)
    finished: set[str] = set()
    for start in edges:
        cycle = _walk(start, next_of, finished)
        if cycle is not None:
            return cycle
    return None


def _walk(
    start: str, next_of: Callable[[str], Sequence[str]], finished: set[str]
) -> list[str] | None:
    if start in finished:
        return None
    path = {start: iter(next_of(start))}
    while path:
        name, steps = next(reversed(path.items()))
        following = next((step for step in steps if step not in finished), None)
        if following is None:
            finished.add(name)
            del path[name]
        elif following in path:
            names = list(path)
            return [*names[names.index(following) :], following]
        else:
            path[following] = iter(next_of(following))
    return None


# --- lineage ----------------------------------------------------------------------------------


def upstream(state: ProjectState, task_id: str) -> set[str]:
    """The task and all that it depends on, directly or indirectly; nothing if it is unknown."""
    tasks = state.tasks
    return _reached(task_id, lambda name: tasks[name].dependencies) if task_id in tasks else set()


def downstream(state: ProjectState, task_id: str) -> set[str]:
    """The task and all that depend on it, directly or indirectly; nothing if it is unknown."""
    dependents = state.dependents
    known = task_id in state.tasks
    return _reached(task_id, lambda name: dependents.get(name, ())) if known else set()


def unfinished_downstream(state: ProjectState, task: TaskRecord, looked_at_max: int) -> int:
    """How many tasks that are not finished wait for this one, directly or indirectly, among the
    first so many that are looked at."""
    seen = {task.id}
    waiting = [task.id]
    while waiting:
        for name in state.dependents.get(waiting.pop(), ()):
            if name in seen or state.tasks[name].status in FINISHED:
                continue
            if len(seen) > looked_at_max:
                return looked_at_max
            seen.add(name)
            waiting.append(name)
    return len(seen) - 1


def _reached(start: str, next_of: Callable[[str], Iterable[str]]) -> set[str]:
    reached = {start}
    rest = [start]
    while rest:
        for name in next_of(rest.pop()):
            if name not in reached:
                reached.add(name)
                rest.append(name)
    return reached


# --- waiting ----------------------------------------------------------------------------------


def root_causes(state: ProjectState, task: TaskRecord) -> list[Blocker]:
    """Where the task's waiting ends: tasks not done that wait for no other task.

    What needs a person comes first: failed, cancelled, then available,
    then scheduled, then working. At most 100,
    after looking at no more than 5,000 tasks.
    """
    causes: dict[str, Blocker] = {}
    seen = {task.id}
    waiting = [task]
    while waiting and len(seen) < SCAN_MAX:
        for dependency in _unfinished(state, waiting.pop().dependencies):
            if dependency.id in seen:
                continue
            seen.add(dependency.id)
            if dependency.status == "blocked":
                waiting.append(dependency)
            else:
                causes[dependency.id] = Blocker(task_id=dependency.id, status=dependency.status)
    return sorted(causes.values(), key=lambda cause: _URGENCY[cause.status])[:LISTED_MAX]


_URGENCY: Mapping[Status, int] = {
    "failed": 0,
    "cancelled": 1,
    "available": 2,
    "scheduled": 3,
    "working": 4,
    "blocked": 5,
    "done": 6,
}


def _unfinished(state: ProjectState, names: Iterable[str]) -> Iterable[TaskRecord]:
    return (task for name in names if (task := state.tasks[name]).status != "done")
