"""YAML: a list of tasks, or a mapping whose only member is that list.

Owns reading, event by event so that every task knows its line and a large file needs no tree of
nodes, and writing. Plain scalars mean what the core schema of YAML 1.2 says: `no`, `08:30` and
`2026-01-31` are texts. Only plain data is ever made. Pure.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from protocol.formats.sheet import DEPTH_MAX, Sheet

__all__ = ["items", "read"]

if TYPE_CHECKING:
    from yaml import SafeDumper, SafeLoader
else:
    # Those of libyaml are ten times as fast; not every build of PyYAML has them.
    SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CONSTANTS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_STANDARD: Final = "tag:yaml.org,2002:"
_TAGS: Final = {None, "!", f"{_STANDARD}str", f"{_STANDARD}seq", f"{_STANDARD}map"}
"""The tags that are understood: a scalar with one of them is a text, whatever it looks like."""
_VALUES_MAX: Final = 20_000
"""Values of one task, those that stand behind aliases included: aliases of aliases multiply."""


class _Invalid(ValueError):
    """What cannot be read, and its line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read(text: str) -> Sheet:
    """The tasks of a YAML document."""
    sheet = Sheet()
    try:
        _Reader(text, sheet).document()
    except _Invalid as error:
        sheet.problem(error.line, f"{error}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # What is missing at the end is missed a line further on.
        line = min(mark.line, text.count("\n")) + 1 if mark else 0
        sheet.problem(line, f"not YAML: {error.problem or error.context}.")
    except yaml.YAMLError as error:
        sheet.problem(0, f"not YAML: {error}.")
    return sheet


class _Reader:
    """Makes plain values of the events of a document."""

    def __init__(self, text: str, sheet: Sheet) -> None:
        self._sheet = sheet
        self._events: Iterator[Event] = yaml.parse(text, Loader=SafeLoader)
        self._ahead: Event = next(self._events)
        self._anchors: dict[str, tuple[Any, int]] = {}
        """Values by their anchors, and how many values each of them is."""
        self._values = 0
        self._depth = 0

    def document(self) -> None:
        """Put the tasks of the one document into the sheet.

        Raises:
            ValueError: it is no document of tasks.
            YAMLError: it is no YAML.
        """
        self._take()
        if isinstance(self._ahead, StreamEndEvent):
            return
        self._take()
        match self._ahead:
            case SequenceStartEvent():
                self._tasks()
            case MappingStartEvent():
                self._mapping_of_tasks()
            case event:
                line, value = _line(event), self._value()
                # What is left of a file of comments is an empty document.
                if value is not None:
                    self._sheet.add(line, value)
        self._take()
        if isinstance(self._ahead, DocumentStartEvent):
            raise _Invalid(_line(self._ahead), "a second document begins; write one list of tasks.")

    def _take(self) -> Event:
        event = self._ahead
        self._ahead = next(self._events, event)
        return event

    def _tasks(self) -> None:
        self._take()
        while not isinstance(self._ahead, SequenceEndEvent):
            line = _line(self._ahead)
            self._values = 0
            self._sheet.add(line, self._value())
        self._take()

    def _mapping_of_tasks(self) -> None:
        """One task, or a mapping whose only member is the list of tasks."""
        line = _line(self._take())
        fields: dict[str, Any] = {}
        wrapped = False
        while not isinstance(self._ahead, MappingEndEvent):
            name = self._key(fields)
            if name == "tasks" and isinstance(self._ahead, SequenceStartEvent):
                wrapped = True
                self._tasks()
                fields[name] = None
            else:
                fields[name] = self._value()
        self._take()
        if not wrapped:
            self._sheet.add(line, fields)
        elif len(fields) > 1:
            others = ", ".join(f"`{name}`" for name in fields if name != "tasks")
            self._sheet.problem(line, f"beside `tasks`, {others} is not understood. Leave it out.")

    # --- values -------------------------------------------------------------------------------

    def _value(self) -> Any:
        event = self._take()
        if isinstance(event, AliasEvent):
            return self._aliased(event)
        tag: str | None = getattr(event, "tag", None)
        if tag not in _TAGS:
            raise _Invalid(_line(event), f"the tag {tag} is not understood. Leave it out.")
        before = self._values
        self._count(1, event)
        match event:
            case ScalarEvent():
                value: Any = _scalar(event)
            case SequenceStartEvent():
                value = self._sequence(event)
            case _:
                value = self._mapping(event)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (value, self._values - before)
        return value

    def _aliased(self, event: AliasEvent) -> Any:
        # Inside what it names, the anchor is not known yet: nothing can contain itself.
        if event.anchor not in self._anchors:
            raise _Invalid(_line(event), f"there is no anchor `&{event.anchor}` before this.")
        value, count = self._anchors[event.anchor]
        self._count(count, event)
        return value

    def _count(self, number: int, event: Event) -> None:
        self._values += number
        if self._values > _VALUES_MAX:
            raise _Invalid(_line(event), f"one task has more than {_VALUES_MAX:,} values.")

    def _sequence(self, start: Event) -> list[Any]:
        values: list[Any] = []
        self._deeper(start)
        while not isinstance(self._ahead, SequenceEndEvent):
            values.append(self._value())
        self._take()
        self._depth -= 1
        return values

    def _mapping(self, start: Event) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        self._deeper(start)
        while not isinstance(self._ahead, MappingEndEvent):
            if isinstance(self._ahead, ScalarEvent) and _is_merge(self._ahead):
                self._merge(merged)
            else:
                name = self._key(fields)
                fields[name] = self._value()
        self._take()
        self._depth -= 1
        return {**merged, **fields}

    def _merge(self, merged: dict[str, Any]) -> None:
        line = _line(self._take())
        value = self._value()
        for each in cast("Any", value) if isinstance(value, list) else (value,):
            if not isinstance(each, dict):
                raise _Invalid(line, "`<<` takes a mapping, or a list of them.")
            merged.update({**cast("dict[str, Any]", each), **merged})

    def _deeper(self, start: Event) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _Invalid(_line(start), "nested too deeply.")

    def _key(self, fields: dict[str, Any]) -> str:
        line = _line(self._ahead)
        name = self._value()
        if not isinstance(name, str):
            raise _Invalid(line, "a key is no text; put it in quotes.")
        if name in fields:
            raise _Invalid(line, f"`{name}` is there twice.")
        return name


def _line(event: Event) -> int:
    mark = event.start_mark
    return 0 if mark is None else mark.line + 1


def _is_merge(event: ScalarEvent) -> bool:
    return event.value == "<<" and bool(event.implicit[0]) and event.tag is None


def _scalar(event: ScalarEvent) -> Any:
    if event.tag is not None or not event.implicit[0]:
        return event.value
    value = _plain(event.value)
    if value in {math.inf, -math.inf}:
        raise _Invalid(_line(event), f"the number {event.value} is too large.")
    return value


def _plain(text: str) -> Any:
    """What the core schema makes of a scalar without quotes."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        # Python would take the leading zeros of 0o17 and 0x1f, and refuse those of 007.
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# --- writing ----------------------------------------------------------------------------------


def items(tasks: Sequence[dict[str, Any]], first: bool) -> str:
    """Some of the items of a list of tasks; the whole of it, if it is `first` and empty."""
    if not tasks:
        return "[]\n" if first else ""
    text: str = yaml.dump(
        list(tasks), Dumper=_TaskDumper, allow_unicode=True, sort_keys=False, width=100
    )
    return text


class _TaskDumper(SafeDumper):
    """Readable: longer texts as blocks, no aliases; and a text that looks like anything else, in
    YAML 1.1 or 1.2, in quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text_node(dumper: Any, text: str) -> yaml.ScalarNode:
    style: str | None = None
    if not text.replace("\n", "").isprintable():
        style = '"'
    elif "\n" in text.rstrip("\n") and not text.endswith("\n\n"):
        # A block that keeps empty lines at its end would end the document as well.
        style = "|"
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_dumper: Any = _TaskDumper
_dumper.add_representer(str, _text_node)
for _pattern in (_INTEGER, _FLOAT):
    _dumper.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(f"(?:{_pattern.pattern})$"), list("-+.0123456789")
    )
