"""Tests of `protocol.formats.json_lists`: every task knows its line, every fault is told."""

import json
from typing import Any

import pytest

from protocol.formats.json_lists import read, read_lines
from protocol.formats.sheet import Entry, Problem

A = {"id": "a", "description": "x"}
B = {"id": "b", "description": "y", "dependencies": ["a"]}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (json.dumps([A, B]), [1, 1]),
        (json.dumps([A, B], indent=2), [2, 6]),
        (json.dumps({"tasks": [A, B]}, indent=2), [3, 7]),
        (f"\n[\n\n{json.dumps(A)},{json.dumps(B)}]\n\n", [4, 4]),
        (f"{json.dumps(A)}\n\n{json.dumps(B)}\n", [1, 3]),
        (f"{json.dumps(A)}\r\n{json.dumps(B)}", [1, 2]),
        (f'{{"tasks":[{json.dumps(A)}\r\n,\r\n{json.dumps(B)}]}}', [1, 3]),
    ],
    ids=["array", "pretty", "object", "odd_blanks", "lines", "windows", "windows_object"],
)
def test_tasks_are_found_in_every_form_with_their_lines(text: str, lines: list[int]) -> None:
    sheet = read(text)
    assert sheet.problems == []
    assert sheet.entries == [Entry(lines[0], A), Entry(lines[1], B)]


def test_one_task_alone_may_be_laid_out_over_lines() -> None:
    assert read("\n" + json.dumps(A, indent=2)).entries == [Entry(2, A)]


@pytest.mark.parametrize("text", ["", " \n\t\n", "[]", "[ ]", '{"tasks": []}'])
def test_nothing_is_no_fault(text: str) -> None:
    sheet = read(text)
    assert (sheet.entries, sheet.problems) == ([], [])


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[\n{"a": 1},\n5\n]', 3, "this is the number 5 and no task."),
        ('[\n"write it"\n]', 2, "this is the text 'write it' and no task."),
        ("[null]", 1, "this is null and no task."),
        ("[true]", 1, "this is true and no task."),
        ("[\n[]]", 2, "this is a list and no task."),
        ("5", 1, "this is the number 5 and no task."),
        ("write it", 1, "not JSON: Expecting value, at column 1."),
        ('[\n{"a": 1}\n{"b": 2}]', 3, "not JSON: Expecting ']', at column 1."),
        ('[{"a": 1},\n]', 2, "not JSON: Expecting value, at column 1."),
        ('[{"a": 1}]\nmore', 2, "not JSON: Something follows the end"),
        ('[\n{"a": NaN}]', 2, "not JSON: NaN is no JSON value."),
        ('[\n{"a": 1e999}]', 2, "not JSON: the number 1e999 is too large."),
        ('[\n{"a": 1, "a": 2}]', 2, "`a` is there twice."),
        ('[\n{"m": {"a": 1,\n"a": 2}}]', 2, "`a` is there twice."),
        ('{"tasks": [],\n"tasks": []}', 2, "`tasks` is there twice."),
        ('{"tasks": [],\n"seq": 4}', 1, "beside `tasks`, `seq` is not understood."),
        ('{\n"tasks": {"a": 1}}', 2, "`tasks` must be a list of tasks."),
        ('{"a": 1,\n}', 2, "not JSON: Expecting a name in double quotes"),
        ('[\n{"a": ' + "[" * 100_000, 2, "not JSON: nested too deeply."),
    ],
)
def test_what_is_no_task_is_told_with_its_line(text: str, line: int, told: str) -> None:
    (problem,) = read(text).problems
    assert problem.line == line
    assert problem.text.startswith(told)


def test_one_bad_line_spoils_no_other() -> None:
    sheet = read_lines('{"a": 1}\n{"b":\n\n[2]\n{"c": 3} {"d": 4}\n{"e": 1, "e": 2}\n{"f": 6}')
    assert [entry.line for entry in sheet.entries] == [1, 6, 7]
    assert sheet.problems == [
        Problem(2, "not JSON: Expecting value, at column 6."),
        Problem(
            4,
            "this is a list and no task. A task is an object with at least a `description`.",
        ),
        Problem(5, "something follows the JSON value, at column 9."),
        Problem(6, "`e` is there twice."),
    ]


def test_a_fault_in_one_task_of_an_array_does_not_hide_the_others() -> None:
    many: list[Any] = [A, 1, B, 2]
    sheet = read(json.dumps(many, indent=0))
    assert [entry.fields for entry in sheet.entries] == [A, B]
    assert [problem.line for problem in sheet.problems] == [6, 14]
