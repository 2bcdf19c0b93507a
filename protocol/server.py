"""The WebSocket shell: sockets on one side, sessions on the other.

Owns listening, the checks of the opening handshake (host, origin, token, path), the three plain
HTTP pages, keepalive, write time-outs and orderly closing. Everything of RFC 6455 is the
library's; this module only takes text frames from it and hands frames back. Must not know methods
or what they do.
"""

import http
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import trio
from websockets.datastructures import Headers
from websockets.frames import BINARY, CONT, TEXT, CloseCode, Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN, Event
from websockets.trio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from protocol import limits
from protocol.dispatch import Dispatcher
from protocol.gate import Gate, Refusal
from protocol.openrpc import openrpc_document
from protocol.session import CutOff, Session
from protocol.urls import SUBPROTOCOL, project_of_path


__all__ = ["ApiServer", "Settings"]

INBOX_FRAMES_MAX = 64

log = logging.getLogger(__name__)
# The library reports every connection at level INFO and internal details at ERROR; it logs here.
_library_log = logging.getLogger("task_coordinator.websockets")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to listen. `port` 0 takes any free port."""

    gate: Gate
    connections_max: int = limits.CONNECTIONS_MAX
    write_timeout_seconds: float = limits.WRITE_TIMEOUT_SECONDS
    open_timeout_seconds: float = limits.OPEN_TIMEOUT_SECONDS
    keepalive_seconds: float = limits.KEEPALIVE_SECONDS


class _Connection(ServerConnection):
    """Takes text frames as they are parsed and writes all waiting frames with one `send_all`.

    Measured at five to seven times the throughput of `recv` and `send` for pipelined requests.
    """

    session: Session

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._inbox: deque[str] = deque()
        self._arrived = trio.Event()
        self._fragments: list[bytes] = []
        self._refused = False

    def process_event(self, event: Event) -> None:
        if not (isinstance(event, Frame) and event.opcode in {TEXT, BINARY, CONT}):
            super().process_event(event)
            return
        if self._refused:
            return
        if event.opcode is BINARY:
            self._refuse(CloseCode.UNSUPPORTED_DATA, "send JSON in text frames")
            return
        self._fragments.append(bytes(event.data))
        if not event.fin:
            if len(self._fragments) > limits.FRAGMENTS_MAX:
                self._refuse(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            return
        data = self._fragments[0] if len(self._fragments) == 1 else b"".join(self._fragments)
        self._fragments.clear()
        try:
            self._inbox.append(data.decode())
        except UnicodeDecodeError:
            self._refuse(CloseCode.INVALID_DATA, "the text frame is not UTF-8")
            return
        self._arrived.set()
        if len(self._inbox) >= INBOX_FRAMES_MAX and self.recv_flow_control is None:
            self.pause_reading()

    async def next_text(self) -> str | None:
        """The next whole text message, or None once the connection is closed."""
        while not self._inbox:
            if self.stream_closed.is_set():
                return None
            self._arrived = trio.Event()
            await self._arrived.wait()
        if self.recv_flow_control is not None and len(self._inbox) <= INBOX_FRAMES_MAX // 2:
            self.resume_reading()
        return self._inbox.popleft()

    async def close_stream(self) -> None:
        await super().close_stream()
        self._arrived.set()

    async def send_frames(self, frames: Sequence[bytes]) -> None:
        """Send text messages as one write.

        Raises:
            ConnectionClosed: the connection is closed.
        """
        async with self.send_context():
            for frame in frames:
                self.protocol.send_text(frame)
            self.protocol.writes = [b"".join(self.protocol.writes)]

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self._refused = True
        self.session.cut_off(code, reason)


class ApiServer:
    """Serves sessions on a TCP port. Use `run` in a nursery, then `stop`."""

    def __init__(self, dispatcher: Dispatcher, settings: Settings) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._server: Server | None = None
        self._open = 0
        self._on_connections: Callable[[int], None] | None = None

    @property
    def connections(self) -> int:
        """Open connections."""
        return self._open

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        assert self._server is not None, "run() has not started"
        port: int = self._server.listeners[0].socket.getsockname()[1]
        return port

    async def run(
        self,
        listeners: list[trio.SocketListener],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`, or until cancelled (which closes abruptly)."""
        async with trio.open_nursery() as nursery:
            settings = self._settings
            self._server = await nursery.start(
                partial(
                    serve,
                    self._handle,
                    listeners=listeners,
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    select_subprotocol=_select_subprotocol,
                    compression=None,
                    process_request=self._process_request,
                    server_header=None,
                    open_timeout=settings.open_timeout_seconds,
                    ping_interval=settings.keepalive_seconds,
                    ping_timeout=settings.keepalive_seconds,
                    close_timeout=limits.CLOSE_TIMEOUT_SECONDS,
                    max_size=limits.FRAME_BYTES_MAX,
                    logger=_library_log,
                    create_connection=_Connection,
                )
            )
            task_status.started()

    async def stop(self) -> None:
        """Stop listening and close every connection with 1001, waiting only a little for each."""
        if self._server is not None:
            await self._server.aclose(code=CloseCode.GOING_AWAY, reason="the server is stopping")

    # --- the opening handshake ----------------------------------------------------------------

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, _Connection)
        try:
            return self._admit(connection, request)
        except Refusal as refusal:
            return _text(refusal.status, refusal.message + "\n")

    def _admit(self, connection: _Connection, request: Request) -> Response | None:
        """Answer a plain HTTP page, or give the connection its session.

        Raises:
            Refusal: it may not come in, or there is nothing here.
        """

        def header(name: str) -> str | None:
            # Repeated headers are joined, so that a second `Host` cannot hide behind the first.
            return ", ".join(request.headers.get_all(name)) or None

        role = self._settings.gate.admit(header, request.path)
        page = self._page(request.path)
        if page is not None:
            return page
        try:
            project = project_of_path(request.path)
        except ValueError as error:
            raise Refusal(http.HTTPStatus.NOT_FOUND, str(error)) from None
        if "upgrade" not in (header("Connection") or "").lower():
            raise Refusal(
                http.HTTPStatus.UPGRADE_REQUIRED,
                "This is a WebSocket endpoint for JSON-RPC 2.0. Plain HTTP answers /api/health "
                "and /openrpc.json.",
            )
        if self._open >= self._settings.connections_max:
            raise Refusal(
                http.HTTPStatus.SERVICE_UNAVAILABLE,
                f"All {self._settings.connections_max} connections are taken; try again later.",
            )
        connection.session = Session(self._dispatcher, project, role)
        return None

    def _page(self, path: str) -> Response | None:
        path = path.partition("?")[0]
        if path == "/api/health":
            return _json(self._dispatcher.health())
        if path == "/openrpc.json":
            return _json(openrpc_document())
        return None

    # --- an open connection -------------------------------------------------------------------

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, _Connection)
        session = connection.session
        self._open += 1
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, connection, nursery.cancel_scope)
                while (frame := await connection.next_text()) is not None:
                    await session.receive(frame)
                nursery.cancel_scope.cancel()
        finally:
            self._open -= 1
            session.close()

    async def _write(self, connection: _Connection, scope: trio.CancelScope) -> None:
        """Send what the session has, until it or the connection ends."""
        session = connection.session
        while True:
            try:
                frames = await session.next_frames()
            except CutOff as end:
                await self._close(connection, end)
                break
            if connection.protocol.state is not OPEN:
                break
            with trio.move_on_after(self._settings.write_timeout_seconds) as patience:
                await connection.send_frames(frames)
            if patience.cancelled_caught:
                log.info("a client took no byte for %g s; dropped", patience.relative_deadline)
                await trio.aclose_forcefully(connection.stream)
                break
        scope.cancel()

    async def _close(self, connection: _Connection, end: CutOff) -> None:
        """Say why, then close, also when the client has stopped reading."""
        with trio.move_on_after(limits.CLOSE_TIMEOUT_SECONDS) as patience:
            await connection.aclose(end.code, end.reason)
        if patience.cancelled_caught:
            await trio.aclose_forcefully(connection.stream)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours where it is offered; a client that offers none is welcome too."""
    return next((name for name in offered if name == SUBPROTOCOL), None)


def _text(status: http.HTTPStatus, body: str) -> Response:
    return _respond(status, body.encode(), "text/plain; charset=utf-8")


def _json(body: Any) -> Response:
    return _respond(http.HTTPStatus.OK, msgspec.json.encode(body), "application/json")


def _respond(status: http.HTTPStatus, body: bytes, content_type: str) -> Response:
    headers = Headers(
        {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    if status is http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(status.value, status.phrase, headers, body)
