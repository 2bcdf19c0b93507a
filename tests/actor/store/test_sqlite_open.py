"""Opening: what is accepted, what is refused with the fix; refused files stay as they are."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import trio

from actor.store import sqlite_open
from actor.store.base import (
    Batch,
    StoreDamaged,
    StoreError,
    StoreInUse,
    StoreTooNew,
    StoreUnusable,
)
from actor.store.sql import MIGRATIONS, Migration
from actor.store.sqlite import SqliteStore, open_sqlite
from actor.store.sqlite_lock import FileLock
from actor.store.sqlite_open import APPLICATION_ID, prepare_reader, prepare_writer
from tests.actor.store.contract import project, seqs, task
from tests.actor.store.files import (
    PAGE_BYTES,
    ask,
    filled,
    hurt,
    names,
    opened,
    real_writer,
    run_sql,
    some,
)

NEXT = MIGRATIONS[-1].version + 1
"""The version of the next migration, which only these tests have."""


async def refused(path: str | Path, error: type[StoreError], told: str) -> None:
    """Opening fails with that error and a one-line message, and lets go of everything."""
    with pytest.raises(error, match=told) as caught:
        await open_sqlite(path)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


async def left_alone(path: Path, error: type[StoreError], told: str) -> None:
    """Like `refused`, and what was in the folder is in it byte for byte."""
    before = {name: (path.parent / name).read_bytes() for name in names(path.parent)}
    before.pop(path.name + ".lock", None)
    await refused(path, error, told)
    after = {name: (path.parent / name).read_bytes() for name in names(path.parent)}
    after.pop(path.name + ".lock")
    after.pop(path.name + "-shm", None)
    before.pop(path.name + "-shm", None)
    assert after == before
    FileLock.acquire(path).release()  # nothing was left open


# --- places -----------------------------------------------------------------------------------


async def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    await refused(tmp_path / "no" / "tasks.db", StoreUnusable, "no does not exist: create it")
    assert names(tmp_path) == set()


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    await refused(tmp_path, StoreUnusable, "is a folder: name a file in it")


async def test_a_file_as_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await refused(tmp_path / "file" / "tasks.db", StoreUnusable, "is a file, not a folder")


async def test_a_device_is_refused() -> None:
    await refused("/dev/null", StoreUnusable, "no regular file")


async def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    await refused(tmp_path / ("x" * 300), StoreUnusable, "(?i)name too long.*check the name")


async def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    await refused(tmp_path / "a", StoreUnusable, "cannot be reached")


async def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    if os.geteuid() == 0:  # root may write everywhere but into the kernel's own trees
        folder = Path("/sys")
    folder.chmod(0o555)
    try:
        await refused(folder / "tasks.db", StoreUnusable, "cannot write beside .* writable")
    finally:
        if folder == tmp_path:
            folder.chmod(0o755)


async def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as real:
        told = "cannot be written: make the file and its folder writable"
        with pytest.raises(StoreUnusable, match=told):
            prepare_writer(real, path, MIGRATIONS)


async def test_a_file_system_without_wal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    # A way of SQLite to work on file systems that cannot lock: it has no shared memory.
    real = sqlite3.connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True)
    told = r"journal_mode is delete.*local disk"
    with closing(real), pytest.raises(StoreUnusable, match=told):
        prepare_writer(real, path, MIGRATIONS)


@pytest.mark.parametrize("name", ["tasks", ":memory:", "a b?mode=ro#%41.db", "ü.db", "file:x.db"])
async def test_any_file_name_is_a_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(name) as store:
        await store.append(Batch(projects=[project()]))
    assert names(tmp_path) == {name, f"{name}.lock"}
    async with opened(name) as store:
        assert (await store.load()).projects == [project()]


# --- one server per file ----------------------------------------------------------------------


async def test_a_store_in_use_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    async with opened(path):
        await refused(path, StoreInUse, rf"process {os.getpid()}\).*stop it")
    async with opened(path):
        pass


async def test_a_store_in_use_is_refused_under_another_name_too(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    (tmp_path / "link.db").symlink_to(path)
    async with opened(path):
        await refused(tmp_path / "link.db", StoreInUse, "in use")


async def test_a_cancelled_opening_lets_go_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    made: list[SqliteStore] = []

    async def open_it() -> None:
        made.append(await open_sqlite(path))

    with trio.fail_after(60):
        for patience in range(40):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(open_it)
                for _ in range(patience):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            while made:
                await made.pop().close()
            async with opened(path) as store:
                await store.append(Batch(projects=[project()]))


# --- whose file -------------------------------------------------------------------------------


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    path.touch()
    async with opened(path) as store:
        await store.append(Batch(projects=[project()]))
    assert ask(path, "PRAGMA user_version") == MIGRATIONS[-1].version
    assert ask(path, "PRAGMA application_id") == APPLICATION_ID
    assert names(tmp_path) == {"tasks.db", "tasks.db.lock"}


async def test_an_empty_database_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    run_sql(path, "CREATE TABLE t (a); DROP TABLE t; VACUUM")
    assert path.stat().st_size > 0
    async with opened(path) as store:
        await store.append(Batch(projects=[project()]))
    assert ask(path, "SELECT name FROM projects") == "default"


@pytest.mark.parametrize("content", [b"x", b"hello world\n" * 1_000, b"\0" * 8_192])
async def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    await left_alone(path, StoreUnusable, r"notes\.txt is not an SQLite database: name another")


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE theirs (a)",
        "CREATE TABLE tasks (number INTEGER PRIMARY KEY)",
        "PRAGMA application_id = 1",
        "PRAGMA application_id = 1; PRAGMA user_version = 1; CREATE TABLE projects (a)",
        "PRAGMA journal_mode = WAL; PRAGMA user_version = 1",
    ],
)
async def test_a_database_of_another_program_is_refused(tmp_path: Path, script: str) -> None:
    path = tmp_path / "theirs.db"
    run_sql(path, script)
    await left_alone(path, StoreUnusable, "database of another program: name another file")


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db")
    run_sql(path, f"PRAGMA user_version = {NEXT}")
    await left_alone(path, StoreTooNew, rf"schema {NEXT}, .* knows {NEXT - 1}\): install that")


async def test_a_newer_schema_that_is_only_in_the_log_is_refused(tmp_path: Path) -> None:
    original = await filled(tmp_path / "tasks.db")
    crashed = tmp_path / "crashed" / "tasks.db"
    crashed.parent.mkdir()
    with closing(sqlite3.connect(original)) as connection:
        connection.execute(f"PRAGMA user_version = {NEXT}")
        for end in ("", "-wal"):
            shutil.copy(f"{original}{end}", f"{crashed}{end}")
    await left_alone(crashed, StoreTooNew, "newer version")


async def test_a_crash_in_the_middle_of_a_rollback_journal_is_rolled_back(tmp_path: Path) -> None:
    original = await filled(tmp_path / "tasks.db")
    crashed = tmp_path / "crashed" / "tasks.db"
    crashed.parent.mkdir()
    with closing(sqlite3.connect(original, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")  # so that changed pages reach the file early
        connection.execute("BEGIN")
        connection.execute("UPDATE tasks SET description = 'lost'")
        for end in ("", "-journal"):
            shutil.copy(f"{original}{end}", f"{crashed}{end}")
    async with opened(crashed) as store:
        loaded = await store.load()
    assert len(loaded.tasks) == 500
    assert not [found for found in loaded.tasks if found.description == "lost"]


# --- damage -----------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES)


def _scramble(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:16] + os.urandom(len(content) - 16))


@pytest.mark.parametrize(
    "harm", [partial(hurt, table="tasks"), partial(hurt, table="events"), _cut, _scramble]
)
async def test_a_damaged_file_is_refused(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = await filled(tmp_path / "tasks.db")
    harm(path)
    await left_alone(path, StoreDamaged, r"tasks\.db is damaged .*backup .*tasks\.\*\.db")


async def test_beyond_the_bound_only_the_history_goes_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_open, "FULL_CHECK_BYTES_MAX", 0)
    history = await filled(tmp_path / "history.db")
    hurt(history, "events")
    async with opened(history) as store:
        assert len((await store.load()).tasks) == 500
    tasks = await filled(tmp_path / "tasks.db")
    hurt(tasks, "tasks")
    await left_alone(tasks, StoreDamaged, "damaged")


# --- settings ---------------------------------------------------------------------------------


async def test_commits_are_durable_and_references_hold(tmp_path: Path) -> None:
    async with opened(tmp_path / "tasks.db") as store:
        real = real_writer(store)
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        settings = [real.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in asked]
        assert settings == ["wal", 2, 1, 5_000]
        assert real.isolation_level is None


async def test_the_reader_is_one(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db")
    with closing(sqlite3.connect(path)) as real:
        prepare_reader(real, path)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            real.execute("DELETE FROM tasks")


# --- migrating --------------------------------------------------------------------------------


ADD_COLUMN = Migration(NEXT, "ALTER TABLE tasks ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';")


async def test_an_older_schema_is_copied_and_then_migrated(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=20, events=20)
    async with opened(path, (*MIGRATIONS, ADD_COLUMN)) as store:
        assert len((await store.load()).tasks) == 20
    assert ask(path, "PRAGMA user_version") == NEXT
    assert ask(path, "SELECT colour FROM tasks") == "red"
    (name,) = names(tmp_path) - {"tasks.db", "tasks.db.lock"}
    assert name.startswith(f"tasks.before-schema-{NEXT}-")
    copy = tmp_path / name
    assert ask(copy, "PRAGMA user_version") == NEXT - 1
    async with opened(copy) as store:
        assert len(await seqs(store)) == 20


async def test_a_migrated_or_new_file_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    for _ in range(2):
        async with opened(path, (*MIGRATIONS, ADD_COLUMN)):
            pass
    assert names(tmp_path) == {"tasks.db", "tasks.db.lock"}


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (f"{ADD_COLUMN.script} INSERT INTO nowhere VALUES (1);", StoreUnusable),
        (f"{ADD_COLUMN.script} UPDATE tasks SET project = 99;", StoreDamaged),
    ],
)
async def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, script: str, error: type[StoreError]
) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=5, events=5)
    with pytest.raises(error):
        await open_sqlite(path, migrations=[*MIGRATIONS, Migration(NEXT, script)])
    assert ask(path, "PRAGMA user_version") == NEXT - 1
    async with opened(path) as store:
        assert (await store.load()).tasks == some(5, 5).tasks
        await store.append(Batch(tasks=[task(6)]))


async def test_a_migration_may_rebuild_a_table_that_others_refer_to(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=5, events=5)
    rebuild = Migration(
        NEXT,
        "CREATE TABLE new_projects (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " slots INTEGER NOT NULL, created_at TEXT NOT NULL, last_seq INTEGER NOT NULL DEFAULT 0,"
        " last_number INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0,"
        " pause_reason TEXT, pruned_seq INTEGER NOT NULL DEFAULT 0) STRICT;"
        "INSERT INTO new_projects SELECT * FROM projects; DROP TABLE projects;"
        "ALTER TABLE new_projects RENAME TO projects;",
    )
    async with opened(path, (*MIGRATIONS, rebuild)) as store:
        assert (await store.load()).projects == [project()]
        await store.append(Batch(tasks=[task(6)]))
