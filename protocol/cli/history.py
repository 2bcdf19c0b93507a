"""`task-coordinator history` and `stats`: what happened to a task, and how it goes altogether.

Owns the two commands and the following of a history's pages. What it looks like is decided in
`history_view`.
"""

import os
import sys
from datetime import UTC, datetime
from typing import Any, Final

import click

from protocol.cli.durations import Duration
from protocol.cli.history_view import history_view, stats_view
from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Screen, show
from protocol.cli.views import understood
from protocol.client import Client
from protocol.limits import EVENTS_PAGE_MAX
from protocol.models import AttemptRecord, Event
from protocol.results import Stats

__all__ = ["history", "stats"]

EVENTS_DEFAULT: Final = 50
WINDOW_DEFAULT: Final = "24h"

HISTORY_EXAMPLES = """\
  task-coordinator history TASK-7
  task-coordinator history TASK-7 --all
  task-coordinator history TASK-7 --json | jq '.attempts[] | {workerId, outcome, seconds}'"""

STATS_EXAMPLES = """\
  task-coordinator stats                      the last 24 hours
  task-coordinator stats --window 30m
  task-coordinator stats --window 7d --worker worker-3
  task-coordinator stats --json | jq .project.workingSeconds.p95"""


@client_command("Show what happened to a task.", examples=HISTORY_EXAMPLES)
@click.argument("task_id", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Show at most this many events, the newest.  [default: {EVENTS_DEFAULT}]",
)
@click.option("--all", "everything", is_flag=True, help="Show all events, however many.")
def history(
    target: Target, as_json: bool, task_id: str, limit: int | None, everything: bool
) -> None:
    """Show who attempted the task ID, how long each attempt waited and took and how it ended, and
    then what happened to the task, oldest first.

    With --json: {"taskId": ..., "attempts": [...], "events": [...], "eventsLeftOut"?: N}.
    """
    if everything and limit is not None:
        raise click.UsageError("--all and --limit exclude each other.", click.get_current_context())
    count = None if everything else EVENTS_DEFAULT if limit is None else limit
    found = ask(target, lambda client: _whole(client, task_id, count))
    screen = Screen.of(sys.stdout, os.environ)
    if as_json:
        show(screen.document(found))
        return
    if "eventsLeftOut" in found:
        shown = len(found["events"])
        click.echo(
            f"{shown} events shown, {found['eventsLeftOut']} older ones left out: "
            "use --limit N or --all.",
            err=True,
        )
    attempts = understood(list[AttemptRecord], found["attempts"])
    events = understood(list[Event], found["events"])
    show(history_view(screen, attempts, events, datetime.now(UTC).astimezone()))


async def _whole(client: Client, task_id: str, count: int | None) -> dict[str, Any]:
    """All attempts and the newest `count` events (None: all), page after page."""
    attempts: dict[Any, dict[str, Any]] = {}
    events: list[Any] = []
    left_out = 0
    params: dict[str, Any] = {"taskId": task_id, "limit": EVENTS_PAGE_MAX}
    while True:
        page = await client.call("get_task_history", params)
        for attempt in page["attempts"]:
            # One that begins on a page and ends on a later one stands on both; the later one
            # knows its end.
            attempts[attempt["attempt"], attempt["claimedAt"]] = attempt
        events += page["events"]
        over = 0 if count is None else max(0, len(events) - count)
        left_out += over
        del events[:over]
        if "nextSince" not in page:
            more = {"eventsLeftOut": left_out} if left_out else {}
            return {
                "taskId": task_id,
                "attempts": list(attempts.values()),
                "events": events,
                **more,
            }
        params["since"] = page["nextSince"]


@client_command("Show throughput, times and failures.", examples=STATS_EXAMPLES)
@click.option(
    "--window",
    type=Duration(shortest=60),
    default=WINDOW_DEFAULT,
    show_default=True,
    help="How far back to look: 30m, 24h, 7d.",
)
@click.option("--worker", "worker_id", metavar="ID", help="Only what this worker did.")
def stats(target: Target, as_json: bool, window: float, worker_id: str | None) -> None:
    """Show how many tasks were added and done, how many attempts failed or lapsed, how long tasks
    waited and were worked on, and the same for each worker, the busiest first.

    With --json: the result of get_stats; its `project` is always that of all workers.
    """
    params: dict[str, Any] = {"windowSeconds": window}
    if worker_id is not None:
        params["workerId"] = worker_id
    result = ask(target, lambda client: client.call("get_stats", params))
    screen = Screen.of(sys.stdout, os.environ)
    if as_json:
        show(screen.document(result))
    else:
        show(stats_view(screen, understood(Stats, result), worker_id))
