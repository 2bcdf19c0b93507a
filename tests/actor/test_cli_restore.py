"""`task-coordinator restore` as an operator uses it."""

import json
import re
from pathlib import Path

import pytest
import trio

from tests.actor.store.files import filled, opened
from tests.protocol.cli.running import NOBODY, Command, start_server
from tests.protocol.cli.terminal import on_a_terminal

OFFLINE = Command(NOBODY)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with two tasks, whose server was stopped."""
    return trio.run(filled, tmp_path / "plans.db", 2, 2)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with one task."""
    return trio.run(filled, tmp_path / "monday.db", 1, 1)


def tasks(database: Path) -> int:
    """How many a server would find there."""

    async def count() -> int:
        async with opened(database) as store:
            return len((await store.load()).tasks)

    return trio.run(count)


def test_the_backup_comes_back_and_the_former_database_is_kept(
    database: Path, backup: Path
) -> None:
    told = OFFLINE.ok("restore", str(backup), "--database", str(database), "--yes")
    first, second = told.splitlines()
    assert first == f"restored {database} (1 task)"
    kept = re.fullmatch(r"the former database is (.*plans\.before-restore-[\d-]+\.db)", second)
    assert kept is not None
    assert (tasks(database), tasks(Path(kept[1]))) == (1, 2)


def test_with_json_it_prints_one_object(database: Path, backup: Path) -> None:
    words = ("restore", str(backup), "--database", str(database), "--yes", "--json")
    done = json.loads(OFFLINE.ok(*words))
    assert (done["database"], done["tasks"]) == (str(database), 1)
    assert Path(done["kept"]).exists()


def test_a_running_server_keeps_its_database(database: Path, backup: Path) -> None:
    server = start_server(database)
    try:
        done = OFFLINE("restore", str(backup), "--database", str(database), "--yes")
        assert done.returncode == 1
        assert re.search(r"in use by another server \(process \d+\).*stop it", done.stderr)
        assert len(Command(server.url).json("tasks")["tasks"]) == 2
    finally:
        server.stop()


def test_what_is_no_backup_is_refused_before_it_asks(database: Path) -> None:
    notes = database.with_name("notes.txt")
    notes.write_text("remember the milk")
    done = OFFLINE("restore", str(notes), "--database", str(database))
    assert done.returncode == 1
    assert "not an SQLite database" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_where_nobody_can_be_asked_it_needs_yes(database: Path, backup: Path) -> None:
    done = OFFLINE("restore", str(backup), "--database", str(database))
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert tasks(database) == 2


@pytest.mark.parametrize(("typed", "left"), [("n\n", 2), ("y\n", 1)])
def test_on_a_terminal_it_asks_first(database: Path, backup: Path, typed: str, left: int) -> None:
    words = ("restore", str(backup), "--database", str(database))
    code, shown = on_a_terminal(OFFLINE, *words, typed=typed)
    assert "(which is kept under another name)? [y/N]" in shown.replace("\n", " ")
    assert code == (1 if left == 2 else 0)
    assert tasks(database) == left
