"""The Python client: what a program sees of a coordinator.

Owns `connect` and `Client`: settings from arguments and environment, keys that make a repeat
harmless, and results as structs. Must not know frames, reconnecting or how a server works.
"""

import itertools
import os
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import trio

from protocol.errors import CoordinatorError
from protocol.limits import CLOSE_TIMEOUT_SECONDS, WAIT_SECONDS_MAX
from protocol.link import Link
from protocol.methods import METHODS, Method
from protocol.models import EventType
from protocol.params import Identify, Params, Subscribe
from protocol.subscription import EventStream, Subscriptions
from protocol.typed import TypedMethods
from protocol.urls import DEFAULT_URL, Address, address_of

__all__ = ["Client", "EventStream", "connect"]

_KEY: Final = "idempotencyKey"
_WAIT: Final = "waitSeconds"


class Client(TypedMethods):
    """A connection to one project of a coordinator, made by `connect`.

    Many tasks may use it at once. Requests are sent without waiting for earlier answers and are
    carried out in the order in which they were sent.

    A broken connection is made again in the background. Calls without an answer are sent again,
    under the key that they had, so that nothing is done twice. A call that is cancelled or times
    out is withdrawn if it waits in the server (`wait_seconds`); of any other, the late answer is
    ignored, and the server may have carried it out.
    """

    def __init__(self, link: Link, session_id: str, request_timeout: float | None) -> None:
        self._link = link
        self._session_id = session_id
        self._timeout = request_timeout
        self._subscriptions = Subscriptions(link)
        link.listener = self._subscriptions
        # Random for each client: a session id may be used by several programs, one by one.
        self._key_prefix = secrets.token_hex(12)
        self._key_numbers = itertools.count(1)

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._link.connected

    @property
    def session_id(self) -> str:
        """Stays the same over reconnects."""
        return self._session_id

    @property
    def server(self) -> str:
        """The URL, with the project in its path."""
        return self._link.address.url

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait for a connection, at most `timeout` seconds (None: for ever).

        Raises:
            ConnectionLost: none came in time, or the server refuses this client.
        """
        await self._link.wait_connected(timeout)

    async def wait_disconnected(self) -> None:
        """Wait until the connection breaks; at once if there is none."""
        await self._link.wait_disconnected()

    async def call(
        self,
        name: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Call a method by name, with params as they are on the wire; return the decoded JSON.

        `timeout` in seconds; None takes the client's own `request_timeout`, and on top of it what
        the params let the server wait; `math.inf` waits for ever. A method that this client does
        not know is not sent again after a broken connection.

        Raises:
            CoordinatorError: the server's refusal.
            ConnectionLost: no answer came in time, or none can come.
        """
        method = METHODS.get(name)
        if method is not None and method.mutates:
            params = self._with_key(method, params)
        result = await self._link.request(
            name,
            {} if params is None else params,
            timeout=self._limit(timeout, _wire_wait(method, params)),
            resend=method is not None,
        )
        return msgspec.json.decode(result)

    async def request(self, method: Method, params: Params, *, timeout: float | None = None) -> Any:
        """Call a method of the table with its params struct; return its result struct.

        `timeout` as in `call`.

        Raises:
            CoordinatorError: the server's refusal.
            ConnectionLost: no answer came in time, or none can come.
        """
        if method.mutates and getattr(params, "idempotency_key", None) is None:
            params = msgspec.structs.replace(params, idempotency_key=self._next_key())
        limit = self._limit(timeout, getattr(params, "wait_seconds", 0))
        result = await self._link.request(method.name, params, timeout=limit)
        try:
            return msgspec.json.decode(result, type=method.result)
        except msgspec.MsgspecError as error:
            raise CoordinatorError(
                f"the answer to `{method.name}` is none that this client understands ({error}); "
                "the server has another version, so update the older of the two"
            ) from None

    async def notify(
        self, name: str, params: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> None:
        """Call a method without wanting an answer, also not whether it arrived.

        Waits for a connection, at most the client's `request_timeout`.

        Raises:
            ConnectionLost: there is no connection.
        """
        await self._link.notify(name, {} if params is None else params, timeout=self._timeout)

    @asynccontextmanager
    async def events(
        self,
        since: int | None = None,
        types: Sequence[EventType] = (),
        task_id: str | None = None,
    ) -> AsyncGenerator[EventStream]:
        """The events of the project for the length of the block: `async for event in stream`.

        Begins after event `since`, or with what happens from now on. Goes on over broken
        connections without a gap or a repeat. `types` (any of them) and `task_id` narrow it.

        Raises:
            CoordinatorError: the server's refusal.
            ConnectionLost: no answer came within `request_timeout`, or none can come.
        """
        wanted = Subscribe(since=since, types=list(types), task_id=task_id)
        stream = await self._subscriptions.open(wanted, self._timeout)
        try:
            yield stream
        finally:
            self._subscriptions.close(stream)

    def _next_key(self) -> str:
        return f"{self._key_prefix}-{next(self._key_numbers)}"

    def _limit(self, timeout: float | None, wait: Any) -> float | None:
        """What the caller says; else the time of this client and the wait that it asked for."""
        if timeout is not None or self._timeout is None:
            return timeout
        waits = isinstance(wait, int | float) and wait > 0
        return self._timeout + (min(wait, WAIT_SECONDS_MAX) if waits else 0)

    def _with_key(
        self, method: Method, params: Mapping[str, Any] | Sequence[Any] | None
    ) -> Mapping[str, Any] | Sequence[Any]:
        """The same params with an idempotency key, unless they have one or cannot be right."""
        if params is None:
            params = {}
        if not isinstance(params, Mapping):
            if len(params) >= len(method.positional):
                return params
            params = dict(zip(method.positional, params, strict=False))
        if params.get(_KEY) is not None:
            return params
        return {**params, _KEY: self._next_key()}


def _wire_wait(method: Method | None, params: Mapping[str, Any] | Sequence[Any] | None) -> object:
    """The `waitSeconds` of params as they are on the wire, whatever it is."""
    if method is not None and not isinstance(params, Mapping):
        params = dict(zip(method.positional, params or (), strict=False))
    return params.get(_WAIT, 0) if isinstance(params, Mapping) else 0


@asynccontextmanager
async def connect(
    url: str | None = None,
    *,
    project: str | None = None,
    token: str | None = None,
    name: str | None = None,
    session_id: str | None = None,
    wait: bool = True,
    connect_timeout: float = 10.0,
    request_timeout: float | None = None,
) -> AsyncGenerator[Client]:
    """A client for the length of the block.

    `url` is `ws://`, `wss://`, `http://` or `https://`; it may name the project by the path
    `/projects/NAME`. What is left out comes from TASK_COORDINATOR_URL, TASK_COORDINATOR_PROJECT
    and TASK_COORDINATOR_TOKEN; without them it is the server of this machine and the project
    `default`. `name` is shown as `createdBy` of the tasks that this client adds. `session_id`
    says that it is the same caller as an earlier one with this id.

    `wait` waits for the first connection, at most `connect_timeout` seconds. Without it the block
    begins at once and the connection is made in the background. `request_timeout` is how many
    seconds each call waits for its answer, not counting what it lets the server wait
    (`wait_seconds`); None waits for ever.

    Leaving the block closes the connection in order, within a few seconds; calls that other tasks
    are still waiting for raise `ConnectionLost`. Exceptions of the block come out as they are.

    Raises:
        ValueError: an argument or a variable cannot be used.
        ConnectionLost: `wait` was asked for and there is no connection.
    """
    address = _address(url, project)
    session_id = session_id or secrets.token_hex(16)
    link = Link(address, _token(token), _identity(name, session_id))
    # Shielded: a cancellation from outside must not cut the line before the goodbye.
    linked = trio.CancelScope(shield=True)
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_run_in, linked, link)
            try:
                if wait:
                    await link.wait_connected(connect_timeout)
                yield Client(link, session_id, request_timeout)
            except BaseException as error:  # noqa: BLE001 -- raised again below, not in a group
                failure = error
            with trio.move_on_after(CLOSE_TIMEOUT_SECONDS, shield=True):
                await link.close()
            linked.cancel()
    except BaseExceptionGroup as group:
        # A cancellation or an interrupt from outside, or a defect of the link, which cancels the
        # block: nothing else comes out of the nursery.
        if failure is None or isinstance(failure, trio.Cancelled):
            first, *others = group.exceptions
            raise group if others else first from None
    if failure is not None:
        raise failure


async def _run_in(scope: trio.CancelScope, link: Link) -> None:
    with scope:
        await link.run()


def _address(url: str | None, project: str | None) -> Address:
    url = url or os.environ.get("TASK_COORDINATOR_URL") or DEFAULT_URL
    return address_of(url, project or os.environ.get("TASK_COORDINATOR_PROJECT") or None)


def _token(token: str | None) -> str | None:
    token = token or os.environ.get("TASK_COORDINATOR_TOKEN") or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("The token has characters that no token has: look for spaces and quotes.")
    return token


def _identity(name: str | None, session_id: str) -> Identify:
    identity = Identify(name=name, session_id=session_id)
    try:
        return msgspec.convert(msgspec.to_builtins(identity), type=Identify)
    except msgspec.ValidationError as error:
        raise ValueError(f"The name or the session id cannot be used: {error}") from None
