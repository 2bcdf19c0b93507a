"""What the dashboard's tests stand on: a server to ask, raw HTTP requests, and WebSockets.

Owns one server process for many tests (each test uses a project of its own), and a small HTTP
client that sends exactly what it is told and shows what came back.
"""

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h11
import trio
from websockets.trio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from actor.clock import SYSTEM_CLOCK
from actor.coordinator import Coordinator
from actor.store.memory import MemoryStore
from dashboard.app import Dashboard
from dashboard.asgi import App
from dashboard.hosting import serve_connections
from dashboard.pages import Pages
from protocol.dispatch import Dispatcher
from protocol.gate import Gate
from protocol.limits import CONNECTIONS_MAX

PATIENCE_SECONDS = 10.0
TOKEN = "open-sesame-open"
JSON_TYPE = ("Content-Type", "application/json")

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """An HTTP response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A dashboard that is being served."""

    port: int
    token: str | None = None

    async def dial(self) -> trio.SocketStream:
        """A TCP connection to do with as one likes."""
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(
        self,
        method: str,
        path: str,
        *headers: tuple[str, str],
        body: bytes = b"",
        host: str = "localhost",
    ) -> Answer:
        """Send one request, with exactly these headers, `Host` and the body's length."""
        sent = [("Host", host), *headers]
        if body:
            sent.append(("Content-Length", str(len(body))))
        client = h11.Connection(h11.CLIENT)
        with trio.fail_after(PATIENCE_SECONDS):
            async with await self.dial() as stream:
                request = h11.Request(method=method, target=path, headers=sent)
                await stream.send_all(client.send(request))
                await stream.send_all(client.send(h11.Data(data=body)))
                await stream.send_all(client.send(h11.EndOfMessage()))
                return await _receive(client, stream)

    async def post(self, message: Any, project: str, *headers: tuple[str, str]) -> Answer:
        """`POST /rpc` of a JSON value, or of a body as it is."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        path = f"/rpc/projects/{project}"
        return await self.ask("POST", path, JSON_TYPE, *headers, body=body)

    async def result(self, project: str, method: str, **params: Any) -> Any:
        """The result of one call by `POST`."""
        return (await self.post(request(method, **params), project)).json()["result"]

    def socket(
        self,
        path: str = "/rpc",
        *,
        host: str = "localhost",
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        subprotocols: Iterable[str] = (),
    ) -> AbstractAsyncContextManager[ClientConnection]:
        """A WebSocket to be opened with `async with`."""
        return connect(
            f"ws://{host}{path}",
            host="127.0.0.1",
            port=self.port,
            origin=None if origin is None else Origin(origin),
            additional_headers=headers,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            max_size=None,
            proxy=None,
        )


def request(method: str, /, id_: int | None = 1, **params: Any) -> Json:
    """A JSON-RPC request; without an id it is a notification."""
    message: Json = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if id_ is None else {**message, "id": id_}


async def call(socket: ClientConnection, method: str, /, id_: int = 1, **params: Any) -> Any:
    """The result of a call on a socket that nothing else comes in on."""
    await socket.send(json.dumps(request(method, id_, **params)))
    return (await receive(socket))["result"]


async def receive(socket: ClientConnection) -> Json:
    """The next frame."""
    with trio.fail_after(PATIENCE_SECONDS):
        frame = await socket.recv()
    assert isinstance(frame, str), "only text frames are sent"
    message: Json = json.loads(frame)
    return message


async def closing(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the end of a connection; its close code and reason."""
    with trio.fail_after(PATIENCE_SECONDS):
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


# --- servers ----------------------------------------------------------------------------------


@contextmanager
def site_process(folder: Path, token: str | None = None) -> Generator[Site]:
    """A real server process, shared by the tests of a session."""
    command = [sys.executable, "-m", "task_coordinator", "serve", "--json", "--port", "0"]
    command += ["--dashboard-port", "0", "--database", str(folder / "tasks.db")]
    command += ["--token", token] if token else []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            announced = json.loads(process.stdout.readline())
            yield Site(announced["dashboardPort"], token)
        finally:
            process.terminate()


@asynccontextmanager
async def app_site(app: App, shutdown: trio.Event | None = None) -> AsyncGenerator[Site]:
    """An app behind a real listener in this process, cut off when the block is left."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    stop = trio.Event() if shutdown is None else shutdown
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve_connections, app, listeners, stop))
        yield Site(listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def dashboard_site(
    *, sockets_max: int = CONNECTIONS_MAX, shutdown: trio.Event | None = None
) -> AsyncGenerator[Site]:
    """The whole dashboard on a coordinator that forgets, in this process."""
    stop = trio.Event() if shutdown is None else shutdown
    async with trio.open_nursery() as nursery:
        coordinator = await Coordinator.open(MemoryStore(), SYSTEM_CLOCK)
        await nursery.start(coordinator.run)
        dispatcher = Dispatcher(coordinator)
        app = Dashboard(dispatcher, Gate(), Pages(), stop, sockets_max=sockets_max)
        async with app_site(app, stop) as site:
            yield site
        nursery.cancel_scope.cancel()


async def _receive(client: h11.Connection, stream: trio.SocketStream) -> Answer:
    status, headers, body = 0, dict[str, str](), b""
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, body)
        else:
            assert isinstance(event, h11.InformationalResponse), f"unexpected: {event}"
