"""Tests of `task-coordinator tasks` against a real server."""

import json
from collections.abc import Sequence

import pytest

from tests.protocol.cli.running import NOBODY, Command
from tests.protocol.cli.terminal import on_a_terminal


def add_plan(command: Command) -> None:
    tasks = [
        {"id": "db", "description": "Set up the database", "tags": ["backend"], "priority": 1},
        {"id": "api", "description": "Write the API", "dependencies": ["db"], "tags": ["backend"]},
        {"id": "ui", "description": "Draw the page", "priority": 9},
    ]
    command.send("add_tasks", tasks=tasks)


def ids(command: Command, *words: str) -> list[str]:
    return [task["id"] for task in command.json("tasks", *words)["tasks"]]


def test_a_pipe_gets_one_row_per_task_in_aligned_columns(command: Command) -> None:
    add_plan(command)
    assert command.ok("tasks") == (
        "ID   STATUS     PRIORITY  WORKER  ATTEMPT  DETAIL                    DESCRIPTION\n"
        "db   available         1  -             0  -                         Set up the database\n"
        "api  blocked           0  -             0  waits for db (available)  Write the API\n"
        "ui   available         9  -             0  -                         Draw the page\n"
    )


def test_the_filters_mean_what_they_say(command: Command) -> None:
    add_plan(command)
    assert ids(command, "--status", "blocked") == ["api"]
    assert ids(command, "--status", "available,blocked") == ["db", "api", "ui"]
    assert ids(command, "--tag", "backend") == ["db", "api"]
    assert ids(command, "--search", "PAGE") == ["ui"]
    assert ids(command, "--worker", "w1") == []
    assert ids(command, "--depends-on", "db") == ["api"]
    assert ids(command, "--sort", "priority") == ["ui", "db", "api"]
    assert ids(command, "--sort=-created") == ["ui", "api", "db"]
    assert ids(command, "--limit", "2") == ["db", "api"]


def test_the_list_goes_on_over_as_many_pages_as_it_takes(command: Command) -> None:
    many = [{"id": f"t{number}", "description": "x"} for number in range(602)]
    command.send("add_tasks", tasks=many)
    assert ids(command, "--all") == [task["id"] for task in many]
    assert ids(command, "--limit", "501") == [task["id"] for task in many[:501]]
    assert len(ids(command)) == 50


def test_it_says_on_stderr_that_there_are_more(command: Command) -> None:
    add_plan(command)
    done = command("tasks", "--limit", "2")
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == "2 shown, there are more: use --limit N or --all.\n"
    assert command("tasks", "--limit", "3").stderr == ""
    assert "nextCursor" in command.json("tasks", "--limit", "2")


def test_an_empty_list_says_what_to_do(command: Command) -> None:
    assert "task-coordinator add" in command("tasks").stderr
    assert command("tasks", "--status", "done").stderr == "No task matches.\n"


def test_one_task_is_shown_in_full_with_the_reason_for_its_status(command: Command) -> None:
    add_plan(command)
    shown = command.ok("tasks", "api")
    assert "\nstatus       blocked\n" in shown
    assert "\nroot causes  db (available)\n" in shown
    told = command.json("tasks", "api")
    assert told["task"]["id"] == "api"
    assert told["explanation"]["rootCauses"] == [{"taskId": "db", "status": "available"}]


def test_an_unknown_task_is_refused(command: Command) -> None:
    done = command("tasks", "nope")
    assert done.returncode == 1
    assert "no task `nope`" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a", "--status", "done"), "leave the filters out"),
        (("a", "--all"), "leave the filters out"),
        (("--all", "--limit", "5"), "exclude each other"),
        (("--status", "doen"), "Did you mean done?"),
        (("--limit", "0"), "0 is not in the range"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(words: Sequence[str], told: str) -> None:
    done = Command(NOBODY)("tasks", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_hostile_description_cannot_touch_a_terminal(command: Command) -> None:
    hostile = "[red]x[/red] \x1b[31m\x1b]0;owned\x07 \x9b2J"
    command.send("add_task", id="a", description=hostile)
    for words in (("tasks",), ("tasks", "a")):
        _, shown = on_a_terminal(command, *words, NO_COLOR="1")
        assert "[red]x[/red] \\x1b[31m\\x1b]0;owned\\x07 \\x9b2J" in shown
        assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    piped = command.ok("tasks")
    assert not {"\x1b", "\x07", "\x9b"} & set(piped)


def test_a_terminal_gets_colours_and_symbols_a_pipe_does_not(command: Command) -> None:
    add_plan(command)
    _, shown = on_a_terminal(command, "tasks")
    assert "\x1b[36m○ available\x1b[0m" in shown
    piped = command.ok("tasks", FORCE_COLOR="1")
    assert "○" not in piped
    assert "\x1b" not in piped


def test_an_old_locale_gets_escapes_instead_of_an_error(command: Command) -> None:
    command.send("add_task", id="a", description="naïve 日本")
    plain = command.ok("tasks", PYTHONIOENCODING="ascii")
    assert "na\\xefve \\u65e5\\u672c" in plain
    document = command.ok("tasks", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(document)["tasks"][0]["description"] == "naïve 日本"
