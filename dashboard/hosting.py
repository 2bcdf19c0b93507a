"""Hypercorn's Trio connections behind a listener of our own.

Owns accepting, the bounds that Hypercorn does not set, and the end of every connection. Hypercorn
speaks HTTP and WebSocket on each connection and calls the app. Its own accept loop is not used,
for two reasons that were tried: one handshake with a header that it cannot decode ends all of
it, before any check of ours, and a client that stops reading keeps it from ever stopping, because
it writes under a shield. Must not know what is served.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from dashboard.asgi import App
from protocol.limits import FRAME_BYTES_MAX, KEEPALIVE_SECONDS, WRITE_TIMEOUT_SECONDS

__all__ = ["STOP_SECONDS_MAX", "serve_connections"]

STOP_SECONDS_MAX: Final = 0.8
"""What open connections get to say goodbye."""
IDLE_SECONDS_MAX: Final = 5.0
QUEUED_MESSAGES_MAX: Final = 4
UNTAKEN_BYTES_MAX: Final = 2 * (QUEUED_MESSAGES_MAX + 1) * FRAME_BYTES_MAX
"""Bytes that a client may send while the app takes none. Hypercorn goes on collecting a message
after it has refused it as too large; this ends it."""

log = logging.getLogger(__name__)


class _Wire:
    """A TCP stream as Hypercorn uses it, with bounds. Implements `dashboard.asgi.Wire`.

    `on_abort` is called by `abort`.
    """

    def __init__(self, stream: trio.SocketStream, on_abort: Callable[[], None]) -> None:
        self._stream = stream
        self._on_abort = on_abort
        self._untaken = 0
        # Hypercorn sends while it ends the same connection for another reason.
        self._sending = trio.Lock()
        self.socket = stream.socket

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next bytes, empty at the end of the stream.

        Raises:
            trio.BrokenResourceError: the connection is broken, or too much came at once.
        """
        data = bytes(await self._stream.receive_some(max_bytes))
        self._untaken += len(data)
        if self._untaken > UNTAKEN_BYTES_MAX:
            self.abort()
            raise trio.BrokenResourceError("the client sends more than is taken")
        return data

    async def send_all(self, data: bytes) -> None:
        """Send everything.

        Raises:
            trio.BrokenResourceError: the connection is broken, or the client takes no byte.
            trio.ClosedResourceError: nothing can be sent any more.
        """
        with trio.move_on_after(WRITE_TIMEOUT_SECONDS) as patience:
            async with self._sending:
                await self._stream.send_all(data)
        if patience.cancelled_caught:
            self.abort()
            raise trio.BrokenResourceError("the client takes nothing")

    async def send_eof(self) -> None:
        """Say that nothing more comes, after what is being sent."""
        async with self._sending:
            await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def taken(self) -> None:
        self._untaken = 0

    def abort(self) -> None:
        self._on_abort()
        self.socket.close()


class _Connections:
    """All connections of one listener."""

    def __init__(self, app: App) -> None:
        # The library types its messages one by one; for us they are dictionaries.
        self._app = ASGIWrapper(cast("ASGIFramework", app))
        self._config = _config()
        self._context = WorkerContext(None)
        self._open: set[_Wire] = set()
        self._none_open = trio.Event()

    async def handle(self, stream: trio.SocketStream) -> None:
        """One connection from its beginning to its end. Never raises for what a client sends."""
        # Aborting ends all that runs for a connection: Hypercorn's pings would go on for a while.
        scope = trio.CancelScope()
        wire = _Wire(stream, scope.cancel)
        self._open.add(wire)
        try:
            with scope:
                await self._serve(wire)
        finally:
            wire.abort()
            self._open.discard(wire)
            if not self._open:
                self._none_open.set()

    async def _serve(self, wire: _Wire) -> None:
        state = ConnectionState({"wire": wire})
        stream = cast("Any", wire)
        try:
            await TCPServer(self._app, self._config, self._context, state, stream).run()
        except* Exception as group:  # noqa: BLE001 -- logged; except* hides that from the rule
            # Hypercorn raises for some malformed requests; the other clients must not notice.
            log.warning("a connection to the dashboard was dropped: %r", _first(group))

    async def finish(self) -> None:
        """End idle connections, and wait a little for the others to end by themselves."""
        await self._context.terminated.set()
        with trio.move_on_after(STOP_SECONDS_MAX):
            while self._open:
                self._none_open = trio.Event()
                await self._none_open.wait()

    def abort(self) -> None:
        """End what is left, also what is being written to somebody who does not read."""
        for wire in self._open:
            wire.abort()


async def serve_connections(
    app: App,
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the app on listening sockets until `shutdown`, then for `STOP_SECONDS_MAX` at most.

    The app is to end its own connections on shutdown; what is still open then is cut.
    """
    connections = _Connections(app)
    async with trio.open_nursery() as handlers:
        try:
            async with trio.open_nursery() as accepting:
                await accepting.start(
                    partial(
                        trio.serve_listeners,
                        connections.handle,
                        listeners,
                        handler_nursery=handlers,
                    )
                )
                task_status.started()
                await shutdown.wait()
                accepting.cancel_scope.cancel()
            await connections.finish()
        finally:
            connections.abort()
            handlers.cancel_scope.cancel()


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("task_coordinator.hypercorn")
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_SECONDS_MAX
    config.max_app_queue_size = QUEUED_MESSAGES_MAX
    # Counted in characters; what has more bytes than characters is counted by the app.
    config.websocket_max_message_size = FRAME_BYTES_MAX
    config.websocket_ping_interval = KEEPALIVE_SECONDS
    # Two pings without a pong: the client is gone.
    config.read_timeout = round(2 * KEEPALIVE_SECONDS)
    return config


def _first(error: BaseException) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return error
    return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
