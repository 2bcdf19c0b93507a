"""A plan is pasted, previewed, and added at once; what was typed is never lost."""

import time
from pathlib import Path

from playwright.sync_api import WebSocketRoute, expect

from protocol.limits import FRAME_BYTES_MAX
from tests.browser.stage import Stage, tasks
from tests.browser.tabs import LOST_SERVER, PATIENCE_MS, Tab

PLAN = "- [ ] db: Set up the database\n- [ ] api: Write the API (needs: db) #backend !5\n"
HOSTILE = "- [ ] x: <img src=x onerror=alert(1)> #ui\n"
TYPE = """
(control, text) => {
  control.value = text;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
"""
TYPE_AND_SUBMIT = """
(control, text) => {
  control.value = text;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  const keys = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };
  control.dispatchEvent(new KeyboardEvent("keydown", keys));
}
"""
PASTE = """
(control, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const pasted = { clipboardData, bubbles: true, cancelable: true };
  control.dispatchEvent(new ClipboardEvent("paste", pasted));
}
"""


class Answers:
    """What the server says to the page, some of which gets lost."""

    def __init__(self) -> None:
        self.lost = False

    def route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(lambda message: None if self.lost else socket.send(message))


def wait_for_tasks(stage: Stage, tab: Tab, project: str, count: int) -> None:
    """Wait until the server has so many; the page, which handles messages, goes on meanwhile."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while stage.call(project, "get_all_tasks")["total"] < count:
        assert time.monotonic() < deadline, "it is not added"
        tab.page.evaluate("() => new Promise(requestAnimationFrame)")


def many(tab: Tab, text: str) -> None:
    """Open the dialog and paste a plan."""
    tab.page.keyboard.press("n")
    tab.page.get_by_role("button", name="Many at once").click()
    tab.page.get_by_label("A plan").fill(text)


def test_a_plan_is_previewed_and_added_at_once(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    many(tab, PLAN + HOSTILE)
    preview = tab.part("preview")
    expect(preview.locator("tr")).to_have_count(3)
    expect(preview.locator("tr.blocked")).to_contain_text("after db")
    expect(preview).to_contain_text("<img src=x onerror=alert(1)>")
    assert stage.call(project, "get_all_tasks")["total"] == 0
    tab.page.get_by_role("button", name="Add 3 tasks").click()
    expect(tab.page.get_by_role("dialog")).to_be_hidden()
    said = tab.page.locator("#said")
    expect(said).to_contain_text("3 tasks added: db, api, x.")
    expect(tab.count("available")).to_have_text("2")
    expect(tab.count("blocked")).to_have_text("1")
    said.get_by_role("link", name="Show").click()
    expect(tab.part("input", "#filter")).to_have_value("id:db,api,x")
    expect(tab.page.locator("tasks-view [data-id]")).to_have_count(3)
    tab.page.keyboard.press("n")
    expect(tab.page.get_by_label("A plan")).to_have_value("")


def test_what_is_wrong_is_told_with_its_line_and_adds_nothing(
    stage: Stage, tab: Tab, project: str
) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project))
    many(tab, "- id: a\n  description: One\n- id: b\n  descripton: Two\n")
    problems = tab.part("problems")
    text = tab.page.get_by_label("A plan")
    problems.get_by_role("button", name="Line 3").click()
    expect(text).to_be_focused()
    assert tab.page.evaluate("getSelection().toString()") == "- id: b"
    add = tab.page.locator("add-dialog [type=submit]")
    expect(add).to_be_disabled()
    text.fill("- [ ] t1: There already\n- [ ] a: One (needs: nobody)\n")
    expect(problems).to_contain_text("Line 1: “t1” is there already.")
    expect(problems).to_contain_text("Line 2: “nobody” is waited for")
    expect(add).to_be_disabled()
    text.fill("- [ ] a: One (needs: nobody)\n")
    expect(problems.locator("li")).to_have_count(1)
    tab.page.keyboard.press("Escape")
    tab.page.reload()
    tab.wait_live()
    tab.page.keyboard.press("n")
    expect(text).to_have_value("- [ ] a: One (needs: nobody)\n")
    assert stage.call(project, "get_all_tasks")["total"] == 1


def test_a_file_is_read(stage: Stage, tab: Tab, project: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"id": "a", "description": "One"}, {"id": "b", "description": "Two"}]')
    tab.open(stage.address(project=project))
    many(tab, "")
    tab.page.get_by_label("or from a file").set_input_files(plan)
    expect(tab.part("preview").locator("tr")).to_have_count(2)
    tab.page.keyboard.press("Control+Enter")
    expect(tab.count("available")).to_have_text("2")


def test_the_server_dies_while_a_plan_is_typed(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    many(tab, PLAN)
    expect(tab.part("preview").locator("tr")).to_have_count(2)
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    text = tab.page.get_by_label("A plan")
    text.fill(PLAN + "- [ ] docs: Write about it\n")
    expect(tab.page.locator("add-dialog")).to_contain_text("Not connected: what you type stays")
    expect(tab.page.locator("add-dialog [type=submit]")).to_be_disabled()
    stage.start()
    tab.wait_live()
    expect(tab.part("preview").locator("tr")).to_have_count(3)
    tab.page.get_by_role("button", name="Add 3 tasks").click()
    expect(tab.count("available")).to_have_text("2")
    assert stage.call(project, "get_all_tasks")["total"] == 3


def test_what_is_there_already_is_left_out(stage: Stage, tab: Tab, project: str) -> None:
    stage.call(project, "import_tasks", tasks=[{"id": "a", "description": "A", "status": "done"}])
    tab.open(stage.address(project=project))
    many(tab, "- [ ] a: One\n- [ ] b: Two (needs: a)\n")
    expect(tab.part("problems")).to_contain_text("“a” is there already")
    tab.page.get_by_label("Leave out tasks that are there already").check()
    expect(tab.part("preview").locator("tr.available")).to_contain_text("after a")
    expect(tab.page.locator("add-dialog")).to_contain_text("1 task is left out.")
    tab.page.get_by_role("button", name="Add 1 task", exact=True).click()
    expect(tab.count("available")).to_have_text("1")


def test_a_plan_that_nobody_saw_is_not_added(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    many(tab, PLAN)
    preview = tab.part("preview").locator("tr")
    expect(preview).to_have_count(2)
    expect(tab.page.get_by_role("button", name="Add 2 tasks")).to_be_enabled()
    tab.page.get_by_label("A plan").evaluate(TYPE_AND_SUBMIT, PLAN + "- [ ] docs: Write about it\n")
    expect(preview).to_have_count(3)
    expect(tab.page.get_by_role("button", name="Add 3 tasks")).to_be_enabled()
    assert stage.call(project, "get_all_tasks")["total"] == 0


def test_too_much_is_told_before_it_is_sent(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    many(tab, PLAN)
    text = tab.page.get_by_label("A plan")
    text.evaluate(TYPE, "x" * FRAME_BYTES_MAX)
    expect(tab.part("problems")).to_contain_text("at most 1,044 KB are read")
    # What fits as a text need not fit as tasks: an id is made for each.
    text.evaluate(TYPE, "\n".join(["- [ ] " + "x" * 1_030] * 1_000))
    expect(tab.part("problems")).to_contain_text("at most 1,044 KB are read", timeout=20_000)
    expect(tab.page.locator("add-dialog [type=submit]")).to_be_disabled()


def test_several_lines_and_plain_items_become_tasks(stage: Stage, tab: Tab, project: str) -> None:
    """Pasted where one line goes, from a list without boxes."""
    tab.open(stage.address(project=project))
    tab.page.keyboard.press("n")
    tab.page.get_by_label("What is to be done").evaluate(PASTE, "- Set it up\n- Try it\n")
    expect(tab.page.get_by_label("A plan")).to_have_value("- Set it up\n- Try it\n")
    tab.page.get_by_role("button", name="Make 2 items a task").click()
    tab.page.get_by_role("button", name="Add 2 tasks").click()
    expect(tab.count("available")).to_have_text("2")


def test_more_fields_and_a_date_that_is_over(stage: Stage, tab: Tab, project: str) -> None:
    tab.open(stage.address(project=project))
    dialog = tab.page.locator("add-dialog")
    tab.page.keyboard.press("n")
    dialog.get_by_text("More", exact=True).click()
    dialog.get_by_label("Deadline").fill("2020-01-31T09:30:00")
    dialog.get_by_label("Attempts at most").fill("3")
    tab.page.keyboard.press("Escape")
    expect(dialog.locator("dialog")).to_be_hidden()
    tab.page.keyboard.press("n")
    dialog.get_by_label("What is to be done").fill("it: Do it")
    expect(tab.part("problems")).to_contain_text("deadline")
    expect(dialog.locator("[type=submit]")).to_be_disabled()
    dialog.get_by_label("Deadline").fill("")
    dialog.get_by_label("Details").fill("Step by step")
    dialog.get_by_role("button", name="Add", exact=True).click()
    dialog.get_by_role("link", name="Open it").click()
    expect(dialog.locator("dialog")).to_be_hidden()
    expect(tab.page.locator("task-drawer h2")).to_have_text("it")
    added = stage.call(project, "get_task", taskId="it")["task"]
    assert (added["description"], added["maxAttempts"]) == ("Do it\n\nStep by step", 3)


def test_what_was_not_answered_is_sent_again_and_added_once(
    stage: Stage, tab: Tab, project: str
) -> None:
    """The task is added, but the page is left before it hears of that."""
    answers = Answers()
    tab.page.route_web_socket(lambda url: "/rpc/" in url, answers.route)
    tab.open(stage.address(project=project))
    tab.page.keyboard.press("n")
    tab.page.get_by_label("What is to be done").fill("Only once")
    add = tab.page.locator("add-dialog [type=submit]")
    expect(tab.part("preview")).to_contain_text("Only once")
    expect(add).to_be_enabled()
    answers.lost = True
    tab.page.keyboard.press("Enter")
    wait_for_tasks(stage, tab, project, 1)
    answers.lost = False
    tab.page.reload()
    tab.wait_live()
    tab.page.keyboard.press("n")
    expect(tab.page.locator("add-dialog")).to_contain_text("no answer came")
    tab.page.get_by_role("button", name="Send it again").click()
    expect(tab.page.locator("add-dialog")).to_contain_text("is added (available).")
    assert stage.call(project, "get_all_tasks")["total"] == 1


def test_the_tasks_of_a_template(stage: Stage, tab: Tab, project: str) -> None:
    dialog = tab.page.locator("add-dialog")
    tab.open(stage.address(project=project))
    tab.page.keyboard.press("n")
    dialog.get_by_role("button", name="From a template").click()
    expect(dialog).to_contain_text("This project has no templates.")
    steps = [
        {"id": "build", "description": "Build {{what}}"},
        {"id": "test", "description": "Test {{what}}", "dependencies": ["build"]},
    ]
    stage.call(project, "save_template", name="release", tasks=steps)
    dialog.get_by_role("button", name="From a template").click()
    expect(dialog.get_by_label("Template")).to_be_focused()
    dialog.get_by_label("what", exact=True).fill("<b>it</b>")
    expect(tab.part("preview").locator("tr")).to_have_count(2)
    expect(tab.part("preview")).to_contain_text("Build <b>it</b>")
    dialog.get_by_label("Before the ids").fill("r1-")
    expect(tab.part("preview").locator("tr.blocked")).to_contain_text("after r1-build")
    assert tab.axe() == []
    dialog.get_by_role("button", name="Add 2 tasks").click()
    expect(tab.page.locator("#said")).to_contain_text("2 tasks added: r1-build, r1-test.")
    expect(tab.count("blocked")).to_have_text("1")
