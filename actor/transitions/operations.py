"""What an operator changes about a project while it runs: its slots, and whether claims are open.

Owns both rules. Work that is under way is never touched by them. Pure.
"""

from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft
from protocol.params import PauseClaims, ResumeClaims, SetWorkerSlots
from protocol.results import ClaimsPaused, SlotsSet

__all__ = ["pause_claims", "resume_claims", "set_worker_slots"]


def set_worker_slots(state: ProjectState, params: SetWorkerSlots, context: Context) -> Decision:
    """Change the number of slots. Idle slots beyond it are freed at once, busy ones when their
    task ends."""
    draft = Draft(state, context)
    previous = state.record.slots
    if params.slots != previous:
        draft.change_project(slots=params.slots)
        draft.event("slots_changed", data={"slots": params.slots, "previous": previous})
    beyond = [slot for number, slot in sorted(state.slots.items()) if number > params.slots]
    for slot in beyond:
        if slot.task_id is None:
            draft.free_slot(slot, cause="slots_reduced")
    draining = [slot.number for slot in beyond if slot.task_id is not None]
    return draft.decided(SlotsSet(slots=params.slots, draining=draining))


def pause_claims(state: ProjectState, params: PauseClaims, context: Context) -> Decision:
    """Let nobody claim. Pausing again only changes the reason."""
    draft = Draft(state, context)
    if (state.record.paused, state.record.pause_reason) != (True, params.reason):
        draft.change_project(paused=True, pause_reason=params.reason)
        draft.event("claims_paused", data={"reason": params.reason})
    return draft.decided(ClaimsPaused(paused=True, reason=params.reason))


def resume_claims(state: ProjectState, params: ResumeClaims, context: Context) -> Decision:
    """Let workers claim again."""
    del params
    draft = Draft(state, context)
    if state.record.paused:
        draft.change_project(paused=False, pause_reason=None)
        draft.event("claims_resumed")
    return draft.decided(ClaimsPaused(paused=False))
