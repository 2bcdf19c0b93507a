"""Lengths of time as people write them: `30d`, `12h`, `90m`, `45s`.

Owns that notation, both ways. Pure: must not know a clock, or what a length of time is for.
"""

import re
from typing import Final

__all__ = ["DURATION_SECONDS_MAX", "parse_duration", "to_duration"]

DURATION_SECONDS_MAX: Final = 36_500 * 86_400
"""A hundred years: whatever is longer is a slip, and would leave the calendar."""

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PARTS: Final = re.compile(r"(?:\d{1,15}(?:\.\d{1,9})?[wdhms])+", re.ASCII)
_PART: Final = re.compile(r"([\d.]+)([wdhms])", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds that a text such as `30d`, `1.5h` or `1h30m` stands for: from 0 to a hundred years.

    Raises:
        ValueError: it is no such text; the message is a sentence that says what one looks like.
    """
    compact = text.strip().lower()
    if _PARTS.fullmatch(compact) is None:
        # A bare number is refused too: what is a lease to one person is an age to the next.
        raise ValueError(
            f"'{text}' is no length of time: write a number and its unit, such as 45s, 90m, 12h, "
            "30d, 2w or 1h30m"
        )
    parts: list[tuple[str, str]] = _PART.findall(compact)
    units = [unit for _, unit in parts]
    if len(set(units)) < len(units):
        raise ValueError(f"'{text}' names a unit twice: write each one once, such as 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > DURATION_SECONDS_MAX:
        raise ValueError(f"'{text}' is longer than a hundred years (36500d)")
    return seconds


def to_duration(seconds: float) -> str:
    """The shortest text of whole numbers that `parse_duration` reads as that many seconds,
    rounded to a whole one: `5400` -> `90m`, `129600` -> `36h`, `604800` -> `7d`."""
    whole = round(seconds)
    for unit in ("d", "h", "m"):
        if whole and whole % _UNITS[unit] == 0:
            return f"{whole // _UNITS[unit]}{unit}"
    return f"{whole}s"
