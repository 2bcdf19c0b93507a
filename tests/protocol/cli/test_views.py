"""Tests of `protocol.cli.views`: the facts that people look for, each with a word beside it."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from protocol.cli.screen import Screen
from protocol.cli.views import task_view, tasks_table, understood
from protocol.errors import InternalError
from protocol.models import STATUSES, Blocker, Slot, Task
from protocol.results import Conflict, TaskExplained
from tests.protocol.cli.samples import (
    LATER,
    MOMENT,
    NARROW,
    NOW,
    PIPE,
    TERMINAL,
    a_task,
    an_explanation,
)


def row(task: Task, screen: Screen = PIPE, now: datetime = NOW) -> str:
    return tasks_table(screen, [task], now).splitlines()[1]


def fields(task: Task, explained: TaskExplained, screen: Screen = PIPE) -> dict[str, str]:
    """What the view of one task says, by name; of a longer text the first line."""
    shown = task_view(screen, task, explained, NOW).splitlines()
    named = dict(line.split("  ", 1) for line in shown if not line.startswith(" "))
    return {name: value.strip() for name, value in named.items()}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_told_by_its_word_and_on_a_terminal_with_a_symbol(status: str) -> None:
    piped = row(a_task(status=status)).split()
    shown = row(a_task(status=status), TERMINAL).split()
    assert piped[1] == status
    assert len(shown[1]) == 1
    assert shown[2] == status


def test_an_encoding_without_symbols_gets_the_word_alone() -> None:
    screen = Screen(terminal=True, unicode=False, width=200)
    working = a_task(status="working", progress=0.5)
    assert tasks_table(screen, [a_task(), working], NOW).isascii()


def test_a_blocked_task_names_what_it_waits_for() -> None:
    blockers = [Blocker(task_id=f"d{n}", status="failed") for n in range(5)]
    blocked = a_task(status="blocked", blocked_by=blockers)
    assert "waits for d0 (failed), d1 (failed), d2 (failed), 2 more" in row(blocked)
    assert "waits for d0, 4 more" in row(blocked, NARROW)


def test_a_scheduled_task_says_until_when_and_whether_it_is_tried_again() -> None:
    scheduled = a_task(status="scheduled", not_before=LATER)
    again = a_task(status="scheduled", not_before=MOMENT, retry_at=LATER)
    assert f"until {LATER}" in row(scheduled)
    assert f"retry at {LATER}" in row(again)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    assert "until 14:04:30" in row(scheduled, TERMINAL, elsewhere)
    tomorrow = a_task(status="scheduled", not_before="2026-02-01T09:30:59.000Z")
    assert "until 2026-02-01 09:30 " in row(tomorrow, TERMINAL)


def test_a_working_task_says_how_far_it_is_and_how_long_its_lease_lasts() -> None:
    working = a_task(status="working", progress=0.41, lease_expires_at=LATER)
    assert "41%, lease 4 min" in row(working)
    assert "████░░░░░░ 41%, lease 4 min" in row(working, TERMINAL)
    assert "lease 0 s" in row(a_task(status="working", lease_expires_at=MOMENT))


def test_what_was_is_not_told_of_a_task_that_nobody_works_on() -> None:
    waiting = a_task(progress=0.41, retry_at=MOMENT, not_before=MOMENT)
    assert row(waiting).split() == ["a", "available", "0", "-", "0", "-", "x"]


def test_an_overdue_task_says_so_in_a_word() -> None:
    assert "until" not in row(a_task(overdue=True))
    assert " overdue " in row(a_task(overdue=True))
    coloured = Screen(terminal=True, colour=True, width=200)
    assert "\x1b[31moverdue" in row(a_task(overdue=True), coloured)


def test_a_terminal_leaves_out_figures_that_say_nothing() -> None:
    titles = tasks_table(TERMINAL, [a_task()], NOW).splitlines()[0].split()
    assert titles == ["id", "status", "description"]
    titles = tasks_table(TERMINAL, [a_task(priority=-1, attempt=1)], NOW).splitlines()[0].split()
    assert titles == ["id", "status", "priority", "attempt", "description"]


def test_a_narrow_terminal_has_room_for_a_row() -> None:
    task = a_task(
        id="TASK-001",
        status="working",
        priority=-10,
        attempt=2,
        worker_id="worker-1",
        progress=0.4,
        lease_expires_at=LATER,
        description="word " * 100,
    )
    lines = tasks_table(NARROW, [task], NOW).splitlines()
    assert lines[0].split() == ["id", "status", "prio", "worker", "detail", "description"]
    assert max(map(len, lines)) <= 80
    assert " 40%, lease 4 min " in lines[1]


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
    assert fields(task, explained) == {
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
    assert "             green" in task_view(PIPE, task, explained, NOW)


def test_a_task_in_full_tells_its_times_and_how_far_away_they_are() -> None:
    task = a_task(
        not_before=MOMENT,
        deadline=LATER,
        retry_at=LATER,
        lease_expires_at=LATER,
        max_attempts=3,
        retry_delay_seconds=90.0,
        timeout_seconds=7_200.0,
    )
    told = fields(task, an_explanation())
    assert told["not before"] == f"{MOMENT}, 2 h 30 min ago"
    for name in ("deadline", "retry", "lease"):
        assert told[name] == f"{LATER}, in 4 min"
    assert told["max attempts"] == "3"
    assert told["retry delay"] == "1 min"
    assert told["time limit"] == "2 h 0 min"


def test_a_task_in_full_tells_what_it_needs_and_who_holds_it() -> None:
    conflict = Conflict(resource="src/auth/login.py", held="src/auth/", task_id="b", holder="w2")
    task = a_task(
        status="working", resources=["src/a.py", "db"], reserved=["src/b/"], progress=0.5, note="on"
    )
    told = fields(task, an_explanation(conflicts=[conflict]))
    assert told["resources"] == "src/a.py, db"
    assert told["reserved"] == "src/b/"
    assert told["conflicts"] == "src/auth/login.py: w2 holds src/auth/ for task b"
    assert (told["progress"], told["note"]) == ("50%", "on")
    assert fields(task, an_explanation(), TERMINAL)["progress"] == "█████░░░░░ 50%"


def test_a_passed_deadline_is_overdue_in_a_word() -> None:
    told = fields(a_task(deadline=MOMENT, overdue=True), an_explanation())
    assert told["deadline"] == f"{MOMENT}, 2 h 30 min ago, overdue"


HOSTILE = "[red]x[/red]\x1b[31m\nb"


@pytest.mark.parametrize(
    "more",
    [
        {"note": HOSTILE},
        {"resources": [HOSTILE]},
        {"reserved": [HOSTILE]},
        {"error": HOSTILE},
        {"worker_id": HOSTILE},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_an_agent_wrote_cannot_touch_a_terminal(more: dict[str, Any]) -> None:
    shown = task_view(TERMINAL, a_task(**more), an_explanation(), NOW)
    assert "[red]x[/red]\\x1b[31m" in shown
    assert "\nb" not in shown, "it would pass for a field"


def test_an_answer_of_another_version_is_said_to_be_one() -> None:
    with pytest.raises(InternalError, match="another version than this command"):
        understood(Slot, {"slot": "one"})
