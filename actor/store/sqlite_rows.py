"""Between records and rows: what one batch writes, and what comes back.

Owns which statement writes which part of a batch, and in which order, and how rows turn into
records again. Must not know transactions, threads or files. Rows travel as JSON both ways;
`sql/queries.sql` says why and knows the columns.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from actor.records import ProjectRecord, ReplyRecord, SlotRecord, TaskRecord, TemplateRecord
from actor.store.base import Batch, EventFilter, Loaded
from actor.store.sql import QUERIES
from actor.timestamps import to_text
from protocol.models import Event

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "RowError",
    "Statement",
    "count_rows",
    "load_replies_after",
    "load_small_tables",
    "load_tasks_after",
    "read_events",
    "read_replies",
    "statements",
]

CHUNK_ROWS = 5_000
"""Rows read between two reports of progress."""
SEQ_MAX = 2**63 - 1
"""The highest number that SQLite can keep."""

Statement = tuple[str, tuple[Any, ...]]
"""A query and its parameters."""

T = TypeVar("T")

# An escaped NUL: `\u0000` whose backslash is not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class RowError(ValueError):
    """A batch that cannot be kept as rows, or a row that is no record."""


class Chunk(NamedTuple, Generic[T]):
    """Some records of a table, and the number of the last row among them."""

    records: list[T]
    last: int


class _ReplyRow(msgspec.Struct, frozen=True, gc=False):
    """A reply with its JSON as text, because msgspec would write bytes in base64."""

    project: int
    key: str
    fingerprint: int
    reply: str | None
    at_ms: int


_encode = msgspec.json.Encoder().encode
_projects = msgspec.json.Decoder(ProjectRecord)
_tasks = msgspec.json.Decoder(TaskRecord)
_slots = msgspec.json.Decoder(SlotRecord)
_templates = msgspec.json.Decoder(TemplateRecord)
_replies = msgspec.json.Decoder(ReplyRecord)
_reply_rows = msgspec.json.Decoder(_ReplyRow)
_events = msgspec.json.Decoder(Event)


# --- writing ----------------------------------------------------------------------------------


def statements(batch: Batch) -> Iterator[Statement]:
    """What writes a batch, one statement per table, none for what is empty.

    Projects come before what refers to them. Removals come before insertions: a deleted task's id
    and a forgotten reply's key may be taken again in the same batch.

    Raises:
        RowError: a text holds the character NUL, at which SQLite's JSON functions would silently
            cut it off. The models refuse it at the door; here it must not be lost at least.
    """
    if batch.forget_replies_before_ms is not None:
        yield QUERIES["forget_replies"], (to_text(batch.forget_replies_before_ms),)
    parts: tuple[tuple[str, Sequence[object]], ...] = (
        ("upsert_projects", batch.projects),
        ("delete_tasks", batch.tasks_removed),
        ("delete_slots", batch.slots_freed),
        ("delete_templates", batch.templates_removed),
        ("upsert_tasks", batch.tasks),
        ("upsert_slots", batch.slots),
        ("upsert_templates", batch.templates),
        ("forget_events", batch.forget_events),
        ("insert_events", batch.events),
        ("upsert_replies", [_reply_row(reply) for reply in batch.replies]),
        ("mark_projects", _marks(batch)),
    )
    for query, rows in parts:
        if rows:
            yield _write(query, rows)
    if batch.tasks_removed:
        yield QUERIES["mark_removed"], (max(batch.tasks_removed),)


def _write(query: str, rows: Sequence[object]) -> Statement:
    encoded = _encode(rows)
    if b"\\u0000" in encoded and _NUL.search(encoded):
        raise RowError("a text holds the character U+0000, which the store cannot keep: remove it")
    return QUERIES[query], (encoded.decode(),)


def _reply_row(record: ReplyRecord) -> _ReplyRow:
    return _ReplyRow(
        project=record.project,
        key=record.key,
        fingerprint=record.fingerprint,
        reply=None if record.reply is None else record.reply.decode(),
        at_ms=record.at_ms,
    )


def _marks(batch: Batch) -> list[tuple[int, int, int]]:
    """(project, highest event number, highest task number) of what a batch adds."""
    seqs: dict[int, int] = {}
    numbers: dict[int, int] = {}
    for logged in batch.events:
        seqs[logged.project] = max(seqs.get(logged.project, 0), logged.event.seq)
    for task in batch.tasks:
        numbers[task.project] = max(numbers.get(task.project, 0), task.number)
    return [(project, seqs.get(project, 0), numbers.get(project, 0)) for project in seqs | numbers]


# --- loading ----------------------------------------------------------------------------------


def count_rows(real: sqlite3.Connection) -> int:
    """How many rows the two big tables have that are loaded in chunks."""
    count: int = real.execute(QUERIES["count_rows"]).fetchone()[0]
    return count


def load_small_tables(real: sqlite3.Connection) -> Loaded:
    """The projects, slots and templates, and the highest numbers that were ever used."""
    loaded = Loaded()
    for last_seq, last_number, text in _all(real, "load_projects"):
        project = _decoded(_projects, text, "project")
        loaded.projects.append(project)
        loaded.last_seq[project.number] = last_seq
        loaded.last_number = max(loaded.last_number, last_number)
    for (text,) in _all(real, "load_slots"):
        loaded.slots.append(_decoded(_slots, text, "slot"))
    for (text,) in _all(real, "load_templates"):
        loaded.templates.append(_decoded(_templates, text, "template"))
    return loaded


def load_tasks_after(real: sqlite3.Connection, after: int) -> Chunk[TaskRecord]:
    """The next tasks in the order of their numbers."""
    return _chunk(real, "tasks", _tasks, after)


def load_replies_after(real: sqlite3.Connection, after: int) -> Chunk[ReplyRecord]:
    """The next replies, without their bytes, in the order of their rows."""
    return _chunk(real, "replies", _replies, after)


def _chunk(
    real: sqlite3.Connection, table: str, decoder: msgspec.json.Decoder[T], after: int
) -> Chunk[T]:
    parameters = {"after": after, "rows": CHUNK_ROWS}
    rows = _all(real, f"load_{table}", parameters)
    records = [_decoded(decoder, text, f"row {number} of {table}") for number, text in rows]
    return Chunk(records, rows[-1][0] if rows else after)


# --- reading while it runs --------------------------------------------------------------------


def read_events(real: sqlite3.Connection, wanted: EventFilter) -> list[Event]:
    """Events in the order of `seq`."""
    query = "read_events" if wanted.task_id is None else "read_events_of_task"
    if wanted.task_ids:
        query = "read_events_of_tasks"
    parameters: dict[str, Any] = {
        "project": wanted.project,
        "since": wanted.since,
        "until": SEQ_MAX if wanted.until is None else wanted.until,
        "worker_id": wanted.worker_id,
        "types": _encode(wanted.types).decode() if wanted.types else None,
        "limit": wanted.limit,
        "task_id": wanted.task_id,
        "task_ids": _encode(wanted.task_ids).decode(),
    }
    rows = _all(real, query, parameters)
    return [_decoded(_events, text, "event") for (text,) in rows]


def read_replies(real: sqlite3.Connection, keys: Sequence[tuple[int, str]]) -> list[ReplyRecord]:
    """Those of the wanted replies that there are."""
    rows = _all(real, "read_replies", (_encode(keys).decode(),))
    return [_reply(_decoded(_reply_rows, text, "reply")) for (text,) in rows]


def _reply(row: _ReplyRow) -> ReplyRecord:
    return ReplyRecord(
        project=row.project,
        key=row.key,
        fingerprint=row.fingerprint,
        reply=None if row.reply is None else row.reply.encode(),
        at_ms=row.at_ms,
    )


def _all(
    real: sqlite3.Connection, query: str, parameters: tuple[Any, ...] | dict[str, Any] = ()
) -> list[Any]:
    """All rows at once: an iteration that an error breaks off would keep its snapshot open."""
    return real.execute(QUERIES[query], parameters).fetchall()


def _decoded(decoder: msgspec.json.Decoder[T], text: str, name: str) -> T:
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise RowError(f"{name}: {error}") from None
