"""The list: editing, cancelling, deleting, resetting, cleaning."""

import pytest

from protocol import errors as e
from tests.actor.inside import inside
from tests.actor.plans import PLAN


async def test_an_edit_that_closes_a_circle_is_refused_with_the_circle() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        with pytest.raises(e.DependencyCycle) as refused:
            await call("edit_task", taskId="setup-db", dependencies=["auth-context"])
        assert refused.value.data["cycle"] == ["setup-db", "auth-context", "auth-api", "setup-db"]
        assert "`setup-db` -> `auth-context`" in refused.value.message


async def test_a_failed_task_keeps_dependents_blocked_until_it_is_reset() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="setup-project", workerId="w", workerSlot=1)
        await call(
            "update_task", taskId="setup-project", status="failed", workerId="w", error="no disk"
        )
        why = await call("explain_task", taskId="auth-context")
        assert why["rootCauses"][0] == {"taskId": "setup-project", "status": "failed"}
        assert "`setup-project` (failed)" in why["reason"]
        assert "no disk" in (await call("explain_task", taskId="setup-project"))["reason"]
        reset = await call("reset_failed_task", taskId="setup-project")
        assert reset["task"]["status"] == "available"
        with pytest.raises(e.InvalidStatus):
            await call("reset_failed_task", taskId="setup-project")


async def test_a_forced_reset_of_a_done_task_blocks_those_who_have_not_begun() -> None:
    async with inside() as server:
        call = server.client()
        tasks = [{"id": "a", "description": "d"}]
        tasks += [{"id": n, "description": "d", "dependencies": ["a"]} for n in "bc"]  # type: ignore[dict-item] # JSON
        await call("add_tasks", tasks=tasks)
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("update_task", taskId="a", status="done", workerId="w")
        await call("claim_task", taskId="b", workerId="w", workerSlot=1)
        with pytest.raises(e.InvalidStatus) as refused:
            await call("reset_failed_task", taskId="a")
        assert "force" in refused.value.message
        await call("reset_failed_task", taskId="a", force=True)
        statuses = {t["id"]: t["status"] for t in (await call("get_all_tasks"))["tasks"]}
        assert statuses == {"a": "available", "b": "working", "c": "blocked"}
        server.check()


async def test_cancelling_a_task_makes_its_claim_stale() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        token = (await call("claim_task", taskId="a", workerId="w", workerSlot=1))["claimToken"]
        assert (await call("cancel_task", taskId="a"))["task"]["status"] == "cancelled"
        with pytest.raises(e.StaleClaim):
            await call("update_task", taskId="a", status="done", workerId="w", claimToken=token)
        assert (await call("get_workers"))["workers"][0]["status"] == "idle"


async def test_an_edit_of_an_outdated_copy_is_refused() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", output="x")
        edited = await call("edit_task", taskId="a", priority=5, expectedOutput=None, version=1)
        assert edited["task"]["version"] == 2
        assert "expectedOutput" not in edited["task"]
        with pytest.raises(e.VersionConflict) as refused:
            await call("edit_task", taskId="a", description="mine", version=1)
        assert refused.value.data["version"] == 2


async def test_a_task_that_others_need_cannot_be_deleted() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        with pytest.raises(e.HasDependents) as refused:
            await call("delete_task", taskId="auth-ui")
        assert refused.value.data["dependents"] == ["auth-context"]
        assert await call("delete_task", taskId="auth-context") == {"taskId": "auth-context"}
        with pytest.raises(e.TaskNotFound):
            await call("get_task", taskId="auth-context")


async def test_an_edit_says_which_fields_changed_and_nothing_if_none_did() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", tags=["x"], deadline="2030-01-01T00:00:00Z")
        same = {"tags": ["x"], "deadline": "2030-01-01T01:00:00+01:00", "description": "d"}
        assert (await call("edit_task", taskId="a", **same))["task"]["version"] == 1
        change = {"tags": ["y"], "retryDelaySeconds": 2, "deadline": None, "priority": 0}
        await call("edit_task", taskId="a", **change)
        events = (await call("get_events", types=["task_edited"]))["events"]
        assert [event["data"] for event in events] == [
            {"fields": ["tags", "retryDelaySeconds", "deadline"]}
        ]


async def test_the_dependencies_of_what_is_under_way_stay() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="setup-db", workerId="w", workerSlot=1)
        with pytest.raises(e.InvalidStatus):
            await call("edit_task", taskId="setup-db", dependencies=["setup-project"])
        await call("edit_task", taskId="setup-db", dependencies=[], priority=5)


async def test_a_task_that_is_worked_on_cannot_be_given_what_somebody_else_holds() -> None:
    async with inside() as server:
        call = server.client()
        for name, worker in (("a", "v"), ("b", "w")):
            await call("add_task", id=name, description="d", resources=[f"src/{name}"])
            await call("claim_worker_slot", workerId=worker)
            await call("claim_next_task", workerId=worker)
        with pytest.raises(e.ResourceConflict):
            await call("edit_task", taskId="a", resources=["src/"])
        await call("edit_task", taskId="a", resources=["docs/"])
        await call("add_task", id="c", description="d", resources=["src/a"])
        await call("claim_worker_slot", workerId="u")
        await call("claim_task", taskId="c", workerId="u", workerSlot=3)
        server.check()


async def test_cancelling_twice_changes_nothing_and_what_is_finished_is_not_called_off() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        first = await call("cancel_task", taskId="a")
        assert await call("cancel_task", taskId="a") == first
        await call("add_task", id="b", description="d")
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="b", workerId="w", workerSlot=1)
        await call("update_task", taskId="b", workerId="w", status="done")
        with pytest.raises(e.InvalidStatus, match="is done already"):
            await call("cancel_task", taskId="b")


async def test_a_forced_reset_takes_a_task_from_its_worker() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        token = (await call("claim_task", taskId="a", workerId="w", workerSlot=1))["claimToken"]
        with pytest.raises(e.InvalidStatus) as refused:
            await call("reset_failed_task", taskId="a")
        assert refused.value.data["holder"] == "w"
        await call("reset_failed_task", taskId="a", force=True)
        assert (await call("heartbeat", workerId="w"))["cancelled"] == ["a"]
        with pytest.raises(e.StaleClaim):
            await call("update_task", taskId="a", workerId="w", status="done", claimToken=token)
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["status"], task.get("workerId"), task["attempt"]) == ("available", None, 1)


async def test_what_is_worked_on_is_not_deleted() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        with pytest.raises(e.InvalidStatus, match="cancel it first") as refused:
            await call("delete_task", taskId="a")
        assert refused.value.data["holder"] == "w"


async def test_cleaning_takes_every_task_and_leaves_the_slots() -> None:
    async with inside(slots=2) as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        for number, worker in enumerate(("v", "w"), 1):
            await call("claim_worker_slot", workerId=worker)
            await call("claim_next_task", workerId=worker, workerSlot=number)
        await call("set_worker_slots", slots=1)
        assert (await call("clean_all_tasks"))["removed"] == 5
        workers = (await call("get_workers"))["workers"]
        assert [(slot["status"], slot.get("workerId")) for slot in workers] == [("idle", "v")]
        assert (await call("heartbeat", workerId="v"))["cancelled"] == ["setup-project"]
        with pytest.raises(e.TaskNotFound):
            await call("update_task", taskId="setup-project", workerId="v", status="done")
        server.check()


async def test_a_forced_reset_also_blocks_what_was_scheduled() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("update_task", taskId="a", workerId="w", status="done")
        later = {"dependencies": ["a"], "notBefore": "2030-01-01T00:00:00Z"}
        added = await call("add_task", id="b", description="d", **later)
        assert added["task"]["status"] == "scheduled"
        await call("reset_failed_task", taskId="a", force=True)
        assert (await call("get_task", taskId="b"))["task"]["status"] == "blocked"
        (event,) = (await call("get_events", types=["task_blocked"]))["events"]
        assert event["taskId"] == "b"
        server.check()
