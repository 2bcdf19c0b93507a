"""What the server looks like at a glance: its counters, slots and the head of the queue.

Owns which facts `status` shows and in which words. Pure: must not know how the facts were asked
for or where the text goes.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.cli.screen import Cell, Column, Field, Screen
from protocol.cli.text import duration, elapsed, seconds_between
from protocol.models import Slot, TaskSummary
from protocol.results import Counts, ServerInfo, Snapshot

__all__ = ["queue_table", "status_view"]

SLOTS_SHOWN_MAX: Final = 20
"""A project with more slots shows only the held ones, and how many are free."""


def status_view(screen: Screen, url: str, server: ServerInfo, snapshot: Snapshot) -> str:
    """The server, the counters, the slots and the head of the queue. A pause comes first."""
    held = [slot for slot in snapshot.workers if slot.status != "free"]
    few = len(snapshot.workers) <= SLOTS_SHOWN_MAX
    parts = [screen.fields([*_pause(snapshot), *_facts(url, server, snapshot, len(held))])]
    if few or held:
        parts.append(_slots_table(screen, snapshot.workers if few else held, snapshot.time))
    if snapshot.queue:
        parts.append(queue_table(screen, snapshot.queue))
    return "\n".join(parts)


def queue_table(screen: Screen, queue: Sequence[TaskSummary]) -> str:
    """The tasks that would be claimed next, first one first."""
    columns = (
        Column("next"),
        Column("priority", "right"),
        Column("deadline"),
        Column("description", flexible=True),
    )
    rows = [
        (t.id, str(t.priority), Cell("overdue", "red") if t.overdue else "", t.description)
        for t in queue
    ]
    return screen.table(columns, rows)


def _pause(snapshot: Snapshot) -> list[Field]:
    if not snapshot.paused:
        return []
    reason = f": {snapshot.pause_reason}" if snapshot.pause_reason else ""
    told = f"nobody may claim{reason} ('task-coordinator resume' ends it)"
    return [("PAUSED", Cell(told, "bold yellow"))]


def _facts(url: str, server: ServerInfo, snapshot: Snapshot, held: int) -> list[Field]:
    facts: list[Field] = [
        ("server", url),
        ("version", f"{server.version}, up {duration(server.uptime_seconds)}"),
        ("store", server.database),
        ("project", f"{snapshot.project}, event {snapshot.seq}"),
        ("connections", str(server.connections)),
        ("tasks", _counters(snapshot.counts)),
    ]
    if snapshot.overdue:
        facts.append(("overdue", Cell(f"{snapshot.overdue}, past their deadline", "red")))
    facts.append(("slots", f"{held} held, {len(snapshot.workers) - held} free"))
    if snapshot.waiting:
        facts.append(("waiting", f"{snapshot.waiting} for a task"))
    return facts


def _counters(counts: Counts) -> str:
    """How many there are in each status in which there are any."""
    numbers: dict[str, int] = msgspec.to_builtins(counts)
    told = [f"{number} {status}" for status, number in numbers.items() if number]
    return ", ".join(told) or "none"


def _slots_table(screen: Screen, slots: Sequence[Slot], now: str) -> str:
    columns = (
        Column("slot", "right"),
        Column("state"),
        Column("lease"),
        Column("worker"),
        Column("task"),
    )
    rows = [
        (
            str(slot.slot),
            _state(slot, now),
            _lease(slot, now),
            slot.worker_id or "",
            slot.task_id or "",
        )
        for slot in slots
    ]
    return screen.table(columns, rows)


def _state(slot: Slot, now: str) -> Cell:
    style = {"working": "blue", "idle": "cyan", "free": "bright_black"}[slot.status]
    held = f", held {elapsed(slot.claimed_at, now)}" if slot.claimed_at else ""
    return Cell(f"{slot.status}{held}", style)


def _lease(slot: Slot, now: str) -> Cell:
    """How long the slot is held without a sign of life."""
    left = ""
    if slot.lease_expires_at is not None:
        left = f"{duration(seconds_between(now, slot.lease_expires_at))} left"
    if slot.connected is False:
        return Cell(f"connection lost{', ' if left else ''}{left}", "yellow")
    return Cell(left)
