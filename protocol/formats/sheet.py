"""What a file of tasks holds before anybody checked it: entries, and what is no entry.

Owns the type that every reader fills and the way back from a task to the fields that a file
takes. Pure: must not know files, formats or servers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Literal, NamedTuple, cast

from protocol.cli.text import json_text
from protocol.limits import METADATA_DEPTH_MAX
from protocol.methods import wire_names
from protocol.models import Task
from protocol.params import ImportedTask

__all__ = ["DEPTH_MAX", "FIELDS", "Entry", "Problem", "Sheet", "ids_of", "portable", "with_ids"]

FIELDS: Final = wire_names(ImportedTask)
"""The names of all fields that a task in a file may have."""

DEPTH_MAX: Final = METADATA_DEPTH_MAX + 10
"""Lists and objects inside one another that a reader follows; none deeper can be kept."""


class Entry(NamedTuple):
    """Fields of a task as they were written, and the number of the line where it begins."""

    line: int
    fields: dict[str, Any]


class Problem(NamedTuple):
    """What is wrong, in a sentence without the name of the file. Line 0 is the file as a whole."""

    line: int
    text: str


@dataclass(slots=True)
class Sheet:
    """All that was found in a file, in its order. A row of a database counts as a line."""

    unit: Literal["line", "row"] = "line"
    entries: list[Entry] = field(default_factory=list[Entry])
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, line: int, value: object) -> None:
        """Take a decoded value that should be a task, or note that it is none."""
        if not isinstance(value, dict):
            self._no_task(line, _kind(value))
            return
        fields = cast("dict[str, Any]", value)
        if all(isinstance(key, str) for key in cast("Any", fields)):
            self.entries.append(Entry(line, fields))
        else:
            self._no_task(line, "an object with a key that is no text")

    def _no_task(self, line: int, what: str) -> None:
        text = f"this is {what} and no task. A task is an object with at least a `description`."
        self.problem(line, text)

    def problem(self, line: int, text: str) -> None:
        """Note what is wrong in a line."""
        self.problems.append(Problem(line, text))


def _kind(value: object) -> str:
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else f'{value[:39]}…'}'"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"the number {value}"
    return json_text(value)


_MADE_LENGTH_MAX: Final = 60


def ids_of(entries: Sequence[Entry]) -> set[str]:
    """The ids that the entries give."""
    return {name for entry in entries if isinstance(name := entry.fields.get("id"), str)}


def with_ids(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries, with an id made of the description for each that has none.

    The same file gives the same ids: importing it twice is noticed instead of doubling it.
    """
    taken = ids_of(entries)
    named: list[Entry] = []
    for entry in entries:
        if entry.fields.get("id") is None:
            name = _free(_made(entry.fields.get("description")), taken)
            taken.add(name)
            named.append(Entry(entry.line, {**entry.fields, "id": name}))
        else:
            named.append(entry)
    return named


def _made(description: object) -> str:
    words = re.findall(r"\w+", description.lower()) if isinstance(description, str) else []
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word
        if len(longer) > _MADE_LENGTH_MAX:
            break
        name = longer
    return name or "task"


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(free for n in count(2) if (free := f"{name}-{n}") not in taken)


_RENAMED: Final = {"output": "result", "expected_output": "output"}
"""What a server calls differently than a file: there, `output` is what is wanted of a task."""

_SAME: Final = (
    "priority",
    "tags",
    "metadata",
    "resources",
    "max_attempts",
    "retry_delay_seconds",
    "not_before",
    "deadline",
    "timeout_seconds",
    "note",
)
_OF_FINISHED: Final = ("status", "output", "error", "worker_id")
_FINISHED: Final = ("done", "failed", "cancelled")


def portable(task: Task) -> dict[str, Any]:
    """The fields of a task that a file takes, without those that are at their default.

    A task that is not finished loses its status: what it is follows from its dependencies and
    times, and nobody works on it where it is imported.
    """
    finished = _OF_FINISHED if task.status in _FINISHED else ()
    fields = {"id": task.id, "description": task.description, "dependencies": task.dependencies}
    for name in ("expected_output", *_SAME, *finished):
        fields[_camel(_RENAMED.get(name, name))] = getattr(task, name)
    return {name: value for name, value in fields.items() if value not in (None, [], 0, {})}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
