"""The tools' schemas: self-contained, without what only the wire needs, true to the table."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import (  # type: ignore[import-untyped]  # it has no stubs of its own
    Draft202012Validator,
    ValidationError,
)

from mcp_client.schemas import PAGE_DEFAULT_FOR_AGENTS, input_schema, output_schema
from protocol.methods import METHODS, Method

Validator: Any = Draft202012Validator
TOOLS = [method for method in METHODS.values() if method.tool]
ALL_TOOLS = pytest.mark.parametrize("method", TOOLS, ids=lambda method: method.name)


@ALL_TOOLS
def test_every_schema_is_valid_and_stands_alone(method: Method) -> None:
    for schema in (input_schema(method), output_schema(method)):
        Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert "$ref" not in json.dumps(schema)
        assert not {"anyOf", "oneOf", "allOf"} & schema.keys()


@ALL_TOOLS
def test_the_params_are_those_of_the_table_less_what_the_process_decides(method: Method) -> None:
    decided = {"idempotencyKey", "leaseSeconds", "bindToConnection"}
    expected = [name for name in method.positional if name not in decided]
    if method.name == "clean_all_tasks":
        expected.append("confirm")
    assert sorted(input_schema(method).get("properties", {})) == sorted(expected)
    assert input_schema(method)["additionalProperties"] is False


@ALL_TOOLS
def test_nobody_needs_to_know_who_and_where_they_are(method: Method) -> None:
    known = {"workerId", "workerSlot", "slot", "claimToken"}
    assert not known & set(input_schema(method).get("required", []))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("claim_worker_slot", ["workerId", "waitSeconds"]),
        ("release_worker_slot", ["slot", "workerId"]),
        ("claim_task", ["taskId", "workerId", "workerSlot"]),
        ("update_task", ["taskId", "status", "workerId", "output", "error", "claimToken"]),
        ("reset_failed_task", ["taskId", "force"]),
    ],
)
def test_the_originals_keep_their_parameter_names(name: str, params: list[str]) -> None:
    assert list(input_schema(METHODS[name])["properties"]) == params


def test_no_pattern_reaches_a_host() -> None:
    assert not any('"pattern"' in json.dumps(input_schema(method)) for method in TOOLS)


def test_an_optional_param_is_simply_optional_and_not_null() -> None:
    schema = input_schema(METHODS["claim_worker_slot"])
    assert schema["properties"]["workerId"]["type"] == "string"
    assert "required" not in schema


def test_null_stays_where_it_means_clear() -> None:
    properties = input_schema(METHODS["edit_task"])["properties"]
    assert {"type": "null"} in properties["expectedOutput"]["anyOf"]
    assert {"type": "null"} in properties["metadata"]["anyOf"]


@pytest.mark.parametrize(
    "name", ["get_available_tasks", "get_all_tasks", "list_tasks", "get_events"]
)
def test_agents_get_shorter_pages_by_default(name: str) -> None:
    limit = input_schema(METHODS[name])["properties"]["limit"]
    assert limit["default"] == PAGE_DEFAULT_FOR_AGENTS
    assert limit["maximum"] >= 500


def test_a_smaller_default_is_not_raised() -> None:
    assert input_schema(METHODS["get_snapshot"])["properties"]["limit"]["default"] == 20


def test_deriving_a_schema_twice_gives_the_same() -> None:
    first = json.dumps([input_schema(method) for method in TOOLS])
    assert json.dumps([input_schema(method) for method in TOOLS]) == first


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add_tasks", {"tasks": [{"id": "a", "description": "x", "dependencies": ["b"]}]}),
        ("edit_task", {"taskId": "a", "expectedOutput": None}),
        ("list_tasks", {"status": ["done"], "sort": "-updated"}),
        ("update_task", {"taskId": "a", "status": "done", "workerId": "w"}),
        ("claim_next_task", {"workerId": "w", "waitSeconds": 45}),
        ("claim_next_task", {"workerId": "w", "waitSeconds": 90}),
    ],
)
def test_what_the_schema_takes_the_table_takes(name: str, arguments: dict[str, Any]) -> None:
    Validator(input_schema(METHODS[name])).validate(arguments)
    msgspec.convert(arguments, METHODS[name].params)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("claim_task", {"workerId": "w", "workerSlot": 1}),
        ("claim_task", {"taskId": "a", "workerId": "w", "workerSlot": 0}),
        ("claim_next_task", {"workerId": "w", "waitSeconds": -1}),
        ("claim_task", {"taskId": "", "workerId": "w", "workerSlot": 1}),
        ("update_task", {"taskId": "a", "status": "cancelled", "workerId": "w"}),
        ("get_workers", {"extra": 1}),
        ("add_tasks", {"tasks": []}),
    ],
)
def test_what_the_schema_refuses_the_table_refuses(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Validator(input_schema(METHODS[name])).validate(arguments)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(arguments, METHODS[name].params)
