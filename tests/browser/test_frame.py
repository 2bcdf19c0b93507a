"""What is around every view: the address, the filter, counters, keys, themes, projects, and what
the page says about its connection."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stage import Stage, running, tasks
from tests.browser.tabs import LOST_SERVER, PHONE, Desk, Tab
from tests.browser.wire import wire

VIEWS = ("overview", "tasks", "graph", "timeline", "events")
HOUR = "01:00:00"


def shown(tab: Tab) -> list[str]:
    """The views that can be seen."""
    return [view for view in VIEWS if tab.page.locator(f"{view}-view").is_visible()]


def test_every_view_has_a_key_a_link_and_an_address(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    for number, view in enumerate(VIEWS, 1):
        tab.page.keyboard.press(str(number))
        expect(tab.page.locator(f"nav [data-view={view}]")).to_have_attribute(
            "aria-current", "page"
        )
        assert tab.page.locator("nav [aria-current]").count() == 1
        hidden = [other for other in VIEWS if other != view]
        for other in hidden:
            expect(tab.page.locator(f"{other}-view")).to_be_hidden()
    tab.page.get_by_role("link", name="Tasks", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"view=tasks"))
    tab.page.go_back()
    expect(tab.page).to_have_url(re.compile(r"view=events"))
    expect(tab.page.locator("events-view")).to_be_visible()
    tab.page.reload()
    tab.wait_live()
    expect(tab.page.locator("events-view")).to_be_visible()
    assert shown(tab) == ["events"]


def test_a_counter_filters_and_the_filter_presses_the_counter(
    stage: Stage, tab: Tab, project: str
) -> None:
    tab.open(stage.address(project=project, view="tasks", q="login"))
    counter = tab.page.locator("#counts [data-status=failed]")
    line = tab.part("input", "#filter")
    counter.click()
    expect(line).to_have_value("status:failed login")
    expect(counter).to_have_attribute("aria-pressed", "true")
    line.fill("status:done")
    expect(counter).to_have_attribute("aria-pressed", "false")
    expect(tab.page).to_have_url(re.compile("q=status%3Adone"))
    tab.part("clear", "#filter").click()
    expect(tab.page).not_to_have_url(re.compile("q="))


def test_the_filter_offers_what_may_stand_there(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project, view="tasks"))
    tab.page.keyboard.press("/")
    line = tab.part("input", "#filter")
    expect(line).to_be_focused()
    tab.page.keyboard.type("st")
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Enter")
    expect(line).to_have_value("status:")
    tab.page.keyboard.type("fa")
    expect(tab.part("problem", "#filter")).to_be_hidden()
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Tab")
    expect(line).to_have_value("status:failed ")
    expect(tab.page).to_have_url(re.compile("q=status%3Afailed"))
    line.fill("color:red 1")
    expect(tab.part("problem", "#filter")).to_contain_text("there is no “color:”")
    tab.page.keyboard.press("Escape")
    expect(line).not_to_be_focused()


def test_the_sheet_lists_the_keys_and_turns_them_off(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project, view="tasks"))
    tab.page.keyboard.press("?")
    sheet = tab.page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("type a filter")
    assert tab.axe() == []
    sheet.get_by_label("Single keys are on").uncheck()
    tab.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    tab.page.keyboard.press("3")
    tab.page.reload()
    tab.wait_live()
    tab.page.keyboard.press("3")
    expect(tab.page).to_have_url(re.compile("view=tasks"))
    tab.page.get_by_role("button", name="Keys").click()
    sheet.get_by_label("Single keys are on").check()
    sheet.get_by_role("button", name="Close").click()
    tab.page.keyboard.press("3")
    expect(tab.page).to_have_url(re.compile("view=graph"))


def test_a_theme_is_chosen_and_kept(stage: Stage, tab: Tab, project: str) -> None:
    def ground() -> str:
        return str(tab.page.evaluate("getComputedStyle(document.body).color"))

    tab.open(stage.address(project=project))
    of_system = ground()
    theme = tab.page.get_by_role("button", name="Theme")
    theme.click()
    assert ground() == of_system
    theme.click()
    assert ground() != of_system
    tab.page.reload()
    tab.wait_live()
    assert ground() != of_system
    theme.click()
    assert ground() == of_system


def test_projects_are_listed_and_another_is_opened(stage: Stage, tab: Tab, project: str) -> None:
    other = stage.new_project()
    stage.add(other, *tasks(3))
    tab.open(stage.address(project=project))
    menu = tab.page.locator("#projects")
    menu.locator("summary").click()
    assert tab.axe() == []
    menu.get_by_role("link", name=re.compile(f"{other} *3 open tasks")).click()
    tab.wait_live()
    expect(tab.count("available")).to_have_text("3")
    expect(tab.part("project", "#header")).to_have_text(other)
    tab.page.locator("#projects summary").click()
    tab.page.get_by_label("Name of another project").fill("brand-new")
    tab.page.get_by_role("button", name="Open", exact=True).click()
    tab.wait_live()
    expect(tab.part("project", "#header")).to_have_text("brand-new")
    expect(tab.count("available")).to_have_text("0")


@pytest.mark.parametrize("name", ["No Such", "../etc", "<b>", "x" * 65])
def test_a_project_that_cannot_exist_is_refused_in_words(stage: Stage, tab: Tab, name: str) -> None:
    tab.page.goto(stage.address(project=name))
    expect(tab.part("problem", "#header")).to_contain_text("cannot be the name of a project")
    expect(tab.part("connection", "#header")).to_contain_text("refused")


def test_after_a_sleep_a_dead_connection_is_noticed_and_made_again(
    stage: Stage, tab: Tab, project: str
) -> None:
    """The machine slept for an hour, and the network forgot the connection without a word."""
    between = wire(stage)
    tab.page.clock.install()
    tab.page.goto(f"{between.origin}/?project={project}")
    tab.wait_live()
    tab.page.evaluate("window.stayed = true")
    tab.page.wait_for_load_state("networkidle")
    stage.loop.call(between.freeze)
    stage.add(project, *tasks(2))
    tab.page.clock.fast_forward(HOUR)
    expect(tab.count("available")).to_have_text("2", timeout=20_000)
    tab.wait_live()
    assert tab.page.evaluate("window.stayed") is True, "the page was loaded again"


def test_a_page_that_is_cut_off_says_since_when_and_lets_nothing_be_done(
    stage: Stage, desk: Desk, project: str
) -> None:
    stage.add(project, *tasks(2))
    tabs = [desk.tab(theme="dark"), desk.tab(size=PHONE)]
    for tab in tabs:
        tab.open(stage.address(project=project, view="tasks"))
        tab.expect(LOST_SERVER)
    stage.kill()
    for tab in tabs:
        tab.wait_lost()
        expect(tab.part("connection", "#header")).to_contain_text(
            re.compile(r"disconnected \d+ s ago, data as of \d\d:\d\d")
        )
        assert tab.page.locator("body [data-live]:not(:disabled):visible").count() == 0
    stage.start()
    for tab in tabs:
        tab.wait_live()


def test_a_token_is_asked_for_and_kept_by_the_tab(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tab = desk.tab()
    with running(tmp_path_factory.mktemp("token"), "--token", "a-long-secret-token") as guarded:
        tab.expect(r"status of 401|/ticket: 401")
        tab.page.goto(guarded.address())
        form = tab.page.locator("#token")
        expect(form).to_be_visible()
        assert tab.axe() == []
        form.get_by_label("Token").fill("wrong")
        form.get_by_role("button").click()
        expect(form).to_contain_text("token")
        expect(tab.part("connection", "#header")).to_contain_text("token needed")
        form.get_by_label("Token").fill("a-long-secret-token")
        form.get_by_role("button").click()
        tab.wait_live()
        expect(form).to_be_hidden()
        tab.page.reload()
        tab.wait_live()
        tab.expect(LOST_SERVER)
