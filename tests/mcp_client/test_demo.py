"""The demo, as a visitor runs it: real agents, a real server, and nothing left behind."""

import re
from pathlib import Path

import pytest
import trio

from mcp_client.demo import SAMPLE_PLAN
from protocol.client import connect
from protocol.errors import ConnectionLost
from tests.mcp_client.test_cli import NOBODY, Shell
from tests.servers import running_server

PLAN_IDS = {task["id"] for task in SAMPLE_PLAN}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def happened(output: str, verb: str) -> list[str]:
    return re.findall(rf"^[\d.]+ s\s+worker-\d\s+{verb}\s+(\S+)", output, re.MULTILINE)


async def test_without_a_server_the_demo_brings_its_own_and_takes_it_away(shell: Shell) -> None:
    ran = await trio.to_thread.run_sync(shell.run, "demo", "--pace", "0.05", "--url", NOBODY)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Starting a server for the demo" in ran.stdout
    assert sorted(happened(ran.stdout, "takes")) == sorted(PLAN_IDS)
    finished = happened(ran.stdout, "finishes")
    for task in SAMPLE_PLAN:
        for dependency in task.get("dependencies", []):
            assert finished.index(dependency) < finished.index(task["id"])
    assert "6 of 6 tasks done" in ran.stdout
    assert "each task was taken exactly once" in ran.stdout
    assert "\x1b" not in ran.stdout

    url = re.search(r"agents at (ws://\S+),", ran.stdout)
    assert url is not None
    with pytest.raises(ConnectionLost):
        async with connect(url[1], connect_timeout=0.5):
            pass
    assert list(shell.home.iterdir()) == []


async def test_with_a_server_the_demo_plays_in_a_project_of_its_own(
    shell: Shell, tmp_path: Path
) -> None:
    async with running_server(tmp_path / "tasks.db", "--token", "a-long-enough-token") as server:
        ran = await trio.to_thread.run_sync(
            lambda: shell.run(
                "demo",
                *("--workers", "2", "--pace", "0", "--url", server.url),
                TASK_COORDINATOR_TOKEN="a-long-enough-token",
            )
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "Starting a server" not in ran.stdout
        project = re.search(r"in the project (demo-\w+)", ran.stdout)
        assert project is not None
        assert f"choose the project {project[1]} at the top" in ran.stdout
        async with connect(server.url, project=project[1], token="a-long-enough-token") as client:
            counts = (await client.call("get_snapshot"))["counts"]
            workers = await client.call("get_workers")
        assert counts["done"] == len(SAMPLE_PLAN)
        assert workers["free"] == workers["total"]
        async with connect(server.url, token="a-long-enough-token") as client:
            assert (await client.call("get_all_tasks"))["total"] == 0


async def test_a_demo_that_is_not_let_in_says_so_in_one_line(shell: Shell, tmp_path: Path) -> None:
    async with running_server(tmp_path / "tasks.db", "--token", "a-long-enough-token") as server:
        ran = await trio.to_thread.run_sync(shell.run, "demo", "--url", server.url)
    assert ran.returncode != 0
    assert ran.stderr.count("\n") == 1
    assert "TASK_COORDINATOR_TOKEN" in ran.stderr


async def test_more_agents_than_slots_end_the_demo_with_the_reason(
    shell: Shell, tmp_path: Path
) -> None:
    async with running_server(tmp_path / "tasks.db", "--workers", "1") as server:
        ran = await trio.to_thread.run_sync(
            lambda: shell.run("demo", "--workers", "2", "--pace", "1", "--url", server.url)
        )
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "no_free_slot" in ran.stderr
