"""Worlds for tests of the pure core: built through the transitions, never by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec

from actor.attempt import Attempt
from actor.replies import Replies
from actor.state import ProjectState
from actor.store.base import Loaded
from actor.transitions import TRANSITIONS, Context, Decision, resume
from actor.world import World
from protocol.methods import METHODS


class Builder:
    """One project, driven by commands. Time goes on by a millisecond per command."""

    def __init__(self, slots: int = 5) -> None:
        self.world = World(slots)
        self.now_ms = 0

    @property
    def state(self) -> ProjectState:
        return self.world.find("default", 0)

    def decide(self, method: str, **params: Any) -> Decision:
        """What a command given in wire names would do now; refusals are raised."""
        typed = msgspec.convert(params, METHODS[method].params)
        context = Context(
            now_ms=self.now_ms, mono_ms=self.now_ms, next_number=self.world.last_number + 1
        )
        return TRANSITIONS[method](self.state, typed, context)

    def do(self, method: str, **params: Any) -> Any:
        """Carry out a command given in wire names; refusals are raised."""
        self.now_ms += 1
        state = self.state
        decision = self.decide(method, **params)
        Attempt(self.world, Replies(), self.now_ms).take(state, decision)
        return decision.reply

    def add(self, names: Sequence[str], **fields: Any) -> None:
        """Add tasks that are alike."""
        self.do("add_tasks", tasks=[{"id": n, "description": f"do {n}", **fields} for n in names])

    def finish(self, name: str, status: str = "done", worker: str = "w") -> None:
        """Claim a task and report on it."""
        slot = self.do("claim_worker_slot", workerId=worker).slot
        self.do("claim_task", taskId=name, workerId=worker, workerSlot=slot)
        self.do("update_task", taskId=name, workerId=worker, status=status)


def load_world(loaded: Loaded, slots: int = 5, now_ms: int = 0) -> World:
    """The world that a server has after it started from what a store gave."""
    world = World(slots)
    world.load(loaded.projects, loaded.tasks, loaded.slots, loaded.templates)
    for number, seq in loaded.last_seq.items():
        world.by_number[number].seq = seq
    attempt = Attempt(world, Replies(), now_ms)
    for state in world.projects.values():
        attempt.take(state, resume(state, frozenset(), attempt.context()))
    return world
