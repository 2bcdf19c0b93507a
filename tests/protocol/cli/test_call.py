"""Tests of `task-coordinator call`: any method, from a shell, against a real server."""

import json
import re

import pytest

from protocol.methods import METHODS
from tests.protocol.cli.running import NOBODY, Command
from tests.protocol.cli.terminal import on_a_terminal


def test_a_worker_can_do_its_whole_round_from_a_shell(command: Command) -> None:
    command.ok("call", "add_task", "id=a", "description=Write it")
    slot = command.json("call", "claim_worker_slot", "workerId=7")["slot"]
    claimed = command.json("call", "claim_task", "taskId=a", "workerId=7", f"workerSlot={slot}")
    assert claimed["task"]["workerId"] == "7"
    done = command.json("call", "update_task", "taskId=a", "workerId=7", "status=done", "output=5")
    assert done["task"]["status"] == "done"
    assert command.json("call", "get_task", '{"taskId": "a"}')["task"]["output"] == "5"
    assert command.json("call", "get_task", '["a"]')["task"]["id"] == "a"
    assert command.json("call", "get_task", "-", stdin='{"taskId": "a"}')["task"]["id"] == "a"


def test_a_piped_result_is_pretty_and_with_json_one_line(command: Command) -> None:
    pretty = command.ok("call", "get_workers")
    assert pretty.startswith('{\n  "workers": [\n')
    compact = command.ok("call", "get_workers", "--json")
    assert compact.count("\n") == 1
    assert json.loads(compact) == json.loads(pretty)


def test_a_result_on_a_terminal_is_coloured_unless_that_is_not_wanted(command: Command) -> None:
    code, shown = on_a_terminal(command, "call", "get_workers")
    assert code == 0
    assert "\x1b[" in shown
    assert json.loads(re.sub(r"\x1b\[[0-9;]*m", "", shown))["free"] == 5
    _, plain = on_a_terminal(command, "call", "get_workers", NO_COLOR="1")
    assert "\x1b" not in plain
    assert json.loads(plain)["free"] == 5


def test_a_refusal_is_one_line_with_the_fix_and_code_1(command: Command) -> None:
    done = command("call", "get_task", "taskId=nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: There is no task `nope`")
    assert done.stderr.count("\n") == 1


def test_a_refusal_with_json_is_an_object_on_stderr(command: Command) -> None:
    done = command("call", "get_task", "taskId=nope", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr)["error"]["reason"] == "task_not_found"


def test_a_value_out_of_its_bounds_is_refused_by_the_server(command: Command) -> None:
    done = command("call", "list_tasks", "limit=1000000")
    assert done.returncode == 1
    assert "`limit`" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("clam_task",), "Did you mean claim_task"),
        (("claim_task", "taskId=a"), "claim_task needs workerId and workerSlot"),
        (("claim_task", "task=a"), "claim_task takes taskId, workerId, workerSlot"),
        (("subscribe",), "Use 'task-coordinator watch' instead."),
    ],
)
def test_a_call_that_cannot_be_meant_is_wrong_usage_without_a_server(
    words: tuple[str, ...], told: str
) -> None:
    done = Command(NOBODY)("call", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_method_all_of_them_are_listed_and_no_server_is_needed() -> None:
    shown = Command(NOBODY).ok("call")
    assert shown == Command(NOBODY).ok("call", "--list")
    rows = {line.split()[1]: line.split()[0] for line in shown.splitlines()[1:]}
    assert rows == {method.name: method.group for method in METHODS.values()}


def test_the_list_in_json_says_what_each_method_takes() -> None:
    listed = Command(NOBODY).json("call", "--list")
    by_name = {method["name"]: method for method in listed}
    assert set(by_name) == set(METHODS)
    assert by_name["get_task"]["params"] == [{"name": "taskId", "kind": "text", "required": True}]


def test_one_method_is_explained_param_by_param() -> None:
    shown = Command(NOBODY).ok("call", "--list", "claim_task")
    assert re.search(r"^workerSlot +yes +a whole number +Worker slot", shown, re.MULTILINE)
    assert re.search(r"^refusals  .*task_not_available", shown, re.MULTILINE)
