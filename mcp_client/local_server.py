"""A coordinator for a short while: a real server process on a database that is thrown away.

Owns starting, awaiting and ending that process. Must not know what it is used for.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trio

from protocol.errors import CoordinatorError

__all__ = ["local_server"]

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0


@asynccontextmanager
async def local_server(*, slots: int) -> AsyncGenerator[str]:
    """The URL of a server that runs for the length of the block, on a free loopback port.

    Raises:
        CoordinatorError: it did not start; it has said why on stderr.
    """
    with TemporaryDirectory(prefix="task-coordinator-", ignore_cleanup_errors=True) as folder:
        process = await trio.lowlevel.open_process(
            _command(Path(folder), slots),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        try:
            yield await _announced_url(process)
        finally:
            with trio.CancelScope(shield=True):
                await _stop(process)


def _command(folder: Path, slots: int) -> list[str]:
    database = str(folder / "task-coordinator.db")
    serve = ["serve", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--json"]
    options = ["--database", database, "--workers", str(slots)]
    return [sys.executable, "-m", "task_coordinator", *serve, *options]


def _environment() -> dict[str, str]:
    """Without the settings of the user's own server, above all its token."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PORT" and not name.startswith("TASK_COORDINATOR_")
    }


async def _announced_url(process: trio.Process) -> str:
    """The server's first line says where it listens."""
    assert process.stdout is not None
    line = b""
    with trio.move_on_after(START_SECONDS):
        while not line.endswith(b"\n"):
            chunk = await process.stdout.receive_some()
            if not chunk:
                break
            line += chunk
    try:
        announced: dict[str, Any] = json.loads(line)
        url: str = announced["api"]
    except (ValueError, KeyError, TypeError):
        raise CoordinatorError(
            "the server did not start; `task-coordinator serve` in another terminal shows why"
        ) from None
    return url


async def _stop(process: trio.Process) -> None:
    process.terminate()
    with trio.move_on_after(STOP_SECONDS):
        await process.wait()
        return
    process.kill()
    await process.wait()
