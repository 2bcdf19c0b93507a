"""SIGINT and SIGTERM under load: what was acknowledged is in the file."""

import itertools
import json
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection, connect

from tests.bad_input.talking import (
    DEADLINE_SECONDS,
    add,
    ask_until_it_stops_reading,
    assert_clean,
    call,
    client,
    request,
)
from tests.faults.ledger import Ledger, check_file
from tests.protocol.peers import RawClient, head
from tests.servers import ServerProcess, running_server, start_server


class Load:
    """Clients that add tasks as fast as they can, and write down what was acknowledged."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ended: list[str] = []
        """The clients that were closed on in order."""
        self.flowing = trio.Event()

    async def client(self, url: str, name: str) -> None:
        """Keep 20 requests in flight until the server ends it; then read what it said before."""
        # With a bounded queue, the library's client may never leave when it is closed on.
        async with connect(url, compression=None, proxy=None, max_queue=None) as connection:
            with suppress(ConnectionClosed):
                for number in itertools.count():
                    await self._send(connection, f"{name}-{number}")
                    if number >= 20:
                        self._hear(await connection.recv())
            with suppress(ConnectionClosed):
                while True:
                    self._hear(await connection.recv())
        assert connection.close_code == 1001
        self.ended.append(name)

    async def _send(self, connection: ClientConnection, id_: str) -> None:
        self.ledger.sent.add(id_)
        frame = {"jsonrpc": "2.0", "id": id_, "method": "add_task"}
        await connection.send(json.dumps(frame | {"params": {"id": id_, "description": id_}}))

    def _hear(self, frame: str | bytes) -> None:
        answer = json.loads(frame)
        if "error" in answer:
            assert answer["error"]["data"]["reason"] == "shutting_down"
            return
        self.ledger.added[answer["id"]] = answer["id"]
        if len(self.ledger.added) >= 500:
            self.flowing.set()

    async def reader(self, url: str) -> None:
        """Ask questions and listen, until the server ends it."""
        async with connect(url, compression=None, proxy=None, max_queue=None) as connection:
            await connection.send(request("subscribe", {"since": 0}))
            try:
                while True:
                    for method in ("get_events", "get_all_tasks", "get_snapshot", "subscribe"):
                        await connection.send(request(method, {}))
                    await connection.recv()
            except ConnectionClosed:
                pass
        assert connection.close_code in {1001, 1013}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_a_signal_under_load_loses_nothing_that_was_acknowledged(
    tmp_path: Path, number: signal.Signals
) -> None:
    database, log = tmp_path / "tasks.db", tmp_path / "stderr"
    ledger = Ledger()
    load = Load(ledger)
    async with running_server(database, stderr=log) as server:
        with trio.fail_after(DEADLINE_SECONDS):
            async with trio.open_nursery() as nursery:
                for n in range(10):
                    nursery.start_soon(load.client, server.url, f"c{n}")
                nursery.start_soon(load.reader, server.url)
                await load.flowing.wait()
                assert await server.stop(number) == 0
    assert len(load.ended) == 10
    assert_clean(log)
    await check_file(database, ledger)
    async with running_server(database) as server, client(server.url) as connection:
        snapshot = await call(connection, "get_snapshot")
        # Ended in order, it has not kept silent about anything either.
        assert snapshot["counts"]["available"] == len(ledger.added)


async def test_a_client_that_never_reads_does_not_hold_up_the_end(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    async with running_server(tmp_path / "tasks.db", stderr=log) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with stream:
            rude = RawClient(stream)
            await rude.send(head())
            await rude.read_head()
            await ask_until_it_stops_reading(rude)
            started = trio.current_time()
            assert await server.stop() == 0
            assert trio.current_time() - started < 9
    assert_clean(log)


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    async with running_server(tmp_path / "tasks.db", stderr=log) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with stream:
            rude = RawClient(stream)
            await rude.send(head())
            await rude.read_head()
            server.process.send_signal(signal.SIGINT)
            await rude.frame()  # the close frame, which stays unanswered
            server.process.send_signal(signal.SIGINT)
            with trio.fail_after(1.5):
                await server.process.wait()
    assert_clean(log)


async def test_a_server_that_was_stopped_can_be_started_again_at_once(tmp_path: Path) -> None:
    """On the same port, too: connections that linger do not keep it."""
    database = tmp_path / "tasks.db"
    async with running_server(database) as first, client(first.url) as connection:
        await add(connection, "kept")
        assert await first.stop() == 0
    again: ServerProcess = await start_server(database, port=first.port)
    async with client(again.url) as connection:
        assert (await call(connection, "get_task", taskId="kept"))["task"]["id"] == "kept"
    assert await again.stop() == 0
