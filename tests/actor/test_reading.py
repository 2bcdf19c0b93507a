"""History as a client reads it: pages, attempts, statistics, each true at a committed point."""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from actor import reading
from actor.history import Milestone
from actor.records import LoggedEvent, ProjectRecord
from actor.store.base import Batch, EventFilter, Store, StoreUnavailable
from actor.store.memory import MemoryStore
from actor.store.sqlite import open_sqlite
from actor.timestamps import to_ms, to_text
from protocol import errors as e
from protocol.models import Event
from tests.actor.inside import Client, inside
from tests.actor.lives import BEGAN_MS, TASKS, WORKERS, Lives
from tests.faults.stores import Gate

NOW_MS = 1_800_000_000_000
"""When a coordinator of these tests begins."""


def project(**fields: Any) -> ProjectRecord:
    return ProjectRecord(number=1, name="default", slots=5, created_ms=BEGAN_MS, **fields)


async def told(store: Store, events: Sequence[Event], **fields: Any) -> None:
    """Let a store have a history."""
    await store.append(
        Batch(projects=[project(**fields)], events=[LoggedEvent(1, event) for event in events])
    )


def event(seq: int, type_: Any = "task_noted", **fields: Any) -> Event:
    plain: dict[str, Any] = {"time": to_text(BEGAN_MS + seq * 1_000)}
    return Event(seq=seq, type=type_, **plain | fields)


async def attempts(call: Client, task_id: str, **params: Any) -> list[tuple[Any, ...]]:
    history = await call("get_task_history", taskId=task_id, **params)
    return [
        (found["workerId"], found.get("outcome"), found.get("cause"))
        for found in history["attempts"]
    ]


async def take(call: Client, task_id: str, worker: str = "w", **params: Any) -> int:
    """Claim a task in the worker's slot, and return the slot."""
    slot: int = (await call("claim_worker_slot", workerId=worker, **params))["slot"]
    await call("claim_task", taskId=task_id, workerId=worker, workerSlot=slot, **params)
    return slot


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    store = MemoryStore() if request.param == "memory" else await open_sqlite(tmp_path / "a.db")
    yield store
    await store.close()


# --- events -----------------------------------------------------------------------------------


async def test_events_are_filtered_by_everything_at_once(store: Store) -> None:
    await told(
        store,
        [
            event(
                seq,
                "task_claimed" if seq % 2 else "task_done",
                task_id="ab"[seq % 3 == 0],
                worker_id="vw"[seq % 5 == 0],
            )
            for seq in range(1, 61)
        ],
    )
    async with inside(store) as server:
        call = server.client()

        async def found(**params: Any) -> list[int]:
            return [got["seq"] for got in (await call("get_events", **params))["events"]]

        assert await found(since=50, until=53) == [51, 52, 53]
        assert await found(until=2) == [1, 2]
        assert await found(since=60) == []
        assert await found(workerId="w") == list(range(5, 61, 5))
        assert await found(workerId="w", types=["task_done"]) == list(range(10, 61, 10))
        assert await found(workerId="w", taskId="b") == [15, 30, 45, 60]
        assert await found(workerId="w", taskId="b", types=["task_done"], since=30) == [60]
        assert await found(workerId="nobody", taskId="b") == []


@pytest.mark.parametrize("limit", [1, 3, 5, 10, 11])
async def test_only_a_page_that_another_one_follows_says_so(store: Store, limit: int) -> None:
    await told(store, [event(seq, task_id="a") for seq in range(1, 11)])
    async with inside(store) as server:
        call = server.client()
        for method, params in (("get_events", {}), ("get_task_history", {"taskId": "a"})):
            seen: list[int] = []
            pages = 0
            since: int | None = 0
            while since is not None:
                page = await call(method, since=since, limit=limit, **params)
                seen += [got["seq"] for got in page["events"]]
                pages, since = pages + 1, page.get("nextSince")
            assert seen == list(range(1, 11))
            assert pages == -(-10 // limit)


async def test_a_page_is_bounded_in_bytes_too(store: Store) -> None:
    long = "x" * 1_500_000
    await told(store, [event(seq, task_id="a", data={"note": long}) for seq in range(1, 6)])
    async with inside(store) as server:
        call = server.client()
        for method, params in (("get_events", {}), ("get_task_history", {"taskId": "a"})):
            first = await call(method, **params)
            assert [got["seq"] for got in first["events"]] == [1, 2]
            assert first["nextSince"] == 2
            last = await call(method, since=4, **params)
            assert ([got["seq"] for got in last["events"]], "nextSince" in last) == ([5], False)


async def test_a_reader_from_before_the_pruned_events_is_told(store: Store) -> None:
    await told(store, [event(seq) for seq in range(5, 9)], pruned_seq=6)
    async with inside(store) as server:
        call = server.client()
        for since, pruned in ((0, 6), (5, 6), (6, None), (7, None)):
            page = await call("get_events", since=since)
            assert page.get("prunedThrough") == pruned
            assert page["events"][0]["seq"] == max(5, since + 1)


class _Held(MemoryStore):
    """A store whose history is read when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        await self.gate.hold()
        return await super().read_events(wanted)

    async def read_milestones(self, wanted: EventFilter) -> list[Milestone]:
        await self.gate.hold()
        return await super().read_milestones(wanted)


@pytest.mark.parametrize(
    ("method", "params"),
    [("get_events", {}), ("get_stats", {}), ("get_task_history", {"taskId": "a"})],
)
async def test_an_answer_knows_nothing_that_came_after_it_was_asked_for(
    method: str, params: dict[str, Any]
) -> None:
    store = _Held()
    async with inside(store) as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        asked = await call.send(method, **params)
        await store.gate.reached.wait()
        await call("add_task", id="b", description="d")
        await call("edit_task", taskId="a", priority=1)
        store.gate.opened.set()
        answer = await call.answer(asked)
        if method != "get_task_history":
            assert answer["seq"] == 1
        if method == "get_stats":
            assert answer["added"] == 1
        else:
            assert [got["seq"] for got in answer["events"]] == [1]


# --- the history of a task --------------------------------------------------------------------


async def test_attempts_tell_who_worked_how_long_and_how_it_ended(
    autojump_clock: trio.testing.MockClock,
) -> None:
    del autojump_clock
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", maxAttempts=9, retryDelaySeconds=0)
        await trio.sleep(2)
        slot = await take(call, "a", "v")
        await trio.sleep(3)
        await call("release_task", taskId="a", workerId="v", note="half done")
        await trio.sleep(4)
        await call("claim_task", taskId="a", workerId="v", workerSlot=slot)
        await trio.sleep(5)
        await call("update_task", taskId="a", workerId="v", status="failed", error="boom")
        await take(call, "a", "w")
        history = await call("get_task_history", taskId="a", limit=1)
    begun = NOW_MS + 2_000
    assert history["attempts"] == [
        {
            "attempt": 1,
            "workerId": "v",
            "slot": 1,
            "claimedAt": to_text(begun),
            "endedAt": to_text(begun + 3_000),
            "outcome": "released",
            "cause": "task_released",
            "seconds": 3.0,
            "waitedSeconds": 2.0,
        },
        {
            "attempt": 2,
            "workerId": "v",
            "slot": 1,
            "claimedAt": to_text(begun + 7_000),
            "endedAt": to_text(begun + 12_000),
            "outcome": "retrying",
            "seconds": 5.0,
            "waitedSeconds": 4.0,
            "error": "boom",
        },
        {
            "attempt": 3,
            "workerId": "w",
            "slot": 2,
            "claimedAt": to_text(begun + 12_000),
            "waitedSeconds": 0.0,
        },
    ]
    assert [got["type"] for got in history["events"]] == ["task_added"]
    assert history["nextSince"] == 1


async def test_a_late_report_is_the_last_word_on_its_attempt(
    autojump_clock: trio.testing.MockClock,
) -> None:
    del autojump_clock
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await take(call, "a", leaseSeconds=10)
        await trio.sleep(60)
        assert await attempts(call, "a") == [("w", "lapsed", "lease")]
        await call("update_task", taskId="a", workerId="w", status="done")
        assert await attempts(call, "a") == [("w", "done", None)]
        stats = await call("get_stats")
        assert (stats["project"]["done"], stats["project"]["lapsed"]) == (1, 0)


async def test_a_removed_task_keeps_its_history(store: Store) -> None:
    async with inside(store) as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        slot = await take(call, "a")
        await call("update_task", taskId="a", workerId="w", status="done")
        await call("delete_task", taskId="a")
        await call("claim_task", taskId="b", workerId="w", workerSlot=slot)
        assert await attempts(call, "a") == [("w", "done", None)]
        assert await attempts(call, "b") == [("w", None, None)]
        assert await attempts(call, "a", since=100) == [("w", "done", None)]


async def test_an_attempt_ends_when_all_tasks_are_removed(store: Store) -> None:
    async with inside(store) as server:
        call = server.client()
        for worker in ("v", "w"):
            await call("add_task", id="a", description="d")
            await take(call, "a", worker)
            assert (await attempts(call, "a"))[-1] == (worker, None, None)
            ended = (await call("get_task_history", taskId="a"))["attempts"][:-1]
            assert all("endedAt" in attempt for attempt in ended), "of an earlier life"
            await call("clean_all_tasks")
        await call("add_task", id="b", description="d")
        await call("clean_all_tasks")
        first, second = (await call("get_task_history", taskId="a"))["attempts"]
        cleanings = (await call("get_events", types=["tasks_cleaned"]))["events"]
        assert (first["outcome"], second["outcome"]) == ("deleted", "deleted")
        assert first["endedAt"] == cleanings[0]["time"]
        assert second["endedAt"] == cleanings[1]["time"]


async def test_a_task_that_nothing_is_told_of_is_not_found(store: Store) -> None:
    await told(store, [event(1, task_id="only noted"), event(2, task_id="b")])
    async with inside(store) as server:
        call = server.client()
        for task_id, since in (("never", 0), ("never", 1)):
            with pytest.raises(e.TaskNotFound, match="no event about one"):
                await call("get_task_history", taskId=task_id, since=since)
        for since in (0, 1, 99):
            history = await call("get_task_history", taskId="only noted", since=since)
            assert (history["attempts"], len(history["events"])) == ([], int(since == 0))
        await call("add_task", id="new", description="d")
        assert (await call("get_task_history", taskId="new", since=99))["events"] == []


async def test_the_newest_attempts_of_very_many_are_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MILESTONES_MAX", 9)
    events: list[Event] = []
    for attempt in range(1, 21):
        same: dict[str, Any] = {"task_id": "a", "worker_id": "w", "attempt": attempt}
        events.append(event(len(events) + 1, "task_claimed", **same))
        events.append(event(len(events) + 1, "task_released", **same, data={"workedSeconds": 1}))
    await told(store, events)
    async with inside(store) as server:
        history = await server.client()("get_task_history", taskId="a", limit=3)
    assert [got["attempt"] for got in history["attempts"]] == [16, 17, 18, 19, 20]
    assert [got["seq"] for got in history["events"]] == [1, 2, 3]


# --- statistics -------------------------------------------------------------------------------


async def test_a_window_shows_what_ended_in_it(autojump_clock: trio.testing.MockClock) -> None:
    del autojump_clock
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "abcd"])
        await trio.sleep(1)
        slot = await take(call, "a")
        await trio.sleep(2)
        await call("update_task", taskId="a", workerId="w", status="done")
        await call("claim_task", taskId="b", workerId="w", workerSlot=slot, leaseSeconds=3_600)
        await trio.sleep(600)
        await call("add_task", id="e", description="d")
        await call("update_task", taskId="b", workerId="w", status="failed", error="x")
        await take(call, "c", "v")
        await trio.sleep(10)
        await call("update_task", taskId="c", workerId="v", status="done")
        recent = await call("get_stats", windowSeconds=300)
        whole = await call("get_stats", workerId="w")
    now_ms = NOW_MS + 613_000
    assert (recent["since"], recent["until"]) == (to_text(now_ms - 300_000), to_text(now_ms))
    assert (recent["added"], recent["truncated"], len(recent["workers"])) == (1, False, 2)
    total = recent["project"]
    assert {name: total[name] for name in ("attempts", "done", "failed", "lapsed", "released")} == {
        "attempts": 2,
        "done": 1,
        "failed": 1,
        "lapsed": 0,
        "released": 0,
    }
    assert (total["failureRate"], total["lapseRate"], total["donePerHour"]) == (0.5, 0, 12)
    # `b` was claimed before the window began: its waiting time is known all the same.
    assert (total["waitingSeconds"]["p50"], total["waitingSeconds"]["max"]) == (3, 603)
    assert (total["workingSeconds"]["p50"], total["workingSeconds"]["max"]) == (10, 600)
    assert (whole["project"]["attempts"], whole["added"]) == (3, 5)
    (mine,) = whole["workers"]
    assert (mine["workerId"], mine["done"], mine["failed"]) == ("w", 1, 1)


async def test_statistics_of_a_long_history_are_those_of_a_full_scan(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 17)
    lives = Lives()
    lives.now_ms = NOW_MS - 40_000_000
    dice = random.Random(3)
    what = ("add", "claim", "claim", "done", "failed", "retrying", "lapsed", "released", "reset")
    lives.play(
        [
            (dice.choice(what), dice.choice(TASKS), dice.choice(WORKERS), dice.randrange(40_000))
            for _ in range(1_500)
        ]
    )
    assert lives.now_ms < NOW_MS
    await told(store, lives.events)
    async with inside(store) as server:
        call = server.client()
        for window in (60, 11_000_000, NOW_MS // 1000 - to_ms(lives.events[200].time) // 1000):
            stats = await call("get_stats", windowSeconds=window)
            since = to_ms(stats["until"]) - window * 1_000
            ended = [a for a in lives.attempts if a.ended_ms is not None and a.ended_ms >= since]
            counts = Counter(attempt.worker for attempt in ended)
            added = [got for got in lives.events if got.type == "task_added"]
            assert stats["added"] == sum(to_ms(got.time) >= since for got in added)
            assert stats["project"]["attempts"] == len(ended)
            assert {got["workerId"]: got["attempts"] for got in stats["workers"]} == counts
            if ended:
                waited = sorted(attempt.waited for attempt in ended)
                assert stats["project"]["waitingSeconds"]["max"] == waited[-1]
                assert stats["project"]["waitingSeconds"]["p50"] == waited[(len(waited) - 1) // 2]
                done = [a.outcome for a in ended].count("done")
                assert stats["project"]["done"] == done


async def test_beyond_the_bound_the_window_shrinks_to_what_was_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STATS_ATTEMPTS_MAX", 100)
    monkeypatch.setattr(reading, "CHUNK", 30)
    events = [
        event(
            seq,
            "task_done",
            time=to_text(NOW_MS - (201 - seq) * 1_000),
            task_id=f"t{seq}",
            worker_id="w",
            attempt=1,
            data={"workedSeconds": seq},
        )
        for seq in range(1, 201)
    ]
    await told(store, events)
    async with inside(store) as server:
        stats = await server.client()("get_stats")
    assert stats["truncated"]
    assert stats["since"] == events[100].time
    total = stats["project"]
    assert (total["attempts"], total["workingSeconds"]["max"]) == (100, 200)
    assert total["donePerHour"] == pytest.approx(3_600, rel=0.1)


async def test_an_empty_project_has_statistics(store: Store) -> None:
    async with inside(store) as server:
        stats = await server.client("new")("get_stats")
    assert (stats["seq"], stats["added"], stats["workers"]) == (0, 0, [])
    assert stats["project"]["attempts"] == 0
    assert "waitingSeconds" not in stats["project"]


# --- failures ---------------------------------------------------------------------------------


class _Broken(MemoryStore):
    """A store whose history cannot be read."""

    error: Exception = StoreUnavailable("the disk is gone")

    async def read_milestones(self, wanted: EventFilter) -> list[Milestone]:
        del wanted
        await trio.lowlevel.checkpoint()
        raise self.error


@pytest.mark.parametrize(
    ("method", "params"), [("get_stats", {}), ("get_task_history", {"taskId": "a"})]
)
async def test_a_history_that_cannot_be_read_is_a_refusal(
    method: str, params: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    store = _Broken()
    async with inside(store) as server:
        call = server.client()
        with pytest.raises(e.StorageUnavailable, match=r"disk is gone. Try again"):
            await call(method, **params)
        store.error = RuntimeError("a defect")
        with pytest.raises(e.InternalError, match="its log has the details"):
            await call(method, **params)
        assert (await call("get_snapshot"))["seq"] == 0
    assert f"{method} failed" in caplog.text


async def test_more_readings_than_the_database_takes_at_once_are_all_answered() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        asked = [await call.send("get_task_history", taskId="a") for _ in range(50)]
        for id_ in asked:
            assert len((await call.answer(id_))["events"]) == 1
