"""Tests of `task-coordinator watch` against a real server: live, over breaks, to a quiet end."""

import json
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from protocol.client import connect
from tests.protocol.cli.running import PROGRAM, Command
from tests.servers import running_server

PATIENCE_SECONDS = 20


class Watching:
    """A running `watch`, read line by line."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self._buffers: dict[str, bytes] = {}

    async def line(self, stream: str = "stdout") -> str:
        """The next line of stdout or stderr; empty at the end of the file."""
        source = getattr(self.process, stream)
        buffer = self._buffers.get(stream, b"")
        with trio.fail_after(PATIENCE_SECONDS):
            while b"\n" not in buffer:
                chunk = await source.receive_some()
                if not chunk:
                    assert not buffer
                    return ""
                buffer += chunk
        line, _, self._buffers[stream] = buffer.partition(b"\n")
        return line.decode()

    async def event(self) -> Any:
        """The next event of a watch with --json."""
        return json.loads(await self.line())

    async def end(self) -> int:
        with trio.fail_after(PATIENCE_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def watching(command: Command, *words: str) -> AsyncGenerator[Watching]:
    process = await trio.lowlevel.open_process(
        [*PROGRAM, "watch", *words],
        env=command.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


async def add(command: Command, *ids: str) -> None:
    async with connect(command.url, project=command.project) as client:
        for task_id in ids:
            await client.call("add_task", {"id": task_id, "description": "x"})


async def test_it_shows_what_was_and_goes_on_with_what_is(command: Command) -> None:
    await add(command, "a")
    async with watching(command, "--since", "0") as watch:
        first = await watch.line()
        assert first.split()[0] == "1"
        assert first.split()[2:] == ["task_added", "a", "-", "available"]
        assert "\x1b" not in first
        await add(command, "b")
        assert (await watch.line()).split()[2:] == ["task_added", "b", "-", "available"]


async def test_in_json_each_line_is_one_event(command: Command) -> None:
    await add(command, "a", "b")
    async with watching(command, "--since", "1", "--json") as watch:
        event = await watch.event()
        assert (event["seq"], event["type"], event["taskId"]) == (2, "task_added", "b")


async def test_type_and_task_narrow_it(command: Command) -> None:
    await add(command, "a", "b")
    async with connect(command.url, project=command.project) as client:
        await client.call("cancel_task", {"taskId": "a"})
        await client.call("cancel_task", {"taskId": "b"})
    narrow = ("--since", "0", "--json", "--type", "task_added,task_cancelled", "--task", "b")
    async with watching(command, *narrow) as watch:
        seen = [await watch.event(), await watch.event()]
    assert [(event["type"], event["taskId"]) for event in seen] == [
        ("task_added", "b"),
        ("task_cancelled", "b"),
    ]


async def test_it_goes_on_over_a_restart_of_the_server_and_misses_nothing(tmp_path: Path) -> None:
    database = tmp_path / "test.db"
    async with running_server(database) as server:
        command = Command(server.url)
        await add(command, "before")
        async with watching(command, "--since", "0", "--json") as watch:
            assert (await watch.event())["taskId"] == "before"
            await server.kill()
            assert json.loads(await watch.line("stderr")) == {"notice": "disconnected"}
            async with running_server(database, port=server.port):
                await add(command, "after")
                assert (await watch.event())["taskId"] == "after"
                assert json.loads(await watch.line("stderr")) == {"notice": "reconnected"}


async def test_a_break_is_told_in_words_without_json(tmp_path: Path) -> None:
    async with running_server(tmp_path / "test.db") as server:
        command = Command(server.url)
        await add(command, "a")
        async with watching(command, "--since", "0") as watch:
            assert "task_added" in await watch.line()
            await server.stop()
            assert (await watch.line("stderr")).startswith(f"disconnected from {server.url};")


async def test_ctrl_c_ends_it_quietly_with_code_130(command: Command) -> None:
    await add(command, "a")
    async with watching(command, "--since", "0") as watch:
        await watch.line()
        watch.process.send_signal(signal.SIGINT)
        assert await watch.end() == 130
        assert await watch.line("stderr") == ""


async def test_a_reader_that_leaves_ends_it_at_once_and_in_silence(command: Command) -> None:
    await add(command, "a")
    async with watching(command, "--since", "0") as watch:
        await watch.line()
        assert watch.process.stdout is not None
        # Nothing more happens in this project: only the closed pipe can end it.
        await watch.process.stdout.aclose()
        assert await watch.end() == 0
        assert await watch.line("stderr") == ""


async def test_a_reader_that_leaves_in_a_flood_of_events_sees_no_error(command: Command) -> None:
    async with connect(command.url, project=command.project) as client:
        tasks = [{"id": f"t{number}", "description": "x"} for number in range(1_000)]
        await client.call("add_tasks", {"tasks": tasks})
    async with watching(command, "--since", "0") as watch:
        await watch.line()
        assert watch.process.stdout is not None
        await watch.process.stdout.aclose()
        assert await watch.end() == 0
        assert await watch.line("stderr") == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--type", "task_dnoe"), "Did you mean task_done?"), (("--since", "-1"), "-1")],
)
async def test_what_cannot_be_meant_is_wrong_usage(
    command: Command, words: tuple[str, ...], told: str
) -> None:
    async with watching(command, *words) as watch:
        assert await watch.end() == 2
        assert told in await watch.line("stderr")


async def test_a_number_beyond_the_history_is_refused(command: Command) -> None:
    async with watching(command, "--since", "1000") as watch:
        assert await watch.end() == 1
        assert (await watch.line("stderr")).startswith("error: ")
