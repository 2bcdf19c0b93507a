"""Lost connections and restarts, in virtual time: who comes back in time goes on."""

from typing import Any

import pytest
from trio.testing import MockClock

from actor.store.memory import MemoryStore
from tests.actor.stories import Story, story

SLOT = ("slot_lapsed", "slot_disconnected")
TASK = ("task_lapsed", "task_failed")


# --- connections ------------------------------------------------------------------------------


async def bound(it: Story) -> Any:
    """A connection of its own, with a slot bound to it and a task."""
    other = it.server.client()
    await it.call("add_task", id="a", description="d")
    await other("identify", sessionId="agent")
    await other("claim_worker_slot", workerId="w", bindToConnection=True)
    await other("claim_task", taskId="a", workerId="w", workerSlot=1)
    return other


async def test_a_bound_slot_outlives_its_connection_by_the_grace_period(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        other = await bound(it)
        await it.at(20)
        other.session.close()
        await it.at(29)
        assert (await it.call("get_workers"))["workers"][0]["connected"] is False
        await it.at(200)
        assert it.told(*TASK, *SLOT) == [
            (20, "slot_disconnected", "a"),
            (30, "task_lapsed", "a"),
            (30, "slot_lapsed", 1),
        ]
        assert it.said("task_lapsed")[0]["cause"] == "disconnected"
        assert it.said("slot_lapsed") == [{"cause": "disconnected"}]


async def test_the_grace_period_is_no_longer_than_the_lease(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        other = await bound(it)
        await it.at(55)
        other.session.close()
        await it.at(200)
        assert it.told("slot_lapsed") == [(60, "slot_lapsed", 1)]


async def test_a_slot_that_is_not_bound_does_not_mind_a_lost_connection(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        other = it.server.client()
        await other("claim_worker_slot", workerId="w")
        other.session.close()
        await it.at(200)
        assert it.told(*SLOT) == [(60, "slot_lapsed", 1)]


@pytest.mark.parametrize("method", ["heartbeat", "claim_worker_slot"])
async def test_a_worker_that_comes_back_within_the_grace_period_goes_on(
    autojump_clock: MockClock, method: str
) -> None:
    async with story(autojump_clock) as it:
        other = await bound(it)
        await it.at(20)
        other.session.close()
        await it.at(25)
        again = it.server.client()
        await again("identify", sessionId="agent")
        await again(method, workerId="w")
        assert it.said("slot_claimed")[-1] == {"resumed": True}
        assert (await it.call("get_workers"))["workers"][0]["connected"] is True
        await it.at(200)
        assert it.told("task_lapsed", "slot_lapsed") == [
            (85, "task_lapsed", "a"),
            (85, "slot_lapsed", 1),
        ]


async def test_a_session_with_another_connection_left_is_not_gone(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        other = await bound(it)
        second = it.server.client()
        await second("identify", sessionId="agent")
        await second("heartbeat")
        await it.at(20)
        other.session.close()
        await it.at(200)
        assert it.told(*SLOT) == [(60, "slot_lapsed", 1)]


async def test_a_connection_that_is_lost_while_its_claim_is_decided_is_noticed(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        other = it.server.client()
        await other.send("claim_worker_slot", workerId="w", bindToConnection=True)
        other.session.close()
        await it.at(200)
        assert it.told(*SLOT) == [(0, "slot_disconnected", 1), (10, "slot_lapsed", 1)]


async def test_a_connection_that_is_lost_at_once_does_not_undo_that_another_one_came_back(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        first = await bound(it)
        await it.at(20)
        first.session.close()
        await it.at(25)
        second, third = it.server.client(), it.server.client()
        for client in (second, third):
            await client("identify", sessionId="agent")
        await second.send("add_note", taskId="a", note="I am back")
        second.session.close()
        await third("heartbeat")
        assert (await it.call("get_workers"))["workers"][0]["connected"] is True
        await it.at(200)
        assert it.told("slot_lapsed") == [(85, "slot_lapsed", 1)]


# --- restarts ---------------------------------------------------------------------------------


async def test_after_a_restart_everybody_has_one_lease_to_come_back(
    autojump_clock: MockClock,
) -> None:
    store = MemoryStore()
    async with story(autojump_clock, store) as it:
        token = await it.begin_work(lease=30)
        await it.call("claim_worker_slot", workerId="v")
        await it.at(29)
    async with story(autojump_clock, store) as it:
        assert it.told() == [], "a restart is nothing that happens to a task"
        await it.at(25)
        await it.call("heartbeat", workerId="w")
        assert await it.status() == "working"
        await it.at(54)
        await it.report("done", claimToken=token)
        await it.at(300)
        assert it.told(*SLOT) == [(60, "slot_lapsed", 2), (114, "slot_lapsed", 1)]


async def test_a_dead_worker_blocks_nobody_after_a_restart(autojump_clock: MockClock) -> None:
    store = MemoryStore()
    async with story(autojump_clock, store) as it:
        await it.begin_work(lease=30)
    async with story(autojump_clock, store) as it:
        await it.at(300)
        assert it.told(*TASK, *SLOT) == [(30, "task_lapsed", "a"), (60, "slot_lapsed", 1)]


async def test_a_bound_slot_has_only_the_grace_period_to_come_back_after_a_restart(
    autojump_clock: MockClock,
) -> None:
    store = MemoryStore()
    async with story(autojump_clock, store) as it:
        await bound(it)
    async with story(autojump_clock, store) as it:
        await it.at(300)
        assert it.told(*TASK, *SLOT) == [(10, "task_lapsed", "a"), (10, "slot_lapsed", 1)]


async def test_an_attempt_goes_on_after_a_restart_with_what_was_left_of_its_time(
    autojump_clock: MockClock,
) -> None:
    store = MemoryStore()
    async with story(autojump_clock, store) as it:
        # Every server of these stories begins at the same time of day: 30 seconds after the claim.
        it.server.pass_hours(-30 / 3_600)
        await it.begin_work(timeoutSeconds=50)
    async with story(autojump_clock, store) as it:
        await it.at(19)
        assert await it.status() == "working"
        await it.at(20)
        assert it.said("task_lapsed") == [{"cause": "timeout", "workedSeconds": 50}]
