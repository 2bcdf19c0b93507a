"""Restoring: the old database or the new one is there at every moment, and nothing is lost."""

import errno
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
import trio

from actor.store.base import Batch, StoreDamaged, StoreError, StoreInUse, StoreTooNew, StoreUnusable
from actor.store.sql import MIGRATIONS
from actor.store.sqlite_lock import FileLock
from actor.store.sqlite_restore import Stage, check_backup, restore
from tests.actor.store.contract import event, task
from tests.actor.store.files import (
    PAGE_BYTES,
    ask,
    files_cannot_grow_beyond,
    filled,
    hurt,
    names,
    opened,
    run_sql,
)

ROOT = Path(__file__).parents[3]
OLD, NEW = 300, 100
"""Tasks of the database that is replaced, and of the backup."""
STAGES: tuple[Stage, ...] = get_args(Stage)
KEPT = re.compile(r"tasks\.before-restore-\d{8}-\d{6}(-\d+)?\.db")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A database that was closed properly."""
    return trio.run(filled, tmp_path / "tasks.db", OLD, OLD)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return trio.run(filled, folder / "monday.db", NEW, NEW)


def count(path: Path) -> int:
    """How many tasks the store has, opened as a server opens it."""
    return trio.run(counted, path)


async def counted(path: Path) -> int:
    async with opened(path) as store:
        loaded = await store.load()
        assert loaded.last_seq == {1: len(loaded.tasks)}
        return len(loaded.tasks)


def kept_names(folder: Path) -> set[str]:
    return {name for name in names(folder) if "before-restore" in name}


def leave_a_log(path: Path, number: int) -> None:
    """Add a task, and leave it in the write-ahead log only, as a killed server does."""
    crashed = path.with_name("crashed")
    crashed.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "INSERT INTO tasks (number, project, id, description, status, priority, dependencies,"
            " tags, attempt, version, created_at, updated_at) SELECT ?, project, 'in the log',"
            " description, status, priority, dependencies, tags, attempt, version, created_at,"
            " updated_at FROM tasks WHERE number = 1",
            (number,),
        )
        connection.commit()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", crashed / f"{path.name}{end}")
    for end in ("", "-wal"):
        (crashed / f"{path.name}{end}").replace(f"{path}{end}")
    crashed.rmdir()
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0


def damage(path: Path) -> None:
    """Damage a database and its log so that neither can be read; the log alone would heal it."""
    for damaged, start in ((path, 0), (path.with_name(f"{path.name}-wal"), 60)):
        with damaged.open("r+b") as file:
            file.seek(start)
            file.write(b"\xee" * 100)


# --- what it does -----------------------------------------------------------------------------


def test_the_backup_takes_the_place_and_the_old_database_is_kept(
    place: Path, backup: Path, tmp_path: Path
) -> None:
    content = backup.read_bytes()
    restored = restore(backup, place)
    assert restored.database == place
    assert restored.tasks == NEW
    assert restored.kept is not None
    assert KEPT.fullmatch(restored.kept.name)
    assert names(tmp_path) == {"tasks.db", "tasks.db.lock", "backups", restored.kept.name}
    assert place.stat().st_nlink == restored.kept.stat().st_nlink == 1
    assert backup.read_bytes() == content
    assert names(backup.parent) == {"monday.db", "monday.db.lock"}
    assert count(place) == NEW
    assert count(restored.kept) == OLD


async def test_what_a_backup_made_while_running_comes_back_as_it_was(
    place: Path, tmp_path: Path
) -> None:
    async with opened(place) as store:
        made = await store.backup("label")
        before = await store.load()
        await store.append(
            Batch(tasks=[task(OLD + 1)], events=[event(OLD + 1)], tasks_removed=[1, 2, 3])
        )
    assert made is not None
    restore(made, place)
    async with opened(place) as store:
        assert await store.load() == before
    assert made.name in names(tmp_path)


def test_where_there_is_no_database_yet_one_comes_to_be(backup: Path, tmp_path: Path) -> None:
    restored = restore(backup, tmp_path / "new.db")
    assert restored.kept is None
    assert names(tmp_path) == {"new.db", "new.db.lock", "backups"}
    assert count(tmp_path / "new.db") == NEW


@pytest.mark.usefixtures("backup")
def test_a_relative_path_and_a_link_lead_to_the_same_database(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to(place)
    restore(Path("backups/monday.db"), Path("link.db"))
    assert (tmp_path / "link.db").is_symlink()
    assert count(place) == NEW


def test_what_only_the_log_has_is_kept_and_does_not_get_into_the_new_database(
    place: Path, backup: Path
) -> None:
    leave_a_log(place, OLD + 1)
    restored = restore(backup, place)
    assert restored.kept is not None
    assert not place.with_name("tasks.db-wal").exists()
    assert ask(place, "SELECT count(*) FROM tasks") == NEW
    assert ask(restored.kept, "SELECT count(*) FROM tasks") == OLD + 1
    assert count(place) == NEW


def test_a_damaged_database_is_kept_with_its_log(place: Path, backup: Path) -> None:
    leave_a_log(place, OLD + 1)
    damage(place)
    log = place.with_name("tasks.db-wal").read_bytes()
    damaged = place.read_bytes()
    restored = restore(backup, place)
    assert restored.kept is not None
    assert restored.kept.read_bytes() == damaged
    assert restored.kept.with_name(f"{restored.kept.name}-wal").read_bytes() == log
    assert not place.with_name("tasks.db-wal").exists()
    assert count(place) == NEW


def test_a_log_without_a_database_does_not_get_into_the_new_one(place: Path, backup: Path) -> None:
    leave_a_log(place, OLD + 1)
    place.unlink()
    restored = restore(backup, place)
    assert restored.kept is None
    assert count(place) == NEW


def test_the_database_keeps_its_permissions(place: Path, backup: Path) -> None:
    place.chmod(0o640)
    backup.chmod(0o600)
    restore(backup, place)
    assert place.stat().st_mode & 0o777 == 0o640


def test_a_file_system_without_hard_links_gets_a_copy(
    place: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    restored = restore(backup, place)
    assert restored.kept is not None
    assert count(restored.kept) == OLD
    assert count(place) == NEW
    assert not [name for name in names(tmp_path) if name.endswith(".partial")]


def test_an_older_backup_is_migrated_by_the_next_start(place: Path, backup: Path) -> None:
    run_sql(backup, "PRAGMA user_version = 1")
    restore(backup, place)
    assert ask(place, "PRAGMA user_version") == 1


# --- what it refuses --------------------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5 * PAGE_BYTES))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(size: int) -> Callable[[Path], None]:
    def cut(path: Path) -> None:
        os.truncate(path, path.stat().st_size - size)

    return cut


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _missing(path: Path) -> None:
    path.unlink()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _sql(script: str) -> Callable[[Path], None]:
    return lambda path: run_sql(path, script)


def _hurt(path: Path) -> None:
    hurt(path, "events")


@pytest.mark.parametrize(
    ("harm", "error", "told"),
    [
        (_garbage, StoreUnusable, "not an SQLite database"),
        (_empty, StoreUnusable, "is empty, so it is no backup"),
        (_folder, StoreUnusable, "is a folder: name the backup file in it"),
        (_missing, StoreUnusable, r"there is no .*monday\.db: check the name"),
        (_pipe, StoreUnusable, "is no regular file"),
        (_cut(3 * PAGE_BYTES), StoreDamaged, r"monday\.db is damaged .* choose another backup"),
        (_cut(100), StoreDamaged, r"monday\.db is damaged .* choose another backup"),
        (_hurt, StoreDamaged, r"monday\.db is damaged .* choose another backup"),
        (_sql("DROP TABLE tasks"), StoreDamaged, "no such table: tasks"),
        (_sql("PRAGMA application_id = 7"), StoreUnusable, "database of another program"),
        (
            _sql(f"PRAGMA user_version = {MIGRATIONS[-1].version + 1}"),
            StoreTooNew,
            "newer version of this program",
        ),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(
    place: Path, backup: Path, harm: Callable[[Path], None], error: type[StoreError], told: str
) -> None:
    content = place.read_bytes()
    harm(backup)
    with pytest.raises(error, match=told):
        restore(backup, place)
    assert place.read_bytes() == content
    assert names(place.parent) == {"tasks.db", "tasks.db.lock", "backups"}


@pytest.mark.parametrize("link", [None, "symbolic", "hard"])
def test_the_database_itself_is_no_backup(place: Path, link: str | None) -> None:
    other = place
    if link is not None:
        other = place.with_name("other.db")
        other.symlink_to(place) if link == "symbolic" else other.hardlink_to(place)
    with pytest.raises(StoreUnusable, match="is the database itself"):
        restore(other, place)
    assert count(place) == OLD


async def test_a_running_server_keeps_its_database(place: Path, backup: Path) -> None:
    async with opened(place) as store:
        with pytest.raises(StoreInUse, match=rf"process {os.getpid()}\).*stop it"):
            restore(backup, place)
        await store.append(Batch(tasks=[task(OLD + 1)], events=[event(OLD + 1)]))
    assert await counted(place) == OLD + 1


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_shell_that_works_on_the_database_keeps_it(place: Path, backup: Path, mode: str) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as shell:
        shell.execute(f"PRAGMA journal_mode = {mode}")
        shell.execute("BEGIN")
        shell.execute("SELECT count(*) FROM tasks").fetchone()
        with pytest.raises(StoreUnusable, match=r"another program keeps .* locked: end it"):
            restore(backup, place)
    assert kept_names(place.parent) == set()
    assert count(place) == OLD


def test_without_room_nothing_is_changed(place: Path, backup: Path, tmp_path: Path) -> None:
    with files_cannot_grow_beyond(20_000), pytest.raises(StoreError, match=r"room|space|failed"):
        restore(backup, place)
    assert names(tmp_path) == {"tasks.db", "tasks.db.lock", "backups"}
    assert count(place) == OLD


@pytest.mark.parametrize("where", ["nowhere/tasks.db", "backups"])
def test_a_place_where_no_database_can_be_is_refused(
    backup: Path, tmp_path: Path, where: str
) -> None:
    with pytest.raises(StoreUnusable, match=r"does not exist|is a folder"):
        restore(backup, tmp_path / where)


def test_the_lock_is_free_again_after_a_refusal(place: Path, backup: Path) -> None:
    hurt(backup, "tasks")
    with pytest.raises(StoreDamaged):
        restore(backup, place)
    FileLock.acquire(place).release()


def test_a_backup_can_be_looked_at_without_changing_it(backup: Path) -> None:
    before = names(backup.parent)
    assert check_backup(backup) == backup
    assert names(backup.parent) == before


# --- ended in the middle ----------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("crashed", [False, True])
def test_killed_at_any_stage_the_old_or_the_new_database_is_there(
    place: Path, backup: Path, tmp_path: Path, stage: Stage, crashed: bool
) -> None:
    if crashed:
        leave_a_log(place, OLD + 1)
        run_sql(place, "UPDATE projects SET last_seq = last_seq + 1")
    old = OLD + crashed
    kill_in_the_middle(backup, place, stage)
    assert count(place) == (NEW if stage == "replaced" else old)
    assert place.stat().st_nlink == 1
    kept = kept_names(tmp_path)
    if stage == "replaced":
        assert count(tmp_path / kept.pop()) == old
    assert kept <= {name for name in kept if name.endswith(".lock")}
    assert not [name for name in names(tmp_path) if name.endswith(".partial")]
    restored = restore(backup, place)
    assert restored.kept is not None
    assert count(place) == NEW


def test_after_a_kill_it_can_be_restored_at_once(place: Path, backup: Path) -> None:
    kill_in_the_middle(backup, place, "kept")
    assert place.stat().st_nlink == 2
    restored = restore(backup, place)
    assert restored.kept is not None
    assert kept_names(place.parent) == {restored.kept.name}
    assert (count(place), count(restored.kept)) == (NEW, OLD)


@pytest.mark.parametrize("stage", ["folded", "kept"])
def test_killed_over_a_damaged_database_its_log_is_still_with_it(
    place: Path, backup: Path, stage: Stage
) -> None:
    leave_a_log(place, OLD + 1)
    damage(place)
    before = (place.read_bytes(), place.with_name("tasks.db-wal").read_bytes())
    kill_in_the_middle(backup, place, stage)
    with pytest.raises(StoreError):
        count(place)
    assert (place.read_bytes(), place.with_name("tasks.db-wal").read_bytes()) == before
    assert kept_names(place.parent) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted_at_any_stage_nothing_is_lost(
    place: Path, backup: Path, tmp_path: Path, stage: Stage
) -> None:
    def interrupt(reached: Stage) -> None:
        if reached == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(backup, place, interrupt)
    assert not [name for name in names(tmp_path) if name.endswith(".partial")]
    assert len(kept_names(tmp_path)) == (stage == "replaced")
    assert count(place) == (NEW if stage == "replaced" else OLD)


def kill_in_the_middle(backup: Path, place: Path, stage: Stage) -> None:
    command = [sys.executable, "-m", "tests.actor.store.restoring", str(backup), str(place), stage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{stage}\n".encode()
        process.send_signal(signal.SIGKILL)


async def test_copies_that_a_killed_process_left_are_swept_away_and_no_others(
    place: Path, tmp_path: Path
) -> None:
    left = [".tasks.db.abc_123x.partial", ".tasks.db.abc_123x.partial-journal"]
    others = [".tasks.sqlite.abc_123x.partial", "tasks.db.partial", ".tasks.db.notes"]
    for name in (*left, *others):
        (tmp_path / name).write_bytes(b"x")
    async with opened(place):
        assert not names(tmp_path) & set(left)
        assert names(tmp_path) >= set(others)
