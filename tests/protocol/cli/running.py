"""Real processes for the tests of the commands: a server, and the command itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from protocol.client import connect

PROGRAM = (sys.executable, "-m", "task_coordinator")
ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 30
CHANGING = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED", "PYTHONUTF8"}
NOBODY = "ws://127.0.0.1:9"
"""The discard port: nothing listens there."""


@dataclass
class Server:
    """A running server process."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it in order and wait until it is gone."""
        self.process.terminate()
        self.process.communicate(timeout=DEADLINE_SECONDS)


def start_server(database: Path, *options: str) -> Server:
    """Start a server and wait until it listens. `tests.servers` is the same for Trio tests; this
    one can serve all of a session."""
    words = ["serve", "--port", "0", "--no-dashboard", "--json", "--database", str(database)]
    process = subprocess.Popen(
        [*PROGRAM, *words, *options],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # Ends at the end of the file if the server could not start.
    announced = process.stdout.readline()
    assert announced, f"the server did not start: exit code {process.wait(DEADLINE_SECONDS)}"
    return Server(process, json.loads(announced)["port"])


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change the commands."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TASK_COORDINATOR_", "_TASK_COORDINATOR_")) and name not in CHANGING
    }
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


@dataclass
class Command:
    """Runs `task-coordinator` in a process of its own."""

    url: str
    project: str = "default"
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def environment(self) -> dict[str, str]:
        return environment(
            TASK_COORDINATOR_URL=self.url,
            TASK_COORDINATOR_PROJECT=self.project,
            **self.variables,
        )

    def __call__(
        self, *words: str, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            env={**self.environment, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def send(self, method: str, **params: Any) -> Any:
        """A call without a process of its own: what a test needs but is not about."""

        async def sent() -> Any:
            async with connect(self.url, project=self.project) as client:
                return await client.call(method, params)

        return trio.run(sent)

    def send_many(self, calls: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Many calls over one connection, one after the other."""

        async def sent() -> None:
            async with connect(self.url, project=self.project) as client:
                for method, params in calls:
                    await client.call(method, params)

        trio.run(sent)

    def ok(self, *words: str, stdin: str = "", **variables: str) -> str:
        """The output of a run that must succeed."""
        done = self(*words, stdin=stdin, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str, stdin: str = "") -> Any:
        """The one JSON document that a run with --json prints."""
        return json.loads(self.ok(*words, "--json", stdin=stdin))
