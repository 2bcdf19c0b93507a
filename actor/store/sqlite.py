"""The SQLite store: one file, one writer, durable before it says so.

Owns the connections, the transaction of a batch and the threads they run in. Two connections:
one writes and is the only one that does, one reads history beside it. Every verb visits its
connection's thread once, through `Connection.cursor(factory)`, where a factory does the whole
work: a transaction is never left open between two visits, and a cancelled caller waits for the
visit to end. Must not know transitions, and leaves SQL to `sql/`, columns to `sqlite_rows`.
"""

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import sqlite_anyio
import trio

from actor.history import Milestone
from actor.records import ReplyRecord
from actor.store import sqlite_history as history
from actor.store import sqlite_rows as rows
from actor.store.base import (
    Batch,
    CommitUnknown,
    EventFilter,
    Loaded,
    Progress,
    StoreUnavailable,
    StoreUnusable,
)
from actor.store.sql import MIGRATIONS, Migration
from actor.store.sqlite_backup import BackupFailed, copy_database
from actor.store.sqlite_errors import damaged, error_code, is_damage, unavailable, unusable
from actor.store.sqlite_lock import FileLock
from actor.store.sqlite_open import (
    prepare_reader,
    prepare_writer,
    resolved_place,
    schema_version,
    uri,
)
from actor.store.sqlite_restore import undo_unfinished_restore
from actor.throughput import Tick, Unit
from protocol.models import Event

__all__ = ["SqliteStore", "open_sqlite"]

T = TypeVar("T")
Args = TypeVarTuple("Args")


async def open_sqlite(
    path: str | Path, *, migrations: Sequence[Migration] = MIGRATIONS
) -> "SqliteStore":
    """Open a database file, or create it, and bring its schema up to date.

    An older database is copied beside itself before it is migrated. Close the store in the end.
    Cancelling, like failing, leaves nothing open.

    Raises:
        StoreInUse: another server has it.
        StoreTooNew: a newer version of this program wrote it; it is left as it was.
        StoreDamaged: its integrity check failed.
        StoreUnusable: anything else that is wrong with the place or the file.
    """
    async with AsyncExitStack() as stack:
        place = await trio.to_thread.run_sync(resolved_place, Path(path))
        lock = await trio.to_thread.run_sync(FileLock.acquire, place)
        stack.callback(lock.release)
        await trio.to_thread.run_sync(undo_unfinished_restore, place)
        newest = migrations[-1].version
        version = await trio.to_thread.run_sync(schema_version, place, newest)
        if 0 < version < newest:
            await trio.to_thread.run_sync(_copy_before_migrating, place, newest)
        writer = await _connect(stack, uri(place, mode="rwc"), place)
        await _visit(writer, prepare_writer, place, migrations)
        reader = await _connect(stack, uri(place, mode="ro"), place)
        await _visit(reader, prepare_reader, place)
        return SqliteStore(place, writer, reader, stack.pop_all())


class SqliteStore:
    """Keeps the records in an SQLite database. Made by `open_sqlite`.

    The verbs promise what `Store` promises.
    """

    def __init__(
        self,
        path: Path,
        writer: sqlite_anyio.Connection,
        reader: sqlite_anyio.Connection,
        resources: AsyncExitStack,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._resources = resources

    async def load(self, progress: Progress | None = None) -> Loaded:
        with self._loading():
            total = await _visit(self._reader, rows.count_rows)
            loaded = await _visit(self._reader, rows.load_small_tables)

            def report() -> None:
                if progress is not None:
                    done = len(loaded.tasks) + len(loaded.replies)
                    progress(done, max(done, total))

            await self._gather(rows.load_tasks_after, loaded.tasks, report)
            await self._gather(rows.load_replies_after, loaded.replies, report)
        # A key that came again keeps its row, so the rows are only nearly in the order of time.
        loaded.replies.sort(key=lambda reply: reply.at_ms)
        return loaded

    async def _gather(
        self,
        load_after: Callable[[sqlite3.Connection, int], rows.Chunk[T]],
        into: list[T],
        report: Callable[[], None],
    ) -> None:
        """Read a table chunk by chunk, so that nobody waits long for the thread."""
        chunk = await _visit(self._reader, load_after, 0)
        while chunk.records:
            into += chunk.records
            report()
            chunk = await _visit(self._reader, load_after, chunk.last)

    async def append(self, batch: Batch) -> None:
        with self._translating():
            await _visit(self._writer, _commit, batch)

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        return await self._read(history.read_events, wanted)

    async def read_milestones(self, wanted: EventFilter) -> list[Milestone]:
        return await self._read(history.read_milestones, wanted)

    async def _read(self, read: history.Read[T], wanted: EventFilter) -> list[T]:
        """Read stretch by stretch, so that other readers get their turn in between."""
        found: list[T] = []
        rest: EventFilter | None = wanted
        with self._translating():
            while rest is not None:
                records, rest = await _visit(self._reader, read, rest)
                found += records
        return found

    async def count_events(self, project: int, since: int, until: int, unit: Unit) -> list[Tick]:
        found: list[Tick] = []
        with self._translating():
            for first in range(since, until, history.COUNT_ROWS):
                end = min(until, first + history.COUNT_ROWS)
                found += await _visit(self._reader, history.count_events, project, first, end, unit)
        return found

    async def last_seq_before(self, project: int, at_ms: int) -> int:
        with self._translating():
            return await _visit(self._reader, history.last_seq_before, project, at_ms)

    async def read_replies(self, keys: Sequence[tuple[int, str]]) -> list[ReplyRecord]:
        with self._translating():
            return await _visit(self._reader, rows.read_replies, keys)

    async def backup(self, label: str) -> Path | None:
        try:
            return await trio.to_thread.run_sync(
                copy_database, self._path, label, trio.from_thread.check_cancelled
            )
        except (sqlite3.Error, OSError, BackupFailed) as error:
            raise StoreUnavailable(
                f"the backup of {self._path.name} could not be written ({_reason(error)}): see "
                "to it that its folder is writable and has room for a copy"
            ) from error

    @property
    def place(self) -> Path | None:
        return self._path

    def describe(self) -> str:
        return f"sqlite:{self._path.name}"

    async def close(self) -> None:
        # Shielded, because each connection shields its own closing.
        await self._resources.aclose()

    @contextmanager
    def _translating(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error
        except rows.RowError as error:
            raise StoreUnavailable(str(error)) from error

    @contextmanager
    def _loading(self) -> Generator[None]:
        """Like `_translating`, where damage is an answer of its own."""
        try:
            yield
        except sqlite3.Error as error:
            # A plain SQL error, such as a missing table, is the file's fault: the SQL is fixed.
            if is_damage(error) or error_code(error) == sqlite3.SQLITE_ERROR:
                raise damaged(self._path, str(error)) from error
            raise unavailable(error, self._path) from error
        except rows.RowError as error:
            raise damaged(self._path, str(error)) from error


# --- a transaction ----------------------------------------------------------------------------


def _commit(real: sqlite3.Connection, batch: Batch) -> None:
    """Write a batch as one transaction; on any error, roll it back.

    Raises:
        sqlite3.Error, RowError: nothing was written.
        CommitUnknown: all of it was, or nothing.
    """
    work = list(rows.statements(batch))
    if not work:
        return
    if real.in_transaction:  # an earlier rollback failed
        real.execute("ROLLBACK")
    real.execute("BEGIN IMMEDIATE")
    try:
        for query, parameters in work:
            real.execute(query, parameters)
    except BaseException:
        with suppress(sqlite3.Error):
            _roll_back(real)
        raise
    try:
        real.execute("COMMIT")
    except sqlite3.Error as error:
        if not _undone(real, error):
            raise CommitUnknown(
                f"SQLite failed while it committed ({error}): check the disk if this comes again"
            ) from error
        raise


def _undone(real: sqlite3.Connection, error: sqlite3.Error) -> bool:
    """Whether a COMMIT that failed certainly wrote nothing that counts.

    The frame that makes a transaction count is the last one of the log to be written, so it is
    not there when a write failed. When the sync after it failed, it may be.
    """
    if real.in_transaction:
        with suppress(sqlite3.Error):
            _roll_back(real)
            return True
        return False
    return error_code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)


def _roll_back(real: sqlite3.Connection) -> None:
    # A full disk or an I/O error makes SQLite roll back by itself.
    if real.in_transaction:
        real.execute("ROLLBACK")


# --- threads and connections ------------------------------------------------------------------


async def _visit(
    connection: sqlite_anyio.Connection,
    work: Callable[[sqlite3.Connection, *Args], T],
    *args: *Args,
) -> T:
    """Do all of `work` in one visit to the connection's thread. Not interrupted by cancellation."""
    results: list[T] = []

    def factory(real: sqlite3.Connection) -> sqlite3.Cursor:
        results.append(work(real, *args))
        return sqlite3.Cursor(real)

    await connection.cursor(factory)
    return results[0]


async def _connect(stack: AsyncExitStack, address: str, path: Path) -> sqlite_anyio.Connection:
    try:
        connection = await sqlite_anyio.connect(address, uri=True)
    except sqlite3.Error as error:
        raise unusable(error, path) from error
    stack.push_async_callback(connection.close)
    return connection


def _copy_before_migrating(path: Path, newest: int) -> None:
    try:
        copy_database(path, f"before-schema-{newest}", trio.from_thread.check_cancelled)
    except sqlite3.Error as error:
        raise unusable(error, path) from error
    except BackupFailed as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise StoreUnusable(
            f"{path} must be copied before its schema changes, and could not be "
            f"({error.strerror}): make room and its folder writable"
        ) from error


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
