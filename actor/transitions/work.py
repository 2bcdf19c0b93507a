"""Claiming a task and reporting on it.

Owns promise 1: exactly one worker holds a task. Pure.
"""

from actor.records import SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft, claim_token, require_task
from actor.transitions.slots import name_slot, require_slot
from actor.views import blockers, to_summary, to_task
from protocol.errors import InvalidStatus, NotHolder, SlotBusy, StaleClaim, TaskNotAvailable
from protocol.limits import LISTED_MAX
from protocol.models import EventType
from protocol.params import ClaimTask, UpdateTask
from protocol.results import TaskClaimed, TaskUpdated

__all__ = ["claim_task", "update_task"]


def claim_task(state: ProjectState, params: ClaimTask, context: Context) -> Decision:
    """Give an available task to a worker in its slot.

    The same worker repeating its claim in the same slot gets the same answer.
    """
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    if _is_held_by(task, params.worker_id, params.worker_slot):
        return draft.decided(_claimed(state, task))
    if task.status != "available":
        raise _not_available(state, task)
    slot = require_slot(state, params.worker_slot)
    if slot.task_id is not None:
        _refuse_busy(slot, params.worker_id)
    slot = name_slot(draft, slot, params.worker_id, task_id=task.id)
    claimed = draft.change(
        task,
        status="working",
        worker_id=params.worker_id,
        worker_slot=slot.number,
        attempt=task.attempt + 1,
        claim_seq=draft.next_seq,
        claimed_ms=draft.now_ms,
        completed_ms=None,
        output=None,
        error=None,
    )
    draft.task_event("task_claimed", claimed)
    return draft.decided(_claimed(state, claimed))


def update_task(state: ProjectState, params: UpdateTask, context: Context) -> Decision:
    """Take a worker's report.

    A report from the last holder of a task that nobody claimed since is accepted: finished work is
    not thrown away. A repeated report changes nothing.
    """
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    _check_claim(task, params)
    if task.status == params.status and _repeats(task, params):
        return draft.decided(TaskUpdated(task=to_summary(state.tasks, task), unblocked=[]))
    if task.status not in {"working", "available", "blocked"}:
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status} already and takes no report. "
            "`reset_failed_task` makes it ready again.",
            taskId=task.id,
            status=task.status,
        )
    if params.status == "working":
        raise NotHolder(
            f"Task `{task.id}` went back to the queue and is {task.status}; claim it again to go "
            "on, or report `done` if it is finished.",
            taskId=task.id,
            status=task.status,
        )
    return _finish(draft, task, params)


def _finish(draft: Draft, task: TaskRecord, params: UpdateTask) -> Decision:
    draft.take_from_slot(task)
    finished = draft.change(
        task,
        status=params.status,
        worker_slot=None,
        output=params.output,
        error=params.error,
        completed_ms=draft.now_ms,
    )
    data = {
        name: value
        for name, value in (("output", params.output), ("error", params.error))
        if value is not None
    }
    type_: EventType = "task_done" if params.status == "done" else "task_failed"
    draft.task_event(type_, finished, data, slot=task.worker_slot)
    unblocked = _unblock(draft, task) if params.status == "done" else []
    summary = to_summary(draft.state.tasks, finished)
    return draft.decided(TaskUpdated(task=summary, unblocked=unblocked[:LISTED_MAX]))


def _unblock(draft: Draft, task: TaskRecord) -> list[str]:
    """Every dependent that waited for this task alone becomes available."""
    state = draft.state
    unblocked: list[str] = []
    for name in state.dependents.get(task.id, ()):
        dependent = state.tasks[name]
        if dependent.status == "blocked" and state.unmet_of(name) == 1:
            draft.task_event("task_unblocked", draft.change(dependent, status="available"))
            unblocked.append(name)
    return unblocked


# --- claims -----------------------------------------------------------------------------------


def _is_held_by(task: TaskRecord, worker_id: str, slot: int) -> bool:
    held = task.status == "working"
    return held and task.worker_id == worker_id and task.worker_slot == slot


def _claimed(state: ProjectState, task: TaskRecord) -> TaskClaimed:
    assert task.claim_seq is not None, "a working task has a claim"
    return TaskClaimed(task=to_task(state.tasks, task), claim_token=claim_token(task.claim_seq))


def _not_available(state: ProjectState, task: TaskRecord) -> TaskNotAvailable:
    if task.status == "working":
        return TaskNotAvailable(
            f"Task `{task.id}` is held by `{task.worker_id}` in slot {task.worker_slot}. "
            "Take another one from `get_available_tasks`.",
            taskId=task.id,
            status=task.status,
            holder=task.worker_id,
            slot=task.worker_slot,
        )
    if task.status == "blocked":
        waits = [
            {"taskId": blocker.task_id, "status": blocker.status}
            for blocker in blockers(state.tasks, task)
        ]
        names = ", ".join(f"`{blocker['taskId']}` ({blocker['status']})" for blocker in waits[:5])
        return TaskNotAvailable(
            f"Task `{task.id}` is blocked: it waits for {names}. Take another one from "
            "`get_available_tasks`.",
            taskId=task.id,
            status=task.status,
            blockedBy=waits,
        )
    fix = (
        "Nothing is left to do."
        if task.status == "done"
        else "`reset_failed_task` makes it ready again."
    )
    return TaskNotAvailable(
        f"Task `{task.id}` is {task.status} already. {fix}", taskId=task.id, status=task.status
    )


def _refuse_busy(slot: SlotRecord, worker_id: str) -> None:
    """Say that a slot works on something, but only to its owner; a stranger hears whose it is."""
    if slot.worker_id == worker_id:
        raise SlotBusy(
            f"Slot {slot.number} already works on `{slot.task_id}`; report on that task first "
            "with `update_task`.",
            slot=slot.number,
            taskId=slot.task_id,
        )


# --- reports ----------------------------------------------------------------------------------


def _check_claim(task: TaskRecord, params: UpdateTask) -> None:
    """Whoever reports must have the claim that counts.

    Raises:
        StaleClaim: the token belongs to an earlier claim.
        NotHolder: somebody else holds the task, or held it last, or nobody ever did.
    """
    current = claim_token(task.claim_seq) if task.claim_seq is not None else None
    if params.claim_token is not None and params.claim_token != current:
        raise StaleClaim(
            f"This claim on `{task.id}` was superseded; the task is {task.status} now. Drop the "
            "work and take another task.",
            taskId=task.id,
            status=task.status,
            holder=task.worker_id if task.status == "working" else None,
        )
    if current is not None and task.worker_id == params.worker_id:
        return
    if task.status == "working":
        problem = f"is held by `{task.worker_id}`, not by `{params.worker_id}`"
    else:
        problem = f"is {task.status} and not held by `{params.worker_id}`"
    raise NotHolder(
        f"Task `{task.id}` {problem}. Claim a task with `claim_task` before reporting on it.",
        taskId=task.id,
        status=task.status,
        holder=task.worker_id if task.status == "working" else None,
    )


def _repeats(task: TaskRecord, params: UpdateTask) -> bool:
    """Whether the report says nothing that is not recorded already."""
    if params.status == "working":
        return True
    return params.output in {None, task.output} and params.error in {None, task.error}
