"""JSON-RPC on a WebSocket: a session's frames through ASGI.

Owns the way of frames between one session and one socket, and its closing. Must not know methods,
nor who may come in.
"""

import math

import trio

from dashboard.asgi import Receive, Request, Send, Wire
from protocol.limits import CLOSE_TIMEOUT_SECONDS, FRAME_BYTES_MAX
from protocol.session import CutOff, Session
from protocol.urls import SUBPROTOCOL

__all__ = ["serve_socket"]

UNSUPPORTED_DATA = 1003
MESSAGE_TOO_BIG = 1009
GOING_AWAY = 1001
UTF8_BYTES_PER_CHARACTER_MAX = 4


async def serve_socket(
    session: Session, request: Request, receive: Receive, send: Send, shutdown: trio.Event
) -> None:
    """Accept the socket and serve it until either side ends it; on `shutdown` close with 1001."""
    chosen = SUBPROTOCOL if SUBPROTOCOL in request.subprotocols else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    writer = _Writer(session, send, request.wire, shutdown)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            nursery.start_soon(writer.watch)
            await _read(session, receive, request.wire)
            nursery.cancel_scope.cancel()
        # The client is gone; what still runs for the connection need not find that out.
        request.wire.abort()
    finally:
        session.close()


async def _read(session: Session, receive: Receive, wire: Wire) -> None:
    """Hand what arrives to the session, until the client is gone.

    Once the session is closed the rest is thrown away: the end of the connection is told through
    the same queue, behind whatever came before it.
    """
    while True:
        message = await receive()
        wire.taken()
        if message["type"] == "websocket.disconnect":
            return
        text: str | None = message.get("text")
        if session.closed:
            continue
        if text is None:
            session.cut_off(UNSUPPORTED_DATA, "send JSON in text frames")
        elif _is_too_big(text):
            session.cut_off(MESSAGE_TOO_BIG, f"a frame may have at most {FRAME_BYTES_MAX} bytes")
        else:
            await session.receive(text)


class _Writer:
    """Sends what the session has, and closes the socket at its end."""

    def __init__(self, session: Session, send: Send, wire: Wire, shutdown: trio.Event) -> None:
        self._session = session
        self._send = send
        self._wire = wire
        self._shutdown = shutdown
        self._waiting = trio.CancelScope()

    async def run(self) -> None:
        """Send until the session ends, then close; cut the connection if that is not heard."""
        try:
            while True:
                for frame in await self._next_frames():
                    await self._send({"type": "websocket.send", "text": frame.decode()})
        except CutOff as end:
            await self._send({"type": "websocket.close", "code": end.code, "reason": end.reason})
        await trio.sleep(CLOSE_TIMEOUT_SECONDS)
        self._wire.abort()

    async def watch(self) -> None:
        """On shutdown, end the wait for something to send."""
        await self._shutdown.wait()
        self._waiting.cancel()

    async def _next_frames(self) -> list[bytes]:
        """What the session has to send. On shutdown that still leaves, then comes the end.

        Raises:
            CutOff: the socket is to be closed now.
        """
        deadline = -math.inf if self._shutdown.is_set() else math.inf
        with trio.CancelScope(deadline=deadline) as self._waiting:
            return await self._session.next_frames()
        self._session.cut_off(GOING_AWAY, "the server is stopping")
        return await self._session.next_frames()


def _is_too_big(text: str) -> bool:
    if len(text) * UTF8_BYTES_PER_CHARACTER_MAX <= FRAME_BYTES_MAX:
        return False
    return len(text.encode()) > FRAME_BYTES_MAX
