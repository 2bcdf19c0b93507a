"""`task-coordinator restore`: a backup takes the place of the database.

Owns the command, and the question before it. Runs while no server does; how the files are
exchanged is the store's business.
"""

import sys
from pathlib import Path
from typing import Final

import click

from actor.store.base import StoreError
from actor.store.sqlite_restore import Restored, check_backup, restore
from protocol.cli.exits import EXIT_CODES
from protocol.cli.text import json_text, one_line

__all__ = ["restore_command"]

EXAMPLES: Final = """\b
Examples:
  task-coordinator restore task-coordinator.scheduled-20260131-093000.db
  task-coordinator restore /mnt/backups/monday.db --database ~/plans.db --yes
"""


@click.command("restore", epilog=f"{EXAMPLES}\n{EXIT_CODES}")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    default=Path("task-coordinator.db"),
    show_default=True,
    envvar="TASK_COORDINATOR_DATABASE",
    show_envvar=True,
    help="The database whose place the backup takes.",
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object on one line.")
def restore_command(file: Path, database: Path, yes: bool, as_json: bool) -> None:
    """Put a copy of the backup FILE in the place of the database. The server must be stopped.

    The backup is checked first. What was there before is kept beside it, under a name with
    'before-restore' in it. Ended at any moment, this leaves the old database in place, or the new
    one.

    With --json: {"database": ..., "kept": ..., "tasks": ...}.
    """
    try:
        check_backup(file)
        if not yes:
            _confirm(file, database)
        done = restore(file, database)
    except StoreError as error:
        raise click.ClickException(f"{error}.") from None
    click.echo(_document(done) if as_json else _told(done))


def _confirm(file: Path, database: Path) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("Where nobody can be asked, say --yes.", click.get_current_context())
    what = f"Put {one_line(str(file))} in the place of {one_line(str(database))}"
    kept = " (which is kept under another name)" if database.exists() else ""
    if not click.confirm(f"{what}{kept}?", err=True):
        raise click.ClickException("Nothing was changed.")


def _told(done: Restored) -> str:
    tasks = "1 task" if done.tasks == 1 else f"{done.tasks} tasks"
    told = f"restored {one_line(str(done.database))} ({tasks})"
    if done.kept is not None:
        told += f"\nthe former database is {one_line(str(done.kept))}"
    return told


def _document(done: Restored) -> str:
    return json_text(
        {
            "database": str(done.database),
            "kept": None if done.kept is None else str(done.kept),
            "tasks": done.tasks,
        },
        ascii_only=True,
    )
