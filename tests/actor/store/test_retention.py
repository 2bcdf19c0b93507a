"""Both stores keep the contract about events that are removed."""

from pathlib import Path

from msgspec.structs import replace

from actor.store.base import Batch, Store
from actor.store.memory import MemoryStore
from actor.store.sqlite import open_sqlite
from tests.actor.store.contract import event, project
from tests.actor.store.contract_retention import RetentionContract
from tests.actor.store.files import ask, opened


class TestMemoryRetention(RetentionContract):
    async def make(self, folder: Path) -> Store:  # noqa: ARG002 -- it has no files
        return MemoryStore()


class TestSqliteRetention(RetentionContract):
    async def make(self, folder: Path) -> Store:
        return await open_sqlite(folder / "tasks.db")


async def test_how_far_the_history_was_pruned_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    async with opened(path) as store:
        await store.append(Batch(projects=[project()], events=[event(1), event(2)]))
        pruned = replace(project(), pruned_seq=2)
        await store.append(Batch(projects=[pruned], forget_events=[(1, 1), (1, 2)]))
    async with opened(path) as store:
        loaded = await store.load()
    assert (loaded.projects, loaded.last_seq) == ([pruned], {1: 2})
    assert ask(path, "SELECT count(*) FROM events") == 0
