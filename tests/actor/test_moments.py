"""Moments of the wall clock, in virtual time: starts, retries, deadlines."""

from typing import Any

import pytest
from trio.testing import MockClock

from actor.agenda import Agenda
from actor.timestamps import to_text
from protocol import errors as e
from tests.actor.inside import BEGAN_MS
from tests.actor.stories import Story, story


def at(seconds: float) -> str:
    """So many seconds after the server began, as the wire has it."""
    return to_text(BEGAN_MS + round(seconds * 1000))


# --- notBefore --------------------------------------------------------------------------------


async def test_a_task_is_scheduled_until_its_moment_and_then_available(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", notBefore=at(100))
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=1_000)
        await it.at(99.999)
        assert await it.status() == "scheduled"
        with pytest.raises(e.TaskNotAvailable) as refused:
            await it.claim()
        assert refused.value.data["waitsUntil"] == at(100)
        await it.at(100)
        assert await it.status() == "available"
        assert it.told("task_ready") == [(100, "task_ready", "a")]


async def test_a_task_whose_dependency_takes_longer_than_its_moment_is_available_at_once(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1_000)
        for name, seconds in (("b", 10), ("c", 100)):
            fields = {"dependencies": ["a"], "notBefore": at(seconds)}
            await it.call("add_task", id=name, description="d", **fields)
        await it.at(50)
        await it.report("done")
        assert [await it.status(name) for name in "bc"] == ["available", "scheduled"]
        await it.at(100)
        assert await it.status("c") == "available"


async def test_an_edited_moment_counts_from_then_on(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", notBefore=at(100))
        await it.call("add_task", id="b", description="d")
        await it.call("edit_task", taskId="a", notBefore=at(50))
        await it.call("edit_task", taskId="b", notBefore=at(70))
        assert [await it.status(name) for name in "ab"] == ["scheduled", "scheduled"]
        await it.at(60)
        await it.call("edit_task", taskId="b", notBefore=None)
        await it.at(300)
        assert it.told("task_ready") == [(50, "task_ready", "a")]
        assert await it.status("b") == "available"


async def test_a_moment_comes_soon_after_the_wall_clock_was_set_forward(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", notBefore=at(3_000))
        await it.at(10)
        it.server.pass_hours(1)
        await it.at(15)
        assert await it.status() == "available"


async def test_a_moment_comes_later_when_the_wall_clock_is_set_back(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", notBefore=at(100))
        await it.at(10)
        it.server.pass_hours(-1)
        await it.at(3_699)
        assert await it.status() == "scheduled"
        await it.at(3_701)
        assert await it.status() == "available"


async def test_a_server_that_waits_for_a_far_moment_looks_at_the_clock_only_now_and_then(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", notBefore=at(10_000))
        looks: list[float] = []
        asked = Agenda.wait_ms

        def count(self: Agenda, wall_ms: int, mono_ms: int) -> tuple[int | None, int | None]:
            looks.append(autojump_clock.current_time())
            return asked(self, wall_ms, mono_ms)

        monkeypatch.setattr(Agenda, "wait_ms", count)
        await it.at(1_000)
        assert 100 <= len(looks) <= 500, "about twice in five seconds"


# --- retries ----------------------------------------------------------------------------------


async def test_the_delay_before_each_attempt_is_twice_the_one_before(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=86_400)
        fields = {"maxAttempts": 5, "retryDelaySeconds": 3}
        await it.call("add_task", id="a", description="d", **fields)
        delays: list[float] = []
        for attempt in range(4):
            await it.claim()
            await it.report("failed", error=f"attempt {attempt}")
            failed = autojump_clock.current_time()
            task = await it.task()
            assert (task["status"], task["error"]) == ("scheduled", f"attempt {attempt}")
            with pytest.raises(e.TaskNotAvailable):
                await it.claim()
            await it.until_available()
            delays.append(autojump_clock.current_time() - failed)
        assert delays == pytest.approx([3, 6, 12, 24])
        await it.claim()
        await it.report("failed", error="the last one")
        task = await it.task()
        assert (task["status"], task["attempt"], task["error"]) == ("failed", 5, "the last one")


async def test_a_task_without_a_delay_takes_the_servers(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(maxAttempts=2)
        await it.report("failed")
        await it.at(300)
        assert it.told("task_retrying", "task_ready") == [
            (0, "task_retrying", "a"),
            (2, "task_ready", "a"),
        ]


async def test_a_retry_without_delay_is_available_at_once(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(maxAttempts=2, retryDelaySeconds=0)
        await it.report("failed")
        assert await it.status() == "available"


async def test_a_failure_without_attempts_to_spare_is_final(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work()
        await it.report("failed", error="no")
        assert await it.status() == "failed"


async def test_somebody_who_resets_a_task_does_not_wait_for_its_retry(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("claim_worker_slot", workerId="w", leaseSeconds=86_400)
        await it.begin_work(maxAttempts=2, retryDelaySeconds=1_000)
        await it.report("failed")
        await it.call("cancel_task", taskId="a")
        await it.call("reset_failed_task", taskId="a")
        assert await it.status() == "available"
        for _ in range(2):
            await it.claim()
            await it.report("failed")
            await it.until_available(unless="failed")
        assert (await it.task())["attempt"] == 3, "the attempts count from the reset"


async def test_a_late_report_of_a_failure_is_the_last_word_about_a_lapsed_attempt(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1, maxAttempts=3)
        await it.at(2)
        assert "no sign of life" in (await it.call("explain_task", taskId="a"))["reason"]
        await it.report("failed", error="no disk")
        await it.at(10)
        why = await it.call("explain_task", taskId="a")
        assert (why["status"], why["ready"]) == ("available", True)
        assert "no sign of life" not in why["reason"]


# --- deadlines --------------------------------------------------------------------------------


async def overdue(it: Story) -> list[tuple[float, Any]]:
    return [(seconds, name) for seconds, _, name in it.told("task_overdue")]


async def test_an_unfinished_task_is_told_overdue_once(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(lease=1_000, deadline=at(50))
        await it.call("add_task", id="b", description="d", deadline=at(60))
        await it.at(49)
        assert (await it.task()).get("overdue") is None
        await it.at(200)
        await it.call("edit_task", taskId="a", priority=3)
        await it.report("failed")
        await it.call("reset_failed_task", taskId="a")
        await it.at(500)
        assert await overdue(it) == [(50, "a"), (60, "b")]
        assert (await it.task())["overdue"] is True
        assert (await it.call("get_snapshot"))["overdue"] == 2
        await it.call("cancel_task", taskId="b")
        assert (await it.call("get_snapshot"))["overdue"] == 1


async def test_a_new_deadline_is_told_again_when_it_passes(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", deadline=at(50))
        await it.at(60)
        edited = await it.call("edit_task", taskId="a", deadline=at(100))
        assert "overdue" not in edited["task"]
        await it.at(200)
        await it.call("edit_task", taskId="a", deadline=None)
        await it.at(500)
        assert await overdue(it) == [(50, "a"), (100, "a")]


async def test_a_finished_task_is_not_overdue_until_it_is_reset(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        await it.begin_work(deadline=at(50))
        await it.report("done")
        await it.at(60)
        assert await overdue(it) == []
        await it.call("reset_failed_task", taskId="a", force=True)
        await it.at(70)
        assert await overdue(it) == [(60, "a")]


async def test_an_early_deadline_is_claimed_first_among_equals(autojump_clock: MockClock) -> None:
    async with story(autojump_clock) as it:
        plan: dict[str, dict[str, Any]] = {
            "none": {},
            "late": {"deadline": at(90)},
            "early": {"deadline": at(50)},
            "urgent": {"priority": 1},
        }
        for name, fields in plan.items():
            await it.call("add_task", id=name, description="d", **fields)
        page = await it.call("get_available_tasks")
        assert [task["id"] for task in page["tasks"]] == ["urgent", "early", "late", "none"]


# --- what cannot be meant ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"notBefore": at(10)}, "notBefore", "is in the past"),
        ({"deadline": at(20)}, "deadline", "is in the past"),
        ({"deadline": at(101 * 366 * 86_400)}, "deadline", "over a hundred years ahead"),
        ({"notBefore": at(60), "deadline": at(60)}, "deadline", "is not after `notBefore`"),
    ],
)
async def test_a_time_that_cannot_be_meant_is_refused(
    autojump_clock: MockClock, fields: dict[str, str], field: str, sentence: str
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d")
        await it.at(20)
        for method, who in (("add_task", {"description": "d"}), ("edit_task", {"taskId": "a"})):
            with pytest.raises(e.InvalidTime, match=sentence) as refused:
                await it.call(method, **who, **fields)
            assert refused.value.data["field"] == field
        assert len((await it.call("get_all_tasks"))["tasks"]) == 1


async def test_a_moment_that_contradicts_the_one_that_is_there_is_refused(
    autojump_clock: MockClock,
) -> None:
    async with story(autojump_clock) as it:
        await it.call("add_task", id="a", description="d", deadline=at(50))
        with pytest.raises(e.InvalidTime):
            await it.call("edit_task", taskId="a", notBefore=at(55))
        await it.call("edit_task", taskId="a", notBefore=at(55), deadline=None)
