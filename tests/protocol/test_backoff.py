import random

import pytest

from protocol.backoff import BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS, Backoff


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the upper end of every range."""

    def upper(_low: float, high: float) -> float:
        return high

    monkeypatch.setattr(random, "uniform", upper)


@pytest.mark.usefixtures("longest")
def test_the_limit_doubles_up_to_the_cap() -> None:
    backoff = Backoff()
    delays = [backoff.next_delay() for _ in range(9)]
    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert (delays[0], delays[-1]) == (BACKOFF_MIN_SECONDS, BACKOFF_MAX_SECONDS)


@pytest.mark.usefixtures("longest")
def test_after_a_reset_the_delays_are_short_again() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() == BACKOFF_MIN_SECONDS


def test_the_delays_are_spread_over_the_whole_range() -> None:
    def tenth_delay() -> float:
        backoff = Backoff()
        return [backoff.next_delay() for _ in range(10)][-1]

    delays = [tenth_delay() for _ in range(200)]
    assert min(delays) < BACKOFF_MAX_SECONDS / 4
    assert max(delays) > BACKOFF_MAX_SECONDS * 3 / 4
