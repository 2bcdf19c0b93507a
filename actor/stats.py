"""What the attempts of a window add up to, for the project and for each worker.

Owns the counting: which end counts as what, percentiles, rates. Takes milestones newest first and
keeps of each attempt no more than its numbers, so that a hundred thousand of them fit in memory.
Pure: knows no clock, store or Trio; `actor.reading` fetches the milestones.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from actor.history import Milestone, Outcome, outcome_of, seconds_between, worker_of
from protocol.results import Percentiles, WorkerStats

__all__ = ["WORKERS_MAX", "Tally", "Unclaimed", "percentiles_of"]

WORKERS_MAX: Final = 100
"""Workers that are shown: those with the most attempts."""

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


class _Sums:
    """Counts and durations of some attempts. The durations are in order after `settle`."""

    def __init__(self) -> None:
        self.counts: dict[_Count, int] = {"done": 0, "failed": 0, "lapsed": 0, "released": 0}
        self.waiting: list[float] = []
        self.working: list[float] = []

    @property
    def attempts(self) -> int:
        return sum(self.counts.values())

    def settle(self) -> None:
        """Sorting what is mostly sorted is fast, so no single sort of very many holds the loop."""
        self.waiting.sort()
        self.working.sort()

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
            waiting_seconds=percentiles_of(self.waiting),
            working_seconds=percentiles_of(self.working),
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
        self._by_worker: dict[str, _Sums] = {}
        self._unclaimed: dict[str, Unclaimed] = {}
        self.added = 0
        """Tasks that were added."""
        self.truncated = False
        """Whether there were more than `attempts_max` attempts. Nothing older is looked at then."""
        self.oldest: str | None = None
        """The time of the oldest milestone that was looked at."""

    def add(self, milestones: Iterable[Milestone]) -> None:
        """Count older milestones than all that were added before."""
        touched = {id(self._all): self._all}
        for milestone in milestones:
            sums = self._count(milestone)
            if self.truncated:
                break
            if sums is not None:
                touched[id(sums)] = sums
            self.oldest = milestone.time
        for sums in touched.values():
            sums.settle()

    def unclaimed(self) -> list[Unclaimed]:
        """Counted attempts whose claim, and with it the waiting time, is not known yet. The last
        `task_claimed` of the task before `end_seq` is what `add_claim` wants."""
        return list(self._unclaimed.values())

    def add_claim(self, claim: Milestone) -> None:
        """Add the claim of an attempt that is `unclaimed`; any other claim is ignored."""
        sums = self._match(claim)
        if sums is not None:
            sums.settle()
            self._all.settle()

    def project(self, hours: float) -> WorkerStats:
        """All attempts together. `hours` is the length of the window."""
        return self._all.stats(None, hours)

    def workers(self, hours: float, only: str | None = None) -> list[WorkerStats]:
        """The workers with the most attempts, the busiest first; or one of them, if it has any."""
        if only is not None:
            sums = self._by_worker.get(only)
            return [] if sums is None else [sums.stats(only, hours)]
        busiest = heapq.nsmallest(
            WORKERS_MAX, ((-sums.attempts, name) for name, sums in self._by_worker.items())
        )
        return [self._by_worker[name].stats(name, hours) for _, name in busiest]

    # --- one milestone ------------------------------------------------------------------------

    def _count(self, milestone: Milestone) -> _Sums | None:
        """Count it, and return the worker's sums that it changed."""
        if milestone.type == "task_claimed":
            return self._match(milestone)
        if milestone.type == "task_added":
            self.added += 1
            self._unclaimed.pop(milestone.task_id or "", None)
            return None
        outcome = outcome_of(milestone)
        return None if outcome is None else self._end(milestone, outcome)

    def _end(self, end: Milestone, outcome: Outcome) -> _Sums | None:
        task_id = end.task_id or ""
        later = self._unclaimed.get(task_id)
        if later is not None and later.attempt == end.attempt:
            return None  # the attempt's last word was counted
        if self._attempts == self._attempts_max:
            self.truncated = True
            return None
        self._attempts += 1
        worker = worker_of(end)
        self._unclaimed[task_id] = Unclaimed(
            task_id, end.attempt, end.seq, end.time, end.worked_seconds, worker
        )
        mine = None
        for sums in self._sums_of(worker):
            sums.counts[_COUNTED_AS[outcome]] += 1
            if end.worked_seconds is not None:
                sums.working.append(end.worked_seconds)
            mine = sums
        return mine

    def _match(self, claim: Milestone) -> _Sums | None:
        """Add what only the claim tells to the attempt that it began."""
        found = self._unclaimed.get(claim.task_id or "")
        if found is None or found.attempt not in {None, claim.attempt}:
            return None
        del self._unclaimed[found.task_id]
        mine = None
        for sums in self._sums_of(found.worker_id):
            if claim.waited_seconds is not None:
                sums.waiting.append(claim.waited_seconds)
            if found.worked_seconds is None:
                sums.working.append(seconds_between(claim.time, found.ended_at))
            mine = sums
        return mine

    def _sums_of(self, worker: str | None) -> Iterator[_Sums]:
        """Where an attempt of this worker counts; its own sums come last."""
        yield self._all
        if worker is not None:
            yield self._by_worker.setdefault(worker, _Sums())


def percentiles_of(durations: list[float]) -> Percentiles | None:
    """Percentiles of durations in ascending order, in seconds; None if there are none.

    By nearest rank: the smallest duration that at least so many percent do not exceed. It is always
    one that occurred.
    """
    count = len(durations)
    if not count:
        return None

    def at(percent: int) -> float:
        return round(durations[-(-percent * count // 100) - 1], 3)

    return Percentiles(
        p50=at(50),
        p90=at(90),
        p95=at(95),
        p99=at(99),
        max=at(100),
        mean=round(math.fsum(durations) / count, 3),
    )


def _rate(some: int, of: int) -> float:
    return round(some / of, 4) if of else 0.0
