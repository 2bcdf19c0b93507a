"""Changes one member of a JSON text and leaves every other character as it is.

Owns finding and replacing members by their place in the text. Pure: must not know files, or what
the members mean. Parsing and writing the whole text again would be shorter, but it would reformat
a file that belongs to another program, and lose what Python's JSON cannot hold.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["NotAnObject", "get_member", "remove_member", "set_member"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()
_DEFAULT_INDENT: Final = "  "


class NotAnObject(ValueError):
    """Something on the way to the member is no JSON object; `path` says which part."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(".".join(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member stands: its name from `start`, its value from `value` up to `end`."""

    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """Where an object stands, from its brace at `start` to the one before `end`."""

    start: int
    end: int
    members: dict[str, _Member]


def get_member(text: str, path: tuple[str, ...]) -> Any:
    """The value at `path`, or None if there is none.

    Raises:
        ValueError: the text is not JSON.
        NotAnObject: a value on the way is something else than an object.
    """
    json.loads(text)
    found = _find(text, path)
    member = found.members.get(path[-1]) if found is not None else None
    return None if member is None else json.loads(text[member.value : member.end])


def set_member(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with the value at `path` set; objects on the way are made where they are missing.

    Raises: as `get_member`.
    """
    json.loads(text)
    for depth in range(1, len(path)):
        if _find(text, path[: depth + 1]) is None:
            missing: Any = value
            for name in reversed(path[depth:]):
                missing = {name: missing}
            return _put(text, path[:depth], missing)
    return _put(text, path, value)


def remove_member(text: str, path: tuple[str, ...]) -> str:
    """The text without the member at `path`, and unchanged if there is none.

    Raises: as `get_member`.
    """
    json.loads(text)
    found = _find(text, path)
    member = found.members.get(path[-1]) if found is not None else None
    if found is None or member is None:
        return text
    others = [each for each in found.members.values() if each is not member]
    before = [each for each in others if each.start < member.start]
    if before:
        return text[: before[-1].end] + text[member.end :]
    if others:
        return text[: member.start] + text[others[0].start :]
    return text[: found.start] + "{}" + text[found.end :]


def _find(text: str, path: tuple[str, ...]) -> _Object | None:
    """The object that holds the last name of `path`; None if a name before it is missing."""
    found = _scan(text, _skip(text, 0), ())
    for depth, name in enumerate(path[:-1], 1):
        member = found.members.get(name)
        if member is None:
            return None
        found = _scan(text, member.value, path[:depth])
    return found


def _scan(text: str, start: int, path: tuple[str, ...]) -> _Object:
    """The members of the object at `start`, in text that is known to be JSON."""
    if text[start] != "{":
        raise NotAnObject(path)
    members: dict[str, _Member] = {}
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, after_name = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, after_name) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        # Taken out first: of a name that stands twice the last one counts, also for the order.
        members.pop(name, None)
        members[name] = _Member(at, value, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Object(start, at + 1, members)


def _skip(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    return matched.end() if matched else at


def _put(text: str, path: tuple[str, ...], value: Any) -> str:
    """Set the last name of `path` in an object that exists."""
    found = _find(text, path)
    assert found is not None, path
    newline, indent = _style(text)
    inner, outer = newline + indent * len(path), newline + indent * (len(path) - 1)
    member = found.members.get(path[-1])
    written = json.dumps(value, ensure_ascii=False, indent=indent or None).replace("\n", inner)
    if member is not None:
        return text[: member.value] + written + text[member.end :]
    written = f"{json.dumps(path[-1], ensure_ascii=False)}: {written}"
    if not found.members:
        return text[: found.start] + "{" + inner + written + outer + "}" + text[found.end :]
    last = max(each.end for each in found.members.values())
    separator = "," + (inner or " ")
    return text[:last] + separator + written + text[last:]


def _style(text: str) -> tuple[str, str]:
    """How the text breaks lines and indents; two empty strings if it stands on one line."""
    matched = re.match(r"\s*\{[ \t]*(\r?\n)([ \t]*)\S", text)
    if matched is not None and text[matched.end() - 1] != "}":
        return matched[1], matched[2] or _DEFAULT_INDENT
    if re.fullmatch(r"\s*\{\s*\}\s*", text):
        return "\r\n" if "\r\n" in text else "\n", _DEFAULT_INDENT
    return "", ""
