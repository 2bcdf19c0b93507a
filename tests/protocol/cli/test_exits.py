"""Tests of `protocol.cli.exits`: one line and one code for each way to end."""

import json
import subprocess
import sys

import click
import pytest

from protocol.cli.exits import INTERRUPTED, NO_CONNECTION, REFUSED, USAGE, report
from protocol.errors import ConnectionLost, TaskNotFound
from tests.protocol.cli.running import DEADLINE_SECONDS, environment


def test_a_refusal_is_one_line_and_code_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert report(TaskNotFound("no task\n\x1b[2Jhere", taskId="a"), as_json=False) == REFUSED
    assert capfd.readouterr() == ("", "error: no task \\x1b[2Jhere\n")


def test_a_refusal_in_json_carries_its_reason_and_data(capfd: pytest.CaptureFixture[str]) -> None:
    report(TaskNotFound("no such task", taskId="a"), as_json=True)
    assert json.loads(capfd.readouterr().err) == {
        "error": {
            "reason": "task_not_found",
            "message": "no such task",
            "exitCode": 1,
            "data": {"taskId": "a"},
        }
    }


def test_no_connection_is_code_3(capfd: pytest.CaptureFixture[str]) -> None:
    assert report(ConnectionLost("nobody there"), as_json=False) == NO_CONNECTION
    assert capfd.readouterr().err == "error: nobody there\n"


def test_wrong_usage_is_code_2_and_names_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    context = click.Context(click.Command("add"), info_name="add")
    assert report(click.UsageError("What?", context), as_json=False) == USAGE
    assert capfd.readouterr().err == "error: What? See 'add --help'.\n"


def test_another_failure_of_a_command_is_code_1(capfd: pytest.CaptureFixture[str]) -> None:
    assert report(click.ClickException("The disk is full."), as_json=False) == REFUSED
    assert capfd.readouterr().err == "error: The disk is full.\n"


def test_the_cause_is_found_in_groups(
    capfd: pytest.CaptureFixture[str],
) -> None:
    inner = ExceptionGroup("inner", [ValueError("noise"), ConnectionLost("gone")])
    assert report(ExceptionGroup("outer", [inner]), as_json=False) == NO_CONNECTION
    assert capfd.readouterr().err == "error: gone\n"


def test_a_defect_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        report(ZeroDivisionError(), as_json=False)
    group = ExceptionGroup("tasks", [ZeroDivisionError()])
    with pytest.raises(ExceptionGroup) as caught:
        report(group, as_json=False)
    assert caught.value is group


BOTH = """
import sys
from protocol.cli.exits import report
from protocol.errors import ConnectionLost

print("half a line", end="")
error = BaseExceptionGroup("both", [ConnectionLost("gone"), KeyboardInterrupt()])
sys.exit(report(error, as_json=False))
"""


def test_an_interrupt_outweighs_its_consequences_and_ends_without_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOTH],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")
