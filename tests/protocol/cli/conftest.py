"""One real server for all tests of the commands, and a way to run a command as a user would."""

from collections.abc import Generator
from itertools import count

import pytest

from tests.protocol.cli.running import Command, Server, start_server

_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A server process on a real database, stopped at the end of the session."""
    running = start_server(tmp_path_factory.mktemp("server") / "test.db")
    yield running
    running.stop()


@pytest.fixture
def command(server: Server) -> Command:
    """Runs `task-coordinator` against a project of the test's own."""
    return Command(server.url, f"test-{next(_numbers)}")
