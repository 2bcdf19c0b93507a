"""What every store must do, whatever keeps its rows.

Owns the one test suite of the seam. A backend subclasses `StoreContract` and says only how a store
is made; everything here goes through the verbs of `actor.store.base.Store`.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from trio.lowlevel import checkpoint

from actor.history import ERROR_LENGTH_MAX, MILESTONES, Milestone
from actor.records import LoggedEvent as Logged
from actor.records import ProjectRecord, ReplyRecord, SlotRecord, TaskRecord, TemplateRecord
from actor.store.base import Batch, EventFilter, Loaded, Store
from actor.throughput import Unit
from actor.timestamps import to_text
from protocol.models import STATUSES, Event, EventType, TemplateTask

AT_MS = 1_769_851_800_123
TIME = "2026-01-31T09:30:00.123Z"

AWKWARD = "quote ' \" back\\slash \\u0000 \x01\x1f\t\r\n 100% ; -- 中文 \u2028 \U0001f600\U0010ffff"
"""Everything that an encoding on the way could trip over; NUL is refused at the door."""


def project(number: int = 1, name: str = "default", slots: int = 5) -> ProjectRecord:
    return ProjectRecord(number=number, name=name, slots=slots, created_ms=AT_MS)


def task(number: int = 1, **fields: Any) -> TaskRecord:
    plain: dict[str, Any] = {
        "project": 1,
        "id": f"TASK-{number}",
        "description": "do it",
        "status": "available",
        "created_ms": AT_MS,
        "updated_ms": AT_MS,
    }
    return TaskRecord(number=number, **plain | fields)


def slot(number: int = 1, **fields: Any) -> SlotRecord:
    plain: dict[str, Any] = {"project": 1, "lease_ms": 300_000, "claimed_ms": AT_MS}
    return SlotRecord(number=number, **plain | fields)


def template(name: str = "plan", project: int = 1, **fields: Any) -> TemplateRecord:
    plain: dict[str, Any] = {
        "tasks": (TemplateTask(id="{{name}}", description="do it"),),
        "updated_ms": AT_MS,
    }
    return TemplateRecord(project=project, name=name, **plain | fields)


def event(
    seq: int,
    type: EventType = "task_added",  # noqa: A002 -- the field's name
    project: int = 1,
    time: str = TIME,
    **fields: Any,
) -> Logged:
    return Logged(project, Event(seq=seq, time=time, type=type, **fields))


def reply(key: str = "key", at_ms: int = AT_MS, **fields: Any) -> ReplyRecord:
    plain: dict[str, Any] = {"project": 1, "fingerprint": 7, "reply": b'{"slot":1}'}
    return ReplyRecord(key=key, at_ms=at_ms, **plain | fields)


def wanted(since: int = 0, limit: int = 1_000, **fields: Any) -> EventFilter:
    plain: dict[str, Any] = {"project": 1}
    return EventFilter(since=since, limit=limit, **plain | fields)


async def seqs(store: Store, **fields: Any) -> list[int]:
    return [found.seq for found in await store.read_events(wanted(**fields))]


async def milestone_seqs(store: Store, **fields: Any) -> list[int]:
    return [found.seq for found in await store.read_milestones(wanted(**fields))]


def assert_no_default(record: msgspec.Struct) -> None:
    """A test of every field sets every field, those that are added later included."""
    defaults = {
        field.name: field.default
        for field in msgspec.structs.fields(record)
        if field.default is not msgspec.NODEFAULT
    }
    unset = [name for name, default in defaults.items() if getattr(record, name) == default]
    assert unset == []


class StoreContract(ABC):
    """The suite. A subclass is named `Test...`, or pytest would not find it."""

    @abstractmethod
    async def make(self, folder: Path) -> Store:
        """An empty store, which may keep its files in `folder`."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[Store]:
        """A store with project 1 in it."""
        store = await self.make(tmp_path)
        with trio.fail_after(60):
            await store.append(Batch(projects=[project()]))
            yield store
        await store.close()

    # --- what is written comes back -----------------------------------------------------------

    async def test_an_empty_store_loads_as_nothing(self, tmp_path: Path) -> None:
        store = await self.make(tmp_path)
        assert await store.load() == Loaded()
        await store.close()

    async def test_an_empty_batch_is_no_error(self, store: Store) -> None:
        before = await store.load()
        await store.append(Batch())
        assert await store.load() == before

    async def test_every_field_of_a_task_comes_back(self, store: Store) -> None:
        full = TaskRecord(
            project=1,
            number=9_007_199_254_740_993,  # more than a double can hold
            id="TASK-\U0001f600",
            description=AWKWARD,
            status="working",
            priority=-1_000_000,
            dependencies=("a", 'b"c'),
            resources=("src/auth/", 'odd "name"'),
            reserved=("db-schema",),
            tags=("x", "ü"),
            metadata={
                "text": AWKWARD,
                "none": None,
                "yes": True,
                "float": 1.5e300,
                "deep": [[{"a": [1, 2**63, -1]}]],
                "": {},
            },
            expected_output="",
            output=AWKWARD,
            error="{}",
            worker_id="worker-1",
            worker_slot=3,
            attempt=2,
            forgiven=1,
            max_attempts=3,
            retry_delay_ms=0,
            timeout_ms=2_592_000_000,
            lease_ms=100,
            not_before_ms=AT_MS - 1,
            retry_at_ms=AT_MS + 1_001,
            deadline_ms=AT_MS + 86_400_000,
            overdue=True,
            lapsed=True,
            progress=0.1,
            note=AWKWARD,
            claim_seq=17,
            version=4,
            created_by="somebody",
            created_ms=AT_MS,
            updated_ms=AT_MS + 1,
            ready_ms=AT_MS + 2,
            claimed_ms=AT_MS + 999,
            completed_ms=0,
        )
        assert_no_default(full)
        bare = task(5, metadata=None, id="TASK-5")
        await store.append(Batch(tasks=[full, bare]))
        assert (await store.load()).tasks == [bare, full]

    async def test_every_status_comes_back(self, store: Store) -> None:
        tasks = [task(number, status=status) for number, status in enumerate(STATUSES, 1)]
        await store.append(Batch(tasks=tasks))
        assert (await store.load()).tasks == tasks

    @pytest.mark.parametrize("offset", [0, 1, 999])
    async def test_times_keep_their_milliseconds(self, store: Store, offset: int) -> None:
        times = [AT_MS // 1000 * 1000 + offset + step * 86_399_937 for step in range(200)]
        tasks = [task(number, updated_ms=ms) for number, ms in enumerate(times, 1)]
        await store.append(Batch(tasks=tasks))
        assert [found.updated_ms for found in (await store.load()).tasks] == times

    async def test_every_field_of_a_slot_comes_back(self, store: Store) -> None:
        full = SlotRecord(
            project=1,
            number=2,
            worker_id=AWKWARD,
            session="session",
            task_id="TASK-1",
            revoked="TASK-\U0001f600",
            bound=True,
            lease_ms=100,
            claimed_ms=AT_MS,
        )
        assert_no_default(full)
        await store.append(Batch(slots=[full, slot(1)]))
        assert (await store.load()).slots == [slot(1), full]

    async def test_every_field_of_a_project_comes_back(self, store: Store) -> None:
        full = ProjectRecord(
            number=2,
            name="other",
            slots=9,
            paused=True,
            pause_reason=AWKWARD,
            pruned_seq=9_007_199_254_740_993,
            created_ms=AT_MS,
        )
        assert_no_default(full)
        await store.append(Batch(projects=[full]))
        assert (await store.load()).projects == [project(), full]

    async def test_every_field_of_a_template_comes_back(self, store: Store) -> None:
        planned = TemplateTask(
            id="{{name}}-1",
            description=AWKWARD,
            dependencies=["{{name}}-0", 'b"c'],
            output="",
            priority=-3,
            tags=["ü"],
            resources=["src/{{name}}/"],
            metadata={"deep": [[{"a": [1, None, 1.5]}]]},
            max_attempts=3,
            retry_delay_seconds=0.5,
            timeout_seconds=60.0,
        )
        assert_no_default(planned)
        full = TemplateRecord(
            project=1, name=AWKWARD, description="", tasks=(planned,), updated_ms=AT_MS + 999
        )
        assert_no_default(full)
        await store.append(Batch(templates=[full, template("a")]))
        loaded = (await store.load()).templates
        assert sorted(loaded, key=lambda found: found.name) == [template("a"), full]

    async def test_projects_come_back_in_order(self, store: Store) -> None:
        others = [project(3, "c", 9), project(2, "b")]
        await store.append(Batch(projects=others))
        assert (await store.load()).projects == [project(), *reversed(others)]

    async def test_every_field_of_an_event_comes_back(self, store: Store) -> None:
        full = event(
            1,
            "task_done",
            task_id="TASK-\U0001f600",
            worker_id="worker-1",
            slot=3,
            status="done",
            attempt=2,
            version=4,
            data={"output": AWKWARD, "unblocked": ["a"], "none": None},
        )
        bare = event(2, "tasks_cleaned")
        await store.append(Batch(events=[full, bare]))
        assert await store.read_events(wanted()) == [full.event, bare.event]

    async def test_tasks_come_back_in_the_order_of_their_numbers(self, store: Store) -> None:
        await store.append(Batch(tasks=[task(30), task(10)]))
        await store.append(Batch(tasks=[task(20)]))
        assert [found.number for found in (await store.load()).tasks] == [10, 20, 30]

    # --- the last state wins ------------------------------------------------------------------

    async def test_a_later_state_replaces_the_earlier_one(self, store: Store) -> None:
        held = slot(worker_id="w", task_id="TASK-1")
        first = task(1, output="x", metadata={"a": 1}, status="working", lease_ms=9, note="n")
        await store.append(
            Batch(tasks=[first, task(2)], slots=[held], templates=[template(), template("b")])
        )
        later = task(
            1,
            description="other",
            status="done",
            priority=1,
            dependencies=("TASK-2",),
            tags=("t",),
            worker_id="w",
            attempt=1,
            forgiven=1,
            max_attempts=2,
            retry_delay_ms=3,
            timeout_ms=4,
            not_before_ms=AT_MS + 6,
            retry_at_ms=AT_MS + 7,
            deadline_ms=AT_MS + 8,
            overdue=True,
            lapsed=True,
            progress=1.0,
            resources=("r",),
            reserved=("s",),
            claim_seq=4,
            version=2,
            created_by="c",
            updated_ms=AT_MS + 5,
            ready_ms=AT_MS + 5,
            completed_ms=AT_MS + 5,
        )
        idle = msgspec.structs.replace(
            held, task_id=None, revoked="TASK-1", bound=True, lease_ms=5, session="s"
        )
        other = template(description="d", tasks=(), updated_ms=AT_MS + 5)
        renamed = msgspec.structs.replace(
            project(1, "default", 8), paused=True, pause_reason="r", pruned_seq=4
        )
        await store.append(
            Batch(projects=[renamed], tasks=[later], slots=[idle], templates=[other])
        )
        loaded = await store.load()
        assert loaded.tasks == [later, task(2)]
        assert loaded.slots == [idle]
        assert loaded.templates == [template("b"), other]
        assert loaded.projects == [renamed]

    async def test_what_is_removed_is_gone_and_nothing_else(self, store: Store) -> None:
        slots = [slot(number) for number in (1, 2, 3)]
        templates = [template(name) for name in "abc"]
        await store.append(
            Batch(tasks=[task(1), task(2), task(3)], slots=slots, templates=templates)
        )
        await store.append(
            Batch(
                tasks_removed=[1, 3, 99],
                slots_freed=[(1, 2), (1, 9), (2, 1)],
                templates_removed=[(1, "b"), (1, "z"), (2, "a")],
            )
        )
        loaded = await store.load()
        assert loaded.tasks == [task(2)]
        assert loaded.slots == [slots[0], slots[2]]
        assert loaded.templates == [templates[0], templates[2]]

    async def test_a_removed_template_can_be_saved_again_at_once(self, store: Store) -> None:
        await store.append(Batch(templates=[template(description="old")]))
        new = template(description="new")
        await store.append(Batch(templates_removed=[(1, "plan")], templates=[new]))
        assert (await store.load()).templates == [new]

    async def test_a_removed_tasks_id_can_be_taken_again_at_once(self, store: Store) -> None:
        await store.append(Batch(tasks=[task(1, id="same")]))
        await store.append(Batch(tasks_removed=[1], tasks=[task(2, id="same")]))
        assert (await store.load()).tasks == [task(2, id="same")]

    async def test_two_projects_may_use_the_same_ids(self, store: Store) -> None:
        tasks = [task(1, id="same"), task(2, id="same", project=2)]
        slots = [slot(project=number) for number in (1, 2)]
        templates = [template("same", number) for number in (1, 2)]
        await store.append(
            Batch(
                projects=[project(2, "other")],
                tasks=tasks,
                slots=slots,
                templates=templates,
                events=[event(1), event(1, project=2)],
                replies=[reply(), reply(project=2, reply=b"{}")],
            )
        )
        loaded = await store.load()
        assert (loaded.tasks, loaded.slots, loaded.templates) == (tasks, slots, templates)
        assert loaded.last_seq == {1: 1, 2: 1}
        assert await store.read_replies([(2, "key")]) == [reply(project=2, reply=b"{}")]

    # --- numbers that outlive what they counted -----------------------------------------------

    async def test_the_last_event_number_is_known_per_project(self, store: Store) -> None:
        await store.append(
            Batch(projects=[project(2, "b")], events=[event(1), event(2), event(1, project=2)])
        )
        await store.append(Batch(projects=[project(3, "c")], events=[event(3)]))
        assert (await store.load()).last_seq == {1: 3, 2: 1, 3: 0}

    async def test_a_task_number_stays_used_when_its_task_is_removed(self, store: Store) -> None:
        await store.append(Batch(tasks=[task(5), task(7), task(6)]))
        assert (await store.load()).last_number == 7
        await store.append(Batch(tasks_removed=[5, 6, 7]))
        loaded = await store.load()
        assert (loaded.tasks, loaded.last_number) == ([], 7)

    async def test_a_task_number_stays_used_when_its_task_was_never_stored(
        self, store: Store
    ) -> None:
        await store.append(Batch(tasks=[task(3)]))
        await store.append(Batch(tasks_removed=[8]))
        assert (await store.load()).last_number == 8

    async def test_later_batches_do_not_lower_a_projects_numbers(self, store: Store) -> None:
        await store.append(Batch(tasks=[task(3), task(4)], events=[event(1), event(2)]))
        await store.append(Batch(projects=[project(slots=9)]))
        await store.append(Batch(tasks=[task(3, version=2)]))
        loaded = await store.load()
        assert (loaded.last_seq, loaded.last_number) == ({1: 2}, 4)

    # --- history ------------------------------------------------------------------------------

    async def test_events_come_in_order_after_since_and_up_to_the_limit(self, store: Store) -> None:
        await store.append(Batch(events=[event(seq) for seq in range(1, 6)]))
        await store.append(Batch(events=[event(seq) for seq in range(6, 11)]))
        assert await seqs(store) == list(range(1, 11))
        assert await seqs(store, since=3, limit=4) == [4, 5, 6, 7]
        assert await seqs(store, since=10) == []
        assert await seqs(store, since=99) == []

    async def test_events_are_filtered_by_type_task_and_project(self, store: Store) -> None:
        await store.append(
            Batch(
                projects=[project(2, "other")],
                events=[
                    event(1, "task_added", task_id="a"),
                    event(2, "task_added", task_id="b"),
                    event(3, "slot_claimed", slot=1),
                    event(4, "task_claimed", task_id="a"),
                    event(5, "task_done", task_id="a"),
                    event(1, "task_added", project=2, task_id="a"),
                ],
            )
        )
        assert await seqs(store, types=("task_added",)) == [1, 2]
        assert await seqs(store, types=("task_done", "slot_claimed")) == [3, 5]
        assert await seqs(store, task_id="a") == [1, 4, 5]
        assert await seqs(store, task_id="a", since=1, limit=1) == [4]
        assert await seqs(store, task_id="a", types=("task_added", "task_done")) == [1, 5]
        assert await seqs(store, task_id="nobody") == []
        assert await seqs(store, project=2) == [1]
        assert await seqs(store, project=3) == []

    async def test_events_are_filtered_by_worker_and_end(self, store: Store) -> None:
        workers = ("w", "v", None, "w", "w")
        events = [
            event(seq, "task_claimed" if seq % 2 else "task_done", worker_id=worker, task_id="a")
            for seq, worker in enumerate(workers, 1)
        ]
        await store.append(Batch(events=events))
        assert await seqs(store, worker_id="w") == [1, 4, 5]
        assert await seqs(store, worker_id="w", since=1, until=4) == [4]
        assert await seqs(store, worker_id="w", task_id="a", types=("task_claimed",)) == [1, 5]
        assert await seqs(store, worker_id="w", task_id="b") == []
        assert await seqs(store, until=2) == [1, 2]
        assert await seqs(store, until=99, since=4) == [5]
        assert await seqs(store, until=2, since=2) == []
        assert await seqs(store, until=3, task_id="a", limit=2) == [1, 2]

    async def test_milestones_come_newest_first(self, store: Store) -> None:
        events = [event(seq, "task_noted" if seq % 3 else "task_done") for seq in range(1, 13)]
        await store.append(Batch(events=events))
        assert await milestone_seqs(store) == list(range(12, 0, -1))
        assert await milestone_seqs(store, limit=2) == [12, 11]
        assert await milestone_seqs(store, limit=3, types=MILESTONES) == [12, 9, 6]
        assert await milestone_seqs(store, since=3, until=9, types=MILESTONES) == [9, 6]
        assert await milestone_seqs(store, since=12) == []
        assert await milestone_seqs(store, until=1, limit=9) == [1]
        assert await milestone_seqs(store, project=2) == []

    async def test_milestones_are_filtered_like_events(self, store: Store) -> None:
        events = [
            event(seq, task_id="ab"[seq % 2], worker_id="vw"[seq % 4 // 2]) for seq in range(1, 9)
        ]
        await store.append(Batch(events=events))
        for task_id in ("a", "b", "c", None):
            for worker_id in ("v", "w", None):
                both = {"task_id": task_id, "worker_id": worker_id, "since": 2, "until": 7}
                assert await milestone_seqs(store, **both) == (await seqs(store, **both))[::-1]

    async def test_every_field_of_a_milestone_comes_back(self, store: Store) -> None:
        data = {
            "waitedSeconds": 1.5,
            "workedSeconds": 0,
            "cause": "lease",
            "previousStatus": "working",
            "previousWorkerId": AWKWARD,
            "error": "é" * ERROR_LENGTH_MAX + "x",
            "output": "left out",
        }
        full = event(
            1, "task_failed", task_id=AWKWARD, worker_id=AWKWARD, slot=3, attempt=2, data=data
        )
        await store.append(Batch(events=[full, event(2)]))
        bare, found = await store.read_milestones(wanted())
        assert bare == Milestone(seq=2, time=TIME, type="task_added")
        assert found == Milestone(
            seq=1,
            time=TIME,
            type="task_failed",
            task_id=AWKWARD,
            worker_id=AWKWARD,
            slot=3,
            attempt=2,
            waited_seconds=1.5,
            worked_seconds=0.0,
            cause="lease",
            previous_status="working",
            previous_worker_id=AWKWARD,
            error="é" * ERROR_LENGTH_MAX,
        )

    @pytest.mark.parametrize("unit", ["minute", "hour"])
    async def test_events_are_counted_by_type_and_time(self, store: Store, unit: Unit) -> None:
        times = ["09:29:59.999Z", "09:30:00.000Z", "09:30:59.999Z", "10:00:00.000Z"]
        events = [
            event(seq, "task_done" if seq % 2 else "task_noted", time=f"2026-01-31T{time}")
            for seq, time in enumerate(times, 1)
        ]
        cleaned = event(
            5, "tasks_cleaned", time="2026-01-31T10:00:01.000Z", data={"removed": 7, "backup": "b"}
        )
        other = project(2, "other")
        elsewhere = event(1, "task_done", project=2, time="2026-01-31T09:30:00.000Z")
        await store.append(Batch(projects=[other], events=[*events, cleaned, elsewhere]))

        async def counted(since: int, until: int) -> dict[tuple[str, str], int]:
            sums: Counter[tuple[str, str]] = Counter()
            for tick in await store.count_events(1, since, until, unit):
                sums[to_text(tick.start_ms)[11:16], tick.type] += tick.number
            return dict(sums)

        done: dict[tuple[str, str], int] = {("09:00", "task_done"): 2}
        if unit == "minute":
            done = {("09:29", "task_done"): 1, ("09:30", "task_done"): 1}
        assert await counted(0, 5) == done | {("10:00", "tasks_cleaned"): 7}
        assert await counted(3, 4) == {}
        assert await counted(4, 5) == {("10:00", "tasks_cleaned"): 7}
        assert await counted(5, 5) == {}

    async def test_an_event_number_is_found_by_time(self, store: Store) -> None:
        await store.append(Batch(projects=[project(2, "other")], events=[event(1, project=2)]))
        assert await store.last_seq_before(1, AT_MS) == 0
        times = [AT_MS, AT_MS, AT_MS + 10, AT_MS + 10, AT_MS + 10, AT_MS + 999, AT_MS + 1_000]
        events = [event(seq, time=to_text(ms)) for seq, ms in enumerate(times, 1)]
        await store.append(Batch(events=events))
        found = [
            await store.last_seq_before(1, AT_MS + after)
            for after in (-1_000_000, 0, 1, 10, 11, 999, 1_000, 1_001, 10**9)
        ]
        assert found == [0, 0, 2, 2, 5, 5, 6, 7, 7]
        assert await store.last_seq_before(3, AT_MS + 10**9) == 0

    async def test_a_clock_that_was_set_back_hides_no_number(self, store: Store) -> None:
        times = [AT_MS + (seq * 1_000 if seq < 60 else seq * 1_000 - 30_000) for seq in range(100)]
        events = [event(seq, time=to_text(ms)) for seq, ms in enumerate(times, 1)]
        await store.append(Batch(events=events))
        for after in range(-1_000, 101_000, 500):
            last = await store.last_seq_before(1, AT_MS + after)
            assert last == 0 or times[last - 1] < AT_MS + after
            assert last == len(times) or times[last] >= AT_MS + after

    async def test_the_limit_counts_matches_only(self, store: Store) -> None:
        events = [
            event(seq, "slot_claimed" if seq % 10 else "task_done", task_id="a")
            for seq in range(1, 101)
        ]
        await store.append(Batch(events=events))
        assert await seqs(store, types=("task_done",), limit=3) == [10, 20, 30]

    # --- replies ------------------------------------------------------------------------------

    async def test_replies_come_back_byte_for_byte(self, store: Store) -> None:
        replies = [
            reply(AWKWARD, fingerprint=2**63 - 1, reply=msgspec.json.encode({"text": AWKWARD})),
            reply("spaced", reply=b'{ "a" : [ 1.0, 1e5, "\\u0041\\u0000" ] }', fingerprint=0),
            reply("text", reply=b'"just text"'),
            reply("none", reply=None),
        ]
        await store.append(Batch(replies=replies))
        for record in replies:
            assert await store.read_replies([(1, record.key)]) == [record]
        keys = [(1, record.key) for record in replies]
        found = await store.read_replies([*keys, (1, "unknown"), (2, "text")])
        assert sorted(found, key=lambda record: record.key) == sorted(
            replies, key=lambda record: record.key
        )
        assert await store.read_replies([]) == []

    async def test_replies_are_loaded_oldest_first_without_their_bytes(self, store: Store) -> None:
        await store.append(Batch(replies=[reply("b", AT_MS + 2), reply("a", AT_MS + 1)]))
        await store.append(Batch(replies=[reply("c", AT_MS)]))
        loaded = (await store.load()).replies
        assert [(record.key, record.reply) for record in loaded] == [
            ("c", None),
            ("a", None),
            ("b", None),
        ]

    async def test_old_replies_are_forgotten_and_the_limit_itself_is_kept(
        self, store: Store
    ) -> None:
        await store.append(
            Batch(replies=[reply(str(age), AT_MS - age) for age in (2_000, 1, 0, -1)])
        )
        await store.append(Batch(forget_replies_before_ms=AT_MS))
        assert [record.key for record in (await store.load()).replies] == ["0", "-1"]
        assert await store.read_replies([(1, "1"), (1, "2000")]) == []

    async def test_a_forgotten_key_can_be_used_again_in_the_same_batch(self, store: Store) -> None:
        await store.append(Batch(replies=[reply(reply=b'"old"'), reply("other")]))
        new = reply(at_ms=AT_MS + 10, fingerprint=8, reply=b'"new"')
        await store.append(Batch(forget_replies_before_ms=AT_MS + 1, replies=[new]))
        assert await store.read_replies([(1, "key"), (1, "other")]) == [new]

    async def test_a_key_that_comes_again_has_the_last_reply(self, store: Store) -> None:
        await store.append(Batch(replies=[reply(), reply("other", AT_MS + 1)]))
        again = reply(at_ms=AT_MS + 2, fingerprint=9, reply=b"{}")
        await store.append(Batch(replies=[again]))
        assert await store.read_replies([(1, "key")]) == [again]
        assert [record.key for record in (await store.load()).replies] == ["other", "key"]

    # --- size, cancellation, the rest ---------------------------------------------------------

    async def test_ten_thousand_tasks_fit_into_one_batch(self, store: Store) -> None:
        tasks = [task(number, tags=(f"tag-{number}",)) for number in range(1, 10_001)]
        await store.append(Batch(tasks=tasks, events=[event(seq) for seq in range(1, 10_001)]))
        reports: list[tuple[int, int]] = []
        loaded = await store.load(lambda done, total: reports.append((done, total)))
        assert loaded.tasks == tasks
        assert (loaded.last_number, loaded.last_seq) == (10_000, {1: 10_000})
        assert reports[-1] == (10_000, 10_000)
        assert reports == sorted(reports)

    async def test_a_cancelled_append_leaves_the_batch_whole_or_absent(self, store: Store) -> None:
        seq = 0
        for patience in range(12):
            batch = Batch(
                tasks=[task(seq + step) for step in range(1, 51)],
                events=[event(seq + step) for step in range(1, 51)],
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store.append, batch)
                for _ in range(patience):
                    await checkpoint()
                nursery.cancel_scope.cancel()
            loaded = await store.load()
            assert loaded.last_seq[1] in (seq, seq + 50)
            seq = loaded.last_seq[1]
            assert [found.number for found in loaded.tasks] == list(range(1, seq + 1))
            assert await seqs(store) == list(range(1, seq + 1))
        await store.append(Batch(tasks=[task(seq + 1)], events=[event(seq + 1)]))
        assert (await store.load()).last_seq == {1: seq + 1}

    async def test_history_can_be_read_while_batches_are_written(self, store: Store) -> None:
        written = trio.Event()

        async def write() -> None:
            for first in range(1, 1_001, 50):
                await store.append(Batch(events=[event(seq) for seq in range(first, first + 50)]))
            written.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            while not written.is_set():
                found = await seqs(store)
                assert found == list(range(1, len(found) + 1))
                assert len(found) % 50 == 0
        assert len(await seqs(store)) == 1_000

    async def test_it_says_what_it_is_without_folders(self, store: Store, tmp_path: Path) -> None:
        assert store.describe()
        assert tmp_path.name not in store.describe()

    async def test_closing_twice_is_no_error(self, store: Store) -> None:
        await store.close()
        await store.close()
