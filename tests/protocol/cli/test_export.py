"""Tests of `task-coordinator export` against a real server."""

import json
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from protocol.cli.export import export, new_file
from tests.protocol.cli.running import DEADLINE_SECONDS, NOBODY, PROGRAM, Command
from tests.protocol.cli.terminal import on_a_terminal

TASKS: list[dict[str, Any]] = [
    {"id": "db", "description": "Set up", "status": "done", "result": "made", "workerId": "w1"},
    {"id": "old", "description": "Drop it", "status": "cancelled", "note": "not worth it"},
    {"id": "bad", "description": "Try", "status": "failed", "error": "no\nidea", "tags": ["x"]},
    {
        "id": "api",
        "description": "Write\n  the API \u202e (needs: x)",
        "dependencies": ["db", "bad"],
        "output": "src/api.py",
        "priority": -5,
        "tags": ["a, b", "no"],
        "metadata": {"n": [1, 2.5, None, {"deep": "1e3"}]},
        "resources": ["src/api/", "db-schema"],
        "maxAttempts": 3,
        "retryDelaySeconds": 1.5,
        "timeoutSeconds": 60,
        "notBefore": "2046-01-31T09:30:00.000Z",
        "deadline": "2046-02-01T09:30:00.000Z",
    },
    {"id": "1e3", "description": "ünï 日本"},
]


@pytest.fixture
def filled(command: Command) -> Command:
    """The command on a project with these tasks."""
    command.send("import_tasks", tasks=TASKS)
    return command


def copy_of(command: Command) -> Command:
    return Command(command.url, f"{command.project}-copy")


@pytest.mark.parametrize("name", ["json", "jsonl", "yaml", "md"])
def test_what_is_exported_imports_as_it_was(filled: Command, name: str) -> None:
    exported = filled.ok("export", "--format", name)
    copy = copy_of(filled)
    copy.ok("import", "-", "--format", name, stdin=exported)
    assert copy.ok("export", "--format", name) == exported
    ours, theirs = (each.ok("export", "--format", "jsonl") for each in (filled, copy))
    assert ours == theirs
    assert [json.loads(line) for line in ours.splitlines()] == TASKS


def test_json_is_an_array_with_a_task_on_each_line(filled: Command) -> None:
    exported = filled.ok("export")
    assert json.loads(exported) == TASKS
    assert len(exported.splitlines()) == len(TASKS) + 2


def test_a_task_that_is_worked_on_is_exported_as_unfinished(command: Command) -> None:
    command.send("add_task", id="a", description="x")
    slot = command.send("claim_worker_slot", workerId="w")["slot"]
    command.send("claim_task", taskId="a", workerId="w", workerSlot=slot)
    command.send("report_progress", taskId="a", workerId="w", progress=0.5, note="half")
    assert json.loads(command.ok("export")) == [{"id": "a", "description": "x", "note": "half"}]


def test_filters_choose_what_is_exported(filled: Command) -> None:
    def ids(*words: str) -> list[str]:
        return [task["id"] for task in json.loads(filled.ok("export", *words))]

    assert ids("--status", "done,failed") == ["db", "bad"]
    assert ids("--tag", "no") == ["api"]
    assert ids("--status", "working") == []


def test_all_pages_are_followed(command: Command) -> None:
    many = [{"id": f"t{number}", "description": "x"} for number in range(1_200)]
    command.send("import_tasks", tasks=many[:1_000])
    command.send("import_tasks", tasks=many[1_000:])
    for name in ("json", "yaml", "md"):
        exported = command.ok("export", "--format", name)
        copy = Command(command.url, f"{command.project}-{name}")
        copy.ok("import", "-", "--format", name, stdin=exported)
        assert [
            json.loads(line) for line in copy.ok("export", "--format", "jsonl").splitlines()
        ] == many


def test_an_empty_project_is_an_empty_list(command: Command) -> None:
    assert json.loads(command.ok("export")) == []
    assert command.ok("export", "--format", "yaml") == "[]\n"
    assert command.ok("export", "--format", "jsonl") == ""


# --- files ------------------------------------------------------------------------------------


def test_a_file_has_the_format_of_its_name(filled: Command, tmp_path: Path) -> None:
    for name in ("plan.json", "plan.jsonl", "plan.yml", "plan.md"):
        path = tmp_path / name
        assert filled.ok("export", "--output", str(path)) == f"exported 5 tasks to {path}\n"
        option = {"yml": "yaml"}.get(path.suffix[1:], path.suffix[1:])
        assert path.read_text(encoding="utf-8") == filled.ok("export", "--format", option)
    forced = tmp_path / "plan.txt"
    told = filled.json("export", "-o", str(forced), "--format", "md")
    assert told == {"exported": 5, "output": str(forced)}
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "plan.json",
        "plan.jsonl",
        "plan.md",
        "plan.txt",
        "plan.yml",
    ]


def test_a_file_that_is_there_is_replaced_only_by_force(filled: Command, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("mine")
    done = filled("export", "-o", str(path))
    assert done.returncode == 2
    assert (
        f"{path} is there already. Choose another name, or replace it with --force." in done.stderr
    )
    assert path.read_text() == "mine"
    filled.ok("export", "-o", str(path), "--force")
    assert json.loads(path.read_text(encoding="utf-8")) == TASKS


def test_a_link_stays_and_what_it_points_to_is_written(filled: Command, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "plan.json"
    link.symlink_to(tmp_path / "real" / "plan.json")
    filled.ok("export", "-o", str(link))
    assert link.is_symlink()
    assert json.loads((tmp_path / "real" / "plan.json").read_text(encoding="utf-8")) == TASKS


def test_a_failure_leaves_no_file_and_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("mine")
    done = Command(NOBODY)("export", "-o", str(path), "--force")
    assert done.returncode == 3
    assert path.read_text() == "mine"
    assert Command(NOBODY)("export", "-o", str(tmp_path / "new.json")).returncode == 3
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = Command(NOBODY)("export", "-o", str(tmp_path / "missing" / "plan.json"))
    assert done.returncode == 1
    assert "cannot be written: No such file or directory." in done.stderr


def test_a_name_without_a_format_is_wrong_usage(tmp_path: Path) -> None:
    for name in ("plan", "plan.txt", "plan.db"):
        done = Command(NOBODY)("export", "-o", str(tmp_path / name))
        assert done.returncode == 2
        assert (
            f"The name '{name}' says no format: give --format json, jsonl, yaml, md." in done.stderr
        )


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"

    def write() -> None:
        with new_file(path, force=False) as write:
            write("ours")
            path.write_text("mine")

    with click.Context(export).scope(), pytest.raises(click.UsageError, match="is there already"):
        write()
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


# --- stdout -----------------------------------------------------------------------------------


def test_a_pipe_gets_utf_8_whatever_the_locale(filled: Command) -> None:
    assert "日本" in filled.ok("export", "--format", "md", PYTHONIOENCODING="ascii")


def test_a_terminal_gets_nothing_that_it_would_obey(filled: Command) -> None:
    for name in ("json", "yaml", "md"):
        code, shown = on_a_terminal(filled, "export", "--format", name)
        assert code == 0
        assert "\u202e" not in shown
        assert "\\u202e" in shown
        assert "\x1b" not in shown


def test_a_reader_that_goes_away_is_no_error(filled: Command) -> None:
    with subprocess.Popen(
        [*PROGRAM, "export"],
        env=filled.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, told) == (0, b"")
