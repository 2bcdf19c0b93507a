"""The wall clock, at the one place where it is read."""

import time

__all__ = ["wall_clock_ms"]


def wall_clock_ms() -> int:
    """Milliseconds since 1970-01-01 UTC. May step when the system's clock is set."""
    return time.time_ns() // 1_000_000
