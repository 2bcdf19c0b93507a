"""`kill -9` in the middle of the work: what was acknowledged is there afterwards.

The server is a real process on a real file, and the same file over all rounds, so that damage
would add up. A killed process is not a power failure: what the system has taken over from SQLite
survives it, so that a missing sync is not found here.
"""

import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from protocol.client import Client, connect
from tests.faults.ledger import Ledger, check_file
from tests.faults.raw import RawClient, Worker, raw_client
from tests.servers import ServerProcess, free_port, running_server

KILLS = 20
CONNECTIONS = 20
ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX = 50, 500
"""A round ends after so many acknowledgements, and then at a random moment of a batch."""
BATCH_SECONDS = 0.02
ROUND_SECONDS = 60

RECONNECTING_KILLS = 5
RECONNECTING_CLIENTS = 8


@pytest.mark.slow
async def test_every_acknowledged_change_survives_twenty_kills_in_the_middle_of_a_load(
    tmp_path: Path, rng: random.Random
) -> None:
    database, log = tmp_path / "killed.db", tmp_path / "server.log"
    ledger = Ledger()
    workers = [Worker(f"w{number}", ledger, rng) for number in range(CONNECTIONS)]
    for _ in range(KILLS):
        async with running_server(database, "--workers", str(CONNECTIONS), stderr=log) as server:
            with trio.fail_after(ROUND_SECONDS):
                async with raw_client(server.port) as client:
                    await check_server(client, ledger)
                await work_until_killed(server, workers, ledger, rng)
        await check_file(database, ledger)
    async with running_server(database, stderr=log) as server:
        async with raw_client(server.port) as client:
            await check_server(client, ledger)
        assert await server.stop() == 0
    await check_file(database, ledger)
    assert "Traceback" not in log.read_text()
    print(f"{ledger.count} acknowledgements, {len(ledger.added)} tasks, {len(ledger.done)} done")


async def work_until_killed(
    server: ServerProcess, workers: list[Worker], ledger: Ledger, rng: random.Random
) -> None:
    enough = trio.Event()
    last = ledger.count + rng.randint(ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX)

    def heard() -> None:
        if ledger.count >= last:
            enough.set()

    async def run(worker: Worker) -> None:
        async with raw_client(server.port) as client:
            await worker.run(client)

    ledger.heard = heard
    async with trio.open_nursery() as nursery:
        for worker in workers:
            nursery.start_soon(run, worker)
        await enough.wait()
        await trio.sleep(rng.uniform(0, BATCH_SECONDS))
        await server.kill()


async def check_server(client: RawClient, ledger: Ledger) -> None:
    """What a client of the restarted server sees of the changes of the last round."""
    fresh, ledger.fresh = sorted(ledger.fresh), set()
    answers = await client.call_all([("get_task", {"taskId": task_id}) for task_id in fresh])
    for task_id, answer in zip(fresh, answers, strict=True):
        task = answer["result"]["task"]
        assert task["attempt"] >= len(ledger.claims[task_id])
        if task_id in ledger.done:
            assert task["status"] == "done"
            assert (task["workerId"], task["output"]) == ledger.done[task_id]
        else:
            # Done without an acknowledgement, or still held: a restart takes nothing away.
            assert task["status"] in {"available", "blocked", "working", "done"}
            if task["status"] == "working" and task_id in ledger.claims:
                assert {claim.worker for claim in ledger.claims[task_id][-1:]} <= {task["workerId"]}
    if ledger.last_addition is not None:
        params, result = ledger.last_addition
        assert await client.call("add_task", **params) == result, "a repeat is told the same"
    workers = (await client.call("get_workers"))["workers"]
    assert all(slot["workerId"] for slot in workers if slot["status"] != "free")


# --- the real client --------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_clients_calls_all_succeed_exactly_once_over_five_kills(
    tmp_path: Path, rng: random.Random
) -> None:
    database, log = tmp_path / "reconnecting.db", tmp_path / "server.log"
    port = free_port(rng)
    crew = Crew()
    async with AsyncExitStack() as servers:

        async def start() -> ServerProcess:
            return await servers.enter_async_context(
                running_server(database, "--workers", "20", port=port, stderr=log)
            )

        server = await start()
        with trio.fail_after(ROUND_SECONDS):
            async with connect(server.url, name="crew") as client, trio.open_nursery() as nursery:
                nursery.start_soon(crew.watch, client)
                async with trio.open_nursery() as working:
                    for number in range(RECONNECTING_CLIENTS):
                        working.start_soon(crew.work, server.url, f"w{number}")
                    for _ in range(RECONNECTING_KILLS):
                        await crew.answered(rng.randint(50, 300))
                        await trio.sleep(rng.uniform(0, BATCH_SECONDS))
                        await server.kill()
                        server = await start()
                    crew.may_end = True
                await crew.seen((await client.get_snapshot()).seq)
                nursery.cancel_scope.cancel()
        assert await server.stop() == 0
    assert crew.seqs == list(range(1, len(crew.seqs) + 1)), "no event is missing or repeated"
    once = Counter(dict.fromkeys(crew.finished, 1))
    for type_ in ("task_added", "task_claimed", "task_done"):
        assert crew.events[type_] == once, f"each finished task has one {type_}"
    await check_file(database, Ledger(sent=set(once), added=crew.finished))
    print(f"{len(once)} tasks")
    assert "Traceback" not in log.read_text()


class Crew:
    """Workers that know nothing of kills: each call is made once and simply returns."""

    def __init__(self) -> None:
        self._answers = 0
        self._changed = trio.Event()
        self.may_end = False
        self.finished: dict[str, str] = {}
        """Task id -> description. The server makes the ids: a repeated addition would show."""
        self.events: dict[str, Counter[str]] = {
            "task_added": Counter(),
            "task_claimed": Counter(),
            "task_done": Counter(),
        }
        self.seqs: list[int] = []

    async def work(self, url: str, name: str) -> None:
        """Whole life cycles until `may_end`."""
        async with connect(url, name=name) as client:
            slot = (await client.claim_worker_slot(worker_id=name)).slot
            number = 0
            while not self.may_end:
                number += 1
                description = f"{name}'s task {number}"
                task_id = (await client.add_task(description=description)).task.id
                self._heard()
                # A restart takes nobody's slot: it has a fresh lease.
                claim = await client.claim_task(task_id=task_id, worker_id=name, worker_slot=slot)
                self._heard()
                await client.update_task(
                    task_id=task_id, status="done", worker_id=name, claim_token=claim.claim_token
                )
                self.finished[task_id] = description
                self._heard()

    async def watch(self, client: Client) -> None:
        """Collect every event since the first one, over all the kills."""
        async with client.events(since=0) as stream:
            async for event in stream:
                self.seqs.append(event.seq)
                if event.type in self.events and event.task_id is not None:
                    self.events[event.type][event.task_id] += 1
                self._announce()

    async def answered(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = self._answers + count
        while self._answers < wanted:
            await self._changed.wait()

    async def seen(self, seq: int) -> None:
        """Wait until the watcher has this event."""
        while not self.seqs or self.seqs[-1] < seq:
            await self._changed.wait()

    def _heard(self) -> None:
        self._answers += 1
        self._announce()

    def _announce(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()
