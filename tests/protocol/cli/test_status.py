"""Tests of `task-coordinator status` against a real server."""

import re

from tests.protocol.cli.running import Command


def test_it_shows_the_server_the_counters_the_slots_and_the_queue(command: Command) -> None:
    command.send("add_task", id="a", description="first")
    command.send("add_task", id="b", description="second", priority=5)
    command.send("claim_worker_slot", workerId="w1")
    command.send("claim_task", taskId="a", workerId="w1", workerSlot=1)
    shown = command.ok("status")
    assert re.search(rf"^server +{command.url}/projects/{command.project}$", shown, re.MULTILINE)
    assert re.search(r"^tasks +1 available, 1 working$", shown, re.MULTILINE)
    assert re.search(r"^ +1  working, held .+ left  w1 +a$", shown, re.MULTILINE)
    assert re.search(r"^b +5  - +second$", shown, re.MULTILINE)
    assert "\x1b" not in shown


def test_in_json_it_is_one_document_of_both_results(command: Command) -> None:
    told = command.json("status")
    assert set(told) == {"server", "snapshot"}
    assert told["server"]["project"] == told["snapshot"]["project"] == command.project


def test_the_queue_is_as_long_as_asked_for(command: Command) -> None:
    for number in range(3):
        command.send("add_task", description=f"task {number}")
    assert len(command.json("status", "--queue", "2")["snapshot"]["queue"]) == 2
    assert "NEXT" not in command.ok("status", "--queue", "0")
