"""Promise 1 on a real server: exactly one worker holds a task, whoever races for it.

The clients are the real ones, each with a connection of its own; the server is a process.
"""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from protocol.client import Client, connect
from protocol.errors import SlotNotYours, TaskNotAvailable
from protocol.params import NewTask
from tests.servers import ServerProcess, running_server

RACERS = 50
TASKS = 1_000
PAGE = 20
"""Fewer than there are racers, so that they get into each other's way."""
TURNS = 20
RACE_SECONDS = 120


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    async with running_server(tmp_path / "race.db", "--workers", str(RACERS)) as running:
        yield running


@asynccontextmanager
async def connections(server: ServerProcess, count: int) -> AsyncGenerator[list[Client]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(connect(server.url, name=f"client-{number}"))
            for number in range(count)
        ]


async def at_once(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Start all, and let none go on before every one has started."""
    started = trio.Event()

    async def run(job: Callable[[], Awaitable[None]]) -> None:
        await started.wait()
        await job()

    with trio.fail_after(RACE_SECONDS):
        async with trio.open_nursery() as nursery:
            for job in jobs:
                nursery.start_soon(run, job)
            started.set()


class Racer:
    """Takes whatever it can get until nothing is left."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name
        self.claimed: dict[str, str] = {}
        """Task id -> claim token."""
        self.refused = 0

    async def run(self) -> None:
        slot = (await self._client.claim_worker_slot(worker_id=self.name)).slot
        while page := (await self._client.get_available_tasks(limit=PAGE)).tasks:
            for task in random.sample(page, min(3, len(page))):
                await self._try(task.id, slot)

    async def _try(self, task_id: str, slot: int) -> None:
        try:
            claim = await self._client.claim_task(
                task_id=task_id, worker_id=self.name, worker_slot=slot
            )
        except TaskNotAvailable:
            self.refused += 1
            return
        assert task_id not in self.claimed, "claimed twice by the same worker"
        self.claimed[task_id] = claim.claim_token
        await self._client.update_task(
            task_id=task_id,
            status="done",
            worker_id=self.name,
            output=f"by {self.name}",
            claim_token=claim.claim_token,
        )


@pytest.mark.slow
async def test_fifty_racers_share_a_thousand_tasks_without_loss_or_double(
    server: ServerProcess,
) -> None:
    ids = {f"task-{number}" for number in range(TASKS)}
    async with connections(server, RACERS) as clients:
        await clients[0].add_tasks(tasks=[NewTask(id=name, description="d") for name in ids])
        racers = [Racer(client, f"worker-{number}") for number, client in enumerate(clients)]
        await at_once([racer.run for racer in racers])

        assert sum(racer.refused for racer in racers) > 0, "there was a race at all"
        claims = Counter(task_id for racer in racers for task_id in racer.claimed)
        assert claims == Counter(ids), "every task was claimed, and none of them twice"
        tokens = [token for racer in racers for token in racer.claimed.values()]
        assert len(set(tokens)) == TASKS
        holders = {task_id: racer.name for racer in racers for task_id in racer.claimed}
        await agrees_with_the_server(clients[0], holders)
    assert await server.stop() == 0
    async with running_server(server.database) as again, connect(again.url) as client:
        await agrees_with_the_server(client, holders)


async def agrees_with_the_server(client: Client, holders: dict[str, str]) -> None:
    """Every task is done, at the first attempt, by the one who was told so."""
    seen: dict[str, str] = {}
    cursor = None
    while True:
        page = await client.list_tasks(limit=500, cursor=cursor)
        for task in page.tasks:
            worker = task.worker_id
            assert worker is not None
            assert (task.status, task.attempt, task.output) == ("done", 1, f"by {worker}")
            seen[task.id] = worker
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert seen == holders
    claims = Counter[str | None]()
    since: int | None = 0
    while since is not None:
        events = await client.get_events(since=since, types=["task_claimed"], limit=500)
        claims.update(event.task_id for event in events.events)
        since = events.next_since
    assert claims == Counter(holders.keys())


async def test_one_of_fifty_claims_on_the_same_task_wins_and_the_others_hear_who(
    server: ServerProcess,
) -> None:
    won: list[str] = []
    refusals: list[TaskNotAvailable] = []

    def claim(client: Client, name: str, slot: int) -> Callable[[], Awaitable[None]]:
        async def job() -> None:
            try:
                await client.claim_task(task_id="prize", worker_id=name, worker_slot=slot)
            except TaskNotAvailable as refused:
                refusals.append(refused)
            else:
                won.append(name)

        return job

    async with connections(server, RACERS) as clients:
        await clients[0].add_task(id="prize", description="d")
        jobs: list[Callable[[], Awaitable[None]]] = []
        for number, client in enumerate(clients):
            name = f"worker-{number}"
            slot = (await client.claim_worker_slot(worker_id=name)).slot
            jobs.append(claim(client, name, slot))
        random.shuffle(jobs)
        await at_once(jobs)
        assert len(won) == 1
        assert len(refusals) == RACERS - 1
        for refusal in refusals:
            assert (refusal.data["status"], refusal.data["holder"]) == ("working", won[0])
            assert f"`{won[0]}`" in refusal.message
        task = (await clients[0].get_task(task_id="prize")).task
        assert (task.status, task.worker_id, task.attempt) == ("working", won[0], 1)
        workers = (await clients[0].get_workers()).workers
        assert [slot.worker_id for slot in workers if slot.status == "working"] == won


async def test_five_workers_claiming_five_tasks_at_once_all_succeed(server: ServerProcess) -> None:
    holders: dict[str, str | None] = {}

    def claim(client: Client, number: int) -> Callable[[], Awaitable[None]]:
        async def job() -> None:
            name = f"worker-{number}"
            slot = (await client.claim_worker_slot(worker_id=name)).slot
            task_id = f"task-{number}"
            claimed = await client.claim_task(task_id=task_id, worker_id=name, worker_slot=slot)
            holders[task_id] = claimed.task.worker_id

        return job

    async with connections(server, 5) as clients:
        await clients[0].add_tasks(
            tasks=[NewTask(id=f"task-{number}", description="d") for number in range(5)]
        )
        await at_once([claim(client, number) for number, client in enumerate(clients)])
        assert holders == {f"task-{number}": f"worker-{number}" for number in range(5)}
        assert (await clients[0].get_snapshot()).counts.working == 5


async def test_an_acknowledged_task_survives_somebody_elses_refused_claims(
    server: ServerProcess,
) -> None:
    acknowledged: list[str] = []
    refused = 0

    async def add(client: Client, number: int) -> None:
        for turn in range(TURNS):
            added = await client.add_task(id=f"kept-{number}-{turn}", description="d")
            acknowledged.append(added.task.id)

    async def claim_in_vain(client: Client) -> None:
        nonlocal refused
        for _ in range(TURNS):
            with pytest.raises(TaskNotAvailable):
                await client.claim_task(task_id="held", worker_id="other", worker_slot=2)
            refused += 1

    async with connections(server, 2) as (adding, claiming):
        await adding.add_task(id="held", description="d")
        for name in ("holder", "other"):
            await claiming.claim_worker_slot(worker_id=name)
        await adding.claim_task(task_id="held", worker_id="holder", worker_slot=1)
        # While one batch is committed, calls of both kinds gather for the next.
        with trio.fail_after(RACE_SECONDS):
            async with trio.open_nursery() as nursery:
                for number in range(10):
                    nursery.start_soon(claim_in_vain, claiming)
                    nursery.start_soon(add, adding, number)
        assert (len(acknowledged), refused) == (10 * TURNS, 10 * TURNS)
        await server.kill()
    async with running_server(server.database) as again, connect(again.url) as client:
        found = {task.id for task in (await client.get_all_tasks(limit=500)).tasks}
        assert found == {"held", *acknowledged}


async def test_a_slot_stays_with_its_worker_and_strangers_are_refused(
    server: ServerProcess,
) -> None:
    async with connections(server, 2) as (mine, strange):
        await mine.add_tasks(tasks=[NewTask(id=name, description="d") for name in "abc"])
        slot = (await mine.claim_worker_slot(worker_id="owner")).slot
        for name in "ab":
            await mine.claim_task(task_id=name, worker_id="owner", worker_slot=slot)
            await mine.update_task(task_id=name, status="done", worker_id="owner")
        idle = (await mine.get_workers()).workers[slot - 1]
        assert (idle.status, idle.worker_id) == ("idle", "owner")
        for worker_id in (None, "stranger"):
            with pytest.raises(SlotNotYours) as refused:
                await strange.release_worker_slot(slot=slot, worker_id=worker_id)
            assert refused.value.data["holder"] == "owner"
        with pytest.raises(SlotNotYours) as refused:
            await strange.claim_task(task_id="c", worker_id="stranger", worker_slot=slot)
        assert refused.value.data["holder"] == "owner"
        kept = await mine.claim_worker_slot(worker_id="owner")
        assert kept.slot == slot
        assert (await mine.get_task(task_id="c")).task.status == "available"
