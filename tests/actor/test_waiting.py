"""The lines of waiting requests against a plain list of them."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from msgspec.structs import replace

from actor.records import Change, ProjectRecord, Record, SlotRecord, TaskLease, TaskRecord
from actor.waiting import News, Wait, Waits, news_of
from protocol import params as p
from protocol.methods import METHODS
from protocol.service import Call
from tests.actor.worlds import Builder
from tests.model.driver import Caller

ONE, OTHER = Caller("s1"), Caller("s2")
WISHES = [None, (), ("x",), ("y",), ("x", "y"), ("y", "x"), ("y", "z")]
TAGS = st.lists(st.sampled_from("xyz"), unique=True, max_size=3)


def request(peer: Caller = ONE) -> Call:
    return Call(METHODS["claim_next_task"], p.ClaimNextTask(worker_id="w"), peer, print)


@dataclass(eq=False)
class Request:
    """A request as the plain list has it."""

    call: Call
    wish: frozenset[str] | None
    until: int
    wait: Wait | None = None
    """What it was served as."""


class Lines(RuleBasedStateMachine):
    """Waits of one project, beside a list in the order of arrival."""

    requests = Bundle("requests")
    served = Bundle("served")

    def __init__(self) -> None:
        super().__init__()
        self.builder = Builder()
        self.builder.do("set_worker_slots", slots=5)
        self.waits = Waits()
        self.line: list[Request] = []
        self.arrived: list[Request] = []
        self.now = 0

    @rule(
        target=requests,
        wish=st.sampled_from(WISHES),
        seconds=st.integers(1, 5),
        peer=st.sampled_from([ONE, OTHER]),
    )
    def come(self, wish: tuple[str, ...] | None, seconds: int, peer: Caller) -> Request:
        wanted = None if wish is None else frozenset(wish)
        made = Request(request(peer), wanted, self.now + seconds)
        self.waits.put(1, made.call, wish, made.until)
        self.line.append(made)
        self.arrived.append(made)
        return made

    @rule(who=requests)
    def withdraw(self, who: Request) -> None:
        assert self.waits.withdraw(who.call) == (who in self.line)
        if who in self.line:
            self.line.remove(who)

    @rule(seconds=st.integers(1, 4), limit=st.integers(1, 3))
    def time_passes(self, seconds: int, limit: int) -> None:
        self.now += seconds
        # Calls are structs, and equal when they say the same: here it is a matter of which.
        ended = [id(wait.call) for _, wait in self.waits.take_ended(self.now, limit)]
        over = sorted((r for r in self.line if r.until <= self.now), key=lambda r: r.until)
        assert ended == [id(r.call) for r in over][:limit]
        self.line = [r for r in self.line if id(r.call) not in ended]

    @rule(target=served, tags=st.lists(TAGS, min_size=1, max_size=3), everything=st.booleans())
    def tasks_come(self, tags: list[list[str]], everything: bool) -> list[Request]:
        """Whoever is served takes the first task that is good for it."""
        left = [set(own) for own in tags]
        names = [f"t{len(self.builder.state.tasks)}-{n}" for n in range(len(tags))]
        added = [
            {"id": name, "description": "d", "tags": own}
            for name, own in zip(names, tags, strict=True)
        ]
        self.builder.do("add_tasks", tasks=added)
        told: list[Request] = []
        by_call = {id(made.call): made for made in self.line}

        def decide(project: int, wait: Wait) -> None:
            assert project == 1
            made = by_call[id(wait.call)]
            made.wait = wait
            told.append(made)
            assert wait.tags is not None
            name = self.builder.state.queue.first(tuple(wait.tags))
            assert name is not None, "nobody is looked at in vain"
            self.builder.do("cancel_task", taskId=name)

        news = News(tags={tag for own in tags for tag in own}, task=True, everything=everything)
        self.waits.serve(self.builder.state, news, decide)
        expected: list[Request] = []
        for made in self.line:
            good = [own for own in left if made.wish is not None and made.wish <= own]
            if good:
                left.remove(good[0])
                expected.append(made)
        assert told == expected, "the longest waiting first, as long as there is something"
        self.line = [made for made in self.line if made not in told]
        for name in names:
            if self.builder.state.tasks[name].status == "available":
                self.builder.do("cancel_task", taskId=name)
        return told

    @rule(who=consumes(served))
    def it_was_in_vain(self, who: list[Request]) -> None:
        for made in who:
            assert made.wait is not None
            self.waits.put_back(1, made.wait)
        back = {*self.line, *who}
        self.line = [made for made in self.arrived if made in back]

    @invariant()
    def counts(self) -> None:
        assert len(self.waits) == len(self.line)
        assert self.waits.count(1) == sum(made.wish is not None for made in self.line)
        for peer in (ONE, OTHER):
            assert self.waits.count_of(peer) == sum(m.call.peer is peer for m in self.line)
        first = min((made.until - self.now for made in self.line), default=None)
        assert self.waits.wait_ms(self.now) == first

    def teardown(self) -> None:
        assert [id(call) for call in self.waits.take_all()] == [id(m.call) for m in self.line]
        assert (len(self.waits), self.waits.wait_ms(0)) == (0, None)


TestLines = Lines.TestCase


# --- who is looked at -------------------------------------------------------------------------

TASK = TaskRecord(
    project=1,
    number=1,
    id="a",
    description="d",
    status="available",
    tags=("x",),
    created_ms=0,
    updated_ms=0,
)
WORKING = replace(TASK, status="working")
HOLDING = replace(WORKING, resources=("db",))
RESERVING = replace(WORKING, reserved=("db",))
SLOT = SlotRecord(project=1, number=1, lease_ms=1, claimed_ms=0)
PROJECT = ProjectRecord(number=1, name="default", slots=1, created_ms=0)


def news(before: Record | None, after: Record | None) -> dict[int, News]:
    return news_of([Change(before, after)])


def test_a_task_that_became_available_is_news_for_its_tags() -> None:
    for before in (None, WORKING, replace(TASK, status="scheduled"), replace(TASK, tags=())):
        assert news(before, TASK) == {1: News(tags={"x"}, task=True)}


def test_resources_that_may_be_free_are_news_for_everybody() -> None:
    for before in (HOLDING, RESERVING):
        for after in (replace(TASK, status="done"), TASK, WORKING, None):
            assert news(before, after) == {1: News(everything=True)}


def test_what_frees_nothing_is_no_news() -> None:
    lease = TaskLease(1, "a", 5)
    for before, after in (
        (TASK, WORKING),
        (WORKING, replace(TASK, status="done")),
        (TASK, None),
        (None, replace(TASK, status="blocked")),
        (None, SLOT),
        (SLOT, SLOT),
        (lease, None),
        (None, PROJECT),
    ):
        assert news(before, after) == {}


def test_a_slot_or_a_changed_project_is_news_for_slots() -> None:
    assert news(SLOT, None) == {1: News(slot=True)}
    assert news(PROJECT, replace(PROJECT, slots=2)) == {1: News(slot=True, everything=True)}


# --- what it costs ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 5_000])
def test_one_task_looks_at_one_of_those_who_want_the_same(size: int) -> None:
    builder = Builder()
    builder.do("set_worker_slots", slots=1)
    waits = Waits()
    for number in range(size):
        waits.put(1, request(), ["x"] if number % 2 else (), 10)
    builder.add(["a"], tags=["x"])
    asked: list[Any] = []

    def decide(_project: int, wait: Wait) -> None:
        asked.append(wait)
        builder.do("cancel_task", taskId="a")

    waits.serve(builder.state, News(tags={"x"}, task=True), decide)
    assert [wait.number for wait in asked] == [1]
    assert len(waits) == size - 1
