"""`task-coordinator import` and a server that fails in the middle.

The server is the real shell with a service that takes the first chunks and then no more.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import pytest
import trio

from protocol.dispatch import Dispatcher
from protocol.errors import CoordinatorError, StorageUnavailable, TaskExists
from protocol.gate import Gate
from protocol.limits import ADD_TASKS_MAX
from protocol.params import ImportTasks
from protocol.results import TaskPage, TasksImported
from protocol.server import ApiServer, Settings
from protocol.service import Call
from tests.protocol.cli.running import DEADLINE_SECONDS, PROGRAM, Command

CHUNKS_TAKEN: Final = 2
PLAN: Final = "\n".join(
    json.dumps({"id": f"t{number}", "description": "x"}) for number in range(3 * ADD_TASKS_MAX)
)


class Weakening:
    """An empty project that takes two chunks and then answers with a refusal."""

    def __init__(self, refusal: CoordinatorError) -> None:
        self.refusal = refusal
        self.taken: list[str] = []

    async def submit(self, call: Call) -> None:
        self.try_submit(call)

    def try_submit(self, call: Call) -> bool:
        params = call.params
        if not isinstance(params, ImportTasks):
            call.reply(msgspec.Raw(msgspec.json.encode(TaskPage(tasks=[], seq=0))))
        elif not params.dry_run and len(self.taken) == CHUNKS_TAKEN * ADD_TASKS_MAX:
            call.reply(self.refusal)
        else:
            if not params.dry_run:
                self.taken += [task.id or "" for task in params.tasks]
            done = TasksImported(tasks=len(params.tasks), dry_run=params.dry_run)
            call.reply(msgspec.Raw(msgspec.json.encode(done)))
        return True

    def withdraw(self, call: Call) -> None:
        """Every call is answered at once."""

    def info(self) -> dict[str, Any]:
        return {"status": "ok", "version": "0", "uptimeSeconds": 0.0}


@asynccontextmanager
async def serving(service: Weakening) -> AsyncGenerator[str]:
    server = ApiServer(Dispatcher(service), Settings(gate=Gate()))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run, listeners)
        yield f"ws://127.0.0.1:{server.port}"
        await server.stop()


async def run_against(service: Weakening, *words: str) -> tuple[int, str]:
    """The exit code and what stands on stderr."""
    async with serving(service) as url:
        with trio.fail_after(DEADLINE_SECONDS):
            done = await trio.run_process(
                [*PROGRAM, "import", "-", "--format", "jsonl", *words],
                env=Command(url).environment,
                stdin=PLAN.encode(),
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "refusal",
    [StorageUnavailable("The disk is full."), TaskExists("There is a task `t2000` already.")],
)
async def test_what_was_imported_by_then_is_told(refusal: CoordinatorError) -> None:
    service = Weakening(refusal)
    code, told = await run_against(service)
    assert code == 1
    assert told == (
        f"error: {refusal.message} 2000 of 3000 tasks are known to be imported; run it again with "
        "--skip-existing to go on.\n"
    )
    assert service.taken == [f"t{number}" for number in range(2 * ADD_TASKS_MAX)]


async def test_programs_learn_it_as_data() -> None:
    code, told = await run_against(Weakening(StorageUnavailable("The disk is full.")), "--json")
    assert code == 1
    error = json.loads(told)["error"]
    assert (error["reason"], error["data"]) == ("storage_unavailable", {"imported": 2_000})
