"""Markdown task lists, as people write them and GitHub shows them.

Owns the notation in both directions. A task is an item with a box: `[ ]` open, `[x]` done, `[!]`
failed, `[-]` cancelled. `ID:` or an id in backticks may come before its text, `(needs: a, b)`,
`#tag` and `!5` (the priority) behind it. Indented text goes on with the description, an indented
item `- field: value` sets any other field, and an indented task is one that its parent needs.

    - [x] db: Set up the database
    - [ ] `api` Write the API (needs: db) #backend !5
      Only what the page needs.
      - resources: src/api/, db-schema
      - [ ] Write the tests

Headings, quotes, rules and comments are skipped. All other lines are no tasks and are told. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from typing import Any, Final, cast

import msgspec

from protocol.cli.text import json_text
from protocol.formats.sheet import FIELDS, Entry, Sheet, with_ids

__all__ = ["BEGIN", "items", "read"]

_ITEM: Final = re.compile(r"( *)(?:[-*+]|[0-9]{1,9}[.)])(?: +(.*))?")
_BOX: Final = re.compile(r"\[(.)\](?: +(.*))?")
_SKIPPED: Final = re.compile(r" {0,3}(?:#{1,6}(?: |$)|>|<!--|(?:[-*_] *){3,}$|=+$)")
_FIELD: Final = re.compile(r"([A-Za-z]+) *: *(.*)", re.DOTALL)
_ID: Final = re.compile(r"(?:`([^`]+)`:?|([^\s`:][^\s`]*?):)(?: +(.*))?", re.DOTALL)
_TAIL: Final = re.compile(r"(?:^|(?<= ))(?:\(needs: *([^()]*)\)|#([^\W\d][\w./-]*)|!(-?[0-9]+))$")

_MARKS: Final = {" ": None, "/": None, "x": "done", "X": "done", "!": "failed", "-": "cancelled"}
_BOXES: Final = {None: " ", "done": "x", "failed": "!", "cancelled": "-"}
_LISTS: Final = ("dependencies", "tags", "resources")
_TEXTS: Final = (
    "id",
    "description",
    "output",
    "status",
    "result",
    "error",
    "workerId",
    "note",
    "notBefore",
    "deadline",
)
_NAMES: Final = {"needs": "dependencies", **{name: name for name in FIELDS}}

_NO_TASK: Final = (
    "this is no task. A task is an item with a box, `- [ ] ID: text`; other text belongs into a "
    "heading, behind `>` or into a comment."
)


@dataclass(slots=True)
class _Part:
    """The title of a task, or one of its fields, before it is taken apart."""

    line: int
    margin: int
    """Where its text begins; further lines are indented as much."""
    text: list[str]
    gap: int = 0
    """Empty lines at its end, which count only if the text goes on."""


@dataclass(slots=True)
class _Item:
    """A task, and the items inside it."""

    line: int
    indent: int
    mark: str
    parts: list[_Part]
    children: list["_Item"] = field(default_factory=list["_Item"])
    fields: dict[str, Any] = field(default_factory=dict[str, Any])


# --- reading ----------------------------------------------------------------------------------


def read(text: str) -> Sheet:
    """The tasks of a Markdown document."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        reader.line(number, line.rstrip("\r").expandtabs(4))
    return reader.sheet()


class _Reader:
    """Puts lines together to tasks."""

    def __init__(self) -> None:
        self._sheet = Sheet()
        self._items: list[_Item] = []
        self._open: list[_Item] = []
        """The task that was read last and those around it, outermost first."""
        self._in_comment = False

    def line(self, number: int, line: str) -> None:
        """Take the next line, without its end."""
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        if self._in_comment:
            self._in_comment = "-->" not in content
        elif not content:
            if self._open:
                self._open[-1].parts[-1].gap += 1
        elif not indent and _SKIPPED.match(line):
            self._open.clear()
            self._in_comment = content.startswith("<!--") and "-->" not in content
        elif (item := _ITEM.fullmatch(line)) is not None:
            self._item(number, indent, _Part(number, item.start(2), [(item[2] or "").rstrip()]))
        elif indent and self._open:
            self._goes_on(line)
        else:
            self._sheet.problem(number, _NO_TASK)

    def sheet(self) -> Sheet:
        """All that was found."""
        for item in self._items:
            self._take_apart(item)
        entries = with_ids([Entry(item.line, item.fields) for item in self._items])
        for item, entry in zip(self._items, entries, strict=True):
            item.fields = entry.fields
        for item in self._items:
            if item.children:
                needed = item.fields.get("dependencies", [])
                inner = [child.fields["id"] for child in item.children]
                item.fields["dependencies"] = list(dict.fromkeys([*needed, *inner]))
        self._sheet.entries = entries
        return self._sheet

    def _item(self, number: int, indent: int, part: _Part) -> None:
        while self._open and self._open[-1].indent >= indent:
            self._open.pop()
        box = _BOX.fullmatch(part.text[0])
        if box is None and not self._open:
            self._sheet.problem(number, _NO_TASK)
        elif box is None:
            self._open[-1].parts.append(part)
        elif box[1] not in _MARKS:
            marks = ", ".join(f"[{mark}]" for mark in _MARKS)
            self._sheet.problem(number, f"there is no box [{box[1]}]; there are {marks}.")
        else:
            part.text = [box[2] or ""]
            item = _Item(number, indent, box[1], [part])
            if self._open:
                self._open[-1].children.append(item)
            self._items.append(item)
            self._open.append(item)

    def _goes_on(self, line: str) -> None:
        part = self._open[-1].parts[-1]
        part.text += [""] * part.gap
        part.gap = 0
        indented = not line[: part.margin].strip()
        part.text.append(line[part.margin :] if indented else line.lstrip(" "))

    # --- the fields of a task -----------------------------------------------------------------

    def _take_apart(self, item: _Item) -> None:
        title, *others = item.parts
        fields = _title(title.text)
        if (status := _MARKS[item.mark]) is not None:
            fields["status"] = status
        for part in others:
            found = _FIELD.fullmatch("\n".join(part.text))
            name = _NAMES.get(found[1]) if found is not None else None
            if found is None or name is None:
                self._sheet.problem(part.line, _no_field(found[1] if found else None))
            elif name in fields:
                self._sheet.problem(part.line, f"`{name}` is there twice.")
            else:
                fields[name] = _value(name, found[2])
        item.fields = fields


def _no_field(name: str | None) -> str:
    if name is None:
        return "this is neither a task, `- [ ] ID: text`, nor a field of one, `- name: value`."
    close = get_close_matches(name, _NAMES, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else f"There are: {', '.join(_NAMES)}."
    return f"there is no field `{name}`. {hint}"


def _title(lines: Sequence[str]) -> dict[str, Any]:
    """What the first line of a task, and the text below it, say."""
    first, *others = lines
    fields: dict[str, Any] = {}
    needed: list[str] = []
    tags: list[str] = []
    while (tail := _TAIL.search(first)) is not None:
        if tail[1] is not None:
            needed = [*_listed(tail[1]), *needed]
        elif tail[2] is not None:
            tags = [tail[2], *tags]
        elif "priority" in fields:
            break
        else:
            fields["priority"] = int(tail[3])
        first = first[: tail.start()].rstrip()
    if (named := _ID.fullmatch(first)) is not None:
        fields["id"] = named[1] or named[2]
        first = named[3] or ""
    more: dict[str, Any] = {"dependencies": needed, "tags": tags}
    more["description"] = "\n".join([first, *others]).strip("\n")
    return fields | {name: value for name, value in more.items() if value}


def _value(name: str, text: str) -> Any:
    """The value that a field's text stands for. What it should not be is left to the checks."""
    if name in _TEXTS:
        decoded = _decoded(text) if text.startswith('"') else text
        return decoded if isinstance(decoded, str) else text
    if name in _LISTS and not text.startswith("["):
        return _listed(text)
    return _decoded(text)


def _listed(text: str) -> list[str]:
    words = (word.strip() for word in text.split(","))
    return [word.strip("`") if word.startswith("`") else word for word in words if word]


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text


# --- writing ----------------------------------------------------------------------------------

BEGIN: Final = "# Tasks\n\n"


def items(tasks: Sequence[dict[str, Any]], first: bool) -> str:
    """Some of the items of a list of tasks."""
    del first
    return "".join(chain.from_iterable(_block(task) for task in tasks))


def _block(task: dict[str, Any]) -> list[str]:
    """The lines of a task. Each is plain if it reads back as what it says, else it holds JSON."""
    rest = dict(task)
    head = _head(rest)
    lines = [f"{line}\n" for line in head]
    for name, value in rest.items():
        shown = "needs" if name == "dependencies" else name
        lines.append(f"  - {shown}: {_written(name, value)}\n")
    return lines


def _head(rest: dict[str, Any]) -> list[str]:
    """The title and the text below it; takes out of `rest` what they say."""
    box = f"- [{_BOXES[rest.pop('status', None)]}]"
    for names in (("id", "description"), ("id",)):
        said = {name: rest[name] for name in names}
        lines = _titled(box, **said)
        if all(line.isprintable() for line in lines) and _says("\n".join(lines), said):
            for name in names:
                del rest[name]
            return lines
    return [box]


def _titled(box: str, id: str, description: str = "") -> list[str]:  # noqa: A002
    first, *others = description.split("\n")
    lines = [f"{box} `{id}` {first}".rstrip(" ")]
    return [*lines, *(f"  {line}" if line else "" for line in others)]


def _says(text: str, fields: dict[str, Any]) -> bool:
    sheet = read(text)
    found = [{**entry.fields} for entry in sheet.entries]
    for each in found:
        each.pop("status", None)
    return not sheet.problems and found == [fields]


def _written(name: str, value: Any) -> str:
    plain = value if isinstance(value, str) else None
    if name in _LISTS:
        plain = ", ".join(cast("list[str]", value))
    if plain is not None and plain.isprintable() and plain == plain.strip():
        found = _FIELD.fullmatch(f"{name}: {plain}")
        if found is not None and _value(name, found[2]) == value:
            return plain
    return json_text(value)
