"""Keeps an answer small enough for an agent's context.

Owns the bound and the ways to keep it: how much of a list fits, and cutting what is too large.
Pure: must not know tools, connections or MCP.
"""

from typing import Any, Final, cast

import msgspec

__all__ = ["TEXT_BYTES_MAX", "cut_to_fit", "entries_that_fit", "size"]

TEXT_BYTES_MAX: Final = 50_000
"""JSON of one answer, in UTF-8."""
_TEXT_LENGTH_KEPT_MIN: Final = 200
"""Shorter texts are never cut: it would gain nothing and lose the sense."""
_CUTS_MAX: Final = 1_000

Json = dict[str, Any]


def size(value: object) -> int:
    """Bytes of the value as JSON."""
    return len(msgspec.json.encode(value))


def entries_that_fit(result: Json, member: str) -> int:
    """How many leading entries of the list `result[member]` fit the bound; at least one."""
    entries: list[Any] = result[member]
    room = TEXT_BYTES_MAX - size({**result, member: []})
    for count, entry in enumerate(entries):
        room -= size(entry) + 1
        if room < 0:
            return max(count, 1)
    return len(entries)


def cut_to_fit(result: Json) -> tuple[Json, list[str]]:
    """The result within the bound, and one sentence for everything that was cut.

    The heaviest part is cut first: a list to its first entries, a text to its beginning. Names,
    numbers and the shape stay, so the cut result still fits the tool's output schema.
    """
    notices: dict[str, str] = {}
    for _ in range(_CUTS_MAX):
        excess = size(result) - TEXT_BYTES_MAX
        if excess <= 0:
            break
        path = _heaviest_path(result)
        part = _at(result, path)
        smaller = _cut(part, excess)
        if smaller is None:
            break
        result = _replaced(result, path, smaller)
        name = ".".join(str(step) for step in path)
        length = notices[name].rpartition(" ")[2] if name in notices else f"{len(part)}."
        kind = "entries" if isinstance(part, list) else "characters"
        notices[name] = f"`{name}` was too long; these are the first {kind} of {length}"
    return result, list(notices.values())


def _heaviest_path(value: Any) -> tuple[str | int, ...]:
    """The way to the part to cut: down the largest members, to a text or a list of several."""
    path: tuple[str | int, ...] = ()
    while True:
        step = _heaviest_step(value)
        if step is None:
            return path
        value = value[step]
        path = (*path, step)


def _heaviest_step(value: Any) -> str | int | None:
    """The next step of the way; None at its end."""
    if isinstance(value, dict):
        members = cast("Json", value)
        return max(members, key=lambda name: size(members[name]), default=None)
    if isinstance(value, list):
        entries = cast("list[object]", value)
        return 0 if len(entries) == 1 else None
    return None


def _cut(part: Any, excess: int) -> str | list[object] | None:
    """The beginning of a text or list, smaller by about `excess` bytes; None if it cannot be."""
    if isinstance(part, list):
        return _cut_list(cast("list[object]", part), excess)
    if isinstance(part, str) and len(part) > _TEXT_LENGTH_KEPT_MIN:
        per_character = size(part) / len(part)
        kept = len(part) - int(excess / per_character) - 1
        return part[: max(kept, _TEXT_LENGTH_KEPT_MIN)]
    return None


def _cut_list(entries: list[object], excess: int) -> list[object] | None:
    kept = len(entries)
    while kept > 1 and excess > 0:
        kept -= 1
        excess -= size(entries[kept]) + 1
    return entries[:kept] if kept < len(entries) else None


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _replaced(value: Any, path: tuple[str | int, ...], part: Any) -> Any:
    """A copy of `value` with the part at `path` replaced; shares everything else."""
    if not path:
        return part
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        entries = list(value)
        entries[step] = _replaced(entries[step], rest, part)
        return entries
    return {**value, step: _replaced(value[step], rest, part)}
