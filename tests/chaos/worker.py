"""One agent's host, as a process of its own: it drives an MCP process and does what it is given.

Owns the loop of a worker and what it says on stdout, one JSON line per thing that happened. Run as
`python -m tests.chaos.worker URL NAME SECONDS`; ends when nothing is left to do. It knows nothing
of the faults that it is put through.
"""

import json
import random
import sys
from typing import Any

import trio
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from tests.mcp_client.agents import ROOT, mcp_command

WAIT_SECONDS = 5


class Refused(Exception):
    """A tool said no; the first word is the reason."""

    @property
    def reason(self) -> str:
        return str(self).partition(":")[0]


def say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


async def use(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool.

    Raises:
        Refused: the coordinator said no, or could not be reached.
    """
    answer: CallToolResult = await client.call_tool(tool, arguments)
    texts = [part.text for part in answer.content if isinstance(part, TextContent)]
    for notice in texts[1:]:
        say("notice", text=notice)
    if answer.is_error:
        raise Refused(texts[0].partition("\n")[0])
    result: dict[str, Any] = answer.structured_content
    return result


async def work(client: Client, name: str, seconds: float) -> None:
    """Claim, work, report, until nothing is left."""
    rng = random.Random(name)
    while True:
        try:
            await use(client, "claim_worker_slot", workerId=name, waitSeconds=WAIT_SECONDS)
            claim = await use(client, "claim_next_task", workerId=name, waitSeconds=WAIT_SECONDS)
        except Refused as refused:
            if refused.reason == "slot_busy":  # it was frozen while it was given something
                await give_back(client, name)
            say("refused", reason=refused.reason)
            continue
        if "task" in claim:
            await carry_out(client, name, claim, seconds * rng.uniform(0.5, 1.5))
        elif claim["remaining"] == 0:
            return


async def give_back(client: Client, name: str) -> None:
    """Hand back a task that this worker holds without knowing why."""
    slot = await use(client, "claim_worker_slot", workerId=name)
    if "taskId" in slot:
        await use(client, "release_task", taskId=slot["taskId"], workerId=name)


async def carry_out(client: Client, name: str, claim: dict[str, Any], seconds: float) -> None:
    """Work on a task and report, with the token of this claim."""
    task_id, token = claim["task"]["id"], claim["claimToken"]
    say("claimed", task=task_id, token=token)
    await trio.sleep(seconds)
    try:
        report = {"taskId": task_id, "workerId": name, "claimToken": token}
        await use(client, "update_task", status="done", output=f"by {name}", **report)
    except Refused as refused:
        say("report refused", task=task_id, token=token, reason=refused.reason)
    else:
        say("done", task=task_id, token=token)


async def main(*words: str) -> None:
    url, name, seconds = words
    command, *args = mcp_command()
    environment = {"TASK_COORDINATOR_URL": url, "TASK_COORDINATOR_LOG_LEVEL": "error"}
    process = StdioServerParameters(command=command, args=args, cwd=ROOT, env=environment)
    try:
        async with Client(process) as client:
            say("ready")
            await work(client, name, float(seconds))
    except* (MCPError, trio.BrokenResourceError, trio.ClosedResourceError, OSError):
        say("mcp process lost")


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
