"""The one table of errors: nothing twice, nothing nameless, and the same at both ends."""

import json
import re
from typing import Any

import pytest

from protocol import errors
from protocol.errors import (
    ERRORS,
    ConnectionLost,
    CoordinatorError,
    InvalidParams,
    ServerError,
    SlotError,
    StaleClaim,
    TaskError,
    TaskNotFound,
    from_wire,
)

STANDARD_CODES = {
    "parse_error": -32700,
    "invalid_request": -32600,
    "method_not_found": -32601,
    "invalid_params": -32602,
    "internal_error": -32603,
}
"""JSON-RPC 2.0, section 5.1."""

each_error = pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)


def declared() -> set[type[CoordinatorError]]:
    """The classes of the module that name one error each."""
    kinds = {CoordinatorError, TaskError, SlotError, ServerError}
    values: list[Any] = list(vars(errors).values())
    classes = [value for value in values if isinstance(value, type)]
    return {each for each in classes if issubclass(each, CoordinatorError)} - kinds


def test_every_error_is_in_the_table_once() -> None:
    assert set(ERRORS.values()) == declared() - {ConnectionLost}
    assert len(ERRORS) == len(declared()) - 1


def test_no_code_and_no_reason_is_used_twice() -> None:
    assert len({error.code for error in declared()}) == len(declared())
    assert len({error.reason for error in declared()}) == len(declared())


def test_the_standard_errors_have_the_standard_codes() -> None:
    assert {reason: ERRORS[reason].code for reason in STANDARD_CODES} == STANDARD_CODES


def test_the_public_names_are_the_errors() -> None:
    kinds = {CoordinatorError, TaskError, SlotError, ServerError}
    assert set(errors.__all__) == {error.__name__ for error in declared() | kinds} | {
        "ERRORS",
        "from_wire",
    }


@each_error
def test_an_error_has_a_place_in_the_ranges(error: type[CoordinatorError]) -> None:
    if error.reason in STANDARD_CODES:
        return
    [kind] = error.__bases__
    start = {"TaskError": 1000, "SlotError": 1100, "ServerError": 1200}[kind.__name__]
    assert start < error.code < start + 100


@each_error
def test_an_error_has_a_snake_case_reason_and_a_docstring(error: type[CoordinatorError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.reason)
    assert error.__doc__
    assert error.__doc__.endswith(".")
    assert "\n" not in error.__doc__


@each_error
def test_the_reason_follows_from_the_name(error: type[CoordinatorError]) -> None:
    """So that a reader of a log finds the class, and the other way round."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()
    assert error.reason == snake


@each_error
def test_an_error_survives_the_wire(error: type[CoordinatorError]) -> None:
    sent = error("What went wrong.", taskId="a", missing=["b"])
    assert list(sent.wire_data()) == ["reason", "taskId", "missing"]
    received = from_wire(sent.code, sent.message, json.loads(json.dumps(sent.wire_data())))
    assert type(received) is error
    assert received.message == str(received) == "What went wrong."
    assert received.data == {"taskId": "a", "missing": ["b"]}
    assert received.wire_data() == sent.wire_data()


@pytest.mark.parametrize("data", [None, {}, [], "text", 1])
def test_an_error_without_data_is_known_by_its_code(data: Any) -> None:
    assert type(from_wire(-32602, "No.", data)) is InvalidParams


def test_the_reason_counts_more_than_the_code() -> None:
    assert type(from_wire(-32000, "No.", {"reason": "task_not_found"})) is TaskNotFound


@pytest.mark.parametrize(
    ("code", "data", "reason"),
    [
        (4711, {"reason": "brand_new", "more": 1}, "brand_new"),
        (4711, None, "server_error"),
        (4711, {"reason": 7}, "server_error"),
    ],
)
def test_an_error_of_a_newer_server_is_a_plain_one(code: int, data: Any, reason: str) -> None:
    error = from_wire(code, "Something new.", data)
    assert not isinstance(error, tuple(declared()))
    assert (error.code, error.reason, error.message) == (code, reason, "Something new.")
    assert "reason" not in error.data


def test_a_newer_error_leaves_the_others_as_they_are() -> None:
    from_wire(4711, "No.", {"reason": "brand_new"})
    assert CoordinatorError.code == -32000
    assert "brand_new" not in ERRORS
    assert type(from_wire(StaleClaim.code, "No.", None)) is StaleClaim


def test_connection_lost_never_travels() -> None:
    assert ConnectionLost.reason not in ERRORS
    assert type(from_wire(ConnectionLost.code, "No.", None)) is not ConnectionLost
