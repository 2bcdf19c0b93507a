"""Several who look at the same: everybody sees what anybody does, at once, each event once."""

from playwright.sync_api import expect

from tests.browser.stage import Stage, Worker, tasks
from tests.browser.tabs import LOST_SERVER, Desk, Tab

ROUNDS = 5
SEEN_MS = 300
NOTE_CHANGES = """
() => {
  window.seen = [];
  const figure = document.querySelector("#counts [data-status=available] .figure");
  new MutationObserver(() => window.seen.push([figure.textContent, Date.now()]))
    .observe(figure, { childList: true, characterData: true, subtree: true });
}
"""
NOTE_ADDING = """
() => {
  window.pressed = [];
  document.querySelector("add-dialog form")
    .addEventListener("submit", () => window.pressed.push(Date.now()), { capture: true });
}
"""


def seqs(tab: Tab) -> list[int]:
    """The numbers of the events that the page shows, the newest first."""
    rows = tab.page.locator("events-view [data-seq]")
    return [int(seq) for seq in rows.evaluate_all("all => all.map(row => row.dataset.seq)")]


def wait_for_seq(tab: Tab, seq: int) -> None:
    tab.page.wait_for_selector(f'events-view [data-seq="{seq}"]', state="attached")


def test_what_one_does_another_sees_within_300_ms(stage: Stage, desk: Desk, project: str) -> None:
    """From pressing Add in one browser to the counter of the other; the machine may be busy with
    other tests once, but not five times."""
    one, other = desk.tab(), desk.tab()
    for tab in (one, other):
        tab.open(stage.address(project=project))
    other.page.evaluate(NOTE_CHANGES)
    one.page.evaluate(NOTE_ADDING)
    one.page.keyboard.press("n")
    for number in range(1, ROUNDS + 1):
        one.page.get_by_label("What is to be done").fill(f"Task {number}")
        expect(one.part("preview")).to_contain_text(f"Task {number}")
        expect(one.page.locator("add-dialog [type=submit]")).to_be_enabled()
        one.page.keyboard.press("Enter")
        expect(other.count("available")).to_have_text(str(number))
    pressed: list[int] = one.page.evaluate("window.pressed")
    seen: dict[str, int] = dict(other.page.evaluate("window.seen"))
    took = [seen[str(number)] - at for number, at in enumerate(pressed, 1)]
    assert len(took) == ROUNDS
    assert min(took) < SEEN_MS, took


def test_a_restart_loses_and_doubles_no_event(stage: Stage, tab: Tab, project: str) -> None:
    """Workers are at it before and after the server was away; the page is not loaded again."""
    stage.add(project, *tasks(20))
    tab.open(stage.address(project=project, view="events"))
    tab.page.evaluate("window.stayed = true")
    worker = stage.worker(project, "agent-a")
    slot = worker.join()
    for number in (1, 2):
        finish(worker, f"t{number}", slot)
    last = stage.events(project)[-1]["seq"]
    wait_for_seq(tab, last)
    before = seqs(tab)
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    assert seqs(tab) == before
    stage.start()
    for number in (3, 4, 5):
        stage.call(project, "add_note", taskId=f"t{number}", note="while it came back")
    tab.wait_live()
    finish(worker, "t6", slot)
    events = stage.events(project)
    wait_for_seq(tab, events[-1]["seq"])
    assert seqs(tab) == [event["seq"] for event in reversed(events)]
    assert tab.page.evaluate("window.stayed") is True, "the page was loaded again"


def finish(worker: Worker, task: str, slot: int) -> None:
    token = worker.claim(task, slot)["claimToken"]
    worker.use("update_task", taskId=task, workerId=worker.name, claimToken=token, status="done")


def test_after_a_long_absence_the_page_starts_afresh_without_a_gap(
    stage: Stage, tab: Tab, project: str
) -> None:
    """More happened than is worth replaying: what is shown is the newest, without a hole."""
    stage.add(project, *tasks(5))
    tab.open(stage.address(project=project, view="events"))
    tab.expect(LOST_SERVER)
    stage.kill()
    tab.wait_lost()
    stage.start()
    stage.add(project, *[{**task, "id": f"late-{task['id']}"} for task in tasks(1_500)])
    tab.wait_live()
    events = stage.events(project)
    wait_for_seq(tab, events[-1]["seq"])
    tab.page.wait_for_function("document.querySelectorAll('events-view [data-seq]').length >= 500")
    shown = seqs(tab)
    assert shown == list(range(events[-1]["seq"], shown[-1] - 1, -1))
