"""What the figures of the overview mean, and the lanes of the timeline."""

from itertools import pairwise
from typing import Any

import pytest

from tests.dashboard.node import run

COUNTS = {"working": 1, "available": 2, "scheduled": 0, "blocked": 7, "failed": 1, "done": 20}
BUCKETS = [
    {"start": "2026-01-31T09:00:00.000Z", "added": 31},
    {"start": "2026-01-31T09:01:00.000Z", "done": 8, "failed": 1},
    {"start": "2026-01-31T09:02:00.000Z", "done": 12, "lapsed": 2},
]
WINDOW = {
    "buckets": BUCKETS,
    "bucketSeconds": 60,
    "until": "2026-01-31T09:02:30.000Z",
    "counts": COUNTS | {"cancelled": 0},
    "total": 31,
}


def test_the_course_is_counted_back_from_now() -> None:
    course = run("flow.js", "m.courseOf(v.window)", window=WINDOW)
    assert [(point["total"], point["done"]) for point in course] == [
        (0, 0),
        (31, 0),
        (31, 8),
        (31, 20),
    ]
    assert course == sorted(course, key=lambda point: point["at"])


def test_an_estimate_is_a_range_around_the_pace() -> None:
    """Ten tasks are open, and twenty were done in ninety seconds."""
    estimate = run("flow.js", "m.estimateOf(v.window)", window=WINDOW)
    assert estimate["low"] < 45 < estimate["high"]
    assert estimate["low"] == pytest.approx(10 * 90 / (20 + 20**0.5))
    slow = WINDOW | {"buckets": BUCKETS[:1]}
    assert run("flow.js", "m.estimateOf(v.window)", window=slow) is None


def test_bars_are_as_high_as_all_ends_together() -> None:
    heights = run("flow.js", "v.buckets.map(m.heightOf)", buckets=BUCKETS)
    assert heights == [0, 9, 14]
    assert run("flow.js", 'm.sumOf(v.buckets, "done")', buckets=BUCKETS) == 20


def test_ticks_are_whole_and_not_too_close() -> None:
    ticks = run("flow.js", "m.timeTicks(v.from, v.to, 500)", **{"from": 1_000, "to": 3_600_000})
    assert 2 <= len(ticks) <= 6
    assert all(tick % 60_000 == 0 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (3, 5), (11, 20), (51, 100), (700, 1000)]
)
def test_the_top_of_an_axis_is_round(value: int, top: int) -> None:
    assert run("flow.js", "m.roundUp(v.value)", value=value) == top


def test_a_line_goes_through_all_values() -> None:
    assert run("flow.js", "m.pathOf([0, 5, 10], 100, 10)") == "M0 10L50 5L100 0"
    assert run("flow.js", "m.pathOf([], 100, 10)") == ""


# --- lanes ------------------------------------------------------------------------------------


def attempt(worker: str, begin: int, end: int | None, **fields: Any) -> dict[str, Any]:
    def moment(at: int) -> str:
        return f"2026-01-31T09:{at // 60:02}:{at % 60:02}.000Z"

    ended = {} if end is None else {"endedAt": moment(end), "outcome": "done"}
    return {"workerId": worker, "taskId": "t", "claimedAt": moment(begin), **ended, **fields}


def test_lanes_are_by_worker_and_the_last_active_comes_first() -> None:
    attempts = [
        attempt("a", 0, 30),
        attempt("b", 10, None),
        attempt("a", 40, 50),
        attempt("c", 900, 910),
    ]
    begin = "Date.parse('2026-01-31T09:00:00Z')"
    expression = f"m.lanesOf(v.attempts, {begin}, {begin} + 60000, {begin} + 60000)"
    lanes = run("lanes.js", expression, attempts=attempts)
    assert [(lane["workerId"], len(lane["attempts"])) for lane in lanes] == [("b", 1), ("a", 2)]
    assert [round(lane["busy"], 2) for lane in lanes] == [0.83, 0.67]


def test_bars_too_small_to_be_told_apart_are_one() -> None:
    many = [attempt("a", second, second + 1) for second in range(0, 600, 2)]
    begin = "Date.parse('2026-01-31T09:00:00Z')"
    stretch = f"{{ from: {begin}, to: {begin} + 3600000, now: {begin} + 3600000, width: 500 }}"
    bars = run("lanes.js", f"m.barsOf({{ attempts: v.many }}, {stretch})", many=many)
    assert len(bars) < 20
    assert sum(len(bar["attempts"]) for bar in bars) == len(many)
    assert all(one["x"] <= other["x"] for one, other in pairwise(bars))


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({}, [-60_000, 0, True]),
        (
            {"since": "1970-01-01T00:00:10Z", "until": "1970-01-01T00:00:20Z"},
            [-30_000, -20_000, False],
        ),
        (
            {"since": "1970-01-01T00:00:30Z", "until": "1970-01-01T00:00:20Z"},
            [-80_000, -20_000, False],
        ),
        ({"since": "nonsense"}, [-60_000, 0, True]),
    ],
)
def test_a_stretch_is_what_the_address_says_or_ends_now(
    route: dict[str, str], expected: list[Any]
) -> None:
    now = 40_000
    found = run("lanes.js", "m.stretchOf(v.route, 60000, v.now)", route=route, now=now)
    assert [found["from"] - now, found["to"] - now, found["follows"]] == expected
