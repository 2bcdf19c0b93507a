"""Agents at work, to watch: real MCP clients, each driving an MCP process of its own.

Owns the sample plan, what a scripted agent does, and how it is told. The work is pretended; every
claim and report is real. Must not know how the coordinator works: agents use its tools.
"""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import trio
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from mcp_client.hosts import launcher
from mcp_client.local_server import local_server
from protocol.cli.screen import Cell, Column, Screen, show
from protocol.cli.text import one_line
from protocol.client import connect
from protocol.errors import ConnectionLost, CoordinatorError

__all__ = ["SAMPLE_PLAN", "Agent", "Options", "ToolRefused", "run", "run_agent"]

PROBE_SECONDS: Final = 1.0
"""How long a server may take to answer before the demo starts one of its own."""
WAIT_SECONDS: Final = 1
"""Short for a wait: whoever waits when the last task is done hears of it this late."""

SAMPLE_PLAN: Final[list[dict[str, Any]]] = [
    {"id": "setup-project", "description": "Lay out the project"},
    {"id": "setup-db", "description": "Set up the database"},
    {"id": "setup-env", "description": "Set up the environment"},
    {
        "id": "auth-api",
        "description": "Build the API that signs users in",
        "dependencies": ["setup-project", "setup-db"],
    },
    {
        "id": "auth-ui",
        "description": "Build the form that signs users in",
        "dependencies": ["setup-project"],
    },
    {
        "id": "auth-context",
        "description": "Keep users signed in across pages",
        "dependencies": ["auth-api", "auth-ui"],
    },
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How many agents, how long they take per task, and where the server should be."""

    workers: int
    pace_seconds: float
    url: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the demo plays."""

    url: str
    project: str
    token: str | None

    def environment(self, name: str) -> dict[str, str]:
        env = {
            "TASK_COORDINATOR_URL": self.url,
            "TASK_COORDINATOR_PROJECT": self.project,
            "TASK_COORDINATOR_NAME": name,
        }
        return env if self.token is None else {**env, "TASK_COORDINATOR_TOKEN": self.token}


class ToolRefused(CoordinatorError):
    """A tool answered with a refusal."""


Tell = Callable[[str, str, str], None]
"""Takes who, does what, with which task."""


@dataclass
class Agent:
    """A scripted agent behind one MCP connection: it does what the instructions teach."""

    name: str
    tools: Client
    pace_seconds: float
    tell: Tell

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool.

        Raises:
            ToolRefused: the coordinator said no.
        """
        answer = await self.tools.call_tool(tool, arguments)
        if answer.is_error:
            texts = [part.text for part in answer.content if isinstance(part, TextContent)]
            raise ToolRefused(texts[0].partition("\n")[0])
        result: dict[str, Any] = answer.structured_content
        return result

    async def work(self) -> None:
        """Take tasks and finish them until the whole plan is finished."""
        slot = (await self.use("claim_worker_slot", workerId=self.name))["slot"]
        try:
            while (claim := await self._next()) is not None:
                await self._do(claim)
        finally:
            with trio.move_on_after(1, shield=True):
                await self.use("release_worker_slot", slot=slot, workerId=self.name)

    async def _next(self) -> dict[str, Any] | None:
        """The next task, however long that takes; None when the plan is finished."""
        while True:
            answer = await self.use("claim_next_task", workerId=self.name, waitSeconds=WAIT_SECONDS)
            if "task" in answer:
                self.tell(self.name, "takes", answer["task"]["id"])
                return answer
            if answer["remaining"] == 0:
                return None

    async def _do(self, claim: dict[str, Any]) -> None:
        task_id: str = claim["task"]["id"]
        await trio.sleep(self.pace_seconds)
        report = await self.use(
            "update_task",
            taskId=task_id,
            status="done",
            workerId=self.name,
            output=f"{claim['task']['description']}: done by {self.name}",
            claimToken=claim["claimToken"],
        )
        unblocked: list[str] = report["unblocked"]
        ready = f" (now ready: {', '.join(unblocked)})" if unblocked else ""
        self.tell(self.name, "finishes", f"{task_id}{ready}")


async def run(options: Options, screen: Screen) -> None:
    """Play the demo and tell it on stdout.

    Raises:
        CoordinatorError: the server refused something, or could not be started.
    """
    async with _place(options) as place:
        show(f"{options.workers} agents at {place.url}, in the project {place.project}\n\n")
        started = trio.current_time()
        async with connect(
            place.url, project=place.project, token=place.token, name="demo"
        ) as coordinator:
            await coordinator.call("add_tasks", {"tasks": SAMPLE_PLAN})
            await _play(options, place, _Story(screen, started))
            tasks = (await coordinator.call("list_tasks"))["tasks"]
        show(f"\n{_summary(screen, tasks, trio.current_time() - started)}")


async def _play(options: Options, place: _Place, tell: Tell) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(1, options.workers + 1):
            name = f"worker-{number}"
            env = place.environment(name)
            nursery.start_soon(run_agent, name, env, options.pace_seconds, tell)


async def run_agent(name: str, env: dict[str, str], pace_seconds: float, tell: Tell) -> None:
    """Start an MCP process, let an agent work through it, and end it."""
    command, *args = launcher()
    process = StdioServerParameters(command=command, args=[*args, "mcp"], env=env)
    async with Client(process) as tools:
        await Agent(name, tools, pace_seconds, tell).work()


@asynccontextmanager
async def _place(options: Options) -> AsyncGenerator[_Place]:
    """A project of its own, on the server that runs or on one that runs as long as the demo."""
    project = f"demo-{secrets.token_hex(3)}"
    try:
        async with connect(options.url, token=options.token, connect_timeout=PROBE_SECONDS):
            pass
    except ConnectionLost as lost:
        if "status" in lost.data:  # there is a server, and it does not let the demo in
            raise
        show(f"{one_line(lost.message)}\nStarting a server for the demo.\n")
        async with local_server(slots=options.workers) as url:
            yield _Place(url, project, None)
    else:
        show(f"Its dashboard shows them at it: choose the project {project} at the top.\n")
        yield _Place(options.url, project, options.token)


class _Story:
    """Tells what happens, a line each."""

    def __init__(self, screen: Screen, started: float) -> None:
        self._screen = screen
        self._started = started

    def __call__(self, who: str, does: str, what: str) -> None:
        seconds = f"{trio.current_time() - self._started:5.1f} s"
        style = "green" if does == "finishes" else ""
        cells: list[Cell | str] = [Cell(seconds, "dim"), Cell(who, "bold"), Cell(does, style), what]
        show(self._screen.line(cells, (7, 10, 15)))


def _summary(screen: Screen, tasks: list[dict[str, Any]], seconds: float) -> str:
    columns = [Column("task"), Column("status"), Column("worker"), Column("depends on")]
    rows = [
        [
            task["id"],
            task["status"],
            task.get("workerId", ""),
            " ".join(task.get("dependencies", [])),
        ]
        for task in tasks
    ]
    done = sum(task["status"] == "done" for task in tasks)
    claims = sum(task["attempt"] for task in tasks)
    ending = f"{done} of {len(tasks)} tasks done in {seconds:.1f} s, with {claims} claims"
    once = ": each task was taken exactly once" if claims == done == len(tasks) else ""
    return f"{screen.table(columns, rows)}\n{ending}{once}.\n"
