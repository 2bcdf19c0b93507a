"""Tests of `task-coordinator import` against a real server."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.cli.running import NOBODY, Command
from tests.protocol.cli.terminal import on_a_terminal

PLAN = """\
# Release 2

- [x] db: Set up the database
- [ ] api: Write the API (needs: db) #backend !5
  - resources: src/api/
  - [ ] Write the tests
"""


def listed(command: Command) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = command.send("list_tasks", limit=500)["tasks"]
    return tasks


def ids(command: Command) -> list[str]:
    return [task["id"] for task in listed(command)]


def file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(command: Command, *words: str, stdin: str = "") -> list[str]:
    """The lines on stderr of a run that must be refused and change nothing."""
    before = ids(command)
    done = command("import", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, "")
    assert ids(command) == before
    return done.stderr.splitlines()


def test_a_plan_arrives_with_all_that_it_says(command: Command, tmp_path: Path) -> None:
    plan = file(tmp_path, "plan.md", PLAN)
    assert command.ok("import", plan) == f"imported 3 tasks from {plan}\n"
    db, tests, api = listed(command)
    assert (db["id"], db["status"]) == ("db", "done")
    assert (tests["id"], tests["status"]) == ("write-the-tests", "available")
    assert (api["id"], api["status"], api["priority"]) == ("api", "blocked", 5)
    assert api["dependencies"] == ["db", "write-the-tests"]
    assert (api["tags"], api["resources"]) == (["backend"], ["src/api/"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"id": "a", "description": "x"}]'),
        ("a.jsonl", '{"id": "a", "description": "x"}\n'),
        ("a.yaml", "- {id: a, description: x}\n"),
        ("a.md", "- [ ] a: x\n"),
    ],
)
def test_every_format_is_known_by_its_name_or_by_the_option(
    command: Command, tmp_path: Path, name: str, text: str
) -> None:
    command.ok("import", file(tmp_path, name, text))
    option = name.partition(".")[2]
    command.ok("import", "-", "--format", option, "--prefix", "b-", stdin=text)
    assert ids(command) == ["a", "b-a"]


def test_the_original_database_is_taken_over(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "task-coordinator.db"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE tasks (id TEXT PRIMARY KEY, description TEXT NOT NULL, status TEXT NOT NULL,"
        " worker TEXT, dependencies TEXT, output TEXT, error TEXT);"
        "INSERT INTO tasks VALUES ('b', 'y', 'working', 'w', '[\"a\"]', NULL, NULL);"
        "INSERT INTO tasks VALUES ('a', 'x', 'done', 'w', '[]', 'made', NULL);"
    )
    database.close()
    assert command.json("import", str(path)) == {"imported": 2, "skipped": 0, "dryRun": False}
    a, b = listed(command)
    assert (a["id"], a["status"], a["output"], a["workerId"]) == ("a", "done", "made", "w")
    assert (b["id"], b["status"], b["dependencies"]) == ("b", "available", ["a"])
    assert "workerId" not in b
    odd = refused(command, str(path))
    assert odd[0].startswith(f"{path}, row 1: there is a task `b` already.")


def test_a_dry_run_changes_nothing(command: Command) -> None:
    told = command.ok("import", "-", "--format", "md", "--dry-run", stdin=PLAN)
    assert told == "could import 3 tasks from stdin\n"
    assert ids(command) == []
    document = command.json("import", "-", "--format", "md", "--dry-run", stdin=PLAN)
    assert document == {"imported": 0, "skipped": 0, "dryRun": True}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "- [ ] a: x (needs: c)\n- [ ] b: y (needs: a)\n- [ ] c: z (needs: b)\n",
            "line 1: the dependencies run in a circle: `a` -> `c` -> `b` -> `a`. Leave one out.",
        ),
        (
            "- [ ] a: x\n\n- [ ] a: y\n",
            "line 3: the id `a` is taken by the task of line 1.",
        ),
        (
            "- [ ] a: x\n\nand so on\n",
            (
                "line 3: this is no task. A task is an item with a box, `- [ ] ID: text`; other "
                "text belongs into a heading, behind `>` or into a comment."
            ),
        ),
        (
            "- [ ] a: x\n  - prio: 5\n",
            "line 2: there is no field `prio`. Did you mean `priority`?",
        ),
        (
            "- [ ] a: x\n  - priority: high\n",
            "line 1: task `a`: `priority`: Expected `int`, got `str`.",
        ),
        (
            "- [ ] a: x (needs: nope)\n",
            "line 1: there is no task `nope` to depend on, neither in the file nor on the server.",
        ),
        (
            "- [ ] a: x\n- [ ] there: y\n",
            (
                "line 2: there is a task `there` already. Pass over such with --skip-existing, or "
                "give the file's tasks a --prefix."
            ),
        ),
        (
            "- [ ] a: x\n  - notBefore: 2020-01-01T00:00:00Z\n",
            (
                "line 1: task `a`: `notBefore`: 2020-01-01T00:00:00+00:00 is over. Change it, or "
                "leave out what is over with --drop-past-times."
            ),
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_nothing_is_imported(
    command: Command, text: str, told: str
) -> None:
    command.send("add_task", id="there", description="x")
    lines = refused(command, "-", "--format", "md", stdin=text)
    assert lines == [f"error: stdin, {told} Nothing was imported."]


def test_all_problems_are_told_in_the_order_of_the_file(command: Command, tmp_path: Path) -> None:
    command.send("add_task", id="there", description="x")
    tasks = [
        '{"id": "a", "description": "x", "resources": ["../secret"]}',
        '{"id": "b", "description": "x", "dependencies": ["nope"]}',
        "nothing",
        '{"id": "there", "description": "x"}',
        '{"id": "c", "description": "x", "dependencies": ["c"]}',
        '{"id": "b", "description": "x"}',
        '{"id": "d", "description": "x", "deadline": "2926-01-01T00:00:00Z"}',
    ]
    plan = file(tmp_path, "plan.jsonl", "\n".join(tasks))
    *lines, last = refused(command, plan)
    assert last == f"error: {plan} has 7 problems. Nothing was imported."
    assert [line.partition(":")[0] for line in lines] == [
        f"{plan}, line {number}" for number in range(1, 8)
    ]
    assert "`../secret`" in lines[0] or "'../secret'" in lines[0]


def test_many_problems_are_cut_short(command: Command) -> None:
    *lines, last = refused(command, "-", "--format", "jsonl", stdin="5\n" * 100)
    assert (
        last == "error: stdin has 100 problems, the first 20 of them above. Nothing was imported."
    )
    assert [line.partition(":")[0] for line in lines] == [f"stdin, line {n}" for n in range(1, 21)]


def test_what_only_the_server_sees_is_found_among_many(command: Command) -> None:
    tasks = [{"id": f"t{number}", "description": "x"} for number in range(2_500)]
    for number in (3, 1_700, 1_701):
        tasks[number]["resources"] = ["../x"]  # type: ignore[assignment]
    text = "\n".join(map(json.dumps, tasks))
    *lines, _ = refused(command, "-", "--format", "jsonl", stdin=text)
    assert [line.partition(":")[0] for line in lines] == [
        "stdin, line 4",
        "stdin, line 1701",
        "stdin, line 1702",
    ]


def test_problems_are_data_with_json(command: Command) -> None:
    done = command("import", "-", "--format", "jsonl", "--json", stdin="5\n{}\n")
    assert (done.returncode, done.stdout) == (1, "")
    error = json.loads(done.stderr)["error"]
    assert error["reason"] == "import_refused"
    assert error["data"]["problems"] == [
        {
            "line": 1,
            "message": "this is the number 5 and no task. A task is an object with at least a "
            "`description`.",
        },
        {"line": 2, "message": "task `task`: it has no `description`."},
    ]


def test_the_problems_of_a_file_are_told_without_a_server_too() -> None:
    done = Command(NOBODY)("import", "-", "--format", "jsonl", stdin="5\n")
    assert done.returncode == 1
    assert done.stderr.startswith("error: stdin, line 1: this is the number 5")
    fine = Command(NOBODY)("import", "-", "--format", "md", stdin="- [ ] a: x\n")
    assert fine.returncode == 3


def test_existing_tasks_can_be_passed_over(command: Command) -> None:
    command.send("add_task", id="db", description="already here")
    told = command.ok("import", "-", "--format", "md", "--skip-existing", stdin=PLAN)
    assert told == "imported 2 tasks from stdin; 1 are there already\n"
    assert listed(command)[0]["description"] == "already here"
    again = command.json("import", "-", "--format", "md", "--skip-existing", stdin=PLAN)
    assert again == {"imported": 0, "skipped": 3, "dryRun": False}


def test_a_file_may_depend_on_tasks_of_the_server(command: Command) -> None:
    command.send("add_task", id="old", description="x")
    command.ok("import", "-", "--format", "md", "--prefix", "n-", stdin="- [ ] a: x (needs: old)\n")
    assert listed(command)[1]["dependencies"] == ["old"]


def test_what_is_over_can_be_dropped(command: Command) -> None:
    text = "- [ ] a: x\n  - deadline: 2020-01-01T00:00:00Z\n"
    command.ok("import", "-", "--format", "md", "--drop-past-times", stdin=text)
    assert "deadline" not in listed(command)[0]


def test_many_tasks_in_the_worst_order_go_in_several_calls(command: Command) -> None:
    chain = [
        {"id": f"t{number}", "description": "x", "dependencies": [f"t{number + 1}"]}
        for number in range(2_499)
    ]
    text = json.dumps([*chain, {"id": "t2499", "description": "x", "status": "done"}])
    assert command.json("import", "-", "--format", "json", stdin=text)["imported"] == 2_500
    counts = command.send("get_snapshot", limit=0)["counts"]
    assert (counts["done"], counts["available"], counts["blocked"]) == (1, 1, 2_498)


def test_an_interrupted_import_goes_on_where_it_stopped(command: Command) -> None:
    """What a server that failed in the middle leaves behind: the first of the calls."""
    tasks = [{"id": f"t{number}", "description": "x"} for number in range(1_500)]
    command.send("import_tasks", tasks=tasks[:1_000])
    text = json.dumps(tasks)
    told = command.ok("import", "-", "--format", "json", "--skip-existing", stdin=text)
    assert told == "imported 500 tasks from stdin; 1000 are there already\n"
    assert command.send("get_snapshot", limit=0)["counts"]["available"] == 1_500


def test_a_terminal_sees_progress_and_is_left_clean(command: Command, tmp_path: Path) -> None:
    plan = file(tmp_path, "plan.md", PLAN)
    code, shown = on_a_terminal(command, "import", plan)
    assert code == 0
    assert "importing" in shown
    assert "3/3" in shown
    assert shown.rstrip().endswith(f"imported 3 tasks from {plan}")


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        ((), "", "Missing argument 'FILE'"),
        (("no-such-file.md",), "", "'no-such-file.md' does not exist"),
        (("-",), "", "Say what stdin is with --format: json, jsonl, yaml, md."),
        (("-", "--format", "db"), "", "Say what stdin is with --format: json, jsonl, yaml, md."),
        (("/dev/null",), "", "Say what /dev/null is with --format: json, jsonl, yaml, md, db."),
        (("-", "--format", "md"), "# Nothing\n", "stdin holds no tasks."),
        (("-", "--format", "json"), "", "stdin holds no tasks."),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(words: tuple[str, ...], stdin: str, told: str) -> None:
    done = Command(NOBODY)("import", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
