"""What goes on behind the page: the server's process, clients, agents.

Owns a Trio loop in a thread of its own, since the page is driven by calls that block, and what
runs there: one server that can be killed and started again on the same ports and file, clients of
its projects, and MCP processes that work. Must not know the browser.
"""

import itertools
import queue
import random
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import trio

from protocol.client import Client, connect
from tests.mcp_client.agents import Agent, agent
from tests.servers import ServerProcess, free_port, start_server

PATIENCE_SECONDS = 30.0
BATCH = 1_000
Json = dict[str, Any]
T = TypeVar("T")


class _Part:
    """What runs between a `begin` and its `end`."""

    def __init__(self) -> None:
        self.nursery: trio.Nursery | None = None
        self.failure: BaseException | None = None
        self.ended = trio.Event()

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self.nursery = nursery
                task_status.started()
                await trio.sleep_forever()
        except BaseExceptionGroup as failures:
            self.failure = failures  # raised by `end`, in the test that it belongs to
        finally:
            self.ended.set()


class Loop:
    """A Trio loop in another thread, as long as `loop()` says."""

    def __init__(self, token: trio.lowlevel.TrioToken, nursery: trio.Nursery) -> None:
        self._token = token
        self._root = nursery
        self._part: _Part | None = None

    def begin(self) -> None:
        """From now on, what is started or opened ends with `end`."""
        part = _Part()

        async def begin() -> None:
            await self._root.start(part.run)

        self.run(begin)
        self._part = part

    def end(self) -> None:
        """End what was started or opened since `begin`. If something failed, raise that."""
        part, self._part = self._part, None
        assert part is not None, "nothing was begun"
        nursery = part.nursery
        assert nursery is not None, "it has not begun"
        self.call(nursery.cancel_scope.cancel)
        self.run(part.ended.wait)
        if part.failure is not None:
            raise part.failure

    @property
    def _nursery(self) -> trio.Nursery:
        part = self._part
        return self._root if part is None or part.nursery is None else part.nursery

    def run(
        self, function: Callable[..., Awaitable[T]], *args: Any, patience: float = PATIENCE_SECONDS
    ) -> T:
        """Call an async function there and wait for its result, but not for ever."""

        async def limited() -> T:
            with trio.fail_after(patience):
                return await function(*args)

        return trio.from_thread.run(limited, trio_token=self._token)

    def start(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Let an async function run there, in the background. If it fails, so does the test."""
        self.call(lambda: self._nursery.start_soon(function, *args))

    def call(self, function: Callable[[], T]) -> T:
        """Call a plain function there."""
        return trio.from_thread.run_sync(function, trio_token=self._token)

    def open(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a context there and stay in it until the end."""

        async def hold(task_status: trio.TaskStatus[T]) -> None:
            async with manager as value:
                task_status.started(value)
                await trio.sleep_forever()

        async def enter() -> T:
            value: T = await self._nursery.start(hold)
            return value

        return self.run(enter)

    def stop(self) -> None:
        self.call(self._root.cancel_scope.cancel)


@contextmanager
def loop() -> Generator[Loop]:
    """A loop for the length of the block; what failed in it is raised at the end."""
    ready: queue.SimpleQueue[Loop] = queue.SimpleQueue()
    failures: list[BaseException] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            ready.put(Loop(trio.lowlevel.current_trio_token(), nursery))
            await trio.sleep_forever()

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # noqa: BLE001 -- raised again in the test's thread
            failures.append(error)

    thread = threading.Thread(target=run, name="behind the page")
    thread.start()
    made = ready.get(timeout=PATIENCE_SECONDS)
    try:
        yield made
    finally:
        with suppress(trio.RunFinishedError):  # it failed, which is told below
            made.stop()
        thread.join(PATIENCE_SECONDS)
    if failures:
        raise failures[0]


class Worker:
    """An MCP process with an agent's host at its other end."""

    def __init__(self, name: str, loop: Loop, tools: Agent) -> None:
        self.name = name
        self._loop = loop
        self._agent = tools

    def use(self, tool: str, **arguments: Any) -> Json:
        """Call a tool that must succeed."""

        async def use() -> Json:
            return await self._agent.use(tool, **arguments)

        return self._loop.run(use)

    def join(self) -> int:
        """Take a slot; its number."""
        return int(self.use("claim_worker_slot", workerId=self.name)["slot"])

    def claim(self, task_id: str, slot: int) -> Json:
        """Take this task."""
        return self.use("claim_task", taskId=task_id, workerId=self.name, workerSlot=slot)

    def go_on(self, pace_seconds: float = 0.0) -> None:
        """Take whatever there is and finish it, in the background, until nothing is left.

        Between two reports it thinks, as an agent does, for `pace_seconds`.
        """
        self._loop.start(self._work, pace_seconds)

    async def _work(self, pace_seconds: float) -> None:
        use = self._agent.use
        await use("claim_worker_slot", workerId=self.name)
        while True:
            claim = await use("claim_next_task", workerId=self.name, waitSeconds=1)
            if "task" not in claim:
                return
            task = {"taskId": claim["task"]["id"], "workerId": self.name}
            task["claimToken"] = claim["claimToken"]
            await trio.sleep(pace_seconds)
            await use("report_progress", **task, progress=0.5, note="half way")
            await trio.sleep(pace_seconds)
            await use("update_task", **task, status="done", output=f"done by {self.name}")


class Stage:
    """A server and everybody who uses it beside the page."""

    def __init__(self, loop: Loop, folder: Path, *options: str) -> None:
        rng = random.SystemRandom()
        self.loop = loop
        self.folder = folder
        self.port = free_port(rng)
        self.dashboard_port = free_port(rng, self.port)
        self._options = (*options, "--dashboard-port", str(self.dashboard_port))
        self._server: ServerProcess | None = None
        self._clients: dict[str, Client] = {}
        self._numbers = itertools.count(1)

    @contextmanager
    def used(self) -> Generator[None]:
        """For the length of a test: the server runs, and at the end nobody uses it any more."""
        if self._server is None:
            self.start()  # the last test killed it
        self.loop.begin()
        try:
            yield
        finally:
            self._clients.clear()
            self.loop.end()

    # --- the server

    def start(self) -> None:
        """Start the server, on the ports and the file of the last time."""
        assert self._server is None, "it runs"
        self._server = self.loop.run(self._start)

    async def _start(self) -> ServerProcess:
        database = self.folder / "tasks.db"
        log = self.folder / "server.log"
        return await start_server(database, *self._options, port=self.port, stderr=log)

    def kill(self) -> None:
        """End the server as a power failure would."""
        if self._server is not None:
            self.loop.run(self._server.kill)
            self._server = None

    def stop(self) -> int:
        """Ask the server to end; its exit code."""
        assert self._server is not None, "it does not run"
        code = self.loop.run(self._server.stop)
        self._server = None
        return code

    # --- where it is

    @property
    def api(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.dashboard_port}"

    def address(self, **query: str) -> str:
        """The page's address: `view`, `project`, `q`, `task`."""
        return f"{self.origin}/?{urlencode(query)}"

    def new_project(self) -> str:
        """A name that no other test of this server uses."""
        return f"test-{next(self._numbers)}"

    # --- who uses it

    def call(self, project: str, method: str, /, **params: Any) -> Any:
        """Call a method with params as on the wire; the decoded result."""
        client = self.client(project)

        async def ask() -> Any:
            return await client.call(method, params)

        return self.loop.run(ask)

    def client(self, project: str) -> Client:
        """A client of the project, for what runs in the loop."""
        if project not in self._clients:
            address = f"{self.api}/projects/{project}"
            self._clients[project] = self.loop.open(connect(address, name="behind the page"))
        return self._clients[project]

    def add(self, project: str, *tasks: Json) -> None:
        """Add tasks, as many at a time as the server takes."""
        for first in range(0, len(tasks), BATCH):
            self.call(project, "add_tasks", tasks=tasks[first : first + BATCH])

    def events(self, project: str, since: int = 0) -> list[Json]:
        """Every event after `since`, in order."""
        events: list[Json] = []
        while True:
            part = self.call(project, "get_events", since=since, limit=1_000)
            events += part["events"]
            if not part["events"]:
                return events
            since = part["events"][-1]["seq"]

    def worker(self, project: str, name: str) -> Worker:
        """An MCP process for an agent of this name."""
        folder = self.folder
        made = self.loop.open(agent(self.api, folder, host=name, project=project, name=name))
        return Worker(name, self.loop, made)


@contextmanager
def running(folder: Path, *options: str) -> Generator[Stage]:
    """A stage with its server running, for the length of the block."""
    with loop() as behind:
        stage = Stage(behind, folder, *options)
        stage.start()
        try:
            yield stage
        finally:
            stage.kill()


def tasks(count: int, *, dependencies: Callable[[int], Sequence[int]] = lambda _: ()) -> list[Json]:
    """So many tasks named t1, t2, ..., each depending on those of the given numbers."""
    return [
        {
            "id": f"t{number}",
            "description": f"Task number {number}",
            "dependencies": [f"t{other}" for other in dependencies(number)],
        }
        for number in range(1, count + 1)
    ]
