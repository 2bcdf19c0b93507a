"""The process's stdin and stdout as a pair of MCP message streams.

Owns the wire of the stdio transport: one JSON-RPC message per line, and nothing else on stdout.
Must not know what the messages say. The SDK's own `stdio_server` waits for stdin in a thread that
cannot be abandoned, so a process told to stop would hang until the host writes its next line, and
it fails with a traceback when the host is gone; hence this one.
"""

import json
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    jsonrpc_message_adapter,
)

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
    async with received, to_send, trio.open_nursery() as nursery:
        nursery.start_soon(_read, wire_in, received_in, to_send.clone())
        nursery.start_soon(_write, wire_out, to_send_out, nursery.cancel_scope)
        yield received, to_send


async def _read(
    wire_in: int, received: MemoryObjectSendStream[SessionMessage | Exception], refused: Outgoing
) -> None:
    rest = bytearray()
    async with received, refused:
        while chunk := await _read_chunk(wire_in):
            rest += chunk
            *lines, rest = rest.split(b"\n")
            for line in lines:
                try:
                    await _take(bytes(line), received, refused)
                except anyio.BrokenResourceError:
                    return
            if len(rest) > LINE_BYTES_MAX:
                _log.error("the host sent a line of more than %d bytes; closing", LINE_BYTES_MAX)
                return


async def _read_chunk(wire_in: int) -> bytes:
    """What is there to read; nothing once the host closed its end."""
    try:
        return await trio.to_thread.run_sync(os.read, wire_in, _CHUNK_BYTES, abandon_on_cancel=True)
    except OSError:
        return b""


async def _take(
    line: bytes, received: MemoryObjectSendStream[SessionMessage | Exception], refused: Outgoing
) -> None:
    if not line.strip():
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        # The SDK would drop it without a word, and the host would wait for an answer forever.
        await refused.send(SessionMessage(_refusal_of(line)))
    else:
        await received.send(SessionMessage(message))


def _refusal_of(line: bytes) -> JSONRPCError:
    """The answer to a line that is no message, to the request it was meant to be if possible."""
    try:
        request: Any = json.loads(line)
    except (ValueError, RecursionError):
        error = ErrorData(code=PARSE_ERROR, message="Parse error: the line is not JSON.")
        return JSONRPCError(jsonrpc="2.0", id=None, error=error)
    request_id: str | int | None = None
    match request:
        case {"id": str() | int() as given} if not isinstance(given, bool):
            request_id = given
        case _:
            pass
    error = ErrorData(
        code=INVALID_REQUEST,
        message="Invalid request: the line is not one JSON-RPC 2.0 message of valid Unicode.",
    )
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=error)


async def _write(
    wire_out: int, to_send: MemoryObjectReceiveStream[SessionMessage], host: trio.CancelScope
) -> None:
    async with to_send:
        async for item in to_send:
            try:
                await trio.to_thread.run_sync(
                    _write_all, wire_out, _line(item.message), abandon_on_cancel=True
                )
            except OSError:
                host.cancel()
                return


def _line(message: JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"


def _write_all(wire_out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(wire_out, view) :]
