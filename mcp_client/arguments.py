"""How the arguments of a tool differ from the params of its method.

Owns which params an agent never sees, which it may leave out because this process knows them, and
filling those in. Pure. Must not know schemas or connections.
"""

from collections.abc import Mapping
from typing import Any, Final

from mcp_client.holdings import Holdings
from protocol.errors import SlotNotClaimed
from protocol.methods import Method

__all__ = ["CONFIRMED", "CONFIRM_PARAM", "HIDDEN", "completed", "may_be_left_out"]

HIDDEN: Final = frozenset({"idempotencyKey", "bindToConnection", "leaseSeconds"})
"""What this process decides: how to repeat a call, and how long a sign of life is good for."""

CONFIRM_PARAM: Final = "confirm"
CONFIRMED: Final = frozenset({"clean_all_tasks"})
"""Tools that do nothing until they are called a second time, with `confirm`."""

_SLOT_PARAMS: Final[Mapping[str, str]] = {
    "claim_task": "workerSlot",
    "claim_next_task": "workerSlot",
    "release_worker_slot": "slot",
}


def may_be_left_out(method: Method) -> dict[str, str]:
    """The params that this process fills in, with what an agent should know of each."""
    optional: dict[str, str] = {}
    if _names_its_worker(method):
        optional["workerId"] = "Left out: you, under the id of your slot."
    if method.name in _SLOT_PARAMS:
        optional[_SLOT_PARAMS[method.name]] = "Left out: the slot that you hold."
    if "claimToken" in method.positional:
        optional["claimToken"] = "Left out: the one of your claim."
    return optional


def completed(
    method: Method, arguments: Mapping[str, Any], caller: str, holdings: Holdings
) -> dict[str, Any]:
    """The params of the method: what the agent passed, and what it left out and meant.

    Raises:
        SlotNotClaimed: the agent means its slot and has none.
    """
    params = dict(arguments)
    if _names_its_worker(method) and params.get("workerId") is None:
        params["workerId"] = _worker_meant(method, params, caller, holdings)
    slot_param = _SLOT_PARAMS.get(method.name)
    if slot_param is not None and params.get(slot_param) is None:
        _fill_slot(method, params, slot_param, holdings)
    if "claimToken" in method.positional and params.get("claimToken") is None:
        _fill_token(params, holdings)
    if method.name == "claim_worker_slot":
        params["bindToConnection"] = True
    return params


def _names_its_worker(method: Method) -> bool:
    """Whether `workerId` says who calls. In a query it is a filter."""
    return method.mutates and "workerId" in method.positional


def _worker_meant(
    method: Method, params: Mapping[str, Any], caller: str, holdings: Holdings
) -> str:
    """Who holds the task or the slot that the call is about, if it is the caller's."""
    if "claimToken" in method.positional and isinstance(params.get("taskId"), str):
        claim = holdings.claims.get(params["taskId"])
        if claim is not None:
            return claim.worker_id
    if method.name == "release_worker_slot" and isinstance(params.get("slot"), int):
        slot = holdings.slots.get(params["slot"])
        if slot is not None and slot.caller == caller:
            return slot.worker_id
    return holdings.worker_of(caller)


def _fill_slot(method: Method, params: dict[str, Any], slot_param: str, holdings: Holdings) -> None:
    slot = holdings.slot_of(params["workerId"])
    if slot is not None:
        params[slot_param] = slot
    elif method.name != "claim_next_task":  # there the coordinator looks for it
        raise SlotNotClaimed(
            f"Worker `{params['workerId']}` holds no slot. Call `claim_worker_slot` first."
        )


def _fill_token(params: dict[str, Any], holdings: Holdings) -> None:
    """A report without a token would count for a claim that was superseded."""
    task_id = params.get("taskId")
    claim = holdings.claims.get(task_id) if isinstance(task_id, str) else None
    if claim is not None and claim.token is not None and claim.worker_id == params["workerId"]:
        params["claimToken"] = claim.token
