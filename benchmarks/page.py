"""The page in Chromium, and what can be read off it.

Owns opening it, the moment at which something is painted, the time between frames, and how much
memory is held. Must not know what is measured with them. The marks that it looks for are the
page's promise: `data-live` on the document, the counters' figures, `data-part="rows"` of the table
of tasks and `data-drawn` of the graph.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import chromium

__all__ = ["Held", "Tab", "browsing"]

PATIENCE_MS = 60_000
WINDOW = (1440, 900)

SHOWN = {
    "overview": "/[0-9]/.test(document.querySelector('#counts .figure')?.textContent)",
    "tasks": "document.querySelector('tasks-view [data-part=rows]')?.childElementCount > 0",
    "graph": "Number(document.querySelector('graph-view')?.dataset.drawn) > 0",
    "timeline": "document.querySelector('timeline-view')?.childElementCount > 0",
    "events": "document.querySelector('events-view [data-seq]') !== null",
}
"""When a view shows its first data, as a condition in the page."""

WATCH = """
window.watchShown = (isShown) => new Promise((done) => {
  const look = () => {
    if (isShown()) {
      // The frame that this callback belongs to is painted before the next task runs.
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now());
      channel.port2.postMessage(null);
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
});
window.watchFrames = () => {
  const deltas = [];
  let before = null;
  const step = (now) => {
    if (before !== null) {
      deltas.push(now - before);
    }
    before = now;
    window.frames = deltas;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
};
"""


@dataclass(frozen=True)
class Held:
    """What a page holds after its garbage is gone."""

    heap_bytes: int
    nodes: int


class Tab:
    """One page, in a context of its own."""

    def __init__(self, page: Page, origin: str) -> None:
        self._page = page
        self._origin = origin
        debugger = page.context.new_cdp_session(page)
        self._ask = cast("Callable[[str], dict[str, Any]]", debugger.send)  # pyright: ignore[reportUnknownMemberType] -- it does not say what is in its dicts
        self._ask("Performance.enable")
        self._failures: list[str] = []
        page.on("pageerror", lambda error: self._failures.append(str(error)))
        page.set_default_timeout(PATIENCE_MS)

    def check(self) -> None:
        """See that the page had no exception.

        Raises:
            AssertionError: it had, so it did not do what was measured.
        """
        assert self._failures == [], f"the page failed: {self._failures}"

    def load(self, project: str, view: str) -> float:
        """Milliseconds from the start of a navigation until a view's first data is painted."""
        address = f"{self._origin}/?{urlencode({'project': project, 'view': view})}"
        self._page.goto(address)
        return self._shown(view)

    def switch(self, view: str) -> float:
        """Milliseconds from pressing the view's link until its data is painted."""
        begin = self._page.evaluate(
            """(view) => {
                const begin = performance.now();
                document.querySelector(`nav [data-view=${view}]`).click();
                return begin;
            }""",
            view,
        )
        return self._shown(view) - float(begin)

    def _shown(self, view: str) -> float:
        live = "document.documentElement.dataset.live === 'live'"
        painted = self._page.evaluate(f"() => watchShown(() => {live} && {SHOWN[view]})")
        return float(painted)

    def number(self, script: str) -> float:
        """The value of an expression in the page."""
        return float(self._page.evaluate(script))

    def wait(self, condition: str) -> None:
        """Wait until an expression in the page is true."""
        # A function, since the page's policy forbids that an expression is read from text.
        self._page.wait_for_function(f"() => {condition}")

    def watch_frames(self) -> None:
        """Begin to write down the time between two frames."""
        self._page.evaluate("watchFrames()")

    def frames_ms(self) -> Sequence[float]:
        """What was written down since then."""
        frames: list[float] = self._page.evaluate("window.frames")
        return frames

    def held(self) -> Held:
        """Collect the garbage, then count."""
        self._ask("HeapProfiler.collectGarbage")
        told = self._ask("Performance.getMetrics")["metrics"]
        metrics = {metric["name"]: metric["value"] for metric in told}
        return Held(heap_bytes=int(metrics["JSHeapUsedSize"]), nodes=int(metrics["Nodes"]))


class Browsing:
    """A running browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.version = browser.version

    @contextmanager
    def tab(self, origin: str) -> Generator[Tab]:
        """A page in a context that has nothing in its cache."""
        width, height = WINDOW
        context = self._browser.new_context(viewport={"width": width, "height": height})
        context.add_init_script(WATCH)
        try:
            tab = Tab(context.new_page(), origin)
            yield tab
            tab.check()
        finally:
            context.close()


@contextmanager
def browsing() -> Generator[Browsing]:
    """The system's Chromium, for the length of the block.

    Raises:
        NoBrowser: there is none; the text says what to do.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), chromium_sandbox=False)
        try:
            yield Browsing(browser)
        finally:
            browser.close()
