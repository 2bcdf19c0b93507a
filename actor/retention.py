"""What is old enough to go: finished tasks that nothing kept depends on, and old events.

Owns both rules, and nothing of the going itself. Pure. A search through many tasks is cut into
steps of bounded work, because it runs between other people's commands.

The tasks that may go are the largest set of old finished tasks whose dependents are all in the set
too. It is found from its leaves: a task may go when nothing depends on it, and then its own
dependencies are looked at again. Since most tasks are newer than what they depend on, one walk
from the newest task to the oldest finds the whole set.
"""

from collections.abc import Sequence, Set
from typing import Final

import msgspec

from actor.records import TaskRecord
from actor.state import FINISHED, ProjectState
from actor.timestamps import to_text
from protocol.models import Event

__all__ = ["Picked", "Place", "is_old", "pick_events", "pick_tasks", "still_free"]

WORK_MAX: Final = 10_000
"""Tasks and dependencies that one step looks at: some milliseconds."""
PICKED_MAX: Final = 500
"""Tasks that one step picks: their removal, too, holds everybody up for some milliseconds."""
PICKED_TEXT_MAX: Final = 4_000_000
"""Characters of texts after which a step ends, so that a few huge tasks fill no memory."""


class Place(msgspec.Struct, frozen=True):
    """How far a search got."""

    below: int | None = None
    """Tasks from this number on were looked at. None before the first step."""
    again: tuple[str, ...] = ()
    """Some of these, to be looked at again because a dependent of theirs may go."""


class Picked(msgspec.Struct, frozen=True):
    """What one step found."""

    tasks: list[TaskRecord]
    """They may go in this order: what depends on a task stands before it."""
    held: int
    """How many more old tasks are held by their dependents than before this step. Negative where
    tasks that an earlier step found held may go after all."""
    place: Place | None
    """Where to go on; None at the end."""


def is_old(task: TaskRecord, before_ms: int) -> bool:
    """Whether it was finished before that time."""
    if task.status not in FINISHED:
        return False
    finished_ms = task.updated_ms if task.completed_ms is None else task.completed_ms
    return finished_ms < before_ms


def pick_tasks(
    state: ProjectState, before_ms: int, place: Place, gone: Set[str] = frozenset()
) -> Picked:
    """The next old tasks that may go. `gone` are ids to be taken for gone already."""
    step = _Step(state, before_ms, place, gone)
    step.walk()
    return Picked(step.picked, step.held, step.place)


def still_free(state: ProjectState, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
    """Those of the picked tasks that may go after all: unchanged since, and without dependents
    but those that go with them."""
    going: dict[str, TaskRecord] = {}
    for task in tasks:
        unchanged = state.tasks.get(task.id) == task
        if unchanged and all(name in going for name in state.dependents.get(task.id, ())):
            going[task.id] = task
    return list(going.values())


def pick_events(state: ProjectState, events: Sequence[Event], before_ms: int) -> list[Event]:
    """Those of the events that may go: older than that time, and not about a task that is still
    to be finished."""
    before = to_text(before_ms)
    return [event for event in events if event.time < before and not _is_open(state, event.task_id)]


def _is_open(state: ProjectState, task_id: str | None) -> bool:
    task = state.tasks.get(task_id) if task_id is not None else None
    return task is not None and task.status not in FINISHED


class _Step:
    """One step of the search."""

    def __init__(self, state: ProjectState, before_ms: int, place: Place, gone: Set[str]) -> None:
        self._state = state
        self._before_ms = before_ms
        self._below = place.below
        self._again = dict.fromkeys(place.again)
        self._gone = gone
        self._going: set[str] = set()
        self._work = 0
        self._text = 0
        self._ended = False
        self.picked: list[TaskRecord] = []
        self.held = 0

    @property
    def place(self) -> Place | None:
        if self._ended and not self._again:
            return None
        return Place(self._below, tuple(self._again))

    def walk(self) -> None:
        """Go on until the work of one step is done."""
        self._look_again()
        last = None if self._below is None else (self._below, -1, 0, "")
        for key in self._state.in_creation_order.irange(None, last, reverse=True):
            if self._is_full():
                return
            self._below = key[0]
            self._look(self._state.tasks[key[-1]])
            self._look_again()
        self._ended = True

    def _look(self, task: TaskRecord) -> None:
        self._work += 1
        if is_old(task, self._before_ms):
            if self._is_free(task):
                self._pick(task)
            else:
                self.held += 1

    def _look_again(self) -> None:
        while self._again and not self._is_full():
            name, _ = self._again.popitem()
            self._work += 1
            task = self._state.tasks.get(name)
            if task is not None and is_old(task, self._before_ms) and self._is_free(task):
                self.held -= 1
                self._pick(task)

    def _is_free(self, task: TaskRecord) -> bool:
        for name in self._state.dependents.get(task.id, ()):
            self._work += 1
            if name not in self._going and name not in self._gone:
                return False
        return True

    def _pick(self, task: TaskRecord) -> None:
        self._going.add(task.id)
        self.picked.append(task)
        self._text += len(task.description) + len(task.output or "") + len(task.error or "")
        self._work += len(task.dependencies)
        for name in task.dependencies:
            # The rest is still to be looked at in its turn.
            if self._below is not None and self._state.tasks[name].number >= self._below:
                self._again[name] = None

    def _is_full(self) -> bool:
        return (
            self._work >= WORK_MAX
            or len(self.picked) >= PICKED_MAX
            or self._text >= PICKED_TEXT_MAX
        )
