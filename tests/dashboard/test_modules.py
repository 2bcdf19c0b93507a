"""The page's pure modules, run by Node.js: words for everything the server says, and the state
that events leave."""

import re
from typing import Any, get_args

import pytest

from protocol.models import STATUSES, EventType
from tests.dashboard.node import STATIC, run

TYPES = get_args(EventType)
MOMENT = "2026-01-31T09:30:00.000Z"


def test_every_status_has_a_sign_a_hint_and_a_colour() -> None:
    statuses = run("format.js", "m.STATUSES")
    assert set(statuses) == set(STATUSES)
    assert len({status["sign"] for status in statuses.values()}) == len(STATUSES)
    css = (STATIC / "style.css").read_text()
    for status in STATUSES:
        assert statuses[status]["hint"]
        assert f".{status} .sign" in css
        pair = rf"--{status}: light-dark\(#[0-9a-f]{{6}}, #[0-9a-f]{{6}}\);"
        assert re.search(pair, css), "one for light, one for dark"


def test_every_type_of_event_has_words_of_its_own() -> None:
    """Words that are no more than the type itself are what an unknown one gets."""
    told = run("format.js", "v.types.map((type) => m.describe({ type }).what)", types=TYPES)
    unknown = run("format.js", 'm.describe({ type: "task_frobbed" }).what')
    assert unknown == "task frobbed"
    plain = {"claims_paused", "claims_resumed", "template_saved", "template_deleted"}
    for type_, words in zip(TYPES, told, strict=True):
        assert words
        assert type_ in plain or words != type_.replace("_", " ")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"type": "task_lapsed", "data": {"cause": "lease"}}, "lapsed: no sign of life"),
        ({"type": "task_lapsed", "data": {"cause": "other"}}, "lapsed: other"),
        ({"type": "task_progress", "data": {"progress": 0.41, "note": "x"}}, "goes on: 41 %, x"),
        ({"type": "task_failed", "data": {"cause": "timeout"}}, "failed: took too long"),
        ({"type": "claims_paused", "data": {"reason": "a move"}}, "claims paused: a move"),
        ({"type": "slots_changed", "data": {"slots": 8}}, "number of slots changed: 8 now"),
        ({"type": "tasks_pruned", "data": {"removed": 1}}, "old tasks removed: 1 task"),
        ({"type": "slot_claimed", "data": {"resumed": True}}, "taken: its worker is back"),
        ({"type": "resources_reserved", "data": {"resources": "odd"}}, "reserved"),
        ({"type": "task_retrying", "data": {"retryAt": "odd"}}, "failed, next attempt"),
    ],
)
def test_what_an_event_says_is_told(event: dict[str, Any], told: str) -> None:
    assert run("format.js", "m.describe(v.event).what", event=event) == told


# --- what is known ----------------------------------------------------------------------------

TASK = {"id": "a", "status": "working", "version": 3, "attempt": 1, "workerId": "w1"}
COUNTS = dict.fromkeys(STATUSES, 0)
OLD_SNAPSHOT: dict[str, Any] = {"time": MOMENT, "counts": COUNTS, "workers": [], "queue": []}


def after(event: dict[str, Any], task: dict[str, Any]) -> Any:
    """The task after an event about it."""
    whole = {"seq": 9, "time": MOMENT, "taskId": "a", "attempt": 1, "version": 4, **event}
    return run("store.js", "m.taskAfter(v.task, v.event)", task=task, event=whole)


def test_what_belongs_to_a_status_goes_with_it() -> None:
    held = {**TASK, "workerSlot": 1, "leaseExpiresAt": MOMENT, "reserved": ["x"], "note": "on"}
    retry = {"retryAt": MOMENT, "error": "red"}
    event = {"type": "task_retrying", "status": "scheduled", "workerId": "w1", "data": retry}
    task = after(event, held)
    assert not {"workerSlot", "leaseExpiresAt", "reserved"} & set(task)
    assert (task["status"], task["retryAt"], task["error"]) == ("scheduled", MOMENT, "red")
    assert task["note"] == "on"
    task = after({"type": "task_ready", "status": "available", "version": 5}, task)
    assert (task["status"], task["error"]) == ("available", "red")
    assert "retryAt" not in task


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ({"type": "task_progress", "data": {"progress": 0.5, "note": "half"}}, "progress", 0.5),
        ({"type": "task_progress", "data": {"progress": 0.5}}, "note", "before"),
        ({"type": "task_noted", "data": {"note": "new"}}, "note", "new"),
        ({"type": "task_overdue"}, "overdue", True),
        ({"type": "resources_reserved"}, "workerSlot", 1),
    ],
)
def test_what_an_event_says_about_its_task_is_kept(
    event: dict[str, Any], field: str, value: object
) -> None:
    before = {**TASK, "note": "before", "workerSlot": 1}
    task = after({"status": "working", "workerId": "w1", **event}, before)
    assert task[field] == value


def test_an_event_that_is_no_news_changes_nothing() -> None:
    assert after({"type": "task_noted", "status": "done", "version": 3}, TASK) == TASK
    assert after({"type": "task_noted", "status": "done", "taskId": "b"}, TASK) == TASK
    assert after({"type": "task_deleted"}, TASK) is None


def test_events_are_kept_once_and_the_newest_first() -> None:
    values = {"old": [{"seq": 1}, {"seq": 2}], "new": [{"seq": 2}, {"seq": 3}]}
    first = "m.withEvents(m.empty(), v.old)"
    expression = f"((s) => m.withEvents(s, m.unseen(s, v.new)))({first})"
    state = run("store.js", expression, **values)
    assert state["seq"] == 3
    assert [event["seq"] for event in state["events"]] == [3, 2, 1]


def test_what_an_event_does_not_say_is_read_again() -> None:
    """Of every type, the page knows whether the event says all about its task."""
    little = run("store.js", "v.types.filter((type) => m.saysTooLittle({ type }))", types=TYPES)
    assert set(little) == {
        "task_added",
        "task_edited",
        "task_blocked",
        "task_reset",
        "tasks_cleaned",
        "tasks_pruned",
    }


def test_an_answer_without_the_newer_fields_is_understood() -> None:
    expression = "m.withSnapshot(m.empty(), v.snapshot, { tasks: [] }, 0)"
    state = run("store.js", expression, snapshot=OLD_SNAPSHOT)
    assert (state["paused"], state["overdue"], state["waiting"]) == (False, 0, 0)
    state = run("store.js", expression, snapshot={**OLD_SNAPSHOT, "paused": True, "overdue": 2})
    assert (state["paused"], state["pauseReason"], state["overdue"]) == (True, "", 2)
