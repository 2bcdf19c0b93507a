"""What the past looks like: the attempts at a task, and the figures of a window of time.

Owns which facts `history` and `stats` show and in which words. Pure: must not know how the facts
were asked for or where the text goes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from protocol.cli.event_view import CAUSES, event_line
from protocol.cli.screen import Cell, Column, Field, Screen
from protocol.cli.text import duration, fine_duration, local_time, seconds_between, shortened
from protocol.models import AttemptRecord, Event
from protocol.results import Percentiles, Stats, WorkerStats

__all__ = ["attempts_table", "history_view", "stats_view"]

ERROR_LENGTH_MAX: Final = 200
"""Characters of an error that a pipe gets in a row; `tasks ID` shows all of the newest one."""

_OUTCOME_STYLES: Final = {"done": "green", "failed": "red", "lapsed": "red", "retrying": "yellow"}


# --- one task ---------------------------------------------------------------------------------


def history_view(
    screen: Screen, attempts: Sequence[AttemptRecord], events: Sequence[Event], now: datetime
) -> str:
    """The attempts, if there were any, and what happened, oldest first."""
    told = "".join(event_line(screen, event, now) for event in events)
    parts = [attempts_table(screen, attempts, now)] if attempts else []
    return "\n".join([*parts, told] if told else parts)


def attempts_table(screen: Screen, attempts: Sequence[AttemptRecord], now: datetime) -> str:
    """One row per attempt: who, when, how long, and how it ended."""
    columns = (
        Column("attempt", "right"),
        Column("worker"),
        Column("slot", "right"),
        Column("claimed"),
        Column("waited", "right"),
        Column("took", "right"),
        Column("outcome"),
        Column("why", flexible=True),
    )
    rows = [
        (
            str(attempt.attempt),
            attempt.worker_id,
            str(attempt.slot or ""),
            local_time(attempt.claimed_at, now) if screen.terminal else attempt.claimed_at,
            _length(attempt.waited_seconds),
            _length(_seconds(attempt, now)),
            _outcome(attempt),
            _why(attempt),
        )
        for attempt in attempts
    ]
    return screen.table(columns, rows)


def _seconds(attempt: AttemptRecord, now: datetime) -> float | None:
    """How long it took, or has taken until now."""
    if attempt.seconds is None and attempt.outcome is None:
        return (now - datetime.fromisoformat(attempt.claimed_at)).total_seconds()
    return attempt.seconds


def _outcome(attempt: AttemptRecord) -> Cell:
    if attempt.outcome is None:
        return Cell("going on", "blue")
    return Cell(attempt.outcome, _OUTCOME_STYLES.get(attempt.outcome, ""))


def _why(attempt: AttemptRecord) -> str:
    cause = attempt.cause or ""
    return shortened(attempt.error or CAUSES.get(cause, cause.replace("_", " ")), ERROR_LENGTH_MAX)


def _length(seconds: float | None) -> str:
    return "" if seconds is None else fine_duration(seconds)


# --- figures ----------------------------------------------------------------------------------


def stats_view(screen: Screen, stats: Stats, worker_id: str | None = None) -> str:
    """The project's figures, how long things took, and the workers, the busiest first; with
    `worker_id`, the figures of that worker, which are all that were asked for."""
    one = worker_id is not None
    figures = next(iter(stats.workers), None) if one else stats.project
    window = duration(seconds_between(stats.since, stats.until))
    fields: list[Field] = [
        ("window", f"{window}, from {stats.since} to {stats.until}"),
        ("worker", worker_id or "all of them"),
    ]
    if not one:
        fields.append(("tasks added", str(stats.added)))
    fields += _figures(figures)
    if stats.truncated:
        fields.append(("note", "the window holds more attempts than these, the newest"))
    parts = [screen.fields(fields)]
    if figures is not None and (figures.waiting_seconds or figures.working_seconds):
        parts.append(_percentiles_table(screen, figures))
    if stats.workers and not one:
        parts.append(_workers_table(screen, stats.workers))
    return "\n".join(parts)


def _figures(stats: WorkerStats | None) -> list[Field]:
    if stats is None or stats.attempts == 0:
        return [("attempts", "none ended")]
    return [
        ("attempts", f"{stats.attempts} ended: {_outcomes(stats)}"),
        ("done an hour", f"{stats.done_per_hour:.1f}"),
        ("failure rate", f"{stats.failure_rate:.1%}"),
        ("lapse rate", f"{stats.lapse_rate:.1%}"),
    ]


def _outcomes(stats: WorkerStats) -> str:
    return (
        f"{stats.done} done, {stats.failed} failed, {stats.lapsed} lapsed, "
        f"{stats.released} given back"
    )


def _percentiles_table(screen: Screen, stats: WorkerStats) -> str:
    titles = ("p50", "p90", "p95", "p99", "max", "mean")
    columns = (Column("time"), *(Column(title, "right") for title in titles))
    measured = (("waiting", stats.waiting_seconds), ("working", stats.working_seconds))
    rows = [
        (name, *(fine_duration(getattr(seconds, title)) for title in titles))
        for name, seconds in measured
        if seconds is not None
    ]
    return screen.table(columns, rows)


def _workers_table(screen: Screen, workers: Sequence[WorkerStats]) -> str:
    columns = (
        Column("worker"),
        Column("done", "right"),
        Column("failed", "right"),
        Column("lapsed", "right"),
        Column("given back", "right"),
        Column("an hour", "right"),
        Column("p50", "right"),
        Column("p95", "right"),
    )
    rows = [
        (
            worker.worker_id or "",
            str(worker.done),
            str(worker.failed),
            str(worker.lapsed),
            str(worker.released),
            f"{worker.done_per_hour:.1f}",
            _at(worker.working_seconds, "p50"),
            _at(worker.working_seconds, "p95"),
        )
        for worker in workers
    ]
    return screen.table(columns, rows)


def _at(seconds: Percentiles | None, name: str) -> str:
    return "" if seconds is None else fine_duration(getattr(seconds, name))
