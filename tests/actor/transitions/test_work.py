"""Adding, claiming, reporting and stepping in, as a client sees them."""

from typing import Any

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


async def test_expected_and_reported_output_are_two_fields() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d", output="a green build")
        await call("claim_worker_slot", workerId="w")
        await call("claim_task", taskId="a", workerId="w", workerSlot=1)
        await call("update_task", taskId="a", status="done", workerId="w", output="12 passed")
        task = (await call("get_task", taskId="a"))["task"]
        assert (task["expectedOutput"], task["output"]) == ("a green build", "12 passed")


async def test_a_plan_in_any_order_unblocks_step_by_step() -> None:
    async with inside() as server:
        call = server.client()
        added = await call("add_tasks", tasks=PLAN)
        assert [task["status"] for task in added["tasks"]] == ["blocked"] * 3 + ["available"] * 2
        assert added["tasks"][0]["blockedBy"] == [
            {"taskId": "auth-api", "status": "blocked"},
            {"taskId": "auth-ui", "status": "blocked"},
        ]
        await call("claim_worker_slot", workerId="w")
        unblocked: list[list[str]] = []
        for name in ("setup-project", "setup-db", "auth-ui", "auth-api", "auth-context"):
            await call("claim_task", taskId=name, workerId="w", workerSlot=1)
            told = await call("update_task", taskId=name, status="done", workerId="w")
            unblocked.append(told["unblocked"])
        assert unblocked == [["auth-ui"], ["auth-api"], [], ["auth-context"], []]
        server.check()


@pytest.mark.parametrize(
    ("tasks", "reason", "data"),
    [
        (
            [{"id": "a", "description": "d", "dependencies": ["x"]}],
            "unknown_dependency",
            {"missing": ["x"], "taskId": "a"},
        ),
        (
            [{"id": "a", "description": "d", "dependencies": ["a"]}],
            "dependency_cycle",
            {"cycle": ["a", "a"]},
        ),
        (
            [
                {"id": "a", "description": "d", "dependencies": ["b"]},
                {"id": "b", "description": "d", "dependencies": ["c"]},
                {"id": "c", "description": "d", "dependencies": ["a"]},
            ],
            "dependency_cycle",
            {"cycle": ["a", "b", "c", "a"]},
        ),
        (
            [{"id": "a", "description": "d"}, {"id": "a", "description": "d"}],
            "task_exists",
            {"taskId": "a"},
        ),
    ],
)
async def test_a_plan_that_cannot_be_is_refused_whole(
    tasks: list[dict[str, Any]], reason: str, data: dict[str, Any]
) -> None:
    async with inside() as server:
        call = server.client()
        with pytest.raises(e.TaskError) as refused:
            await call("add_tasks", tasks=[{"id": "fine", "description": "d"}, *tasks])
        assert (refused.value.reason, refused.value.data) == (reason, data)
        assert (await call("get_all_tasks"))["tasks"] == []


async def test_an_edit_that_closes_a_circle_is_refused_with_the_circle() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_tasks", tasks=PLAN)
        with pytest.raises(e.DependencyCycle) as refused:
            await call("edit_task", taskId="setup-db", dependencies=["auth-context"])
        assert refused.value.data["cycle"] == ["setup-db", "auth-context", "auth-api", "setup-db"]
        assert "`setup-db` -> `auth-context`" in refused.value.message


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


async def test_a_claim_repeated_by_its_holder_gets_the_same_answer() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        await call("claim_worker_slot", workerId="w")
        claim = {"taskId": "a", "workerId": "w", "workerSlot": 1}
        first = await call("claim_task", **claim)
        assert await call("claim_task", **claim) == first
        assert first["task"]["attempt"] == 1


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


async def test_tasks_without_an_id_get_one_that_is_free() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="task-2", description="taken")
        added = await call("add_tasks", tasks=[{"description": "x"}, {"description": "y"}])
        assert [task["id"] for task in added["tasks"]] == ["task-2-1", "task-3"]


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
