"""Who may come in: hosts, origins, tokens."""

import http
import json
from typing import Any

import pytest

from protocol.gate import Gate, Refusal, is_loopback
from protocol.methods import Role

TOKEN = "correct horse battery staple"


def admit(gate: Gate, path: str = "/", **headers: str) -> Role:
    given = {"Host": "localhost", **headers}
    return gate.admit(given.get, path)


def refusal(gate: Gate, path: str = "/", **headers: str) -> Refusal:
    with pytest.raises(Refusal) as error:
        admit(gate, path, **headers)
    assert "\n" not in error.value.message
    return error.value


# --- hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:3335",
        "127.0.0.1",
        "127.0.0.1:3335",
        "127.1.2.3:1",
        "[::1]",
        "[::1]:3335",
    ],
)
def test_a_loopback_port_expects_loopback_hosts(host: str) -> None:
    assert admit(Gate(), Host=host) is Role.ADMIN


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "[2001:db8::1]",
        "localhost, evil.example",
        "localhost:3335, evil.example",
        "evil.example, localhost",
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost/path",
        "localhost?query",
        "localhost#fragment",
        "localhost\\evil.example",
        "localhost evil.example",
        "localhost:port",
        "localhost:3335:3335",
        "[::1",
        "::1",
        "[localhost]",
        "lo\ncalhost",
        "localhost\n",
        "2130706433",
        "0x7f.1",
    ],
)
def test_a_loopback_port_turns_everything_else_away(host: str) -> None:
    error = refusal(Gate(), Host=host)
    assert error.status is http.HTTPStatus.MISDIRECTED_REQUEST
    assert "localhost" in error.message
    assert "--allowed-host" in error.message


def test_a_missing_host_is_turned_away() -> None:
    def no_header(_name: str) -> str | None:
        return None

    with pytest.raises(Refusal):
        Gate().admit(no_header, "/")


def test_a_public_port_takes_addresses_and_its_own_names() -> None:
    """An address cannot be rebound, a name can."""
    gate = Gate(host="0.0.0.0", names=frozenset({"build.example"}))
    for host in ("192.168.1.7:3335", "[2001:db8::1]", "build.example", "Build.Example:3335"):
        assert admit(gate, Host=host) is Role.ADMIN
    for host in ("evil.example", "xbuild.example", "build.example.evil.example"):
        assert refusal(gate, Host=host).status is http.HTTPStatus.MISDIRECTED_REQUEST


def test_the_name_that_a_port_is_bound_to_is_expected() -> None:
    assert admit(Gate(host="Build.example"), Host="build.example:3335") is Role.ADMIN


# --- origins ----------------------------------------------------------------------------------

PAGE = "http://localhost:3333"


def test_programs_send_no_origin_and_come_in() -> None:
    assert admit(Gate(origins=frozenset({PAGE}))) is Role.ADMIN


def test_a_page_that_is_named_comes_in() -> None:
    assert admit(Gate(origins=frozenset({PAGE})), Origin=PAGE) is Role.ADMIN


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3334",
        "https://localhost:3333",
        "http://localhost:3333.evil.example",
        "http://localhost:3333/",
        "HTTP://localhost:3333",
        "null",
        "",
        f"{PAGE}, {PAGE}",
        f"{PAGE} ",
    ],
)
def test_every_other_page_is_turned_away(origin: str) -> None:
    error = refusal(Gate(origins=frozenset({PAGE})), Origin=origin)
    assert error.status is http.HTTPStatus.FORBIDDEN
    assert "--allowed-origin" in error.message


def test_a_page_is_turned_away_even_with_the_token() -> None:
    gate = Gate(token=TOKEN)
    headers = {"Origin": "http://evil.example", "Authorization": f"Bearer {TOKEN}"}
    assert refusal(gate, **headers).status is http.HTTPStatus.FORBIDDEN


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_the_token_lets_in(given: str) -> None:
    assert admit(Gate(token=TOKEN), Authorization=given) is Role.ADMIN


@pytest.mark.parametrize(
    "given",
    [
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        "Bearer \xff\u20ac",
    ],
)
def test_a_wrong_token_does_not(given: str) -> None:
    error = refusal(Gate(token=TOKEN), Authorization=given)
    assert error.status is http.HTTPStatus.UNAUTHORIZED
    assert "token is wrong" in error.message
    assert "TASK_COORDINATOR_TOKEN" in error.message
    assert TOKEN not in error.message


def test_without_a_token_one_is_asked_for() -> None:
    error = refusal(Gate(token=TOKEN))
    assert error.status is http.HTTPStatus.UNAUTHORIZED
    assert "A token is needed" in error.message


def test_only_health_can_be_seen_without_the_token() -> None:
    gate = Gate(token=TOKEN)
    for path in ("/api/health", "/api/health?x=1"):
        assert admit(gate, path) is Role.ADMIN
    for path in ("/", "/openrpc.json", "/api/health/", "/api/healthy", "/?/api/health"):
        assert refusal(gate, path).status is http.HTTPStatus.UNAUTHORIZED


def test_health_too_wants_an_expected_host() -> None:
    assert refusal(Gate(), "/api/health", Host="evil.example").status == 421


def test_the_token_is_not_shown_by_repr() -> None:
    assert TOKEN not in repr(Gate(token=TOKEN))


# --- what is said -----------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Host", "Origin"])
def test_a_refusal_shows_what_came_escaped_and_cut(header: str) -> None:
    message = refusal(Gate(), **{header: "\x1b[31m\r\n\u202e" + "x" * 10_000}).message
    assert message.isprintable()
    assert len(message) < 300
    json.dumps(message)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback_is_what_stays_on_this_machine(host: str, local: Any) -> None:
    assert is_loopback(host) is local
