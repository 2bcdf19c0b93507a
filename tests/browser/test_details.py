"""The drawer around its form: what it shows of a task, for how long, and where it leads."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.stage import Stage, tasks
from tests.browser.tabs import PHONE, Desk, Tab
from tests.browser.test_walk import answer

PROGRESS = 150
LONG = "A line of the log\n" * 5_000
TIME_TO_SHOW_ALL = """
async () => {
  const began = performance.now();
  document.querySelector("task-drawer section button:not([hidden])").click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}
"""


@pytest.fixture
def drawer(tab: Tab) -> Locator:
    return tab.page.locator("task-drawer")


def names(drawer: Locator) -> list[str]:
    """The ids on the first way down to a root cause."""
    links = drawer.locator(".ways li").first.locator("a")
    found: list[str] = links.evaluate_all("all => all.map((link) => link.lastChild.textContent)")
    return found


def claimed(stage: Stage, project: str, task: str) -> dict[str, str]:
    """A claim by a worker without a process."""
    slot = stage.call(project, "claim_worker_slot", workerId="w1")["slot"]
    claim = stage.call(project, "claim_task", taskId=task, workerId="w1", workerSlot=slot)
    return {"taskId": task, "workerId": "w1", "claimToken": claim["claimToken"]}


def test_the_way_down_names_every_step_and_follows_what_happens(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, *tasks(5, dependencies=lambda number: [number - 1] if number > 1 else []))
    tab.open(stage.address(project=project, task="t5"))
    expect(drawer.locator(".ways")).to_contain_text("t4 → which waits for")
    assert names(drawer) == ["t4", "t3", "t2", "t1"]
    held = claimed(stage, project, "t1")
    stage.call(project, "update_task", **held, status="failed", error="No disk")
    expect(drawer.locator(".ways a.failed")).to_have_text(re.compile("t1"))
    stage.call(project, "edit_task", taskId="t3", dependencies=[])
    expect(drawer.locator(".ways a")).to_have_count(2)
    assert names(drawer) == ["t4", "t3"]


def test_a_task_is_taken_back_from_its_worker(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, *tasks(1))
    held = claimed(stage, project, "t1")
    stage.call(project, "report_progress", **held, progress=0.4, note="at it")
    tab.open(stage.address(project=project, task="t1"))
    state = tab.part("state", "task-drawer")
    expect(state).to_contain_text(
        re.compile(r"working.*by w1, lease ends in \d+ .*40 %.*attempt 1")
    )
    drawer.get_by_role("button", name="Take back…").click()
    expect(tab.page.get_by_role("dialog")).to_contain_text("Take t1 back from w1?")
    answer(tab.page, "Take it back", "Begin with the tests")
    expect(state).to_contain_text("available")
    expect(drawer.get_by_role("button", name="Take back…")).to_be_hidden()
    expect(tab.part("texts", "task-drawer")).to_contain_text("Begin with the tests")
    expect(tab.part("attempts", "task-drawer")).to_contain_text("w1: released")
    worker = stage.call(project, "get_workers")["workers"][0]
    assert (worker["status"], worker["workerId"]) == ("idle", "w1")


def test_the_history_goes_back_from_now_and_grows_by_itself(
    stage: Stage, tab: Tab, project: str
) -> None:
    stage.add(project, *tasks(2_500))
    held = claimed(stage, project, "t1")
    for step in range(PROGRESS):
        stage.call(project, "report_progress", **held, progress=step / PROGRESS)
    tab.open(stage.address(project=project, task="t1"))
    history = tab.part("history", "task-drawer")
    history.locator("summary").click()
    entries = history.locator("li")
    expect(entries.last).to_contain_text("claimed")
    expect(history.locator("summary")).to_have_text(f"History ({PROGRESS + 1} events so far)")
    history.get_by_role("button", name="Earlier").click()
    expect(entries.last).to_contain_text("added")
    expect(history.get_by_role("button", name="Earlier")).to_be_hidden()
    stage.call(project, "add_note", taskId="t1", note="just now")
    expect(entries.first).to_contain_text("note: just now")
    shown = entries.evaluate_all("all => all.map((entry) => Number(entry.dataset.seq))")
    told = [event["seq"] for event in stage.events(project) if event.get("taskId") == "t1"]
    assert shown == told[::-1]


def test_a_long_text_is_shown_without_a_stop_and_stays_while_work_goes_on(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, {"id": "t1", "description": LONG})
    held = claimed(stage, project, "t1")
    tab.open(stage.address(project=project, task="t1"))
    more = drawer.get_by_role("button", name=re.compile("Show all"))
    expect(more).to_be_visible()
    text = drawer.locator(".text.description")
    assert len((text.text_content() or "").splitlines()) < 100
    assert tab.page.evaluate(TIME_TO_SHOW_ALL) < 1_000
    expect(text).to_have_text(LONG)
    stage.call(project, "report_progress", **held, progress=0.5, note="half of it")
    expect(drawer.locator(".text.note")).to_have_text("half of it")
    expect(text).to_have_text(LONG)
    expect(more).to_be_hidden()


def test_a_conflict_outlives_a_reload_and_is_decided_as_a_whole(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, view="tasks", task="t1", edit="1"))
    expect(tab.page).not_to_have_url(re.compile("edit="))
    form = drawer.locator("form")
    expect(form.get_by_label("Description")).to_be_focused()
    form.get_by_label("Description").fill("Mine")
    form.get_by_label("Tags").fill("mine")
    stage.call(project, "edit_task", taskId="t1", description="Theirs", tags=["theirs"])
    save = form.get_by_role("button", name="Save")
    save.click()
    expect(form.locator(".conflict:visible")).to_have_count(2)
    assert tab.axe() == []
    tab.page.reload()
    tab.wait_live()
    expect(form.get_by_label("Description")).to_have_value("Mine")
    save.click()
    expect(form).to_contain_text("Choose for each field")
    assert stage.call(project, "get_task", taskId="t1")["task"]["description"] == "Theirs"
    form.get_by_role("button", name="Keep all of mine").click()
    save.click()
    expect(form).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert (task["description"], task["tags"]) == ("Mine", ["mine"])


def test_half_a_date_is_not_taken_for_none(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, {"id": "t1", "description": "Do it", "deadline": "2099-01-31T09:30:00Z"})
    tab.open(stage.address(project=project, task="t1", edit="1"))
    form = drawer.locator("form")
    deadline = form.get_by_label("Deadline")
    deadline.focus()
    tab.page.keyboard.press("Delete")  # the day; the rest stays
    expect(deadline).to_have_value("")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".deadline .problem")).to_contain_text("is not complete")
    assert stage.call(project, "get_task", taskId="t1")["task"]["version"] == 1


def test_a_form_outlives_its_task(stage: Stage, tab: Tab, drawer: Locator, project: str) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, task="t1", edit="1"))
    form = drawer.locator("form")
    form.get_by_label("Description").fill("A long thought")
    stage.call(project, "delete_task", taskId="t1")
    expect(drawer).to_contain_text("There is no task of this name")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Not saved")
    expect(form.get_by_label("Description")).to_have_value("A long thought")
    tab.page.keyboard.press("Escape")


def test_keys_are_about_what_has_the_focus(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    """Beside an open task the keys of the list still mean the list, once somebody is in it."""
    stage.add(project, *tasks(2))
    tab.open(stage.address(project=project, view="tasks", sort="created"))
    row = tab.part("rows").locator('tr[data-id="t2"]')
    tab.part("rows").get_by_role("link", name="t1").click()
    expect(drawer.locator("h2")).to_be_focused()
    expect(drawer).to_contain_text("Task number 1")
    dialog = tab.page.get_by_role("dialog")
    tab.page.keyboard.press("c")
    expect(dialog).to_contain_text("Cancel t1?")
    tab.page.keyboard.press("Escape")
    row.get_by_role("link").focus()
    tab.page.keyboard.press("c")
    expect(dialog).to_contain_text("Cancel t2?")
    tab.page.keyboard.press("Escape")
    drawer.locator("h2").focus()
    tab.page.keyboard.press("r")
    expect(tab.page.locator("#said")).to_contain_text("It is available: there is nothing to reset.")
    tab.page.keyboard.press("g")
    expect(tab.page).to_have_url(re.compile("view=graph"))
    expect(tab.page.locator('graph-view [data-id="t1"]')).to_be_visible()


def test_a_finished_task_is_in_the_graph_that_it_leads_to(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, *tasks(9))
    held = claimed(stage, project, "t3")
    stage.call(project, "update_task", **held, status="done")
    tab.open(stage.address(project=project, task="t3"))
    expect(tab.part("state", "task-drawer")).to_contain_text("done")
    drawer.get_by_role("button", name="Graph").click()
    expect(tab.page.locator("graph-view [data-id]")).to_have_count(1)
    expect(tab.page.locator('graph-view [data-id="t3"]')).to_be_visible()


def test_without_a_clipboard_the_task_can_be_copied_by_hand(
    stage: Stage, tab: Tab, drawer: Locator, project: str
) -> None:
    stage.add(project, *tasks(1))
    tab.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tab.open(stage.address(project=project, task="t1"))
    drawer.get_by_role("button", name="Copy JSON").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_label("The task as JSON")).to_have_value(re.compile('"id": "t1"'))
    assert tab.axe() == []


def test_on_a_phone_it_takes_the_place_of_the_list_and_gives_it_back(
    stage: Stage, desk: Desk, project: str
) -> None:
    stage.add(project, *tasks(60))
    stage.call(project, "edit_task", taskId="t55", description="A line\n" * 200)
    stage.call(project, "edit_task", taskId="t56", description="B\n" * 200, dependencies=["t55"])
    tab = desk.tab(size=PHONE)
    tab.open(stage.address(project=project, view="tasks", sort="created"))
    link = tab.part("rows").get_by_role("link", name="t55", exact=True)
    link.click()
    heading = tab.page.locator("task-drawer h2")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    expect(tab.page.locator("tasks-view")).to_be_hidden()
    assert tab.overflow() == 0
    drawer = tab.page.locator("task-drawer")
    drawer.get_by_role("link", name="t56").click()  # far below, after a long text
    expect(heading).to_have_text("t56")
    expect(heading).to_be_in_viewport()
    drawer.get_by_role("button", name="Close the details").click()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
