"""The SQLite store keeps the contract."""

from pathlib import Path

from actor.store.base import Store
from actor.store.sqlite import open_sqlite
from tests.actor.store.contract import StoreContract


class TestSqliteStore(StoreContract):
    async def make(self, folder: Path) -> Store:
        return await open_sqlite(folder / "tasks.db")
