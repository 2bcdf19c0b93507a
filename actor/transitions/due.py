"""What happens by itself when its moment arrives.

Owns which step follows which due moment. Each is one decision of its own, so that a later one sees
what an earlier one did. Pure.
"""

from actor.agenda import Due
from actor.state import ProjectState, deadline_moment, start_moment
from actor.transitions.draft import Context, Decision, Draft
from actor.transitions.leases import lapse_slot, lapse_task
from protocol.results import SlotReleased

__all__ = ["carry_out_due"]

_NOTHING = SlotReleased(slot=0)


def carry_out_due(state: ProjectState, due: Due, context: Context) -> Decision:
    """Do what is due. The agenda has it, so the record is there and its moment has come."""
    match due.kind:
        case "task_lease":
            return lapse_task(state, due.id, context)
        case "slot_lease":
            return lapse_slot(state, int(due.id), context)
        case "start":
            return _start(state, due.id, context)
        case "deadline":
            return _tell_overdue(state, due.id, context)


def _start(state: ProjectState, task_id: str, context: Context) -> Decision:
    """A scheduled task becomes available."""
    draft = Draft(state, context)
    task = state.tasks[task_id]
    moment = start_moment(task)
    assert moment is not None, "the agenda has scheduled tasks only"
    ready = draft.change(task, retry_at_ms=None, **draft.rest(task))
    draft.task_event("task_ready", ready)
    return draft.decided(_NOTHING)


def _tell_overdue(state: ProjectState, task_id: str, context: Context) -> Decision:
    """The deadline of an unfinished task passed. Nothing else changes."""
    draft = Draft(state, context)
    task = state.tasks[task_id]
    assert deadline_moment(task) is not None, "the agenda has unfinished tasks only"
    draft.task_event("task_overdue", draft.change(task, overdue=True))
    return draft.decided(_NOTHING)
