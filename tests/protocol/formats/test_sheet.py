"""Tests of `protocol.formats.sheet`: entries, made ids, and tasks as a file takes them."""

from typing import Any

import msgspec
import pytest

from protocol.formats.sheet import FIELDS, Entry, Sheet, portable, with_ids
from protocol.models import Task

TIMES = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"}


def made_of(*descriptions: object) -> list[Any]:
    entries = [Entry(1, {"description": each}) for each in descriptions]
    return [entry.fields["id"] for entry in with_ids(entries)]


def test_an_id_is_made_of_the_description() -> None:
    assert made_of("Write the API, please!") == ["write-the-api-please"]
    assert made_of("Größe prüfen", "日本語") == ["größe-prüfen", "日本語"]
    assert made_of("word " * 40) == ["-".join(["word"] * 12)]
    assert made_of("x" * 500, "!!!", None, 5) == ["task", "task-2", "task-3", "task-4"]


def test_a_made_id_never_takes_one_that_the_file_gives() -> None:
    entries = [
        Entry(1, {"description": "a b"}),
        Entry(2, {"description": "A b", "id": None}),
        Entry(3, {"id": "a-b-2", "description": "x"}),
    ]
    assert [entry.fields["id"] for entry in with_ids(entries)] == ["a-b", "a-b-3", "a-b-2"]


@pytest.mark.parametrize("value", [None, True, 5, "x" * 100, [], {1: 2}])
def test_what_is_no_object_with_names_is_no_entry(value: object) -> None:
    sheet = Sheet()
    sheet.add(3, value)
    assert sheet.entries == []
    (problem,) = sheet.problems
    assert problem.line == 3
    assert "no task" in problem.text
    assert len(problem.text) < 200


def task(**fields: Any) -> Task:
    known: dict[str, Any] = {"id": "a", "description": "x", "status": "done", "priority": 0}
    known |= {"dependencies": [], "tags": [], "attempt": 1, "version": 2, **TIMES}
    return Task(**(known | fields))


EVERYTHING: dict[str, Any] = {
    "priority": 5,
    "dependencies": ["b"],
    "tags": ["t"],
    "metadata": {"a": 1},
    "expected_output": "wanted",
    "output": "made",
    "error": "none",
    "worker_id": "w",
    "resources": ["src/"],
    "max_attempts": 3,
    "retry_delay_seconds": 1.5,
    "not_before": "2126-01-01T00:00:00.000Z",
    "deadline": "2126-01-02T00:00:00.000Z",
    "timeout_seconds": 60.0,
    "note": "n",
}


def test_a_finished_task_is_portable_with_all_that_a_file_takes() -> None:
    found = portable(task(**EVERYTHING))
    assert set(found) == set(FIELDS)
    assert found["output"] == "wanted"
    assert found["result"] == "made"
    assert found["notBefore"] == "2126-01-01T00:00:00.000Z"
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_an_unfinished_task_loses_what_its_worker_said() -> None:
    found = portable(task(**EVERYTHING, status="working", worker_slot=1, reserved=["db"]))
    assert set(FIELDS) - set(found) == {"status", "result", "error", "workerId"}


def test_what_is_at_its_default_is_left_out() -> None:
    assert portable(task(status="blocked")) == {"id": "a", "description": "x"}
