"""What happened minute by minute, put into buckets.

Owns which events are counted under which name, and how a window is cut into buckets. The store
counts per minute or per hour; everything else is made of that. Pure: knows no clock, store or Trio.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, cast

from actor.timestamps import to_ms, to_text
from protocol.limits import BUCKETS_MAX
from protocol.models import EventType
from protocol.results import ThroughputBucket

__all__ = [
    "COUNTED",
    "PREFIX_LENGTH",
    "Tick",
    "Unit",
    "Window",
    "buckets_of",
    "tick_of",
    "window_of",
]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
BY_MINUTE_MAX_MS: Final = 48 * HOUR_MS
"""Longer windows are counted by the hour."""
STEPS_SECONDS: Final = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
BUCKETS_WANTED: Final = 120

PREFIX_LENGTH: Final[Mapping[str, int]] = {"minute": 16, "hour": 13}
"""Of a timestamp: characters that name the minute or the hour."""

COUNTED: Final[Mapping[EventType, str]] = {
    "task_added": "added",
    "task_claimed": "claimed",
    "task_done": "done",
    "task_failed": "failed",
    "task_retrying": "retried",
    "task_lapsed": "lapsed",
    "task_released": "released",
    "task_cancelled": "cancelled",
    "task_reset": "reset",
    "task_deleted": "removed",
    "tasks_cleaned": "removed",
    "tasks_pruned": "removed",
}
"""The types of events that are counted, and the name that they are counted under."""

Unit = Literal["minute", "hour"]


class Tick(NamedTuple):
    """Events of one type within one minute or hour."""

    start_ms: int
    type: EventType
    number: int
    """How many; tasks, where one event removes many."""


class Window(NamedTuple):
    """A stretch of time, cut into buckets of whole units."""

    since_ms: int
    until_ms: int
    bucket_ms: int
    unit: Unit


def window_of(now_ms: int, window_seconds: float, bucket_seconds: float | None) -> Window:
    """The buckets that the last so many seconds are cut into, the one that goes on included."""
    window_ms = round(window_seconds * 1000)
    unit: Unit = "minute" if window_ms <= BY_MINUTE_MAX_MS else "hour"
    unit_ms = MINUTE_MS if unit == "minute" else HOUR_MS
    least_ms = -(-window_ms // (BUCKETS_MAX - 1))
    wanted_ms = round((bucket_seconds or _fitting(window_seconds)) * 1000)
    bucket_ms = -(-max(wanted_ms, least_ms) // unit_ms) * unit_ms
    since_ms = (now_ms - window_ms) // bucket_ms * bucket_ms
    return Window(since_ms, now_ms, bucket_ms, unit)


def _fitting(window_seconds: float) -> int:
    """The shortest step that makes no more buckets than a person can tell apart."""
    return next(
        (step for step in STEPS_SECONDS if window_seconds <= step * BUCKETS_WANTED),
        STEPS_SECONDS[-1],
    )


def buckets_of(window: Window, ticks: Iterable[Tick]) -> list[ThroughputBucket]:
    """All buckets of the window, empty ones included. What lies outside is left out."""
    count = (window.until_ms - window.since_ms) // window.bucket_ms + 1
    sums: list[dict[str, int]] = [{} for _ in range(count)]
    for tick in ticks:
        place = (tick.start_ms - window.since_ms) // window.bucket_ms
        if 0 <= place < count:
            name = COUNTED[tick.type]
            sums[place][name] = sums[place].get(name, 0) + tick.number
    return [
        ThroughputBucket(start=to_text(window.since_ms + place * window.bucket_ms), **counted)
        for place, counted in enumerate(sums)
    ]


def tick_of(prefix: str, type_: str, number: int) -> Tick:
    """A tick from the beginning of a timestamp: `2026-01-31T09:30` or `2026-01-31T09`."""
    whole = len(prefix) == PREFIX_LENGTH["minute"]
    rest = ":00.000Z" if whole else ":00:00.000Z"
    return Tick(to_ms(prefix + rest), cast("EventType", type_), number)
