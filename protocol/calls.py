"""The calls of a client that wait for their answers.

Owns request ids, their order, and the matching of answers to calls: an answer that comes twice,
late, or for nobody changes nothing. Pure. Must not know connections.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec

from protocol.codec import encode_request
from protocol.errors import (
    ConnectionLost,
    CoordinatorError,
    InvalidParams,
    LimitExceeded,
    ShuttingDown,
    from_wire,
)
from protocol.limits import FRAME_BYTES_MAX
from protocol.service import Reply

__all__ = ["Call", "Calls"]

log = logging.getLogger(__name__)

Notified = Callable[[str, msgspec.Raw], None]

_ABSENT = msgspec.Raw(b"")


@dataclass(slots=True, eq=False)
class Call:
    """A request without an answer yet.

    `sent`: it was handed to a connection, so the server may have carried it out.
    `resend`: it may be sent again, because the server tells a repeat from another request.
    """

    id: int
    method: str
    frame: bytes
    reply: Reply
    resend: bool = True
    sent: bool = False


class _Error(msgspec.Struct):
    code: int
    message: str
    data: Any = None


class _Message(msgspec.Struct):
    """A response (`id` and `result` or `error`) or a notification (`method`, `params`)."""

    id: int | str | float | None = None
    result: msgspec.Raw = _ABSENT
    error: _Error | None = None
    method: str | None = None
    params: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(_Message).decode


class Calls:
    """The table of waiting calls, in the order in which they were made."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._waiting: dict[int, Call] = {}

    def add(self, method: str, params: Any, reply: Reply, *, resend: bool = True) -> Call:
        """Give a call its id and its place in the order.

        Raises:
            InvalidParams: the params are no JSON.
            LimitExceeded: the request does not fit into one frame.
        """
        number = next(self._ids)
        try:
            frame = encode_request(number, method, params)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidParams(f"The params cannot be sent as JSON: {error}") from None
        if len(frame) > FRAME_BYTES_MAX:
            raise LimitExceeded(
                f"The request has {len(frame)} bytes, and {FRAME_BYTES_MAX} fit into one frame: "
                "send less at once.",
                limit=FRAME_BYTES_MAX,
            )
        call = self._waiting[number] = Call(number, method, frame, reply, resend)
        return call

    def forget(self, call: Call) -> bool:
        """Nobody waits for the answer any more. False, and nothing is done, if it came already."""
        return self._waiting.pop(call.id, None) is not None

    def waiting(self) -> list[Call]:
        """Every call without an answer, oldest first."""
        return list(self._waiting.values())

    def fail(self, call: Call, error: CoordinatorError) -> None:
        """End a call from this side."""
        if self._waiting.pop(call.id, None) is not None:
            call.reply(error)

    def fail_all(self, error: Callable[[Call], ConnectionLost]) -> None:
        """End every call; each gets an exception of its own, since each task raises it."""
        for call in self.waiting():
            self.fail(call, error(call))

    def receive(self, data: bytes | bytearray, notified: Notified) -> None:
        """Take one message from the server: answer the call it belongs to, or pass it on.

        Never raises: what is no JSON-RPC, and answers that nobody waits for, are logged only.
        """
        try:
            message = _decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.info("ignored a message that is no JSON-RPC: %s", error)
            return
        if message.method is not None:
            notified(message.method, message.params)
            return
        call = self._waiting.get(message.id) if isinstance(message.id, int) else None
        if call is None:
            log.info("ignored an answer that nobody waits for, id %r", message.id)
            return
        outcome = _outcome_of(message)
        if isinstance(outcome, ShuttingDown):
            # It was not carried out and the connection is about to close: the call goes out
            # again with the next one.
            return
        if outcome is None:
            log.info("ignored an answer without a result, id %r", message.id)
            return
        del self._waiting[call.id]
        call.reply(outcome)


def _outcome_of(message: _Message) -> msgspec.Raw | CoordinatorError | None:
    if message.error is not None:
        return from_wire(message.error.code, message.error.message, message.error.data)
    return message.result if bytes(message.result) else None
