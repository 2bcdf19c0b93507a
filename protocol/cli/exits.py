"""How a command ends: the exit codes, and the one line that says why.

Owns the translation of everything expected that can go wrong into a line on stderr and a code.
Must not know commands, connections or tables.
"""

import os
import sys
from typing import Any, Final, cast

import click

from protocol.cli.text import json_text, one_line
from protocol.errors import ConnectionLost, CoordinatorError

__all__ = ["EXIT_CODES", "INTERRUPTED", "NO_CONNECTION", "OK", "REFUSED", "USAGE", "report"]

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NO_CONNECTION: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no connection to the server, "
    "130 interrupted with Ctrl-C. An error is one line on stderr; with --json, one JSON object."
)
"""The sentence that every `--help` ends with."""


def report(error: BaseException, *, as_json: bool) -> int:
    """Say on stderr how a command failed and return its exit code.

    Ctrl-C and a reader that closed the pipe (`| head`) are the user's wish: nothing is said.

    Raises:
        BaseException: `error` itself, if it is a defect and not an expected failure.
    """
    cause = _telling(error)
    match cause:
        case KeyboardInterrupt() | click.Abort():
            _drop_output()
            return INTERRUPTED
        case BrokenPipeError():
            _drop_output()
            return OK
        case click.UsageError():
            _tell(_usage_line(cause), "usage", {}, USAGE, as_json=as_json)
            return USAGE
        case click.ClickException():
            _tell(cause.format_message(), "failed", {}, REFUSED, as_json=as_json)
            return REFUSED
        case CoordinatorError():
            code = NO_CONNECTION if isinstance(cause, ConnectionLost) else REFUSED
            _tell(cause.message, cause.reason, cause.data, code, as_json=as_json)
            return code
        case _:
            raise error


def _telling(error: BaseException) -> BaseException:
    """The one exception of a group that says what happened; Ctrl-C outweighs its consequences."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    leaves = [_telling(each) for each in group.exceptions]
    ranked = (KeyboardInterrupt, click.ClickException, CoordinatorError, BrokenPipeError)
    return next((leaf for kind in ranked for leaf in leaves if isinstance(leaf, kind)), leaves[0])


def _usage_line(error: click.UsageError) -> str:
    where = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
    message = error.format_message().rstrip()
    return f"{message}{'' if message.endswith(('.', '?', '!', ')')) else '.'}{where}"


def _tell(
    message: str, reason: str, data: dict[str, Any], exit_code: int, *, as_json: bool
) -> None:
    line = one_line(message)
    if as_json:
        told = {"reason": reason, "message": line, "exitCode": exit_code, "data": data}
        line = json_text({"error": told}, ascii_only=True)
    else:
        line = f"error: {line}"
    click.echo(line, err=True)


def _drop_output() -> None:
    """What is still buffered goes nowhere, so that closing stdout at exit can neither fail nor
    block."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
