"""Paths, headers and the order of the checks, on real servers."""

import re
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ResponseReceived
from websockets.exceptions import InvalidStatus
from websockets.trio.client import ClientConnection

from tests.dashboard.web import (
    JSON_TYPE,
    TOKEN,
    Site,
    call,
    closing,
    dashboard_site,
    request,
)
from tests.servers import running_server

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
BEARER = ("Authorization", f"Bearer {TOKEN}")


async def refusal_of(opening: AbstractAsyncContextManager[ClientConnection]) -> tuple[int, str]:
    """Status and text with which the opening of a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with opening:
            pass
    response = refused.value.response
    assert response.body is not None
    return response.status_code, response.body.decode()


# --- the page ---------------------------------------------------------------------------------


async def test_the_page_and_everything_it_names_is_served(site: Site) -> None:
    page = await site.ask("GET", "/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    to_load = set(re.findall(r'(?:src|href)="(/[^"]*)"', page.text))
    loaded: set[str] = set()
    while to_load:
        path = to_load.pop()
        loaded.add(path)
        part = await site.ask("GET", path)
        assert part.status == 200, path
        if path.endswith(".js"):
            assert part.headers["content-type"] == "text/javascript; charset=utf-8"
            names = re.findall(r'from "\./([^"]*)"', part.text)
            to_load |= {f"/static/{name}" for name in names} - loaded
    assert {"/static/style.css", "/static/app.js", "/static/rpc.js", "/static/icon.svg"} <= loaded


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/app.js", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/", 405),
        ("POST", "/rpc", 415),
        ("POST", "/ticket", 204),
    ],
)
async def test_every_answer_has_the_strict_headers(
    site: Site, method: str, path: str, status: int
) -> None:
    answer = await site.ask(method, path)
    assert answer.status == status
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] in {"no-store", "no-cache"}
    assert "server" not in answer.headers


async def test_head_answers_as_get_without_the_body(site: Site) -> None:
    got, head = await site.ask("GET", "/"), await site.ask("HEAD", "/")
    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-length"] == str(len(got.body))
    assert head.headers["etag"] == got.headers["etag"]


async def test_a_page_that_the_browser_has_is_not_sent_again(site: Site) -> None:
    etag = (await site.ask("GET", "/static/app.js")).headers["etag"]
    answer = await site.ask("GET", "/static/app.js", ("If-None-Match", etag))
    assert answer.status == 304
    assert answer.body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/static/",
        "/static/nothing.js",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/app.py",
        "/rpcx",
        "/rpc/other",
        "/rpc/projects/",
        "/rpc/projects/NO%20NAME",
        "/favicon.ico",
    ],
)
async def test_whatever_is_not_known_is_not_there(site: Site, path: str) -> None:
    answer = await site.ask("GET", path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/static/app.js", "GET, HEAD"),
        ("OPTIONS", "/rpc", "POST"),
        ("GET", "/rpc", "POST"),
        ("GET", "/rpc/projects/p", "POST"),
        ("GET", "/ticket", "POST"),
    ],
)
async def test_another_method_is_told_which_ones_there_are(
    site: Site, method: str, path: str, allowed: str
) -> None:
    answer = await site.ask(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed


# --- who may come in --------------------------------------------------------------------------


async def test_an_unexpected_host_is_refused_everywhere(site: Site, project: str) -> None:
    page = await site.ask("GET", "/", host="evil.example")
    assert page.status == 421
    assert "--allowed-host" in page.text
    posted = await site.ask("POST", "/rpc", JSON_TYPE, body=b"{}", host="evil.example")
    assert posted.status == 421
    two_hosts = await site.ask("GET", "/", host="localhost, evil.example")
    assert two_hosts.status == 421
    socket = site.socket(f"/rpc/projects/{project}", host="evil.example")
    assert (await refusal_of(socket))[0] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null"])
async def test_pages_of_other_sites_are_refused(site: Site, project: str, origin: str) -> None:
    posted = await site.post(request("get_workers"), project, ("Origin", origin))
    assert posted.status == 403
    assert "--allowed-origin" in posted.text
    status, text = await refusal_of(site.socket(f"/rpc/projects/{project}", origin=origin))
    assert status == 403
    assert "--allowed-origin" in text


@pytest.mark.parametrize("address", ["localhost:8080", "127.0.0.1:8080", "localhost:{port}"])
async def test_the_page_itself_comes_in_also_through_a_forwarded_port(
    site: Site, project: str, address: str
) -> None:
    host = address.format(port=site.port)
    body = b'{"jsonrpc": "2.0", "method": "get_workers", "id": 1}'
    headers = (("Origin", f"http://{host}"), JSON_TYPE)
    posted = await site.ask("POST", f"/rpc/projects/{project}", *headers, body=body, host=host)
    assert posted.status == 200
    opening = site.socket(f"/rpc/projects/{project}", origin=f"http://{host}", host=host)
    async with opening as socket:
        assert (await call(socket, "get_workers"))["total"] == 5


async def test_without_a_token_the_page_loads_and_nothing_else(
    guarded_site: Site, project: str
) -> None:
    assert (await guarded_site.ask("GET", "/")).status == 200
    assert (await guarded_site.ask("GET", "/static/app.js")).status == 200
    posted = await guarded_site.post(request("get_workers"), project)
    assert posted.status == 401
    assert posted.headers["www-authenticate"] == "Bearer"
    ticket = await guarded_site.ask("POST", "/ticket", ("Authorization", "Bearer wrong-token"))
    assert ticket.status == 401
    status, text = await refusal_of(guarded_site.socket())
    assert status == 401
    assert "token" in text


async def test_the_token_opens_post_and_socket_for_scripts(
    guarded_site: Site, project: str
) -> None:
    posted = await guarded_site.post(request("get_workers"), project, BEARER)
    assert posted.json()["result"]["total"] == 5
    async with guarded_site.socket(headers=dict([BEARER])) as socket:
        assert (await call(socket, "get_workers"))["total"] == 5


async def test_a_ticket_opens_one_socket(guarded_site: Site) -> None:
    ticket = (await guarded_site.ask("POST", "/ticket", BEARER)).json()["ticket"]
    async with guarded_site.socket(f"/rpc?ticket={ticket}") as socket:
        assert (await call(socket, "get_workers"))["total"] == 5
    status, text = await refusal_of(guarded_site.socket(f"/rpc?ticket={ticket}"))
    assert status == 401
    assert "/ticket" in text


async def test_a_ticket_opens_nothing_to_pages_of_other_sites(guarded_site: Site) -> None:
    ticket = (await guarded_site.ask("POST", "/ticket", BEARER)).json()["ticket"]
    foreign = guarded_site.socket(f"/rpc?ticket={ticket}", origin="http://evil.example")
    assert (await refusal_of(foreign))[0] == 403


async def test_without_a_token_no_ticket_is_needed(site: Site) -> None:
    assert (await site.ask("POST", "/ticket")).status == 204
    async with site.socket("/rpc?ticket=whatever") as socket:
        assert (await call(socket, "get_workers"))["total"] == 5


async def test_a_socket_elsewhere_is_told_where_it_is(site: Site) -> None:
    status, text = await refusal_of(site.socket("/"))
    assert (status, text) == (404, "The WebSocket is at /rpc.\n")


async def test_one_socket_too_many_is_refused_until_another_ends() -> None:
    async with dashboard_site(sockets_max=1) as site:
        async with site.socket() as first:
            await call(first, "get_workers")
            status, text = await refusal_of(site.socket())
            assert status == 503
            assert "taken" in text
        async with site.socket() as second:
            await call(second, "get_workers")


async def test_http_2_is_refused_instead_of_half_supported(site: Site) -> None:
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    asked = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]
    client.send_headers(1, asked, end_stream=True)
    status = None
    with trio.fail_after(5):
        async with await site.dial() as stream:
            await stream.send_all(client.data_to_send())
            while status is None:
                for event in client.receive_data(await stream.receive_some()):
                    if isinstance(event, ResponseReceived):
                        status = dict(event.headers)[b":status"]
    assert status == b"505"


# --- the end ----------------------------------------------------------------------------------


async def test_on_shutdown_sockets_are_closed_with_1001_within_a_second() -> None:
    shutdown = trio.Event()
    async with dashboard_site(shutdown=shutdown) as site:
        async with site.socket() as socket, await site.dial():
            await call(socket, "subscribe")
            shutdown.set()
            with trio.fail_after(1):
                code, reason = await closing(socket)
        assert (code, reason) == (1001, "the server is stopping")


async def test_a_stopping_server_says_goodbye_to_an_open_page(tmp_path: Path) -> None:
    async with running_server(tmp_path / "tasks.db", "--dashboard-port", "0") as server:
        site = Site(server.announced["dashboardPort"])
        async with site.socket() as socket:
            await call(socket, "subscribe")
            server.process.send_signal(signal.SIGTERM)
            with trio.fail_after(1):
                assert (await closing(socket))[0] == 1001
        with trio.fail_after(5):
            assert await server.process.wait() == 0


async def test_a_dashboard_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    taken = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = taken[0].socket.getsockname()[1]
    command = [sys.executable, "-m", "task_coordinator", "serve", "--port", "0"]
    command += ["--dashboard-port", str(port), "--database", str(tmp_path / "tasks.db")]
    with trio.fail_after(20):
        ended = await trio.run_process(command, capture_stderr=True, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.decode().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "--dashboard-port" in line
    await taken[0].aclose()
