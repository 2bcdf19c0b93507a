"""The bridge against a real coordinator, behind a line that can lose an answer."""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from mcp_client import bridge as bridge_module
from mcp_client.bridge import UNSETTLED_MAX, Bridge
from protocol.client import Client, connect
from protocol.errors import ConnectionLost, NoFreeSlot, SlotNotClaimed, TaskExists
from protocol.methods import METHODS
from tests.servers import running_server


class LossyLine:
    """A coordinator whose answers to some calls never arrive, although it carried them out."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.answers_to_lose = 0
        self.keys: list[str | None] = []

    async def wait_connected(self, timeout: float | None = None) -> None:
        await self._client.wait_connected(timeout)

    async def wait_disconnected(self) -> None:
        await self._client.wait_disconnected()

    async def call(
        self, name: str, params: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any:
        self.keys.append(params.get("idempotencyKey"))
        result = await self._client.call(name, params, timeout=timeout)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise ConnectionLost("the connection broke")
        return result


@pytest.fixture
async def line(tmp_path: Path) -> AsyncGenerator[LossyLine]:
    async with (
        running_server(tmp_path / "tasks.db", "--workers", "1") as server,
        connect(server.url) as client,
    ):
        yield LossyLine(client)


async def call(bridge: Bridge, name: str, **arguments: Any) -> dict[str, Any]:
    return (await bridge.call(METHODS[name], arguments, "me")).result


async def test_a_creating_call_repeated_after_a_lost_answer_creates_once(line: LossyLine) -> None:
    bridge = Bridge(line)
    line.answers_to_lose = 2
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            await call(bridge, "add_task", description="x", tags=["a"])
    first = await call(bridge, "add_task", description="x", tags=["a"])
    assert (await call(bridge, "get_all_tasks"))["total"] == 1
    assert len(set(line.keys[:3])) == 1

    second = await call(bridge, "add_task", description="x", tags=["a"])
    assert second["task"]["id"] != first["task"]["id"]
    assert (await call(bridge, "get_all_tasks"))["total"] == 2


async def test_another_call_after_a_lost_answer_is_another_call(line: LossyLine) -> None:
    bridge = Bridge(line)
    line.answers_to_lose = 1
    with pytest.raises(ConnectionLost):
        await call(bridge, "add_task", description="x")
    await call(bridge, "add_task", description="y")
    await call(bridge, "add_tasks", tasks=[{"description": "x"}])
    assert (await call(bridge, "get_all_tasks"))["total"] == 3


async def test_a_refused_creation_is_settled(line: LossyLine) -> None:
    bridge = Bridge(line)
    await call(bridge, "add_task", id="a", description="x")
    for _ in range(2):
        with pytest.raises(TaskExists):
            await call(bridge, "add_task", id="a", description="y")
    assert len(set(line.keys)) == 3


async def test_repeating_what_creates_nothing_acts_on_what_is_there_now(line: LossyLine) -> None:
    bridge = Bridge(line)
    await call(bridge, "claim_worker_slot", workerId="w")
    line.answers_to_lose = 1
    with pytest.raises(ConnectionLost):
        await call(bridge, "release_worker_slot", slot=1, workerId="w")
    with pytest.raises(SlotNotClaimed):
        await call(bridge, "release_worker_slot", slot=1, workerId="w")
    await call(bridge, "claim_worker_slot", workerId="w")
    assert (await call(bridge, "release_worker_slot", slot=1, workerId="w"))["slot"] == 1


async def test_the_calls_in_doubt_are_bounded(line: LossyLine) -> None:
    bridge = Bridge(line)
    line.answers_to_lose = UNSETTLED_MAX + 1
    for number in range(UNSETTLED_MAX + 1):
        with pytest.raises(ConnectionLost):
            await call(bridge, "add_task", description=str(number))
    forgotten, remembered = line.keys[0], line.keys[1]
    await call(bridge, "add_task", description="0")
    assert line.keys[-1] != forgotten
    await call(bridge, "add_task", description="1")
    assert line.keys[-1] == remembered


async def test_an_agents_own_key_is_honoured(line: LossyLine) -> None:
    bridge = Bridge(line)
    for _ in range(2):
        await call(bridge, "add_task", description="x", idempotencyKey="mine")
    assert (await call(bridge, "get_all_tasks"))["total"] == 1


async def test_a_refusal_comes_out_as_itself_and_not_in_a_group(line: LossyLine) -> None:
    bridge = Bridge(line)
    await call(bridge, "claim_worker_slot", workerId="one")
    with pytest.raises(NoFreeSlot):
        await call(bridge, "claim_worker_slot", workerId="two")


async def test_the_arguments_of_the_agent_are_left_as_they_are(line: LossyLine) -> None:
    arguments: dict[str, Any] = {}
    await Bridge(line).call(METHODS["get_all_tasks"], arguments, "me")
    await Bridge(line).call(METHODS["add_task"], {"description": "x"}, "me")
    assert arguments == {}


async def test_a_snapshot_that_is_too_large_shows_a_shorter_queue(line: LossyLine) -> None:
    bridge = Bridge(line)
    tasks = [{"description": "x" * 200, "id": f"{n:03}-{'i' * 180}"} for n in range(200)]
    await call(bridge, "add_tasks", tasks=tasks)
    answer = await bridge.call(METHODS["get_snapshot"], {"limit": 200}, "me")
    assert 50 < len(answer.result["queue"]) < 200
    assert answer.result["counts"]["available"] == 200
    shown = len(answer.result["queue"])
    assert answer.notices == (f"Only {shown} of the entries asked for fit into one answer.",)


async def test_a_connection_that_comes_back_in_time_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Starting a server takes longer than an agent is let wait, so the patience is longer here.
    monkeypatch.setattr(bridge_module, "REACH_SECONDS", 20.0)
    database = tmp_path / "tasks.db"
    async with running_server(database) as first, connect(first.url) as client:
        bridge = Bridge(client)
        await call(bridge, "add_task", id="a", description="x")
        await first.kill()
        totals: list[int] = []
        asked = trio.Event()

        async def ask() -> None:
            totals.append((await call(bridge, "get_all_tasks"))["total"])
            asked.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            async with running_server(database, port=first.port):
                await asked.wait()
        assert totals == [1]
