"""`task-coordinator call`: any method of the table, from the command line.

Owns the command and the list of methods that it prints. How words become params is decided in
`arguments`; which methods there are, in the table.
"""

import os
import sys
from typing import Any

import click

from protocol.cli.arguments import find_method, params_of, parse_params
from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Cell, Column, Screen, show
from protocol.methods import METHODS, Method

__all__ = ["call"]

EXAMPLES = """\
  task-coordinator call --list
  task-coordinator call --list claim_task
  task-coordinator call get_snapshot
  task-coordinator call add_task id=api description="Write the API" dependencies=db,env
  task-coordinator call edit_task taskId=api priority=5 metadata:='{"area": "auth"}'
  task-coordinator call claim_task '{"taskId": "api", "workerId": "w1", "workerSlot": 1}'
  task-coordinator call claim_task '["api", "w1", 1]'
  cat tasks.json | task-coordinator call add_tasks -"""


@client_command("Call any method of the server.", examples=EXAMPLES)
@click.argument("method", required=False)
@click.argument("params", nargs=-1)
@click.option("--list", "listing", is_flag=True, help="List the methods, or explain METHOD.")
def call(
    target: Target, as_json: bool, method: str | None, params: tuple[str, ...], listing: bool
) -> None:
    """Call METHOD with PARAMS and print its result; without METHOD, list what there is.

    \b
    PARAMS are one of:
      key=value ...   text stays text; numbers, true/false and lists (one,two) as the param needs
      key:=JSON       the value is JSON, whatever the param
      '{...}' '[...]' all params at once, by name or by position
      -               the same, read from stdin
    """
    screen = Screen.of(sys.stdout, os.environ)
    if method is None:
        show(
            screen.document([_described(m) for m in METHODS.values()]) if as_json else _all(screen)
        )
        return
    try:
        chosen = find_method(method)
        if listing:
            show(screen.document(_described(chosen)) if as_json else _one(screen, chosen))
            return
        given = parse_params(chosen, params, sys.stdin.read)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    if chosen.name in {"subscribe", "unsubscribe"}:
        raise click.UsageError(
            f"{chosen.name} needs a connection that stays. Use 'task-coordinator watch' instead.",
            click.get_current_context(),
        )
    result = ask(target, lambda client: client.call(chosen.name, given))
    show(screen.document(result) if as_json else screen.json(result))


def _all(screen: Screen) -> str:
    """All methods in short, group by group."""
    columns = (Column("group"), Column("method"), Column("what it does", flexible=True))
    rows = [(method.group, method.name, method.summary) for method in METHODS.values()]
    return screen.table(columns, sorted(rows, key=lambda row: row[0]))


def _one(screen: Screen, method: Method) -> str:
    """One method: what it does, what it takes and how it can be refused."""
    heading = screen.fields(
        [
            ("method", Cell(method.name, "bold")),
            ("does", method.summary),
            ("refusals", ", ".join(error.reason for error in method.errors) or "none of its own"),
        ]
    )
    columns = (Column("param"), Column("needed"), Column("kind"), Column("meaning", flexible=True))
    rows = [
        (param.name, "yes" if param.required else "no", param.kind.name, param.description)
        for param in params_of(method)
    ]
    return f"{heading}\n{screen.table(columns, rows)}" if rows else heading


def _described(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "group": method.group,
        "summary": method.summary,
        "mutates": method.mutates,
        "params": [
            {"name": param.name, "kind": param.kind.name, "required": param.required}
            for param in params_of(method)
        ],
        "errors": [error.reason for error in method.errors],
    }
