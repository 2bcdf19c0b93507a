"""What readers may ask: one pure function per query that the state can answer.

Owns the replies that change nothing. Each takes the project's state and the typed params. Must
not touch the state. Queries about history and connections are not here: they need the store or
the publisher (`actor.loop`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from actor.graph import root_causes
from actor.pages import available_page, filtered_page, summary_page
from actor.records import TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.transitions.draft import require_task
from actor.views import blockers, to_slots, to_summary, to_task
from protocol.limits import LISTED_MAX
from protocol.models import STATUSES, Blocker
from protocol.params import (
    ExplainTask,
    GetAllTasks,
    GetAvailableTasks,
    GetSnapshot,
    GetTask,
    GetWorkers,
    ListTasks,
)
from protocol.results import (
    Counts,
    Snapshot,
    TaskExplained,
    TaskPage,
    TaskResult,
    TaskSummaryPage,
    Workers,
)

__all__ = ["QUERIES", "Query"]

Query = Callable[[ProjectState, Any, int], Any]
"""(state, params, now in milliseconds) -> result struct."""


def get_workers(state: ProjectState, params: GetWorkers, now_ms: int) -> Workers:
    """All slots."""
    del params, now_ms
    total = state.record.slots
    return Workers(
        workers=to_slots(state), total=total, free=total - len(state.slots), seq=state.seq
    )


def get_task(state: ProjectState, params: GetTask, now_ms: int) -> TaskResult:
    """One task in full."""
    del now_ms
    return TaskResult(task=to_task(state.tasks, require_task(state, params.task_id)))


def get_available_tasks(
    state: ProjectState, params: GetAvailableTasks, now_ms: int
) -> TaskSummaryPage:
    """What can be claimed now, in order."""
    del now_ms
    tasks, cursor = available_page(state, params)
    return _summaries(state, tasks, cursor, total=len(state.by_status["available"]))


def get_all_tasks(state: ProjectState, params: GetAllTasks, now_ms: int) -> TaskSummaryPage:
    """Everything in short."""
    del now_ms
    tasks, cursor = summary_page(state, params)
    return _summaries(state, tasks, cursor, total=len(state.tasks))


def list_tasks(state: ProjectState, params: ListTasks, now_ms: int) -> TaskPage:
    """What passes a filter, in full."""
    del now_ms
    tasks, cursor = filtered_page(state, params)
    return TaskPage(
        tasks=[to_task(state.tasks, task) for task in tasks], seq=state.seq, next_cursor=cursor
    )


def get_snapshot(state: ProjectState, params: GetSnapshot, now_ms: int) -> Snapshot:
    """Counters, slots and the head of the queue."""
    head, _ = available_page(state, GetAvailableTasks(limit=max(params.limit, 1)))
    return Snapshot(
        project=state.record.name,
        seq=state.seq,
        time=to_text(now_ms),
        counts=Counts(**{status: len(state.by_status[status]) for status in STATUSES}),
        workers=to_slots(state),
        queue=[to_summary(state.tasks, task) for task in head[: params.limit]],
    )


def explain_task(state: ProjectState, params: ExplainTask, now_ms: int) -> TaskExplained:
    """Why a task is where it is."""
    del now_ms
    task = require_task(state, params.task_id)
    waits = blockers(state.tasks, task)
    causes = root_causes(state, task) if waits else []
    held = task.status == "working"
    return TaskExplained(
        task_id=task.id,
        status=task.status,
        ready=task.status == "available",
        reason=_reason(task, waits, causes),
        blocked_by=waits,
        root_causes=causes,
        unblocks=_unfinished_dependents(state, task),
        holder=task.worker_id if held else None,
        worker_slot=task.worker_slot,
    )


QUERIES: Mapping[str, Query] = {
    query.__name__: query
    for query in (
        explain_task,
        get_all_tasks,
        get_available_tasks,
        get_snapshot,
        get_task,
        get_workers,
        list_tasks,
    )
}


# --- wording ----------------------------------------------------------------------------------


def _reason(task: TaskRecord, waits: list[Blocker], causes: list[Blocker]) -> str:
    match task.status:
        case "available":
            return "Ready: any worker with an idle slot can claim it."
        case "working":
            return (
                f"Held by `{task.worker_id}` in slot {task.worker_slot}, attempt {task.attempt}. "
                "It moves on when that worker reports, or when its slot is released."
            )
        case "blocked":
            return f"Waits for {_names(waits)}.{_advice(waits, causes)}"
        case "done":
            return f"Finished by `{task.worker_id}`."
        case "failed":
            return (
                f"Failed in attempt {task.attempt} by `{task.worker_id}`: "
                f"{task.error or 'no reason given'}. `reset_failed_task` makes it ready again."
            )
        case "cancelled":
            return "Called off. `reset_failed_task` makes it ready again."


def _names(blockers_: list[Blocker]) -> str:
    shown = ", ".join(f"`{blocker.task_id}` ({blocker.status})" for blocker in blockers_[:5])
    return shown + (f" and {len(blockers_) - 5} more" if len(blockers_) > 5 else "")


def _advice(waits: list[Blocker], causes: list[Blocker]) -> str:
    """What is to be done about it, where that is not plain from what it waits for."""
    stuck = [cause for cause in causes if cause.status in {"failed", "cancelled"}]
    if stuck:
        return (
            f" It stays blocked until {_names(stuck)} is reset with `reset_failed_task`, or left "
            "out with `edit_task`."
        )
    direct = {blocker.task_id for blocker in waits}
    if direct.issuperset(cause.task_id for cause in causes):
        return ""
    return f" In the end that is up to {_names(causes)}."


def _unfinished_dependents(state: ProjectState, task: TaskRecord) -> list[str]:
    names: list[str] = []
    for name in state.dependents.get(task.id, ()):
        if state.tasks[name].status not in {"done", "cancelled"}:
            names.append(name)
            if len(names) == LISTED_MAX:
                break
    return names


def _summaries(
    state: ProjectState, tasks: list[TaskRecord], cursor: str | None, *, total: int
) -> TaskSummaryPage:
    return TaskSummaryPage(
        tasks=[to_summary(state.tasks, task) for task in tasks],
        total=total,
        seq=state.seq,
        next_cursor=cursor,
    )
