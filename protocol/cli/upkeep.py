"""`task-coordinator backup` and `prune`: what an operator does about the server's files.

Owns the two commands, and the question before anything is removed. What may be removed is the
server's to judge.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from protocol.cli.durations import Duration
from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Screen, show
from protocol.cli.text import one_line
from protocol.cli.views import understood
from protocol.results import BackupMade, Pruned

__all__ = ["backup", "prune"]

PATIENCE_SECONDS: Final = 3_600.0
"""Both take as long as there is to copy or to remove; a server that is gone is noticed anyhow."""

BACKUP_EXAMPLES = """\
  task-coordinator backup
  task-coordinator serve --backup-every 24h --backup-keep 7     by itself
  task-coordinator restore tasks.backup-20260131-093000.db      the way back"""

PRUNE_EXAMPLES = """\
  task-coordinator prune --finished-older-than 30d --dry-run
  task-coordinator prune --finished-older-than 30d --events-older-than 90d
  task-coordinator serve --retain-finished 30d                  by itself"""


@client_command("Copy the database, while work goes on.", examples=BACKUP_EXAMPLES)
def backup(target: Target, as_json: bool) -> None:
    """Write a copy of the server's database beside it, and check it, while work goes on.

    With --json: the result of backup.
    """
    result = _call(target, "backup", {})
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _backup_told(understood(BackupMade, result)))


@client_command("Archive and remove what is old.", examples=PRUNE_EXAMPLES)
@click.option(
    "--finished-older-than",
    type=Duration(),
    help="Remove tasks that were done, failed or cancelled longer ago: 30d, 12h, 90m.",
)
@click.option(
    "--events-older-than", type=Duration(), help="Remove events that are older, such as 90d."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def prune(
    target: Target,
    as_json: bool,
    finished_older_than: float | None,
    events_older_than: float | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove old finished tasks and old events of the project, after they were written to a JSON
    Lines file beside the database.

    A task that another one needs stays as long as that one does, and so do the events of tasks
    that are not finished. On a terminal you are asked first.

    With --json: the result of prune.
    """
    params = _params(finished_older_than, events_older_than)
    if not params:
        raise click.UsageError(
            "Say what to remove: --finished-older-than 30d, --events-older-than 90d, or both.",
            click.get_current_context(),
        )
    result: Any = None
    if not (dry_run or yes) and sys.stdin.isatty():
        result = _call(target, "prune", params | {"dryRun": True})
        preview = understood(Pruned, result)
        if preview.tasks or preview.events:
            _confirm(preview)
            result = None
        else:
            result = {**result, "dryRun": False}
    if result is None:
        result = _call(target, "prune", params | {"dryRun": dry_run})
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _pruned_told(understood(Pruned, result)))


def _params(finished: float | None, events: float | None) -> dict[str, Any]:
    now = datetime.now(UTC)
    ages = {"finishedBefore": finished, "eventsBefore": events}
    return {
        name: (now - timedelta(seconds=age)).isoformat()
        for name, age in ages.items()
        if age is not None
    }


def _call(target: Target, method: str, params: dict[str, Any]) -> Any:
    patience = max(target.timeout, PATIENCE_SECONDS)
    return ask(target, lambda client: client.call(method, params, timeout=patience))


def _confirm(preview: Pruned) -> None:
    if not click.confirm(f"Remove {_what(preview)}{_kept(preview)}?", err=True):
        raise click.ClickException("Nothing was removed.")


# --- what is told -----------------------------------------------------------------------------


def _backup_told(made: BackupMade) -> str:
    if made.backup is None:
        return "This server keeps no files, so there is nothing to copy.\n"
    return f"wrote {one_line(made.backup)} beside the database\n"


def _pruned_told(pruned: Pruned) -> str:
    verb = "would remove" if pruned.dry_run else "removed"
    where = f"; they are in {one_line(pruned.archive)}" if pruned.archive else ""
    return f"{verb} {_what(pruned)}{where}{_kept(pruned)}\n"


def _what(pruned: Pruned) -> str:
    return f"{_count(pruned.tasks, 'task')} and {_count(pruned.events, 'event')}"


def _kept(pruned: Pruned) -> str:
    if not pruned.kept:
        return ""
    verb = "stays" if pruned.kept == 1 else "stay"
    return f" ({_count(pruned.kept, 'old task')} {verb}: others depend on them)"


def _count(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number} {word}s"
