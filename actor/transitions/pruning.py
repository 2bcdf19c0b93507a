"""Removing what was archived: old finished tasks, and old events.

Owns the last look before something goes for good. Between the archive and this, anybody may have
changed a task, reset it or made another one depend on it; then it stays. Pure.
"""

from collections.abc import Sequence

import msgspec

from actor.records import TaskRecord
from actor.retention import pick_events, still_free
from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft
from protocol.models import Event

__all__ = ["Removed", "remove_events", "remove_tasks"]


class Removed(msgspec.Struct, frozen=True):
    """How many tasks or events went."""

    count: int


def remove_tasks(
    state: ProjectState, tasks: Sequence[TaskRecord], archive: str | None, context: Context
) -> Decision:
    """Remove tasks as they were archived, in their order: those that are unchanged, and on which
    nothing depends that stays. `archive` is the name of the file that has them."""
    draft = Draft(state, context)
    going = still_free(state, tasks)
    for task in going:
        draft.remove(task)
    if going:
        ids = [task.id for task in going]
        data = {"removed": len(ids), "tasks": ids, "archive": archive}
        draft.event("tasks_pruned", data=data)
    return draft.decided(Removed(len(going)))


def remove_events(
    state: ProjectState,
    events: Sequence[Event],
    before_ms: int,
    archive: str | None,
    context: Context,
) -> Decision:
    """Remove events that were archived, but those whose task was taken up again. Their numbers
    stay used, and the project remembers up to where its history may have holes."""
    draft = Draft(state, context)
    going = pick_events(state, events, before_ms)
    if going:
        draft.forget_events = tuple(event.seq for event in going)
        draft.change_project(pruned_seq=max(state.record.pruned_seq, going[-1].seq))
        draft.event("tasks_pruned", data={"events": len(going), "archive": archive})
    return draft.decided(Removed(len(going)))
