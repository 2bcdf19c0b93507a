"""What an operator changes while the project runs."""

import pytest

from protocol import errors as e
from tests.actor.inside import inside


async def test_fewer_slots_free_the_idle_ones_at_once_and_the_busy_ones_when_their_task_ends() -> (
    None
):
    async with inside(slots=4) as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        for worker in ("s", "t", "u", "v"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_task", taskId="a", workerId="u", workerSlot=3)
        assert await call("set_worker_slots", slots=2) == {"slots": 2, "draining": [3]}
        told = await call("get_workers")
        assert [slot["slot"] for slot in told["workers"]] == [1, 2, 3]
        assert (told["total"], told["free"]) == (2, 0)
        with pytest.raises(e.SlotBusy):
            await call("claim_next_task", workerId="u")
        await call("update_task", taskId="a", workerId="u", status="done")
        assert [slot["slot"] for slot in (await call("get_workers"))["workers"]] == [1, 2]
        with pytest.raises(e.NoFreeSlot):
            await call("claim_worker_slot", workerId="u")
        with pytest.raises(e.SlotNotFound):
            await call("release_worker_slot", slot=3, workerId="u")
        causes = [
            (event["slot"], event["data"]["cause"])
            for event in (await call("get_events", types=["slot_released"]))["events"]
        ]
        assert causes == [(4, "slots_reduced"), (3, "slots_reduced")]
        server.check()


async def test_more_slots_can_be_had_at_once_and_a_draining_one_stays() -> None:
    async with inside(slots=2) as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        for worker in ("v", "w"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_task", taskId="a", workerId="w", workerSlot=2)
        await call("set_worker_slots", slots=1)
        assert await call("set_worker_slots", slots=3) == {"slots": 3, "draining": []}
        await call("update_task", taskId="a", workerId="w", status="done")
        assert (await call("claim_worker_slot", workerId="w"))["slot"] == 2
        assert (await call("claim_worker_slot", workerId="x"))["slot"] == 3


async def test_the_same_number_again_is_nothing_that_happens() -> None:
    async with inside(slots=2) as server:
        call = server.client()
        await call("set_worker_slots", slots=2)
        assert (await call("get_events"))["events"] == []
        await call("set_worker_slots", slots=5)
        (event,) = (await call("get_events"))["events"]
        assert event["data"] == {"slots": 5, "previous": 2}


async def test_pausing_and_resuming_is_told_once_each() -> None:
    async with inside() as server:
        call = server.client()
        await call("resume_claims")
        for reason in ("lunch", "lunch", "dinner"):
            told = await call("pause_claims", reason=reason)
            assert told == {"paused": True, "reason": reason}
        snapshot = await call("get_snapshot")
        assert (snapshot["paused"], snapshot["pauseReason"]) == (True, "dinner")
        for _ in range(2):
            assert await call("resume_claims") == {"paused": False}
        events = (await call("get_events"))["events"]
        assert [(event["type"], event.get("data")) for event in events] == [
            ("claims_paused", {"reason": "lunch"}),
            ("claims_paused", {"reason": "dinner"}),
            ("claims_resumed", None),
        ]
