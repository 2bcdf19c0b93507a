"""What is typed into the add dialog: what the server reads of it, and what is sent."""

from typing import Any

import pytest

from protocol.limits import ADD_TASKS_MAX, FRAME_BYTES_MAX
from tests.dashboard.node import run

TASK = {"id": "fix-it", "description": "Fix it", "tags": ["ui"]}
NOW = 1_800_000_000_000
LATER, EARLIER = "2099-01-31T00:00:00Z", "2020-01-31T00:00:00Z"


@pytest.mark.parametrize(
    "line", ["Fix it #ui", " - [ ] Fix it #ui", "[ ] Fix it #ui ", "* Fix it #ui"]
)
def test_a_line_is_a_list_with_one_task(line: str) -> None:
    assert run("quick_add.js", "m.listOf(v.line)", line=line) == "- [ ] Fix it #ui"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Fix it", False),
        ("fix-it: Fix it", True),
        ("`fix it` Fix it", True),
        ("- [ ] fix-it: Fix it", True),
        ("Fix it: now", False),
    ],
)
def test_only_an_id_that_was_given_is_sent(line: str, named: bool) -> None:
    sent = run("quick_add.js", "m.taskOf(v.line, v.task).task", line=line, task=TASK)
    assert ("id" in sent) is named
    assert sent["description"] == "Fix it"


def more(**texts: str) -> Any:
    return run("quick_add.js", 'm.taskOf("Fix it", v.task, {more: v.more})', task=TASK, more=texts)


def test_more_fields_are_sent_where_they_are_filled() -> None:
    plain = {"description": "Fix it", "tags": ["ui"]}
    assert more(expectedOutput=" ", deadline="", maxAttempts="") == {"task": plain, "errors": {}}
    found = more(
        expectedOutput="A report",
        deadline="2099-01-31T09:30:00",
        maxAttempts="3",
        resources="src/\ndb",
        metadata='{"a": 1}',
    )["task"]
    assert (found["output"], found["maxAttempts"]) == ("A report", 3)
    assert (found["resources"], found["metadata"]) == (["src/", "db"], {"a": 1})
    assert found["deadline"].startswith("2099-01-3")
    assert found["deadline"].endswith("Z")
    assert "expectedOutput" not in found


def test_a_field_that_cannot_be_read_is_told() -> None:
    assert more(maxAttempts="three")["errors"] == {"maxAttempts": "has to be a whole number"}


def test_details_go_on_with_the_description() -> None:
    sent = run(
        "quick_add.js", 'm.taskOf("Fix it", v.task, {details: " So: \\n1 "}).task', task=TASK
    )
    assert sent["description"] == "Fix it\n\nSo: \n1"


# --- the draft ----------------------------------------------------------------------------------


def draft(expression: str, **values: Any) -> Any:
    return run("add_draft.js", expression, **values)


def test_what_was_kept_by_somebody_else_does_no_harm() -> None:
    kept = {"line": 5, "text": "a", "more": "x", "odd": 1, "mode": "many"}
    found = draft("m.restored(v.kept)", kept=kept)
    assert (found["line"], found["text"], found["more"]) == ("", "a", {})
    assert "odd" not in found
    assert draft("m.restored(null)") == draft("m.EMPTY")


def test_a_request_stays_the_same_only_while_its_text_does() -> None:
    sent = "{...m.EMPTY, line: 'a', sent: {key: 'k'}}"
    assert draft(f"m.changed({sent}, {{mode: 'many'}}).sent") == {"key": "k"}
    assert draft(f"m.changed({sent}, {{line: 'a'}}).sent") == {"key": "k"}
    assert draft(f"m.changed({sent}, {{line: 'b'}}).sent") is None
    assert draft(f"m.changed({sent}, {{more: {{deadline: 'x'}}}}).sent") is None


@pytest.mark.parametrize(
    ("changes", "typed"),
    [
        ({}, False),
        ({"line": "  ", "mode": "many"}, False),
        ({"text": "a"}, True),
        ({"more": {"deadline": "x"}}, True),
        ({"values": {"name": "x"}}, True),
        ({"sent": {"key": "k"}}, True),
    ],
)
def test_a_draft_is_kept_if_somebody_would_miss_it(changes: Any, typed: bool) -> None:
    assert draft("m.isTyped({...m.EMPTY, ...v.changes})", changes=changes) is typed


def test_the_limits_are_those_of_the_server() -> None:
    assert draft("m.TASKS_MAX") == ADD_TASKS_MAX
    assert draft("m.BYTES_MAX") <= FRAME_BYTES_MAX - 4_096
    assert draft("m.tooMuch(m.BYTES_MAX)") == ""
    assert "task-coordinator import" in draft("m.tooMuch(m.BYTES_MAX + 1)")
    assert draft("m.bytesOf('\u00e9')") == 4


# --- a plan beside what there is ------------------------------------------------------------------


def judged(tasks: list[Any], known: dict[str, str], outside: dict[str, int], **more: Any) -> Any:
    return draft(
        "m.judged(v.read, new Map(Object.entries(v.known)), v.more)",
        read={
            "tasks": tasks,
            "lines": [10 * n for n, _ in enumerate(tasks, 1)],
            "outside": outside,
        },
        known=known,
        more={"now": NOW, **more},
    )


def task(name: str, *needed: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "description": name, "dependencies": list(needed), **more}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "available"),
        ({"dependencies": ["there"]}, "available"),
        ({"dependencies": ["open"]}, "blocked"),
        ({"dependencies": ["there", "mine"]}, "available"),
        ({"dependencies": ["mine", "other"]}, "blocked"),
        ({"notBefore": LATER}, "scheduled"),
        ({"notBefore": EARLIER}, "available"),
        ({"status": "failed", "dependencies": ["open"]}, "failed"),
    ],
)
def test_the_status_it_would_get(more: dict[str, Any], status: str) -> None:
    plan = [task("mine", status="done"), task("other"), {**task("it"), **more}]
    found = judged(plan, {"there": "done", "open": "working"}, {"there": 1, "open": 1})
    assert found["problems"] == []
    assert found["rows"][2]["status"] == status


def test_unknown_ids_and_taken_ones_are_told_all_at_once() -> None:
    found = judged([task("a", "no"), task("b"), task("c", "no", "b")], {"b": "done"}, {"no": 10})
    assert [problem["line"] for problem in found["problems"]] == [10, 20]
    assert "“no” is waited for" in found["problems"][0]["text"]
    assert "“b” is there already" in found["problems"][1]["text"]
    assert found["rows"][1]["waits"] == ["no (unknown)", "b"]


def test_what_is_there_already_can_be_left_out() -> None:
    found = judged([task("a"), task("b", "a")], {"a": "done"}, {}, skip=True)
    assert (found["problems"], found["taken"]) == ([], 1)
    assert [each["id"] for each in found["tasks"]] == ["b"]
    assert found["rows"][0]["status"] == "available"


def test_only_what_became_of_tasks_needs_an_import() -> None:
    plain, finished = task("a"), task("b", status="done")
    assert draft("m.requestOf(v.tasks).method", tasks=[plain]) == "add_tasks"
    assert draft("m.requestOf(v.tasks).method", tasks=[plain, finished]) == "import_tasks"
    assert draft("m.requestOf(v.tasks).method", tasks=[task("a", note="n")]) == "import_tasks"


def test_what_was_added_is_told_with_a_filter_for_it() -> None:
    few = draft("m.saidOf(v.ids)", ids=["a", "b c"])
    assert few == {"words": "2 tasks added: a, b c", "q": 'id:a,"b c"'}
    many = draft("m.saidOf(v.ids)", ids=[f"task-{number}" for number in range(1_000)])
    assert many["words"].startswith("1,000 tasks added: task-0, ")
    assert many["words"].endswith("task-4 …")
    assert many["q"] == ""


@pytest.mark.parametrize(
    ("text", "bare", "boxed"),
    [
        ("# Plan\n- One\n  * Two\n", 2, "# Plan\n- [ ] One\n  * [ ] Two\n"),
        ("1. One\n2) [x] Two", 1, "1. [ ] One\n2) [x] Two"),
        ("- [ ] One", 0, "- [ ] One"),
        ("- description: One\n- description: Two", 0, None),
        ("just words", 0, "just words"),
        ("- [link](x) One", 1, "- [ ] [link](x) One"),
    ],
)
def test_items_without_a_box_get_one(text: str, bare: int, boxed: str | None) -> None:
    assert draft("m.itemsWithoutBox(v.text)", text=text) == bare
    if boxed is not None:
        assert draft("m.withBoxes(v.text)", text=text) == boxed


@pytest.mark.parametrize(("line", "place"), [(1, [0, 2]), (2, [3, 3]), (3, [4, 7]), (9, [7, 7])])
def test_the_place_of_a_line(line: int, place: list[int]) -> None:
    assert draft("m.placeOf('ab\\n\\ncde', v.line)", line=line) == place
