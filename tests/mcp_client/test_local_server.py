"""The throw-away server: there for the block, gone after it, untouched by the user's settings."""

import sys
import tempfile
from pathlib import Path

import pytest
import trio

from mcp_client.local_server import local_server
from protocol.client import connect
from protocol.errors import ConnectionLost, CoordinatorError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_the_server_lives_as_long_as_the_block(folder: Path) -> None:
    async with local_server(slots=7) as url:
        async with connect(url) as client:
            assert (await client.call("get_workers"))["total"] == 7
        assert len(entries(folder)) == 1
    with pytest.raises(ConnectionLost):
        async with connect(url, connect_timeout=0.3):
            pass
    assert entries(folder) == []


async def test_cancelling_the_block_ends_the_server_too(folder: Path) -> None:
    urls: list[str] = []
    with trio.CancelScope() as scope:
        async with local_server(slots=1) as url:
            urls.append(url)
            scope.cancel()
            await trio.lowlevel.checkpoint()
    with pytest.raises(ConnectionLost):
        async with connect(urls[0], connect_timeout=0.3):
            pass
    assert entries(folder) == []


async def test_settings_of_the_users_own_server_do_not_apply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASK_COORDINATOR_DATABASE", "/nowhere/at/all.db")
    monkeypatch.setenv("TASK_COORDINATOR_TOKEN", "a-token-that-nobody-sends")
    monkeypatch.setenv("PORT", "1")
    async with local_server(slots=1) as url:
        monkeypatch.delenv("TASK_COORDINATOR_TOKEN")
        async with connect(url) as client:
            await client.call("get_server_info")


async def test_a_server_that_does_not_start_is_said_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CoordinatorError, match="the server did not start"):
        async with local_server(slots=1):
            pytest.fail("there is no server")
    assert entries(folder) == []
