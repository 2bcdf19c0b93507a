"""On the wire: each mistake gets one error or one close code, and the server goes on."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection

from protocol.errors import InvalidRequest, MethodNotFound, ParseError
from protocol.limits import BATCH_ENTRIES_MAX, CONNECTIONS_MAX, FRAME_BYTES_MAX
from protocol.methods import METHODS
from tests.bad_input.talking import (
    DEADLINE_SECONDS,
    Json,
    add,
    ask,
    ask_until_it_stops_reading,
    assert_clean,
    call,
    client,
    request,
)
from tests.faults.ledger import Ledger, check_file
from tests.protocol.peers import BINARY, TEXT, RawClient, head, http
from tests.servers import running_server


@dataclass
class Server:
    """A server process that the tests of the wire share."""

    url: str
    port: int
    log: Path
    ledger: Ledger = field(default_factory=Ledger)

    async def add(self, connection: ClientConnection, id_: str) -> None:
        self.ledger.sent.add(id_)
        await add(connection, id_)
        self.ledger.added[id_] = f"what {id_} is about"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for everything on the wire; in the end its file must hold every promise."""
    folder = tmp_path_factory.mktemp("bad_input")
    log = folder / "stderr"
    command = [sys.executable, "-m", "task_coordinator", "serve", "--json", "--no-dashboard"]
    command += ["--port", "0", "--database", str(folder / "tasks.db")]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        server = Server(announced["api"], announced["port"], log)
        try:
            yield server
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()
    assert_clean(log)
    if server.ledger.added:
        trio.run(check_file, folder / "tasks.db", server.ledger)


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """The shared server, which has nothing to complain about after each test either."""
    yield shared
    assert_clean(shared.log)


# --- on the wire: one error, and the connection goes on ---------------------------------------

LONG = "x" * 201

NOT_JSON = ["", "hello", "{", '{"jsonrpc": "2.0", "method": "get_workers", "id": 1', "[1,", "\x00"]

NO_REQUESTS: list[Any] = [
    1,
    "get_workers",
    None,
    {},
    {"method": "get_workers", "id": 1},
    {"jsonrpc": "1.0", "method": "get_workers", "id": 1},
    {"jsonrpc": "2.0", "method": 7, "id": 1},
    {"jsonrpc": "2.0", "method": "get_workers", "params": "none", "id": 1},
    {"jsonrpc": "2.0", "method": "get_workers", "id": {"a": 1}},
    {"jsonrpc": "2.0", "method": "get_workers", "id": LONG * 2},
    [],
]

BAD_PARAMS: list[tuple[str, Any, str]] = [
    ("get_task", {}, "taskId"),
    ("get_task", {"taskId": 1}, "taskId"),
    ("get_task", {"taskId": "a", "colour": "red"}, "colour"),
    ("get_task", {"taskId": LONG}, "taskId"),
    ("claim_task", ["a", "w"], "workerSlot"),
    ("claim_task", ["a", "w", "one"], "workerSlot"),
    ("add_task", {"description": ""}, "description"),
    ("add_task", {"description": "x" * 100_001}, "description"),
    ("add_task", {"description": "a\0b"}, "description"),
    ("add_task", {"description": "x", "dependencies": "a"}, "dependencies"),
    ("add_task", {"description": "x", "metadata": {"k": "x" * 17_000}}, "metadata"),
    ("add_tasks", {"tasks": [{"description": "x"}, {"id": "y"}]}, "description"),
    *(
        ("add_task", {"id": id_, "description": "x"}, "id")
        for id_ in ("a\nb", "a\0", "a\x1b[2J", "a\x7f", "a\u200bb", "a\u202eb", "a\n", "\ufeffa")
    ),
    ("claim_worker_slot", {"workerId": "w\r\n"}, "workerId"),
    ("list_tasks", {"status": ["open"]}, "status"),
    ("subscribe", {"since": -1}, "since"),
]


async def refused(server: Server, frame: str) -> Json:
    """The error that a frame is answered with. The same connection is served afterwards."""
    async with client(server.url) as connection:
        answer = await ask(connection, frame)
        assert (await call(connection, "get_server_info"))["name"] == "task-coordinator"
    error: Json = answer["error"]
    assert "\n" not in error["message"]
    assert "Traceback" not in json.dumps(answer)
    return error


@pytest.mark.parametrize("frame", NOT_JSON, ids=ascii)
async def test_what_is_not_json_is_a_parse_error(server: Server, frame: str) -> None:
    error = await refused(server, frame)
    assert error["code"] == ParseError.code
    assert "not JSON" in error["message"]


@pytest.mark.parametrize("value", NO_REQUESTS, ids=lambda value: ascii(value)[:40])
async def test_json_that_is_no_request_is_an_invalid_request(server: Server, value: Any) -> None:
    error = await refused(server, json.dumps(value))
    assert error["code"] == InvalidRequest.code


async def test_an_unknown_method_gets_a_hint(server: Server) -> None:
    error = await refused(server, request("claim_tasks", {}))
    assert error["code"] == MethodNotFound.code
    assert "Did you mean `claim_task`?" in error["message"]


@pytest.mark.parametrize(
    ("method", "params", "field"), BAD_PARAMS, ids=lambda value: ascii(value)[:40]
)
async def test_bad_params_name_the_field(
    server: Server, method: str, params: Any, field: str
) -> None:
    error = await refused(server, request(method, params))
    assert error["data"]["reason"] == "invalid_params"
    assert field in error["data"]["field"]
    assert field in error["message"]


async def test_a_batch_that_is_too_long_is_refused_once_and_not_carried_out(server: Server) -> None:
    entry = request("add_task", {"description": "one of too many"})
    error = await refused(server, f"[{','.join([entry] * (BATCH_ENTRIES_MAX + 1))}]")
    assert error["code"] == InvalidRequest.code
    assert "1001 entries; at most 1000" in error["message"]
    async with client(server.url) as connection:
        assert (await call(connection, "list_tasks", search="one of too many"))["tasks"] == []


async def test_a_malformed_entry_does_not_spoil_its_batch(server: Server) -> None:
    good = [request("add_task", {"id": f"batch-{n}", "description": "fine"}, n) for n in range(2)]
    server.ledger.sent.update({"batch-0", "batch-1"})
    async with client(server.url) as connection:
        answers = await ask(connection, f'[{good[0]}, {{"foo": "boo"}}, 7, {good[1]}]')
    assert sorted("error" in answer for answer in answers) == [False, False, True, True]
    server.ledger.added.update({"batch-0": "fine", "batch-1": "fine"})


async def test_every_refusal_is_one_that_the_reference_lists(server: Server) -> None:
    attempts: list[tuple[str, Json]] = [
        ("get_task", {"taskId": "nowhere"}),
        ("claim_task", {"taskId": "nowhere", "workerId": "w", "workerSlot": 1}),
        ("claim_task", {"taskId": "nowhere", "workerId": "w", "workerSlot": 9_999}),
        ("update_task", {"taskId": "nowhere", "workerId": "w", "status": "done"}),
        ("release_worker_slot", {"slot": 5}),
        ("release_worker_slot", {"slot": 9_999}),
        ("add_task", {"description": "x", "dependencies": ["nowhere"]}),
        ("add_task", {"id": "self", "description": "x", "dependencies": ["self"]}),
        ("delete_task", {"taskId": "nowhere"}),
        ("get_all_tasks", {"cursor": "made up"}),
        ("subscribe", {"since": 1_000_000}),
        ("unsubscribe", {"subscription": "s999"}),
    ]
    async with client(server.url) as connection:
        for method, params in attempts:
            error = (await ask(connection, request(method, params)))["error"]
            documented = {each.reason: each.code for each in METHODS[method].all_errors()}
            assert documented[error["data"]["reason"]] == error["code"], method


# --- on the wire: the connection ends, the server goes on -------------------------------------


@asynccontextmanager
async def rude(server: Server) -> AsyncGenerator[RawClient]:
    stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    async with stream:
        rude = RawClient(stream)
        await rude.send(head())
        assert (await rude.read_head()).status == 101
        yield rude


async def others_are_served(server: Server, id_: str) -> None:
    async with client(server.url) as connection:
        await server.add(connection, id_)
        assert (await call(connection, "get_task", taskId=id_))["task"]["status"] == "available"


async def test_a_frame_of_2_mib_closes_with_1009(server: Server) -> None:
    async with client(server.url) as connection:
        await server.add(connection, "before-2-mib")
        await connection.send(" " * 2 * 1024 * 1024)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 1009
        assert str(FRAME_BYTES_MAX) in (connection.close_reason or "")
    await others_are_served(server, "after-2-mib")


async def test_a_binary_frame_closes_with_1003(server: Server) -> None:
    async with rude(server) as connection:
        await connection.send_frame(BINARY, request("get_workers", {}).encode())
        close = await connection.closing()
    assert (close.code, close.reason) == (1003, "send JSON in text frames")
    await others_are_served(server, "after-binary")


async def test_text_that_is_not_utf8_closes_with_1007(server: Server) -> None:
    async with rude(server) as connection:
        await connection.send_frame(TEXT, b'"\xff"')
        assert (await connection.closing()).code == 1007
    await others_are_served(server, "after-not-utf8")


async def test_a_frame_that_is_not_masked_closes_with_1002(server: Server) -> None:
    async with rude(server) as connection:
        # An answer says that the server has taken the connection over. Between its 101 and that
        # moment, the library ends a connection that breaks the protocol without a close frame.
        await connection.send_frame(TEXT, request("get_workers", {}).encode())
        assert (await connection.frame()).opcode is TEXT
        await connection.send(bytes([0x81, 0x00]))
        assert (await connection.closing()).code == 1002
    await others_are_served(server, "after-not-masked")


async def test_a_client_that_vanishes_in_mid_request_leaves_nothing_behind(server: Server) -> None:
    for number in range(20):
        async with rude(server) as connection:
            frame = request("add_task", {"id": f"vanished-{number}", "description": "d"})
            server.ledger.sent.add(f"vanished-{number}")
            await connection.send_text(request("subscribe", {"since": 0}))
            await connection.send_text(frame)
            if number % 2:
                await connection.send(bytes([0x81, 0xFE, 0x10, 0x00, 1, 2, 3, 4]) + b"half a fra")
            await connection.vanish()
    async with client(server.url) as connection:
        while (await call(connection, "get_server_info"))["connections"] > 1:
            pass
    await others_are_served(server, "after-vanished")


async def test_a_client_that_never_reads_hinders_nobody(server: Server) -> None:
    async with rude(server) as connection:
        await ask_until_it_stops_reading(connection)
        await others_are_served(server, "beside-one-that-never-reads")
        await connection.vanish()


@pytest.mark.parametrize(
    ("raw", "status", "says"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426, "WebSocket"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405, "GET"),
        (b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "/projects/"),
        (head("/projects/NO%20GOOD"), 404, "a-z"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "--allowed-host"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403, "--a"),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_http_that_leads_nowhere_says_where_to_go(
    server: Server, raw: bytes, status: int, says: str
) -> None:
    answer = await http(server.port, raw)
    assert answer.status == status
    assert says in answer.body
    assert answer.body.count("\n") == 1


async def test_what_is_not_http_is_closed(server: Server) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    async with stream:
        await stream.send_all(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n")
        await RawClient(stream).ended()
    await others_are_served(server, "after-not-http")


async def test_running_out_of_files_is_told_in_one_line_and_passes(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    async with running_server(tmp_path / "tasks.db", stderr=log) as server:
        async with client(server.url) as connection:
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))
            streams = [await trio.open_tcp_stream("127.0.0.1", server.port) for _ in range(60)]
            with trio.fail_after(DEADLINE_SECONDS):
                while log.stat().st_size == 0:
                    await add(connection, f"served-{trio.current_time()}")
            for stream in streams:
                await stream.aclose()
        async with client(server.url) as connection:
            await add(connection, "served-again")
        assert await server.stop() == 0
    [line] = log.read_text().splitlines()
    assert "Too many open files" in line
    assert "raise the limit of open files" in line


def test_the_limit_of_open_files_is_raised_as_far_as_allowed(tmp_path: Path) -> None:
    """Otherwise the default of many systems, 1,024, would be the limit of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = [sys.executable, "-m", "task_coordinator", "serve", "--json", "--no-dashboard"]
    command += ["--port", "0", "--database", str(tmp_path / "tasks.db")]
    lowered = min(soft, 256)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard)),  # noqa: PLW1509 -- no threads here
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        raised, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        process.terminate()
    assert raised == min(2 * CONNECTIONS_MAX, hard)
