"""Tests of `protocol.cli.options`: how the server is found, and what is said if it is not."""

import json
from pathlib import Path

import pytest

from tests.protocol.cli.running import NOBODY, Command, start_server

COMMANDS = ("call", "status", "tasks", "add", "edit", "cancel", "reset", "watch")


@pytest.mark.parametrize("words", [("status",), ("add", "x"), ("watch",)])
def test_without_a_server_every_command_says_so_in_one_line(words: tuple[str, ...]) -> None:
    done = Command(NOBODY)(*words)
    assert done.returncode == 3
    assert done.stdout == ""
    told = f"error: no server answers at {NOBODY}; start one with `task-coordinator serve`\n"
    assert done.stderr == told


def test_without_a_server_json_is_asked_for_and_given() -> None:
    done = Command(NOBODY)("status", "--json")
    assert done.returncode == 3
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["reason"] == "connection_lost"


def test_an_option_outweighs_the_environment(command: Command) -> None:
    lost = Command(NOBODY, command.project)
    assert lost("status", "--url", command.url).returncode == 0


def test_a_web_address_is_taken_for_the_server_too(command: Command) -> None:
    command.ok("status", "--url", command.url.replace("ws://", "http://"))


def test_projects_are_apart(command: Command) -> None:
    command.send("add_task", id="here", description="x")
    other = command.json("tasks", "--project", f"{command.project}-other")
    assert other["tasks"] == []
    assert [task["id"] for task in command.json("tasks")["tasks"]] == ["here"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--url", "localhost"), "'localhost' is no usable URL"),
        (("--url", "ws://u:p@localhost"), "pass the token"),
        (("--project", "No Such"), "cannot be the name of a project"),
        (("--timeout", "0"), "0"),
        (("--token", "a b"), "The token has characters"),
    ],
)
def test_an_address_that_cannot_be_meant_is_wrong_usage(words: tuple[str, ...], told: str) -> None:
    done = Command(NOBODY)("status", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_usage_is_told_in_json_when_json_is_asked_for() -> None:
    done = Command(NOBODY)("tasks", "--status", "finished", "--json")
    assert done.returncode == 2
    error = json.loads(done.stderr)["error"]
    assert error["reason"] == "usage"
    assert "There is no 'finished'" in error["message"]


def test_a_repeated_option_and_commas_mean_the_same(command: Command) -> None:
    command.ok("add", "x", "--tag", "a,b", "--tag", "c")
    assert command.json("tasks")["tasks"][0]["tags"] == ["a", "b", "c"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_examples_the_codes_and_the_common_options(name: str) -> None:
    shown = Command(NOBODY).ok(name, "--help")
    assert f"\n    task-coordinator {name}" in shown
    assert "130 interrupted with Ctrl-C" in " ".join(shown.split())
    for option in ("--url", "--project", "--token", "--timeout", "--json"):
        assert option in shown


def test_a_server_with_a_token_lets_only_those_in_who_send_it(tmp_path: Path) -> None:
    server = start_server(tmp_path / "test.db", "--token", "open-sesame")
    try:
        outside = Command(server.url)("status")
        assert (outside.returncode, outside.stdout) == (3, "")
        assert "TASK_COORDINATOR_TOKEN" in outside.stderr
        inside = Command(server.url, variables={"TASK_COORDINATOR_TOKEN": "open-sesame"})
        inside.ok("status")
        wrong = inside("status", "--token", "guess")
        assert wrong.returncode == 3
        assert "guess" not in wrong.stderr
    finally:
        server.stop()
