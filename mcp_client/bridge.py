"""Carries a tool call to the coordinator and brings back what an agent can use.

Owns everything between the tool's arguments and its answer: page sizes, deadlines, safe repeats
and the bound on what comes back. Must not know MCP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec
import trio

from mcp_client.bounds import TEXT_BYTES_MAX, cut_to_fit, entries_that_fit, size
from mcp_client.schemas import PAGE_DEFAULT_FOR_AGENTS
from protocol.errors import ConnectionLost, CoordinatorError
from protocol.methods import Method

__all__ = ["Answer", "Bridge", "Coordinator"]

REACH_SECONDS: Final = 1.25
"""How long a call waits for a server that is not there before it says so."""
CALL_SECONDS: Final = 30.0
"""How long a call waits for the answer of a server that is there."""
UNSETTLED_MAX: Final = 100

_CREATING: Final = frozenset({"add_task", "add_tasks"})
"""The calls that do a thing twice when they are simply repeated, since the server makes the ids.
All others are refused, or change nothing more, the second time."""


class Coordinator(Protocol):
    """What the bridge needs of `protocol.client.Client`."""

    async def wait_connected(self, timeout: float | None = None) -> None: ...

    async def wait_disconnected(self) -> None: ...

    async def call(
        self, name: str, params: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any: ...


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
_PAGES: Final[Mapping[str, _Page]] = {
    "get_available_tasks": _CURSOR_PAGE,
    "get_all_tasks": _CURSOR_PAGE,
    "list_tasks": _CURSOR_PAGE,
    "get_events": _Page("events", "nextSince", "since"),
    "get_snapshot": _Page("queue"),
}


class Bridge:
    """One agent's way to the coordinator. Calls may run side by side."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._unsettled: dict[bytes, str] = {}

    async def call(self, method: Method, arguments: Mapping[str, Any]) -> Answer:
        """Carry the call out.

        Cancelling it withdraws the wait, not the call: a change may still happen.

        Raises:
            CoordinatorError: the refusal; `ConnectionLost` within two seconds if the server is
                not there, in which case the same call can be repeated without doing it twice.
        """
        params = dict(arguments)
        page = _PAGES.get(method.name)
        if page is not None and page.token:
            params.setdefault("limit", PAGE_DEFAULT_FOR_AGENTS)
        if method.name in _CREATING:
            result = await self._create(method.name, params)
        else:
            result = await self._request(method.name, params)
        notices: list[str] = []
        if page is not None:
            result, notices = await self._page_that_fits(method.name, params, page, result)
        result, cuts = cut_to_fit(result)
        return Answer(result, (*notices, *cuts))

    async def _request(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        await self._coordinator.wait_connected(REACH_SECONDS)
        outcome: dict[str, Any] | CoordinatorError | None = None
        lost: list[ConnectionLost] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, lost, nursery.cancel_scope)
            try:
                outcome = await self._coordinator.call(name, params, timeout=CALL_SECONDS)
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

    async def _create(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """A creating call under a key of its own, kept until the call is answered.

        An agent that was told "connection lost" repeats its call word for word, without knowing
        whether the first one arrived. The same key lets the server tell.
        """
        call = msgspec.json.encode((name, params), order="deterministic")
        key = self._unsettled.pop(call, None) or uuid4().hex
        try:
            return await self._request(name, {"idempotencyKey": key, **params})
        except ConnectionLost:
            if len(self._unsettled) >= UNSETTLED_MAX:
                del self._unsettled[next(iter(self._unsettled))]
            self._unsettled[call] = key
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
