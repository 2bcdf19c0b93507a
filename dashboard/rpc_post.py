"""JSON-RPC by `POST`: one body in, one reply out; for `curl`.

Owns what is special about a caller that is gone after its reply. Must not know methods beyond the
two that make no sense for it, nor who may come in.
"""

import http
from contextlib import suppress
from typing import Final

import msgspec
import trio
from websockets.frames import CloseCode

from dashboard.asgi import (
    ClientGone,
    Receive,
    Request,
    Response,
    json_response,
    read_json_text,
)
from protocol.codec import Request as RpcRequest
from protocol.codec import decode_entry, decode_frame
from protocol.dispatch import Caller, Dispatcher
from protocol.errors import CoordinatorError, InvalidRequest
from protocol.methods import Role
from protocol.service import Call, Reply
from protocol.session import CutOff, Session

__all__ = ["answer_post"]

NEEDS_CONNECTION: Final = frozenset({"subscribe", "unsubscribe"})


async def answer_post(
    dispatcher: Dispatcher, project: str, role: Role, request: Request, receive: Receive
) -> Response:
    """Carry out the body of a request and return the reply, 204 if there is none.

    Raises:
        Refusal: the body is not what is taken here.
        ClientGone: the client left before the end of its body, or before its reply. What waits
            for it is withdrawn.
    """
    text = await read_json_text(request, receive)
    session = Session(_ForOneReply(dispatcher), project, role)
    try:
        await session.receive(text)
        if not _expects_reply(text):
            return Response(status=http.HTTPStatus.NO_CONTENT)
        reply = await _reply(session, receive)
    finally:
        session.close()
    return json_response(msgspec.Raw(reply))


async def _reply(session: Session, receive: Receive) -> bytes:
    """The one frame that the session answers.

    Raises:
        ClientGone: nobody waits for it any more.
    """
    frames: list[bytes] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cut_off_when_gone, session, receive)
        with suppress(CutOff):
            frames = await session.next_frames()
        nursery.cancel_scope.cancel()
    if not frames:
        raise ClientGone
    return frames[0]


async def _cut_off_when_gone(session: Session, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    session.cut_off(CloseCode.GOING_AWAY, "the client is gone")


class _ForOneReply(Dispatcher):
    """Refuses what needs a connection that stays open, hands on everything else."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def call_for(self, request: RpcRequest, peer: Caller, reply: Reply) -> Call | None:
        if request.method in NEEDS_CONNECTION:
            reply(
                InvalidRequest(
                    f"`{request.method}` needs a connection that stays open: use the WebSocket "
                    "at the same path, or ask `get_events` again with `since`.",
                    method=request.method,
                )
            )
            return None
        return self._dispatcher.call_for(request, peer, reply)

    async def submit(self, call: Call) -> None:
        await self._dispatcher.submit(call)

    def try_submit(self, call: Call) -> bool:
        return self._dispatcher.try_submit(call)

    def withdraw(self, call: Call) -> None:
        self._dispatcher.withdraw(call)


def _expects_reply(frame: str) -> bool:
    """Whether anything in the frame will be answered; only notifications never are."""
    try:
        entries, _ = decode_frame(frame)
        return any(decode_entry(entry).id is not None for entry in entries)
    except CoordinatorError:
        return True
