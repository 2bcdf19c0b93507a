"""`task-coordinator add`: one task from the command line, or many from a file.

Owns the command and the two file formats, a JSON array and JSON Lines. What a task may hold is
the server's to judge.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from protocol.cli.durations import Duration
from protocol.cli.moments import MOMENT_HELP, Moment
from protocol.cli.options import Target, ask, client_command, words
from protocol.cli.screen import Screen, show
from protocol.cli.text import one_line
from protocol.cli.views import understood
from protocol.limits import ADD_TASKS_MAX
from protocol.results import TaskAdded, TasksAdded

__all__ = ["add"]

EXAMPLES = """\
  task-coordinator add "Write the login page"
  task-coordinator add "Test the login" --id test-login --depends-on login,db --priority 5
  task-coordinator add "Nightly build" --not-before 2h --deadline 8h
  task-coordinator add "Split the module" --resource src/auth/ --max-attempts 3 --retry-delay 1m
  task-coordinator add -f plan.json           all of the file, or nothing of it
  generate-plan | task-coordinator add -f -

\b
A file holds a JSON array of tasks, or one task per line:
  {"id": "db", "description": "Set up the database"}
  {"id": "api", "description": "Write the API", "dependencies": ["db"], "priority": 5}"""

_PARAMS: Final = {
    "task_id": "id",
    "expected_output": "output",
    "not_before": "notBefore",
    "max_attempts": "maxAttempts",
    "retry_delay": "retryDelaySeconds",
    "attempt_timeout": "timeoutSeconds",
}
"""What the server calls an option, where that is another word."""


def _object(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, Any] | None:
    try:
        return None if value is None else msgspec.json.decode(value, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise click.BadParameter(f"It must be a JSON object: {error}.", ctx, param) from None


@client_command("Add a task, or many from a file.", examples=EXAMPLES)
@click.argument("description", required=False)
@click.option("--id", "task_id", metavar="ID", help="Its id; without one, the server makes it.")
@click.option(
    "--depends-on",
    "dependencies",
    multiple=True,
    callback=words(),
    metavar="ID",
    help="Tasks that must be done before, comma-separated.",
)
@click.option("--priority", type=int, metavar="N", help="Higher is claimed first.  [default: 0]")
@click.option("--tag", "tags", multiple=True, callback=words(), metavar="TAG", help="Its tags.")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    callback=words(),
    metavar="NAME",
    help="What only its worker may touch, comma-separated: src/auth/ (a folder and all below it), "
    "a file, any name.",
)
@click.option("--not-before", type=Moment(), help=f"Nobody may claim it sooner: {MOMENT_HELP}.")
@click.option("--deadline", type=Moment(), help="When it should be done; as --not-before.")
@click.option(
    "--max-attempts",
    type=int,
    metavar="N",
    help="It fails for good after this many; until then a failure is followed by a retry.",
)
@click.option(
    "--retry-delay",
    type=Duration(),
    help="The wait before the second attempt (30s, 5m); it doubles with each further one.",
)
@click.option(
    "--attempt-timeout",
    type=Duration(),
    help="How long one attempt may take, however lively its worker is.",
)
@click.option("--expected-output", metavar="TEXT", help="The output expected of the worker.")
@click.option("--metadata", callback=_object, metavar="JSON", help="A JSON object to go with it.")
@click.option(
    "-f",
    "--file",
    "source",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
    metavar="FILE",
    help="Add all tasks of a file, in any order, or none of them; - is stdin.",
)
def add(
    target: Target, as_json: bool, description: str | None, source: str | None, **fields: Any
) -> None:
    """Add a task with this DESCRIPTION, or all tasks of a file at once.

    A description that begins with a dash goes after a double dash.

    With --json: the result of add_task, or of add_tasks for a file.
    """
    task = _task({"description": description, **fields})
    if (source is None) == (not task):
        raise click.UsageError(
            "Give either a DESCRIPTION with its options, or a file of tasks with -f.",
            click.get_current_context(),
        )
    if source is not None:
        method, params = "add_tasks", {"tasks": _tasks_of(source)}
    elif "description" in task:
        method, params = "add_task", task
    else:
        raise click.UsageError("A task needs a DESCRIPTION.", click.get_current_context())
    result = ask(target, lambda client: client.call(method, params))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _told(method, result))


def _task(fields: dict[str, Any]) -> dict[str, Any]:
    """The params of `add_task` that were given, and no others."""
    return {
        _PARAMS.get(name, name): value for name, value in fields.items() if value not in (None, [])
    }


def _tasks_of(source: str) -> list[Any]:
    """The tasks of a file, each an object; `-` is stdin."""
    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        tasks = parse_tasks(text)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{name}: {error}", click.get_current_context()) from None
    if not tasks:
        raise click.UsageError(f"{name} holds no tasks.", click.get_current_context())
    if len(tasks) > ADD_TASKS_MAX:
        raise click.UsageError(
            f"{name} holds {len(tasks)} tasks; at most {ADD_TASKS_MAX} can be added at once. Use "
            "'task-coordinator import' for more.",
            click.get_current_context(),
        )
    return tasks


def parse_tasks(text: bytes) -> list[Any]:
    """The objects of a JSON array or of JSON Lines; blank lines are skipped.

    Raises:
        ValueError: it is neither; the message says where.
    """
    text = text.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] == b"[":
        try:
            return msgspec.json.decode(text, type=list[dict[str, Any]])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"not a JSON array of tasks: {error}.") from None
    return [
        _line(number, line)
        for number, line in enumerate(text.split(b"\n"), start=1)
        if line.strip()
    ]


def _line(number: int, line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"line {number} is no JSON object: {error}. The file must hold a JSON array, or one "
            "object per line."
        ) from None


def _told(method: str, result: Any) -> str:
    if method == "add_task":
        added = [understood(TaskAdded, result).task]
    else:
        added = understood(TasksAdded, result).tasks
    return "".join(f"added {one_line(task.id)} ({task.status})\n" for task in added)
