"""The events of a project that is larger, busier or older than what is kept on the page."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.stage import Stage, tasks
from tests.browser.tabs import LOST_SERVER, Tab

LONG_NOTE = "\N{FLOPPY DISK}" * 10_000
"""The longest that there can be."""
NOTES = 120
REPLY_MAX = 4 * 2**20
KEPT, PAGE = 200, 500
BATCH = 900


@pytest.fixture
def rows(tab: Tab) -> Locator:
    return tab.page.locator("events-view [data-seq]")


def seqs(rows: Locator) -> list[int]:
    """The numbers of what is shown, the newest first."""
    return [int(seq) for seq in rows.evaluate_all("all => all.map((row) => row.dataset.seq)")]


def first_seq(tab: Tab, seq: int) -> None:
    """Wait until this event is at the top."""
    top = tab.page.locator("events-view [data-seq]").first
    expect(top).to_have_attribute("data-seq", str(seq))


def last_seq(stage: Stage, project: str) -> int:
    return int(stage.call(project, "get_snapshot", limit=0)["seq"])


def many(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"id": f"m{start + number}", "description": "One of many"} for number in range(count)]


def test_an_answer_that_is_cut_for_its_size_leaves_no_gap(
    stage: Stage, tab: Tab, rows: Locator, project: str
) -> None:
    stage.add(project, *tasks(1))
    for _ in range(NOTES):
        stage.call(project, "add_note", taskId="t1", note=LONG_NOTE)
    stage.add(project, *many(2 * NOTES))  # the newest come by themselves
    events = stage.events(project)
    assert NOTES * len(LONG_NOTE.encode()) > REPLY_MAX, "one reply would hold all of it"
    tab.open(stage.address(project=project, view="events"))
    expect(rows).to_have_count(len(events))
    assert seqs(rows) == [event["seq"] for event in reversed(events)]


def test_a_restart_under_a_filter_loses_and_doubles_nothing_that_passes(
    stage: Stage, tab: Tab, rows: Locator, project: str
) -> None:
    """The page is paused when the server dies, and what passes is counted when it is back."""
    stage.add(project, *tasks(6))
    tab.open(stage.address(project=project, view="events", types="task_noted", q="id:t1,t2"))
    expect(tab.page.locator("events-view")).to_contain_text("No event passes the filter.")
    for number in (1, 2, 3):
        stage.call(project, "add_note", taskId=f"t{number}", note="before")
    expect(rows).to_have_count(2)
    before = seqs(rows)
    tab.page.keyboard.press(" ")
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    stage.start()
    for number in (1, 2, 3, 4):
        stage.call(project, "add_note", taskId=f"t{number}", note="meanwhile")
    tab.wait_live()
    pill = tab.page.locator("events-view .pill")
    expect(pill).to_have_text("2 new ↑")
    assert seqs(rows) == before
    pill.click()
    passing = [
        event["seq"]
        for event in stage.events(project)
        if event["type"] == "task_noted" and event["taskId"] in ("t1", "t2")
    ]
    expect(rows).to_have_count(len(passing))
    assert seqs(rows) == passing[::-1]


def test_rows_are_bounded_while_it_follows_and_while_it_is_paused(
    stage: Stage, tab: Tab, rows: Locator, project: str
) -> None:
    stage.add(project, *many(BATCH))
    tab.open(stage.address(project=project, view="events"))
    stage.add(project, *many(BATCH, BATCH))
    first_seq(tab, last_seq(stage, project))
    assert len(seqs(rows)) == KEPT
    tab.page.get_by_role("button", name="Pause").click()
    held = seqs(rows)
    stage.add(project, *many(BATCH, 2 * BATCH))
    pill = tab.page.locator("events-view .pill")
    expect(pill).to_have_text(f"{KEPT}+ new ↑")
    assert seqs(rows) == held
    rows.last.scroll_into_view_if_needed()
    tab.page.get_by_role("button", name="Earlier events").click()
    expect(rows).to_have_count(KEPT + PAGE)
    assert seqs(rows) == list(range(held[0], held[0] - KEPT - PAGE, -1))
    pill.click()
    first_seq(tab, last_seq(stage, project))
    assert len(seqs(rows)) == KEPT
    expect(tab.page.locator("events-view .summary")).not_to_contain_text("paused")


def test_what_is_rare_is_found_far_back_and_stays_while_much_else_happens(
    stage: Stage, tab: Tab, rows: Locator, project: str
) -> None:
    stage.add(project, *tasks(2))
    stage.call(project, "cancel_task", taskId="t1")
    for start in range(0, 5 * BATCH, BATCH):
        stage.add(project, *many(BATCH, start))
    tab.open(stage.address(project=project, view="events", types="task_cancelled"))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("t1")
    stage.add(project, *many(BATCH, 5 * BATCH))
    stage.call(project, "cancel_task", taskId="t2")
    expect(rows).to_have_count(2)
    expect(tab.page.get_by_role("button", name="Earlier events")).to_be_hidden()


def test_what_only_tasks_can_answer_is_asked_and_asked_again_after_a_change(
    stage: Stage, tab: Tab, rows: Locator, project: str
) -> None:
    stage.add(project, *tasks(3, dependencies=lambda number: [number - 1] if number > 1 else []))
    stage.call(project, "edit_task", taskId="t2", tags=["api"])
    honest = tab.page.get_by_text("events without a task")
    tab.open(stage.address(project=project, view="events", q="age:<1h"))
    expect(rows).to_have_count(4)
    expect(honest).to_be_visible()
    tab.part("input", "#filter").fill("tag:api")
    expect(rows).to_have_count(2)
    stage.call(project, "edit_task", taskId="t3", tags=["api"])
    expect(rows.first).to_contain_text("t3")
    stage.call(project, "edit_task", taskId="t2", tags=[])
    expect(rows.filter(has_text="t2")).to_have_count(0)
    tab.part("input", "#filter").fill("up:t2")
    expect(rows).to_have_count(4)
    tab.part("input", "#filter").fill("")
    expect(rows).to_have_count(6)
    expect(honest).to_be_hidden()


def test_the_export_reads_on_where_an_answer_is_cut(
    stage: Stage, tab: Tab, project: str, tmp_path: Path
) -> None:
    stage.add(project, *({**task, "tags": ["api"]} for task in tasks(NOTES)))
    for number in range(1, NOTES + 1):
        stage.call(project, "add_note", taskId=f"t{number}", note=LONG_NOTE)
    stage.add(project, *many(BATCH))
    query = {"types": "task_noted,task_added", "q": "tag:api"}
    tab.open(stage.address(project=project, view="events", **query))
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Export JSON Lines").click()
    kept = tmp_path / "events.jsonl"
    download.value.save_as(kept)
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    events = stage.events(project)
    assert lines == [event for event in events if re.fullmatch(r"t\d+", event.get("taskId", ""))]
    expect(tab.page.locator("#said")).to_contain_text(f"{2 * NOTES} events exported.")
