"""Tests of `task-coordinator add` against a real server."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from protocol.cli.add import parse_tasks
from tests.protocol.cli.running import NOBODY, Command

PLAN = [{"id": "api", "description": "x", "dependencies": ["db"]}, {"id": "db", "description": "y"}]


def test_a_task_gets_everything_that_was_said_about_it(command: Command) -> None:
    command.send("add_task", id="db", description="first")
    shown = command.ok(
        "add",
        "Test the login",
        *("--id", "test-login", "--depends-on", "db", "--priority", "-5", "--tag", "auth,test"),
        *("--expected-output", "a green run", "--metadata", '{"area": "auth"}'),
    )
    assert shown == "added test-login (blocked)\n"
    task = command.json("tasks", "test-login")["task"]
    told = {
        "description": "Test the login",
        "dependencies": ["db"],
        "priority": -5,
        "tags": ["auth", "test"],
        "expectedOutput": "a green run",
        "metadata": {"area": "auth"},
    }
    assert {name: task[name] for name in told} == told


def test_what_was_said_about_time_attempts_and_resources_arrives(command: Command) -> None:
    added = command.json(
        "add",
        "Nightly build",
        *("--id", "a", "--resource", "src/auth/,db", "--resource", "docs/x.md"),
        *("--not-before", "2h", "--deadline", "2099-01-31T09:30:00+01:00"),
        *("--max-attempts", "3", "--retry-delay", "1m30s", "--attempt-timeout", "2h"),
    )
    assert added["task"]["status"] == "scheduled"
    task = command.json("tasks", "a")["task"]
    told = {
        "resources": ["src/auth/", "db", "docs/x.md"],
        "deadline": "2099-01-31T08:30:00.000Z",
        "maxAttempts": 3,
        "retryDelaySeconds": 90,
        "timeoutSeconds": 7_200,
    }
    assert {name: task[name] for name in told} == told
    created = datetime.fromisoformat(task["createdAt"])
    ahead = datetime.fromisoformat(task["notBefore"]) - created
    assert timedelta(hours=1, minutes=59) < ahead <= timedelta(hours=2)


def test_a_deadline_in_the_past_is_refused_by_the_server(command: Command) -> None:
    done = command("add", "x", "--deadline", "2001-01-31T09:30:00Z")
    assert (done.returncode, done.stdout) == (1, "")
    assert "deadline" in done.stderr


def test_without_an_id_the_server_makes_one(command: Command) -> None:
    added = command.json("add", "something")["task"]
    assert command.ok("add", "another").startswith("added ")
    assert added["id"]


def test_a_description_may_begin_with_a_dash(command: Command) -> None:
    command.ok("add", "--id", "a", "--", "--json is broken")
    assert command.json("tasks", "a")["task"]["description"] == "--json is broken"


@pytest.mark.parametrize(
    "text",
    [json.dumps(PLAN), json.dumps(PLAN, indent=2), "\n".join(map(json.dumps, PLAN)) + "\n\n"],
    ids=["array", "pretty_array", "json_lines"],
)
def test_a_file_adds_all_its_tasks_in_any_order(
    command: Command, tmp_path: Path, text: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    assert command.ok("add", "-f", str(plan)) == "added api (blocked)\nadded db (available)\n"


def test_a_file_with_one_bad_task_adds_none(command: Command) -> None:
    bad = [*PLAN, {"id": "ui", "description": "z", "dependencies": ["missing"]}]
    done = command("add", "-f", "-", stdin=json.dumps(bad))
    assert (done.returncode, done.stdout) == (1, "")
    assert "`missing`" in done.stderr
    assert command.json("tasks")["tasks"] == []


def test_a_field_that_no_task_has_is_named(command: Command) -> None:
    done = command("add", "-f", "-", stdin='[{"description": "x", "prioritty": 1}]')
    assert done.returncode == 1
    assert "prioritty" in done.stderr


def test_a_file_of_tasks_is_answered_in_json_by_one_document(command: Command) -> None:
    added = command.json("add", "-f", "-", stdin=json.dumps(PLAN))
    assert [task["id"] for task in added["tasks"]] == ["api", "db"]


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        ((), "", "Give either a DESCRIPTION"),
        (("--id", "a"), "", "A task needs a DESCRIPTION."),
        (("x", "-f", "-"), "[]", "Give either a DESCRIPTION"),
        (("--priority", "1", "-f", "-"), "[]", "Give either a DESCRIPTION"),
        (("-f", "no-such-file.json"), "", "'no-such-file.json' does not exist"),
        (("-f", "-"), "", "stdin holds no tasks."),
        (("-f", "-"), "[]", "stdin holds no tasks."),
        (("-f", "-"), "{}\n" * 1_001, "Use 'task-coordinator import' for more."),
        (("-f", "-"), "not json", "stdin: line 1 is no JSON object"),
        (("x", "--metadata", "[1]"), "", "It must be a JSON object"),
        (("x", "--deadline", "soon"), "", "'soon' is no moment: write a length of time"),
        (("x", "--not-before", "1h1h"), "", "names a unit twice"),
        (("x", "--retry-delay", "30"), "", "'30' is no length of time"),
        (("x", "--max-attempts", "many"), "", "'many' is not a valid integer"),
        (("--resource", "a"), "", "A task needs a DESCRIPTION."),
        (("x", "--priority", "high"), "", "'high' is not a valid integer"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_and_sends_nothing(
    words: tuple[str, ...], stdin: str, told: str
) -> None:
    done = Command(NOBODY)("add", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(ValueError, match="line 3 is no JSON object"):
        parse_tasks(b'{"a": 1}\n\n[1]\n')
    with pytest.raises(ValueError, match="line 2 is no JSON object"):
        parse_tasks(b'{"a": 1}\n{"a": "\xff"}')
    with pytest.raises(ValueError, match="not a JSON array of tasks"):
        parse_tasks(b'[{"a": 1}, 5]')


def test_a_byte_order_mark_and_other_line_ends_do_no_harm() -> None:
    assert parse_tasks(b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n') == [{"a": 1}, {"a": 2}]
