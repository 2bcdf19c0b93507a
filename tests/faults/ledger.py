"""What a server promised, and whether its file keeps it.

Owns the record of acknowledgements that a load collects, and the full check of a database file
that no server holds: SQLite's own checks, the coordinator's invariants, the history, and every
promise.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actor.invariants import violations
from actor.records import TaskRecord
from actor.store.sqlite import open_sqlite
from tests.actor.worlds import load_world


@dataclass(frozen=True)
class Claim:
    """An acknowledged claim; the token is the number of its event."""

    worker: str
    token: str


@dataclass
class Ledger:
    """Everything that was asked for and everything that was acknowledged."""

    sent: set[str] = field(default_factory=set[str])
    """Ids of the tasks that anybody tried to add."""
    added: dict[str, str] = field(default_factory=dict[str, str])
    """Task id -> description."""
    claims: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    done: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Task id -> (worker, output)."""
    open: list[str] = field(default_factory=list[str])
    """Acknowledged tasks that are not known to be done, oldest first."""
    fresh: set[str] = field(default_factory=set[str])
    """Tasks about which anything was acknowledged since the last check."""
    last_addition: tuple[dict[str, Any], Any] | None = None
    """Params and result of an `add_task` with an idempotency key."""
    count: int = 0
    heard: Callable[[], None] = lambda: None
    """Called after each acknowledgement."""

    def note(self, task_id: str) -> None:
        """Something about a task was acknowledged and written down."""
        self.fresh.add(task_id)
        self.count += 1
        self.heard()


async def check_file(database: Path, ledger: Ledger) -> None:
    """Assert that the file is whole and keeps every promise."""
    with closing(sqlite3.connect(database)) as real:
        assert real.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert real.execute("PRAGMA foreign_key_check").fetchall() == []
        history = list(
            real.execute("SELECT seq, type, task_id, worker_id FROM events ORDER BY seq")
        )
        (last_seq,) = real.execute("SELECT last_seq FROM projects").fetchone()
    assert [seq for seq, *_ in history] == list(range(1, last_seq + 1)), "event numbers have a gap"

    store = await open_sqlite(database)
    try:
        loaded = await store.load()
    finally:
        await store.close()
    assert violations(load_world(loaded)) == []

    tasks = {task.id: task for task in loaded.tasks}
    assert set(tasks) <= ledger.sent, "there are tasks that nobody added"
    assert list(_broken_promises(ledger, tasks, history)) == []
    assert list(_double_claims(history)) == []


History = list[tuple[int, str, str | None, str | None]]


def _broken_promises(
    ledger: Ledger, tasks: dict[str, TaskRecord], history: History
) -> Iterator[str]:
    events = {seq: rest for seq, *rest in history}
    for task_id, description in ledger.added.items():
        if task_id not in tasks or tasks[task_id].description != description:
            yield f"the addition of {task_id} was acknowledged and is lost"
    for task_id, claims in ledger.claims.items():
        for claim in claims:
            if events.get(int(claim.token)) != ["task_claimed", task_id, claim.worker]:
                yield f"the claim {claim} of {task_id} was acknowledged and is lost"
    for task_id, (worker, output) in ledger.done.items():
        task = tasks.get(task_id)
        if task is None or (task.status, task.worker_id, task.output) != ("done", worker, output):
            yield f"{worker} was told that {task_id} is done, and it is not"


def _double_claims(history: History) -> Iterator[str]:
    """Between two claims of a task it was released or lapsed; nothing follows its end."""
    holder: dict[str, str | None] = {}
    finished: set[str] = set()
    for seq, type_, task_id, worker in history:
        if task_id is None or not type_.startswith("task_"):
            continue
        if task_id in finished:
            yield f"event {seq}: {type_} of {task_id}, which is done"
        if type_ == "task_claimed":
            if holder.get(task_id) is not None:
                yield f"event {seq}: {task_id} is claimed while {holder[task_id]} holds it"
            holder[task_id] = worker
        elif type_ in {"task_released", "task_lapsed"}:
            holder[task_id] = None
        elif type_ == "task_done":
            finished.add(task_id)
