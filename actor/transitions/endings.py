"""How an attempt at a task ends: done, failed, tried again, lapsed, handed back.

Owns what becomes of the task, of what depends on it, and of its claim, in each of these cases; how
often and how soon a task is tried again. Who may end an attempt is decided elsewhere. Pure.
"""

from typing import Any

from actor.records import TaskRecord
from actor.timestamps import to_text
from actor.transitions.draft import Draft
from protocol.limits import RETRY_DELAY_SECONDS_MAX

__all__ = [
    "attempts_used",
    "fail_or_retry",
    "finish",
    "hand_back",
    "lapse",
    "retry_delay_ms",
    "worked_seconds",
]

_RETRY_DELAY_MS_MAX = round(RETRY_DELAY_SECONDS_MAX * 1000)


def attempts_used(task: TaskRecord) -> int:
    """Attempts that count towards `maxAttempts`: since the last reset, those that were handed
    back left out."""
    return task.attempt - task.forgiven


def retry_delay_ms(draft: Draft, task: TaskRecord) -> int:
    """Exponential backoff without jitter: the delay doubles with each attempt that failed, up to
    a day. A recorded batch must replay to the same state, and one worker at a time holds a task
    anyhow, so there is no herd to spread."""
    first_ms = task.retry_delay_ms
    if first_ms is None:
        first_ms = draft.context.policy.retry_delay_ms
    doublings = min(attempts_used(task) - 1, 40)
    return min(first_ms << max(doublings, 0), _RETRY_DELAY_MS_MAX)


def worked_seconds(draft: Draft, task: TaskRecord) -> float | None:
    """How long the attempt that ends now took; None if nobody works on the task."""
    if task.status != "working" or task.claimed_ms is None:
        return None
    return max(0, draft.now_ms - task.claimed_ms) / 1000


def finish(draft: Draft, task: TaskRecord, output: str | None) -> list[str]:
    """The task is done. Returns the ids of the tasks that waited for it alone."""
    done = draft.stop(
        task,
        status="done",
        output=output,
        error=None,
        lapsed=False,
        retry_at_ms=None,
        ready_ms=None,
        completed_ms=draft.now_ms,
    )
    data = {"output": output, "workedSeconds": worked_seconds(draft, task)}
    draft.task_event("task_done", done, data, slot=task.worker_slot)
    return _unblock(draft, done)


def fail_or_retry(draft: Draft, task: TaskRecord, error: str | None, output: str | None) -> None:
    """A worker reported a failure: the next attempt follows if the task has any left."""
    worked = worked_seconds(draft, task)
    if task.max_attempts is not None and attempts_used(task) < task.max_attempts:
        retry_at_ms = draft.now_ms + retry_delay_ms(draft, task)
        fields = _rest_until(draft, task, retry_at_ms)
        waiting = draft.stop(task, **fields, error=error, lapsed=False)
        data = {"error": error, "retryAt": to_text(retry_at_ms), "workedSeconds": worked}
        draft.task_event("task_retrying", waiting, data, slot=task.worker_slot)
        return
    failed = draft.stop(
        task,
        status="failed",
        output=output,
        error=error,
        lapsed=False,
        ready_ms=None,
        completed_ms=draft.now_ms,
    )
    data = {"error": error, "output": output, "workedSeconds": worked}
    draft.task_event("task_failed", failed, data, slot=task.worker_slot)


def lapse(draft: Draft, task: TaskRecord, cause: str) -> None:
    """A worker gave no sign of life, or took too long: somebody else may try, if that has not
    happened too often. Claim and worker stay on record: a late report counts until then."""
    worked = worked_seconds(draft, task)
    used = attempts_used(task)
    most = task.max_attempts or draft.context.policy.attempts_max
    if used < most:
        waiting = draft.stop(task, revoke=True, lapsed=True, **draft.rest(task))
        data = {"cause": cause, "workedSeconds": worked}
        draft.task_event("task_lapsed", waiting, data, slot=task.worker_slot)
        return
    error = f"gave up after {used} attempts: {_CAUSES[cause]}"
    failed = draft.stop(
        task,
        revoke=True,
        status="failed",
        error=error,
        lapsed=True,
        ready_ms=None,
        completed_ms=draft.now_ms,
    )
    data = {"cause": cause, "error": error, "workedSeconds": worked}
    draft.task_event("task_failed", failed, data, slot=task.worker_slot)


_CAUSES = {
    "lease": "the worker gave no sign of life",
    "timeout": "the attempt took longer than `timeoutSeconds`",
    "disconnected": "the worker's connection was lost",
}


def hand_back(draft: Draft, task: TaskRecord, cause: str, note: str | None = None) -> TaskRecord:
    """The worker gives the task up in order: this attempt does not count."""
    released = draft.stop(
        task,
        forgiven=task.forgiven + 1,
        note=note if note is not None else task.note,
        **draft.rest(task),
    )
    data = {"cause": cause, "note": note, "workedSeconds": worked_seconds(draft, task)}
    draft.task_event("task_released", released, data, slot=task.worker_slot)
    return released


def _rest_until(draft: Draft, task: TaskRecord, retry_at_ms: int) -> dict[str, Any]:
    if draft.waits(task):
        return {"status": "blocked", "ready_ms": None, "retry_at_ms": retry_at_ms}
    if max(retry_at_ms, task.not_before_ms or 0) > draft.now_ms:
        return {"status": "scheduled", "ready_ms": None, "retry_at_ms": retry_at_ms}
    return {"status": "available", "ready_ms": draft.now_ms, "retry_at_ms": None}


def _unblock(draft: Draft, task: TaskRecord) -> list[str]:
    """Every dependent that waited for this task alone moves on."""
    state = draft.state
    unblocked: list[str] = []
    for name in state.dependents.get(task.id, ()):
        dependent = state.tasks[name]
        if dependent.status == "blocked" and state.unmet_of(name) == 1:
            moved = draft.change(dependent, **draft.rest(dependent))
            draft.task_event("task_unblocked", moved)
            unblocked.append(name)
    return unblocked
