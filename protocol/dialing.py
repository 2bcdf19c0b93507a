"""One attempt to reach a server, and one open connection.

Owns the opening handshake, the bounds of a connection, how text messages enter and leave it, and
the sentence that says why an attempt failed and what to do about it. Must not know requests,
answers or reconnecting.
"""

import http
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import trio
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    PayloadTooBig,
    WebSocketException,
)
from websockets.frames import BINARY, CONT, TEXT, Frame
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.trio.client import ClientConnection
from websockets.trio.client import connect as open_websocket
from websockets.typing import Subprotocol

from protocol.gate import is_loopback
from protocol.limits import (
    CLOSE_TIMEOUT_SECONDS,
    KEEPALIVE_SECONDS,
    OPEN_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
)
from protocol.urls import SUBPROTOCOL, Address

__all__ = ["ANSWER_BYTES_MAX", "DialFailed", "Wire", "dial"]

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""One answer of the server. Its pages are bounded by entries, and an entry can be large."""

Bytes = bytes | bytearray

_library_log = logging.getLogger("task_coordinator.websockets")

_DATA = frozenset({TEXT, BINARY, CONT})
_TRY_AGAIN = frozenset(
    {
        http.HTTPStatus.REQUEST_TIMEOUT,
        http.HTTPStatus.TOO_EARLY,
        http.HTTPStatus.TOO_MANY_REQUESTS,
    }
)

# UnicodeError: a host that cannot be a name. ImportError: a proxy of a kind not installed.
_EXPECTED = (OSError, trio.BrokenResourceError, WebSocketException, UnicodeError, ImportError)


class DialFailed(Exception):
    """Why the server could not be reached: one line that names the fix.

    `definite`: the other side said no, so that trying again soon would not help.
    `status`: the HTTP status it said so with.
    """

    def __init__(self, message: str, *, definite: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.definite = definite
        self.status = status


class Wire(ClientConnection):
    """An open connection that hands over whole messages as they are parsed.

    Measured at several times the throughput of `recv` and `send` for pipelined requests: no task
    is woken per message, and all messages that wait are written at once.
    """

    on_message: Callable[[Bytes], None]
    """Called in the reading task with each message. Must not raise or block."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.on_message = _ignore
        self._partial = bytearray()

    def process_event(self, event: Event) -> None:
        if not (isinstance(event, Frame) and event.opcode in _DATA):
            super().process_event(event)
        elif event.fin and event.opcode is not CONT:
            self.on_message(bytes(event.data))
        else:
            self._partial += event.data
            if event.fin:
                message, self._partial = self._partial, bytearray()
                self.on_message(message)

    async def send_texts(self, messages: Iterable[bytes]) -> None:
        """Send text messages as one write. A peer that takes no byte of it is dropped.

        Raises:
            ConnectionClosed: the connection is closed.
        """
        with trio.move_on_after(WRITE_TIMEOUT_SECONDS) as patience:
            async with self.send_context():
                for message in messages:
                    self.protocol.send_text(message)
                self.protocol.writes = [b"".join(self.protocol.writes)]
        if patience.cancelled_caught:
            await trio.aclose_forcefully(self.stream)

    @property
    def answer_was_too_big(self) -> bool:
        """Whether it was closed from this side because of a message beyond `ANSWER_BYTES_MAX`."""
        return isinstance(self.protocol.parser_exc, PayloadTooBig)


@asynccontextmanager
async def dial(address: Address, token: str | None) -> AsyncGenerator[Wire]:
    """Open a connection for the length of the block; it is closed with 1000 at the end.

    Raises:
        DialFailed: it could not be opened.
    """
    opening = open_websocket(
        address.url,
        additional_headers={"Authorization": f"Bearer {token}"} if token else None,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        # Compression costs more than it saves on a local network, and 300 KiB a connection.
        compression=None,
        # A proxy cannot reach this machine's own ports.
        proxy=None if is_loopback(address.host) else True,
        open_timeout=OPEN_TIMEOUT_SECONDS,
        ping_interval=KEEPALIVE_SECONDS,
        ping_timeout=KEEPALIVE_SECONDS,
        close_timeout=CLOSE_TIMEOUT_SECONDS,
        max_size=ANSWER_BYTES_MAX,
        logger=_library_log,
        create_connection=Wire,
    )
    async with AsyncExitStack() as stack:
        try:
            wire = await stack.enter_async_context(opening)
        except _EXPECTED as error:
            raise _explained(error, address, token) from error
        assert isinstance(wire, Wire)
        yield wire


def _ignore(_message: Bytes) -> None:
    """What arrives before anything was asked answers nothing."""


# --- why it failed ----------------------------------------------------------------------------


def _explained(error: Exception, address: Address, token: str | None) -> DialFailed:
    if isinstance(error, InvalidStatus):
        return _status_explained(error.response, address, token)
    url = address.url
    match error:
        case _ if _hung_up(error):
            message = (
                f"{url} closes the connection without an answer: a server that is stopping, or "
                "something else, listens there"
            )
        case TimeoutError():
            message = (
                f"{url} does not answer within {OPEN_TIMEOUT_SECONDS:g} s: it hangs, or something "
                "else listens there"
            )
        case socket.gaierror() | UnicodeError():
            message = f"the host of {url} is not known; correct the address"
        case trio.BrokenResourceError() if isinstance(error.__cause__, ssl.SSLError):
            message = (
                f"no TLS connection to {url}: {error.__cause__}; check its certificate, or use "
                "ws:// if the server has none"
            )
        case OSError() | trio.BrokenResourceError():
            message = _nobody_answers(address)
        case _:
            return DialFailed(_something_else(url, str(error)), definite=True)
    return DialFailed(message)


def _hung_up(error: Exception) -> bool:
    in_answer = isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError)
    return in_answer or isinstance(error, ConnectionClosed)


def _nobody_answers(address: Address) -> str:
    if is_loopback(address.host):
        return f"no server answers at {address.url}; start one with `task-coordinator serve`"
    return (
        f"no server answers at {address.url}; start one there with `task-coordinator serve`, "
        "or correct the address"
    )


def _something_else(url: str, detail: str) -> str:
    return (
        f"something else than a task coordinator listens at {url} ({detail}); its port is 3335 "
        "unless the server was told otherwise"
    )


def _status_explained(response: Response, address: Address, token: str | None) -> DialFailed:
    status, url = response.status_code, address.url
    said = _first_line(response)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_AGAIN:
        return DialFailed(f"the server at {url} is not ready (HTTP {status}{said})", status=status)
    match status:
        case http.HTTPStatus.UNAUTHORIZED if token is None:
            message = f"the server at {url} wants a token: set TASK_COORDINATOR_TOKEN"
        case http.HTTPStatus.UNAUTHORIZED:
            message = (
                f"the server at {url} does not know this token: correct TASK_COORDINATOR_TOKEN"
            )
        case http.HTTPStatus.FORBIDDEN:
            message = f"the server at {url} does not let this client in (HTTP 403{said})"
        case http.HTTPStatus.MISDIRECTED_REQUEST:
            message = (
                f"the server at {url} does not go by the name {address.host!r} (HTTP 421{said})"
            )
        case http.HTTPStatus.NOT_FOUND | http.HTTPStatus.BAD_REQUEST:
            message = (
                f"the server at {url} knows no such path (HTTP {status}{said}); a coordinator "
                "has / and /projects/NAME, on port 3335 unless told otherwise"
            )
        case _:
            message = _something_else(url, f"HTTP {status}{said}")
    return DialFailed(message, definite=True, status=status)


def _first_line(response: Response) -> str:
    """What the other side says in plain text, made safe to show; empty if it says nothing."""
    if not response.headers.get("Content-Type", "text/plain").startswith("text/plain"):
        return ""
    lines = bytes(response.body or b"").decode(errors="replace").strip().splitlines()
    text = "".join(c for c in lines[0][:200] if c.isprintable()) if lines else ""
    return f": {text}" if text else ""
