"""What is shown and kept of a measurement.

Owns percentiles, the table on the terminal and the lines in `results/`. Must not know how the
numbers came about.
"""

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Latency", "append_line", "latency", "percentile", "table"]


class Latency(msgspec.Struct, frozen=True, rename="camel"):
    """Milliseconds from a request to its answer, as its sender saw it."""

    p50_ms: float
    p99_ms: float


def latency(samples_us: "Iterable[array[int]]") -> Latency:
    """Over all samples together. No samples give zeros."""
    merged = sorted(sample for part in samples_us for sample in part)
    return Latency(p50_ms=percentile(merged, 50), p99_ms=percentile(merged, 99))


def percentile(ordered: Sequence[int], percent: int) -> float:
    """By the nearest rank, of microseconds in order, in milliseconds. Zero of none."""
    if not ordered:
        return 0.0
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1] / 1000, 3)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Right-aligned columns that are Markdown at the same time."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = [
        "| "
        + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


def append_line(path: Path, line: Any) -> int:
    """Add one line of JSON to a file of results and return its number, from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")
    return len(path.read_bytes().splitlines())
