"""Servers and projects for the dashboard's tests."""

import itertools
from collections.abc import Generator

import pytest

from tests.dashboard.web import TOKEN, Site, site_process

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The dashboard of a real server process without a token."""
    with site_process(tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest.fixture(scope="session")
def guarded_site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The dashboard of a real server process that wants a token."""
    with site_process(tmp_path_factory.mktemp("guarded"), TOKEN) as served:
        yield served


@pytest.fixture
def project() -> str:
    """A project of its own for a test, on servers that are shared."""
    return f"test-{next(_numbers)}"
