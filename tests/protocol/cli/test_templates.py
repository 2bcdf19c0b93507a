"""Tests of `task-coordinator template` against a real server."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from protocol.cli.templates import parse_plan
from task_coordinator import main
from tests.protocol.cli.running import NOBODY, Command

PLAN: list[dict[str, Any]] = [
    {"id": "ship", "description": "Ship {{version}}", "dependencies": ["build"]},
    {"id": "build", "description": "Build {{version}}", "priority": 2, "resources": ["dist/"]},
]
TEXT = json.dumps(PLAN)


def test_a_template_is_saved_listed_shown_used_and_deleted(
    command: Command, tmp_path: Path
) -> None:
    assert "template save" in command("template", "list").stderr
    plan = tmp_path / "plan.json"
    plan.write_text(TEXT)
    words = ("template", "save", "release", str(plan), "--description", "How we ship")
    assert command.ok(*words) == "saved release: 2 tasks with version\n"
    assert command.ok("template", "list") == (
        "NAME     TASKS  PARAMETERS  DESCRIPTION\nrelease      2  version     How we ship\n"
    )
    shown = command.ok("template", "show", "release")
    assert "description  How we ship\nparameters   version\n" in shown
    assert "ship          0  build       -          Ship {{version}}\n" in shown
    used = command.ok("template", "use", "release", "version=2.1=b", "--prefix", "r-")
    assert used == "added r-ship (blocked)\nadded r-build (available)\n"
    listed = {task["id"]: task for task in command.json("tasks")["tasks"]}
    assert listed["r-build"]["description"] == "Build 2.1=b"
    assert listed["r-ship"]["dependencies"] == ["r-build"]
    assert command.ok("template", "delete", "release") == "deleted release\n"
    assert command.json("template", "list")["templates"] == []
    assert len(command.json("tasks")["tasks"]) == 2


def test_without_a_prefix_the_server_makes_one(command: Command) -> None:
    command.ok("template", "save", "release", "-", stdin=TEXT)
    told = command.json("template", "use", "release", "version=1")
    assert told["prefix"].startswith("release-")
    assert [task["id"] for task in told["tasks"]] == [f"{told['prefix']}{t['id']}" for t in PLAN]


def test_a_dry_run_shows_what_would_be_added(command: Command) -> None:
    command.ok("template", "save", "release", "-", stdin=TEXT)
    words = ("template", "use", "release", "version=1", "--prefix", "r-", "--dry-run")
    assert command.ok(*words) == (
        "would add r-ship (blocked): Ship 1\nwould add r-build (available): Build 1\n"
    )
    assert command.json("tasks")["tasks"] == []


def test_what_is_shown_as_json_can_be_saved_again(command: Command) -> None:
    save = ("template", "save", "release", "-", "--description", "d")
    command.ok(*save, stdin=TEXT)
    shown = command.json("template", "show", "release")
    command.ok("template", "save", "copy", "-", stdin=json.dumps(shown, indent=2))
    copy = command.json("template", "show", "copy")
    for name in ("tasks", "description", "parameters"):
        assert copy[name] == shown[name]


def test_refusals_say_what_is_wrong(command: Command) -> None:
    command.ok("template", "save", "release", "-", stdin=TEXT)
    for words, stdin, told in (
        (("use", "release", "verison=1"), "", "needs a value for `version`"),
        (("use", "nope"), "", "no template `nope`"),
        (("show", "nope"), "", "no template `nope`"),
        (("delete", "nope"), "", "no template `nope`"),
        (("save", "x", "-"), '{"id": "a", "description": "{{"}', "double braces"),
        (("save", "x", "-"), '{"id": "a", "descripton": "d"}', "descripton"),
    ):
        done = command("template", *words, stdin=stdin)
        assert (done.returncode, done.stdout) == (1, "")
        assert told in done.stderr
        assert done.stderr.count("\n") == 1
    assert command.json("tasks")["tasks"] == []


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (("save", "x", "no-such-file"), "", "'no-such-file' does not exist"),
        (("save", "x", "-"), "", "stdin holds no tasks."),
        (("save", "x", "-"), '{"tasks": []}', "stdin holds no tasks."),
        (("save", "x", "-"), "not json", "stdin: line 1 is no JSON object"),
        (("use", "x", "version"), "", "'version' is not name=value."),
        (("use", "x", "a=1", "a=2"), "", "a is given twice."),
        (("sav",), "", "No such command 'sav'"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_and_sends_nothing(
    words: tuple[str, ...], stdin: str, told: str
) -> None:
    done = Command(NOBODY)("template", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_form_of_a_plan_is_read() -> None:
    lines = "\n".join(json.dumps(task) for task in PLAN).encode()
    for text in (TEXT.encode(), lines, json.dumps({"tasks": PLAN}).encode()):
        assert parse_plan(text) == {"tasks": PLAN}
    assert parse_plan(lines.splitlines()[0]) == {"tasks": PLAN[:1]}
    kept = {"name": "n", "description": "d", "parameters": [], "tasks": PLAN}
    assert parse_plan(json.dumps(kept).encode()) == {"tasks": PLAN, "description": "d"}


@pytest.mark.parametrize("name", ["save", "list", "show", "use", "delete"])
def test_every_help_has_examples_and_the_codes(name: str) -> None:
    shown = CliRunner().invoke(main, ["template", name, "--help"]).output
    assert f"\n    task-coordinator template {name}" in shown
    assert "130 interrupted with Ctrl-C" in " ".join(shown.split())


def test_the_bare_group_lists_its_commands() -> None:
    assert "Remove a template." in CliRunner().invoke(main, ["template"]).output
