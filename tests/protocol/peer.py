"""A coordinator whose every answer the test decides, on a real socket.

A well-behaved server cannot drop a connection at the worst moment, answer out of order, twice or
with garbage; this one does what it is told. Only `identify` it answers by itself.
"""

import http
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import trio
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.trio.server import Server, ServerConnection, serve

PATIENCE_SECONDS = 5.0
TIME = "2026-01-31T09:30:00.000Z"

Json = dict[str, Any]


class PeerConnection:
    """The server's end of one connection of the client."""

    def __init__(self, websocket: ServerConnection) -> None:
        self._websocket = websocket
        self.identity: Json = {}

    @property
    def headers(self) -> Headers:
        assert self._websocket.request is not None
        return self._websocket.request.headers

    @property
    def path(self) -> str:
        assert self._websocket.request is not None
        return self._websocket.request.path

    @property
    def close_code(self) -> int | None:
        return self._websocket.close_code

    async def receive(self) -> Json:
        """The next request or notification."""
        with trio.fail_after(PATIENCE_SECONDS):
            message: Json = json.loads(await self._websocket.recv())
        return message

    async def receive_many(self, count: int) -> list[Json]:
        return [await self.receive() for _ in range(count)]

    async def answer(self, request: Json, result: Any) -> None:
        await self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    async def refuse(
        self, request: Json, code: int, reason: str, message: str = "No.", **data: Any
    ) -> None:
        error = {"code": code, "message": message, "data": {"reason": reason, **data}}
        await self.send({"jsonrpc": "2.0", "id": request["id"], "error": error})

    async def notify(self, subscription: str, seqs: Sequence[int]) -> None:
        events = [{"seq": seq, "time": TIME, "type": "task_added"} for seq in seqs]
        params = {"subscription": subscription, "events": events}
        await self.send({"jsonrpc": "2.0", "method": "events", "params": params})

    async def send(self, message: Any) -> None:
        await self.send_frame(json.dumps(message))

    async def send_frame(self, frame: str | bytes | list[str]) -> None:
        """Whatever it is; a list is sent in fragments."""
        with trio.fail_after(PATIENCE_SECONDS):
            await self._websocket.send(frame)

    async def drop(self) -> None:
        """Break the connection without a word."""
        await trio.aclose_forcefully(self._websocket.stream)

    async def close(self, code: int = 1001) -> None:
        await self._websocket.aclose(code)

    async def wait_closed(self) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            await self._websocket.wait_closed()


class Peer:
    """Listens on a port of its own. `accept` gives its connections one by one."""

    def __init__(self) -> None:
        self.port = 0
        self.refusal: tuple[int, str] | None = None
        """An HTTP status and a body for everybody who comes."""
        self.greets = True
        """Whether it answers `identify`."""
        self._server: Server | None = None
        self._send, self._receive = trio.open_memory_channel[PeerConnection](100)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            self._server = await nursery.start(
                partial(
                    serve,
                    self._handle,
                    listeners=listeners,
                    process_request=self._process_request,
                    compression=None,
                    max_size=None,
                    close_timeout=1,
                )
            )
            task_status.started()

    async def stop(self) -> None:
        """Stop listening and close all connections; `run` may then be called again."""
        assert self._server is not None
        await self._server.aclose()

    async def accept(self) -> PeerConnection:
        """The next connection that has sent `identify`."""
        with trio.fail_after(PATIENCE_SECONDS):
            return await self._receive.receive()

    def _process_request(self, _connection: ServerConnection, _request: Request) -> Response | None:
        if self.refusal is None:
            return None
        status, body = self.refusal
        headers = Headers({"Content-Type": "text/plain", "Content-Length": str(len(body))})
        return Response(status, http.HTTPStatus(status).phrase, headers, body.encode())

    async def _handle(self, websocket: ServerConnection) -> None:
        connection = PeerConnection(websocket)
        try:
            request = await connection.receive()
            assert request["method"] == "identify", "identify must come first"
            connection.identity = request["params"]
            if self.greets:
                session_id = connection.identity.get("sessionId", "")
                await connection.answer(request, {"sessionId": session_id, "project": "default"})
        except ConnectionClosed:
            return
        await self._send.send(connection)
        await websocket.wait_closed()


def task_added(task_id: str = "a") -> Json:
    """A result of `add_task`."""
    task = {
        "id": task_id,
        "description": "something",
        "status": "available",
        "priority": 0,
        "attempt": 0,
        "version": 1,
    }
    return {"task": task}
