"""A database of the first schema, as the first version of this program wrote it, goes on."""

from pathlib import Path

import pytest

from actor.records import ProjectRecord, SlotRecord, TaskRecord
from actor.store.base import Batch
from actor.store.sql import MIGRATIONS
from tests.actor.store.contract import AT_MS, TIME, event, milestone_seqs, seqs, task, template
from tests.actor.store.files import ask, names, opened, run_sql

FIRST = MIGRATIONS[:1]

LATER = "2026-01-31T10:30:00.999Z"
LATER_MS = AT_MS + 3_600_876

WRITTEN = f"""
INSERT INTO projects VALUES
    (1, 'default', 5, '{TIME}', 6, 7), (2, 'other', 9, '{LATER}', 1, 6);
INSERT INTO tasks VALUES
    (1, 1, 'finished', 'd', 'done', 3, '[]', '["t"]', '{{"k":[1.5]}}', 'e', 'o', NULL, 'w', NULL,
     2, 4, 5, 'author', '{TIME}', '{LATER}', '{TIME}', '{LATER}'),
    (2, 1, 'under way', 'd', 'working', 0, '["finished"]', '[]', NULL, NULL, NULL, NULL, 'w', 2,
     1, 6, 2, NULL, '{TIME}', '{LATER}', '{LATER}', NULL),
    (3, 1, 'free', 'd', 'available', 0, '[]', '[]', NULL, NULL, NULL, NULL, NULL, NULL,
     0, NULL, 1, NULL, '{TIME}', '{LATER}', NULL, NULL),
    (4, 1, 'stuck', 'd', 'blocked', 0, '["broken"]', '[]', NULL, NULL, NULL, NULL, NULL, NULL,
     0, NULL, 1, NULL, '{TIME}', '{LATER}', NULL, NULL),
    (5, 1, 'broken', 'd', 'failed', 0, '[]', '[]', NULL, NULL, NULL, 'boom', 'w', NULL,
     1, 2, 3, NULL, '{TIME}', '{LATER}', '{TIME}', '{LATER}'),
    (6, 2, 'free', 'd', 'available', 0, '[]', '[]', NULL, NULL, NULL, NULL, NULL, NULL,
     0, NULL, 1, NULL, '{TIME}', '{TIME}', NULL, NULL);
INSERT INTO slots VALUES
    (1, 1, NULL, NULL, NULL, '{TIME}'), (1, 2, 'w', 's', 'under way', '{LATER}');
INSERT INTO events VALUES
    (1, 1, '{TIME}', 'task_added', 'finished', NULL, NULL, 'available', 0, 1, NULL),
    (1, 4, '{TIME}', 'task_claimed', 'finished', 'w', 2, 'working', 2, 4, NULL),
    (1, 5, '{LATER}', 'task_done', 'finished', 'w', 2, 'done', 2, 5, '{{"output":"o"}}'),
    (1, 6, '{LATER}', 'slot_claimed', NULL, 'w', 2, NULL, NULL, NULL, NULL),
    (2, 1, '{TIME}', 'task_added', 'free', NULL, NULL, 'available', 0, 1, NULL);
INSERT INTO replies (project, key, fingerprint, reply, at) VALUES (1, 'key', 7, '{{}}', '{TIME}');
"""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file of the first schema, with everything in it that there was."""
    path = tmp_path / "tasks.db"
    async with opened(path, FIRST):
        pass
    run_sql(path, WRITTEN)
    assert ask(path, "PRAGMA user_version") == 1
    return path


async def test_everything_is_there_after_migrating(path: Path) -> None:
    async with opened(path) as store:
        loaded = await store.load()
        history = await seqs(store)
        (reply,) = await store.read_replies([(1, "key")])
    assert ask(path, "PRAGMA user_version") == MIGRATIONS[-1].version
    assert loaded.projects == [
        ProjectRecord(number=1, name="default", slots=5, created_ms=AT_MS),
        ProjectRecord(number=2, name="other", slots=9, created_ms=LATER_MS),
    ]
    assert (loaded.last_seq, loaded.last_number) == ({1: 6, 2: 1}, 7)
    assert loaded.slots == [
        SlotRecord(project=1, number=1, lease_ms=300_000, claimed_ms=AT_MS),
        SlotRecord(
            project=1,
            number=2,
            worker_id="w",
            session="s",
            task_id="under way",
            lease_ms=300_000,
            claimed_ms=LATER_MS,
        ),
    ]
    assert loaded.templates == []
    assert history == [1, 4, 5, 6]
    assert (reply.fingerprint, reply.reply) == (7, b"{}")


async def test_tasks_get_what_the_first_schema_did_not_know(path: Path) -> None:
    async with opened(path) as store:
        tasks = {found.number: found for found in (await store.load()).tasks}
    assert tasks[1] == TaskRecord(
        project=1,
        number=1,
        id="finished",
        description="d",
        status="done",
        priority=3,
        tags=("t",),
        metadata={"k": [1.5]},
        expected_output="e",
        output="o",
        worker_id="w",
        attempt=2,
        claim_seq=4,
        version=5,
        created_by="author",
        created_ms=AT_MS,
        updated_ms=LATER_MS,
        claimed_ms=AT_MS,
        completed_ms=LATER_MS,
    )
    assert {number: found.status for number, found in tasks.items()} == {
        1: "done",
        2: "working",
        3: "available",
        4: "blocked",
        5: "failed",
        6: "available",
    }
    since = {number: found.ready_ms for number, found in tasks.items()}
    assert since == {1: None, 2: LATER_MS, 3: LATER_MS, 4: None, 5: None, 6: AT_MS}
    assert {number: found.lease_ms for number, found in tasks.items() if found.lease_ms} == {
        2: 300_000
    }


async def test_the_migrated_file_takes_what_is_new(path: Path) -> None:
    full = task(8, status="scheduled", resources=("r",), retry_at_ms=AT_MS, overdue=True)
    async with opened(path) as store:
        await store.append(Batch(tasks=[full], templates=[template()], events=[event(7)]))
    async with opened(path) as store:
        loaded = await store.load()
        assert loaded.tasks[-1] == full
        assert loaded.templates == [template()]
        assert await milestone_seqs(store, limit=2) == [7, 6]


async def test_the_old_file_is_kept_beside_it(path: Path) -> None:
    async with opened(path):
        pass
    (name,) = names(path.parent) - {"tasks.db", "tasks.db.lock"}
    assert name.startswith("tasks.before-schema-2-")
    assert ask(path.parent / name, "PRAGMA user_version") == 1
    assert ask(path.parent / name, "SELECT count(*) FROM tasks") == 6
