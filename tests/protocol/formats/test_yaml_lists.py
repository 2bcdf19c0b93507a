"""Tests of `protocol.formats.yaml_lists`: plain data only, with lines, and without surprises."""

import pytest

from protocol.formats.sheet import Entry
from protocol.formats.yaml_lists import items, read

PLAN = """\
# The plan
- id: db
  description: Set up the database

- id: api
  description: >-
    Write
    the API
  dependencies: [db]
  priority: 5
"""


def test_every_task_knows_the_line_where_it_begins() -> None:
    sheet = read(PLAN)
    assert sheet.problems == []
    assert sheet.entries == [
        Entry(2, {"id": "db", "description": "Set up the database"}),
        Entry(
            5,
            {"id": "api", "description": "Write the API", "dependencies": ["db"], "priority": 5},
        ),
    ]


def test_the_list_may_stand_in_a_mapping_and_a_task_alone() -> None:
    assert read("tasks:\n- id: a\n- id: b\n").entries == [
        Entry(2, {"id": "a"}),
        Entry(3, {"id": "b"}),
    ]
    assert read("id: a\ndescription: x\n").entries == [Entry(1, {"id": "a", "description": "x"})]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "[]", "tasks: []"])
def test_nothing_is_no_fault(text: str) -> None:
    sheet = read(text)
    assert (sheet.entries, sheet.problems) == ([], [])


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("08:30", "08:30"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("=", "="),
        ("5", 5),
        ("-5", -5),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("", None),
    ],
)
def test_plain_scalars_mean_what_the_core_schema_says(scalar: str, value: object) -> None:
    (entry,) = read(f"- a: {scalar}\n").entries
    assert entry.fields == {"a": value}
    assert type(entry.fields["a"]) is type(value)


def test_anchors_aliases_and_merges_are_followed() -> None:
    sheet = read(
        "- &base {id: a, tags: [x], priority: 1}\n"
        "- {<<: *base, id: b}\n"
        "- {id: c, <<: [{priority: 2}, *base]}\n"
        "- {id: d, tags: &t [y]}\n"
        "- {id: e, tags: *t}\n"
    )
    assert sheet.problems == []
    assert [entry.fields for entry in sheet.entries] == [
        {"id": "a", "tags": ["x"], "priority": 1},
        {"id": "b", "tags": ["x"], "priority": 1},
        {"id": "c", "tags": ["x"], "priority": 2},
        {"id": "d", "tags": ["y"]},
        {"id": "e", "tags": ["y"]},
    ]


LAUGHS = "- a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- a: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("- id: a\n- 5\n", 2, "this is the number 5 and no task."),
        ("- id: a\n- write it\n", 2, "this is the text 'write it' and no task."),
        ("write it", 1, "this is the text 'write it' and no task."),
        ("- id: a\n  id: b\n", 2, "`id` is there twice."),
        ("id: a\ntasks: []\n", 1, "beside `tasks`, `id` is not understood."),
        ("- id: a\n- 1: b\n", 2, "a key is no text; put it in quotes."),
        ("- id: a\n- ? [b]\n  : c\n", 2, "a key is no text; put it in quotes."),
        ("- id: [a\n- id: b\n", 2, "not YAML: did not find expected ',' or ']'."),
        ("- id: [a\n", 2, "not YAML: "),
        ("- id: a\n\t- id: b\n", 2, "not YAML: found a tab character"),
        ("- id: a\n---\n- id: b\n", 2, "a second document begins"),
        ("- id: a\n- !!python/name:os.system b\n", 2, "the tag "),
        ("- !!python/object/apply:os.system ['true']\n", 1, "the tag "),
        ("- id: *a\n", 1, "there is no anchor `&a` before this."),
        ("- id: &a [*a]\n", 1, "there is no anchor `&a` before this."),
        ("- id: a\n- <<: b\n", 2, "`<<` takes a mapping"),
        ("- id: a\n- p: 1e999\n", 2, "the number 1e999 is too large."),
        ("- id: a\n- " + "[" * 200 + "]" * 200, 2, "nested too deeply."),
        (LAUGHS, 5, "one task has more than 20,000 values."),
        ("- id: \x01\n", 0, "not YAML: "),
    ],
)
def test_what_is_no_task_is_told_with_its_line(text: str, line: int, told: str) -> None:
    problem = read(text).problems[-1]
    assert problem.line == line
    assert problem.text.startswith(told)


def test_what_is_written_is_pleasant_to_read() -> None:
    task = {"id": "1e3", "description": "Write:\n  the API", "tags": ["no", "ü"], "priority": 5}
    assert items([task], True) == (
        "- id: '1e3'\n"
        "  description: |-\n"
        "    Write:\n"
        "      the API\n"
        "  tags:\n"
        "  - 'no'\n"
        "  - ü\n"
        "  priority: 5\n"
    )
