"""What a client sees of the coordinator, told as behaviours."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from actor.store.base import Batch, EventFilter
from actor.store.memory import MemoryStore
from actor.store.sqlite import open_sqlite
from actor.transitions import TRANSITIONS, Decision
from protocol import errors as e
from protocol.models import Event
from tests.actor.inside import inside
from tests.actor.plans import PLAN

# --- idempotency ------------------------------------------------------------------------------


async def test_the_same_key_gets_the_same_reply_and_does_nothing_twice() -> None:
    async with inside() as server:
        call = server.client()
        request: dict[str, Any] = {"description": "d", "idempotencyKey": "k1"}
        first = await call("add_task", **request)
        assert await server.client()("add_task", **request) == first
        assert (await call("get_all_tasks"))["total"] == 1


async def test_the_same_key_for_another_request_is_refused() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", description="d", idempotencyKey="k1")
        with pytest.raises(e.IdempotencyConflict):
            await call("add_task", description="other", idempotencyKey="k1")
        with pytest.raises(e.IdempotencyConflict):
            await call("claim_worker_slot", idempotencyKey="k1")
        await server.client("elsewhere")("add_task", description="other", idempotencyKey="k1")


async def test_a_key_is_forgotten_after_a_day() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", description="d", idempotencyKey="k1")
        server.pass_hours(23.9)
        await call("add_task", description="d", idempotencyKey="k1")
        assert (await call("get_all_tasks"))["total"] == 1
        server.pass_hours(0.2)
        await call("add_task", description="d", idempotencyKey="k1")
        assert (await call("get_all_tasks"))["total"] == 2


async def test_a_key_counts_after_a_restart_too(tmp_path: Path) -> None:
    replies: list[Any] = []
    for _ in range(2):
        store = await open_sqlite(tmp_path / "a.db")
        async with inside(store) as server:
            call = server.client()
            replies.append(await call("add_task", description="d", idempotencyKey="k1"))
            assert (await call("get_all_tasks"))["total"] == 1
        await store.close()
    assert replies[0] == replies[1]


# --- restart ----------------------------------------------------------------------------------


async def test_a_restart_takes_nothing_from_anybody(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "a.db")
    async with inside(store) as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        await call("claim_worker_slot", workerId="w")
        claim = {"taskId": "setup-db", "workerId": "w", "workerSlot": 1}
        token = (await call("claim_task", **claim))["claimToken"]
        before = await call("get_snapshot")
    await store.close()
    store = await open_sqlite(tmp_path / "a.db")
    async with inside(store) as server:
        call = server.client()
        after = await call("get_snapshot")
        assert (after["seq"], after["counts"]) == (before["seq"], before["counts"])
        holder = ("slot", "workerId", "taskId", "claimedAt")
        for slot, then in zip(after["workers"], before["workers"], strict=True):
            assert {name: slot.get(name) for name in holder} == {n: then.get(n) for n in holder}
        assert (await call("claim_task", **claim))["claimToken"] == token
        report = {"taskId": "setup-db", "status": "done", "workerId": "w", "claimToken": token}
        assert (await call("update_task", **report))["task"]["status"] == "done"
        server.check()
    await store.close()


async def test_cleaning_writes_a_backup_first_and_names_it(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "a.db")
    async with inside(store) as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="setup-db", workerId="w", workerSlot=1)
        cleaned = await call("clean_all_tasks")
        assert cleaned["removed"] == 5
        assert (await call("get_workers"))["workers"][0]["status"] == "idle"
        assert await call("clean_all_tasks") == {"removed": 0}
        server.check()
    await store.close()
    backup = await open_sqlite(tmp_path / cleaned["backup"])
    assert len((await backup.load()).tasks) == 5
    await backup.close()


# --- events -----------------------------------------------------------------------------------


async def test_a_subscriber_gets_every_event_once_wherever_it_begins() -> None:
    async with inside() as server:
        call = server.client()
        for name in "abc":
            await call("add_task", id=name, description="d")
        early, late, quiet = server.client(), server.client(), server.client()
        assert (await early("subscribe", since=0))["seq"] == 3
        await late("subscribe")
        await quiet("subscribe", types=["task_done"], taskId="b")
        await call("claim_worker_slot", workerId="w")
        for name in "ab":
            await call("claim_task", taskId=name, workerId="w", workerSlot=1)
            await call("update_task", taskId=name, status="done", workerId="w")
        await trio.testing.wait_all_tasks_blocked()
        assert [event["seq"] for event in early.events] == list(range(1, 9))
        assert [event["seq"] for event in late.events] == list(range(4, 9))
        assert [(event["type"], event["taskId"]) for event in quiet.events] == [("task_done", "b")]


async def test_a_long_history_is_replayed_from_the_store_and_joins_the_present() -> None:
    async with inside() as server:
        call = server.client()
        tasks = [{"id": f"t{n}", "description": "d"} for n in range(1_000)]
        await call("add_tasks", tasks=tasks)
        await call("add_tasks", tasks=[{"id": f"u{n}", "description": "d"} for n in range(600)])
        reader = server.client()
        await reader("subscribe", since=10)
        ids = [await call.send("add_task", description="meanwhile") for _ in range(50)]
        for id_ in ids:
            await call.answer(id_)
        await trio.testing.wait_all_tasks_blocked()
        assert [event["seq"] for event in reader.events] == list(range(11, 1_651))


async def test_unsubscribing_ends_the_events_and_the_future_cannot_be_subscribed_to() -> None:
    async with inside() as server:
        call = server.client()
        name = (await call("subscribe"))["subscription"]
        await call("unsubscribe", subscription=name)
        await call("add_task", description="d")
        await trio.testing.wait_all_tasks_blocked()
        assert call.events == []
        with pytest.raises(e.SubscriptionNotFound):
            await call("unsubscribe", subscription=name)
        with pytest.raises(e.CursorInvalid):
            await call("subscribe", since=7)


async def test_events_are_read_page_by_page() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        seen: list[int] = []
        since: int | None = 0
        while since is not None:
            page = await call("get_events", since=since, limit=2)
            seen += [event["seq"] for event in page["events"]]
            since = page.get("nextSince")
        assert seen == [1, 2, 3, 4, 5]


class _SlowReader(MemoryStore):
    """A store whose history takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = trio.Event()

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        await self.gate.wait()
        return await super().read_events(wanted)


async def test_a_stop_waits_for_history_that_is_being_read() -> None:
    store = _SlowReader()
    async with inside(store) as server:
        call = server.client()
        await call("add_task", description="d")
        asked = await call.send("get_events")
        await trio.testing.wait_all_tasks_blocked()
        server.coordinator.stop()
        await trio.testing.wait_all_tasks_blocked()
        store.gate.set()
        assert len((await call.answer(asked))["events"]) == 1


class _Slow(MemoryStore):
    """A store whose commits wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = trio.Event()
        self.asked = trio.Event()
        self.sizes: list[int] = []

    async def append(self, batch: Batch) -> None:
        self.sizes.append(len(batch.tasks))
        self.asked.set()
        await self.gate.wait()
        await super().append(batch)


async def test_what_arrives_during_a_commit_is_committed_together() -> None:
    store = _Slow()
    async with inside(store) as server:
        call, reader = server.client(), server.client()
        await reader("subscribe")
        ids = [await call.send("add_task", description="first")]
        await store.asked.wait()
        ids += [await call.send("add_task", description="more") for _ in range(20)]
        await trio.testing.wait_all_tasks_blocked()
        assert not any(call.answered(id_) for id_ in ids), "no reply before the commit"
        assert reader.events == [], "no event before the commit"
        store.gate.set()
        for id_ in ids:
            await call.answer(id_)
        assert store.sizes == [1, 20]


async def test_a_defect_fails_one_call_and_not_its_neighbours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Decision:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("actor.attempt.TRANSITIONS", {**TRANSITIONS, "cancel_task": broken})
    store = _Slow()
    async with inside(store) as server:
        call = server.client()
        first = await call.send("add_task", id="first", description="d")
        await store.asked.wait()
        ids = [
            await call.send("add_task", id="a", description="d"),
            await call.send("cancel_task", taskId="a"),
            await call.send("add_task", id="b", description="d"),
        ]
        store.gate.set()
        await call.answer(first)
        await call.answer(ids[0])
        with pytest.raises(e.InternalError) as failed:
            await call.answer(ids[1])
        assert "secret" not in f"{failed.value.message} {failed.value.data}"
        await call.answer(ids[2])
        server.check()
    assert "secret detail" in caplog.text


async def test_projects_share_nothing() -> None:
    async with inside(slots=1) as server:
        one, two = server.client("one"), server.client("two")
        for call in (one, two):
            await call("add_task", id="a", description="d")
            await call("claim_worker_slot", workerId="w")
        assert (await one("get_snapshot"))["seq"] == 2
        assert (await two("get_workers"))["free"] == 0
        assert (await server.client("three")("get_all_tasks"))["tasks"] == []
        await one("clean_all_tasks")
        assert (await two("get_all_tasks"))["total"] == 1
        server.check()
