"""The store that forgets: everything in dictionaries, for tests and for trying things out.

Owns nothing durable. Keeps the same promises as the other backends as long as the process lives.
Faults are injected by subclassing it in tests, never by switches in here.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import trio

from actor.history import Milestone, milestone_of
from actor.records import ProjectRecord, ReplyRecord, SlotRecord, TaskRecord, TemplateRecord
from actor.store.base import Batch, EventFilter, Loaded, Progress
from actor.throughput import COUNTED, PREFIX_LENGTH, Tick, Unit, tick_of
from actor.timestamps import to_text
from protocol.models import Event

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps the records in memory. A `Store`."""

    def __init__(self) -> None:
        self._projects: dict[int, ProjectRecord] = {}
        self._tasks: dict[int, TaskRecord] = {}
        self._slots: dict[tuple[int, int], SlotRecord] = {}
        self._templates: dict[tuple[int, str], TemplateRecord] = {}
        self._events: dict[int, list[Event]] = {}
        self._seqs: dict[int, int] = {}
        """The last event number of each project, which outlives the event."""
        self._replies: dict[tuple[int, str], ReplyRecord] = {}
        self._last_number = 0

    async def load(self, progress: Progress | None = None) -> Loaded:
        await trio.lowlevel.checkpoint()
        replies = sorted(self._replies.values(), key=lambda reply: reply.at_ms)
        loaded = Loaded(
            projects=[self._projects[number] for number in sorted(self._projects)],
            tasks=[self._tasks[number] for number in sorted(self._tasks)],
            slots=[self._slots[key] for key in sorted(self._slots)],
            templates=[self._templates[key] for key in sorted(self._templates)],
            last_seq={project: self._seqs.get(project, 0) for project in self._projects},
            last_number=self._last_number,
            replies=[msgspec.structs.replace(reply, reply=None) for reply in replies],
        )
        rows = len(loaded.tasks) + len(loaded.replies)
        if progress is not None and rows:
            progress(rows, rows)
        return loaded

    async def append(self, batch: Batch) -> None:
        # The only place to be cancelled at: what follows happens as a whole.
        await trio.lowlevel.checkpoint()
        for project in batch.projects:
            self._projects[project.number] = project
        for number in batch.tasks_removed:
            self._tasks.pop(number, None)
        for key in batch.slots_freed:
            self._slots.pop(key, None)
        for template_key in batch.templates_removed:
            self._templates.pop(template_key, None)
        for template in batch.templates:
            self._templates[template.project, template.name] = template
        for task in batch.tasks:
            self._tasks[task.number] = task
        for slot in batch.slots:
            self._slots[slot.project, slot.number] = slot
        self._forget_events(batch.forget_events)
        for logged in batch.events:
            self._events.setdefault(logged.project, []).append(logged.event)
            self._seqs[logged.project] = logged.event.seq
        self._last_number = max(
            self._last_number, *batch.tasks_removed, *(task.number for task in batch.tasks), 0
        )
        self._keep_replies(batch)

    def _forget_events(self, forgotten: Sequence[tuple[int, int]]) -> None:
        by_project: dict[int, set[int]] = {}
        for project, seq in forgotten:
            by_project.setdefault(project, set()).add(seq)
        for project, seqs in by_project.items():
            events = self._events.get(project, [])
            self._events[project] = [event for event in events if event.seq not in seqs]

    def _keep_replies(self, batch: Batch) -> None:
        before_ms = batch.forget_replies_before_ms
        if before_ms is not None:
            self._replies = {
                key: reply for key, reply in self._replies.items() if reply.at_ms >= before_ms
            }
        for reply in batch.replies:
            self._replies[reply.project, reply.key] = reply

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        await trio.lowlevel.checkpoint()
        return list(islice(self._wanted(wanted), wanted.limit))

    async def read_milestones(self, wanted: EventFilter) -> list[Milestone]:
        await trio.lowlevel.checkpoint()
        newest = islice(self._wanted(wanted, newest_first=True), wanted.limit)
        return [milestone_of(event) for event in newest]

    async def count_events(self, project: int, since: int, until: int, unit: Unit) -> list[Tick]:
        wanted = EventFilter(project=project, since=since, until=until, limit=0)
        await trio.lowlevel.checkpoint()
        counts: Counter[tuple[str, str]] = Counter()
        for event in self._wanted(wanted):
            if event.type in COUNTED:
                removed = (event.data or {}).get("removed", 1)
                counts[event.time[: PREFIX_LENGTH[unit]], event.type] += removed
        return [tick_of(prefix, type_, count) for (prefix, type_), count in counts.items()]

    async def last_seq_before(self, project: int, at_ms: int) -> int:
        await trio.lowlevel.checkpoint()
        events = self._events.get(project, [])
        before = bisect_left(events, to_text(at_ms), key=lambda event: event.time)
        return events[before - 1].seq if before else 0

    def _wanted(self, wanted: EventFilter, *, newest_first: bool = False) -> Iterator[Event]:
        events = self._events.get(wanted.project, [])
        first = bisect_right(events, wanted.since, key=lambda event: event.seq)
        end = len(events)
        if wanted.until is not None:
            end = bisect_right(events, wanted.until, key=lambda event: event.seq)
        tasks = frozenset(wanted.task_ids)
        places = range(first, end)
        for place in reversed(places) if newest_first else places:
            event = events[place]
            if (
                (not wanted.types or event.type in wanted.types)
                and (wanted.task_id is None or event.task_id == wanted.task_id)
                and (not tasks or event.task_id in tasks)
                and (wanted.worker_id is None or event.worker_id == wanted.worker_id)
            ):
                yield event

    async def read_replies(self, keys: Sequence[tuple[int, str]]) -> list[ReplyRecord]:
        await trio.lowlevel.checkpoint()
        return [self._replies[key] for key in keys if key in self._replies]

    async def backup(self, label: str) -> Path | None:  # noqa: ARG002 -- there is no file to name
        await trio.lowlevel.checkpoint()
        return None

    @property
    def place(self) -> Path | None:
        return None

    def describe(self) -> str:
        return "memory"

    async def close(self) -> None:
        """Nothing to release: a closed memory store can still be read, as after a restart."""
