"""Committed events on their way to the subscribers.

Owns the subscriptions, a short memory of recent events per project, and the replay by `since`:
no gap, no repeat. Everything handed out is committed. A subscriber that does not keep up is cut
off by its peer; it never slows anybody else. Must not know transitions or SQL.
"""

import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import trio

from actor.store.base import EventFilter, StoreError
from protocol.errors import LimitExceeded, SubscriptionNotFound
from protocol.limits import SUBSCRIPTIONS_MAX
from protocol.models import Event
from protocol.params import Subscribe
from protocol.service import Peer

__all__ = ["Publisher", "Subscription"]

RECENT_EVENTS_MAX = 2_000
REPLAY_PAGE = 500
NOTIFICATION_BYTES_MAX = 256 * 1024
"""Events of one notification; a single larger one still goes, alone."""
TRY_AGAIN_SECONDS = 1.0
TRY_AGAIN_LATER = 1013

log = logging.getLogger(__name__)

ReadEvents = Callable[[EventFilter], Awaitable[list[Event]]]
_encode = msgspec.json.Encoder().encode


class Subscription:
    """One subscriber's wish, and how far it was served."""

    def __init__(self, name: str, project: int, peer: Peer, params: Subscribe) -> None:
        self.name = name
        self.project = project
        self.peer = peer
        self.types = frozenset(params.types)
        self.task_id = params.task_id
        self.seq = 0
        """The last event that was looked at for it."""
        self.live = False
        """Whether it gets events as they are committed; before that it is being replayed to."""
        self.ended = False

    def wants(self, event: Event) -> bool:
        return (not self.types or event.type in self.types) and (
            self.task_id is None or event.task_id == self.task_id
        )


class _Channel:
    """The recent events and the subscribers of one project."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.recent: deque[Event] = deque(maxlen=RECENT_EVENTS_MAX)
        self.subscriptions: dict[str, Subscription] = {}

    def reaches_back_to(self, seq: int) -> bool:
        """Whether every event after `seq` is among the recent ones."""
        return seq >= self.seq or (bool(self.recent) and self.recent[0].seq <= seq + 1)


class Publisher:
    """All subscriptions of one server. Used from the Trio thread only."""

    def __init__(self, read_events: ReadEvents, pruned_seq: Callable[[str], int]) -> None:
        """`pruned_seq` tells up to which event a project's history may have been pruned."""
        self._read_events = read_events
        self._pruned_seq = pruned_seq
        self._channels: dict[str, _Channel] = {}
        self._by_peer: dict[Peer, dict[str, Subscription]] = {}
        self._names = itertools.count(1)

    def publish(self, project: str, seq: int, events: list[Event]) -> None:
        """Hand committed events to everybody who wants them. Never blocks."""
        channel = self._channels.get(project)
        if channel is None:
            return
        channel.recent.extend(events)
        channel.seq = seq
        if channel.subscriptions:
            encoded = [(event, _encode(event)) for event in events]
            for subscription in list(channel.subscriptions.values()):
                if subscription.live:
                    self._deliver(subscription, encoded)

    def subscribe(
        self, project: str, number: int, seq: int, peer: Peer, params: Subscribe
    ) -> Subscription:
        """Enter a subscription at the committed event `seq`. `replay` must follow.

        Raises:
            LimitExceeded: the connection has too many.
        """
        mine = self._by_peer.setdefault(peer, {})
        if not mine:
            peer.on_close(lambda: self._forget_peer(peer))
        if len(mine) >= SUBSCRIPTIONS_MAX:
            raise LimitExceeded(
                f"A connection can have at most {SUBSCRIPTIONS_MAX} subscriptions; `unsubscribe` "
                "from one first.",
                limit=SUBSCRIPTIONS_MAX,
            )
        subscription = Subscription(f"s{next(self._names)}", number, peer, params)
        subscription.seq = seq if params.since is None else params.since
        mine[subscription.name] = subscription
        channel = self._channels.setdefault(project, _Channel(seq))
        channel.subscriptions[subscription.name] = subscription
        return subscription

    def unsubscribe(self, peer: Peer, name: str) -> None:
        """End a subscription of this connection.

        Raises:
            SubscriptionNotFound: it has none of that name.
        """
        subscription = self._by_peer.get(peer, {}).pop(name, None)
        if subscription is None:
            raise SubscriptionNotFound(
                f"This connection has no subscription `{name[:64]}`; it may have ended with an "
                "earlier connection. `subscribe` again with `since`.",
                subscription=name,
            )
        self._end(subscription)

    async def replay(self, subscription: Subscription) -> None:
        """Send what happened since, then switch to live events without a gap or a repeat.

        Cancelling ends the replay; the subscription then gets nothing more.
        """
        while not subscription.ended:
            channel = self._channels[subscription.peer.project]
            # From here to `live` nothing yields, so no commit can slip in between.
            if channel.reaches_back_to(subscription.seq):
                rest = [event for event in channel.recent if event.seq > subscription.seq]
                self._deliver(subscription, [(event, _encode(event)) for event in rest])
                subscription.live = True
                return
            upto = channel.seq
            try:
                page = await self._read_page(subscription)
            except StoreError as error:
                log.warning("replay failed, trying again: %s", error)
                await trio.sleep(TRY_AGAIN_SECONDS)
                continue
            if self._pruned_seq(subscription.peer.project) > subscription.seq:
                # The page may have a hole. Who comes back with `since` is told to begin again.
                subscription.peer.cut_off(
                    TRY_AGAIN_LATER, "the history was pruned meanwhile; subscribe again"
                )
                return
            self._deliver(subscription, [(event, _encode(event)) for event in page])
            if len(page) < REPLAY_PAGE:
                # There was nothing else up to here. The page itself may reach further: events can
                # be committed while it is read.
                subscription.seq = max(subscription.seq, upto)
            await subscription.peer.drained()

    async def _read_page(self, subscription: Subscription) -> list[Event]:
        return await self._read_events(
            EventFilter(
                project=subscription.project,
                since=subscription.seq,
                limit=REPLAY_PAGE,
                types=tuple(sorted(subscription.types)),
                task_id=subscription.task_id,
            )
        )

    def _deliver(self, subscription: Subscription, events: Iterable[tuple[Event, bytes]]) -> None:
        """Queue the events that the subscription wants, in notifications of bounded size."""
        chunk: list[bytes] = []
        size = 0
        for event, encoded in events:
            subscription.seq = event.seq
            if not subscription.wants(event):
                continue
            if chunk and size + len(encoded) > NOTIFICATION_BYTES_MAX:
                self._send(subscription, chunk)
                chunk, size = [], 0
            chunk.append(encoded)
            size += len(encoded)
        if chunk:
            self._send(subscription, chunk)

    def _send(self, subscription: Subscription, events: list[bytes]) -> None:
        params = b'{"subscription":"%b","events":[%b]}' % (
            subscription.name.encode(),
            b",".join(events),
        )
        subscription.peer.notify("events", msgspec.Raw(params))

    def _forget_peer(self, peer: Peer) -> None:
        for subscription in self._by_peer.pop(peer, {}).values():
            self._end(subscription)

    def _end(self, subscription: Subscription) -> None:
        subscription.ended = True
        channel = self._channels[subscription.peer.project]
        channel.subscriptions.pop(subscription.name, None)
        if not channel.subscriptions:
            # The next subscriber starts from the store; an idle project costs nothing.
            del self._channels[subscription.peer.project]
