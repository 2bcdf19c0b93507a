"""Where pruned tasks and events go: JSON Lines files beside the database.

Owns the name, the lines and the durability of an archive file. Synchronous: runs in a worker
thread. Must not know what may be archived, or the database itself. A line is one object: a task
in full with its events, or an event alone:

    {"kind": "task", "project": "default", "task": {...}, "events": [...]}
    {"kind": "event", "project": "default", "event": {...}}

What was archived and then not removed after all, because the process was killed or the task taken
up again, comes again later: a reader takes the last line about a task.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from actor.records import TaskRecord
from actor.views import to_task
from protocol.models import Event, Task

__all__ = ["Archive", "ArchiveFailed", "Line", "event_lines", "task_lines"]


class ArchiveFailed(Exception):
    """The lines are not safe on disk. The message is one line that names the fix."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line."""

    kind: Literal["task", "event"]
    project: str
    task: Task | None = None
    events: Sequence[Event] | None = None
    """All that happened to a task, oldest first."""
    event: Event | None = None


def task_lines(
    project: str, tasks: Iterable[TaskRecord], events: Mapping[str, Sequence[Event]]
) -> Iterator[Line]:
    """One line per task. `events` are by the task's id."""
    for task in tasks:
        yield Line(
            kind="task", project=project, task=to_task({}, task), events=events.get(task.id, ())
        )


def event_lines(project: str, events: Iterable[Event]) -> Iterator[Line]:
    """One line per event."""
    for event in events:
        yield Line(kind="event", project=project, event=event)


class Archive:
    """The archive files of one database: `<stem>.archive-<day>.jsonl` in its folder."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def append(self, lines: Iterable[Line], now_ms: int) -> str:
        """Add lines to the file of this day (UTC) and return its name when they are on disk.

        Raises:
            ArchiveFailed: they are not; what was written of them was taken back if that could be.
        """
        day = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d")
        path = self._database.with_name(f"{self._database.stem}.archive-{day}.jsonl")
        content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        try:
            _append(path, content, self._database)
        except OSError as error:
            raise ArchiveFailed(
                f"{path.name} could not be written ({error.strerror or error}): see to it that "
                "the database's folder is writable and has room; nothing was removed"
            ) from error
        return path.name

    def names(self) -> list[str]:
        """The archive files that there are, the oldest first."""
        name = re.compile(rf"{re.escape(self._database.stem)}\.archive-\d{{8}}\.jsonl")
        return sorted(
            entry.name for entry in self._database.parent.iterdir() if name.fullmatch(entry.name)
        )


def _append(path: Path, content: bytes, database: Path) -> None:
    # O_NOFOLLOW: what is written here must be found here.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    is_new = not path.exists()
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            _write(descriptor, _line_end(descriptor, size) + content)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if is_new:
        with suppress(OSError):  # whoever may read the database may read this; if not, the owner
            shutil.copymode(database, path)
    _sync_folder(path.parent)


def _line_end(descriptor: int, size: int) -> bytes:
    """What ends a line that a power failure cut off, so that the next one is whole."""
    return b"" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
