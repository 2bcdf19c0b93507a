"""Lengths of time as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.durations import DURATION_SECONDS_MAX, parse_duration, to_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5_400),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("0s", 0),
        ("1h30m", 5_400),
        ("1d12h", 129_600),
        ("1.5h", 5_400),
        ("0.5s", 0.5),
        (" 30D ", 2_592_000),
        ("36500d", DURATION_SECONDS_MAX),
    ],
)
def test_a_number_and_a_unit_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "30", "d", "30 d", "-3d", "+3d", "3x", "3days", "1e3s", ".5h", "٣d", "nand"]
)
def test_anything_else_is_refused_and_the_notation_is_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no length of time.*45s, 90m, 12h, 30d"):
        parse_duration(text)


def test_a_unit_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a unit twice"):
        parse_duration("1h2h")


@pytest.mark.parametrize("text", ["36501d", "999999999999999w"])
def test_more_than_a_hundred_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45, "45s"), (5_400, "90m"), (129_600, "36h"), (604_800, "7d"), (90.4, "90s")],
)
def test_seconds_are_written_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert to_duration(seconds) == text


@given(st.integers(0, DURATION_SECONDS_MAX))
def test_what_is_written_reads_back_the_same(seconds: int) -> None:
    assert parse_duration(to_duration(seconds)) == seconds
