"""Pages: complete, in order, bounded, and exact while tasks change between them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor.pages import filtered_page
from actor.queries import QUERIES
from actor.state import ProjectState
from actor.views import Now
from protocol.errors import CursorInvalid
from protocol.limits import ADD_TASKS_MAX, SCAN_MAX
from protocol.methods import METHODS
from protocol.params import ListTasks
from tests.actor.worlds import Builder


def ask(state: ProjectState, method: str, **params: Any) -> Any:
    return QUERIES[method](state, msgspec.convert(params, METHODS[method].params), Now(0, 0))


def walk(state: ProjectState, method: str, **params: Any) -> list[str]:
    """All ids, page by page."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        extra = {"cursor": cursor} if cursor else {}
        page = ask(state, method, **params, **extra)
        ids += [task.id for task in page.tasks]
        cursor = page.next_cursor
        if cursor is None:
            return ids


@given(st.lists(st.integers(-2, 2), max_size=30), st.integers(1, 7))
def test_pages_of_any_size_give_everything_in_the_order_of_claims(
    priorities: list[int], limit: int
) -> None:
    builder = Builder()
    for number, priority in enumerate(priorities):
        builder.add([f"t{number}"], priority=priority)
    expected = sorted(range(len(priorities)), key=lambda n: (-priorities[n], n))
    for method, more in (("get_available_tasks", {}), ("list_tasks", {"sort": "priority"})):
        assert walk(builder.state, method, limit=limit, **more) == [f"t{n}" for n in expected]


@pytest.mark.parametrize("sort", ["created", "-created", "updated", "-updated"])
@pytest.mark.parametrize("narrowed", [{}, {"status": ["available", "done"]}])
def test_every_order_is_complete_with_and_without_an_index(
    sort: str, narrowed: dict[str, Any]
) -> None:
    builder = Builder()
    builder.add([f"t{n}" for n in range(9)])
    for name in ("t3", "t7", "t0"):
        builder.finish(name)
    created = [f"t{n}" for n in range(9)]
    updated = ["t1", "t2", "t4", "t5", "t6", "t8", "t3", "t7", "t0"]
    expected = updated if "updated" in sort else created
    if sort.startswith("-"):
        expected = expected[::-1]
    assert walk(builder.state, "list_tasks", sort=sort, limit=2, **narrowed) == expected


def test_filters_combine() -> None:
    builder = Builder()
    builder.add(["alpha", "beta"], tags=["x", "y"])
    builder.add(["gamma"], tags=["x"], dependencies=["alpha"])
    builder.finish("beta", worker="someone")
    state = builder.state
    assert walk(state, "list_tasks", tags=["x", "y"]) == ["alpha", "beta"]
    assert walk(state, "list_tasks", tags=["x"], status=["blocked", "done"]) == ["beta", "gamma"]
    assert walk(state, "list_tasks", workerId="someone") == ["beta"]
    assert walk(state, "list_tasks", dependsOn="alpha") == ["gamma"]
    assert walk(state, "list_tasks", dependsOn="nothing") == []
    assert walk(state, "list_tasks", search="DO G") == ["gamma"]
    assert walk(state, "list_tasks", search="eta", tags=["y"]) == ["beta"]
    assert walk(state, "list_tasks", ids=["gamma", "alpha", "nobody"]) == ["alpha", "gamma"]
    assert walk(state, "list_tasks", ids=["gamma", "beta"], tags=["y"], limit=1) == ["beta"]
    assert walk(state, "list_tasks", ids=["nobody"]) == []


def test_tasks_that_are_claimed_between_pages_do_not_shift_the_next_page() -> None:
    builder = Builder()
    builder.add([f"t{n}" for n in range(6)])
    first = ask(builder.state, "get_available_tasks", limit=2)
    builder.finish("t0")
    builder.finish("t4")
    rest = ask(builder.state, "get_available_tasks", limit=9, cursor=first.next_cursor)
    assert [task.id for task in rest.tasks] == ["t2", "t3", "t5"]


def test_a_cursor_of_another_filter_or_method_or_nobody_is_refused() -> None:
    builder = Builder()
    builder.add([f"t{n}" for n in range(3)])
    cursor = ask(builder.state, "list_tasks", limit=1).next_cursor
    for method, params in (
        ("list_tasks", {"cursor": cursor, "sort": "updated"}),
        ("get_all_tasks", {"cursor": cursor}),
        ("list_tasks", {"cursor": "nonsense"}),
        ("list_tasks", {"cursor": "e30="}),
    ):
        with pytest.raises(CursorInvalid):
            ask(builder.state, method, **params)


def test_a_search_through_many_tasks_stops_early_and_goes_on_by_cursor() -> None:
    builder = Builder()
    for start in range(0, SCAN_MAX + ADD_TASKS_MAX, ADD_TASKS_MAX):
        builder.add([f"t{n}" for n in range(start, start + ADD_TASKS_MAX)])
    builder.add(["needle"])
    tasks, cursor = filtered_page(builder.state, ListTasks(search="needle"))
    assert tasks == []
    assert cursor is not None
    assert walk(builder.state, "list_tasks", search="needle") == ["needle"]


def test_a_page_of_long_tasks_is_short() -> None:
    builder = Builder()
    for number in range(30):
        builder.do("add_task", id=f"t{number}", description="x" * 100_000)
    first, cursor = filtered_page(builder.state, ListTasks())
    assert len(first) == 11
    assert cursor is not None
    assert len(walk(builder.state, "list_tasks")) == 30
