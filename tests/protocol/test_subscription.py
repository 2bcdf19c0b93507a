"""Event streams over connections that break, against a peer that misbehaves on purpose."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from protocol import subscription
from protocol.client import Client, EventStream, connect
from protocol.errors import ConnectionLost, CoordinatorError, LimitExceeded
from tests.protocol.peer import PATIENCE_SECONDS, TIME, Json, Peer, PeerConnection


@pytest.fixture
async def peer(nursery: trio.Nursery) -> Peer:
    peer = Peer()
    await nursery.start(peer.run)
    return peer


@asynccontextmanager
async def connected(peer: Peer) -> AsyncGenerator[tuple[Client, PeerConnection]]:
    with trio.fail_after(2 * PATIENCE_SECONDS):
        async with connect(peer.url, request_timeout=PATIENCE_SECONDS) as client:
            yield client, await peer.accept()


async def subscribe(
    connection: PeerConnection, subscription_id: str, seq: int, **params: Any
) -> None:
    """Answer the `subscribe` that is expected next."""
    request = await connection.receive()
    assert (request["method"], request["params"]) == ("subscribe", params)
    await connection.answer(request, {"subscription": subscription_id, "seq": seq})


async def unsubscribed(connection: PeerConnection) -> str:
    """The subscription that the notification expected next ends."""
    request = await connection.receive()
    assert request["method"] == "unsubscribe"
    assert "id" not in request
    ended: str = request["params"]["subscription"]
    return ended


async def take(stream: EventStream, count: int) -> list[int]:
    return [(await anext(stream)).seq for _ in range(count)]


async def test_events_arrive_in_order_from_the_subscription_on(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 7)
        async with client.events() as stream:
            assert stream.seq == 7
            await connection.notify("s", [8, 9])
            await connection.notify("s", [10])
            assert await take(stream, 3) == [8, 9, 10]
        assert await unsubscribed(connection) == "s"


async def test_since_types_and_task_narrow_the_subscription(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, connection):

        async def serve() -> None:
            await subscribe(connection, "s", 9, since=3, types=["task_done"], taskId="a")

        nursery.start_soon(serve)
        async with client.events(since=3, types=["task_done"], task_id="a") as stream:
            assert stream.seq == 3


async def test_events_right_behind_the_answer_are_not_lost(
    peer: Peer, nursery: trio.Nursery
) -> None:
    """They may come in the same read, before the subscriber's task runs again."""
    async with connected(peer) as (client, connection):

        async def serve() -> None:
            await subscribe(connection, "s", 0)
            await connection.notify("s", [1, 2])

        nursery.start_soon(serve)
        async with client.events() as stream:
            assert await take(stream, 2) == [1, 2]


async def test_a_broken_connection_makes_neither_gap_nor_repeat(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, first):
        nursery.start_soon(subscribe, first, "s", 0)
        async with client.events() as stream:
            await first.notify("s", [1, 2, 3])
            # One is read before the break, two are still in the buffer.
            assert await take(stream, 1) == [1]
            await first.drop()
            second = await peer.accept()

            async def serve() -> None:
                request = await second.receive()
                assert request["params"] == {"since": 3}
                await second.answer(request, {"subscription": "t", "seq": 5})
                await second.notify("t", [3, 4])
                await second.notify("s", [99])
                await second.notify("t", [4, 5, 6])

            nursery.start_soon(serve)
            assert await take(stream, 5) == [2, 3, 4, 5, 6]


async def test_a_break_before_the_first_event_loses_nothing(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, first):
        nursery.start_soon(subscribe, first, "s", 7)
        async with client.events() as stream:
            await first.drop()
            second = await peer.accept()

            async def serve() -> None:
                await subscribe(second, "t", 9, since=7)
                await second.notify("t", [8, 9])

            nursery.start_soon(serve)
            assert await take(stream, 2) == [8, 9]


async def test_a_break_before_the_answer_subscribes_once_again(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, first):

        async def serve() -> None:
            asked = await first.receive()
            await first.drop()
            second = await peer.accept()
            assert await second.receive() == asked
            await second.answer(asked, {"subscription": "t", "seq": 4})
            await second.notify("t", [5])

        nursery.start_soon(serve)
        async with client.events() as stream:
            assert stream.seq == 4
            assert await take(stream, 1) == [5]


async def test_a_slow_reader_gets_every_event_from_a_bounded_buffer(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "BUFFERED_EVENTS_MAX", 3)
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            await connection.notify("s", [1, 2, 3, 4, 5])
            assert await unsubscribed(connection) == "s"
            # The server had more on its way before it heard.
            await connection.notify("s", [6, 7])
            await wait_all_tasks_blocked()

            async def serve() -> None:
                await subscribe(connection, "t", 7, since=3)
                await connection.notify("t", [4, 5, 6])

            nursery.start_soon(serve)
            assert await take(stream, 6) == [1, 2, 3, 4, 5, 6]


async def test_two_streams_do_not_disturb_each_other(peer: Peer, nursery: trio.Nursery) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as one:

            async def serve() -> None:
                await subscribe(connection, "t", 9, since=8)
                await connection.notify("t", [9])
                await connection.notify("s", [1])
                await connection.notify("t", [10])

            nursery.start_soon(serve)
            async with client.events(since=8) as other:
                assert await take(other, 2) == [9, 10]
            assert await take(one, 1) == [1]


async def test_calls_go_on_while_a_reader_does_not_read(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "BUFFERED_EVENTS_MAX", 1)
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events():
            await connection.notify("s", [1, 2])
            await unsubscribed(connection)

            async def serve() -> None:
                await connection.answer(await connection.receive(), {"task": {}})

            nursery.start_soon(serve)
            assert await client.call("get_task", {"taskId": "a"}) == {"task": {}}


async def test_events_of_unknown_kinds_are_left_out(peer: Peer, nursery: trio.Nursery) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            events: list[Json] = [
                {"seq": 1, "time": TIME, "type": "task_added"},
                {"seq": 2, "time": TIME, "type": "task_teleported"},
                {"seq": 3, "time": TIME, "type": "task_done", "status": "done"},
            ]
            params = {"subscription": "s", "events": events}
            await connection.send({"jsonrpc": "2.0", "method": "events", "params": params})
            assert await take(stream, 2) == [1, 3]


@pytest.mark.parametrize(
    "message",
    [
        {"method": "events"},
        {"method": "events", "params": []},
        {"method": "events", "params": {"subscription": "s"}},
        {"method": "events", "params": {"subscription": "s", "events": 1}},
        {"method": "events", "params": {"subscription": 5, "events": []}},
        {"method": "weather", "params": {"subscription": "s", "events": []}},
    ],
)
async def test_malformed_notifications_are_ignored(
    peer: Peer, nursery: trio.Nursery, message: Json
) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            await connection.send({"jsonrpc": "2.0", **message})
            await connection.notify("s", [1])
            assert await take(stream, 1) == [1]


async def test_a_refused_subscription_is_raised_at_the_door(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, connection):

        async def serve() -> None:
            request = await connection.receive()
            await connection.refuse(request, LimitExceeded.code, LimitExceeded.reason, limit=100)

        nursery.start_soon(serve)
        with pytest.raises(LimitExceeded):
            async with client.events():
                pytest.fail("it was refused")


async def test_a_subscription_refused_later_ends_the_stream_after_what_is_buffered(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, first):
        nursery.start_soon(subscribe, first, "s", 0)
        async with client.events() as stream:
            await first.notify("s", [1, 2])
            assert await take(stream, 1) == [1]
            await first.drop()
            second = await peer.accept()
            request = await second.receive()
            await second.refuse(request, LimitExceeded.code, LimitExceeded.reason)
            assert await take(stream, 1) == [2]
            for _ in range(2):
                with pytest.raises(LimitExceeded):
                    await anext(stream)


async def test_a_server_with_another_history_ends_the_stream(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, first):
        nursery.start_soon(subscribe, first, "s", 120)
        async with client.events() as stream:
            await first.drop()
            second = await peer.accept()
            await subscribe(second, "t", 3, since=120)
            with pytest.raises(ConnectionLost, match=r"ends at event 3, but event 120 was seen"):
                await anext(stream)
            assert await unsubscribed(second) == "t"


async def test_an_answer_that_makes_no_sense_ends_the_stream(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, connection):

        async def serve() -> None:
            await connection.answer(await connection.receive(), {"subscription": 5})

        nursery.start_soon(serve)
        with pytest.raises(CoordinatorError, match="makes no sense"):
            async with client.events():
                pytest.fail("there is no subscription")


async def test_a_subscription_without_an_answer_in_time_is_given_up(peer: Peer) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with connect(peer.url, request_timeout=0.1) as client:
            connection = await peer.accept()
            with pytest.raises(ConnectionLost, match=r"no answer .* within 0\.1 s"):
                async with client.events():
                    pytest.fail("there is no subscription")
            # The answer that comes after all must not leave a subscription behind.
            await subscribe(connection, "s", 0)
            assert await unsubscribed(connection) == "s"


async def test_a_refusing_server_ends_the_stream(peer: Peer, nursery: trio.Nursery) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            peer.refusal = (401, "")
            await connection.drop()
            with pytest.raises(ConnectionLost, match="token"):
                await anext(stream)


async def test_a_reader_of_a_closed_client_hears_so(peer: Peer, nursery: trio.Nursery) -> None:
    closed = trio.Event()

    async def read(stream: EventStream) -> None:
        with pytest.raises(ConnectionLost, match="closed by this program"):
            await anext(stream)
        closed.set()

    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            nursery.start_soon(read, stream)
            await wait_all_tasks_blocked()
    with trio.fail_after(PATIENCE_SECONDS):
        await closed.wait()


async def test_reading_can_be_cancelled_also_while_events_are_there(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with connected(peer) as (client, connection):
        nursery.start_soon(subscribe, connection, "s", 0)
        async with client.events() as stream:
            await connection.notify("s", [1, 2])
            assert await take(stream, 1) == [1]
            with trio.CancelScope() as scope:
                scope.cancel()
                await anext(stream)
            assert scope.cancelled_caught
            assert await take(stream, 1) == [2]
