"""Keeps what an agent holds for as long as the agent's host lives.

Owns the heartbeats of this process: when they are sent, what follows from their answers, and
giving everything back at the end. They say that this process and its host live. How long an agent
may work in silence is bounded here; how long a task may take is the task's `timeoutSeconds`. Must
not know MCP.

A process that was stopped sends nothing, so what it held lapses; its first heartbeat afterwards
finds that out.
"""

import logging
import math
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import trio

from mcp_client.coordinator import Coordinator
from mcp_client.holdings import Holdings
from protocol.errors import ConnectionLost, CoordinatorError, SlotNotClaimed
from protocol.results import HeartbeatReply, HeldSlot

__all__ = ["IDLE_SECONDS", "Keeper"]

IDLE_SECONDS: Final = 7_200.0
"""How long an agent may say nothing at all until its claims are left to lapse."""
PERIOD_SECONDS_MAX: Final = 30.0
"""A heartbeat also brings orders, and nobody should wait for those as long as for a lease."""
BEATS_PER_LEASE: Final = 3
ANSWER_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0
CATCH_UP_SECONDS: Final = 0.5
"""How long a call waits for a heartbeat that is overdue, so that its answer brings the news."""
GIVE_BACK_SECONDS: Final = 2.0

_CLAIMING: Final = frozenset({"claim_worker_slot", "claim_task", "claim_next_task"})
_MOVING: Final = frozenset(
    {"claim_worker_slot", "release_worker_slot", "update_task", "release_task"}
)
"""While one of these is under way, the book and the coordinator may rightly differ."""

_log = logging.getLogger(__name__)


class Keeper:
    """The heartbeat of one process. `run` it in a nursery; `give_back` when it has ended."""

    def __init__(self, coordinator: Coordinator, idle_seconds: float = IDLE_SECONDS) -> None:
        self.holdings = Holdings()
        self._coordinator = coordinator
        self._idle_seconds = idle_seconds
        self._may_hold = False
        self._due = math.inf
        self._wake = trio.Event()
        self._beaten = trio.Event()
        self._spoke_at = -math.inf
        self._under_way: Counter[str] = Counter()
        self._claiming: Counter[str | None] = Counter()
        self._changes = 0
        self._unheard: set[str] = set()

    # --- for the bridge -----------------------------------------------------------------------

    async def catch_up(self) -> None:
        """An agent speaks: let a heartbeat that is overdue, or a claim to be undone, go first."""
        self._spoke_at = trio.current_time()
        with trio.move_on_after(CATCH_UP_SECONDS):
            while self._may_hold and (self._unheard or self._spoke_at > self._due):
                self._wake.set()
                await self._beaten.wait()

    @contextmanager
    def call(self, name: str, worker_id: str | None) -> Generator[None]:
        """A call of this worker is under way for the length of the block.

        If the block is cancelled, nobody hears of what the call has won: it is given back.
        """
        claims = name in _CLAIMING
        self._begin(name, worker_id, claims=claims)
        unheard = claims
        try:
            yield
            unheard = False
        except CoordinatorError:
            unheard = False  # a refused call won nothing, and one without an answer is repeated
            raise
        finally:
            if unheard and worker_id is not None:
                self._unheard.add(worker_id)
            self._end(name, worker_id, claims=claims)

    def _begin(self, name: str, worker_id: str | None, *, claims: bool) -> None:
        self._under_way[name] += 1
        self._changes += 1
        if claims:
            self._claiming[worker_id] += 1
            self._may_hold = True

    def _end(self, name: str, worker_id: str | None, *, claims: bool) -> None:
        self._under_way[name] -= 1
        self._changes += 1
        self._spoke_at = trio.current_time()
        if claims:
            self._claiming[worker_id] -= 1
            self._wake.set()

    # --- the heartbeat ------------------------------------------------------------------------

    async def run(self) -> None:
        """Send heartbeats while something is held, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_connection)
            while True:
                await self._rest()
                if self._may_hold and not self._is_idle():
                    self._due = trio.current_time() + await self._beat()
                    beaten, self._beaten = self._beaten, trio.Event()
                    beaten.set()

    async def _rest(self) -> None:
        """Wait for the next heartbeat's moment; with nothing to keep, for a reason to begin.

        Of a silent agent the moment stays in the past, so that its next call catches up.
        """
        keeping = self._may_hold and not self._is_idle()
        with trio.move_on_at(self._due if keeping else math.inf):
            await self._wake.wait()
        self._wake = trio.Event()

    def _is_idle(self) -> bool:
        return trio.current_time() - self._spoke_at > self._idle_seconds

    async def _watch_connection(self) -> None:
        """A heartbeat at once after every reconnect: it tells the coordinator who is back."""
        while True:
            await self._coordinator.wait_disconnected()
            try:
                await self._coordinator.wait_connected(None)
            except ConnectionLost:
                await trio.sleep(RETRY_SECONDS)
            else:
                self._wake.set()

    async def _beat(self) -> float:
        """Send one heartbeat and act on its answer; seconds until the next one."""
        unheard = set(self._unheard)
        before = self._changes
        try:
            reply = await self._ask()
        except SlotNotClaimed:
            reply = None
        except (CoordinatorError, msgspec.ValidationError) as error:
            _log.warning("heartbeat: %s", error)
            return RETRY_SECONDS
        if reply is not None:
            self.holdings.ordered(reply)
        if before == self._changes and not any(self._under_way[name] for name in _MOVING):
            await self._compare(reply.held if reply is not None else [], unheard)
        if reply is None:
            return PERIOD_SECONDS_MAX if self._may_hold else math.inf
        return min(reply.lease_seconds / BEATS_PER_LEASE, PERIOD_SECONDS_MAX)

    async def _compare(self, held: list[HeldSlot], unheard: set[str]) -> None:
        """Bring the book in line with what the coordinator says is held."""
        if await self._settle(unheard, held):
            self._wake.set()  # the answer is no longer true
            return
        self.holdings.renewed(held)
        self._may_hold = bool(held) or self._claiming.total() > 0

    async def _ask(self) -> HeartbeatReply:
        """One heartbeat for every slot that this client session claimed."""
        answer = await self._coordinator.call("heartbeat", {}, timeout=ANSWER_SECONDS)
        return msgspec.convert(answer, type=HeartbeatReply)

    async def _settle(self, workers: set[str], held: list[HeldSlot]) -> bool:
        """Give back what was won by calls that were cancelled before anybody heard of it.

        The heartbeat was sent after the cancellation on the same connection, so its answer shows
        what came of the call. Returns whether anything was given back.
        """
        given = False
        settled = {worker for worker in workers if not self._claiming[worker]}
        for slot in held:
            if slot.worker_id in settled:
                given |= await self._give_back_unheard(slot)
        self._unheard -= settled
        return given

    async def _give_back_unheard(self, slot: HeldSlot) -> bool:
        holder = {"workerId": slot.worker_id}
        if slot.task_id is None:
            known = slot.slot in self.holdings.slots
            return not known and await self._try(
                "release_worker_slot", {"slot": slot.slot, **holder}
            )
        claim = self.holdings.claims.get(slot.task_id)
        known = claim is not None and claim.held
        return not known and await self._try("release_task", {"taskId": slot.task_id, **holder})

    async def _try(self, name: str, params: Mapping[str, Any]) -> bool:
        try:
            await self._coordinator.call(name, params, timeout=ANSWER_SECONDS)
        except CoordinatorError as error:
            _log.warning("giving back: %s", error)
            return False
        return True

    # --- the end ------------------------------------------------------------------------------

    async def give_back(self) -> None:
        """Release every slot of this process, within `GIVE_BACK_SECONDS`, even if cancelled.

        Without a connection nothing is done: the coordinator frees the slots after its grace.
        """
        if not self._may_hold:
            return
        with trio.move_on_after(GIVE_BACK_SECONDS, shield=True):
            try:
                await self._coordinator.wait_connected(0)
                held = (await self._ask()).held
            except (CoordinatorError, msgspec.ValidationError):
                return
            async with trio.open_nursery() as nursery:
                for slot in held:
                    # By the session: a successor with the same worker id may hold it by now.
                    nursery.start_soon(self._try, "release_worker_slot", {"slot": slot.slot})
