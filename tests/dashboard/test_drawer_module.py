"""Editing a task: what is sent of it, whose change wins; and the way down to a root cause."""

from typing import Any

import msgspec
import pytest

from protocol.params import EditTask
from tests.dashboard.node import run

TASK: dict[str, Any] = {
    "id": "T1",
    "description": "one\r\ntwo",
    "status": "blocked",
    "priority": 0,
    "dependencies": [" a ", "b"],
    "tags": ["api"],
    "version": 3,
    "deadline": "2030-01-31T09:30:00.000Z",
    "retryDelaySeconds": 2.5,
    "metadata": {"a": [1]},
}


def values(**changes: str) -> Any:
    return {**run("task_edit.js", "m.valuesOf(v.task)", task=TASK), **changes}


def edit(**changes: str) -> Any:
    """What is told to the server after these fields were typed."""
    before = values()
    return run("task_edit.js", "m.editOf(v.before, v.after)", before=before, after=before | changes)


def test_every_field_that_can_be_edited_is_in_the_form() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(EditTask)}
    assert set(run("task_edit.js", "m.FIELDS")) == names - {"taskId", "version", "idempotencyKey"}


def test_what_nobody_touched_is_not_sent() -> None:
    """A browser's controls hand line ends and whole minutes back in their own way."""
    assert values()["description"] == "one\ntwo"
    assert values()["deadline"].count(":") == 1
    assert edit() == {"params": {}, "errors": {}}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ({"description": " Do it "}, {"description": " Do it "}),
        ({"priority": "-3"}, {"priority": -3}),
        ({"tags": " x \n\nx\ny"}, {"tags": ["x", "y"]}),
        ({"tags": ""}, {"tags": []}),
        ({"dependencies": " a "}, {"dependencies": [" a "]}),
        ({"maxAttempts": "2", "timeoutSeconds": "30"}, {"maxAttempts": 2, "timeoutSeconds": 30}),
        ({"retryDelaySeconds": "", "deadline": ""}, {"retryDelaySeconds": None, "deadline": None}),
        ({"metadata": '{"b": 2}'}, {"metadata": {"b": 2}}),
        ({"expectedOutput": "  "}, {"expectedOutput": None}),
    ],
)
def test_only_what_was_changed_is_sent(typed: dict[str, str], sent: dict[str, Any]) -> None:
    assert edit(**typed) == {"params": sent, "errors": {}}
    msgspec.convert({"taskId": "T1", **sent}, EditTask)


def test_a_moment_is_sent_as_the_same_moment() -> None:
    later = run(
        "task_edit.js", "m.valuesOf(v.task)", task=TASK | {"deadline": "2031-02-03T04:05:06Z"}
    )
    assert edit(deadline=later["deadline"])["params"] == {"deadline": "2031-02-03T04:05:06.000Z"}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("description", " \n"),
        ("priority", ""),
        ("priority", "high"),
        ("priority", "1.5"),
        ("maxAttempts", "2e3"),
        ("timeoutSeconds", "-1"),
        ("metadata", "[1]"),
        ("metadata", "{"),
        ("deadline", "tomorrow"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_field(field: str, text: str) -> None:
    told = edit(**{field: text})
    assert list(told["errors"]) == [field]
    assert told["params"] == {}


def test_what_only_one_side_changed_is_kept_and_both_are_a_conflict() -> None:
    before = values()
    merged = run(
        "task_edit.js",
        "m.merge(v.before, v.theirs, v.mine)",
        before=before,
        theirs=before | {"priority": "7", "tags": "theirs", "metadata": '{"same": 1}'},
        mine=before | {"description": "mine", "tags": "mine", "metadata": '{"same": 1}'},
    )
    assert merged["conflicts"] == ["tags"]
    assert {name: merged["values"][name] for name in ("priority", "description", "tags")} == {
        "priority": "7",
        "description": "mine",
        "tags": "mine",
    }


@pytest.mark.parametrize(
    ("refusal", "field"),
    [
        ({"reason": "invalid_params", "data": {"field": "tags[2]"}}, "tags"),
        ({"reason": "invalid_params", "data": {"field": "metadata.a"}}, "metadata"),
        ({"reason": "invalid_params", "data": {"field": "taskId"}}, ""),
        ({"reason": "invalid_time", "data": {"field": "notBefore"}}, "notBefore"),
        ({"reason": "dependency_cycle", "data": {"cycle": ["a", "b"]}}, "dependencies"),
        ({"reason": "invalid_resource", "data": {}}, "resources"),
        ({"reason": "storage_unavailable"}, ""),
        ({"reason": "invalid_params", "data": {"field": "constructor"}}, ""),
    ],
)
def test_a_refusal_stands_at_its_field(refusal: dict[str, Any], field: str) -> None:
    assert run("task_edit.js", "m.fieldOf(v.refusal)", refusal=refusal) == field


def task(name: str, *dependencies: str, status: str = "blocked") -> dict[str, Any]:
    return {"id": name, "status": status, "dependencies": dependencies}


def ways(tasks: list[dict[str, Any]], *roots: str) -> list[list[str]]:
    asked = [{"id": root, "status": "failed"} for root in roots]
    found = run("waits.js", "m.waysDown('T', v.tasks, v.roots)", tasks=tasks, roots=asked)
    return [[step["id"] for step in way] for way in found]


def test_the_way_to_a_root_cause_is_the_shortest_one() -> None:
    tasks = [
        task("T", "a", "x"),
        task("a", "b"),
        task("b", "root"),
        task("x", "root", "gone"),
        task("root", status="failed"),
    ]
    assert ways(tasks, "root", "far") == [["x", "root"], ["far"]]


def test_a_way_ends_even_where_the_answer_shows_a_circle() -> None:
    """The tasks of one answer are one state, but nothing on the page relies on it."""
    assert ways([task("T", "a"), task("a", "T", "a", "b"), task("b", "a")], "b") == [["a", "b"]]
