"""Statistics: every attempt once, with its last word, and percentiles by nearest rank."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor.history import MILESTONES, Milestone, milestone_of
from actor.stats import WORKERS_MAX, Tally, percentiles_of
from actor.timestamps import to_text
from protocol.models import EventType
from protocol.results import Percentiles, WorkerStats
from tests.actor.lives import BEGAN_MS, STEPS, Attempt, Lives, Step, lived

FEW = 1_000_000
"""As many attempts as no test has."""


def told(seq: int, type_: EventType, **fields: Any) -> Milestone:
    plain: dict[str, Any] = {
        "time": to_text(BEGAN_MS + seq * 1_000),
        "task_id": "a",
        "worker_id": "w",
        "attempt": 1,
    }
    return Milestone(seq=seq, type=type_, **plain | fields)


def tallied(milestones: Sequence[Milestone], *, chunk: int = 7, most: int = FEW) -> Tally:
    """Milestones, oldest first, counted in chunks as they would be read."""
    newest_first = list(reversed(milestones))
    tally = Tally(most)
    for start in range(0, len(newest_first), chunk):
        tally.add(newest_first[start : start + chunk])
    return finished(tally)


def finished(tally: Tally) -> Tally:
    for _ in tally.finish():
        pass
    return tally


# --- against a plain computation --------------------------------------------------------------


def naive_percentiles(durations: list[float]) -> Percentiles | None:
    if not durations:
        return None
    ranked = sorted(durations)

    def at(percent: int) -> float:
        enough = math.ceil(len(ranked) * percent / 100)
        return next(one for one in ranked if sum(other <= one for other in ranked) >= enough)

    mean = sum(round(one * 1000) for one in durations) / len(durations) / 1000
    return Percentiles(
        p50=at(50), p90=at(90), p95=at(95), p99=at(99), max=max(durations), mean=round(mean, 3)
    )


def naive(attempts: list[Attempt], worker: str | None, hours: float) -> WorkerStats:
    mine = [attempt for attempt in attempts if worker in {None, attempt.worker}]
    counts = Counter(attempt.outcome for attempt in mine)
    failed = counts["failed"] + counts["retrying"]
    return WorkerStats(
        worker_id=worker,
        attempts=len(mine),
        done=counts["done"],
        failed=failed,
        lapsed=counts["lapsed"],
        released=counts["released"] + counts["cancelled"] + counts["reset"],
        done_per_hour=round(counts["done"] / hours, 3),
        failure_rate=round(failed / len(mine), 4) if mine else 0,
        lapse_rate=round(counts["lapsed"] / len(mine), 4) if mine else 0,
        waiting_seconds=naive_percentiles([attempt.waited for attempt in mine]),
        working_seconds=naive_percentiles(
            [attempt.seconds for attempt in mine if attempt.seconds is not None]
        ),
    )


def find_claims(tally: Tally, lives: Lives) -> None:
    """What the reader does for attempts that began before the window."""
    for open_ in tally.unclaimed():
        claims = [
            event
            for event in lives.events[: open_.end_seq - 1]
            if event.task_id == open_.task_id and event.type == "task_claimed"
        ]
        tally.add_claim(milestone_of(claims[-1]))
    finished(tally)


@given(STEPS, st.integers(0, 12), st.integers(1, 9))
def test_a_window_adds_up_to_what_happened_in_it(steps: list[Step], since: int, chunk: int) -> None:
    lives = lived(steps)
    window = lives.events[since:]
    tally = tallied(
        [milestone_of(event) for event in window if event.type in MILESTONES], chunk=chunk
    )
    find_claims(tally, lives)
    ended = [
        attempt
        for attempt in lives.attempts
        if attempt.ended_seq > since and attempt.outcome != "deleted"
    ]
    hours = 1.5
    assert not tally.truncated
    assert tally.added == sum(event.type == "task_added" for event in window)
    assert tally.project(hours) == naive(ended, None, hours)
    busiest = Counter(attempt.worker for attempt in ended)
    names = sorted(busiest, key=lambda name: (-busiest[name], name))
    assert tally.workers(hours) == [naive(ended, name, hours) for name in names]


@given(st.lists(st.integers(0, 50_000), max_size=250))
def test_percentiles_are_by_nearest_rank(durations_ms: list[int]) -> None:
    seconds = [duration / 1000 for duration in durations_ms]
    found = percentiles_of(sorted(durations_ms), sum(durations_ms))
    assert found == naive_percentiles(seconds)


# --- by example -------------------------------------------------------------------------------


def test_percentiles_of_a_hundred_are_the_numbers_themselves() -> None:
    assert percentiles_of([number * 1_000 for number in range(1, 101)], 5_050_000) == Percentiles(
        p50=50, p90=90, p95=95, p99=99, max=100, mean=50.5
    )
    assert percentiles_of([3_000], 3_000) == Percentiles(p50=3, p90=3, p95=3, p99=3, max=3, mean=3)
    assert percentiles_of([], 0) is None


def test_a_late_report_counts_instead_of_the_lapse() -> None:
    tally = tallied(
        [
            told(1, "task_claimed", waited_seconds=2.0),
            told(4, "task_lapsed", cause="lease", worked_seconds=3.0),
            told(9, "task_done"),
        ]
    )
    stats = tally.project(1)
    assert (stats.attempts, stats.done, stats.lapsed) == (1, 1, 0)
    assert stats.working_seconds is not None
    assert stats.working_seconds.max == 8
    assert stats.waiting_seconds is not None
    assert stats.waiting_seconds.max == 2
    assert tally.unclaimed() == []


def test_the_same_id_and_attempt_of_another_life_is_another_attempt() -> None:
    life: list[EventType] = ["task_added", "task_claimed", "task_done", "task_deleted"]
    tally = tallied([told(seq, type_) for seq, type_ in enumerate(life * 2, 1)])
    assert (tally.project(1).done, tally.added) == (2, 2)
    unknown_claims: list[EventType] = ["task_done", "task_deleted", "task_added", "task_done"]
    tally = tallied([told(seq, type_) for seq, type_ in enumerate(unknown_claims, 1)])
    assert tally.project(1).done == 2


def test_a_final_failure_by_lapses_is_a_lapse() -> None:
    tally = tallied([told(1, "task_failed", cause="lease", worked_seconds=1.0, error="gave up")])
    stats = tally.project(1)
    assert (stats.failed, stats.lapsed, stats.lapse_rate) == (0, 1, 1)


def test_what_was_called_off_counts_for_the_worker_that_lost_it() -> None:
    tally = tallied(
        [
            told(1, "task_cancelled", previous_status="available", worker_id="boss"),
            told(
                2,
                "task_reset",
                task_id="b",
                previous_status="working",
                previous_worker_id="v",
                worker_id="boss",
                worked_seconds=1.0,
            ),
        ]
    )
    (only,) = tally.workers(1)
    assert (only.worker_id, only.released, only.attempts) == ("v", 1, 1)


def test_beyond_the_bound_the_newest_attempts_are_counted() -> None:
    milestones = [
        told(seq, "task_done", task_id=f"t{seq}", worked_seconds=float(seq)) for seq in range(1, 11)
    ]
    milestones.insert(0, told(0, "task_added"))
    exact = tallied(milestones, most=10)
    assert (exact.truncated, exact.added) == (False, 1)
    cut = tallied(milestones, most=4)
    assert cut.truncated
    assert (cut.project(1).attempts, cut.added) == (4, 0)
    assert cut.oldest == milestones[7].time
    working = cut.project(1).working_seconds
    assert working is not None
    assert (working.p50, working.max) == (8, 10)


@pytest.mark.parametrize("workers", [WORKERS_MAX - 1, WORKERS_MAX + 20])
def test_the_busiest_workers_are_shown(workers: int) -> None:
    milestones = [
        told(seq, "task_done", task_id=f"t{seq}-{again}", worker_id=f"w{seq}")
        for seq in range(1, workers + 1)
        for again in range(seq)
    ]
    tally = tallied(milestones)
    shown = tally.workers(2)
    assert [stats.attempts for stats in shown] == list(range(workers, 0, -1))[:WORKERS_MAX]
    assert shown[0].done_per_hour == workers / 2
    assert [stats.worker_id for stats in tally.workers(1, "w1")] == ["w1"]
    assert tally.workers(1, "nobody") == []
    assert tally.project(1).attempts == workers * (workers + 1) // 2


def test_nothing_adds_up_to_nothing() -> None:
    assert Tally(FEW).project(1) == WorkerStats(
        attempts=0,
        done=0,
        failed=0,
        lapsed=0,
        released=0,
        done_per_hour=0,
        failure_rate=0,
        lapse_rate=0,
    )
