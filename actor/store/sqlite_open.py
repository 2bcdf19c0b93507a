"""Everything between a path and a database that may be worked on.

Owns the questions asked of a file before it is trusted (whose is it, which schema, is it whole),
the settings of the connections, and migrating. Synchronous: runs in worker threads. A file that
is refused is left as it was. Must not know what the tables are for.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from actor.store.base import StoreDamaged, StoreTooNew, StoreUnusable
from actor.store.sql import Migration
from actor.store.sqlite_errors import damaged, unusable

__all__ = [
    "APPLICATION_ID",
    "check_place",
    "inspection_uri",
    "prepare_reader",
    "prepare_writer",
    "resolved_place",
    "schema_version",
    "uri",
]

APPLICATION_ID = 0x5441534B
"""`TASK`: what marks a file as ours, in the place that SQLite's file format has for it."""

SQLITE_VERSION_MIN = (3, 37, 0)
"""The first one with STRICT tables."""

MAGIC = b"SQLite format 3\0"

BUSY_TIMEOUT_MS = 5_000
WAL_AUTOCHECKPOINT_PAGES = 4_000
"""16 MiB: pages that change again and again are copied into the database less often."""
WAL_BYTES_MAX = 64 * 1024 * 1024
"""A log that grew beyond this, behind a long backup, is cut when it starts over."""
CACHE_KIB = 32 * 1024
FULL_CHECK_BYTES_MAX = 256 * 1024 * 1024
"""Up to this size the whole file is checked at opening, some 0.1-0.5 s. Beyond it, only the
tables that are loaded into memory anyway: all but the history of events."""


def check_place(path: Path) -> None:
    """See whether there can be a database at an absolute path.

    Raises:
        StoreUnusable: there cannot; the message says what to do.
    """
    if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
        needed = ".".join(map(str, SQLITE_VERSION_MIN))
        raise StoreUnusable(
            f"this Python brings SQLite {sqlite3.sqlite_version}, {needed} is needed: use a newer "
            "Python"
        )
    try:
        if path.is_dir():
            raise StoreUnusable(f"{path} is a folder: name a file in it, such as {path}/tasks.db")
        if path.exists() and not path.is_file():
            raise StoreUnusable(f"{path} is no regular file: name another one")
        if not path.parent.exists():
            raise StoreUnusable(f"the folder {path.parent} does not exist: create it first")
        if not path.parent.is_dir():
            raise StoreUnusable(f"{path.parent} is a file, not a folder: name another place")
    except OSError as error:
        raise StoreUnusable(
            f"{path} cannot be reached ({error.strerror}): check the name and the permissions"
        ) from None


def resolved_place(path: Path) -> Path:
    """The absolute path behind links, so that one file has one lock.

    Raises:
        StoreUnusable: there can be no database there.
    """
    try:
        place = path.resolve()
    except (OSError, RuntimeError) as error:
        raise StoreUnusable(f"{path} cannot be reached ({error}): name another file") from None
    check_place(place)
    return place


def uri(path: Path, **parameters: str | int) -> str:
    """The path as SQLite takes it with `uri=True`."""
    return f"{path.as_uri()}?{urlencode(parameters)}"


# --- whose file is it -------------------------------------------------------------------------


def schema_version(path: Path, newest: int) -> int:
    """The schema that a file has; 0 if it is missing or empty. Nothing is written to it.

    Raises:
        StoreTooNew: it is newer than `newest`.
        StoreUnusable: not a database, another program's one, or not readable.
        StoreDamaged: it begins like a database, but cannot be read as one.
    """
    if not _begins_like_a_database(path):
        return 0
    try:
        with closing(sqlite3.connect(inspection_uri(path), uri=True)) as real:
            (application,) = real.execute("PRAGMA application_id").fetchone()
            (version,) = real.execute("PRAGMA user_version").fetchone()
            (tables,) = real.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise unusable(error, path) from error
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreUnusable(f"{path} is a database of another program: name another file")
    if version > newest:
        raise StoreTooNew(
            f"{path} was written by a newer version of this program (schema {version}, this one "
            f"knows {newest}): install that version, or start with another file"
        )
    return int(version)


def _begins_like_a_database(path: Path) -> bool:
    """False for what is yet to be created."""
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreUnusable(
            f"{path} cannot be read ({error.strerror}): make it readable for this user"
        ) from None
    if start and start != MAGIC:
        raise StoreUnusable(f"{path} is not an SQLite database: name another file")
    return bool(start)


def inspection_uri(path: Path) -> str:
    """How to open a file that must not change, as SQLite takes it with `uri=True`.

    With a rollback journal beside it nothing can be read before SQLite has rolled back. With a
    write-ahead log, its content counts as well. Otherwise the file is all there is, and taking it
    as immutable spares it the companions that SQLite would create.
    """
    if _size(path.with_name(path.name + "-journal")):
        return uri(path, mode="rw")
    if _size(path.with_name(path.name + "-wal")):
        return uri(path, mode="ro")
    return uri(path, mode="ro", immutable=1)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# --- connections ------------------------------------------------------------------------------


def prepare_writer(real: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Make a fresh connection the one that writes: settings, integrity, schema.

    Raises:
        StoreUnusable: the file or its file system cannot be used for durable commits.
        StoreDamaged: the integrity check found something.
    """
    try:
        real.isolation_level = None
        real.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _see_whether_it_can_be_written(real)
        _set(real, path, "journal_mode", "wal")
        _set(real, path, "synchronous", 2)
        _set(real, path, "wal_autocheckpoint", WAL_AUTOCHECKPOINT_PAGES)
        _set(real, path, "journal_size_limit", WAL_BYTES_MAX)
        _set(real, path, "cache_size", -CACHE_KIB)
        _check(real, path)
        _migrate(real, migrations)
        # Only now: with foreign keys on, a migration could not rebuild a table.
        _set(real, path, "foreign_keys", 1)
    except sqlite3.Error as error:
        raise unusable(error, path) from error


def prepare_reader(real: sqlite3.Connection, path: Path) -> None:
    """Make a fresh connection one that can only read.

    Raises:
        StoreUnusable: it cannot.
    """
    try:
        real.isolation_level = None
        real.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _set(real, path, "query_only", 1)
    except sqlite3.Error as error:
        raise unusable(error, path) from error


def _see_whether_it_can_be_written(real: sqlite3.Connection) -> None:
    """SQLite opens a read-only file without a word, and only its first change would fail."""
    real.execute("BEGIN IMMEDIATE")
    real.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    real.execute("ROLLBACK")


def _set(real: sqlite3.Connection, path: Path, pragma: str, value: str | int) -> None:
    """Set a pragma and see whether it took: SQLite ignores silently what it cannot do."""
    real.execute(f"PRAGMA {pragma} = {value}")
    (actual,) = real.execute(f"PRAGMA {pragma}").fetchone()
    if actual != value:
        raise StoreUnusable(
            f"SQLite cannot work safely on {path} ({pragma} is {actual}, needed is {value}): put "
            "the database on a local disk"
        )


def _check(real: sqlite3.Connection, path: Path) -> None:
    """Look for damage; `FULL_CHECK_BYTES_MAX` says how much is looked at."""
    if _size(path) <= FULL_CHECK_BYTES_MAX:
        checks = ["PRAGMA quick_check(1)"]
    else:
        names = real.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        checks = [f"PRAGMA quick_check('{name}')" for (name,) in names if name != "events"]
    for check in checks:
        (finding,) = real.execute(check).fetchone()
        if finding != "ok":
            raise damaged(path, finding)


# --- migrating --------------------------------------------------------------------------------


def _migrate(real: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring the schema up to date, each step in its own transaction."""
    (version,) = real.execute("PRAGMA user_version").fetchone()
    for migration in migrations:
        if migration.version > version:
            _apply(real, migration)


def _apply(real: sqlite3.Connection, migration: Migration) -> None:
    try:
        # `executescript` would commit a transaction that was begun outside of the script.
        real.executescript(
            f"BEGIN IMMEDIATE;\n{migration.script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {migration.version};"
        )
        violation = real.execute("PRAGMA foreign_key_check").fetchone()
        if violation is not None:
            raise StoreDamaged(
                f"schema {migration.version} does not fit a row of {violation[0]}: report this, "
                "and go on with the version of this program that wrote the database"
            )
        real.execute("COMMIT")
    finally:
        if real.in_transaction:
            real.execute("ROLLBACK")
