"""The table of tasks while much happens: it follows, is bounded, and keeps what is used."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.stage import Stage
from tests.browser.tabs import Tab

PAGE = 100


def many(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"t{number}", "description": "x"} for number in range(first, first + count)]


def newest(tab: Tab) -> Locator:
    return tab.part("rows").locator("tr").first


def test_rows_that_come_live_do_not_pile_up(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *many(300))
    tab.open(stage.address(project=project, view="tasks"))
    rows = tab.part("rows").locator("tr")
    expect(rows).to_have_count(PAGE)
    for first in range(300, 900, 150):
        stage.add(project, *many(150, first))
        expect(newest(tab)).to_have_attribute("data-id", f"t{first + 149}")
    expect(rows).to_have_count(PAGE)
    expect(tab.page.locator("tasks-view .summary")).to_have_text("100 of 900 tasks")
    rows.last.scroll_into_view_if_needed()
    expect(rows.nth(2 * PAGE - 1)).to_be_attached()
    ids = rows.evaluate_all("(all) => all.map((row) => row.dataset.id)")
    assert ids == [f"t{number}" for number in range(899, 899 - len(ids), -1)]


def test_what_is_selected_stays_while_much_is_added(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *many(300))
    tab.open(stage.address(project=project, view="tasks"))
    tab.page.get_by_label("Select t201").check()
    stage.add(project, *many(250, 300))
    expect(newest(tab)).to_have_attribute("data-id", "t549")
    expect(tab.page.locator("tasks-view .chosen")).to_have_text("1 task selected")
    expect(tab.page.get_by_label("Select t201")).to_be_checked()
