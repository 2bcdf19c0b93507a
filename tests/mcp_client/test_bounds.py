"""The bound on answers: kept whatever is large, and never silently."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_client.bounds import TEXT_BYTES_MAX, cut_to_fit, entries_that_fit, size

HUGE = TEXT_BYTES_MAX * 2


def test_a_result_within_the_bound_is_passed_on_untouched() -> None:
    result = {"task": {"id": "a", "description": "x" * 1_000}}
    assert cut_to_fit(result) == (result, [])


def test_a_long_list_is_cut_to_its_first_entries_and_says_so() -> None:
    workers = [{"slot": number, "status": "free"} for number in range(1, 10_001)]
    cut, notices = cut_to_fit({"workers": workers, "total": 10_000})
    kept: list[Any] = cut["workers"]
    assert size(cut) <= TEXT_BYTES_MAX
    assert len(kept) > 1_000
    assert kept == workers[: len(kept)]
    assert cut["total"] == 10_000
    assert notices == ["`workers` was too long; these are the first entries of 10000."]


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600", '"', "\x01"])
def test_a_long_text_is_cut_to_its_beginning_and_says_so(character: str) -> None:
    text = character * HUGE
    cut, notices = cut_to_fit({"task": {"id": "a", "description": text, "priority": 3}})
    kept: str = cut["task"]["description"]
    assert size(cut) <= TEXT_BYTES_MAX
    assert size(cut) > TEXT_BYTES_MAX - 100
    assert text.startswith(kept)
    assert (cut["task"]["id"], cut["task"]["priority"]) == ("a", 3)
    assert notices == [
        f"`task.description` was too long; these are the first characters of {HUGE}."
    ]


def test_several_long_texts_are_all_cut_and_each_is_named_once() -> None:
    task = {"id": "a", "description": "d" * HUGE, "output": "o" * HUGE, "error": "e" * HUGE}
    cut, notices = cut_to_fit({"task": task})
    assert size(cut) <= TEXT_BYTES_MAX
    assert len(notices) == 3
    assert all(str(HUGE) in notice for notice in notices)


def test_the_input_is_never_changed() -> None:
    entries = ["x" * 1_000] * 100
    result: dict[str, Any] = {"tasks": [{"output": "o" * HUGE}], "more": entries}
    cut_to_fit(result)
    assert len(result["tasks"][0]["output"]) == HUGE
    assert len(entries) == 100


def test_a_single_heavy_entry_of_a_list_is_cut_inside() -> None:
    cut, notices = cut_to_fit({"tasks": [{"id": "a", "dependencies": ["d" * 200] * 1_000}]})
    assert size(cut) <= TEXT_BYTES_MAX
    assert cut["tasks"][0]["id"] == "a"
    assert notices[0].startswith("`tasks.0.dependencies` was too long")


def test_what_cannot_be_cut_is_passed_on() -> None:
    names = {f"name-{number}": number for number in range(10_000)}
    assert cut_to_fit({"limits": names})[0] == {"limits": names}


@settings(deadline=None)
@given(
    st.recursive(
        st.integers() | st.text(max_size=30_000) | st.none(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=10,
    )
)
def test_cutting_ends_and_keeps_the_bound(value: object) -> None:
    cut, notices = cut_to_fit({"value": value})
    assert size(cut) <= TEXT_BYTES_MAX
    assert bool(notices) == (cut != {"value": value})


def test_the_entries_that_fit_are_counted_without_going_over() -> None:
    tasks = [{"id": str(number), "text": "x" * 1_000} for number in range(100)]
    result = {"tasks": tasks, "seq": 5}
    count = entries_that_fit(result, "tasks")
    assert size({**result, "tasks": tasks[:count]}) <= TEXT_BYTES_MAX
    assert size({**result, "tasks": tasks[: count + 1]}) > TEXT_BYTES_MAX


def test_at_least_one_entry_is_always_counted() -> None:
    assert entries_that_fit({"tasks": ["x" * HUGE, "y"]}, "tasks") == 1
