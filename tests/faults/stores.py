"""Stores that fail when they are told to.

Owns a memory store whose appends can be held and can fail before, during or after the commit, and
whose reads can fail. What it holds is the truth that the coordinator's state is compared with.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto

import trio

from actor.records import ReplyRecord
from actor.store.base import (
    Batch,
    CommitUnknown,
    EventFilter,
    Loaded,
    Progress,
    Store,
    StoreUnavailable,
)
from actor.store.memory import MemoryStore
from actor.world import World
from protocol.models import Event


class Fault(Enum):
    """What becomes of one append."""

    NONE = auto()
    REFUSED = auto()
    """Nothing is written, and that is known."""
    UNKNOWN_WRITTEN = auto()
    """All is written, and the answer is lost."""
    UNKNOWN_LOST = auto()
    """Nothing is written, and the answer is lost."""


class Gate:
    """Holds whoever passes it, until it is opened."""

    def __init__(self) -> None:
        self.reached = trio.Event()
        self.opened = trio.Event()

    async def hold(self) -> None:
        self.reached.set()
        await self.opened.wait()


class FaultyStore(MemoryStore):
    """Takes the faults of the next operations from the front of its queues."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: deque[Fault] = deque()
        self.failing_loads = 0
        """How many loads fail from now on."""
        self.failing_reads = 0
        """How many reads of replies fail from now on."""
        self.gate_before: Gate | None = None
        """Holds the next append before anything is written."""
        self.gate: Gate | None = None
        """Holds the next append when all of it is written, before it returns or fails."""
        self.read_gate: Gate | None = None
        """Holds the next read of events when it has read, before it returns."""
        self.on_append: Callable[[], None] = lambda: None
        self.batches: list[Batch] = []
        """Those that are written."""

    async def append(self, batch: Batch) -> None:
        self.on_append()
        held, self.gate_before = self.gate_before, None
        await _hold(held)
        fault = self.faults.popleft() if self.faults else Fault.NONE
        if fault in {Fault.NONE, Fault.UNKNOWN_WRITTEN}:
            await super().append(batch)
            self.batches.append(batch)
        held, self.gate = self.gate, None
        await _hold(held)
        if fault is Fault.REFUSED:
            raise StoreUnavailable("there is no space left for tasks.db: free some on its disk")
        if fault is not Fault.NONE:
            raise CommitUnknown("the connection broke while the commit was sent")

    async def load(self, progress: Progress | None = None) -> Loaded:
        if self.failing_loads:
            self.failing_loads -= 1
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable("the store is not back yet")
        return await super().load(progress)

    async def read_replies(self, keys: Sequence[tuple[int, str]]) -> list[ReplyRecord]:
        if self.failing_reads:
            self.failing_reads -= 1
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable("the store cannot be read now")
        return await super().read_replies(keys)

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        events = await super().read_events(wanted)
        held, self.read_gate = self.read_gate, None
        await _hold(held)
        return events


async def _hold(gate: Gate | None) -> None:
    if gate is not None:
        await gate.hold()


async def assert_same(world: World, store: Store) -> None:
    """The coordinator's state is what the store would load."""
    loaded = await store.load()
    projects = world.by_number.values()
    assert [project.record for project in projects] == loaded.projects
    assert {number: project.seq for number, project in world.by_number.items()} == loaded.last_seq
    tasks = [task for project in projects for task in project.tasks.values()]
    assert sorted(tasks, key=lambda task: task.number) == loaded.tasks
    slots = [slot for project in projects for slot in project.slots.values()]
    assert sorted(slots, key=lambda slot: (slot.project, slot.number)) == loaded.slots
