"""The page as such: it loads, it is bound by its policy, and it lives beside other tests."""

import re
from pathlib import Path
from typing import Any

import pytest
import trio
from playwright.sync_api import Browser, expect

from protocol.client import connect
from tests.browser.stage import Stage, tasks
from tests.browser.tabs import Tab
from tests.servers import running_server

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
SINKS = {
    "an element that the text makes": "document.body.innerHTML = '<b>text</b>'",
    "a script of its own": "document.head.append(Object.assign("
    "document.createElement('script'), { text: 'window.ran = true' }))",
    "a style of its own": "document.body.setAttribute('style', 'color: red')",
    "code from text": "setTimeout('window.ran = true')",
    "another server": "fetch('http://127.0.0.2:9/').catch(() => undefined)",
}


def test_a_browser_opens_the_page_and_the_page_has_nothing_to_say(
    stage: Stage, tab: Tab, project: str
) -> None:
    stage.add(project, *tasks(3, dependencies=lambda number: [1] if number > 1 else []))
    tab.open(stage.address(project=project))
    expect(tab.count("available")).to_have_text("1")
    expect(tab.count("blocked")).to_have_text("2")
    expect(tab.page).to_have_title(re.compile("Task Coordinator"))
    assert tab.problems == []


def test_the_page_comes_with_the_strict_policy_and_nothing_from_elsewhere(
    stage: Stage, tab: Tab, project: str
) -> None:
    asked: set[str] = set()
    tab.page.on("request", lambda request: asked.add(request.url))
    answer = tab.page.goto(stage.address(project=project))
    tab.wait_live()
    assert answer is not None
    headers = answer.headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert {url for url in asked if not url.startswith(stage.origin + "/")} == set()
    assert tab.context.cookies() == []


@pytest.mark.parametrize("script", SINKS.values(), ids=SINKS)
def test_the_browser_enforces_the_policy(stage: Stage, tab: Tab, project: str, script: str) -> None:
    """And the tests hear of a breach: this is what makes an empty console mean something."""
    tab.open(stage.address(project=project))
    tab.expect(r"^(?!console error: breach of)")  # what the browser says about it differs
    tab.page.evaluate(f"() => {{ try {{ {script} }} catch {{}} }}")
    tab.wait_problem()
    assert tab.page.evaluate("window.ran") is None
    tab.problems.clear()


@pytest.mark.parametrize(
    "script",
    [
        "console.info('said')",
        "setTimeout(() => { throw new Error('thrown') })",
        "fetch('/nothing')",
    ],
)
def test_a_page_with_something_to_say_is_heard(
    stage: Stage, tab: Tab, project: str, script: str
) -> None:
    tab.open(stage.address(project=project))
    assert tab.problems == []
    tab.page.evaluate(f"() => {{ {script} }}")
    tab.wait_problem()
    tab.problems.clear()


def test_axe_would_find_something(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    tab.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any(found.startswith("image-alt") for found in tab.axe())


async def test_trio_runs_in_the_same_process_beside_an_open_browser(
    browser: Browser, tmp_path: Path
) -> None:
    """Playwright keeps an asyncio loop asleep in this very thread."""
    assert browser.is_connected()
    seen: list[Any] = []
    async with running_server(tmp_path / "tasks.db") as server, connect(server.url) as client:
        with trio.fail_after(10):
            async with client.events() as events:
                await client.add_task(id="a", description="Do it")
                async for event in events:
                    seen.append(event.task_id)
                    break
    assert seen == ["a"]


def test_the_browser_goes_on_after_trio_ran(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    stage.add(project, *tasks(1))
    expect(tab.count("available")).to_have_text("1")
