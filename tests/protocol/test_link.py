"""Calls over a connection that breaks, against a peer that misbehaves on purpose."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from protocol import dialing, link
from protocol.backoff import Backoff
from protocol.dialing import Wire
from protocol.errors import (
    ConnectionLost,
    CoordinatorError,
    LimitExceeded,
    RequestCancelled,
    ShuttingDown,
    TaskNotFound,
)
from protocol.limits import REQUESTS_IN_FLIGHT_MAX
from protocol.link import Link
from protocol.params import Identify
from protocol.urls import address_of
from tests.protocol.peer import PATIENCE_SECONDS, Json, Peer, PeerConnection


@pytest.fixture
async def peer(nursery: trio.Nursery) -> Peer:
    peer = Peer()
    await nursery.start(peer.run)
    return peer


@asynccontextmanager
async def linked(peer: Peer) -> AsyncGenerator[Link]:
    """A running link to the peer, connected or about to be."""
    one = Link(address_of(peer.url), None, Identify(name="me", session_id="s-1"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        with trio.fail_after(2 * PATIENCE_SECONDS):
            yield one
        nursery.cancel_scope.cancel()


class Caller:
    """Calls in the background, and what became of them."""

    def __init__(self, to: Link, nursery: trio.Nursery) -> None:
        self.outcomes: dict[str, Any] = {}
        self._link = to
        self._nursery = nursery
        self._finished = trio.Event()

    def call(self, method: str, **options: Any) -> trio.CancelScope:
        """Start a call under the name of its method; cancel it by the scope."""
        scope = trio.CancelScope()
        self._nursery.start_soon(self._run, method, options, scope)
        return scope

    async def in_order(self, *methods: str, **options: Any) -> None:
        """Start calls of which each is made before the next."""
        for method in methods:
            self.call(method, **options)
            await wait_all_tasks_blocked()

    async def _run(self, method: str, options: Any, scope: trio.CancelScope) -> None:
        outcome: Any = "cancelled"
        with scope:
            try:
                options = {"timeout": None, **options}
                outcome = msgspec.json.decode(await self._link.request(method, {}, **options))
            except CoordinatorError as error:
                outcome = error
        self.outcomes[method] = outcome
        self._finished.set()

    async def wait(self, *methods: str) -> list[Any]:
        """The outcomes of these, once they are there."""
        while not set(methods) <= set(self.outcomes):
            self._finished = trio.Event()
            await self._finished.wait()
        return [self.outcomes[method] for method in methods]


def methods_of(requests: list[Json]) -> list[str]:
    return [request["method"] for request in requests]


def withdrawal_of(request: Json) -> Json:
    """What is sent when nobody waits for an answer any more."""
    return {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request["id"]}}


async def answer_all(connection: PeerConnection, requests: list[Json]) -> None:
    for request in requests:
        await connection.answer(request, request["method"])


# --- one connection ---------------------------------------------------------------------------


async def test_the_first_message_says_who_calls(peer: Peer) -> None:
    async with linked(peer):
        connection = await peer.accept()
        assert connection.identity == {"name": "me", "sessionId": "s-1"}


async def test_answers_may_come_in_any_order(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        await caller.in_order("a", "b", "c")
        requests = await connection.receive_many(3)
        assert methods_of(requests) == ["a", "b", "c"]
        await answer_all(connection, requests[::-1])
        assert await caller.wait("a", "b", "c") == ["a", "b", "c"]


async def test_an_answer_that_comes_twice_is_taken_once(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("a")
        request = await connection.receive()
        await connection.answer(request, 1)
        await connection.answer(request, 2)
        caller.call("b")
        await connection.answer(await connection.receive(), 3)
        assert await caller.wait("a", "b") == [1, 3]


async def test_garbage_between_the_answers_harms_nobody(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("a")
        request = await connection.receive()
        for garbage in ("", "hello", "[]", '{"id": 99, "result": 1}', b"\xff\x00", ["{", "]"]):
            await connection.send_frame(garbage)
        await connection.answer(request, 1)
        assert await caller.wait("a") == [1]
        assert one.connected


async def test_a_refusal_is_raised_as_its_exception(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("get_task")
        await connection.refuse(await connection.receive(), 1001, "task_not_found", taskId="x")
        (error,) = await caller.wait("get_task")
        assert isinstance(error, TaskNotFound)
        assert error.data == {"taskId": "x"}


async def test_a_call_without_an_answer_in_time_is_given_up(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("slow", timeout=0.05)
        request = await connection.receive()
        (error,) = await caller.wait("slow")
        assert isinstance(error, ConnectionLost)
        assert error.message == (
            f"no answer from {peer.url} within 0.05 s "
            "(`slow` was sent and may have been carried out)"
        )
        assert await connection.receive() == withdrawal_of(request)
        # Its late answer must not be taken for that of the next call.
        caller.call("next")
        following = await connection.receive()
        await connection.answer(request, "late")
        await connection.answer(following, "right")
        assert await caller.wait("next") == ["right"]


async def test_a_cancelled_call_leaves_the_others_alone(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("kept")
        kept = await connection.receive()
        scope = caller.call("dropped")
        dropped = await connection.receive()
        scope.cancel()
        assert await caller.wait("dropped") == ["cancelled"]
        assert await connection.receive() == withdrawal_of(dropped)
        await connection.refuse(dropped, RequestCancelled.code, RequestCancelled.reason)
        await answer_all(connection, [dropped, kept])
        assert await caller.wait("kept") == ["kept"]


async def test_a_call_that_was_answered_is_not_withdrawn(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        scope = caller.call("a")
        await connection.answer(await connection.receive(), 1)
        await caller.wait("a")
        scope.cancel()
        await one.notify("next", {}, timeout=None)
        assert methods_of([await connection.receive()]) == ["next"]


async def test_a_call_that_is_cancelled_before_it_was_written_is_not_sent(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = trio.Event()
    send_texts = Wire.send_texts

    async def slow(wire: Wire, messages: Sequence[bytes]) -> None:
        await go_on.wait()
        await send_texts(wire, messages)

    async with linked(peer) as one:
        connection = await peer.accept()
        await one.wait_connected(None)
        monkeypatch.setattr(Wire, "send_texts", slow)
        caller = Caller(one, nursery)
        await caller.in_order("with the writer")
        scope = caller.call("behind it")
        await wait_all_tasks_blocked()
        scope.cancel()
        await caller.wait("behind it")
        go_on.set()
        await one.notify("next", {}, timeout=None)
        assert methods_of(await connection.receive_many(2)) == ["with the writer", "next"]


async def test_a_call_that_is_cancelled_between_two_connections_is_not_sent_again(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        caller = Caller(one, nursery)
        scope = caller.call("dropped")
        await first.receive()
        caller.call("kept")
        await first.receive()
        await peer.stop()
        await one.wait_disconnected()
        scope.cancel()
        await caller.wait("dropped")
        await nursery.start(peer.run)
        second = await peer.accept()
        assert methods_of([await second.receive()]) == ["kept"]
        await one.notify("next", {}, timeout=None)
        assert methods_of([await second.receive()]) == ["next"]


async def test_a_call_that_was_sent_again_is_withdrawn_where_it_waits_now(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        scope = Caller(one, nursery).call("a")
        request = await first.receive()
        await first.drop()
        second = await peer.accept()
        assert await second.receive() == request
        scope.cancel()
        assert await second.receive() == withdrawal_of(request)


async def test_more_calls_than_may_be_in_flight_wait_for_their_turn(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        names = [f"m{number}" for number in range(REQUESTS_IN_FLIGHT_MAX + 2)]
        await caller.in_order(*names)
        requests = await connection.receive_many(REQUESTS_IN_FLIGHT_MAX)
        assert methods_of(requests) == names[:REQUESTS_IN_FLIGHT_MAX]
        # Notifications need no place, so that one shows what was sent before it.
        await one.notify("full", {}, timeout=None)
        assert methods_of([await connection.receive()]) == ["full"]
        await connection.answer(requests[7], "done")
        assert methods_of([await connection.receive()]) == [names[-2]]
        await one.notify("full again", {}, timeout=None)
        assert methods_of([await connection.receive()]) == ["full again"]


async def test_a_call_that_was_never_sent_gives_its_place_back(peer: Peer) -> None:
    async with linked(peer) as one:
        await peer.accept()
        for _ in range(REQUESTS_IN_FLIGHT_MAX + 1):
            with pytest.raises(LimitExceeded):
                await one.request("add_task", {"x": "x" * 2_000_000}, timeout=1)


# --- broken connections -----------------------------------------------------------------------


async def test_calls_without_an_answer_are_sent_again_in_their_order(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        caller = Caller(one, nursery)
        await caller.in_order("a", "b", "c", "d")
        requests = await first.receive_many(4)
        await first.answer(requests[1], "b")
        await caller.wait("b")
        await first.drop()

        second = await peer.accept()
        assert second.identity == first.identity
        again = await second.receive_many(3)
        assert again == [requests[0], requests[2], requests[3]]
        await answer_all(second, again[::-1])
        assert await caller.wait("a", "c", "d") == ["a", "c", "d"]


async def test_calls_that_were_not_written_yet_are_sent_once(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        await one.wait_connected(None)

        async def stuck(_wire: Wire, _messages: list[bytes]) -> None:
            await trio.sleep_forever()

        with monkeypatch.context() as patch:
            patch.setattr(Wire, "send_texts", stuck)
            # The first is with the stuck writer, the others wait behind it.
            await Caller(one, nursery).in_order("a", "b", "c")
        await first.drop()
        second = await peer.accept()
        await one.wait_connected(None)
        await one.notify("end", {}, timeout=None)
        assert methods_of(await second.receive_many(4)) == ["a", "b", "c", "end"]


async def test_calls_made_without_a_connection_wait_for_it(
    peer: Peer, nursery: trio.Nursery
) -> None:
    await peer.stop()
    async with linked(peer) as one:
        caller = Caller(one, nursery)
        await caller.in_order("a", "b")
        await nursery.start(peer.run)
        connection = await peer.accept()
        requests = await connection.receive_many(2)
        assert methods_of(requests) == ["a", "b"]
        await answer_all(connection, requests)
        await caller.wait("a", "b")


async def test_a_call_that_could_be_done_twice_is_not_sent_again(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        caller = Caller(one, nursery)
        await caller.in_order("mystery", resend=False)
        await caller.in_order("known")
        await first.receive_many(2)
        await first.drop()
        (error,) = await caller.wait("mystery")
        assert isinstance(error, ConnectionLost)
        assert "`mystery` was sent and may have been carried out" in error.message
        second = await peer.accept()
        assert methods_of([await second.receive()]) == ["known"]


async def test_a_call_that_could_be_done_twice_is_sent_once_there_is_a_connection(
    peer: Peer, nursery: trio.Nursery
) -> None:
    await peer.stop()
    async with linked(peer) as one:
        caller = Caller(one, nursery)
        await caller.in_order("mystery", resend=False)
        await nursery.start(peer.run)
        connection = await peer.accept()
        await connection.answer(await connection.receive(), 1)
        assert await caller.wait("mystery") == [1]


async def test_a_call_cancelled_while_there_is_no_connection_is_never_sent(
    peer: Peer, nursery: trio.Nursery
) -> None:
    await peer.stop()
    async with linked(peer) as one:
        caller = Caller(one, nursery)
        scope = caller.call("dropped")
        await caller.in_order("kept")
        scope.cancel()
        await caller.wait("dropped")
        await nursery.start(peer.run)
        connection = await peer.accept()
        assert methods_of([await connection.receive()]) == ["kept"]


async def test_a_stopping_server_hands_its_calls_to_the_next_one(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        first = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("a")
        request = await first.receive()
        await first.refuse(request, ShuttingDown.code, ShuttingDown.reason)
        await first.close(1001)
        second = await peer.accept()
        assert await second.receive() == request
        await second.answer(request, 1)
        assert await caller.wait("a") == [1]


async def test_a_connection_that_breaks_during_the_greeting_is_made_again(peer: Peer) -> None:
    peer.greets = False
    async with linked(peer) as one:
        for _ in range(3):
            await (await peer.accept()).drop()
        assert not one.connected
        peer.greets = True
        await peer.accept()
        await one.wait_connected(PATIENCE_SECONDS)


async def make_a_call(one: Link) -> None:
    with pytest.raises(ConnectionLost):
        await one.request("a", {}, timeout=None)


async def wait_for_the_connection(one: Link) -> None:
    await one.wait_connected(None)


@pytest.mark.parametrize("action", [make_a_call, wait_for_the_connection])
async def test_nobody_waits_for_a_long_pause_between_attempts_to_end(
    peer: Peer,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    action: Callable[[Link], Awaitable[None]],
) -> None:
    resting = trio.Event()

    def an_hour(_self: Backoff) -> float:
        resting.set()
        return 3600

    monkeypatch.setattr(Backoff, "next_delay", an_hour)
    await peer.stop()
    async with linked(peer) as one:
        await resting.wait()
        await wait_all_tasks_blocked()
        await nursery.start(peer.run)
        nursery.start_soon(action, one)
        await peer.accept()
        await one.wait_connected(None)
        await one.close()


@pytest.mark.parametrize(("good_seconds", "resets"), [(1000.0, 0), (0.0, 1)])
async def test_only_a_connection_that_lasted_makes_the_pauses_short_again(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, good_seconds: float, resets: int
) -> None:
    found: list[Backoff] = []

    def reset(self: Backoff) -> None:
        found.append(self)

    monkeypatch.setattr(Backoff, "reset", reset)
    monkeypatch.setattr(link, "GOOD_CONNECTION_SECONDS", good_seconds)
    async with linked(peer) as one:
        connection = await peer.accept()
        await one.wait_connected(PATIENCE_SECONDS)
        await connection.drop()
        await peer.accept()
        assert len(found) == resets


async def test_an_answer_beyond_the_bound_ends_the_calls_that_asked_for_it(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "ANSWER_BYTES_MAX", 1000)
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("huge")
        await connection.answer(await connection.receive(), "x" * 2000)
        (error,) = await caller.wait("huge")
        assert isinstance(error, LimitExceeded)
        assert "Ask for less" in error.message
        await peer.accept()


# --- no connection ----------------------------------------------------------------------------


async def test_a_call_that_finds_no_server_in_time_says_how_to_start_one(peer: Peer) -> None:
    await peer.stop()
    async with linked(peer) as one:
        with pytest.raises(ConnectionLost) as lost:
            await one.request("get_task", {}, timeout=0.2)
        assert lost.value.message == (
            f"no server answers at {peer.url}; start one with `task-coordinator serve`"
        )
        assert lost.value.data == {"url": peer.url}


async def test_a_call_caught_by_a_break_says_that_it_may_have_been_done(
    peer: Peer, nursery: trio.Nursery
) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("add_task", timeout=0.3)
        await connection.receive()
        await peer.stop()
        (error,) = await caller.wait("add_task")
        assert "task-coordinator serve" in error.message
        assert "`add_task` was sent and may have been carried out" in error.message


async def test_a_refusing_server_fails_every_call_at_once(
    peer: Peer, nursery: trio.Nursery
) -> None:
    peer.refusal = (401, "")
    async with linked(peer) as one:
        caller = Caller(one, nursery)
        caller.call("waiting")
        (error,) = await caller.wait("waiting")
        assert isinstance(error, ConnectionLost)
        assert "wants a token" in error.message
        assert error.data == {"url": peer.url, "status": 401}
        with pytest.raises(ConnectionLost, match="wants a token"):
            await one.request("later", {}, timeout=None)
        with pytest.raises(ConnectionLost, match="wants a token"):
            await one.wait_connected(None)


class Heard:
    """Implements `protocol.link.Listener`."""

    def __init__(self) -> None:
        self.up = trio.Event()
        self.down = trio.Event()
        self.errors: list[str] = []
        self.news: list[tuple[str, bytes]] = []

    def connected(self) -> None:
        self.up.set()

    def disconnected(self) -> None:
        self.down.set()

    def failed(self, error: ConnectionLost) -> None:
        self.errors.append(error.message)

    def notified(self, method: str, params: msgspec.Raw) -> None:
        self.news.append((method, bytes(params)))


async def test_a_server_that_refused_is_tried_again_in_the_background(
    peer: Peer, nursery: trio.Nursery
) -> None:
    peer.refusal = (403, "")
    async with linked(peer) as one:
        heard = one.listener = Heard()
        with pytest.raises(ConnectionLost, match="403"):
            await one.wait_connected(None)
        peer.refusal = None
        connection = await peer.accept()
        await heard.up.wait()
        caller = Caller(one, nursery)
        caller.call("a")
        await connection.answer(await connection.receive(), 1)
        assert await caller.wait("a") == [1]


async def test_a_listener_hears_of_the_connection_and_of_notifications(peer: Peer) -> None:
    async with linked(peer) as one:
        heard = one.listener = Heard()
        connection = await peer.accept()
        await heard.up.wait()
        await connection.send({"jsonrpc": "2.0", "method": "events", "params": {}})
        await connection.close()
        await heard.down.wait()
        assert heard.news == [("events", b"{}")]
        await one.close()
        assert heard.errors == [f"the connection to {peer.url} was closed by this program"]


async def test_a_server_that_is_no_coordinator_is_called_so(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "OPEN_TIMEOUT_SECONDS", 0.1)
    peer.greets = False
    async with linked(peer) as one:
        with pytest.raises(ConnectionLost, match=r"something else .* does not answer `identify`"):
            await one.wait_connected(None)


@pytest.mark.parametrize("result", [None, 1, {"hello": "world"}])
async def test_a_strange_answer_to_identify_is_no_greeting(peer: Peer, result: Any) -> None:
    peer.greets = False
    async with linked(peer) as one:
        connection = await peer.accept()
        await connection.send({"jsonrpc": "2.0", "id": 1, "result": result})
        with pytest.raises(ConnectionLost, match="something else"):
            await one.wait_connected(None)


async def test_a_refused_greeting_is_passed_on(peer: Peer) -> None:
    peer.greets = False
    async with linked(peer) as one:
        connection = await peer.accept()
        await connection.refuse({"id": 1}, -32602, "invalid_params", "Bad name.")
        with pytest.raises(ConnectionLost, match=r"refuses this client: Bad name\."):
            await one.wait_connected(None)


async def test_a_server_that_hangs_is_said_to_be_silent(nursery: trio.Nursery, peer: Peer) -> None:
    async def say_nothing(_stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, say_nothing, listeners)
    peer.port = listeners[0].socket.getsockname()[1]
    async with linked(peer) as one:
        with pytest.raises(ConnectionLost, match=r"nothing answers at .* within 0\.1 s"):
            await one.wait_connected(0.1)


# --- notifications and closing ----------------------------------------------------------------


async def test_closing_writes_what_waits_and_then_says_goodbye(peer: Peer) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        await one.wait_connected(None)
        await one.notify("add_task", {"id": "a"}, timeout=None)
        await one.close()
        assert await connection.receive() == {
            "jsonrpc": "2.0",
            "method": "add_task",
            "params": {"id": "a"},
        }
        await connection.wait_closed()
        assert connection.close_code == 1000


async def test_a_notification_waits_for_a_connection(peer: Peer, nursery: trio.Nursery) -> None:
    await peer.stop()
    async with linked(peer) as one:
        with pytest.raises(ConnectionLost, match="task-coordinator serve"):
            await one.notify("add_task", {"id": "early"}, timeout=0.2)
        await nursery.start(peer.run)
        await one.notify("add_task", {"id": "a"}, timeout=None)
        connection = await peer.accept()
        assert (await connection.receive())["params"] == {"id": "a"}


async def test_notifications_wait_while_too_many_are_unwritten(
    peer: Peer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        await one.wait_connected(None)
        unblocked = trio.Event()
        send_texts = Wire.send_texts

        async def blocked(wire: Wire, messages: list[bytes]) -> None:
            await unblocked.wait()
            await send_texts(wire, messages)

        monkeypatch.setattr(Wire, "send_texts", blocked)
        accepted: list[int] = []

        async def notify_all() -> None:
            for number in range(3 * REQUESTS_IN_FLIGHT_MAX):
                await one.notify("n", {"number": number}, timeout=None)
                accepted.append(number)

        nursery.start_soon(notify_all)
        await wait_all_tasks_blocked()
        assert len(accepted) <= 2 * REQUESTS_IN_FLIGHT_MAX
        unblocked.set()
        received = await connection.receive_many(3 * REQUESTS_IN_FLIGHT_MAX)
        assert [request["params"]["number"] for request in received] == list(range(len(received)))


async def test_calls_that_wait_when_it_closes_hear_so(peer: Peer, nursery: trio.Nursery) -> None:
    async with linked(peer) as one:
        connection = await peer.accept()
        caller = Caller(one, nursery)
        caller.call("a")
        await connection.receive()
        await one.close()
        (error,) = await caller.wait("a")
        assert isinstance(error, ConnectionLost)
        assert "was closed by this program" in error.message
        await one.close()
        actions: list[Callable[[], Any]] = [
            lambda: one.request("b", {}, timeout=None),
            lambda: one.wait_connected(None),
            lambda: one.notify("b", {}, timeout=None),
        ]
        for action in actions:
            with pytest.raises(ConnectionLost, match="was closed by this program"):
                await action()


async def test_closing_without_a_connection_is_done_at_once(peer: Peer) -> None:
    await peer.stop()
    async with linked(peer) as one:
        with trio.fail_after(0.5):
            await one.close()
