"""The page in a real browser, and everything that it complains about.

Owns starting Chromium, one context per tab (nothing is shared between two), and the rule that a
page has nothing to say: whatever reaches the console, every exception, failed request and breach
of the content security policy fails the test, unless the test said that it would come.
"""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as TookTooLong

Theme = Literal["light", "dark"]

PATIENCE_MS = 10_000
DESKTOP = (1440, 900)
PHONE = (390, 844)
LIVE = 'html[data-live="live"]'
LOST_SERVER = r"WebSocket connection to .* failed|ERR_(CONNECTION_|CONTENT_LENGTH_|EMPTY_RESPONSE)"
"""What a browser says by itself when the server is away. The page has nothing to add."""

LEFT = "net::ERR_ABORTED"

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`breach of ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


class Tab:
    """One page in a context of its own."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.set_default_timeout(PATIENCE_MS)
        context.set_default_navigation_timeout(PATIENCE_MS)
        context.add_init_script(TELL_VIOLATIONS)
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._trouble(f"exception: {error}"))
        self.page.on("crash", lambda _: self._trouble("the page crashed"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        self._trouble(f"console {message.type}: {message.text} ({where})")

    def _failed(self, request: Request) -> None:
        if request.failure == LEFT:
            return  # the page was left before it was all there
        self._trouble(f"{request.method} {request.url} failed: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._trouble(f"{response.request.method} {response.url}: {response.status}")

    def _trouble(self, problem: str) -> None:
        if not any(pattern.search(problem) for pattern in self._expected):
            self.problems.append(problem)

    def expect(self, pattern: str) -> None:
        """From now on, what matches this regular expression is no problem."""
        self._expected.append(re.compile(pattern))

    # --- what a person does

    def open(self, address: str) -> None:
        """Go to an address and wait until the page is connected and shows its first data."""
        self.page.goto(address)
        self.wait_live()

    def wait_live(self) -> None:
        try:
            self.page.wait_for_selector(LIVE, state="attached")
        except TookTooLong as error:
            said = self.page.locator("#header").inner_text().split("\n")
            raise AssertionError(f"not live; the page says {said}, and {self.problems}") from error

    def wait_lost(self) -> None:
        """Wait until the page knows that its server is gone."""
        self.page.wait_for_selector(f":root:not({LIVE.removeprefix('html')})", state="attached")

    def part(self, name: str, within: str = "body") -> Locator:
        """The element with this `data-part`."""
        return self.page.locator(f'{within} [data-part="{name}"]')

    def count(self, status: str) -> Locator:
        """The figure of a status in the counters above every view."""
        return self.page.locator(f"#counts [data-status={status}] .figure")

    # --- what nobody must see

    def wait_problem(self) -> None:
        """Wait for the next problem, where one must come."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.problems:
            assert time.monotonic() < deadline, "the page has no problem"
            self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def axe(self) -> list[str]:
        """Everything that axe-core has against the page as it is now."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run({ resultTypes: ['violations'] })")
        return [
            f"{rule['id']} ({rule['impact']}): {node['target']}: {node['html'][:200]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(script))


class Desk:
    """A browser in which tabs are opened, all of them closed with their test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.tabs: list[Tab] = []

    def tab(self, *, theme: Theme = "light", size: tuple[int, int] = DESKTOP) -> Tab:
        """A new tab that shares nothing with the others."""
        width, height = size
        context = self._browser.new_context(
            color_scheme=theme,
            viewport={"width": width, "height": height},
            locale="en-GB",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        made = Tab(context)
        self.tabs.append(made)
        return made

    def close(self) -> list[str]:
        """Close all tabs; their problems."""
        problems = [problem for tab in self.tabs for problem in tab.problems]
        for tab in self.tabs:
            tab.context.close()
        self.tabs.clear()
        return problems


@contextmanager
def browsing(executable: Path) -> Generator[Browser]:
    """A browser for the length of the block.

    It runs without its sandbox: root cannot have one, and it only meets this project's pages.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()
