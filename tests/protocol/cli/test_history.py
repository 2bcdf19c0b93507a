"""Tests of `task-coordinator history` and `stats` against a real server."""

import pytest

from protocol.limits import EVENTS_PAGE_MAX
from tests.protocol.cli.running import NOBODY, Command


def work(command: Command, task_id: str, worker_id: str, status: str, **report: str) -> None:
    """One attempt at a task, from its claim to its end."""
    slot = command.send("claim_worker_slot", workerId=worker_id)["slot"]
    command.send("claim_task", taskId=task_id, workerId=worker_id, workerSlot=slot)
    command.send("update_task", taskId=task_id, workerId=worker_id, status=status, **report)


def add_worked(command: Command) -> None:
    """A task that failed once and was done at the second attempt."""
    command.send("add_task", id="a", description="x")
    work(command, "a", "w1", "failed", error="red")
    command.send("reset_failed_task", taskId="a")
    work(command, "a", "w2", "done", output="green")


def test_it_shows_the_attempts_and_then_what_happened(command: Command) -> None:
    add_worked(command)
    lines = command.ok("history", "a").splitlines()
    first, second = (line.split() for line in lines[1:3])
    assert (first[:2], first[-2:]) == (["1", "w1"], ["failed", "red"])
    assert (second[:2], second[-2:]) == (["2", "w2"], ["done", "-"])
    types = [line.split()[2] for line in lines[4:]]
    assert types[0] == "task_added"
    assert types[-1] == "task_done"
    assert lines[-1].endswith(": green")


def test_the_newest_events_are_shown_and_the_others_counted(command: Command) -> None:
    add_worked(command)
    whole = command.json("history", "a")
    assert len(whole["events"]) == 6
    assert "eventsLeftOut" not in whole
    done = command("history", "a", "--limit", "2")
    assert done.stderr == "2 events shown, 4 older ones left out: use --limit N or --all.\n"
    part = command.json("history", "a", "--limit", "2")
    assert part["events"] == whole["events"][-2:]
    assert part["attempts"] == whole["attempts"]
    assert part["eventsLeftOut"] == 4


def test_a_history_of_several_pages_is_put_together(command: Command) -> None:
    command.send("add_task", id="a", description="x")
    slot = command.send("claim_worker_slot", workerId="w1")["slot"]
    command.send("claim_task", taskId="a", workerId="w1", workerSlot=slot)
    notes = EVENTS_PAGE_MAX + 5
    command.send_many(
        ("add_note", {"taskId": "a", "note": f"note {number}"}) for number in range(notes)
    )
    command.send("update_task", taskId="a", workerId="w1", status="done")
    whole = command.json("history", "a", "--all")
    assert len(whole["events"]) == notes + 3
    (attempt,) = whole["attempts"]
    assert attempt["outcome"] == "done"
    newest = command.json("history", "a")
    assert newest["events"] == whole["events"][-50:]
    assert newest["eventsLeftOut"] == notes + 3 - 50


def test_a_task_that_was_never_there_is_refused(command: Command) -> None:
    done = command("history", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nope" in done.stderr


def test_the_figures_count_what_became_of_the_attempts(command: Command) -> None:
    add_worked(command)
    shown = command.ok("stats")
    assert "attempts      2 ended: 1 done, 1 failed, 0 lapsed, 0 given back\n" in shown
    rows = [line.split()[:3] for line in shown.splitlines()]
    assert ["w1", "0", "1"] in rows
    assert ["w2", "1", "0"] in rows
    assert command.json("stats")["project"]["attempts"] == 2


def test_the_figures_of_one_worker_are_its_own(command: Command) -> None:
    add_worked(command)
    shown = command.ok("stats", "--worker", "w2", "--window", "1h")
    assert "attempts      1 ended: 1 done, 0 failed, 0 lapsed, 0 given back\n" in shown
    assert "w1" not in shown
    told = command.json("stats", "--worker", "w2", "--window", "1h")
    assert [worker["workerId"] for worker in told["workers"]] == ["w2"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("history", "a", "--all", "--limit", "5"), "exclude each other"),
        (("history",), "Missing argument 'ID'"),
        (("stats", "--window", "5"), "'5' is no length of time"),
        (("stats", "--window", "5s"), "'5s' is shorter than 1m"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(words: tuple[str, ...], told: str) -> None:
    done = Command(NOBODY)(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
