"""JSON-RPC by POST, on a real server."""

import json

import pytest
import trio

from protocol.limits import FRAME_BYTES_MAX
from tests.dashboard.web import JSON_TYPE, PATIENCE_SECONDS, Site, request

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e"


async def test_a_request_gets_its_reply(site: Site, project: str) -> None:
    answer = await site.post(request("add_task", id="a", description="Do it"), project)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["id"] == 1
    assert answer.json()["result"]["task"]["status"] == "available"


async def test_the_path_chooses_the_project(site: Site, project: str) -> None:
    await site.result(project, "add_task", id="only-here", description="Do it")
    assert (await site.result(project, "get_snapshot"))["counts"]["available"] == 1
    assert (await site.result(f"{project}-2", "get_snapshot"))["counts"]["available"] == 0
    body = json.dumps(request("get_snapshot")).encode()
    default = await site.ask("POST", "/rpc", JSON_TYPE, body=body)
    assert default.json()["result"]["project"] == "default"


async def test_a_refusal_is_a_reply_too(site: Site, project: str) -> None:
    answer = await site.post(request("get_task", taskId="nope"), project)
    assert answer.status == 200
    assert answer.json()["error"]["data"]["reason"] == "task_not_found"


async def test_a_batch_is_answered_entry_by_entry(site: Site, project: str) -> None:
    batch = [
        request("add_task", 1, id="a", description="Do it"),
        request("add_task", None, id="b", description="Do it quietly"),
        request("no_such_method", 2),
    ]
    replies = {reply["id"]: reply for reply in (await site.post(batch, project)).json()}
    assert set(replies) == {1, 2}
    assert replies[2]["error"]["code"] == -32601
    assert (await site.result(project, "get_all_tasks"))["total"] == 2


async def test_notifications_are_carried_out_and_not_answered(site: Site, project: str) -> None:
    answer = await site.post(request("add_task", None, id="a", description="Do it"), project)
    assert answer.status == 204
    assert answer.body == b""
    assert (await site.result(project, "get_all_tasks"))["total"] == 1


async def test_what_is_not_json_rpc_is_told_what_is_wrong(site: Site, project: str) -> None:
    assert (await site.post(b"{nonsense", project)).json()["error"]["code"] == -32700
    assert (await site.post([], project)).json()["error"]["code"] == -32600
    assert (await site.post({"id": 5}, project)).json()["id"] == 5


@pytest.mark.parametrize("method", ["subscribe", "unsubscribe"])
async def test_what_needs_a_connection_is_refused_with_the_way_out(
    site: Site, project: str, method: str
) -> None:
    batch = [request(method, 1, subscription="s1"), request("get_workers", 2)]
    replies = {reply["id"]: reply for reply in (await site.post(batch, project)).json()}
    assert "WebSocket" in replies[1]["error"]["message"]
    assert "get_events" in replies[1]["error"]["message"]
    assert replies[2]["result"]["total"] == 5


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
async def test_only_json_is_taken(site: Site, project: str, content_type: str) -> None:
    path, body = f"/rpc/projects/{project}", json.dumps(request("get_workers")).encode()
    answer = await site.ask("POST", path, ("Content-Type", content_type), body=body)
    assert answer.status == 415
    assert "application/json" in answer.text


async def test_a_charset_behind_the_content_type_is_taken(site: Site, project: str) -> None:
    path, body = f"/rpc/projects/{project}", json.dumps(request("get_workers")).encode()
    header = ("Content-Type", "Application/JSON; charset=utf-8")
    assert (await site.ask("POST", path, header, body=body)).status == 200


async def test_a_body_that_is_not_utf_8_is_refused(site: Site, project: str) -> None:
    answer = await site.post(b'{"method": "\xff"}', project)
    assert answer.status == 400
    assert "UTF-8" in answer.text


@pytest.mark.parametrize("size", [FRAME_BYTES_MAX + 1, 2 * FRAME_BYTES_MAX])
async def test_a_body_that_is_too_large_is_refused_with_the_limit(
    site: Site, project: str, size: int
) -> None:
    answer = await site.post(b" " * size, project)
    assert answer.status == 413
    assert str(FRAME_BYTES_MAX) in answer.text


async def test_a_body_of_the_largest_size_is_taken(site: Site, project: str) -> None:
    message = json.dumps(request("get_workers")).encode()
    answer = await site.post(message.ljust(FRAME_BYTES_MAX), project)
    assert answer.json()["result"]["total"] == 5


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(site: Site, project: str) -> None:
    head = f"POST /rpc/projects/{project} HTTP/1.1\r\nHost: localhost\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    for _ in range(20):
        async with await site.dial() as stream:
            await stream.send_all(head.encode())
    assert (await site.result(project, "get_workers"))["total"] == 5


async def test_the_wait_of_a_client_that_leaves_is_withdrawn(site: Site, project: str) -> None:
    async def waiting(count: int) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            while (await site.result(project, "get_snapshot")).get("waiting", 0) != count:
                pass

    await site.result(project, "claim_worker_slot", workerId="w1")
    wait = request("claim_next_task", 1, workerId="w1", waitSeconds=40)
    body = json.dumps(wait).encode()
    head = f"POST /rpc/projects/{project} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with await site.dial() as stream:
        await stream.send_all(head.encode() + body)
        await waiting(1)
    await waiting(0)
    await site.result(project, "add_task", id="a", description="Do it")
    task = (await site.result(project, "get_task", taskId="a"))["task"]
    assert task["status"] == "available"


async def test_a_wait_is_answered_when_there_is_something(site: Site, project: str) -> None:
    claims: list[str] = []

    async def wait() -> None:
        claim = await site.result(project, "claim_next_task", workerId="w1", waitSeconds=40)
        claims.append(claim["task"]["id"])

    await site.result(project, "claim_worker_slot", workerId="w1")
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            while not (await site.result(project, "get_snapshot")).get("waiting"):
                pass
            await site.result(project, "add_task", id="a", description="Do it")
    assert claims == ["a"]


async def test_a_hostile_description_travels_as_data_only(site: Site, project: str) -> None:
    await site.result(project, "add_task", id="x", description=HOSTILE)
    answer = await site.post(request("get_task", taskId="x"), project)
    assert answer.json()["result"]["task"]["description"] == HOSTILE
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = await site.ask("GET", f"/?project={project}")
    assert "alert" not in page.text
    unknown = await site.ask("GET", "/rpc/projects/%3Cscript%3E")
    assert unknown.headers["content-type"].startswith("text/plain")
