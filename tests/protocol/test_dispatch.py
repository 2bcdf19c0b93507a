"""Looking methods up, typing their params, and turning outcomes into responses."""

import json
import logging
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import params as p
from protocol.codec import Request
from protocol.dispatch import Dispatcher, decode_params, response
from protocol.errors import (
    CoordinatorError,
    Forbidden,
    InternalError,
    InvalidParams,
    MethodNotFound,
    ParseError,
    TaskNotFound,
)
from protocol.limits import (
    DEPENDENCIES_MAX,
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    METADATA_BYTES_MAX,
    METADATA_DEPTH_MAX,
    TEXT_LENGTH_MAX,
)
from protocol.methods import METHODS, Method, Role
from protocol.session import Session
from tests.protocol.peers import METHODS as SMALL_TABLE
from tests.protocol.peers import Desk, Json

Outcome = msgspec.Raw | CoordinatorError


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def decode(method: str, params: Any) -> Any:
    return decode_params(METHODS[method], raw(params))


def refusal(method: str, params: Any) -> InvalidParams:
    with pytest.raises(InvalidParams) as error:
        decode(method, params)
    assert error.value.message.startswith(f"`{method}`")
    assert "\n" not in error.value.message
    return error.value


# --- by position ------------------------------------------------------------------------------


ORIGINAL_CALLS: list[tuple[str, list[Any], p.Params]] = [
    ("claim_worker_slot", [], p.ClaimWorkerSlot()),
    ("claim_worker_slot", ["worker-1"], p.ClaimWorkerSlot(worker_id="worker-1")),
    ("release_worker_slot", [1], p.ReleaseWorkerSlot(slot=1)),
    (
        "release_worker_slot",
        [1, "worker-1"],
        p.ReleaseWorkerSlot(slot=1, worker_id="worker-1"),
    ),
    ("get_workers", [], p.GetWorkers()),
    (
        "add_task",
        ["id", "text", ["dep"], "expected"],
        p.AddTask(id="id", description="text", dependencies=["dep"], output="expected"),
    ),
    ("add_task", ["id", "text"], p.AddTask(id="id", description="text")),
    ("get_available_tasks", [], p.GetAvailableTasks()),
    ("get_all_tasks", [], p.GetAllTasks()),
    (
        "claim_task",
        ["TASK-001", "worker-1", 1],
        p.ClaimTask(task_id="TASK-001", worker_id="worker-1", worker_slot=1),
    ),
    (
        "update_task",
        ["TASK-001", "done", "worker-1", "out"],
        p.UpdateTask(task_id="TASK-001", status="done", worker_id="worker-1", output="out"),
    ),
    (
        "update_task",
        ["TASK-001", "failed", "worker-1", None, "why"],
        p.UpdateTask(task_id="TASK-001", status="failed", worker_id="worker-1", error="why"),
    ),
    ("reset_failed_task", ["TASK-001"], p.ResetFailedTask(task_id="TASK-001")),
    (
        "reset_failed_task",
        ["TASK-001", True],
        p.ResetFailedTask(task_id="TASK-001", force=True),
    ),
    ("clean_all_tasks", [], p.CleanAllTasks()),
]


@pytest.mark.parametrize(("method", "sent", "expected"), ORIGINAL_CALLS)
def test_the_original_calls_work_by_position(method: str, sent: list[Any], expected: Any) -> None:
    assert METHODS[method].original
    assert decode(method, sent) == expected


def test_every_original_method_is_called_by_position_above() -> None:
    originals = {name for name, method in METHODS.items() if method.original}
    assert len(originals) == 10
    assert {method for method, _, _ in ORIGINAL_CALLS} == originals


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_position_and_name_mean_the_same(method: Method) -> None:
    values = [f"not a value of {name}" for name in method.positional]
    by_name = raw(dict(zip(method.positional, values, strict=True)))
    outcomes: list[str] = []
    for params in (by_name, raw(values)):
        try:
            outcomes.append(repr(decode_params(method, params)))
        except InvalidParams as error:
            outcomes.append(error.message)
    assert outcomes[0] == outcomes[1]


def test_a_null_by_position_stands_for_one_that_is_left_out() -> None:
    assert decode("add_task", [None, "text", None]) == p.AddTask(description="text")
    assert refusal("add_task", ["id", None]).data["field"] == "description"


def test_too_many_by_position_are_refused_with_what_it_takes() -> None:
    error = refusal("get_task", ["a", "b"])
    assert "at most 1 params by position (taskId); got 2" in error.message
    assert error.data["limit"] == 1
    assert "(none)" in refusal("get_workers", [1]).message


# --- what is wrong with params ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "field", "detail"),
    [
        ("get_task", {}, "taskId", "missing required field"),
        ("get_task", [], "taskId", "missing required field"),
        ("get_task", {"taskId": "a", "more": 1}, "more", "unknown field"),
        ("get_task", {"task_id": "a"}, "task_id", "unknown field"),
        ("get_task", {"taskId": 1}, "taskId", "Expected `str`, got `int`"),
        ("get_task", {"taskId": None}, "taskId", "Expected `str`, got `null`"),
        ("get_task", {"taskId": ["a"]}, "taskId", "Expected `str`, got `array`"),
        ("get_task", {"taskId": ""}, "taskId", "length >= 1"),
        ("get_task", {"taskId": "x" * (ID_LENGTH_MAX + 1)}, "taskId", "length <= 200"),
        ("get_task", {"taskId": "a\nb"}, "taskId", "without control characters"),
        ("get_task", {"taskId": "a\u202eb"}, "taskId", "without control characters"),
        (
            "add_task",
            {"description": "x" * (DESCRIPTION_LENGTH_MAX + 1)},
            "description",
            "length <= 100000",
        ),
        ("add_task", {"description": "a\0b"}, "description", "all but U+0000"),
        (
            "add_task",
            {"description": "x", "output": "x" * (TEXT_LENGTH_MAX + 1)},
            "output",
            "length <= 100000",
        ),
        (
            "add_task",
            {"description": "x", "dependencies": ["a"] * (DEPENDENCIES_MAX + 1)},
            "dependencies",
            "length <= 1000",
        ),
        ("add_task", {"description": "x", "dependencies": "a"}, "dependencies", "Expected `array`"),
        ("add_task", {"description": "x", "dependencies": [1]}, "dependencies[...]", "got `int`"),
        ("add_task", {"description": "x", "priority": 1.5}, "priority", "got `float`"),
        ("add_task", {"description": "x", "priority": 10**7}, "priority", "<= 1000000"),
        ("add_task", {"description": "x", "tags": [""]}, "tags[...]", "length >= 1"),
        ("add_task", {"description": "x", "metadata": []}, "metadata", "Expected `object"),
        ("add_tasks", {"tasks": []}, "tasks", "length >= 1"),
        ("add_tasks", {"tasks": [{"id": "a"}]}, "tasks[0].description", "missing required field"),
        (
            "update_task",
            {"taskId": "a", "workerId": "w", "status": "finished"},
            "status",
            "Invalid enum value 'finished'",
        ),
        ("claim_task", {"taskId": "a", "workerId": "w", "workerSlot": 0}, "workerSlot", ">= 1"),
        (
            "claim_task",
            {"taskId": "a", "workerId": "w", "workerSlot": "1"},
            "workerSlot",
            "Expected `int`, got `str`",
        ),
        ("reset_failed_task", {"taskId": "a", "force": "yes"}, "force", "Expected `bool`"),
        ("list_tasks", {"status": ["open"]}, "status[...]", "Invalid enum value 'open'"),
        ("list_tasks", {"limit": 501}, "limit", "<= 500"),
        ("get_workers", {"all": True}, "all", "unknown field"),
        (
            "add_task",
            {"description": "x", "idempotencyKey": "k\0"},
            "idempotencyKey",
            "without control characters",
        ),
    ],
)
def test_bad_params_name_the_field_and_what_is_wrong(
    method: str, params: Any, field: str, detail: str
) -> None:
    error = refusal(method, params)
    assert error.data["field"].replace("[0]", "[...]") == field.replace("[0]", "[...]")
    assert detail in error.data["detail"]
    assert detail in error.message
    assert f"`{field.partition('[')[0]}" in error.message


def test_a_number_beyond_all_bounds_is_out_of_range() -> None:
    for number in ("9" * 5_000, "1e999", "-" + "9" * 500_000):
        for field in ('"priority": %s', '"metadata": {"n": %s}'):
            params = f'{{"description": "x", {field % number}}}'
            with pytest.raises(InvalidParams, match=r"out of range|Expected `int`"):
                decode_params(METHODS["add_task"], msgspec.Raw(params.encode()))


def test_a_refusal_of_params_lists_what_the_method_takes() -> None:
    assert refusal("claim_task", {}).message.endswith(
        "It takes: taskId, workerId, workerSlot, leaseSeconds, idempotencyKey."
    )
    assert refusal("get_workers", {"a": 1}).message.endswith("It takes: no params.")


def test_a_refusal_of_params_does_not_repeat_a_long_field() -> None:
    error = refusal("get_task", {"x" * 100_000: 1})
    assert len(json.dumps([error.message, error.data])) < 2_000


def test_a_refusal_of_params_is_one_line_whatever_was_sent() -> None:
    error = refusal("get_task", {"a\nb\u202e": 1})
    assert "`a\\nb\\u202e`" in error.message
    assert error.data["field"] == "a\nb\u202e"


def test_metadata_has_a_size_in_bytes() -> None:
    fits = {"text": "x" * (METADATA_BYTES_MAX - len('{"text":""}'))}
    assert decode("add_task", {"description": "x", "metadata": fits}).metadata == fits
    fits["text"] += "x"
    error = refusal("add_task", {"description": "x", "metadata": fits})
    assert error.data["field"] == "metadata"
    assert "16385 bytes; at most 16384" in error.message


NESTED_TASKS: list[tuple[str, Json]] = [
    ("add_tasks", {}),
    ("import_tasks", {}),
    ("save_template", {"name": "release"}),
]


@pytest.mark.parametrize(("method", "others"), NESTED_TASKS)
@pytest.mark.parametrize(
    ("metadata", "detail"),
    [
        ({"text": "x" * METADATA_BYTES_MAX}, "at most 16384"),
        ({"a": "\0"}, "U+0000"),
        ({"a": [{"b": [1, None]}]}, None),
    ],
    ids=["too large", "with U+0000", "fine"],
)
def test_metadata_is_judged_in_every_task_of_a_list(
    method: str, others: Json, metadata: Json, detail: str | None
) -> None:
    tasks = [{"id": "a", "description": "x"}, {"id": "b", "description": "x"}]
    params = {**others, "tasks": [tasks[0], {**tasks[1], "metadata": metadata}]}
    if detail is None:
        assert decode(method, params).tasks[1].metadata == metadata
        return
    error = refusal(method, params)
    assert error.data["field"] == "tasks[1].metadata"
    assert detail in error.message


@pytest.mark.parametrize(("method", "others"), NESTED_TASKS)
def test_metadata_has_a_depth_in_every_task_of_a_list(method: str, others: Json) -> None:
    task = {"id": "a", "description": "x", "metadata": nested(METADATA_DEPTH_MAX + 1)}
    error = refusal(method, {**others, "tasks": [task]})
    assert error.data["field"] == "tasks[0].metadata"
    assert "deep" in error.message


def test_every_method_that_takes_tasks_is_judged_above() -> None:
    taking = {
        name
        for name, method in METHODS.items()
        if any(field.name == "tasks" for field in msgspec.structs.fields(method.params))
    }
    assert taking == {method for method, _ in NESTED_TASKS}


def test_metadata_counts_bytes_and_not_characters() -> None:
    text = "ü" * (METADATA_BYTES_MAX // 2)
    assert "at most 16384" in refusal("edit_task", {"taskId": "a", "metadata": {"t": text}}).message


def nested(depth: int) -> Json:
    value: Json = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_metadata_has_a_depth() -> None:
    assert decode("add_task", {"description": "x", "metadata": nested(METADATA_DEPTH_MAX - 1)})
    for depth in (METADATA_DEPTH_MAX + 1, 300, 900):
        params = {"description": "x", "metadata": nested(depth)}
        assert "deep" in refusal("add_task", params).message


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"a": "\0"}, False),
        ({"\0": 1}, False),
        ({"a": [{"b": "x\0"}]}, False),
        ({"a": "\\0"}, True),
        ({"a": "\\u0000"}, True),
        ({"a": "\\\0"}, False),
        ({"a": "\x01\u2028\u202e"}, True),
    ],
    ids=repr,
)
def test_metadata_may_hold_any_text_without_nul(metadata: Json, kept: bool) -> None:
    if kept:
        assert decode("add_task", {"description": "x", "metadata": metadata}).metadata == metadata
    else:
        params = {"description": "x", "metadata": metadata}
        assert "U+0000" in refusal("add_task", params).message


@pytest.mark.parametrize(
    "params", ["[1", '["\\ud800 alone"]', '{"taskId": "\x01"}', '{"taskId": "\\q"}']
)
def test_params_that_are_not_json_are_a_parse_error(params: str) -> None:
    """The codec has seen to it already; whoever comes another way gets the same answer."""
    with pytest.raises(ParseError):
        decode_params(METHODS["get_task"], msgspec.Raw(params.encode()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(list(METHODS.values())), st.data())
def test_whatever_params_come_are_typed_or_refused_and_never_fail(
    method: Method, data: st.DataObject
) -> None:
    names = st.sampled_from([*method.positional, "unknown"])
    sent = data.draw(st.dictionaries(names, JSON) | st.lists(JSON, max_size=4))
    try:
        decoded = decode_params(method, raw(sent))
    except CoordinatorError as error:
        json.dumps(error.wire_data())
    else:
        assert isinstance(decoded, method.params)


# --- methods ----------------------------------------------------------------------------------


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def outcome_of(dispatcher: Dispatcher, method: str, role: Role = Role.ADMIN) -> Outcome:
    outcomes: list[Outcome] = []
    peer = Session(dispatcher, "default", role)
    call = dispatcher.call_for(Request(method, raw({}), b"1"), peer, outcomes.append)
    if call is not None:
        await dispatcher.submit(call)
    [outcome] = outcomes
    return outcome


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("get_tasks", "Did you mean `get_task`?"),
        ("claimTask", "Did you mean `claim_task`?"),
        ("add-task", "Did you mean `add_task`?"),
        ("rpc.discovery", "Did you mean `rpc.discover`?"),
        ("frobnicate", "`rpc.discover` lists the methods."),
        ("", "`rpc.discover` lists the methods."),
        ("__init__", "`rpc.discover` lists the methods."),
    ],
)
async def test_an_unknown_method_gets_a_hint(desk: Desk, name: str, hint: str) -> None:
    outcome = await outcome_of(Dispatcher(desk), name)
    assert isinstance(outcome, MethodNotFound)
    assert outcome.message == f"There is no method `{name}`. {hint}"
    assert outcome.data == {"method": name}


async def test_the_name_of_an_unknown_method_is_shown_on_one_line(desk: Desk) -> None:
    outcome = await outcome_of(Dispatcher(desk), "get\r\ntask\x1b[31m")
    assert isinstance(outcome, MethodNotFound)
    assert outcome.message.startswith("There is no method `get\\r\\ntask\\x1b[31m`.")


async def test_the_name_of_an_unknown_method_is_cut_and_costs_little(desk: Desk) -> None:
    started = time.process_time()
    outcome = await outcome_of(Dispatcher(desk), "get_task" * 100_000)
    assert time.process_time() - started < 0.05
    assert isinstance(outcome, MethodNotFound)
    assert len(outcome.message) < 200


async def test_a_defect_of_the_service_is_logged_and_not_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        outcome = await outcome_of(Dispatcher(desk, SMALL_TABLE), "break")
    assert isinstance(outcome, InternalError)
    assert "defect" not in json.dumps([outcome.message, outcome.wire_data()])
    [record] = caplog.records
    assert record.exc_info is not None
    assert "a defect of the service" in str(record.exc_info[1])


async def test_a_role_too_low_is_forbidden_and_says_which_is_needed(desk: Desk) -> None:
    outcome = await outcome_of(Dispatcher(desk), "clean_all_tasks", Role.WORKER)
    assert isinstance(outcome, Forbidden)
    assert outcome.data == {"role": "admin"}
    assert desk.calls == []


async def test_rpc_discover_is_answered_without_the_service(desk: Desk) -> None:
    outcome = await outcome_of(Dispatcher(desk), "rpc.discover", Role.VIEWER)
    assert isinstance(outcome, msgspec.Raw)
    document = json.loads(bytes(outcome))
    assert {method["name"] for method in document["methods"]} == set(METHODS)
    assert desk.calls == []


def test_health_is_what_the_service_says(desk: Desk) -> None:
    assert Dispatcher(desk).health() == desk.info()


# --- responses --------------------------------------------------------------------------------


def test_a_result_and_an_error_never_come_together() -> None:
    result = json.loads(response(b'"a"', raw({"slot": 1})))
    assert result == {"jsonrpc": "2.0", "result": {"slot": 1}, "id": "a"}
    error = json.loads(response(b"null", TaskNotFound("No task `x`.", taskId="x")))
    assert error == {
        "jsonrpc": "2.0",
        "error": {
            "code": 1001,
            "message": "No task `x`.",
            "data": {"reason": "task_not_found", "taskId": "x"},
        },
        "id": None,
    }
