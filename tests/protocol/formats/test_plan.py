"""Tests of `protocol.formats.plan`: what may be sent, in which order, and why not."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.formats.plan import CHUNK_BYTES_MAX, Plan, chunks, plan_of, without
from protocol.formats.sheet import Entry, Problem, Sheet
from protocol.limits import ADD_TASKS_MAX, FRAME_BYTES_MAX, METADATA_BYTES_MAX
from protocol.params import ImportedTask

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
PAST = "2026-01-31T09:29:59Z"
SOON = "2026-01-31T09:31:00Z"
LATER = "2026-01-31T09:32:00+00:00"


def plan(*tasks: dict[str, Any], **options: Any) -> Plan:
    """The plan of a file with one task on each line, each with a description."""
    entries = [Entry(line, {"description": "x", **task}) for line, task in enumerate(tasks, 1)]
    return plan_of(Sheet(entries=entries), NOW, **options)


def told(*tasks: dict[str, Any]) -> list[Problem]:
    return plan(*tasks).problems


def test_tasks_come_after_what_they_need_and_else_in_their_order() -> None:
    made = plan(
        {"id": "c", "dependencies": ["a", "e"]},
        {"id": "b"},
        {"id": "a"},
        {"id": "d", "dependencies": ["c"]},
        {"id": "e"},
    )
    assert made.problems == []
    assert list(made.tasks) == ["a", "e", "c", "b", "d"]
    assert [planned.line for planned in made.tasks.values()] == [3, 5, 1, 2, 4]


def test_a_file_that_is_in_order_stays_as_it_is() -> None:
    made = plan({"id": "b"}, {"id": "a", "dependencies": ["b"]}, {"id": "c", "dependencies": ["b"]})
    assert list(made.tasks) == ["b", "a", "c"]


def test_a_long_chain_is_an_ordinary_plan() -> None:
    length = 20_000
    chain = [{"id": f"{n}", "dependencies": [f"{n + 1}"]} for n in range(length)]
    made = plan(*chain, {"id": f"{length}"})
    assert next(iter(made.tasks)) == f"{length}"
    assert len(made.tasks) == length + 1


@given(
    edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
    order=st.permutations(range(10)),
)
def test_the_order_is_right_or_the_circle_is_real(
    edges: list[tuple[int, int]], order: list[int]
) -> None:
    needs = {f"{n}": [f"{b}" for a, b in edges if a == n] for n in order}
    made = plan(*({"id": name, "dependencies": needed} for name, needed in needs.items()))
    if not made.problems:
        done: set[str] = set()
        for name in made.tasks:
            assert done.issuperset(needs[name])
            done.add(name)
        assert len(done) == 10
        return
    (problem,) = made.problems
    steps = problem.text.partition("circle: ")[2].partition(". ")[0].split(" -> ")
    names = [step.strip("`") for step in steps]
    assert names[0] == names[-1]
    assert all(after in needs[name] for name, after in pairwise(names))


@pytest.mark.parametrize(
    ("tasks", "circle", "line"),
    [
        ([{"id": "a", "dependencies": ["a"]}], "`a` -> `a`", 1),
        (
            [
                {"id": "z", "dependencies": ["a"]},
                {"id": "a", "dependencies": ["b"]},
                {"id": "b", "dependencies": ["a"]},
            ],
            "`a` -> `b` -> `a`",
            2,
        ),
    ],
)
def test_a_cycle_is_spelled_out(tasks: list[dict[str, Any]], circle: str, line: int) -> None:
    assert told(*tasks) == [
        Problem(line, f"the dependencies run in a circle: {circle}. Leave one out.")
    ]


def test_a_large_cycle_is_shortened() -> None:
    (problem,) = told(*({"id": f"{n}", "dependencies": [f"{(n + 1) % 500}"]} for n in range(500)))
    assert "`18` -> ... -> `0`. " in problem.text


def test_a_duplicate_names_both_lines() -> None:
    assert told({"id": "a"}, {"id": "b"}, {"id": "a"}) == [
        Problem(3, "the id `a` is taken by the task of line 1.")
    ]


def test_what_the_file_does_not_hold_is_left_to_the_server() -> None:
    made = plan({"id": "a", "dependencies": ["x", "b"]}, {"id": "b", "dependencies": ["y", "x"]})
    assert made.problems == []
    assert made.outside == {"x": 1, "y": 2}


def test_a_dependency_on_a_task_that_is_itself_wrong_is_no_second_problem() -> None:
    made = plan({"id": "a", "dependencies": ["b"]}, {"id": "b", "priority": "high"})
    assert [problem.line for problem in made.problems] == [2]
    assert made.outside == {}


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ({"prioritty": 1}, "there is no field `prioritty`. Did you mean `priority`?"),
        ({"zzz": 1}, "there is no field `zzz`. There are: id, description, "),
        ({"description": None}, "`description`: Expected `str`, got `null`."),
        ({"description": ""}, "`description`: Expected `str` of length >= 1."),
        ({"description": "a\0"}, "`description`: Expected text without control characters"),
        ({"description": "\ud800"}, "a text holds half of a surrogate pair"),
        ({"priority": "high"}, "`priority`: Expected `int`, got `str`."),
        ({"priority": 10**30}, "`priority`: "),
        ({"dependencies": ["b", 3]}, "`dependencies[1]`: Expected `str`, got `int`."),
        ({"status": "working"}, "`status`: Invalid enum value 'working'. Leave it out for a task"),
        ({"notBefore": "tomorrow"}, "`notBefore`: Invalid RFC3339 encoded datetime."),
        ({"metadata": {"a": "x" * METADATA_BYTES_MAX}}, "`metadata`: 16392 bytes; at most "),
        ({"metadata": {"a": "\0"}}, "`metadata`: the character U+0000 cannot be kept."),
        ({"notBefore": PAST}, "`notBefore`: 2026-01-31T09:29:59+00:00 is over. Change it, or"),
        ({"deadline": PAST}, "`deadline`: 2026-01-31T09:29:59+00:00 is over. Change it, or"),
        ({"notBefore": LATER, "deadline": SOON}, "`deadline`: it is not after `notBefore`"),
        ({"notBefore": SOON, "deadline": SOON}, "`deadline`: it is not after `notBefore`"),
    ],
)
def test_what_no_task_may_hold_is_told_by_its_field(task: dict[str, Any], text: str) -> None:
    (problem,) = told({"id": "b"}, {"id": "a", **task})
    assert problem.line == 2
    assert problem.text.startswith(f"task `a`: {text}")


def test_a_task_that_no_message_can_carry_is_told() -> None:
    huge = "\x01" * 100_000
    (problem,) = told({"id": "a", "output": huge, "result": huge, "status": "done"})
    assert problem.text.startswith("task `a`: it has 1,200,0")
    assert plan({"id": "a", "output": "x" * 100_000}).problems == []


def test_an_id_that_is_itself_the_fault_is_told_by_its_line() -> None:
    assert told({"id": "x" * 201})[0].text.startswith("`id`: Expected `str` of length <= 200")
    assert told({"id": 5})[0].text == "`id`: Expected `str | null`, got `int`."


def test_times_of_finished_tasks_may_be_over() -> None:
    made = plan(
        {"id": "a", "status": "done", "notBefore": "2020-01-01T00:00:00Z", "deadline": PAST}
    )
    assert made.problems == []
    assert made.tasks["a"].task.deadline is not None


def test_what_is_over_is_dropped_on_demand() -> None:
    made = plan(
        {"id": "a", "notBefore": PAST, "deadline": SOON},
        {"id": "b", "notBefore": SOON, "deadline": PAST},
        drop_past=True,
    )
    assert made.problems == []
    a, b = (made.tasks[name].task for name in ("a", "b"))
    assert (a.not_before, a.deadline) == (None, datetime(2026, 1, 31, 9, 31, tzinfo=UTC))
    assert (b.not_before, b.deadline) == (datetime(2026, 1, 31, 9, 31, tzinfo=UTC), None)


def test_a_prefix_goes_before_the_files_own_ids_only() -> None:
    made = plan(
        {"id": "a", "dependencies": ["Write", "write-it", "other"]},
        {"description": "Write it"},
        prefix="p-",
    )
    assert list(made.tasks) == ["p-write-it", "p-a"]
    assert made.tasks["p-a"].task.dependencies == ["Write", "p-write-it", "other"]
    assert set(made.outside) == {"Write", "other"}


def test_a_prefix_may_make_an_id_too_long() -> None:
    (problem,) = plan({"id": "a" * 199}, prefix="p-").problems
    assert "length <= 200" in problem.text


def test_odd_values_survive_a_prefix_and_are_told() -> None:
    lines = [p.line for p in plan({"id": [1]}, {"dependencies": 5}, {"id": 7}, prefix="p").problems]
    assert lines == [1, 2, 3]


def test_problems_of_the_sheet_are_kept() -> None:
    sheet = Sheet(entries=[Entry(2, {"description": ""})], problems=[Problem(1, "no task")])
    assert [problem.line for problem in plan_of(sheet, NOW).problems] == [1, 2]


# --- chunks -----------------------------------------------------------------------------------


def cut(made: Plan) -> list[list[ImportedTask]]:
    return list(chunks(made.tasks))


def test_no_chunk_has_more_tasks_or_bytes_than_a_call_takes() -> None:
    small = plan(*({"id": f"{n}"} for n in range(2 * ADD_TASKS_MAX + 1)))
    assert [len(chunk) for chunk in cut(small)] == [ADD_TASKS_MAX, ADD_TASKS_MAX, 1]
    large = plan(*({"id": f"{n}", "output": "ü" * 99_000} for n in range(7)))
    assert sum(planned.size for planned in large.tasks.values()) > 2 * CHUNK_BYTES_MAX
    assert [len(chunk) for chunk in cut(large)] == [2, 2, 2, 1]
    assert 2 * CHUNK_BYTES_MAX <= FRAME_BYTES_MAX


def test_one_task_may_be_larger_than_a_chunk() -> None:
    huge = {"output": "\x01" * 99_000}
    assert [len(chunk) for chunk in cut(plan({"id": "a"}, {"id": "b", **huge}, {"id": "c"}))] == [
        1,
        1,
        1,
    ]


def test_all_tasks_are_sent_in_order() -> None:
    made = plan(*({"id": f"{n}"} for n in range(1500)))
    assert [task.id for chunk in cut(made) for task in chunk] == [f"{n}" for n in range(1500)]
    assert list(without(made, {"0", "7"}))[:7] == ["1", "2", "3", "4", "5", "6", "8"]
    assert cut(Plan()) == []
