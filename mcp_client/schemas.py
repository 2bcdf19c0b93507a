"""JSON Schemas of the tools: the table's params and results, in the form that every host takes.

Owns the translation from msgspec's schema to MCP's: self-contained, without references, without
what only the wire needs. Must not know what a tool is for or how it is called.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from mcp_client.arguments import CONFIRM_PARAM, CONFIRMED, HIDDEN, may_be_left_out
from protocol.methods import Method

__all__ = ["PAGE_DEFAULT_FOR_AGENTS", "input_schema", "output_schema"]

PAGE_DEFAULT_FOR_AGENTS: Final = 50
"""Entries of a page when the agent names no `limit`: its context is smaller than a program's."""

_REFERENCE: Final = "#/$defs/"

Schema = dict[str, Any]


def input_schema(method: Method) -> Schema:
    """What the agent may pass: the method's params, less what this process decides or knows."""
    schema = _self_contained(method.params)
    properties: Schema = schema["properties"]
    for name in HIDDEN:
        properties.pop(name, None)
    _make_optional(schema, may_be_left_out(method))
    if method.name in CONFIRMED:
        properties[CONFIRM_PARAM] = {
            "type": "string",
            "description": "From the answer to the call without it.",
        }
    limit = properties.get("limit")
    if limit is not None:
        limit["default"] = min(limit["default"], PAGE_DEFAULT_FOR_AGENTS)
    return schema


def _make_optional(schema: Schema, params: Mapping[str, str]) -> None:
    for name, description in params.items():
        schema["properties"][name]["description"] = description
    required = [name for name in schema.pop("required", []) if name not in params]
    if required:
        schema["required"] = required


def output_schema(method: Method) -> Schema:
    """What a call that succeeds answers with."""
    return _self_contained(method.result)


def _self_contained(struct: type[msgspec.Struct]) -> Schema:
    (root,), components = msgspec.json.schema_components((struct,), ref_template="#/$defs/{name}")
    schema = _translate(root, components)
    # The struct's docstring speaks to whoever reads the table; the tool has its own description.
    schema.pop("description", None)
    return schema


def _translate(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Schema:
    """One schema node with its references resolved. The contract has no recursive types."""
    node = _without_null(dict(schema))
    reference = node.pop("$ref", None)
    if reference is not None:
        node = {**components[reference.removeprefix(_REFERENCE)], **node}
    node.pop("title", None)
    # The coordinator checks patterns anyhow. Here they would cost an agent a hundred tokens each,
    # and hosts without look-ahead in their regular expressions refuse the whole tool.
    node.pop("pattern", None)
    if not node.get("required", True):
        del node["required"]
    if "enum" in node:
        node = {"type": "string", **node}
    return {name: _translate_member(name, value, components) for name, value in node.items()}


def _translate_member(name: str, value: Any, components: Mapping[str, Any]) -> Any:
    match name:
        case "properties":
            members = cast("dict[str, Schema]", value)
            return {key: _translate(member, components) for key, member in members.items()}
        case "items":
            return _translate(value, components)
        case "anyOf":
            return [_translate(member, components) for member in cast("list[Schema]", value)]
        case _:
            return value


def _without_null(node: Schema) -> Schema:
    """`X or null, by default null` is an optional X: on this wire null means left out.

    A member that may be null without being so by default stays as it is: there null says "clear".
    """
    if "anyOf" not in node or "default" not in node or node["default"] is not None:
        return node
    choices = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
    rest = {name: value for name, value in node.items() if name not in ("anyOf", "default")}
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}
