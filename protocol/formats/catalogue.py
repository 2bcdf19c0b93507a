"""The formats by name: which file is of which, how it is read and how it is written.

Owns the list, the guess by a file's name or first bytes, and the decoding of its text. Must not
know servers, nor where what is written goes.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.formats import json_lists, markdown, original_db, yaml_lists
from protocol.formats.sheet import Sheet

__all__ = ["READ", "READERS", "STDIN", "WRITERS", "Writer", "format_of", "read_file"]

STDIN: Final = "-"
_SQLITE: Final = b"SQLite format 3\0"

READERS: Final[dict[str, Callable[[str], Sheet]]] = {
    "json": json_lists.read,
    "jsonl": json_lists.read_lines,
    "yaml": yaml_lists.read,
    "md": markdown.read,
}
READ: Final = (*READERS, "db")
"""What can be read; `db` is the original product's database."""

_SUFFIXES: Final = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".md": "md",
    ".markdown": "md",
    ".db": "db",
    ".sqlite": "db",
    ".sqlite3": "db",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a list of tasks piece by piece: `begin`, then `items` as often as needed, then `end`.

    `items` takes fields as `sheet.portable` makes them, and whether it is called for the first
    time.
    """

    items: Callable[[Sequence[dict[str, Any]], bool], str]
    begin: str = ""
    end: str = ""


WRITERS: Final = {
    "json": Writer(json_lists.array_items, json_lists.ARRAY_BEGIN, json_lists.ARRAY_END),
    "jsonl": Writer(json_lists.lines),
    "yaml": Writer(yaml_lists.items),
    "md": Writer(markdown.items, markdown.BEGIN),
}


def format_of(name: str) -> str | None:
    """The format that a file's name stands for, if any."""
    return _SUFFIXES.get(Path(name).suffix.lower())


def read_file(name: str, format_name: str) -> Sheet:
    """Read a file, or stdin if its name is `-`.

    Raises:
        OSError: it cannot be read.
    """
    if format_name == "db":
        return original_db.read(Path(name))
    data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    if data.startswith(_SQLITE):
        return _refused(1, "this is a database. Say --format db.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _refused(data.count(b"\n", 0, error.start) + 1, "not UTF-8, or no text at all.")
    return READERS[format_name](text)


def _refused(line: int, text: str) -> Sheet:
    sheet = Sheet()
    sheet.problem(line, text)
    return sheet
