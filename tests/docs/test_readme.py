"""What README.md shows really runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.servers import running_server

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str) -> str:
    """The first code block of a language under a heading."""
    section = README.partition(f"## {heading}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


async def run(command: list[str], url: str, folder: Path) -> str:
    environment = {**os.environ, "TASK_COORDINATOR_URL": url}
    with trio.fail_after(30):
        done = await trio.run_process(
            command,
            env=environment,
            cwd=folder,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


async def test_the_python_example_runs(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(block("Use it from a program", "python"), encoding="utf-8")
    async with running_server(tmp_path / "a.db") as server:
        assert await run([sys.executable, str(script)], server.url, tmp_path) == "working\n"


async def test_the_commands_run_in_the_order_shown(tmp_path: Path) -> None:
    lines = block("Use it from a terminal", "sh").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines]
    assert len(commands) == 13
    (tmp_path / "plan.md").write_text("- [ ] Write the imprint\n")
    async with running_server(tmp_path / "a.db") as server:
        for program, *words in commands:
            assert program == "task-coordinator"
            if words[0] != "watch":  # runs until it is stopped; it has tests of its own
                command = [sys.executable, "-m", "task_coordinator", *words]
                assert await run(command, server.url, tmp_path)
    assert (tmp_path / "plan.yaml").exists()


@pytest.mark.parametrize("line", ["make run", "make test"])
def test_the_make_targets_exist(line: str) -> None:
    assert line in README
    root = Path(__file__).parents[2]
    target = line.split()[1]
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
