"""The source of `protocol/typed.py`: one Python method for each method of the table.

Owns how a params struct becomes a signature. Must not know files or formatting.
"""

import inspect
import textwrap
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from protocol import fields, models, params
from protocol.errors import CoordinatorError
from protocol.methods import METHODS, Method

__all__ = ["typed_source"]

_LINE_LENGTH: Final = 100
_HEADER: Final = '''"""Every method of the table as a Python method with types.

GENERATED from `protocol/methods.py` by `python -m protocol.generate`; do not edit.
"""
# ruff: noqa: A002, PLR0913 -- the names and the number of the params are the contract's

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from protocol import models as m
from protocol import params as p
from protocol import results as r
{imports}

__all__ = ["TypedMethods"]


class TypedMethods(ABC):
    """The methods of a coordinator. Whoever has `request` has them all.

    Each of them raises `ConnectionLost` when no answer comes, and what its docstring names when
    the server refuses.
    """

    @abstractmethod
    async def request(
        self, method: Method, params: p.Params, *, timeout: float | None = None
    ) -> Any:
        """Call a method of the table; return its result struct."""
'''
_NAMES: Final = {"rpc.discover": "discover"}
_SET_BY_CLIENT: Final = "idempotency_key"
_EMPTY: Final[Mapping[Any, str]] = {list: "[]", dict: "{}"}


def typed_source() -> str:
    """The module, not formatted yet."""
    aliases = _Aliases()
    methods = [_method_source(method, aliases) for method in METHODS.values()]
    return _HEADER.format(imports=aliases.imports()) + "".join(methods)


class _Aliases:
    """The names that the contract gives to types, and which of them were needed."""

    def __init__(self) -> None:
        self._modules = {fields: "protocol.fields", models: "protocol.models"}
        self._used: dict[str, set[str]] = {name: set() for name in self._modules.values()}

    def name_of(self, hint: Any) -> str | None:
        for module, module_name in self._modules.items():
            for name, value in vars(module).items():
                # The constants of a module may equal a type's arguments, hence the origin.
                if get_origin(value) in {Annotated, Literal} and value == hint:
                    self._used[module_name].add(name)
                    return name
        return None

    def imports(self) -> str:
        names = {**self._used, "protocol.methods": {"METHODS", "Method"}}
        return "\n".join(
            f"from {module} import {', '.join(sorted(names[module]))}"
            for module in sorted(names)
            if names[module]
        )


def _method_source(method: Method, aliases: _Aliases) -> str:
    by_wire_name = {field.encode_name: field for field in msgspec.structs.fields(method.params)}
    fields = [by_wire_name[name] for name in method.positional]
    fields = [field for field in fields if field.name != _SET_BY_CLIENT]
    signature = ", ".join(
        ["self", *(["*"] if fields else []), *(_param(f, aliases) for f in fields)]
    )
    arguments = ", ".join(f"{field.name}={_argument(field)}" for field in fields)
    result = f"r.{method.result.__name__}"
    name = _NAMES.get(method.name, method.name)
    docstring = textwrap.indent(_docstring(method), " " * 8)
    return f"""
    async def {name}({signature}) -> {result}:
{docstring}
        params = p.{method.params.__name__}({arguments})
        result: {result} = await self.request(METHODS["{method.name}"], params)
        return result
"""


def _param(field: msgspec.structs.FieldInfo, aliases: _Aliases) -> str:
    hint = _spelled(field.type, aliases)
    if field.required:
        return f"{field.name}: {hint}"
    if field.default_factory in _EMPTY:
        # A list or a dict as a default would be shared between calls.
        return f"{field.name}: {hint} | None = None"
    default = "UNSET" if field.default is msgspec.UNSET else repr(field.default)
    return f"{field.name}: {hint} = {default}"


def _argument(field: msgspec.structs.FieldInfo) -> str:
    empty = _EMPTY.get(field.default_factory)
    return field.name if empty is None else f"{field.name} or {empty}"


def _spelled(hint: Any, aliases: _Aliases) -> str:
    """A type as source text, by the name that the contract gives it where there is one."""
    alias = aliases.name_of(hint)
    if alias is not None:
        return alias
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return _spelled_plain(hint)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    parts = [_spelled(part, aliases) for part in arguments if not isinstance(part, msgspec.Meta)]
    if origin is Annotated:
        return parts[0]
    if origin in {Union, types.UnionType}:
        return " | ".join(sorted(parts, key=lambda part: part == "None"))
    return f"{origin.__name__}[{', '.join(parts)}]"


def _spelled_plain(hint: Any) -> str:
    if hint is type(None):
        return "None"
    if isinstance(hint, type) and issubclass(hint, params.Params):
        return f"p.{hint.__name__}"
    if isinstance(hint, type) and issubclass(hint, models.Wire):
        return f"m.{hint.__name__}"
    return "Any" if hint is Any else str(hint.__name__)


def _docstring(method: Method) -> str:
    if not method.errors:
        return f'"""{method.summary}"""'
    raises = [line for error in method.errors for line in _raised(error)]
    return "\n".join([f'"""{method.summary}', "", "Raises:", *raises, '"""'])


def _raised(error: type[CoordinatorError]) -> list[str]:
    return textwrap.wrap(
        f"{error.__name__}: {inspect.getdoc(error)}",
        width=_LINE_LENGTH - 8,
        initial_indent="    ",
        subsequent_indent="        ",
    )
