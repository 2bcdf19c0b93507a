"""What a worker says about a task that it holds, or held last.

Owns who may say it: fencing. A claim that was superseded can report nothing; a late report counts
as long as nobody claimed the task since, because finished work is not thrown away. Pure.
"""

from actor.records import TaskRecord
from actor.resources import normal_forms
from actor.state import ProjectState
from actor.transitions.claims import refuse_conflicts
from actor.transitions.draft import Context, Decision, Draft, claim_token, require_task
from actor.transitions.endings import fail_or_retry, finish, hand_back
from protocol.errors import InvalidStatus, LimitExceeded, NotHolder, StaleClaim
from protocol.limits import LISTED_MAX, RESOURCES_MAX
from protocol.params import AddNote, ReleaseTask, ReportProgress, ReserveResources, UpdateTask
from protocol.results import Reserved, TaskAdded, TaskUpdated

__all__ = ["add_note", "release_task", "report_progress", "reserve_resources", "update_task"]


def update_task(state: ProjectState, params: UpdateTask, context: Context) -> Decision:
    """Take a worker's report: still at it, done, or failed. A repeated report changes nothing."""
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    _check_claim(task, params.worker_id, params.claim_token)
    if _repeats(task, params):
        draft.touch(params.worker_id)
        return draft.decided(TaskUpdated(task=draft.summary(task), unblocked=[]))
    if not _takes_report(task, params.status):
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status} already and takes no report. "
            "`reset_failed_task` makes it ready again.",
            taskId=task.id,
            status=task.status,
        )
    if params.status == "working":
        raise _gone_back(task)
    unblocked: list[str] = []
    if params.status == "done":
        unblocked = finish(draft, task, params.output)
    else:
        fail_or_retry(draft, task, params.error, params.output)
    draft.touch(params.worker_id)
    ended = draft.task(task.id)
    assert ended is not None
    return draft.decided(TaskUpdated(task=draft.summary(ended), unblocked=unblocked[:LISTED_MAX]))


def report_progress(state: ProjectState, params: ReportProgress, context: Context) -> Decision:
    """Keep how far the worker is. Saying the same again only renews the lease."""
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    _check_working(task, params.worker_id, params.claim_token)
    draft.touch(params.worker_id)
    note = task.note if params.note is None else params.note
    if (params.progress, note) != (task.progress, task.note):
        task = draft.change(task, progress=params.progress, note=note)
        draft.task_event("task_progress", task, {"progress": params.progress, "note": params.note})
    return draft.decided(TaskAdded(task=draft.summary(task)))


def release_task(state: ProjectState, params: ReleaseTask, context: Context) -> Decision:
    """Put a task back into the queue for somebody else; the slot stays with the worker."""
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    _check_working(task, params.worker_id, params.claim_token)
    draft.touch(params.worker_id)
    released = hand_back(draft, task, cause="task_released", note=params.note)
    return draft.decided(TaskAdded(task=draft.summary(released)))


def reserve_resources(state: ProjectState, params: ReserveResources, context: Context) -> Decision:
    """Let the task hold more, all of it or none. What it holds already is no conflict."""
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    _check_working(task, params.worker_id, params.claim_token)
    draft.touch(params.worker_id)
    wanted = normal_forms(params.resources)
    new = tuple(name for name in wanted if name not in {*task.resources, *task.reserved})
    if len(task.resources) + len(task.reserved) + len(new) > RESOURCES_MAX:
        raise LimitExceeded(
            f"A task can hold at most {RESOURCES_MAX} resources; reserve a folder instead of its "
            "files.",
            limit=RESOURCES_MAX,
        )
    if new:
        refuse_conflicts(state, task, new)
        task = draft.change(task, reserved=(*task.reserved, *new))
        draft.task_event("resources_reserved", task, {"resources": list(new)})
    return draft.decided(Reserved(task_id=task.id, reserved=list(task.reserved)))


def add_note(state: ProjectState, params: AddNote, context: Context) -> Decision:
    """Keep a note of anybody about the task; the newest one is shown with it."""
    task = require_task(state, params.task_id)
    draft = Draft(state, context)
    if params.worker_id is not None:
        draft.touch(params.worker_id)
    noted = draft.change(task, note=params.note)
    author = params.worker_id or context.caller
    draft.task_event("task_noted", noted, {"note": params.note, "by": author})
    return draft.decided(TaskAdded(task=draft.summary(noted)))


# --- who may say it ---------------------------------------------------------------------------


def _check_claim(task: TaskRecord, worker_id: str, token: str | None) -> None:
    """Whoever reports must have the claim that counts.

    Raises:
        StaleClaim: the token belongs to an earlier claim.
        NotHolder: somebody else holds the task, or held it last, or nobody ever did.
    """
    current = claim_token(task.claim_seq) if task.claim_seq is not None else None
    if token is not None and token != current:
        raise StaleClaim(
            f"This claim on `{task.id}` was superseded; the task is {task.status} now. Drop the "
            "work and take another task.",
            taskId=task.id,
            status=task.status,
            holder=task.worker_id if task.status == "working" else None,
        )
    if current is not None and task.worker_id == worker_id:
        return
    if task.status == "working":
        problem = f"is held by `{task.worker_id}`, not by `{worker_id}`"
    else:
        problem = f"is {task.status} and not held by `{worker_id}`"
    raise NotHolder(
        f"Task `{task.id}` {problem}. Claim a task with `claim_task` before reporting on it.",
        taskId=task.id,
        status=task.status,
        holder=task.worker_id if task.status == "working" else None,
    )


def _check_working(task: TaskRecord, worker_id: str, token: str | None) -> None:
    """As `_check_claim`, for what only makes sense while the worker still holds the task.

    Raises:
        StaleClaim, NotHolder: as `_check_claim`; also when the task went back to the queue.
        InvalidStatus: it is finished.
    """
    _check_claim(task, worker_id, token)
    if task.status == "working":
        return
    if task.status in {"done", "failed", "cancelled"}:
        raise InvalidStatus(
            f"Task `{task.id}` is {task.status} already; there is nothing to say about an attempt "
            "that is over. `add_note` leaves a remark.",
            taskId=task.id,
            status=task.status,
        )
    raise _gone_back(task)


def _gone_back(task: TaskRecord) -> NotHolder:
    return NotHolder(
        f"Task `{task.id}` went back to the queue and is {task.status}; claim it again to go "
        "on, or report `done` if it is finished.",
        taskId=task.id,
        status=task.status,
    )


def _takes_report(task: TaskRecord, status: str) -> bool:
    """Whether the task is open, or was given up on without a word of the worker that is done."""
    if task.status in {"working", "available", "scheduled", "blocked"}:
        return True
    return task.status == "failed" and task.lapsed and status == "done"


def _repeats(task: TaskRecord, params: UpdateTask) -> bool:
    """Whether the report says nothing that is not recorded already."""
    if params.status == "working":
        return task.status == "working"
    if task.status == "scheduled" and params.status == "failed":
        # The failure that this retry is for.
        return params.error in {None, task.error}
    if task.status != params.status or task.lapsed:
        return False
    return params.output in {None, task.output} and params.error in {None, task.error}
