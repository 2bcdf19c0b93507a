"""Claims: who gets what, and what is said when nobody does."""

import pytest

from protocol import errors as e
from tests.actor.inside import inside
from tests.actor.plans import PLAN


async def test_the_originals_example_works_word_for_word() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="TASK-001", description="first")
        slot = (await call("claim_worker_slot"))["slot"]
        await call("claim_task", taskId="TASK-001", workerId="worker-1", workerSlot=slot)
        told = await call(
            "update_task", taskId="TASK-001", status="done", workerId="worker-1", output="fine"
        )
        assert told["task"]["status"] == "done"
        assert await call("release_worker_slot", slot=slot) == {"slot": slot}
        task = (await call("get_task", taskId="TASK-001"))["task"]
        assert (task["output"], task["attempt"], task["workerId"]) == ("fine", 1, "worker-1")


async def test_a_refused_claim_says_why() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        for worker in ("w1", "w2"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_task", taskId="setup-db", workerId="w1", workerSlot=1)
        with pytest.raises(e.TaskNotAvailable) as held:
            await call("claim_task", taskId="setup-db", workerId="w2", workerSlot=2)
        assert held.value.data == {
            "taskId": "setup-db",
            "status": "working",
            "holder": "w1",
            "slot": 1,
        }
        with pytest.raises(e.TaskNotAvailable) as blocked:
            await call("claim_task", taskId="auth-ui", workerId="w2", workerSlot=2)
        assert blocked.value.data["blockedBy"] == [
            {"taskId": "setup-project", "status": "available"}
        ]
        workers = (await call("get_workers"))["workers"]
        assert [slot["status"] for slot in workers] == ["working", "idle", "free", "free", "free"]


async def test_a_claim_repeated_by_its_holder_gets_the_same_answer() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        claim = {"taskId": "a", "workerId": "w", "workerSlot": 1}
        first = await call("claim_task", **claim)
        again = await call("claim_task", **claim)
        # It is a sign of life, so the lease begins anew.
        again["task"]["leaseExpiresAt"] = first["task"]["leaseExpiresAt"]
        assert again == first
        assert first["task"]["attempt"] == 1


# --- the next task ----------------------------------------------------------------------------


async def test_the_next_task_is_the_first_in_the_order_of_claims() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="low", description="d", priority=-1)
        await call("add_task", id="late", description="d")
        await call("add_task", id="soon", description="d", deadline="2030-01-01T00:00:00Z")
        await call("add_task", id="high", description="d", priority=1)
        await call("claim_worker_slot", workerId="w")
        got: list[str] = []
        for remaining in (4, 3, 2, 1):
            told = await call("claim_next_task", workerId="w")
            got.append(told["task"]["id"])
            assert (told["remaining"], told["task"]["status"]) == (remaining, "working")
            report = {"workerId": "w", "status": "done", "claimToken": told["claimToken"]}
            await call("update_task", taskId=got[-1], **report)
        assert got == ["high", "soon", "late", "low"]
        told = await call("claim_next_task", workerId="w")
        assert told == {"reason": told["reason"], "remaining": 0}
        assert "nothing left to do" in told["reason"]


async def test_the_next_task_has_the_tags_that_are_asked_for() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", tags=["ui"], priority=9)
        await call("add_task", id="b", description="d", tags=["css", "ui"])
        await call("claim_worker_slot", workerId="w")
        told = await call("claim_next_task", workerId="w", tags=["test"])
        assert "No available task has the tags `test`" in told["reason"]
        told = await call("claim_next_task", workerId="w", tags=["ui", "css"])
        assert told["task"]["id"] == "b"


async def test_who_finds_nothing_hears_what_the_project_waits_for() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", resources=["db"])
        await call("add_task", id="b", description="d", dependencies=["a"])
        await call("add_task", id="c", description="d", notBefore="2030-01-01T00:00:00Z")
        for worker in ("v", "w"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_next_task", workerId="v")
        told = await call("claim_next_task", workerId="w")
        assert "1 working, 1 scheduled, 1 blocked" in told["reason"]
        await call("add_task", id="d", description="d", resources=["db"])
        told = await call("claim_next_task", workerId="w")
        assert "needs resources that others hold" in told["reason"]
        await call("pause_claims", reason="lunch")
        assert "paused: lunch" in (await call("claim_next_task", workerId="w"))["reason"]


# --- resources --------------------------------------------------------------------------------


async def test_a_task_whose_resources_are_held_cannot_be_claimed_and_says_by_whom() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="folder", description="d", resources=["src/auth/"])
        await call("add_task", id="file", description="d", resources=["src/auth/login.py"])
        await call("add_task", id="free", description="d", resources=["docs/"], priority=-1)
        for worker in ("v", "w"):
            await call("claim_worker_slot", workerId=worker)
        await call("claim_task", taskId="folder", workerId="v", workerSlot=1)
        conflict = {
            "resource": "src/auth/login.py",
            "held": "src/auth/",
            "taskId": "folder",
            "holder": "v",
        }
        with pytest.raises(e.ResourceConflict) as refused:
            await call("claim_task", taskId="file", workerId="w", workerSlot=2)
        assert refused.value.data["conflicts"] == [conflict]
        why = await call("explain_task", taskId="file")
        assert (why["ready"], why["conflicts"]) == (False, [conflict])
        assert "`src/auth/` is held by `v` for `folder`" in why["reason"]
        told = await call("claim_next_task", workerId="w")
        assert told["task"]["id"] == "free", "what cannot be had is left out"
        await call("update_task", taskId="folder", workerId="v", status="done")
        await call("claim_task", taskId="file", workerId="v", workerSlot=1)
        server.check()


async def test_while_claims_are_paused_nobody_begins_and_work_goes_on() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("pause_claims", reason="a release")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("update_task", taskId="a", workerId="w", status="done")
        with pytest.raises(e.ClaimsPaused, match="paused: a release") as refused:
            await call("claim_task", taskId="b", workerId="w", workerSlot=1)
        assert refused.value.data == {"pauseReason": "a release"}
        await call("resume_claims")
        await call("claim_task", taskId="b", workerId="w", workerSlot=1)


async def test_every_claim_has_a_token_of_its_own_that_is_greater_than_all_before() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=[{"id": name, "description": "d"} for name in "ab"])
        await call("claim_worker_slot", workerId="w")
        tokens: list[int] = []
        for name in "abab":
            told = await call("claim_task", taskId=name, workerId="w", workerSlot=1)
            tokens.append(int(told["claimToken"]))
            await call("release_task", taskId=name, workerId="w")
        assert tokens == sorted(set(tokens))
