"""A command on a terminal of its own."""

import errno
import os
import pty
import subprocess

from tests.protocol.cli.running import DEADLINE_SECONDS, PROGRAM, Command


def on_a_terminal(
    command: Command, *words: str, typed: str | None = None, **variables: str
) -> tuple[int, str]:
    """Run with stdout on a pseudo terminal; the exit code and what a person would see.

    With `typed`, stdin is the terminal too, and that is what the person types.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env={**command.environment, "TERM": "xterm-256color", "COLUMNS": "100", **variables},
        stdin=subprocess.DEVNULL if typed is None else theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, (typed or "").encode())
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    code = process.wait(timeout=DEADLINE_SECONDS)
    return code, shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError as error:
        # What Linux says once the other side is closed.
        if error.errno == errno.EIO:
            return b""
        raise
