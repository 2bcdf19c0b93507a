"""Answers that are read from the history, beside the loop.

Owns the methods that need the store and change nothing: pages of events, a task's attempts, what
a window of time adds up to. Each begins at a committed point, which the loop hands over, and sees
nothing that came after it; the rest happens in a task of its own. Must not know SQL or sockets.
"""

import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Final, cast

import msgspec
import trio

from actor.attempt import defect
from actor.attempts_page import Running, attempts_within, open_claims, running_of
from actor.clock import Clock
from actor.history import MILESTONES, Milestone, attempts_of, milestone_of
from actor.loop import Answer
from actor.state import ProjectState
from actor.stats import Tally
from actor.store.base import EventFilter, Store, StoreError
from actor.throughput import buckets_of, window_of
from actor.timestamps import from_datetime, to_ms, to_text
from actor.views import counts_of, title_of
from protocol.errors import CoordinatorError, InvalidTime, StorageUnavailable, TaskNotFound
from protocol.limits import ATTEMPTS_PAGE_MAX, STATS_ATTEMPTS_MAX
from protocol.models import Event, EventType
from protocol.params import GetEvents, GetStats, GetTaskHistory, GetThroughput, ListAttempts
from protocol.results import (
    Events,
    Stats,
    TaskAttempt,
    TaskAttempts,
    TaskHistory,
    Throughput,
)
from protocol.service import Call

__all__ = ["Reading"]

EVENTS_BYTES_MAX: Final = 4 * 1024 * 1024
READS_AT_ONCE_MAX: Final = 4
MILESTONES_MAX: Final = 1_000
"""Of one task: what its attempts are made of, the newest."""
CHUNK: Final = 3_000
"""Milestones that are counted before the loop gets its turn again: some 5 ms."""
HOUR_MS: Final = 3_600_000
ATTEMPTS: Final[tuple[EventType, ...]] = tuple(
    type_ for type_ in MILESTONES if type_ != "task_added"
)
"""What attempts of many tasks are made of."""
ENDS: Final[tuple[EventType, ...]] = tuple(type_ for type_ in ATTEMPTS if type_ != "task_claimed")
ENDS_MAX: Final = 200
"""Ends after a stretch of time that are looked up one by one."""
CLAIMS_MAX: Final = 1_000
"""Claims before the window that are looked up one by one; a slot can have but one."""

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode

Work = Callable[[], Awaitable[msgspec.Struct]]


class Reading:
    """Serves once `nursery` is set; the nursery's owner waits for what it still owes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._reads = trio.CapacityLimiter(READS_AT_ONCE_MAX)
        self.nursery: trio.Nursery
        """Where the readings run. To be set before the first answer is asked for."""

    def answers(self) -> dict[str, Answer]:
        """Which method is answered how."""
        return {
            "get_events": self._get_events,
            "get_stats": self._get_stats,
            "get_task_history": self._get_task_history,
            "get_throughput": self._get_throughput,
            "list_attempts": self._list_attempts,
        }

    def _start(self, call: Call, work: Work) -> None:
        self.nursery.start_soon(self._answer, call, work)

    async def _answer(self, call: Call, work: Work) -> None:
        try:
            async with self._reads:
                result = await work()
        except CoordinatorError as refusal:
            call.reply(refusal)
        except StoreError as error:
            call.reply(StorageUnavailable(f"The history cannot be read: {error}. Try again."))
        except Exception:
            log.exception("%s failed", call.method.name)
            call.reply(defect())
        else:
            call.reply(msgspec.Raw(_encode(result)))

    # --- events -------------------------------------------------------------------------------

    def _get_events(self, call: Call, project: ProjectState) -> None:
        params = cast("GetEvents", call.params)
        seq, pruned_seq = project.seq, project.record.pruned_seq
        wanted = EventFilter(
            project=project.record.number,
            since=params.since,
            until=seq if params.until is None else min(params.until, seq),
            limit=params.limit,
            types=tuple(params.types),
            task_id=params.task_id,
            worker_id=params.worker_id,
        )

        async def read() -> Events:
            events, next_since = await self._page(wanted)
            pruned = pruned_seq if params.since < pruned_seq else None
            return Events(events=events, seq=seq, next_since=next_since, pruned_through=pruned)

        self._start(call, read)

    async def _page(self, wanted: EventFilter) -> tuple[list[Event], int | None]:
        """A page that fits into one reply, and where the next one begins, if there is one."""
        one_more = msgspec.structs.replace(wanted, limit=wanted.limit + 1)
        found = await self._store.read_events(one_more)
        kept = _bounded(found[: wanted.limit])
        return kept, kept[-1].seq if len(kept) < len(found) else None

    # --- the history of a task ----------------------------------------------------------------

    def _get_task_history(self, call: Call, project: ProjectState) -> None:
        params = cast("GetTaskHistory", call.params)
        task = project.tasks.get(params.task_id)
        everything = EventFilter(
            project=project.record.number,
            since=0,
            until=project.seq,
            limit=params.limit,
            task_id=params.task_id,
        )
        held = task is not None and task.status == "working"
        unknown = _unknown(project, params.task_id) if task is None else None

        async def read() -> TaskHistory:
            wanted = msgspec.structs.replace(everything, since=params.since)
            events, next_since = await self._page(wanted)
            milestones = await self._milestones(everything, held=held)
            if unknown is not None and not (events or milestones):
                await self._check_for_events(everything, unknown)
            return TaskHistory(
                task_id=params.task_id,
                attempts=attempts_of(milestones, held=held),
                events=events,
                next_since=next_since,
            )

        self._start(call, read)

    async def _milestones(self, everything: EventFilter, *, held: bool) -> list[Milestone]:
        """The newest milestones of a task, oldest first, and when it was removed with all others,
        if an attempt ended by that."""
        wanted = msgspec.structs.replace(everything, types=MILESTONES, limit=MILESTONES_MAX)
        milestones = (await self._store.read_milestones(wanted))[::-1]
        for claim in _open_claims(milestones, held=held):
            milestones += await self._cleaning(everything, claim.seq)
        return sorted(milestones, key=lambda milestone: milestone.seq)

    async def _cleaning(self, everything: EventFilter, since: int) -> list[Milestone]:
        """When all tasks were removed for the first time after `since`."""
        wanted = msgspec.structs.replace(
            everything, since=since, limit=1, types=("tasks_cleaned",), task_id=None
        )
        return list(map(milestone_of, await self._store.read_events(wanted)))

    async def _check_for_events(self, everything: EventFilter, unknown: TaskNotFound) -> None:
        """A task that is gone is known as long as anything is told of it, on whichever page."""
        if not await self._store.read_events(msgspec.structs.replace(everything, limit=1)):
            raise unknown

    # --- statistics ---------------------------------------------------------------------------

    def _get_stats(self, call: Call, project: ProjectState) -> None:
        params = cast("GetStats", call.params)
        now_ms = self._clock.wall_ms()
        number, seq = project.record.number, project.seq

        async def read() -> Stats:
            since_ms = now_ms - round(params.window_seconds * 1000)
            since = await self._store.last_seq_before(number, since_ms)
            tally = await self._tally(
                EventFilter(project=number, since=since, until=seq, limit=CHUNK, types=MILESTONES)
            )
            return _stats(tally, params.worker_id, seq=seq, since_ms=since_ms, now_ms=now_ms)

        self._start(call, read)

    async def _tally(self, wanted: EventFilter) -> Tally:
        """Count chunk by chunk, the newest first, with a turn for the loop after each."""
        tally = Tally(STATS_ATTEMPTS_MAX)
        full = True
        while full and not tally.truncated:
            chunk = await self._store.read_milestones(wanted)
            tally.add(chunk)
            await trio.lowlevel.checkpoint()
            full = len(chunk) == wanted.limit
            if full:
                wanted = msgspec.structs.replace(wanted, until=chunk[-1].seq - 1)
        await self._find_claims(wanted.project, tally)
        for _ in tally.finish():
            await trio.lowlevel.checkpoint()
        return tally

    async def _find_claims(self, project: int, tally: Tally) -> None:
        """What was claimed before the window and ended in it."""
        for attempt in tally.unclaimed()[:CLAIMS_MAX]:
            wanted = EventFilter(
                project=project,
                since=0,
                until=attempt.end_seq - 1,
                limit=1,
                types=("task_claimed",),
                task_id=attempt.task_id,
            )
            for claim in await self._store.read_milestones(wanted):
                tally.add_claim(claim)

    # --- throughput ---------------------------------------------------------------------------

    def _get_throughput(self, call: Call, project: ProjectState) -> None:
        params = cast("GetThroughput", call.params)
        window = window_of(self._clock.wall_ms(), params.window_seconds, params.bucket_seconds)
        number, seq = project.record.number, project.seq
        counts, total = counts_of(project), len(project.tasks)

        async def read() -> Throughput:
            since = await self._store.last_seq_before(number, window.since_ms)
            ticks = await self._store.count_events(number, since, seq, window.unit)
            return Throughput(
                seq=seq,
                since=to_text(window.since_ms),
                until=to_text(window.until_ms),
                bucket_seconds=window.bucket_ms // 1000,
                buckets=buckets_of(window, ticks),
                counts=counts,
                total=total,
            )

        self._start(call, read)

    # --- attempts of a stretch of time --------------------------------------------------------

    def _list_attempts(self, call: Call, project: ProjectState) -> None:
        params = cast("ListAttempts", call.params)
        since_ms, until_ms = _stretch(params, self._clock.wall_ms())
        number, seq = project.record.number, project.seq
        names = project.by_status["working"]
        running = running_of((project.tasks[name] for name in names), title_of)
        enough = 2 * (params.limit if params.worker_id is None else ATTEMPTS_PAGE_MAX)

        def title(task_id: str) -> str | None:
            task = project.tasks.get(task_id)
            return None if task is None else title_of(task)

        async def read() -> TaskAttempts:
            wanted = EventFilter(
                project=number,
                since=await self._store.last_seq_before(number, since_ms),
                until=min(seq, await self._store.last_seq_before(number, until_ms)),
                limit=enough,
                types=ATTEMPTS,
            )
            milestones = (await self._store.read_milestones(wanted))[::-1]
            full = len(milestones) == enough
            milestones += await self._ends(milestones, running, seq, number)
            found = [
                attempt
                for attempt in attempts_within(milestones, running, title, until_ms)
                if params.worker_id in {None, attempt.worker_id}
            ]
            kept = _newest(found, params.limit)
            return TaskAttempts(
                attempts=kept,
                seq=seq,
                since=to_text(since_ms),
                until=to_text(until_ms),
                truncated=full or len(kept) < len(found),
            )

        self._start(call, read)

    async def _ends(
        self, milestones: list[Milestone], running: Running, seq: int, number: int
    ) -> list[Milestone]:
        """How attempts ended that were claimed in a stretch of time and ended after it."""
        ends: list[Milestone] = []
        for claim in open_claims(milestones, running)[-ENDS_MAX:]:
            after = EventFilter(project=number, since=claim.seq, until=seq, limit=1)
            of_task = msgspec.structs.replace(after, types=ENDS, task_id=claim.task_id)
            cleaned = msgspec.structs.replace(after, types=("tasks_cleaned",))
            events = await self._store.read_events(of_task)
            events = events or await self._store.read_events(cleaned)
            ends += [
                msgspec.structs.replace(milestone_of(end), task_id=claim.task_id) for end in events
            ]
        return ends


def _stretch(params: ListAttempts, now_ms: int) -> tuple[int, int]:
    """From when to when attempts are wanted, in milliseconds.

    Raises:
        InvalidTime: the end is not after the beginning.
    """
    until_ms = now_ms + 1  # what happened in this very millisecond is part of it
    if params.until is not None:
        until_ms = min(until_ms, from_datetime(params.until))
    since_ms = until_ms - HOUR_MS if params.since is None else from_datetime(params.since)
    if since_ms >= until_ms:
        raise InvalidTime(
            f"`since` is {to_text(since_ms)}, which is not before {to_text(until_ms)}, where the "
            "list ends: give an earlier `since`, or a later `until` that is not in the future.",
            field="since",
        )
    return since_ms, until_ms


def _newest(attempts: list[TaskAttempt], limit: int) -> list[TaskAttempt]:
    """All that go on, and the newest of the others up to the limit."""
    going = sum(attempt.outcome is None for attempt in attempts)
    room = max(0, limit - going)
    ended = [attempt for attempt in attempts if attempt.outcome is not None]
    kept = set(map(id, ended[len(ended) - room :] if room < len(ended) else ended))
    return [one for one in attempts if one.outcome is None or id(one) in kept]


def _stats(tally: Tally, worker_id: str | None, *, seq: int, since_ms: int, now_ms: int) -> Stats:
    since = to_text(since_ms)
    if tally.truncated and tally.oldest is not None:
        # The rates are those of the time that was looked at.
        since = tally.oldest
        since_ms = min(to_ms(since), now_ms - 1)
    hours = (now_ms - since_ms) / 3_600_000
    return Stats(
        seq=seq,
        since=since,
        until=to_text(now_ms),
        added=tally.added,
        project=tally.project(hours),
        workers=tally.workers(hours, worker_id),
        truncated=tally.truncated,
    )


def _open_claims(milestones: list[Milestone], *, held: bool) -> list[Milestone]:
    """Claims of attempts that neither end with a milestone nor go on."""
    followed = pairwise([*milestones, None])
    claims = [
        (claim, after)
        for claim, after in followed
        if claim is not None
        and claim.type == "task_claimed"
        and (after is None or after.type in {"task_added", "task_claimed"})
    ]
    return [claim for claim, after in claims if after is not None or not held]


def _unknown(project: ProjectState, task_id: str) -> TaskNotFound:
    return TaskNotFound(
        f"There is no task `{task_id}` in project `{project.record.name}`, and there is no event "
        "about one. `get_all_tasks` lists what there is.",
        taskId=task_id,
    )


def _bounded(events: list[Event]) -> list[Event]:
    """The first events that fit into one reply; at least one, so that a reader gets on."""
    size = 0
    for count, event in enumerate(events):
        size += len(_encode(event))
        if count and size > EVENTS_BYTES_MAX:
            return events[:count]
    return events
