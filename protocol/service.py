"""The seam between the protocol and whoever carries the methods out.

Owns the two interfaces that meet there. Above it: the session, which turns frames into calls.
Below it: a service, which answers them (the coordinator's actor loop in production). Neither side
knows more of the other than what stands here.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from protocol.errors import CoordinatorError
from protocol.methods import Method, Role
from protocol.params import Params

__all__ = ["Call", "Peer", "Reply", "Service"]

Reply = Callable[[msgspec.Raw | CoordinatorError], None]
"""Takes the encoded result or the refusal. Must be called exactly once, on the Trio thread, and
never raises or blocks."""


class Peer(Protocol):
    """The connection that a call came from, as far as a service may know it."""

    @property
    def project(self) -> str:
        """The task list that the connection chose by its path."""
        ...

    @property
    def session_id(self) -> str:
        """Stays the same over the reconnects of one client."""
        ...

    @property
    def name(self) -> str | None:
        """What the client calls itself."""
        ...

    @property
    def role(self) -> Role: ...

    @property
    def closed(self) -> bool:
        """True once nothing that is sent can arrive any more."""
        ...

    def notify(self, method: str, params: msgspec.Raw) -> bool:
        """Queue a notification. False if the peer is closed, or was cut off for not keeping up."""
        ...

    def cut_off(self, code: int, reason: str) -> None:
        """End the connection from this side, with a close code of RFC 6455 and a short reason."""
        ...

    async def drained(self) -> None:
        """Wait until the outbox is below half of its bound, or the peer is closed."""
        ...

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call back once when the connection ends (at once if it already has)."""
        ...


class Call(msgspec.Struct):
    """One request on its way to the service. `params` is of type `method.params`."""

    method: Method
    params: Params
    peer: Peer
    reply: Reply
    withdrawn: bool = False
    """The client does not want it any more, or its connection is gone. A service looks at it
    before it lets a call wait."""


class Service(Protocol):
    """Carries out every method of the table except the ones the session answers itself."""

    async def submit(self, call: Call) -> None:
        """Accept a call; `call.reply` follows, now or later.

        Returns once the call has its place in the order, which is what makes pipelined mutations
        of one connection apply in the order they were sent. Blocks while the service is full:
        that is the back pressure on the connection. Cancelling withdraws a call that was not
        accepted yet; an accepted one is carried out.
        """
        ...

    def try_submit(self, call: Call) -> bool:
        """As `submit`, where that takes no waiting. False says that it would: nothing was done.

        Never blocks.
        """
        ...

    def withdraw(self, call: Call) -> None:
        """Stop waiting for a call that was submitted. `call.withdrawn` is already true.

        If it still waits, it is answered `RequestCancelled`, and nothing was changed; a call that
        is being carried out is carried out. Does nothing for a call that was answered, nor for
        one that was not accepted yet: `submit` sees it. Never raises or blocks.
        """
        ...

    def info(self) -> dict[str, Any]:
        """Facts for `GET /api/health`: at least `status`, `version` and `uptimeSeconds`."""
        ...
