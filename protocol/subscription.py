"""Event streams of a client, over any number of connections.

Owns where a stream has got to, and subscribing again from there: after a broken connection, and
after the reader was so slow that its buffer was full. Must not know how a connection is made.
"""

import logging
import math
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import trio

from protocol.errors import ConnectionLost, CoordinatorError
from protocol.limits import OUTBOX_EVENTS_MAX
from protocol.link import Link
from protocol.models import Event, EventsNotification
from protocol.params import Subscribe, Unsubscribe
from protocol.results import Subscribed

__all__ = ["EventStream", "Subscriptions"]

log = logging.getLogger(__name__)

BUFFERED_EVENTS_MAX: Final = OUTBOX_EVENTS_MAX


class _RawNotification(msgspec.Struct):
    subscription: str
    events: list[msgspec.Raw]


class EventStream:
    """Events in the order of `seq`, without a gap or a repeat. Iterate over it with `async for`.

    The iteration never ends by itself. It raises `ConnectionLost` when the client is closed or
    the server refuses it, and the server's refusal if it does not let the stream go on.
    """

    def __init__(self, owner: "Subscriptions", wanted: Subscribe) -> None:
        self._owner = owner
        self._wanted = wanted
        self._start: int | None = wanted.since
        self._last: int | None = wanted.since
        self._buffer: deque[Event] = deque()
        self._subscription: str | None = None
        self._asked = False
        self._failure: CoordinatorError | None = None
        self._changed = trio.Event()

    @property
    def seq(self) -> int:
        """The event number that the stream started after."""
        assert self._start is not None, "the stream was not opened"
        return self._start

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        while not self._buffer:
            if self._failure is not None:
                raise self._failure
            self.resume()
            await self._changed.wait()
        await trio.lowlevel.checkpoint_if_cancelled()
        return self._buffer.popleft()

    # --- for the owner ------------------------------------------------------------------------

    async def open(self) -> None:
        """Subscribe and wait for the answer.

        Raises:
            CoordinatorError: the refusal, or `ConnectionLost`.
        """
        self.resume()
        while self._start is None or self._subscription is None:
            if self._failure is not None:
                raise self._failure
            await self._changed.wait()

    def resume(self) -> None:
        """Subscribe from the last event on, unless that is done or under way."""
        if self._asked or self._subscription is not None or self._failure is not None:
            return
        wanted = msgspec.structs.replace(self._wanted, since=self._last)
        self._asked = True
        try:
            self._owner.link.post("subscribe", wanted, self._answered)
        except CoordinatorError as error:
            self._asked = False
            self.fail(error)

    def interrupted(self) -> None:
        """The connection that it was subscribed on is gone."""
        self._subscription = None

    def fail(self, error: CoordinatorError) -> None:
        """End it: what is buffered can still be read, then the error comes."""
        if self._failure is None:
            self._failure = error
            self._announce()

    def deliver(self, events: Sequence[Event]) -> None:
        """Take events in; with a full buffer, stop until the reader has caught up."""
        for event in events:
            if self._last is not None and event.seq <= self._last:
                continue
            if len(self._buffer) >= BUFFERED_EVENTS_MAX:
                self.unsubscribe()
                break
            self._last = event.seq
            self._buffer.append(event)
        self._announce()

    def unsubscribe(self) -> None:
        """Tell the server to stop."""
        if self._subscription is not None:
            self._owner.end(self._subscription)
            self._subscription = None

    # --- inside -------------------------------------------------------------------------------

    def _answered(self, outcome: msgspec.Raw | CoordinatorError) -> None:
        self._asked = False
        if isinstance(outcome, CoordinatorError):
            self.fail(outcome)
            return
        try:
            answer = msgspec.json.decode(outcome, type=Subscribed)
        except msgspec.MsgspecError as error:
            self.fail(CoordinatorError(f"the answer to `subscribe` makes no sense: {error}"))
            return
        self._subscription = answer.subscription
        if self._failure is not None:
            self.unsubscribe()
            return
        if self._last is None:
            self._start = self._last = answer.seq
        elif answer.seq < self._last:
            self.unsubscribe()
            self.fail(_other_history(answer.seq, self._last))
            return
        self._owner.begin(answer.subscription, self)
        self._announce()

    def _announce(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()


class Subscriptions:
    """All streams of one client. Implements `protocol.link.Listener`."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._streams: list[EventStream] = []
        self._by_subscription: dict[str, EventStream] = {}

    async def open(self, wanted: Subscribe, timeout: float | None) -> EventStream:
        """A stream that is subscribed.

        Raises:
            CoordinatorError: the server's refusal.
            ConnectionLost: no answer came within `timeout` seconds (None: no limit).
        """
        stream = EventStream(self, wanted)
        self._streams.append(stream)
        opened = False
        try:
            with trio.move_on_after(math.inf if timeout is None else timeout):
                await stream.open()
                opened = True
        finally:
            if not opened:
                self.close(stream)
        if not opened:
            raise self.link.too_late("subscribe", timeout, sent=False)
        return stream

    def close(self, stream: EventStream) -> None:
        """End a stream. Idempotent."""
        if stream in self._streams:
            self._streams.remove(stream)
            stream.fail(ConnectionLost("the event stream was closed by this program"))
            stream.unsubscribe()

    def begin(self, subscription: str, stream: EventStream) -> None:
        """From now on the notifications of this subscription belong to the stream."""
        self._by_subscription[subscription] = stream

    def end(self, subscription: str) -> None:
        """The server need not send them any more; those on their way are ignored."""
        self._by_subscription.pop(subscription, None)
        self.link.post_notification("unsubscribe", Unsubscribe(subscription=subscription))

    # --- what the link says -------------------------------------------------------------------

    def connected(self) -> None:
        for stream in self._streams:
            stream.resume()

    def disconnected(self) -> None:
        self._by_subscription.clear()
        for stream in self._streams:
            stream.interrupted()

    def failed(self, error: ConnectionLost) -> None:
        for stream in self._streams:
            stream.fail(error)

    def notified(self, method: str, params: msgspec.Raw) -> None:
        if method != "events":
            log.info("ignored a notification of unknown kind %r", method)
            return
        try:
            news = _events_of(params)
        except msgspec.MsgspecError as error:
            log.info("ignored a malformed notification: %s", error)
            return
        stream = self._by_subscription.get(news.subscription)
        if stream is not None:
            stream.deliver(news.events)


def _events_of(params: msgspec.Raw) -> EventsNotification:
    try:
        return msgspec.json.decode(params, type=EventsNotification)
    except msgspec.ValidationError:
        # A newer server may know types of events that this client cannot show.
        raw = msgspec.json.decode(params, type=_RawNotification)
        known = [event for one in raw.events if (event := _event(one)) is not None]
        return EventsNotification(subscription=raw.subscription, events=known)


def _event(raw: msgspec.Raw) -> Event | None:
    try:
        return msgspec.json.decode(raw, type=Event)
    except msgspec.MsgspecError as error:
        log.info("left out an event that this client does not know: %s", error)
        return None


def _other_history(ends_at: int, seen: int) -> ConnectionLost:
    return ConnectionLost(
        f"the server's history ends at event {ends_at}, but event {seen} was seen already: it "
        "has another database now; read everything again and subscribe from there"
    )
