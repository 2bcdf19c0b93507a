"""Tests of `task_coordinator`: the front door is light, complete, and closes quietly."""

import json
import signal
import subprocess
import sys
from importlib import import_module

import click
import pytest
import trio
from click.testing import CliRunner

import task_coordinator
from protocol.version import VERSION
from tests.protocol.cli.running import DEADLINE_SECONDS, NOBODY, PROGRAM, Command, environment

HEAVY = ("mcp", "rich", "trio", "actor", "dashboard", "mcp_client", "websockets")

run = Command(NOBODY)


def imported_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after running the code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    return {name.partition(".")[0] for name in told.stderr.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import task_coordinator",
        "import task_coordinator as t\nt.main(['--help'], standalone_mode=False)",
        "import task_coordinator as t\nt.main([], standalone_mode=False)",
        "import task_coordinator as t\nt.main(['--version'], standalone_mode=False)",
    ],
    ids=["import", "help", "bare", "version"],
)
def test_the_front_door_loads_none_of_the_rooms(code: str) -> None:
    assert not imported_by(code) & set(HEAVY)


def test_the_check_above_sees_what_a_command_loads() -> None:
    loaded = imported_by("import task_coordinator as t\nt.main.get_command(None, 'status')")
    assert {"trio", "rich"} <= loaded


def test_the_help_lists_every_command_with_its_line_and_the_exit_codes() -> None:
    shown = " ".join(run.ok("--help").split())
    for name, entry in task_coordinator.COMMANDS.items():
        assert f"{name} {entry.summary}" in shown
    assert "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no connection" in shown


def test_without_a_command_the_help_is_shown() -> None:
    assert run.ok() == run.ok("--help") == run.ok("-h")


@pytest.mark.parametrize("name", task_coordinator.COMMANDS)
def test_every_command_of_the_table_is_there_and_has_help(name: str) -> None:
    entry = task_coordinator.COMMANDS[name]
    module, _, attribute = entry.target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    shown = CliRunner().invoke(task_coordinator.main, [name, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: task-coordinator {name} ")


def test_the_version_is_that_of_the_product() -> None:
    assert run.ok("--version") == f"task-coordinator {VERSION}\n"


def test_an_unknown_command_is_told_with_the_closest_one() -> None:
    done = run("taks")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: There is no command 'taks'. Did you mean 'tasks'? See 'task-coordinator --help'.\n"
    )
    assert "There are: serve, demo," in run("xyzzy").stderr


def test_an_unknown_option_is_told_in_json_when_json_is_asked_for() -> None:
    done = run("--nope", "--json")
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["exitCode"] == 2


def test_what_follows_a_double_dash_asks_for_nothing() -> None:
    assert run("add", "--nope", "--", "--json").stderr.startswith("error: ")


def test_connect_is_the_one_of_the_client() -> None:
    assert task_coordinator.connect is import_module("protocol.client").connect
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        task_coordinator.disconnect  # type: ignore[attr-defined] # noqa: B018 # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue] -- what a typo does


def test_the_dashboard_is_handed_through_to_the_command_that_wants_it() -> None:
    parts = task_coordinator.main.context_settings["obj"]
    assert parts["serve_dashboard"]() is import_module("dashboard.app").serve


def test_help_for_a_reader_that_is_gone_ends_without_a_traceback() -> None:
    with subprocess.Popen(
        [*PROGRAM, "call", "--list", "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, told) == (0, b"")


def test_an_import_by_another_program_leaves_its_interrupts_alone() -> None:
    imported_by(
        "import signal, task_coordinator\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )


async def test_ctrl_c_while_waiting_for_an_answer_is_quiet() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    process = await trio.lowlevel.open_process(
        [*PROGRAM, "status", "--url", f"ws://127.0.0.1:{port}"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with trio.fail_after(DEADLINE_SECONDS):
        # It first looks whether somebody listens, then waits for a handshake that never comes.
        await (await listeners[0].accept()).aclose()
        async with await listeners[0].accept() as stream:
            assert (await stream.receive_some()).startswith(b"GET / HTTP/1.1")
            process.send_signal(signal.SIGINT)
            code = await process.wait()
        await listeners[0].aclose()
    assert process.stdout is not None
    assert process.stderr is not None
    said = (await process.stdout.receive_some(), await process.stderr.receive_some())
    assert (code, *said) == (130, b"", b"")


@pytest.mark.parametrize(
    "module", ["click", "protocol.cli.exits", "trio", "protocol.client", "rich.table"]
)
async def test_ctrl_c_while_a_command_is_loaded_is_quiet(module: str) -> None:
    """The interrupt comes from inside the import of a module, so its moment is exact."""
    code = (
        "import os, runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"sys.argv = [{task_coordinator.__file__!r}, 'status']\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    done = await trio.run_process(
        [sys.executable, "-c", code],
        env=environment(),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
