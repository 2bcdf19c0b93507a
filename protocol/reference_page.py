"""The reference page `docs/methods.md`: the OpenRPC document, for people.

Owns the Markdown only. Must not know the table of methods: what the page says is what the
document says.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from protocol.openrpc import openrpc_document
from protocol.vocabulary import EVENT_MEANINGS, STATUS_MEANINGS

__all__ = ["reference_page"]

Json = dict[str, Any]

_HEAD: Final = """\
# Methods

<!-- GENERATED from `protocol/methods.py` by `python -m protocol.generate`; do not edit. -->

Every method of the coordinator: JSON-RPC 2.0 over WebSocket, one request or a batch per text \
frame, params by name or by position (in the order of the tables). `ws://HOST:3335/` is the \
project `default`, `ws://HOST:3335/projects/NAME` any other. The same in a form for machines: \
[openrpc.json](openrpc.json), `rpc.discover`, `GET /openrpc.json`.

```json
{"jsonrpc": "2.0", "id": 1, "method": "get_task", "params": {"taskId": "TASK-001"}}
```

A request that waits (`waitSeconds`) is withdrawn by the notification `$/cancelRequest` with its \
`id`, and by the end of its connection:

```json
{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}}
```

Fields that are null are left out of results. Times are RFC 3339 in UTC with milliseconds. Every \
method that changes something takes an `idempotencyKey`, but for `backup` and `prune`.
"""
_RANGES: Final = (
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " entries"),
    ("minimum", "maximum", ""),
)
_PATTERNS: Final = {True: "no control or invisible characters", False: "no U+0000"}
_GROUPS: Final = ("slots", "tasks", "work", "events", "overview", "templates", "operations")


def reference_page() -> str:
    """The page as Markdown."""
    document = openrpc_document()
    page = _Page(document["components"])
    groups = {group: [m for m in document["methods"] if _group(m) == group] for group in _GROUPS}
    assert sum(map(len, groups.values())) == len(document["methods"]), "a group is missing here"
    parts = [_HEAD, _contents(groups)]
    for group, methods in groups.items():
        parts.append(f"## {group.capitalize()}\n")
        parts += [page.method(method) for method in methods]
    parts += [page.objects(), page.errors(), page.event_types(), page.statuses()]
    return "\n".join(parts)


def _group(method: Json) -> str:
    return str(method["tags"][0]["name"])


def _contents(groups: dict[str, list[Json]]) -> str:
    lines = [
        f"- {group.capitalize()}: " + ", ".join(f"[{_name(m)}](#{_anchor(m)})" for m in methods)
        for group, methods in groups.items()
    ]
    parts = ("Objects", "Errors", "Event types", "Statuses")
    more = ", ".join(f"[{part}](#{part.lower().replace(' ', '-')})" for part in parts)
    return "\n".join([*lines, f"- {more}", ""])


def _name(method: Json) -> str:
    return f"`{method['name']}`"


def _anchor(method: Json) -> str:
    return str(method["name"]).replace(".", "")


class _Page:
    """Renders parts of the document, looking up what they refer to."""

    def __init__(self, components: Json) -> None:
        self._schemas: Json = components["schemas"]
        self._errors: Json = components["errors"]
        self._results: set[str] = set()

    def method(self, method: Json) -> str:
        lines = [f"### {method['name']}", "", method["summary"], ""]
        changes = "changes something" if method["x-mutates"] else "changes nothing"
        lines += [f"Role: {method['x-role']}; {changes}.", ""]
        lines += ["Params:", ""] if method["params"] else ["No params.", ""]
        lines += self._params(method["params"])
        result = _ref(method["result"]["schema"])
        self._results.add(result)
        lines += [f"Result: `{result}`", "", *self._fields(self._schemas[result])]
        if "x-notification" in method:
            notification = method["x-notification"]
            params = _ref(notification["params"])
            self._results.add(params)
            lines += [f"Notification `{notification['name']}`: `{params}`", ""]
            lines += self._fields(self._schemas[params])
        return "\n".join([*lines, *self._refusals([_ref(error) for error in method["errors"]])])

    def _refusals(self, names: list[str]) -> list[str]:
        """The method's own in a table; those of every such method, which follow, by name only."""
        shared_from = names.index("InvalidParams")
        own = [_error_row(self._errors[name]) for name in names[:shared_from]]
        shared = ", ".join(f"`{self._errors[name]['message']}`" for name in names[shared_from:])
        if not own:
            return [f"Errors: {shared} (see [errors](#errors)).", ""]
        table = _table(("code", "reason", "when"), own)
        return ["Errors:", "", *table, f"Also {shared} (see [errors](#errors)).", ""]

    def _params(self, params: list[Json]) -> list[str]:
        if not params:
            return []
        rows = [
            (
                f"`{param['name']}`",
                self._type(param["schema"]),
                _default(param["schema"], required=param["required"]),
                _bounds(param["schema"]),
                param.get("description", ""),
            )
            for param in params
        ]
        return _table(("name", "type", "default", "bounds", "meaning"), rows)

    def _fields(self, schema: Json) -> list[str]:
        required = set(schema.get("required", ()))
        rows = [
            (
                f"`{name}`",
                self._type(field).removesuffix(" or null"),
                "always" if name in required else "if there is one",
                _description(field),
            )
            for name, field in schema["properties"].items()
        ]
        return _table(("field", "type", "present", "meaning"), rows)

    def objects(self) -> str:
        """Whatever is part of a result or of params without being one of them."""
        lines = ["## Objects", ""]
        for name, schema in self._schemas.items():
            if name not in self._results:
                description = schema.get("description", "")
                lines += [f"### {name}", "", *([description, ""] if description else [])]
                lines += self._sent(schema) if _is_sent(schema) else self._fields(schema)
        return "\n".join(lines)

    def _sent(self, schema: Json) -> list[str]:
        required = schema.get("required", ())
        return self._params(
            [
                {
                    "name": name,
                    "schema": field,
                    "required": name in required,
                    "description": _description(field),
                }
                for name, field in schema["properties"].items()
            ]
        )

    def errors(self) -> str:
        rows = [_error_row(error) for error in self._errors.values()]
        head = (
            "`error.data.reason` is the word that programs test; `error.message` is a sentence for "
            "people. `error.data` has whatever else helps to act on it."
        )
        table = _table(("code", "reason", "when"), sorted(rows, key=lambda row: int(row[0])))
        return "\n".join(["## Errors", "", head, "", *table])

    def event_types(self) -> str:
        known = self._schemas["Event"]["properties"]["type"]["enum"]
        return _meanings("Event types", "type", known, EVENT_MEANINGS)

    def statuses(self) -> str:
        known = self._schemas["Task"]["properties"]["status"]["enum"]
        return _meanings("Statuses", "status", known, STATUS_MEANINGS).rstrip() + "\n"

    def _type(self, schema: Json) -> str:
        if "$ref" in schema:
            name = _ref(schema)
            return f"[{name}](#{name.lower()})"
        if "anyOf" in schema:
            return " or ".join(self._type(part) for part in schema["anyOf"])
        if "enum" in schema:
            return ", ".join(f"`{value}`" for value in schema["enum"])
        if schema.get("type") == "array":
            return f"array of {self._type(schema['items'])}"
        return str(schema.get("type", "any"))


def _meanings(title: str, word: str, known: Iterable[str], meanings: Mapping[Any, str]) -> str:
    assert set(known) == set(meanings), f"the meaning of a {word} is missing, or too many are there"
    rows = [(f"`{name}`", meanings[name]) for name in known]
    return "\n".join([f"## {title}", "", *_table((word, "meaning"), rows)])


def _ref(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _is_sent(schema: Json) -> bool:
    """Part of params, where unknown fields are refused, rather than of results."""
    return schema.get("additionalProperties") is False


def _description(schema: Json) -> str:
    for part in (schema, *schema.get("anyOf", ())):
        if "description" in part:
            return str(part["description"])
    return ""


def _default(schema: Json, *, required: bool) -> str:
    if required:
        return "required"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else "left as it is"


def _bounds(schema: Json) -> str:
    """What holds of a value, and of the entries of an array."""
    found: list[str] = []
    for part in (schema, *schema.get("anyOf", ())):
        found += _own_bounds(part)
        if isinstance(part.get("items"), dict):
            found += [f"each {bound}" for bound in _own_bounds(part["items"])]
    return "; ".join(found)


def _own_bounds(schema: Json) -> list[str]:
    found = [
        _range(schema.get(low), schema.get(high)) + unit
        for low, high, unit in _RANGES
        if low in schema or high in schema
    ]
    if "pattern" in schema:
        found.append(_PATTERNS["001f" in schema["pattern"]])
    return found


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"at most {high:,}"
    return f"at least {low:,}" if high is None else f"{low:,} to {high:,}"


def _error_row(error: Json) -> tuple[str, str, str]:
    when = " ".join(error["data"]["description"].split())
    return (str(error["code"]), f"`{error['message']}`", when)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A Markdown table; columns without any content are left out."""
    rows = list(rows)
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    lines = [[head[i] for i in kept], ["---"] * len(kept)]
    lines += [[row[i].replace("|", "\\|").replace("\n", " ") for i in kept] for row in rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]
