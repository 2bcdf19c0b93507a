"""The WebSocket shell: sockets on one side, sessions on the other.

Owns listening, the checks of the opening handshake (host, origin, token, path), the plain HTTP
pages, and the way of a connection from its session's begin to an orderly end. Everything of
RFC 6455 is the library's; `connection` takes its frames. Must not know methods or what they do.
"""

import http
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import msgspec
import trio
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.trio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from protocol import limits
from protocol.connection import Connection
from protocol.dispatch import Dispatcher
from protocol.flusher import Flusher
from protocol.gate import Gate, Refusal
from protocol.openrpc import openrpc_document
from protocol.session import CutOff, Session
from protocol.urls import SUBPROTOCOL, project_of_path

__all__ = ["ApiServer", "Settings"]

STOP_PATIENCE_SECONDS = 2 * limits.CLOSE_TIMEOUT_SECONDS
"""What a client has for taking its last answers and closing, when the server stops."""

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


class ApiServer:
    """Serves sessions on a TCP port. Use `run` in a nursery, then `stop`."""

    def __init__(self, dispatcher: Dispatcher, settings: Settings) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._server: Server | None = None
        self._sessions: set[Session] = set()
        self._flusher = Flusher()
        self._idle = trio.Event()
        self._idle.set()
        self._stopping = False

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._sessions)

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
        async with trio.open_nursery() as flushing:
            flushing.start_soon(self._flusher.run)
            await self._serve(listeners, task_status)
            flushing.cancel_scope.cancel()

    async def _serve(
        self, listeners: list[trio.SocketListener], task_status: trio.TaskStatus[None]
    ) -> None:
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
                    # The library calls it; it need not be a class.
                    create_connection=cast(
                        "type[ServerConnection]",
                        partial(Connection, write_timeout=settings.write_timeout_seconds),
                    ),
                )
            )
            task_status.started()

    async def idle(self) -> None:
        """Wait until no connection is open."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Stop listening and close every connection with 1001, its answers first.

        Waits only a little for all of them, then closes the rest abruptly. Idempotent.
        """
        if self._server is None:
            return
        self._stopping = True
        for session in list(self._sessions):
            _cut_off_stopping(session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(self._server.aclose, close_connections=False))
            with trio.move_on_after(STOP_PATIENCE_SECONDS):
                await self.idle()
            # What is left did not end in time, or has not even begun.
            self._server.handler_nursery.cancel_scope.cancel()

    # --- the opening handshake ----------------------------------------------------------------

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Connection)
        try:
            return self._admit(connection, request)
        except Refusal as refusal:
            return _text(refusal.status, refusal.message + "\n")

    def _admit(self, connection: Connection, request: Request) -> Response | None:
        """Answer a plain HTTP page, or give the connection its session.

        Raises:
            Refusal: it may not come in, or there is nothing here.
        """

        def header(name: str) -> str | None:
            # Repeated headers are joined, so that a second `Host` cannot hide behind the first.
            return ", ".join(request.headers.get_all(name)) or None

        role = self._settings.gate.admit(header, request.path)
        if request.method != "GET":
            raise Refusal(
                http.HTTPStatus.METHOD_NOT_ALLOWED,
                "This port takes GET and WebSocket connections only.",
            )
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
        if len(self._sessions) >= self._settings.connections_max:
            raise Refusal(
                http.HTTPStatus.SERVICE_UNAVAILABLE,
                f"All {self._settings.connections_max} connections are taken; try again later.",
            )
        connection.begin(Session(self._dispatcher, project, role))
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
        assert isinstance(connection, Connection)
        session = connection.session
        assert session is not None, "it was let in"
        self._enter(session)
        session.write_through(partial(self._flusher.announce, connection))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, connection, session, nursery.cancel_scope)
                while (frame := await connection.next_text()) is not None:
                    await session.receive(frame)
                nursery.cancel_scope.cancel()
        finally:
            self._leave(session)

    def _enter(self, session: Session) -> None:
        if not self._sessions:
            self._idle = trio.Event()
        self._sessions.add(session)
        if self._stopping:
            _cut_off_stopping(session)

    def _leave(self, session: Session) -> None:
        session.close()
        self._sessions.discard(session)
        if not self._sessions:
            self._idle.set()

    async def _write(
        self, connection: Connection, session: Session, scope: trio.CancelScope
    ) -> None:
        """Send what the session has, until it or the connection ends; then cancel `scope`."""
        try:
            while True:
                frames = await session.next_frames()
                if connection.protocol.state is not OPEN:
                    break
                await connection.send_frames(frames)
        except CutOff as end:
            await self._close(connection, end)
        except ConnectionClosed:
            pass  # the reader's side learns it as well, unless it waits for the service
        scope.cancel()

    async def _close(self, connection: Connection, end: CutOff) -> None:
        """Say why, then close, also when the client has stopped reading."""
        connection.ignore_input()
        with trio.move_on_after(limits.CLOSE_TIMEOUT_SECONDS) as patience:
            await connection.aclose(end.code, end.reason)
        if patience.cancelled_caught:
            await trio.aclose_forcefully(connection.stream)


def _cut_off_stopping(session: Session) -> None:
    session.cut_off(CloseCode.GOING_AWAY, "the server is stopping")


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours where it is offered; a client that offers none is welcome too."""
    return next((name for name in offered if name == SUBPROTOCOL), None)


_EXTRA_HEADERS = {
    http.HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    http.HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET"},
    http.HTTPStatus.UPGRADE_REQUIRED: {"Upgrade": "websocket"},
}
"""What RFC 9110 demands to go with a status."""


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
    headers.update(_EXTRA_HEADERS.get(status, {}))
    return Response(status.value, status.phrase, headers, body)
