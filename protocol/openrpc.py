"""The OpenRPC 1.3 document: the table of methods, for machines.

Owns how the table, the params and the results become JSON Schema. It is served by `rpc.discover`
and `GET /openrpc.json`, and kept in `docs/openrpc.json`. Must not know who serves it.

Source: https://spec.open-rpc.org (1.3.2).
"""

import ast
import inspect
from functools import cache
from itertools import pairwise
from typing import Any, Final

import msgspec

from protocol.errors import ERRORS, CoordinatorError
from protocol.methods import METHODS, Method
from protocol.models import EventsNotification
from protocol.unanswered import CANCEL_REQUEST
from protocol.urls import DEFAULT_URL

__all__ = ["API_VERSION", "openrpc_document"]

API_VERSION: Final = "1.0.0"
"""Of the contract, not of the product: its first part is the `v1` of the subprotocol."""

_CANCEL: Final[dict[str, Any]] = {
    "name": CANCEL_REQUEST,
    "summary": (
        "Withdraw a request that waits (`waitSeconds`): it is answered `request_cancelled`. Others "
        "are carried out. The end of a connection does the same for all of its requests."
    ),
    "paramStructure": "either",
    "params": [
        {
            "name": "id",
            "description": "Of the request, as it was sent. One that is unknown is ignored.",
            "required": True,
            "schema": {"type": ["string", "number", "null"]},
        }
    ],
}
"""What a client may send beside requests; a Method Object of the specification has an answer."""

_SCHEMAS = "#/components/schemas/"
_ERRORS = "#/components/errors/"


def openrpc_document(server_url: str | None = None) -> dict[str, Any]:
    """The document as JSON values. `server_url` is where the server answers, if not by default.

    The parts are shared between calls: encode them, do not change them.
    """
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "Task Coordinator",
            "version": API_VERSION,
            "description": (
                "One persistent server that lets many AI coding agents share tasks. JSON-RPC 2.0 "
                "over WebSocket; the path / is the project `default`, /projects/NAME another one."
            ),
            "license": {"name": "MIT"},
        },
        "servers": [{"name": "coordinator", "url": server_url or DEFAULT_URL}],
        "methods": _methods(),
        "x-notifications": [_CANCEL],
        "components": {"schemas": _shared_schemas(), "errors": _errors()},
    }


# --- methods ----------------------------------------------------------------------------------


@cache
def _methods() -> list[dict[str, Any]]:
    return [_method(method) for method in METHODS.values()]


def _method(method: Method) -> dict[str, Any]:
    schema = _all_schemas()[method.params.__name__]
    described = {
        "name": method.name,
        "summary": method.summary,
        "tags": [{"name": method.group}],
        "paramStructure": "either",
        "params": [
            _content(name, schema["properties"][name], required=name in schema.get("required", ()))
            for name in method.positional
        ],
        "result": _content("result", {"$ref": _SCHEMAS + method.result.__name__}, required=True),
        "errors": [{"$ref": _ERRORS + error.__name__} for error in method.all_errors()],
        "x-role": method.role.name.lower(),
        "x-mutates": method.changes,
    }
    if method.name == "subscribe":
        described["x-notification"] = {
            "name": "events",
            "params": {"$ref": _SCHEMAS + EventsNotification.__name__},
        }
    return described


def _content(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    content = {"name": name, "schema": schema, "required": required}
    # The description of a param that may be null belongs to its other half.
    for described in (schema, *schema.get("anyOf", ())):
        if "description" in described:
            return {**content, "description": described["description"]}
    return content


@cache
def _errors() -> dict[str, Any]:
    return {error.__name__: _error(error) for error in ERRORS.values()}


def _error(error: type[CoordinatorError]) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.reason,
        "data": {"reason": error.reason, "description": inspect.getdoc(error)},
    }


# --- schemas ----------------------------------------------------------------------------------


@cache
def _all_schemas() -> dict[str, dict[str, Any]]:
    """By struct name: params, results, and whatever they refer to."""
    roots: list[type[msgspec.Struct]] = [EventsNotification]
    for method in METHODS.values():
        roots += [method.params, method.result]
    _, schemas = msgspec.json.schema_components(roots, ref_template=_SCHEMAS + "{name}")
    structs = {struct.__name__: struct for struct in _structs_below(msgspec.Struct)}
    for name, schema in schemas.items():
        _describe(schema, _field_docs(structs[name]))
    return schemas


def _shared_schemas() -> dict[str, dict[str, Any]]:
    """Without the params of the methods, which stand in the methods one by one."""
    spelled_out = {method.params.__name__ for method in METHODS.values()}
    return {name: schema for name, schema in _all_schemas().items() if name not in spelled_out}


def _describe(schema: dict[str, Any], docs: dict[str, str]) -> None:
    for name, field in schema.get("properties", {}).items():
        if name in docs:
            field.setdefault("description", docs[name])


def _structs_below(base: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    own = [s for s in base.__subclasses__() if s.__module__.startswith("protocol.")]
    return own + [struct for child in own for struct in _structs_below(child)]


def _field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What the strings below the fields of a struct say, by wire name."""
    docs: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        docs |= _docs_of_module(base.__module__).get(base.__name__, {})
    return {
        field.encode_name: docs[field.name]
        for field in msgspec.structs.fields(struct)
        if field.name in docs
    }


@cache
def _docs_of_module(module: str) -> dict[str, dict[str, str]]:
    """Class name to field name to the string below it. Empty where there is no source."""
    if not module.startswith("protocol."):
        return {}
    try:
        source = inspect.getsource(__import__(module, fromlist=["_"]))
    except OSError:
        return {}
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_strings_below_fields(node.body)) for node in classes}


def _strings_below_fields(body: list[ast.stmt]) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(below.value.value))
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    ]
