"""The MCP server that an agent starts: one process per agent, speaking stdio.

Owns the MCP side: what is answered to which request. Must not know the actor or SQL; everything
about the coordinator goes through the bridge. Serves both eras of the protocol, the `initialize`
handshake and the envelope of 2026-07-28; the host's first request decides.
"""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import trio
from mcp.server import CacheHint, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from mcp_client.bridge import Bridge
from mcp_client.identity import Identity
from mcp_client.instructions import INSTRUCTIONS
from mcp_client.keeper import IDLE_SECONDS, Keeper
from mcp_client.refusals import refusal_text
from mcp_client.tools import TOOL_METHODS, list_tools
from mcp_client.transport import claim_stdio, message_streams
from protocol.client import connect
from protocol.errors import CoordinatorError
from protocol.version import VERSION

__all__ = ["Options", "build_server", "serve_stdio"]

NAME: Final = "task-coordinator"
_TOOLS_FRESH_MS: Final = 3_600_000
"""The tools of one process never change; a host may keep the list for an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the coordinator is and who calls; None leaves it to the client's defaults.

    Without a `worker_id` the host's session tells, or chance. An agent that is silent for
    `idle_seconds` loses what it holds.
    """

    url: str | None = None
    project: str | None = None
    token: str | None = None
    name: str | None = None
    worker_id: str | None = None
    idle_seconds: float = IDLE_SECONDS


async def serve_stdio(options: Options) -> None:
    """Serve one agent over stdin and stdout until it closes stdin or a signal says stop.

    The coordinator need not be there: the connection is made, and made again, in the background.
    Whatever the agent still holds at the end is given back, within two seconds. SIGINT and SIGTERM
    end it in order; a second one ends it at once.

    Raises:
        ValueError: an option cannot be used; nothing was read or written yet.
    """
    identity = Identity(options.worker_id, os.environ)
    async with connect(
        options.url,
        project=options.project,
        token=options.token,
        name=options.name,
        wait=False,
    ) as client:
        keeper = Keeper(client, options.idle_seconds)
        server = build_server(Bridge(client, keeper), identity)
        serving = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            await nursery.start(_stop_on_signal, serving)
            with serving:
                await _serve(server, keeper)
            # A signal that comes now, after the host closed stdin, does not cut this short.
            await keeper.give_back()
            nursery.cancel_scope.cancel()


async def _serve(server: Server[Any], keeper: Keeper) -> None:
    wire_in, wire_out = claim_stdio()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        async with message_streams(wire_in, wire_out) as (received, to_send):
            await server.run(received, to_send, server.create_initialization_options())
        nursery.cancel_scope.cancel()


async def _stop_on_signal(
    serving: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            serving.cancel()
            return


def build_server(bridge: Bridge, identity: Identity) -> Server[Any]:
    """The MCP server whose tools are carried out by `bridge`, for the workers of `identity`."""

    async def on_list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=list_tools())

    async def on_call_tool(
        context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        method = TOOL_METHODS.get(params.name)
        if method is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name}")
        arguments = params.arguments or {}
        caller = identity.worker_id(_host_of(context), context.meta)
        try:
            answer = await bridge.call(method, arguments, caller)
        except CoordinatorError as error:
            # Without structured content: some hosts hold it against the tool's output schema even
            # where the call was refused.
            texts = _texts([refusal_text(error), *bridge.news(arguments, caller)])
            return CallToolResult(content=texts, is_error=True)
        # The result as structured content and the same as text; notices stand in texts after it.
        result = msgspec.json.encode(answer.result).decode()
        texts = _texts([result, *answer.notices, *bridge.news(arguments, caller)])
        return CallToolResult(content=texts, structured_content=answer.result)

    return Server(
        NAME,
        version=VERSION,
        title="Task Coordinator",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": CacheHint(ttl_ms=_TOOLS_FRESH_MS, scope="public")},
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
    )


def _host_of(context: ServerRequestContext[Any]) -> str | None:
    """What the host calls itself."""
    params = context.session.client_params
    return params.client_info.name if params is not None else None


def _texts(texts: Sequence[str]) -> list[ContentBlock]:
    return [TextContent(type="text", text=text) for text in texts]
