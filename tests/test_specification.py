"""The examples of the JSON-RPC 2.0 specification, section 7, literally.

Source: https://www.jsonrpc.org/specification#examples. The same bytes go in; out comes the same
JSON, with one difference that section 5.1 allows: where the specification's examples say no more
than "Method not found", `message` here is a sentence that helps, and `data` carries the reason. So
of an error, everything but the wording is compared: `jsonrpc`, `id`, `code`, and which members
there are.
"""

from typing import Any

import msgspec
import pytest
import trio

from protocol.dispatch import Dispatcher
from protocol.methods import Method
from protocol.params import Params
from protocol.results import OpenRpc
from protocol.service import Call
from protocol.session import Session


class Subtract(Params, frozen=True, kw_only=True):
    minuend: int
    subtrahend: int


class Three(Params, frozen=True, kw_only=True):
    first: int
    second: int = 0
    third: int = 0


class Five(Three, frozen=True, kw_only=True):
    fourth: int
    fifth: int


class Nothing(Params, frozen=True, kw_only=True):
    pass


def _method(name: str, params: type[Params]) -> Method:
    return Method(name=name, params=params, result=OpenRpc, summary=name, group="examples")


EXAMPLE_METHODS = {
    method.name: method
    for method in (
        _method("subtract", Subtract),
        _method("sum", Three),
        _method("update", Five),
        _method("notify_hello", Three),
        _method("notify_sum", Three),
        _method("get_data", Nothing),
    )
}


class Examples:
    """The service that the specification's examples talk to."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def submit(self, call: Call) -> None:
        self.try_submit(call)

    def try_submit(self, call: Call) -> bool:
        self.called.append(call.method.name)
        call.reply(msgspec.Raw(msgspec.json.encode(self._result(call))))
        return True

    def _result(self, call: Call) -> Any:
        match call.params:
            case Subtract(minuend=minuend, subtrahend=subtrahend):
                return minuend - subtrahend
            case Three(first=first, second=second, third=third):
                return first + second + third
            case _:
                return ["hello", 5]

    def withdraw(self, call: Call) -> None:
        """Nothing waits here."""

    def info(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def examples() -> Examples:
    return Examples()


@pytest.fixture
def session(examples: Examples) -> Session:
    return Session(Dispatcher(examples, EXAMPLE_METHODS), "default")


async def answer(session: Session, frame: str) -> Any:
    """What the server sends back, or None where it sends nothing."""
    with trio.fail_after(5):
        await session.receive(frame)
    with trio.move_on_after(0):
        [sent] = await session.next_frames()
        return msgspec.json.decode(sent)
    return None


def wordless(response: Any) -> Any:
    """A response, or a list of them, with all that section 5.1 leaves to the server taken out."""
    if isinstance(response, list):
        return [wordless(each) for each in response]  # pyright: ignore[reportUnknownVariableType] -- any JSON
    if "error" not in response:
        return response
    error = response["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert set(error) <= {"code", "message", "data"}
    return {**response, "error": {"code": error["code"]}}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
            '{"jsonrpc": "2.0", "result": 19, "id": 1}',
            id="rpc call with positional parameters",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
            '{"jsonrpc": "2.0", "result": -19, "id": 2}',
            id="rpc call with positional parameters, turned round",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": "subtract",'
            ' "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
            '{"jsonrpc": "2.0", "result": 19, "id": 3}',
            id="rpc call with named parameters",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": "subtract",'
            ' "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
            '{"jsonrpc": "2.0", "result": 19, "id": 4}',
            id="rpc call with named parameters, turned round",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
            '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"},'
            ' "id": "1"}',
            id="rpc call of non-existent method",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
            '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
            id="rpc call with invalid JSON",
        ),
        pytest.param(
            '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
            '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null}',
            id="rpc call with invalid Request object",
        ),
        pytest.param(
            '[\n  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},\n'
            '  {"jsonrpc": "2.0", "method"\n]',
            '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
            id="rpc call Batch, invalid JSON",
        ),
        pytest.param(
            "[]",
            '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null}',
            id="rpc call with an empty Array",
        ),
        pytest.param(
            "[1]",
            '[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null}]',
            id="rpc call with an invalid Batch (but not empty)",
        ),
        pytest.param(
            "[1,2,3]",
            '[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null},\n'
            '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null},\n'
            '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"},'
            ' "id": null}]',
            id="rpc call with invalid Batch",
        ),
    ],
)
async def test_a_request_of_the_specification_gets_its_response(
    session: Session, sent: str, expected: str
) -> None:
    assert wordless(await answer(session, sent)) == wordless(msgspec.json.decode(expected))


@pytest.mark.parametrize(
    "sent",
    [
        '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
        '{"jsonrpc": "2.0", "method": "foobar"}',
    ],
)
async def test_a_notification_of_the_specification_gets_no_response(
    session: Session, sent: str
) -> None:
    assert await answer(session, sent) is None


async def test_the_notification_of_the_specification_is_carried_out(
    session: Session, examples: Examples
) -> None:
    await answer(session, '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}')
    assert examples.called == ["update"]


async def test_the_mixed_batch_of_the_specification_gets_its_responses(
    session: Session, examples: Examples
) -> None:
    sent = """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]"""
    expected = """[
        {"jsonrpc": "2.0", "result": 7, "id": "1"},
        {"jsonrpc": "2.0", "result": 19, "id": "2"},
        {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
        {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
        {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
    ]"""
    # The order of the responses is free (section 6); this service answers in order.
    assert wordless(await answer(session, sent)) == wordless(msgspec.json.decode(expected))
    assert examples.called == ["sum", "notify_hello", "subtract", "get_data"]


async def test_the_batch_of_notifications_of_the_specification_gets_no_response(
    session: Session, examples: Examples
) -> None:
    sent = """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]"""
    assert await answer(session, sent) is None
    assert examples.called == ["notify_sum", "notify_hello"]
