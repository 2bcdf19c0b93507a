"""Milliseconds to RFC 3339 text and back.

Owns the one format of times on the wire and in tables: UTC, milliseconds, `Z`. Pure arithmetic;
must not read a clock.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["from_datetime", "to_ms", "to_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


# A batch has one `now`, and lists repeat the same few moments: most calls find their answer here.
@lru_cache(maxsize=4096)
def to_text(ms: int) -> str:
    """`1769851800000` -> `2026-01-31T09:30:00.000Z`."""
    moment = _EPOCH + ms * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(text: str) -> int:
    """The inverse of `to_text`.

    Raises:
        ValueError: not an RFC 3339 time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return from_datetime(moment)


def from_datetime(moment: datetime) -> int:
    """Milliseconds of a moment that has an offset."""
    return (moment - _EPOCH) // _MILLISECOND
