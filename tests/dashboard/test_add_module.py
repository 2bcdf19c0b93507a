"""One line as a task: what the server reads of it, and what is sent."""

from typing import Any

import pytest

from tests.dashboard.node import run

TASK = {"id": "fix-it", "description": "Fix it", "tags": ["ui"]}


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
    sent = run("quick_add.js", "m.addParams(v.line, v.task, {})", line=line, task=TASK)
    assert ("id" in sent) is named
    assert sent["description"] == "Fix it"


def test_more_fields_are_sent_where_they_are_filled() -> None:
    def sent(**more: str) -> Any:
        return run("quick_add.js", 'm.addParams("Fix it", v.task, v.more)', task=TASK, more=more)

    plain = {"description": "Fix it", "tags": ["ui"]}
    assert sent(output=" ", deadline="", maxAttempts="") == plain
    found = sent(output="A report", deadline="2099-01-31T09:30:00", maxAttempts="3")
    assert (found["output"], found["maxAttempts"]) == ("A report", 3)
    assert found["deadline"].startswith("2099-01-3")
    assert found["deadline"].endswith("Z")
