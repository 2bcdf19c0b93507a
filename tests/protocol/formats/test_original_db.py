"""Tests of `protocol.formats.original_db` on real SQLite files of several shapes."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.formats.original_db import read
from protocol.formats.sheet import Entry, Problem

SCHEMA = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, description TEXT NOT NULL, status TEXT NOT NULL, worker TEXT,
    dependencies TEXT, output TEXT, error TEXT, started_at TEXT, completed_at TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE worker_slots (
    slot INTEGER PRIMARY KEY, worker_id TEXT, active INTEGER NOT NULL DEFAULT 0, task_id TEXT
);
INSERT INTO worker_slots VALUES (1, 'w1', 1, 'ui');
"""
ROWS = """
INSERT INTO tasks (id, description, status, worker, dependencies, output, error) VALUES
    ('db', 'Set up', 'done', 'w1', '[]', 'made', NULL),
    ('api', 'Write', 'failed', 'w2', '["db"]', NULL, 'no idea'),
    ('ui', 'Draw', 'working', 'w1', '["db", "api"]', 'a page', NULL),
    ('docs', 'Tell', 'available', NULL, NULL, NULL, NULL),
    ('more', 'Else', 'claimed', 'w3', '', NULL, NULL);
"""

Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a database of SQL statements."""

    def made(script: str) -> Path:
        path = tmp_path / "old #1?.db"
        database = sqlite3.connect(path)
        database.executescript(script)
        database.close()
        return path

    return made


def test_finished_tasks_stay_finished_and_the_others_begin_anew(make: Make) -> None:
    sheet = read(make(SCHEMA + ROWS))
    assert (sheet.unit, sheet.problems) == ("row", [])
    assert sheet.entries == [
        Entry(
            1,
            {
                "id": "db",
                "description": "Set up",
                "status": "done",
                "result": "made",
                "workerId": "w1",
            },
        ),
        Entry(
            2,
            {
                "id": "api",
                "description": "Write",
                "dependencies": ["db"],
                "status": "failed",
                "error": "no idea",
                "workerId": "w2",
            },
        ),
        Entry(
            3,
            {
                "id": "ui",
                "description": "Draw",
                "dependencies": ["db", "api"],
                "output": "a page",
            },
        ),
        Entry(4, {"id": "docs", "description": "Tell"}),
        Entry(5, {"id": "more", "description": "Else"}),
    ]


def test_another_shape_is_understood_too(make: Make) -> None:
    sheet = read(
        make(
            "CREATE TABLE Work (taskId INTEGER, Description TEXT, STATUS TEXT,"
            " expected_output TEXT, priority INTEGER, depends_on TEXT);"
            "CREATE TABLE edges (task_id INTEGER, depends_on_id INTEGER);"
            "INSERT INTO Work VALUES (1, 'a', 'COMPLETED', NULL, 2, ''), "
            "(2, 'b', 'In Progress', 'c', 0, '1, 7'), "
            "(3, 'd', 'pending', NULL, NULL, '[1, \"2\"]');"
            "INSERT INTO edges VALUES (3, 9);"
        )
    )
    assert sheet.problems == []
    assert [entry.fields for entry in sheet.entries] == [
        {"id": "1", "description": "a", "priority": 2, "status": "done"},
        {"id": "2", "description": "b", "priority": 0, "output": "c", "dependencies": ["1", "7"]},
        {"id": "3", "description": "d", "dependencies": ["1", "2", "9"]},
    ]


def test_an_unknown_status_is_told_with_its_row(make: Make) -> None:
    odd = "INSERT INTO tasks (id, description, status) VALUES ('a', 'x', 'parked')"
    (problem,) = read(make(SCHEMA + odd)).problems
    assert problem.line == 1
    assert problem.text.startswith("the status 'parked' is not known; there are available,")


def test_a_database_without_tasks_says_what_it_has(make: Make) -> None:
    assert read(make("CREATE TABLE a (id)")).problems == [
        Problem(0, "no table has the columns id, description and status. Its tables are: a.")
    ]
    assert "none at all" in read(make("DROP TABLE a")).problems[0].text


def test_a_database_of_this_product_is_told_apart(make: Make) -> None:
    own = "CREATE TABLE projects (a); CREATE TABLE tasks (id, description, status)"
    assert "task-coordinator export" in read(make(own)).problems[0].text


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("no database, but long enough to be looked at" * 50)
    (problem,) = read(path).problems
    assert problem.line == 0
    assert "cannot be read as a SQLite database: file is not a database" in problem.text
    assert "unable to open" in read(tmp_path / "missing.db").problems[0].text


def test_the_file_is_only_read(make: Make) -> None:
    path = make(SCHEMA + ROWS)
    before = path.read_bytes()
    path.chmod(0o400)
    read(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_dependencies_that_are_no_list_are_left_to_the_checks(make: Make) -> None:
    odd = (
        "INSERT INTO tasks (id, description, status, dependencies) VALUES ('a', 'x', 'done', '[1')"
    )
    (entry,) = read(make(SCHEMA + odd)).entries
    assert entry.fields["dependencies"] == ["[1"]
