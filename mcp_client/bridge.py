"""Carries a tool call to the coordinator and brings back what an agent can use.

Owns everything between the tool's arguments and its answer: page sizes, deadlines, safe repeats,
confirmations and the bound on what comes back. Must not know MCP.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import msgspec
import trio

from mcp_client.arguments import CONFIRM_PARAM, CONFIRMED, completed
from mcp_client.bounds import TEXT_BYTES_MAX, cut_to_fit, entries_that_fit, size
from mcp_client.confirmation import VALID_SECONDS, ConfirmationNeeded, Confirmations
from mcp_client.coordinator import Coordinator
from mcp_client.keeper import Keeper
from mcp_client.schemas import PAGE_DEFAULT_FOR_AGENTS
from protocol.errors import ConnectionLost, CoordinatorError
from protocol.limits import WAIT_SECONDS_MAX
from protocol.methods import METHODS, Method

__all__ = ["Answer", "Bridge"]

REACH_SECONDS: Final = 1.25
"""How long a call waits for a server that is not there before it says so."""
CALL_SECONDS: Final = 30.0
"""How long a call waits for the answer of a server that is there, beyond what it asks to wait."""
UNSETTLED_MAX: Final = 100

_NEVER_TWICE: Final[Mapping[str, float]] = {
    "add_task": math.inf,
    "add_tasks": math.inf,
    "instantiate_template": math.inf,
    "add_note": math.inf,
    "claim_next_task": 60.0,
}
"""The calls that do a thing twice when they are simply repeated, and for how many seconds a repeat
word for word means the same call. An old claim would be answered by a task that is lost by then.
All other calls are refused, or change nothing more, the second time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON result of a call, within the bound, and what was left out of it."""

    result: dict[str, Any]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a method's result has its entries, and how one asks for those after them."""

    entries: str
    token: str = ""
    param: str = ""


_CURSOR_PAGE: Final = _Page("tasks", "nextCursor", "cursor")
_EVENT_PAGE: Final = _Page("events", "nextSince", "since")
_PAGES: Final[Mapping[str, _Page]] = {
    "get_available_tasks": _CURSOR_PAGE,
    "get_all_tasks": _CURSOR_PAGE,
    "list_tasks": _CURSOR_PAGE,
    "get_events": _EVENT_PAGE,
    "get_task_history": _EVENT_PAGE,
    "get_snapshot": _Page("queue"),
}


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A call without an answer: its key, and until when a repeat is the same call."""

    key: str
    until: float


class Bridge:
    """The way of one process to the coordinator. Calls may run side by side."""

    def __init__(self, coordinator: Coordinator, keeper: Keeper | None = None) -> None:
        self._coordinator = coordinator
        self._keeper = keeper or Keeper(coordinator)
        self._holdings = self._keeper.holdings
        self._confirmations = Confirmations()
        self._unsettled: dict[bytes, _Unsettled] = {}

    async def call(self, method: Method, arguments: Mapping[str, Any], caller: str) -> Answer:
        """Carry the call out for `caller`: the worker that is meant where none is named.

        Cancelling it withdraws a wait, and gives back what a claim won in that moment. Another
        change may still happen.

        Raises:
            CoordinatorError: the refusal; `ConnectionLost` within two seconds if the server is
                not there, in which case the same call can be repeated without doing it twice.
        """
        await self._keeper.catch_up()
        if method.name in CONFIRMED:
            return Answer(await self._confirmed(method.name, arguments, caller))
        arguments = await self._with_own_name(method, arguments, caller)
        params = completed(method, arguments, caller, self._holdings)
        page = _PAGES.get(method.name)
        if page is not None and page.token:
            params.setdefault("limit", PAGE_DEFAULT_FOR_AGENTS)
        result = await self._kept(method.name, params, caller)
        notices: list[str] = []
        if page is not None:
            result, notices = await self._page_that_fits(method.name, params, page, result)
        result, cuts = cut_to_fit(result)
        return Answer(result, (*notices, *cuts))

    def news(self, arguments: Mapping[str, Any], caller: str) -> tuple[str, ...]:
        """What the agent that made a call must hear now, once, whatever came of the call."""
        named = arguments.get("workerId")
        worker_id = named if isinstance(named, str) else self._holdings.worker_of(caller)
        return self._holdings.take_notices(worker_id)

    async def _kept(self, name: str, params: dict[str, Any], caller: str) -> dict[str, Any]:
        """A call whose effect on what this process holds is kept account of."""
        named = params.get("workerId")
        with self._keeper.call(name, named if isinstance(named, str) else None):
            if name in _NEVER_TWICE:
                result = await self._once(name, params)
            else:
                result = await self._request(name, params)
            self._holdings.heard(name, params, result, caller)
        return result

    async def _with_own_name(
        self, method: Method, arguments: Mapping[str, Any], caller: str
    ) -> Mapping[str, Any]:
        """Let an agent that took its slot without a name say its name with the first task.

        The coordinator names a nameless slot by its first claim, but agents' slots all have one.
        """
        worker_id, number = arguments.get("workerId"), self._holdings.slot_of(caller)
        renames = (
            method.name in {"claim_task", "claim_next_task"}
            and isinstance(worker_id, str)
            and number is not None
            and not self._holdings.slots[number].named
            and arguments.get("workerSlot") in (None, number)
            and worker_id != caller
            and self._holdings.slot_of(worker_id) is None
            and not self._holdings.is_working(caller)
        )
        if not renames:
            return arguments
        release, claim = METHODS["release_worker_slot"], METHODS["claim_worker_slot"]
        old = completed(release, {"slot": number}, caller, self._holdings)
        await self._kept(release.name, old, caller)
        new = completed(claim, {"workerId": worker_id}, caller, self._holdings)
        slot = (await self._kept(claim.name, new, caller))["slot"]
        return {**arguments, "workerSlot": slot}

    async def _confirmed(
        self, name: str, arguments: Mapping[str, Any], caller: str
    ) -> dict[str, Any]:
        """A call that is carried out when it is made a second time, with the token of the first.

        Raises:
            ConfirmationNeeded: it was said once. Nothing was changed.
        """
        params = dict(arguments)
        token = params.pop(CONFIRM_PARAM, None)
        call = _words(name, params)
        if self._confirmations.accepts(call, token):
            result = await self._kept(name, params, caller)
            self._confirmations.done(call)
            return result
        counts: dict[str, int] = (await self._request("get_snapshot", {"limit": 0}))["counts"]
        total, working = sum(counts.values()), counts["working"]
        raise ConfirmationNeeded(
            f"{'Nothing was changed' if token is None else 'This token is not valid (any more)'}: "
            f"`{name}` would remove {total} tasks, {working} of them being worked on. Ask "
            f"the person. If they agree, call it again with the token below as `{CONFIRM_PARAM}`, "
            f"within {VALID_SECONDS / 60:g} minutes.",
            confirm=self._confirmations.ask(call),
            tasks=total,
            working=working,
        )

    async def _request(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        await self._coordinator.wait_connected(REACH_SECONDS)
        outcome: dict[str, Any] | CoordinatorError | None = None
        lost: list[ConnectionLost] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, lost, nursery.cancel_scope)
            try:
                outcome = await self._coordinator.call(name, params, timeout=_patience(params))
            except CoordinatorError as error:
                outcome = error
            nursery.cancel_scope.cancel()
        if outcome is None:
            raise ConnectionLost(f"{lost[0].message}; `{name}` may have been carried out or not")
        if isinstance(outcome, CoordinatorError):
            raise outcome
        return outcome

    async def _watch(self, lost: list[ConnectionLost], waiting: trio.CancelScope) -> None:
        """Give up waiting for an answer when its connection broke and does not come back."""
        while True:
            await self._coordinator.wait_disconnected()
            try:
                await self._coordinator.wait_connected(REACH_SECONDS)
            except ConnectionLost as error:
                lost.append(error)
                waiting.cancel()
                return

    async def _once(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """A call under a key of its own, kept until the call is answered.

        An agent that was told "connection lost" repeats its call word for word, without knowing
        whether the first one arrived. The same key lets the server tell.
        """
        call = _words(name, params)
        earlier = self._unsettled.pop(call, None)
        now = trio.current_time()
        key = earlier.key if earlier is not None and now <= earlier.until else uuid4().hex
        try:
            return await self._request(name, {"idempotencyKey": key, **params})
        except ConnectionLost:
            if len(self._unsettled) >= UNSETTLED_MAX:
                del self._unsettled[next(iter(self._unsettled))]
            self._unsettled[call] = _Unsettled(key, trio.current_time() + _NEVER_TWICE[name])
            raise

    async def _page_that_fits(
        self, name: str, params: dict[str, Any], page: _Page, result: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """Ask again for a shorter page rather than cut this one: its cursor must stay true."""
        shown = len(result[page.entries])
        whole = True
        while size(result) > TEXT_BYTES_MAX and shown > 1:
            whole = False
            shown = min(entries_that_fit(result, page.entries), shown - 1)
            result = await self._request(name, {**params, "limit": shown})
        if whole:
            return result, []
        notice = f"Only {shown} of the entries asked for fit into one answer."
        if page.param and result.get(page.token) is not None:
            notice += f" For those after them pass `{page.token}` as `{page.param}`."
        return result, [notice]


def _words(name: str, params: Mapping[str, Any]) -> bytes:
    """The same for a call that is repeated word for word."""
    return msgspec.json.encode((name, params), order="deterministic")


def _patience(params: Mapping[str, Any]) -> float:
    """Seconds until an answer is overdue."""
    waits = params.get("waitSeconds")
    if not isinstance(waits, int | float):
        return CALL_SECONDS
    return CALL_SECONDS + min(max(waits, 0.0), WAIT_SECONDS_MAX)
