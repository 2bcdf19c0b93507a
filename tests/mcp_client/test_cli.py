"""The commands as a shell and an agent's host run them: real processes, exit codes, streams."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from protocol.client import connect
from tests.mcp_client.agents import ROOT, mcp_command
from tests.servers import running_server

NOBODY = "ws://127.0.0.1:1"
PROMPTLY_SECONDS = 5.0


@dataclass
class Shell:
    """Runs commands with a home folder of its own and none of this machine's settings."""

    home: Path

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TASK_COORDINATOR_")
        }
        return {**kept, "HOME": str(self.home), "PYTHONPATH": str(ROOT), **settings}

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "task_coordinator", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            env=self.environment(**settings),
        )

    def user_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / ".claude.json").read_text())
        return content


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


# --- mcp ------------------------------------------------------------------------------------------


@asynccontextmanager
async def mcp_process(shell: Shell, url: str) -> AsyncGenerator[trio.Process]:
    process = await trio.lowlevel.open_process(
        mcp_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=shell.environment(TASK_COORDINATOR_URL=url),
    )
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                assert stream is not None
                await stream.aclose()


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


async def greeted(process: trio.Process) -> dict[str, Any]:
    """Say hello and hear the answer: from then on the process is up."""
    assert process.stdin is not None
    assert process.stdout is not None
    with trio.fail_after(20):
        await process.stdin.send_all(json.dumps(INITIALIZE).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            line += await process.stdout.receive_some()
    answer: dict[str, Any] = json.loads(line)
    return answer


async def ended(process: trio.Process) -> tuple[int, bytes, bytes]:
    """Exit code, the rest of stdout, and stderr of a process that must end now."""
    assert process.stdout is not None
    assert process.stderr is not None
    with trio.fail_after(PROMPTLY_SECONDS):
        code = await process.wait()
    return (
        code,
        b"".join([chunk async for chunk in process.stdout]),
        b"".join([chunk async for chunk in process.stderr]),
    )


async def test_an_older_handshake_gets_the_version_it_asks_for(shell: Shell) -> None:
    async with mcp_process(shell, NOBODY) as process:
        assert (await greeted(process))["result"]["protocolVersion"] == "2025-06-18"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_in_order(shell: Shell, number: signal.Signals) -> None:
    async with mcp_process(shell, NOBODY) as process:
        await greeted(process)
        process.send_signal(number)
        assert await ended(process) == (0, b"", b"")


async def test_closing_stdin_ends_the_process_and_its_connection(
    shell: Shell, tmp_path: Path
) -> None:
    async with (
        running_server(tmp_path / "tasks.db") as server,
        connect(server.url) as watcher,
        mcp_process(shell, server.url) as process,
    ):
        await greeted(process)
        with trio.fail_after(PROMPTLY_SECONDS):
            while (await watcher.call("get_server_info"))["connections"] < 2:
                await trio.lowlevel.checkpoint()
        assert process.stdin is not None
        await process.stdin.aclose()
        assert await ended(process) == (0, b"", b"")
        with trio.fail_after(PROMPTLY_SECONDS):
            while (await watcher.call("get_server_info"))["connections"] > 1:
                await trio.lowlevel.checkpoint()


async def test_a_host_that_vanishes_leaves_nothing_behind(shell: Shell) -> None:
    async with mcp_process(shell, NOBODY) as process:
        await greeted(process)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        await process.stdout.aclose()
        await process.stdin.send_all(json.dumps({**INITIALIZE, "method": "ping"}).encode() + b"\n")
        with trio.fail_after(PROMPTLY_SECONDS):
            assert await process.wait() == 0
            assert b"".join([chunk async for chunk in process.stderr]) == b""


def test_a_process_without_a_host_ends_at_once(shell: Shell) -> None:
    ran = shell.run("mcp")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "ftp://host"], "ftp"),
        (["--project", "No Such Name"], "No Such Name"),
        (["--name", "a\nb"], "name"),
        (["--token", "two words"], "token"),
        (["--worker-id", "a\nb"], "--worker-id"),
        (["--idle-seconds", "0"], "--idle-seconds"),
    ],
)
def test_options_that_cannot_be_used_are_named_in_one_line(
    shell: Shell, words: list[str], said: str
) -> None:
    ran = shell.run("mcp", *words)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr


def test_an_agents_process_loads_only_what_it_uses(shell: Shell) -> None:
    listing = "import sys, mcp_client.cli as c, mcp_client.server; print(*sys.modules)"
    early = "import sys, mcp_client.cli; print(*sys.modules)"

    def loaded(program: str) -> set[str]:
        ran = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=shell.environment(),
        )
        return {name.partition(".")[0] for name in ran.stdout.split()}

    assert not {"mcp", "mcp_types", "websockets", "rich"} & loaded(early)
    assert not {"actor", "dashboard", "hypercorn", "rich", "sqlite3"} & loaded(listing)


# --- install --------------------------------------------------------------------------------------


def test_install_says_what_it_did_and_does_it_once(shell: Shell) -> None:
    (shell.home / ".claude.json").write_text('{"theme": "dark"}')
    first = shell.run("install", "claude-code")
    assert first.returncode == 0
    assert f"installed 'task-coordinator' in {shell.home / '.claude.json'}" in first.stdout
    assert ".claude.json.backup-" in first.stdout
    entry = shell.user_file()["mcpServers"]["task-coordinator"]
    assert entry["env"] == {"TASK_COORDINATOR_URL": "ws://127.0.0.1:3335"}
    assert entry["args"][-1] == "mcp"
    assert shell.user_file()["theme"] == "dark"

    second = shell.run("install", "claude-code")
    assert second.returncode == 0
    assert "already installed" in second.stdout
    assert len(list(shell.home.iterdir())) == 2


def test_the_installed_command_line_runs(shell: Shell) -> None:
    shell.run("install", "claude-code", "--url", NOBODY)
    entry = shell.user_file()["mcpServers"]["task-coordinator"]
    ran = subprocess.run(
        [entry["command"], *entry["args"]],
        env=shell.environment(**entry["env"]),
        input=json.dumps(INITIALIZE) + "\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=shell.home,
    )
    assert json.loads(ran.stdout)["result"]["serverInfo"]["name"] == "task-coordinator"


def test_install_options_reach_the_entry(shell: Shell) -> None:
    ran = shell.run(
        "install",
        "claude-code",
        "--scope=project",
        "--name=tasks",
        "--url=http://example.org:3335",
        "--project=website",
    )
    assert ran.returncode == 0
    entry = json.loads((shell.home / ".mcp.json").read_text())["mcpServers"]["tasks"]
    assert entry["env"] == {
        "TASK_COORDINATOR_URL": "http://example.org:3335",
        "TASK_COORDINATOR_PROJECT": "website",
    }
    assert not (shell.home / ".claude.json").exists()


def test_a_token_of_the_environment_is_never_written(shell: Shell) -> None:
    ran = shell.run("install", "claude-code", TASK_COORDINATOR_TOKEN="secret-token")
    assert ran.returncode == 0
    assert "secret-token" not in (shell.home / ".claude.json").read_text() + ran.stdout


def test_a_token_that_is_given_is_written_and_that_is_said(shell: Shell) -> None:
    ran = shell.run("install", "claude-code", "--token", "secret-token")
    entry = shell.user_file()["mcpServers"]["task-coordinator"]
    assert entry["env"]["TASK_COORDINATOR_TOKEN"] == "secret-token"
    assert "the token is in the file" in ran.stderr
    assert "secret-token" not in ran.stdout + ran.stderr


def test_print_shows_the_entry_and_writes_nothing(shell: Shell) -> None:
    ran = shell.run("install", "claude-code", "--print")
    assert ran.returncode == 0
    assert list(json.loads(ran.stdout)["mcpServers"]) == ["task-coordinator"]
    assert list(shell.home.iterdir()) == []


def test_remove_takes_the_entry_out_again(shell: Shell) -> None:
    shell.run("install", "claude-code")
    ran = shell.run("install", "claude-code", "--remove")
    assert ran.returncode == 0
    assert "removed 'task-coordinator' from" in ran.stdout
    assert shell.user_file() == {"mcpServers": {}}
    again = shell.run("install", "claude-code", "--remove")
    assert again.returncode == 0
    assert "there is no 'task-coordinator' in" in again.stdout


def test_install_tells_programs_in_json(shell: Shell) -> None:
    (shell.home / ".claude.json").write_text("{}")
    told = json.loads(shell.run("install", "claude-code", "--json").stdout)
    assert told["changed"] is True
    assert told["path"] == str(shell.home / ".claude.json")
    assert Path(told["backup"]).read_text() == "{}"
    (shell.home / ".claude.json").write_text("{")
    failed = shell.run("install", "claude-code", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stderr)["error"]["reason"] == "host_config"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["emacs"], 2, "unknown host 'emacs'; known hosts: claude-code"),
        (["claude-code", "--scope", "galaxy"], 2, "galaxy"),
        (["claude-code", "--url", "nonsense"], 2, "nonsense"),
        (["claude-code", "--name", ""], 2, "--name must not be empty"),
        ([], 2, "HOST"),
    ],
)
def test_a_wrong_call_of_install_is_explained_in_one_line(
    shell: Shell, words: list[str], code: int, said: str
) -> None:
    ran = shell.run("install", *words)
    assert ran.returncode == code
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(shell.home.iterdir()) == []


def test_a_damaged_file_is_explained_in_one_line(shell: Shell) -> None:
    (shell.home / ".claude.json").write_text("not json")
    ran = shell.run("install", "claude-code")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"error: {shell.home / '.claude.json'} is not JSON")
    assert ran.stderr.count("\n") == 1
