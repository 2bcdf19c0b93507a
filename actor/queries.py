"""What readers may ask: one pure function per query that the state can answer.

Owns the replies that change nothing. Each takes the project's state and the typed params. Must
not touch the state. Queries about history and connections are not here: they need the store or
the publisher (`actor.loop`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from actor.attention import get_attention
from actor.explaining import reason
from actor.graph import root_causes, unfinished_downstream
from actor.graph_page import get_graph
from actor.pages import available_page, filtered_page, summary_page
from actor.records import TaskRecord
from actor.state import ProjectState, start_moment
from actor.templates import list_templates
from actor.timestamps import to_text
from actor.transitions.claims import conflicts_of
from actor.transitions.draft import require_task
from actor.views import Now, blockers, counts_of, cut, lease_end, to_slots, to_summary, to_task
from protocol.limits import LISTED_MAX
from protocol.models import Task
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
    Snapshot,
    TaskExplained,
    TaskPage,
    TaskResult,
    TaskSummaryPage,
    Workers,
)

__all__ = ["QUERIES", "Query"]

WAITING_MAX: Final = 10_000
"""Tasks that are looked at to say how many wait for one."""

Query = Callable[[ProjectState, Any, Now], Any]
"""(state, params, what is known of the world outside) -> result struct."""


def get_workers(state: ProjectState, params: GetWorkers, now: Now) -> Workers:
    """All slots."""
    del params
    total = state.record.slots
    return Workers(
        workers=to_slots(state, now),
        total=total,
        free=max(0, total - len(state.slots)),
        seq=state.seq,
    )


def get_task(state: ProjectState, params: GetTask, now: Now) -> TaskResult:
    """One task in full."""
    return TaskResult(task=_full(state, require_task(state, params.task_id), now))


def get_available_tasks(
    state: ProjectState, params: GetAvailableTasks, now: Now
) -> TaskSummaryPage:
    """What can be claimed now, in order."""
    del now
    tasks, cursor = available_page(state, params)
    return _summaries(state, tasks, cursor, total=len(state.by_status["available"]))


def get_all_tasks(state: ProjectState, params: GetAllTasks, now: Now) -> TaskSummaryPage:
    """Everything in short."""
    del now
    tasks, cursor = summary_page(state, params)
    return _summaries(state, tasks, cursor, total=len(state.tasks))


def list_tasks(state: ProjectState, params: ListTasks, now: Now) -> TaskPage:
    """What passes a filter, in full, or with its texts cut."""
    found, cursor = filtered_page(state, params)
    tasks = [_full(state, task, now) for task in found]
    if params.text_max is not None:
        tasks = [cut(task, params.text_max) for task in tasks]
    return TaskPage(tasks=tasks, seq=state.seq, next_cursor=cursor)


def get_snapshot(state: ProjectState, params: GetSnapshot, now: Now) -> Snapshot:
    """Counters, slots and the head of the queue."""
    head, _ = available_page(state, GetAvailableTasks(limit=max(params.limit, 1)))
    return Snapshot(
        project=state.record.name,
        seq=state.seq,
        time=to_text(now.wall_ms),
        counts=counts_of(state),
        workers=to_slots(state, now),
        queue=[to_summary(state.tasks, task) for task in head[: params.limit]],
        paused=state.record.paused,
        pause_reason=state.record.pause_reason,
        overdue=len(state.overdue),
        waiting=now.waiting,
    )


def explain_task(state: ProjectState, params: ExplainTask, now: Now) -> TaskExplained:
    """Why a task is where it is."""
    task = require_task(state, params.task_id)
    waits = blockers(state.tasks, task)
    causes = root_causes(state, task) if waits else []
    held = task.status == "working"
    conflicts = conflicts_of(state, task.resources) if task.status == "available" else []
    start_ms = start_moment(task)
    return TaskExplained(
        task_id=task.id,
        status=task.status,
        ready=task.status == "available" and not conflicts and not state.record.paused,
        reason=reason(state, task, waits, causes, conflicts, now),
        blocked_by=waits,
        root_causes=causes,
        unblocks=_unfinished_dependents(state, task),
        waiting=unfinished_downstream(state, task, WAITING_MAX),
        holder=task.worker_id if held else None,
        worker_slot=task.worker_slot,
        conflicts=conflicts,
        waits_until=None if start_ms is None else to_text(start_ms),
    )


QUERIES: Mapping[str, Query] = {
    query.__name__: query
    for query in (
        explain_task,
        get_all_tasks,
        get_attention,
        get_available_tasks,
        get_graph,
        get_snapshot,
        get_task,
        get_workers,
        list_tasks,
        list_templates,
    )
}


def _full(state: ProjectState, task: TaskRecord, now: Now) -> Task:
    return to_task(state.tasks, task, lease_end(state, task, now))


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
