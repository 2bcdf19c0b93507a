"""The filter's language: what a text asks of the server, and what is offered while it is typed."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from protocol.models import STATUSES
from protocol.params import ListTasks
from tests.dashboard.node import run

NOW = int(datetime(2026, 1, 31, 9, 30, tzinfo=UTC).timestamp() * 1000)
KNOWN = {"tags": ["api", "app shell", "docs"], "workers": ["w1"], "ids": ["T1", "T2"]}


def params(text: str) -> Any:
    """What the text asks for, which the server must understand."""
    parsed = run("filter.js", "m.parse(v.text)", text=text)
    assert parsed["errors"] == []
    asked = run("filter.js", "m.paramsOf(m.parse(v.text), v.now)", text=text, now=NOW)
    msgspec.convert(asked, ListTasks)
    return asked


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", {}),
        ("fix login", {"search": "fix login"}),
        ('"login page"', {"search": "login page"}),
        ("status:available,failed", {"status": ["available", "failed"]}),
        ("status:failed status:done", {"status": ["failed", "done"]}),
        ("status:failed,done -status:done", {"status": ["failed"]}),
        ("worker:w1", {"workerId": "w1"}),
        ('worker:"a b"', {"workerId": "a b"}),
        ("tag:api tag:ui -tag:docs", {"tags": ["api", "ui"], "excludeTags": ["docs"]}),
        ("priority:>3", {"priorityMin": 4}),
        ("priority:<=-1", {"priorityMax": -1}),
        ("priority:2..5", {"priorityMin": 2, "priorityMax": 5}),
        ("priority:4", {"priorityMin": 4, "priorityMax": 4}),
        ("up:T9 down:T3", {"upstreamOf": "T9", "downstreamOf": "T3"}),
        ("needs:T9 id:T1,T2", {"dependsOn": "T9", "ids": ["T1", "T2"]}),
        (r'id:"a\"b\\c,d"', {"ids": [r'a"b\c,d']}),
        ("is:overdue", {"overdue": True}),
        ("age:>5m", {"createdBefore": "2026-01-31T09:25:00.000Z"}),
        ("idle:<2h", {"updatedAfter": "2026-01-31T07:30:00.000Z"}),
        ("STATUS:done", {"status": ["done"]}),
        ("  status:done\n fix ", {"status": ["done"], "search": "fix"}),
    ],
)
def test_a_text_says_what_is_asked_for(text: str, asked: dict[str, Any]) -> None:
    assert params(text) == asked


def test_what_is_excluded_leaves_all_the_others() -> None:
    left = params("-status:done,cancelled")["status"]
    assert set(left) == set(STATUSES) - {"done", "cancelled"}


def test_if_no_status_is_left_nothing_is_asked_for_instead_of_everything() -> None:
    asked = params("status:done -status:done")
    assert "status" not in asked
    assert asked["priorityMin"] > asked["priorityMax"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("color:red", "there is no “color:”"),
        ("constructor:x", "there is no “constructor:”"),
        ("status:pending", "there is no status “pending”"),
        ("status:", "needs a value"),
        ("priority:high", "write a priority as"),
        ("age:5m", "write an age as"),
        ("-worker:w1", "only tag: and status: can be excluded"),
        ("up:a up:b", "“up:” can be given once"),
        ("worker:a,b", "takes one value"),
        ('""', "a word is missing"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_holds(text: str, said: str) -> None:
    parsed = run("filter.js", "m.parse(v.text)", text=f"tag:api {text}")
    (error,) = parsed["errors"]
    assert said in error["message"]
    start = 8 + len(text) - len(text.rsplit(" ", maxsplit=1)[-1])
    assert (error["start"], error["end"]) == (start, 8 + len(text))
    assert parsed["terms"][0]["field"] == "tag"
    assert error["start"] not in {term["start"] for term in parsed["terms"]}


@pytest.mark.parametrize(
    "value", ["plain", "a b", 'say "so"', "back\\slash", "a,b", "-minus", "a:b", "é", "<b>"]
)
def test_every_value_can_be_written_and_is_read_again(value: str) -> None:
    assert params(run("filter.js", "`id:${m.quoted(v.value)}`", value=value)) == {"ids": [value]}
    text = run("filter.js", 'm.withTerm("fix", "tag", v.value)', value=value)
    assert params(text) == {"search": "fix", "tags": [value]}
    again = run("filter.js", 'm.withTerm(v.text, "tag", v.value)', text=text, value=value)
    assert again == text


def test_a_status_goes_in_and_out_and_the_rest_stays() -> None:
    def toggled(text: str, status: str) -> Any:
        return run("filter.js", "m.withStatusToggled(v.text, v.status)", text=text, status=status)

    assert toggled("fix tag:api", "done") == "status:done fix tag:api"
    assert toggled("status:done fix", "failed") == "status:failed,done fix"
    assert toggled("fix status:done", "done") == "fix"


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("st", ["status:"]),
        ("-t", ["-tag:"]),
        ("fix status:fa", ["status:failed"]),
        ("status:done,fa", ["status:done,failed"]),
        ("tag:ap", ["tag:api", 'tag:"app shell"']),
        ("down:", ["down:T1", "down:T2"]),
        ("is:", ["is:overdue"]),
        ("", []),
        ("login", []),
        ("nothing:x", []),
    ],
)
def test_what_may_stand_there_is_offered(text: str, offered: list[str]) -> None:
    expression = "m.complete(v.text, v.text.length, v.known)"
    found = run("filter.js", expression, text=text, known=KNOWN)
    assert [option["text"] for option in found["options"]] == offered
    assert text[found["from"] :] == text.rsplit(" ", maxsplit=1)[-1]


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("", {"project": "default", "view": "overview", "q": "", "task": ""}),
        ("?view=tasks&q=a%20b", {"view": "tasks", "q": "a b"}),
        ("?view=nothing", {"view": "overview"}),
        ("?task=%3Cimg%3E&sort=-created", {"task": "<img>", "sort": "-created"}),
    ],
)
def test_an_address_is_read_and_written_again(address: str, route: dict[str, str]) -> None:
    read = run("route.js", "m.readRoute(v.address)", address=address)
    assert read.items() >= route.items()
    expression = "m.readRoute(m.writeRoute(v.read))"
    assert run("route.js", expression, read=read) == read
