"""`task-coordinator watch`: what happens, line by line, as it happens.

Owns the command and how long it goes on: over broken connections, until Ctrl-C or until nobody
reads any more. What a line looks like is decided in `event_view`.
"""

import os
import select
import stat
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, get_args

import click
import trio

from protocol.cli.event_view import event_line
from protocol.cli.options import Target, client_command, opened, words
from protocol.cli.screen import Screen, show
from protocol.cli.text import json_text
from protocol.client import Client
from protocol.models import Event, EventType

__all__ = ["watch"]

EVENT_TYPES: Final[tuple[str, ...]] = get_args(EventType)

EXAMPLES = """\
  task-coordinator watch                        from now on
  task-coordinator watch --since 0              everything that ever happened, then live
  task-coordinator watch --type task_done,task_failed
  task-coordinator watch --task TASK-7 --json | jq .type"""


@client_command("Follow what happens, live.", examples=EXAMPLES)
@click.option(
    "--since", type=click.IntRange(min=0), metavar="N", help="Begin after event N.  [default: now]"
)
@click.option(
    "--type",
    "types",
    multiple=True,
    callback=words(EVENT_TYPES),
    metavar="TYPE",
    help=f"Only these, comma-separated: {', '.join(EVENT_TYPES)}.",
)
@click.option("--task", "task_id", metavar="ID", help="Only what happens to this task.")
def watch(
    target: Target,
    as_json: bool,
    since: int | None,
    types: Sequence[EventType],
    task_id: str | None,
) -> None:
    """Print one line for each thing that happens: event number, time, type, task or slot, worker,
    and what there is to say about it.

    Goes on over broken connections without missing anything; 'disconnected' and 'reconnected'
    are told on stderr. Ctrl-C ends it.

    With --json: JSON Lines, one event each.
    """
    screen = Screen.of(sys.stdout, os.environ)

    def tell(event: Event) -> None:
        now = datetime.now(UTC).astimezone()
        show(screen.document(event) if as_json else event_line(screen, event, now))

    async def follow() -> None:
        async with (
            opened(target) as client,
            client.events(since=since, types=types, task_id=task_id) as stream,
            trio.open_nursery() as nursery,
        ):
            if screen.terminal:
                click.echo(f"Watching {client.server}; Ctrl-C ends it.", err=True)
            nursery.start_soon(partial(_tell_breaks, client, as_json=as_json))
            nursery.start_soon(_cancel_when_unread, nursery.cancel_scope)
            async for event in stream:
                tell(event)

    trio.run(follow, restrict_keyboard_interrupt_to_checkpoints=True)


async def _tell_breaks(client: Client, *, as_json: bool) -> None:
    """Say on stderr when the connection is gone and when it is back.

    Raises:
        ConnectionLost: it will not come back, because the server refuses this client.
    """
    while True:
        await client.wait_disconnected()
        _notice(f"disconnected from {client.server}; trying again", "disconnected", as_json)
        await client.wait_connected()
        _notice("reconnected", "reconnected", as_json)


def _notice(text: str, word: str, as_json: bool) -> None:
    click.echo(json_text({"notice": word}) if as_json else text, err=True)


async def _cancel_when_unread(scope: trio.CancelScope) -> None:
    """End the scope when the reader of a pipe closes it, which else only the next line shows."""
    mode = os.fstat(sys.stdout.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    poller = select.poll()
    poller.register(sys.stdout.fileno(), 0)
    await trio.to_thread.run_sync(poller.poll, abandon_on_cancel=True)
    scope.cancel()
