"""The options that every client command takes, and the connection that they lead to.

Owns --url, --project, --token, --timeout and --json, and the way from a command's coroutine to
its result. Must not know what a command asks the server.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
import trio

from protocol.cli.exits import EXIT_CODES
from protocol.client import Client, connect
from protocol.gate import is_loopback
from protocol.urls import DEFAULT_PROJECT, DEFAULT_URL, address_of

__all__ = ["Target", "ask", "client_command", "opened", "words"]

T = TypeVar("T")

CLIENT_NAME: Final = "cli"
"""Shown as `createdBy` of the tasks that are added from the command line."""

TIMEOUT_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
NOBODY_SECONDS: Final = 0.5
_PORTS: Final = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Which server to talk to, and how long to wait for it."""

    url: str
    project: str | None
    token: str | None
    timeout: float

    @property
    def shown(self) -> str:
        """The address for people, without secrets."""
        return address_of(self.url, self.project).url


def client_command(
    summary: str, *, examples: str
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a click command of a function that takes `target: Target` and `as_json: bool`.

    `examples` are shown as they are under the help text, and the exit codes below them.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def command(
            url: str,
            project: str | None,
            token: str | None,
            timeout: float,
            as_json: bool,
            **rest: Any,
        ) -> None:
            try:
                address_of(url, project)
            except ValueError as error:
                raise click.UsageError(str(error), click.get_current_context()) from None
            function(target=Target(url, project, token, timeout), as_json=as_json, **rest)

        decorated: Callable[..., None] = command
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        epilog = f"\b\nExamples:\n{examples}\n\n{EXIT_CODES}"
        made = click.command(short_help=summary, epilog=epilog)(decorated)
        # What is special about a command comes before what all have in common.
        made.params.sort(key=lambda param: param.name in _COMMON)
        return made

    return decorate


_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--url",
        envvar="TASK_COORDINATOR_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="The server; http:// and ws:// are both taken.",
    ),
    click.option(
        "--project",
        envvar="TASK_COORDINATOR_PROJECT",
        show_envvar=True,
        help=f"The task list; every project has its own.  [default: {DEFAULT_PROJECT}]",
    ),
    click.option(
        "--token",
        envvar="TASK_COORDINATOR_TOKEN",
        show_envvar=True,
        help="The server's token, if it demands one. Prefer the variable: others on this machine "
        "can see the words of a command.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True, max=86_400),
        default=TIMEOUT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="Give up on an answer after this long.",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON for programs: one document on one line.",
    ),
)

_COMMON: Final = frozenset({"url", "project", "token", "timeout", "as_json"})


@asynccontextmanager
async def opened(target: Target) -> AsyncGenerator[Client]:
    """A connection to the target, closed at the end of the block.

    Raises:
        ConnectionLost: no server answers there.
    """
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(
                connect(
                    target.url,
                    project=target.project,
                    token=target.token,
                    name=CLIENT_NAME,
                    connect_timeout=min(target.timeout, await _patience(target)),
                    request_timeout=target.timeout,
                )
            )
        except ValueError as error:
            raise click.UsageError(str(error), click.get_current_context()) from None
        yield client


def ask(target: Target, question: Callable[[Client], Awaitable[T]]) -> T:
    """Connect, await the question, disconnect, and return the answer.

    Raises:
        ConnectionLost: no server answers, or not within the time limit of a call.
        CoordinatorError: the server's refusal.
    """

    async def asked() -> T:
        async with opened(target) as client:
            return await question(client)

    return trio.run(asked, restrict_keyboard_interrupt_to_checkpoints=True)


def words(choices: Sequence[str] = ()) -> Callable[..., list[str]]:
    """A callback for an option that may be repeated and holds comma-separated words."""

    def split(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> list[str]:
        found = [word.strip() for text in value for word in text.split(",") if word.strip()]
        for word in found:
            if choices and word not in choices:
                close = get_close_matches(word, choices, n=1)
                hint = f"Did you mean {close[0]}?" if close else f"Use {', '.join(choices)}."
                raise click.BadParameter(f"There is no '{word}'. {hint}", ctx, param)
        return found

    return split


async def _patience(target: Target) -> float:
    """How many seconds to try to connect.

    The client goes on trying where nobody listens, as a program wants it that is started together
    with its server. A person wants to hear at once that there is none on this machine.
    """
    parts = urlsplit(address_of(target.url).url)
    host = parts.hostname or ""
    if is_loopback(host):
        try:
            stream = await trio.open_tcp_stream(host, parts.port or _PORTS[parts.scheme])
        except OSError:
            return NOBODY_SECONDS
        await trio.aclose_forcefully(stream)
    return CONNECT_SECONDS
