"""A consistent copy of a database that is in use.

Owns the name, the content and the durability of a backup file. Synchronous: runs in a worker
thread. Must not know the store's own connections: it opens another one, whose snapshot neither
waits for writers nor holds them up.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp

__all__ = ["BackupFailed", "copy_database"]

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
    descriptor, name = mkstemp(".partial", f".{source.stem}.", source.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        _copy(source, partial, on_step)
        _check(partial)
        shutil.copymode(source, partial)
        _sync(partial)
        target = _reserve(source, label)
        try:
            partial.replace(target)
        except BaseException:
            target.unlink()
            raise
        _sync(source.parent)
    finally:
        for leftover in (partial, *_companions(partial)):
            with suppress(FileNotFoundError):
                leftover.unlink()
    return target


def _copy(source: Path, target: Path, on_step: Callable[[], None]) -> None:
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as origin,
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


def _reserve(source: Path, label: str) -> Path:
    """Create the empty file that the copy replaces, under a name that was free."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    stem = f"{source.stem}.{re.sub(r'[^A-Za-z0-9._-]+', '-', label)}-{moment}"
    number = 1
    while True:
        target = source.with_name(f"{stem}.db" if number == 1 else f"{stem}-{number}.db")
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + end) for end in ("-journal", "-wal", "-shm")]
