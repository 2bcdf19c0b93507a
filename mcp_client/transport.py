"""The process's stdin and stdout as a pair of MCP message streams.

Owns the wire of the stdio transport: one JSON-RPC message per line, and nothing else on stdout.
Must not know what the messages say. The SDK's own `stdio_server` waits for stdin in a thread that
cannot be abandoned, so a process told to stop would hang until the host writes its next line, and
it fails with a traceback when the host is gone; hence this one.
"""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

__all__ = ["LINE_BYTES_MAX", "claim_stdio", "message_streams"]

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""A host that writes a longer line is not speaking MCP."""
_CHUNK_BYTES: Final = 64 * 1024

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]

_log = logging.getLogger(__name__)


def claim_stdio() -> tuple[int, int]:
    """Take stdin and stdout for the wire and return them as private file descriptors.

    From then on the process's own stdin is empty and its stdout goes to stderr, so that a stray
    `print` of a library cannot damage the wire.
    """
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire_in, wire_out


@asynccontextmanager
async def message_streams(wire_in: int, wire_out: int) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """Speak MCP over two file descriptors.

    The incoming stream ends when the host closes its end. When the host no longer reads, the
    block is cancelled and left quietly. Cancelling takes effect at once, even while a read or a
    write of the operating system is stuck.
    """
    received_in, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_send, to_send_out = anyio.create_memory_object_stream[SessionMessage](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read, wire_in, received_in)
        nursery.start_soon(_write, wire_out, to_send_out, nursery.cancel_scope)
        yield received, to_send


async def _read(wire_in: int, received: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    rest = bytearray()
    with received:
        while chunk := await _read_chunk(wire_in):
            rest += chunk
            *lines, tail = rest.split(b"\n")
            rest = tail
            for line in lines:
                if not line.strip():
                    continue
                try:
                    await received.send(_parse(bytes(line)))
                except anyio.BrokenResourceError:
                    return
            if len(rest) > LINE_BYTES_MAX:
                _log.error("the host sent a line of more than %d bytes; closing", LINE_BYTES_MAX)
                return


async def _read_chunk(wire_in: int) -> bytes:
    try:
        return await trio.to_thread.run_sync(os.read, wire_in, _CHUNK_BYTES, abandon_on_cancel=True)
    except OSError:
        return b""


def _parse(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _write(
    wire_out: int, to_send: MemoryObjectReceiveStream[SessionMessage], host: trio.CancelScope
) -> None:
    async with to_send:
        async for item in to_send:
            message = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                await trio.to_thread.run_sync(
                    _write_all, wire_out, message.encode() + b"\n", abandon_on_cancel=True
                )
            except OSError:
                host.cancel()
                return


def _write_all(wire_out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(wire_out, view) :]
