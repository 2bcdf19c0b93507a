"""Tests of `task-coordinator slots`, `pause` and `resume` against a real server."""

import pytest

from tests.protocol.cli.running import NOBODY, Command


def test_the_number_of_slots_is_changed(command: Command) -> None:
    assert command.ok("slots", "8") == "8 worker slots\n"
    assert len(command.json("status")["snapshot"]["workers"]) == 8
    assert command.ok("slots", "1") == "1 worker slot\n"
    assert command.json("slots", "2") == {"slots": 2, "draining": []}


def test_slots_at_work_are_named(command: Command) -> None:
    for number in range(1, 4):
        worker = f"w{number}"
        command.send("add_task", id=f"t{number}", description="x")
        command.send("claim_worker_slot", workerId=worker)
        command.send("claim_task", taskId=f"t{number}", workerId=worker, workerSlot=number)
    told = command.ok("slots", "2")
    assert told == "2 worker slots; slot 3 goes when its task ends\n"
    told = command.ok("slots", "1")
    assert told == "1 worker slot; slots 2, 3 go when their tasks end\n"


def test_nobody_may_claim_between_pause_and_resume(command: Command) -> None:
    told = command.ok("pause", "the database", "moves\nnow")
    assert told == (
        "nobody may claim: the database moves now ('task-coordinator resume' ends it)\n"
    )
    shown = command.ok("status")
    assert shown.startswith("PAUSED       nobody may claim: the database moves\n")
    assert command.ok("resume") == "workers may claim\n"
    assert "PAUSED" not in command.ok("status")


def test_a_pause_needs_no_reason(command: Command) -> None:
    assert command.json("pause") == {"paused": True}
    assert command.ok("pause") == "nobody may claim ('task-coordinator resume' ends it)\n"
    assert command.json("resume") == {"paused": False}


@pytest.mark.parametrize("number", ["0", "-1", "10001", "many"])
def test_a_number_of_slots_that_cannot_be_is_wrong_usage(number: str) -> None:
    done = Command(NOBODY)("slots", "--", number)
    assert (done.returncode, done.stdout) == (2, "")
    assert number in done.stderr
