"""What a client says when it cannot connect, against real sockets that behave badly."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from protocol import dialing
from protocol.dialing import DialFailed, Wire, dial
from protocol.urls import SUBPROTOCOL, address_of
from tests.protocol.peer import Peer

Handler = Callable[[trio.SocketStream], Awaitable[None]]


@pytest.fixture
async def peer(nursery: trio.Nursery) -> Peer:
    peer = Peer()
    await nursery.start(peer.run)
    return peer


async def failure_of(url: str, token: str | None = None) -> DialFailed:
    with pytest.raises(DialFailed) as failure, trio.fail_after(5):
        async with dial(address_of(url), token):
            pytest.fail("it connected")
    assert url in failure.value.message
    assert "\n" not in failure.value.message
    return failure.value


async def listen(nursery: trio.Nursery, handler: Handler) -> str:
    """The URL of a plain TCP server."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handler, listeners)
    return f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def test_a_connection_carries_whole_messages_both_ways(peer: Peer) -> None:
    received: list[bytes] = []
    third = trio.Event()

    def on_message(message: bytes | bytearray) -> None:
        received.append(bytes(message))
        if len(received) == 3:
            third.set()

    async with dial(address_of(peer.url), None) as wire:
        wire.on_message = on_message
        await wire.send_texts([b'{"id": 1, "method": "identify", "params": {}}', b'{"n": 2}'])
        connection = await peer.accept()
        assert await connection.receive() == {"n": 2}
        await connection.send_frame("whole")
        await connection.send_frame(["in ", "three ", "pieces"])
        with trio.fail_after(5):
            await third.wait()
    assert received[1:] == [b"whole", b"in three pieces"]
    assert connection.close_code == 1000


async def test_waiting_messages_leave_in_one_write(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    async with dial(address_of(peer.url), None) as wire:
        send_all = wire.stream.send_all

        async def counting(data: bytes) -> None:
            writes.append(len(data))
            await send_all(data)

        monkeypatch.setattr(wire.stream, "send_all", counting)
        await wire.send_texts([b'{"id": 1, "method": "identify", "params": {}}'] * 100)
        assert len(writes) == 1


async def test_the_token_goes_into_the_authorization_header(peer: Peer) -> None:
    async with dial(address_of(peer.url, "web"), "s3cret") as wire:
        await wire.send_texts([b'{"id": 1, "method": "identify", "params": {}}'])
        connection = await peer.accept()
        assert connection.headers["Authorization"] == "Bearer s3cret"
        assert connection.headers["Sec-WebSocket-Protocol"] == SUBPROTOCOL
        assert connection.path == "/projects/web"


async def test_a_local_server_is_reached_without_the_configured_proxy(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    async with dial(address_of(peer.url), None) as wire:
        assert isinstance(wire, Wire)


async def test_where_nobody_listens_the_command_that_starts_a_server_is_named() -> None:
    failure = await failure_of("ws://127.0.0.1:1")
    assert failure.message == (
        "no server answers at ws://127.0.0.1:1; start one with `task-coordinator serve`"
    )
    assert not failure.definite


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "does not let this client in (HTTP 403: Said so.)"),
        (404, "knows no such path (HTTP 404: Said so.)"),
        (400, "knows no such path (HTTP 400: Said so.)"),
        (421, "does not go by the name '127.0.0.1' (HTTP 421: Said so.)"),
        (426, "something else than a task coordinator listens"),
        (200, "something else than a task coordinator listens"),
    ],
)
async def test_a_refusal_names_status_and_reason(peer: Peer, status: int, words: str) -> None:
    peer.refusal = (status, "Said so.\nAnd more.")
    failure = await failure_of(peer.url)
    assert words in failure.message
    assert "And more" not in failure.message
    assert failure.status == status
    assert failure.definite


async def test_without_a_token_the_variable_for_it_is_named(peer: Peer) -> None:
    peer.refusal = (401, "")
    failure = await failure_of(peer.url)
    assert "wants a token: set TASK_COORDINATOR_TOKEN" in failure.message
    assert failure.definite


async def test_a_wrong_token_is_called_so_and_not_shown(peer: Peer) -> None:
    peer.refusal = (401, "")
    failure = await failure_of(peer.url, "hunter2")
    assert "does not know this token" in failure.message
    assert "hunter2" not in failure.message


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_server_that_is_not_ready_may_be_tried_again(peer: Peer, status: int) -> None:
    peer.refusal = (status, "Full.")
    failure = await failure_of(peer.url)
    assert f"is not ready (HTTP {status}: Full.)" in failure.message
    assert not failure.definite


async def test_what_another_server_says_cannot_spoil_the_terminal(peer: Peer) -> None:
    peer.refusal = (403, "\x1b[31mred\x07" + "x" * 10_000)
    failure = await failure_of(peer.url)
    assert failure.message.isprintable()
    assert len(failure.message) < 400


async def test_a_server_of_another_protocol_is_told_apart(nursery: trio.Nursery) -> None:
    async def not_http(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n")
            await stream.receive_some()

    failure = await failure_of(await listen(nursery, not_http))
    assert "something else than a task coordinator listens" in failure.message
    assert failure.definite


async def test_a_server_that_hangs_up_may_be_tried_again(nursery: trio.Nursery) -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.aclose()

    failure = await failure_of(await listen(nursery, hang_up))
    assert "closes the connection without an answer" in failure.message
    assert not failure.definite


async def test_a_server_that_says_nothing_is_given_up(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say_nothing(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await trio.sleep_forever()

    monkeypatch.setattr(dialing, "OPEN_TIMEOUT_SECONDS", 0.1)
    failure = await failure_of(await listen(nursery, say_nothing))
    assert "does not answer within 0.1 s" in failure.message
    assert not failure.definite


async def test_tls_where_there_is_none_is_explained(nursery: trio.Nursery) -> None:
    async def plain(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    url = (await listen(nursery, plain)).replace("ws:", "wss:")
    failure = await failure_of(url)
    assert "no TLS connection" in failure.message
    assert "ws://" in failure.message


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
async def test_an_unknown_host_is_called_so(host: str) -> None:
    failure = await failure_of(f"ws://{host}:3335")
    assert "is not known; correct the address" in failure.message


async def test_a_peer_that_takes_no_byte_is_dropped(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "WRITE_TIMEOUT_SECONDS", 0.2)
    async with dial(address_of(peer.url), None) as wire:
        await wire.send_texts([b'{"id": 1, "method": "identify", "params": {}}'])
        await peer.accept()
        with pytest.raises(ConnectionClosed):
            await send_for_ever(wire)


async def send_for_ever(wire: Wire) -> None:
    with trio.fail_after(5):
        while True:
            await wire.send_texts([b"x" * 1_000_000])
