"""Agents that come, work, freeze, are called off and die: real processes, a real coordinator."""

import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from protocol.client import Client, EventStream, connect
from protocol.models import Event
from tests.mcp_client.agents import ROOT, Agent, agent, notices_of, text_of
from tests.servers import ServerProcess, running_server

LEASE_SECONDS = 0.75
SLOTS = 3


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    """A patient server: nothing ends by itself within a test."""
    async with running_server(tmp_path / "tasks.db", "--workers", str(SLOTS)) as running:
        yield running


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    """A server with short leases, and a short grace for lost connections."""
    options = ("--lease-seconds", str(LEASE_SECONDS), "--disconnect-grace-seconds", "0.3")
    async with running_server(tmp_path / "tasks.db", "--workers", str(SLOTS), *options) as running:
        yield running


@asynccontextmanager
async def watching(server: ServerProcess) -> AsyncGenerator[tuple[Client, EventStream]]:
    """A program that sees everything from now on."""
    async with connect(server.url, name="watcher") as client, client.events() as stream:
        yield client, stream


async def until(stream: EventStream, type_: str, **fields: Any) -> Event:
    with trio.fail_after(20):
        async for event in stream:
            if event.type == type_ and all(getattr(event, k) == v for k, v in fields.items()):
                return event
    raise AssertionError("the stream ended")


async def with_a_task(client: Client, ours: Agent, worker: str = "w") -> dict[str, Any]:
    """A task that this agent holds."""
    await client.add_task(id="a", description="x")
    await ours.use("claim_worker_slot", workerId=worker)
    return await ours.use("claim_next_task", workerId=worker)


async def a_lease_passes(client: Client, stream: EventStream, worker: str) -> None:
    """Wait until a worker lapses that claimed a slot just now and says nothing more."""
    await client.claim_worker_slot(worker_id=worker)
    await until(stream, "slot_lapsed", worker_id=worker)


async def is_free_again(client: Client) -> bool:
    workers = await client.get_workers()
    return workers.free == SLOTS and (await client.get_task(task_id="a")).task.status == "available"


# --- the end of a process -------------------------------------------------------------------------


async def test_a_host_that_closes_stdin_gives_slot_and_task_back_at_once(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with watching(server) as (client, stream):
        async with agent(server.url, tmp_path) as ours:
            await with_a_task(client, ours)
        assert await is_free_again(client)
        released = await until(stream, "task_released")
        assert released.data is not None
        assert released.data["cause"] == "slot_released"
    assert ours.log.read_text() == ""


async def test_a_signal_gives_them_back_as_well(server: ServerProcess, tmp_path: Path) -> None:
    async with watching(server) as (client, stream), agent(server.url, tmp_path) as ours:
        await with_a_task(client, ours)
        ours.process.send_signal(signal.SIGTERM)
        await until(stream, "slot_released")
        assert await is_free_again(client)


HOST = """
import sys
import trio
from mcp import Client, StdioServerParameters

async def main(command, *args):
    process = StdioServerParameters(command=command, args=args, env={"TASK_COORDINATOR_URL": URL})
    async with Client(process) as client:
        await client.call_tool("claim_worker_slot", {"workerId": "w"})
        await client.call_tool("claim_next_task", {"workerId": "w"})
        await trio.sleep_forever()

URL = sys.argv[1]
trio.run(main, *sys.argv[2:])
"""


async def test_a_host_that_is_killed_takes_its_agents_slots_with_it(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "task_coordinator", "mcp"]
    async with watching(server) as (client, stream):
        await client.add_task(id="a", description="x")
        host = await trio.lowlevel.open_process(
            [sys.executable, "-c", HOST, server.url, *command],
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
        )
        await until(stream, "task_claimed", task_id="a")
        host.kill()
        await host.wait()
        await until(stream, "slot_released", worker_id="w")
        assert await is_free_again(client)


async def test_a_killed_process_loses_its_slot_after_the_grace(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with watching(hasty) as (client, stream), agent(hasty.url, tmp_path) as ours:
        await with_a_task(client, ours)
        ours.process.kill()
        lapsed = await until(stream, "slot_lapsed", worker_id="w")
        assert lapsed.data == {"cause": "disconnected"}
        assert await is_free_again(client)


async def test_without_a_server_a_process_ends_as_promptly(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("claim_worker_slot")
        process = ours.process
        await server.kill()
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(3):
            await trio.to_thread.run_sync(process.wait)


# --- a sign of life -------------------------------------------------------------------------------


async def test_a_silent_agent_keeps_its_task_far_beyond_the_lease(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with watching(hasty) as (client, stream), agent(hasty.url, tmp_path) as ours:
        claim = await with_a_task(client, ours)
        for number in range(3):
            await a_lease_passes(client, stream, f"other-{number}")
        task = (await client.get_task(task_id="a")).task
        assert (task.status, task.worker_id, task.attempt) == ("working", "w", 1)
        report = await ours.ask("update_task", taskId="a", status="done", output="x")
        assert not report.is_error
        assert notices_of(report) == []
        assert claim["task"]["attempt"] == 1


async def test_an_agent_that_is_silent_for_too_long_is_no_longer_kept(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with (
        watching(hasty) as (client, stream),
        agent(hasty.url, tmp_path, idle_seconds="1") as ours,
    ):
        await with_a_task(client, ours)
        await until(stream, "slot_lapsed", worker_id="w")
        answer = await ours.ask("get_snapshot")
        assert [notice[:15] for notice in notices_of(answer)] == ["Slot 1 of `w` w"]
        await ours.use("claim_worker_slot", workerId="w")
        assert (await ours.use("claim_next_task", workerId="w"))["task"]["attempt"] == 2


async def test_a_frozen_process_loses_its_task_and_hears_of_it_when_it_thaws(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with watching(hasty) as (client, stream), agent(hasty.url, tmp_path) as ours:
        claim = await with_a_task(client, ours)
        ours.process.suspend()
        await until(stream, "task_lapsed", task_id="a")
        await until(stream, "slot_lapsed", worker_id="w")
        slot = (await client.claim_worker_slot(worker_id="v", lease_seconds=60)).slot
        await client.claim_task(task_id="a", worker_id="v", worker_slot=slot, lease_seconds=60)
        ours.process.resume()
        late = {"taskId": "a", "status": "done", "output": "too late"}
        answer = await ours.ask("update_task", **late, claimToken=claim["claimToken"])
        assert answer.is_error
        assert text_of(answer).startswith("stale_claim: ")
        said = notices_of(answer) or notices_of(await ours.ask("get_snapshot"))
        assert len(said) == 1
        assert "was given back meanwhile" in said[0]
        task = (await client.get_task(task_id="a")).task
        assert (task.status, task.worker_id, task.output) == ("working", "v", None)


async def test_a_frozen_process_may_report_what_nobody_claimed_since(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with watching(hasty) as (client, stream), agent(hasty.url, tmp_path) as ours:
        await with_a_task(client, ours)
        ours.process.suspend()
        await until(stream, "task_lapsed", task_id="a")
        ours.process.resume()
        answer = await ours.ask("update_task", taskId="a", status="done", output="all the same")
        assert not answer.is_error, text_of(answer)
        assert (await client.get_task(task_id="a")).task.output == "all the same"


async def test_a_server_that_comes_back_finds_the_agent_at_work(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    options = ("--lease-seconds", "6", "--disconnect-grace-seconds", "6")
    async with running_server(database, *options) as first, agent(first.url, tmp_path) as ours:
        async with connect(first.url) as client:
            await with_a_task(client, ours)
        await first.kill()
        async with running_server(database, *options, port=first.port) as second:
            async with watching(second) as (client, stream):
                await a_lease_passes(client, stream, "other")
                assert (await client.get_task(task_id="a")).task.status == "working"
            report = await ours.ask("update_task", taskId="a", status="done")
            assert not report.is_error, text_of(report)


# --- orders ---------------------------------------------------------------------------------------


async def until_told(ours: Agent) -> list[str]:
    """Call a harmless tool until its answer ends with a notice, as working agents do."""
    with trio.fail_after(20):
        while not (told := notices_of(await ours.ask("get_task", taskId="a"))):
            pass
    return told


async def test_a_cancelled_task_is_told_with_the_next_answer_and_once(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    async with watching(hasty) as (client, _), agent(hasty.url, tmp_path) as ours:
        await with_a_task(client, ours)
        await client.cancel_task(task_id="a")
        assert await until_told(ours) == [
            "Task `a` was cancelled or taken back: stop working on it."
        ]
        refused = await ours.ask("update_task", taskId="a", status="done")
        assert refused.is_error
        assert notices_of(refused) == []


async def test_a_pause_and_its_end_are_told(hasty: ServerProcess, tmp_path: Path) -> None:
    async with watching(hasty) as (client, _), agent(hasty.url, tmp_path) as ours:
        await with_a_task(client, ours)
        await client.pause_claims(reason="release day")
        assert "paused" in (await until_told(ours))[0]
        await client.resume_claims()
        assert "no longer paused" in (await until_told(ours))[0]


# --- waiting --------------------------------------------------------------------------------------


async def until_waiting(client: Client, count: int) -> None:
    with trio.fail_after(20):
        while (await client.get_snapshot()).waiting != count:
            pass


async def test_a_wait_ends_with_the_task_that_another_process_adds(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with (
        agent(server.url, tmp_path) as ours,
        agent(server.url, tmp_path) as planner,
        connect(server.url) as client,
        trio.open_nursery() as nursery,
    ):
        await ours.use("claim_worker_slot")
        got: list[dict[str, Any]] = []

        async def wait() -> None:
            got.append(await ours.use("claim_next_task", waitSeconds=45))

        nursery.start_soon(wait)
        await until_waiting(client, 1)
        await planner.use("add_task", id="a", description="x")
        with trio.fail_after(5):
            while not got:
                await until_waiting(client, 0)
        assert got[0]["task"]["id"] == "a"


async def test_a_wait_that_the_host_cancels_claims_nothing_any_more(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours, connect(server.url) as client:
        await ours.use("claim_worker_slot")
        async with trio.open_nursery() as nursery:
            waiting = await nursery.start(cancellable, ours, "claim_next_task")
            await until_waiting(client, 1)
            waiting.cancel()
        await until_waiting(client, 0)
        await client.add_task(id="a", description="x")
        assert (await client.get_task(task_id="a")).task.status == "available"
        assert (await ours.use("claim_next_task"))["task"]["attempt"] == 1


async def test_a_wait_for_a_slot_ends_when_one_is_released(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours, connect(server.url) as client:
        for number in range(SLOTS):
            await client.claim_worker_slot(worker_id=f"w{number}")
        assert (await ours.refused("claim_worker_slot")).startswith("no_free_slot: ")
        async with trio.open_nursery() as nursery:
            await nursery.start(cancellable, ours, "claim_worker_slot")
            await trio.testing.wait_all_tasks_blocked()
            # What is asked on the same connection later is heard later.
            await ours.use("get_server_info")
            await client.release_worker_slot(slot=2, worker_id="w1")
        assert (await client.get_workers()).free == 0


async def cancellable(
    ours: Agent, tool: str, task_status: trio.TaskStatus[trio.CancelScope]
) -> None:
    """Wait with a tool; the scope stands for the host's patience."""
    with trio.CancelScope() as scope:
        task_status.started(scope)
        await ours.use(tool, waitSeconds=45)


# --- who an agent is ------------------------------------------------------------------------------


async def test_the_same_session_of_the_host_gets_its_slot_and_task_back(
    server: ServerProcess, tmp_path: Path
) -> None:
    session = {"CLAUDE_CODE_SESSION_ID": "5c0e7a52"}
    async with connect(server.url) as client:
        await client.add_task(id="a", description="x")
        async with agent(server.url, tmp_path, host="claude-code", variables=session) as first:
            slot = (await first.use("claim_worker_slot"))["slot"]
            await first.use("claim_next_task")
            first.process.kill()
        async with agent(server.url, tmp_path, host="claude-code", variables=session) as second:
            again = await second.use("claim_worker_slot")
            assert (again["slot"], again["taskId"]) == (slot, "a")
            assert again["workerId"] == "claude-code-5c0e7a52"
            report = await second.use("update_task", taskId="a", status="done")
            assert report["task"]["workerId"] == "claude-code-5c0e7a52"


async def test_a_process_of_the_same_session_that_ends_late_takes_nothing_from_its_successor(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with connect(server.url) as client:
        async with agent(server.url, tmp_path, worker_id="me") as second:
            async with agent(server.url, tmp_path, worker_id="me") as first:
                await with_a_task(client, first, "me")
                assert (await second.use("claim_worker_slot"))["taskId"] == "a"
            assert (await client.get_task(task_id="a")).task.status == "working"
        assert await is_free_again(client)


async def test_threads_of_one_host_process_are_workers_of_their_own(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path, host="codex-mcp-client") as ours:
        await ours.use("add_tasks", tasks=[{"description": "x"}] * 2)
        for thread in ("t1", "t2"):
            ours.meta = {"threadId": thread}
            assert (await ours.use("claim_worker_slot"))["workerId"] == f"codex-{thread}"
            claim = await ours.use("claim_next_task")
            assert claim["task"]["workerId"] == f"codex-{thread}"


async def test_the_originals_way_works_word_for_word(server: ServerProcess, tmp_path: Path) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("add_task", id="TASK-001", description="x")
        slot = (await ours.use("claim_worker_slot"))["slot"]
        claim = await ours.use(
            "claim_task", taskId="TASK-001", workerId="worker-1", workerSlot=slot
        )
        assert claim["task"]["workerId"] == "worker-1"
        await ours.use("update_task", taskId="TASK-001", status="done", workerId="worker-1")
        assert (await ours.use("release_worker_slot", slot=slot))["slot"] == slot
        assert (await ours.use("get_workers"))["free"] == SLOTS


# --- what cannot be taken back --------------------------------------------------------------------


async def test_cleaning_is_said_twice(server: ServerProcess, tmp_path: Path) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("add_tasks", tasks=[{"description": "x"}] * 2)
        for arguments in ({}, {"confirm": "made-up"}):
            text = await ours.refused("clean_all_tasks", **arguments)
            assert text.startswith("confirmation_needed: ")
            assert "2 tasks" in text
        token = text.partition('"confirm":"')[2].partition('"')[0]
        assert (await ours.use("get_all_tasks"))["total"] == 2
        assert (await ours.use("clean_all_tasks", confirm=token))["removed"] == 2
        assert "confirmation_needed" in await ours.refused("clean_all_tasks", confirm=token)
