"""The heartbeat in virtual time: a real coordinator in this process, and a line that can break."""

import itertools
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from actor.policy import Policy
from mcp_client.bridge import Bridge
from mcp_client.keeper import PERIOD_SECONDS_MAX, Keeper
from protocol.errors import ConnectionLost, SlotBusy, StaleClaim
from protocol.methods import METHODS
from tests.actor.inside import Client, Inside, inside

LEASE_SECONDS = 300.0
GRACE_SECONDS = 30.0
IDLE_SECONDS = 7_200.0


class Line:
    """The way of one client session to the coordinator, over any number of connections."""

    _numbers = itertools.count(1)

    def __init__(self, server: Inside) -> None:
        self._server = server
        self._session_id = f"session-{next(self._numbers)}"
        self._client: Client | None = None
        self._changed = trio.Event()
        self._connections: set[trio.CancelScope] = set()
        self.beats: list[float] = []
        """When heartbeats were sent."""
        self.hold_answers = False
        """Let the coordinator carry calls out, and keep their answers back."""
        self.sent = trio.Event()
        self.let_go = trio.Event()
        self.answers_to_lose = 0
        self.timeouts: dict[str, float | None] = {}

    async def up(self) -> None:
        client = self._server.client()
        await client("identify", sessionId=self._session_id)
        self._client = client
        self._change()

    def down(self) -> None:
        assert self._client is not None
        self._client.session.close()
        self._client = None
        for connection in self._connections:
            connection.cancel()
        self._connections.clear()
        self._change()

    def _change(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def wait_connected(self, timeout: float | None = None) -> None:
        with trio.move_on_after(math.inf if timeout is None else timeout):
            while self._client is None:
                await self._changed.wait()
            return
        raise ConnectionLost("nobody there")

    async def wait_disconnected(self) -> None:
        while self._client is not None:
            await self._changed.wait()

    async def call(
        self, name: str, params: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        self.timeouts[name] = timeout
        if METHODS[name].mutates:
            params = {"idempotencyKey": f"{self._session_id}-{next(self._numbers)}", **params}
        with trio.move_on_after(math.inf if timeout is None else timeout):
            while True:
                await self.wait_connected(None)
                with trio.CancelScope() as connection:
                    self._connections.add(connection)
                    return await self._ask(name, params)
        raise ConnectionLost("no answer in time")

    async def _ask(self, name: str, params: Mapping[str, Any]) -> Any:
        client = self._client
        assert client is not None
        if name == "heartbeat":
            self.beats.append(trio.current_time())
        id_ = await client.send(name, **params)
        try:
            answer = await _patiently(client, id_)
            if self.answers_to_lose and name != "heartbeat":
                self.answers_to_lose -= 1
                raise ConnectionLost("the connection broke")
            if self.hold_answers and name != "heartbeat":
                self.sent.set()
                await self.let_go.wait()
        except trio.Cancelled:
            cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id_}}
            with trio.CancelScope(shield=True):
                await client.session.receive(msgspec.json.encode(cancel).decode())
            raise
        return answer


async def _patiently(client: Client, id_: int) -> Any:
    while True:
        try:
            return await client.answer(id_)
        except trio.TooSlowError:
            pass


class Setting:
    """An agent's side, and the coordinator that it talks to."""

    def __init__(self, server: Inside, clock: MockClock, idle_seconds: float) -> None:
        self.now = clock.current_time
        self.server = server
        self.line = Line(server)
        self.keeper = Keeper(self.line, idle_seconds)
        self.bridge = Bridge(self.line, self.keeper)
        self.other = server.client()

    async def use(self, name: str, **arguments: Any) -> dict[str, Any]:
        return (await self.bridge.call(METHODS[name], arguments, "me")).result

    def news(self) -> tuple[str, ...]:
        return self.bridge.news({}, "me")

    async def begin_a_task(self) -> None:
        await self.other("add_task", id="a", description="x")
        await self.use("claim_worker_slot")
        await self.use("claim_next_task")

    async def status(self) -> str:
        task: dict[str, Any] = (await self.other("get_task", taskId="a"))["task"]
        return str(task["status"])

    async def free(self) -> int:
        return int((await self.other("get_workers"))["free"])

    async def kinds(self) -> list[str]:
        events = (await self.other("get_events", limit=1_000))["events"]
        return [event["type"] for event in events]


@asynccontextmanager
async def setting(
    clock: MockClock,
    *,
    lease: float = LEASE_SECONDS,
    grace: float = GRACE_SECONDS,
    idle: float = IDLE_SECONDS,
) -> AsyncGenerator[Setting]:
    policy = Policy(lease_ms=round(lease * 1000), grace_ms=round(grace * 1000))
    async with inside(policy=policy, slots=2) as server:
        it = Setting(server, clock, idle)
        await it.line.up()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.keeper.run)
            yield it
            nursery.cancel_scope.cancel()


# --- when -----------------------------------------------------------------------------------------


async def test_whoever_holds_nothing_sends_nothing(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.use("get_workers")
        await trio.sleep(3 * LEASE_SECONDS)
        assert it.line.beats == []


async def test_a_held_task_is_kept_by_two_heartbeats_a_minute(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        began = it.now()
        await trio.sleep(7_000)
        assert await it.status() == "working"
        assert "task_lapsed" not in await it.kinds()
        gaps = [b - a for a, b in itertools.pairwise(it.line.beats) if a > began + 60]
        assert gaps == pytest.approx([PERIOD_SECONDS_MAX] * len(gaps), abs=0.1)
        assert it.news() == ()


async def test_a_short_lease_is_renewed_three_times_over(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock, lease=6) as it:
        await it.begin_a_task()
        it.line.beats.clear()
        await trio.sleep(60)
        assert await it.status() == "working"
        assert len(it.line.beats) == pytest.approx(30, abs=1)


async def test_heartbeats_end_with_the_slot(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        await it.use("release_worker_slot")
        await trio.sleep(2 * PERIOD_SECONDS_MAX)
        it.line.beats.clear()
        it.line.down()
        await it.line.up()
        await trio.sleep(3 * LEASE_SECONDS)
        assert it.line.beats == []
        assert it.news() == ()


async def test_a_connection_that_comes_back_in_time_costs_nothing(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        it.line.down()
        await trio.sleep(GRACE_SECONDS - 1)
        await it.line.up()
        back = it.now()
        await trio.sleep(10 * GRACE_SECONDS)
        assert it.line.beats[-1] > back
        assert any(back <= beat < back + 0.1 for beat in it.line.beats)
        assert await it.status() == "working"
        assert it.news() == ()


async def test_a_connection_that_comes_back_says_so_at_once(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock, grace=5) as it:
        await it.begin_a_task()
        await trio.sleep(10)
        it.line.down()
        await trio.sleep(1)
        await it.line.up()
        await trio.sleep(60)
        assert await it.status() == "working"


async def test_a_connection_that_stays_away_loses_everything(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        it.line.down()
        await trio.sleep(GRACE_SECONDS + 1)
        assert await it.status() == "available"
        await it.line.up()
        await trio.sleep(1)
        (notice,) = it.news()
        assert "Slot 1 of `me` was given back" in notice
        assert it.news() == ()


async def test_an_agent_that_says_nothing_for_hours_is_let_go(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock, idle=IDLE_SECONDS) as it:
        await it.begin_a_task()
        await trio.sleep(IDLE_SECONDS - 60)
        assert await it.status() == "working"
        await trio.sleep(LEASE_SECONDS + 120)
        assert await it.status() == "available"
        await it.use("get_workers")
        assert len(it.news()) == 1, "the answer to its next call says so"


async def test_an_agent_that_speaks_now_and_then_is_kept(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        for _ in range(5):
            await trio.sleep(IDLE_SECONDS - 60)
            await it.use("get_workers")
        assert await it.status() == "working"


async def test_a_call_that_waits_is_no_silence(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock, idle=20) as it:
        await it.use("claim_worker_slot")
        for _ in range(3):
            answer = await it.use("claim_next_task", waitSeconds=45)
            assert "task" not in answer
        assert (await it.other("get_workers"))["free"] == 1


# --- what nobody heard of -------------------------------------------------------------------------


async def cancelled(it: Setting, name: str, **arguments: Any) -> None:
    """A call that the coordinator carried out, and whose host gave up before the answer."""
    it.line.hold_answers = True
    async with trio.open_nursery() as nursery:

        async def call() -> None:
            await it.use(name, **arguments)

        nursery.start_soon(call)
        await it.line.sent.wait()
        it.line.hold_answers = False
        nursery.cancel_scope.cancel()


async def test_a_task_won_in_the_moment_of_cancellation_goes_back(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.other("add_task", id="a", description="x")
        await it.use("claim_worker_slot")
        await cancelled(it, "claim_next_task", waitSeconds=45)
        await trio.sleep(1)
        assert await it.status() == "available"
        assert (await it.kinds())[-2:] == ["task_claimed", "task_released"]
        assert await it.free() == 1, "the slot stays"
        assert it.news() == ()
        assert (await it.use("claim_next_task"))["task"]["id"] == "a"


async def test_the_next_claim_waits_until_that_is_done(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.other("add_task", id="a", description="x")
        await it.use("claim_worker_slot")
        await cancelled(it, "claim_next_task", waitSeconds=45)
        assert (await it.use("claim_next_task"))["task"]["id"] == "a"
        await trio.sleep(2 * PERIOD_SECONDS_MAX)
        assert await it.status() == "working"


async def test_a_slot_that_nobody_heard_of_is_given_back(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await cancelled(it, "claim_worker_slot", waitSeconds=45)
        await trio.sleep(1)
        assert await it.free() == 2
        await trio.sleep(2 * PERIOD_SECONDS_MAX)
        assert it.news() == ()


async def test_what_an_agent_knows_of_survives_a_cancelled_call(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.use("claim_worker_slot")
        await cancelled(it, "claim_worker_slot")
        await trio.sleep(1)
        assert await it.free() == 1
        await it.begin_a_task()
        await cancelled(it, "claim_worker_slot")
        await trio.sleep(2 * PERIOD_SECONDS_MAX)
        assert await it.status() == "working"
        assert await it.free() == 1


async def test_a_task_that_an_agent_knew_before_goes_back_too(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        await it.use("release_task", taskId="a")
        await cancelled(it, "claim_next_task")
        await trio.sleep(1)
        assert await it.status() == "available"


async def test_what_another_call_of_the_worker_is_about_to_hear_of_stays(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.use("claim_worker_slot")
        heard: list[dict[str, Any]] = []
        calls = [trio.CancelScope(), trio.CancelScope()]

        async def wait(scope: trio.CancelScope) -> None:
            with scope:
                heard.append(await it.use("claim_next_task", waitSeconds=45))

        it.line.hold_answers = True
        async with trio.open_nursery() as nursery:
            for scope in calls:
                nursery.start_soon(wait, scope)
                await trio.sleep(0.1)
            await it.other("add_task", id="a", description="x")
            await it.line.sent.wait()
            calls[1].cancel()
            await trio.sleep(1)
            it.line.let_go.set()
        assert [answer["task"]["id"] for answer in heard] == ["a"]
        assert await it.status() == "working"


# --- waits and repeats ----------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "patience"), [(None, 30), (0, 30), (20, 50), (3_600, 75)])
async def test_a_call_that_waits_has_its_wait_on_top(
    autojump_clock: MockClock, asked: int | None, patience: int
) -> None:
    async with setting(autojump_clock) as it:
        await it.use("claim_worker_slot")
        wait = {} if asked is None else {"waitSeconds": asked}
        await it.use("claim_next_task", **wait)
        assert it.line.timeouts["claim_next_task"] == patience


async def test_a_claim_repeated_after_a_lost_answer_is_the_same(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.other("add_tasks", tasks=[{"id": name, "description": "x"} for name in "ab"])
        await it.use("claim_worker_slot")
        it.line.answers_to_lose = 1
        with pytest.raises(ConnectionLost):
            await it.use("claim_next_task", waitSeconds=45)
        await trio.sleep(50)
        again = await it.use("claim_next_task", waitSeconds=45)
        assert (again["task"]["id"], again["task"]["attempt"]) == ("a", 1)


async def test_a_claim_repeated_much_later_is_another_one(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.other("add_task", id="a", description="x")
        await it.use("claim_worker_slot")
        it.line.answers_to_lose = 1
        with pytest.raises(ConnectionLost):
            await it.use("claim_next_task", waitSeconds=45)
        await trio.sleep(70)
        with pytest.raises(SlotBusy, match="`a`"):
            await it.use("claim_next_task", waitSeconds=45)


# --- the end --------------------------------------------------------------------------------------


async def test_the_end_gives_everything_back(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        await it.use("claim_worker_slot", workerId="second")
        with trio.CancelScope() as scope:
            scope.cancel()
            await it.keeper.give_back()
        assert await it.free() == 2
        assert await it.status() == "available"


async def test_the_end_does_not_wait_for_a_server_that_is_gone(autojump_clock: MockClock) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        it.line.down()
        began = it.now()
        await it.keeper.give_back()
        assert it.now() == began


# --- whose a task is ------------------------------------------------------------------------------


async def test_a_late_report_is_refused_once_somebody_else_has_it(
    autojump_clock: MockClock,
) -> None:
    async with setting(autojump_clock) as it:
        await it.begin_a_task()
        it.line.down()
        await trio.sleep(GRACE_SECONDS + 1)
        await it.other("claim_worker_slot", workerId="v")
        await it.other("claim_next_task", workerId="v")
        await it.line.up()
        with pytest.raises(StaleClaim):  # it has its claim's token, although nobody passed one
            await it.use("update_task", taskId="a", status="done")
        assert len(it.news()) == 1
        it.server.check()
