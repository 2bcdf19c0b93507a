"""The clocks, at the one place where they are read.

Owns which clock says what: the wall clock dates things and may step; the monotonic clock measures
leases and never does. Trio's own clock is the monotonic one, so that sleeping and measuring agree
and virtual time moves both.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import trio

__all__ = ["SYSTEM_CLOCK", "Clock", "monotonic_ms", "wall_clock_ms"]


class Clock(NamedTuple):
    """Two readings in integer milliseconds."""

    wall_ms: Callable[[], int]
    """Since 1970-01-01 UTC."""
    mono_ms: Callable[[], int]
    """Since some moment of this process; on the scale of `trio.current_time`."""


def wall_clock_ms() -> int:
    """Milliseconds since 1970-01-01 UTC. May step when the system's clock is set."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Milliseconds on Trio's clock. Only inside `trio.run`."""
    return int(trio.current_time() * 1000)


SYSTEM_CLOCK: Final = Clock(wall_clock_ms, monotonic_ms)
