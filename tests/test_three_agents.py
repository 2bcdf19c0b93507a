"""The acceptance test: three agents, one server, nothing lost.

Everything in it is real: the server process on an SQLite file, three `task-coordinator mcp`
processes, and the MCP SDK's own client driving each of them over stdio.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from protocol.client import connect
from tests.mcp_client.agents import Agent, agent, text_of
from tests.servers import running_server

PLAN: dict[str, list[str]] = {
    "auth-context": ["auth-api", "auth-ui"],
    "auth-api": ["setup-project", "setup-db"],
    "auth-ui": ["setup-project"],
    "setup-project": [],
    "setup-db": [],
    "setup-env": [],
}
"""Every task with what it depends on; dependents before their dependencies, on purpose."""


@dataclass
class Diary:
    """What the agents did, in the order in which the coordinator confirmed it."""

    claimed: list[str] = field(default_factory=list[str])
    done: list[str] = field(default_factory=list[str])


async def work(name: str, tools: Agent, diary: Diary) -> None:
    """Choose, claim and report, as agents do that pick their tasks themselves."""
    slot = (await tools.use("claim_worker_slot", workerId=name))["slot"]
    while len(diary.done) < len(PLAN):
        available = (await tools.use("get_available_tasks"))["tasks"]
        # Everybody goes for the same task first, so that they do race.
        for task in available:
            claim = await try_to_claim(name, tools, slot, task["id"])
            if claim is not None:
                diary.claimed.append(task["id"])
                await report(name, tools, claim, diary)
                break
    await tools.use("release_worker_slot", slot=slot, workerId=name)


async def try_to_claim(name: str, tools: Agent, slot: int, task_id: str) -> dict[str, Any] | None:
    answer = await tools.ask("claim_task", taskId=task_id, workerId=name, workerSlot=slot)
    if answer.is_error:
        assert text_of(answer).startswith("task_not_available: ")
        return None
    result: dict[str, Any] = answer.structured_content
    return result


async def report(name: str, tools: Agent, claim: dict[str, Any], diary: Diary) -> None:
    task_id = claim["task"]["id"]
    undone = [each for each in PLAN[task_id] if each not in diary.done]
    assert undone == [], f"{task_id} was handed out before {undone}"
    # Written down before the report is sent: as soon as the coordinator has it, another agent may
    # hold what waited for this task.
    diary.done.append(task_id)
    await tools.use(
        "update_task",
        taskId=task_id,
        status="done",
        workerId=name,
        output=f"{task_id} by {name}",
        claimToken=claim["claimToken"],
    )


async def test_three_agents_work_a_plan_to_its_end_and_nothing_is_lost(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    diary = Diary()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(database))
        eras = {"worker-1": "legacy", "worker-2": "auto", "worker-3": "2026-07-28"}
        agents = {
            name: await stack.enter_async_context(agent(server.url, tmp_path, mode=era, name=name))
            for name, era in eras.items()
        }
        plan = [
            {"id": task_id, "description": f"Do {task_id}", "dependencies": dependencies}
            for task_id, dependencies in PLAN.items()
        ]
        await agents["worker-1"].use("add_tasks", tasks=plan)
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for name, tools in agents.items():
                    nursery.start_soon(work, name, tools, diary)

        assert sorted(diary.claimed) == sorted(PLAN)
        assert sorted(diary.done) == sorted(PLAN)
        before = await state_of(server.url)
        await server.stop()

    async with running_server(database) as restarted:
        assert await state_of(restarted.url) == before

    tasks, events, workers = before
    assert {task["id"]: task["status"] for task in tasks} == dict.fromkeys(PLAN, "done")
    for task in tasks:
        assert task["attempt"] == 1
        assert task["output"] == f"{task['id']} by {task['workerId']}"
        assert task["createdBy"] == "worker-1"
    for task_id, dependencies in PLAN.items():
        history = [event["type"] for event in events if event.get("taskId") == task_id]
        assert history.count("task_claimed") == 1
        assert history.count("task_done") == 1
        started = moment(events, "task_claimed", task_id)
        assert all(moment(events, "task_done", each) < started for each in dependencies)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all(slot["status"] == "free" for slot in workers)


def moment(events: list[dict[str, Any]], kind: str, task_id: str) -> int:
    """The number of the one event of this kind about this task."""
    (seq,) = (e["seq"] for e in events if (e["type"], e.get("taskId")) == (kind, task_id))
    number: int = seq
    return number


async def state_of(
    url: str,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """All tasks in full, all events, all slots: what a restart must not change."""
    async with connect(url) as client:
        tasks = (await client.call("list_tasks"))["tasks"]
        events = (await client.call("get_events", {"limit": 1000}))["events"]
        workers = (await client.call("get_workers"))["workers"]
    return tasks, events, workers
