"""The browser's JSON-RPC: a session on a WebSocket, on a real server."""

import json

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor.clock import SYSTEM_CLOCK
from actor.coordinator import Coordinator
from actor.store.memory import MemoryStore
from dashboard.asgi import Message, Request
from dashboard.rpc_socket import serve_socket
from protocol.dispatch import Dispatcher
from protocol.limits import FRAME_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX
from protocol.session import Session
from protocol.urls import SUBPROTOCOL
from tests.dashboard.web import Site, call, closing, receive, request


class Line:
    """The connection below a socket."""

    def __init__(self) -> None:
        self.aborted = trio.Event()

    def taken(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted.set()


def a_handshake(line: Line) -> Request:
    """A request to open a socket on this connection."""
    return Request(
        {
            "path": "/rpc",
            "http_version": "1.1",
            "query_string": b"",
            "headers": (),
            "state": {"wire": line},
        }
    )


async def test_events_arrive_as_they_happen_and_from_since_on(site: Site, project: str) -> None:
    async with site.socket(f"/rpc/projects/{project}") as socket:
        before = (await call(socket, "get_snapshot"))["seq"]
        await call(socket, "subscribe", since=before)
        await site.result(project, "add_task", id="a", description="Do it")
        told = await receive(socket)
        assert told["method"] == "events"
        assert [event["taskId"] for event in told["params"]["events"]] == ["a"]
    async with site.socket(f"/rpc/projects/{project}") as socket:
        await call(socket, "subscribe", since=before)
        again = await receive(socket)
        assert again["params"]["events"] == told["params"]["events"]


async def test_our_subprotocol_is_taken_where_it_is_offered(site: Site) -> None:
    async with site.socket(subprotocols=["other", SUBPROTOCOL]) as socket:
        assert socket.subprotocol == SUBPROTOCOL
    async with site.socket() as socket:
        assert socket.subprotocol is None


async def test_many_requests_without_reading_are_answered_in_order(
    site: Site, project: str
) -> None:
    count = 3 * REQUESTS_IN_FLIGHT_MAX
    async with site.socket(f"/rpc/projects/{project}") as socket:
        for number in range(count):
            await socket.send(json.dumps(request("add_task", number, description="Do it")))
        ids = [(await receive(socket))["id"] for _ in range(count)]
    assert ids == list(range(count))


async def test_a_binary_frame_closes_with_1003(site: Site) -> None:
    async with site.socket() as socket:
        await socket.send(b"{}")
        assert await closing(socket) == (1003, "send JSON in text frames")


@pytest.mark.parametrize(
    "frame",
    [" " * (FRAME_BYTES_MAX + 1), "\u20ac" * (FRAME_BYTES_MAX // 3 + 1), " " * 2 * FRAME_BYTES_MAX],
    ids=["one byte more", "more bytes than characters", "2 MiB"],
)
async def test_a_frame_that_is_too_large_closes_with_1009(site: Site, frame: str) -> None:
    async with site.socket() as socket:
        await socket.send(frame)
        code, _ = await closing(socket)
        assert code == 1009


async def test_a_frame_of_the_largest_size_is_taken(site: Site) -> None:
    async with site.socket() as socket:
        await socket.send(json.dumps(request("get_workers")).ljust(FRAME_BYTES_MAX))
        assert (await receive(socket))["result"]["total"] == 5


async def test_what_comes_after_a_refused_frame_is_not_carried_out(
    site: Site, project: str
) -> None:
    late = json.dumps(request("add_task", description="late"))
    async with site.socket(f"/rpc/projects/{project}") as socket:
        async with socket.send_context():
            socket.protocol.send_binary(b"binary")
            for _ in range(100):
                socket.protocol.send_text(late.encode())
        assert (await closing(socket))[0] == 1003
    assert (await site.result(project, "get_all_tasks"))["total"] == 0


async def test_replies_that_wait_still_leave_on_shutdown() -> None:
    session = Session(Dispatcher(await Coordinator.open(MemoryStore(), SYSTEM_CLOCK)), "default")
    put, take = trio.open_memory_channel[Message](10)
    readable, shutdown = trio.Event(), trio.Event()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            await readable.wait()
        sent.append(message)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_socket, session, a_handshake(Line()), take.receive, send, shutdown)
        for number in range(3):
            frame = json.dumps(request("identify", number))
            await put.send({"type": "websocket.receive", "text": frame})
        await wait_all_tasks_blocked()
        shutdown.set()
        readable.set()
        await wait_all_tasks_blocked()
        await put.send({"type": "websocket.disconnect"})
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        *3 * ["websocket.send"],
        "websocket.close",
    ]
    assert sent[-1]["code"] == 1001


async def test_a_client_that_does_not_answer_the_close_is_cut(autojump_clock: MockClock) -> None:
    del autojump_clock
    session = Session(Dispatcher(await Coordinator.open(MemoryStore(), SYSTEM_CLOCK)), "default")
    put, take = trio.open_memory_channel[Message](10)
    line = Line()
    handshake = a_handshake(line)

    async def send(message: Message) -> None:
        del message

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_socket, session, handshake, take.receive, send, trio.Event())
        await put.send({"type": "websocket.receive", "bytes": b"binary"})
        with trio.fail_after(60):
            await line.aborted.wait()
        await put.send({"type": "websocket.disconnect"})


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    session = Session(Dispatcher(await Coordinator.open(MemoryStore(), SYSTEM_CLOCK)), "default")
    subscriptions_ended, line = trio.Event(), Line()
    session.on_close(subscriptions_ended.set)
    put, take = trio.open_memory_channel[Message](1)

    async def send(message: Message) -> None:
        del message

    await put.send({"type": "websocket.disconnect"})
    await serve_socket(session, a_handshake(line), take.receive, send, trio.Event())
    assert subscriptions_ended.is_set()
    assert line.aborted.is_set()
