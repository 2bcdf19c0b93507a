"""What the server's side is tested with: a small service, a server on a real socket, a rude client.

Owns a table of four methods and a service that carries them out as the test decides; `serving`,
which puts it behind the real server shell; and `RawClient`, which can send what a well-behaved
WebSocket library refuses to send. `peer.py` is the same for the client's side.
"""

import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import trio
from trio.testing import wait_all_tasks_blocked
from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, Close, Frame, Opcode
from websockets.trio.client import ClientConnection, connect
from websockets.trio.server import Server

from protocol import methods
from protocol.dispatch import Dispatcher
from protocol.errors import CoordinatorError, RequestCancelled
from protocol.gate import Gate
from protocol.methods import Method, Role
from protocol.models import Wire
from protocol.params import Params
from protocol.server import ApiServer, Settings
from protocol.service import Call
from protocol.session import Session

__all__ = [
    "BINARY",
    "CLOSE",
    "CONT",
    "HANDSHAKE",
    "METHODS",
    "MUCH",
    "PATIENCE_SECONDS",
    "PING",
    "PONG",
    "TEXT",
    "Api",
    "Desk",
    "HttpAnswer",
    "Json",
    "RawClient",
    "ask",
    "head",
    "http",
    "request",
    "serving",
    "take",
]

PATIENCE_SECONDS = 10.0
MUCH = 500_000
"""Bytes of one message; a few dozen fill all buffers between two sockets."""

Json = dict[str, Any]


# --- a small service --------------------------------------------------------------------------


class Echo(Params, frozen=True, kw_only=True):
    text: str = ""


class Hold(Params, frozen=True, kw_only=True):
    key: str


class Shout(Params, frozen=True, kw_only=True):
    times: int
    size: int


class Nothing(Params, frozen=True, kw_only=True):
    pass


class Text(Wire, frozen=True, kw_only=True):
    text: str


def _method(name: str, params: type[Params], role: Role = Role.WORKER) -> Method:
    return Method(name=name, params=params, result=Text, summary=name, group="test", role=role)


METHODS: Mapping[str, Method] = {
    "echo": _method("echo", Echo),
    "hold": _method("hold", Hold),
    "shout": _method("shout", Shout),
    "break": _method("break", Nothing),
    "govern": _method("govern", Nothing, Role.ADMIN),
    "identify": methods.METHODS["identify"],
}


class Desk:
    """Answers `echo` at once, keeps `hold` until the test says what to answer, sends
    notifications on `shout`, and fails on `break`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        """Everything that was accepted, in order."""
        self.held: dict[str, Call] = {}
        self.withdrawn: list[Call] = []
        """Every call that was withdrawn, in order, whether it waited or not."""
        self.waiting = False
        """Whether held calls wait, and can be withdrawn; otherwise they are being carried out."""
        self._arrived = trio.Event()
        self._open = trio.Event()
        self._open.set()

    def shut(self) -> None:
        """Accept nothing until `reopen`: a full service."""
        self._open = trio.Event()

    def reopen(self) -> None:
        self._open.set()

    async def submit(self, call: Call) -> None:
        await self._open.wait()
        assert self.try_submit(call)

    def try_submit(self, call: Call) -> bool:
        if not self._open.is_set():
            return False
        self.calls.append(call)
        match call.params:
            case Echo(text=text):
                call.reply(msgspec.Raw(msgspec.json.encode(Text(text=text))))
            case Hold(key=key):
                self.held[key] = call
            case Shout(times=times, size=size):
                self._shout(call, times, size)
            case _:
                raise RuntimeError("a defect of the service")
        self._arrived.set()
        return True

    def _shout(self, call: Call, times: int, size: int) -> None:
        params = msgspec.Raw(msgspec.json.encode({"noise": "x" * size}))
        heard = sum(call.peer.notify("noise", params) for _ in range(times))
        call.reply(msgspec.Raw(msgspec.json.encode(Text(text=str(heard)))))

    def release(self, key: str, outcome: CoordinatorError | str = "released") -> None:
        """Answer a held call."""
        if isinstance(outcome, str):
            self.held.pop(key).reply(msgspec.Raw(msgspec.json.encode(Text(text=outcome))))
        else:
            self.held.pop(key).reply(outcome)

    def withdraw(self, call: Call) -> None:
        self.withdrawn.append(call)
        for key, held in list(self.held.items()):
            if held is call and self.waiting:
                self.release(key, RequestCancelled("Withdrawn."))

    async def accepted(self, count: int) -> None:
        """Wait until so many calls were accepted."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(self.calls) < count:
                self._arrived = trio.Event()
                await self._arrived.wait()

    def info(self) -> Json:
        return {"status": "ok", "version": "0", "uptimeSeconds": 0.0}


def request(method: str, id_: object = None, **params: Any) -> str:
    """A request as a frame; without an id a notification."""
    entry: Json = {"jsonrpc": "2.0", "method": method, "params": params}
    if id_ is not None:
        entry["id"] = id_
    return msgspec.json.encode(entry).decode()


async def take(session: Session) -> list[Any]:
    """The next frames of a session, decoded."""
    with trio.fail_after(PATIENCE_SECONDS):
        return [msgspec.json.decode(frame) for frame in await session.next_frames()]


# --- a server on a real socket ----------------------------------------------------------------


@dataclass
class Api:
    """A running server shell."""

    server: ApiServer
    desk: Desk
    port: int
    _rude: list["RawClient"] = field(default_factory=list["RawClient"])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def connect(self, path: str = "/", **options: Any) -> connect:
        """A well-behaved client, as an async context manager."""
        return connect(self.url + path, compression=None, proxy=None, **options)

    async def tcp(self) -> "RawClient":
        """A bare TCP connection, closed at the end of the test."""
        client = RawClient(await trio.open_tcp_stream("127.0.0.1", self.port))
        self._rude.append(client)
        return client

    async def raw(self, path: str = "/") -> "RawClient":
        """A rude client that has shaken hands, closed at the end of the test."""
        client = await self.tcp()
        await client.send(head(path))
        answer = await client.read_head()
        assert answer.status == 101, answer
        return client

    async def never_reading(self) -> "RawClient":
        """A rude client that asked for more than all buffers hold and reads nothing of it."""
        client = await self.raw()
        accepted = len(self.desk.calls)
        await client.send_text(request("shout", 1, times=30, size=MUCH))
        await self.desk.accepted(accepted + 1)
        return client

    async def serves_others(self) -> None:
        """See that a newcomer is served."""
        async with self.connect() as client:
            answer = await ask(client, "echo", text="still here")
            assert answer["result"] == {"text": "still here"}

    async def hang_up(self) -> None:
        for client in self._rude:
            await trio.aclose_forcefully(client.stream)

    @property
    def inner(self) -> Server:
        """The library's server, to see what is left behind in it."""
        server = self.server._server  # pyright: ignore[reportPrivateUsage] -- nobody else needs it
        assert server is not None
        return server

    async def reading_stopped(self) -> None:
        """Wait until the server reads no more from one of its connections."""
        with trio.fail_after(PATIENCE_SECONDS):
            while all(each.recv_flow_control is None for each in self.inner.all_connections):
                await wait_all_tasks_blocked(0.001)

    async def settled(self) -> None:
        """Wait until the last connection has ended, and see that it left no task behind."""
        with trio.fail_after(PATIENCE_SECONDS):
            while self.server.connections or self.inner.handler_nursery.child_tasks:
                await wait_all_tasks_blocked(0.005)


@asynccontextmanager
async def serving(desk: Desk | None = None, **settings: Any) -> AsyncGenerator[Api]:
    """A server with the small service; `settings` as in `protocol.server.Settings`."""
    desk = desk or Desk()
    settings.setdefault("gate", Gate())
    server = ApiServer(Dispatcher(desk, METHODS), Settings(**settings))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run, listeners)
        api = Api(server, desk, server.port)
        try:
            yield api
        finally:
            with trio.CancelScope(shield=True):
                await api.hang_up()
        with trio.fail_after(PATIENCE_SECONDS):
            await server.stop()


async def ask(client: ClientConnection, method: str, **params: Any) -> Any:
    """The answer to one request of a well-behaved client that sends nothing else."""
    with trio.fail_after(PATIENCE_SECONDS):
        await client.send(request(method, 1, **params))
        return msgspec.json.decode(await client.recv())


# --- a rude client ----------------------------------------------------------------------------


HANDSHAKE = {
    "Host": "127.0.0.1",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
"""The headers of a proper opening handshake."""


class HttpAnswer(NamedTuple):
    """A response to a plain HTTP request."""

    status: int
    headers: dict[str, str]
    body: str


def head(path: str = "/", headers: Mapping[str, str] | list[tuple[str, str]] = HANDSHAKE) -> bytes:
    """A request head. A list may repeat a header."""
    pairs = headers if isinstance(headers, list) else list(headers.items())
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("iso-8859-1")


async def http(port: int, raw: bytes) -> HttpAnswer:
    """Send bytes, read until the server closes, and take that for an HTTP response."""
    with trio.fail_after(PATIENCE_SECONDS):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(raw)
            received = b"".join([chunk async for chunk in stream])
    return parse_response(received)


def parse_response(received: bytes) -> HttpAnswer:
    start, _, body = received.partition(b"\r\n\r\n")
    status, *lines = start.decode("iso-8859-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    return HttpAnswer(int(status.split(" ")[1]), headers, body.decode())


class RawClient:
    """A TCP connection that speaks WebSocket frame by frame, without any manners."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = b""

    async def send(self, data: bytes) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            await self.stream.send_all(data)

    async def send_frame(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        await self.send(Frame(opcode, data, fin).serialize(mask=True))

    async def send_text(self, text: str) -> None:
        await self.send_frame(TEXT, text.encode())

    async def read_head(self) -> HttpAnswer:
        """The head of the response to the handshake."""
        while b"\r\n\r\n" not in self._received:
            await self._more()
        start, _, self._received = self._received.partition(b"\r\n\r\n")
        return parse_response(start + b"\r\n\r\n")

    async def frame(self) -> Frame:
        """The next frame of the server."""
        first, second = struct.unpack("!BB", await self._exactly(2))
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._exactly(8))
        return Frame(Opcode(first & 0x0F), await self._exactly(size), bool(first & 0x80))

    async def message(self) -> Any:
        """The next text message, decoded."""
        frame = await self.frame()
        assert frame.opcode is TEXT, frame
        return msgspec.json.decode(frame.data)

    async def closing(self) -> Close:
        """Read on until the server's close frame, answer it, and wait for the end."""
        while (frame := await self.frame()).opcode is not CLOSE:
            pass
        try:
            await self.send_frame(CLOSE, bytes(frame.data))
            await self.ended()
        except trio.BrokenResourceError:
            pass  # the server did not wait for it
        return Close.parse(frame.data)

    async def ended(self) -> None:
        """Read until the server closes the TCP connection, then close it as well. What comes is
        thrown away."""
        with trio.fail_after(PATIENCE_SECONDS):
            async for _ in self.stream:
                pass
        await self.stream.aclose()

    async def vanish(self) -> None:
        """End the TCP connection with a reset, as a killed machine's kernel would."""
        self.stream.setsockopt(
            trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        await trio.aclose_forcefully(self.stream)

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._more()
        data, self._received = self._received[:size], self._received[size:]
        return data

    async def _more(self) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            chunk = await self.stream.receive_some()
        if not chunk:
            raise EOFError("the server closed the connection")
        self._received += chunk
