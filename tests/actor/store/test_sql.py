"""The SQL files: numbered without gaps, strict, and every query fits the schema."""

import re
import sqlite3
from collections.abc import Generator

import pytest

from actor.store.sql import MIGRATIONS, QUERIES


@pytest.fixture
def schema() -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in MIGRATIONS:
        connection.executescript(migration.script)
    yield connection
    connection.close()


def plan(schema: sqlite3.Connection, query: str) -> str:
    text = QUERIES[query]
    names = re.findall(r":([a-z_]+)", text)
    parameters = dict.fromkeys(names, "[]") if names else ("[]",) * text.count("?")
    rows = schema.execute(f"EXPLAIN QUERY PLAN {text}", parameters)
    return "\n".join(row[3] for row in rows)


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_every_table_is_strict(schema: sqlite3.Connection) -> None:
    strict = dict(schema.execute("SELECT name, strict FROM pragma_table_list WHERE schema='main'"))
    tables = {"projects", "tasks", "slots", "events", "replies", "templates"}
    assert {name: strict[name] for name in tables} == dict.fromkeys(tables, 1)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_fits_the_schema(schema: sqlite3.Connection, query: str) -> None:
    assert plan(schema, query)


@pytest.mark.parametrize(
    ("query", "found_by"),
    [
        ("read_events", "SEARCH events USING PRIMARY KEY (project=? AND seq>? AND seq<?)"),
        (
            "read_events_of_task",
            "USING INDEX events_by_task (project=? AND task_id=? AND seq>? AND seq<?)",
        ),
        ("read_milestones", "SEARCH events USING PRIMARY KEY (project=? AND seq>? AND seq<?)"),
        (
            "read_milestones_of_task",
            "USING INDEX events_by_task (project=? AND task_id=? AND seq>? AND seq<?)",
        ),
        ("count_events", "SEARCH events USING PRIMARY KEY (project=? AND seq>? AND seq<?)"),
        ("nth_event", "SEARCH events USING PRIMARY KEY (project=? AND seq>?)"),
        ("nth_last_event", "SEARCH events USING PRIMARY KEY (project=? AND seq<?)"),
        (
            "nth_event_of_task",
            "USING COVERING INDEX events_by_task (project=? AND task_id=? AND seq>?)",
        ),
        (
            "nth_last_event_of_task",
            "USING COVERING INDEX events_by_task (project=? AND task_id=? AND seq<?)",
        ),
        ("last_event", "SEARCH events USING PRIMARY KEY (project=?)"),
        ("event_from", "SEARCH events USING PRIMARY KEY (project=? AND seq>?)"),
        ("read_replies", "INDEX sqlite_autoindex_replies_1 (project=? AND key=?)"),
        ("forget_replies", "INDEX replies_by_age (at<?)"),
        ("load_tasks", "SEARCH tasks USING INTEGER PRIMARY KEY (rowid>?)"),
        ("load_replies", "SEARCH replies USING INTEGER PRIMARY KEY (rowid>?)"),
    ],
)
def test_no_query_scans_a_big_table(schema: sqlite3.Connection, query: str, found_by: str) -> None:
    found = plan(schema, query)
    assert found_by in found
    assert "USE TEMP B-TREE FOR ORDER BY" not in found
