"""`task-coordinator status`: the server, its slots and the head of the queue at a glance.

Owns the command. What it looks like is decided in `status_view`.
"""

import os
import sys
from typing import Any

import click

from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Screen, show
from protocol.cli.status_view import status_view
from protocol.cli.views import understood
from protocol.client import Client
from protocol.limits import PAGE_MAX
from protocol.results import ServerInfo, Snapshot

__all__ = ["status"]

EXAMPLES = """\
  task-coordinator status
  task-coordinator status --project website
  task-coordinator status --json | jq .snapshot.counts"""


@client_command("Show the server, its slots and the queue.", examples=EXAMPLES)
@click.option(
    "--queue",
    type=click.IntRange(0, PAGE_MAX),
    default=10,
    show_default=True,
    help="How many of the tasks that would be claimed next to show.",
)
def status(target: Target, as_json: bool, queue: int) -> None:
    """Show the server, how many tasks there are in which status, who holds the worker slots and
    for how long, and which tasks would be claimed next. A pause stands at the top, with its reason.

    With --json: {"server": ..., "snapshot": ...}, the results of get_server_info and
    get_snapshot.
    """

    async def both(client: Client) -> tuple[Any, Any]:
        server = await client.call("get_server_info", {})
        return server, await client.call("get_snapshot", {"limit": queue})

    server, snapshot = ask(target, both)
    screen = Screen.of(sys.stdout, os.environ)
    if as_json:
        show(screen.document({"server": server, "snapshot": snapshot}))
    else:
        facts = understood(ServerInfo, server), understood(Snapshot, snapshot)
        show(status_view(screen, target.shown, *facts))
