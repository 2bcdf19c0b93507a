"""Pruning a project, step by step, beside everybody else's work.

Owns the order of a step: pick at a committed point, read the history that belongs to it, archive
it durably, and only then remove it in one transaction. A process that is killed in between leaves
a line in the archive too many, never one too few. Must not know the rules of what may go
(`actor.retention`), nor how the archive is written.
"""

from collections.abc import Awaitable, Callable, Iterable, Set
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio

from actor.archive import Archive, ArchiveFailed, Line, event_lines, task_lines
from actor.records import TaskRecord
from actor.retention import Picked, Place, pick_events, pick_tasks
from actor.state import ProjectState
from actor.store.base import EventFilter, Store, StoreError
from actor.timestamps import to_text
from actor.transitions.draft import Context, Decision
from actor.transitions.pruning import Removed, remove_events, remove_tasks
from protocol.errors import StorageUnavailable
from protocol.models import Event
from protocol.results import Pruned

__all__ = ["CarryOut", "Pruner", "Wanted"]

Decide = Callable[[ProjectState, Context], Decision]
CarryOut = Callable[[str, Decide], Awaitable[msgspec.Struct]]
"""Lets the actor loop decide, by the project's name; returns the reply once it is durable, or
raises the refusal."""

EVENTS_PAGE: Final = 1_000
"""Events that are looked at, archived and removed at a time."""

Reply = TypeVar("Reply", bound=msgspec.Struct)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to prune. Times are in milliseconds since 1970-01-01 UTC; None leaves that kind be."""

    finished_before_ms: int | None = None
    events_before_ms: int | None = None
    dry_run: bool = False


class _Begun(msgspec.Struct, frozen=True):
    """What a project was when its pruning began."""

    number: int
    seq: int


class _Found(msgspec.Struct, frozen=True):
    events: list[Event]


class Pruner:
    """Prunes one project at a time. `clock` gives milliseconds since 1970-01-01 UTC."""

    def __init__(
        self,
        store: Store,
        carry_out: CarryOut,
        archive: Archive | None,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._carry_out = carry_out
        self._archive = archive
        self._clock = clock

    async def prune(self, project: str, wanted: Wanted) -> Pruned:
        """Archive and remove what is old, or with a dry run count it.

        Cancelling ends it between two steps; what was removed until then is archived.

        Raises:
            StorageUnavailable: something could not be read, archived or removed. What was removed
                before is archived.
            CoordinatorError: the server is stopping.
        """
        return await _Run(self, project, wanted).go()

    async def decide(self, project: str, decide: Decide, reply: type[Reply]) -> Reply:
        """What the loop answers to a decision, which is of type `reply`."""
        answered = await self._carry_out(project, decide)
        assert isinstance(answered, reply)
        return answered

    async def read(self, wanted: EventFilter) -> list[Event]:
        """Committed events.

        Raises:
            StorageUnavailable: they could not be read now.
        """
        try:
            return await self._store.read_events(wanted)
        except StoreError as error:
            raise StorageUnavailable(
                f"The history could not be read: {error}. What was not archived was not removed; "
                "try again.",
                detail=str(error),
            ) from error

    async def archive(self, lines: Iterable[Line]) -> str | None:
        """Write lines to the archive; the file's name, once they are on disk. None for a store
        without files.

        Raises:
            StorageUnavailable: they could not be written.
        """
        if self._archive is None:
            return None
        try:
            return await trio.to_thread.run_sync(self._archive.append, lines, self._clock())
        except ArchiveFailed as error:
            raise StorageUnavailable(f"The archive {error}.", detail=str(error)) from error


class _Run:
    """One pruning of one project."""

    def __init__(self, pruner: Pruner, project: str, wanted: Wanted) -> None:
        self._pruner = pruner
        self._project = project
        self._wanted = wanted
        self._begun = _Begun(0, 0)
        self._tasks = 0
        self._held = 0
        self._events = 0
        self._archive: str | None = None

    async def go(self) -> Pruned:
        self._begun = await self._decide(_begin, _Begun)
        if self._wanted.finished_before_ms is not None:
            await self._prune_tasks(self._wanted.finished_before_ms)
        if self._wanted.events_before_ms is not None:
            await self._prune_events(self._wanted.events_before_ms)
        return Pruned(
            tasks=self._tasks,
            events=self._events,
            kept=max(0, self._held),
            archive=self._archive,
            dry_run=self._wanted.dry_run,
        )

    async def _decide(self, decide: Decide, reply: type[Reply]) -> Reply:
        return await self._pruner.decide(self._project, decide, reply)

    # --- tasks --------------------------------------------------------------------------------

    async def _prune_tasks(self, before_ms: int) -> None:
        place: Place | None = Place()
        gone: set[str] = set()
        while place is not None:
            picked = await self._decide(partial(_pick, before_ms, place, gone), Picked)
            self._held += picked.held
            if self._wanted.dry_run:
                gone.update(task.id for task in picked.tasks)
                self._tasks += len(picked.tasks)
            elif picked.tasks:
                await self._remove_tasks(picked.tasks)
            place = picked.place

    async def _remove_tasks(self, tasks: list[TaskRecord]) -> None:
        history = await self._history_of(tasks)
        archive = await self._pruner.archive(task_lines(self._project, tasks, history))

        def remove(state: ProjectState, context: Context) -> Decision:
            return remove_tasks(state, tasks, archive, context)

        removed = await self._decide(remove, Removed)
        self._tasks += removed.count
        self._archive = archive

    async def _history_of(self, tasks: list[TaskRecord]) -> dict[str, list[Event]]:
        by_task: dict[str, list[Event]] = {}
        ids = tuple(task.id for task in tasks)
        since = 0
        while True:
            page = await self._pruner.read(
                EventFilter(
                    project=self._begun.number, since=since, limit=EVENTS_PAGE, task_ids=ids
                )
            )
            for event in page:
                by_task.setdefault(event.task_id or "", []).append(event)
            if len(page) < EVENTS_PAGE:
                return by_task
            since = page[-1].seq

    # --- events -------------------------------------------------------------------------------

    async def _prune_events(self, before_ms: int) -> None:
        before = to_text(before_ms)
        since = 0
        while True:
            page = await self._pruner.read(
                EventFilter(
                    project=self._begun.number,
                    since=since,
                    until=self._begun.seq,
                    limit=EVENTS_PAGE,
                )
            )
            # Times only grow, but for a clock that was set: a few events that are out of order
            # must not hold up all that come after them.
            if all(event.time >= before for event in page):
                return
            await self._remove_events(page, before_ms)
            since = page[-1].seq

    async def _remove_events(self, page: list[Event], before_ms: int) -> None:
        found = await self._decide(partial(_find, page, before_ms), _Found)
        if not found.events:
            return
        if self._wanted.dry_run:
            self._events += len(found.events)
            return
        archive = await self._pruner.archive(event_lines(self._project, found.events))

        def remove(state: ProjectState, context: Context) -> Decision:
            return remove_events(state, found.events, before_ms, archive, context)

        removed = await self._decide(remove, Removed)
        self._events += removed.count
        self._archive = archive


# --- looks at a committed point -----------------------------------------------------------------


def _begin(state: ProjectState, context: Context) -> Decision:
    del context
    return Decision(_Begun(state.record.number, state.seq), [], [])


def _pick(
    before_ms: int, place: Place, gone: Set[str], state: ProjectState, context: Context
) -> Decision:
    del context
    return Decision(pick_tasks(state, before_ms, place, gone), [], [])


def _find(page: list[Event], before_ms: int, state: ProjectState, context: Context) -> Decision:
    del context
    return Decision(_Found(pick_events(state, page, before_ms)), [], [])
