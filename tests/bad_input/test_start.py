"""Files and options: a server that cannot start says why, in one line, and touches nothing."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from tests.bad_input.talking import DEADLINE_SECONDS, add, call, client
from tests.servers import running_server


def serve(*options: str, as_json: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run a server that cannot start."""
    command = [sys.executable, "-m", "task_coordinator", "serve", *options]
    if "--port" not in options:
        command += ["--port", "0"]
    if "--dashboard-port" not in options:
        command.append("--no-dashboard")
    if as_json:
        command.append("--json")
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


def assert_told(done: "subprocess.CompletedProcess[str]", *parts: str, code: int = 1) -> None:
    """It ended with the code, and with one line that has all these parts."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    for part in parts:
        assert part in line


async def some_database(path: Path) -> None:
    """A database with a few hundred tasks, closed in order."""
    async with running_server(path) as server:
        async with client(server.url) as connection:
            tasks = [{"id": f"t-{n}", "description": "d" * 300} for n in range(400)]
            await call(connection, "add_tasks", tasks=tasks)
        assert await server.stop() == 0


def run_sql(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def damage_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:-4096] = os.urandom(len(content) - 8192 - 4096)
    path.write_bytes(content)


def damage_the_start(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def make_newer(path: Path) -> None:
    run_sql(path, "PRAGMA user_version = 9999")


def make_foreign(path: Path) -> None:
    path.unlink()
    run_sql(path, "CREATE TABLE recipes (name TEXT)")


def make_text(path: Path) -> None:
    path.write_text("Dear diary,\n" * 100)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (damage_the_middle, ("damaged", "backup")),
        (damage_the_start, ("damaged", "backup")),
        (make_newer, ("newer version", "9999", "another file")),
        (make_foreign, ("another program", "another file")),
        (make_text, ("not an SQLite database", "another file")),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_was(
    tmp_path: Path, spoil: Callable[[Path], None], says: tuple[str, ...]
) -> None:
    path = tmp_path / "tasks.db"
    await some_database(path)
    spoil(path)
    before = path.read_bytes()
    assert_told(serve("--database", str(path)), str(path), *says)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    assert_told(serve("--database", str(tmp_path)), "is a folder", "name a file in it")
    missing = tmp_path / "no" / "tasks.db"
    assert_told(serve("--database", str(missing)), "does not exist", "create it first")
    (tmp_path / "file").touch()
    assert_told(serve("--database", str(tmp_path / "file" / "tasks.db")), "error: ")
    assert_told(serve("--database", "/dev/null"), "no regular file")


def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    if os.geteuid() == 0:
        folder = Path("/sys")  # root may write everywhere but into the kernel's own trees
    else:
        folder.chmod(0o555)
    assert_told(serve("--database", str(folder / "tasks.db")), "cannot write", "writable")


async def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    async with running_server(path) as server:
        done = await trio.to_thread.run_sync(serve, "--database", str(path))
        assert_told(done, "in use by another server", str(server.process.pid))
        async with client(server.url) as connection:
            await add(connection, "still-served")


@pytest.mark.parametrize("flag", ["--port", "--dashboard-port"])
def test_a_port_in_use_is_refused(tmp_path: Path, flag: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = serve("--database", str(tmp_path / "tasks.db"), flag, port)
    assert_told(done, f"Cannot listen on 127.0.0.1:{port}", "in use", flag)
    assert list(tmp_path.iterdir()) == [], "nothing is touched before the ports are had"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "0.0.0.0"), "--token"),
        (("--host", "192.0.2.1", "--insecure"), "address of this machine with --host"),
        (("--host", "no.such.host.invalid", "--insecure"), "address of this machine with --host"),
        (("--host", "a..b", "--insecure"), "address of this machine with --host"),
        (("--host", "", "--insecure"), "address of this machine with --host"),
        (("--token", "short"), "fewer than 8 characters"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    assert_told(serve("--database", str(tmp_path / "tasks.db"), *options), says)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_to_start_can_be_had_as_json(tmp_path: Path) -> None:
    done = serve("--database", str(tmp_path), as_json=True)
    assert done.returncode == 1
    assert "is a folder" in json.loads(done.stderr)["error"]["message"]
