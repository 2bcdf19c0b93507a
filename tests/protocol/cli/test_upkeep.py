"""Tests of `task-coordinator backup` and `prune` against a real server."""

import re
from collections.abc import Sequence

import pytest

from tests.protocol.cli.running import NOBODY, Command
from tests.protocol.cli.terminal import on_a_terminal


def add_finished(command: Command) -> None:
    tasks = [{"id": name, "description": "x", "status": "done"} for name in ("a", "b", "needed")]
    command.send("import_tasks", tasks=tasks)
    command.send("add_task", id="open", description="x", dependencies=["needed"])


def ids(command: Command) -> list[str]:
    return [task["id"] for task in command.json("tasks")["tasks"]]


def test_a_backup_says_what_it_is_called(command: Command) -> None:
    told = command.ok("backup")
    assert re.fullmatch(r"wrote test\.backup-\d{8}-\d{6}(-\d+)?\.db beside the database\n", told)
    assert re.fullmatch(r"test\.backup-[\d-]+\.db", command.json("backup")["backup"])


def test_what_is_old_goes_and_what_is_needed_stays(command: Command) -> None:
    add_finished(command)
    assert command.ok("prune", "--finished-older-than", "1h") == "removed 0 tasks and 0 events\n"
    told = command.ok("prune", "--finished-older-than", "0s")
    assert re.fullmatch(
        r"removed 2 tasks and 0 events; they are in test\.archive-\d{8}\.jsonl "
        r"\(1 old task stays: others depend on them\)\n",
        told,
    )
    assert ids(command) == ["needed", "open"]


def test_a_dry_run_removes_nothing(command: Command) -> None:
    add_finished(command)
    words = ("prune", "--finished-older-than", "0s", "--events-older-than", "0s", "--dry-run")
    assert command.ok(*words).startswith("would remove 2 tasks and 3 events (1 old task stays")
    assert command.json(*words) == {"tasks": 2, "events": 3, "kept": 1, "dryRun": True}
    assert len(ids(command)) == 4


@pytest.mark.parametrize(("typed", "left"), [("n\n", 4), ("y\n", 2)])
def test_on_a_terminal_it_asks_first(command: Command, typed: str, left: int) -> None:
    add_finished(command)
    code, shown = on_a_terminal(command, "prune", "--finished-older-than", "0s", typed=typed)
    assert "Remove 2 tasks and 0 events (1 old task stays: others depend on them)? [y/N]" in shown
    assert ("Nothing was removed." in shown) == (code == 1) == (left == 4)
    assert len(ids(command)) == left


def test_on_a_terminal_there_is_no_question_about_nothing(command: Command) -> None:
    for words in (("--dry-run",), ("--yes",), ()):
        code, shown = on_a_terminal(
            command, "prune", "--finished-older-than", "30d", *words, typed=""
        )
        assert code == 0
        assert "?" not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Say what to remove"),
        (("--finished-older-than", "30"), "write a number and its unit, such as 45s"),
        (("--events-older-than", "yesterday"), "is no length of time"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(words: Sequence[str], told: str) -> None:
    done = Command(NOBODY)("prune", *words)
    assert done.returncode == 2
    assert told in done.stderr
