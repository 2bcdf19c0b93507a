"""The commands that concern agents: `mcp`, `install` and `demo`.

Owns their options and what a person sees of them. Imports the heavy parts inside the commands: an
agent waits for `mcp`, and nobody waits for MCP to print a help text.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Final

import click
import trio

from mcp_client.hosts import HOSTS, Change, Scope, entry
from mcp_client.hosts import install as install_entry
from mcp_client.hosts import remove as remove_entry
from protocol.cli.exits import EXIT_CODES
from protocol.cli.text import json_text
from protocol.urls import DEFAULT_PROJECT, DEFAULT_URL, address_of

__all__ = ["demo", "install", "mcp"]

Decorator = Callable[[Any], Any]

DEMO_WORKERS_MAX: Final = 16

_URL: Final[Decorator] = click.option(
    "--url",
    envvar="TASK_COORDINATOR_URL",
    default=DEFAULT_URL,
    show_default=True,
    show_envvar=True,
    help="The coordinator; http:// and ws:// are both taken.",
)
_PROJECT: Final[Decorator] = click.option(
    "--project",
    envvar="TASK_COORDINATOR_PROJECT",
    show_envvar=True,
    help=f"The task list; every project has its own.  [default: {DEFAULT_PROJECT}]",
)
_TOKEN: Final[Decorator] = click.option(
    "--token",
    envvar="TASK_COORDINATOR_TOKEN",
    show_envvar=True,
    help="The server's token, if it demands one. Prefer the variable: others on this machine can "
    "see the words of a command.",
)


@click.command(
    short_help="The MCP server that an agent starts, on stdio.",
    epilog="\b\nExample, in the configuration of an agent's host:\n"
    '  {"mcpServers": {"task-coordinator": {"command": "task-coordinator", "args": ["mcp"]}}}\n',
)
@_URL
@_PROJECT
@_TOKEN
@click.option(
    "--name",
    envvar="TASK_COORDINATOR_NAME",
    show_envvar=True,
    help="Shown as `createdBy` of the tasks that this agent adds.",
)
@click.option(
    "--worker-id",
    envvar="TASK_COORDINATOR_WORKER_ID",
    show_envvar=True,
    help="The worker that this agent is. By default its host's session, where the host tells it "
    "(Claude Code, Codex, VS Code); else the host's name and a random ending.",
)
@click.option(
    "--idle-seconds",
    type=click.FloatRange(min=1),
    envvar="TASK_COORDINATOR_IDLE_SECONDS",
    show_envvar=True,
    default=7_200.0,
    show_default=True,
    help="An agent that calls no tool for this long no longer keeps its task and its slot.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="error",
    show_default=True,
    envvar="TASK_COORDINATOR_LOG_LEVEL",
    help="What is logged to stderr.",
)
def mcp(
    *,
    url: str,
    project: str | None,
    token: str | None,
    name: str | None,
    worker_id: str | None,
    idle_seconds: float,
    log_level: str,
) -> None:
    """Serve one agent over stdin and stdout, in MCP.

    An agent's host starts this by itself; `task-coordinator install` tells it to. It runs without
    the coordinator too, says so when a tool is called, and connects once the coordinator is there.
    """
    _check_address(url, project)
    logging.basicConfig(
        stream=sys.stderr, level=log_level.upper(), format="task-coordinator mcp: %(message)s"
    )
    from mcp_client.server import Options, serve_stdio  # noqa: PLC0415 -- see the module docstring

    options = Options(
        url=url,
        project=project,
        token=token or None,
        name=name or None,
        worker_id=worker_id or None,
        idle_seconds=idle_seconds,
    )
    try:
        trio.run(serve_stdio, options, restrict_keyboard_interrupt_to_checkpoints=True)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@click.command(
    short_help="Register the MCP server with a coding agent.",
    epilog="\b\nExamples:\n"
    "  task-coordinator install claude-code\n"
    "  task-coordinator install claude-code --scope project --project website\n"
    "  task-coordinator install claude-code --print\n"
    f"  task-coordinator install claude-code --remove\n\n{EXIT_CODES}",
)
@click.argument("host", metavar="HOST")
@click.option(
    "--scope",
    type=click.Choice(["user", "project"]),
    default="user",
    show_default=True,
    help="user: ~/.claude.json, for all your projects. project: ./.mcp.json, for all who share "
    "this folder.",
)
@_URL
@_PROJECT
@click.option(
    "--token",
    help="Write this token into the file. Without it the token is taken from the variable "
    "TASK_COORDINATOR_TOKEN of the environment in which the agent runs.",
)
@click.option(
    "--name", default="task-coordinator", show_default=True, help="The entry's name in the file."
)
@click.option("--print", "print_only", is_flag=True, help="Show the entry and write nothing.")
@click.option("--remove", "take_out", is_flag=True, help="Take the entry out again.")
@click.option("--json", "as_json", is_flag=True, help="Tell the outcome as one line of JSON.")
def install(  # noqa: PLR0913 -- one parameter per option
    *,
    host: str,
    scope: Scope,
    url: str,
    project: str | None,
    token: str | None,
    name: str,
    print_only: bool,
    take_out: bool,
    as_json: bool,
) -> None:
    """Register the MCP server with the program that runs your agents.

    HOST is the program: claude-code. Everything else in its file stays as it is, and a copy of
    the file as it was is kept beside it.
    """
    if host not in HOSTS:
        raise click.UsageError(f"unknown host {host!r}; known hosts: {', '.join(HOSTS)}")
    if not name:
        raise click.UsageError("--name must not be empty")
    _check_address(url, project)
    server = entry(url=url, project=project, token=token)
    if print_only:
        click.echo(json.dumps({"mcpServers": {name: server}}, indent=2, ensure_ascii=False))
        return
    if take_out:
        change = remove_entry(host, scope, name)
        done, unchanged = f"removed {name!r} from", f"there is no {name!r} in"
    else:
        change = install_entry(host, scope, name, server)
        done, unchanged = f"installed {name!r} in", f"already installed: {name!r} in"
    if as_json:
        click.echo(json_text(_told(change)))
        return
    click.echo(f"{done if change.changed else unchanged} {change.path}")
    if change.backup is not None:
        click.echo(f"the file as it was: {change.backup}")
    if token is not None and not take_out:
        click.echo("the token is in the file: keep it out of version control", err=True)
    if change.changed:
        click.echo("restart your agents to make it take effect")


def _told(change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {"path": str(change.path), "changed": change.changed}
    return told if change.backup is None else {**told, "backup": str(change.backup)}


@click.command(
    short_help="Watch agents work through a sample plan.",
    epilog="\b\nExamples:\n"
    "  task-coordinator demo\n"
    f"  task-coordinator demo --workers 5 --pace 2\n\n{EXIT_CODES}",
)
@click.option(
    "--workers",
    type=click.IntRange(1, DEMO_WORKERS_MAX),
    default=3,
    show_default=True,
    help="How many agents, each with an MCP process of its own.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 60),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long each task takes; the work is pretended, the coordination is real.",
)
@_URL
@_TOKEN
def demo(workers: int, pace: float, url: str, token: str | None) -> None:
    """Let agents work through a sample plan with dependencies.

    Uses the server if one runs, in a project made for the occasion; otherwise starts one for as
    long as the demo lasts.
    """
    _check_address(url, None)
    from mcp_client.demo import Options, run  # noqa: PLC0415 -- see the module docstring
    from protocol.cli.screen import Screen  # noqa: PLC0415

    options = Options(workers=workers, pace_seconds=pace, url=url, token=token or None)
    screen = Screen.of(sys.stdout, os.environ)
    trio.run(run, options, screen, restrict_keyboard_interrupt_to_checkpoints=True)


def _check_address(url: str, project: str | None) -> None:
    try:
        address_of(url, project)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
