"""What a program can rely on when it uses `connect`, against a peer that does as it is told."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from websockets.exceptions import ConnectionClosed

from protocol import params as p
from protocol import results as r
from protocol.client import Client, EventStream, connect
from protocol.errors import ConnectionLost, CoordinatorError, InvalidParams, TaskNotAvailable
from protocol.link import Link
from protocol.methods import METHODS
from protocol.openrpc import openrpc_document
from tests.protocol.peer import PATIENCE_SECONDS, Json, Peer, PeerConnection, task_added
from tests.servers import running_server

RIGHT_TOKEN = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TASK_COORDINATOR_")]:
        monkeypatch.delenv(name)


@pytest.fixture
async def peer(nursery: trio.Nursery) -> Peer:
    peer = Peer()
    await nursery.start(peer.run)
    return peer


async def answer_next(connection: PeerConnection, result: Any) -> Json:
    request = await connection.receive()
    await connection.answer(request, result)
    return request


class Requests:
    """Answers every request of a connection with the same result, and keeps the requests."""

    def __init__(self, connection: PeerConnection, nursery: trio.Nursery, result: Any) -> None:
        self.seen: list[Json] = []
        self._connection = connection
        self._result = result
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        with suppress(ConnectionClosed, trio.TooSlowError):
            while True:
                self.seen.append(await answer_next(self._connection, self._result))


# --- connecting -------------------------------------------------------------------------------


async def test_entering_waits_until_the_server_has_answered(peer: Peer) -> None:
    async with connect(peer.url, name="worker-1", session_id="s-1") as client:
        assert client.connected
        assert client.server == peer.url
        assert client.session_id == "s-1"
        connection = await peer.accept()
        assert connection.identity == {"name": "worker-1", "sessionId": "s-1"}
    await connection.wait_closed()
    assert connection.close_code == 1000
    assert not client.connected


async def test_without_a_session_id_each_client_is_somebody_else(peer: Peer) -> None:
    async with connect(peer.url) as one, connect(peer.url) as other:
        assert one.session_id != other.session_id
        assert (await peer.accept()).identity == {"sessionId": one.session_id}


async def test_the_environment_says_where_and_who(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASK_COORDINATOR_URL", peer.url.replace("ws:", "http:"))
    monkeypatch.setenv("TASK_COORDINATOR_PROJECT", "web")
    monkeypatch.setenv("TASK_COORDINATOR_TOKEN", "s3cret")
    async with connect() as client:
        connection = await peer.accept()
        assert client.server == f"{peer.url}/projects/web"
        assert connection.path == "/projects/web"
        assert connection.headers["Authorization"] == "Bearer s3cret"


async def test_arguments_win_over_the_environment(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASK_COORDINATOR_URL", "ws://127.0.0.1:1")
    monkeypatch.setenv("TASK_COORDINATOR_PROJECT", "web")
    monkeypatch.setenv("TASK_COORDINATOR_TOKEN", "s3cret")
    async with connect(peer.url, project="app", token="0ther"):
        connection = await peer.accept()
        assert connection.path == "/projects/app"
        assert connection.headers["Authorization"] == "Bearer 0ther"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "ws://h/projects/a", "project": "b"}, "name one of them only"),
        ({"url": "h:1"}, "is no usable URL"),
        ({"project": "Web"}, "cannot be the name of a project"),
        ({"token": "two words"}, "token"),
        ({"token": "line\nbreak"}, "token"),
        ({"name": "a\nb"}, "name or the session id"),
        ({"session_id": "x" * 500}, "name or the session id"),
    ],
)
async def test_unusable_settings_are_refused_before_anything_happens(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        async with connect(**options):
            pytest.fail("it connected")


async def test_with_no_server_entering_says_how_to_start_one(peer: Peer) -> None:
    await peer.stop()
    with pytest.raises(ConnectionLost) as lost:
        async with connect(peer.url, connect_timeout=0.2):
            pytest.fail("it connected")
    assert str(lost.value) == (
        f"no server answers at {peer.url}; start one with `task-coordinator serve`"
    )


async def test_entering_waits_for_a_server_that_is_just_starting(
    peer: Peer, nursery: trio.Nursery
) -> None:
    await peer.stop()

    async def start() -> None:
        await nursery.start(peer.run)

    nursery.start_soon(start)
    async with connect(peer.url, connect_timeout=PATIENCE_SECONDS) as client:
        assert client.connected


async def test_a_wrong_token_is_refused_at_once_in_one_line(peer: Peer) -> None:
    peer.refusal = (401, "No.")
    with pytest.raises(ConnectionLost) as lost, trio.fail_after(2):
        async with connect(peer.url, token="wrong", connect_timeout=60):
            pytest.fail("it connected")
    assert str(lost.value) == (
        f"the server at {peer.url} does not know this token: correct TASK_COORDINATOR_TOKEN"
    )
    assert lost.value.data["status"] == 401


async def test_without_waiting_a_call_answers_within_its_time_when_the_server_is_down(
    peer: Peer,
) -> None:
    await peer.stop()
    async with connect(peer.url, wait=False) as client:
        assert not client.connected
        with pytest.raises(ConnectionLost, match="task-coordinator serve"), trio.fail_after(2):
            await client.call("get_workers", timeout=0.2)


async def test_without_waiting_a_call_is_carried_out_once_the_server_is_there(
    peer: Peer, nursery: trio.Nursery
) -> None:
    await peer.stop()
    async with connect(peer.url, wait=False, request_timeout=PATIENCE_SECONDS) as client:

        async def start() -> None:
            await nursery.start(peer.run)
            await answer_next(await peer.accept(), {"ok": True})

        nursery.start_soon(start)
        assert await client.call("get_workers") == {"ok": True}
        await client.wait_connected(0)


# --- calling ----------------------------------------------------------------------------------


async def test_a_typed_method_sends_its_arguments_and_returns_its_struct(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url) as client:
        requests = Requests(await peer.accept(), nursery, task_added("TASK-001"))
        added = await client.add_task(id="TASK-001", description="Write it", tags=["web"])
        assert isinstance(added, r.TaskAdded)
        assert added.task.id == "TASK-001"
    (request,) = requests.seen
    key = request["params"].pop("idempotencyKey")
    assert key
    # What is left at its default is not sent: an older server might not know it.
    assert request["params"] == {"id": "TASK-001", "description": "Write it", "tags": ["web"]}


async def test_an_edit_sends_what_is_to_be_cleared_and_nothing_else(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url) as client:
        requests = Requests(await peer.accept(), nursery, {"task": None})
        with pytest.raises(CoordinatorError):
            await client.edit_task(task_id="a", expected_output=None, tags=[])
    del requests.seen[0]["params"]["idempotencyKey"]
    assert requests.seen[0]["params"] == {"taskId": "a", "expectedOutput": None, "tags": []}


async def test_every_mutation_has_a_key_of_its_own_and_no_query_has_one(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url) as one, connect(peer.url, session_id=one.session_id) as other:
        requests = Requests(await peer.accept(), nursery, task_added())
        more = Requests(await peer.accept(), nursery, task_added())
        for client in (one, other):
            await client.add_task(description="x")
            await client.request(METHODS["add_task"], p.AddTask(description="x"))
            await client.call("add_task", {"description": "x"})
            await client.call("add_task", [None, "x"])
            await client.call("get_task", {"taskId": "a"})
    keys = [request["params"].get("idempotencyKey") for request in requests.seen + more.seen]
    queries, mutations = {keys.pop(4), keys.pop()}, keys
    assert queries == {None}
    # Also of another client with the same session: programs run one after the other.
    assert len(set(mutations)) == 8
    assert None not in mutations
    assert requests.seen[3]["params"]["description"] == "x"


async def test_a_key_of_the_caller_is_kept(peer: Peer, nursery: trio.Nursery) -> None:
    async with connect(peer.url) as client:
        requests = Requests(await peer.accept(), nursery, task_added())
        given = {"description": "x", "idempotencyKey": "mine"}
        await client.call("add_task", given)
        await client.request(
            METHODS["add_task"], p.AddTask(description="x", idempotency_key="mine")
        )
    assert [request["params"]["idempotencyKey"] for request in requests.seen] == ["mine"] * 2
    assert given == {"description": "x", "idempotencyKey": "mine"}


async def test_too_many_positional_params_are_the_servers_to_refuse(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url) as client:
        requests = Requests(await peer.accept(), nursery, 1)
        await client.call("clean_all_tasks", ["key", "extra"])
    assert requests.seen[0]["params"] == ["key", "extra"]


async def test_a_resent_mutation_has_the_same_key(peer: Peer, nursery: trio.Nursery) -> None:
    async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:
        seen: list[Json] = []

        async def break_once() -> None:
            first = await peer.accept()
            seen.append(await first.receive())
            await first.drop()
            seen.append(await answer_next(await peer.accept(), task_added("a")))

        nursery.start_soon(break_once)
        added = await client.add_task(description="x")
        assert added.task.id == "a"
    assert seen[0] == seen[1]
    assert seen[0]["params"]["idempotencyKey"]


async def test_a_method_that_the_client_does_not_know_is_not_sent_twice(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:

        async def break_once() -> None:
            connection = await peer.accept()
            await connection.receive()
            await connection.drop()

        nursery.start_soon(break_once)
        with pytest.raises(ConnectionLost, match=r"broke .*may have been carried out"):
            await client.call("launch_rocket")


async def test_a_refusal_comes_out_as_its_exception(peer: Peer, nursery: trio.Nursery) -> None:
    async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:
        connection = await peer.accept()

        async def refuse() -> None:
            request = await connection.receive()
            reason = TaskNotAvailable.reason
            await connection.refuse(request, 1003, reason, "Taken.", status="working", holder="w2")

        nursery.start_soon(refuse)
        with pytest.raises(TaskNotAvailable) as refusal:
            await client.claim_task(task_id="a", worker_id="w1", worker_slot=1)
    assert str(refusal.value) == "Taken."
    assert refusal.value.data == {"status": "working", "holder": "w2"}


async def test_an_answer_of_another_version_is_explained(peer: Peer, nursery: trio.Nursery) -> None:
    async with connect(peer.url) as client:
        Requests(await peer.accept(), nursery, {"task": {"id": "a", "status": "quantum"}})
        with pytest.raises(CoordinatorError, match="another version"):
            await client.get_task(task_id="a")


async def test_params_that_are_no_json_are_refused(peer: Peer) -> None:
    async with connect(peer.url) as client:
        with pytest.raises(InvalidParams, match="cannot be sent as JSON"):
            await client.call("get_task", {"taskId": object()})


async def test_a_call_times_out_by_its_own_time_or_that_of_the_client(peer: Peer) -> None:
    async with connect(peer.url, request_timeout=0.1) as client:
        with pytest.raises(ConnectionLost, match=r"within 0\.1 s"):
            await client.get_workers()
        with pytest.raises(ConnectionLost, match=r"within 0\.05 s"):
            await client.call("get_workers", timeout=0.05)
        with trio.move_on_after(0.3) as patience:
            await client.call("get_workers", timeout=math.inf)
        assert patience.cancelled_caught


WAITING = METHODS["claim_next_task"]
WAYS_TO_WAIT: dict[str, Callable[[Client, float], Awaitable[Any]]] = {
    "task": lambda client, wait: client.claim_next_task(worker_id="w", wait_seconds=wait),
    "slot": lambda client, wait: client.claim_worker_slot(wait_seconds=wait),
    "struct": lambda client, wait: client.request(
        WAITING, p.ClaimNextTask(worker_id="w", wait_seconds=wait)
    ),
    "by name": lambda client, wait: client.call(
        "claim_next_task", {"workerId": "w", "waitSeconds": wait}
    ),
    "by position": lambda client, wait: client.call("claim_worker_slot", [None, None, False, wait]),
    "by position, with a key": lambda client, wait: client.call(
        "claim_worker_slot", [None, None, False, wait, "key"]
    ),
    "a newer method": lambda client, wait: client.call("await_moon", {"waitSeconds": wait}),
}


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
async def test_what_the_server_may_wait_is_not_time_for_its_answer(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("protocol.client.WAIT_SECONDS_MAX", 0.1)
    async with connect(peer.url, request_timeout=0.02) as client:
        with pytest.raises(ConnectionLost, match=r"within 0\.07 s"):
            await WAYS_TO_WAIT[way](client, 0.05)
        # The server cuts a longer wait, so the client need not wait that long either.
        with (
            trio.fail_after(PATIENCE_SECONDS),
            pytest.raises(ConnectionLost, match=r"within 0\.12 s"),
        ):
            await WAYS_TO_WAIT[way](client, 3600)


@pytest.mark.parametrize("wait", ["long", None, -5, math.nan, [1]])
async def test_a_wait_that_is_none_adds_no_time(peer: Peer, wait: Any) -> None:
    async with connect(peer.url, request_timeout=0.02) as client:
        with pytest.raises(ConnectionLost, match=r"within 0\.02 s"):
            await client.call("claim_next_task", {"workerId": "w", "waitSeconds": wait})
        with pytest.raises(ConnectionLost, match=r"within 0\.02 s"):
            await client.call("claim_next_task")


async def test_a_time_that_the_caller_gives_is_the_whole_time(peer: Peer) -> None:
    async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:
        with pytest.raises(ConnectionLost, match=r"within 0\.02 s"):
            await client.call("claim_worker_slot", {"waitSeconds": 30}, timeout=0.02)


async def test_a_wait_that_nobody_wants_any_more_is_withdrawn(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connect(peer.url) as client:
        connection = await peer.accept()
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope:
                await client.claim_next_task(worker_id="w", wait_seconds=45)

        nursery.start_soon(wait)
        request = await connection.receive()
        scope.cancel()
        withdrawal = await connection.receive()
        assert withdrawal["method"] == "$/cancelRequest"
        assert withdrawal["params"] == {"id": request["id"]}
        assert "id" not in withdrawal


async def test_calls_of_many_tasks_share_the_connection(peer: Peer, nursery: trio.Nursery) -> None:
    results: dict[int, Any] = {}

    async def call(client: Client, number: int) -> None:
        results[number] = await client.call("get_task", {"taskId": str(number)})

    async def echo_backwards(connection: PeerConnection) -> None:
        for request in (await connection.receive_many(50))[::-1]:
            await connection.answer(request, request["params"]["taskId"])

    async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:
        nursery.start_soon(echo_backwards, await peer.accept())
        async with trio.open_nursery() as callers:
            for number in range(50):
                callers.start_soon(call, client, number)
    assert results == {number: str(number) for number in range(50)}


async def test_a_notification_has_no_id_and_waits_for_nothing(peer: Peer) -> None:
    async with connect(peer.url) as client:
        connection = await peer.accept()
        await client.notify("add_task", {"description": "x"})
        await client.notify("get_workers")
        assert await connection.receive_many(2) == [
            {"jsonrpc": "2.0", "method": "add_task", "params": {"description": "x"}},
            {"jsonrpc": "2.0", "method": "get_workers", "params": {}},
        ]


# --- leaving ----------------------------------------------------------------------------------


async def test_an_exception_of_the_block_comes_out_as_it_is(peer: Peer) -> None:
    problem = KeyError("mine")
    with pytest.raises(KeyError) as caught:
        async with connect(peer.url):
            raise problem
    assert caught.value is problem
    assert caught.value.__context__ is None
    connection = await peer.accept()
    await connection.wait_closed()
    assert connection.close_code == 1000


async def test_a_group_of_the_block_stays_the_group_it_is(peer: Peer) -> None:
    problem = ExceptionGroup("mine", [KeyError("a")])
    with pytest.raises(ExceptionGroup) as caught:
        async with connect(peer.url):
            raise problem
    assert caught.value is problem


async def test_an_exception_of_a_task_started_in_the_block_is_wrapped_once(peer: Peer) -> None:
    async def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(ExceptionGroup) as caught:
        async with connect(peer.url), trio.open_nursery() as nursery:
            nursery.start_soon(fail)
    (problem,) = caught.value.exceptions
    assert isinstance(problem, KeyError)


async def test_a_cancelled_block_closes_the_connection_in_order(peer: Peer) -> None:
    with trio.CancelScope() as scope:
        async with connect(peer.url):
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    connection = await peer.accept()
    await connection.wait_closed()
    assert connection.close_code == 1000


async def test_a_defect_of_the_link_is_not_hidden(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Link) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Link, "run", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        async with connect(peer.url, wait=False):
            await trio.sleep_forever()


async def test_calls_of_other_tasks_hear_that_the_client_was_closed(
    peer: Peer, nursery: trio.Nursery
) -> None:
    heard = trio.Event()

    async def call(client: Client) -> None:
        with pytest.raises(ConnectionLost, match="closed by this program"):
            await client.get_workers()
        heard.set()

    async with connect(peer.url) as client:
        nursery.start_soon(call, client)
        await (await peer.accept()).receive()
    with trio.fail_after(PATIENCE_SECONDS):
        await heard.wait()


async def test_a_server_that_does_not_say_goodbye_delays_nobody_for_long(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.client.CLOSE_TIMEOUT_SECONDS", 0.2)

    async def stall(stream: trio.SocketStream) -> None:
        """Pass everything on until the client wants to close."""
        upstream = await trio.open_tcp_stream("127.0.0.1", peer.port)
        async with trio.open_nursery() as pumps, upstream:
            pumps.start_soon(_pump, upstream, stream)
            for _ in range(2):
                await upstream.send_all(await stream.receive_some())
            await trio.sleep_forever()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, stall, listeners)
    port = listeners[0].socket.getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}"):
        left_at = trio.current_time()
    assert trio.current_time() - left_at < 1


async def _pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    async for data in source:
        await sink.send_all(data)


# --- against the real server ------------------------------------------------------------------


async def test_the_real_server_understands_every_word(tmp_path: Path) -> None:
    async with (
        running_server(tmp_path / "tasks.db") as server,
        connect(server.url, project="web", name="planner", request_timeout=10) as client,
        client.events() as stream,
    ):
        assert client.server == f"{server.url}/projects/web"
        await client.add_task(id="a", description="Write it", metadata={"size": 1})
        slot = (await client.claim_worker_slot(worker_id="w")).slot
        claimed = await client.claim_task(task_id="a", worker_id="w", worker_slot=slot)
        assert claimed.task.created_by == "planner"
        await client.edit_task(task_id="a", metadata=None)
        await client.update_task(
            task_id="a", status="done", worker_id="w", claim_token=claimed.claim_token
        )
        assert (await client.get_task(task_id="a")).task.metadata is None
        types = [(await anext(stream)).type for _ in range(5)]
        expected = ["task_added", "slot_claimed", "task_claimed", "task_edited", "task_done"]
        assert types == expected
        with pytest.raises(TaskNotAvailable):
            await client.claim_task(task_id="a", worker_id="w", worker_slot=slot)
        document = msgspec.json.decode(msgspec.json.encode(openrpc_document()))
        assert await client.call("rpc.discover") == document


async def test_the_real_server_refuses_a_wrong_token_in_one_line(tmp_path: Path) -> None:
    async with running_server(tmp_path / "tasks.db", "--token", RIGHT_TOKEN) as server:
        with pytest.raises(ConnectionLost, match="wants a token"):
            async with connect(server.url):
                pytest.fail("it connected")
        with pytest.raises(ConnectionLost, match="does not know this token"):
            async with connect(server.url, token="wrong"):
                pytest.fail("it connected")
        async with connect(server.url, token=RIGHT_TOKEN) as client:
            assert client.connected


async def test_a_killed_server_costs_neither_a_change_nor_an_event(tmp_path: Path) -> None:
    """Twenty callers notice nothing but a pause; what was acknowledged is there exactly once."""
    added: list[str] = []
    seqs: list[int] = []
    database = tmp_path / "tasks.db"

    async def add(client: Client) -> None:
        while len(added) < 1000:
            added.append((await client.add_task(description="x")).task.id)

    async def follow(stream: EventStream) -> None:
        async for event in stream:
            seqs.append(event.seq)
            if event.task_id == "last":
                return

    async with (
        AsyncExitStack() as servers,
        running_server(database) as first,
        connect(first.url, request_timeout=30) as client,
        client.events() as stream,
    ):
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(add, client)
            seqs.append((await anext(stream)).seq)
            await first.kill()
            assert len(added) < 1000
            await servers.enter_async_context(running_server(database, port=first.port))
        added.append((await client.add_task(id="last", description="x")).task.id)
        with trio.fail_after(30):
            await follow(stream)
        page = await client.get_all_tasks(limit=1)
        assert page.total == len(added) == len(set(added))
    assert seqs == list(range(1, len(added) + 1))


# --- cost -------------------------------------------------------------------------------------


def test_importing_the_client_imports_no_framework() -> None:
    """An agent waits for this import whenever it starts."""
    code = "import sys, json, protocol.client; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    imported = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert imported & {"mcp", "rich", "click", "jsonrpcserver", "anyio", "hypercorn"} == set()
    assert "websockets" in imported
