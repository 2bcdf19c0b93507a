"""What an event looks like: one line that says what happened.

Owns the symbol, the colour and the words of every type of event. Pure: must not know how events
are asked for or where the line goes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from protocol.cli.screen import WIDE_CELLS, Cell, Screen
from protocol.cli.text import fine_duration, local_time, shortened
from protocol.models import Event, EventType

__all__ = ["CAUSES", "event_line", "event_text"]

TEXT_LENGTH_MAX: Final = 200
"""Characters that one line quotes of what an agent wrote."""

_LOOKS: Final[Mapping[EventType, tuple[str, str]]] = {
    "task_added": ("+", "cyan"),
    "task_edited": ("✎", ""),
    "task_unblocked": ("○", "cyan"),
    "task_blocked": ("◌", "yellow"),
    "task_ready": ("○", "cyan"),
    "task_claimed": ("◐", "blue"),
    "task_progress": ("◐", "blue"),
    "task_noted": ("✎", ""),
    "resources_reserved": ("▣", "blue"),
    "task_done": ("●", "green"),
    "task_failed": ("✗", "red"),
    "task_retrying": ("↻", "yellow"),
    "task_lapsed": ("↩", "red"),
    "task_released": ("↩", "yellow"),
    "task_overdue": ("!", "red"),
    "task_reset": ("↻", "cyan"),
    "task_cancelled": ("⊘", "bright_black"),
    "task_deleted": ("⌫", "bright_black"),
    "tasks_cleaned": ("⌫", "red"),
    "tasks_pruned": ("⌫", "bright_black"),
    "slot_claimed": ("▸", ""),
    "slot_named": ("▸", ""),
    "slot_disconnected": ("!", "yellow"),
    "slot_released": ("◂", ""),
    "slot_lapsed": ("◂", "red"),
    "slots_changed": ("±", ""),
    "claims_paused": ("‖", "yellow"),
    "claims_resumed": ("▸", "green"),
    "template_saved": ("+", ""),
    "template_deleted": ("⌫", "bright_black"),
}
_WIDTHS: Final = (6, 8, max(map(len, _LOOKS)) + 2, 16, 10)
_NARROW_WIDTHS: Final = (4, 8, 15, 8, 6)
"""Of a terminal that has less than WIDE_CELLS: what there is to say needs the room more."""

CAUSES: Final[Mapping[str, str]] = {
    "lease": "no sign of life",
    "timeout": "took too long",
    "disconnected": "its connection is lost",
    "slot_released": "its slot was given back",
    "slots_reduced": "there are fewer slots now",
}
"""In words; any other cause is told as the server calls it."""


def event_line(screen: Screen, event: Event, now: datetime) -> str:
    """One line: number, time, type, task or slot, worker, and what there is to say about it.

    A terminal gets the time of day where it stands, and no more than fits its width; a pipe gets
    the moment as the server sent it.
    """
    glyph, style = _LOOKS[event.type]
    kind = f"{glyph} {event.type}" if screen.terminal and screen.unicode else event.type
    cells = (
        str(event.seq),
        _moment(screen, event.time, now),
        Cell(kind, style),
        event.task_id or (f"slot={event.slot}" if event.slot else "-"),
        event.worker_id or "-",
        event_text(screen, event, now),
    )
    narrow = screen.terminal and screen.width < WIDE_CELLS
    return screen.line(cells, _NARROW_WIDTHS if narrow else _WIDTHS, fit=True)


def event_text(screen: Screen, event: Event, now: datetime) -> str:
    """What there is to say about an event beside its type: never empty."""
    return shortened(_TEXTS[event.type](_Told(screen, event, now)), TEXT_LENGTH_MAX)


def _moment(screen: Screen, moment: str, now: datetime) -> str:
    return local_time(moment, now) if screen.terminal else moment


@dataclass(frozen=True, slots=True)
class _Told:
    """An event, and what it says in words. What it does not say is an empty text."""

    screen: Screen
    event: Event
    now: datetime

    def said(self, name: str) -> str:
        """The text of a field of `data`."""
        value: Any = (self.event.data or {}).get(name)
        if isinstance(value, list):
            return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- any JSON
        return "" if value is None else str(value)

    def moment(self, name: str) -> str:
        said = self.said(name)
        return _moment(self.screen, said, self.now) if said else ""

    def took(self, name: str, word: str) -> str:
        """A duration of `data` after a word: `after 12 s`."""
        value: Any = (self.event.data or {}).get(name)
        return f"{word} {fine_duration(value)}" if isinstance(value, int | float) else ""

    @property
    def attempt(self) -> str:
        return f"attempt {self.event.attempt}" if self.event.attempt else ""

    @property
    def cause(self) -> str:
        """Why it ended; empty where the type of the event says it all."""
        said = self.said("cause")
        return "" if said == self.event.type else CAUSES.get(said, said.replace("_", " "))

    @property
    def becomes(self) -> str:
        """What the task is now."""
        return f"now {self.event.status}" if self.event.status else ""


def _list(*parts: str) -> str:
    """The parts that there are, with commas."""
    return ", ".join(part for part in parts if part)


def _with(lead: str, *details: str) -> str:
    """What happened, and after a colon what is known about it."""
    return ": ".join(part for part in (lead, *details) if part)


def _added(told: _Told) -> str:
    template = told.said("template")
    origin = f"from template {template}" if template else ""
    return _list(told.event.status or "added", "imported" if told.said("imported") else "", origin)


def _claimed(told: _Told) -> str:
    slot = f"in slot {told.event.slot}" if told.event.slot else ""
    where = " ".join(part for part in (told.attempt, slot) if part)
    return _list(where, told.took("waitedSeconds", "after")) or "claimed"


def _progressed(told: _Told) -> str:
    value: Any = (told.event.data or {}).get("progress")
    share = f"{value:.0%}" if isinstance(value, int | float) else ""
    return _with(share, told.said("note")) or "goes on"


def _failed(told: _Told) -> str:
    took = told.took("workedSeconds", "after")
    return _with(_list(told.attempt, took) or "failed", told.said("error") or told.cause)


def _retrying(told: _Told) -> str:
    again = told.moment("retryAt")
    # The moment comes first: a long error must not push it out of the line.
    when = f"again at {again}" if again else "another attempt follows"
    return _with(_list(when, told.attempt), told.said("error"))


def _lapsed(told: _Told) -> str:
    return _list(told.cause or "no sign of life", told.attempt, told.becomes)


def _released(told: _Told) -> str:
    return _with(_list("handed back", told.cause), told.said("note"))


def _reset(told: _Told) -> str:
    before = told.said("previousStatus")
    return _list(f"was {before}" if before else "", told.becomes) or "reset"


def _removed(told: _Told, file: str) -> str:
    number = told.said("removed")
    where = told.said(file)
    return _list(f"{number or 'all'} tasks removed", f"{file} {where}" if where else "")


def _pruned(told: _Told) -> str:
    events, where = told.said("events"), told.said("archive")
    if not events:
        return _removed(told, "archive")
    return _list(f"{events} old events removed", f"archive {where}" if where else "")


def _slots(told: _Told) -> str:
    before = told.said("previous")
    return _list(f"{told.said('slots')} worker slots", f"before {before}" if before else "")


_TEXTS: Final[Mapping[EventType, Callable[[_Told], str]]] = {
    "task_added": _added,
    "task_edited": lambda told: _with("changed", told.said("fields")),
    "task_unblocked": lambda told: told.becomes or "may go on",
    "task_blocked": lambda _: "waits again",
    "task_ready": lambda told: told.becomes or "its time has come",
    "task_claimed": _claimed,
    "task_progress": _progressed,
    "task_noted": lambda told: _with(told.said("by"), told.said("note") or "a note"),
    "resources_reserved": lambda told: _with("reserved", told.said("resources")),
    "task_done": lambda told: _with(
        _list(told.attempt, told.took("workedSeconds", "in")) or "done", told.said("output")
    ),
    "task_failed": _failed,
    "task_retrying": _retrying,
    "task_lapsed": _lapsed,
    "task_released": _released,
    "task_overdue": lambda told: _list("past its deadline", told.event.status or ""),
    "task_reset": _reset,
    "task_cancelled": lambda _: "called off",
    "task_deleted": lambda _: "removed by hand",
    "tasks_cleaned": lambda told: _removed(told, "backup"),
    "tasks_pruned": _pruned,
    "slot_claimed": lambda told: "its worker is back" if told.said("resumed") else "taken",
    "slot_named": lambda _: "named by its first claim",
    "slot_disconnected": lambda _: "its connection is lost",
    "slot_released": lambda told: _with("given back", told.cause),
    "slot_lapsed": lambda told: _with("given back", told.cause or "no sign of life"),
    "slots_changed": _slots,
    "claims_paused": lambda told: _with("nobody may claim", told.said("reason")),
    "claims_resumed": lambda _: "workers may claim again",
    "template_saved": lambda told: _with("template", told.said("name")),
    "template_deleted": lambda told: _with("template", told.said("name")),
}
