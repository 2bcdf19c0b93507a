"""Talking to a server process as a client that checks every word.

Owns the few steps that the tests of bad input share.
"""

import json
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from websockets.trio.client import ClientConnection, connect

from tests.protocol.peers import RawClient

DEADLINE_SECONDS = 20
Json = dict[str, Any]


@asynccontextmanager
async def client(url: str) -> AsyncGenerator[ClientConnection]:
    with trio.fail_after(DEADLINE_SECONDS):
        async with connect(url, compression=None, proxy=None) as connection:
            yield connection


def request(method: str, params: Any, id_: int = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": id_})


async def ask(connection: ClientConnection, frame: str) -> Any:
    """The answer to a frame; what kind of error it is must be in the reference."""
    await connection.send(frame)
    return json.loads(await connection.recv())


async def call(connection: ClientConnection, method: str, **params: Any) -> Any:
    """The result of a call that must succeed."""
    return (await ask(connection, request(method, params)))["result"]


async def add(connection: ClientConnection, id_: str) -> None:
    """Add a task that will be looked for in the end."""
    await call(connection, "add_task", id=id_, description=f"what {id_} is about")


def assert_clean(log: Path) -> None:
    """Nothing on stderr: neither a trace nor anything else that nobody could act on."""
    assert log.read_text() == ""


async def ask_until_it_stops_reading(connection: RawClient) -> None:
    """Send requests and read no answers, until the server reads no more either."""
    discover = request("rpc.discover", {}).encode()
    frame = struct.pack("!BBI", 0x81, 0x80 | len(discover), 0) + discover
    blocked = False
    while not blocked:
        with trio.move_on_after(0.5) as patience:
            await connection.stream.send_all(frame * 100)
        blocked = patience.cancelled_caught
