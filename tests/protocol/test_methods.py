"""The one table of methods, walked from end to end."""

import json
from typing import Any

import msgspec
import pytest

from protocol import methods
from protocol.errors import (
    ERRORS,
    Forbidden,
    IdempotencyConflict,
    InternalError,
    InvalidParams,
    InvalidRequest,
    LimitExceeded,
    MethodNotFound,
    ParseError,
    ShuttingDown,
    StorageUnavailable,
)
from protocol.methods import METHODS, Method, Role, wire_names
from protocol.params import Mutation, Params

Json = dict[str, Any]

ORIGINALS = {
    "claim_worker_slot": ("workerId",),
    "release_worker_slot": ("slot", "workerId"),
    "get_workers": (),
    "add_task": ("id", "description", "dependencies", "output"),
    "get_available_tasks": (),
    "get_all_tasks": (),
    "claim_task": ("taskId", "workerId", "workerSlot"),
    "update_task": ("taskId", "status", "workerId", "output"),
    "reset_failed_task": ("taskId",),
    "clean_all_tasks": (),
}
"""The methods that this product was asked to keep, and the first of their params by position."""

each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
mutations = [method for method in METHODS.values() if method.mutates]
each_mutation = pytest.mark.parametrize("method", mutations, ids=lambda method: method.name)
queries = [method for method in METHODS.values() if not method.changes]
each_query = pytest.mark.parametrize("method", queries, ids=lambda method: method.name)


def schema_of(struct: type[msgspec.Struct]) -> tuple[Json, Json]:
    """The JSON Schema of a struct, and all the schemas it refers to."""
    [schema], components = msgspec.json.schema_components([struct], ref_template="#/{name}")
    name = schema["$ref"].removeprefix("#/")
    return components[name], components


def references(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {value for key, value in schema.items() if key == "$ref"}  # pyright: ignore[reportUnknownVariableType] -- any JSON
        return own.union(*(references(value) for value in schema.values()))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- any JSON
    if isinstance(schema, list):
        return set[str]().union(*(references(each) for each in schema))  # pyright: ignore[reportUnknownVariableType] -- any JSON
    return set()


def test_no_name_is_declared_twice() -> None:
    assert len(METHODS) == len(methods._TABLE)  # pyright: ignore[reportPrivateUsage] -- the mapping would hide it
    assert all(name == method.name for name, method in METHODS.items())


def test_the_original_methods_are_kept_with_their_params() -> None:
    kept = {name: method for name, method in METHODS.items() if method.original}
    assert set(kept) == set(ORIGINALS)
    for name, params in ORIGINALS.items():
        assert kept[name].positional[: len(params)] == params


@each_method
def test_the_params_have_a_closed_schema(method: Method) -> None:
    schema, components = schema_of(method.params)
    json.dumps(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(method.positional)
    assert {ref.removeprefix("#/") for ref in references(components)} <= set(components)


@each_method
def test_the_result_has_a_schema_and_is_an_object(method: Method) -> None:
    schema, components = schema_of(method.result)
    json.dumps(components)
    assert schema["type"] == "object"
    assert schema["properties"]
    assert {ref.removeprefix("#/") for ref in references(components)} <= set(components)


@each_method
def test_names_on_the_wire_are_camel_case(method: Method) -> None:
    for struct in (method.params, method.result):
        for name in wire_names(struct):
            assert name.isalnum(), name
            assert name[0].islower(), name


@each_method
def test_a_summary_is_one_or_two_sentences_on_one_line(method: Method) -> None:
    assert method.summary.endswith(".")
    assert "\n" not in method.summary
    assert 10 < len(method.summary) <= 100


@each_mutation
def test_a_mutation_takes_an_idempotency_key_last(method: Method) -> None:
    assert method.positional[-1] == "idempotencyKey"
    assert method.params.__struct_fields__.count("idempotency_key") == 1
    assert method.role >= Role.WORKER


@each_query
def test_a_query_changes_nothing_and_says_so(method: Method) -> None:
    assert method.idempotent
    assert not method.destructive
    assert not issubclass(method.params, Mutation)
    assert "idempotencyKey" not in method.positional
    assert method.role is Role.VIEWER


@each_method
def test_every_error_that_a_method_can_answer_with_is_documented_once(method: Method) -> None:
    documented = method.all_errors()
    assert len(documented) == len(set(documented))
    assert set(documented) <= set(ERRORS.values())
    assert {InvalidParams, InternalError, ShuttingDown, LimitExceeded} <= set(documented)
    assert (Forbidden in documented) == (method.role > Role.VIEWER)
    if method.mutates:
        assert {StorageUnavailable, IdempotencyConflict} <= set(documented)


def test_every_error_is_documented_by_some_method() -> None:
    of_the_frame = {ParseError, InvalidRequest, MethodNotFound}
    documented = {error for method in METHODS.values() for error in method.all_errors()}
    assert documented == set(ERRORS.values()) - of_the_frame


def test_roles_include_the_ones_below() -> None:
    assert Role.VIEWER < Role.WORKER < Role.ADMIN
    assert METHODS["clean_all_tasks"].role is Role.ADMIN


def test_position_follows_the_order_of_declaration() -> None:
    class Sample(Params, frozen=True, kw_only=True):
        idempotency_key: str | None = None
        first_one: int = 0
        second: int = 0

    assert wire_names(Sample) == ("firstOne", "second", "idempotencyKey")
