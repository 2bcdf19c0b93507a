"""The dashboard's ASGI application: which path gets what, and who may have it.

Owns the paths and the order of the checks before each. The browser's JSON-RPC runs through the
same dispatch as every other client's, at the page's own origin: one port to forward, and no
cross-origin rule to get wrong. Must not know the actor, SQL, or what methods do.

    GET  /, /static/NAME         the page; no token needed, it holds no secret
    GET  /rpc[/projects/NAME]    the WebSocket
    POST /rpc[/projects/NAME]    one JSON-RPC request or batch, for curl
    POST /ticket                 a one-time ticket for the WebSocket, where a token is set
    POST /plan                   the tasks that a pasted text holds; adds nothing
"""

import http
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import trio

from dashboard.asgi import (
    ClientGone,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    json_response,
    refuse_socket,
    refused,
    send_response,
    text_response,
)
from dashboard.hosting import serve_connections
from dashboard.pages import Pages
from dashboard.plan_post import answer_plan
from dashboard.rpc_post import answer_post
from dashboard.rpc_socket import serve_socket
from dashboard.tickets import Tickets
from protocol.dispatch import Dispatcher
from protocol.gate import Gate, Refusal
from protocol.limits import CONNECTIONS_MAX
from protocol.methods import Role
from protocol.session import Session
from protocol.urls import project_of_path

__all__ = ["Dashboard", "serve"]

RPC: Final = "/rpc"
TICKET: Final = "/ticket"
PLAN: Final = "/plan"


async def serve(
    *,
    dispatcher: Dispatcher,
    gate: Gate,
    listeners: list[trio.SocketListener],
    shutdown: trio.Event,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the dashboard on listening sockets until `shutdown`; then end within a second.

    Every WebSocket is closed with 1001, after the replies that it is still owed. Cancelling cuts
    all connections at once.
    """
    app = Dashboard(dispatcher, gate, Pages(), shutdown)
    await serve_connections(app, listeners, shutdown, task_status=task_status)


class Dashboard:
    """The app; a `dashboard.asgi.App`. One per server."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        gate: Gate,
        pages: Pages,
        shutdown: trio.Event,
        *,
        sockets_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._dispatcher = dispatcher
        self._gate = gate
        self._gate_without_token = replace(gate, token=None)
        self._pages = pages
        self._shutdown = shutdown
        self._sockets_max = sockets_max
        self._sockets = 0
        self._tickets = Tickets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket until its end."""
        request = Request(scope)
        request.wire.taken()
        if scope["type"] == "websocket":
            await self._serve_socket(request, receive, send)
        else:
            await self._serve_http(request, receive, send)

    # --- HTTP ---------------------------------------------------------------------------------

    async def _serve_http(self, request: Request, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(request, receive)
        except Refusal as refusal:
            response = refused(refusal)
        except ClientGone:
            return
        await send_response(response, receive, send)

    async def _respond(self, request: Request, receive: Receive) -> Response:
        self._check_address(request)
        allowed = self._methods(request.path)
        if request.method not in allowed:
            return _wrong_method(request, allowed)
        if _is_rpc(request.path):
            project = _project(request.path)
            role = self._gate.admit(_own_origin_left_out(request), request.path)
            return await answer_post(self._dispatcher, project, role, request, receive)
        if request.path == TICKET:
            return self._ticket(request)
        if request.path == PLAN:
            self._gate.admit(_own_origin_left_out(request), request.path)
            return await answer_plan(request, receive)
        known = request.header("If-None-Match")
        return self._pages.get(request.path, known, request.query("view"))

    def _methods(self, path: str) -> tuple[str, ...]:
        """What can be done at a path.

        Raises:
            Refusal: 404, there is nothing here.
        """
        if path in (TICKET, PLAN) or (_is_rpc(path) and _project(path)):
            return ("POST",)
        if path in self._pages:
            return ("GET", "HEAD")
        raise Refusal(http.HTTPStatus.NOT_FOUND, "There is nothing here; the page is at /.")

    def _ticket(self, request: Request) -> Response:
        """204 where no token is set: the socket needs no ticket then."""
        role = self._gate.admit(_own_origin_left_out(request), request.path)
        if self._gate.token is None:
            return Response(status=http.HTTPStatus.NO_CONTENT)
        return json_response({"ticket": self._tickets.issue(role)})

    # --- WebSocket ----------------------------------------------------------------------------

    async def _serve_socket(self, request: Request, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            session = self._open(request)
        except Refusal as refusal:
            await refuse_socket(refused(refusal), send)
            return
        self._sockets += 1
        try:
            await serve_socket(session, request, receive, send, self._shutdown)
        finally:
            self._sockets -= 1

    def _open(self, request: Request) -> Session:
        """The session of a socket that may come in.

        Raises:
            Refusal: it may not, or there is nothing here.
        """
        self._check_address(request)
        if not _is_rpc(request.path):
            raise Refusal(http.HTTPStatus.NOT_FOUND, f"The WebSocket is at {RPC}.")
        project = _project(request.path)
        role = self._role_of_socket(request)
        if self._sockets >= self._sockets_max:
            raise Refusal(
                http.HTTPStatus.SERVICE_UNAVAILABLE,
                f"All {self._sockets_max} connections are taken; try again later.",
            )
        return Session(self._dispatcher, project, role)

    def _role_of_socket(self, request: Request) -> Role:
        """Scripts send the token itself, pages a ticket."""
        ticket = request.query("ticket")
        if self._gate.token is None or ticket is None:
            return self._gate.admit(_own_origin_left_out(request), request.path)
        role = self._tickets.redeem(ticket)
        if role is None:
            raise Refusal(
                http.HTTPStatus.UNAUTHORIZED,
                "The ticket was used already or is too old. Get another one with POST "
                f"{TICKET} and `Authorization: Bearer TOKEN`.",
            )
        return role

    # --- checks -------------------------------------------------------------------------------

    def _check_address(self, request: Request) -> None:
        """What holds for everything here, with or without a token.

        Raises:
            Refusal: 421 for an unexpected host, 403 for a foreign origin, 505 for HTTP/2.
        """
        if not request.http_version.startswith("1"):
            raise Refusal(
                http.HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Use HTTP/1.1, as every browser can."
            )
        self._gate_without_token.admit(_own_origin_left_out(request), request.path)


def _own_origin_left_out(request: Request) -> Callable[[str], str | None]:
    """The request's headers, without the origin of a page that came from this very address.

    The gate knows the names that the server was started with. Behind a forwarded port or on an
    address of this machine the page has another origin, but still the one that its requests go
    to; and whether that host may be used at all is checked by the gate.
    """
    host, origin = request.header("Host"), request.header("Origin")
    own = origin in {f"http://{host}", f"https://{host}"}

    def header(name: str) -> str | None:
        return None if own and name == "Origin" else request.header(name)

    return header


def _is_rpc(path: str) -> bool:
    return path == RPC or path.startswith(f"{RPC}/")


def _project(path: str) -> str:
    try:
        return project_of_path(path.removeprefix(RPC))
    except ValueError as error:
        raise Refusal(http.HTTPStatus.NOT_FOUND, str(error)) from None


def _wrong_method(request: Request, allowed: tuple[str, ...]) -> Response:
    use = ", ".join(allowed)
    return text_response(
        http.HTTPStatus.METHOD_NOT_ALLOWED,
        f"{request.method[:20]} is not possible at {request.path[:100]!r}; use {use}.",
        ("Allow", use),
    )
