"""HTTP as ASGI tells it: one request in, one response out.

Owns the small part of ASGI that the dashboard uses, and the headers that every response carries.
Must not know JSON-RPC, tokens or which paths there are.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html (HTTP and WebSocket, version 2.3).
"""

import http
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec
import trio

from protocol.gate import Refusal
from protocol.limits import FRAME_BYTES_MAX, OPEN_TIMEOUT_SECONDS

__all__ = [
    "App",
    "ClientGone",
    "Message",
    "Receive",
    "Request",
    "Response",
    "Scope",
    "Send",
    "Wire",
    "json_response",
    "read_body",
    "read_json_text",
    "refuse_socket",
    "refused",
    "send_response",
    "text_response",
]

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""Serves one request, or one WebSocket until its end."""

DISCARDED_BYTES_MAX: Final = 16 * FRAME_BYTES_MAX
"""Of a body that is too large, read on before it is refused: a client that is still writing would
see a broken connection instead of the reason."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
)


class ClientGone(Exception):
    """The client has left; there is nobody to answer."""


class Wire(Protocol):
    """The TCP connection below a request, as far as an app may use it."""

    def taken(self) -> None:
        """What was sent so far has been taken in: the client may send as much again."""
        ...

    def abort(self) -> None:
        """End the connection now, without a word. Idempotent."""
        ...


class Request:
    """What a client asks for: an HTTP request, or the opening handshake of a WebSocket."""

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.http_version: str = scope["http_version"]
        self.subprotocols: list[str] = list(scope.get("subprotocols", ()))
        self.wire: Wire = scope["state"]["wire"]
        self._query: bytes = scope["query_string"]
        self._headers: list[tuple[bytes, bytes]] = list(scope["headers"])

    def header(self, name: str) -> str | None:
        """A header's value. Repeated ones are joined, so that a second `Host` cannot hide."""
        wanted = name.lower().encode()
        values = [value.decode("latin-1") for key, value in self._headers if key.lower() == wanted]
        return ", ".join(values) if values else None

    def query(self, name: str) -> str | None:
        """A parameter of the query, the first one of that name."""
        values = parse_qs(self._query.decode("latin-1")).get(name)
        return values[0] if values else None


@dataclass(frozen=True, kw_only=True)
class Response:
    """A whole response. `headers` come on top of the ones that every response has."""

    status: http.HTTPStatus = http.HTTPStatus.OK
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = (("Cache-Control", "no-store"),)

    def start(self) -> Message:
        """The ASGI message that begins it, without its type."""
        fields = [*SECURITY_HEADERS, *self.headers]
        if self.content_type is not None:
            fields += [
                ("Content-Type", self.content_type),
                ("Content-Length", str(len(self.body))),
            ]
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields]
        return {"status": self.status.value, "headers": headers}


def text_response(status: http.HTTPStatus, message: str, *headers: tuple[str, str]) -> Response:
    """One line for a person."""
    return Response(
        status=status,
        body=f"{message}\n".encode(),
        content_type="text/plain; charset=utf-8",
        headers=(("Cache-Control", "no-store"), *headers),
    )


def json_response(body: Any) -> Response:
    """A JSON object; `body` may be JSON text in a `msgspec.Raw`."""
    return Response(body=msgspec.json.encode(body), content_type="application/json")


def refused(refusal: Refusal) -> Response:
    """A refusal of the gate, in its own words."""
    if refusal.status is http.HTTPStatus.UNAUTHORIZED:
        return text_response(refusal.status, refusal.message, ("WWW-Authenticate", "Bearer"))
    return text_response(refusal.status, refusal.message)


async def read_body(request: Request, receive: Receive, bytes_max: int) -> bytes:
    """The whole body of a request.

    Raises:
        Refusal: 413 for a body of more than `bytes_max` bytes, 408 for one that does not end.
        ClientGone: the client left before its end.
    """
    chunks: list[bytes] = []
    size = 0
    with trio.move_on_after(OPEN_TIMEOUT_SECONDS) as patience:
        more = True
        while more and size <= DISCARDED_BYTES_MAX:
            message = await receive()
            request.wire.taken()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size <= bytes_max:
                chunks.append(chunk)
            more = message.get("more_body", False)
    if size > bytes_max:
        raise Refusal(
            http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body has more than {bytes_max} bytes; send it in parts.",
        )
    if patience.cancelled_caught:
        raise Refusal(
            http.HTTPStatus.REQUEST_TIMEOUT,
            f"The body did not end within {OPEN_TIMEOUT_SECONDS:g} s; send it again.",
        )
    return b"".join(chunks)


async def read_json_text(request: Request, receive: Receive) -> str:
    """The body of a request that says it is JSON, as a text.

    Raises:
        Refusal: it says that it is something else, is no UTF-8, or is too large.
        ClientGone: the client left before its end.
    """
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        # A page of another site can post a form without asking, but not this type.
        raise Refusal(
            http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send JSON with the header `Content-Type: application/json`.",
        )
    body = await read_body(request, receive, FRAME_BYTES_MAX)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refusal(http.HTTPStatus.BAD_REQUEST, "The body is not UTF-8.") from None


async def send_response(response: Response, receive: Receive, send: Send) -> None:
    """Answer an HTTP request. What is left of its body is thrown away meanwhile."""
    async with trio.open_nursery() as nursery:
        # The server hands over what arrives through a bounded queue, and ends the exchange
        # through the same queue: if nobody took from it, neither side would ever get on.
        nursery.start_soon(_discard, receive)
        await send({"type": "http.response.start", **response.start()})
        await send({"type": "http.response.body", "body": response.body})
        nursery.cancel_scope.cancel()


async def refuse_socket(response: Response, send: Send) -> None:
    """Answer the opening handshake of a WebSocket with a plain HTTP response."""
    await send({"type": "websocket.http.response.start", **response.start()})
    await send({"type": "websocket.http.response.body", "body": response.body})


async def _discard(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
