"""The stdio transport over real pipes: whole messages, and a prompt end whatever the host does."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
import trio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest, JSONRPCResponse

from mcp_client import transport
from mcp_client.transport import Incoming, Outgoing, message_streams

PATIENCE_SECONDS = 5.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Host:
    """The other ends of the wire."""

    to_server: int
    from_server: int

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.to_server, data) :]

    async def read_line(self) -> bytes:
        line = b""
        with trio.fail_after(PATIENCE_SECONDS):
            while not line.endswith(b"\n"):
                await trio.lowlevel.wait_readable(self.from_server)
                line += os.read(self.from_server, 1 << 20)
        return line


@contextmanager
def pipes() -> Generator[tuple[Host, int, int]]:
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    ends = [read_in, write_in, read_out, write_out]
    try:
        yield Host(write_in, read_out), read_in, write_out
    finally:
        for end in ends:
            try:
                os.close(end)
            except OSError:
                continue


@asynccontextmanager
async def wired() -> AsyncGenerator[tuple[Host, Incoming, Outgoing]]:
    with pipes() as (host, wire_in, wire_out), trio.fail_after(PATIENCE_SECONDS):
        async with message_streams(wire_in, wire_out) as (received, to_send):
            yield host, received, to_send


def request(number: int, method: str = "ping") -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method}).encode() + b"\n"


async def next_id(received: Incoming) -> int | str:
    item = await received.receive()
    assert isinstance(item, SessionMessage)
    assert isinstance(item.message, JSONRPCRequest)
    return item.message.id


async def end(host: Host, to_send: Outgoing) -> None:
    os.close(host.to_server)
    await to_send.aclose()


async def test_messages_come_whole_however_they_are_cut() -> None:
    async with wired() as (host, received, to_send):
        host.write(request(1) + request(2)[:10])
        assert await next_id(received) == 1
        host.write(request(2)[10:] + b"\n  \n" + request(3).replace(b"\n", b"\r\n"))
        assert await next_id(received) == 2
        assert await next_id(received) == 3
        await end(host, to_send)
        with pytest.raises(anyio.EndOfStream):
            await received.receive()


async def test_a_message_larger_than_a_pipe_goes_both_ways() -> None:
    text = "é\u2028" * 200_000
    async with wired() as (host, received, to_send):
        line = json.dumps({"jsonrpc": "2.0", "id": text, "method": "x"}).encode() + b"\n"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, host.write, line)
            assert await next_id(received) == text
        answer = JSONRPCResponse(jsonrpc="2.0", id=1, result={"text": text})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(to_send.send, SessionMessage(answer))
            assert json.loads(await host.read_line())["result"] == {"text": text}
        await end(host, to_send)


@pytest.mark.parametrize(
    ("line", "code", "answered_id"),
    [
        (b"no json", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"x","params":[1]}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":"s","method":5}', -32600, "s"),
        (b'{"jsonrpc":"2.0","id":true,"method":5}', -32600, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud800"}}', -32600, 1),
    ],
)
async def test_a_line_that_is_no_message_is_answered_and_the_next_one_works(
    line: bytes, code: int, answered_id: int | str | None
) -> None:
    async with wired() as (host, received, to_send):
        await trio.to_thread.run_sync(host.write, line + b"\n")
        answer = json.loads(await host.read_line())
        assert answer["error"]["code"] == code
        assert answer["id"] == answered_id
        host.write(request(2))
        assert await next_id(received) == 2
        await end(host, to_send)


async def test_a_host_that_no_longer_reads_ends_the_block_quietly() -> None:
    async with wired() as (host, _received, to_send):
        os.close(host.from_server)
        await to_send.send(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={})))
        await trio.sleep_forever()


async def test_cancelling_ends_a_read_that_is_stuck() -> None:
    with trio.move_on_after(0.1) as scope:
        async with wired() as (_host, received, _to_send):
            await received.receive()
    assert scope.cancelled_caught


async def test_cancelling_ends_a_write_that_is_stuck() -> None:
    full = SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={"text": "x" * 1_000_000}))
    with trio.move_on_after(0.2) as scope:
        async with wired() as (_host, _received, to_send):
            while True:
                await to_send.send(full)
    assert scope.cancelled_caught


async def test_an_endless_line_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LINE_BYTES_MAX", 1_000)
    async with wired() as (host, received, to_send):
        host.write(b"x" * 1_001)
        with pytest.raises(anyio.EndOfStream):
            await received.receive()
        await to_send.aclose()


STRAY = """
import os, sys
from mcp_client.transport import claim_stdio
wire_in, wire_out = claim_stdio()
print("stray")
sys.stdout.flush()
os.system("echo child")
assert sys.stdin.read() == ""
os.write(wire_out, os.read(wire_in, 100))
"""


def test_only_the_wire_reaches_stdout() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STRAY],
        input="message\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=ROOT,
    )
    assert ran.stdout == "message\n"
    assert ran.stderr == "stray\nchild\n"
