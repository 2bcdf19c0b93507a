"""Worker slots: who may work, and how many at a time.

Owns the ownership of slots. A worker owns at most one slot, a slot works on at most one task, and
only its owner gives it back. Pure.
"""

from actor.records import SlotRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.transitions.draft import Context, Decision, Draft, Waiting, claim_token
from actor.transitions.endings import hand_back
from actor.views import Now
from protocol.errors import (
    NoFreeSlot,
    SlotBusy,
    SlotNotClaimed,
    SlotNotFound,
    SlotNotYours,
    WorkerHasSlot,
)
from protocol.limits import WAIT_SECONDS_MAX
from protocol.params import ClaimWorkerSlot, ReleaseWorkerSlot
from protocol.results import SlotClaimed, SlotReleased

__all__ = [
    "check_usable",
    "claim_worker_slot",
    "name_slot",
    "release_worker_slot",
    "require_slot",
]


def claim_worker_slot(state: ProjectState, params: ClaimWorkerSlot, context: Context) -> Decision:
    """Give the lowest free slot, or the one that the worker has already."""
    draft = Draft(state, context)
    held = state.slot_of_worker.get(params.worker_id) if params.worker_id is not None else None
    if held is not None:
        return _claim_again(draft, state.slots[held], params)
    number = state.lowest_free_slot()
    if number is None:
        if context.may_wait and params.wait_seconds:
            return draft.decided(Waiting(min(params.wait_seconds, WAIT_SECONDS_MAX)))
        raise NoFreeSlot(
            f"All {state.record.slots} worker slots are held. Wait for one with `waitSeconds`, or "
            "make more with `set_worker_slots`.",
            total=state.record.slots,
        )
    slot = draft.add_slot(
        SlotRecord(
            project=state.record.number,
            number=number,
            worker_id=params.worker_id,
            session=context.session,
            bound=params.bind_to_connection,
            lease_ms=_lease_ms(params, context),
            claimed_ms=draft.now_ms,
        )
    )
    draft.event("slot_claimed", slot=number, worker_id=params.worker_id)
    return draft.decided(_claimed(draft, slot))


def release_worker_slot(
    state: ProjectState, params: ReleaseWorkerSlot, context: Context
) -> Decision:
    """Free a slot; the task that it works on goes back to the queue."""
    draft = Draft(state, context)
    slot = require_slot(state, params.slot)
    if slot.worker_id is not None:
        same_session = params.worker_id is None and slot.session == context.session
        if not same_session and params.worker_id != slot.worker_id:
            raise _not_yours(slot, params.worker_id)
    task = state.tasks[slot.task_id] if slot.task_id is not None else None
    if task is not None:
        hand_back(draft, task, cause="slot_released")
    draft.free_slot(slot, cause="slot_released")
    return draft.decided(SlotReleased(slot=slot.number, task_id=slot.task_id))


def require_slot(state: ProjectState, number: int) -> SlotRecord:
    """The held slot.

    Raises:
        SlotNotFound: the project has fewer slots.
        SlotNotClaimed: nobody holds it.
    """
    slot = state.slots.get(number)
    if slot is not None:
        return slot
    if number > state.record.slots:
        raise SlotNotFound(
            f"There is no slot {number}; the project has slots 1 to {state.record.slots}. "
            "`claim_worker_slot` says which one is yours.",
            slot=number,
            total=state.record.slots,
        )
    raise SlotNotClaimed(
        f"Slot {number} is free: nobody claimed it, or it was given back, perhaps because its "
        "worker gave no sign of life. Call `claim_worker_slot` first.",
        slot=number,
    )


def check_usable(draft: Draft, slot: SlotRecord, worker_id: str) -> None:
    """Whether this worker may begin a task in this slot now.

    Raises:
        SlotNotYours: another worker owns the slot, or claimed it without a name from another
            connection, to which it is bound.
        SlotBusy: the worker works on something in it already.
        WorkerHasSlot: the worker owns another slot, so this one cannot take its name.
    """
    if slot.worker_id not in {None, worker_id}:
        raise _not_yours(slot, worker_id)
    if slot.worker_id is None:
        _check_nameable(draft, slot, worker_id)
    if slot.task_id is not None:
        raise SlotBusy(
            f"Slot {slot.number} already works on `{slot.task_id}`; report on that task first "
            "with `update_task`.",
            slot=slot.number,
            taskId=slot.task_id,
        )


def name_slot(draft: Draft, slot: SlotRecord, worker_id: str, *, task_id: str) -> SlotRecord:
    """Put a worker to work in a slot that it may use. The first claim on a slot without a name
    names it."""
    if slot.worker_id == worker_id:
        return draft.change_slot(slot, task_id=task_id, revoked=None)
    named = draft.change_slot(
        slot, worker_id=worker_id, session=draft.context.session, task_id=task_id, revoked=None
    )
    draft.event("slot_named", slot=slot.number, worker_id=worker_id)
    return named


def _check_nameable(draft: Draft, slot: SlotRecord, worker_id: str) -> None:
    if slot.bound and slot.session != draft.context.session:
        raise SlotNotYours(
            f"Slot {slot.number} is bound to the connection that claimed it, and has no name yet. "
            "`claim_worker_slot` gives a worker its own slot.",
            slot=slot.number,
        )
    other = draft.state.slot_of_worker.get(worker_id)
    if other is not None:
        raise WorkerHasSlot(
            f"Worker `{worker_id}` already holds slot {other}; claim the task in that one.",
            slot=other,
        )


def _claim_again(draft: Draft, slot: SlotRecord, params: ClaimWorkerSlot) -> Decision:
    """A worker that lost its connection, or its memory, asks for its slot."""
    was_lost = not draft.state.slot_leases[slot.number].connected
    lease_ms = slot.lease_ms
    if params.lease_seconds is not None:
        lease_ms = _lease_ms(params, draft.context)
    again = draft.change_slot(
        slot,
        session=draft.context.session,
        bound=slot.bound or params.bind_to_connection,
        lease_ms=lease_ms,
    )
    draft.renew(again)
    if slot.session != draft.context.session and not was_lost:
        draft.event(
            "slot_claimed",
            slot=slot.number,
            worker_id=slot.worker_id,
            task_id=slot.task_id,
            data={"resumed": True},
        )
    return draft.decided(_claimed(draft, again))


def _lease_ms(params: ClaimWorkerSlot, context: Context) -> int:
    if params.lease_seconds is None:
        return context.policy.lease_ms
    return round(params.lease_seconds * 1000)


def _claimed(draft: Draft, slot: SlotRecord) -> SlotClaimed:
    task = draft.task(slot.task_id) if slot.task_id is not None else None
    now = Now(draft.now_ms, draft.mono_ms)
    return SlotClaimed(
        slot=slot.number,
        worker_id=slot.worker_id,
        task_id=slot.task_id,
        claim_token=claim_token(task.claim_seq) if task and task.claim_seq else None,
        lease_expires_at=to_text(now.on_wall(draft.mono_ms + slot.lease_ms)),
    )


def _not_yours(slot: SlotRecord, worker_id: str | None) -> SlotNotYours:
    who = f"not to `{worker_id}`" if worker_id is not None else "and the call names no worker"
    return SlotNotYours(
        f"Slot {slot.number} belongs to `{slot.worker_id}`, {who}. `claim_worker_slot` gives a "
        "worker its own slot.",
        slot=slot.number,
        holder=slot.worker_id,
    )
