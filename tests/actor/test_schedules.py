"""What happens by itself, in virtual time: retention, and scheduled backups.

The clock of `inside` begins at 2027-01-15T08:00:00Z.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actor.operations import (
    BACKUP_FIRST_SECONDS,
    BACKUP_RETRY_SECONDS,
    PRUNE_EVERY_SECONDS,
    PRUNE_FIRST_SECONDS,
    Schedule,
)
from actor.rotation import newest_ms, remove_surplus
from actor.store.base import StoreUnavailable
from actor.store.memory import MemoryStore
from actor.store.sqlite import SqliteStore
from tests.actor.inside import Client, inside
from tests.actor.store.files import ask, names, opened
from tests.faults.stores import Fault, FaultyStore

HOUR = 3_600.0
DAY = 24 * HOUR


class BackingUp(MemoryStore):
    """Keeps its backups as empty files in a folder, named as SQLite's are, at virtual times."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.times: list[float] = []
        self.failing = 0
        self._place = folder / "tasks.db"

    @property
    def place(self) -> Path | None:
        return self._place

    async def backup(self, label: str) -> Path | None:
        await trio.lowlevel.checkpoint()
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("no room")
        self.times.append(trio.current_time())
        path = self._place.with_name(f"tasks.{label}-202701{15 + len(self.times)}-080000.db")
        path.touch()
        return path


def scheduled(folder: Path) -> list[str]:
    return sorted(name for name in names(folder) if "scheduled" in name)


async def tasks(client: Client) -> list[str]:
    return [task["id"] for task in (await client("get_all_tasks"))["tasks"]]


@pytest.fixture
def patient_clock(autojump_clock: MockClock) -> MockClock:
    """Virtual time that gives a worker thread some real time before it goes on."""
    autojump_clock.autojump_threshold = 0.1
    return autojump_clock


@asynccontextmanager
async def backing_up(
    store: BackingUp, every: float, keep: int = 3
) -> AsyncGenerator[Callable[[], list[float]]]:
    """Run a schedule of backups; how many seconds after the start each was made."""
    schedule = Schedule(backup_every_seconds=every, backup_keep=keep)
    start = trio.current_time()
    async with inside(store, schedule=schedule):
        yield lambda: [round(time - start, 3) for time in store.times]


# --- retention --------------------------------------------------------------------------------


async def test_what_was_finished_long_ago_goes_by_itself(autojump_clock: MockClock) -> None:
    del autojump_clock
    schedule = Schedule(retain_finished_seconds=DAY)
    async with inside(schedule=schedule) as server:
        client, other = server.client(), server.client("other")
        for each in (client, other):
            await each("import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}])
        await trio.sleep(DAY - HOUR)
        assert await tasks(client) == ["a"]
        await client("import_tasks", tasks=[{"id": "b", "description": "x", "status": "failed"}])
        await trio.sleep(2 * HOUR)
        assert (await tasks(client), await tasks(other)) == (["b"], [])
        await trio.sleep(DAY)
        assert await tasks(client) == []
        told = (await client("get_events", types=["tasks_pruned"]))["events"]
        assert [event["data"]["tasks"] for event in told] == [["a"], ["b"]]


async def test_old_events_go_by_themselves(autojump_clock: MockClock) -> None:
    del autojump_clock
    async with inside(schedule=Schedule(retain_events_seconds=DAY)) as server:
        client = server.client()
        await client("add_task", id="open", description="x")
        await client("import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}])
        await trio.sleep(DAY + 2 * HOUR)
        assert await tasks(client) == ["open", "a"]
        types = [event["type"] for event in (await client("get_events"))["events"]]
        assert types == ["task_added", "tasks_pruned"]


async def test_the_first_look_comes_soon_after_the_start(autojump_clock: MockClock) -> None:
    del autojump_clock
    store = MemoryStore()
    async with inside(store) as server:
        await server.client()(
            "import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}]
        )
    async with inside(store, schedule=Schedule(retain_finished_seconds=1)) as server:
        client = server.client()
        await trio.sleep(PRUNE_FIRST_SECONDS - 1)
        assert await tasks(client) == ["a"]
        await trio.sleep(2)
        assert await tasks(client) == []


async def test_a_failure_is_logged_and_tried_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    del autojump_clock
    store = FaultyStore()
    async with inside(store, schedule=Schedule(retain_finished_seconds=HOUR)) as server:
        client = server.client()
        await client("import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}])
        await trio.sleep(HOUR)
        store.faults.append(Fault.REFUSED)
        await trio.sleep(PRUNE_FIRST_SECONDS + 1)
        assert await tasks(client) == ["a"]
        assert "pruning failed" in caplog.text
        await trio.sleep(PRUNE_EVERY_SECONDS)
        assert await tasks(client) == []


async def test_a_defect_does_not_end_the_server(
    patient_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    del patient_clock

    class Broken(MemoryStore):
        async def backup(self, label: str) -> Path | None:
            raise ZeroDivisionError(label)

        @property
        def place(self) -> Path | None:
            return Path("/nowhere/tasks.db")

    told = ("ZeroDivisionError", "could not be written")
    schedule = Schedule(retain_finished_seconds=1, backup_every_seconds=HOUR)
    async with inside(Broken(), schedule=schedule) as server:
        client = server.client()
        await client("import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}])
        with trio.fail_after(100 * DAY):
            # A busy machine can keep a worker thread waiting for longer than the clock is patient.
            while not all(words in caplog.text for words in told):  # noqa: ASYNC110 -- logged by others
                await trio.sleep(HOUR)
        assert await tasks(client) == ["a"]


# --- scheduled backups ------------------------------------------------------------------------


async def test_backups_come_regularly_and_the_oldest_go(
    patient_clock: MockClock, tmp_path: Path
) -> None:
    del patient_clock
    store = BackingUp(tmp_path)
    others = ["tasks.backup-20270101-080000.db", "other.scheduled-20270101-080000.db"]
    for name in others:
        (tmp_path / name).touch()
    async with backing_up(store, DAY) as times:
        await trio.sleep(4.5 * DAY)
        first = BACKUP_FIRST_SECONDS
        assert times() == [first + day * DAY for day in range(5)]
    assert scheduled(tmp_path) == [
        "other.scheduled-20270101-080000.db",
        *(f"tasks.scheduled-202701{day}-080000.db" for day in (18, 19, 20)),
    ]
    assert names(tmp_path) >= set(others)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("tasks.scheduled-20270115-020000.db", 18 * HOUR),
        ("tasks.scheduled-20270110-080000.db", BACKUP_FIRST_SECONDS),
        ("tasks.scheduled-20400101-080000-2.db", 24 * HOUR),
        ("tasks.scheduled-20279999-080000.db", BACKUP_FIRST_SECONDS),
    ],
)
async def test_a_restart_goes_on_with_the_schedule(
    patient_clock: MockClock, tmp_path: Path, name: str, first: float
) -> None:
    del patient_clock
    (tmp_path / name).touch()
    store = BackingUp(tmp_path)
    async with backing_up(store, DAY) as times:
        await trio.sleep(first - 1)
        assert times() == []
        await trio.sleep(2)
        assert times() == [first]


async def test_a_backup_that_failed_is_logged_and_tried_again_soon(
    patient_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del patient_clock
    store = BackingUp(tmp_path)
    (tmp_path / "tasks.scheduled-20270101-080000.db").touch()
    store.failing = 2
    async with backing_up(store, DAY, keep=1) as times:
        await trio.sleep(BACKUP_FIRST_SECONDS + 1)
        assert "a scheduled backup failed, trying again in 5m: no room" in caplog.text
        # The old one stays until there is a new one.
        assert scheduled(tmp_path) == ["tasks.scheduled-20270101-080000.db"]
        await trio.sleep(HOUR)
        assert times() == [BACKUP_FIRST_SECONDS + 2 * BACKUP_RETRY_SECONDS]
    assert scheduled(tmp_path) == ["tasks.scheduled-20270116-080000.db"]


async def test_a_real_scheduled_backup_opens(
    mock_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trio.Event()
    backup = SqliteStore.backup

    async def backup_and_tell(self: SqliteStore, label: str) -> Path | None:
        path = await backup(self, label)
        made.set()
        return path

    monkeypatch.setattr(SqliteStore, "backup", backup_and_tell)
    schedule = Schedule(backup_every_seconds=DAY)
    async with opened(tmp_path / "tasks.db") as store, inside(store, schedule=schedule) as server:
        await server.client()("add_task", id="a", description="x")
        await trio.testing.wait_all_tasks_blocked(0.05)
        mock_clock.jump(BACKUP_FIRST_SECONDS)
        await made.wait()
    (name,) = scheduled(tmp_path)
    assert ask(tmp_path / name, "PRAGMA integrity_check") == "ok"
    async with opened(tmp_path / name) as copy:
        assert [task.id for task in (await copy.load()).tasks] == ["a"]


async def test_without_a_schedule_nothing_happens_by_itself(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    del autojump_clock
    store = BackingUp(tmp_path)
    async with inside(store) as server:
        client = server.client()
        await client("import_tasks", tasks=[{"id": "a", "description": "x", "status": "done"}])
        await trio.sleep(1_000 * DAY)
        assert await tasks(client) == ["a"]
    assert store.times == []


# --- which files go ---------------------------------------------------------------------------


def test_only_whole_names_of_the_schedule_count(tmp_path: Path) -> None:
    mine = [f"tasks.scheduled-20270101-08000{n}.db" for n in range(3)]
    mine.append("tasks.scheduled-20270101-080002-2.db")
    mine.append("tasks.scheduled-20270101-080002-10.db")
    others = [
        "tasks.scheduled-20270101-080000.db.old",
        "my-tasks.scheduled-20270101-080000.db",
        "tasks.scheduled-2027-080000.db",
        "tasks.scheduled-20270101-080000-x.db",
        "tasksXscheduled-20270101-080000.db",
        "tasks.before-clean-20270101-080000.db",
        "tasks.db",
    ]
    for name in (*mine, *others):
        (tmp_path / name).touch()
    (tmp_path / "tasks.scheduled-20260101-080000.db").mkdir()
    remove_surplus(tmp_path / "tasks.db", 2)
    assert names(tmp_path) == {*mine[-2:], *others, "tasks.scheduled-20260101-080000.db"}
    assert newest_ms(tmp_path / "tasks.db") == 1_798_790_402_000


def test_one_that_cannot_be_removed_is_logged_and_the_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [tmp_path / f"tasks.scheduled-2027010{n}-080000.db" for n in range(1, 4)]
    for path in paths:
        path.touch()
    unlink = Path.unlink

    def refuse_the_first(self: Path, missing_ok: bool = False) -> None:
        if self == paths[0]:
            raise PermissionError(13, "Permission denied", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse_the_first)
    with caplog.at_level(logging.WARNING):
        remove_surplus(tmp_path / "tasks.db", 1)
    assert names(tmp_path) == {paths[0].name, paths[2].name}
    assert "Permission denied" in caplog.text
