"""What SQLite's errors mean here, in one line that names the fix.

Owns the way from a driver's error to the errors of the seam. Must not know what was being done:
the caller says whether the store is open already (then only the file's name may be told, because
the message can reach a client) or is being opened (then the operator sees the whole path).
"""

import sqlite3
from pathlib import Path

from actor.store.base import StoreDamaged, StoreUnavailable, StoreUnusable

__all__ = ["damaged", "error_code", "is_damage", "unavailable", "unusable"]

_PRIMARY_CODE_MASK = 0xFF
"""SQLite's extended codes carry the primary one in the low byte."""

_READABLE = {
    sqlite3.SQLITE_FULL: "there is no space left for {name}: free some on its disk",
    sqlite3.SQLITE_IOERR: (
        "the system failed to read or write {name} ({code}): check its disk, mount and quota"
    ),
    sqlite3.SQLITE_READONLY: (
        "{name} cannot be written: make the file and its folder writable for this user"
    ),
    sqlite3.SQLITE_BUSY: (
        "another program keeps {name} locked: end it (a sqlite3 shell with an open transaction?)"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "{name} cannot be opened: check the permissions of the file and its folder"
    ),
    sqlite3.SQLITE_NOMEM: "there is no memory left to work on {name}: free some",
}
_READABLE[sqlite3.SQLITE_LOCKED] = _READABLE[sqlite3.SQLITE_BUSY]

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def error_code(error: sqlite3.Error) -> int | None:
    """SQLite's extended code; None for errors that Python's driver made up itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is bad, so that trying again is in vain."""
    code = error_code(error)
    return code is not None and code & _PRIMARY_CODE_MASK in _DAMAGE


def unavailable(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """For an operation on an open store."""
    return StoreUnavailable(_sentence(error, path.name))


def unusable(error: sqlite3.Error, path: Path) -> StoreUnusable:
    """For a store that is being opened."""
    if is_damage(error):
        return damaged(path, str(error))
    return StoreUnusable(_sentence(error, str(path)))


def damaged(path: Path, finding: str) -> StoreDamaged:
    """For a file whose content makes no sense. `finding` says what was seen, and is cut short."""
    first_line = finding.strip().partition("\n")[0][:200]
    return StoreDamaged(
        f"{path} is damaged ({first_line}): put a backup in its place with `task-coordinator "
        f"restore` (they are called {path.stem}.*.db), or save what can be read with `sqlite3 "
        f"{path.name} .recover`"
    )


def _sentence(error: sqlite3.Error, name: str) -> str:
    if is_damage(error):
        return (
            f"{name} is damaged ({error}): stop the server and put a backup in its place with "
            "`task-coordinator restore`"
        )
    code = error_code(error)
    if code is not None and (readable := _READABLE.get(code & _PRIMARY_CODE_MASK)):
        return readable.format(name=name, code=getattr(error, "sqlite_errorname", code))
    return f"SQLite failed on {name}: {error}; the server's log has the details"
