"""The times that a task may be given: when it may begin, and by when it should be done.

Owns the checks of `notBefore` and `deadline`, and the change from the contract's seconds and
moments to the records' milliseconds. Pure.
"""

from typing import Final

from actor.timestamps import from_datetime, to_text
from protocol.errors import InvalidTime
from protocol.fields import Moment

__all__ = ["check_order", "future_ms", "seconds_ms"]

_AHEAD_MS_MAX: Final = 100 * 366 * 86_400_000


def future_ms(
    field: str, moment: Moment | None, now_ms: int, *, may_be_past: bool = False
) -> int | None:
    """The moment in milliseconds.

    Raises:
        InvalidTime: it is in the past and may not be, or more than a hundred years ahead.
    """
    if moment is None:
        return None
    ms = from_datetime(moment)
    if ms <= now_ms and not may_be_past:
        problem = "is in the past"
    elif ms > now_ms + _AHEAD_MS_MAX:
        problem = "is over a hundred years ahead"
    else:
        return ms
    raise InvalidTime(
        f"`{field}` {problem}: {moment.isoformat()}, and the server's clock says "
        f"{to_text(now_ms)}. Leave it out, or give a later time.",
        field=field,
        now=to_text(now_ms),
    )


def check_order(not_before_ms: int | None, deadline_ms: int | None) -> None:
    """Whether a task can be begun before it should be done.

    Raises:
        InvalidTime: its deadline is not after its `notBefore`.
    """
    if not_before_ms is not None and deadline_ms is not None and deadline_ms <= not_before_ms:
        raise InvalidTime(
            f"`deadline` ({to_text(deadline_ms)}) is not after `notBefore` "
            f"({to_text(not_before_ms)}): nobody could finish in time. Change one of them.",
            field="deadline",
            notBefore=to_text(not_before_ms),
        )


def seconds_ms(seconds: float | None) -> int | None:
    """A length of time in milliseconds."""
    return None if seconds is None else round(seconds * 1000)
