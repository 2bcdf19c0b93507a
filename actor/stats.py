"""What the attempts of a window add up to, for the project and for each worker.

Owns the counting: which end counts as what, percentiles, rates. Takes milestones newest first and
keeps of each attempt no more than its numbers, so that a hundred thousand of them fit in memory.
Pure: knows no clock, store or Trio; `actor.reading` fetches the milestones.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from actor.history import Milestone, Outcome, outcome_of, seconds_between, worker_of
from protocol.results import Percentiles, WorkerStats

__all__ = ["WORKERS_MAX", "Tally", "Unclaimed", "percentiles_of"]

WORKERS_MAX: Final = 100
"""Workers that are shown: those with the most attempts."""

PIECE: Final = 20_000
"""Durations that are put in order before others have their turn, some 3 ms."""

_Count = Literal["done", "failed", "lapsed", "released"]
_COUNTED_AS: Final[Mapping[Outcome, _Count]] = {
    "done": "done",
    "failed": "failed",
    "retrying": "failed",
    "lapsed": "lapsed",
    "released": "released",
    "cancelled": "released",
    "reset": "released",
    "deleted": "released",
}


class Unclaimed(msgspec.Struct, frozen=True, gc=False):
    """An attempt whose end was seen, and whose claim was not yet."""

    task_id: str
    attempt: int | None
    end_seq: int
    ended_at: str
    worked_seconds: float | None
    worker_id: str | None


class _Durations:
    """Durations in milliseconds, on their way into ascending order."""

    def __init__(self) -> None:
        self.values_ms: list[int] = []
        self.total_ms = 0
        self._in_order = PIECE // 2

    def add(self, seconds: float) -> None:
        value_ms = round(seconds * 1000)
        self.values_ms.append(value_ms)
        self.total_ms += value_ms

    def settle(self) -> bool:
        """Sort when there is much that is not in order, and say so. What mostly is sorts fast, so
        that no single sort of very many holds the loop for long."""
        if len(self.values_ms) * 4 <= self._in_order * 5:
            return False
        self.values_ms.sort()
        self._in_order = len(self.values_ms)
        return True

    def percentiles(self) -> Percentiles | None:
        return percentiles_of(self.values_ms, self.total_ms)


class _Sums:
    """Counts and durations of some attempts."""

    def __init__(self) -> None:
        self.counts: dict[_Count, int] = {"done": 0, "failed": 0, "lapsed": 0, "released": 0}
        self.attempts = 0
        self.waiting = _Durations()
        self.working = _Durations()

    def settle(self) -> None:
        """One of the two at a time."""
        if not self.waiting.settle():
            self.working.settle()

    def stats(self, worker_id: str | None, hours: float) -> WorkerStats:
        counts, attempts = self.counts, self.attempts
        return WorkerStats(
            worker_id=worker_id,
            attempts=attempts,
            done=counts["done"],
            failed=counts["failed"],
            lapsed=counts["lapsed"],
            released=counts["released"],
            done_per_hour=round(counts["done"] / hours, 3),
            failure_rate=_rate(counts["failed"], attempts),
            lapse_rate=_rate(counts["lapsed"], attempts),
            waiting_seconds=self.waiting.percentiles(),
            working_seconds=self.working.percentiles(),
        )


class Tally:
    """Adds up milestones that come newest first.

    An attempt counts once, with its last word: a report that came after a lapse takes the place of
    the lapse. Attempts that ended because all tasks were removed at once are not counted.
    """

    def __init__(self, attempts_max: int) -> None:
        self._attempts_max = attempts_max
        self._attempts = 0
        self._all = _Sums()
        self._by_worker: dict[str | None, _Sums] = {}
        self._touched: set[_Sums] = set()
        self._unclaimed: dict[str, Unclaimed] = {}
        self.added = 0
        """Tasks that were added."""
        self.truncated = False
        """Whether there were more than `attempts_max` attempts. Nothing older is looked at then."""
        self.oldest: str | None = None
        """The time of the oldest milestone that was looked at."""

    def add(self, milestones: Iterable[Milestone]) -> None:
        """Count older milestones than all that were added before."""
        for milestone in milestones:
            self._count(milestone)
            if self.truncated:
                break
            self.oldest = milestone.time
        for sums in self._touched:
            sums.settle()
        self._touched.clear()

    def unclaimed(self) -> list[Unclaimed]:
        """Counted attempts whose claim, and with it the waiting time, is not known yet. The last
        `task_claimed` of the task before `end_seq` is what `add_claim` wants."""
        return list(self._unclaimed.values())

    def add_claim(self, claim: Milestone) -> None:
        """Add the claim of an attempt that is `unclaimed`; any other claim is ignored."""
        self._match(claim)

    def finish(self) -> Iterator[None]:
        """Put everything in order, when all is added, and before any result is asked for. It is
        done piece by piece: between two of them, a caller may let others have their turn."""
        sorted_ = 0
        for sums in (self._all, *self._by_worker.values()):
            for values_ms in (sums.waiting.values_ms, sums.working.values_ms):
                values_ms.sort()
                sorted_ += 1 + len(values_ms)
                if sorted_ > PIECE:
                    sorted_ = 0
                    yield

    def project(self, hours: float) -> WorkerStats:
        """All attempts together. `hours` is the length of the window."""
        return self._all.stats(None, hours)

    def workers(self, hours: float, only: str | None = None) -> list[WorkerStats]:
        """The workers with the most attempts, the busiest first; or one of them, if it has any."""
        if only is not None:
            sums = self._by_worker.get(only)
            return [] if sums is None else [sums.stats(only, hours)]
        known = ((-sums.attempts, name) for name, sums in self._by_worker.items() if name)
        busiest = heapq.nsmallest(WORKERS_MAX, known)
        return [self._by_worker[name].stats(name, hours) for _, name in busiest]

    # --- one milestone ------------------------------------------------------------------------

    def _count(self, milestone: Milestone) -> None:
        type_ = milestone.type
        if type_ == "task_claimed":
            self._match(milestone)
        elif type_ == "task_added":
            self.added += 1
            self._unclaimed.pop(milestone.task_id or "", None)
        elif (outcome := outcome_of(milestone)) is not None:
            self._end(milestone, _COUNTED_AS[outcome])

    def _end(self, end: Milestone, counted_as: _Count) -> None:
        task_id = end.task_id or ""
        later = self._unclaimed.get(task_id)
        if later is not None and later.attempt == end.attempt:
            return  # the attempt's last word was counted
        if self._attempts == self._attempts_max:
            self.truncated = True
            return
        self._attempts += 1
        worker, worked = worker_of(end), end.worked_seconds
        self._unclaimed[task_id] = Unclaimed(
            task_id, end.attempt, end.seq, end.time, worked, worker
        )
        for sums in self._sums_of(worker):
            sums.attempts += 1
            sums.counts[counted_as] += 1
            if worked is not None:
                sums.working.add(worked)

    def _match(self, claim: Milestone) -> None:
        """Add what only the claim tells to the attempt that it began."""
        found = self._unclaimed.get(claim.task_id or "")
        if found is None or found.attempt not in {None, claim.attempt}:
            return
        del self._unclaimed[found.task_id]
        waited, worked = claim.waited_seconds, found.worked_seconds
        for sums in self._sums_of(found.worker_id):
            if waited is not None:
                sums.waiting.add(waited)
            if worked is None:
                sums.working.add(seconds_between(claim.time, found.ended_at))

    def _sums_of(self, worker: str | None) -> tuple[_Sums, _Sums]:
        """Where an attempt of this worker counts."""
        mine = self._by_worker.get(worker)
        if mine is None:
            mine = self._by_worker[worker] = _Sums()
        self._touched |= {self._all, mine}
        return self._all, mine


def percentiles_of(durations_ms: Sequence[int], total_ms: int) -> Percentiles | None:
    """Percentiles, in seconds, of durations in milliseconds in ascending order, of which the sum
    is known; None if there are none.

    By nearest rank: the smallest duration that at least so many percent do not exceed. It is always
    one that occurred.
    """
    count = len(durations_ms)
    if not count:
        return None

    def at(percent: int) -> float:
        return durations_ms[-(-percent * count // 100) - 1] / 1000

    return Percentiles(
        p50=at(50),
        p90=at(90),
        p95=at(95),
        p99=at(99),
        max=at(100),
        mean=round(total_ms / count / 1000, 3),
    )


def _rate(some: int, of: int) -> float:
    return round(some / of, 4) if of else 0.0
