"""The core and the model side by side: how a step is taken, and how the two are compared.

Owns batches and their failures, the clocks, restarts, and the agreement of both sides after every
step. The commands are in `tests.model.task_rules` and `tests.model.work_rules`.
"""

import copy
import sys
from collections import Counter
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actor.agenda import Due
from actor.invariants import violations
from actor.pages import available_page
from actor.queries import QUERIES
from actor.views import Now
from protocol import params as p
from protocol.errors import CoordinatorError
from protocol.models import Event
from tests.model.driver import Driver, picture
from tests.model.naive import Naive
from tests.model.strategies import HOUR_MS, PICK, SEEN, SESSIONS, STEPS, TOTAL, WALL_MS


class Machine(RuleBasedStateMachine):
    """No commands yet."""

    def start(self) -> None:
        self.driver = Driver(TOTAL, WALL_MS, 1_000)
        self.naive = Naive(TOTAL, WALL_MS, 1_000)
        self.before: tuple[Any, Naive, dict[int, str]] | None = None
        self.tokens: dict[int, str] = {}
        """By the number that the model gives a claim."""
        self.connected: set[str] = set()

    # --- how a step is taken ------------------------------------------------------------------

    def open(self) -> None:
        """Open a batch in both."""
        if self.before is not None:
            return
        self.before = picture(self.driver.world), copy.deepcopy(self.naive), dict(self.tokens)
        assert self.naive.said == []
        self.driver.begin()
        self.naive.tick(self.driver.wall_ms, self.driver.mono_ms)

    def call(
        self, session: str, name: str, params: p.Params, *, may_wait: bool = False
    ) -> tuple[Any, str | None]:
        """One command of the core: its result and the reason of its refusal."""
        self.open()
        self.connected.add(session)
        outcome = self.driver.call(session, name, params, may_wait=may_wait)
        if isinstance(outcome, CoordinatorError):
            SEEN[f"{name} {outcome.reason}"] += 1
            return None, outcome.reason
        SEEN[f"{name} {'waits' if isinstance(outcome, float) else 'ok'}"] += 1
        return outcome, None

    def pick(self, index: int, *statuses: str) -> str | None:
        """One of the tasks in these statuses, if there is any."""
        found = [name for name, item in self.naive.tasks.items() if item.status in statuses]
        return found[index % len(found)] if found else None

    def token(self, name: str, which: str, index: int) -> int | None:
        """A claim whose token goes along: none, the right one, or any."""
        if which == "none" or not self.tokens:
            return None
        item = self.naive.tasks.get(name)
        if which == "right" and item is not None and item.claim is not None:
            return item.claim
        claims = sorted(self.tokens)
        return claims[-1 - index % len(claims)]

    # --- time, faults and ends ----------------------------------------------------------------

    @rule()
    def commit(self) -> None:
        """The store takes what was decided since the last commit."""
        self.open()
        events = [logged.event for logged in self.driver.commit().events]
        self.before = None
        assert Counter(map(gist, events)) == Counter(self.naive.said)
        self.naive.said.clear()
        assert is_stored(self.driver)
        for event in events:
            cause = (event.data or {}).get("cause")
            SEEN[f"event {event.type}{f' ({cause})' if cause else ''}"] += 1

    @rule(chance=st.integers(0, 2))
    def a_commit_fails(self, chance: int) -> None:
        """Nothing has happened, as far as anybody can tell."""
        if chance:
            return
        self.open()
        assert self.before is not None
        before, self.naive, self.tokens = self.before
        self.before = None
        self.driver.fail()
        assert picture(self.driver.world) == before
        SEEN["failed commit"] += 1

    @rule(step_ms=STEPS)
    def time_passes(self, step_ms: int) -> None:
        """The loop sleeps from one due moment to the next."""
        self.commit()
        end_ms = self.driver.mono_ms + step_ms
        while self.driver.mono_ms < end_ms:
            wall, mono = self.driver.world.agenda.wait_ms(self.driver.wall_ms, self.driver.mono_ms)
            waits = [wait for wait in (wall, mono) if wait is not None]
            assert min(waits, default=None) == self.naive.next_in()
            left_ms = end_ms - self.driver.mono_ms
            step = min([left_ms, *(max(wait, 1) for wait in waits)])
            self.driver.set_clocks(self.driver.wall_ms + step, self.driver.mono_ms + step)
            self.commit()

    @rule(step_ms=st.sampled_from([-HOUR_MS, HOUR_MS, -5_000, 5_000]))
    def somebody_sets_the_wall_clock(self, step_ms: int) -> None:
        """No lease lapses by that."""
        self.commit()
        held = dict(self.driver.state.task_leases), dict(self.driver.state.slot_leases)
        self.driver.set_clocks(self.driver.wall_ms + step_ms, self.driver.mono_ms)
        self.commit()
        assert (self.driver.state.task_leases, self.driver.state.slot_leases) == held

    @rule(session=SESSIONS)
    def a_session_is_gone(self, session: str) -> None:
        self.open()
        self.connected.discard(session)
        self.driver.disconnect(session)
        self.naive.disconnect(session)

    @rule(
        chance=st.integers(0, 2),
        stays=st.booleans(),
        down_ms=st.sampled_from([0, 3_000, 50_000]),
        mono_ms=PICK,
    )
    def restart(self, chance: int, stays: bool, down_ms: int, mono_ms: int) -> None:
        """Of the server, or of its state alone after a commit of unknown outcome: then the
        connections stay."""
        self.commit()
        if chance or "default" not in self.driver.world.projects:
            return
        connected = frozenset(self.connected) if stays else frozenset[str]()
        self.connected = set(connected)
        self.driver.set_clocks(self.driver.wall_ms + down_ms, self.driver.mono_ms)
        self.driver.restart(connected, mono_ms * 1_000)
        self.naive.restart(self.driver.wall_ms, self.driver.mono_ms, sorted(connected))
        SEEN["restart"] += 1

    def teardown(self) -> None:
        """All that was committed, done again, comes to the same."""
        if sys.exception() is not None:
            return
        self.commit()
        assert picture(self.driver.replayed().world) == picture(self.driver.world)

    # --- agreement ----------------------------------------------------------------------------

    @invariant()
    def invariants_hold(self) -> None:
        assert violations(self.driver.world) == []

    @invariant()
    def agrees_with_the_model(self) -> None:
        state, naive = self.driver.state, self.naive
        for name, item in naive.tasks.items():
            SEEN[f"status {item.status}"] += 1
            task = state.tasks[name]
            seen = (
                *(task.status, task.worker_id, task.worker_slot, task.attempt, task.reserved),
                *(task.attempt - task.forgiven, task.overdue, task.lapsed, task.output),
                *(task.progress, task.note, task.retry_at_ms, task.resources, task.priority),
            )
            assert seen == (
                *(item.status, item.worker, item.slot, item.attempt, tuple(item.reserved)),
                *(item.used, item.told_overdue, item.lapsed, item.output),
                *(item.progress, item.note, item.retry_at, tuple(item.resources), item.priority),
            ), name
            assert item.error is None or task.error is not None
        assert set(state.tasks) == set(naive.tasks)
        assert {
            n: (slot.worker_id, slot.session, slot.bound, slot.task_id, slot.revoked)
            for n, slot in state.slots.items()
        } == {
            n: (seat.worker, seat.session, seat.bound, naive.task_in(n), seat.revoked)
            for n, seat in naive.seats.items()
        }

    @invariant()
    def agrees_on_every_moment(self) -> None:
        naive = self.naive
        kinds = {"slot": "slot_lease", "task": "task_lease"}
        expected = {
            Due(cast("Any", kinds.get(what, what)), 1, str(whose)): at
            for _, at, what, whose in naive.moments()
        }
        assert self.driver.world.agenda.moments() == expected
        leases = self.driver.state.slot_leases
        assert {n: lease.connected for n, lease in leases.items()} == {
            n: seat.connected for n, seat in naive.seats.items()
        }

    @invariant()
    def agrees_on_what_comes_next(self) -> None:
        state, naive = self.driver.state, self.naive
        page, _ = available_page(state, p.GetAvailableTasks(limit=500))
        assert [task.id for task in page] == naive.queue()
        for tags in ((), ("x",), ("x", "y")):
            found = None if state.record.paused else state.queue.first(tags)
            assert found == naive.next_for(tags)

    @invariant()
    def every_status_has_its_reason(self) -> None:
        state, naive = self.driver.state, self.naive
        now = Now(self.driver.wall_ms, self.driver.mono_ms)
        for name, item in naive.tasks.items():
            told = QUERIES["explain_task"](state, p.ExplainTask(task_id=name), now)
            assert told.reason
            waits = [need for need in item.needs if naive.tasks[need].status != "done"]
            assert [blocker.task_id for blocker in told.blocked_by] == waits
            conflicts = naive.in_the_way(item.resources) if item.status == "available" else []
            assert {conflict.task_id for conflict in told.conflicts} == set(conflicts)
            ready = item.status == "available" and not conflicts and not naive.paused
            assert told.ready == ready
            assert (told.holder is not None) == (item.status == "working")


def gist(event: Event) -> tuple[str, str | None]:
    """What an event tells, as the model says it."""
    return event.type, None if event.type.startswith("slot") else event.task_id


def is_stored(driver: Driver) -> bool:
    """What the store has is what is in memory."""
    state = driver.state
    loaded = driver.shelf.load(driver.slots)
    if "default" not in loaded.projects:
        return not state.tasks and not state.slots
    other = loaded.projects["default"]
    return (
        (other.seq, other.record, other.templates) == (state.seq, state.record, state.templates)
        and other.tasks == state.tasks
        and other.slots == state.slots
        and list(other.queue.claimable) == list(state.queue.claimable)
    )
