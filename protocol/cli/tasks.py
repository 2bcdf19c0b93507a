"""`task-coordinator tasks`: the list of tasks, or one of them in full.

Owns the command and the following of cursors. What it looks like is decided in `views`, what its
filters mean in `filters`.
"""

import os
import sys
from datetime import UTC, datetime
from typing import Any, Final, get_args

import click

from protocol.cli.filters import filter_of, filter_options
from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Screen, show
from protocol.cli.views import task_view, tasks_table, understood
from protocol.client import Client
from protocol.fields import Sort
from protocol.limits import PAGE_MAX
from protocol.models import Task
from protocol.results import TaskExplained

__all__ = ["tasks"]

LIMIT_DEFAULT: Final = 50
NO_TASKS: Final = "No tasks yet. Add one with 'task-coordinator add DESCRIPTION'."

EXAMPLES = """\
  task-coordinator tasks                            the first 50, oldest first
  task-coordinator tasks --status available,working --sort priority
  task-coordinator tasks --tag backend --search login --all
  task-coordinator tasks TASK-7                     one task, and why it is where it is
  task-coordinator tasks --all --json | jq -r '.tasks[].id'"""


@client_command("List tasks, or show one in full.", examples=EXAMPLES)
@click.argument("task_id", required=False, metavar="[ID]")
@filter_options
@click.option(
    "--sort",
    type=click.Choice(get_args(Sort)),
    help="priority is the order of claims.  [default: created]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show at most this many.  [default: {LIMIT_DEFAULT}]",
)
@click.option("--all", "everything", is_flag=True, help="Show all of them, however many.")
def tasks(
    target: Target,
    as_json: bool,
    task_id: str | None,
    limit: int | None,
    everything: bool,
    sort: str | None,
    **filters: Any,
) -> None:
    """List tasks, or show the task ID in full together with why it is where it is.

    With --json: {"tasks": [...], "seq": N, "nextCursor"?: ...}, and for one task
    {"task": ..., "explanation": ...}.
    """
    screen = Screen.of(sys.stdout, os.environ)
    wanted = filter_of(**filters) | ({"sort": sort} if sort else {})
    if everything and limit is not None:
        raise click.UsageError("--all and --limit exclude each other.", click.get_current_context())
    if task_id is None:
        count = None if everything else limit or LIMIT_DEFAULT
        found = ask(target, lambda client: _listed(client, wanted, count))
        show(screen.document(found) if as_json else _table(screen, found, filtered=bool(wanted)))
        return
    if wanted or limit or everything:
        raise click.UsageError(
            "An ID shows that one task: leave the filters out.", click.get_current_context()
        )
    one = ask(target, lambda client: _single(client, task_id))
    show(screen.document(one) if as_json else _task(screen, one))


async def _listed(client: Client, wanted: dict[str, Any], count: int | None) -> dict[str, Any]:
    """Up to `count` tasks (None: all), page after page.

    `seq` is that of the first page: `watch --since` it misses nothing that happened since.
    """
    found: list[Any] = []
    params = dict(wanted)
    seq: int | None = None
    while True:
        params["limit"] = PAGE_MAX if count is None else min(PAGE_MAX, count - len(found))
        page = await client.call("list_tasks", params)
        found += page["tasks"]
        seq = page["seq"] if seq is None else seq
        cursor = page.get("nextCursor")
        if cursor is None or (count is not None and len(found) >= count):
            more = {} if cursor is None else {"nextCursor": cursor}
            return {"tasks": found, "seq": seq, **more}
        params["cursor"] = cursor


async def _single(client: Client, task_id: str) -> dict[str, Any]:
    answer = await client.call("get_task", {"taskId": task_id})
    explanation = await client.call("explain_task", {"taskId": task_id})
    return {"task": answer["task"], "explanation": explanation}


def _table(screen: Screen, found: dict[str, Any], *, filtered: bool) -> str:
    listed = understood(list[Task], found["tasks"])
    if "nextCursor" in found:
        click.echo(f"{len(listed)} shown, there are more: use --limit N or --all.", err=True)
    elif not listed:
        click.echo("No task matches." if filtered else NO_TASKS, err=True)
    return tasks_table(screen, listed, _now())


def _task(screen: Screen, one: dict[str, Any]) -> str:
    task, explained = one["task"], one["explanation"]
    return task_view(screen, understood(Task, task), understood(TaskExplained, explained), _now())


def _now() -> datetime:
    """By this machine's clock and in its zone: how long a lease lasts is seen from here."""
    return datetime.now(UTC).astimezone()
