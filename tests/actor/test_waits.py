"""Requests that wait, in virtual time and through the real loop."""

from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol import errors as e
from protocol.limits import WAIT_SECONDS_MAX
from tests.actor.inside import Client
from tests.actor.stories import Story, story


class Waiter:
    """A worker with a slot and a connection of its own."""

    def __init__(self, it: Story, name: str, slot: int) -> None:
        self.it = it
        self.name = name
        self.slot = slot
        self.call = it.server.client()
        self.id = 0
        self._told = False

    async def ask(self, seconds: float = 40, **params: Any) -> None:
        """Send the request, and be in line."""
        params |= {"workerId": self.name, "waitSeconds": seconds}
        self.id = await self.call.send("claim_next_task", **params)
        await wait_all_tasks_blocked()

    @property
    def waits(self) -> bool:
        return not (self._told or self.call.answered(self.id))

    async def got(self) -> str | None:
        """The task that it got, or None."""
        answer = await self.call.answer(self.id, within=100)
        self._told = True
        return answer["task"]["id"] if "task" in answer else None

    async def cancel(self) -> None:
        await self.call("$/cancelRequest", id=self.id)


async def waiters(it: Story, count: int, **params: Any) -> list[Waiter]:
    """Workers with a slot each, that wait, the first one longest."""
    found: list[Waiter] = []
    for number in range(1, count + 1):
        name = f"w{number}"
        slot = (await it.call("claim_worker_slot", workerId=name, leaseSeconds=1_000))["slot"]
        found.append(Waiter(it, name, slot))
        await found[-1].ask(**params)
    return found


async def add(call: Client, *names: str, **fields: Any) -> None:
    tasks = [{"id": name, "description": "d", **fields} for name in names]
    await call("add_tasks", tasks=tasks)
    await wait_all_tasks_blocked()


# --- how a wait ends --------------------------------------------------------------------------


async def test_a_request_waits_for_a_task_and_gets_it_at_once(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        (waiter,) = await waiters(it, 1)
        await it.at(30)
        assert waiter.waits
        await add(it.call, "a")
        assert await waiter.got() == "a"
        assert autojump_clock.current_time() == it.began + 30


async def test_a_request_that_waited_in_vain_hears_why(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        (waiter,) = await waiters(it, 1, seconds=7)
        await it.at(6.9)
        assert waiter.waits
        answer = await waiter.call.answer(waiter.id)
        assert autojump_clock.current_time() == pytest.approx(it.began + 7)
        assert "nothing left to do" in answer["reason"]
        assert answer["remaining"] == 0


async def test_nobody_waits_longer_than_hosts_let_them(autojump_clock: MockClock) -> None:
    async with story(autojump_clock, slots=1) as it:
        (waiter,) = await waiters(it, 1, seconds=3_600)
        other = it.server.client()
        slot = await other.send("claim_worker_slot", workerId="v", waitSeconds=3_600)
        await it.at(WAIT_SECONDS_MAX - 0.1)
        assert waiter.waits
        assert not other.answered(slot)
        await it.at(WAIT_SECONDS_MAX)
        assert await waiter.got() is None
        with pytest.raises(e.NoFreeSlot):
            await other.answer(slot)


async def test_a_wait_without_seconds_is_answered_at_once(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        (waiter,) = await waiters(it, 1, seconds=0)
        assert not waiter.waits


async def test_a_worker_that_waits_is_alive(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=10)
        waiter = Waiter(it, "w", 1)
        await waiter.ask(seconds=40)
        await it.at(39)
        assert waiter.waits
        assert (await it.call("get_workers"))["free"] == 4
        assert await waiter.got() is None
        await it.at(200)
        assert it.told("slot_lapsed") == [(50, "slot_lapsed", 1)]


async def test_a_worker_whose_slot_is_taken_from_it_while_it_waits_hears_so(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        (waiter,) = await waiters(it, 1)
        await it.call("release_worker_slot", slot=1, workerId="w1")
        await add(it.call, "a")
        with pytest.raises(e.SlotNotClaimed):
            await waiter.got()
        assert await it.status() == "available"


# --- who is served ----------------------------------------------------------------------------


async def test_who_waits_longest_is_served_first(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        line = await waiters(it, 3)
        for number, name in enumerate("abc", 1):
            await add(it.call, name)
            assert [waiter.waits for waiter in line] == [n >= number for n in range(3)]
        assert [await waiter.got() for waiter in line] == ["a", "b", "c"]


async def test_one_addition_of_many_tasks_serves_as_many_in_the_order_of_claims(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        line = await waiters(it, 3)
        tasks = [{"id": n, "description": "d", "priority": p} for n, p in (("low", 0), ("high", 5))]
        await it.call("add_tasks", tasks=tasks)
        assert [await waiter.got() for waiter in line[:2]] == ["high", "low"]
        assert line[2].waits


async def test_a_task_is_for_those_whose_tags_it_has(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        line = await waiters(it, 2, tags=["ui", "css"])
        line += [Waiter(it, f"any{n}", await slot_for(it, f"any{n}")) for n in range(2)]
        for waiter in line[2:]:
            await waiter.ask()
        await add(it.call, "plain", "half", tags=["ui"])
        assert [waiter.waits for waiter in line] == [True, True, False, False]
        await add(it.call, "both", tags=["css", "x", "ui"])
        assert [await waiter.got() for waiter in (line[0], *line[2:])] == ["both", "plain", "half"]
        assert line[1].waits
        await it.call("add_task", id="later", description="d")
        await it.call("edit_task", taskId="later", tags=["ui", "css"])
        assert await line[1].got() == "later"


async def slot_for(it: Story, worker: str) -> int:
    return int((await it.call("claim_worker_slot", workerId=worker))["slot"])


async def test_a_picky_request_that_waits_longer_goes_before_one_that_takes_anything(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        (picky,) = await waiters(it, 1, tags=["ui"])
        anything = Waiter(it, "v", await slot_for(it, "v"))
        await anything.ask()
        await add(it.call, "a", tags=["ui"])
        assert (picky.waits, anything.waits) == (False, True)


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_a_request_that_is_withdrawn_gets_nothing_and_the_next_one_does(
    autojump_clock: MockClock, how: str
) -> None:
    async with story(autojump_clock) as it:
        first, second = await waiters(it, 2)
        if how == "cancel":
            await first.cancel()
            with pytest.raises(e.RequestCancelled):
                await first.got()
        else:
            first.call.session.close()
        await add(it.call, "a")
        assert await second.got() == "a"
        assert "waiting" not in await it.call("get_snapshot")
        assert (await it.task())["workerId"] == "w2"


async def test_a_task_that_comes_with_the_withdrawal_goes_to_the_next(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        first, second = await waiters(it, 2)
        await it.call.send("add_task", id="a", description="d")
        await first.call.send("$/cancelRequest", id=first.id)
        await wait_all_tasks_blocked()
        assert (first.waits, second.waits) == (False, False)
        assert await second.got() == "a"


# --- what makes a task available --------------------------------------------------------------


async def test_a_task_that_is_freed_in_any_way_is_given_to_who_waits(
    autojump_clock: MockClock,
) -> None:
    ways: list[tuple[str, dict[str, Any]]] = [
        ("release_task", {"taskId": "a", "workerId": "x"}),
        ("release_worker_slot", {"slot": 1, "workerId": "x"}),
        ("reset_failed_task", {"taskId": "a", "force": True}),
    ]
    for method, params in ways:
        async with story(autojump_clock) as it:
            await it.begin_work(worker="x")
            waiter = Waiter(it, "w", await slot_for(it, "w"))
            await waiter.ask()
            await it.call(method, **params)
            assert await waiter.got() == "a", method


async def test_a_task_that_lapses_starts_or_is_unblocked_is_given_to_who_waits(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(worker="x", lease=5)
        await add(it.call, "b", dependencies=["a"])
        start = "2027-01-15T08:00:20Z"
        await add(it.call, "c", notBefore=start)
        line = [Waiter(it, f"w{n}", await slot_for(it, f"w{n}")) for n in range(3)]
        for waiter in line:
            await waiter.ask()
        assert await line[0].got() == "a"
        assert autojump_clock.current_time() == pytest.approx(it.began + 5)
        await line[0].call("update_task", taskId="a", workerId="w0", status="done")
        assert await line[1].got() == "b"
        assert await line[2].got() == "c"
        assert autojump_clock.current_time() == pytest.approx(it.began + 20)


async def test_freed_resources_wake_only_those_who_can_use_them(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(worker="x", resources=["src/"])
        await add(it.call, "in-src", resources=["src/a.py"])
        await add(it.call, "in-db", resources=["db"])
        await it.begin_work(worker="y", task="holds-db", resources=["db"])
        line = await waiters(it, 2)
        await it.at(1)
        assert [waiter.waits for waiter in line] == [True, True]
        await it.report("done", worker="x")
        assert (await line[0].got(), line[1].waits) == ("in-src", True)
        await it.report("done", task="holds-db", worker="y")
        assert await line[1].got() == "in-db"


async def test_tasks_that_want_the_same_are_given_one_at_a_time(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        line = await waiters(it, 3)
        await add(it.call, "a", "b", "c", resources=["db"])
        for waiter, name in zip(line, "abc", strict=True):
            assert await waiter.got() == name
            assert sum(other.waits for other in line) == 2 - "abc".index(name)
            done = {"taskId": name, "workerId": waiter.name, "status": "done"}
            await waiter.call("update_task", **done)


async def test_who_waits_while_claims_are_paused_is_served_when_they_are_resumed(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("pause_claims", reason="lunch")
        line = await waiters(it, 2)
        await add(it.call, "a")
        assert [waiter.waits for waiter in line] == [True, True]
        await it.call("resume_claims")
        assert (await line[0].got(), line[1].waits) == ("a", True)


# --- slots ------------------------------------------------------------------------------------


async def test_who_waits_for_a_slot_gets_the_next_one_that_is_free(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock, slots=1) as it:
        await it.call("claim_worker_slot", workerId="w")
        clients = [it.server.client() for _ in range(4)]
        ids: list[int] = []
        for number, client in enumerate(clients):
            wait = {"workerId": f"v{number}", "waitSeconds": 40}
            ids.append(await client.send("claim_worker_slot", **wait))
            await wait_all_tasks_blocked()
        await it.at(10)
        await it.call("release_worker_slot", slot=1, workerId="w")
        assert (await clients[0].answer(ids[0]))["slot"] == 1
        await it.call("set_worker_slots", slots=2)
        assert (await clients[1].answer(ids[1]))["slot"] == 2
        assert not clients[2].answered(ids[2])
        clients[2].session.close()
        await it.call("release_worker_slot", slot=2, workerId="v1")
        assert (await clients[3].answer(ids[3]))["slot"] == 2


async def test_a_slot_that_lapses_goes_to_who_waits_for_one(autojump_clock: MockClock) -> None:
    async with story(autojump_clock, slots=1) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=5)
        other = it.server.client()
        wait = await other.send("claim_worker_slot", workerId="v", waitSeconds=40)
        assert (await other.answer(wait))["slot"] == 1
        assert autojump_clock.current_time() == pytest.approx(it.began + 5)


async def test_a_slot_that_is_beyond_the_number_goes_to_nobody(autojump_clock: MockClock) -> None:
    async with story(autojump_clock, slots=2) as it:
        await it.call("claim_worker_slot", workerId="v")
        await it.begin_work()
        await it.call("set_worker_slots", slots=1)
        other = it.server.client()
        wait = await other.send("claim_worker_slot", workerId="u", waitSeconds=40)
        await it.report("done")
        await wait_all_tasks_blocked()
        assert not other.answered(wait)
        await it.call("release_worker_slot", slot=1, workerId="v")
        assert (await other.answer(wait))["slot"] == 1


# --- ends -------------------------------------------------------------------------------------


async def test_a_server_that_stops_answers_who_waits(autojump_clock: MockClock) -> None:
    async with story(autojump_clock, slots=1) as it:
        (waiter,) = await waiters(it, 1)
        other = it.server.client()
        slot = await other.send("claim_worker_slot", workerId="v", waitSeconds=40)
        await wait_all_tasks_blocked()
        it.server.coordinator.stop()
        with pytest.raises(e.ShuttingDown):
            await waiter.got()
        with pytest.raises(e.ShuttingDown):
            await other.answer(slot)


async def test_a_wait_repeated_under_its_key_gets_the_same_task(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w")
        first, second = Waiter(it, "w", 1), Waiter(it, "w", 1)
        for waiter in (first, second):
            await waiter.ask(idempotencyKey="k")
        await add(it.call, "a", "b")
        assert (await first.got(), await second.got()) == ("a", "a")
        assert await it.status("b") == "available"


async def test_the_wall_clock_does_not_end_a_wait(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        (waiter,) = await waiters(it, 1, seconds=40)
        it.server.pass_hours(1)
        await it.at(20)
        it.server.pass_hours(-2)
        await it.at(39)
        assert waiter.waits
        assert await waiter.got() is None
        assert autojump_clock.current_time() == pytest.approx(it.began + 40)
