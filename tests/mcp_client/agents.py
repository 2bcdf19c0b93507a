"""Real MCP processes for tests, each driven by the MCP SDK's own client over stdio.

Owns starting `task-coordinator mcp` the way an agent's host does, and calling its tools.
"""

import json
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20.0


@dataclass
class Agent:
    """An MCP client with one MCP process behind it."""

    client: Client
    log: Path
    """What the process says on stderr."""

    async def ask(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, whatever comes of it."""
        with trio.fail_after(PATIENCE_SECONDS):
            return await self.client.call_tool(tool, arguments)

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; its structured result, which its text must equal."""
        answer = await self.ask(tool, **arguments)
        assert not answer.is_error, text_of(answer)
        result: dict[str, Any] = answer.structured_content
        assert json.loads(text_of(answer)) == result
        return result

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must be refused; the refusal's text."""
        answer = await self.ask(tool, **arguments)
        assert answer.is_error
        assert answer.structured_content is None
        return text_of(answer)


def text_of(answer: CallToolResult, part: int = 0) -> str:
    content = answer.content[part]
    assert isinstance(content, TextContent)
    return content.text


def mcp_command() -> list[str]:
    return [sys.executable, "-W", "error", "-m", "task_coordinator", "mcp"]


@asynccontextmanager
async def agent(
    url: str, folder: Path, *, mode: str = "auto", **settings: str
) -> AsyncGenerator[Agent]:
    """An agent for the length of the block. `settings` become `TASK_COORDINATOR_...` variables."""
    command, *args = mcp_command()
    env = {f"TASK_COORDINATOR_{name.upper()}": value for name, value in settings.items()}
    process = StdioServerParameters(
        command=command, args=args, cwd=ROOT, env={"TASK_COORDINATOR_URL": url, **env}
    )
    log = folder / f"agent-{secrets.token_hex(4)}.log"
    with log.open("w") as errors:
        async with Client(stdio_client(process, errlog=errors), mode=mode) as client:
            yield Agent(client, log)
