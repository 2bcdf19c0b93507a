"""One-time tickets: how a page proves that it has the token.

A browser cannot set headers on a WebSocket, and a token in a URL would stay in histories and
logs. So the page shows its token once, in a header, and gets a ticket for one connection. Owns
the tickets, in memory only. Must not know HTTP.
"""

import secrets
from collections.abc import Callable
from typing import Final

import trio

from protocol.methods import Role

__all__ = ["TICKETS_MAX", "TICKET_SECONDS", "Tickets"]

TICKET_SECONDS: Final = 30.0
TICKETS_MAX: Final = 1_000
"""Tickets that wait to be used; one more, and the oldest goes."""


class Tickets:
    """The tickets that were given out and not used yet. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = trio.current_time) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[Role, float]] = {}

    def issue(self, role: Role) -> str:
        """A new ticket for one connection with this role; good for `TICKET_SECONDS`."""
        if len(self._waiting) >= TICKETS_MAX:
            del self._waiting[next(iter(self._waiting))]
        ticket = secrets.token_urlsafe(32)
        self._waiting[ticket] = (role, self._clock() + TICKET_SECONDS)
        return ticket

    def redeem(self, ticket: str) -> Role | None:
        """The role that the ticket stands for, once; None if it is unknown, used or too old."""
        role, expires = self._waiting.pop(ticket, (None, 0.0))
        return role if self._clock() < expires else None
