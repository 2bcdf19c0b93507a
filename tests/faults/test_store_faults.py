"""Promise 2 over a store that fails: nothing is told that is not durable, nothing half applied."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor.invariants import violations
from protocol.errors import CoordinatorError, ShuttingDown, StorageUnavailable, TaskNotAvailable
from tests.actor.inside import Client, Inside, inside
from tests.actor.store.files import ask, opened, real_writer
from tests.faults.stores import Fault, FaultyStore, Gate, assert_same

# --- nothing leaves before the commit ---------------------------------------------------------


async def test_no_reply_and_no_event_leaves_before_the_append_has_returned() -> None:
    store = FaultyStore()
    async with inside(store) as server:
        writer, reader, watcher = server.client(), server.client(), server.client()
        await watcher("subscribe")
        gate = store.gate = Gate()
        added = await writer.send("add_task", id="a", description="d")
        refused = await writer.send("delete_task", taskId="missing")
        asked = await reader.send("get_task", taskId="a")
        await gate.reached.wait()
        await wait_all_tasks_blocked()
        assert len(store.batches) == 1, "it is written already, and the store has not said so"
        assert not writer.answered(added)
        assert not writer.answered(refused), "a refusal can rest on what is not durable yet"
        assert not reader.answered(asked)
        assert watcher.events == []

        gate.opened.set()
        assert (await writer.answer(added))["task"]["id"] == "a"
        with pytest.raises(CoordinatorError, match="no task `missing`"):
            await writer.answer(refused)
        assert (await reader.answer(asked))["task"]["status"] == "available"
        await wait_all_tasks_blocked()
        assert [event["type"] for event in watcher.events] == ["task_added"]


@pytest.mark.parametrize("method", ["subscribe", "get_events", "get_server_info"])
async def test_what_is_no_pure_query_knows_nothing_of_an_unfinished_commit(
    method: str,
) -> None:
    store = FaultyStore()
    async with inside(store) as server:
        writer, reader = server.client(), server.client()
        await writer("add_task", id="a", description="d")
        gate = store.gate_before = Gate()
        store.faults.append(Fault.REFUSED)
        refused = await writer.send("add_task", id="b", description="d")
        await gate.reached.wait()
        asked = await reader.send(method)
        await wait_all_tasks_blocked()
        gate.opened.set()
        with pytest.raises(StorageUnavailable):
            await writer.answer(refused)
        assert (await reader.answer(asked))["seq"] == 1


async def test_a_replay_that_reads_while_a_commit_ends_misses_no_event() -> None:
    store = FaultyStore()
    async with inside(store) as server:
        writer, reader = server.client(), server.client()
        await writer("add_task", id="a", description="d")
        commit, reading = Gate(), Gate()
        store.read_gate = reading
        await reader("subscribe", since=0)
        await reading.reached.wait()
        store.gate_before = commit
        added = await writer.send("add_task", id="b", description="d")
        await commit.reached.wait()
        commit.opened.set()
        await writer.answer(added)
        reading.opened.set()
        await writer("add_task", id="c", description="d")
        await wait_all_tasks_blocked()
    assert [event["taskId"] for event in reader.events] == ["a", "b", "c"]


async def test_a_subscription_asked_for_during_a_commit_misses_no_event() -> None:
    store = FaultyStore()
    async with inside(store) as server:
        writer, reader = server.client(), server.client()
        await writer("add_task", id="a", description="d")
        commit = store.gate_before = Gate()
        reading = store.read_gate = Gate()
        added = await writer.send("add_task", id="b", description="d")
        await commit.reached.wait()
        await reader.send("subscribe", since=0)
        await wait_all_tasks_blocked()
        commit.opened.set()
        await writer.answer(added)
        reading.opened.set()
        await writer("add_task", id="c", description="d")
        await wait_all_tasks_blocked()
        assert [event["taskId"] for event in reader.events] == ["a", "b", "c"]


async def test_a_stop_answers_what_was_accepted_and_refuses_the_rest() -> None:
    store = FaultyStore()
    async with inside(store) as server:
        call = server.client()
        gate = store.gate = Gate()
        first = await call.send("add_task", id="a", description="d")
        await gate.reached.wait()
        second = await call.send("add_task", id="b", description="d")
        server.coordinator.stop()
        with pytest.raises(ShuttingDown):
            await call("add_task", id="c", description="d")
        gate.opened.set()
        assert (await call.answer(first))["task"]["id"] == "a"
        assert (await call.answer(second))["task"]["id"] == "b"
        await assert_same(server.coordinator.world, store)


# --- a commit that failed ---------------------------------------------------------------------


class Full:
    """A coordinator with something in it, a subscriber, and the first append held.

    What is sent meanwhile makes one batch.
    """

    def __init__(self, store: FaultyStore, server: Inside) -> None:
        self.store = store
        self.server = server
        self.callers = [server.client() for _ in range(3)]
        self.watcher = server.client()
        self.gate = Gate()

    async def begin(self) -> None:
        call = self.callers[0]
        for name in ("held", "free"):
            await call("add_task", id=name, description="d")
        for worker in ("w0", "w1", "w2"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_task", taskId="held", workerId="w0", workerSlot=1)
        await self.watcher("subscribe")
        self.store.gate = self.gate
        self.first = await call.send("add_task", id="first", description="d")
        await self.gate.reached.wait()

    async def send_batch(self) -> list[tuple[Client, int]]:
        """Something of each kind, by several callers: changes, a refusal, a repeat."""
        one, two, three = self.callers
        report = {"taskId": "held", "workerId": "w0", "status": "done"}
        claim = {"taskId": "free", "workerId": "w1", "workerSlot": 2}
        late = {"taskId": "free", "workerId": "w2", "workerSlot": 3}
        return [
            (one, await one.send("update_task", **report, output="o")),
            (two, await two.send("claim_task", **claim, idempotencyKey="k")),
            (three, await three.send("claim_task", **late)),
            (two, await two.send("claim_task", **claim, idempotencyKey="k")),
            (one, await one.send("add_task", id="new", description="d", dependencies=["free"])),
            (three, await three.send("release_worker_slot", slot=3, workerId="w2")),
        ]


@asynccontextmanager
async def full() -> AsyncGenerator[Full]:
    store = FaultyStore()
    async with inside(store) as server:
        made = Full(store, server)
        await made.begin()
        yield made


async def test_a_batch_that_was_not_committed_is_taken_back_and_refused_whole() -> None:
    async with full() as it:
        it.store.faults.append(Fault.REFUSED)
        sent = await it.send_batch()
        it.gate.opened.set()
        await it.callers[0].answer(it.first)
        for client, id_ in sent:
            with pytest.raises(StorageUnavailable, match=r"no space left.*Try again"):
                await client.answer(id_)
        await wait_all_tasks_blocked()
        it.server.check()
        await assert_same(it.server.coordinator.world, it.store)
        last = it.watcher.events[-1]
        assert (last["type"], last["taskId"]) == ("task_added", "first"), "no event leaves"
        task = (await it.callers[0]("get_task", taskId="held"))["task"]
        assert (task["status"], task["workerId"]) == ("working", "w0")


async def test_the_batch_after_a_failed_one_succeeds_as_if_nothing_had_been() -> None:
    async with full() as it:
        it.store.faults.append(Fault.REFUSED)
        refused = await it.send_batch()
        it.gate.opened.set()
        for client, id_ in refused:
            with pytest.raises(StorageUnavailable):
                await client.answer(id_)
        await check_batch(it, await it.send_batch())


async def check_batch(it: Full, sent: list[tuple[Client, int]]) -> None:
    """The batch of `Full` does what it should, and the events say it once, in order."""
    (one, report), (two, claim), (three, late), (_, again), (_, added), (_, released) = sent
    assert (await one.answer(report))["task"]["status"] == "done"
    claimed = await two.answer(claim)
    assert claimed["task"]["workerId"] == "w1"
    with pytest.raises(TaskNotAvailable) as refused:
        await three.answer(late)
    assert refused.value.data["holder"] == "w1"
    assert await two.answer(again) == claimed
    assert (await one.answer(added))["task"]["status"] == "blocked"
    assert await three.answer(released) == {"slot": 3}
    await wait_all_tasks_blocked()
    it.server.check()
    await assert_same(it.server.coordinator.world, it.store)
    told = [(event["type"], event.get("taskId")) for event in it.watcher.events]
    assert told == [
        ("task_added", "first"),
        ("task_done", "held"),
        ("task_claimed", "free"),
        ("task_added", "new"),
        ("slot_released", None),
    ]
    seqs = [event["seq"] for event in it.watcher.events]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


async def test_a_commit_of_unknown_outcome_that_succeeded_is_told_after_loading_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    began = autojump_clock.current_time()
    async with full() as it:
        it.store.faults.append(Fault.UNKNOWN_WRITTEN)
        sent = await it.send_batch()
        it.store.failing_loads = 3
        it.gate.opened.set()
        await check_batch(it, sent)
        waited = autojump_clock.current_time() - began
        assert waited == pytest.approx(0.1 + 0.2 + 0.4), "it tried to load again and again"


async def test_a_commit_of_unknown_outcome_that_failed_is_refused_after_loading_again() -> None:
    async with full() as it:
        it.store.faults.append(Fault.UNKNOWN_LOST)
        sent = await it.send_batch()
        it.gate.opened.set()
        for client, id_ in sent:
            with pytest.raises(StorageUnavailable, match="connection broke"):
                await client.answer(id_)
        it.server.check()
        await assert_same(it.server.coordinator.world, it.store)
        assert [event["taskId"] for event in it.watcher.events] == ["first"]
        await check_batch(it, await it.send_batch())


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNKNOWN_LOST])
async def test_a_project_whose_first_commit_failed_does_not_exist(fault: Fault) -> None:
    store = FaultyStore()
    async with inside(store) as server:
        call = server.client("fresh")
        store.faults.append(fault)
        with pytest.raises(StorageUnavailable):
            await call("add_task", id="a", description="d")
        await assert_same(server.coordinator.world, store)
        assert (await call("get_all_tasks")) == {"tasks": [], "total": 0, "seq": 0}
        other = server.client("other")
        await other("add_task", id="b", description="d")
        await call("add_task", id="a", description="d")
        server.check()
        await assert_same(server.coordinator.world, store)


async def test_a_repeat_whose_first_reply_cannot_be_read_is_refused_and_then_told() -> None:
    store = FaultyStore()
    addition = {"id": "a", "description": "d", "idempotencyKey": "k"}
    async with inside(store) as server:
        told = await server.client()("add_task", **addition)
    async with inside(store) as server:
        call = server.client()
        store.failing_reads = 1
        with pytest.raises(StorageUnavailable, match="cannot be read"):
            await call("add_task", **addition)
        assert await call("add_task", **addition) == told
        assert (await call("get_all_tasks"))["total"] == 1


# --- a seeded schedule of all of it -----------------------------------------------------------

CALLERS = 6
CYCLES = 100
ODDS = {
    Fault.NONE: 60,
    Fault.REFUSED: 20,
    Fault.UNKNOWN_WRITTEN: 10,
    Fault.UNKNOWN_LOST: 10,
}


async def test_callers_that_try_again_get_through_any_schedule_of_faults_exactly_once(
    rng: random.Random,
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001 -- asking for it sets it
) -> None:
    store = FaultyStore()
    async with inside(store, slots=CALLERS) as server:
        watcher = server.client()
        await watcher("subscribe")

        def on_append() -> None:
            # What is about to be written holds together too.
            assert violations(server.coordinator.world) == []
            store.faults.append(rng.choices(list(ODDS), list(ODDS.values()))[0])
            store.failing_loads = rng.choice((0, 0, 1))

        store.on_append = on_append
        stubborn = [Stubborn(server.client(), f"w{number}", rng) for number in range(CALLERS)]
        async with trio.open_nursery() as nursery:
            for caller in stubborn:
                nursery.start_soon(caller.work)
        await wait_all_tasks_blocked()

        assert sum(caller.tries_in_vain for caller in stubborn) > CALLERS, "there were faults"
        server.check()
        store.failing_loads = 0
        await assert_same(server.coordinator.world, store)
        tasks = server.coordinator.world.projects["default"].tasks
        assert {task.id for task in tasks.values()} == {
            name for caller in stubborn for name in caller.finished
        }
        assert {(task.status, task.attempt) for task in tasks.values()} == {("done", 1)}
        seqs = [event["seq"] for event in watcher.events]
        assert seqs == list(range(1, CALLERS + 3 * CALLERS * CYCLES + 1))


class Stubborn:
    """Sends the same request under the same key until it is answered with anything but
    `storage_unavailable`."""

    def __init__(self, client: Client, name: str, rng: random.Random) -> None:
        self._client = client
        self._name = name
        self._rng = rng
        self._keys = 0
        self.finished: list[str] = []
        self.tries_in_vain = 0

    async def work(self) -> None:
        slot = (await self._call("claim_worker_slot", workerId=self._name))["slot"]
        for number in range(CYCLES):
            task_id = f"{self._name}-{number}"
            waits_for = self.finished and self._rng.random() < 0.5
            dependencies = [self._rng.choice(self.finished)] if waits_for else []
            await self._call("add_task", id=task_id, description="d", dependencies=dependencies)
            claim = {"taskId": task_id, "workerId": self._name}
            token = (await self._call("claim_task", **claim, workerSlot=slot))["claimToken"]
            await self._call("update_task", **claim, status="done", claimToken=token)
            self.finished.append(task_id)

    async def _call(self, method: str, **params: Any) -> Any:
        self._keys += 1
        params["idempotencyKey"] = f"{self._name}-{self._keys}"
        while True:
            try:
                return await self._client(method, **params)
            except StorageUnavailable:
                self.tries_in_vain += 1


# --- a real disk that is full -----------------------------------------------------------------


async def test_a_full_disk_refuses_changes_keeps_the_old_ones_and_heals(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    text = "x" * 2_000
    acknowledged: set[str] = set()
    async with opened(path) as store, inside(store) as server:
        call, watcher = server.client(), server.client()
        await watcher("subscribe")
        writer = real_writer(store)
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages + 20}")
        refused: StorageUnavailable | None = None
        while refused is None:
            name = f"task-{len(acknowledged)}"
            try:
                await call("add_task", id=name, description=text)
            except StorageUnavailable as error:
                refused = error
            else:
                acknowledged.add(name)
        assert acknowledged, "there was some room"
        assert "no space left for tasks.db: free some on its disk" in refused.message
        assert str(tmp_path) not in refused.message
        server.check()
        await assert_same(server.coordinator.world, store)
        assert (await call("get_all_tasks", limit=500))["total"] == len(acknowledged)

        writer.execute("PRAGMA max_page_count = 1000000")
        await call("add_task", id="after", description=text)
        await wait_until_seen(watcher, [*sorted(acknowledged, key=number_of), "after"])
        await assert_same(server.coordinator.world, store)
    assert ask(path, "PRAGMA integrity_check") == "ok"
    async with opened(path) as store, inside(store) as server:
        assert set(server.coordinator.world.projects["default"].tasks) == acknowledged | {"after"}
        server.check()


def number_of(name: str) -> int:
    return int(name.rpartition("-")[2])


async def wait_until_seen(watcher: Client, names: list[str]) -> None:
    """The last reply and its event are handed out together, in two steps of the scheduler."""
    with trio.fail_after(10):
        while len(watcher.events) < len(names):
            await trio.lowlevel.checkpoint()
    assert [event["taskId"] for event in watcher.events] == names
    assert [event["seq"] for event in watcher.events] == list(range(1, len(names) + 1))
