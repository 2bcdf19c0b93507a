"""Tests of `task-coordinator cancel`, `reset` and `edit` against a real server."""

from typing import Any

import pytest

from protocol.limits import BULK_TASKS_MAX
from tests.protocol.cli.running import NOBODY, Command
from tests.protocol.cli.terminal import on_a_terminal


def add_plan(command: Command) -> None:
    tasks = [
        {"id": "db", "description": "Set up the database", "tags": ["backend"]},
        {"id": "api", "description": "Write the API", "dependencies": ["db"], "tags": ["backend"]},
        {"id": "ui", "description": "Draw the page"},
    ]
    command.send("add_tasks", tasks=tasks)


def tasks(command: Command) -> dict[str, Any]:
    return {task["id"]: task for task in command.json("tasks", "--all")["tasks"]}


def statuses(command: Command) -> dict[str, str]:
    return {name: task["status"] for name, task in tasks(command).items()}


def test_one_task_is_cancelled_and_reset_by_its_id(command: Command) -> None:
    add_plan(command)
    assert command.ok("cancel", "api") == "cancelled api\n"
    assert command.json("cancel", "api")["task"]["status"] == "cancelled"
    assert command.ok("reset", "api") == "reset api (blocked)\n"
    assert statuses(command) == {"db": "available", "api": "blocked", "ui": "available"}


def test_what_passes_a_filter_is_changed_and_what_cannot_be_is_named(command: Command) -> None:
    add_plan(command)
    command.send("cancel_task", taskId="api")
    done = command("reset", "--tag", "backend")
    assert done.stdout == "reset 1 task: api\n"
    assert done.stderr == "left as they are: db (invalid_status)\n"
    assert command.ok("cancel", "--depends-on", "db") == "cancelled 1 task: api\n"
    assert command.ok("cancel", "--all", "--yes") == "cancelled 2 tasks: db, ui\n"
    assert set(statuses(command).values()) == {"cancelled"}


def test_force_resets_what_is_done(command: Command) -> None:
    add_plan(command)
    command.send("claim_worker_slot", workerId="w")
    command.send("claim_task", taskId="ui", workerId="w", workerSlot=1)
    command.send("update_task", taskId="ui", workerId="w", status="done")
    assert "force" in command("reset", "ui").stderr
    assert command.ok("reset", "ui", "--force") == "reset ui (available)\n"
    command.send("claim_task", taskId="ui", workerId="w", workerSlot=1)
    assert command.ok("reset", "--worker", "w", "--force") == "reset 1 task: ui\n"


def test_an_edit_sets_what_was_said(command: Command) -> None:
    add_plan(command)
    words = ("--priority", "-4", "--add-tag", "a,b", "--remove-tag", "backend")
    assert command.ok("edit", "db", *words, "--max-attempts", "3") == "edited 1 task: db\n"
    db = tasks(command)["db"]
    assert (db["priority"], db["tags"], db["maxAttempts"]) == (-4, ["a", "b"], 3)
    done = command("edit", "--search", "THE", "--priority", "-4")
    assert (done.stdout, done.stderr) == ("edited 2 tasks: api, ui\n", "left as they are: 1 task\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cancel", "--tag", "backend"), "would cancel 2 tasks: db, api\n"),
        (("cancel", "ui"), "would cancel 1 task: ui\n"),
        (("cancel", "--all"), "would cancel 3 tasks: db, api, ui\n"),
        (("reset", "--all", "--force"), "would reset 0 tasks\n"),
        (("edit", "ui", "--priority", "1"), "would edit 1 task: ui\n"),
    ],
)
def test_a_dry_run_changes_nothing(command: Command, words: tuple[str, ...], told: str) -> None:
    add_plan(command)
    before = tasks(command)
    assert command.ok(*words, "--dry-run") == told
    assert tasks(command) == before


def test_more_than_one_call_can_change_is_changed_all_the_same(command: Command) -> None:
    number = BULK_TASKS_MAX + 7
    for count in (BULK_TASKS_MAX, 7):
        command.send("add_tasks", tasks=[{"description": "x"}] * count)
    told = command.json("edit", "--all", "--yes", "--priority", "9")
    assert (told["matched"], told["changed"], told["more"]) == (number, number, False)
    assert len(told["taskIds"]) == 100
    assert {task["priority"] for task in tasks(command).values()} == {9}


def test_an_unknown_id_is_refused(command: Command) -> None:
    for words in (("cancel", "nope"), ("cancel", "nope", "--dry-run"), ("reset", "nope")):
        done = command(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "no task `nope`" in done.stderr
    assert command("edit", "nope", "--priority", "1").returncode == 1


def test_a_filter_that_nothing_passes_is_told(command: Command) -> None:
    done = command("cancel", "--tag", "nope")
    assert (done.stdout, done.stderr) == ("cancelled 0 tasks\n", "No task matches.\n")


# --- the question -----------------------------------------------------------------------------


def test_a_person_is_asked_with_the_count_before_many_tasks_are_changed(command: Command) -> None:
    add_plan(command)
    code, shown = on_a_terminal(command, "cancel", "--tag", "backend", typed="n\n")
    assert "Cancel 2 tasks? [y/N]:" in shown
    assert code == 1
    assert "Nothing was changed." in shown
    assert "cancelled" not in statuses(command).values()
    code, shown = on_a_terminal(command, "cancel", "--tag", "backend", typed="y\n")
    assert code == 0
    assert "cancelled 2 tasks: db, api" in shown


def test_a_person_is_not_asked_where_there_is_nothing_to_decide(command: Command) -> None:
    add_plan(command)
    for words in (
        ("cancel", "api"),
        ("reset", "--status", "cancelled", "--yes"),
        ("cancel", "--all", "--dry-run"),
        ("reset", "--tag", "backend"),
    ):
        code, shown = on_a_terminal(command, *words, typed="n\n")
        assert code == 0
        assert "?" not in shown


def test_where_nobody_can_be_asked_all_tasks_need_a_yes(command: Command) -> None:
    add_plan(command)
    done = command("cancel", "--all")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--all needs --yes" in done.stderr
    assert "cancelled" not in statuses(command).values()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cancel",), "Give an ID, or conditions"),
        (("cancel", "a", "--tag", "b"), "Give an ID, or conditions"),
        (("cancel", "a", "--all"), "Give an ID, or conditions"),
        (("reset", "--all", "--tag", "b"), "Give an ID, or conditions"),
        (("reset", "--status", "doen"), "Did you mean done?"),
        (("edit", "a"), "Say what to change"),
        (("edit", "a", "--priority", "high"), "'high' is not a valid integer"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_and_sends_nothing(
    words: tuple[str, ...], told: str
) -> None:
    done = Command(NOBODY)(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
