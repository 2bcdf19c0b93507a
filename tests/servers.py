"""Real server processes for tests.

Owns starting `task-coordinator serve` on a free loopback port with a database of its own, and
ending it by its process id.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

START_SECONDS = 20.0
STOP_SECONDS = 15.0
FIXED_PORTS = range(20_000, 30_000)
"""Below the range from which systems choose the ports of outgoing connections: a client that
tries again and again must not be given the very port that it tries to reach."""
PORT_SHARES = 16


@dataclass
class ServerProcess:
    """A running server."""

    process: trio.Process
    port: int
    database: Path
    announced: dict[str, Any]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        with trio.fail_after(STOP_SECONDS):
            return await self.process.wait()

    async def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        await self.process.wait()


async def start_server(
    database: Path, *options: str, port: int = 0, stderr: Path | None = None
) -> ServerProcess:
    """Start a server and wait until it answers.

    Its log goes to `stderr`, or to the test's own standard error.
    """
    command = [sys.executable, "-m", "task_coordinator", "serve", "--json"]
    command += ["--port", str(port), "--database", str(database)]
    if "--dashboard-port" not in options:
        command.append("--no-dashboard")
    with (stderr or Path("/dev/stderr")).open("ab") as log:
        process = await trio.lowlevel.open_process(
            [*command, *options], stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    line = b""
    with trio.fail_after(START_SECONDS):
        while not line.endswith(b"\n"):
            chunk = await process.stdout.receive_some()
            if not chunk:
                raise RuntimeError(f"the server did not start: exit code {await process.wait()}")
            line += chunk
    announced: dict[str, Any] = json.loads(line)
    return ServerProcess(process, announced["port"], database, announced)


@asynccontextmanager
async def running_server(
    database: Path, *options: str, port: int = 0, stderr: Path | None = None
) -> AsyncGenerator[ServerProcess]:
    """A server that is ended when the block is left, however that happens."""
    server = await start_server(database, *options, port=port, stderr=stderr)
    try:
        yield server
    finally:
        with trio.CancelScope(shield=True):
            if server.process.returncode is None:
                await server.kill()


def free_port(rng: random.Random, *taken: int) -> int:
    """A port for a server that is to be started on it more than once, and none of those `taken`.

    Tests that run at the same time in other processes choose from other ports.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = rng.choice(FIXED_PORTS[number % PORT_SHARES :: PORT_SHARES])
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in taken:
            return port
