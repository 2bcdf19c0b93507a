"""The task list itself: editing, cancelling, deleting, resetting, cleaning.

Owns which status allows which change, for one task at a time: `cancel_one`, `reset_one` and
`edit_one` work on a draft, so that bulk changes follow the same rules. Pure.
"""

from typing import Any, cast

from msgspec import UNSET
from msgspec.structs import replace

from actor.graph import check_edges
from actor.records import TaskRecord
from actor.resources import normal_forms
from actor.state import ProjectState
from actor.transitions.claims import refuse_conflicts
from actor.transitions.draft import Context, Decision, Draft, require_task
from actor.transitions.endings import worked_seconds
from actor.transitions.times import check_order, future_ms, seconds_ms
from protocol.errors import HasDependents, InvalidStatus, VersionConflict
from protocol.limits import LISTED_MAX
from protocol.params import CancelTask, CleanAllTasks, DeleteTask, EditTask, ResetFailedTask
from protocol.results import TaskAdded, TaskDeleted, TaskResult, TasksCleaned

__all__ = [
    "cancel_one",
    "cancel_task",
    "clean_all_tasks",
    "delete_task",
    "edit_one",
    "edit_task",
    "reset_failed_task",
    "reset_one",
]

_RESTING = frozenset({"blocked", "scheduled", "available"})
"""Statuses of tasks that wait for somebody, or for something."""


# --- editing ----------------------------------------------------------------------------------


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
    edited = edit_one(draft, task, _edited_fields(draft, task, params))
    return draft.decided(TaskResult(task=draft.view(edited)))


_EDITABLE = {
    "description": "description",
    "dependencies": "dependencies",
    "expected_output": "expectedOutput",
    "priority": "priority",
    "tags": "tags",
    "metadata": "metadata",
    "resources": "resources",
    "max_attempts": "maxAttempts",
    "retry_delay_ms": "retryDelaySeconds",
    "not_before_ms": "notBefore",
    "deadline_ms": "deadline",
    "timeout_ms": "timeoutSeconds",
}
"""Record field -> wire name."""

_UNLISTED = frozenset({"retry_delay_ms", "not_before_ms", "deadline_ms", "timeout_ms", "resources"})
"""Fields whose value on the wire is another one than in the record."""


def _edited_fields(draft: Draft, task: TaskRecord, params: EditTask) -> dict[str, Any]:
    """What the call gives, as the record would hold it, changed or not."""
    fields: dict[str, Any] = {}
    for name in _EDITABLE.keys() - _UNLISTED:
        value = getattr(params, name)
        if isinstance(value, list):
            value = tuple(dict.fromkeys(cast("list[str]", value)))
        if value is not UNSET:
            fields[name] = value
    if params.resources is not UNSET:
        fields["resources"] = normal_forms(params.resources)
    if params.retry_delay_seconds is not UNSET:
        fields["retry_delay_ms"] = seconds_ms(params.retry_delay_seconds)
    if params.timeout_seconds is not UNSET:
        fields["timeout_ms"] = seconds_ms(params.timeout_seconds)
    if params.not_before is not UNSET:
        fields["not_before_ms"] = future_ms("notBefore", params.not_before, draft.now_ms)
    if params.deadline is not UNSET:
        fields["deadline_ms"] = future_ms("deadline", params.deadline, draft.now_ms)
    return {name: value for name, value in fields.items() if value != getattr(task, name)}


def edit_one(draft: Draft, task: TaskRecord, fields: dict[str, Any]) -> TaskRecord:
    """Give a task other values in the record fields that differ; says so in one event.

    Raises:
        InvalidStatus: dependencies of a task that is worked on or finished.
        UnknownDependency, DependencyCycle: the graph does not allow the dependencies.
        InvalidTime: the times contradict each other.
        ResourceConflict: it is worked on, and somebody else holds what it would need.
    """
    if not fields:
        return task
    names = [_EDITABLE[name] for name in _EDITABLE if name in fields]
    wanted = replace(task, **fields)
    check_order(wanted.not_before_ms, wanted.deadline_ms)
    if "dependencies" in fields:
        _check_dependencies(draft, wanted)
    if "resources" in fields and task.status == "working":
        refuse_conflicts(draft.state, task, wanted.resources)
    if "deadline_ms" in fields:
        fields["overdue"] = False
    if task.status in _RESTING:
        fields |= draft.rest(wanted)
    edited = draft.change(task, **fields)
    draft.task_event("task_edited", edited, {"fields": names})
    return edited


def _check_dependencies(draft: Draft, wanted: TaskRecord) -> None:
    if wanted.status not in _RESTING:
        raise InvalidStatus(
            f"Task `{wanted.id}` is {wanted.status}; dependencies can change only before somebody "
            "works on it. `reset_failed_task` puts it back.",
            taskId=wanted.id,
            status=wanted.status,
        )
    check_edges(draft.state, {wanted.id: wanted.dependencies})


# --- cancelling and deleting ------------------------------------------------------------------


def cancel_task(state: ProjectState, params: CancelTask, context: Context) -> Decision:
    """Call a task off; a claim on it becomes stale. Cancelling twice changes nothing."""
    draft = Draft(state, context)
    cancelled = cancel_one(draft, require_task(state, params.task_id))
    return draft.decided(TaskAdded(task=draft.summary(cancelled)))


def cancel_one(draft: Draft, task: TaskRecord) -> TaskRecord:
    """Call a task off; its worker hears of it with its next heartbeat.

    Raises:
        InvalidStatus: it is done or failed.
    """
    if task.status == "cancelled":
        return task
    if task.status in {"done", "failed"}:
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status} already; there is nothing to call off. "
            "`reset_failed_task` or `delete_task` may be what you want.",
            taskId=task.id,
            status=task.status,
        )
    cancelled = draft.stop(
        task,
        revoke=True,
        status="cancelled",
        claim_seq=None,
        retry_at_ms=None,
        ready_ms=None,
        lapsed=False,
        completed_ms=draft.now_ms,
    )
    draft.task_event("task_cancelled", cancelled, _ended(draft, task), slot=task.worker_slot)
    return cancelled


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


# --- resetting and cleaning -------------------------------------------------------------------


def reset_failed_task(state: ProjectState, params: ResetFailedTask, context: Context) -> Decision:
    """Put a task back into the queue. What its last attempt said stays in the history."""
    draft = Draft(state, context)
    task = require_task(state, params.task_id)
    reset = reset_one(draft, task, force=params.force)
    return draft.decided(TaskAdded(task=draft.summary(reset)))


def reset_one(draft: Draft, task: TaskRecord, *, force: bool) -> TaskRecord:
    """Put a task back into the queue; its attempts count from here. With `force` also one that is
    done, whose dependents wait again, or worked on, whose claim becomes stale.

    Raises:
        InvalidStatus: it is in the queue already, or `force` is needed.
    """
    _check_resettable(task, force=force)
    # Its own retry does not hold it up: somebody wants it done now.
    waiting = replace(task, retry_at_ms=None)
    reset = draft.stop(
        task,
        revoke=True,
        **draft.rest(waiting),
        worker_id=None,
        claim_seq=None,
        claimed_ms=None,
        completed_ms=None,
        retry_at_ms=None,
        forgiven=task.attempt,
        lapsed=False,
        progress=None,
        output=None,
        error=None,
    )
    draft.task_event("task_reset", reset, _ended(draft, task))
    if task.status == "done":
        _block_dependents(draft, task)
    return reset


def _check_resettable(task: TaskRecord, *, force: bool) -> None:
    if task.status in {"failed", "cancelled"}:
        return
    if task.status in _RESTING:
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


def _ended(draft: Draft, task: TaskRecord) -> dict[str, Any]:
    """What the event says of a task whose attempt, or outcome, was taken away."""
    return {
        "previousStatus": task.status,
        "previousWorkerId": task.worker_id,
        "workedSeconds": worked_seconds(draft, task),
    }


def _block_dependents(draft: Draft, task: TaskRecord) -> None:
    """Dependents that nobody works on wait again; work that is under way goes on."""
    for name in draft.state.dependents.get(task.id, ()):
        dependent = draft.task(name)
        if dependent is not None and dependent.status in {"available", "scheduled"}:
            blocked = draft.change(dependent, status="blocked", ready_ms=None)
            draft.task_event("task_blocked", blocked)


def clean_all_tasks(state: ProjectState, params: CleanAllTasks, context: Context) -> Decision:
    """Remove every task of the project. Slots stay with their workers; claims become void."""
    del params
    draft = Draft(state, context)
    removed = len(state.tasks)
    if removed:
        for slot in list(state.slots.values()):
            if slot.task_id is not None:
                draft.change_slot(slot, task_id=None, revoked=slot.task_id)
        for task in list(state.tasks.values()):
            draft.remove(task)
        draft.event("tasks_cleaned", data={"removed": removed, "backup": context.backup})
    return draft.decided(TasksCleaned(removed=removed, backup=context.backup))
