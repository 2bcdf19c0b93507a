"""The server dies under an open page, and comes back."""

from playwright.sync_api import expect

from tests.browser.stage import Stage, tasks
from tests.browser.tabs import LOST_SERVER, Tab

STAY = "window.stayed = true"


def test_a_page_goes_on_after_the_server_was_killed_and_started_again(
    stage: Stage, tab: Tab, project: str
) -> None:
    """What it showed stays, and is said to be old; what happened meanwhile appears by itself."""
    stage.add(project, *tasks(2))
    tab.open(stage.address(project=project))
    expect(tab.count("available")).to_have_text("2")
    tab.page.evaluate(STAY)
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    expect(tab.page.locator("#header")).to_contain_text("data as of")
    expect(tab.count("available")).to_have_text("2")
    stage.start()
    stage.call(project, "add_task", id="meanwhile", description="Added while it was away")
    tab.wait_live()
    expect(tab.count("available")).to_have_text("3")
    assert tab.page.evaluate("window.stayed") is True, "the page was loaded again"


def test_a_part_that_did_not_come_is_asked_for_again(stage: Stage, tab: Tab, project: str) -> None:
    """The server went away while the page was still fetching what is not shown yet."""
    stage.add(project, *tasks(1))
    tab.page.route("**/static/task_form.js", lambda route: route.abort(), times=1)
    tab.expect("task_form.js|Failed to load resource")
    tab.open(stage.address(project=project, view="tasks"))
    tab.page.wait_for_load_state("networkidle")
    tab.page.get_by_role("link", name="t1").click()
    expect(tab.page.locator("task-drawer")).to_contain_text("Task number 1")


def test_what_an_mcp_worker_does_is_on_the_page(stage: Stage, tab: Tab, project: str) -> None:
    stage.add(project, *tasks(2))
    tab.open(stage.address(project=project))
    worker = stage.worker(project, "agent-a")
    slot = worker.join()
    claim = worker.claim("t1", slot)
    expect(tab.count("working")).to_have_text("1")
    worker.use(
        "update_task",
        taskId="t1",
        status="done",
        workerId="agent-a",
        claimToken=claim["claimToken"],
    )
    worker.use("release_worker_slot", slot=slot, workerId="agent-a")
    worker.go_on()
    expect(tab.count("done")).to_have_text("2")
