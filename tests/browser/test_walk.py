"""A walk through the whole page while MCP workers are at work: every view, key and action."""

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Json, Stage, tasks
from tests.browser.tabs import Tab

PLAN = tasks(12, dependencies=lambda number: [number - 4] if number > 4 else [])


def answer(page: Page, action: str, value: str | None = None) -> None:
    """Answer the question that the page asks."""
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    if value is not None:
        dialog.locator("input").fill(value)
    dialog.get_by_role("button", name=action).click()
    expect(dialog).to_be_hidden()


def task(stage: Stage, project: str, name: str) -> Json:
    found: Json = stage.call(project, "get_task", taskId=name)["task"]
    return found


def row(tab: Tab, name: str) -> Locator:
    return tab.page.locator(f'tasks-view [data-part="rows"] tr[data-id="{name}"]')


def test_workers_go_through_a_plan_under_every_view(stage: Stage, tab: Tab, project: str) -> None:
    """Two MCP workers finish all of it while somebody goes from view to view; the end is told
    everywhere, and the console stays empty."""
    stage.add(project, *PLAN)
    tab.open(stage.address(project=project))
    for name in ("agent-a", "agent-b"):
        stage.worker(project, name).go_on(pace_seconds=0.25)
    page = tab.page
    expect(tab.part("slots").locator("li")).to_have_count(2)
    expect(tab.part("slots")).to_contain_text("agent-a")
    page.keyboard.press("2")
    expect(page.locator("tasks-view tr.working").first).to_be_visible()
    page.keyboard.press("3")
    expect(page.locator("graph-view [data-id]").first).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator('timeline-view [data-worker="agent-a"]')).to_be_visible()
    page.keyboard.press("5")
    expect(page.locator("events-view")).to_contain_text("half way")
    expect(tab.count("done")).to_have_text(str(len(PLAN)), timeout=30_000)
    page.keyboard.press("4")
    expect(page.locator("timeline-view .summary")).to_contain_text("12 attempts of 2 workers")
    expect(page.locator('timeline-view [data-outcome="done"]').first).to_be_visible()
    page.keyboard.press("3")
    expect(page.locator("graph-view")).to_contain_text("Nothing is open")
    page.keyboard.press("2")
    expect(page.locator("tasks-view tr.done")).to_have_count(len(PLAN))
    page.keyboard.press("1")
    expect(page.locator("overview-view")).to_contain_text("Nothing is open.")
    expect(page.locator("overview-view .legend")).to_contain_text("12 done")
    page.reload()
    pulse = page.locator("#pulse svg")
    expect(pulse).to_have_attribute("aria-label", "12 tasks done in the last 30 minutes")
    assert tab.problems == []


def test_every_key_of_the_table(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(4))
    tab.open(stage.address(project=project, view="tasks", sort="created"))
    page = tab.page
    expect(tab.part("rows").locator("tr")).to_have_count(4)
    page.keyboard.press("j")
    expect(row(tab, "t1").get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(row(tab, "t2").get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("task-drawer h2")).to_have_text("t2")
    page.keyboard.press("Escape")
    expect(page.locator("task-drawer")).to_be_hidden()
    expect(row(tab, "t2").get_by_role("link")).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("Description")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("task-drawer")).to_be_hidden()
    row(tab, "t2").get_by_role("link").focus()
    page.keyboard.press("c")
    answer(page, "Cancel the work")
    expect(row(tab, "t2")).to_have_class("cancelled")
    row(tab, "t2").get_by_role("link").focus()
    page.keyboard.press("r")
    answer(page, "Reset")
    expect(row(tab, "t2")).to_have_class("available")
    row(tab, "t3").get_by_role("link").focus()
    page.keyboard.press("g")
    expect(page.locator('graph-view [data-id="t3"]')).to_have_attribute("aria-current", "true")


def test_a_person_steps_in_while_workers_are_at_it(stage: Stage, tab: Tab, project: str) -> None:
    """Keys and actions in the middle of work: nothing jumps away under the hand, the questions
    stay, and the tasks that were meant are changed."""
    later = {"notBefore": "2099-01-01T00:00:00Z"}  # no worker takes these
    stage.add(project, *({**one, **later} for one in tasks(4)))
    work = [{"id": f"w{number}", "description": "Work"} for number in range(1, 401)]
    stage.add(project, *work)
    tab.open(stage.address(project=project, view="tasks", sort="created"))
    page, drawer = tab.page, tab.page.locator("task-drawer")
    for name in ("agent-a", "agent-b"):
        stage.worker(project, name).go_on(pace_seconds=0.15)
    expect(tab.count("working")).to_have_text("2")

    def finished() -> int:
        return int(stage.call(project, "get_snapshot", limit=0)["counts"]["done"])

    before = finished()
    for key in "jjk":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(drawer.locator("h2")).to_have_text("t1")
    drawer.get_by_role("button", name="Priority…", exact=True).click()
    answer(page, "Set the priority", "7")
    drawer.get_by_role("button", name="Note…", exact=True).click()
    answer(page, "Add the note", "Not before the release")
    expect(drawer).to_contain_text("Not before the release")
    page.keyboard.press("e")
    page.get_by_label("Description").fill("Written while others work")
    page.get_by_role("button", name="Save").click()
    expect(drawer).to_contain_text("Written while others work")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    row(tab, "t2").get_by_role("link").focus()
    page.keyboard.press("c")
    answer(page, "Cancel the work")
    expect(row(tab, "t2")).to_have_class("cancelled")
    row(tab, "t2").get_by_role("link").focus()
    page.keyboard.press("r")
    answer(page, "Reset")
    expect(row(tab, "t2")).to_have_class("scheduled")
    for name in ("t3", "t4"):
        row(tab, name).get_by_role("link").focus()
        page.keyboard.press("x")
    page.get_by_role("group", name="Selected tasks").get_by_role("button", name="Cancel…").click()
    answer(page, "Cancel the work")
    expect(tab.count("cancelled")).to_have_text("2")
    page.keyboard.press("/")
    page.keyboard.type("status:cancelled")
    expect(tab.part("rows").locator("tr")).to_have_count(2)
    page.keyboard.press("Escape")  # the suggestions
    page.keyboard.press("Escape")  # the line
    for key, shown in (("1", "overview-view"), ("3", "graph-view"), ("5", "events-view")):
        page.keyboard.press(key)
        expect(page.locator(shown)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert task(stage, project, "t1")["priority"] == 7
    assert before < finished() < len(work), "the workers were at it all the time"
    assert tab.problems == []


def test_many_are_chosen_and_changed_at_once(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(6))
    tab.open(stage.address(project=project, view="tasks", sort="created"))
    page = tab.page
    row(tab, "t2").get_by_role("checkbox").click()
    row(tab, "t4").get_by_role("checkbox").click(modifiers=["Shift"])
    bar = page.get_by_role("group", name="Selected tasks")
    expect(bar).to_contain_text("3 tasks selected")
    bar.get_by_role("button", name="Priority…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Priority of 3 tasks")
    answer(page, "Set the priority", "9")
    for name in ("t2", "t3", "t4"):
        expect(row(tab, name)).to_contain_text("9")
    expect(bar).to_be_hidden()
    page.get_by_label("Select all that are shown").check()
    expect(bar).to_contain_text("6 tasks selected")
    bar.get_by_role("button", name="Cancel…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Cancel 6 tasks?")
    answer(page, "Cancel the work")
    expect(tab.count("cancelled")).to_have_text("6")
    row(tab, "t1").get_by_role("link").focus()
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 task selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_every_action_of_the_details(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(2, dependencies=lambda number: [1] if number == 2 else []))
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open(stage.address(project=project, view="tasks", task="t1"))
    page, drawer = tab.page, tab.page.locator("task-drawer")

    def press(name: str) -> None:
        drawer.get_by_role("button", name=name, exact=True).click()

    press("Priority…")
    answer(page, "Set the priority", "4")
    expect(drawer.locator(".facts")).to_contain_text("Priority4", use_inner_text=False)
    press("Note…")
    answer(page, "Add the note", "Look at the old code first")
    expect(drawer).to_contain_text("Look at the old code first")
    press("Cancel…")
    expect(page.get_by_role("dialog")).to_contain_text("Cancelling blocks 1 task until it is reset")
    answer(page, "Cancel the work")
    expect(drawer.locator(".status")).to_contain_text("cancelled")
    press("Reset…")
    answer(page, "Reset")
    expect(drawer.locator(".status")).to_contain_text("available")
    press("Copy JSON")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (copied["id"], copied["priority"]) == ("t1", 4)
    press("Delete…")
    answer(page, "Delete")
    expect(page.locator("#said")).to_contain_text("Could not delete: ")
    press("Graph")
    expect(page.locator('graph-view [data-id="t1"]')).to_have_attribute("aria-current", "true")
    page.keyboard.press("2")
    page.goto(stage.address(project=project, view="tasks", task="t2"))
    press("Delete…")
    answer(page, "Delete")
    expect(drawer).to_be_hidden()
    expect(row(tab, "t2")).to_have_count(0)


def test_every_action_of_the_overview(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(3, dependencies=lambda number: [1] if number == 2 else []))
    worker = stage.worker(project, "agent-a")
    slot = worker.join()
    claim = worker.claim("t1", slot)
    held = {"taskId": "t1", "workerId": "agent-a", "claimToken": claim["claimToken"]}
    worker.use("update_task", **held, status="failed", error="3 tests are red")
    worker.claim("t3", slot)
    tab.open(stage.address(project=project))
    page, view = tab.page, tab.page.locator("overview-view")
    item = tab.part("attention").locator('[data-kind="blocked_by_failed"]')
    expect(item).to_contain_text("It failed in attempt 1, and a task cannot go on")
    item.get_by_role("button", name="What waits").click()
    expect(page).to_have_url(re.compile("view=tasks"))
    expect(tab.part("rows").locator("tr")).to_have_count(1)
    page.go_back()
    item.get_by_role("button", name="Reset…").click()
    answer(page, "Reset")
    expect(view).to_contain_text("Nothing needs you.")
    view.get_by_role("button", name="Pause claims…").click()
    answer(page, "Pause", "a release")
    expect(view).to_contain_text("Claims are paused, nobody may take a task: a release")
    assert stage.call(project, "get_snapshot")["paused"] is True
    view.get_by_role("button", name="Resume claims").click()
    expect(view.locator(".notice")).to_be_hidden()
    view.get_by_role("button", name="Slots…").click()
    answer(page, "Set the number", "12")
    expect(view).to_contain_text("1 of 12 slots taken")
    view.get_by_role("button", name="Release…").click()
    answer(page, "Release the slot")
    expect(tab.part("slots").locator("li")).to_have_count(0)
    assert task(stage, project, "t3")["status"] == "available"
    view.get_by_label("Stretch of time").select_option("15 min")
    expect(page).to_have_url(re.compile("range=900"))
    expect(view.locator(".legend")).to_contain_text("1 failed")


def test_every_action_of_the_graph(stage: Stage, tab: Tab, project: str, tmp_path: Path) -> None:
    stage.add(project, *PLAN)
    tab.open(stage.address(project=project, view="graph"))
    page, view = tab.page, tab.page.locator("graph-view")
    picture = tab.part("picture")
    expect(view).to_have_attribute("data-drawn", "12")
    expect(view).to_contain_text("12 tasks, 8 edges")
    view.get_by_role("button", name="Longest way").click()
    expect(view).to_contain_text("longest way: 3 tasks")
    expect(picture.locator("g.lit")).to_have_count(3)
    page.keyboard.press("p")
    picture.locator('[data-id="t5"]').hover()
    expect(picture.locator("g.lit")).to_have_count(3)
    picture.locator('[data-id="t1"]').focus()
    page.keyboard.press("ArrowRight")
    expect(picture.locator('[data-id="t5"]')).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(picture.locator('[data-id="t1"]')).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(picture.locator('[data-id="t1"]')).not_to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("task-drawer")).to_be_visible()
    page.keyboard.press("Escape")
    plane = picture.locator("> g")
    before = plane.get_attribute("transform")
    for key in ("+", "+", "-"):
        page.keyboard.press(key)
    expect(plane).not_to_have_attribute("transform", before or "")
    page.keyboard.press("0")
    expect(plane).to_have_attribute("transform", before or "")
    for words, suffix, inside in (
        ("As SVG", ".svg", "Task number 7"),
        ("As Mermaid", ".mmd", "n6"),
    ):
        view.get_by_text("Export", exact=True).click()
        with page.expect_download() as download:
            view.get_by_role("button", name=words, exact=True).click()
        kept = tmp_path / download.value.suggested_filename
        download.value.save_as(kept)
        assert kept.suffix == suffix
        assert inside in kept.read_text()
    view.get_by_role("button", name="List").click()
    expect(view.locator('li[data-id="t9"]')).to_contain_text("after")
    view.get_by_role("button", name="More levels of finished tasks").click()
    expect(page).to_have_url(re.compile("depth=2"))
    tab.part("input", "#filter").fill("up:t9")
    expect(view.locator("li[data-id]")).to_have_count(3)


def test_nodes_stay_where_they_are_while_only_statuses_change(
    stage: Stage, tab: Tab, project: str
) -> None:
    stage.add(project, *PLAN)
    tab.open(stage.address(project=project, view="graph"))
    node = tab.part("picture").locator('[data-id="t7"]')
    expect(node).to_be_visible()
    script = "all => Object.fromEntries(all.map(n => [n.dataset.id, n.getAttribute('transform')]))"
    places = tab.part("picture").locator("[data-id]").evaluate_all(script)
    worker = stage.worker(project, "agent-a")
    worker.claim("t3", worker.join())
    expect(tab.part("picture").locator('[data-id="t3"]')).to_have_class(re.compile("working"))
    assert tab.part("picture").locator("[data-id]").evaluate_all(script) == places


def test_every_action_of_the_events(stage: Stage, tab: Tab, project: str, tmp_path: Path) -> None:
    stage.add(project, *tasks(60))
    stage.call(project, "cancel_task", taskId="t7")
    tab.open(stage.address(project=project, view="events"))
    page, view = tab.page, tab.page.locator("events-view")
    rows = view.locator("[data-seq]")
    expect(rows).to_have_count(61)
    page.keyboard.press(" ")
    expect(view.get_by_role("button", name="Follow")).to_be_visible()
    stage.call(project, "cancel_task", taskId="t8")
    expect(view.locator(".pill")).to_have_text("1 new ↑")
    expect(rows).to_have_count(61)
    view.locator(".pill").click()
    expect(rows).to_have_count(62)
    rows.last.scroll_into_view_if_needed()
    expect(view.locator(".summary")).to_contain_text("paused")
    stage.call(project, "cancel_task", taskId="t9")
    view.locator(".pill").click()
    expect(rows).to_have_count(63)
    rows.first.get_by_role("button", name="as JSON").click()
    expect(rows.first.locator("pre")).to_contain_text('"type": "task_cancelled"')
    view.get_by_text("All types").first.click()
    view.get_by_label("task cancelled").check()
    expect(rows).to_have_count(3)
    tab.part("input", "#filter").fill("t7")
    expect(rows).to_have_count(1)
    with page.expect_download() as download:
        view.get_by_role("button", name="Export JSON Lines").click()
    kept = tmp_path / "events.jsonl"
    download.value.save_as(kept)
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [(line["type"], line["taskId"]) for line in lines] == [("task_cancelled", "t7")]
    tab.part("input", "#filter").fill("id:t8 status:cancelled")
    expect(rows.first).to_contain_text("t8")
    expect(rows).to_have_count(1)
    rows.first.get_by_role("link").click()
    expect(page.locator("task-drawer h2")).to_have_text("t8")


def test_the_timeline_is_narrowed_by_hand_and_by_key(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(3))
    worker = stage.worker(project, "agent-a")
    slot = worker.join()
    claim = worker.claim("t1", slot)
    held = {"taskId": "t1", "workerId": "agent-a", "claimToken": claim["claimToken"]}
    worker.use("update_task", **held, status="failed", error="red")
    worker.claim("t2", slot)
    tab.open(stage.address(project=project, view="timeline", span="900"))
    page, view = tab.page, tab.page.locator("timeline-view")
    bars = view.locator("[data-outcome]")
    expect(bars).to_have_count(2)
    expect(view.locator('[data-outcome="failed"]')).to_have_attribute(
        "aria-label", re.compile("^t1: Task number 1, attempt 1 by agent-a, failed")
    )
    strip = view.locator("svg.brush")
    box = strip.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 10)
    page.mouse.up()
    expect(page).to_have_url(re.compile("since=.*until="))
    expect(view).to_contain_text("Nobody worked on anything in this stretch of time")
    view.get_by_role("button", name="All of it").click()
    expect(bars).to_have_count(2)
    low = view.get_by_label("From")
    low.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("since="))
    bars.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("task-drawer h2")).to_have_text("t2")
    tab.part("input", "#filter").fill("t1")
    expect(bars).to_have_count(1)
    tab.part("input", "#filter").fill("worker:nobody")
    expect(view).to_contain_text("No attempt passes the filter")


def test_a_single_line_becomes_a_task(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project, view="tasks"))
    page = tab.page
    page.keyboard.press("n")
    line = page.get_by_label("What is to be done")
    expect(line).to_be_focused()
    line.fill("login: Fix the login page #ui !5 (needs: t1)")
    expect(tab.part("preview")).to_contain_text("blocked")
    page.keyboard.press("Enter")
    expect(page.locator("add-dialog")).to_contain_text("login is added (blocked).")
    expect(line).to_have_value("")
    page.keyboard.type("And another one #ui")
    page.keyboard.press("Enter")
    expect(page.locator("add-dialog")).to_contain_text("is added (available).")
    page.keyboard.press("Escape")
    added = task(stage, project, "login")
    assert (added["priority"], added["tags"], added["dependencies"]) == (5, ["ui"], ["t1"])
    expect(row(tab, "login")).to_be_visible()
