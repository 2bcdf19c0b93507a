"""Filters: what each condition lets pass, with and without an index, and in few steps."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor import pages
from actor.filtering import Filter
from actor.timestamps import to_text
from protocol.errors import InvalidParams
from protocol.limits import ADD_TASKS_MAX
from protocol.params import ListTasks, TaskFilter
from tests.actor.test_pages import ask, walk
from tests.actor.worlds import Builder


def diamond() -> Builder:
    """a before b and c, both before d; e stands alone."""
    builder = Builder()
    builder.add(["a"], tags=["api"], priority=5)
    builder.add(["b", "c"], dependencies=["a"], tags=["ui"])
    builder.add(["d"], dependencies=["b", "c"], priority=-3)
    builder.add(["e"], tags=["api", "ui"])
    return builder


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"excludeTags": ["api"]}, "bcd"),
        ({"excludeTags": ["api", "ui"]}, "d"),
        ({"tags": ["ui"], "excludeTags": ["api"]}, "bc"),
        ({"priorityMin": 0}, "abce"),
        ({"priorityMin": 1}, "a"),
        ({"priorityMax": -1}, "d"),
        ({"priorityMin": 1, "priorityMax": 0}, ""),
        ({"upstreamOf": "d"}, "abcd"),
        ({"upstreamOf": "b"}, "ab"),
        ({"downstreamOf": "b"}, "bd"),
        ({"downstreamOf": "a", "upstreamOf": "b"}, "ab"),
        ({"upstreamOf": "nobody"}, ""),
        ({"upstreamOf": "d", "status": ["blocked"]}, "bcd"),
        ({"ids": ["a", "e"], "downstreamOf": "a"}, "a"),
        ({"search": "DO A"}, "a"),
        ({"search": "do e o"}, "e"),
        ({"search": "do nothing"}, ""),
    ],
)
def test_conditions_hold_together(wanted: dict[str, Any], found: str) -> None:
    assert walk(diamond().state, "list_tasks", limit=2, **wanted) == list(found)


def test_priority_can_be_walked_from_its_low_end() -> None:
    builder = diamond()
    up = walk(builder.state, "list_tasks", sort="-priority", limit=2)
    assert up == walk(builder.state, "list_tasks", sort="priority")[::-1]
    assert (up[0], up[-1]) == ("d", "a")


def test_times_begin_with_the_moment_and_end_before_it() -> None:
    builder = Builder()
    for name in "abc":
        builder.add([name])  # at 1, 2 and 3 ms
    builder.finish("a")
    moments = [to_text(ms) for ms in range(8)]
    state = builder.state
    assert walk(state, "list_tasks", createdAfter=moments[2]) == ["b", "c"]
    assert walk(state, "list_tasks", createdBefore=moments[2]) == ["a"]
    assert walk(state, "list_tasks", updatedAfter=moments[3]) == ["a", "c"]
    assert walk(state, "list_tasks", updatedBefore=moments[3]) == ["b"]
    assert walk(state, "list_tasks", updatedAfter=moments[2], updatedBefore=moments[4]) == [
        "b",
        "c",
    ]
    assert walk(state, "list_tasks", updatedAfter=moments[7], updatedBefore=moments[2]) == []


def test_what_is_overdue_or_not() -> None:
    builder = Builder()
    builder.add(["late"], deadline=to_text(5))
    builder.add(["calm"])
    assert walk(builder.state, "list_tasks", overdue=True) == []
    assert walk(builder.state, "list_tasks", overdue=False) == ["late", "calm"]


@given(st.data())
def test_an_index_finds_all_that_a_look_at_every_task_finds(data: st.DataObject) -> None:
    builder = diamond()
    builder.finish("a")
    names = st.sampled_from([*"abcde", "nobody"])
    conditions = {
        "status": st.lists(st.sampled_from(["available", "done", "blocked"]), max_size=2),
        "ids": st.lists(names, max_size=3),
        "dependsOn": names,
        "upstreamOf": names,
        "downstreamOf": names,
        "tags": st.lists(st.sampled_from(["api", "ui"]), max_size=1),
        "updatedAfter": st.integers(0, 9).map(to_text),
        "updatedBefore": st.integers(0, 9).map(to_text),
    }
    chosen = data.draw(st.fixed_dictionaries({}, optional=conditions))
    state = builder.state
    wanted = Filter(state, msgspec.convert(chosen, TaskFilter))
    every = {task.id for task in state.tasks.values() if wanted.passes(task)}
    few = wanted.few(1_000)
    assert few is None or {task.id for task in few if wanted.passes(task)} == every
    assert set(walk(state, "list_tasks", **chosen)) == every


def test_a_lineage_of_many_thousand_tasks_needs_no_recursion() -> None:
    builder = Builder()
    builder.add(["t0"])
    for start in range(1, 5_000, ADD_TASKS_MAX):
        tasks = [
            {"id": f"t{n}", "description": "d", "dependencies": [f"t{n - 1}"]}
            for n in range(start, start + ADD_TASKS_MAX)
        ]
        builder.do("add_tasks", tasks=tasks)
    state = builder.state
    assert len(walk(state, "list_tasks", upstreamOf="t3000", limit=500)) == 3_001
    assert len(walk(state, "list_tasks", downstreamOf="t3000", limit=500)) == 2_001
    why = ask(state, "explain_task", taskId="t3000")
    assert why.waiting == 2_000


def test_a_search_looks_at_no_more_text_than_is_good_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "SEARCHED_TEXT_MAX", 1_000)
    builder = Builder()
    for number in range(30):
        builder.do("add_task", id=f"t{number}", description="x" * 100)
    first = ask(builder.state, "list_tasks", search="nothing")
    assert (first.tasks, first.next_cursor is not None) == ([], True)
    assert walk(builder.state, "list_tasks", search="t29") == ["t29"]


def test_texts_are_cut_and_metadata_left_out_where_that_is_wanted() -> None:
    builder = Builder()
    metadata = {"k": 1}
    builder.do("add_task", id="a", description="x" * 300, output="y" * 9, metadata=metadata)
    (task,) = ask(builder.state, "list_tasks", textMax=10).tasks
    assert task.description == "x" * 9 + "…"
    assert (task.expected_output, task.metadata) == ("y" * 9, None)
    (task,) = ask(builder.state, "list_tasks", textMax=0).tasks
    assert task.description == ""
    (task,) = ask(builder.state, "list_tasks").tasks
    assert (len(task.description), task.metadata) == (300, metadata)


def test_a_cursor_goes_on_whatever_is_shown_of_the_texts() -> None:
    builder = diamond()
    first = ask(builder.state, "list_tasks", limit=2)
    rest = ask(builder.state, "list_tasks", cursor=first.next_cursor, textMax=5)
    assert [task.id for task in rest.tasks] == ["c", "d", "e"]


def test_a_condition_that_is_not_known_is_refused() -> None:
    with pytest.raises((msgspec.ValidationError, InvalidParams)):
        msgspec.convert({"upstream": "a"}, ListTasks)
