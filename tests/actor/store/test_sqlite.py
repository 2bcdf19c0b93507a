"""The SQLite store keeps the contract, also when disks, processes and commits fail."""

import sqlite3
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import trio
import trio.testing

from actor.store import sqlite_history, sqlite_rows
from actor.store.base import (
    Batch,
    CommitUnknown,
    Store,
    StoreDamaged,
    StoreInUse,
    StoreUnavailable,
)
from actor.store.sqlite import SqliteStore, open_sqlite
from actor.store.sqlite_open import prepare_writer
from tests.actor.store.contract import (
    StoreContract,
    event,
    milestone_seqs,
    project,
    reply,
    seqs,
    task,
    wanted,
)
from tests.actor.store.files import (
    ask,
    files_cannot_grow_beyond,
    filled,
    names,
    opened,
    real_reader,
    real_writer,
    replace_writer,
    run_sql,
    some,
)

ROOT = Path(__file__).parents[3]


class TestSqliteStore(StoreContract):
    async def make(self, folder: Path) -> Store:
        return await open_sqlite(folder / "tasks.db")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    async with opened(tmp_path / "tasks.db") as store:
        with trio.fail_after(60):
            await store.append(Batch(projects=[project()]))
            yield store


# --- durability -------------------------------------------------------------------------------


async def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    batch = some(tasks=20, events=30)
    batch.replies = [reply()]
    async with opened(path) as store:
        await store.append(batch)
        before = await store.load()
    assert names(tmp_path) == {"tasks.db", "tasks.db.lock"}
    async with opened(path) as store:
        assert await store.load() == before
        assert before.tasks == batch.tasks
        assert len(await seqs(store)) == 30
        assert await store.read_replies([(1, "key")]) == [reply()]


async def test_numbers_outlive_pruned_events_and_removed_tasks(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=5, events=7)
    run_sql(path, "DELETE FROM events; DELETE FROM tasks")
    async with opened(path) as store:
        loaded = await store.load()
    assert (loaded.last_seq, loaded.last_number) == ({1: 7}, 5)


async def test_an_event_number_is_never_written_twice(store: SqliteStore) -> None:
    await store.append(Batch(events=[event(1)]))
    with pytest.raises(StoreUnavailable):
        await store.append(Batch(tasks=[task()], events=[event(2), event(1)]))
    assert not real_writer(store).in_transaction
    assert (await store.load()).tasks == []
    assert await seqs(store) == [1]


async def test_a_person_can_read_the_tables(store: SqliteStore, tmp_path: Path) -> None:
    await store.append(
        Batch(
            tasks=[task(dependencies=("a", "b"), metadata={"k": [1.5]}, claimed_ms=1)],
            replies=[reply()],
        )
    )
    path = tmp_path / "tasks.db"
    assert ask(path, "SELECT created_at FROM tasks") == "2026-01-31T09:30:00.123Z"
    assert ask(path, "SELECT claimed_at FROM tasks") == "1970-01-01T00:00:00.001Z"
    assert ask(path, "SELECT dependencies FROM tasks") == '["a","b"]'
    assert ask(path, "SELECT metadata FROM tasks") == '{"k":[1.5]}'
    assert ask(path, "SELECT reply FROM replies") == '{"slot":1}'
    assert ask(path, "SELECT typeof(reply) FROM replies") == "text"


# --- kill -9 ----------------------------------------------------------------------------------


@asynccontextmanager
async def appending_child(path: Path) -> AsyncGenerator[trio.Process]:
    command = [sys.executable, "-m", "tests.actor.store.child", str(path)]
    process = await trio.lowlevel.open_process(command, stdout=PIPE, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def acknowledged(process: trio.Process, at_least: int) -> int:
    """Kill the child as soon as it printed that many lines; the last batch it was sure of."""
    assert process.stdout is not None
    output = b""
    async for received in process.stdout:
        output += received
        if output.count(b"\n") >= at_least:
            process.kill()
    return int(output.rpartition(b"\n")[0].split()[-1])


async def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with trio.fail_after(60):
        for lines in (5, 60, 200):
            async with appending_child(path) as process:
                last = await acknowledged(process, lines)
            async with opened(path) as store:
                loaded = await store.load()
                events = await store.read_events(wanted(limit=100_000))
            found = loaded.last_seq[1]
            assert found >= last
            assert [one.seq for one in events] == list(range(1, found + 1))
            assert [one.number for one in loaded.tasks] == list(range(1, found + 1))
            assert loaded.tasks[0].attempt == found
            assert len(loaded.replies) == found
            assert ask(path, "PRAGMA integrity_check") == "ok"


async def test_a_second_server_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with trio.fail_after(60):
        async with appending_child(path) as process:
            assert process.stdout is not None
            await process.stdout.receive_some()
            with pytest.raises(StoreInUse, match=rf"process {process.pid}\b"):
                await open_sqlite(path)
            process.kill()
            await process.wait()
            async with opened(path) as store:
                assert (await store.load()).projects == [project()]


# --- failing writes and commits ---------------------------------------------------------------


async def test_a_full_database_changes_nothing_and_works_again(store: SqliteStore) -> None:
    before = await store.load()
    pages = real_writer(store).execute("PRAGMA page_count").fetchone()[0]
    real_writer(store).execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match=r"no space left for tasks\.db: free some"):
        await store.append(some(tasks=100, events=100))
    assert await store.load() == before
    real_writer(store).execute("PRAGMA max_page_count = 1000000")
    await store.append(some(tasks=100, events=100))
    assert (await store.load()).last_seq == {1: 100}


async def test_a_failed_write_within_commit_changes_nothing_and_works_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    log = tmp_path / "tasks.db-wal"
    with files_cannot_grow_beyond(log.stat().st_size + 8_192):
        # Fits into the page cache, so that COMMIT is the first to write.
        with pytest.raises(StoreUnavailable, match="SQLITE_IOERR_WRITE"):
            await store.append(some(tasks=100, events=100))
        assert not real_writer(store).in_transaction
        assert (await store.load()).tasks == []
    await store.append(some(tasks=100, events=100))
    assert (await store.load()).last_seq == {1: 100}
    assert ask(tmp_path / "tasks.db", "PRAGMA integrity_check") == "ok"


class FailingConnection(sqlite3.Connection):
    """A real connection that reports an error after, or instead of, certain statements."""

    done_first: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql in self.not_done:
            raise sqlite3.OperationalError("disk I/O error")
        cursor = super().execute(sql, *args)
        if sql in self.done_first:
            raise sqlite3.OperationalError("disk I/O error")
        return cursor


@pytest.fixture
def failing(store: SqliteStore, tmp_path: Path) -> Generator[FailingConnection]:
    """The store's writer, replaced by one that can fail."""
    path = tmp_path / "tasks.db"
    real = sqlite3.connect(path, check_same_thread=False, factory=FailingConnection)
    prepare_writer(real, path, [])
    replace_writer(store, real)
    yield real
    real.close()


async def test_a_commit_that_failed_after_all_is_of_unknown_outcome(
    store: SqliteStore, failing: FailingConnection
) -> None:
    failing.done_first = ("COMMIT",)
    with pytest.raises(CommitUnknown, match="disk I/O error"):
        await store.append(Batch(tasks=[task()], events=[event(1)]))
    failing.done_first = ()
    assert (await store.load()).tasks == [task()]
    await store.append(Batch(events=[event(2)]))
    assert await seqs(store) == [1, 2]


async def test_a_commit_that_could_be_rolled_back_changed_nothing(
    store: SqliteStore, failing: FailingConnection
) -> None:
    failing.not_done = ("COMMIT",)
    with pytest.raises(StoreUnavailable):
        await store.append(Batch(tasks=[task()], events=[event(1)]))
    failing.not_done = ()
    assert (await store.load()).tasks == []
    await store.append(Batch(events=[event(1)]))
    assert await seqs(store) == [1]


async def test_a_commit_that_cannot_be_rolled_back_either_is_of_unknown_outcome(
    store: SqliteStore, failing: FailingConnection
) -> None:
    failing.not_done = ("COMMIT", "ROLLBACK")
    with pytest.raises(CommitUnknown):
        await store.append(Batch(tasks=[task()], events=[event(1)]))
    failing.not_done = ()
    assert (await store.load()).tasks == []
    await store.append(Batch(events=[event(1)]))
    assert await seqs(store) == [1]


async def test_a_failed_rollback_before_commit_changed_nothing(
    store: SqliteStore, failing: FailingConnection
) -> None:
    await store.append(Batch(events=[event(1)]))
    failing.not_done = ("ROLLBACK",)
    with pytest.raises(StoreUnavailable, match="UNIQUE"):
        await store.append(Batch(tasks=[task()], events=[event(1)]))
    failing.not_done = ()
    await store.append(Batch(events=[event(2)]))
    assert (await store.load()).tasks == []
    assert await seqs(store) == [1, 2]


async def test_a_locked_database_names_the_fix_and_works_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    real_writer(store).execute("PRAGMA busy_timeout = 0")
    shell = sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"another program keeps tasks\.db locked: end it"):
        await store.append(Batch(events=[event(1)]))
    shell.execute("ROLLBACK")
    shell.close()
    await store.append(Batch(events=[event(1)]))
    assert await seqs(store) == [1]


async def test_a_text_with_nul_is_refused_instead_of_cut_off(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"U\+0000"):
        await store.append(Batch(tasks=[task(), task(2, output="a\0b")]))
    fine = task(description="a backslash, then u0000: \\u0000, \\\\u0000")
    await store.append(Batch(tasks=[fine]))
    assert (await store.load()).tasks == [fine]


async def test_a_batch_that_names_no_project_is_refused_as_a_whole(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="FOREIGN KEY"):
        await store.append(Batch(tasks=[task()], events=[event(1, project=9)]))
    assert (await store.load()).tasks == []


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path / "tasks.db") as store:
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.append(Batch(projects=[project()]))
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.read_events(wanted())


# --- cancellation -----------------------------------------------------------------------------


async def test_a_transaction_that_was_begun_ends_although_its_caller_is_cancelled(
    store: SqliteStore,
) -> None:
    cancelled_at: list[str] = []

    def on_statement(sql: str) -> None:
        if "INSERT INTO events" in sql:
            cancelled_at.append(sql)
            trio.from_thread.run_sync(scope.cancel)

    real_writer(store).set_trace_callback(on_statement)
    with trio.CancelScope() as scope:
        await store.append(Batch(tasks=[task()], events=[event(1)]))
        await trio.lowlevel.checkpoint()
    real_writer(store).set_trace_callback(None)
    assert scope.cancelled_caught
    assert len(cancelled_at) == 1
    assert not real_writer(store).in_transaction
    assert ((await store.load()).tasks, await seqs(store)) == ([task()], [1])


async def test_closing_waits_for_the_append_and_ignores_cancellation(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    with trio.fail_after(60):
        store = await open_sqlite(path)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.append, some(tasks=2_000, events=2_000))
            await trio.testing.wait_all_tasks_blocked()
            with trio.CancelScope() as scope:
                scope.cancel()
                await store.close()
        async with opened(path) as store:
            assert (await store.load()).last_seq == {1: 2_000}


# --- reading ----------------------------------------------------------------------------------


async def test_history_is_read_while_a_transaction_is_open(store: SqliteStore) -> None:
    await store.append(Batch(events=[event(1)]))
    real_writer(store).execute("BEGIN IMMEDIATE")
    real_writer(store).execute("DELETE FROM events")
    assert await seqs(store) == [1]
    real_writer(store).execute("ROLLBACK")


async def test_the_reading_connection_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        real_reader(store).execute("DELETE FROM projects")


@pytest.mark.parametrize("rows", [1, 3, 7, 39, 40, 41])
async def test_a_history_read_in_stretches_is_the_same(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    await store.append(
        Batch(
            events=[
                event(
                    seq + seq // 4 * 8,  # with gaps, as after pruning
                    "task_done" if seq % 5 == 0 else "task_claimed",
                    task_id="ab"[seq % 2],
                    worker_id="uvw"[seq % 3],
                )
                for seq in range(1, 41)
            ]
        )
    )
    filters: list[dict[str, Any]] = [
        {"since": since, "until": until, "limit": limit} | narrow
        for since in (0, 50, 119, 120)
        for until in (None, 60, 120, 1_000)
        for limit in (1, 4, 100)
        for narrow in (
            {},
            {"types": ("task_done",)},
            {"worker_id": "v"},
            {"task_id": "a", "types": ("task_done", "task_added")},
            {"task_id": "b", "worker_id": "nobody"},
        )
    ]
    whole = [
        (await seqs(store, **fields), await milestone_seqs(store, **fields)) for fields in filters
    ]
    monkeypatch.setattr(sqlite_history, "SCAN_ROWS", rows)
    for fields, expected in zip(filters, whole, strict=True):
        found = (await seqs(store, **fields), await milestone_seqs(store, **fields))
        assert found == expected, fields


async def test_a_search_of_the_whole_history_lets_others_read_meanwhile(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_history, "SCAN_ROWS", 1)
    await store.append(Batch(events=[event(seq) for seq in range(1, 501)]))
    ended: list[str] = []

    async def search(read: Callable[..., Awaitable[list[int]]], name: str) -> None:
        assert await read(store, worker_id="nobody") == []
        ended.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(search, seqs, "search")
        nursery.start_soon(search, milestone_seqs, "search")
        await trio.testing.wait_all_tasks_blocked()
        assert await seqs(store, limit=2) == [1, 2]
        ended.append("read")
    assert ended == ["read", "search", "search"]


async def test_progress_is_told_on_the_trio_thread_chunk_by_chunk(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_rows, "CHUNK_ROWS", 3)
    batch = some(tasks=7, events=0)
    batch.replies = [reply(f"key-{number}") for number in range(4)]
    await store.append(batch)
    reports: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        trio.lowlevel.current_task()  # fails on any other thread
        reports.append((done, total))

    loaded = await store.load(progress)
    assert reports == [(3, 11), (6, 11), (7, 11), (10, 11), (11, 11)]
    assert loaded.tasks == batch.tasks
    assert [found.key for found in loaded.replies] == [f"key-{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("UPDATE tasks SET status = 'odd' WHERE number = 2", "row 2 of tasks"),
        ("UPDATE tasks SET created_at = 'yesterday' WHERE number = 3", "row 3 of tasks"),
        ("UPDATE tasks SET dependencies = '[' WHERE number = 3", "malformed JSON"),
        ("DROP TABLE slots", "no such table"),
    ],
)
async def test_rows_that_make_no_sense_are_damage_that_names_the_fix(
    tmp_path: Path, script: str, told: str
) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=5, events=5)
    run_sql(path, script)
    async with opened(path) as store:
        with pytest.raises(StoreDamaged, match=f"{told}.*backup") as caught:
            await store.load()
    assert "\n" not in str(caught.value)


async def test_a_history_row_that_makes_no_sense_is_unavailable(tmp_path: Path) -> None:
    path = await filled(tmp_path / "tasks.db", tasks=5, events=5)
    run_sql(path, "UPDATE events SET type = 'odd' WHERE seq = 4")
    async with opened(path) as store:
        assert await seqs(store, limit=3) == [1, 2, 3]
        with pytest.raises(StoreUnavailable):
            await seqs(store)
        with pytest.raises(StoreUnavailable, match="event"):
            await store.read_milestones(wanted())


async def test_it_is_described_by_kind_and_file_name(store: SqliteStore) -> None:
    assert store.describe() == "sqlite:tasks.db"
