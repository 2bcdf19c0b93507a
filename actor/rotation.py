"""Scheduled backups on disk: which there are, and which must go.

Owns their names and how many are kept. Synchronous: runs in a worker thread. Touches no file but
those whose names say that a schedule made them; every other backup is somebody's own.
"""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["SCHEDULED", "newest_ms", "remove_surplus"]

SCHEDULED: Final = "scheduled"
"""The label of scheduled backups: they are called `<stem>.scheduled-<time>.db`."""

log = logging.getLogger(__name__)


class _Backup(NamedTuple):
    """Sorts by age."""

    time: str
    number: int
    path: Path


def newest_ms(database: Path) -> int | None:
    """When the newest scheduled backup was made, in milliseconds since 1970-01-01 UTC.

    Raises:
        OSError: the folder cannot be read.
    """
    found = _scheduled(database)
    if not found:
        return None
    moment = datetime.strptime(found[-1].time, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def remove_surplus(database: Path, keep: int) -> None:
    """Remove the oldest scheduled backups beyond the `keep` newest ones. One that cannot be
    removed is logged, and stays in nobody's way.

    Raises:
        OSError: the folder cannot be read.
    """
    for backup in _scheduled(database)[:-keep]:
        try:
            backup.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("an old backup could not be removed: %s", error)


def _scheduled(database: Path) -> list[_Backup]:
    """Oldest first."""
    pattern = re.compile(
        rf"{re.escape(database.stem)}\.{SCHEDULED}-(\d{{8}}-\d{{6}})(?:-(\d+))?\.db", re.ASCII
    )
    found: list[_Backup] = []
    for path in database.parent.iterdir():
        match = pattern.fullmatch(path.name)
        if match is not None and _is_moment(match[1]) and path.is_file():
            found.append(_Backup(match[1], int(match[2] or 1), path))
    return sorted(found)


def _is_moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
