"""Attempts at a task, made of its events.

Owns which events begin and end an attempt, and how they are told apart: a worker's own report
from a lapse, an end from a late report that takes its place. Pure: knows no clock, store or Trio;
`actor.reading` fetches what is needed, `actor.stats` counts it.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from actor.timestamps import to_ms, to_text
from protocol.models import AttemptRecord, Event, EventType

__all__ = [
    "ERROR_LENGTH_MAX",
    "MILESTONES",
    "REPORTS",
    "Milestone",
    "Outcome",
    "attempts_of",
    "milestone_of",
    "outcome_of",
    "seconds_between",
    "worker_of",
]

ERROR_LENGTH_MAX: Final = 1_000
"""Characters of an error that an attempt shows; its event has all of it."""

Outcome = Literal[
    "done", "failed", "retrying", "lapsed", "released", "cancelled", "reset", "deleted"
]

MILESTONES: Final[tuple[EventType, ...]] = (
    "task_added",
    "task_claimed",
    "task_done",
    "task_failed",
    "task_retrying",
    "task_lapsed",
    "task_released",
    "task_cancelled",
    "task_reset",
    "task_deleted",
)
"""The types of a task's events that attempts are made of."""

REPORTS: Final[frozenset[EventType]] = frozenset({"task_done", "task_failed", "task_retrying"})
"""What a worker may still say about an attempt that lapsed or was released, as long as nobody
claimed the task again. It then takes the place of the earlier end."""

_OUTCOMES: Final[dict[EventType, Outcome]] = {
    "task_done": "done",
    "task_failed": "failed",
    "task_retrying": "retrying",
    "task_lapsed": "lapsed",
    "task_released": "released",
    "task_cancelled": "cancelled",
    "task_reset": "reset",
    "task_deleted": "deleted",
    "tasks_cleaned": "deleted",
}
_WHEREVER_IT_STOOD: Final[frozenset[EventType]] = frozenset(
    {"task_cancelled", "task_reset", "task_deleted", "tasks_cleaned"}
)
"""What also happens to tasks that nobody works on, and then ends no attempt."""


class Milestone(
    msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, kw_only=True, gc=False
):
    """An event, reduced to what attempts are made of."""

    seq: int
    time: str
    type: EventType
    task_id: str | None = None
    worker_id: str | None = None
    slot: int | None = None
    attempt: int | None = None
    waited_seconds: float | None = None
    worked_seconds: float | None = None
    cause: str | None = None
    previous_status: str | None = None
    previous_worker_id: str | None = None
    error: str | None = None
    """Its first `ERROR_LENGTH_MAX` characters."""


def milestone_of(event: Event) -> Milestone:
    """What attempts need to know of an event."""
    data = event.data or {}
    error = data.get("error")
    return Milestone(
        seq=event.seq,
        time=event.time,
        type=event.type,
        task_id=event.task_id,
        worker_id=event.worker_id,
        slot=event.slot,
        attempt=event.attempt,
        waited_seconds=data.get("waitedSeconds"),
        worked_seconds=data.get("workedSeconds"),
        cause=data.get("cause"),
        previous_status=data.get("previousStatus"),
        previous_worker_id=data.get("previousWorkerId"),
        error=None if error is None else error[:ERROR_LENGTH_MAX],
    )


def outcome_of(milestone: Milestone) -> Outcome | None:
    """The outcome of the attempt that it ends; None if it ends none.

    A failure with a cause was told by no worker: its attempt lapsed once too often.
    """
    outcome = _OUTCOMES.get(milestone.type)
    if milestone.type in _WHEREVER_IT_STOOD:
        ended = milestone.worked_seconds is not None or milestone.previous_status == "working"
        return outcome if ended else None
    if outcome in {"failed", "retrying"} and milestone.cause is not None:
        return "lapsed"
    return outcome


def worker_of(end: Milestone) -> str | None:
    """Whose attempt it ended: a reset or a cancellation is somebody else's doing."""
    return end.previous_worker_id or end.worker_id


def seconds_between(begin: str, end: str) -> float:
    """From one time to another; 0 if the clock was set back in between."""
    return max(0, to_ms(end) - to_ms(begin)) / 1000


class _Attempt:
    """An attempt in the making."""

    def __init__(self, number: int, worker_id: str, claimed_at: str) -> None:
        self.number = number
        self.worker_id = worker_id
        self.claimed_at = claimed_at
        self.slot: int | None = None
        self.waited_seconds: float | None = None
        self.end: Milestone | None = None
        self.outcome: Outcome | None = None

    def finish(self, end: Milestone) -> None:
        self.end = end
        self.outcome = outcome_of(end) or _OUTCOMES[end.type]

    def record(self) -> AttemptRecord:
        end = self.end
        if end is None:
            return AttemptRecord(
                attempt=self.number,
                worker_id=self.worker_id,
                slot=self.slot,
                claimed_at=self.claimed_at,
                outcome=self.outcome,
                waited_seconds=self.waited_seconds,
            )
        worked = end.worked_seconds
        return AttemptRecord(
            attempt=self.number,
            worker_id=self.worker_id,
            slot=self.slot,
            claimed_at=self.claimed_at,
            ended_at=end.time,
            outcome=self.outcome,
            cause=end.cause,
            seconds=seconds_between(self.claimed_at, end.time) if worked is None else worked,
            waited_seconds=self.waited_seconds,
            error=end.error,
        )


def attempts_of(milestones: Iterable[Milestone], *, held: bool) -> list[AttemptRecord]:
    """The attempts at one task, in order, from its milestones, oldest first.

    `held` says whether somebody works on the task now: the last attempt may then go on. Any other
    attempt without an end was removed together with its task; a milestone of the type
    `tasks_cleaned` among the others tells when. Milestones may be missing at the beginning: an
    attempt whose claim is not among them is known by its end, if that tells enough.
    """
    attempts: list[_Attempt] = []
    for milestone in milestones:
        if milestone.type == "task_claimed":
            attempts.append(_begun(milestone))
        elif milestone.type in _OUTCOMES:
            _end(attempts, milestone)
    for index, attempt in enumerate(attempts):
        goes_on = held and index == len(attempts) - 1
        if attempt.end is None and not goes_on:
            attempt.outcome = "deleted"
    return [attempt.record() for attempt in attempts]


def _begun(claim: Milestone) -> _Attempt:
    attempt = _Attempt(claim.attempt or 0, claim.worker_id or "", claim.time)
    attempt.slot = claim.slot
    attempt.waited_seconds = claim.waited_seconds
    return attempt


def _end(attempts: list[_Attempt], end: Milestone) -> None:
    last = attempts[-1] if attempts else None
    if last is not None and end.attempt in {None, last.number}:
        if last.end is None or end.type in REPORTS:
            last.finish(end)
    elif (orphan := _without_claim(end)) is not None:
        attempts.append(orphan)


def _without_claim(end: Milestone) -> _Attempt | None:
    """The attempt that an end tells of, where its claim is not known any more."""
    worker = worker_of(end)
    if outcome_of(end) is None or worker is None or end.worked_seconds is None:
        return None
    claimed_ms = to_ms(end.time) - round(end.worked_seconds * 1000)
    attempt = _Attempt(end.attempt or 0, worker, to_text(claimed_ms))
    attempt.slot = end.slot
    attempt.finish(end)
    return attempt
