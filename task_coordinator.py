"""The front door: the `task-coordinator` command and `task_coordinator.connect`.

Owns the list of sub-commands and nothing of what they do. It is the only module that may see all
packages, and it loads each one only when it is needed, so that `--help` answers at once and an
agent's MCP process imports no more than it uses.
"""

import os
import signal
import sys

if _AS_PROGRAM := (
    sys.argv[0].endswith(("task-coordinator", "task_coordinator.py"))
    # A background job may have been told to ignore it.
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    # The imports below are most of a short command's time; Ctrl-C would show where they are.
    def _leave(*_: object) -> None:
        os._exit(130)

    signal.signal(signal.SIGINT, _leave)

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

import click

from protocol.cli.exits import EXIT_CODES, OK, report
from protocol.errors import CoordinatorError

if TYPE_CHECKING:
    from protocol.client import connect as connect  # noqa: PLC0414 -- says that it is public

__all__ = ["connect", "main"]

PROGRAM: Final = "task-coordinator"

EXAMPLES: Final = """\b
Examples:
  task-coordinator serve                          start the server
  task-coordinator add "Write the login page"     give it something to do
  task-coordinator status                         see who works on what
  task-coordinator install claude-code            let an agent take part
"""


class Entry(NamedTuple):
    """A sub-command before it is loaded: where it lives, and its line in `--help`."""

    target: str
    summary: str


COMMANDS: Final[dict[str, Entry]] = {
    "serve": Entry("actor.cli:serve", "Run the server and its dashboard."),
    "demo": Entry("mcp_client.cli:demo", "Watch three agents work through a sample plan."),
    "install": Entry("mcp_client.cli:install", "Tell a coding agent about the server."),
    "mcp": Entry("mcp_client.cli:mcp", "The MCP server that an agent starts, on stdio."),
    "status": Entry("protocol.cli.status:status", "Show the server, its slots and the queue."),
    "tasks": Entry("protocol.cli.tasks:tasks", "List tasks, or show one in full."),
    "add": Entry("protocol.cli.add:add", "Add a task, or many from a file."),
    "import": Entry("protocol.cli.import_:import_", "Import tasks from a file."),
    "export": Entry("protocol.cli.export:export", "Write all tasks as JSON, YAML or Markdown."),
    "edit": Entry("protocol.cli.bulk:edit", "Change priority, tags or attempts of tasks."),
    "cancel": Entry("protocol.cli.bulk:cancel", "Call off a task, or all that pass a filter."),
    "reset": Entry("protocol.cli.bulk:reset", "Put a task, or many, back into the queue."),
    "template": Entry(
        "protocol.cli.templates:template", "Keep plans with parameters, and use them."
    ),
    "watch": Entry("protocol.cli.watch:watch", "Follow what happens, live."),
    "history": Entry("protocol.cli.history:history", "Show what happened to a task."),
    "stats": Entry("protocol.cli.history:stats", "Show throughput, times and failures."),
    "slots": Entry("protocol.cli.operations:slots", "Change how many worker slots there are."),
    "pause": Entry("protocol.cli.operations:pause", "Let nobody claim a task until 'resume'."),
    "resume": Entry("protocol.cli.operations:resume", "Let workers claim again."),
    "prune": Entry("protocol.cli.upkeep:prune", "Archive and remove what is old."),
    "backup": Entry("protocol.cli.upkeep:backup", "Copy the database, while work goes on."),
    "restore": Entry(
        "actor.cli_restore:restore_command", "Put a backup in the place of the database."
    ),
    "call": Entry("protocol.cli.call:call", "Call any method of the server."),
}
"""Every sub-command, in the order of `--help`."""


class Parts(TypedDict):
    """What `ctx.obj` hands to a command of one package that needs a part of another."""

    serve_dashboard: Callable[[], Callable[..., Any]]
    """Imports the dashboard and returns its `dashboard.app:serve`."""


def _serve_dashboard() -> Callable[..., Any]:
    serve: Callable[..., Any] = import_module("dashboard.app").serve
    return serve


class _Ended(Exception):
    """An ending that click would treat in its own way, carried past it."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause


_EXPECTED: Final = (
    click.ClickException,
    click.Abort,
    CoordinatorError,
    BaseExceptionGroup,
    BrokenPipeError,
    KeyboardInterrupt,
)


class FrontDoor(click.Group):
    """A group that knows its commands by name and loads the one that is called."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = PROGRAM,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and exit with one of the documented codes."""
        words = sys.argv[1:] if args is None else list(args)

        def run() -> Any:
            return super(FrontDoor, self).main(
                words, prog_name, complete_var, standalone_mode=False, **extra
            )

        if not standalone_mode:
            return run()
        code = _ending(run, as_json=_wants_json(words))
        if _AS_PROGRAM:
            # Everything is said and done: nothing is left to interrupt.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        """Load the command that was named and run it."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, OSError) as error:
            raise _Ended(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names, or suggest one that it may have meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command '{name}'. {hint}", ctx)
        found = super().resolve_command(ctx, args)
        if _AS_PROGRAM:
            # Loaded: from here on the command ends in order.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, so that `--help` imports none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    PROGRAM,
    cls=FrontDoor,
    invoke_without_command=True,
    epilog=f"{EXAMPLES}\n{EXIT_CODES}",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "obj": Parts(serve_dashboard=_serve_dashboard),
    },
)
@click.option("--version", "show_version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def main(ctx: click.Context, show_version: bool) -> None:
    """One server that lets many coding agents share tasks without stepping on each other.

    Every command that talks to the server takes --url, --project, --token, --timeout and --json;
    'task-coordinator COMMAND --help' says more.
    """
    if show_version:
        click.echo(f"{PROGRAM} {import_module('protocol.version').VERSION}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _ending(run: Callable[[], object], *, as_json: bool) -> int:
    """Run to the end, tell a failure, and return the exit code."""
    try:
        code = run()
        sys.stdout.flush()
    except _Ended as ended:
        return report(ended.cause, as_json=as_json)
    except _EXPECTED as error:
        return report(error, as_json=as_json)
    # click hands over the code of an early exit; a command's own return value is none.
    return code if isinstance(code, int) else OK


def _wants_json(words: Sequence[str]) -> bool:
    """Whether failures are to be told as JSON, known also when the words cannot be parsed."""
    return "--json" in words[: words.index("--") if "--" in words else None]


if not TYPE_CHECKING:  # else every misspelt name would pass the type checkers

    def __getattr__(name: str) -> Any:
        if name == "connect":
            return import_module("protocol.client").connect
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
