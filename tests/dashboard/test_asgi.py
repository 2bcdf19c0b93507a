"""Requests as ASGI tells them: headers, bodies within bounds, and answers that always get out."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from dashboard.asgi import (
    DISCARDED_BYTES_MAX,
    ClientGone,
    Message,
    Request,
    read_body,
    send_response,
    text_response,
)
from protocol.gate import Refusal


class Line:
    """The connection below; counts how often something was taken."""

    def __init__(self) -> None:
        self.taken_count = 0

    def taken(self) -> None:
        self.taken_count += 1

    def abort(self) -> None:
        raise AssertionError("nothing here ends a connection")


def a_request(*headers: tuple[bytes, bytes], query: bytes = b"") -> Request:
    return Request(
        {
            "method": "POST",
            "path": "/rpc",
            "http_version": "1.1",
            "query_string": query,
            "headers": headers,
            "state": {"wire": Line()},
        }
    )


def chunk(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def read(messages: Sequence[Message], bytes_max: int = 10) -> bytes:
    send, receive = trio.open_memory_channel[Message](len(messages))
    for message in messages:
        send.send_nowait(message)
    return await read_body(a_request(), receive.receive, bytes_max)


def test_a_repeated_header_cannot_hide() -> None:
    request = a_request((b"host", b"localhost"), (b"Host", b"evil.example"))
    assert request.header("Host") == "localhost, evil.example"
    assert request.header("Origin") is None


def test_a_query_is_decoded() -> None:
    request = a_request(query=b"ticket=a%2Bb&ticket=c&empty=")
    assert request.query("ticket") == "a+b"
    assert request.query("other") is None


async def test_a_body_in_parts_is_put_together() -> None:
    assert await read([chunk(b"01234"), chunk(b""), chunk(b"56789", more=False)]) == b"0123456789"


async def test_a_body_one_byte_too_long_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        await read([chunk(b"01234567890", more=False)])
    assert refused.value.status == 413
    assert "10 bytes" in refused.value.message


async def test_a_body_without_end_is_not_read_forever() -> None:
    part = chunk(b"x" * (DISCARDED_BYTES_MAX // 4))
    with trio.fail_after(1), pytest.raises(Refusal) as refused:
        await read([part] * 5)
    assert refused.value.status == 413


async def test_a_body_that_stops_coming_is_refused(autojump_clock: MockClock) -> None:
    del autojump_clock
    with pytest.raises(Refusal) as refused:
        await read([chunk(b"0")])
    assert refused.value.status == 408


async def test_a_client_that_leaves_is_not_answered() -> None:
    with pytest.raises(ClientGone):
        await read([chunk(b"0"), {"type": "http.disconnect"}])


async def test_an_answer_gets_out_while_the_client_is_still_sending() -> None:
    """The server ends an exchange through the queue that the body comes in by."""
    put, take = trio.open_memory_channel[Message](0)
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)
        for _ in range(3):
            await put.send(chunk(b"more"))

    with trio.fail_after(1):
        await send_response(text_response(HTTPStatus.NOT_FOUND, "no"), take.receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
