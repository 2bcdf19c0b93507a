"""How attempts are counted, and how soon the next one follows."""

import pytest

from actor.records import TaskRecord
from actor.transitions.draft import Context, Draft
from actor.transitions.endings import attempts_used, retry_delay_ms
from protocol.limits import ATTEMPTS_MAX, RETRY_DELAY_SECONDS_MAX
from tests.actor.worlds import Builder

DAY_MS = 86_400_000


def task(attempt: int, *, forgiven: int = 0, first_ms: int | None = 3_000) -> TaskRecord:
    return TaskRecord(
        project=1,
        number=1,
        id="a",
        description="d",
        status="working",
        attempt=attempt,
        forgiven=forgiven,
        retry_delay_ms=first_ms,
        created_ms=0,
        updated_ms=0,
    )


def delay_ms(record: TaskRecord) -> int:
    return retry_delay_ms(Draft(Builder().state, Context(now_ms=0)), record)


@pytest.mark.parametrize(
    ("attempt", "delay"), [(1, 3_000), (2, 6_000), (3, 12_000), (11, 3_072_000)]
)
def test_the_delay_doubles_with_every_attempt_that_counts(attempt: int, delay: int) -> None:
    assert delay_ms(task(attempt)) == delay
    assert delay_ms(task(attempt + 5, forgiven=5)) == delay
    assert attempts_used(task(attempt + 5, forgiven=5)) == attempt


@pytest.mark.parametrize("attempt", [16, 41, 42, ATTEMPTS_MAX])
def test_the_delay_never_exceeds_a_day(attempt: int) -> None:
    assert DAY_MS == RETRY_DELAY_SECONDS_MAX * 1_000
    assert delay_ms(task(attempt)) == DAY_MS


def test_a_delay_of_nothing_stays_nothing_and_none_is_the_servers() -> None:
    assert delay_ms(task(30, first_ms=0)) == 0
    assert delay_ms(task(2, first_ms=None)) == 20_000


def test_a_late_failure_of_an_attempt_that_was_handed_back_waits_as_after_the_first() -> None:
    assert delay_ms(task(1, forgiven=1)) == 3_000
