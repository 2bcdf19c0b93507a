"""New tasks: their ids, edges, times and resources."""

from typing import Any

import pytest

from protocol import errors as e
from tests.actor.inside import inside
from tests.actor.plans import PLAN


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


async def test_tasks_without_an_id_get_one_that_is_free() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="task-2", description="taken")
        added = await call("add_tasks", tasks=[{"description": "x"}, {"description": "y"}])
        assert [task["id"] for task in added["tasks"]] == ["task-2-1", "task-3"]


# --- what a task may be given -----------------------------------------------------------------


async def test_a_task_keeps_all_that_it_was_given() -> None:
    async with inside() as server:
        call = server.client()
        given = {
            "id": "a",
            "description": "d",
            "priority": 3,
            "tags": ["ui", "css"],
            "resources": ["./src//ui/**", "db"],
            "maxAttempts": 4,
            "retryDelaySeconds": 1.5,
            "timeoutSeconds": 90,
            "notBefore": "2027-01-15T09:00:00+01:00",
            "deadline": "2027-01-15T12:30:00.25Z",
        }
        with pytest.raises(e.InvalidTime):  # the server's day begins at that very moment
            await call("add_task", **given)
        await call("add_task", **(given | {"notBefore": "2027-01-15T09:00:01+01:00"}))
        task = (await call("get_task", taskId="a"))["task"]
        expected = given | {
            "resources": ["src/ui/", "db"],
            "notBefore": "2027-01-15T08:00:01.000Z",
            "deadline": "2027-01-15T12:30:00.250Z",
            "status": "scheduled",
        }
        assert {name: task.get(name) for name in expected} == expected


async def test_what_is_given_twice_is_kept_once() -> None:
    async with inside() as server:
        call = server.client()
        await call("add_task", id="a", description="d")
        twice = {"dependencies": ["a", "a"], "tags": ["x", "x"], "resources": ["db", "./db"]}
        await call("add_task", id="b", description="d", **twice)
        task = (await call("get_task", taskId="b"))["task"]
        assert (task["dependencies"], task["tags"], task["resources"]) == (["a"], ["x"], ["db"])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"resources": ["../up"]}, "invalid_resource"),
        ({"notBefore": "2020-01-01T00:00:00Z"}, "invalid_time"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "invalid_time"),
        (
            {"notBefore": "2030-01-02T00:00:00Z", "deadline": "2030-01-01T00:00:00Z"},
            "invalid_time",
        ),
        ({"priority": 1_000_001}, "invalid_params"),
        ({"maxAttempts": 0}, "invalid_params"),
        ({"retryDelaySeconds": -1}, "invalid_params"),
        ({"timeoutSeconds": 0}, "invalid_params"),
    ],
)
async def test_one_field_that_cannot_be_meant_keeps_the_whole_plan_out(
    fields: dict[str, Any], reason: str
) -> None:
    async with inside() as server:
        call = server.client()
        tasks = [{"id": "fine", "description": "d"}, {"id": "bad", "description": "d", **fields}]
        with pytest.raises(e.CoordinatorError) as refused:
            await call("add_tasks", tasks=tasks)
        assert refused.value.reason == reason
        assert (await call("get_all_tasks"))["total"] == 0


async def test_a_finished_task_is_imported_with_its_past_and_counts_for_who_needs_it() -> None:
    async with inside() as server:
        call = server.client()
        tasks: list[dict[str, Any]] = [
            {"id": "next", "description": "d", "dependencies": ["old"]},
            {
                "id": "old",
                "description": "d",
                "status": "done",
                "result": "fine",
                "workerId": "w",
                "deadline": "2020-01-01T00:00:00Z",
            },
            {"id": "lost", "description": "d", "status": "failed", "error": "no disk"},
        ]
        assert await call("import_tasks", tasks=tasks, dryRun=True) == {"tasks": 3, "dryRun": True}
        assert (await call("get_all_tasks"))["total"] == 0
        await call("import_tasks", tasks=tasks)
        statuses = {t["id"]: t["status"] for t in (await call("get_all_tasks"))["tasks"]}
        assert statuses == {"next": "available", "old": "done", "lost": "failed"}
        old = (await call("get_task", taskId="old"))["task"]
        assert (old["output"], old["workerId"]) == ("fine", "w")
        events = (await call("get_events"))["events"]
        assert [event["data"] for event in events] == [{"imported": True}] * 3
        server.check()
