"""The store seam: few verbs, no SQL.

Owns the interface between the actor loop and whatever keeps its records, and the errors that may
cross it. Above it, the loop knows nothing of databases; below it, a backend knows nothing of
transitions: it keeps rows. One contract test suite (`tests/actor/store/contract.py`) runs over
every backend.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from actor.history import Milestone
from actor.records import (
    LoggedEvent,
    ProjectRecord,
    ReplyRecord,
    SlotRecord,
    TaskRecord,
    TemplateRecord,
)
from actor.throughput import Tick, Unit
from protocol.models import Event, EventType

__all__ = [
    "Batch",
    "CommitUnknown",
    "EventFilter",
    "Loaded",
    "Progress",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreInUse",
    "StoreTooNew",
    "StoreUnavailable",
    "StoreUnusable",
]


class StoreError(Exception):
    """What a backend may raise. The message is one line that names the fix."""


class StoreUnavailable(StoreError):
    """The operation failed and changed nothing: a full disk, an I/O error, a lost connection."""


class CommitUnknown(StoreError):
    """The commit was sent and its outcome is not known. The caller must load again."""


class StoreUnusable(StoreError):
    """The store cannot be opened at all: missing folder, no permission, not a database."""


class StoreInUse(StoreUnusable):
    """Another server holds the store."""


class StoreTooNew(StoreUnusable):
    """A newer version of this program wrote the store."""


class StoreDamaged(StoreUnusable):
    """The store's own integrity check failed."""


class Batch(msgspec.Struct, kw_only=True):
    """Everything that one commit makes durable, each record in its last state."""

    projects: list[ProjectRecord] = []
    tasks: list[TaskRecord] = []
    tasks_removed: list[int] = []
    """Numbers of deleted tasks."""
    slots: list[SlotRecord] = []
    slots_freed: list[tuple[int, int]] = []
    """(project number, slot number)."""
    templates: list[TemplateRecord] = []
    templates_removed: list[tuple[int, str]] = []
    """(project number, name)."""
    forget_events: list[tuple[int, int]] = []
    """(project number, event number): exactly these are removed, so that nothing goes that was
    not archived. Their numbers stay used."""
    events: list[LoggedEvent] = []
    replies: list[ReplyRecord] = []
    forget_replies_before_ms: int | None = None

    def __bool__(self) -> bool:
        return bool(
            self.events
            or self.tasks
            or self.slots
            or self.projects
            or self.replies
            or self.tasks_removed
            or self.slots_freed
            or self.templates
            or self.templates_removed
            or self.forget_events
            or self.forget_replies_before_ms is not None
        )


class Loaded(msgspec.Struct, kw_only=True):
    """The whole durable state, as read at start."""

    projects: list[ProjectRecord] = []
    tasks: list[TaskRecord] = []
    """In the order of their numbers."""
    slots: list[SlotRecord] = []
    templates: list[TemplateRecord] = []
    last_seq: dict[int, int] = {}
    """The number of the last event per project, also when the event itself was pruned."""
    last_number: int = 0
    """The highest task number that was ever used."""
    replies: list[ReplyRecord] = []
    """Without their reply bytes, oldest first."""


class EventFilter(msgspec.Struct, kw_only=True, frozen=True):
    """Which events to read: after `since`, not after `until`, of these types (empty means all),
    of this task or of any of `task_ids` (empty means all), of this worker."""

    project: int
    since: int
    limit: int
    until: int | None = None
    types: tuple[EventType, ...] = ()
    task_id: str | None = None
    task_ids: tuple[str, ...] = ()
    """Not together with `task_id`."""
    worker_id: str | None = None


Progress = Callable[[int, int], None]
"""(rows done, rows in all); called from the Trio thread."""


class Store(Protocol):
    """Keeps the records. All verbs but `append` and `load` may run side by side with them.

    Cancelling any verb leaves the store usable: a transaction that was begun ends as a whole.
    """

    async def load(self, progress: Progress | None = None) -> Loaded:
        """Read everything.

        Raises:
            StoreUnavailable: it could not be read now.
            StoreDamaged: what was read makes no sense.
        """
        ...

    async def append(self, batch: Batch) -> None:
        """Write one batch in one transaction and return when it is on disk.

        Raises:
            StoreUnavailable: nothing of the batch was written.
            CommitUnknown: all of it was, or nothing.
        """
        ...

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        """Committed events in the order of `seq`, at most `wanted.limit`.

        Raises:
            StoreUnavailable: they could not be read now.
        """
        ...

    async def read_milestones(self, wanted: EventFilter) -> list[Milestone]:
        """The newest of the wanted events, at most `wanted.limit`, the newest one first, reduced
        to what attempts are made of.

        Raises:
            StoreUnavailable: they could not be read now.
        """
        ...

    async def count_events(self, project: int, since: int, until: int, unit: Unit) -> list[Tick]:
        """How many events of each type in `throughput.COUNTED` happened in each minute or hour,
        after event `since` and not after `until`; in no order, a tick perhaps in several parts.

        An event that removed several tasks counts as many.

        Raises:
            StoreUnavailable: they could not be read now.
        """
        ...

    async def last_seq_before(self, project: int, at_ms: int) -> int:
        """The number of the last event before a time; 0 if there is none.

        Takes the times for sorted. Where the clock was set back, it is one of the places at which
        they pass that time.

        Raises:
            StoreUnavailable: it could not be read now.
        """
        ...

    async def read_replies(self, keys: Sequence[tuple[int, str]]) -> list[ReplyRecord]:
        """The stored replies for (project number, key) pairs, those that there are.

        Raises:
            StoreUnavailable: they could not be read now.
        """
        ...

    async def backup(self, label: str) -> Path | None:
        """Write a consistent copy beside the store; None where there are no files.

        The name holds the label and the time; an existing file is never overwritten.

        Raises:
            StoreUnavailable: the copy could not be written; no partial file stays.
        """
        ...

    @property
    def place(self) -> Path | None:
        """The database file, beside which archives go; None where there are no files."""
        ...

    def describe(self) -> str:
        """Kind and name, without folders or passwords: `sqlite:task-coordinator.db`."""
        ...

    async def close(self) -> None:
        """Release everything. Idempotent; shielded from cancellation."""
        ...
