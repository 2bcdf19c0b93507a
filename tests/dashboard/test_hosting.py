"""Connections: one that misbehaves disturbs nobody, and none keeps the server from stopping."""

import logging
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from dashboard import hosting
from dashboard.asgi import Receive, Scope, Send
from dashboard.hosting import STOP_SECONDS_MAX, serve_connections
from protocol.limits import FRAME_BYTES_MAX
from tests.dashboard.web import app_site, closing

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers HTTP with "ok", and a WebSocket with its own messages."""
    if scope["type"] == "http":
        start = {"status": 200, "headers": [(b"content-length", b"2")]}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    while (message := await receive())["type"] != "websocket.disconnect":
        scope["state"]["wire"].taken()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.send", "text": message["text"]})


async def pour(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends to a WebSocket for as long as it can."""
    del scope
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "text": "x" * FRAME_BYTES_MAX})
        await trio.lowlevel.checkpoint()


async def end_of(stream: trio.SocketStream) -> bytes:
    """Everything that comes until the server ends the connection."""
    received = b""
    with trio.fail_after(5):
        try:
            async for chunk in stream:
                received += chunk
        except trio.BrokenResourceError:
            pass
    return received


async def send_forever(stream: trio.SocketStream) -> None:
    while True:
        await stream.send_all(b"x" * 65_536)


@pytest.mark.parametrize("header", [b"Sec-WebSocket-Protocol: \xe9", b"Connection: \xe9, upgrade"])
async def test_a_malformed_handshake_ends_only_its_own_connection(
    header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with app_site(echo) as site, site.socket() as socket:
        async with await site.dial() as stream:
            await stream.send_all(HANDSHAKE + header + b"\r\n\r\n")
            assert await end_of(stream) == b""
        await socket.send("still here")
        assert await socket.recv() == "still here"
        assert (await site.ask("GET", "/")).text == "ok"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None, "a client's mistake is no reason for a stack trace"


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x00\xa5\x01\x00", b"GET\r\n\r\n", b"\x00" * 99])
async def test_what_is_not_http_is_answered_or_dropped(garbage: bytes) -> None:
    async with app_site(echo) as site:
        async with await site.dial() as stream:
            await stream.send_all(garbage + b"\r\n\r\n")
            received = await end_of(stream)
            assert received == b"" or received.startswith(b"HTTP/1.1 400")
        assert (await site.ask("GET", "/")).text == "ok"


async def test_a_client_that_never_reads_does_not_keep_the_server_from_stopping() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    shutdown = trio.Event()
    async with await trio.open_tcp_stream(*listeners[0].socket.getsockname()) as stream:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve_connections, pour, listeners, shutdown))
            await stream.send_all(HANDSHAKE + b"\r\n")
            assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 101")
            shutdown.set()
            nursery.cancel_scope.deadline = trio.current_time() + 1
        assert not nursery.cancel_scope.cancelled_caught, "it took longer than a second"


async def test_cancelling_cuts_also_a_client_that_never_reads() -> None:
    with trio.fail_after(1):
        async with app_site(pour) as site:
            stream = await site.dial()
            await stream.send_all(HANDSHAKE + b"\r\n")
            assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 101")
    await stream.aclose()


async def test_a_client_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "WRITE_TIMEOUT_SECONDS", 0.1)
    dropped = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await pour(scope, receive, send)
        finally:
            dropped.set()

    async with app_site(app) as site, await site.dial() as stream:
        await stream.send_all(HANDSHAKE + b"\r\n")
        with trio.fail_after(5):
            await dropped.wait()


async def test_sending_while_the_connection_is_being_ended_is_no_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Hypercorn does that when a message is on its way as the server or the client says goodbye."""
    ended = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(send, {"type": "websocket.send", "text": "x"}))
            nursery.start_soon(scope["state"]["wire"].send_eof)
        ended.set()

    async with app_site(app) as site, await site.dial() as stream:
        await stream.send_all(HANDSHAKE + b"\r\n")
        await end_of(stream)
        with trio.fail_after(5):
            await ended.wait()
    assert caplog.records == []


async def test_a_message_without_end_is_cut_off() -> None:
    async with app_site(echo) as site:
        async with await site.dial() as stream:
            await stream.send_all(HANDSHAKE + b"\r\n")
            assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 101")
            # One text frame of 4 GiB, masked with zeros.
            await stream.send_all(b"\x81\xff" + (2**32).to_bytes(8) + bytes(4))
            with trio.fail_after(5), pytest.raises(trio.BrokenResourceError):
                await send_forever(stream)
        assert (await site.ask("GET", "/")).text == "ok"


async def test_idle_connections_end_with_the_server() -> None:
    shutdown = trio.Event()
    async with app_site(echo, shutdown) as site, await site.dial() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while not received.endswith(b"ok"):
            received += await stream.receive_some()
        shutdown.set()
        with trio.fail_after(STOP_SECONDS_MAX / 2):
            assert await end_of(stream) == b""


async def test_a_socket_that_its_app_does_not_close_is_cut_on_shutdown() -> None:
    shutdown = trio.Event()
    async with app_site(echo, shutdown) as site, site.socket() as socket:
        shutdown.set()
        with trio.fail_after(1):
            assert (await closing(socket))[0] == 1006


async def test_nobody_can_connect_after_shutdown() -> None:
    shutdown = trio.Event()
    async with app_site(echo, shutdown) as site:
        assert (await site.ask("GET", "/")).text == "ok"
        shutdown.set()
        await wait_all_tasks_blocked(0.05)
        with pytest.raises(OSError, match="failed"):
            await site.dial()
