"""What answers look like: tasks, slots, events and the server, drawn on a screen.

Owns which facts are shown where, and the symbol and colour of each status. A symbol and a colour
always stand beside the word. Pure: must not know how the facts were asked for or where the text
goes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from protocol.cli.screen import Cell, Column, Field, Screen
from protocol.cli.text import duration, elapsed, json_text, local_time
from protocol.errors import InternalError
from protocol.models import Blocker, Event, EventType, Slot, Status, Task, TaskSummary
from protocol.results import Counts, ServerInfo, Snapshot, TaskExplained

__all__ = ["event_line", "queue_table", "status_view", "task_view", "tasks_table", "understood"]

T = TypeVar("T")

SLOTS_SHOWN_MAX: Final = 20
"""A project with more slots shows only the held ones, and how many are free."""

_STATUS_LOOKS: Final[dict[Status, tuple[str, str]]] = {
    "blocked": ("◌", "yellow"),
    "available": ("○", "cyan"),
    "working": ("◐", "blue"),
    "done": ("●", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "bright_black"),
}
_EVENT_LOOKS: Final[dict[EventType, tuple[str, str]]] = {
    "task_added": ("+", "cyan"),
    "task_edited": ("✎", ""),
    "task_unblocked": ("○", "cyan"),
    "task_blocked": ("◌", "yellow"),
    "task_claimed": ("◐", "blue"),
    "task_done": ("●", "green"),
    "task_failed": ("✗", "red"),
    "task_released": ("↩", "yellow"),
    "task_reset": ("↻", "cyan"),
    "task_cancelled": ("⊘", "bright_black"),
    "task_deleted": ("⌫", "bright_black"),
    "tasks_cleaned": ("⌫", "red"),
    "slot_claimed": ("▸", ""),
    "slot_named": ("▸", ""),
    "slot_released": ("◂", ""),
}
_EVENT_TYPE_WIDTH: Final = max(map(len, _EVENT_LOOKS))


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


# --- tasks ------------------------------------------------------------------------------------


def tasks_table(screen: Screen, tasks: Sequence[Task]) -> str:
    """One row per task; a blocked one shows what it waits for, then comes the description."""
    columns = (
        Column("id"),
        Column("status"),
        Column("priority", "right"),
        Column("worker"),
        Column("attempt", "right"),
        Column("blocked by"),
        Column("description", flexible=True),
    )
    rows = [
        (
            task.id,
            _status(screen, task.status),
            str(task.priority),
            task.worker_id or "",
            str(task.attempt),
            _blockers(task.blocked_by or []),
            task.description,
        )
        for task in tasks
    ]
    return screen.table(columns, rows)


def queue_table(screen: Screen, queue: Sequence[TaskSummary]) -> str:
    """The tasks that would be claimed next, first one first."""
    columns = (Column("next"), Column("priority", "right"), Column("description", flexible=True))
    return screen.table(columns, [(t.id, str(t.priority), t.description) for t in queue])


def task_view(screen: Screen, task: Task, explained: TaskExplained) -> str:
    """Everything that is known about one task, and why it is where it is."""
    facts: list[tuple[str, Any]] = [
        ("id", task.id),
        ("status", _status(screen, task.status)),
        ("why", explained.reason),
        ("description", task.description),
        ("priority", task.priority),
        ("tags", ", ".join(task.tags)),
        ("depends on", ", ".join(task.dependencies)),
        ("blocked by", _blockers(explained.blocked_by, full=True)),
        ("root causes", _blockers(explained.root_causes, full=True)),
        ("unblocks", ", ".join(explained.unblocks)),
        ("expected", task.expected_output),
        ("output", task.output),
        ("error", Cell(task.error, "red") if task.error else None),
        ("worker", task.worker_id),
        ("slot", task.worker_slot),
        ("attempt", task.attempt),
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


def _made(task: Task) -> str:
    return f"{task.created_at} by {task.created_by}" if task.created_by else task.created_at


def _status(screen: Screen, status: Status) -> Cell:
    glyph, style = _STATUS_LOOKS[status]
    shown = f"{glyph} {status}" if screen.terminal and screen.unicode else status
    return Cell(shown, style)


def _blockers(blockers: Sequence[Blocker], *, full: bool = False) -> str:
    shown = blockers if full else blockers[:3]
    named = [f"{blocker.task_id} ({blocker.status})" for blocker in shown]
    more = len(blockers) - len(shown)
    return ", ".join([*named, f"{more} more"] if more else named)


# --- the server -------------------------------------------------------------------------------


def status_view(screen: Screen, url: str, server: ServerInfo, snapshot: Snapshot) -> str:
    """The server, the counters, the slots and the head of the queue."""
    held = [slot for slot in snapshot.workers if slot.status != "free"]
    free = len(snapshot.workers) - len(held)
    few = len(snapshot.workers) <= SLOTS_SHOWN_MAX
    fields: list[Field] = [
        ("server", url),
        ("version", f"{server.version}, up {duration(server.uptime_seconds)}"),
        ("store", server.database),
        ("project", f"{snapshot.project}, event {snapshot.seq}"),
        ("connections", str(server.connections)),
        ("tasks", _counters(snapshot.counts)),
        ("slots", f"{len(held)} held, {free} free"),
    ]
    parts = [screen.fields(fields)]
    if few or held:
        parts.append(_slots_table(screen, snapshot.workers if few else held, snapshot.time))
    if snapshot.queue:
        parts.append(queue_table(screen, snapshot.queue))
    return "\n".join(parts)


def _counters(counts: Counts) -> str:
    return ", ".join(f"{number} {status}" for status, number in msgspec.to_builtins(counts).items())


def _slots_table(screen: Screen, slots: Sequence[Slot], now: str) -> str:
    columns = (Column("slot", "right"), Column("state"), Column("worker"), Column("task"))
    rows = [
        (str(slot.slot), _slot_state(slot, now), slot.worker_id or "", slot.task_id or "")
        for slot in slots
    ]
    return screen.table(columns, rows)


def _slot_state(slot: Slot, now: str) -> Cell:
    style = {"working": "blue", "idle": "cyan", "free": "bright_black"}[slot.status]
    held = f", held {elapsed(slot.claimed_at, now)}" if slot.claimed_at else ""
    return Cell(f"{slot.status}{held}", style)


# --- events -----------------------------------------------------------------------------------


def event_line(screen: Screen, event: Event, now: datetime) -> str:
    """One line: number, time, what happened, to which task or slot, by which worker.

    A terminal gets the time of day where it stands, a pipe the moment as the server sent it.
    """
    glyph, style = _EVENT_LOOKS[event.type]
    when = local_time(event.time, now) if screen.terminal else event.time
    kind = f"{glyph} {event.type}" if screen.terminal and screen.unicode else event.type
    subject = event.task_id or (f"slot={event.slot}" if event.slot else "-")
    cells = (str(event.seq), when, Cell(kind, style), subject, event.worker_id or "-")
    return screen.line(cells, (6, 8, _EVENT_TYPE_WIDTH + 2, 20))
