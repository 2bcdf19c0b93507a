"""Claiming: one worker takes one task.

Owns promise 1: exactly one worker holds a task. What can be claimed, in which order, and what is
said when nothing can. Pure.
"""

from typing import Any

from actor.records import SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.transitions.draft import (
    Context,
    Decision,
    Draft,
    Waiting,
    claim_token,
    require_task,
)
from actor.transitions.slots import check_usable, name_slot, require_slot
from actor.views import blockers
from protocol.errors import (
    ClaimsPaused,
    ResourceConflict,
    SlotNotClaimed,
    TaskNotAvailable,
)
from protocol.limits import LISTED_MAX, WAIT_SECONDS_MAX
from protocol.models import Status
from protocol.params import ClaimNextTask, ClaimTask
from protocol.results import Conflict, NextTask, TaskClaimed

__all__ = ["claim_next_task", "claim_task", "conflicts_of", "refuse_conflicts"]


def claim_task(state: ProjectState, params: ClaimTask, context: Context) -> Decision:
    """Give an available task to a worker in its slot.

    The same worker repeating its claim in the same slot gets the same answer.
    """
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    if _is_held_by(task, params.worker_id, params.worker_slot):
        draft.touch(params.worker_id)
        return draft.decided(_claimed(draft, task))
    if task.status != "available":
        raise _not_available(state, task)
    slot = require_slot(state, params.worker_slot)
    check_usable(draft, slot, params.worker_id)
    if state.record.paused:
        raise ClaimsPaused(_paused(state), pauseReason=state.record.pause_reason)
    refuse_conflicts(state, task, task.resources)
    claimed = _take(draft, task, slot, params.worker_id, params.lease_seconds)
    return draft.decided(_claimed(draft, claimed))


def claim_next_task(state: ProjectState, params: ClaimNextTask, context: Context) -> Decision:
    """Give the worker the first task in the order of claims whose resources are free.

    Finding nothing is no refusal: the reply says why. With `waitSeconds` it waits for something.
    """
    draft = Draft(state, context)
    slot = _slot_of(state, params)
    check_usable(draft, slot, params.worker_id)
    found = None if state.record.paused else state.queue.first(params.tags)
    if found is not None:
        claimed = _take(draft, state.tasks[found], slot, params.worker_id, params.lease_seconds)
        reply = _claimed(draft, claimed)
        remaining = state.unfinished()
        return draft.decided(
            NextTask(task=reply.task, claim_token=reply.claim_token, remaining=remaining)
        )
    if context.may_wait and params.wait_seconds:
        seconds = min(params.wait_seconds, WAIT_SECONDS_MAX)
        draft.renew(slot, waits_ms=round(seconds * 1000))
        return draft.decided(Waiting(seconds))
    draft.renew(slot)
    return draft.decided(
        NextTask(reason=_nothing(state, params.tags), remaining=state.unfinished())
    )


def _slot_of(state: ProjectState, params: ClaimNextTask) -> SlotRecord:
    if params.worker_slot is not None:
        return require_slot(state, params.worker_slot)
    number = state.slot_of_worker.get(params.worker_id)
    if number is None:
        raise SlotNotClaimed(
            f"Worker `{params.worker_id}` holds no slot: it never claimed one, or gave no sign of "
            "life. Call `claim_worker_slot` first.",
            workerId=params.worker_id,
        )
    return state.slots[number]


def _take(
    draft: Draft, task: TaskRecord, slot: SlotRecord, worker_id: str, lease_seconds: float | None
) -> TaskRecord:
    slot = name_slot(draft, slot, worker_id, task_id=task.id)
    claimed = draft.change(
        task,
        status="working",
        worker_id=worker_id,
        worker_slot=slot.number,
        attempt=task.attempt + 1,
        lease_ms=slot.lease_ms if lease_seconds is None else round(lease_seconds * 1000),
        claim_seq=draft.next_seq,
        claimed_ms=draft.now_ms,
        completed_ms=None,
        retry_at_ms=None,
        lapsed=False,
        progress=None,
        output=None,
        error=None,
    )
    draft.begin_lease(claimed)
    draft.renew(slot)
    waited_ms = None if task.ready_ms is None else max(0, draft.now_ms - task.ready_ms)
    waited = None if waited_ms is None else waited_ms / 1000
    draft.task_event("task_claimed", claimed, {"waitedSeconds": waited})
    return claimed


def _is_held_by(task: TaskRecord, worker_id: str, slot: int) -> bool:
    held = task.status == "working"
    return held and task.worker_id == worker_id and task.worker_slot == slot


def _claimed(draft: Draft, task: TaskRecord) -> TaskClaimed:
    assert task.claim_seq is not None, "a working task has a claim"
    return TaskClaimed(task=draft.view(task), claim_token=claim_token(task.claim_seq))


# --- resources --------------------------------------------------------------------------------


def conflicts_of(
    state: ProjectState, resources: tuple[str, ...], own: str | None = None
) -> list[Conflict]:
    """What others hold of these resources, each holder once, at most a hundred."""
    found: dict[str, Conflict] = {}
    for wanted, held, task_id in state.queue.conflicts(resources, own):
        holder = state.tasks[task_id].worker_id
        assert holder is not None, "only a working task holds resources"
        found.setdefault(
            task_id, Conflict(resource=wanted, held=held, task_id=task_id, holder=holder)
        )
        if len(found) == LISTED_MAX:
            break
    return list(found.values())


def refuse_conflicts(state: ProjectState, task: TaskRecord, resources: tuple[str, ...]) -> None:
    """Whether nobody else holds any of these resources.

    Raises:
        ResourceConflict: somebody does; `data.conflicts` says who holds what.
    """
    conflicts = conflicts_of(state, resources, own=task.id)
    if not conflicts:
        return
    first = conflicts[0]
    more = f" ({len(conflicts) - 1} more are in the way)" if len(conflicts) > 1 else ""
    raise ResourceConflict(
        f"`{task.id}` needs `{first.resource}`, and `{first.held}` is held by `{first.holder}` "
        f"for `{first.task_id}`{more}. Take another task; `claim_next_task` finds one.",
        taskId=task.id,
        holder=first.holder,
        conflicts=[
            {
                "resource": conflict.resource,
                "held": conflict.held,
                "taskId": conflict.task_id,
                "holder": conflict.holder,
            }
            for conflict in conflicts
        ],
    )


# --- wording ----------------------------------------------------------------------------------


def _paused(state: ProjectState) -> str:
    reason = state.record.pause_reason
    return (
        f"Claims are paused{f': {reason}' if reason else ''}. Work that is under way goes on; "
        "wait until somebody calls `resume_claims`."
    )


def _nothing(state: ProjectState, tags: list[str]) -> str:
    """Why there was nothing to claim, and what to do about it."""
    if state.record.paused:
        return _paused(state)
    if not state.unfinished():
        return "Every task is finished: there is nothing left to do."
    if state.by_status["available"]:
        if tags and state.queue.claimable:
            return (
                "No available task has the tags "
                f"{', '.join(f'`{tag}`' for tag in tags)}. Ask again without them, or wait."
            )
        return (
            "What is available needs resources that others hold. Ask again with `waitSeconds`; "
            "`explain_task` names the holder."
        )
    names: tuple[Status, ...] = ("working", "scheduled", "blocked")
    counts = [f"{len(state.by_status[name])} {name}" for name in names if state.by_status[name]]
    return (
        f"Nothing can be claimed now: {', '.join(counts)}. Ask again with `waitSeconds`; "
        "`explain_task` says what a task waits for."
    )


def _not_available(state: ProjectState, task: TaskRecord) -> TaskNotAvailable:
    match task.status:
        case "working":
            problem = f"is held by `{task.worker_id}` in slot {task.worker_slot}"
            return _unavailable(task, problem, holder=task.worker_id, slot=task.worker_slot)
        case "blocked":
            waits = [
                {"taskId": blocker.task_id, "status": blocker.status}
                for blocker in blockers(state.tasks, task)
            ]
            names = ", ".join(f"`{b['taskId']}` ({b['status']})" for b in waits[:5])
            return _unavailable(task, f"is blocked: it waits for {names}", blockedBy=waits)
        case "scheduled":
            start = to_text(max(task.not_before_ms or 0, task.retry_at_ms or 0))
            return _unavailable(task, f"is scheduled for {start}", waitsUntil=start)
        case "done":
            fix = "Nothing is left to do."
        case _:
            fix = "`reset_failed_task` makes it ready again."
    return TaskNotAvailable(
        f"Task `{task.id}` is {task.status} already. {fix}", taskId=task.id, status=task.status
    )


def _unavailable(task: TaskRecord, problem: str, **data: Any) -> TaskNotAvailable:
    return TaskNotAvailable(
        f"Task `{task.id}` {problem}. Take another one from `get_available_tasks`.",
        taskId=task.id,
        status=task.status,
        **data,
    )
