"""What the random commands are made of, and how they look on the wire.

Owns the values that Hypothesis chooses from, small enough that things meet; the translation of the
model's fields into params; and the count of what came of it all.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model.naive_list import NORMAL

NAMES = "abcdefgh"
WALL_MS = 1_800_000_000_000
TOTAL = 3
HOUR_MS = 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ANY_NAME = st.sampled_from(NAMES)
WORKERS = st.sampled_from(["w1", "w2", "w3"])
MAYBE_WORKERS = st.sampled_from([None, *["w1", "w2", "w3"] * 3])
SESSIONS = st.sampled_from(["s1", "s2", "s3"])
SLOTS = st.integers(1, 4)
ENDING = st.sampled_from(
    [*["done"] * 4, *["failed"] * 3, "working", "silent", "late", "gone", "back", "away", "leaves"]
)
PICK = st.integers(0, 11)
TAGS = st.lists(st.sampled_from(["x", "y"]), unique=True, max_size=2)
WRITTEN = st.sampled_from([*(name for name, meant in NORMAL.items() if meant is not None)])
RESOURCES: st.SearchStrategy[list[str]] = st.just([]) | st.lists(WRITTEN, min_size=1, max_size=2)
LEASES = st.sampled_from([None, None, 500, 3_000, 45_000])
SHIFT = st.tuples(SESSIONS, WORKERS, LEASES, st.booleans(), ENDING)
STEPS = st.sampled_from([1, 400, 999, 2_000, 5_000, 9_000, 20_000, 70_000, 4 * HOUR_MS])
AHEAD = st.sampled_from([700, 4_000, 30_000, 100_000, 2 * HOUR_MS, 1, 0, -1_000])
MAYBE_AHEAD = st.none() | AHEAD
FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "priority": st.integers(-1, 1),
    "needs": st.lists(ANY_NAME, max_size=2),
    "resources": RESOURCES,
    "tags": TAGS,
    "max_attempts": st.none() | st.integers(1, 4),
    "retry_ms": st.none() | st.sampled_from([0, 300, 4_000, 70_000_000]),
    "timeout_ms": st.none() | st.sampled_from([100, 2_500, 30_000]),
    "not_before": MAYBE_AHEAD,
    "deadline": MAYBE_AHEAD,
    "text": st.sampled_from(["do it", "do it well"]),
}
"""What a task may be given; moments as milliseconds from now."""
WIRE = {
    "priority": "priority",
    "needs": "dependencies",
    "resources": "resources",
    "tags": "tags",
    "max_attempts": "max_attempts",
    "text": "description",
}

SEEN: Counter[str] = Counter()
"""How often each command succeeded or was refused, and each thing was told."""


def seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def moment(ms: int | None) -> datetime | None:
    return None if ms is None else EPOCH + timedelta(milliseconds=ms)


def on_wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the model as params."""
    found = {WIRE[name]: value for name, value in fields.items() if name in WIRE}
    if "retry_ms" in fields:
        found["retry_delay_seconds"] = seconds(fields["retry_ms"])
    if "timeout_ms" in fields:
        found["timeout_seconds"] = seconds(fields["timeout_ms"])
    for name in ("not_before", "deadline"):
        if name in fields:
            found[name] = moment(fields[name])
    return found


OFTEN = ("max_attempts", "resources")
NEW_FIELDS = st.fixed_dictionaries(
    {name: FIELDS[name] for name in OFTEN},
    optional={name: FIELDS[name] for name in FIELDS.keys() - {"needs", *OFTEN}},
)
EDITS = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.fixed_dictionaries({name: FIELDS[name]})
)

ALL = ("blocked", "scheduled", "available", "working", "done", "failed", "cancelled")
