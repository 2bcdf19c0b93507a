"""A pasted plan is read before anything is added, by the rules of the import."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.plan_post import Asked, preview
from protocol.limits import ADD_TASKS_MAX, FRAME_BYTES_MAX
from tests.dashboard.web import JSON_TYPE, TOKEN, Answer, Site

NOW = datetime(2026, 1, 31, tzinfo=UTC)
MARKDOWN = "# Plan\n- [x] db: Set up the database\n- [ ] api: Write it (needs: db, T9) #web !5\n"


async def read(site: Site, body: Any, *headers: tuple[str, str]) -> Answer:
    return await site.ask("POST", "/plan", JSON_TYPE, *headers, body=json.dumps(body).encode())


async def test_a_plan_is_told_and_not_added(site: Site, project: str) -> None:
    answer = await read(site, {"text": MARKDOWN})
    assert answer.status == 200
    found = answer.json()
    assert (found["format"], found["problems"], found["outside"]) == ("md", [], {"T9": 3})
    assert found["lines"] == [2, 3]
    db, api = found["tasks"]
    assert (db["id"], db["status"]) == ("db", "done")
    assert (api["dependencies"], api["tags"], api["priority"]) == (["db", "T9"], ["web"], 5)
    assert (await site.result(project, "get_all_tasks"))["total"] == 0


@pytest.mark.parametrize(
    ("text", "format_name"),
    [
        ('[{"description": "a"}]', "json"),
        ('{"tasks": [{"description": "a"}]}', "json"),
        ('{"description": "a"}\n{"description": "b"}', "jsonl"),
        ("- description: a\n- description: b", "yaml"),
        ("Some words\n\n* [ ] a", "md"),
        ("1. [ ] a", "md"),
    ],
)
def test_the_format_is_guessed(text: str, format_name: str) -> None:
    assert preview(Asked(text), NOW).format == format_name


def test_what_is_wrong_is_told_with_its_line() -> None:
    found = preview(Asked("- [ ] a: One\n- [ ] a: Two\nodd", "md"), NOW)
    assert [problem.line for problem in found.problems] == [2, 3]
    assert "is taken by the task of line 1" in found.problems[0].text
    assert found.problems[1].text.startswith("this is no task.")
    assert preview(Asked("just words", "md"), NOW).problems
    assert preview(Asked("# nothing here", "md"), NOW).problems[0].text == "there is no task in it."
    assert preview(Asked("  \n"), NOW).problems == []


def test_more_than_can_be_added_at_once_is_refused_as_a_whole() -> None:
    text = "\n".join(f"- [ ] Task {number}" for number in range(ADD_TASKS_MAX + 1))
    found = preview(Asked(text), NOW)
    assert len(found.tasks) == ADD_TASKS_MAX
    assert "task-coordinator import" in found.problems[0].text


@pytest.mark.parametrize(
    "body", [{}, {"text": 5}, {"text": "a", "format": "xml"}, [], {"text": "", "x": 1}]
)
async def test_a_body_of_another_shape_is_refused_in_words(site: Site, body: Any) -> None:
    answer = await read(site, body)
    assert answer.status == 400
    assert "Send an object with `text` and `format`" in answer.text


async def test_only_json_and_not_too_much_of_it_is_taken(site: Site) -> None:
    plain = await site.ask("POST", "/plan", ("Content-Type", "text/plain"), body=b"- [ ] a")
    assert plain.status == 415
    large = await read(site, {"text": "x" * FRAME_BYTES_MAX})
    assert large.status == 413
    assert (await site.ask("GET", "/plan")).status == 405


async def test_where_a_token_is_set_it_is_needed(guarded_site: Site) -> None:
    assert (await read(guarded_site, {"text": MARKDOWN})).status == 401
    admitted = await read(guarded_site, {"text": MARKDOWN}, ("Authorization", f"Bearer {TOKEN}"))
    assert admitted.status == 200


async def test_a_page_of_another_site_is_refused(site: Site) -> None:
    answer = await read(site, {"text": MARKDOWN}, ("Origin", "http://evil.example"))
    assert answer.status == 403
