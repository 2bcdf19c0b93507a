"""A plan is pasted, previewed, and added at once; what was typed is never lost."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.stage import Stage, tasks
from tests.browser.tabs import LOST_SERVER, Tab

PLAN = "- [ ] db: Set up the database\n- [ ] api: Write the API (needs: db) #backend !5\n"
HOSTILE = "- [ ] x: <img src=x onerror=alert(1)> #ui\n"


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
    expect(tab.page.locator("#said")).to_contain_text("3 tasks added.")
    expect(tab.count("available")).to_have_text("2")
    expect(tab.count("blocked")).to_have_text("1")
    tab.page.keyboard.press("n")
    expect(tab.page.get_by_label("A plan")).to_have_value("")


def test_what_is_wrong_is_told_with_its_line_and_adds_nothing(
    stage: Stage, tab: Tab, project: str
) -> None:
    stage.add(project, *tasks(1))
    tab.open(stage.address(project=project))
    many(tab, "- id: a\n  description: One\n- id: b\n  descripton: Two\n")
    problems = tab.part("problems")
    expect(problems).to_contain_text("Line 3")
    add = tab.page.locator("add-dialog [type=submit]")
    expect(add).to_be_disabled()
    text = tab.page.get_by_label("A plan")
    text.fill("- [ ] t1: There already\n")
    expect(problems).to_contain_text("t1")
    expect(add).to_be_disabled()
    text.fill("- [ ] a: One (needs: nobody)\n")
    expect(problems).to_contain_text("nobody")
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
    text.press("End")
    text.type(" ")
    expect(tab.part("preview").locator("tr")).to_have_count(3)
    tab.page.get_by_role("button", name="Add 3 tasks").click()
    expect(tab.count("available")).to_have_text("2")
    assert stage.call(project, "get_all_tasks")["total"] == 3
