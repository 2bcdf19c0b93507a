"""Timers and waits over a store that fails, in virtual time: nothing is lost, nothing spins."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol import errors as e
from tests.actor.stories import Story, story
from tests.faults.stores import Fault, FaultyStore, Gate, assert_same

LAPSES = ("task_lapsed", "slot_lapsed")


class Counting(FaultyStore):
    """Knows when it was asked to write."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []
        self.on_append = lambda: self.asked.append(trio.current_time())


async def in_line(it: Story, *workers: str) -> list[tuple[Any, int]]:
    """Workers that wait for a task, each with its connection."""
    found: list[tuple[Any, int]] = []
    for worker in workers:
        call = it.server.client()
        await call("claim_worker_slot", workerId=worker)
        found.append((call, await call.send("claim_next_task", workerId=worker, waitSeconds=40)))
        await wait_all_tasks_blocked()
    return found


# --- what is due ------------------------------------------------------------------------------


async def test_a_lapse_that_cannot_be_written_is_tried_again_every_second(
    autojump_clock: MockClock,
) -> None:
    store = Counting()
    async with story(autojump_clock, store) as it:
        await it.begin_work()
        store.asked.clear()
        store.faults.extend([Fault.REFUSED] * 3)
        await it.at(60.5)
        assert await it.status() == "working", "what is not durable has not happened"
        await it.at(200)
        assert [at - it.began for at in store.asked] == pytest.approx([60, 61, 62, 63])
        assert it.told(*LAPSES) == [(63, "task_lapsed", "a"), (63, "slot_lapsed", 1)]
        await assert_same(it.server.coordinator.world, store)


@pytest.mark.parametrize("kind", ["notBefore", "deadline"])
async def test_a_moment_that_cannot_be_written_comes_a_second_later(
    autojump_clock: MockClock, kind: str
) -> None:
    store = Counting()
    async with story(autojump_clock, store) as it:
        await it.call("add_task", id="a", description="d", **{kind: "2027-01-15T08:00:20Z"})
        store.asked.clear()
        store.faults.append(Fault.REFUSED)
        await it.at(100)
        assert [at - it.began for at in store.asked] == pytest.approx([20, 21])
        assert [type_ for *_, type_, _ in it.told()] == [
            "task_added",
            "task_ready" if kind == "notBefore" else "task_overdue",
        ]


async def test_calls_are_served_while_a_lapse_waits_for_its_next_try(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.begin_work()
        store.faults.append(Fault.REFUSED)
        await it.at(60.5)
        await it.call("add_task", id="b", description="d")
        await it.at(100)
        assert [event[:2] for event in it.told("task_added", *LAPSES)][1:] == [
            (60.5, "task_added"),
            (61, "task_lapsed"),
            (61, "slot_lapsed"),
        ]


@pytest.mark.parametrize("fault", [Fault.UNKNOWN_LOST, Fault.UNKNOWN_WRITTEN])
async def test_after_a_lapse_of_unknown_outcome_the_store_decides_who_holds_what(
    autojump_clock: MockClock, fault: Fault
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.begin_work()
        await it.call("claim_worker_slot", workerId="v", leaseSeconds=80)
        store.faults.append(fault)
        await it.at(60)
        lost = fault is Fault.UNKNOWN_LOST
        assert await it.status() == ("working" if lost else "available")
        await it.at(300)
        again = 120 if lost else 60
        assert it.told(*LAPSES) == [
            *([] if lost else [(60, "task_lapsed", "a"), (60, "slot_lapsed", 1)]),
            *([(again, "task_lapsed", "a"), (again, "slot_lapsed", 1)] if lost else []),
            (140, "slot_lapsed", 2),
        ]
        await assert_same(it.server.coordinator.world, store)


async def test_a_lost_connection_that_cannot_be_written_is_written_a_second_later(
    autojump_clock: MockClock,
) -> None:
    store = Counting()
    async with story(autojump_clock, store) as it:
        other = it.server.client()
        await other("claim_worker_slot", workerId="w", bindToConnection=True)
        store.asked.clear()
        store.faults.append(Fault.REFUSED)
        await it.at(20)
        other.session.close()
        await it.at(200)
        assert it.told("slot_disconnected", *LAPSES) == [
            (21, "slot_disconnected", 1),
            (31, "slot_lapsed", 1),
        ]
        assert [at - it.began for at in store.asked] == pytest.approx([20, 21, 31])


async def test_what_ran_out_during_a_long_commit_is_not_saved_by_a_late_heartbeat(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.begin_work()
        await it.at(55)
        gate = store.gate = Gate()
        slow = await it.watcher.send("add_task", id="b", description="d")
        await gate.reached.wait()
        await trio.sleep_until(it.began + 65)
        beat = await it.call.send("heartbeat", workerId="w")
        gate.opened.set()
        await it.watcher.answer(slow)
        with pytest.raises(e.SlotNotClaimed):
            await it.call.answer(beat)
        assert await it.status() == "available"


async def test_a_bound_slot_whose_connection_is_there_survives_that_the_state_is_loaded_again(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.call("claim_worker_slot", workerId="w", bindToConnection=True)
        store.faults.append(Fault.UNKNOWN_LOST)
        with pytest.raises(e.StorageUnavailable):
            await it.watcher("add_task", id="a", description="d")
        assert (await it.watcher("get_workers"))["workers"][0]["connected"] is True
        await it.at(200)
        assert it.told(*LAPSES) == [(60, "slot_lapsed", 1)]


async def test_thousands_of_moments_at_once_do_not_keep_calls_waiting(
    autojump_clock: MockClock,
) -> None:
    store = Counting()
    async with story(autojump_clock, store) as it:
        for part in range(4):
            tasks = [
                {"id": f"t{part}-{n}", "description": "d", "notBefore": "2027-01-15T08:00:20Z"}
                for n in range(1_000)
            ]
            await it.call("add_tasks", tasks=tasks)
        gate = store.gate_before = Gate()
        await trio.sleep_until(it.began + 20)
        await gate.reached.wait()
        asked = await it.call.send("add_task", id="mine", description="d")
        gate.opened.set()
        await it.call.answer(asked)
        ready = sum(event["type"] == "task_ready" for event in it.watcher.events)
        assert ready <= 2_000, "it came in with the second batch of them"
        await it.at(20)
        counts = (await it.call("get_snapshot"))["counts"]
        assert (counts["available"], counts["scheduled"]) == (4_001, 0)


# --- who waits --------------------------------------------------------------------------------


async def test_who_was_served_in_vain_waits_on_in_its_place(autojump_clock: MockClock) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        (first, one), (second, two) = await in_line(it, "v", "w")
        store.faults.append(Fault.REFUSED)
        with pytest.raises(e.StorageUnavailable):
            await it.call("add_task", id="a", description="d")
        await it.at(5)
        assert not first.answered(one)
        assert not second.answered(two)
        await it.call("add_task", id="b", description="d")
        assert (await first.answer(one))["task"]["id"] == "b"
        assert not second.answered(two)
        await it.call("add_task", id="c", description="d")
        assert (await second.answer(two))["task"]["id"] == "c"
        await assert_same(it.server.coordinator.world, store)


async def test_who_waits_for_a_lapse_that_cannot_be_written_gets_the_task_when_it_can(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.begin_work(lease=5)
        ((waiter, asked),) = await in_line(it, "v")
        store.faults.extend([Fault.REFUSED] * 2)
        got = await waiter.answer(asked)
        assert (got["task"]["id"], got["task"]["attempt"]) == ("a", 2)
        assert trio.current_time() - it.began == pytest.approx(7)


async def test_who_was_served_in_vain_when_its_time_was_over_is_told_to_try_again(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.call("add_task", id="a", description="d", notBefore="2027-01-15T08:00:40Z")
        ((waiter, asked),) = await in_line(it, "v")
        store.faults.append(Fault.REFUSED)
        with pytest.raises(e.StorageUnavailable):
            await waiter.answer(asked, within=100)
        assert trio.current_time() - it.began == pytest.approx(40)


async def test_who_begins_to_wait_in_a_batch_that_fails_is_refused_with_it(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.call("claim_worker_slot", workerId="w")
        gate = store.gate = Gate()
        first = await it.call.send("add_note", taskId="missing", note="n")
        held = await it.call.send("claim_worker_slot", workerId="v")
        await gate.reached.wait()
        store.faults.append(Fault.REFUSED)
        waits = await it.watcher.send("claim_next_task", workerId="w", waitSeconds=40)
        added = await it.call.send("claim_worker_slot", workerId="u")
        gate.opened.set()
        await it.call.answer(held)
        with pytest.raises(e.TaskNotFound):
            await it.call.answer(first)
        for call, id_ in ((it.watcher, waits), (it.call, added)):
            with pytest.raises(e.StorageUnavailable):
                await call.answer(id_)
        await it.call("add_task", id="a", description="d")
        assert await it.status() == "available"


async def test_who_withdraws_while_it_is_served_keeps_what_it_got(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        ((waiter, asked),) = await in_line(it, "w")
        gate = store.gate = Gate()
        added = await it.call.send("add_task", id="a", description="d")
        await gate.reached.wait()
        await waiter("$/cancelRequest", id=asked)
        gate.opened.set()
        await it.call.answer(added)
        assert (await waiter.answer(asked))["task"]["id"] == "a"


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_who_withdraws_while_it_is_served_in_vain_gets_nothing(
    autojump_clock: MockClock, how: str
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        (waiter, asked), (other, other_asked) = await in_line(it, "v", "w")
        gate = store.gate = Gate()
        store.faults.append(Fault.REFUSED)
        added = await it.call.send("add_task", id="a", description="d")
        await gate.reached.wait()
        if how == "cancel":
            await waiter("$/cancelRequest", id=asked)
        else:
            waiter.session.close()
        gate.opened.set()
        with pytest.raises(e.StorageUnavailable):
            await it.call.answer(added)
        if how == "cancel":
            with pytest.raises(e.RequestCancelled):
                await waiter.answer(asked)
        await it.call("add_task", id="b", description="d")
        assert (await other.answer(other_asked))["task"]["id"] == "b"


async def test_a_change_without_an_event_whose_outcome_is_unknown_is_not_told_as_done(
    autojump_clock: MockClock,
) -> None:
    store = FaultyStore()
    async with story(autojump_clock, store) as it:
        await it.call("claim_worker_slot", workerId="w")
        store.faults.append(Fault.UNKNOWN_LOST)
        with pytest.raises(e.StorageUnavailable):
            await it.call("claim_worker_slot", workerId="w", bindToConnection=True)
        await it.call("claim_worker_slot", workerId="w", bindToConnection=True)
        await assert_same(it.server.coordinator.world, store)
        (slot, *_) = (await it.call("get_workers"))["workers"]
        assert slot["connected"] is True, "it is bound now"
