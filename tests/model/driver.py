"""Drives the pure core as the loop does, without Trio: batches, clocks, commits, restarts.

Owns what a store would have been told, and what must come back from it; the clocks, as data; and
the log from which everything can be played again. Must not know the naive model.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import msgspec

from actor.attempt import Attempt, Command
from actor.policy import Policy
from actor.records import ProjectRecord, SlotRecord, TaskRecord, TemplateRecord
from actor.replies import Replies
from actor.state import ProjectState
from actor.store.base import Batch
from actor.transitions import disconnect, resume
from actor.world import World
from protocol.errors import CoordinatorError
from protocol.methods import METHODS, Role
from protocol.params import Params
from protocol.service import Call
from tests.model.plain import ATTEMPTS, GRACE_MS, LEASE_MS, RETRY_MS

__all__ = ["Caller", "Driver", "Shelf", "picture"]

POLICY = Policy(
    lease_ms=LEASE_MS, grace_ms=GRACE_MS, attempts_max=ATTEMPTS, retry_delay_ms=RETRY_MS
)
DUE_MAX = 500


class Caller:
    """A connection of which nothing is known but who calls. A `Peer`."""

    project = "default"
    name = None
    role = Role.ADMIN
    closed = False

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id

    def notify(self, method: str, params: msgspec.Raw) -> bool:
        raise NotImplementedError

    def cut_off(self, code: int, reason: str) -> None:
        raise NotImplementedError

    async def drained(self) -> None:
        raise NotImplementedError

    def on_close(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError


class Shelf:
    """What a store holds after the batches that it was given."""

    def __init__(self) -> None:
        self.projects: dict[int, ProjectRecord] = {}
        self.tasks: dict[int, TaskRecord] = {}
        self.slots: dict[tuple[int, int], SlotRecord] = {}
        self.templates: dict[tuple[int, str], TemplateRecord] = {}
        self.seqs: dict[int, int] = {}
        self.last_number = 0

    def copy(self) -> "Shelf":
        twin = Shelf()
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, dict) else value)
        return twin

    def append(self, batch: Batch) -> None:
        self.projects |= {project.number: project for project in batch.projects}
        for number in batch.tasks_removed:
            self.tasks.pop(number, None)
        for key in batch.slots_freed:
            self.slots.pop(key, None)
        for name in batch.templates_removed:
            self.templates.pop(name, None)
        self.tasks |= {task.number: task for task in batch.tasks}
        self.slots |= {(slot.project, slot.number): slot for slot in batch.slots}
        self.templates |= {(t.project, t.name): t for t in batch.templates}
        for logged in batch.events:
            seq = self.seqs.get(logged.project, 0) + 1
            assert logged.event.seq == seq, "event numbers have no gap"
            self.seqs[logged.project] = seq
        numbers = [*self.tasks, *batch.tasks_removed]
        self.last_number = max(self.last_number, *numbers, 0)

    def load(self, default_slots: int) -> World:
        world = World(default_slots)
        tasks = [self.tasks[number] for number in sorted(self.tasks)]
        world.load(self.projects.values(), tasks, self.slots.values(), self.templates.values())
        world.last_number = max(world.last_number, self.last_number)
        for number, seq in self.seqs.items():
            world.by_number[number].seq = seq
        return world


class Driver:
    """One server's core, from its first start to its last."""

    def __init__(self, slots: int, wall_ms: int, mono_ms: int) -> None:
        self.slots = slots
        self.wall_ms, self.mono_ms = wall_ms, mono_ms
        self.shelf = Shelf()
        self.world = World(slots)
        self.replies = Replies()
        self.attempt: Attempt | None = None
        self.batch: list[Callable[[Driver], Any]] = []
        """What the open batch did."""
        self.log: list[Callable[[Driver], Any]] = []
        """All that was committed since the first start, to be done again."""

    @property
    def state(self) -> ProjectState:
        return self.world.find("default", self.wall_ms)

    # --- a batch ------------------------------------------------------------------------------

    def begin(self) -> Attempt:
        """Open a batch: what is due comes first, as in the loop."""
        if self.attempt is not None:
            return self.attempt
        attempt = Attempt(self.world, self.replies, self.wall_ms, self.mono_ms, POLICY)
        self.attempt = attempt
        self.batch = [partial(Driver.set_clocks, wall_ms=self.wall_ms, mono_ms=self.mono_ms)]
        self.batch.append(Driver.begin)
        agenda = self.world.agenda
        while dues := agenda.due(attempt.now_ms, attempt.mono_ms, DUE_MAX):
            for due in dues:
                if due in agenda:
                    attempt.carry_out_due(due)
        return attempt

    def call(
        self, session: str, name: str, params: Params, *, may_wait: bool = False
    ) -> msgspec.Struct | CoordinatorError | float:
        """Decide one call: its result, its refusal, or the seconds that it waits."""
        attempt = self.begin()
        self.batch.append(
            partial(Driver.call, session=session, name=name, params=params, may_wait=may_wait)
        )
        told, waiting = len(attempt.outcomes), len(attempt.waiting)
        method = METHODS[name]
        call = Call(method, params, Caller(session), _nobody)
        attempt.decide(call, may_wait=may_wait)
        if len(attempt.waiting) > waiting:
            assert len(attempt.outcomes) == told, "who waits is not answered"
            return attempt.waiting[-1][2]
        assert len(attempt.outcomes) == told + 1, "every call has one outcome"
        outcome = attempt.outcomes[-1][1]
        if isinstance(outcome, CoordinatorError):
            return outcome
        result: msgspec.Struct = msgspec.json.decode(outcome, type=method.result)
        return result

    def disconnect(self, session: str) -> None:
        """The last connection of a session is gone."""
        attempt = self.begin()
        self.batch.append(partial(Driver.disconnect, session=session))
        attempt.carry_out(Command("default", partial(_disconnect, session=session), _nobody))
        assert not isinstance(attempt.command_outcomes[-1][1], CoordinatorError)

    def commit(self) -> Batch:
        """The store takes the batch."""
        attempt = self.begin()
        batch = attempt.batch()
        self.shelf.append(batch)
        self.attempt = None
        self.log += [*self.batch, Driver.commit]
        return batch

    def fail(self) -> None:
        """The store does not take the batch, and the loop takes it back."""
        assert self.attempt is not None
        self.attempt.revert()
        self.attempt = None

    # --- clocks and restarts ------------------------------------------------------------------

    def set_clocks(self, wall_ms: int, mono_ms: int) -> None:
        assert self.attempt is None, "a batch has one time"
        self.wall_ms, self.mono_ms = wall_ms, mono_ms

    def restart(self, connected: Collection[str], mono_ms: int) -> None:
        """Only what was stored stays. The monotonic clock of another process begins elsewhere."""
        assert self.attempt is None
        self.log.append(partial(Driver.set_clocks, wall_ms=self.wall_ms, mono_ms=mono_ms))
        self.log.append(partial(Driver.restart, connected=connected, mono_ms=mono_ms))
        self.mono_ms = mono_ms
        self.world = self.shelf.load(self.slots)
        attempt = Attempt(self.world, self.replies, self.wall_ms, self.mono_ms, POLICY)
        for state in self.world.projects.values():
            attempt.take(state, resume(state, connected, attempt.context()))
        assert not attempt.batch().events, "coming back is nothing that is written"

    def replayed(self) -> "Driver":
        """A new server that does all that was committed once more."""
        twin = Driver(self.slots, self.wall_ms, self.mono_ms)
        for step in self.log:
            step(twin)
        return twin


def _disconnect(state: ProjectState, context: Any, session: str) -> Any:
    return disconnect(state, session, context)


def _nobody(_outcome: object) -> None:
    """Nobody waits for the answer: the outcomes are read off the batch."""


def picture(world: World) -> Any:
    """Everything that a revert must bring back."""
    return (
        world.last_number,
        world.agenda.moments(),
        {
            name: (
                state.seq,
                state.record,
                {key: msgspec.structs.astuple(task) for key, task in state.tasks.items()},
                dict(state.slots),
                dict(state.templates),
                dict(state.task_leases),
                dict(state.slot_leases),
                list(state.ready),
                list(state.queue.claimable),
                set(state.queue.held.items()),
                dict(state.unmet),
                dict(state.overdue),
            )
            for name, state in world.projects.items()
        },
    )
