"""Putting a backup in the place of a database, so that at no moment there is neither.

Owns the order of the steps, and what becomes of the database that was there. Synchronous; for a
command of its own, while no server runs. Must not know what the tables are for.

The order is what keeps the data safe:

1. The backup is copied to a file with a name of its own, checked and synced. Nothing else has
   changed yet.
2. The old database becomes one plain file: SQLite moves its write-ahead log into it. A log that
   stayed would be played into the *new* database by whoever opens that next. An exclusive lock
   also finds out a `sqlite3` shell that has it open, which would do the same when it is left.
3. The old database gets a second name, which it keeps. It is a hard link, so that this takes no
   room and no time; where there are none, it is a copy.
4. The copy is renamed over the first name, which is one step for everybody: until then the old
   database is there, afterwards the new one.

A process that is killed between 3 and 4 leaves the old database with two names. Whoever opens it
next takes the second one away again (`undo_unfinished_restore`): SQLite works on a file under one
name only.
"""

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from actor.store.base import StoreDamaged, StoreError, StoreUnusable
from actor.store.sql import MIGRATIONS, QUERIES
from actor.store.sqlite_backup import (
    BackupFailed,
    companions,
    free_names,
    partial_copy,
    sweep_partial_copies,
    sync,
)
from actor.store.sqlite_errors import is_damage, unusable
from actor.store.sqlite_lock import FileLock
from actor.store.sqlite_open import inspection_uri, resolved_place, schema_version, uri

__all__ = ["Restored", "Stage", "check_backup", "restore", "undo_unfinished_restore"]

KEPT_LABEL: Final = "before-restore"
LOCK_TIMEOUT_MS: Final = 1_000

Stage = Literal["copied", "folded", "kept", "replaced"]
"""What is done: the backup copied, the old database one plain file, kept under its second name,
replaced under its first."""

_NO_HARD_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class Restored(NamedTuple):
    """What a restore did."""

    database: Path
    kept: Path | None
    """Where the former database is now; None if there was none."""
    tasks: int
    """How many tasks the restored database has."""


def check_backup(file: Path) -> Path:
    """See whether a file is a database of this program, and return its absolute path. Its pages
    are only checked when it is restored.

    Raises:
        StoreTooNew: a newer version of this program wrote it.
        StoreDamaged: it cannot be read as a database.
        StoreUnusable: it is anything else, or not there.
    """
    try:
        source = file.resolve(strict=True)
        if source.is_dir():
            raise StoreUnusable(f"{file} is a folder: name the backup file in it")
        if not source.is_file():
            raise StoreUnusable(f"{file} is no regular file: name a backup file")
    except FileNotFoundError:
        raise StoreUnusable(f"there is no {file}: check the name") from None
    except (OSError, RuntimeError) as error:
        raise StoreUnusable(f"{file} cannot be reached ({error}): check the name") from None
    try:
        version = schema_version(source, MIGRATIONS[-1].version)
    except StoreDamaged as error:
        raise _damaged(source, error) from error
    if version == 0:
        raise StoreUnusable(f"{source} is empty, so it is no backup: name another file")
    return source


def restore(
    file: Path, database: Path, on_stage: Callable[[Stage], None] = lambda _stage: None
) -> Restored:
    """Put a copy of a backup in the place of a database, and keep what was there under
    `<stem>.before-restore-<time>.db`.

    The backup itself is left as it is; its schema is brought up to date by the next start of the
    server. `on_stage` is told of every step that is done; what it raises ends the restore. Ended
    at any moment, by that or by a kill, it leaves the old database in place, or the new one.

    Raises:
        StoreInUse: a server runs on the database.
        StoreError: the backup is none, or is damaged; or one of the files cannot be worked on.
            Nothing was changed.
    """
    source = check_backup(file)
    place = resolved_place(database)
    if place.exists() and source.samefile(place):
        raise StoreUnusable(f"{file} is the database itself: name one of its backups")
    lock = FileLock.acquire(place)
    try:
        undo_unfinished_restore(place)
        with _refusing(source, place), _copied(source, place) as (copy, tasks):
            on_stage("copied")
            kept = _swap(place, copy, on_stage)
        on_stage("replaced")
        return Restored(place, kept, tasks)
    finally:
        lock.release()


def undo_unfinished_restore(place: Path) -> None:
    """Let a database have one name again, if a restore was killed before it was replaced, and
    remove unfinished copies. For the holder of its lock only."""
    with suppress(OSError):
        sweep_partial_copies(place)
        if place.exists() and place.stat().st_nlink > 1:
            pattern = rf"{re.escape(place.stem)}\.{KEPT_LABEL}-\d{{8}}-\d{{6}}(-\d+)?\.db"
            for entry in place.parent.iterdir():
                if re.fullmatch(pattern, entry.name) and entry.samefile(place):
                    _take_second_name_away(place, entry)


# --- the new database -------------------------------------------------------------------------


@contextmanager
def _copied(source: Path, place: Path) -> Generator[tuple[Path, int]]:
    """A checked and synced copy of the backup beside the database, and how many tasks it has."""
    with partial_copy(inspection_uri(source), place, lambda: None) as copy:
        tasks = _count_tasks(copy)
        _adopt_owner(copy, place if place.exists() else source)
        sync(copy)
        yield copy, tasks


def _count_tasks(copy: Path) -> int:
    connection = sqlite3.connect(uri(copy, mode="ro"), uri=True)
    try:
        count: int = connection.execute(QUERIES["count_tasks"]).fetchone()[0]
    except sqlite3.OperationalError as error:
        raise BackupFailed(str(error)) from error
    finally:
        connection.close()
    return count


def _adopt_owner(copy: Path, model: Path) -> None:
    """Who restores need not be who serves: the database stays with whom it belongs to."""
    shutil.copymode(model, copy)
    owner = model.stat()
    with suppress(PermissionError):
        os.chown(copy, owner.st_uid, owner.st_gid)


# --- the old database -------------------------------------------------------------------------


def _swap(place: Path, copy: Path, on_stage: Callable[[Stage], None]) -> Path | None:
    """Rename the copy over the database, and return where that is kept."""
    with _alone_with(place):
        on_stage("folded")
        kept = _give_second_name(place)
        try:
            on_stage("kept")
            copy.replace(place)
        except BaseException:
            if kept is not None:
                _take_second_name_away(place, kept)
            raise
    with suppress(OSError):  # it is so for everybody already, and will be on disk soon
        sync(place.parent)
    return kept


@contextmanager
def _alone_with(place: Path) -> Generator[None]:
    """Make the old database one plain file, and keep everybody else out of it meanwhile.

    A damaged one is left as it is: its log may be what helps to save the rest.

    Raises:
        sqlite3.Error: it cannot be had alone, or there is no room to move the log into it.
    """
    if not place.exists():
        yield
        return
    real = sqlite3.connect(uri(place, mode="rw"), uri=True, isolation_level=None)
    try:
        try:
            real.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
            # Ends WAL mode, for which nobody else may have the file open.
            real.execute("PRAGMA journal_mode = DELETE").fetchone()
            real.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
        yield
    finally:
        real.close()


def _give_second_name(place: Path) -> Path | None:
    """Let the old database, with a log that could not be moved into it, have a second name, and
    take the log from the first. None if there is nothing to keep."""
    journal, log, index = companions(place)
    old = [path for path in (place, journal, log) if path.exists()]
    if not old:
        return None
    kept = next(name for name in free_names(place, KEPT_LABEL) if not _is_taken(name))
    try:
        for path in old:
            _link_or_copy(path, kept.with_name(kept.name + path.name.removeprefix(place.name)))
        sync(place.parent)
        for companion in (journal, log, index):
            companion.unlink(missing_ok=True)
        sync(place.parent)
    except BaseException:
        _take_second_name_away(place, kept)
        raise
    return kept if kept.exists() else None


def _is_taken(name: Path) -> bool:
    return any(path.exists() for path in (name, *companions(name)))


def _link_or_copy(path: Path, second: Path) -> None:
    try:
        second.hardlink_to(path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        partial = second.with_name(f".{path.name}.kept.partial")
        try:
            shutil.copy2(path, partial)
            sync(partial)
            partial.replace(second)
        finally:
            partial.unlink(missing_ok=True)


def _take_second_name_away(place: Path, kept: Path) -> None:
    """Undo `_give_second_name`: what was taken from the first name goes back to it.

    Nothing happens where the two are different files: then the second one is the only one that
    has the old database, or a copy that harms nobody."""
    if not (place.exists() and kept.exists() and kept.samefile(place)):
        return
    for first, second in zip(companions(place)[:2], companions(kept)[:2], strict=True):
        if second.exists():
            if first.exists():
                second.unlink()
            else:
                second.replace(first)
    kept.unlink()
    sync(place.parent)


# --- refusals ---------------------------------------------------------------------------------


@contextmanager
def _refusing(source: Path, place: Path) -> Generator[None]:
    """Say in one line what went wrong, and that nothing was changed."""
    try:
        yield
    except BackupFailed as error:
        raise _damaged(source, error) from error
    except sqlite3.Error as error:
        if is_damage(error):
            raise _damaged(source, error) from error
        raise unusable(error, place) from error
    except OSError as error:
        raise StoreUnusable(
            f"{place} could not be replaced ({error.strerror or error}): see to it that its "
            "folder is writable and has room for a copy; nothing was changed"
        ) from error


def _damaged(source: Path, error: Exception) -> StoreError:
    first_line = str(error).strip().partition("\n")[0][:200]
    return StoreDamaged(
        f"{source} is damaged and was not restored ({first_line}): choose another backup"
    )
