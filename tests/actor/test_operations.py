"""`backup` and `prune` as a client calls them, over real files."""

import json
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from actor import retention
from actor.archive import Archive, Line
from actor.store.memory import MemoryStore
from protocol.errors import (
    HistoryPruned,
    InternalError,
    InvalidParams,
    ShuttingDown,
    StorageUnavailable,
    TaskNotFound,
)
from tests.actor.inside import Client, Inside, inside
from tests.actor.store.files import ask, names, opened
from tests.faults.stores import Fault, FaultyStore

NOW = datetime.fromtimestamp(1_800_000_000, UTC)
"""When the clock of `inside` begins."""
LATER = (NOW + timedelta(hours=20)).isoformat()


@asynccontextmanager
async def served(path: Path) -> AsyncGenerator[tuple[Inside, Client]]:
    async with opened(path) as store, inside(store) as server:
        yield server, server.client()


async def finish(client: Client, *ids: str, **fields: Any) -> None:
    tasks = [{"id": i, "description": f"do {i}", "status": "done", **fields} for i in ids]
    for start in range(0, len(tasks), 1_000):
        await client("import_tasks", tasks=tasks[start : start + 1_000])


async def ids(client: Client) -> list[str]:
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = await client("list_tasks", limit=500, **more)
        found += [task["id"] for task in page["tasks"]]
        if "nextCursor" not in page:
            return found
        more = {"cursor": page["nextCursor"]}


async def events(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client("get_events"))["events"]
    return found


def archived(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(folder.glob("tasks.archive-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


# --- tasks ------------------------------------------------------------------------------------


async def test_old_finished_tasks_go_into_the_archive_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a", "b", "held")
        await client("add_task", id="c", description="do c")
        slot = (await client("claim_worker_slot", workerId="w"))["slot"]
        await client("claim_task", taskId="c", workerId="w", workerSlot=slot)
        await client("update_task", taskId="c", workerId="w", status="done", output="it is")
        await client("add_task", id="open", description="x", dependencies=["held"])
        server.pass_hours(24)
        await finish(client, "young")
        pruned = await client("prune", finishedBefore=LATER)
        assert pruned == {
            "tasks": 3,
            "events": 0,
            "kept": 1,
            "archive": "tasks.archive-20270116.jsonl",
            "dryRun": False,
        }
        assert await ids(client) == ["held", "open", "young"]
        server.check()
        lines = archived(tmp_path)
        assert [line["task"]["id"] for line in lines] == ["c", "b", "a"]
        assert lines[0]["task"]["output"] == "it is"
        history = [event["type"] for event in lines[0]["events"]]
        assert history == ["task_added", "task_claimed", "task_done"]
        told = (await events(client))[-1]
        assert told["type"] == "tasks_pruned"
        assert told["data"] == {
            "removed": 3,
            "tasks": ["c", "b", "a"],
            "archive": pruned["archive"],
        }
        with pytest.raises(TaskNotFound):
            await client("get_task", taskId="a")
    async with served(tmp_path / "tasks.db") as (_, client):
        assert await ids(client) == ["held", "open", "young"]


async def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, *(f"t{number}" for number in range(1_200)))
        await client("add_task", id="open", description="x", dependencies=["t7"])
        server.pass_hours(24)
        before = names(tmp_path)
        dry = await client("prune", finishedBefore=LATER, eventsBefore=LATER, dryRun=True)
        assert (dry["tasks"], dry["kept"], dry["dryRun"]) == (1_199, 1, True)
        assert "archive" not in dry
        assert names(tmp_path) == before
        assert len(await ids(client)) == 1_201
        real = await client("prune", finishedBefore=LATER, eventsBefore=LATER)
        del dry["dryRun"], real["dryRun"], real["archive"]
        assert real == dry


async def test_a_project_is_pruned_alone_and_its_ids_may_come_again(tmp_path: Path) -> None:
    async with served(tmp_path / "tasks.db") as (server, client):
        other = server.client("other")
        await finish(client, "a")
        await finish(other, "a")
        server.pass_hours(24)
        await client("prune", finishedBefore=LATER)
        assert (await ids(client), await ids(other)) == ([], ["a"])
        await client("add_task", id="a", description="again")
        assert (await client("get_task", taskId="a"))["task"]["status"] == "available"
        server.check()
        assert {line["project"] for line in archived(tmp_path)} == {"default"}


async def test_what_is_taken_up_again_after_it_was_archived_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Archive.append

    def append_and_reset(self: Archive, lines: Iterable[Line], now_ms: int) -> str:
        name = append(self, lines, now_ms)
        trio.from_thread.run(lambda: client("reset_failed_task", taskId="b", force=True))
        return name

    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a")
        await finish(client, "b", dependencies=["a"])
        await finish(client, "c")
        server.pass_hours(24)
        monkeypatch.setattr(Archive, "append", append_and_reset)
        pruned = await client("prune", finishedBefore=LATER)
        assert pruned["tasks"] == 1
        assert await ids(client) == ["a", "b"]
        assert (await client("get_task", taskId="b"))["task"]["status"] == "available"
        server.check()


async def test_ended_between_archive_and_removal_both_have_the_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Archive.append

    def append_and_fail(self: Archive, lines: Iterable[Line], now_ms: int) -> str:
        append(self, lines, now_ms)
        raise ZeroDivisionError

    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a")
        server.pass_hours(24)
        with monkeypatch.context() as patch:
            patch.setattr(Archive, "append", append_and_fail)
            with pytest.raises(InternalError):
                await client("prune", finishedBefore=LATER)
        assert await ids(client) == ["a"]
        assert (await client("prune", finishedBefore=LATER))["tasks"] == 1
        assert [line["task"]["id"] for line in archived(tmp_path)] == ["a", "a"]


async def test_an_archive_that_cannot_be_written_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "tasks.archive-20270116.jsonl").mkdir()
    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a")
        server.pass_hours(24)
        for what in ({"finishedBefore": LATER}, {"eventsBefore": LATER}):
            with pytest.raises(StorageUnavailable, match=r"archive-20270116\.jsonl could not be"):
                await client("prune", **what)
        assert await ids(client) == ["a"]
        assert len(await events(client)) == 1


async def test_a_commit_that_fails_removes_nothing_and_the_next_prune_does() -> None:
    store = FaultyStore()
    async with inside(store) as server:
        client = server.client()
        await finish(client, "a", "b")
        server.pass_hours(24)
        store.faults.append(Fault.REFUSED)
        with pytest.raises(StorageUnavailable):
            await client("prune", finishedBefore=LATER)
        assert await ids(client) == ["a", "b"]
        store.faults.append(Fault.UNKNOWN_LOST)
        with pytest.raises(StorageUnavailable):
            await client("prune", eventsBefore=LATER)
        store.faults.append(Fault.UNKNOWN_WRITTEN)
        assert (await client("prune", finishedBefore=LATER))["tasks"] == 2
        assert await ids(client) == []
        server.check()


async def test_work_goes_on_between_the_steps_of_a_long_prune(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PICKED_MAX", 50)
    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, *(f"t{number}" for number in range(2_000)))
        server.pass_hours(24)
        pruning = await client.send("prune", finishedBefore=LATER)
        other = server.client()
        answered = 0
        while not client.answered(pruning):
            await other("add_task", description="meanwhile")
            answered += 1
        assert (await client.answer(pruning))["tasks"] == 2_000
        assert answered > 20
        assert len(await ids(client)) == answered
        server.check()


# --- events -----------------------------------------------------------------------------------


async def test_old_events_go_but_those_of_open_tasks_and_numbers_go_on(tmp_path: Path) -> None:
    async with served(tmp_path / "tasks.db") as (server, client):
        await client("add_task", id="open", description="x")
        await finish(client, "a")
        await client("claim_worker_slot", workerId="w")
        server.pass_hours(24)
        pruned = await client("prune", eventsBefore=LATER)
        assert (pruned["tasks"], pruned["events"]) == (0, 2)
        assert [line["event"]["seq"] for line in archived(tmp_path)] == [2, 3]
        left = [(event["seq"], event["type"]) for event in await events(client)]
        assert left[:1] == [(1, "task_added")]
        assert (4, "tasks_pruned") in left
        with pytest.raises(HistoryPruned, match="up to number 3"):
            await client("subscribe", since=2)
        await client("subscribe", since=3)
        await client("cancel_task", taskId="open")
        assert (await client("prune", eventsBefore=LATER))["events"] == 1
        last = (await events(client))[-1]["seq"]
    async with served(tmp_path / "tasks.db") as (_, client):
        assert min(event["seq"] for event in await events(client)) == 4
        await client("add_task", id="next", description="x")
        assert (await events(client))[-1]["seq"] > last
        with pytest.raises(HistoryPruned):
            await client("subscribe", since=0)


async def test_many_events_go_page_by_page_and_each_is_archived_once(tmp_path: Path) -> None:
    async with served(tmp_path / "tasks.db") as (server, client):
        await client("add_task", id="open", description="x")
        for number in range(3):
            await finish(client, *(f"t{number}-{each}" for each in range(1_000)))
        before = (await client("get_snapshot"))["seq"]
        server.pass_hours(24)
        pruned = await client("prune", eventsBefore=LATER, finishedBefore=LATER)
        assert (pruned["tasks"], pruned["events"]) == (3_000, before - 1)
        lines = archived(tmp_path)
        seqs = [line["event"]["seq"] for line in lines if line["kind"] == "event"]
        assert seqs == list(range(2, before + 1))
        assert (
            ask(tmp_path / "tasks.db", "SELECT count(*) FROM events WHERE seq > 1")
            == len(await events(client)) - 1
        )


async def test_what_happens_during_a_prune_up_to_now_is_not_chased(tmp_path: Path) -> None:
    async with served(tmp_path / "tasks.db") as (_, client):
        await finish(client, "a")
        far = (NOW + timedelta(days=365_000)).isoformat()
        pruned = await client("prune", eventsBefore=far, finishedBefore=far)
        assert (pruned["tasks"], pruned["events"]) == (1, 1)
        ancient = "0001-01-01T00:00:00+14:00"
        assert (await client("prune", eventsBefore=ancient))["events"] == 0


async def test_a_clock_that_is_set_back_meanwhile_does_not_keep_it_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Archive.append

    def append_and_set_back(self: Archive, lines: Iterable[Line], now_ms: int) -> str:
        monkeypatch.undo()
        server.pass_hours(-24)
        return append(self, lines, now_ms)

    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a")
        server.pass_hours(24)
        monkeypatch.setattr(Archive, "append", append_and_set_back)
        assert (await client("prune", eventsBefore=LATER))["events"] == 1


async def test_an_event_of_a_task_that_is_taken_up_again_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Archive.append

    def append_and_reset(self: Archive, lines: Iterable[Line], now_ms: int) -> str:
        name = append(self, lines, now_ms)
        trio.from_thread.run(lambda: client("reset_failed_task", taskId="b", force=True))
        return name

    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, "a", "b")
        server.pass_hours(24)
        monkeypatch.setattr(Archive, "append", append_and_reset)
        assert (await client("prune", eventsBefore=LATER))["events"] == 1
        left = [(event["type"], event.get("taskId")) for event in await events(client)]
        assert left == [("task_added", "b"), ("task_reset", "b"), ("tasks_pruned", None)]


async def test_prune_must_be_told_what() -> None:
    async with inside() as server:
        with pytest.raises(InvalidParams, match="`finishedBefore` for finished tasks"):
            await server.client()("prune")
        with pytest.raises(InvalidParams):
            await server.client()("prune", finishedBefore="yesterday")


async def test_a_project_that_nobody_used_stays_unused() -> None:
    async with inside() as server:
        pruned = await server.client("nobody")("prune", finishedBefore=LATER, eventsBefore=LATER)
        assert pruned == {"tasks": 0, "events": 0, "kept": 0, "dryRun": False}
        assert "nobody" not in server.coordinator.world.projects


# --- backup -----------------------------------------------------------------------------------


async def test_a_backup_is_made_while_thousands_of_changes_go_on(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    async with served(path) as (server, client):
        await finish(client, *(f"old-{number}" for number in range(1_000)))
        done = trio.Event()
        added = 0

        async def write(writer: Client) -> None:
            nonlocal added
            while not done.is_set():
                await writer("add_tasks", tasks=[{"description": "x"}] * 50)
                added += 50

        made: list[str] = []
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(write, server.client())
            while len(made) < 3 or added < 3_000:
                made.append((await client("backup"))["backup"])
            done.set()
        server.check()
    assert len(set(made)) == len(made)
    for name in made:
        assert re.fullmatch(r"tasks\.backup-\d{8}-\d{6}(-\d+)?\.db", name)
        assert ask(tmp_path / name, "PRAGMA integrity_check") == "ok"
        async with served(tmp_path / name) as (copy, client):
            copy.check()
            assert 1_000 <= len(await ids(client)) <= 1_000 + added


async def test_a_backup_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    async with served(folder / "tasks.db") as (_, client):
        folder.rename(tmp_path / "moved")
        with pytest.raises(StorageUnavailable, match=r"No backup was made: .*writable"):
            await client("backup")
        (tmp_path / "moved").rename(folder)
        assert (await client("backup"))["backup"]


async def test_a_store_without_files_has_nothing_to_back_up() -> None:
    async with inside(MemoryStore()) as server:
        client = server.client()
        assert await client("backup") == {}
        await finish(client, "a")
        server.pass_hours(24)
        assert "archive" not in await client("prune", finishedBefore=LATER)


async def test_a_stop_does_not_wait_for_a_long_prune_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PICKED_MAX", 10)
    async with served(tmp_path / "tasks.db") as (server, client):
        await finish(client, *(f"t{number}" for number in range(2_000)))
        server.pass_hours(24)
        pruning = await client.send("prune", finishedBefore=LATER)
        while not archived(tmp_path):
            await trio.lowlevel.checkpoint()
        server.coordinator.stop()
        with pytest.raises(ShuttingDown):
            await client.answer(pruning)
