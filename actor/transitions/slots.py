"""Worker slots: who may work, and how many at a time.

Owns the ownership of slots. A worker owns at most one slot, a slot works on at most one task, and
only its owner gives it back. Pure.
"""

from actor.records import Change, SlotRecord
from actor.state import ProjectState
from actor.transitions.draft import Context, Decision, Draft, idle_status
from protocol.errors import (
    NoFreeSlot,
    SlotNotClaimed,
    SlotNotFound,
    SlotNotYours,
    WorkerHasSlot,
)
from protocol.params import ClaimWorkerSlot, ReleaseWorkerSlot
from protocol.results import SlotClaimed, SlotReleased

__all__ = ["claim_worker_slot", "name_slot", "recover", "release_worker_slot", "require_slot"]


def claim_worker_slot(state: ProjectState, params: ClaimWorkerSlot, context: Context) -> Decision:
    """Give the lowest free slot, or the one that the worker has already."""
    draft = Draft(state, context)
    held = state.slot_of_worker.get(params.worker_id) if params.worker_id is not None else None
    if held is not None:
        return _claim_again(draft, state.slots[held])
    number = state.lowest_free_slot()
    if number is None:
        raise NoFreeSlot(
            f"All {state.record.slots} worker slots are held. Try again when one is released, or "
            "start the server with more --workers.",
            total=state.record.slots,
        )
    slot = SlotRecord(
        project=state.record.number,
        number=number,
        worker_id=params.worker_id,
        session=context.session,
        claimed_ms=draft.now_ms,
    )
    draft.changes.append(Change(None, slot))
    draft.event("slot_claimed", slot=number, worker_id=params.worker_id)
    return draft.decided(SlotClaimed(slot=number, worker_id=params.worker_id))


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
    _free(draft, slot, cause="slot_released")
    return draft.decided(SlotReleased(slot=slot.number, task_id=slot.task_id))


def recover(state: ProjectState, context: Context) -> Decision:
    """What a restart does: free every slot and put unfinished tasks back into the queue."""
    draft = Draft(state, context)
    for slot in list(state.slots.values()):
        _free(draft, slot, cause="server_restart")
    return draft.decided(SlotReleased(slot=0))


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
        f"Slot {number} is free: nobody claimed it, or it was given back (a restart of the server "
        "frees all slots). Call `claim_worker_slot` first.",
        slot=number,
    )


def name_slot(draft: Draft, slot: SlotRecord, worker_id: str, *, task_id: str) -> SlotRecord:
    """Put a worker to work in a slot. The first claim on a slot without a name names it.

    Raises:
        SlotNotYours: another worker owns the slot.
        WorkerHasSlot: the worker owns another slot, so this one cannot take its name.
    """
    if slot.worker_id == worker_id:
        return draft.change_slot(slot, task_id=task_id)
    if slot.worker_id is not None:
        raise _not_yours(slot, worker_id)
    other = draft.state.slot_of_worker.get(worker_id)
    if other is not None:
        raise WorkerHasSlot(
            f"Worker `{worker_id}` already holds slot {other}; claim the task in that one.",
            slot=other,
        )
    named = draft.change_slot(
        slot, worker_id=worker_id, session=draft.context.session, task_id=task_id
    )
    draft.event("slot_named", slot=slot.number, worker_id=worker_id)
    return named


def _claim_again(draft: Draft, slot: SlotRecord) -> Decision:
    """A worker that lost its connection, or its memory, asks for its slot."""
    if slot.session != draft.context.session:
        draft.change_slot(slot, session=draft.context.session)
        draft.event(
            "slot_claimed",
            slot=slot.number,
            worker_id=slot.worker_id,
            task_id=slot.task_id,
            data={"resumed": True},
        )
    return draft.decided(
        SlotClaimed(slot=slot.number, worker_id=slot.worker_id, task_id=slot.task_id)
    )


def _free(draft: Draft, slot: SlotRecord, cause: str) -> None:
    task = draft.state.tasks.get(slot.task_id) if slot.task_id is not None else None
    if task is not None:
        # Claim and worker stay on record: a late report counts until somebody claims again.
        released = draft.change(task, status=idle_status(draft.state, task), worker_slot=None)
        draft.task_event("task_released", released, {"cause": cause}, slot=slot.number)
    draft.remove(slot)
    draft.event("slot_released", slot=slot.number, worker_id=slot.worker_id, data={"cause": cause})


def _not_yours(slot: SlotRecord, worker_id: str | None) -> SlotNotYours:
    who = f"not to `{worker_id}`" if worker_id is not None else "and the call names no worker"
    return SlotNotYours(
        f"Slot {slot.number} belongs to `{slot.worker_id}`, {who}. `claim_worker_slot` gives a "
        "worker its own slot.",
        slot=slot.number,
        holder=slot.worker_id,
    )
