"""The queue of claims: what a full scan would give, at a price that does not grow with it."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actor.queue import ClaimQueue, claim_key
from actor.records import TaskRecord
from actor.resources import ResourceIndex
from tests.actor.worlds import Builder
from tests.model.plain import clash

RESOURCES = ["src/", "src/a", "src/b/", "src/b/c", "db", "/"]
TAGS = ["x", "y", "z"]


class Owner:
    """Tasks and the queue that is kept in step with them."""

    def __init__(self) -> None:
        self.tasks: dict[str, TaskRecord] = {}
        self.queue = ClaimQueue(self.tasks)

    def put(self, after: TaskRecord) -> None:
        before = self.tasks.get(after.id)
        self.tasks[after.id] = after
        self.queue.put(before, after)

    def drop(self, name: str) -> None:
        self.queue.put(self.tasks.pop(name), None)

    def scan(self, tags: tuple[str, ...]) -> str | None:
        """The next task for these tags, by looking at all of them."""
        held = [
            resource
            for task in self.tasks.values()
            if task.status == "working"
            for resource in (*task.resources, *task.reserved)
        ]
        fit = [
            task
            for task in self.tasks.values()
            if task.status == "available"
            and set(tags) <= set(task.tags)
            and not any(clash(wanted, other) for wanted in task.resources for other in held)
        ]
        first = min(fit, key=claim_key, default=None)
        return None if first is None else first.id


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["available", "available", "working", "blocked", "done"]),
    "priority": st.integers(0, 2),
    "deadline_ms": st.none() | st.integers(1, 3),
    "resources": st.lists(st.sampled_from(RESOURCES), unique=True, max_size=2).map(tuple),
    "reserved": st.lists(st.sampled_from(RESOURCES), unique=True, max_size=1).map(tuple),
    "tags": st.lists(st.sampled_from(TAGS), unique=True, max_size=3).map(tuple),
}
STEP = st.tuples(st.integers(0, 7), st.none() | st.fixed_dictionaries({}, optional=FIELDS))


@given(st.lists(STEP, max_size=60))
def test_the_next_task_is_the_one_that_a_full_scan_gives(
    steps: list[tuple[int, dict[str, Any] | None]],
) -> None:
    owner = Owner()
    for number, fields in steps:
        name = f"t{number}"
        known = owner.tasks.get(name)
        if known is not None and fields is None:
            owner.drop(name)
        elif fields is not None:
            new = TaskRecord(
                project=1,
                number=number,
                id=name,
                description="d",
                status="available",
                created_ms=0,
                updated_ms=0,
            )
            owner.put(replace(known or new, **fields))
        for tags in ((), ("x",), ("x", "y"), ("x", "y", "z"), ("no such tag",)):
            assert owner.queue.first(tags) == owner.scan(tags)
    loaded = ClaimQueue(owner.tasks)
    loaded.load(owner.tasks.values())
    assert list(loaded.ready) == list(owner.queue.ready)
    assert list(loaded.claimable) == list(owner.queue.claimable)
    assert loaded.by_tag == owner.queue.by_tag
    assert set(loaded.held.items()) == set(owner.queue.held.items())


def test_conflicts_name_what_is_wanted_what_is_held_and_by_whom() -> None:
    builder = Builder()
    builder.add(["folder"], resources=["src/"])
    builder.add(["file", "other"], resources=["src/a", "db"])
    start(builder, "folder")
    queue = builder.state.queue
    assert list(queue.conflicts(["src/a", "db"])) == [("src/a", "src/", "folder")]
    assert list(queue.conflicts(["src/a", "db"], own="folder")) == []


def start(builder: Builder, name: str) -> None:
    slot = builder.do("claim_worker_slot", workerId=f"w-{name}").slot
    builder.do("claim_task", taskId=name, workerId=f"w-{name}", workerSlot=slot)


def test_a_group_stays_closed_while_anything_that_it_wants_is_held() -> None:
    builder = Builder()
    builder.add(["holds-src"], resources=["src/"])
    builder.add(["holds-db"], resources=["db"])
    start(builder, "holds-src")
    start(builder, "holds-db")
    builder.add(["both"], resources=["src/a", "db"])
    for name, expected in (("holds-src", None), ("holds-db", "both")):
        assert builder.state.queue.first() is None
        builder.do("update_task", taskId=name, workerId=f"w-{name}", status="done")
        assert builder.state.queue.first() == expected


# --- what it costs ----------------------------------------------------------------------------


class Counted:
    """Counts the look-ups of conflicts and what they find: the work that could grow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        found: Callable[[Any, str], Any] = cast("Any", ResourceIndex).conflicting

        def conflicting(index: Any, resource: str) -> Any:
            self.count += 1
            for pair in found(index, resource):
                self.count += 1
                yield pair

        monkeypatch.setattr(ResourceIndex, "conflicting", conflicting)


def work_through(builder: Builder, rounds: int) -> None:
    """Claim and finish one after the other."""
    builder.do("claim_worker_slot", workerId="w")
    for _ in range(rounds):
        task = builder.do("claim_next_task", workerId="w").task
        assert task is not None
        builder.do("update_task", taskId=task.id, workerId="w", status="done")


@pytest.mark.parametrize("resources", [["db"], ["src/a", "src/b/"]])
def test_thousands_that_want_the_same_cost_as_little_as_a_few(
    monkeypatch: pytest.MonkeyPatch, resources: list[str]
) -> None:
    costs: list[int] = []
    for size in (100, 10_000):
        builder = Builder()
        for first in range(0, size, 1_000):
            names = [f"t{n}" for n in range(first, min(first + 1_000, size))]
            builder.add(names, resources=resources)
        with monkeypatch.context() as patched:
            counted = Counted(patched)
            work_through(builder, 100)
            costs.append(counted.count)
    few, many = costs
    assert 0 < many <= 1.5 * few


def test_work_on_a_folder_closes_its_files_once_each() -> None:
    builder = Builder()
    builder.add(["all"], resources=["src/"], priority=1)
    builder.add([f"t{n}" for n in range(50)], resources=["src/a"])
    builder.add(["free"], resources=["docs/"], priority=-1)
    start(builder, "all")
    assert builder.state.queue.first() == "free"
    assert len(builder.state.queue.claimable) == 1
    builder.do("update_task", taskId="all", workerId="w-all", status="done")
    assert [key[-1] for key in builder.state.queue.claimable] == ["t0", "free"]
