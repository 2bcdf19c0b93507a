"""For everyone: axe-core finds nothing, nothing is wider than the window, whatever is open."""

import pytest
from playwright.sync_api import expect

from tests.browser.scenes import plan, work
from tests.browser.stage import Stage
from tests.browser.tabs import DESKTOP, PHONE, Desk, Tab, Theme

VIEWS = ("overview", "tasks", "graph", "timeline", "events")
SHOWN = {
    "overview": '[data-part="slots"] li',
    "tasks": '[data-part="rows"] tr',
    "graph": "graph-view [data-id]",
    "timeline": "timeline-view [data-outcome]",
    "events": "events-view [data-seq]",
}


@pytest.fixture(scope="module")
def project(lasting_stage: Stage) -> str:
    """A project with tasks in every status, and work under way."""
    with lasting_stage.used():
        name = lasting_stage.new_project()
        lasting_stage.add(name, *plan(16))  # a rule looks at every text there is
        work(lasting_stage, name, seconds=3, pace_seconds=0.5)
        lasting_stage.call(name, "cancel_tasks", filter={"ids": ["accounts/switch"]})
        return name


def check(tab: Tab) -> None:
    assert tab.axe() == []
    assert tab.overflow() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view(stage: Stage, desk: Desk, project: str, theme: Theme) -> None:
    tab = desk.tab(theme=theme)
    tab.open(stage.address(project=project))
    for number, view in enumerate(VIEWS, 1):
        tab.page.keyboard.press(str(number))
        tab.page.wait_for_selector(SHOWN[view])
        check(tab)


def test_every_view_on_a_phone(stage: Stage, desk: Desk, project: str) -> None:
    """What is another there: rows are cards, and the graph is a list."""
    tab = desk.tab(size=PHONE)
    tab.open(stage.address(project=project))
    for number, view in enumerate(VIEWS, 1):
        tab.page.keyboard.press(str(number))
        tab.page.wait_for_selector(SHOWN[view])
        assert tab.overflow() == 0
        if view in ("tasks", "graph"):
            check(tab)


@pytest.mark.parametrize(("theme", "size"), [("dark", DESKTOP), ("light", PHONE)])
def test_details_forms_and_dialogs(
    stage: Stage, desk: Desk, project: str, theme: Theme, size: tuple[int, int]
) -> None:
    tab = desk.tab(theme=theme, size=size)
    tab.open(stage.address(project=project, view="tasks", task="login/switch"))
    drawer = tab.page.locator("task-drawer")
    tab.page.wait_for_selector('task-drawer [data-part="why"] a')
    drawer.locator("summary").click()
    drawer.get_by_role("button", name="Edit", exact=True).click()
    expect(drawer.get_by_label("Description")).to_be_focused()
    drawer.get_by_label("Add a task that it waits for").fill("docs")
    expect(drawer.locator("[role=option]").first).to_be_visible()
    check(tab)
    drawer.get_by_role("button", name="Discard").click()
    drawer.get_by_role("button", name="Cancel…").click()
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    check(tab)
    tab.page.keyboard.press("Escape")
    tab.page.locator("#add").click()
    tab.page.get_by_role("button", name="Many at once").click()
    tab.page.locator("#add-text").fill("- [ ] a: Do it\n- [ ] b: Then this (needs: a)\nodd")
    expect(tab.page.locator("add-dialog [data-part=problems]")).to_contain_text("Line 3")
    check(tab)


def test_what_is_open_in_a_view(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project, view="overview"))
    tab.page.get_by_text("As a table").click()
    tab.page.wait_for_selector("overview-view table td")
    check(tab)
    tab.page.keyboard.press("2")
    tab.page.wait_for_selector(SHOWN["tasks"])
    tab.page.get_by_text("Columns").click()
    tab.page.get_by_label("Select all that are shown").check()
    check(tab)
    tab.page.keyboard.press("3")
    tab.page.wait_for_selector(SHOWN["graph"])
    tab.page.get_by_role("button", name="Longest way").click()
    tab.page.get_by_text("Export", exact=True).click()
    tab.page.get_by_role("button", name="List").click()
    tab.page.wait_for_selector("graph-view li")
    check(tab)
    tab.page.keyboard.press("4")
    tab.page.wait_for_selector(SHOWN["timeline"])
    tab.page.get_by_text("As a list").click()
    tab.page.wait_for_selector("timeline-view td")
    check(tab)
    tab.page.keyboard.press("5")
    tab.page.wait_for_selector(SHOWN["events"])
    tab.page.locator("events-view .json").first.click()
    tab.page.get_by_text("All types").first.click()
    check(tab)


def test_an_empty_project(stage: Stage, desk: Desk) -> None:
    tab = desk.tab(theme="dark")
    for view in ("overview", "tasks"):
        tab.open(stage.address(project="empty", view=view))
        expect(tab.page.locator(f"{view}-view")).to_be_visible()
        check(tab)
