"""Signs of life, and what is done when they stop.

Owns the leases of slots and tasks: who renews them, what a heartbeat is told, what a lost
connection and a restart of the server mean for them, and what happens when one ends. Pure.
"""

from collections.abc import Collection

from actor.records import SlotRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.transitions.draft import Context, Decision, Draft
from actor.transitions.endings import lapse
from actor.views import Now
from protocol.errors import SlotNotClaimed
from protocol.params import Heartbeat
from protocol.results import HeartbeatReply, HeldSlot, SlotReleased

__all__ = ["disconnect", "heartbeat", "lapse_slot", "lapse_task", "resume"]

_NOTHING = SlotReleased(slot=0)
"""The reply of what nobody asked for."""


def heartbeat(state: ProjectState, params: Heartbeat, context: Context) -> Decision:
    """Renew every lease of a worker, or of all workers of the calling client session.

    Nothing of it is written: a restart gives every holder a fresh lease anyhow.
    """
    draft = Draft(state, context)
    slots = _slots_of(state, params, context)
    if not slots:
        who = f"Worker `{params.worker_id}`" if params.worker_id else "This client session"
        raise SlotNotClaimed(
            f"{who} holds no slot: it claimed none, or gave no sign of life for too long, and what "
            "it held went back. Call `claim_worker_slot` again.",
            workerId=params.worker_id,
        )
    for slot in slots:
        draft.renew(slot)
    return draft.decided(
        HeartbeatReply(
            held=[_held(draft, slot) for slot in slots],
            cancelled=[slot.revoked for slot in slots if slot.revoked is not None],
            paused=state.record.paused,
            draining=any(slot.number > state.record.slots for slot in slots),
            lease_seconds=min(_shortest_ms(draft, slot) for slot in slots) / 1000,
        )
    )


def _slots_of(state: ProjectState, params: Heartbeat, context: Context) -> list[SlotRecord]:
    if params.worker_id is None:
        return [state.slots[n] for n in sorted(state.slots_of_session.get(context.session, ()))]
    number = state.slot_of_worker.get(params.worker_id)
    return [] if number is None else [state.slots[number]]


def _held(draft: Draft, slot: SlotRecord) -> HeldSlot:
    end_ms = Now(draft.now_ms, draft.mono_ms).on_wall(draft.mono_ms + _shortest_ms(draft, slot))
    return HeldSlot(
        slot=slot.number,
        worker_id=slot.worker_id,
        task_id=slot.task_id,
        lease_expires_at=to_text(end_ms),
    )


def _shortest_ms(draft: Draft, slot: SlotRecord) -> int:
    """The shorter one of a slot's lease and its task's."""
    task = draft.task(slot.task_id) if slot.task_id is not None else None
    lengths = [slot.lease_ms]
    if task is not None and task.lease_ms is not None:
        lengths.append(task.lease_ms)
    return min(lengths)


def disconnect(state: ProjectState, session: str, context: Context) -> Decision:
    """The last connection of a client session is gone: what is bound to it has its grace left."""
    draft = Draft(state, context)
    for number in state.slots_of_session.get(session, ()):
        slot = state.slots[number]
        if slot.bound and state.slot_leases[number].connected:
            draft.limit_slot(number, draft.mono_ms + context.policy.grace_ms, connected=False)
            draft.event(
                "slot_disconnected", slot=number, worker_id=slot.worker_id, task_id=slot.task_id
            )
    return draft.decided(_NOTHING)


def resume(state: ProjectState, connected: Collection[str], context: Context) -> Decision:
    """After loading every holder has one fresh lease to come back, and only the grace if its slot
    is bound to a connection and its session is not among the `connected` ones. What an attempt may
    still take is what was left of it. Nothing of this is written.
    """
    draft = Draft(state, context)
    for slot in state.slots.values():
        draft.renew(slot)
        if slot.bound and slot.session not in connected:
            until_ms = draft.mono_ms + context.policy.grace_ms
            draft.limit_slot(slot.number, until_ms, connected=False)
    for name in state.by_status["working"]:
        task = state.tasks[name]
        # The wall clock may have been set back while the server was down.
        worked_ms = max(0, draft.now_ms - (task.claimed_ms or draft.now_ms))
        draft.begin_lease(task, worked_ms)
    return draft.decided(_NOTHING)


def lapse_task(state: ProjectState, task_id: str, context: Context) -> Decision:
    """A task's lease, or its attempt, is at its end."""
    draft = Draft(state, context)
    lease = state.task_leases[task_id]
    timed_out = lease.timeout_ms is not None and lease.timeout_ms <= draft.mono_ms
    lapse(draft, state.tasks[task_id], "timeout" if timed_out else "lease")
    return draft.decided(_NOTHING)


def lapse_slot(state: ProjectState, number: int, context: Context) -> Decision:
    """A slot's lease is at its end: the slot is free, and the task in it has lost its worker."""
    draft = Draft(state, context)
    slot = state.slots[number]
    cause = "lease" if state.slot_leases[number].connected else "disconnected"
    if slot.task_id is not None:
        lapse(draft, state.tasks[slot.task_id], cause)
    draft.free_slot(slot, cause, "slot_lapsed")
    return draft.decided(_NOTHING)
