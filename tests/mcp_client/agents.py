"""Real MCP processes for tests, each driven by the MCP SDK's own client over stdio.

Owns starting `task-coordinator mcp` the way an agent's host does, calling its tools, and finding
its process.
"""

import json
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import trio
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, Implementation, TextContent

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20.0
MARK = "TEST_AGENT_MARK"


@dataclass
class Agent:
    """An MCP client with one MCP process behind it."""

    client: Client
    log: Path
    """What the process says on stderr."""
    mark: str
    meta: dict[str, Any] | None = None
    """What the host says about every call."""

    @property
    def process(self) -> psutil.Process:
        """The MCP process itself."""
        (found,) = (
            child for child in psutil.Process().children() if child.environ().get(MARK) == self.mark
        )
        return found

    async def ask(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, whatever comes of it."""
        with trio.fail_after(PATIENCE_SECONDS):
            return await self.client.call_tool(tool, arguments, meta=self.meta)  # type: ignore[arg-type]  # any host's own

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


def notices_of(answer: CallToolResult) -> list[str]:
    """What stands in an answer after its result or its refusal."""
    return [text_of(answer, part) for part in range(1, len(answer.content))]


@asynccontextmanager
async def agent(
    url: str,
    folder: Path,
    *,
    mode: str = "auto",
    host: str = "test",
    variables: dict[str, str] | None = None,
    **settings: str,
) -> AsyncGenerator[Agent]:
    """An agent for the length of the block, run by a host of this name.

    `settings` become `TASK_COORDINATOR_...` variables; `variables` are taken as they are.
    """
    command, *args = mcp_command()
    mark = secrets.token_hex(4)
    env = {f"TASK_COORDINATOR_{name.upper()}": value for name, value in settings.items()}
    env |= {"TASK_COORDINATOR_URL": url, MARK: mark, **(variables or {})}
    process = StdioServerParameters(command=command, args=args, cwd=ROOT, env=env)
    log = folder / f"agent-{mark}.log"
    info = Implementation(name=host, version="1")
    with log.open("w") as errors:
        transport = stdio_client(process, errlog=errors)
        async with Client(transport, mode=mode, client_info=info) as client:
            yield Agent(client, log, mark)
