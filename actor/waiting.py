"""Requests that wait for something: a task to claim, or a free slot.

Owns the lines they stand in, who is looked at when something becomes available, and when each has
waited long enough. Thousands may wait: what a batch changed names the few lines that it concerns,
and each line is served from its head. Must not know how a request is decided.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TypeAlias

from sortedcontainers import SortedList

from actor.records import Change, ProjectRecord, SlotRecord, TaskRecord
from actor.state import ProjectState
from protocol.service import Call, Peer

__all__ = ["News", "Wait", "Waits", "news_of"]

Tags: TypeAlias = frozenset[str]


@dataclass(slots=True, eq=False)
class Wait:
    """One waiting request. `number` is its place in the order of arrival."""

    call: Call
    tags: Tags | None
    """What a task must have for it; None: it waits for a slot."""
    until_ms: int
    """On the monotonic clock."""
    number: int


@dataclass(slots=True)
class News:
    """What became available in one project."""

    tags: set[str] = field(default_factory=set[str])
    """Of tasks that became available."""
    task: bool = False
    """A task became available."""
    everything: bool = False
    """Tasks that were available may be claimed now: resources are free, or claims are open."""
    slot: bool = False


def news_of(changes: Iterable[Change]) -> dict[int, News]:
    """What these changes may mean for who waits, by project number."""
    found: dict[int, News] = {}
    for change in changes:
        match change.before, change.after:
            case TaskRecord(status="working", project=project) as task, _ if _holds(task):
                found.setdefault(project, News()).everything = True
            case _, TaskRecord(status="available", project=project) as task:
                news = found.setdefault(project, News())
                news.task = True
                news.tags.update(task.tags)
            case SlotRecord(project=project), None:
                found.setdefault(project, News()).slot = True
            case ProjectRecord(number=project), ProjectRecord():
                news = found.setdefault(project, News())
                news.slot = news.everything = True
            case _:
                pass
    return found


def _holds(task: TaskRecord) -> bool:
    return bool(task.resources or task.reserved)


Line: TypeAlias = "OrderedDict[int, Wait]"


class _Lines:
    """The waiting requests of one project, those with the same wish in one line."""

    def __init__(self) -> None:
        self.by_wish: dict[Tags | None, Line] = {}
        self._by_tag: dict[str, dict[Tags, None]] = {}
        """A tag -> the lines to look at when a task with this tag becomes available. Each line
        stands under one of its tags, the line of those who take any task under none (``)."""

    def put(self, wait: Wait) -> None:
        line = self.by_wish.get(wait.tags)
        if line is None:
            line = self.by_wish[wait.tags] = OrderedDict()
            if wait.tags is not None:
                self._by_tag.setdefault(_under(wait.tags), {})[wait.tags] = None
        comes_last = not line or next(reversed(line)) < wait.number
        line[wait.number] = wait
        if not comes_last:  # it was served, and that was undone: back to its place
            self.by_wish[wait.tags] = OrderedDict(sorted(line.items()))

    def take(self, wait: Wait) -> None:
        line = self.by_wish[wait.tags]
        del line[wait.number]
        if line:
            return
        del self.by_wish[wait.tags]
        if wait.tags is not None:
            lines = self._by_tag[_under(wait.tags)]
            del lines[wait.tags]
            if not lines:
                del self._by_tag[_under(wait.tags)]

    def concerned(self, news: News) -> list[Tags]:
        """The lines for tasks that the news may be good for."""
        if news.everything:
            return [tags for tags in self.by_wish if tags is not None]
        if not news.task:
            return []
        return [tags for tag in ("", *news.tags) for tags in self._by_tag.get(tag, ())]

    def first(self, tags: Tags | None) -> Wait | None:
        line = self.by_wish.get(tags)
        return None if line is None else next(iter(line.values()))

    def count(self) -> int:
        return sum(len(line) for tags, line in self.by_wish.items() if tags is not None)


def _under(tags: Tags) -> str:
    return min(tags, default="")


class Waits:
    """All waiting requests of one server."""

    def __init__(self) -> None:
        self._projects: dict[int, _Lines] = {}
        self._by_call: dict[int, tuple[int, Wait]] = {}
        """By the id of the call object, which stays alive as long as it is in here."""
        self._ends: SortedList[tuple[int, int, int]] = SortedList()
        """(until, arrival, id of the call object)."""
        self._by_peer: Counter[Peer] = Counter()
        self._arrivals = count(1)

    def __len__(self) -> int:
        return len(self._by_call)

    def put(self, project: int, call: Call, tags: Iterable[str] | None, until_ms: int) -> None:
        """Let a request wait for a task that has all of these tags, or for a slot (None)."""
        wish = None if tags is None else frozenset(tags)
        self.put_back(project, Wait(call, wish, until_ms, next(self._arrivals)))

    def put_back(self, project: int, wait: Wait) -> None:
        """Let a request that was served wait on in its place, because what it got was undone."""
        self._projects.setdefault(project, _Lines()).put(wait)
        self._by_call[id(wait.call)] = (project, wait)
        self._ends.add((wait.until_ms, wait.number, id(wait.call)))
        self._by_peer[wait.call.peer] += 1

    def withdraw(self, call: Call) -> bool:
        """Take a request out; False if it does not wait."""
        known = self._by_call.get(id(call))
        if known is None:
            return False
        self._take(*known)
        return True

    def take_all(self) -> list[Call]:
        """Take every request out, in the order of arrival."""
        waits = sorted(self._by_call.values(), key=lambda known: known[1].number)
        for project, wait in waits:
            self._take(project, wait)
        return [wait.call for _, wait in waits]

    def take_ended(self, mono_ms: int, limit: int) -> list[tuple[int, Wait]]:
        """Take out those that have waited long enough, at most `limit`, with their project."""
        ended: list[tuple[int, Wait]] = []
        while self._ends and self._ends[0][0] <= mono_ms and len(ended) < limit:
            ended.append(self._by_call[self._ends[0][2]])
            self._take(*ended[-1])
        return ended

    def wait_ms(self, mono_ms: int) -> int | None:
        """How long until the first of them has waited long enough; None if nobody waits."""
        return self._ends[0][0] - mono_ms if self._ends else None

    def count(self, project: int) -> int:
        """Requests of a project that wait for a task."""
        lines = self._projects.get(project)
        return 0 if lines is None else lines.count()

    def count_of(self, peer: Peer) -> int:
        """Requests of one connection."""
        return self._by_peer[peer]

    def serve(self, state: ProjectState, news: News, decide: Callable[[int, Wait], None]) -> None:
        """Hand those whom the news is good for to `decide`, the longest waiting first, as long as
        there is something for them. `decide` makes its decision true in the state at once."""
        lines = self._projects.get(state.record.number)
        if lines is None:
            return
        if news.slot:
            self._serve_slots(state, lines, decide)
        heads = [
            (wait.number, wait) for tags in lines.concerned(news) if (wait := lines.first(tags))
        ]
        heapify(heads)
        while heads:
            _, wait = heappop(heads)
            assert wait.tags is not None, "who waits for a slot stands elsewhere"
            if state.record.paused or state.queue.first(tuple(wait.tags)) is None:
                continue
            self._take(state.record.number, wait)
            decide(state.record.number, wait)
            following = lines.first(wait.tags)
            if following is not None:
                heappush(heads, (following.number, following))

    def _serve_slots(
        self, state: ProjectState, lines: _Lines, decide: Callable[[int, Wait], None]
    ) -> None:
        while (wait := lines.first(None)) is not None and state.lowest_free_slot() is not None:
            self._take(state.record.number, wait)
            decide(state.record.number, wait)

    def _take(self, project: int, wait: Wait) -> None:
        self._projects[project].take(wait)
        del self._by_call[id(wait.call)]
        self._ends.remove((wait.until_ms, wait.number, id(wait.call)))
        self._by_peer[wait.call.peer] -= 1
        if not self._by_peer[wait.call.peer]:
            del self._by_peer[wait.call.peer]
