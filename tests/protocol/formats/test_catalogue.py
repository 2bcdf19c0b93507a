"""Every format that is written comes back as it was; whatever a file holds is read or told."""

import io
import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.formats.catalogue import READ, READERS, WRITERS, format_of, read_file
from protocol.formats.plan import plan_of
from protocol.formats.sheet import Entry, Problem
from tests.protocol.formats.strategies import fields

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def written(name: str, *pieces: list[dict[str, Any]]) -> str:
    writer = WRITERS[name]
    items = [writer.items(piece, not index) for index, piece in enumerate(pieces)]
    return writer.begin + "".join(items) + writer.end


@pytest.mark.parametrize("name", WRITERS)
@example(some=[{"id": "a", "description": "a\nb\n\n"}], more=[{"id": "b", "description": "\n"}])
@given(some=st.lists(fields, min_size=1, max_size=3), more=st.lists(fields, max_size=2))
def test_what_is_written_reads_back_as_it_was(
    name: str, some: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    sheet = READERS[name](written(name, some, more))
    assert sheet.problems == []
    assert [entry.fields for entry in sheet.entries] == [*some, *more]


@pytest.mark.parametrize("name", WRITERS)
def test_no_tasks_are_written_and_read_as_none(name: str) -> None:
    sheet = READERS[name](written(name, []))
    assert (sheet.entries, sheet.problems) == ([], [])


@pytest.mark.parametrize("name", READERS)
@given(text=st.text(max_size=60) | st.text('[]{}:,-"`<>&*!x1#()\\ \n\t', max_size=60))
@example(text="[" * 100_000)
@example(text='{"a":' * 100_000)
@example(text="- " * 5_000)
@example(text="9" * 5_000)
@example(text='[{"a": ' + "9" * 5_000 + "}]")
@example(text="- a: 1e999\n- b: -.inf")
@example(text='[{"description": "\\ud800"}]')
@example(text="\r0")
@example(text="\x85\u2028\u20290")
def test_whatever_a_file_holds_is_read_or_told(name: str, text: str) -> None:
    sheet = READERS[name](text)
    plan = plan_of(sheet, NOW)
    assert len(plan.tasks) <= len(sheet.entries)
    # YAML 1.1, section 4.2, breaks lines at more than line feeds.
    lines = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", text))
    assert all(0 <= problem.line <= lines for problem in plan.problems)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plan.json", "json"),
        ("PLAN.JSON", "json"),
        ("a.b/plan.jsonl", "jsonl"),
        ("plan.ndjson", "jsonl"),
        ("plan.yml", "yaml"),
        ("TODO.md", "md"),
        ("task-coordinator.db", "db"),
        ("plan.txt", None),
        ("-", None),
    ],
)
def test_a_name_says_the_format(name: str, expected: str | None) -> None:
    assert format_of(name) == expected
    assert expected is None or expected in READ


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b'\xef\xbb\xbf[{"id": "a"}]')
    assert read_file(str(path), "json").entries == [Entry(1, {"id": "a"})]


def test_what_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    path.write_bytes(b"# Plan\n\n- [ ] a: \xff\n")
    assert read_file(str(path), "md").problems == [Problem(3, "not UTF-8, or no text at all.")]


def test_a_database_is_not_mistaken_for_text(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE a (b)")
    database.close()
    assert "--format db" in read_file(str(path), "json").problems[0].text


def test_stdin_is_read_where_the_name_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"- [ ] a: x")))
    assert read_file("-", "md").entries == [Entry(1, {"id": "a", "description": "x"})]
