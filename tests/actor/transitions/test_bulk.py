"""One change of many tasks: the same as the single ones in turn, and nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor.invariants import violations
from actor.pages import filtered_page
from actor.transitions import TRANSITIONS
from protocol.errors import CoordinatorError, CursorInvalid, InvalidParams
from protocol.limits import ADD_TASKS_MAX, BULK_TASKS_MAX, LISTED_MAX, SCAN_MAX, TAGS_MAX
from protocol.models import Event
from protocol.params import ListTasks
from tests.actor.worlds import Builder

NAMES = "abcdefgh"


def statuses(builder: Builder) -> dict[str, str]:
    return {name: task.status for name, task in builder.state.tasks.items()}


def start(builder: Builder, name: str) -> None:
    """Let a worker of its own begin the task."""
    slot = builder.do("claim_worker_slot", workerId=f"w-{name}").slot
    builder.do("claim_task", taskId=name, workerId=f"w-{name}", workerSlot=slot)


def check(builder: Builder) -> None:
    assert violations(builder.world) == []


# --- tasks that are changed together ----------------------------------------------------------


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_a_chain_that_was_done_is_reset_as_a_whole(order: str) -> None:
    builder = Builder()
    needs: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"]}
    tasks = [{"id": n, "description": "d", "dependencies": needs[n]} for n in order]
    builder.do("add_tasks", tasks=tasks)
    for name in "abc":
        builder.finish(name)
    told = builder.do("reset_tasks", filter={"status": ["done"]}, force=True)
    assert (told.matched, told.changed, told.task_ids) == (3, 3, list(order))
    assert statuses(builder) == {"a": "available", "b": "blocked", "c": "blocked"}
    check(builder)
    for name in "abc":
        builder.finish(name)
    check(builder)


def test_a_task_that_the_reset_of_another_one_blocks_is_left_where_it_is() -> None:
    builder = Builder()
    builder.add("a")
    builder.add("b", dependencies=["a"])
    builder.finish("a")
    told = builder.do("reset_tasks", filter={}, force=True)
    assert (told.task_ids, [each.task_id for each in told.skipped]) == (["a"], ["b"])
    assert statuses(builder) == {"a": "available", "b": "blocked"}
    check(builder)


def test_workers_whose_tasks_are_cancelled_together_keep_their_slots() -> None:
    builder = Builder(slots=3)
    builder.add("abc")
    for name in "abc":
        start(builder, name)
    builder.do("set_worker_slots", slots=2)
    told = builder.do("cancel_tasks", filter={"status": ["working"]})
    assert told.task_ids == ["a", "b", "c"]
    slots = builder.state.slots
    assert {n: (slot.task_id, slot.revoked) for n, slot in slots.items()} == {
        1: (None, "a"),
        2: (None, "b"),
    }
    assert builder.state.task_leases == {}
    check(builder)


@st.composite
def histories(draw: st.DrawFn) -> Builder:
    """A project with a few tasks that depend on one another, some of them begun or finished."""
    builder = Builder(slots=len(NAMES))
    for number, name in enumerate(NAMES):
        needs = draw(st.lists(st.sampled_from(NAMES[:number]), max_size=2)) if number else []
        tags = draw(st.lists(st.sampled_from(["x", "y"]), unique=True))
        builder.add(name, dependencies=needs, tags=tags)
    for name in draw(st.permutations(NAMES)):
        ending = draw(st.sampled_from(["", "working", "done", "done", "failed", "cancelled"]))
        if ending == "cancelled":
            builder.do("cancel_task", taskId=name)
        elif ending and builder.state.tasks[name].status == "available":
            start(builder, name)
            if ending != "working":
                builder.do("update_task", taskId=name, workerId=f"w-{name}", status=ending)
    return builder


def replayed(history: Builder, calls: list[tuple[str, dict[str, Any]]]) -> tuple[Any, ...]:
    """Everything that the calls, all made at one moment, make of a history; it is as before then.
    Refusals change nothing."""
    world, state = history.world, history.state
    events: list[Event] = []
    seen: list[Any] = []
    seq = state.seq
    for method, params in calls:
        try:
            decision = history.decide(method, **params)
        except CoordinatorError:
            continue
        world.apply(decision.changes)
        state.seq += len(decision.events)
        events += decision.events
        seen += decision.changes
    left = (dict(state.tasks), dict(state.slots), dict(state.task_leases), events)
    check(history)
    world.revert(seen)
    state.seq = seq
    return left


WANTED = st.fixed_dictionaries(
    {},
    optional={
        "status": st.lists(
            st.sampled_from(["available", "blocked", "working", "done", "failed"]), max_size=3
        ),
        "tags": st.just(["x"]),
        "ids": st.lists(st.sampled_from([*NAMES, "nobody"]), max_size=6),
        "dependsOn": st.sampled_from(NAMES),
    },
)

Words = tuple[str, dict[str, Any]]
CHANGES: dict[str, tuple[Words, Words]] = {
    "cancel": (("cancel_tasks", {}), ("cancel_task", {})),
    "reset": (("reset_tasks", {}), ("reset_failed_task", {})),
    "force": (("reset_tasks", {"force": True}), ("reset_failed_task", {"force": True})),
    "edit": (
        ("edit_tasks", {"priority": 3, "addTags": ["z"], "removeTags": ["x"]}),
        ("edit_task", {"priority": 3}),
    ),
}
"""Of many tasks, and the same of one."""


@given(histories(), WANTED, st.sampled_from(list(CHANGES)))
def test_a_bulk_change_is_the_single_ones_in_the_order_of_creation(
    history: Builder, wanted: dict[str, Any], change: str
) -> None:
    chosen, _ = filtered_page(history.state, msgspec.convert(wanted, ListTasks))
    (many, more), (single, fields) = CHANGES[change]
    singles: list[tuple[str, dict[str, Any]]] = []
    for task in chosen:
        own = {"tags": [*(t for t in task.tags if t != "x"), "z"]} if change == "edit" else {}
        singles.append((single, {"taskId": task.id, **fields, **own}))
    bulk = replayed(history, [(many, {"filter": wanted, **more})])
    assert bulk == replayed(history, singles)


# --- what is told -----------------------------------------------------------------------------


def test_what_cannot_be_changed_is_named_with_the_reason_and_the_rest_is_changed() -> None:
    builder = Builder()
    builder.add("abcd")
    builder.finish("b")
    builder.do("cancel_task", taskId="c")
    told = builder.do("cancel_tasks", filter={})
    assert (told.matched, told.changed, told.task_ids) == (4, 2, ["a", "d"])
    assert [(each.task_id, each.reason) for each in told.skipped] == [("b", "invalid_status")]
    assert (told.more, told.next_cursor, told.dry_run) == (False, None, False)
    again = builder.do("cancel_tasks", filter={})
    assert (again.matched, again.changed) == (4, 0)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("cancel_tasks", {}),
        ("reset_tasks", {"force": True}),
        ("edit_tasks", {"priority": 7}),
    ],
)
def test_a_dry_run_says_the_same_and_changes_nothing(method: str, params: dict[str, Any]) -> None:
    builder = Builder()
    builder.add("abc")
    builder.finish("a")
    before, seq = dict(builder.state.tasks), builder.state.seq
    tried = builder.do(method, filter={}, dryRun=True, **params)
    assert (dict(builder.state.tasks), builder.state.seq) == (before, seq)
    told = builder.do(method, filter={}, **params)
    assert tried.dry_run
    assert (tried.matched, tried.task_ids, tried.skipped) == (
        told.matched,
        told.task_ids,
        told.skipped,
    )
    assert told.changed > 0


def test_a_thousand_at_a_time_and_the_cursor_goes_on_to_all_of_them() -> None:
    builder = Builder()
    names = [f"t{number}" for number in range(2 * BULK_TASKS_MAX + 5)]
    for first in range(0, len(names), ADD_TASKS_MAX):
        builder.add(names[first : first + ADD_TASKS_MAX])
    changed: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        told = builder.do("edit_tasks", filter={"search": "t"}, priority=1, **cursor)
        changed.append(told.changed)
        assert told.more == (told.next_cursor is not None)
        assert told.task_ids == names[sum(changed[:-1]) :][: min(told.changed, LISTED_MAX)]
        if told.next_cursor is None:
            break
        cursor = {"cursor": told.next_cursor}
    assert changed == [BULK_TASKS_MAX, BULK_TASKS_MAX, 5]
    assert {task.priority for task in builder.state.tasks.values()} == {1}


def test_a_search_for_few_among_many_looks_at_a_part_per_call() -> None:
    builder = Builder()
    for first in range(0, SCAN_MAX + ADD_TASKS_MAX, ADD_TASKS_MAX):
        builder.add([f"t{number}" for number in range(first, first + ADD_TASKS_MAX)])
    builder.add(["needle"])
    told = builder.do("cancel_tasks", filter={"search": "needle"})
    assert (told.matched, told.more) == (0, True)
    told = builder.do("cancel_tasks", filter={"search": "needle"}, cursor=told.next_cursor)
    assert (told.task_ids, told.more) == (["needle"], False)


def test_a_cursor_of_another_filter_is_refused() -> None:
    builder = Builder()
    for _ in range(2):
        builder.do("add_tasks", tasks=[{"description": "d"}] * ADD_TASKS_MAX)
    told = builder.do("cancel_tasks", filter={}, dryRun=True)
    with pytest.raises(CursorInvalid):
        builder.do("cancel_tasks", filter={"search": "x"}, cursor=told.next_cursor)
    assert builder.do("cancel_tasks", filter={}, cursor=told.next_cursor).changed == ADD_TASKS_MAX


# --- editing ----------------------------------------------------------------------------------


def test_an_edit_changes_only_what_is_not_so_already() -> None:
    builder = Builder()
    builder.add("a", tags=["x", "y"])
    builder.add("b", tags=["y", "z"], priority=5, maxAttempts=2)
    told = builder.do(
        "edit_tasks", filter={}, priority=5, addTags=["z"], removeTags=["x"], maxAttempts=2
    )
    assert (told.matched, told.task_ids, told.skipped) == (2, ["a"], [])
    a = builder.state.tasks["a"]
    assert (a.tags, a.priority, a.max_attempts, a.version) == (("y", "z"), 5, 2, 2)
    assert builder.state.tasks["b"].version == 1


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, "nothing to change"),
        ({"addTags": ["x", "y"], "removeTags": ["y"]}, "`y` is to be added as well"),
    ],
)
def test_an_edit_that_cannot_be_meant_is_refused(params: dict[str, Any], told: str) -> None:
    builder = Builder()
    builder.add("a")
    with pytest.raises(InvalidParams, match=told):
        builder.do("edit_tasks", filter={}, **params)


def test_a_task_that_would_get_too_many_tags_is_left_out() -> None:
    builder = Builder()
    full = [f"tag{number}" for number in range(TAGS_MAX)]
    builder.add("a", tags=full)
    builder.add("b", tags=full[1:])
    told = builder.do("edit_tasks", filter={}, addTags=["more"])
    assert told.task_ids == ["b"]
    assert [(each.task_id, each.reason) for each in told.skipped] == [("a", "limit_exceeded")]


def test_the_three_are_transitions() -> None:
    assert {"cancel_tasks", "edit_tasks", "reset_tasks"} <= TRANSITIONS.keys()
