"""Coming in and being sent away: the opening handshake and the end, over real sockets."""

import logging
import re
from collections.abc import AsyncGenerator, Iterator

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from websockets.typing import Subprotocol

from protocol import limits, server
from protocol.connection import INBOX_FRAMES_MAX
from protocol.gate import Gate
from protocol.limits import REQUESTS_IN_FLIGHT_MAX
from protocol.urls import SUBPROTOCOL
from tests.protocol.peers import (
    HANDSHAKE,
    MUCH,
    PATIENCE_SECONDS,
    Api,
    RawClient,
    ask,
    head,
    http,
    request,
    serving,
)


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    async with serving() as api:
        yield api


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client, however rude, makes the server log an error or a traceback."""
    yield
    assert [each for each in caplog.get_records("call") if each.levelno >= logging.WARNING] == []


# --- the opening handshake --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([SUBPROTOCOL], SUBPROTOCOL),
        (["other", SUBPROTOCOL], SUBPROTOCOL),
        (["other"], None),
        (None, None),
    ],
)
async def test_the_subprotocol_is_offered_and_not_demanded(
    api: Api, offered: list[Subprotocol] | None, chosen: str | None
) -> None:
    async with api.connect(subprotocols=offered) as client:
        assert client.subprotocol == chosen
        assert "result" in await ask(client, "echo")


async def test_the_path_chooses_the_project(api: Api) -> None:
    async with api.connect("/projects/blue") as client:
        assert (await ask(client, "identify"))["result"]["project"] == "blue"
    async with api.connect("/") as client:
        assert (await ask(client, "identify"))["result"]["project"] == "default"


async def test_health_answers_plain_http(api: Api) -> None:
    answer = await http(api.port, head("/api/health?verbose", {"Host": "localhost"}))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    assert msgspec.json.decode(answer.body) == api.desk.info()


async def test_openrpc_answers_plain_http(api: Api) -> None:
    answer = await http(api.port, head("/openrpc.json", {"Host": "localhost"}))
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["openrpc"].startswith("1.")


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
@pytest.mark.parametrize("path", ["/api/health", "/openrpc.json", "/"])
async def test_only_get_is_answered(api: Api, method: str, path: str) -> None:
    raw = head(path, {"Host": "localhost", "Content-Length": "0"}).replace(b"GET", method.encode())
    answer = await http(api.port, raw)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/nothing", "/projects/", "/projects/UPPER", "/projects/a/b"])
@pytest.mark.parametrize("headers", [{"Host": "localhost"}, HANDSHAKE])
async def test_an_unknown_path_is_404_and_says_what_there_is(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    answer = await http(api.port, head(path, headers))
    assert answer.status == 404
    assert "/projects/" in answer.body or "a-z 0-9" in answer.body
    assert answer.body.count("\n") == 1


async def test_plain_http_on_a_project_is_426(api: Api) -> None:
    answer = await http(api.port, head("/", {"Host": "localhost"}))
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "/api/health" in answer.body


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3335",
        "localhost.evil.example",
        "localhost, evil.example",
        "localhost:3335, evil.example",
        "localhost/evil.example",
        "evil.example@localhost",
        "localhost?evil.example",
        "192.168.1.1",
        "[::1",
        "localhost:port",
        "",
    ],
)
async def test_a_foreign_host_is_421(api: Api, host: str) -> None:
    answer = await http(api.port, head("/", {**HANDSHAKE, "Host": host}))
    assert answer.status == 421
    assert "--allowed-host" in answer.body


async def test_a_second_host_does_not_hide_behind_the_first(api: Api) -> None:
    for hosts in [("localhost", "evil.example"), ("localhost:1", "evil.example")]:
        pairs = [*HANDSHAKE.items(), *(("Host", host) for host in hosts)][1:]
        assert (await http(api.port, head("/", pairs))).status == 421
        assert (await http(api.port, head("/api/health", pairs))).status == 421


async def test_no_host_at_all_is_421(api: Api) -> None:
    assert (await http(api.port, b"GET /api/health HTTP/1.1\r\n\r\n")).status == 421


async def test_a_foreign_page_is_403(api: Api) -> None:
    for origin in ["http://evil.example", "null", "http://localhost:3333, http://evil.example"]:
        answer = await http(api.port, head("/", {**HANDSHAKE, "Origin": origin}))
        assert answer.status == 403
        assert "--allowed-origin" in answer.body


async def test_a_page_that_is_allowed_comes_in() -> None:
    gate = Gate(origins=frozenset({"http://localhost:3333"}))
    async with serving(gate=gate) as api, api.connect(origin="http://localhost:3333") as client:
        assert "result" in await ask(client, "echo")


async def test_without_the_token_is_401() -> None:
    async with serving(gate=Gate(token="correct horse")) as api:
        for given in [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer f\xfc\xff"}]:
            answer = await http(api.port, head("/", {**HANDSHAKE, **given}))
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "TASK_COORDINATOR_TOKEN" in answer.body
            assert "correct horse" not in answer.body
        assert (await http(api.port, head("/openrpc.json", HANDSHAKE))).status == 401
        assert (await http(api.port, head("/api/health", HANDSHAKE))).status == 200
        token = {"Authorization": "Bearer correct horse"}
        async with api.connect(additional_headers=token) as client:
            assert "result" in await ask(client, "echo")


async def test_no_more_connections_than_the_limit() -> None:
    async with serving(connections_max=2) as api:
        first = await api.raw()
        second = await api.raw()
        for client in (first, second):
            await client.send_text(request("echo", 1))
            assert (await client.message())["id"] == 1
        answer = await http(api.port, head())
        assert answer.status == 503
        assert "2 connections" in answer.body
        assert (await http(api.port, head("/api/health", HANDSHAKE))).status == 200

        await first.vanish()
        await second.vanish()
        await api.settled()
        await api.serves_others()


async def test_ten_thousand_headers_are_431(api: Api) -> None:
    many = [("Host", "localhost"), *((f"X-{n}", "x") for n in range(10_000))]
    client = await api.tcp()
    await client.send(head("/", many))
    assert (await client.read_head()).status == 431
    await client.ended()
    await api.settled()


async def test_an_endless_request_line_is_414(api: Api) -> None:
    assert (await http(api.port, head("/" + "x" * 10_000))).status == 414


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"\r\n\r\n", b"HELO there\r\n"]
)
async def test_what_is_not_http_is_closed(api: Api, garbage: bytes) -> None:
    client = await api.tcp()
    await client.send(garbage)
    await client.ended()
    await api.settled()
    await api.serves_others()


async def test_a_handshake_with_a_bad_key_is_400(api: Api) -> None:
    answer = await http(api.port, head("/", {**HANDSHAKE, "Sec-WebSocket-Key": "short"}))
    assert answer.status == 400
    await api.settled()


async def test_a_handshake_that_stops_half_way_is_dropped() -> None:
    async with serving(open_timeout_seconds=0.2) as api:
        silent = await api.tcp()
        halfway = await api.tcp()
        await halfway.send(head()[:40])
        await silent.ended()
        await halfway.ended()
        await api.settled()


# --- stopping ---------------------------------------------------------------------------------


async def test_stopping_closes_with_1001_and_the_port_is_free(api: Api) -> None:
    client = await api.raw()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(api.server.stop)
        close = await client.closing()
    assert close.code == 1001
    assert "stopping" in close.reason
    await api.settled()
    with pytest.raises(OSError, match=re.escape("all attempts to connect")):
        await trio.open_tcp_stream("127.0.0.1", api.port)


async def test_stopping_delivers_all_answers_first(api: Api) -> None:
    client = await api.raw()
    for n in range(60):
        await client.send_text(request("hold", n, key=str(n)))
    await api.desk.accepted(60)
    for n in range(30):
        api.desk.release(str(n), "x" * MUCH)
    await wait_all_tasks_blocked(0.01)  # the first half fills the buffers
    for n in range(30, 60):
        api.desk.release(str(n), "x" * MUCH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(api.server.stop)
        await wait_all_tasks_blocked(0.01)
        assert [(await client.message())["id"] for _ in range(60)] == list(range(60))
        assert (await client.closing()).code == 1001


@pytest.fixture
def waiting_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs that would fail the test, so that nothing has to be measured."""
    monkeypatch.setattr(limits, "CLOSE_TIMEOUT_SECONDS", 60)
    monkeypatch.setattr(server, "STOP_PATIENCE_SECONDS", 60)


@pytest.mark.usefixtures("waiting_long")
async def test_stopping_ends_a_client_that_is_not_read_from() -> None:
    async with serving() as api:
        client = await api.raw()
        for key in range(REQUESTS_IN_FLIGHT_MAX):
            await client.send_text(request("hold", key, key=str(key)))
        await api.desk.accepted(REQUESTS_IN_FLIGHT_MAX)
        for _ in range(2 * INBOX_FRAMES_MAX):
            await client.send_text(request("echo", 1))
        await api.reading_stopped()
        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(api.server.stop)
                assert (await client.closing()).code == 1001
        assert len(api.desk.calls) == REQUESTS_IN_FLIGHT_MAX


@pytest.mark.usefixtures("waiting_long")
async def test_stopping_does_not_wait_for_a_half_open_handshake() -> None:
    async with serving(open_timeout_seconds=60) as api:
        client = await api.tcp()
        await client.send(head()[:40])
        await wait_all_tasks_blocked(0.01)
        with trio.fail_after(PATIENCE_SECONDS):
            await api.server.stop()
        await client.ended()


async def test_stopping_waits_only_a_little_for_a_client_that_never_reads() -> None:
    async with serving() as api:
        await api.never_reading()
        with trio.fail_after(PATIENCE_SECONDS):
            await api.server.stop()
        await api.settled()


async def test_stopping_twice_is_stopping_once(api: Api) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(api.server.stop)
            nursery.start_soon(api.server.stop)
        await api.server.stop()


async def test_cancelling_closes_abruptly(nursery: trio.Nursery) -> None:
    running: list[Api] = []
    started = trio.Event()
    scope = trio.CancelScope()

    async def run() -> None:
        with scope:
            async with serving() as api:
                running.append(api)
                started.set()
                await trio.sleep_forever()

    nursery.start_soon(run)
    await started.wait()
    client = RawClient(await trio.open_tcp_stream("127.0.0.1", running[0].port))
    await client.send(head())
    assert (await client.read_head()).status == 101
    scope.cancel()
    await client.ended()
