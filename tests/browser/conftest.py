"""A browser and a server for each module, a desk with tabs and a project for each test.

The browser is a module's and not the session's: while it runs, Playwright keeps an event loop
asleep in the test's thread, and other modules of the same process run Trio there.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium_or_skip
from tests.browser.stage import Stage, running
from tests.browser.tabs import Desk, Tab, browsing


@pytest.fixture(scope="session")
def executable() -> Path:
    """The browser; without one the tests are skipped, or fail where one is required."""
    return chromium_or_skip()


@pytest.fixture(scope="module")
def browser(executable: Path) -> Generator[Browser]:
    with browsing(executable) as made:
        yield made


@pytest.fixture(scope="module")
def stage(executable: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """A running server; each test uses a project of its own on it."""
    del executable  # without a browser there is nothing to serve
    with running(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def desk(browser: Browser) -> Generator[Desk]:
    """Where tabs are opened. The test fails at its end if one of them had something to say."""
    made = Desk(browser)
    yield made
    problems = made.close()
    assert problems == [], "the page complained"


@pytest.fixture
def tab(desk: Desk) -> Tab:
    return desk.tab()


@pytest.fixture
def project(stage: Stage) -> str:
    return stage.new_project()
