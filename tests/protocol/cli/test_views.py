"""Tests of `protocol.cli.views`: the facts that people look for, each with a word beside it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from protocol.cli.screen import Screen
from protocol.cli.views import event_line, status_view, task_view, tasks_table, understood
from protocol.errors import InternalError
from protocol.models import STATUSES, Blocker, Event, Slot, Task, TaskSummary
from protocol.results import Counts, ServerInfo, Snapshot, TaskExplained

PIPE = Screen()
TERMINAL = Screen(terminal=True, width=200)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = "2026-01-31T09:30:00.000Z"


def a_task(**more: Any) -> Task:
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
    fields: dict[str, Any] = {
        "task_id": "a",
        "status": "available",
        "ready": True,
        "reason": "It can be claimed.",
        "blocked_by": [],
        "root_causes": [],
        "unblocks": [],
    }
    return TaskExplained(**{**fields, **more})


def a_snapshot(slots: list[Slot], queue: list[TaskSummary]) -> Snapshot:
    counts = Counts(blocked=1, available=2, working=3, done=4, failed=5, cancelled=6)
    return Snapshot(
        project="web",
        seq=9,
        time="2026-01-31T09:32:00.000Z",
        counts=counts,
        workers=slots,
        queue=queue,
    )


SERVER = ServerInfo(
    name="task-coordinator",
    version="1.2.3",
    protocol="v1",
    project="web",
    started_at=MOMENT,
    uptime_seconds=7_500,
    database="sqlite:x.db",
    connections=2,
    seq=9,
    limits={},
)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_told_by_its_word_and_on_a_terminal_with_a_symbol(status: str) -> None:
    piped = tasks_table(PIPE, [a_task(status=status)]).splitlines()[1].split()
    shown = tasks_table(TERMINAL, [a_task(status=status)]).splitlines()[1].split()
    assert piped[1] == status
    assert len(shown[1]) == 1
    assert shown[2] == status


def test_an_encoding_without_symbols_gets_the_word_alone() -> None:
    screen = Screen(terminal=True, unicode=False, width=200)
    assert tasks_table(screen, [a_task()]).isascii()


def test_a_blocked_task_names_what_it_waits_for() -> None:
    blockers = [Blocker(task_id=f"d{n}", status="failed") for n in range(5)]
    shown = tasks_table(PIPE, [a_task(status="blocked", blocked_by=blockers)])
    assert "d0 (failed), d1 (failed), d2 (failed), 2 more" in shown


def test_a_task_in_full_says_why_and_leaves_out_what_it_has_not() -> None:
    task = a_task(
        output="all\ngreen",
        worker_id="w1",
        worker_slot=2,
        metadata={"area": "auth"},
        created_by="cli",
        completed_at=MOMENT,
    )
    explained = an_explanation(
        reason="It waits.", root_causes=[Blocker(task_id="db", status="failed")], unblocks=["ui"]
    )
    shown = task_view(PIPE, task, explained).splitlines()
    fields = dict(line.split("  ", 1) for line in shown if not line.startswith(" "))
    told = {name: value.strip() for name, value in fields.items()}
    assert told == {
        "id": "a",
        "status": "available",
        "why": "It waits.",
        "description": "x",
        "priority": "0",
        "root causes": "db (failed)",
        "unblocks": "ui",
        "output": "all",
        "worker": "w1",
        "slot": "2",
        "attempt": "0",
        "metadata": '{"area":"auth"}',
        "created": f"{MOMENT} by cli",
        "completed": MOMENT,
        "updated": f"{MOMENT}, version 1",
    }
    assert "             green" in shown


def test_the_status_shows_the_server_the_counters_the_slots_and_the_queue() -> None:
    slots = [
        Slot(slot=1, status="working", worker_id="w1", task_id="a", claimed_at=MOMENT),
        Slot(slot=2, status="free"),
    ]
    queue = [
        TaskSummary(
            id="b", description="next", status="available", priority=7, attempt=0, version=1
        )
    ]
    shown = status_view(PIPE, "ws://here", SERVER, a_snapshot(slots, queue)).splitlines()
    rows = [line.split() for line in shown]
    assert ["server", "ws://here"] in rows
    assert ["version", "1.2.3,", "up", "2", "h", "5", "min"] in rows
    assert ["project", "web,", "event", "9"] in rows
    assert "tasks        1 blocked, 2 available, 3 working, 4 done, 5 failed, 6 cancelled" in shown
    assert ["slots", "1", "held,", "1", "free"] in rows
    assert ["1", "working,", "held", "2", "min", "w1", "a"] in rows
    assert ["2", "free", "-", "-"] in rows
    assert ["b", "7", "next"] in rows


def test_a_project_with_many_slots_shows_the_held_ones_only() -> None:
    slots = [Slot(slot=number, status="free") for number in range(1, 100)]
    slots.append(Slot(slot=100, status="idle", worker_id="w1", claimed_at=MOMENT))
    shown = status_view(PIPE, "ws://here", SERVER, a_snapshot(slots, []))
    assert "1 held, 99 free" in shown
    assert len(shown.splitlines()) == 10


def test_an_event_is_one_line_with_its_number_and_moment() -> None:
    event = Event(seq=7, time=MOMENT, type="task_claimed", task_id="a", worker_id="w1")
    assert event_line(PIPE, event, NOW).split() == ["7", MOMENT, "task_claimed", "a", "w1"]


def test_an_event_on_a_terminal_has_a_symbol_and_the_time_of_day() -> None:
    event = Event(seq=7, time=MOMENT, type="slot_released", slot=3)
    assert event_line(TERMINAL, event, NOW).split() == [
        "7",
        "09:30:00",
        "◂",
        "slot_released",
        "slot=3",
        "-",
    ]


def test_an_event_of_a_hostile_worker_stays_one_harmless_line() -> None:
    event = Event(
        seq=1, time=MOMENT, type="task_done", task_id="[red]x[/red]", worker_id="w\n\x1b[31m"
    )
    shown = event_line(TERMINAL, event, NOW)
    assert shown.endswith("[red]x[/red]          w \\x1b[31m\n")
    assert shown.count("\n") == 1


def test_an_answer_of_another_version_is_said_to_be_one() -> None:
    with pytest.raises(InternalError, match="another version than this command"):
        understood(Slot, {"slot": "one"})
