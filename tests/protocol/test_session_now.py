"""Requests that are taken in at once, without a task that waits: nothing is lost, doubled or
reordered when that is not possible, and the writer is woken when it is needed."""

import os

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from websockets.frames import TEXT, Frame

from protocol.dispatch import Dispatcher
from protocol.flusher import Flusher
from protocol.limits import REQUESTS_IN_FLIGHT_MAX
from protocol.session import Session
from tests.protocol.peers import METHODS, Desk, request, serving, take


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def session(desk: Desk) -> Session:
    return Session(Dispatcher(desk, METHODS), "default")


# --- taking in --------------------------------------------------------------------------------


async def test_a_request_is_accepted_at_once(session: Session, desk: Desk) -> None:
    assert session.receive_now(request("echo", 1, text="a"))
    assert len(desk.calls) == 1
    assert await take(session) == [{"jsonrpc": "2.0", "id": 1, "result": {"text": "a"}}]


async def test_what_is_refused_is_answered_at_once(session: Session, desk: Desk) -> None:
    assert session.receive_now("garbage")
    assert session.receive_now(request("unheard", 1))
    assert [answer["error"]["code"] for answer in await take(session)] == [-32700, -32601]
    assert desk.calls == []


async def test_a_batch_takes_its_time(session: Session, desk: Desk) -> None:
    assert not session.receive_now(f" [{request('echo', 1)}]")
    assert desk.calls == []


async def test_with_a_full_service_nothing_was_done(session: Session, desk: Desk) -> None:
    desk.waiting = True
    desk.shut()
    for _ in range(2 * REQUESTS_IN_FLIGHT_MAX):  # more than could ever be in flight
        assert not session.receive_now(request("hold", 1, key="a"))
    desk.reopen()
    assert desk.calls == []
    assert session.receive_now(request("hold", 1, key="a"))
    assert session.receive_now(request("$/cancelRequest", 2, id=1))
    assert desk.withdrawn[0] is desk.calls[0], "its id names this call and no earlier one"


async def test_with_too_many_in_flight_nothing_was_done(session: Session, desk: Desk) -> None:
    for number in range(REQUESTS_IN_FLIGHT_MAX):
        assert session.receive_now(request("hold", number, key=str(number)))
    assert not session.receive_now(request("echo", "late"))
    assert len(desk.calls) == REQUESTS_IN_FLIGHT_MAX
    desk.release("0")
    await take(session)
    session.sent()
    assert session.receive_now(request("echo", "late"))


async def test_after_its_end_a_session_takes_nothing(session: Session, desk: Desk) -> None:
    session.close()
    assert not session.receive_now(request("echo", 1))
    assert desk.calls == []


async def test_nothing_overtakes_a_request_that_had_to_wait() -> None:
    """In each round the service opens in the very turn of the loop in which another request comes,
    so that this one could be taken in before the reader goes on with the first."""
    async with serving() as api:
        client = await api.raw()
        await wait_all_tasks_blocked()
        for first in range(1, 41, 2):
            api.desk.shut()
            await client.send_text(request("echo", first))
            await wait_all_tasks_blocked()
            second = Frame(TEXT, request("echo", first + 1).encode()).serialize(mask=True)
            os.write(client.stream.socket.fileno(), second)
            api.desk.reopen()
            assert [(await client.message())["id"] for _ in range(2)] == [first, first + 1]


async def test_nothing_overtakes_a_batch_of_the_same_packet() -> None:
    async with serving() as api:
        client = await api.raw()
        await wait_all_tasks_blocked()
        frames = [f"[{request('echo', 1)}]", request("echo", 2), request("echo", 3)]
        await client.send(b"".join(Frame(TEXT, f.encode()).serialize(mask=True) for f in frames))
        first, *others = [await client.message() for _ in range(3)]
        assert (first[0]["id"], [answer["id"] for answer in others]) == (1, [2, 3])


# --- sending ----------------------------------------------------------------------------------


async def test_waking_lets_the_writer_return_once_with_nothing(session: Session) -> None:
    session.wake()
    assert await take(session) == []
    with trio.move_on_after(0) as scope:
        await session.next_frames()
    assert scope.cancelled_caught


async def test_who_writes_through_is_told_instead_of_the_writer(session: Session) -> None:
    told: list[str] = []
    session.write_through(lambda: told.append("something"))
    session.receive_now(request("echo", 1))
    session.receive_now(request("shout", 2, times=1, size=1))
    assert told == ["something"] * 3, "two replies and a notification"
    assert len(session.take_frames()) == 3
    assert session.take_frames() == []


class Recorder:
    def __init__(self) -> None:
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1


async def test_whoever_is_announced_is_asked_once_a_turn(nursery: trio.Nursery) -> None:
    flusher, one, other = Flusher(), Recorder(), Recorder()
    nursery.start_soon(flusher.run)
    for connection in (one, other, one):
        flusher.announce(connection)
    await wait_all_tasks_blocked()
    assert (one.flushed, other.flushed) == (1, 1)
    flusher.announce(one)
    await wait_all_tasks_blocked()
    assert (one.flushed, other.flushed) == (2, 1)
