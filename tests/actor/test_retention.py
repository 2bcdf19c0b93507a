"""What may go: nothing that is kept depends on it, and nothing more could go."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actor import retention
from actor.records import Change, ProjectRecord, TaskRecord
from actor.retention import Place, is_old, pick_events, pick_tasks, still_free
from actor.state import FINISHED, ProjectState
from actor.timestamps import to_text
from actor.world import World
from protocol.models import STATUSES, Event

BEFORE = 1_000


def task(number: int, **fields: Any) -> TaskRecord:
    plain: dict[str, Any] = {
        "project": 1,
        "id": f"t{number}",
        "description": "do it",
        "status": "done",
        "created_ms": 0,
        "updated_ms": 10,
        "completed_ms": 10,
    }
    return TaskRecord(number=number, **plain | fields)


def world_of(tasks: list[TaskRecord]) -> World:
    world = World(5)
    world.load([ProjectRecord(number=1, name="default", slots=5, created_ms=0)], tasks, [])
    return world


def state_of(*tasks: TaskRecord) -> ProjectState:
    return world_of(list(tasks)).by_number[1]


@contextmanager
def steps_of(size: int) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "PICKED_MAX", size)
        patch.setattr(retention, "WORK_MAX", 3 * size)
        yield


def prune(world: World, *, dry_run: bool = False) -> tuple[set[str], int]:
    """Run all steps; what went, and how many old tasks were held."""
    state = world.by_number[1]
    gone: set[str] = set()
    held = 0
    place: Place | None = Place()
    while place is not None:
        picked = pick_tasks(state, BEFORE, place, gone if dry_run else frozenset())
        held += picked.held
        for found in picked.tasks:
            assert found.id not in gone
            gone.add(found.id)
            assert set(state.dependents.get(found.id, ())) <= gone
        if not dry_run:
            assert still_free(state, picked.tasks) == picked.tasks
            world.apply([Change(found, None) for found in picked.tasks])
        place = picked.place
    return gone, held


def largest_set(tasks: list[TaskRecord]) -> set[str]:
    """The same by the definition: drop what something outside depends on until nothing changes."""
    found = {task.id for task in tasks if is_old(task, BEFORE)}
    while True:
        held = {name for task in tasks if task.id not in found for name in task.dependencies}
        if not held & found:
            return found
        found -= held


@st.composite
def plans(draw: st.DrawFn) -> list[TaskRecord]:
    """Any tasks whose dependencies run in no circle, whatever their numbers are."""
    count = draw(st.integers(0, 14))
    order = draw(st.permutations(range(1, count + 1)))
    tasks: list[TaskRecord] = []
    for place, number in enumerate(order):
        before = [f"t{earlier}" for earlier in order[:place]]
        chosen = draw(st.lists(st.sampled_from(before), unique=True, max_size=4)) if before else []
        status = draw(st.sampled_from(("done", "done", "done", *STATUSES)))
        finished = draw(st.sampled_from((10, 10, 10, 2_000, None)))
        tasks.append(
            task(
                number,
                status=status,
                dependencies=tuple(chosen),
                completed_ms=finished if status in FINISHED else None,
            )
        )
    return sorted(tasks, key=lambda found: found.number)


@given(plans(), st.integers(1, 5), st.booleans())
def test_the_largest_set_goes_on_which_nothing_kept_depends(
    tasks: list[TaskRecord], size: int, dry_run: bool
) -> None:
    world = world_of(tasks)
    with steps_of(size):
        gone, held = prune(world, dry_run=dry_run)
    assert gone == largest_set(tasks)
    assert held == sum(is_old(task, BEFORE) for task in tasks) - len(gone)
    left = tasks if dry_run else [task for task in tasks if task.id not in gone]
    assert list(world.by_number[1].tasks) == [task.id for task in left]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_long_chain_goes_as_a_whole(*, newest_first: bool, dry_run: bool) -> None:
    numbers = list(range(1, 3_001))
    chain = [
        task(
            number,
            dependencies=(f"t{number + (1 if newest_first else -1)}",)
            if 1 <= number + (1 if newest_first else -1) <= 3_000
            else (),
        )
        for number in numbers
    ]
    gone, held = prune(world_of(chain), dry_run=dry_run)
    assert (len(gone), held) == (3_000, 0)


def test_one_unfinished_task_at_the_end_holds_its_whole_chain() -> None:
    chain = [task(1), *(task(n, dependencies=(f"t{n - 1}",)) for n in range(2, 2_000))]
    chain.append(task(2_000, status="available", dependencies=("t1999",), completed_ms=None))
    assert prune(world_of(chain)) == (set(), 1_999)


def test_a_step_is_bounded_by_tasks_by_work_and_by_text() -> None:
    state = state_of(*(task(number) for number in range(1, 2_001)))
    assert len(pick_tasks(state, BEFORE, Place()).tasks) == retention.PICKED_MAX
    kept = state_of(*(task(n, status="available") for n in range(1, 50_001)))
    step = pick_tasks(kept, BEFORE, Place())
    assert step.place is not None
    assert step.place.below == 50_001 - retention.WORK_MAX
    large = state_of(*(task(number, output="x" * 1_000_000) for number in range(1, 11)))
    assert len(pick_tasks(large, BEFORE, Place()).tasks) == 4


def test_old_is_what_was_finished_before_that_time() -> None:
    assert is_old(task(1, completed_ms=BEFORE - 1), BEFORE)
    assert not is_old(task(1, completed_ms=BEFORE), BEFORE)
    assert not is_old(task(1, completed_ms=None, updated_ms=BEFORE), BEFORE)
    assert is_old(task(1, completed_ms=None, updated_ms=BEFORE - 1), BEFORE)
    statuses = {status for status in STATUSES if is_old(task(1, status=status), BEFORE)}
    assert statuses == {"done", "failed", "cancelled"}


# --- the last look before it goes ----------------------------------------------------------------


def test_what_changed_since_it_was_picked_stays_with_all_that_it_depends_on() -> None:
    first, second = task(1), task(2, dependencies=("t1",))
    other = task(3)
    world = world_of([first, second, other])
    state = world.by_number[1]
    picked = pick_tasks(state, BEFORE, Place()).tasks
    assert picked == [other, second, first]
    noted = replace(second, note="look again", version=2)
    world.apply([Change(second, noted)])
    assert still_free(state, picked) == [other]
    assert still_free(state, pick_tasks(state, BEFORE, Place()).tasks) == [other, noted, first]


def test_what_got_a_dependent_or_is_gone_since_it_was_picked_is_no_more_free() -> None:
    first, second = task(1), task(2)
    world = world_of([first, second])
    state = world.by_number[1]
    world.apply([Change(None, task(3, status="blocked", dependencies=("t1",)))])
    world.apply([Change(second, None), Change(None, task(4, id="t2"))])
    assert still_free(state, [second, first]) == []


# --- events -------------------------------------------------------------------------------------


def test_old_events_go_but_those_about_unfinished_tasks() -> None:
    tasks = [task(n, status=status) for n, status in enumerate(STATUSES, 1)]
    state = state_of(*tasks)
    about = [None, "removed", *(found.id for found in tasks)]
    events = [
        Event(seq=seq, time=to_text(BEFORE - 1), type="task_added", task_id=task_id)
        for seq, task_id in enumerate(about, 1)
    ]
    events.append(Event(seq=99, time=to_text(BEFORE), type="task_added"))
    going = [event.task_id for event in pick_events(state, events, BEFORE)]
    finished = [found.id for found in tasks if found.status in FINISHED]
    assert going == [None, "removed", *finished]
