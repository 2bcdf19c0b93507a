"""What do thousands of waiting workers cost?

Owns the question: N workers wait in `claim_next_task`; one task at a time is added, exactly one
worker gets it, reports it done and waits again. The cost of an addition and of a report should not
grow with N. The same number of additions is measured with one waiting worker and with all of them,
in one run on one server. Must not know sockets.
"""

import tempfile
from array import array
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import trio

from benchmarks.machine import commit, facts
from benchmarks.processes import coordinator
from benchmarks.report import Latency, append_line, latency, table
from protocol.client import Client, connect
from protocol.limits import WAIT_SECONDS_MAX, WAITS_MAX
from protocol.models import Task

__all__ = ["Case", "measure", "waiting"]

RESULTS = Path(__file__).parent / "results" / "waiting.jsonl"
PER_CONNECTION = WAITS_MAX // 2


class Case(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One number of waiting workers."""

    waiting: int
    add: Latency
    done: Latency
    handover: Latency
    """From sending the addition to the worker's having the task."""
    woken: int
    """Answers to waiting requests during the measurement."""


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the results."""

    commit: str
    time: str
    machine: dict[str, str | int]
    additions: int
    cases: list[Case]


class _Crowd:
    """Workers that wait, each in a slot of its own. Whoever gets a task hands it over here."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._send, self.handed_over = trio.open_memory_channel[tuple[Client, str, Task, str]](1000)
        self.woken = 0

    async def join(self, client: Client, name: str) -> None:
        await client.claim_worker_slot(worker_id=name, lease_seconds=600)
        self.wait(client, name)

    def wait(self, client: Client, name: str) -> None:
        self._nursery.start_soon(self._wait, client, name)

    async def _wait(self, client: Client, name: str) -> None:
        while True:
            got = await client.claim_next_task(worker_id=name, wait_seconds=WAIT_SECONDS_MAX)
            if got.task is not None and got.claim_token is not None:
                self.woken += 1
                self._send.send_nowait((client, name, got.task, got.claim_token))
                return


@asynccontextmanager
async def _clients(url: str, count: int) -> AsyncGenerator[list[Client]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connect(url)) for _ in range(count)]


async def measure(url: str, workers: int, additions: int) -> list[Case]:
    """One waiting worker, then all of them."""
    connections = -(-workers // PER_CONNECTION)
    async with (
        connect(url, name="benchmark") as planner,
        _clients(url, connections) as clients,
        trio.open_nursery() as nursery,
    ):
        crowd = _Crowd(nursery)
        await crowd.join(clients[0], "w0")
        alone = await _additions(planner, crowd, 1, additions)
        async with trio.open_nursery() as joining:
            for number in range(1, workers):
                client = clients[number // PER_CONNECTION]
                joining.start_soon(crowd.join, client, f"w{number}")
        await _until_waiting(planner, workers)
        together = await _additions(planner, crowd, workers, additions)
        nursery.cancel_scope.cancel()
    return [alone, together]


async def _until_waiting(planner: Client, workers: int) -> None:
    while (await planner.get_snapshot(limit=0)).waiting < workers:  # noqa: ASYNC110 -- the server is the one to ask
        await trio.sleep(0.05)


async def _additions(planner: Client, crowd: _Crowd, workers: int, additions: int) -> Case:
    """Add, see who gets it, report, let that worker wait again."""
    samples: dict[str, array[int]] = {name: array("l") for name in ("add", "handover", "done")}
    woken = crowd.woken
    await _until_waiting(planner, workers)
    for _ in range(additions):
        begin = trio.current_time()
        added = await planner.add_task(description="x" * 200)
        samples["add"].append(_us_since(begin))
        client, name, task, token = await crowd.handed_over.receive()
        samples["handover"].append(_us_since(begin))
        assert task.id == added.task.id, "the worker got the task that was added"
        begin = trio.current_time()
        await client.update_task(task_id=task.id, status="done", worker_id=name, claim_token=token)
        samples["done"].append(_us_since(begin))
        crowd.wait(client, name)
    assert crowd.woken - woken == additions, "each addition woke exactly one"
    return Case(
        waiting=workers,
        add=latency([samples["add"]]),
        done=latency([samples["done"]]),
        handover=latency([samples["handover"]]),
        woken=crowd.woken - woken,
    )


def _us_since(begin: float) -> int:
    return round((trio.current_time() - begin) * 1e6)


def _row(case: Case, first: Case) -> list[str]:
    row = [f"{case.waiting:,}", str(case.woken)]
    for name in ("add", "handover", "done"):
        mine, base = getattr(case, name), getattr(first, name)
        row += [f"{mine.p50_ms:.2f}", f"{mine.p99_ms:.2f}", f"{mine.p50_ms / base.p50_ms:.2f}"]
    return row


HEAD = [
    "waiting",
    "woken",
    *(f"{name} {what}" for name in ("add", "handover", "done") for what in ("p50", "p99", "ratio")),
]


@click.command()
@click.option("--workers", type=click.IntRange(1, 10_000), default=5_000, show_default=True)
@click.option("--additions", type=click.IntRange(1, 100_000), default=500, show_default=True)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that gets the line of JSON.  [default: benchmarks/results/waiting.jsonl]",
)
@click.option(
    "--quick",
    is_flag=True,
    help="See whether it works, in a few seconds; kept only where --results says.",
)
def waiting(workers: int, additions: int, results: Path | None, quick: bool) -> None:
    """One task for one of thousands of waiting workers: who wakes, and what an addition costs."""
    if quick:
        workers, additions = 50, 10
    with tempfile.TemporaryDirectory() as folder:
        machine = facts(Path(folder))
        with coordinator(Path(folder) / "waiting.db", slots=workers) as server:
            cases = trio.run(measure, f"ws://127.0.0.1:{server.port}", workers, additions)
    click.echo(table(HEAD, (_row(case, cases[0]) for case in cases)))
    if quick and results is None:
        return
    run = Run(
        commit=commit(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        additions=additions,
        cases=cases,
    )
    kept = results or RESULTS
    click.echo(f"Kept as line {append_line(kept, run)} of {kept.name}.")
