"""The server process: store, actor, listeners and their orderly end.

Owns the order of starting and stopping. Starting: ports first, then the store, then recovery, so
that a mistake is told before anything is touched. Stopping: accept nothing more, answer what was
accepted, close every connection with 1001, close the store. Must not know click or the terminal.
"""

import errno
import logging
import signal
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import trio

from actor.clock import SYSTEM_CLOCK
from actor.coordinator import Coordinator
from actor.operations import Schedule
from actor.policy import DEFAULT_POLICY, Policy
from actor.store.base import Progress, Store
from actor.store.sqlite import open_sqlite
from protocol.dispatch import Dispatcher
from protocol.gate import Gate, is_loopback
from protocol.server import ApiServer, Settings

__all__ = ["CannotServe", "Listening", "Options", "ServeDashboard", "serve"]

STOP_SECONDS_MAX = 10.0

log = logging.getLogger(__name__)


class CannotServe(Exception):
    """The server cannot start. The message is one line that names the fix."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `serve` was asked for. Port 0 takes any free port; `dashboard_port` None means none."""

    host: str = "127.0.0.1"
    port: int = 3335
    dashboard_port: int | None = 3333
    database: str = "task-coordinator.db"
    slots: int = 5
    policy: Policy = DEFAULT_POLICY
    retain_finished_seconds: float | None = None
    """Finished tasks older than this are archived and removed; None keeps them."""
    retain_events_seconds: float | None = None
    backup_every_seconds: float | None = None
    backup_keep: int = 7
    token: str | None = field(default=None, repr=False)
    insecure: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()

    @property
    def schedule(self) -> Schedule:
        """What is done regularly."""
        return Schedule(
            retain_finished_seconds=self.retain_finished_seconds,
            retain_events_seconds=self.retain_events_seconds,
            backup_every_seconds=self.backup_every_seconds,
            backup_keep=self.backup_keep,
        )


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where a server that has started can be reached."""

    host: str
    port: int
    dashboard_port: int | None
    database: str
    tasks: int


class ServeDashboard(Protocol):
    """Serves the dashboard on bound sockets until `shutdown`, then closes its connections."""

    async def __call__(
        self,
        *,
        dispatcher: Dispatcher,
        gate: Gate,
        listeners: list[trio.SocketListener],
        shutdown: trio.Event,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None: ...


async def serve(
    options: Options,
    announce: Callable[[Listening], None],
    *,
    progress: Progress | None = None,
    serve_dashboard: ServeDashboard | None = None,
) -> None:
    """Run the server until SIGINT or SIGTERM; a second one ends it at once.

    `announce` is called once, when both ports answer.

    Raises:
        CannotServe: the options do not fit together, or a port cannot be had.
        StoreError: the database cannot be used.
    """
    _check(options)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with (
            _listen(options.host, options.port, "--port") as api_listeners,
            _listen(options.host, options.dashboard_port, "--dashboard-port") as page_listeners,
            _opened(options.database) as store,
        ):
            coordinator = await Coordinator.open(
                store,
                SYSTEM_CLOCK,
                default_slots=options.slots,
                policy=options.policy,
                schedule=options.schedule,
                progress=progress,
            )
            server = _Server(options, coordinator, api_listeners, page_listeners)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.stop_on, signals, nursery.cancel_scope)
                await server.run(announce, serve_dashboard)
                nursery.cancel_scope.cancel()


class _Server:
    """One run of the server, between its listeners and its end."""

    def __init__(
        self,
        options: Options,
        coordinator: Coordinator,
        api_listeners: list[trio.SocketListener],
        page_listeners: list[trio.SocketListener],
    ) -> None:
        self._options = options
        self._coordinator = coordinator
        self._api_listeners = api_listeners
        self._page_listeners = page_listeners
        self._stop = trio.Event()
        self._pages_down = trio.Event()
        dashboard_port = _port(page_listeners)
        self._gate = Gate(
            host=options.host,
            names=frozenset(name.lower() for name in options.allowed_hosts),
            origins=_origins(options, dashboard_port),
            token=options.token,
        )
        self._dispatcher = Dispatcher(coordinator)
        self._api = ApiServer(self._dispatcher, Settings(gate=self._gate))
        coordinator.count_connections = lambda: self._api.connections
        self._listening = Listening(
            host=options.host,
            port=_port(api_listeners) or 0,
            dashboard_port=dashboard_port,
            database=options.database,
            tasks=coordinator.count_tasks(),
        )

    async def run(
        self, announce: Callable[[Listening], None], serve_dashboard: ServeDashboard | None
    ) -> None:
        """Serve until stopped."""
        async with trio.open_nursery() as nursery:
            actor_done = trio.Event()
            nursery.start_soon(self._run_actor, actor_done)
            await nursery.start(self._api.run, self._api_listeners)
            if serve_dashboard is not None and self._page_listeners:
                await nursery.start(
                    partial(
                        serve_dashboard,
                        dispatcher=self._dispatcher,
                        gate=self._gate,
                        listeners=self._page_listeners,
                        shutdown=self._pages_down,
                    )
                )
            announce(self._listening)
            await self._stop.wait()
            log.info("stopping: answering what was accepted")
            self._coordinator.stop()
            await actor_done.wait()
            self._pages_down.set()
            await self._api.stop()

    async def _run_actor(self, done: trio.Event) -> None:
        await self._coordinator.run()
        done.set()
        if not self._stop.is_set():
            raise AssertionError("the actor loop ended by itself")

    async def stop_on(self, signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
        """The first signal stops in order, within a bounded time; the second at once."""
        async for _ in signals:
            if self._stop.is_set():
                break
            self._stop.set()
            scope.deadline = trio.current_time() + STOP_SECONDS_MAX
        scope.cancel()


# --- parts ------------------------------------------------------------------------------------


def _check(options: Options) -> None:
    if not is_loopback(options.host) and options.token is None and not options.insecure:
        raise CannotServe(
            f"Listening on {options.host} lets other machines in, so it needs --token TOKEN (or "
            "TASK_COORDINATOR_TOKEN). Use --insecure only on a network that you trust entirely."
        )
    if options.token is not None and len(options.token) < 8:
        raise CannotServe("The token has fewer than 8 characters; use a long random one.")


@asynccontextmanager
async def _listen(
    host: str, port: int | None, flag: str
) -> AsyncGenerator[list[trio.SocketListener]]:
    """Bind a port. None binds nothing.

    Raises:
        CannotServe: the port cannot be had.
    """
    if port is None:
        yield []
        return
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except (OSError, UnicodeError) as error:
        raise CannotServe(
            f"Cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}. "
            f"{_listening_advice(error, flag)}"
        ) from None
    try:
        yield listeners
    finally:
        with trio.CancelScope(shield=True):
            for listener in listeners:
                await listener.aclose()


def _listening_advice(error: OSError | UnicodeError, flag: str) -> str:
    # A name that leads nowhere, or the address of another machine.
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "Choose an address of this machine with --host."
    return f"Is a server running already? Choose another port with {flag}."


@asynccontextmanager
async def _opened(database: str) -> AsyncGenerator[Store]:
    store = await open_sqlite(database)
    try:
        yield store
    finally:
        with trio.CancelScope(shield=True):
            await store.close()


def _port(listeners: list[trio.SocketListener]) -> int | None:
    if not listeners:
        return None
    port: int = listeners[0].socket.getsockname()[1]
    return port


def _origins(options: Options, dashboard_port: int | None) -> frozenset[str]:
    """The dashboard's own pages, and what was allowed on top."""
    names = {"localhost", "127.0.0.1", "[::1]", *options.allowed_hosts}
    if not is_loopback(options.host) and options.host not in {"0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        names.add(options.host)
    own = {f"http://{name}:{dashboard_port}" for name in names} if dashboard_port else set[str]()
    return frozenset(own | set(options.allowed_origins))
