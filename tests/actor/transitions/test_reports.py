"""Reports: who may say what about a task."""

from typing import Any

import pytest

from protocol import errors as e
from tests.actor.inside import Client, Inside, inside


async def test_a_superseded_claim_cannot_report_but_the_last_holder_can() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        for worker in ("w1", "w2"):
            await call("claim_worker_slot", workerId=worker)
        old = (await call("claim_task", taskId="a", workerId="w1", workerSlot=1))["claimToken"]
        await call("release_worker_slot", slot=1)
        new = (await call("claim_task", taskId="a", workerId="w2", workerSlot=2))["claimToken"]
        assert int(new) > int(old)
        report = {"taskId": "a", "status": "done", "workerId": "w1"}
        with pytest.raises(e.StaleClaim):
            await call("update_task", **report, claimToken=old)
        with pytest.raises(e.NotHolder) as refused:
            await call("update_task", **report)
        assert refused.value.data["holder"] == "w2"
        await call("release_worker_slot", slot=2)
        late = await call("update_task", taskId="a", status="done", workerId="w2", claimToken=new)
        assert late["task"]["status"] == "done"


async def test_a_report_repeated_by_its_worker_changes_nothing() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        report = {"taskId": "a", "status": "done", "workerId": "w", "output": "x"}
        first = await call("update_task", **report)
        assert await call("update_task", **report) == first
        with pytest.raises(e.InvalidStatus):
            await call("update_task", **(report | {"output": "something else"}))


async def test_a_report_without_a_claim_is_refused() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        with pytest.raises(e.NotHolder, match="is available and not held by `w`"):
            await call("update_task", taskId="a", workerId="w", status="done")
        with pytest.raises(e.TaskNotFound):
            await call("update_task", taskId="b", workerId="w", status="done")


# --- while it is worked on --------------------------------------------------------------------


async def claimed(server: Inside, **fields: Any) -> Client:
    """A client whose worker `w` holds task `a`."""
    call = server.client()
    await call("add_task", id="a", description="d", **fields)
    await call("claim_worker_slot", workerId="w")
    await call("claim_task", taskId="a", workerId="w", workerSlot=1)
    return call


MINE = {"taskId": "a", "workerId": "w"}


async def test_progress_is_kept_and_told_once() -> None:
    async with inside() as server:
        call = await claimed(server)
        for _ in range(2):
            await call("report_progress", **MINE, progress=0.25, note="tests are green")
        await call("report_progress", **MINE, progress=0.5)
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["progress"], task["note"]) == (0.5, "tests are green")
        events = (await call("get_events", types=["task_progress"]))["events"]
        assert [event["data"] for event in events] == [
            {"progress": 0.25, "note": "tests are green"},
            {"progress": 0.5},
        ]


async def test_a_task_that_is_handed_over_keeps_its_note_and_its_slot_stays() -> None:
    async with inside() as server:
        call = await claimed(server)
        await call("release_task", **MINE, note="half of it is in branch x")
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["status"], task["note"]) == ("available", "half of it is in branch x")
        assert (await call("get_workers"))["workers"][0]["status"] == "idle"
        with pytest.raises(e.NotHolder, match="went back to the queue"):
            await call("release_task", **MINE)
        with pytest.raises(e.NotHolder, match="claim it again"):
            await call("update_task", **MINE, status="working")


@pytest.mark.parametrize("method", ["report_progress", "release_task", "reserve_resources"])
async def test_of_a_finished_attempt_there_is_nothing_to_say(method: str) -> None:
    params: dict[str, dict[str, Any]] = {
        "report_progress": {"progress": 1},
        "release_task": {},
        "reserve_resources": {"resources": ["db"]},
    }
    more = params[method]
    async with inside() as server:
        call = await claimed(server)
        with pytest.raises(e.StaleClaim):
            await call(method, **MINE, **more, claimToken="1")
        with pytest.raises(e.NotHolder):
            await call(method, taskId="a", workerId="v", **more)
        await call("update_task", **MINE, status="done")
        with pytest.raises(e.InvalidStatus, match="add_note"):
            await call(method, **MINE, **more)


async def test_a_worker_reserves_more_all_of_it_or_none() -> None:
    async with inside() as server:
        call = await claimed(server, resources=["src/a"])
        await call("add_task", id="b", description="d", resources=["db"])
        await call("add_task", id="c", description="d", resources=["docs/x"])
        told = await call("reserve_resources", **MINE, resources=["src/", "docs/**", "src/a"])
        assert told["reserved"] == ["src/", "docs/"], "its own folder is no conflict"
        await call("claim_worker_slot", workerId="v")
        with pytest.raises(e.ResourceConflict):
            await call("claim_task", taskId="c", workerId="v", workerSlot=2)
        await call("claim_task", taskId="b", workerId="v", workerSlot=2)
        with pytest.raises(e.ResourceConflict) as refused:
            await call("reserve_resources", **MINE, resources=["free", "db"])
        assert refused.value.data["holder"] == "v"
        task = (await call("get_task", taskId="a"))["task"]
        assert task["reserved"] == ["src/", "docs/"]
        await call("update_task", **MINE, status="failed")
        assert "reserved" not in (await call("get_task", taskId="a"))["task"]
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="c", workerId="w", workerSlot=1)
        server.check()


async def test_a_task_holds_a_bounded_number_of_resources() -> None:
    async with inside() as server:
        call = await claimed(server, resources=[f"r{n}" for n in range(30)])
        await call("reserve_resources", **MINE, resources=[f"s{n}" for n in range(20)])
        with pytest.raises(e.LimitExceeded) as refused:
            await call("reserve_resources", **MINE, resources=["one more"])
        assert refused.value.data == {"limit": 50}
        await call("reserve_resources", **MINE, resources=["r1", "s1"])


async def test_anybody_may_leave_a_note_at_any_time() -> None:
    async with inside() as server:
        call = await claimed(server)
        await call("update_task", **MINE, status="done")
        await call("add_note", taskId="a", note="looks good", workerId="v")
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["status"], task["note"], task["workerId"]) == ("done", "looks good", "w")
        (event,) = (await call("get_events", types=["task_noted"]))["events"]
        assert event["data"] == {"note": "looks good", "by": "v"}


async def test_a_done_task_unblocks_all_that_waited_for_it_alone() -> None:
    async with inside() as server:
        call = await claimed(server)
        await call("add_task", id="other", description="d")
        for name, needs in (("b", ["a"]), ("c", ["a", "other"]), ("d", ["a"])):
            await call("add_task", id=name, description="d", dependencies=needs)
        told = await call("update_task", **MINE, status="done")
        assert told["unblocked"] == ["b", "d"]
