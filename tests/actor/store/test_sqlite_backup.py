"""Backups: consistent, complete, beside the database, and never half a file."""

import re
import sqlite3
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
import trio

from actor.store import sqlite_backup
from actor.store.base import Batch, StoreUnavailable
from actor.store.sqlite import SqliteStore
from actor.store.sqlite_backup import copy_database
from tests.actor.store.contract import event, seqs
from tests.actor.store.files import (
    ask,
    files_cannot_grow_beyond,
    hurt,
    names,
    opened,
    real_writer,
    some,
)

OPEN_FILES = {"tasks.db", "tasks.db-shm", "tasks.db-wal", "tasks.db.lock"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    async with opened(tmp_path / "tasks.db") as store:
        with trio.fail_after(60):
            await store.append(some(tasks=200, events=200))
            yield store


async def made(store: SqliteStore, label: str = "label") -> Path:
    path = await store.backup(label)
    assert path is not None
    return path


async def test_a_backup_is_a_store_with_the_same_content(
    store: SqliteStore, tmp_path: Path
) -> None:
    path = await made(store, "before-clean")
    assert path.parent == tmp_path
    assert re.fullmatch(r"tasks\.before-clean-\d{8}-\d{6}\.db", path.name)
    assert names(tmp_path) == OPEN_FILES | {path.name}
    async with opened(path) as copy:
        assert await copy.load() == await store.load()
        assert await seqs(copy) == await seqs(store)


async def test_a_backup_is_one_plain_file_with_the_databases_permissions(
    store: SqliteStore, tmp_path: Path
) -> None:
    (tmp_path / "tasks.db").chmod(0o640)
    path = await made(store)
    assert path.stat().st_mode & 0o777 == 0o640
    assert ask(path, "PRAGMA journal_mode") == "delete"


async def test_the_label_cannot_leave_the_folder(store: SqliteStore, tmp_path: Path) -> None:
    path = await made(store, "../a b/\0c")
    assert path.parent == tmp_path
    assert path.name.startswith("tasks...-a-b-c-")


async def test_an_existing_file_is_never_overwritten(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            assert tz is UTC
            return cls(2026, 1, 31, 9, 30, 0, tzinfo=tz)

    monkeypatch.setattr(sqlite_backup, "datetime", Stopped)
    (tmp_path / "tasks.label-20260131-093000.db").write_bytes(b"mine")
    made_names = [(await made(store)).name for _ in range(2)]
    assert made_names == ["tasks.label-20260131-093000-2.db", "tasks.label-20260131-093000-3.db"]
    assert (tmp_path / "tasks.label-20260131-093000.db").read_bytes() == b"mine"


async def test_a_backup_keeps_its_moment_and_holds_nobody_up(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backup, "STEP_PAGES", 5)
    appended: list[int] = []

    def append_one() -> None:
        seq = 201 + len(appended)
        trio.from_thread.run(store.append, Batch(events=[event(seq)]))
        appended.append(seq)

    path = await trio.to_thread.run_sync(copy_database, tmp_path / "tasks.db", "label", append_one)
    assert len(appended) > 3
    assert await seqs(store) == list(range(1, 201 + len(appended)))
    assert ask(path, "SELECT count(*) FROM events") == 200


async def test_a_cancelled_backup_leaves_no_file(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backup, "STEP_PAGES", 5)
    steps: list[set[str]] = []
    check_cancelled = trio.from_thread.check_cancelled

    def cancel_first() -> None:
        steps.append(names(tmp_path) - OPEN_FILES)
        trio.from_thread.run_sync(scope.cancel)
        check_cancelled()

    monkeypatch.setattr(trio.from_thread, "check_cancelled", cancel_first)
    with trio.CancelScope() as scope:
        await store.backup("label")
    assert scope.cancelled_caught
    assert len(steps) == 1
    assert len(steps[0]) == 1
    assert names(tmp_path) == OPEN_FILES


async def test_a_backup_without_room_leaves_no_file_and_names_the_fix(
    store: SqliteStore, tmp_path: Path
) -> None:
    told = r"backup of tasks\.db .* room for a copy"
    with files_cannot_grow_beyond(20_000), pytest.raises(StoreUnavailable, match=told):
        await store.backup("label")
    assert names(tmp_path) == OPEN_FILES
    assert (await made(store)).exists()


async def test_a_backup_of_a_damaged_database_is_none(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    real_writer(store).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    hurt(path, "events")
    with pytest.raises(StoreUnavailable, match=r"backup of tasks\.db could not be written"):
        await store.backup("label")
    assert names(tmp_path) == OPEN_FILES


async def test_a_backup_into_a_vanished_folder_is_unavailable(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    async with opened(folder / "tasks.db") as store:
        folder.rename(tmp_path / "moved")
        with pytest.raises(StoreUnavailable, match="No such file"):
            await store.backup("label")


def test_the_copy_reports_sqlites_own_error_for_a_missing_database(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        copy_database(tmp_path / "none.db", "label", lambda: None)
    assert names(tmp_path) == set()
