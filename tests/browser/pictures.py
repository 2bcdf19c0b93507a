"""Pictures of every view: `python -m tests.browser.pictures FOLDER`.

Owns which pictures there are: those in `docs/pictures/` are made by this. It starts a server of its
own, lets agents work on a plan for a while, and takes one picture after the other. With
`--tasks 0`, 6, 120 or 3000 the plan has another size, to look at what a page of that size is like.
"""

import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import click
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.scenes import plan, work
from tests.browser.stage import Stage, running
from tests.browser.tabs import DESKTOP, PHONE, Desk, Theme, browsing

PROJECT: Final = "new-api"
SETTLE_MS: Final = 1_500


class Picture(NamedTuple):
    """A view as somebody sees it."""

    name: str
    view: str
    theme: Theme = "light"
    size: tuple[int, int] = DESKTOP
    task: str = ""
    keys: tuple[str, ...] = ()


VIEWS: Final = ("overview", "tasks", "graph", "timeline", "events")
PICTURES: Final = (
    *(Picture(view, view) for view in VIEWS),
    *(Picture(f"{view}-dark", view, "dark") for view in VIEWS),
    *(Picture(f"{view}-phone", view, size=PHONE) for view in VIEWS),
    Picture("drawer", "tasks", task="*"),
    Picture("drawer-dark", "overview", "dark", task="*"),
    Picture("drawer-phone", "tasks", size=PHONE, task="*"),
    Picture("add", "overview", keys=("n",)),
    Picture("keys", "tasks", keys=("?",)),
)


def take(stage: Stage, browser: Browser, folder: Path, picture: Picture) -> None:
    """Take one picture."""
    desk = Desk(browser)
    tab = desk.tab(theme=picture.theme, size=picture.size)
    query = {"project": PROJECT, "view": picture.view, "range": "900"}
    if picture.task:
        query["task"] = _blocked(stage)
    tab.open(stage.address(**query))
    tab.page.wait_for_timeout(SETTLE_MS)
    for key in picture.keys:
        tab.page.keyboard.press(key)
        tab.page.wait_for_timeout(SETTLE_MS // 3)
    tab.page.screenshot(path=folder / f"{picture.name}.png")
    wide = tab.overflow()
    for problem in desk.close():
        click.echo(f"{picture.name}: {problem}", err=True)
    if wide:
        click.echo(f"{picture.name}: wider than its window by {wide} px", err=True)


def _blocked(stage: Stage) -> str:
    """The task that is most worth looking at."""
    for status in ("blocked", "failed", "done"):
        page = stage.call(PROJECT, "list_tasks", status=[status], limit=1)
        if page["tasks"]:
            return str(page["tasks"][0]["id"])
    return "nothing"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--tasks", default=120, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="How long agents work before.")
@click.option("--pace", default=6.0, show_default=True, help="Seconds of work on a task.")
@click.option("--only", default="", help="Only pictures whose name contains this.")
def main(folder: Path, tasks: int, seconds: float, pace: float, only: str) -> None:
    """Take pictures of the dashboard into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch), "--workers", "8") as stage,
    ):
        if tasks:
            stage.add(PROJECT, *plan(tasks))
            work(stage, PROJECT, seconds, pace)
        with browsing(chromium()) as browser:
            for picture in PICTURES:
                if only in picture.name:
                    take(stage, browser, folder, picture)


if __name__ == "__main__":
    main()
