"""Leases, in virtual time and through the real loop."""

from typing import Any

import pytest
import trio.testing
from trio.testing import MockClock

from protocol import errors as e
from tests.actor.stories import LEASE, story

SLOT = ("slot_lapsed", "slot_disconnected")
TASK = ("task_lapsed", "task_failed")


# --- without a sign of life -------------------------------------------------------------------


async def test_a_slot_goes_back_when_its_lease_ends_and_not_before(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w")
        await it.at(LEASE - 0.001)
        assert (await it.call("get_workers"))["free"] == 4
        await it.at(LEASE)
        assert (await it.call("get_workers"))["free"] == 5
        assert it.told(*SLOT) == [(60, "slot_lapsed", 1)]
        assert it.said("slot_lapsed") == [{"cause": "lease"}]


async def test_a_slot_may_have_a_lease_of_its_own(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=0.1)
        await it.call("claim_worker_slot", workerId="v", leaseSeconds=86_400)
        await it.at(86_400)
        assert it.told(*SLOT) == [(0.1, "slot_lapsed", 1), (86_400, "slot_lapsed", 2)]


async def test_a_task_goes_back_to_the_queue_and_its_slot_stays_until_its_own_lease_ends(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=5)
        await it.at(5)
        task = await it.task()
        assert (task["status"], task["attempt"], task["workerId"]) == ("available", 1, "w")
        assert it.told(*TASK) == [(5, "task_lapsed", "a")]
        assert it.said("task_lapsed") == [{"cause": "lease", "workedSeconds": 5}]
        await it.at(100)
        assert it.told(*SLOT) == [(60, "slot_lapsed", 1)]


async def test_a_slot_takes_its_task_along_and_that_is_one_lapse(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work()
        await it.at(200)
        assert it.told(*TASK, *SLOT) == [(60, "task_lapsed", "a"), (60, "slot_lapsed", 1)]


async def test_a_task_with_a_longer_lease_than_its_slot_ends_with_the_slot(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1_000)
        await it.at(2_000)
        assert it.told(*TASK, *SLOT) == [(60, "task_lapsed", "a"), (60, "slot_lapsed", 1)]


async def test_lapses_of_many_workers_come_in_the_order_of_their_moments(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        for number, lease in enumerate((30, 10, 20), 1):
            await it.call("claim_worker_slot", workerId=f"w{number}", leaseSeconds=lease)
        await it.at(40)
        assert it.told(*SLOT) == [
            (10, "slot_lapsed", 2),
            (20, "slot_lapsed", 3),
            (30, "slot_lapsed", 1),
        ]


# --- signs of life ----------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"workerId": "w"}, {}], ids=["by worker", "by session"])
async def test_one_heartbeat_renews_slot_and_task(
    autojump_clock: MockClock, params: dict[str, str]
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=20)
        for seconds in (15, 30, 45):
            await it.at(seconds)
            told = await it.call("heartbeat", **params)
            assert told["leaseSeconds"] == 20
        await it.at(300)
        assert it.told(*TASK, *SLOT) == [(65, "task_lapsed", "a"), (105, "slot_lapsed", 1)]


async def test_a_heartbeat_by_session_renews_all_of_it(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        for worker in ("u", "v"):
            await it.call("claim_worker_slot", workerId=worker)
        await it.watcher("claim_worker_slot", workerId="w")
        await it.at(50)
        told = await it.call("heartbeat")
        assert [held["workerId"] for held in told["held"]] == ["u", "v"]
        await it.at(200)
        assert it.told(*SLOT) == [
            (60, "slot_lapsed", 3),
            (110, "slot_lapsed", 1),
            (110, "slot_lapsed", 2),
        ]


TASK_CALL = {"taskId": "a", "workerId": "w"}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("update_task", TASK_CALL | {"status": "working"}),
        ("report_progress", TASK_CALL | {"progress": 0.5}),
        ("reserve_resources", TASK_CALL | {"resources": ["db"]}),
        ("add_note", TASK_CALL | {"note": "n"}),
        ("claim_task", TASK_CALL | {"workerSlot": 1}),
        ("claim_worker_slot", {"workerId": "w"}),
        ("heartbeat", {"workerId": "w"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_call_of_the_worker_is_a_sign_of_life(
    autojump_clock: MockClock, method: str, params: dict[str, Any]
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work()
        await it.at(50)
        await it.call(method, **params)
        await it.at(300)
        assert it.told(*TASK, *SLOT) == [(110, "task_lapsed", "a"), (110, "slot_lapsed", 1)]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("add_note", {"taskId": "a", "note": "n"}),
        ("add_note", {"taskId": "a", "workerId": "v", "note": "n"}),
        ("update_task", TASK_CALL | {"status": "working", "claimToken": "1"}),
        ("update_task", {"taskId": "a", "workerId": "v", "status": "working"}),
        ("edit_task", {"taskId": "a", "priority": 7}),
        ("claim_next_task", {"workerId": "w"}),
    ],
)
async def test_what_others_say_or_what_is_refused_is_no_sign_of_life(
    autojump_clock: MockClock, method: str, params: dict[str, Any]
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work()
        await it.at(50)
        try:
            await it.watcher(method, **params)
        except e.CoordinatorError as refusal:
            assert refusal.reason in {"stale_claim", "not_holder", "slot_busy"}  # noqa: PT017 -- some are accepted
        await it.at(70)
        assert it.told(*TASK) == [(60, "task_lapsed", "a")]


async def test_work_on_the_next_task_begins_a_lease_of_its_own(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=5)
        await it.report("done")
        await it.call("add_task", id="b", description="d")
        await it.at(50)
        await it.claim("b")
        await it.at(109)
        assert await it.status("b") == "working"
        await it.at(110)
        assert await it.status("b") == "available"


# --- an attempt that takes too long -----------------------------------------------------------


async def test_an_attempt_ends_at_its_timeout_however_lively_its_worker_is(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(timeoutSeconds=100)
        for seconds in range(20, 200, 20):
            await it.at(seconds)
            await it.call("heartbeat", workerId="w")
        assert it.told(*TASK) == [(100, "task_lapsed", "a")]
        assert it.said("task_lapsed") == [{"cause": "timeout", "workedSeconds": 100}]
        assert (await it.call("get_workers"))["workers"][0]["status"] == "idle", "it is alive"


async def test_every_attempt_has_the_whole_timeout(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(timeoutSeconds=40)
        await it.at(30)
        await it.call("release_task", taskId="a", workerId="w")
        await it.claim()
        await it.at(69)
        assert await it.status() == "working"
        await it.at(70)
        assert await it.status() == "available"


# --- how often --------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "attempts"), [({}, 3), ({"maxAttempts": 1}, 1)])
async def test_a_task_that_lapses_too_often_fails_and_says_why(
    autojump_clock: MockClock, fields: dict[str, int], attempts: int
) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=86_400)
        await it.call("add_task", id="a", description="d", **fields)
        for _ in range(attempts):
            assert await it.status() == "available"
            await it.claim(leaseSeconds=1)
            await trio.sleep(1)
            await trio.testing.wait_all_tasks_blocked()
        task = await it.task()
        assert task["status"] == "failed"
        assert (
            task["error"] == f"gave up after {attempts} attempts: the worker gave no sign of life"
        )
        lapses = [("task_lapsed", "a")] * (attempts - 1)
        assert [event[1:] for event in it.told(*TASK)] == [*lapses, ("task_failed", "a")]


async def test_attempts_that_were_handed_back_do_not_count(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1, maxAttempts=2)
        for _ in range(4):
            await it.call("release_task", taskId="a", workerId="w", note="not today")
            await it.claim(leaseSeconds=1)
        await it.at(1)
        assert (await it.status(), (await it.task())["attempt"]) == ("available", 5)
        await it.claim(leaseSeconds=1)
        await it.at(2)
        assert await it.status() == "failed"


# --- coming back ------------------------------------------------------------------------------


async def test_a_late_report_counts_as_long_as_nobody_claimed_again(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        token = await it.begin_work(lease=1)
        await it.at(10)
        await it.report("done", claimToken=token, output="it was a long way")
        task = await it.task()
        assert (task["status"], task["output"]) == ("done", "it was a long way")


async def test_a_late_report_also_saves_a_task_that_was_given_up_on(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1, maxAttempts=1)
        await it.at(10)
        assert await it.status() == "failed"
        with pytest.raises(e.InvalidStatus):
            await it.report("failed", error="me too")
        await it.report("done")
        task = await it.task()
        assert (task["status"], task.get("error")) == ("done", None)


async def test_a_report_after_somebody_else_claimed_is_refused(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        token = await it.begin_work(lease=1)
        await it.at(10)
        slot = (await it.call("claim_worker_slot", workerId="v"))["slot"]
        await it.claim(worker="v", slot=slot)
        with pytest.raises(e.StaleClaim):
            await it.report("done", claimToken=token)
        with pytest.raises(e.NotHolder):
            await it.report("done")
        assert (await it.task())["workerId"] == "v"


async def test_a_worker_whose_slot_lapsed_is_told_to_claim_one_again(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work()
        await it.at(61)
        with pytest.raises(e.SlotNotClaimed, match="claim_worker_slot"):
            await it.call("heartbeat", workerId="w")
        with pytest.raises(e.SlotNotClaimed):
            await it.call("claim_next_task", workerId="w")


async def test_the_next_heartbeat_says_what_was_taken_away(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=5)
        await it.at(6)
        assert (await it.call("heartbeat", workerId="w"))["cancelled"] == ["a"]
        await it.claim()
        assert (await it.call("heartbeat", workerId="w"))["cancelled"] == []
        await it.call("cancel_task", taskId="a")
        await it.call("pause_claims")
        told = await it.call("heartbeat", workerId="w")
        assert (told["cancelled"], told["paused"], told["draining"]) == (["a"], True, False)


async def test_a_heartbeat_tells_a_worker_in_a_slot_too_many_to_finish(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock, slots=2) as it:
        await it.call("claim_worker_slot", workerId="v")
        await it.begin_work()
        await it.call("set_worker_slots", slots=1)
        assert (await it.call("heartbeat", workerId="w"))["draining"]
        assert not (await it.call("heartbeat", workerId="v"))["draining"]
        await it.report("done")
        assert it.told("slot_released") == [(0, "slot_released", 2)]


# --- clocks that are set ----------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-1, 1, -1_000, 1_000])
async def test_no_lease_lapses_early_or_never_because_the_wall_clock_is_set(
    autojump_clock: MockClock, hours: float
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=30, timeoutSeconds=200)
        await it.at(20)
        it.server.pass_hours(hours)
        await it.at(29.9)
        assert await it.status() == "working"
        await it.at(30.1)
        assert await it.status() == "available"
        await it.at(59.9)
        assert (await it.call("get_workers"))["free"] == 4
        await it.at(60.1)
        assert (await it.call("get_workers"))["free"] == 5


async def test_the_end_of_a_lease_is_shown_on_the_wall_clock_as_it_is_now(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=30)
        assert (await it.task())["leaseExpiresAt"] == "2027-01-15T08:00:30.000Z"
        it.server.pass_hours(-1)
        assert (await it.task())["leaseExpiresAt"] == "2027-01-15T07:00:30.000Z"
