"""The MCP server as an agent's host meets it: a real process, a real coordinator, both eras."""

import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import trio
from mcp.shared.exceptions import MCPError

from mcp_client.bounds import TEXT_BYTES_MAX
from mcp_client.instructions import INSTRUCTIONS
from mcp_client.tools import TOOL_METHODS, list_tools
from tests.mcp_client.agents import Agent, agent, text_of
from tests.servers import ServerProcess, running_server

HUGE = 90_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    async with running_server(tmp_path / "tasks.db") as running:
        yield running


# --- the two eras ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_both_eras_of_the_protocol_are_spoken(
    server: ServerProcess, tmp_path: Path, mode: str, version: str
) -> None:
    async with agent(server.url, tmp_path, mode=mode) as ours:
        client = ours.client
        assert client.protocol_version == version
        assert client.instructions == INSTRUCTIONS
        assert client.server_info is not None
        assert client.server_info.name == "task-coordinator"
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.resources is None
        listed = (await client.list_tools()).tools
        assert [tool.model_dump() for tool in listed] == [
            tool.model_dump() for tool in list_tools()
        ]
        assert (await ours.use("get_server_info"))["project"] == "default"
        with pytest.raises(MCPError, match="Unknown tool: drop_database") as caught:
            await ours.ask("drop_database")
        assert caught.value.code == -32602
        with pytest.raises(MCPError, match="Unknown tool: subscribe"):
            await ours.ask("subscribe")
    assert ours.log.read_text() == ""


# --- the tools ------------------------------------------------------------------------------------


async def test_every_tool_does_what_it_says(server: ServerProcess, tmp_path: Path) -> None:
    async with agent(server.url, tmp_path, name="planner") as ours:
        used: set[str] = set()

        async def use(tool: str, **arguments: Any) -> Any:
            used.add(tool)
            return await ours.use(tool, **arguments)

        plan = [
            {"id": "ui", "description": "The form", "dependencies": ["api"]},
            {"id": "api", "description": "The API", "metadata": {"nothing": None, "n": [1]}},
        ]
        added = await use("add_tasks", tasks=plan)
        assert [task["status"] for task in added["tasks"]] == ["blocked", "available"]
        extra = await use("add_task", id="extra", description="More", output="a file")
        assert extra["task"]["status"] == "available"

        assert (await use("claim_worker_slot", workerId="w"))["slot"] == 1
        available = await use("get_available_tasks")
        assert [task["id"] for task in available["tasks"]] == ["api", "extra"]
        explained = await use("explain_task", taskId="ui")
        assert explained["blockedBy"] == [{"taskId": "api", "status": "available"}]

        claim = await use("claim_task", taskId="api", workerId="w", workerSlot=1)
        assert claim["task"]["metadata"] == {"nothing": None, "n": [1]}
        assert claim["task"]["createdBy"] == "planner"
        workers = await use("get_workers")
        assert workers["workers"][0]["taskId"] == "api"
        report = await use(
            "update_task",
            taskId="api",
            status="done",
            workerId="w",
            output="naïve ☃ \u2028 done",
            claimToken=claim["claimToken"],
        )
        assert report["unblocked"] == ["ui"]
        assert (await use("get_task", taskId="api"))["task"]["output"] == "naïve ☃ \u2028 done"

        edited = await use("edit_task", taskId="extra", priority=5, expectedOutput=None)
        assert edited["task"]["priority"] == 5
        assert "expectedOutput" not in edited["task"]
        assert (await use("cancel_task", taskId="extra"))["task"]["status"] == "cancelled"
        reset = await use("reset_failed_task", taskId="extra")
        assert reset["task"]["status"] == "available"
        found = await use("list_tasks", status=["done"])
        assert [task["id"] for task in found["tasks"]] == ["api"]
        assert (await use("delete_task", taskId="extra"))["taskId"] == "extra"
        assert (await use("get_all_tasks"))["total"] == 2

        snapshot = await use("get_snapshot")
        assert (snapshot["counts"]["done"], snapshot["counts"]["available"]) == (1, 1)
        events = await use("get_events", types=["task_done"])
        assert [event["taskId"] for event in events["events"]] == ["api"]

        claim = await use("claim_next_task", workerId="w")
        assert (claim["task"]["id"], claim["remaining"]) == ("ui", 1)
        progress = await use("report_progress", taskId="ui", progress=0.5, note="half of it")
        assert progress["task"]["progress"] == 0.5
        reserved = await use("reserve_resources", taskId="ui", resources=["src/ui/"])
        assert reserved["reserved"] == ["src/ui/"]
        await use("add_note", taskId="ui", note="a remark")
        released = await use("release_task", taskId="ui", note="the rest is easy")
        assert released["task"]["status"] == "available"
        history = await use("get_task_history", taskId="ui")
        assert [attempt["outcome"] for attempt in history["attempts"]] == ["released"]
        assert (await use("get_stats"))["project"]["attempts"] == 2

        template = {"id": "{{what}}-api", "description": "Build {{what}}"}
        await use("save_template", name="feature", tasks=[template])
        assert (await use("list_templates"))["templates"][0]["parameters"] == ["what"]
        made = await use("instantiate_template", name="feature", parameters={"what": "chat"})
        assert made["tasks"][0]["description"] == "Build chat"

        assert (await use("release_worker_slot", slot=1, workerId="w"))["slot"] == 1
        assert (await use("get_server_info"))["project"] == "default"
        text = await ours.refused("clean_all_tasks")
        token = text.partition('"confirm":"')[2].partition('"')[0]
        assert (await use("clean_all_tasks", confirm=token))["removed"] == 3
        assert used == TOOL_METHODS.keys()


async def test_two_processes_race_for_a_task_and_one_gets_it(
    server: ServerProcess, tmp_path: Path
) -> None:
    won: list[str] = []
    lost: list[str] = []
    async with agent(server.url, tmp_path) as one, agent(server.url, tmp_path) as two:
        rivals = {"one": one, "two": two}
        slots = {
            name: await each.use("claim_worker_slot", workerId=name)
            for name, each in rivals.items()
        }

        async def claim(name: str, task_id: str) -> None:
            arguments = {"taskId": task_id, "workerId": name, "workerSlot": slots[name]["slot"]}
            answer = await rivals[name].ask("claim_task", **arguments)
            (lost if answer.is_error else won).append(name)
            if answer.is_error:
                assert text_of(answer).startswith("task_not_available: ")
            else:
                await rivals[name].use("update_task", taskId=task_id, status="done", workerId=name)

        for number in range(20):
            await one.use("add_task", id=f"t{number}", description="x")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(claim, "one", f"t{number}")
                nursery.start_soon(claim, "two", f"t{number}")
    assert len(won) == 20
    assert len(lost) == 20


async def test_projects_keep_agents_apart(server: ServerProcess, tmp_path: Path) -> None:
    async with agent(server.url, tmp_path, project="website") as ours:
        await ours.use("add_task", id="a", description="x")
    async with agent(server.url, tmp_path) as other:
        assert (await other.use("get_all_tasks"))["total"] == 0


# --- refusals -------------------------------------------------------------------------------------


REFUSALS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("get_task", {"taskId": "nope"}, ["task_not_found: ", "nope", "get_all_tasks"]),
    ("claim_task", {"workerId": "w", "workerSlot": 1}, ["invalid_params: ", "taskId"]),
    ("claim_task", {"taskId": "a"}, ["slot_not_claimed: ", "Call `claim_worker_slot` first"]),
    (
        "claim_task",
        {"taskId": "a", "workerId": "w", "workerSlot": "1"},
        ["invalid_params: ", '"field":"workerSlot"', "detail"],
    ),
    ("get_workers", {"verbose": True}, ["invalid_params: ", "verbose"]),
    ("add_task", {"id": "a\u200b", "description": "x"}, ["invalid_params: ", '"field":"id"']),
    (
        "claim_task",
        {"taskId": "a", "workerId": "w", "workerSlot": 1},
        ["slot_not_claimed: ", "Call `claim_worker_slot` first"],
    ),
    (
        "add_task",
        {"id": "b", "description": "x", "dependencies": ["ghost"]},
        ["unknown_dependency: ", "ghost", "add_tasks"],
    ),
    ("add_task", {"id": "a", "description": "y"}, ["task_exists: ", "edit_task"]),
    ("get_all_tasks", {"cursor": "made-up"}, ["cursor_invalid: ", "nextCursor"]),
    ("add_task", {"description": "x" * 2_000_000}, ["limit_exceeded: ", "send less", "What to do"]),
]


async def test_a_refusal_says_why_and_what_to_do(server: ServerProcess, tmp_path: Path) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("add_task", id="a", description="x")
        for tool, arguments, said in REFUSALS:
            text = await ours.refused(tool, **arguments)
            assert text.startswith(said[0]), tool
            assert [word for word in said if word not in text] == []
        assert (await ours.use("get_all_tasks"))["total"] == 1


async def test_a_wrong_token_is_told_to_the_agent(tmp_path: Path) -> None:
    async with running_server(tmp_path / "tasks.db", "--token", "right-token-0123456789") as server:
        async with agent(server.url, tmp_path, token="right-token-0123456789") as ours:
            await ours.use("get_server_info")
        async with agent(server.url, tmp_path, token="hunter2") as ours:
            text = await ours.refused("get_server_info")
            assert "TASK_COORDINATOR_TOKEN" in text
            assert "hunter2" not in text


# --- bounded answers ------------------------------------------------------------------------------


async def test_a_page_that_is_too_large_is_shortened_and_its_cursor_goes_on(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours:
        for number in range(6):
            await ours.use("add_task", id=f"t{number}", description=str(number) * 20_000)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for last in (False, False, True):
            answer = await ours.ask("list_tasks", **cursor)
            page: dict[str, Any] = answer.structured_content
            assert len(text_of(answer)) <= TEXT_BYTES_MAX
            seen += [task["id"] for task in page["tasks"]]
            assert ("nextCursor" in page) is not last
            if not last:
                assert text_of(answer, 1) == (
                    "Only 2 of the entries asked for fit into one answer. "
                    "For those after them pass `nextCursor` as `cursor`."
                )
                cursor = {"cursor": page["nextCursor"]}
        assert seen == [f"t{number}" for number in range(6)]


async def test_a_task_that_is_too_large_is_cut_and_says_so(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("add_task", id="big", description="d" * HUGE, output="o" * HUGE)
        for tool, arguments in (("get_task", {"taskId": "big"}), ("list_tasks", {})):
            answer = await ours.ask(tool, **arguments)
            assert not answer.is_error
            assert len(text_of(answer)) <= TEXT_BYTES_MAX
            notices = [text_of(answer, part) for part in range(1, len(answer.content))]
            assert sum(str(HUGE) in notice for notice in notices) == 2


async def test_pages_are_shorter_for_agents_unless_they_say_otherwise(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with agent(server.url, tmp_path) as ours:
        await ours.use("add_tasks", tasks=[{"description": "x"}] * 60)
        for tool in ("get_all_tasks", "get_available_tasks", "list_tasks"):
            page = await ours.use(tool)
            assert len(page["tasks"]) == 50
            assert page["nextCursor"]
            assert len((await ours.use(tool, limit=60))["tasks"]) == 60
        assert len((await ours.use("get_events"))["events"]) == 50


# --- a server that comes and goes -----------------------------------------------------------------


async def answer_without_a_server(ours: Agent, tool: str = "get_workers") -> str:
    with trio.fail_after(2):
        return await ours.refused(tool)


async def until_connected(ours: Agent) -> None:
    """Ask until the server answers, as an agent would."""
    with trio.fail_after(15):
        while (await ours.ask("get_server_info")).is_error:
            pass


async def test_without_a_server_the_agent_hears_at_once_what_to_do(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    async with running_server(database) as gone:
        await gone.stop()
    async with agent(gone.url, tmp_path) as ours:
        assert len((await ours.client.list_tools()).tools) == len(TOOL_METHODS)
        text = await answer_without_a_server(ours)
        assert text.startswith("connection_lost: ")
        assert gone.url in text
        assert "task-coordinator serve" in text
        assert "TASK_COORDINATOR_URL" in text
        async with running_server(database, port=gone.port):
            await until_connected(ours)
            await ours.use("add_task", id="a", description="x")


async def test_an_agent_goes_on_after_a_restart_of_the_server(tmp_path: Path) -> None:
    database = tmp_path / "tasks.db"
    async with running_server(database) as first, agent(first.url, tmp_path) as ours:
        await ours.use("add_task", id="a", description="x")
        await first.kill()
        assert "connection_lost" in await answer_without_a_server(ours)
        async with running_server(database, port=first.port):
            await until_connected(ours)
            assert (await ours.use("get_all_tasks"))["total"] == 1
            slot = (await ours.use("claim_worker_slot", workerId="w"))["slot"]
            await ours.use("claim_task", taskId="a", workerId="w", workerSlot=slot)
    assert ours.log.read_text() == ""


async def test_a_call_whose_server_dies_under_it_is_answered(tmp_path: Path) -> None:
    async with (
        running_server(tmp_path / "tasks.db") as server,
        agent(server.url, tmp_path) as ours,
    ):
        await until_connected(ours)
        # A stopped server takes the request and answers nothing.
        server.process.send_signal(signal.SIGSTOP)
        texts: list[str] = []
        answered = trio.Event()

        async def call() -> None:
            texts.append(await ours.refused("get_workers"))
            answered.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            with trio.move_on_after(0.5):
                await answered.wait()
            assert texts == []
            await server.kill()
            with trio.fail_after(2.5):
                await answered.wait()
    assert texts[0].startswith("connection_lost: ")
    assert "may have been carried out or not" in texts[0]
