"""`task-coordinator import`: the tasks of a file, in any of the formats, put on the server.

Owns the command, the questions that only the server can answer before anything is sent, and the
sending in chunks. What a file means is read in `protocol.formats`.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar, Final

import click
from msgspec.structs import replace

from protocol.cli.options import Target, ask, client_command
from protocol.cli.progress import progress
from protocol.cli.screen import Screen, show
from protocol.cli.text import one_line
from protocol.client import Client
from protocol.errors import ConnectionLost, CoordinatorError, TaskError
from protocol.formats.catalogue import READ, STDIN, format_of, read_file
from protocol.formats.plan import Plan, Planned, chunks, plan_of, without
from protocol.formats.sheet import Problem, Sheet
from protocol.limits import PAGE_MAX
from protocol.params import ImportedTask

__all__ = ["import_"]

PROBLEMS_SHOWN_MAX: Final = 20

EXAMPLES = """\
  task-coordinator import plan.md --dry-run     check it, change nothing
  task-coordinator import plan.yaml             all of the file, or nothing of it
  task-coordinator import old/task-coordinator.db --prefix old-
  generate-plan | task-coordinator import - --format jsonl

\b
A task in JSON or YAML has a description, and if you like: id, dependencies, output (what is
expected), priority, tags, metadata, resources, maxAttempts, retryDelaySeconds, timeoutSeconds,
notBefore, deadline, note; a finished one also status (done, failed, cancelled), result, error
and workerId. In Markdown it looks like this, and an indented task is one that its parent needs:
  - [x] db: Set up the database
  - [ ] api: Write the API (needs: db) #backend !5
    - resources: src/api/, db-schema
    - [ ] Write the tests"""


class ImportRefused(CoordinatorError):
    """The file cannot be imported as it is; `data.problems` says what is wrong and where."""

    reason: ClassVar[str] = "import_refused"


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, as it was asked for."""

    name: str
    dry_run: bool
    skip_existing: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    imported: int
    skipped: int


@client_command(
    "Import tasks from JSON, YAML, Markdown or the original database.", examples=EXAMPLES
)
@click.argument(
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(READ),
    help="What it is, where its name does not say so; db is the original task-coordinator.db.",
)
@click.option(
    "--dry-run", is_flag=True, help="Check everything, also with the server; add nothing."
)
@click.option("--skip-existing", is_flag=True, help="Pass over tasks whose id is there already.")
@click.option("--prefix", default="", metavar="TEXT", help="Put it before the ids of the tasks.")
@click.option(
    "--drop-past-times",
    "drop_past",
    is_flag=True,
    help="Leave out a notBefore or a deadline that is over, instead of refusing the file.",
)
def import_(
    target: Target,
    as_json: bool,
    source: str,
    format_name: str | None,
    dry_run: bool,
    skip_existing: bool,
    prefix: str,
    drop_past: bool,
) -> None:
    """Import the tasks of FILE; - is stdin, and needs --format.

    Everything is checked first, and every problem is told with its line: then nothing is
    imported. Finished tasks stay finished; all others begin anew, also those that somebody worked
    on. A task without an id gets one made of its description.

    With --json: {"imported": N, "skipped": N, "dryRun": true or false}.
    """
    order = _Order("stdin" if source == STDIN else source, dry_run, skip_existing, as_json)
    sheet = _sheet(order.name, source, format_name)
    plan = plan_of(sheet, datetime.now(UTC), prefix=prefix, drop_past=drop_past)
    try:
        outcome = ask(target, lambda client: _imported(client, plan, sheet.unit, order))
    except ConnectionLost:
        if plan.problems:
            raise _refusal(plan.problems, sheet.unit, order) from None
        raise
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(_document(outcome, order)) if as_json else _told(outcome, order))


def _sheet(name: str, source: str, format_name: str | None) -> Sheet:
    """What the file holds; a file that cannot be meant at all is wrong usage."""
    context = click.get_current_context()
    chosen = format_name or format_of(source)
    if chosen is None or (chosen == "db" and source == STDIN):
        able = [each for each in READ if source != STDIN or each != "db"]
        raise click.UsageError(f"Say what {name} is with --format: {', '.join(able)}.", context)
    try:
        sheet = read_file(source, chosen)
    except OSError as error:
        raise click.UsageError(f"{name}: {error}", context) from None
    if not sheet.entries and not sheet.problems:
        raise click.UsageError(f"{name} holds no tasks.", context)
    return sheet


# --- checking ---------------------------------------------------------------------------------


async def _imported(client: Client, plan: Plan, unit: str, order: _Order) -> _Outcome:
    """Look what is there already, try, then send."""
    existing = await _existing(client, plan, shown=not order.as_json)
    problems = [*plan.problems, *_clashes(plan, existing, order)]
    tasks = without(plan, existing)
    if len(problems) < PROBLEMS_SHOWN_MAX:
        problems += await _rehearsed(client, tasks, shown=not order.as_json)
    if problems:
        raise _refusal(problems, unit, order)
    if not order.dry_run:
        await _send(client, tasks, shown=not order.as_json)
    return _Outcome(len(tasks), len(plan.tasks) - len(tasks))


async def _existing(client: Client, plan: Plan, *, shown: bool) -> set[str]:
    """Which of the ids that the plan names are there already."""
    found: set[str] = set()
    names = [*plan.tasks, *plan.outside]
    with progress("looking", len(names), shown=shown) as advance:
        for some in _cut(names):
            cursor: str | None = None
            while True:
                page = await client.list_tasks(ids=some, limit=PAGE_MAX, cursor=cursor)
                found.update(task.id for task in page.tasks)
                cursor = page.next_cursor
                if cursor is None:
                    break
            advance(len(some))
    return found


def _cut(names: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, PAGE_MAX)):
        yield some


def _clashes(plan: Plan, existing: set[str], order: _Order) -> list[Problem]:
    """What the file and the server's tasks make impossible together."""
    clashes = [
        Problem(
            line,
            f"there is no task `{name}` to depend on, neither in the file nor on the server.",
        )
        for name, line in plan.outside.items()
        if name not in existing
    ]
    if not order.skip_existing:
        clashes += [
            Problem(
                planned.line,
                f"there is a task `{name}` already. Pass over such with --skip-existing, or give "
                "the file's tasks a --prefix.",
            )
            for name, planned in plan.tasks.items()
            if name in existing
        ]
    return clashes


async def _rehearsed(client: Client, tasks: dict[str, Planned], *, shown: bool) -> list[Problem]:
    """What the server would refuse, found by dry runs before the first task is added."""
    problems: list[Problem] = []
    with progress("checking", len(tasks), shown=shown) as advance:
        for chunk in chunks(tasks):
            # How tasks depend on one another is checked already, and those of an earlier chunk
            # are not there yet.
            alone = [replace(task, dependencies=[]) for task in chunk]
            for task, error in await _offenders(client, alone):
                line = tasks[task.id or ""].line
                problems.append(Problem(line, f"task `{task.id}`: {error.message}"))
            if len(problems) > PROBLEMS_SHOWN_MAX:
                break
            advance(len(chunk))
    return problems


async def _offenders(
    client: Client, tasks: list[ImportedTask]
) -> list[tuple[ImportedTask, CoordinatorError]]:
    """The first of the tasks that the server refuses, and why: halves are tried until one task is
    left."""
    found: list[tuple[ImportedTask, CoordinatorError]] = []
    waiting = [tasks]
    while waiting and len(found) <= PROBLEMS_SHOWN_MAX:
        some = waiting.pop()
        try:
            await client.import_tasks(tasks=some, dry_run=True)
        except TaskError as error:
            half = len(some) // 2
            if half:
                waiting += [some[half:], some[:half]]
            else:
                found.append((some[0], error))
    return found


def _refusal(problems: Sequence[Problem], unit: str, order: _Order) -> ImportRefused:
    """Tell the problems and return the error that the command ends with."""
    listed = sorted(problems, key=lambda problem: problem.line)[:PROBLEMS_SHOWN_MAX]
    lines = [
        f"{order.name}, {unit} {line}: {text}" if line else f"{order.name}: {text}"
        for line, text in listed
    ]
    count = len(problems)
    data = {"problems": [{unit: line, "message": text} for line, text in listed]}
    if count == 1:
        return ImportRefused(f"{lines[0]} Nothing was imported.", **data)
    if not order.as_json:
        for line in lines:
            click.echo(one_line(line), err=True)
    more = f", the first {len(listed)} of them above" if count > len(listed) else ""
    return ImportRefused(f"{order.name} has {count} problems{more}. Nothing was imported.", **data)


# --- sending ----------------------------------------------------------------------------------


async def _send(client: Client, tasks: dict[str, Planned], *, shown: bool) -> None:
    """Add the tasks, chunk by chunk; each chunk is added as a whole or not at all.

    Raises:
        CoordinatorError: a chunk was refused; the message says how many tasks are there by then.
    """
    sent = 0
    with progress("importing", len(tasks), shown=shown) as advance:
        for chunk in chunks(tasks):
            try:
                await client.import_tasks(tasks=chunk)
            except CoordinatorError as error:
                if sent or isinstance(error, ConnectionLost):
                    error.message += (
                        f" {sent} of {len(tasks)} tasks are known to be imported; run it again "
                        "with --skip-existing to go on."
                    )
                    error.data["imported"] = sent
                raise
            sent += len(chunk)
            advance(len(chunk))


def _document(outcome: _Outcome, order: _Order) -> dict[str, Any]:
    return {
        "imported": 0 if order.dry_run else outcome.imported,
        "skipped": outcome.skipped,
        "dryRun": order.dry_run,
    }


def _told(outcome: _Outcome, order: _Order) -> str:
    done = "could import" if order.dry_run else "imported"
    tasks = "1 task" if outcome.imported == 1 else f"{outcome.imported} tasks"
    skipped = f"; {outcome.skipped} are there already" if outcome.skipped else ""
    return f"{done} {tasks} from {order.name}{skipped}\n"
