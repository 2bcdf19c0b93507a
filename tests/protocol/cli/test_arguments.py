"""Tests of `protocol.cli.arguments`: words become the params that were meant, or a clear line."""

from typing import Any

import msgspec
import pytest

from protocol.cli.arguments import find_method, params_of, parse_params, takes
from protocol.methods import METHODS


def parsed(name: str, *words: str, stdin: str = "") -> dict[str, Any]:
    return parse_params(METHODS[name], words, lambda: stdin)


def refused(name: str, *words: str, stdin: str = "") -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the callers look at the message
        parsed(name, *words, stdin=stdin)
    return str(caught.value)


def test_text_stays_text_even_if_it_looks_like_something_else() -> None:
    assert parsed("add_task", "description=5", "id=true", "output=[1]") == {
        "description": "5",
        "id": "true",
        "output": "[1]",
    }


def test_everything_after_the_first_sign_belongs_to_the_value() -> None:
    assert parsed("add_task", "description=a=b:=c") == {"description": "a=b:=c"}
    assert parsed("add_task", "description=") == {"description": ""}
    assert parsed("add_task", "description=one\ntwo") == {"description": "one\ntwo"}


def test_numbers_and_booleans_are_read_as_the_param_needs_them() -> None:
    assert parsed("add_task", "description=x", "priority=-5")["priority"] == -5
    assert parsed("reset_failed_task", "taskId=7", "force=true") == {"taskId": "7", "force": True}
    assert parsed("reset_failed_task", "taskId=7", "force=No")["force"] is False


def test_lengths_of_time_are_numbers_and_moments_are_sent_in_utc() -> None:
    assert parsed("claim_next_task", "workerId=w", "waitSeconds=20") == {
        "workerId": "w",
        "waitSeconds": 20,
    }
    assert parsed("add_task", "description=x", "timeoutSeconds=0.5")["timeoutSeconds"] == 0.5
    moment = parsed("edit_task", "taskId=a", "deadline=2026-01-31T10:30:00+01:00")["deadline"]
    assert moment == "2026-01-31T09:30:00.000Z"


def test_a_list_of_text_is_written_with_commas_or_as_json() -> None:
    assert parsed("list_tasks", "tags=a, b,") == {"tags": ["a", "b"]}
    assert parsed("list_tasks", 'tags=["a,b"]') == {"tags": ["a,b"]}
    assert parsed("list_tasks", "status=done,failed") == {"status": ["done", "failed"]}
    assert parsed("list_tasks", "tags=") == {"tags": []}


def test_objects_and_lists_of_objects_are_json() -> None:
    assert parsed("add_tasks", 'tasks=[{"description": "x"}]') == {"tasks": [{"description": "x"}]}
    assert parsed("add_task", "description=x", 'metadata={"a": 1}')["metadata"] == {"a": 1}


def test_the_json_sign_forces_json_whatever_the_param_is() -> None:
    assert parsed("edit_task", "taskId=a", "expectedOutput:=null") == {
        "taskId": "a",
        "expectedOutput": None,
    }


def test_one_object_or_array_stands_for_all_params() -> None:
    whole = {"taskId": "a", "workerId": "w", "workerSlot": 1}
    assert parsed("claim_task", ' {"taskId": "a", "workerId": "w", "workerSlot": 1}') == whole
    assert parsed("claim_task", '["a", "w", 1]') == whole


def test_a_dash_reads_the_params_from_stdin() -> None:
    assert parsed("get_task", "-", stdin='{"taskId": "a"}') == {"taskId": "a"}


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("claim_task", ("taskid=a",), "no param 'taskid'. Did you mean taskId?"),
        ("claim_task", ("worker_slot=1",), "Did you mean workerSlot?"),
        ("claim_task", ("taskId=a",), "needs workerId and workerSlot"),
        ("claim_task", ('{"taskId": "a", "who": 1}',), "no param 'who'"),
        ("get_workers", ("x=1",), "get_workers takes no params."),
        ("claim_task", ("taskId",), "'taskId' is neither key=value"),
        ("claim_task", ('{"taskId": "a"}', "workerId=w"), "is neither key=value"),
        ("claim_task", ("workerSlot=one",), "workerSlot must be a whole number, not 'one'"),
        ("claim_task", ("workerSlot=1_0",), "must be a whole number"),
        ("reset_failed_task", ("force=maybe",), "force must be true or false"),
        ("list_tasks", ("status=finished",), "each one of"),
        ("list_tasks", ("sort=name",), "sort must be one of -created"),
        ("list_tasks", ("limit=1", "limit=2"), "limit is given twice"),
        ("list_tasks", ("tags=[1",), "tags must be a list, each text"),
        ("add_task", ("metadata=[1]",), "metadata must be a JSON object"),
        ("add_task", ("metadata:={",), "metadata is not valid JSON"),
        ("claim_task", ('["a", "w", 1, null, null, 6]',), "has 6 values, too many"),
        ("claim_next_task", ("waitSeconds=long",), "waitSeconds must be a number, not 'long'"),
        ("claim_next_task", ("waitSeconds=1e400",), "waitSeconds must be a number"),
        ("add_task", ("deadline=soon",), "deadline must be a time such as 2026-01-31T09:30:00Z"),
        ("prune", ("eventsBefore=30d",), "not '30d': write a time of this machine"),
        ("claim_task", ("{",), "the argument is not valid JSON"),
    ],
)
def test_a_word_that_cannot_be_meant_is_named(name: str, words: tuple[str, ...], told: str) -> None:
    assert told in refused(name, *words)


def test_stdin_without_params_is_named_as_the_source() -> None:
    assert "stdin is not valid JSON" in refused("get_task", "-", stdin="nonsense")
    assert "stdin is JSON of another kind" in refused("get_task", "-", stdin="5")


def test_an_unknown_method_is_told_with_the_closest_ones() -> None:
    with pytest.raises(ValueError, match="Did you mean claim_task or"):
        find_method("clam-task")
    with pytest.raises(ValueError, match=r"no method 'xyzzy'\. 'call --list'"):
        find_method("xyzzy")


def test_what_a_method_takes_has_its_optional_params_in_brackets() -> None:
    assert takes(METHODS["claim_worker_slot"]) == (
        "claim_worker_slot takes [workerId], [leaseSeconds], [bindToConnection], [waitSeconds], "
        "[idempotencyKey]."
    )


SAMPLES = {
    "text": "a",
    "a whole number": "1",
    "a number": "60",
    "a time such as 2026-01-31T09:30:00Z": "2026-01-31T09:30:00Z",
    "true or false": "yes",
    "a list, each text": "a,b",
    "a JSON object": "{}",
}
SAMPLES_BY_NAME = {
    "progress": "0.5",
    "tasks": '[{"id": "a", "description": "x"}]',
}
"""Where the bounds are narrower, or what is inside a list matters."""


@pytest.mark.parametrize("name", METHODS)
def test_every_param_of_the_table_can_be_written_as_a_word(name: str) -> None:
    method = METHODS[name]
    words: list[str] = []
    for param in params_of(method):
        sample = SAMPLES_BY_NAME.get(param.name) or SAMPLES.get(param.kind.name)
        if sample is None:
            sample = param.kind.name.split("one of ")[1].split(", ")[0]
        words.append(f"{param.name}={sample}")
    params = parsed(name, *words)
    assert set(params) == set(method.positional)
    assert isinstance(msgspec.convert(params, method.params), method.params)
