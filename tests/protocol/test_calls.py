import json
from typing import Any

import msgspec
import pytest

from protocol.calls import Calls
from protocol.errors import (
    ConnectionLost,
    CoordinatorError,
    InvalidParams,
    LimitExceeded,
    TaskNotFound,
)
from protocol.limits import FRAME_BYTES_MAX

Outcome = msgspec.Raw | CoordinatorError


class Log:
    """What came out of calls and notifications."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.notified: list[tuple[str, bytes]] = []

    def reply(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def notify(self, method: str, params: msgspec.Raw) -> None:
        self.notified.append((method, bytes(params)))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def calls() -> Calls:
    return Calls()


def receive(calls: Calls, log: Log, message: Any) -> None:
    calls.receive(json.dumps(message).encode(), log.notify)


def test_a_call_is_a_request_with_an_id_of_its_own(calls: Calls, log: Log) -> None:
    first = calls.add("get_task", {"taskId": "a"}, log.reply)
    second = calls.add("get_task", {"taskId": "a"}, log.reply)
    assert json.loads(first.frame) == {
        "jsonrpc": "2.0",
        "id": first.id,
        "method": "get_task",
        "params": {"taskId": "a"},
    }
    assert first.id != second.id
    assert calls.waiting() == [first, second]


def test_an_answer_goes_to_the_call_with_its_id(calls: Calls, log: Log) -> None:
    other = calls.add("get_task", {}, lambda _: pytest.fail("not its answer"))
    call = calls.add("get_task", {}, log.reply)
    receive(calls, log, {"jsonrpc": "2.0", "id": call.id, "result": {"n": 1}})
    assert log.outcomes == [msgspec.Raw(b'{"n": 1}')]
    assert calls.waiting() == [other]


def test_an_error_answer_becomes_the_exception_of_its_reason(calls: Calls, log: Log) -> None:
    call = calls.add("get_task", {}, log.reply)
    error = {"code": 1001, "message": "No.", "data": {"reason": "task_not_found", "taskId": "a"}}
    receive(calls, log, {"jsonrpc": "2.0", "id": call.id, "error": error})
    (outcome,) = log.outcomes
    assert isinstance(outcome, TaskNotFound)
    assert outcome.data == {"taskId": "a"}


def test_a_second_answer_is_ignored(calls: Calls, log: Log) -> None:
    call = calls.add("get_task", {}, log.reply)
    for result in (1, 2):
        receive(calls, log, {"jsonrpc": "2.0", "id": call.id, "result": result})
    assert log.outcomes == [msgspec.Raw(b"1")]


def test_the_answer_to_a_forgotten_call_is_ignored(calls: Calls, log: Log) -> None:
    call = calls.add("get_task", {}, log.reply)
    assert calls.forget(call)
    receive(calls, log, {"jsonrpc": "2.0", "id": call.id, "result": 1})
    assert not calls.forget(call)
    assert log.outcomes == []
    assert calls.waiting() == []


def test_a_stopping_server_leaves_the_call_waiting_for_the_next_one(calls: Calls, log: Log) -> None:
    call = calls.add("get_task", {}, log.reply)
    error = {"code": 1204, "message": "Stopping.", "data": {"reason": "shutting_down"}}
    receive(calls, log, {"jsonrpc": "2.0", "id": call.id, "error": error})
    assert log.outcomes == []
    assert calls.waiting() == [call]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"1",
        b"{}",
        b"[" * 100_000,
        b'[{"jsonrpc": "2.0", "id": 1, "result": 1}]',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "2.0", "id": 1, "error": "no"}',
        b'{"jsonrpc": "2.0", "id": "1", "result": 1}',
        b'{"jsonrpc": "2.0", "id": 1.5, "result": 1}',
        b'{"jsonrpc": "2.0", "id": 99, "result": 1}',
        b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "No."}}',
        b'{"jsonrpc": "2.0", "id": [1], "result": 1}',
        b'{"jsonrpc": "2.0", "method": 5}',
    ],
)
def test_what_is_no_answer_changes_nothing(calls: Calls, log: Log, frame: bytes) -> None:
    call = calls.add("get_task", {}, log.reply)
    assert call.id == 1
    calls.receive(frame, log.notify)
    assert (log.outcomes, log.notified) == ([], [])
    assert calls.waiting() == [call]


def test_a_notification_is_passed_on_with_its_params(calls: Calls, log: Log) -> None:
    receive(calls, log, {"jsonrpc": "2.0", "method": "events", "params": {"a": 1}})
    assert log.notified == [("events", b'{"a": 1}')]


def test_failing_all_gives_each_call_an_exception_of_its_own(calls: Calls, log: Log) -> None:
    for _ in range(2):
        calls.add("get_task", {}, log.reply)
    calls.fail_all(lambda call: ConnectionLost(call.method))
    first, second = log.outcomes
    assert isinstance(first, ConnectionLost)
    assert isinstance(second, ConnectionLost)
    assert first is not second
    assert calls.waiting() == []


def test_a_request_beyond_one_frame_is_refused_before_it_is_sent(calls: Calls, log: Log) -> None:
    with pytest.raises(LimitExceeded, match="send less at once") as refusal:
        calls.add("add_task", {"description": "x" * FRAME_BYTES_MAX}, log.reply)
    assert refusal.value.data == {"limit": FRAME_BYTES_MAX}
    assert calls.waiting() == []


def endless() -> list[Any]:
    nest: list[Any] = []
    nest.append(nest)
    return nest


@pytest.mark.parametrize(
    "value", [object(), "\ud800", endless()], ids=["object", "surrogate", "endless"]
)
def test_params_that_are_no_json_are_refused_before_they_are_sent(
    calls: Calls, log: Log, value: Any
) -> None:
    with pytest.raises(InvalidParams, match="cannot be sent as JSON"):
        calls.add("add_task", {"metadata": value}, log.reply)
    assert calls.waiting() == []
