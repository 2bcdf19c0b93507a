"""From the words of a command line to the params of a method.

Owns the notation `key=value`, `key:=JSON`, a whole JSON object or array, and `-` for stdin; and
which kind of value a param takes, read off the table. Says what is wrong before anything is sent;
lengths and ranges are left to the server. Pure, apart from the stdin that is handed in.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from protocol.cli.moments import parse_moment
from protocol.methods import METHODS, Method

__all__ = ["Kind", "Param", "find_method", "params_of", "parse_params", "takes"]

_WORD: Final = re.compile(r"([\w.$-]+)(:=|=)(.*)", re.DOTALL)
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what it is called, and how a word becomes one.

    `parse` raises ValueError if the word is no such value.
    """

    name: str
    parse: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Param:
    """A param of a method, as its author must know it."""

    name: str
    kind: Kind
    required: bool
    description: str


def find_method(name: str) -> Method:
    """The method of this name.

    Raises:
        ValueError: there is none; the message names the closest ones.
    """
    if name in METHODS:
        return METHODS[name]
    close = get_close_matches(name.replace("-", "_"), METHODS, n=3)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise ValueError(f"There is no method '{name}'. {hint}'call --list' shows all of them.")


def params_of(method: Method) -> list[Param]:
    """The params of a method in the order of the table."""
    described = inspect.type_info(method.params)
    assert isinstance(described, inspect.StructType), method.name
    by_name = {field.encode_name: field for field in described.fields}
    return [_param(by_name[name]) for name in method.positional]


def takes(method: Method) -> str:
    """A phrase that lists the params, the optional ones in brackets."""
    named = [param.name if param.required else f"[{param.name}]" for param in params_of(method)]
    return f"{method.name} takes {', '.join(named) or 'no params'}."


def parse_params(
    method: Method, words: Sequence[str], read_stdin: Callable[[], str]
) -> dict[str, Any]:
    """The params that the words of the command line stand for, by name.

    Raises:
        ValueError: a word has no meaning, or a param is unknown, missing, given twice or of
            another kind. The message names it and what the method takes.
    """
    if len(words) == 1 and words[0] == "-":
        given = _whole(method, read_stdin(), "stdin")
    elif len(words) == 1 and words[0].lstrip()[:1] in {"{", "["}:
        given = _whole(method, words[0], "the argument")
    else:
        given = _pairs(method, words)
    params = {param.name: param for param in params_of(method)}
    for name in given:
        if name not in params:
            raise ValueError(_unknown(method, name, params))
    missing = [name for name, param in params.items() if param.required and name not in given]
    if missing:
        raise ValueError(f"{method.name} needs {' and '.join(missing)}. {takes(method)}")
    return given


def _whole(method: Method, text: str, source: str) -> dict[str, Any]:
    value: dict[str, Any] | list[Any] = _json(text, source, dict[str, Any] | list[Any])
    if isinstance(value, dict):
        return value
    if len(value) > len(method.positional):
        raise ValueError(
            f"{source} has {len(value)} values, too many for {method.name}. {takes(method)}"
        )
    return dict(zip(method.positional, value, strict=False))


def _pairs(method: Method, words: Sequence[str]) -> dict[str, Any]:
    params = {param.name: param for param in params_of(method)}
    given: dict[str, Any] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise ValueError(
                f"'{word}' is neither key=value nor key:=JSON nor one JSON object or array. "
                f"{takes(method)}"
            )
        name, sign, text = match.groups()
        if name not in params:
            raise ValueError(_unknown(method, name, params))
        if name in given:
            raise ValueError(f"{name} is given twice. For a list, write {name}=one,two.")
        given[name] = _json(text, name, Any) if sign == ":=" else _value(params[name], text)
    return given


def _value(param: Param, text: str) -> Any:
    try:
        return param.kind.parse(text)
    except ValueError as error:
        detail = f": {error}" if str(error) else ""
        raise ValueError(f"{param.name} must be {param.kind.name}, not '{text}'{detail}.") from None


def _unknown(method: Method, name: str, params: Mapping[str, Param]) -> str:
    folded = {known.lower(): known for known in params}
    close = get_close_matches(name.replace("_", "").replace("-", "").lower(), folded, n=1)
    hint = f" Did you mean {folded[close[0]]}?" if close else ""
    return f"{method.name} has no param '{name}'.{hint} {takes(method)}"


def _json(text: str, source: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{source} is JSON of another kind: {error}.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"{source} is not valid JSON: {error}.") from None


# --- kinds, read off the types of the table ---------------------------------------------------


def _param(field: inspect.Field) -> Param:
    return Param(
        field.encode_name, _kind(field.type), field.required, _description(field.type).rstrip(".")
    )


def _kind(described: inspect.Type) -> Kind:
    kind: Kind
    match _bare(described):
        case inspect.StrType():
            kind = Kind("text", str)
        case inspect.LiteralType(values=values):
            kind = Kind(f"one of {', '.join(map(str, values))}", partial(_one_of, values))
        case inspect.IntType():
            kind = Kind("a whole number", _integer)
        case inspect.FloatType():
            kind = Kind("a number", _number)
        case inspect.DateTimeType():
            kind = Kind("a time such as 2026-01-31T09:30:00Z", _moment)
        case inspect.BoolType():
            kind = Kind("true or false", _boolean)
        case inspect.ListType(item_type=item):
            kind = _list_kind(item)
        case _:
            kind = Kind("a JSON object", partial(_json_of, dict[str, Any]))
    return kind


def _list_kind(item: inspect.Type) -> Kind:
    if isinstance(_bare(item), inspect.StrType | inspect.LiteralType):
        entry = _kind(item)
        return Kind(f"a list, each {entry.name}", partial(_list, entry))
    return Kind("a JSON array", partial(_json_of, list[Any]))


def _bare(described: inspect.Type) -> inspect.Type:
    """The type itself, without what is said about it and without `null`."""
    if isinstance(described, inspect.Metadata):
        return _bare(described.type)
    if isinstance(described, inspect.UnionType):
        return _bare(next(t for t in described.types if not isinstance(t, inspect.NoneType)))
    return described


def _description(described: inspect.Type) -> str:
    if isinstance(described, inspect.Metadata):
        schema = cast("dict[str, str] | None", described.extra_json_schema)  # pyright: ignore[reportUnknownMemberType] -- msgspec declares a bare dict
        return (schema or {}).get("description", "")
    if isinstance(described, inspect.UnionType):
        return next((text for each in described.types if (text := _description(each))), "")
    return ""


def _one_of(values: Sequence[object], text: str) -> str:
    if text not in values:
        raise ValueError
    return text


def _integer(text: str) -> int:
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) is None:
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    if re.fullmatch(r"[+-]?\d{1,18}([.]\d{1,18})?", text, re.ASCII) is None:
        raise ValueError
    return float(text) if "." in text else int(text)


def _moment(text: str) -> str:
    """RFC 3339. Without an offset it is a time of this machine, and no length of time is taken:
    some methods look back and some ahead."""
    return parse_moment(text, None)


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[text.lower()]


def _list(entry: Kind, text: str) -> Any:
    if text.lstrip().startswith("["):
        return _json_of(list[Any], text)
    return [entry.parse(part.strip()) for part in text.split(",") if part.strip()]


def _json_of(kind: Any, text: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
