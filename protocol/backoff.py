"""How long to wait before trying again.

Owns the delays only: jittered, so that the clients of a restarted server do not come back all at
once. Must not know what is tried.
"""

import random
from typing import Final

__all__ = ["BACKOFF_MAX_SECONDS", "BACKOFF_MIN_SECONDS", "Backoff"]

BACKOFF_MIN_SECONDS: Final = 0.05
BACKOFF_MAX_SECONDS: Final = 5.0


class Backoff:
    """Delays that grow from one attempt to the next, each a random part of a doubling limit."""

    def __init__(self) -> None:
        self._limit = BACKOFF_MIN_SECONDS

    def next_delay(self) -> float:
        """Seconds to wait before the next attempt."""
        delay = random.uniform(0, self._limit)  # noqa: S311 -- jitter, not cryptography
        self._limit = min(2 * self._limit, BACKOFF_MAX_SECONDS)
        return delay

    def reset(self) -> None:
        """Begin again with short delays."""
        self._limit = BACKOFF_MIN_SECONDS
