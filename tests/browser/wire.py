"""A wire between the browser and the server that can go dead without a word.

Owns a TCP forwarder on a port of its own. Frozen, it keeps its WebSockets open and lets nothing
through them, as a network does after the machine slept: no side is told anything. What else is
idle is ended, which browsers and servers do by themselves long before.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from tests.browser.stage import Stage

CHUNK = 65_536
UPGRADE = b"upgrade: websocket"


class Wire:
    """Forwards connections to one port."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._scopes: list[trio.CancelScope] = []
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def freeze(self) -> None:
        """Let nothing through any more on the connections that there are now."""
        for scope in self._scopes:
            scope.cancel()

    async def forward(self, near: trio.SocketStream) -> None:
        """Serve one connection until both sides have ended it."""
        first = await near.receive_some(CHUNK)
        far = await trio.open_tcp_stream("127.0.0.1", self._target)
        async with near, far:
            await far.send_all(first)
            with trio.CancelScope() as scope:
                self._scopes.append(scope)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_copy, near, far)
                    nursery.start_soon(_copy, far, near)
            if scope.cancelled_caught and UPGRADE in first.lower():
                await trio.sleep_forever()


async def _copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    try:
        async for chunk in source:
            await sink.send_all(chunk)
        await sink.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return  # one side is gone; the other is told when the block of both ends


@asynccontextmanager
async def _running(wire: Wire) -> AsyncGenerator[Wire]:
    async def serve(task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
        await trio.serve_tcp(wire.forward, 0, host="127.0.0.1", task_status=task_status)

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(serve)
        wire.port = listeners[0].socket.getsockname()[1]
        yield wire
        nursery.cancel_scope.cancel()


def wire(stage: Stage) -> Wire:
    """A wire to the stage's dashboard, which stays until the stage ends."""
    return stage.loop.open(_running(Wire(stage.dashboard_port)))
