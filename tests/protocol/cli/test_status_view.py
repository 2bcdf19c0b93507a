"""Tests of `protocol.cli.status_view`: the state of a server at a glance."""

from typing import Any

from protocol.cli.screen import Screen
from protocol.cli.status_view import status_view
from protocol.models import Slot, TaskSummary
from protocol.results import Counts, ServerInfo, Snapshot
from tests.protocol.cli.samples import MOMENT, PIPE, TERMINAL

LEASED = "2026-01-31T09:34:30.000Z"
"""Two minutes and a half after the snapshot."""

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


def a_queued(**more: Any) -> TaskSummary:
    return TaskSummary(
        id="b", description="next", status="available", priority=7, attempt=0, version=1, **more
    )


def shown(
    slots: list[Slot], queue: list[TaskSummary] | None = None, screen: Screen = PIPE, **more: Any
) -> str:
    counts = Counts(blocked=1, scheduled=7, available=0, working=3, done=4, failed=5, cancelled=6)
    snapshot = Snapshot(
        project="web",
        seq=9,
        time="2026-01-31T09:32:00.000Z",
        counts=counts,
        workers=slots,
        queue=queue or [],
        **more,
    )
    return status_view(screen, "ws://here", SERVER, snapshot)


def test_the_status_shows_the_server_the_counters_the_slots_and_the_queue() -> None:
    slots = [
        Slot(slot=1, status="working", worker_id="w1", task_id="a", claimed_at=MOMENT),
        Slot(slot=2, status="free"),
    ]
    lines = shown(slots, [a_queued()]).splitlines()
    rows = [line.split() for line in lines]
    counters = "1 blocked, 7 scheduled, 3 working, 4 done, 5 failed, 6 cancelled"
    assert ["server", "ws://here"] in rows
    assert ["version", "1.2.3,", "up", "2", "h", "5", "min"] in rows
    assert ["project", "web,", "event", "9"] in rows
    assert f"tasks        {counters}" in lines
    assert ["slots", "1", "held,", "1", "free"] in rows
    assert ["1", "working,", "held", "2", "min", "-", "w1", "a"] in rows
    assert ["2", "free", "-", "-", "-"] in rows
    assert ["b", "7", "-", "next"] in rows


def test_a_slot_says_how_long_its_lease_lasts() -> None:
    held = Slot(slot=1, status="idle", worker_id="w1", lease_expires_at=LEASED, connected=True)
    assert "2 min left  w1" in shown([held])
    assert "lost" not in shown([held])


def test_a_slot_says_that_its_connection_is_lost() -> None:
    lost = Slot(slot=1, status="working", worker_id="w1", connected=False)
    assert "  connection lost  w1" in shown([lost])
    lost = Slot(slot=1, status="working", connected=False, lease_expires_at=LEASED)
    assert "connection lost, 2 min left" in shown([lost])


def test_a_pause_stands_first_with_its_reason_and_the_way_out() -> None:
    first = shown([], paused=True, pause_reason="a\nmove").splitlines()[0]
    assert first.startswith("PAUSED       nobody may claim: a")
    told = shown([], paused=True).splitlines()[0]
    assert told == "PAUSED       nobody may claim ('task-coordinator resume' ends it)"
    assert "PAUSED" not in shown([])


def test_what_is_overdue_and_who_waits_is_told_where_there_is_any() -> None:
    told = shown([], overdue=2, waiting=3)
    assert "overdue      2, past their deadline\n" in told
    assert "waiting      3 for a task\n" in told
    quiet = shown([])
    assert "overdue" not in quiet
    assert "waiting" not in quiet


def test_an_overdue_task_of_the_queue_says_so() -> None:
    queue = shown([], [a_queued(), a_queued(overdue=True)], TERMINAL).splitlines()[-3:]
    assert [line.split() for line in queue] == [
        ["next", "priority", "deadline", "description"],
        ["b", "7", "next"],
        ["b", "7", "overdue", "next"],
    ]


def test_a_project_with_many_slots_shows_the_held_ones_only() -> None:
    slots = [Slot(slot=number, status="free") for number in range(1, 100)]
    slots.append(Slot(slot=100, status="idle", worker_id="w1", claimed_at=MOMENT))
    told = shown(slots)
    assert "1 held, 99 free" in told
    assert len(told.splitlines()) == 10
