"""What tests of database files share: looking into them, and hurting them."""

import resource
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import sqlite_anyio

from actor.store.base import Batch
from actor.store.sql import MIGRATIONS, Migration
from actor.store.sqlite import SqliteStore, open_sqlite
from tests.actor.store.contract import event, project, task

PAGE_BYTES = 4096


@asynccontextmanager
async def opened(
    path: str | Path, migrations: tuple[Migration, ...] = MIGRATIONS
) -> AsyncGenerator[SqliteStore]:
    store = await open_sqlite(path, migrations=migrations)
    try:
        yield store
    finally:
        await store.close()


def some(tasks: int, events: int) -> Batch:
    """A batch that fills pages."""
    return Batch(
        projects=[project()],
        tasks=[task(number, description="x" * 200) for number in range(1, tasks + 1)],
        events=[event(seq, task_id=f"TASK-{seq}") for seq in range(1, events + 1)],
    )


async def filled(path: Path, tasks: int = 500, events: int = 500) -> Path:
    """A database that was closed properly."""
    async with opened(path) as store:
        await store.append(some(tasks, events))
    return path


def run_sql(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def ask(path: Path, query: str) -> Any:
    """The first column of the first row."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def hurt(path: Path, table: str) -> None:
    """Overwrite the first page of a table's rows."""
    page = ask(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(b"\xee" * PAGE_BYTES)


@contextmanager
def files_cannot_grow_beyond(size: int) -> Generator[None]:
    """Let writing beyond that many bytes fail, as on a full disk or over a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def real_writer(store: SqliteStore) -> sqlite3.Connection:
    """The connection below, to set what no production code sets."""
    return store._writer._real_connection  # pyright: ignore[reportPrivateUsage] -- white box


def real_reader(store: SqliteStore) -> sqlite3.Connection:
    return store._reader._real_connection  # pyright: ignore[reportPrivateUsage] -- white box


def replace_writer(store: SqliteStore, real: sqlite3.Connection) -> None:
    """Let a store write through another connection, which the caller closes."""
    store._writer = sqlite_anyio.Connection(real)  # pyright: ignore[reportPrivateUsage] -- white box


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}
