"""A whole coordinator in the test's own process: real actor, real sessions, no sockets.

Owns starting one over any store, and talking to it as a client would, in JSON-RPC.
"""

import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import trio

from actor.clock import Clock, monotonic_ms
from actor.coordinator import Coordinator
from actor.invariants import violations
from actor.operations import NO_SCHEDULE, Schedule
from actor.policy import DEFAULT_POLICY, Policy
from actor.store.base import Store
from actor.store.memory import MemoryStore
from actor.timestamps import to_ms
from protocol.dispatch import Dispatcher
from protocol.errors import from_wire
from protocol.session import CutOff, Session

BEGAN_MS: Final = 1_800_000_000_000
"""What the wall clock says when a server begins."""


class Client:
    """One connection. Answers are matched by id; notifications are collected."""

    def __init__(self, session: Session, nursery: trio.Nursery) -> None:
        self.session = session
        self.notifications: list[dict[str, Any]] = []
        self.cut_off: CutOff | None = None
        """How the server ended the connection, if it did."""
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._arrived = trio.Event()
        nursery.start_soon(self._drain)

    async def __call__(self, method: str, **params: Any) -> Any:
        """The result of a call.

        Raises:
            CoordinatorError: the refusal, as the real client raises it.
        """
        id_ = await self.send(method, **params)
        return await self.answer(id_)

    async def send(self, method: str, **params: Any) -> int:
        """Send a request without waiting for its answer."""
        id_ = next(self._ids)
        request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
        await self.session.receive(msgspec.json.encode(request).decode())
        return id_

    async def answer(self, id_: int, within: float = 10) -> Any:
        """The result of a request that was sent.

        Raises:
            CoordinatorError: the refusal.
            trio.TooSlowError: it took more than so many seconds, on Trio's clock.
        """
        with trio.fail_after(within):
            while id_ not in self._answers:
                await self._arrived.wait()
        response = self._answers.pop(id_)
        if "error" in response:
            error = response["error"]
            raise from_wire(error["code"], error["message"], error["data"])
        return response["result"]

    def answered(self, id_: int) -> bool:
        return id_ in self._answers

    def told(self) -> list[tuple[float, str, str | int | None]]:
        """(seconds since the server began, type, task or slot) of the events that arrived."""
        return [
            (
                (to_ms(event["time"]) - BEGAN_MS) / 1000,
                event["type"],
                event.get("taskId", event.get("slot")),
            )
            for event in self.events
        ]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that arrived, of all subscriptions, in order."""
        return [event for note in self.notifications for event in note["params"]["events"]]

    async def _drain(self) -> None:
        while True:
            try:
                frames = await self.session.next_frames()
            except CutOff as ended:
                self.cut_off = ended
                return
            for frame in frames:
                message = msgspec.json.decode(frame)
                if "method" in message:
                    self.notifications.append(message)
                else:
                    self._answers[message["id"]] = message
            arrived, self._arrived = self._arrived, trio.Event()
            arrived.set()


class Inside:
    """A running coordinator."""

    def __init__(
        self, coordinator: Coordinator, nursery: trio.Nursery, now: list[int], clock: Clock
    ) -> None:
        self.coordinator = coordinator
        self._clock = clock
        self._nursery = nursery
        self._dispatcher = Dispatcher(coordinator)
        self._now = now

    def client(self, project: str = "default") -> Client:
        return Client(Session(self._dispatcher, project), self._nursery)

    def pass_hours(self, hours: float) -> None:
        """Set the wall clock forward, or back."""
        self._now[0] += int(hours * 3_600_000)

    def wall_ms(self) -> int:
        """What the wall clock says."""
        return self._clock.wall_ms()

    def check(self) -> None:
        """All invariants hold."""
        assert violations(self.coordinator.world) == []


@asynccontextmanager
async def inside(
    store: Store | None = None,
    *,
    slots: int = 5,
    policy: Policy = DEFAULT_POLICY,
    schedule: Schedule = NO_SCHEDULE,
) -> AsyncGenerator[Inside]:
    """Open a coordinator over a store (a new one in memory by default) and run it.

    Both clocks go with Trio's, which a test may make virtual; the wall clock can be set on top.
    """
    now = [BEGAN_MS]
    clock = Clock(lambda: now[0] + monotonic_ms() - start_ms, monotonic_ms)
    start_ms = monotonic_ms()
    coordinator = await Coordinator.open(
        store or MemoryStore(), clock, default_slots=slots, policy=policy, schedule=schedule
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(coordinator.run)
        yield Inside(coordinator, nursery, now, clock)
        nursery.cancel_scope.cancel()
