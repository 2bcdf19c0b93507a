"""Which client sessions are connected, as far as it matters for what they hold.

Owns the count of open connections per session, and says when the last one is gone. Must not know
what a session holds, or what its end means.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from protocol.service import Peer

__all__ = ["Presence", "SessionKey"]


class SessionKey(NamedTuple):
    """A client session within a project."""

    project: str
    session: str


class Presence:
    """Used from the Trio thread only. `on_gone` is called when a session has no connection left."""

    def __init__(self, on_gone: Callable[[SessionKey], None]) -> None:
        self._on_gone = on_gone
        self._keys: dict[Peer, SessionKey] = {}
        self._open: Counter[SessionKey] = Counter()

    def note(self, peer: Peer) -> None:
        """A connection asked for a change. One that is closed already is gone at once."""
        key = SessionKey(peer.project, peer.session_id)
        known = self._keys.get(peer)
        if known == key:
            return
        self._keys[peer] = key
        self._open[key] += 1
        if known is None:
            peer.on_close(lambda: self._closed(peer))
        else:  # it said who it is after its first change
            self._leave(known)

    def is_connected(self, key: SessionKey) -> bool:
        return self._open[key] > 0

    def sessions_of(self, project: str) -> frozenset[str]:
        """The connected ones."""
        return frozenset(key.session for key in self._open if key.project == project)

    def _closed(self, peer: Peer) -> None:
        self._leave(self._keys.pop(peer))

    def _leave(self, key: SessionKey) -> None:
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]
            self._on_gone(key)
