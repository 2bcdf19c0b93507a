"""The options that choose tasks, and the filter that they make.

Owns --status, --tag, --search, --worker and --depends-on: the same words mean the same for every
command that lists or changes many tasks. What passes a filter is the server's to judge.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from protocol.cli.options import words
from protocol.models import STATUSES

__all__ = ["filter_of", "filter_options"]

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--status",
        "statuses",
        multiple=True,
        callback=words(STATUSES),
        metavar="STATUS",
        help=f"Only these, comma-separated: {', '.join(STATUSES)}.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        callback=words(),
        metavar="TAG",
        help="Only with all of these.",
    ),
    click.option("--search", metavar="TEXT", help="Only with this in the id or the description."),
    click.option("--worker", metavar="ID", help="Only those held, or last held, by this worker."),
    click.option("--depends-on", metavar="ID", help="Only those that depend on this task."),
)


def filter_options(function: Function) -> Function:
    """Add the options; the function takes `statuses, tags, search, worker, depends_on`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def filter_of(
    statuses: Sequence[str],
    tags: Sequence[str],
    search: str | None,
    worker: str | None,
    depends_on: str | None,
) -> dict[str, Any]:
    """The conditions that were asked for, as the server calls them, and no others."""
    conditions = {
        "status": list(statuses),
        "tags": list(tags),
        "search": search,
        "workerId": worker,
        "dependsOn": depends_on,
    }
    return {name: value for name, value in conditions.items() if value}
