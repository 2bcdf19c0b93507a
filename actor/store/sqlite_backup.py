"""A consistent copy of a database that is in use.

Owns the name, the content and the durability of a backup file, and of a copy that is in the
making. Synchronous: runs in a worker thread. Must not know the store's own connections: it opens
another one, whose snapshot neither waits for writers nor holds them up.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp

from actor.store.sqlite_open import uri

__all__ = [
    "BackupFailed",
    "companions",
    "copy_database",
    "free_names",
    "partial_copy",
    "sweep_partial_copies",
    "sync",
]

STEP_PAGES = 2_000
"""Pages copied between two looks at whether the copy is still wanted."""


class BackupFailed(Exception):
    """The copy did not pass its check. Nothing of it was left behind."""


def copy_database(source: Path, label: str, on_step: Callable[[], None]) -> Path:
    """Copy a database to `<stem>.<label>-<time>.db` beside it, and return that path.

    The copy has that name only once it is whole, checked and on disk. `on_step` is called every
    few megabytes; what it raises ends the copying.

    Raises:
        sqlite3.Error, OSError, BackupFailed: it did not work; no file was left behind.
    """
    with partial_copy(uri(source, mode="ro"), source, on_step) as partial:
        shutil.copymode(source, partial)
        sync(partial)
        target = _reserve(source, label)
        try:
            partial.replace(target)
        except BaseException:
            target.unlink()
            raise
        sync(source.parent)
    return target


@contextmanager
def partial_copy(
    source: str, beside: Path, on_step: Callable[[], None]
) -> Generator[Path, None, None]:
    """A whole and checked copy of the database at an SQLite URI, under a name of its own in the
    folder of `beside`. It goes away at the end of the block unless it was renamed.

    Raises:
        sqlite3.Error, OSError, BackupFailed: it did not work; no file was left behind.
    """
    descriptor, name = mkstemp(_PARTIAL, f".{beside.name}.", beside.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        _copy(source, partial, on_step)
        _check(partial)
        yield partial
    finally:
        for leftover in (partial, *companions(partial)):
            with suppress(FileNotFoundError):
                leftover.unlink()


_PARTIAL = ".partial"


def sweep_partial_copies(database: Path) -> None:
    """Remove the copies that a killed process did not finish. For the holder of the lock only:
    copies are made by nobody else."""
    name = rf"\.{re.escape(database.name)}\.\w+{re.escape(_PARTIAL)}(-journal|-wal|-shm)?"
    for entry in database.parent.iterdir():
        if re.fullmatch(name, entry.name):
            with suppress(OSError):  # it is in nobody's way
                entry.unlink()


def _copy(source: str, target: Path, on_step: Callable[[], None]) -> None:
    with (
        closing(sqlite3.connect(source, uri=True)) as origin,
        closing(sqlite3.connect(target)) as copy,
    ):
        # A half-written copy is thrown away, so it needs no journal, and is synced once at the end.
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        # Holding one snapshot: otherwise every commit in between would start the copy afresh.
        origin.execute("BEGIN")
        origin.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def progress(_status: int, _remaining: int, _total: int) -> None:
            on_step()

        origin.backup(copy, pages=STEP_PAGES, progress=progress)


def _check(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        # Out of WAL mode, the copy is one plain file that opens from a read-only place as well.
        connection.execute("PRAGMA journal_mode = DELETE")
        (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if finding != "ok":
        raise BackupFailed(f"the copy did not pass its integrity check: {finding}")


def free_names(database: Path, label: str) -> Iterator[Path]:
    """`<stem>.<label>-<time>.db` beside a database, then the same with numbers: the names that a
    file which must not replace another one tries in turn."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    stem = f"{database.stem}.{re.sub(r'[^A-Za-z0-9._-]+', '-', label)}-{moment}"
    yield database.with_name(f"{stem}.db")
    number = 2
    while True:
        yield database.with_name(f"{stem}-{number}.db")
        number += 1


def _reserve(source: Path, label: str) -> Path:
    """Create the empty file that the copy replaces, under a name that was free."""
    for target in free_names(source, label):
        with suppress(FileExistsError):
            target.touch(exist_ok=False)
            return target
    raise AssertionError("the names never end")


def sync(path: Path) -> None:
    """Have a file's content, or a folder's names, on disk.

    Raises:
        OSError: the system could not do it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def companions(database: Path) -> list[Path]:
    """The files that SQLite may keep beside a database and that belong to its content."""
    return [database.with_name(database.name + end) for end in ("-journal", "-wal", "-shm")]
