"""Times as they are given, and what they become."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from actor.transitions.times import check_order, future_ms, seconds_ms
from protocol.errors import InvalidTime

NOW_MS = 1_800_000_000_000
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)


def test_a_moment_is_milliseconds_of_the_wall_clock_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    later = (NOW + timedelta(milliseconds=1)).astimezone(tokyo)
    assert future_ms("deadline", later, NOW_MS) == NOW_MS + 1
    assert future_ms("deadline", None, NOW_MS) is None


def test_a_fraction_of_a_millisecond_ahead_is_not_ahead() -> None:
    with pytest.raises(InvalidTime):
        future_ms("deadline", NOW + timedelta(microseconds=999), NOW_MS)


@pytest.mark.parametrize(
    ("moment", "problem"),
    [
        (NOW, "in the past"),
        (NOW - timedelta(days=9), "in the past"),
        (datetime(1, 1, 1, tzinfo=UTC), "in the past"),
        (NOW + timedelta(days=101 * 366), "over a hundred years ahead"),
        (datetime(9999, 12, 31, tzinfo=UTC), "over a hundred years ahead"),
    ],
)
def test_what_is_past_or_out_of_reach_is_refused_with_the_time_of_the_server(
    moment: datetime, problem: str
) -> None:
    with pytest.raises(InvalidTime, match=problem) as refused:
        future_ms("notBefore", moment, NOW_MS)
    assert refused.value.data == {"field": "notBefore", "now": "2027-01-15T08:00:00.000Z"}


def test_a_deadline_comes_after_the_start() -> None:
    check_order(1, 2)
    check_order(None, 1)
    check_order(2, None)
    for deadline_ms in (1, 2):
        with pytest.raises(InvalidTime, match="nobody could finish in time"):
            check_order(2, deadline_ms)


def test_lengths_are_whole_milliseconds() -> None:
    assert [seconds_ms(length) for length in (None, 0, 0.1, 1.0005, 2.9999)] == [
        None,
        0,
        100,
        1_000,
        3_000,
    ]
