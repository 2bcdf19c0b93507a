"""Editing a task: nothing that was typed is lost, and nothing of others is overwritten."""

import re
import string

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, tasks
from tests.browser.tabs import LOST_SERVER, Desk, Tab

HOSTILE = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>'
EVERY_PRINTABLE = "".join(sorted(set(string.printable) - set(string.whitespace)))
"""What an id may hold: all that can be seen."""


def edit(page: Page) -> None:
    page.locator("task-drawer").get_by_role("button", name="Edit", exact=True).click()
    expect(page.get_by_label("Description")).to_be_focused()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_every_field_can_be_edited(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(2))
    tab.open(stage.address(project=project, task="t1"))
    edit(tab.page)
    fields = {
        "Description": "Another text\nin two lines",
        "Expected output": "A report",
        "Tags": "api\nui",
        "Resources": "src/api/",
        "Deadline": "2099-01-31T09:30:00",
        "Not before": "2098-01-31T09:30:00",
        "Attempts at most": "3",
        "Seconds between attempts": "1.5",
        "Seconds an attempt may take": "60",
        "Metadata": '{"k": [1]}',
    }
    form = tab.page.locator("task-drawer form")
    for label, value in fields.items():
        form.get_by_label(label).fill(value)
    form.get_by_label("Priority").fill("7")
    form.get_by_label("Add a task that it waits for").fill("t2")
    expect(form.get_by_role("option")).to_have_count(1)
    tab.page.keyboard.press("Enter")
    save(tab.page)
    expect(form).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert task["description"] == fields["Description"]
    assert (task["priority"], task["tags"], task["dependencies"]) == (7, ["api", "ui"], ["t2"])
    assert (task["maxAttempts"], task["retryDelaySeconds"], task["timeoutSeconds"]) == (3, 1.5, 60)
    assert (task["metadata"], task["resources"]) == ({"k": [1]}, ["src/api/"])
    assert task["deadline"].startswith("2099-01-3")
    expect(tab.part("texts", "task-drawer")).to_contain_text("in two lines")
    edit(tab.page)
    form.get_by_label("Expected output").fill("")
    form.get_by_label("Deadline").fill("")
    form.get_by_role("button", name="Do not wait for t2").click()
    save(tab.page)
    expect(form).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert "expectedOutput" not in task
    assert "deadline" not in task
    assert task["dependencies"] == []


def test_what_cannot_be_is_told_at_its_field(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, task="t1"))
    edit(tab.page)
    form = tab.page.locator("task-drawer form")
    form.get_by_label("Metadata").fill("[1]")
    save(tab.page)
    expect(form.locator(".metadata .problem")).to_have_text("Metadata has to be a JSON object")
    expect(form.get_by_label("Metadata")).to_be_focused()
    form.get_by_label("Metadata").fill("")
    form.get_by_label("Deadline").fill("2001-01-31T09:30:00")
    save(tab.page)
    expect(form.locator(".deadline .problem, form > .problem").first).to_contain_text("past")
    expect(form.get_by_label("Deadline")).to_have_value(re.compile("2001-01-31T09:30"))


def test_two_who_edit_the_same_are_asked_and_nothing_is_overwritten(
    stage: Stage, desk: Desk, project: str
) -> None:
    stage.add(project, *tasks(1))
    mine, theirs = desk.tab().page, desk.tab().page
    for page in (mine, theirs):
        page.goto(stage.address(project=project, task="t1"))
        edit(page)
    theirs.get_by_label("Description").fill("Theirs")
    theirs.locator("task-drawer form").get_by_label("Tags").fill("theirs")
    save(theirs)
    expect(theirs.locator("task-drawer form")).to_have_count(0)
    form = mine.locator("task-drawer form")
    expect(form.locator(".notice")).to_contain_text("meanwhile: description, tags")
    expect(form.get_by_label("Description")).to_have_value("Task number 1")
    form.get_by_label("Description").fill("Mine")
    form.get_by_label("Priority").fill("5")
    save(mine)
    conflict = form.locator(".description .conflict")
    expect(conflict).to_contain_text("Theirs")
    assert stage.call(project, "get_task", taskId="t1")["task"]["description"] == "Theirs"
    expect(form.get_by_label("Description")).to_have_value("Mine")
    expect(form.get_by_label("Tags")).to_have_value("theirs")
    conflict.get_by_role("button", name="Keep mine").click()
    save(mine)
    expect(form).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert (task["description"], task["tags"], task["priority"]) == ("Mine", ["theirs"], 5)


def test_work_that_goes_on_meanwhile_is_no_conflict(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(1))
    worker = stage.worker(project, "agent-a")
    claim = worker.claim("t1", worker.join())
    tab.open(stage.address(project=project, task="t1"))
    edit(tab.page)
    tab.page.locator("task-drawer form").get_by_label("Priority").fill("3")
    token = claim["claimToken"]
    held = {"taskId": "t1", "workerId": "agent-a", "claimToken": token}
    worker.use("report_progress", **held, progress=0.5)
    save(tab.page)
    expect(tab.page.locator("task-drawer form")).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert (task["priority"], task["progress"]) == (3, 0.5)


def test_the_server_dies_while_a_form_is_open(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, task="t1"))
    edit(tab.page)
    description = tab.page.get_by_label("Description")
    description.fill("Typed before it died")
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    expect(tab.page.get_by_role("button", name="Save")).to_be_disabled()
    description.fill("Typed while it was away")
    stage.start()
    tab.wait_live()
    expect(description).to_have_value("Typed while it was away")
    tab.page.reload()
    tab.wait_live()
    expect(description).to_have_value("Typed while it was away")
    save(tab.page)
    expect(tab.page.locator("task-drawer form")).to_have_count(0)
    task = stage.call(project, "get_task", taskId="t1")["task"]
    assert task["description"] == "Typed while it was away"


def test_the_picker_refuses_a_circle(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(3, dependencies=lambda number: [number - 1] if number > 1 else []))
    tab.open(stage.address(project=project, task="t1"))
    edit(tab.page)
    picker = tab.page.get_by_label("Add a task that it waits for")
    picker.fill("number 3")
    option = tab.page.get_by_role("option", name=re.compile("t3"))
    expect(option).to_have_attribute("aria-disabled", "true")
    expect(option).to_contain_text("that would be a circle")
    option.click(force=True)  # it is not enabled, which is what is to be seen
    expect(tab.page.locator(".picker .problem")).to_contain_text("t3 cannot be chosen")
    expect(tab.page.locator(".picker .chips li")).to_have_count(0)


@pytest.mark.parametrize("name", [HOSTILE, EVERY_PRINTABLE, "../x?y=1&z=#a%20"])
def test_hostile_names_and_texts_are_texts(stage: Stage, tab: Tab, project: str, name: str) -> None:
    long = (HOSTILE + "\u202e & more ") * 800  # some 100 KB
    description = long[:100_000]
    stage.add(project, {"id": name, "description": description, "tags": [name[:90]]})
    stage.add(project, {"id": "after", "description": HOSTILE, "dependencies": [name]})
    tab.open(stage.address(project=project))
    for number, view in enumerate(("overview", "tasks", "graph", "timeline", "events"), 1):
        tab.page.keyboard.press(str(number))
        expect(tab.page.locator(f"{view}-view")).to_be_visible()
    expect(tab.page.locator("events-view")).to_contain_text(name)
    tab.page.keyboard.press("2")
    tab.part("rows").get_by_role("link", name=name, exact=True).click()
    drawer = tab.page.locator("task-drawer")
    expect(drawer.locator("h2")).to_have_text(name)
    drawer.get_by_role("button", name=re.compile("Show all of it")).click()
    expect(drawer.locator(".text").first).to_have_text(description, use_inner_text=False)
    tab.page.reload()
    tab.wait_live()
    expect(drawer.locator("h2")).to_have_text(name)
    drawer.get_by_role("link", name="after").click()
    expect(drawer.locator("h2")).to_have_text("after")
    drawer.get_by_role("link", name=name).first.click()
    expect(drawer.locator("h2")).to_have_text(name)
    assert tab.page.evaluate("window.hacked") is None
    assert tab.page.locator("img:not([src='/static/icon.svg'])").count() == 0
    assert tab.overflow() == 0


def test_the_chain_leads_down_to_the_root_cause(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(4, dependencies=lambda number: [number - 1] if number > 1 else []))
    tab.open(stage.address(project=project, task="t4"))
    why = tab.part("why", "task-drawer")
    expect(why).to_contain_text("Waits for t3 (blocked). In the end that is up to t1 (available).")
    why.get_by_role("link", name="t1").click()
    expect(tab.page.locator("task-drawer h2")).to_have_text("t1")
    expect(tab.part("edges", "task-drawer")).to_contain_text("3 tasks wait for it in the end")
    tab.page.go_back()
    expect(tab.page.locator("task-drawer h2")).to_have_text("t4")
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("task-drawer")).to_be_hidden()


def test_a_task_that_is_not_there_is_told(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, task="nobody"))
    drawer = tab.page.locator("task-drawer")
    expect(drawer).to_contain_text("There is no task of this name")
    tab.page.goto(stage.address(project=project, task="t1"))
    expect(drawer).to_contain_text("Task number 1")
    stage.call(project, "delete_task", taskId="t1")
    expect(drawer).to_contain_text("There is no task of this name, or not any more")
    drawer.get_by_role("button", name="Close the details").click()
    expect(drawer).to_be_hidden()
