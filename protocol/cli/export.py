"""`task-coordinator export`: the tasks of a project as a file that `import` understands.

Owns the command, the walk over all pages, and that a file is there as a whole or not at all. What
is written is decided in `protocol.formats`.
"""

import os
import secrets
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from msgspec.structs import astuple

from protocol.cli.filters import filter_of, filter_options
from protocol.cli.options import Target, ask, client_command
from protocol.cli.progress import progress
from protocol.cli.screen import Screen, show
from protocol.cli.text import block
from protocol.cli.views import understood
from protocol.client import Client
from protocol.formats.catalogue import WRITERS, Writer, format_of
from protocol.formats.sheet import portable
from protocol.limits import PAGE_MAX
from protocol.results import TaskPage

__all__ = ["export", "new_file"]

DEFAULT: Final = "json"

EXAMPLES = """\
  task-coordinator export > tasks.json
  task-coordinator export --output plan.md          Markdown, because its name says so
  task-coordinator export --status failed,cancelled --format yaml
  task-coordinator export | task-coordinator import - --format json --project copy"""

Write = Callable[[str], object]


@client_command("Write all tasks as JSON, YAML or Markdown.", examples=EXAMPLES)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write this file, as a whole or not at all.  [default: stdout]",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(WRITERS)),
    help=f"What to write.  [default: what FILE's name says, else {DEFAULT}]",
)
@filter_options
def export(
    target: Target,
    as_json: bool,
    output: Path | None,
    force: bool,
    format_name: str | None,
    **conditions: Any,
) -> None:
    """Write all tasks of the project, or those that pass a filter, oldest first.

    'task-coordinator import' reads the result. Who works on what, attempts and history are not
    part of it: an unfinished task begins anew where it is imported.

    With --json and --output: {"exported": N, "output": "FILE"}.
    """
    wanted = filter_of(**conditions)
    writer = WRITERS[_format(output, format_name)]
    # A bar would stand between the lines on a terminal that shows both.
    shown = not as_json and (output is not None or not sys.stdout.isatty())
    with _stdout() if output is None else new_file(output, force=force) as write:
        count = ask(target, lambda client: _written(client, wanted, writer, write, shown=shown))
    if output is not None:
        screen = Screen.of(sys.stdout, os.environ)
        tasks = "1 task" if count == 1 else f"{count} tasks"
        told = {"exported": count, "output": str(output)}
        show(screen.document(told) if as_json else f"exported {tasks} to {output}\n")


def _format(output: Path | None, format_name: str | None) -> str:
    if format_name is not None or output is None:
        return format_name or DEFAULT
    guessed = format_of(output.name)
    if guessed in WRITERS:
        return guessed
    raise click.UsageError(
        f"The name '{output.name}' says no format: give --format {', '.join(WRITERS)}.",
        click.get_current_context(),
    )


async def _written(
    client: Client, wanted: dict[str, Any], writer: Writer, write: Write, *, shown: bool
) -> int:
    """Write page after page; return how many tasks there were."""
    total = None if wanted else sum(astuple((await client.get_snapshot(limit=0)).counts))
    params: dict[str, Any] = {**wanted, "limit": PAGE_MAX}
    count = 0
    write(writer.begin)
    with progress("exporting", total, shown=shown) as advance:
        while True:
            page = understood(TaskPage, await client.call("list_tasks", params))
            if page.tasks:
                write(writer.items([portable(task) for task in page.tasks], not count))
            count += len(page.tasks)
            advance(len(page.tasks))
            if page.next_cursor is None:
                break
            params["cursor"] = page.next_cursor
    write(("" if count else writer.items([], True)) + writer.end)
    return count


# --- where it goes ----------------------------------------------------------------------------


@contextmanager
def _stdout() -> Generator[Write]:
    """UTF-8 for a pipe, whatever the locale; a terminal gets nothing that it would obey."""
    if sys.stdout.isatty():
        yield lambda text: show("\n".join(block(line)[0] for line in text.split("\n")))
        return

    def write(text: str) -> None:
        sys.stdout.buffer.write(text.encode())

    yield write
    sys.stdout.buffer.flush()


@contextmanager
def new_file(path: Path, *, force: bool) -> Generator[Write]:
    """A file that appears under its name when the block ends well, and not at all otherwise."""
    # A link is followed: what it points to is written anew, and the link stays.
    real = path.resolve()
    if real.exists() and not force:
        raise _taken(path)
    temporary = real.with_name(f".{real.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        if force:
            temporary.replace(real)
        else:
            # Unlike a new name, a second one replaces nothing.
            real.hardlink_to(temporary)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _taken(path: Path) -> click.UsageError:
    return click.UsageError(
        f"{path} is there already. Choose another name, or replace it with --force.",
        click.get_current_context(),
    )
