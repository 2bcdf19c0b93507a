"""Tests of `protocol.formats.markdown`: the notation, and lines that are no tasks."""

from typing import Any

import pytest

from protocol.formats.markdown import items, read
from protocol.formats.sheet import Entry

PLAN = """\
# Release 2

> Everything for the release.

<!-- ids are short
- [ ] not: a task -->

- [x] db: Set up the database
- [ ] `api` Write the API (needs: db) #backend !5
  Only what the page needs.

  And no more.
  - resources: src/api/, db-schema
  - metadata: {"area": "api"}
  - maxAttempts: 3
  * [ ] Write the tests
    1. [ ] ui: Test
       the page

---

- [!] old: Keep the old API
  - error: nobody knew how
- [-] `x y`: Something else
"""


def only(text: str) -> dict[str, Any]:
    sheet = read(text)
    assert sheet.problems == []
    (entry,) = sheet.entries
    return entry.fields


def test_a_plan_is_read_as_a_person_means_it() -> None:
    sheet = read(PLAN)
    assert sheet.problems == []
    assert sheet.entries == [
        Entry(8, {"id": "db", "description": "Set up the database", "status": "done"}),
        Entry(
            9,
            {
                "id": "api",
                "description": "Write the API\nOnly what the page needs.\n\nAnd no more.",
                "dependencies": ["db", "write-the-tests"],
                "tags": ["backend"],
                "priority": 5,
                "resources": ["src/api/", "db-schema"],
                "metadata": {"area": "api"},
                "maxAttempts": 3,
            },
        ),
        Entry(
            16,
            {
                "id": "write-the-tests",
                "description": "Write the tests",
                "dependencies": ["ui"],
            },
        ),
        Entry(17, {"id": "ui", "description": "Test\nthe page"}),
        Entry(
            22,
            {
                "id": "old",
                "description": "Keep the old API",
                "status": "failed",
                "error": "nobody knew how",
            },
        ),
        Entry(24, {"id": "x y", "description": "Something else", "status": "cancelled"}),
    ]


@pytest.mark.parametrize(
    ("title", "fields"),
    [
        ("T1: Write it", {"id": "T1", "description": "Write it"}),
        ("`T1`: Write it", {"id": "T1", "description": "Write it"}),
        ("`T1` Write it", {"id": "T1", "description": "Write it"}),
        ("Write: it", {"id": "Write", "description": "it"}),
        ("See http://x/y", {"id": "see-http-x-y", "description": "See http://x/y"}),
        ("http://x/y", {"id": "http-x-y", "description": "http://x/y"}),
        ("a: Fix #12", {"id": "a", "description": "Fix #12"}),
        ("a: Fix it #bug-2", {"id": "a", "description": "Fix it", "tags": ["bug-2"]}),
        ("a: x #b #c", {"id": "a", "description": "x", "tags": ["b", "c"]}),
        ("a: #b x", {"id": "a", "description": "#b x"}),
        ("a: x !-3", {"id": "a", "description": "x", "priority": -3}),
        ("a: x !3 !4", {"id": "a", "description": "x !3", "priority": 4}),
        ("a: Wow!", {"id": "a", "description": "Wow!"}),
        ("a: x (needs: b, `c d`)", {"id": "a", "description": "x", "dependencies": ["b", "c d"]}),
        ("a: x (needs: b) y", {"id": "a", "description": "x (needs: b) y"}),
        ("a: f(needs: b)", {"id": "a", "description": "f(needs: b)"}),
        ("a:", {"id": "a"}),
    ],
)
def test_a_title_says_id_text_and_what_stands_behind_it(title: str, fields: dict[str, Any]) -> None:
    assert only(f"- [ ] {title}") == fields


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("- needs: a, `b`", "dependencies", ["a", "b"]),
        ('- dependencies: ["a, b"]', "dependencies", ["a, b"]),
        ("- priority: 5", "priority", 5),
        ("- priority: high", "priority", "high"),
        ("- timeoutSeconds: 2.5", "timeoutSeconds", 2.5),
        ("- notBefore: 2126-01-31T09:30:00Z", "notBefore", "2126-01-31T09:30:00Z"),
        ("- note: a: b", "note", "a: b"),
        ("- output: a\n      b", "output", "a\n  b"),
        (r'- output: "a\nb"', "output", "a\nb"),
        ('- output: "a" and "b"', "output", '"a" and "b"'),
        ("- output: 5", "output", "5"),
    ],
)
def test_an_indented_item_without_a_box_is_a_field(line: str, name: str, value: Any) -> None:
    assert only(f"- [ ] t: x\n  {line}")[name] == value


def test_an_id_that_is_made_is_free() -> None:
    ids = [entry.fields["id"] for entry in read("- [ ] A b\n- [ ] a-b: x\n- [ ] A, b!\n").entries]
    assert ids == ["a-b-2", "a-b", "a-b-3"]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("- [ ] a: x\nWrite it\n", 2, "this is no task."),
        ("- [ ] a: x\n[ ] b: y\n", 2, "this is no task."),
        ("- [ ] a: x\n- b: y\n", 2, "this is no task."),
        ("# Plan\n  indented\n", 2, "this is no task."),
        ("- [ ] a: x\n- [?] b: y\n", 2, "there is no box [?]; there are "),
        ("- [ ] a: x\n  - prio: 5\n", 2, "there is no field `prio`. Did you mean `priority`?"),
        ("- [ ] a: x\n  - zzz: 5\n", 2, "there is no field `zzz`. There are: needs, id,"),
        ("- [ ] a: x\n  - write it\n", 2, "this is neither a task"),
        ("- [ ] a: x !5\n  - note: y\n  - priority: 5\n", 3, "`priority` is there twice."),
        ("- [x] a: x\n  - status: done\n", 2, "`status` is there twice."),
    ],
)
def test_a_line_that_is_no_task_is_told(text: str, line: int, told: str) -> None:
    (problem,) = read(text).problems
    assert problem.line == line
    assert problem.text.startswith(told)


def test_windows_line_ends_and_tabs_do_no_harm() -> None:
    sheet = read("- [ ] a: x\r\n\t- note: y\r\n\t- [ ] b: z\r\n")
    assert sheet.problems == []
    assert [entry.fields for entry in sheet.entries] == [
        {"id": "a", "description": "x", "note": "y", "dependencies": ["b"]},
        {"id": "b", "description": "z"},
    ]


def test_what_is_written_is_plain_where_it_can_be() -> None:
    tasks: list[dict[str, Any]] = [
        {"id": "db", "description": "Set up\n  the database", "status": "done", "result": "ok"},
        {"id": "api", "description": "Fix it #bug", "dependencies": ["db"], "tags": ["a, b"]},
        {"id": "a`b", "description": "x", "note": "two\nlines", "metadata": {"a": [1]}},
    ]
    assert items(tasks, True) == (
        "- [x] `db` Set up\n"
        "    the database\n"
        "  - result: ok\n"
        "- [ ] `api`\n"
        "  - description: Fix it #bug\n"
        "  - needs: db\n"
        '  - tags: ["a, b"]\n'
        "- [ ]\n"
        "  - id: a`b\n"
        "  - description: x\n"
        '  - note: "two\\nlines"\n'
        '  - metadata: {"a":[1]}\n'
    )
