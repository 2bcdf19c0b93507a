"""What tasks look like, in a list and in full.

Owns which of their facts are shown where, and the symbol and colour of each status. A symbol and a
colour always stand beside the word. Pure: must not know how the facts were asked for or where the
text goes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from protocol.cli.screen import WIDE_CELLS, Cell, Column, Field, Screen
from protocol.cli.text import duration, json_text, local_time
from protocol.errors import InternalError
from protocol.models import Blocker, Status, Task
from protocol.results import Conflict, TaskExplained

__all__ = ["task_view", "tasks_table", "understood"]

T = TypeVar("T")

BAR_CELLS: Final = 10

_STATUS_LOOKS: Final[dict[Status, tuple[str, str]]] = {
    "blocked": ("◌", "yellow"),
    "scheduled": ("◷", "magenta"),
    "available": ("○", "cyan"),
    "working": ("◐", "blue"),
    "done": ("●", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "bright_black"),
}


def understood(kind: type[T], answer: object) -> T:
    """The answer of the server as its type.

    Raises:
        InternalError: it is something else, because the server is of another version.
    """
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise InternalError(
            f"The server's answer is not understood ({error}): it runs another version than this "
            "command. Use the same on both sides, or --json."
        ) from None


# --- a list -----------------------------------------------------------------------------------


def tasks_table(screen: Screen, tasks: Sequence[Task], now: datetime) -> str:
    """One row per task: before the description stands what there is to say about its status.

    That is what it waits for, how far it is, how long its lease lasts, and that it is overdue.
    """
    narrow = _is_narrow(screen)
    columns = (
        Column("id"),
        Column("status"),
        Column("prio" if narrow else "priority", "right"),
        Column("worker"),
        Column("attempt", "right"),
        Column("detail"),
        Column("description", flexible=True),
    )
    rows = [
        (
            task.id,
            _status(screen, task.status),
            _number(screen, task.priority),
            task.worker_id or "",
            "" if narrow else _number(screen, task.attempt),
            _detail(screen, task, now),
            task.description,
        )
        for task in tasks
    ]
    return screen.table(columns, rows)


def _is_narrow(screen: Screen) -> bool:
    """Whether a person looks at it who has room for the most necessary only."""
    return screen.terminal and screen.width < WIDE_CELLS


def _number(screen: Screen, number: int) -> str:
    """A terminal leaves out columns without a text, and so those that say nothing."""
    return "" if screen.terminal and number == 0 else str(number)


def _detail(screen: Screen, task: Task, now: datetime) -> Cell:
    """What there is to say about a task's status in a few words."""
    parts: list[str] = []
    if task.status == "blocked" and task.blocked_by:
        parts.append(f"waits for {_first_blockers(screen, task.blocked_by)}")
    if task.status == "scheduled":
        parts.append(_scheduled(screen, task, now))
    if task.status == "working":
        if task.progress is not None:
            parts.append(_bar(screen, task.progress))
        if task.lease_expires_at is not None:
            parts.append(f"lease {_left(task.lease_expires_at, now)}")
    if task.overdue:
        parts.append("overdue")
    return Cell(", ".join(part for part in parts if part), "red" if task.overdue else "")


def _scheduled(screen: Screen, task: Task, now: datetime) -> str:
    """Until when it waits, and whether that is for another attempt."""
    retry = task.retry_at is not None
    moment = task.retry_at if retry else task.not_before
    if moment is None:
        return ""
    # Of another day the minute is enough.
    shown = local_time(moment, now)[: len("2026-01-31 09:30")] if screen.terminal else moment
    return f"{'retry at' if retry else 'until'} {shown}"


def _bar(screen: Screen, progress: float) -> str:
    """How far it is: in figures, and where there is room as a bar too."""
    share = f"{progress:.0%}"
    if not screen.terminal or _is_narrow(screen):
        return share
    full = round(BAR_CELLS * progress)
    done, left = ("█", "░") if screen.unicode else ("#", "-")
    return f"{done * full}{left * (BAR_CELLS - full)} {share}"


# --- one in full ------------------------------------------------------------------------------


def task_view(screen: Screen, task: Task, explained: TaskExplained, now: datetime) -> str:
    """Everything that is known about one task, and why it is where it is."""
    facts: list[tuple[str, Any]] = [
        ("id", task.id),
        ("status", _status(screen, task.status)),
        ("why", explained.reason),
        ("description", task.description),
        *_plan(task, now),
        *_surroundings(explained),
        ("expected", task.expected_output),
        ("progress", None if task.progress is None else _bar(screen, task.progress)),
        ("note", task.note),
        ("output", task.output),
        ("error", Cell(task.error, "red") if task.error else None),
        *_work(task, now),
        ("metadata", json_text(task.metadata) if task.metadata else None),
        ("created", _made(task)),
        ("claimed", task.claimed_at),
        ("completed", task.completed_at),
        ("updated", f"{task.updated_at}, version {task.version}"),
    ]
    fields: list[Field] = [
        (name, fact if isinstance(fact, Cell) else str(fact))
        for name, fact in facts
        if fact is not None and fact != ""
    ]
    return screen.fields(fields)


def _plan(task: Task, now: datetime) -> list[tuple[str, Any]]:
    """What its author said about it."""
    return [
        ("priority", task.priority),
        ("tags", ", ".join(task.tags)),
        ("depends on", ", ".join(task.dependencies)),
        ("resources", ", ".join(task.resources or [])),
        ("not before", _ahead(task.not_before, now)),
        ("deadline", _deadline(task, now)),
        ("max attempts", task.max_attempts),
        ("retry delay", _length(task.retry_delay_seconds)),
        ("time limit", _length(task.timeout_seconds)),
    ]


def _surroundings(explained: TaskExplained) -> list[tuple[str, Any]]:
    """The other tasks that have to do with it."""
    return [
        ("blocked by", _blockers(explained.blocked_by)),
        ("root causes", _blockers(explained.root_causes)),
        ("conflicts", "\n".join(map(_conflict, explained.conflicts))),
        ("unblocks", ", ".join(explained.unblocks)),
    ]


def _work(task: Task, now: datetime) -> list[tuple[str, Any]]:
    """Who works on it, or did."""
    return [
        ("worker", task.worker_id),
        ("slot", task.worker_slot),
        ("reserved", ", ".join(task.reserved or [])),
        ("lease", _ahead(task.lease_expires_at, now)),
        ("attempt", task.attempt),
        ("retry", _ahead(task.retry_at, now)),
    ]


def _deadline(task: Task, now: datetime) -> Cell | str | None:
    shown = _ahead(task.deadline, now)
    return Cell(f"{shown}, overdue", "red") if task.overdue else shown


def _conflict(conflict: Conflict) -> str:
    return (
        f"{conflict.resource}: {conflict.holder} holds {conflict.held} for task {conflict.task_id}"
    )


def _length(seconds: float | None) -> str | None:
    return None if seconds is None else duration(seconds)


def _ahead(moment: str | None, now: datetime) -> str | None:
    """A moment and how far away it is."""
    if moment is None:
        return None
    seconds = _seconds_until(moment, now)
    away = f"in {duration(seconds)}" if seconds >= 0 else f"{duration(-seconds)} ago"
    return f"{moment}, {away}"


def _left(moment: str, now: datetime) -> str:
    return duration(_seconds_until(moment, now))


def _seconds_until(moment: str, now: datetime) -> float:
    return (datetime.fromisoformat(moment) - now).total_seconds()


def _made(task: Task) -> str:
    return f"{task.created_at} by {task.created_by}" if task.created_by else task.created_at


def _status(screen: Screen, status: Status) -> Cell:
    glyph, style = _STATUS_LOOKS[status]
    shown = f"{glyph} {status}" if screen.terminal and screen.unicode else status
    return Cell(shown, style)


def _first_blockers(screen: Screen, blockers: Sequence[Blocker]) -> str:
    if not _is_narrow(screen):
        return _blockers(blockers, 3)
    more = len(blockers) - 1
    return f"{blockers[0].task_id}{f', {more} more' if more else ''}"


def _blockers(blockers: Sequence[Blocker], at_most: int | None = None) -> str:
    shown = blockers[:at_most]
    named = [f"{blocker.task_id} ({blocker.status})" for blocker in shown]
    more = len(blockers) - len(shown)
    return ", ".join([*named, f"{more} more"] if more else named)
