"""JSON: an array of tasks, an object around it, one task alone, or one task per line.

Owns both forms in both directions. A task is known by the line where it begins, also in a document
that a person laid out. Pure.
"""

import json
import math
from collections.abc import Sequence
from json import JSONDecodeError
from typing import Any, Final, NoReturn

from protocol.cli.text import json_text
from protocol.formats.sheet import Sheet

__all__ = ["ARRAY_BEGIN", "ARRAY_END", "array_items", "lines", "read", "read_lines"]

_SPACE: Final = " \t\r\n"


class _Decoder:
    """Python's decoder, which tells where a value ends, without what JSON does not have."""

    def __init__(self) -> None:
        self.repeated: list[str] = []
        """Names that stood twice in one object since this was last emptied."""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
        )

    def value(self, text: str, start: int) -> tuple[Any, int]:
        """The value that begins at `start`, and where it ends.

        Raises:
            ValueError: there is no JSON value.
        """
        try:
            return self._decoder.raw_decode(text, start)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            self.repeated += {name for name in names if names.count(name) > 1}
        return made

    @staticmethod
    def _float(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise ValueError(f"the number {digits} is too large")
        return value

    @staticmethod
    def _constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON value")


class _Walk:
    """A place in a text that only moves on, and knows its line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.decoder = _Decoder()
        self._counted = 0
        self._line = 1

    @property
    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        """Whether this character comes next; then it is passed."""
        found = self.peek() == character
        self.at += found
        return found

    def need(self, character: str) -> None:
        """Pass this character.

        Raises:
            JSONDecodeError: something else comes next.
        """
        if not self.take(character):
            raise JSONDecodeError(f"Expecting '{character}'", self.text, self.at)

    def end(self) -> None:
        """Pass the white space at the end.

        Raises:
            JSONDecodeError: something else comes next.
        """
        if self.peek():
            raise JSONDecodeError("Something follows the end of the document", self.text, self.at)

    def value(self) -> Any:
        """The next value.

        Raises:
            ValueError: there is none.
        """
        self.peek()
        value, self.at = self.decoder.value(self.text, self.at)
        return value


def read(text: str) -> Sheet:
    """The tasks of a JSON array, of `{"tasks": [...]}`, or one object alone or per line."""
    sheet = Sheet()
    walk = _Walk(text)
    try:
        match walk.peek():
            case "":
                return sheet
            case "{":
                _object(walk, sheet)
                if walk.peek() == "{":
                    return read_lines(text)
            case "[":
                _array(walk, sheet)
            case _:
                _add(sheet, walk.line, walk.value(), walk.decoder)
        walk.end()
    except JSONDecodeError as error:
        sheet.problem(error.lineno, f"not JSON: {error.msg}, at column {error.colno}.")
    except ValueError as error:
        sheet.problem(walk.line, f"not JSON: {error}.")
    return sheet


def read_lines(text: str) -> Sheet:
    """One task per line; blank lines are skipped. A line that is no JSON spoils no other."""
    sheet = Sheet()
    decoder = _Decoder()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(_SPACE)
        if not stripped:
            continue
        try:
            value, end = decoder.value(stripped, 0)
        except JSONDecodeError as error:
            sheet.problem(number, f"not JSON: {error.msg}, at column {error.colno}.")
            continue
        except ValueError as error:
            sheet.problem(number, f"not JSON: {error}.")
            continue
        if end < len(stripped):
            sheet.problem(number, f"something follows the JSON value, at column {end + 1}.")
            continue
        _add(sheet, number, value, decoder)
    return sheet


def _object(walk: _Walk, sheet: Sheet) -> None:
    """One task, or an object whose only member is the list of tasks."""
    walk.peek()
    line = walk.line
    fields: dict[str, Any] = {}
    walk.need("{")
    more = walk.peek() != "}"
    while more:
        name = _name(walk)
        if name in fields:
            sheet.problem(walk.line, f"`{name}` is there twice.")
        if name == "tasks":
            _array(walk, sheet)
        fields[name] = None if name == "tasks" else walk.value()
        more = walk.take(",")
    walk.need("}")
    if "tasks" not in fields:
        _add(sheet, line, fields, walk.decoder)
    elif len(fields) > 1:
        others = ", ".join(f"`{name}`" for name in fields if name != "tasks")
        sheet.problem(line, f"beside `tasks`, {others} is not understood. Leave it out.")


def _name(walk: _Walk) -> str:
    """The name of a member, and the colon after it."""
    if walk.peek() != '"':
        raise JSONDecodeError("Expecting a name in double quotes", walk.text, walk.at)
    name: str = walk.value()
    walk.need(":")
    return name


def _array(walk: _Walk, sheet: Sheet) -> None:
    if walk.peek() != "[":
        sheet.problem(walk.line, "`tasks` must be a list of tasks.")
        walk.value()
        return
    walk.need("[")
    if walk.take("]"):
        return
    while True:
        walk.peek()
        line = walk.line
        _add(sheet, line, walk.value(), walk.decoder)
        if not walk.take(","):
            break
    walk.need("]")


def _add(sheet: Sheet, line: int, value: Any, decoder: _Decoder) -> None:
    for name in decoder.repeated:
        sheet.problem(line, f"`{name}` is there twice.")
    decoder.repeated.clear()
    sheet.add(line, value)


# --- writing ----------------------------------------------------------------------------------

ARRAY_BEGIN: Final = "["
ARRAY_END: Final = "\n]\n"


def array_items(tasks: Sequence[dict[str, Any]], first: bool) -> str:
    """Some of the tasks of an array, each on a line of its own."""
    text = ",\n".join(json_text(task) for task in tasks)
    return f"{'' if first else ','}\n{text}" if tasks else ""


def lines(tasks: Sequence[dict[str, Any]], first: bool) -> str:
    """Some of the tasks of JSON Lines."""
    del first
    return "".join(f"{json_text(task)}\n" for task in tasks)
