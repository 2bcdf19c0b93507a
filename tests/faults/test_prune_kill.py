"""`kill -9` in the middle of a prune: what is not in the database is in the archive."""

import json
import random
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from protocol.client import connect
from protocol.errors import ConnectionLost
from tests.servers import ServerProcess, running_server

KILLS = 3
TASKS = 6_000
STEP_SECONDS = 0.05
"""About the length of one step, so that the kill comes anywhere in it."""
ROUND_SECONDS = 60


@pytest.mark.slow
async def test_a_task_is_in_the_database_or_in_the_archive_over_kills_in_the_middle_of_a_prune(
    tmp_path: Path, rng: random.Random
) -> None:
    database, log = tmp_path / "tasks.db", tmp_path / "server.log"
    async with running_server(database, stderr=log) as server:
        await add_finished_chains(server)
        assert await server.stop() == 0
    before = tasks_in(database)
    events = count_events(database)
    assert len(before) == TASKS
    moment = datetime.now(UTC).isoformat()
    for _ in range(KILLS):
        async with running_server(database, stderr=log) as server:
            await prune_until_killed(server, moment, rng)
        left = tasks_in(database)
        archived = tasks_in_archive(tmp_path)
        assert left <= before
        assert left | archived == before, "a task is lost"
        assert len(left) < TASKS, "the kill came before anything was removed"
        assert dangling(database) == 0
        assert count_events(database) >= events
    async with running_server(database, stderr=log) as server, connect(server.url) as client:
        await client.call("prune", {"finishedBefore": moment})
        assert (await client.get_all_tasks()).tasks == []
    assert tasks_in_archive(tmp_path) == before
    assert "Traceback" not in log.read_text()


async def add_finished_chains(server: ServerProcess) -> None:
    async with connect(server.url) as client:
        for start in range(0, TASKS, 1_000):
            tasks = [
                {
                    "id": f"t{number}",
                    "description": "x" * 300,
                    "status": "done",
                    "dependencies": [f"t{number - 1}"] if number % 1_000 else [],
                }
                for number in range(start, start + 1_000)
            ]
            await client.call("import_tasks", {"tasks": tasks})


async def prune_until_killed(server: ServerProcess, moment: str, rng: random.Random) -> None:
    async def prune() -> None:
        with suppress(ConnectionLost):
            async with connect(server.url) as client:
                await client.call("prune", {"finishedBefore": moment})

    with trio.fail_after(ROUND_SECONDS):
        async with connect(server.url) as client, trio.open_nursery() as nursery:
            async with client.events(types=["tasks_pruned"]) as stream:
                nursery.start_soon(prune)
                async for _ in stream:
                    break
            await trio.sleep(rng.uniform(0, STEP_SECONDS))
            await server.kill()
            nursery.cancel_scope.cancel()


# --- what is there --------------------------------------------------------------------------------


def tasks_in(database: Path) -> set[str]:
    return {row[0] for row in rows(database, "SELECT id FROM tasks")}


def count_events(database: Path) -> int:
    count: int = rows(database, "SELECT count(*) FROM events")[0][0]
    return count


def dangling(database: Path) -> int:
    """Dependencies that lead nowhere."""
    query = (
        "SELECT count(*) FROM tasks, json_each(tasks.dependencies) AS wanted "
        "WHERE wanted.value NOT IN (SELECT id FROM tasks)"
    )
    count: int = rows(database, query)[0][0]
    return count


def rows(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def tasks_in_archive(folder: Path) -> set[str]:
    """Those on whole lines: the last one may be cut off."""
    found: set[str] = set()
    for path in folder.glob("tasks.archive-*.jsonl"):
        for line in path.read_bytes().split(b"\n"):
            with suppress(json.JSONDecodeError):
                found.add(json.loads(line)["task"]["id"])
    return found
