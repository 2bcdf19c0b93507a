"""Stories in virtual time: a server, a worker, somebody who watches, and a clock that jumps.

Owns the beginning that the tests of timers share. All times are seconds since the server began.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor.policy import Policy
from actor.store.base import Store
from actor.timestamps import to_ms
from tests.actor.inside import Client, Inside, inside

__all__ = ["LEASE", "POLICY", "Story", "story"]

LEASE: Final = 60
POLICY: Final = Policy(lease_ms=60_000, grace_ms=10_000, attempts_max=3, retry_delay_ms=2_000)


@dataclass
class Story:
    """`call` is a worker's connection, `watcher` hears every event."""

    server: Inside
    call: Client
    watcher: Client
    clock: MockClock
    began: float

    async def at(self, seconds: float) -> None:
        """Sleep until then, and until everything that happens then has happened."""
        await trio.sleep_until(self.began + seconds)
        await wait_all_tasks_blocked()

    def told(self, *types: str) -> list[tuple[float, str, str | int | None]]:
        """What was told, of these types."""
        return [event for event in self.watcher.told() if not types or event[1] in types]

    def said(self, type_: str) -> list[dict[str, Any]]:
        """The data of all events of a type."""
        return [event.get("data", {}) for event in self.watcher.events if event["type"] == type_]

    async def task(self, name: str = "a") -> dict[str, Any]:
        found: dict[str, Any] = (await self.watcher("get_task", taskId=name))["task"]
        return found

    async def status(self, name: str = "a") -> str:
        return str((await self.task(name))["status"])

    async def until_available(self, name: str = "a", unless: str = "") -> None:
        """Sleep until a scheduled task is available, in steps as short as the loop's own."""
        while (status := await self.status(name)) not in {"available", unless}:
            assert status == "scheduled"
            moment = (await self.watcher("explain_task", taskId=name))["waitsUntil"]
            wall_ms = to_ms((await self.watcher("get_snapshot"))["time"])
            await trio.sleep((to_ms(moment) - wall_ms) / 1000)
            await wait_all_tasks_blocked()

    async def begin_work(
        self, worker: str = "w", task: str = "a", *, lease: float | None = None, **fields: Any
    ) -> str:
        """Add a task and have it claimed; the claim's token."""
        await self.call("add_task", id=task, description="d", **fields)
        slot = (await self.call("claim_worker_slot", workerId=worker))["slot"]
        given = {} if lease is None else {"leaseSeconds": lease}
        return await self.claim(task, worker, slot, **given)

    async def claim(self, task: str = "a", worker: str = "w", slot: int = 1, **given: Any) -> str:
        claim = {"taskId": task, "workerId": worker, "workerSlot": slot}
        return str((await self.call("claim_task", **claim, **given))["claimToken"])

    async def report(self, status: str, task: str = "a", worker: str = "w", **more: Any) -> None:
        await self.call("update_task", taskId=task, workerId=worker, status=status, **more)


@asynccontextmanager
async def story(
    clock: MockClock, store: Store | None = None, *, slots: int = 5, policy: Policy = POLICY
) -> AsyncGenerator[Story]:
    """A running server under a clock that jumps. Its invariants are checked at the end."""
    async with inside(store, slots=slots, policy=policy) as server:
        call, watcher = server.client(), server.client()
        seq = (await watcher("get_snapshot"))["seq"]
        await watcher("subscribe", since=seq)
        yield Story(server, call, watcher, clock, clock.current_time())
        server.check()
