"""The history of events, read in visits that are short.

Owns how far one visit to the reading connection may look, how events come back as milestones, and
the search of an event number by time. A filter that few events pass would otherwise walk through
the whole history in one visit while every other reader waits. Must not know transactions, threads
or files.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from actor.history import ERROR_LENGTH_MAX, Milestone
from actor.store import sqlite_rows as rows
from actor.store.base import EventFilter
from actor.store.sql import QUERIES
from actor.throughput import COUNTED, PREFIX_LENGTH, Tick, Unit, tick_of
from actor.timestamps import to_text
from protocol.models import Event

__all__ = [
    "COUNT_ROWS",
    "Read",
    "Stretch",
    "count_events",
    "last_seq_before",
    "read_events",
    "read_milestones",
]

SCAN_ROWS = 10_000
"""Events that one visit looks at, some 5 ms; a hundred more if all of them are wanted."""

COUNT_ROWS = 20_000
"""Events that one visit counts, some 10 ms."""

T = TypeVar("T")


class Stretch(NamedTuple, Generic[T]):
    """What one visit found, and what is left to be read by the next; None when that was all."""

    records: list[T]
    rest: EventFilter | None


Read = Callable[[sqlite3.Connection, EventFilter], Stretch[T]]

_milestones = msgspec.json.Decoder(list[Milestone])


def read_events(real: sqlite3.Connection, wanted: EventFilter) -> Stretch[Event]:
    """The first part of the wanted events, in the order of `seq`."""
    end = _nth_after(real, wanted) if _is_picky(wanted) else None
    if end is None or (wanted.until is not None and wanted.until <= end):
        return Stretch(rows.read_events(real, wanted), None)
    found = rows.read_events(real, msgspec.structs.replace(wanted, until=end))
    return Stretch(found, _rest(wanted, len(found), since=end))


def read_milestones(real: sqlite3.Connection, wanted: EventFilter) -> Stretch[Milestone]:
    """The newest part of the wanted events, the newest one first."""
    start = _nth_before(real, wanted) if _is_picky(wanted) else None
    if start is None or start <= wanted.since:
        return Stretch(_read_milestones(real, wanted), None)
    found = _read_milestones(real, msgspec.structs.replace(wanted, since=start))
    return Stretch(found, _rest(wanted, len(found), until=start))


def count_events(
    real: sqlite3.Connection, project: int, since: int, until: int, unit: Unit
) -> list[Tick]:
    """How many events of each type that is counted happened in each minute or hour."""
    length = PREFIX_LENGTH[unit]
    parameters = {"project": project, "since": since, "until": until, "length": length}
    found = real.execute(QUERIES["count_events"], parameters).fetchall()
    try:
        return [
            tick_of(name[:length], name[length:], number)
            for name, number in found
            if name[length:] in COUNTED
        ]
    except (TypeError, ValueError) as error:
        raise rows.RowError(f"an event: {error}") from None


def last_seq_before(real: sqlite3.Connection, project: int, at_ms: int) -> int:
    """The number of the last event before a time; 0 if there is none."""
    at = to_text(at_ms)
    (last,) = _row(real, "last_event", {"project": project}) or (0,)
    before, not_before = 0, last + 1
    # Every event up to `before` is taken to be earlier than the time, every one from `not_before`
    # on not to be; numbers may be missing between them.
    while before + 1 < not_before:
        middle = (before + not_before) // 2
        seq, time = _row(real, "event_from", {"project": project, "seq": middle}) or (last, at)
        if time < at:
            before = seq
        else:
            not_before = middle
    return before


def _is_picky(wanted: EventFilter) -> bool:
    """Whether few of the events that are looked at may pass; if all do, the limit is bound enough.
    A list of tasks is answered from an index, task by task."""
    return not wanted.task_ids and (bool(wanted.types) or wanted.worker_id is not None)


def _nth_after(real: sqlite3.Connection, wanted: EventFilter) -> int | None:
    """The event at which a visit ends that begins at the old end."""
    name = "nth_event" if wanted.task_id is None else "nth_event_of_task"
    row = _row(real, name, _bounds(wanted) | {"rows": SCAN_ROWS})
    return None if row is None else row[0]


def _nth_before(real: sqlite3.Connection, wanted: EventFilter) -> int | None:
    """The event at which a visit ends that begins at the new end."""
    name = "nth_last_event" if wanted.task_id is None else "nth_last_event_of_task"
    row = _row(real, name, _bounds(wanted) | {"rows": SCAN_ROWS})
    return None if row is None else row[0]


def _rest(wanted: EventFilter, found: int, **bounds: int) -> EventFilter | None:
    if found == wanted.limit:
        return None
    return msgspec.structs.replace(wanted, limit=wanted.limit - found, **bounds)


def _read_milestones(real: sqlite3.Connection, wanted: EventFilter) -> list[Milestone]:
    """One row for all: a thread that fetches many takes the interpreter lock for each."""
    name = "read_milestones" if wanted.task_id is None else "read_milestones_of_task"
    parameters = _bounds(wanted) | {
        "worker_id": wanted.worker_id,
        "types": msgspec.json.encode(wanted.types).decode() if wanted.types else None,
        "task_ids": msgspec.json.encode(wanted.task_ids).decode() if wanted.task_ids else None,
        "error_length": ERROR_LENGTH_MAX,
        "limit": wanted.limit,
    }
    (text,) = _row(real, name, parameters) or (None,)
    if text is None:
        return []
    try:
        return _milestones.decode(text)
    except msgspec.MsgspecError as error:
        raise rows.RowError(f"an event: {error}") from None


def _bounds(wanted: EventFilter) -> dict[str, Any]:
    return {
        "project": wanted.project,
        "task_id": wanted.task_id,
        "since": wanted.since,
        "until": rows.SEQ_MAX if wanted.until is None else wanted.until,
    }


def _row(real: sqlite3.Connection, query: str, parameters: dict[str, Any]) -> Any:
    """The only row, if there is one."""
    found = real.execute(QUERIES[query], parameters).fetchall()
    return found[0] if found else None
