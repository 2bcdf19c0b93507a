"""JSON-RPC on a WebSocket: a session's frames through ASGI.

Owns the way of frames between one session and one socket, and its closing. Must not know methods,
nor who may come in.
"""

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
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, session, send, request.wire)
            nursery.start_soon(_end_on, shutdown, session)
            await _read(session, receive, request.wire)
            nursery.cancel_scope.cancel()
        # The client is gone; what still runs for the connection need not find that out.
        request.wire.abort()
    finally:
        session.close()


async def _read(session: Session, receive: Receive, wire: Wire) -> None:
    """Hand what arrives to the session, until the client is gone.

    After the end of the session too: the end of the connection is told through the same queue,
    behind whatever came before it.
    """
    while True:
        message = await receive()
        wire.taken()
        if message["type"] == "websocket.disconnect":
            return
        text: str | None = message.get("text")
        if text is None:
            session.cut_off(UNSUPPORTED_DATA, "send JSON in text frames")
        elif _is_too_big(text):
            session.cut_off(MESSAGE_TOO_BIG, f"a frame may have at most {FRAME_BYTES_MAX} bytes")
        else:
            await session.receive(text)


async def _write(session: Session, send: Send, wire: Wire) -> None:
    """Send what the session has, until it ends; then close, and cut who does not answer that."""
    try:
        while True:
            for frame in await session.next_frames():
                await send({"type": "websocket.send", "text": frame.decode()})
    except CutOff as end:
        await send({"type": "websocket.close", "code": end.code, "reason": end.reason})
    await trio.sleep(CLOSE_TIMEOUT_SECONDS)
    wire.abort()


async def _end_on(shutdown: trio.Event, session: Session) -> None:
    """Hypercorn would cut the socket without a word; so the session ends before it does."""
    await shutdown.wait()
    session.cut_off(GOING_AWAY, "the server is stopping")


def _is_too_big(text: str) -> bool:
    if len(text) * UTF8_BYTES_PER_CHARACTER_MAX <= FRAME_BYTES_MAX:
        return False
    return len(text.encode()) > FRAME_BYTES_MAX
