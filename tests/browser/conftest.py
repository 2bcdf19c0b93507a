"""A browser and a server for many tests, a desk with tabs and a project for each.

While a browser runs, Playwright keeps an event loop asleep in the test's thread, where other tests
of the same process run Trio. So the browser is the session's only where pytest is given nothing
but browser tests, as `make test` does; otherwise each module starts its own, which takes longer.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium_or_skip
from tests.browser.stage import Stage, running
from tests.browser.tabs import Desk, Tab, browsing

HERE = Path(__file__).parent


def _scope(fixture_name: str, config: pytest.Config) -> Literal["session", "module"]:
    """How long a browser and a server live."""
    del fixture_name
    places = [Path(config.invocation_params.dir, arg.split("::")[0]) for arg in config.args]
    return "session" if all(place.is_relative_to(HERE) for place in places) else "module"


@pytest.fixture(scope="session")
def executable() -> Path:
    """The browser; without one the tests are skipped, or fail where one is required."""
    return chromium_or_skip()


@pytest.fixture(scope=_scope)
def browser(executable: Path) -> Generator[Browser]:
    with browsing(executable) as made:
        yield made


@pytest.fixture(scope=_scope)
def lasting_stage(executable: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """A server for many tests; each uses a project of its own on it."""
    del executable  # without a browser there is nothing to serve
    with running(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def stage(lasting_stage: Stage) -> Generator[Stage]:
    """A running server, and whoever uses it beside the page."""
    with lasting_stage.used():
        yield lasting_stage


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
