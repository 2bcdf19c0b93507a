"""Tests of `protocol.cli.moments`: a time is understood as it was meant, or refused."""

import time
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from protocol.cli.moments import parse_moment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """This machine stands in another zone, one with summer time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", "2026-01-31T12:10:00.000Z"),
        ("1.5h", "2026-01-31T13:30:00.000Z"),
        ("1h30m", "2026-01-31T13:30:00.000Z"),
        (" 3D ", "2026-02-03T12:00:00.000Z"),
        ("0s", "2026-01-31T12:00:00.000Z"),
    ],
)
def test_a_length_of_time_counts_from_now(text: str, moment: str) -> None:
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31t09:30:00.25z", "2026-01-31T09:30:00.250Z"),
        ("2026-01-31 09:30+05:30", "2026-01-31T04:00:00.000Z"),
        ("2026-01-31T09:30:00.1234567Z", None),
    ],
)
def test_a_moment_with_an_offset_is_that_moment(text: str, moment: str | None) -> None:
    if moment is None:
        with pytest.raises(ValueError, match="one with an offset"):
            parse_moment(text, NOW)
    else:
        assert parse_moment(text, NOW) == moment


@pytest.mark.usefixtures("in_berlin")
def test_a_moment_without_an_offset_is_one_of_this_machine() -> None:
    assert parse_moment("2026-01-31T09:30", NOW) == "2026-01-31T08:30:00.000Z"
    assert parse_moment("2026-07-31 09:30:15", NOW) == "2026-07-31T07:30:15.000Z"


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "10", "-10m", "2026-01-31", "20260131T093000Z", "2026-W05-6", "09:30", "1d2"],
)
def test_what_may_be_meant_otherwise_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"10m, 2h, 3d|such as"):
        parse_moment(text, NOW)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30T09:30Z", "2026-01-31T25:00Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"],
)
def test_a_moment_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- in the words of the library
        parse_moment(text, NOW)


def test_a_length_of_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond the calendar"):
        parse_moment("36500d", datetime(9999, 1, 1, tzinfo=UTC))


def test_without_a_now_only_a_moment_is_taken() -> None:
    assert parse_moment("2026-01-31T09:30Z", None) == "2026-01-31T09:30:00.000Z"
    with pytest.raises(ValueError, match="write a time of this machine"):
        parse_moment("10m", None)
