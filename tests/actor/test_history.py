"""Attempts, as they are made of events: right whatever happened, and whatever is missing."""

from typing import Any

import pytest
from hypothesis import given

from actor.history import (
    ERROR_LENGTH_MAX,
    MILESTONES,
    Milestone,
    attempts_of,
    milestone_of,
    outcome_of,
)
from actor.timestamps import to_text
from protocol.models import AttemptRecord, Event, EventType
from tests.actor.lives import BEGAN_MS, STEPS, TASKS, Attempt, Step, lived


def at(seconds: float) -> str:
    return to_text(BEGAN_MS + round(seconds * 1000))


def told(seq: int, type_: EventType, **fields: Any) -> Milestone:
    """A milestone of the attempt 1 of a worker, at as many seconds as its number says."""
    plain: dict[str, Any] = {"time": at(seq), "task_id": "a", "worker_id": "w", "attempt": 1}
    return Milestone(seq=seq, type=type_, **plain | fields)


def expected(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        attempt=attempt.number,
        worker_id=attempt.worker,
        slot=attempt.slot,
        claimed_at=to_text(attempt.claimed_ms),
        ended_at=None if attempt.ended_ms is None else to_text(attempt.ended_ms),
        outcome=attempt.outcome,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] -- compared below
        cause=attempt.cause,
        seconds=attempt.seconds,
        waited_seconds=attempt.waited,
        error=attempt.error,
    )


@given(STEPS)
def test_attempts_are_what_happened(steps: list[Step]) -> None:
    lives = lived(steps)
    for name in TASKS:
        milestones = [
            milestone_of(event)
            for event in lives.events
            if (event.task_id == name and event.type in MILESTONES) or event.type == "tasks_cleaned"
        ]
        held = name in lives.tasks and lives.tasks[name].status == "working"
        assert attempts_of(milestones, held=held) == [
            expected(attempt) for attempt in lives.attempts_at(name)
        ]


@given(STEPS)
def test_the_newest_attempts_are_right_where_the_older_events_are_gone(steps: list[Step]) -> None:
    lives = lived(steps)
    name = TASKS[0]
    whole = [
        milestone_of(event)
        for event in lives.events
        if (event.task_id == name and event.type in MILESTONES) or event.type == "tasks_cleaned"
    ]
    held = name in lives.tasks and lives.tasks[name].status == "working"
    everything = attempts_of(whole, held=held)
    for cut in range(len(whole)):
        found = attempts_of(whole[cut:], held=held)
        claims = sum(milestone.type == "task_claimed" for milestone in whole[cut:])
        assert found[len(found) - claims :] == everything[len(everything) - claims :]


def test_a_late_report_takes_the_place_of_the_lapse() -> None:
    milestones = [
        told(1, "task_claimed", slot=2, waited_seconds=0.5),
        told(5, "task_lapsed", cause="lease", worked_seconds=4.0, slot=2),
        told(9, "task_done"),
    ]
    (attempt,) = attempts_of(milestones, held=False)
    assert attempt == AttemptRecord(
        attempt=1,
        worker_id="w",
        slot=2,
        claimed_at=at(1),
        ended_at=at(9),
        outcome="done",
        seconds=8.0,
        waited_seconds=0.5,
    )


def test_what_follows_an_end_is_no_second_end() -> None:
    milestones = [
        told(1, "task_claimed"),
        told(5, "task_released", cause="slot_released", worked_seconds=4.0),
        told(6, "task_cancelled", previous_status="available"),
        told(7, "task_reset", previous_status="cancelled", previous_worker_id="w"),
        told(8, "task_deleted", attempt=None),
    ]
    (attempt,) = attempts_of(milestones, held=False)
    assert (attempt.outcome, attempt.cause, attempt.ended_at) == (
        "released",
        "slot_released",
        at(5),
    )


@pytest.mark.parametrize("type_", ["task_failed", "task_retrying"])
def test_a_failure_that_no_worker_told_is_a_lapse(type_: EventType) -> None:
    assert outcome_of(told(1, type_, cause="timeout", error="gave up")) == "lapsed"
    assert outcome_of(told(1, type_, error="boom")) != "lapsed"


def test_an_attempt_goes_on_while_its_task_is_held() -> None:
    claims = [told(1, "task_claimed"), told(5, "task_claimed", attempt=2)]
    first, second = attempts_of(claims, held=True)
    assert (first.outcome, first.ended_at) == ("deleted", None)
    assert (second.outcome, second.ended_at, second.seconds) == (None, None, None)
    assert attempts_of(claims, held=False)[1].outcome == "deleted"


def test_an_attempt_whose_claim_is_gone_is_known_by_its_end() -> None:
    end = told(
        9,
        "task_reset",
        attempt=3,
        slot=4,
        worker_id=None,
        previous_worker_id="v",
        worked_seconds=2.5,
    )
    (attempt,) = attempts_of([end], held=False)
    assert attempt == AttemptRecord(
        attempt=3,
        worker_id="v",
        slot=4,
        claimed_at=at(6.5),
        ended_at=at(9),
        outcome="reset",
        seconds=2.5,
    )
    for missing in ({"worked_seconds": None, "previous_status": "working"}, {"worker_id": None}):
        assert attempts_of([told(9, "task_done", **missing)], held=False) == []


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    milestones = [told(1, "task_claimed"), told(2, "task_done", time=at(-3_600))]
    (attempt,) = attempts_of(milestones, held=False)
    assert (attempt.seconds, attempt.ended_at) == (0.0, at(-3_600))


def test_a_long_error_is_cut() -> None:
    event = Event(
        seq=1, time=at(0), type="task_failed", data={"error": "é" * (ERROR_LENGTH_MAX + 1)}
    )
    assert milestone_of(event).error == "é" * ERROR_LENGTH_MAX
