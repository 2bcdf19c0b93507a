"""Worker slots: who owns them, and who may give them back."""

import pytest

from protocol import errors as e
from tests.actor.inside import inside


async def test_a_slot_belongs_to_its_worker() -> None:
    async with inside(slots=3) as server:
        mine, stranger = server.client(), server.client()
        await mine("add_tasks", tasks=[{"id": name, "description": "d"} for name in "abc"])
        slot = (await mine("claim_worker_slot", workerId="w1"))["slot"]
        assert (await mine("claim_worker_slot", workerId="w1"))["slot"] == slot
        with pytest.raises(e.SlotNotYours) as refused:
            await stranger("claim_task", taskId="a", workerId="w2", workerSlot=slot)
        assert refused.value.data["holder"] == "w1"
        for params in ({"slot": slot}, {"slot": slot, "workerId": "w2"}):
            with pytest.raises(e.SlotNotYours):
                await stranger("release_worker_slot", **params)
        await mine("claim_task", taskId="a", workerId="w1", workerSlot=slot)
        with pytest.raises(e.SlotBusy) as busy:
            await mine("claim_task", taskId="b", workerId="w1", workerSlot=slot)
        assert busy.value.data["taskId"] == "a"
        with pytest.raises(e.SlotNotFound):
            await mine("claim_task", taskId="b", workerId="w9", workerSlot=9)
        with pytest.raises(e.SlotNotClaimed):
            await mine("claim_task", taskId="b", workerId="w9", workerSlot=2)
        released = await mine("release_worker_slot", slot=slot)
        assert released == {"slot": slot, "taskId": "a"}
        assert (await mine("get_task", taskId="a"))["task"]["status"] == "available"


async def test_the_slot_is_kept_across_tasks_and_a_full_house_is_refused() -> None:
    async with inside(slots=1) as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        await call("claim_worker_slot", workerId="w")
        for name in "ab":
            await call("claim_task", taskId=name, workerId="w", workerSlot=1)
            await call("update_task", taskId=name, status="done", workerId="w")
        with pytest.raises(e.NoFreeSlot) as refused:
            await call("claim_worker_slot", workerId="other")
        assert refused.value.data == {"total": 1}


async def test_the_lowest_free_slot_is_given() -> None:
    async with inside(slots=3) as server:
        call = server.client()
        for worker in ("u", "v", "w"):
            await call("claim_worker_slot", workerId=worker)
        await call("release_worker_slot", slot=2, workerId="v")
        await call("release_worker_slot", slot=1, workerId="u")
        assert (await call("claim_worker_slot", workerId="x"))["slot"] == 1


async def test_a_worker_that_claims_its_slot_again_hears_what_it_works_on() -> None:
    async with inside() as server:
        call, later = server.client(), server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        told = await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        again = await later("claim_worker_slot", workerId="w", leaseSeconds=5)
        expected = {"slot": 1, "workerId": "w", "taskId": "a", "claimToken": told["claimToken"]}
        assert {name: again[name] for name in expected} == expected
        # It is another client session's now: that one may give it back without a name.
        with pytest.raises(e.SlotNotYours):
            await call("release_worker_slot", slot=1)
        assert await later("release_worker_slot", slot=1) == {"slot": 1, "taskId": "a"}


async def test_a_slot_without_a_name_takes_that_of_its_first_claim() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        assert "workerId" not in await call("claim_worker_slot")
        await call("claim_worker_slot", workerId="v")
        with pytest.raises(e.WorkerHasSlot) as refused:
            await call("claim_task", taskId="a", workerId="v", workerSlot=1)
        assert refused.value.data == {"slot": 2}
        told = await call("claim_next_task", workerId="w", workerSlot=1)
        assert told["task"]["workerId"] == "w"
        assert (await call("claim_worker_slot", workerId="w"))["slot"] == 1


async def test_a_nameless_slot_that_is_bound_is_named_from_its_own_connection_only() -> None:
    async with inside() as server:
        call, stranger = server.client(), server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", bindToConnection=True)
        with pytest.raises(e.SlotNotYours, match="bound to the connection"):
            await stranger("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)


async def test_who_gives_its_slot_back_hands_its_task_back_and_that_is_no_attempt() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", maxAttempts=1)
        for _ in range(3):
            await call("claim_worker_slot", workerId="w")
            await call("claim_task", taskId="a", workerId="w", workerSlot=1)
            await call("release_worker_slot", slot=1, workerId="w")
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["status"], task["attempt"]) == ("available", 3)
        released = [
            event["data"]["cause"]
            for event in (await call("get_events", types=["task_released"]))["events"]
        ]
        assert released == ["slot_released"] * 3
