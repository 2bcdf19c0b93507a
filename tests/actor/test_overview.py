"""What a person sees at once: the graph, what needs attention, throughput, attempts, projects."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from actor import graph_page
from actor.store.base import Store
from actor.store.memory import MemoryStore
from actor.store.sqlite import open_sqlite
from actor.throughput import Tick, buckets_of, tick_of, window_of
from actor.timestamps import to_ms, to_text
from actor.views import Now
from protocol import errors as e
from protocol.limits import BUCKETS_MAX
from protocol.params import GetAttention
from tests.actor.inside import Client, inside
from tests.actor.test_filtering import diamond
from tests.actor.test_pages import ask
from tests.actor.worlds import Builder

MINUTE = 60_000


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    store = MemoryStore() if request.param == "memory" else await open_sqlite(tmp_path / "a.db")
    yield store
    await store.close()


# --- the graph --------------------------------------------------------------------------------


def shown(graph: Any) -> dict[str, list[str]]:
    return {node.id: node.dependencies for node in graph.nodes}


def test_a_graph_shows_what_is_open_and_one_level_of_what_it_stands_on() -> None:
    builder = Builder()
    builder.add(["a"])
    builder.add(["b"], dependencies=["a"])
    builder.add(["c"], dependencies=["b"])
    builder.add(["d", "e"], dependencies=["c"])
    builder.finish("a")
    builder.finish("b")
    graph = ask(builder.state, "get_graph")
    assert shown(graph) == {"c": ["b"], "d": ["c"], "e": ["c"], "b": []}
    b = graph.nodes[-1]
    assert (b.status, b.title, b.hidden_dependencies, b.hidden_dependents) == ("done", "do b", 1, 0)
    assert (graph.truncated, graph.seq) == (False, builder.state.seq)
    assert set(shown(ask(builder.state, "get_graph", finishedLevels=0))) == set("cde")
    assert set(shown(ask(builder.state, "get_graph", finishedLevels=2))) == set("abcde")


def test_a_filter_that_says_what_to_show_is_taken_by_its_word() -> None:
    builder = diamond()
    builder.finish("a")
    assert shown(ask(builder.state, "get_graph", upstreamOf="b")) == {"a": [], "b": ["a"]}
    assert set(shown(ask(builder.state, "get_graph", status=["done"]))) == {"a"}
    assert set(shown(ask(builder.state, "get_graph", tags=["ui"]))) == {"b", "c", "e", "a"}
    (c,) = ask(builder.state, "get_graph", ids=["c"]).nodes
    assert (c.hidden_dependencies, c.hidden_dependents) == (1, 1)


@pytest.mark.parametrize("limit", [1, 4, 5])
def test_a_graph_that_has_no_room_for_all_says_so(limit: int) -> None:
    builder = diamond()
    builder.finish("a")
    graph = ask(builder.state, "get_graph", limit=limit)
    assert (len(graph.nodes), graph.truncated) == (limit, limit < 5)


def test_a_graph_looks_at_no_more_tasks_than_is_good_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_page, "GRAPH_SCAN_MAX", 10)
    builder = Builder()
    builder.add([f"t{n}" for n in range(30)])
    graph = ask(builder.state, "get_graph", search="t29")
    assert (graph.nodes, graph.truncated) == ([], True)


# --- attention --------------------------------------------------------------------------------


def attention(builder: Builder, now_ms: int = 0, **params: Any) -> list[tuple[str, str | None]]:
    found = ask(builder.state, "get_attention", **params) if not now_ms else at(builder, now_ms)
    return [(item.kind, item.task_id) for item in found.items]


def at(builder: Builder, now_ms: int) -> Any:
    from actor.attention import get_attention  # noqa: PLC0415 -- asked at a time of its own

    return get_attention(builder.state, GetAttention(), Now(now_ms, now_ms))


def test_nothing_needs_anybody_in_a_project_without_trouble() -> None:
    builder = diamond()
    builder.finish("a")
    builder.do("cancel_task", taskId="e")
    assert attention(builder) == []


def test_a_failure_says_whether_others_wait_for_it() -> None:
    builder = diamond()
    builder.finish("e", status="failed")
    builder.finish("a", status="failed")
    found = ask(builder.state, "get_attention")
    assert [(item.kind, item.task_id) for item in found.items] == [
        ("blocked_by_failed", "a"),
        ("failed", "e"),
    ]
    assert "3 tasks cannot go on" in found.items[0].message
    builder.do("reset_tasks", filter={"ids": ["a"]})
    builder.do("cancel_task", taskId="a")
    (cancelled, _) = ask(builder.state, "get_attention").items
    assert cancelled.message.startswith("It was cancelled, and 3 tasks")
    assert (cancelled.kind, cancelled.task_id) == ("blocked_by_failed", "a")


def test_a_thousand_failures_do_not_hide_the_rest() -> None:
    builder = diamond()
    for number in range(20):
        builder.add([f"f{number}"])
        builder.finish(f"f{number}", status="failed")
    builder.finish("a", status="failed")
    found = ask(builder.state, "get_attention", limit=5)
    kinds = [item.kind for item in found.items]
    assert kinds == ["blocked_by_failed", *["failed"] * 4]
    assert (found.items[1].task_id, found.more) == ("f19", 16)


def test_work_that_nobody_takes_is_told_once_while_slots_are_free() -> None:
    builder = Builder(slots=1)
    builder.add(["a", "b"])
    assert attention(builder, 5 * MINUTE) == []
    (item,) = at(builder, 6 * MINUTE).items
    assert (item.kind, item.task_id) == ("unclaimed", "a")
    assert "while a slot is free. So have 1 others" in item.message
    builder.do("pause_claims")
    assert attention(builder, 6 * MINUTE) == []
    builder.do("resume_claims")
    builder.do("claim_worker_slot", workerId="w")
    builder.do("heartbeat", workerId="w")
    assert [kind for kind, _ in attention(builder, 6 * MINUTE)] == ["lease_ending"]


async def test_a_lease_that_ends_soon_and_work_that_is_late_are_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    del autojump_clock
    async with inside() as server:
        call = server.client()
        deadline = to_text(server.wall_ms() + 3_000)
        await call("add_task", id="a", description="Do it", deadline=deadline)
        slot = (await call("claim_worker_slot", workerId="w"))["slot"]
        await call("claim_task", taskId="a", workerId="w", workerSlot=slot, leaseSeconds=30)
        assert (await call("get_attention"))["items"] == []
        await trio.sleep(25)
        first, second = (await call("get_attention"))["items"]
        assert (first["kind"], first["slot"], first["taskId"]) == ("lease_ending", slot, "a")
        assert to_ms(first["until"]) > server.wall_ms()
        assert (second["kind"], second["since"]) == ("overdue", deadline)


async def test_a_worker_whose_connection_is_gone_is_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    del autojump_clock
    async with inside() as server:
        bound = server.client()
        slot = (await bound("claim_worker_slot", workerId="w", bindToConnection=True))["slot"]
        bound.session.close()
        (item,) = (await server.client()("get_attention"))["items"]
        assert (item["kind"], item["slot"], item["workerId"]) == ("worker_lost", slot, "w")
        assert "lost its connection" in item["message"]


# --- throughput -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "bucket", "expected"),
    [
        (3_600, None, (60_000, "minute")),
        (900, None, (60_000, "minute")),
        (86_400, None, (900_000, "minute")),
        (3_600, 90, (120_000, "minute")),
        (3 * 86_400, None, (3_600_000, "hour")),
        (3 * 86_400, 60, (3_600_000, "hour")),
        (366 * 86_400, 60, (18 * 3_600_000, "hour")),
    ],
)
def test_a_window_has_whole_buckets_and_not_too_many(
    seconds: int, bucket: int | None, expected: tuple[int, str]
) -> None:
    now_ms = to_ms("2026-01-31T09:30:59.999Z")
    window = window_of(now_ms, seconds, bucket)
    assert (window.bucket_ms, window.unit) == expected
    assert window.since_ms <= now_ms - seconds * 1000 < window.since_ms + window.bucket_ms
    buckets = buckets_of(window, [])
    assert 1 <= len(buckets) <= BUCKETS_MAX
    last = to_ms(buckets[-1].start)
    assert last <= now_ms < last + window.bucket_ms


def test_ticks_are_added_up_and_what_is_outside_left_out() -> None:
    window = window_of(to_ms("2026-01-31T09:30:30.000Z"), 600, 300)
    ticks = [
        tick_of("2026-01-31T09:29", "task_done", 2),
        tick_of("2026-01-31T09:25", "task_done", 1),
        tick_of("2026-01-31T09:25", "tasks_pruned", 7),
        Tick(window.since_ms - 1, "task_done", 9),
        Tick(window.since_ms + 3 * window.bucket_ms, "task_done", 9),
    ]
    buckets = buckets_of(window, ticks)
    assert [bucket.done for bucket in buckets] == [0, 3, 0]
    assert [bucket.removed for bucket in buckets] == [0, 7, 0]


async def test_what_happened_is_counted_where_it_happened(store: Store) -> None:
    async with inside(store) as server:
        call = server.client()
        for name in "abc":
            await call("add_task", id=name, description="Do it")
        await finish(call, "a")
        server.pass_hours(2 / 60)
        await finish(call, "b", status="failed")
        await call("clean_all_tasks")
        await server.client("other")("add_task", id="x", description="elsewhere")
        found = await call("get_throughput", windowSeconds=300)
        assert found["bucketSeconds"] == 60
        assert (found["total"], found["counts"]["done"]) == (0, 0)
        named = [{key: value for key, value in b.items() if value} for b in found["buckets"]]
        told = [{key: b[key] for key in b if key != "start"} for b in named]
        assert [t for t in told if t] == [
            {"added": 3, "claimed": 1, "done": 1},
            {"claimed": 1, "failed": 1, "removed": 3},
        ]
        assert len(found["buckets"]) == 6


async def finish(call: Client, name: str, **report: Any) -> None:
    slot = (await call("claim_worker_slot", workerId="w"))["slot"]
    await call("claim_task", taskId=name, workerId="w", workerSlot=slot)
    await call("update_task", taskId=name, workerId="w", **({"status": "done"} | report))


# --- attempts ---------------------------------------------------------------------------------


async def test_the_attempts_of_an_hour_with_those_that_go_on(store: Store) -> None:
    async with inside(store) as server:
        call = server.client()
        for name in "abcd":
            await call("add_task", id=name, description=f"Do {name}\nin detail")
        await finish(call, "a")
        server.pass_hours(1 / 360)
        slot = (await call("claim_worker_slot", workerId="v"))["slot"]
        await call("claim_task", taskId="b", workerId="v", workerSlot=slot, leaseSeconds=86_400)
        await call("heartbeat", workerId="v")
        begun = await call("list_attempts")
        told = [(one["taskId"], one["workerId"], one.get("outcome")) for one in begun["attempts"]]
        assert told == [("a", "w", "done"), ("b", "v", None)]
        assert begun["attempts"][0]["title"] == "Do a"
        assert begun["truncated"] is False
        mine = await call("list_attempts", workerId="v")
        assert [one["taskId"] for one in mine["attempts"]] == ["b"]
        few = await call("list_attempts", limit=1)
        assert ([one["taskId"] for one in few["attempts"]], few["truncated"]) == (["b"], True)


async def test_an_earlier_stretch_shows_how_its_attempts_ended_later(store: Store) -> None:
    async with inside(store) as server:
        call = server.client()
        for name in "ab":
            await call("add_task", id=name, description="Do it")
        slot = (await call("claim_worker_slot", workerId="w", leaseSeconds=3_600))["slot"]
        await call("claim_task", taskId="a", workerId="w", workerSlot=slot, leaseSeconds=3_600)
        middle = to_text(server.wall_ms() + 5_000)
        server.pass_hours(1 / 360)
        await call("update_task", taskId="a", workerId="w", status="done")
        await call("claim_task", taskId="b", workerId="w", workerSlot=slot, leaseSeconds=3_600)
        earlier = await call("list_attempts", until=middle)
        (attempt,) = earlier["attempts"]
        assert (attempt["taskId"], attempt["outcome"], attempt["seconds"]) == (
            "a",
            "done",
            pytest.approx(10, abs=1),
        )
        later = await call("list_attempts", since=middle)
        assert [one["taskId"] for one in later["attempts"]] == ["a", "b"]
        await call("clean_all_tasks")
        gone = (await call("list_attempts"))["attempts"]
        assert [(one["taskId"], one["outcome"], "title" in one) for one in gone] == [
            ("a", "done", False),
            ("b", "deleted", False),
        ]
        assert all("endedAt" in one for one in gone)


async def test_a_stretch_that_ends_before_it_begins_is_refused() -> None:
    async with inside() as server:
        with pytest.raises(e.InvalidTime, match="not before"):
            await server.client()("list_attempts", since="2999-01-01T00:00:00Z")


# --- projects ---------------------------------------------------------------------------------


async def test_projects_are_listed_with_what_is_open_in_them() -> None:
    async with inside() as server:
        one, other = server.client("one"), server.client("another")
        for name in "abc":
            await one("add_task", id=name, description="Do it")
        await finish(one, "a")
        slot = (await one("claim_worker_slot", workerId="w"))["slot"]
        await one("claim_task", taskId="b", workerId="w", workerSlot=slot)
        await other("add_task", id="x", description="Do it")
        found = (await other("list_projects"))["projects"]
        assert found == [
            {"name": "another", "open": 1, "working": 0},
            {"name": "one", "open": 2, "working": 1},
        ]
