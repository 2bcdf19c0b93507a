"""Tests of `protocol.cli.history_view`: attempts and figures as people read them."""

from typing import Any

from protocol.cli.history_view import attempts_table, history_view, stats_view
from protocol.models import AttemptRecord
from protocol.results import Percentiles, Stats, WorkerStats
from tests.protocol.cli.samples import (
    LATER,
    MOMENT,
    NARROW,
    NOW,
    PIPE,
    TERMINAL,
    an_attempt,
    an_event,
)


def cells(attempt: AttemptRecord) -> list[str]:
    return attempts_table(PIPE, [attempt], NOW).splitlines()[1].split("  ")


def row(attempt: AttemptRecord) -> list[str]:
    return [cell.strip() for cell in cells(attempt) if cell.strip()]


def test_an_attempt_says_who_when_how_long_and_how_it_ended() -> None:
    ended = an_attempt(
        slot=2, ended_at=LATER, outcome="failed", seconds=75.0, waited_seconds=0.25, error="a\nb"
    )
    assert row(ended) == ["1", "w1", "2", MOMENT, "0.2 s", "1 min", "failed", "a b"]


def test_an_attempt_that_goes_on_says_how_long_by_now() -> None:
    assert row(an_attempt()) == ["1", "w1", "-", MOMENT, "-", "2 h 30 min", "going on", "-"]


def test_an_attempt_whose_end_nobody_knows_has_no_length() -> None:
    removed = an_attempt(outcome="deleted")
    assert row(removed) == ["1", "w1", "-", MOMENT, "-", "-", "deleted", "-"]


def test_a_lapse_says_why() -> None:
    assert row(an_attempt(outcome="lapsed", cause="lease"))[-1] == "no sign of life"
    assert row(an_attempt(outcome="released", cause="not_yet_known"))[-1] == "not yet known"


def test_a_long_error_is_cut_and_a_hostile_one_harmless() -> None:
    long = an_attempt(outcome="failed", error="\x1b[2J " + "x" * 5_000)
    for screen in (PIPE, TERMINAL, NARROW):
        shown = attempts_table(screen, [long], NOW)
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) < 300
    assert max(map(len, attempts_table(NARROW, [long], NOW).splitlines())) <= 80


def test_the_history_is_the_attempts_and_then_the_events() -> None:
    events = [an_event("task_added", status="available"), an_event("task_claimed", attempt=1)]
    lines = history_view(PIPE, [an_attempt()], events, NOW).splitlines()
    assert lines[0].startswith("ATTEMPT")
    assert lines[2] == ""
    assert [line.split()[2] for line in lines[3:]] == ["task_added", "task_claimed"]


def test_a_task_that_nobody_tried_has_events_only() -> None:
    shown = history_view(PIPE, [], [an_event("task_added")], NOW)
    assert shown.splitlines()[0].split()[2] == "task_added"
    assert not history_view(PIPE, [an_attempt()], [], NOW).endswith("\n\n")


# --- figures ----------------------------------------------------------------------------------

SECONDS = Percentiles(p50=0.25, p90=12.0, p95=75.0, p99=3_700.0, max=90_000.0, mean=5.0)


def a_worker(**more: Any) -> WorkerStats:
    fields: dict[str, Any] = {
        "attempts": 10,
        "done": 4,
        "failed": 3,
        "lapsed": 2,
        "released": 1,
        "done_per_hour": 0.1667,
        "failure_rate": 0.3,
        "lapse_rate": 0.2,
    }
    return WorkerStats(**{**fields, **more})


def figures(
    project: WorkerStats,
    *workers: WorkerStats,
    truncated: bool = False,
    worker_id: str | None = None,
) -> str:
    stats = Stats(
        seq=9,
        since="2026-01-30T09:30:00.000Z",
        until=MOMENT,
        added=12,
        project=project,
        workers=list(workers),
        truncated=truncated,
    )
    return stats_view(PIPE, stats, worker_id)


def test_the_figures_name_their_window_and_say_what_became_of_the_attempts() -> None:
    lines = figures(a_worker()).splitlines()
    assert lines == [
        f"window        1 d 0 h, from 2026-01-30T09:30:00.000Z to {MOMENT}",
        "worker        all of them",
        "tasks added   12",
        "attempts      10 ended: 4 done, 3 failed, 2 lapsed, 1 given back",
        "done an hour  0.2",
        "failure rate  30.0%",
        "lapse rate    20.0%",
    ]


def test_times_are_told_with_their_percentiles() -> None:
    shown = figures(a_worker(waiting_seconds=SECONDS, working_seconds=SECONDS))
    rows = [line.split() for line in shown.splitlines()]
    assert ["TIME", "P50", "P90", "P95", "P99", "MAX", "MEAN"] in rows
    for name in ("waiting", "working"):
        told = f"{name} 0.2 s 12 s 1 min 1 h 1 min 1 d 1 h 5.0 s"
        assert told.split() in rows


def test_each_worker_has_a_row() -> None:
    shown = figures(a_worker(), a_worker(worker_id="w1", working_seconds=SECONDS), a_worker())
    rows = [line.split() for line in shown.splitlines()[-3:]]
    assert rows[0][:4] == ["WORKER", "DONE", "FAILED", "LAPSED"]
    assert rows[1] == ["w1", "4", "3", "2", "1", "0.2", "0.2", "s", "1", "min"]
    assert rows[2][0] == "-"


def test_the_figures_of_one_worker_are_told_in_place_of_the_projects() -> None:
    worker = a_worker(worker_id="w1", attempts=1, working_seconds=SECONDS)
    lines = figures(a_worker(), worker, worker_id="w1").splitlines()
    assert lines[1:3] == [
        "worker        w1",
        "attempts      1 ended: 4 done, 3 failed, 2 lapsed, 1 given back",
    ]
    assert lines[-1].split()[0] == "working"
    assert figures(a_worker(), worker_id="w2").splitlines()[1:] == [
        "worker    w2",
        "attempts  none ended",
    ]


def test_a_window_without_attempts_says_so() -> None:
    nothing = a_worker(
        attempts=0, done=0, failed=0, lapsed=0, released=0, failure_rate=0, lapse_rate=0
    )
    assert figures(nothing).splitlines()[-1] == "attempts     none ended"


def test_figures_of_a_part_of_the_window_say_so() -> None:
    assert "the newest" in figures(a_worker(), truncated=True)
    assert "the newest" not in figures(a_worker())
