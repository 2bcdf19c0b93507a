"""Why a task is where it is, in a sentence that names what would move it on.

Owns the wording of `explain_task` only. Pure.
"""

from actor.records import TaskRecord
from actor.state import ProjectState, start_moment
from actor.timestamps import to_text
from actor.views import Now, lease_end
from protocol.models import Blocker
from protocol.results import Conflict

__all__ = ["reason"]


def reason(
    state: ProjectState,
    task: TaskRecord,
    waits: list[Blocker],
    causes: list[Blocker],
    conflicts: list[Conflict],
    now: Now,
) -> str:
    """One or two sentences."""
    match task.status:
        case "available":
            return _available(state, task, conflicts)
        case "scheduled":
            return _scheduled(task)
        case "working":
            return _working(state, task, now)
        case "blocked":
            return f"Waits for {_names(waits)}.{_advice(waits, causes)}"
        case _:
            return _finished(task)


def _finished(task: TaskRecord) -> str:
    by = f" by `{task.worker_id}`" if task.worker_id else ""
    if task.status == "done":
        return f"Finished{by}."
    if task.status == "cancelled":
        return "Called off. `reset_failed_task` makes it ready again."
    return (
        f"Failed in attempt {task.attempt}{by}: {task.error or 'no reason given'}. "
        "`reset_failed_task` makes it ready again."
    )


def _available(state: ProjectState, task: TaskRecord, conflicts: list[Conflict]) -> str:
    if state.record.paused:
        why = f" ({state.record.pause_reason})" if state.record.pause_reason else ""
        return f"Ready, but claims are paused{why} until somebody calls `resume_claims`."
    if conflicts:
        first = conflicts[0]
        more = f", and {len(conflicts) - 1} more are in the way" if len(conflicts) > 1 else ""
        return (
            f"Ready, but it needs `{first.resource}`, and `{first.held}` is held by "
            f"`{first.holder}` for `{first.task_id}`{more}. It can be claimed once that task ends."
        )
    lapsed = " Its last worker gave no sign of life." if task.lapsed else ""
    return f"Ready: any worker with an idle slot can claim it.{lapsed}"


def _scheduled(task: TaskRecord) -> str:
    start_ms = start_moment(task)
    assert start_ms is not None, "only a scheduled task has a start"
    if task.retry_at_ms == start_ms:
        return (
            f"Attempt {task.attempt} failed: {task.error or 'no reason given'}. The next one may "
            f"begin at {to_text(start_ms)}."
        )
    return f"May not begin before {to_text(start_ms)}; `edit_task` can change `notBefore`."


def _working(state: ProjectState, task: TaskRecord, now: Now) -> str:
    end_ms = lease_end(state, task, now)
    until = "" if end_ms is None else f", or gives no sign of life until {to_text(end_ms)}"
    return (
        f"Held by `{task.worker_id}` in slot {task.worker_slot}, attempt {task.attempt}. It moves "
        f"on when that worker reports{until}."
    )


def _names(blockers: list[Blocker]) -> str:
    shown = ", ".join(f"`{blocker.task_id}` ({blocker.status})" for blocker in blockers[:5])
    return shown + (f" and {len(blockers) - 5} more" if len(blockers) > 5 else "")


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
