"""Tasks, slots and events as a server would answer them, for the tests of what they look like."""

from datetime import UTC, datetime
from typing import Any

from protocol.cli.screen import Screen
from protocol.models import AttemptRecord, Event, Task
from protocol.results import TaskExplained

PIPE = Screen()
TERMINAL = Screen(terminal=True, width=200)
NARROW = Screen(terminal=True, width=80)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = "2026-01-31T09:30:00.000Z"
LATER = "2026-01-31T12:04:30.000Z"
"""Four minutes and a half after NOW."""


def a_task(**more: Any) -> Task:
    """A task of which nothing special is known, apart from what is said."""
    fields: dict[str, Any] = {
        "id": "a",
        "description": "x",
        "status": "available",
        "priority": 0,
        "dependencies": [],
        "tags": [],
        "attempt": 0,
        "version": 1,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    return Task(**{**fields, **more})


def an_explanation(**more: Any) -> TaskExplained:
    """An explanation of a task that can be claimed, apart from what is said."""
    fields: dict[str, Any] = {
        "task_id": "a",
        "status": "available",
        "ready": True,
        "reason": "It can be claimed.",
        "blocked_by": [],
        "root_causes": [],
        "unblocks": [],
        "waiting": 0,
        "conflicts": [],
    }
    return TaskExplained(**{**fields, **more})


def an_event(type_: Any, **more: Any) -> Event:
    """An event of this type with number 7."""
    return Event(seq=7, time=MOMENT, type=type_, **more)


def an_attempt(**more: Any) -> AttemptRecord:
    """A first attempt of worker w1, apart from what is said."""
    fields: dict[str, Any] = {"attempt": 1, "worker_id": "w1", "claimed_at": MOMENT}
    return AttemptRecord(**{**fields, **more})
