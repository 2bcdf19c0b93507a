"""`task-coordinator cancel`, `reset` and `edit`: one task, or all that pass a filter.

Owns the three commands, the question before many tasks are changed, and the following of cursors.
Which task may be changed is the server's to judge.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import click

from protocol.cli.filters import filter_of, filter_options
from protocol.cli.options import Target, ask, client_command, words
from protocol.cli.screen import Screen, show
from protocol.cli.text import one_line
from protocol.cli.views import understood
from protocol.client import Client
from protocol.errors import TaskNotFound
from protocol.limits import LISTED_MAX
from protocol.results import BulkChanged, TaskAdded

__all__ = ["cancel", "edit", "reset"]

Function = TypeVar("Function", bound=Callable[..., Any])

NAMED_MAX: Final = 10
"""Ids that a line names; the rest is counted."""

CANCEL_EXAMPLES = """\
  task-coordinator cancel TASK-7
  task-coordinator cancel --tag spike --dry-run      what would be called off?
  task-coordinator cancel --status blocked --depends-on db --yes"""

RESET_EXAMPLES = """\
  task-coordinator reset TASK-7
  task-coordinator reset --status failed --worker agent-3
  task-coordinator reset TASK-7 --force              although it is done, or somebody works on it"""

EDIT_EXAMPLES = """\
  task-coordinator edit TASK-7 --priority 10
  task-coordinator edit --tag login --add-tag release-2 --remove-tag later
  task-coordinator edit --status available --max-attempts 3 --dry-run

\b
What else a task says is changed one by one:
  task-coordinator call edit_task taskId=TASK-7 description="Write the login page anew\""""

_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option("--all", "everything", is_flag=True, help="All tasks of the project."),
    click.option("--dry-run", is_flag=True, help="Only say what would be changed."),
    click.option("--yes", is_flag=True, help="Do not ask first."),
)


@dataclass(frozen=True, slots=True)
class Work:
    """A change of many tasks: the server's method, and the words for it."""

    method: str
    verb: str
    past: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    single: str | None = None
    """The method for one task, where that one says better why it cannot be."""


def _choice_options(function: Function) -> Function:
    for option in reversed(_OPTIONS):
        function = option(function)
    return click.argument("task_id", required=False, metavar="[ID]")(filter_options(function))


@client_command("Call off a task, or all that pass a filter.", examples=CANCEL_EXAMPLES)
@_choice_options
def cancel(target: Target, as_json: bool, **choice: Any) -> None:
    """Call off the task ID, or all that pass a filter and are not finished.

    Whoever works on one of them hears of it with the next heartbeat.

    With --json: the result of cancel_task; with a filter, the sum of those of cancel_tasks.
    """
    _change(target, as_json, Work("cancel_tasks", "cancel", "cancelled", {}, "cancel_task"), choice)


@client_command("Put a task, or many, back into the queue.", examples=RESET_EXAMPLES)
@_choice_options
@click.option("--force", is_flag=True, help="Also those that are done or worked on.")
def reset(target: Target, as_json: bool, force: bool, **choice: Any) -> None:
    """Put the failed or cancelled task ID, or all that pass a filter, back into the queue.

    With --json: the result of reset_failed_task; with a filter, the sum of those of reset_tasks.
    """
    params = {"force": True} if force else {}
    work = Work("reset_tasks", "reset", "reset", params, "reset_failed_task")
    _change(target, as_json, work, choice)


@client_command("Change priority, tags or attempts of tasks.", examples=EDIT_EXAMPLES)
@_choice_options
@click.option("--priority", type=int, metavar="N", help="Higher is claimed first.")
@click.option("--add-tag", "add_tags", multiple=True, callback=words(), metavar="TAG", help="Add.")
@click.option(
    "--remove-tag", "remove_tags", multiple=True, callback=words(), metavar="TAG", help="Remove."
)
@click.option("--max-attempts", type=int, metavar="N", help="Attempts until it fails for good.")
def edit(
    target: Target,
    as_json: bool,
    priority: int | None,
    add_tags: Sequence[str],
    remove_tags: Sequence[str],
    max_attempts: int | None,
    **choice: Any,
) -> None:
    """Change priority, tags or attempts of the task ID, or of all that pass a filter.

    With --json: the sum of the results of edit_tasks.
    """
    given: dict[str, Any] = {
        "priority": priority,
        "addTags": list(add_tags) or None,
        "removeTags": list(remove_tags) or None,
        "maxAttempts": max_attempts,
    }
    params = {name: value for name, value in given.items() if value is not None}
    if not params:
        raise _usage("Say what to change: --priority, --add-tag, --remove-tag or --max-attempts.")
    _change(target, as_json, Work("edit_tasks", "edit", "edited", params), choice)


# --- which tasks ------------------------------------------------------------------------------


def _change(target: Target, as_json: bool, work: Work, choice: dict[str, Any]) -> None:
    task_id: str | None = choice.pop("task_id")
    everything, dry_run, yes = (choice.pop(name) for name in ("everything", "dry_run", "yes"))
    wanted = filter_of(**choice)
    if sum((task_id is not None, bool(wanted), everything)) != 1:
        raise _usage("Give an ID, or conditions such as --status, or --all for all tasks.")
    screen = Screen.of(sys.stdout, os.environ)
    if task_id is None:
        done = _changed_many(target, work, wanted, dry_run=dry_run, yes=yes)
        show(screen.document(done) if as_json else _told(work, done))
    elif work.single is None or dry_run:
        done = ask(target, lambda client: _sum(client, work, {"ids": [task_id]}, dry_run))
        if not done["matched"]:
            raise TaskNotFound(
                f"There is no task `{task_id}`. 'task-coordinator tasks' lists what there is.",
                taskId=task_id,
            )
        show(screen.document(done) if as_json else _told(work, done))
    else:
        method, params = work.single, {"taskId": task_id, **work.params}
        one = ask(target, lambda client: client.call(method, params))
        show(screen.document(one) if as_json else _one_told(work, one))


def _changed_many(
    target: Target, work: Work, wanted: dict[str, Any], *, dry_run: bool, yes: bool
) -> dict[str, Any]:
    """Ask where somebody can be asked; elsewhere conditions are clear enough, but not --all."""
    if not (dry_run or yes):
        if sys.stdin.isatty():
            preview = ask(target, lambda client: _sum(client, work, wanted, dry_run=True))
            if not preview["changed"]:
                return preview | {"dryRun": False}
            _confirm(work, preview["changed"])
        elif not wanted:
            raise _usage("--all needs --yes where nobody can be asked.")
    return ask(target, lambda client: _sum(client, work, wanted, dry_run))


def _confirm(work: Work, number: int) -> None:
    if not click.confirm(f"{work.verb.capitalize()} {_tasks(number)}?", err=True):
        raise click.ClickException("Nothing was changed.")


async def _sum(client: Client, work: Work, wanted: dict[str, Any], dry_run: bool) -> dict[str, Any]:
    """Carry the change out for all tasks that pass, however many calls it takes."""
    total: dict[str, Any] = {"matched": 0, "changed": 0, "taskIds": [], "skipped": []}
    params = {"filter": wanted, **work.params, "dryRun": dry_run}
    while True:
        page = await client.call(work.method, params)
        for name in total:
            total[name] += page[name]
        params["cursor"] = page.get("nextCursor")
        if params["cursor"] is None:
            lists = {name: total[name][:LISTED_MAX] for name in ("taskIds", "skipped")}
            return {**total, **lists, "more": False, "dryRun": dry_run}


# --- what is told -----------------------------------------------------------------------------


def _told(work: Work, done: dict[str, Any]) -> str:
    changed = understood(BulkChanged, done)
    left = changed.matched - changed.changed
    if left:
        skipped = [f"{each.task_id} ({each.reason})" for each in changed.skipped]
        named = _named(skipped, left) if skipped else _tasks(left)
        click.echo(f"left as they are: {named}", err=True)
    if not changed.matched:
        click.echo("No task matches.", err=True)
    told = f"would {work.verb}" if changed.dry_run else work.past
    named = f": {_named(changed.task_ids, changed.changed)}" if changed.changed else ""
    return f"{told} {_tasks(changed.changed)}{named}\n"


def _one_told(work: Work, one: Any) -> str:
    task = understood(TaskAdded, one).task
    now = "" if task.status == work.past else f" ({task.status})"
    return f"{work.past} {one_line(task.id)}{now}\n"


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def _named(names: Sequence[str], number: int) -> str:
    """The first few names, and how many there are besides."""
    shown = [one_line(name) for name in names[:NAMED_MAX]]
    more = number - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context())
