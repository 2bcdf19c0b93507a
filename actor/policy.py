"""How patient the coordinator is: the durations and bounds that an operator may set.

Owns the numbers that are the server's own and their defaults; the bounds of the contract are in
`protocol.limits`. Pure.
"""

from typing import Final

import msgspec

__all__ = ["DEFAULT_POLICY", "Policy"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one run of the server."""

    lease_ms: int = 300_000
    """Length of a lease that was claimed without `leaseSeconds`."""
    grace_ms: int = 30_000
    """How long a slot that is bound to a connection outlives it."""
    attempts_max: int = 5
    """Attempts of a task without `maxAttempts`, when its workers lapse. A reported failure of
    such a task is final at once."""
    retry_delay_ms: int = 10_000
    """Wait before the second attempt of a task without `retryDelaySeconds`."""


DEFAULT_POLICY: Final = Policy()
