"""One change of many tasks: those that pass a filter are cancelled, reset or edited.

Owns how a bulk change goes through its tasks, what it leaves out, and what a dry run says. Which
task may be changed is decided where single tasks are (`tasks`), and tasks that are changed
together see one another's change. Pure.
"""

from collections.abc import Callable
from typing import Any

from actor.pages import bulk_page
from actor.records import TaskRecord
from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft
from actor.transitions.tasks import cancel_one, edit_one, reset_one
from protocol.errors import CoordinatorError, InvalidParams, LimitExceeded
from protocol.limits import LISTED_MAX, TAGS_MAX
from protocol.params import CancelTasks, EditTasks, ResetTasks
from protocol.results import BulkChanged, Skipped

__all__ = ["cancel_tasks", "edit_tasks", "reset_tasks"]


def cancel_tasks(state: ProjectState, params: CancelTasks, context: Context) -> Decision:
    """Call off all that pass the filter and are not finished."""
    return _change_all(state, params, context, cancel_one)


def reset_tasks(state: ProjectState, params: ResetTasks, context: Context) -> Decision:
    """Put all that pass the filter and failed or were cancelled back into the queue; with `force`
    also those that are done or worked on."""

    def change(draft: Draft, task: TaskRecord) -> TaskRecord:
        return reset_one(draft, task, force=params.force)

    return _change_all(state, params, context, change)


def edit_tasks(state: ProjectState, params: EditTasks, context: Context) -> Decision:
    """Change priority, tags or attempts of all that pass the filter.

    Raises:
        InvalidParams: there is nothing to change, or a tag is to be added and removed.
    """
    _check_edit(params)

    def change(draft: Draft, task: TaskRecord) -> TaskRecord:
        return edit_one(draft, task, _edited_fields(task, params))

    return _change_all(state, params, context, change)


def _change_all(
    state: ProjectState,
    params: CancelTasks | ResetTasks | EditTasks,
    context: Context,
    change: Callable[[Draft, TaskRecord], TaskRecord],
) -> Decision:
    """Go through one page of the tasks that pass the filter, oldest first.

    `change` returns the task itself where there is nothing to do, and refuses before it changes
    anything.
    """
    draft = Draft(state, context)
    tasks, cursor = bulk_page(state, params.filter, params.cursor)
    changed: list[str] = []
    skipped: list[Skipped] = []
    for task_id in [task.id for task in tasks]:
        # The change of another one may have made a new version of it.
        task = draft.tasks[task_id]
        try:
            if change(draft, task) is not task:
                changed.append(task_id)
        except CoordinatorError as refusal:
            skipped.append(Skipped(task_id=task_id, reason=refusal.reason))
    reply = BulkChanged(
        matched=len(tasks),
        changed=len(changed),
        task_ids=changed[:LISTED_MAX],
        skipped=skipped[:LISTED_MAX],
        more=cursor is not None,
        dry_run=params.dry_run,
        next_cursor=cursor,
    )
    return (Draft(state, context) if params.dry_run else draft).decided(reply)


# --- editing ----------------------------------------------------------------------------------


def _check_edit(params: EditTasks) -> None:
    if params.priority is None and params.max_attempts is None and not _tags_of(params):
        detail = "nothing to change; give `priority`, `addTags`, `removeTags` or `maxAttempts`"
        raise InvalidParams(f"`edit_tasks`: {detail}.", detail=detail)
    both = [tag for tag in params.add_tags if tag in params.remove_tags]
    if both:
        detail = f"`{both[0]}` is to be added as well; leave it out of one of the two"
        raise InvalidParams(
            f"`edit_tasks`: `removeTags`: {detail}.", field="removeTags", detail=detail
        )


def _tags_of(params: EditTasks) -> list[str]:
    return params.add_tags + params.remove_tags


def _edited_fields(task: TaskRecord, params: EditTasks) -> dict[str, Any]:
    """The record's fields that would become others.

    Raises:
        LimitExceeded: the task would have too many tags.
    """
    fields: dict[str, Any] = {}
    if params.priority is not None:
        fields["priority"] = params.priority
    if params.max_attempts is not None:
        fields["max_attempts"] = params.max_attempts
    if _tags_of(params):
        kept = [tag for tag in task.tags if tag not in params.remove_tags]
        fields["tags"] = tuple(dict.fromkeys(kept + params.add_tags))
        if len(fields["tags"]) > TAGS_MAX:
            raise LimitExceeded(
                f"Task `{task.id}` would have more than {TAGS_MAX} tags.", limit=TAGS_MAX
            )
    return {name: value for name, value in fields.items() if value != getattr(task, name)}
