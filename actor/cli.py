"""The commands that run on the server's side: `serve`.

Owns their options and what a person sees of them. Must not know how the server works.
"""

import json
import math
import resource
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict, cast

import click
import trio

from actor.logs import configure
from actor.policy import DEFAULT_POLICY, Policy
from actor.serve import CannotServe, Listening, Options, ServeDashboard
from actor.serve import serve as run_server
from actor.store.base import StoreError
from protocol.cli.durations import Duration
from protocol.limits import (
    ATTEMPTS_MAX,
    CONNECTIONS_MAX,
    LEASE_SECONDS_MAX,
    LEASE_SECONDS_MIN,
    RETRY_DELAY_SECONDS_MAX,
    SLOTS_MAX,
)
from protocol.version import VERSION

__all__ = ["serve"]


DURATION = Duration(1)

PROGRESS_ROWS_MIN = 20_000
"""Fewer rows load faster than a line about them can be read."""


def _env(name: str) -> list[str]:
    return [f"TASK_COORDINATOR_{name}"]


@click.command(
    epilog="\b\nExamples:\n"
    "  task-coordinator serve\n"
    "  task-coordinator serve --database ~/plans.db --workers 8\n"
    '  task-coordinator serve --host 0.0.0.0 --token "$(openssl rand -hex 24)"',
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar=_env("HOST"),
    help="Address to listen on. Anything but loopback needs --token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3335,
    show_default=True,
    envvar=[*_env("PORT"), "PORT"],
    help="Port of the API; 0 takes any free one.",
)
@click.option(
    "--dashboard-port",
    type=click.IntRange(0, 65535),
    default=3333,
    show_default=True,
    envvar=_env("DASHBOARD_PORT"),
    help="Port of the dashboard; 0 takes any free one.",
)
@click.option(
    "--no-dashboard", is_flag=True, envvar=_env("NO_DASHBOARD"), help="Do not serve the dashboard."
)
@click.option(
    "--database",
    default="task-coordinator.db",
    show_default=True,
    envvar=_env("DATABASE"),
    help="Path of the SQLite file; made if it does not exist.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, SLOTS_MAX),
    default=5,
    show_default=True,
    envvar=_env("WORKERS"),
    help="Worker slots of a new project.",
)
@click.option(
    "--lease-seconds",
    type=click.FloatRange(LEASE_SECONDS_MIN, LEASE_SECONDS_MAX),
    default=DEFAULT_POLICY.lease_ms / 1000,
    show_default=True,
    envvar=_env("LEASE_SECONDS"),
    help="How long a worker may give no sign of life before its slot and task go back.",
)
@click.option(
    "--disconnect-grace-seconds",
    type=click.FloatRange(0, LEASE_SECONDS_MAX),
    default=DEFAULT_POLICY.grace_ms / 1000,
    show_default=True,
    envvar=_env("DISCONNECT_GRACE_SECONDS"),
    help="The same for a slot that is bound to a connection, once that is lost.",
)
@click.option(
    "--max-attempts",
    type=click.IntRange(1, ATTEMPTS_MAX),
    default=DEFAULT_POLICY.attempts_max,
    show_default=True,
    envvar=_env("MAX_ATTEMPTS"),
    help="Attempts of a task that names none, when its workers vanish.",
)
@click.option(
    "--retry-delay-seconds",
    type=click.FloatRange(0, RETRY_DELAY_SECONDS_MAX),
    default=DEFAULT_POLICY.retry_delay_ms / 1000,
    show_default=True,
    envvar=_env("RETRY_DELAY_SECONDS"),
    help="Wait before the second attempt of a task that names none; it doubles from there.",
)
@click.option(
    "--retain-finished",
    type=DURATION,
    envvar=_env("RETAIN_FINISHED"),
    help="Archive and remove finished tasks after this long, such as 30d.  [default: never]",
)
@click.option(
    "--retain-events",
    type=DURATION,
    envvar=_env("RETAIN_EVENTS"),
    help="Archive and remove events after this long, such as 90d.  [default: never]",
)
@click.option(
    "--backup-every",
    type=DURATION,
    envvar=_env("BACKUP_EVERY"),
    help="Write a backup beside the database this often, such as 24h.  [default: never]",
)
@click.option(
    "--backup-keep",
    type=click.IntRange(1, 10_000),
    default=7,
    show_default=True,
    envvar=_env("BACKUP_KEEP"),
    help="How many of these backups stay.",
)
@click.option(
    "--token",
    envvar=_env("TOKEN"),
    help="Let only clients in that send it. Better set TASK_COORDINATOR_TOKEN: command "
    "lines can be read by others on this machine.",
)
@click.option(
    "--insecure",
    is_flag=True,
    envvar=_env("INSECURE"),
    help="Listen beyond loopback without a token.",
)
@click.option(
    "--allowed-host",
    multiple=True,
    envvar=_env("ALLOWED_HOSTS"),
    help="Further name under which clients reach this server. Repeatable.",
)
@click.option(
    "--allowed-origin",
    multiple=True,
    envvar=_env("ALLOWED_ORIGINS"),
    help="Further page that may connect, as http://name:port. Repeatable.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    envvar=_env("LOG_LEVEL"),
)
@click.option("--json", "as_json", is_flag=True, help="Announce the ports as one line of JSON.")
@click.pass_context
def serve(ctx: click.Context, /, log_level: str, as_json: bool, **given: Any) -> None:
    """Run the server and its dashboard until Ctrl-C.

    Everything is kept in one SQLite file; stopping and starting again loses nothing.
    """
    configure(log_level)
    _allow_many_connections()
    options = _options(given)
    dashboard = _dashboard_of(ctx) if options.dashboard_port is not None else None
    problem: str | None = None
    try:
        trio.run(_run, options, as_json, dashboard)
    except* (CannotServe, StoreError) as group:
        # What is raised in here would come out inside another group.
        problem = str(_first(group))
    if problem is not None:
        raise click.ClickException(problem)


async def _run(options: Options, as_json: bool, dashboard: ServeDashboard | None) -> None:
    def announce(listening: Listening) -> None:
        _announce(listening, protected=options.token is not None, as_json=as_json)

    await run_server(
        options, announce, progress=None if as_json else _Loading(), serve_dashboard=dashboard
    )


def _allow_many_connections() -> None:
    """Every connection is an open file, of which few are allowed by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS_MAX
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # some systems have a lower limit than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _options(given: dict[str, Any]) -> Options:
    return Options(
        host=given["host"],
        port=given["port"],
        dashboard_port=None if given["no_dashboard"] else given["dashboard_port"],
        database=given["database"],
        slots=given["workers"],
        policy=Policy(
            lease_ms=round(given["lease_seconds"] * 1000),
            grace_ms=round(given["disconnect_grace_seconds"] * 1000),
            attempts_max=given["max_attempts"],
            retry_delay_ms=round(given["retry_delay_seconds"] * 1000),
        ),
        retain_finished_seconds=given["retain_finished"],
        retain_events_seconds=given["retain_events"],
        backup_every_seconds=given["backup_every"],
        backup_keep=given["backup_keep"],
        token=given["token"],
        insecure=given["insecure"],
        allowed_hosts=given["allowed_host"],
        allowed_origins=given["allowed_origin"],
    )


def _announce(listening: Listening, *, protected: bool, as_json: bool) -> None:
    api = f"ws://{_url_host(listening.host)}:{listening.port}"
    page = f"http://{_url_host(listening.host)}:{listening.dashboard_port}"
    if as_json:
        told = {
            "api": api,
            "port": listening.port,
            "dashboard": page if listening.dashboard_port else None,
            "dashboardPort": listening.dashboard_port,
            "database": listening.database,
            "version": VERSION,
        }
        click.echo(json.dumps(told))
        return
    click.echo(f"Task Coordinator {VERSION} is running.")
    click.echo(f"  API        {api}{'  (token needed)' if protected else ''}")
    if listening.dashboard_port:
        click.echo(f"  Dashboard  {page}")
    click.echo(f"  Database   {listening.database}  ({listening.tasks} tasks)")
    command = _command()
    click.echo("Next, in another terminal:")
    click.echo(f"  {command} demo                  watch three agents work through a plan")
    click.echo(f"  {command} install claude-code   let your agents take part")
    click.echo("Ctrl-C stops it; nothing is lost.")


def _command() -> str:
    """This program as a person would type it here; a fresh `.venv` is not on the PATH."""
    name = "task-coordinator"
    beside = Path(sys.executable).with_name(name)
    if shutil.which(name) is not None or not beside.exists():
        return name
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def _url_host(host: str) -> str:
    """A host as a client on this machine would write it."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


class _Loading:
    """A line about a long load, on a terminal only."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, done: int, total: int) -> None:
        percent = math.floor(100 * done / total) if total else 100
        if total < PROGRESS_ROWS_MIN or percent == self._last or not sys.stderr.isatty():
            return
        self._last = percent
        click.echo(f"\rLoading {total} tasks: {percent} %", nl=done >= total, err=True)


class _Parts(TypedDict):
    """What the front door hands over: the dashboard is another package's."""

    serve_dashboard: Any


def _dashboard_of(ctx: click.Context) -> ServeDashboard | None:
    parts = cast("_Parts | None", ctx.obj)
    return cast("ServeDashboard", parts["serve_dashboard"]()) if parts else None


def _first(error: BaseException) -> BaseException:
    """The one exception in a group of groups: starting fails for one reason at a time."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
