"""The task list itself: adding, editing, cancelling, deleting, resetting, cleaning.

Owns what a plan may look like and which status allows which change. Pure.
"""

from collections import ChainMap
from collections.abc import Sequence
from typing import Any, cast

from msgspec import UNSET

from actor.graph import check_edges
from actor.records import TaskRecord
from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft, idle_status, require_task
from actor.views import to_summary, to_task
from protocol.errors import HasDependents, InvalidStatus, TaskExists, VersionConflict
from protocol.limits import LISTED_MAX
from protocol.models import Status, TaskSummary
from protocol.params import (
    AddTask,
    AddTasks,
    CancelTask,
    CleanAllTasks,
    DeleteTask,
    EditTask,
    NewTask,
    ResetFailedTask,
)
from protocol.results import TaskAdded, TaskDeleted, TaskResult, TasksAdded, TasksCleaned

__all__ = [
    "add_task",
    "add_tasks",
    "cancel_task",
    "clean_all_tasks",
    "delete_task",
    "edit_task",
    "reset_failed_task",
]


# --- adding -----------------------------------------------------------------------------------


def add_task(state: ProjectState, params: AddTask, context: Context) -> Decision:
    """Add one task."""
    draft = Draft(state, context)
    (summary,) = _add(draft, [params])
    return draft.decided(TaskAdded(task=summary))


def add_tasks(state: ProjectState, params: AddTasks, context: Context) -> Decision:
    """Add many tasks, all or none; they may depend on one another in any order."""
    draft = Draft(state, context)
    return draft.decided(TasksAdded(tasks=_add(draft, params.tasks)))


def _add(draft: Draft, wanted: Sequence[NewTask | AddTask]) -> list[TaskSummary]:
    state, context = draft.state, draft.context
    named = _name(state, wanted, context.next_number)
    edges = {task_id: tuple(dict.fromkeys(task.dependencies)) for task_id, task in named.items()}
    check_edges(state, edges)
    added: dict[str, TaskRecord] = {}
    for number, (task_id, task) in enumerate(named.items(), context.next_number):
        waits = any(not state.is_done(name) for name in edges[task_id])
        added[task_id] = draft.add(
            TaskRecord(
                project=state.record.number,
                number=number,
                id=task_id,
                description=task.description,
                status="blocked" if waits else "available",
                priority=task.priority,
                dependencies=edges[task_id],
                tags=tuple(dict.fromkeys(task.tags)),
                metadata=task.metadata,
                expected_output=task.output,
                created_by=context.caller,
                created_ms=draft.now_ms,
                updated_ms=draft.now_ms,
            )
        )
        draft.task_event("task_added", added[task_id])
    known = ChainMap(added, state.tasks)
    return [to_summary(known, task) for task in added.values()]


def _name(
    state: ProjectState, wanted: Sequence[NewTask | AddTask], next_number: int
) -> dict[str, NewTask | AddTask]:
    """The tasks by id; those without one are called after their creation number.

    Raises:
        TaskExists: an id is taken, or is given twice in one call.
    """
    given = {task.id for task in wanted if task.id is not None}
    named: dict[str, NewTask | AddTask] = {}
    for number, task in enumerate(wanted, next_number):
        task_id = task.id
        if task_id is None:
            task_id = _free_id(state, given, number)
        elif task_id in state.tasks:
            raise TaskExists(
                f"There is a task `{task_id}` already ({state.tasks[task_id].status}). Choose "
                "another id, or change it with `edit_task`.",
                taskId=task_id,
                status=state.tasks[task_id].status,
            )
        elif task_id in named:
            raise TaskExists(f"The id `{task_id}` is given twice in one call.", taskId=task_id)
        named[task_id] = task
    return named


def _free_id(state: ProjectState, given: set[str], number: int) -> str:
    candidate = f"task-{number}"
    while candidate in state.tasks or candidate in given:
        candidate += "-1"
    given.add(candidate)
    return candidate


# --- changing ---------------------------------------------------------------------------------


def edit_task(state: ProjectState, params: EditTask, context: Context) -> Decision:
    """Change the fields that are given; `version` guards against overwriting somebody's change."""
    draft = Draft(state, context)
    task = require_task(state, params.task_id)
    if params.version is not None and params.version != task.version:
        raise VersionConflict(
            f"Task `{task.id}` has version {task.version} by now, not {params.version}. Read it "
            "again with `get_task` and repeat the change.",
            taskId=task.id,
            version=task.version,
        )
    fields = _edited_fields(task, params)
    if "dependencies" in fields:
        fields["status"] = _status_with(state, task, fields["dependencies"])
    if not fields:
        return draft.decided(TaskResult(task=to_task(state.tasks, task)))
    edited = draft.change(task, **fields)
    names = [name for name in _EDITABLE if name in fields]
    draft.task_event("task_edited", edited, {"fields": [_EDITABLE[name] for name in names]})
    return draft.decided(TaskResult(task=to_task(state.tasks, edited)))


_EDITABLE = {
    "description": "description",
    "dependencies": "dependencies",
    "expected_output": "expectedOutput",
    "priority": "priority",
    "tags": "tags",
    "metadata": "metadata",
}
"""Record field -> wire name."""


def _edited_fields(task: TaskRecord, params: EditTask) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in _EDITABLE:
        value = getattr(params, name)
        if value is UNSET:
            continue
        if isinstance(value, list):
            value = tuple(dict.fromkeys(cast("list[str]", value)))
        if value != getattr(task, name):
            fields[name] = value
    return fields


def _status_with(state: ProjectState, task: TaskRecord, names: tuple[str, ...]) -> Status:
    """The task's status once it has these dependencies.

    Raises:
        InvalidStatus: somebody works on it, or it is finished.
        UnknownDependency, DependencyCycle: the graph does not allow them.
    """
    if task.status not in {"blocked", "available"}:
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status}; dependencies can change only before somebody "
            "works on it. `reset_failed_task` puts it back.",
            taskId=task.id,
            status=task.status,
        )
    check_edges(state, {task.id: names})
    return "available" if all(state.is_done(name) for name in names) else "blocked"


def cancel_task(state: ProjectState, params: CancelTask, context: Context) -> Decision:
    """Call a task off; a claim on it becomes stale. Cancelling twice changes nothing."""
    draft = Draft(state, context)
    task = require_task(state, params.task_id)
    if task.status == "cancelled":
        return draft.decided(TaskAdded(task=to_summary(state.tasks, task)))
    if task.status in {"done", "failed"}:
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status} already; there is nothing to call off. "
            "`reset_failed_task` or `delete_task` may be what you want.",
            taskId=task.id,
            status=task.status,
        )
    draft.take_from_slot(task)
    slot = task.worker_slot
    cancelled = draft.change(
        task,
        status="cancelled",
        worker_slot=None,
        claim_seq=None,
        completed_ms=draft.now_ms,
    )
    draft.task_event("task_cancelled", cancelled, slot=slot)
    return draft.decided(TaskAdded(task=to_summary(state.tasks, cancelled)))


def delete_task(state: ProjectState, params: DeleteTask, context: Context) -> Decision:
    """Remove a task that nothing depends on."""
    draft = Draft(state, context)
    task = require_task(state, params.task_id)
    if task.status == "working":
        raise InvalidStatus(
            f"Task `{task.id}` is held by `{task.worker_id}`; cancel it first.",
            taskId=task.id,
            status=task.status,
            holder=task.worker_id,
        )
    dependents = list(state.dependents.get(task.id, ()))
    if dependents:
        raise HasDependents(
            f"{len(dependents)} tasks depend on `{task.id}`, `{dependents[0]}` among them. Delete "
            "them first, or change their dependencies with `edit_task`.",
            taskId=task.id,
            dependents=dependents[:LISTED_MAX],
        )
    draft.remove(task)
    draft.event("task_deleted", task_id=task.id)
    return draft.decided(TaskDeleted(task_id=task.id))


def reset_failed_task(state: ProjectState, params: ResetFailedTask, context: Context) -> Decision:
    """Put a task back into the queue. What its last attempt said stays in the history."""
    draft = Draft(state, context)
    task = require_task(state, params.task_id)
    _check_resettable(task, force=params.force)
    draft.take_from_slot(task)
    reset = draft.change(
        task,
        status=idle_status(state, task),
        worker_id=None,
        worker_slot=None,
        claim_seq=None,
        claimed_ms=None,
        completed_ms=None,
        output=None,
        error=None,
    )
    data = {"previousStatus": task.status, "previousWorkerId": task.worker_id}
    draft.task_event(
        "task_reset", reset, {name: value for name, value in data.items() if value is not None}
    )
    if task.status == "done":
        _block_dependents(draft, task)
    return draft.decided(TaskAdded(task=to_summary(state.tasks, reset)))


def _check_resettable(task: TaskRecord, *, force: bool) -> None:
    if task.status in {"failed", "cancelled"}:
        return
    if task.status in {"blocked", "available"}:
        problem = "it is in the queue already"
    elif force:
        return
    else:
        problem = "add `force: true` if you mean it"
    raise InvalidStatus(
        f"Task `{task.id}` is {task.status}, not failed or cancelled: {problem}.",
        taskId=task.id,
        status=task.status,
        holder=task.worker_id if task.status == "working" else None,
    )


def _block_dependents(draft: Draft, task: TaskRecord) -> None:
    """Dependents that nobody works on wait again; work that is under way goes on."""
    for name in draft.state.dependents.get(task.id, ()):
        dependent = draft.state.tasks[name]
        if dependent.status == "available":
            draft.task_event("task_blocked", draft.change(dependent, status="blocked"))


def clean_all_tasks(state: ProjectState, params: CleanAllTasks, context: Context) -> Decision:
    """Remove every task of the project. Slots stay with their workers; claims become void."""
    del params
    draft = Draft(state, context)
    removed = len(state.tasks)
    if removed:
        for slot in list(state.slots.values()):
            if slot.task_id is not None:
                draft.change_slot(slot, task_id=None)
        for task in list(state.tasks.values()):
            draft.remove(task)
        data = {"removed": removed, "backup": context.backup}
        draft.event(
            "tasks_cleaned", data={name: value for name, value in data.items() if value is not None}
        )
    return draft.decided(TasksCleaned(removed=removed, backup=context.backup))
