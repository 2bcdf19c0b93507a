"""A connection that comes back by itself, and the calls that survive its breaks.

Owns when to connect, how long to wait in between, what is sent first and again, and what a caller
hears while there is no connection. Must not know methods (but `identify`), results or streams.

What is promised:
- After each opening `identify` is sent first, then every call without an answer, oldest first.
- A call whose repeat the server could not tell from a new one is never sent twice: it fails.
- Nothing is buffered without limit: callers wait for one of `REQUESTS_IN_FLIGHT_MAX` places.
"""

import math
from typing import Any, Final, Protocol

import msgspec
import trio
from websockets.exceptions import ConnectionClosed

from protocol.backoff import BACKOFF_MIN_SECONDS, Backoff
from protocol.calls import Call, Calls
from protocol.codec import encode_notification
from protocol.dialing import ANSWER_BYTES_MAX, DialFailed, Wire, dial
from protocol.errors import ConnectionLost, CoordinatorError, LimitExceeded
from protocol.limits import OPEN_TIMEOUT_SECONDS, REQUESTS_IN_FLIGHT_MAX
from protocol.outbox import Outbox
from protocol.params import Identify
from protocol.results import Identified
from protocol.service import Reply
from protocol.unanswered import CANCEL_REQUEST
from protocol.urls import Address

__all__ = ["Link", "Listener"]

GOOD_CONNECTION_SECONDS: Final = 1.0
"""A connection that lasted this long says that the next attempt need not wait long."""


class Listener(Protocol):
    """Hears of what concerns no single call. None of these may raise or block."""

    def connected(self) -> None: ...

    def disconnected(self) -> None: ...

    def failed(self, error: ConnectionLost) -> None:
        """The server refuses the connection, or this side has closed it."""
        ...

    def notified(self, method: str, params: msgspec.Raw) -> None: ...


class _Waiter:
    """A task's place to wait for the outcome of its call."""

    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: msgspec.Raw | CoordinatorError | None = None

    def reply(self, outcome: msgspec.Raw | CoordinatorError) -> None:
        self.outcome = outcome
        self.done.set()

    def result(self) -> msgspec.Raw:
        assert self.outcome is not None
        if isinstance(self.outcome, CoordinatorError):
            raise self.outcome
        return self.outcome


class Link:
    """Run `run` in a nursery; `close` ends it in order, cancelling it ends it at once."""

    def __init__(self, address: Address, token: str | None, identity: Identify) -> None:
        self.address = address
        self.listener: Listener | None = None
        self._token = token
        self._identity = identity
        self._calls = Calls()
        self._room = trio.Semaphore(REQUESTS_IN_FLIGHT_MAX)
        self._outbox = Outbox()
        self._connected = False
        self._closing = False
        self._refused = False
        self._changed = trio.Event()
        self._wanted = trio.Event()
        self._up_since = math.inf
        self._trouble: str | None = None
        self._status: int | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection that the server has greeted."""
        return self._connected

    # --- for callers --------------------------------------------------------------------------

    async def wait_connected(self, timeout: float | None) -> None:
        """Wait for a connection, at most `timeout` seconds (None: for ever).

        Raises:
            ConnectionLost: none came in time, the server refuses it, or this side has closed it.
        """
        self._wanted.set()
        with trio.move_on_after(math.inf if timeout is None else timeout):
            while not self._connected:
                self._raise_if_over()
                await self._changed.wait()
            return
        raise self._lost(self._trouble_or(timeout))

    async def wait_disconnected(self) -> None:
        """Wait until there is no connection; at once if there is none."""
        while self._connected:
            await self._changed.wait()

    async def request(
        self, method: str, params: Any, *, timeout: float | None, resend: bool = True
    ) -> msgspec.Raw:
        """Send a request and wait for its result, over any number of connections.

        A call that is cancelled or times out is forgotten, and withdrawn if the server lets it
        wait; otherwise the server may still carry it out.

        Raises:
            CoordinatorError: the server's refusal.
            ConnectionLost: no answer came within `timeout` seconds (None: no limit), or none
                can come.
        """
        call: Call | None = None
        with trio.move_on_after(math.inf if timeout is None else timeout):
            await self._take_place()
            try:
                waiter = _Waiter()
                call = self.post(method, params, waiter.reply, resend=resend)
                try:
                    await waiter.done.wait()
                finally:
                    self._withdraw(call)
            finally:
                self._room.release()
            return waiter.result()
        raise self.too_late(method, timeout, sent=call is not None and call.sent)

    def post(self, method: str, params: Any, reply: Reply, *, resend: bool = True) -> Call:
        """Send a request, now or with the next connection; `reply` is called once, or never if
        the call is forgotten.

        Raises:
            InvalidParams, LimitExceeded: the params cannot be sent.
            ConnectionLost: the server refuses the connection, or this side has closed it.
        """
        self._raise_if_over()
        call = self._calls.add(method, params, reply, resend=resend)
        if self._connected:
            self._send(call)
        else:
            self._wanted.set()
        return call

    async def notify(self, method: str, params: Any, *, timeout: float | None) -> None:
        """Hand a notification to the connection once there is one with room for it.

        `close` still writes it, but nothing tells whether it arrives, and it is not sent again.

        Raises:
            ConnectionLost: there was no connection within `timeout` seconds (None: no limit).
        """
        await self.wait_connected(timeout)
        await self._outbox.room()
        self.post_notification(method, params)

    def post_notification(self, method: str, params: Any) -> None:
        """Send a notification if there is a connection."""
        if self._connected:
            encoded = msgspec.Raw(msgspec.json.encode(params))
            self._outbox.put(encode_notification(method, encoded))

    def too_late(self, method: str, timeout: float | None, *, sent: bool) -> ConnectionLost:
        """The error for a call that got no answer within its time."""
        if not self._connected:
            trouble = self._trouble_or(timeout)
            return self._lost(f"{trouble} ({_may_be_done(method)})" if sent else trouble)
        return self._lost(
            f"no answer from {self.address.url} within {timeout:g} s ({_may_be_done(method)})"
        )

    async def close(self) -> None:
        """Write what waits, close with 1000, and fail every call. Idempotent."""
        self._closing = True
        self._fail_all(self._closed_here)
        self._outbox.finish()
        while self._connected:
            await self._changed.wait()

    # --- the connection -----------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, until `close`."""
        backoff = Backoff()
        while True:
            self._up_since = math.inf
            try:
                async with dial(self.address, self._token) as wire:
                    await self._use(wire)
            except DialFailed as failure:
                self._note_failure(failure)
            if self._closing:
                return
            if trio.current_time() - self._up_since >= GOOD_CONNECTION_SECONDS:
                backoff.reset()
            await self._rest(backoff.next_delay())

    async def _rest(self, seconds: float) -> None:
        """Wait between two attempts; shorter if somebody begins to wait for the connection."""
        self._wanted = trio.Event()
        with trio.move_on_after(seconds):
            await self._wanted.wait()
            # Not at once: a caller that tries again and again must not become a busy loop.
            await trio.sleep(BACKOFF_MIN_SECONDS)

    async def _use(self, wire: Wire) -> None:
        """Everything that one connection does."""
        wire.on_message = self._receive
        url = self.address.url
        failure: DialFailed | None = DialFailed(f"{url} closed the connection before it answered")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_closed, wire, nursery.cancel_scope)
            failure = await self._greet(wire)
            if failure is None:
                self._go_up()
                await self._outbox.write(wire)
            nursery.cancel_scope.cancel()
        if failure is None:
            self._go_down(wire)
        else:
            self._note_failure(failure)

    async def _greet(self, wire: Wire) -> DialFailed | None:
        """Say who calls and hear that it is a coordinator; what is wrong if it is not."""
        waiter = _Waiter()
        call = self._calls.add("identify", self._identity, waiter.reply)
        try:
            with trio.move_on_after(OPEN_TIMEOUT_SECONDS):
                await wire.send_texts([call.frame])
                await waiter.done.wait()
                msgspec.json.decode(waiter.result(), type=Identified)
                return None
        except ConnectionClosed:
            # The nursery is about to be cancelled, and `_use` knows what to say.
            await trio.sleep_forever()
        except CoordinatorError as error:
            return DialFailed(
                f"the server at {self.address.url} refuses this client: {error}", definite=True
            )
        except msgspec.MsgspecError:
            pass
        finally:
            self._calls.forget(call)
        return DialFailed(
            f"something else than a task coordinator listens at {self.address.url}: it does not "
            "answer `identify`",
            definite=True,
        )

    def _go_up(self) -> None:
        self._refused = False
        self._trouble = None
        self._status = None
        self._connected = True
        self._up_since = trio.current_time()
        for call in self._calls.waiting():
            self._send(call)
        self._announce()
        if self.listener is not None:
            self.listener.connected()

    def _go_down(self, wire: Wire) -> None:
        self._connected = False
        self._trouble = f"the connection to {self.address.url} broke"
        self._outbox.clear()
        if wire.answer_was_too_big:
            self._give_up_on_big_answers()
        for call in self._calls.waiting():
            if not call.resend:
                self._calls.fail(call, self._lost_for(call, self._trouble))
        self._announce()
        if self.listener is not None:
            self.listener.disconnected()

    def _give_up_on_big_answers(self) -> None:
        """One of the calls has an answer that can never arrive; which one, nobody can tell."""
        for call in self._calls.waiting():
            error = LimitExceeded(
                f"An answer had more than {ANSWER_BYTES_MAX} bytes, so the connection was closed; "
                f"`{call.method}` may have been carried out. Ask for less at once.",
                limit=ANSWER_BYTES_MAX,
            )
            self._calls.fail(call, error)

    def _note_failure(self, failure: DialFailed) -> None:
        self._trouble = failure.message
        self._status = failure.status
        self._refused = failure.definite
        if failure.definite:
            self._fail_all(failure.message)
        self._announce()

    def _receive(self, message: bytes | bytearray) -> None:
        self._calls.receive(message, self._notified)

    def _notified(self, method: str, params: msgspec.Raw) -> None:
        if self.listener is not None:
            self.listener.notified(method, params)

    # --- sending ------------------------------------------------------------------------------

    async def _take_place(self) -> None:
        # `acquire` alone would cost every call a turn of the scheduler.
        try:
            self._room.acquire_nowait()
        except trio.WouldBlock:
            await self._room.acquire()

    def _send(self, call: Call) -> None:
        call.sent = True
        self._outbox.put(call.frame)

    def _withdraw(self, call: Call) -> None:
        """Nobody waits for the answer any more: if it did not come, do not let the server wait.

        What has not left this program is not sent at all; for the rest this is all that can be
        done at once, and it may come too late.
        """
        if self._calls.forget(call) and not self._outbox.take_back(call.frame):
            self.post_notification(CANCEL_REQUEST, {"id": call.id})

    # --- what callers hear --------------------------------------------------------------------

    def _announce(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    def _raise_if_over(self) -> None:
        if self._closing:
            raise self._lost(self._closed_here)
        if self._refused:
            raise self._lost(self._trouble_or(None))

    @property
    def _closed_here(self) -> str:
        return f"the connection to {self.address.url} was closed by this program"

    def _fail_all(self, trouble: str) -> None:
        self._calls.fail_all(lambda call: self._lost_for(call, trouble))
        if self.listener is not None:
            self.listener.failed(self._lost(trouble))

    def _trouble_or(self, timeout: float | None) -> str:
        if self._trouble is not None:
            return self._trouble
        waited = "yet" if timeout is None else f"within {timeout:g} s"
        return (
            f"nothing answers at {self.address.url} {waited}: it cannot be reached, or something "
            "else listens there; `task-coordinator serve` starts a server"
        )

    def _lost_for(self, call: Call, trouble: str) -> ConnectionLost:
        return self._lost(f"{trouble} ({_may_be_done(call.method)})" if call.sent else trouble)

    def _lost(self, message: str) -> ConnectionLost:
        status = {} if self._status is None else {"status": self._status}
        return ConnectionLost(message, url=self.address.url, **status)


def _may_be_done(method: str) -> str:
    return f"`{method}` was sent and may have been carried out"


async def _cancel_when_closed(wire: Wire, scope: trio.CancelScope) -> None:
    await wire.wait_closed()
    scope.cancel()
