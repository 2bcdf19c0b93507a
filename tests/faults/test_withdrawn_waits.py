"""Waits that nobody waits for any more, on a real server: they end, and take no task with them.

A wait that stays behind is worse than a lost request: the next task that is added would go to
somebody who never hears of it, and be held for the length of a lease.
"""

import json
import random
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.trio.client import ClientConnection
from websockets.trio.client import connect as dial

from protocol.client import Client, connect
from protocol.errors import ConnectionLost
from tests.servers import ServerProcess, free_port, running_server

PATIENCE_SECONDS = 10.0
LONG_SECONDS = 40
"""A wait that does not end by itself while a test lasts."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    async with running_server(tmp_path / "waits.db") as running:
        yield running


@pytest.fixture
async def client(server: ServerProcess) -> AsyncGenerator[Client]:
    """Of somebody who never waits."""
    with trio.fail_after(6 * PATIENCE_SECONDS):
        async with connect(server.url, request_timeout=PATIENCE_SECONDS) as connected:
            yield connected


@asynccontextmanager
async def wire(server: ServerProcess) -> AsyncGenerator[ClientConnection]:
    """A connection on which the test sends what it wants."""
    async with dial(server.url, compression=None, proxy=None, close_timeout=1) as connection:
        yield connection


async def send(connection: ClientConnection, method: str, id_: Any = None, **params: Any) -> None:
    entry: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    await connection.send(json.dumps(entry if id_ is None else {**entry, "id": id_}))


async def answer(connection: ClientConnection) -> Any:
    with trio.fail_after(PATIENCE_SECONDS):
        return json.loads(await connection.recv())


async def waiting(client: Client, count: int) -> None:
    """Wait until so many requests wait for a task."""
    with trio.fail_after(PATIENCE_SECONDS):
        while (await client.get_snapshot()).waiting != count:
            pass


async def wait_for_a_task(connection: ClientConnection, worker: str, id_: Any = "wait") -> None:
    """Take a slot and begin to wait."""
    await send(connection, "claim_worker_slot", "slot", workerId=worker)
    assert "result" in await answer(connection)
    await send(connection, "claim_next_task", id_, workerId=worker, waitSeconds=LONG_SECONDS)


async def next_task_of(client: Client, worker: str) -> str | None:
    """What a worker gets that does not wait."""
    await client.claim_worker_slot(worker_id=worker)
    claim = await client.claim_next_task(worker_id=worker)
    return None if claim.task is None else claim.task.id


# --- cancelled --------------------------------------------------------------------------------


async def test_a_cancelled_wait_is_answered_at_once_and_takes_no_task(
    server: ServerProcess, client: Client
) -> None:
    async with wire(server) as connection:
        await wait_for_a_task(connection, "w1", id_=7)
        await waiting(client, 1)
        await send(connection, "$/cancelRequest", id=7)
        ended = await answer(connection)
        assert ended["id"] == 7
        assert ended["error"]["data"]["reason"] == "request_cancelled"
        assert (await client.get_snapshot()).waiting == 0

        await client.add_task(id="a", description="d")
        assert (await client.get_task(task_id="a")).task.status == "available"
        assert await next_task_of(client, "w2") == "a"
        # Its connection and its slot are as good as before.
        await client.add_task(id="b", description="d")
        await send(connection, "claim_next_task", 8, workerId="w1")
        assert (await answer(connection))["result"]["task"]["id"] == "b"


async def test_a_wait_cancelled_right_behind_its_request_does_not_begin(
    server: ServerProcess, client: Client
) -> None:
    async with wire(server) as connection:
        await wait_for_a_task(connection, "w1", id_="gone")
        await send(connection, "$/cancelRequest", id="gone")
        # Cancelled while it waited, or before that and then answered like one that does not wait.
        ended = await answer(connection)
        assert ended["id"] == "gone"
        assert "task" not in ended.get("result", {})
    await client.add_task(id="a", description="d")
    assert await next_task_of(client, "w2") == "a"


async def test_a_batch_with_a_wait_is_answered_whole_when_the_wait_is_cancelled(
    server: ServerProcess, client: Client
) -> None:
    async with wire(server) as connection:
        entries: list[tuple[str, int, dict[str, Any]]] = [
            ("claim_worker_slot", 1, {"workerId": "w1"}),
            ("claim_next_task", 2, {"workerId": "w1", "waitSeconds": LONG_SECONDS}),
            ("get_workers", 3, {}),
        ]
        batch = [
            {"jsonrpc": "2.0", "method": method, "id": id_, "params": params}
            for method, id_, params in entries
        ]
        await connection.send(json.dumps(batch))
        await waiting(client, 1)
        await send(connection, "$/cancelRequest", id=2)
        answers = {each["id"]: each for each in await answer(connection)}
        assert answers[2]["error"]["data"]["reason"] == "request_cancelled"
        assert {id_ for id_, each in answers.items() if "result" in each} == {1, 3}


async def test_a_slot_that_was_waited_for_in_vain_goes_to_the_next(
    server: ServerProcess, client: Client
) -> None:
    slots = [(await client.claim_worker_slot(worker_id=f"h{n}")).slot for n in range(5)]
    async with wire(server) as first, wire(server) as second:
        for connection, worker in ((first, "w1"), (second, "w2")):
            await send(
                connection, "claim_worker_slot", 1, workerId=worker, waitSeconds=LONG_SECONDS
            )
            await send(connection, "get_workers", 2)  # read after what came before it
            assert (await answer(connection))["id"] == 2
        await send(first, "$/cancelRequest", id=1)
        assert (await answer(first))["error"]["data"]["reason"] == "request_cancelled"
        await client.release_worker_slot(slot=slots[0], worker_id="h0")
        assert (await answer(second))["result"]["slot"] == slots[0]
        workers = (await client.get_workers()).workers
        assert [slot.worker_id for slot in workers] == ["w2", "h1", "h2", "h3", "h4"]


# --- the connection is gone -------------------------------------------------------------------


async def close(connection: ClientConnection) -> None:
    await connection.aclose()


async def hang_up(connection: ClientConnection) -> None:
    """End the TCP connection without a word."""
    await trio.aclose_forcefully(connection.stream)


async def vanish(connection: ClientConnection) -> None:
    """End the TCP connection with a reset, as a killed machine's kernel would."""
    assert isinstance(connection.stream, trio.SocketStream)
    reset = struct.pack("ii", 1, 0)
    connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    await trio.aclose_forcefully(connection.stream)


@pytest.mark.parametrize("end", [close, hang_up, vanish])
async def test_the_wait_of_a_connection_that_is_gone_swallows_no_task(
    server: ServerProcess, client: Client, end: Callable[[ClientConnection], Awaitable[None]]
) -> None:
    async with wire(server) as gone, wire(server) as patient:
        await wait_for_a_task(gone, "w1")
        await waiting(client, 1)
        await wait_for_a_task(patient, "w2")
        await waiting(client, 2)
        await end(gone)
        await waiting(client, 1)
        await client.add_task(id="a", description="d")
        served = await answer(patient)
        assert served["result"]["task"]["id"] == "a"
        assert (await client.get_task(task_id="a")).task.worker_id == "w2"


async def test_the_wait_of_a_killed_process_swallows_no_task(
    server: ServerProcess, client: Client
) -> None:
    program = (
        "import trio, task_coordinator\n"
        "async def main():\n"
        f"    async with task_coordinator.connect({server.url!r}) as client:\n"
        "        await client.claim_worker_slot(worker_id='w1')\n"
        f"        await client.claim_next_task(worker_id='w1', wait_seconds={LONG_SECONDS})\n"
        "trio.run(main)\n"
    )
    process = await trio.lowlevel.open_process([sys.executable, "-c", program])
    try:
        await waiting(client, 1)
    finally:
        process.kill()
        await process.wait()
    await waiting(client, 0)
    await client.add_task(id="a", description="d")
    assert await next_task_of(client, "w2") == "a"


# --- the Python client ------------------------------------------------------------------------


async def test_a_program_that_stops_waiting_loses_no_task(
    server: ServerProcess, client: Client, nursery: trio.Nursery
) -> None:
    async with connect(server.url) as worker:
        await worker.claim_worker_slot(worker_id="w1")
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope:
                await worker.claim_next_task(worker_id="w1", wait_seconds=LONG_SECONDS)

        nursery.start_soon(wait)
        await waiting(client, 1)
        scope.cancel()
        await waiting(client, 0)
        await client.add_task(id="a", description="d")
        claim = await worker.claim_next_task(worker_id="w1", wait_seconds=LONG_SECONDS)
        assert claim.task is not None
        assert claim.task.id == "a"


async def test_a_program_that_gives_up_in_time_loses_no_task(
    server: ServerProcess, client: Client
) -> None:
    async with connect(server.url) as worker:
        await worker.claim_worker_slot(worker_id="w1")
        with pytest.raises(ConnectionLost, match="no answer"):
            await worker.call(
                "claim_next_task", {"workerId": "w1", "waitSeconds": LONG_SECONDS}, timeout=0.2
            )
        await waiting(client, 0)
        await client.add_task(id="a", description="d")
        assert await next_task_of(client, "w2") == "a"


async def test_a_wait_lasts_longer_than_the_time_for_an_answer(
    server: ServerProcess,
) -> None:
    async with connect(server.url, request_timeout=1) as worker:
        await worker.claim_worker_slot(worker_id="w1")
        in_vain = await worker.claim_next_task(worker_id="w1", wait_seconds=1.5)
        assert in_vain.task is None
        assert in_vain.reason


async def test_a_wait_goes_on_over_a_restart_of_the_server(
    tmp_path: Path, nursery: trio.Nursery, rng: random.Random
) -> None:
    database, port = tmp_path / "restarted.db", free_port(rng)
    claims: list[Any] = []
    with trio.fail_after(6 * PATIENCE_SECONDS):
        async with running_server(database, port=port) as first:
            worker = await nursery.start(wait_in_background, first.url, claims)
            async with connect(first.url) as client:
                await waiting(client, 1)
            await first.kill()
        async with running_server(database, port=port) as second, connect(second.url) as client:
            await waiting(client, 1)
            await client.add_task(id="a", description="d")
            await worker.wait()
            assert [claim.task.id for claim in claims] == ["a"]


async def wait_in_background(
    url: str, claims: list[Any], task_status: trio.TaskStatus[trio.Event]
) -> None:
    """Claim the next task over whatever happens to the server; the event says it has come."""
    done = trio.Event()
    async with connect(url) as client:
        await client.claim_worker_slot(worker_id="w1")
        task_status.started(done)
        claims.append(await client.claim_next_task(worker_id="w1", wait_seconds=LONG_SECONDS))
        done.set()
