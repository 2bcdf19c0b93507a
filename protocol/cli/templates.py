"""`task-coordinator template`: plans that are kept, and used again and again.

Owns the group of commands and how a file becomes a template. What a template may look like is the
server's to judge.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from protocol.cli.add import parse_tasks
from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Column, Screen, show
from protocol.cli.text import one_line
from protocol.cli.views import understood
from protocol.client import Client
from protocol.errors import TemplateNotFound
from protocol.models import Template
from protocol.results import TemplateInstantiated, Templates, TemplateSaved

__all__ = ["template"]

SAVE_EXAMPLES = """\
  task-coordinator template save release release.json
  generate-plan | task-coordinator template save release - --description "Steps of a release"

\b
A file holds a JSON array of tasks, or one task per line; {{name}} in any text is a parameter:
  {"id": "build", "description": "Build {{version}}"}
  {"id": "ship", "description": "Ship {{version}}", "dependencies": ["build"]}
What 'template show NAME --json' prints can be saved again."""

LIST_EXAMPLES = """\
  task-coordinator template list
  task-coordinator template list --json | jq -r '.templates[].name'"""

SHOW_EXAMPLES = """\
  task-coordinator template show release
  task-coordinator template show release --json > release.json"""

USE_EXAMPLES = """\
  task-coordinator template use release version=2.1
  task-coordinator template use release version=2.1 --prefix r21- --dry-run"""

DELETE_EXAMPLES = """\
  task-coordinator template delete release"""

_PAIR: Final = re.compile(r"([^=]+)=(.*)", re.DOTALL)


@click.group(
    "template",
    short_help="Keep plans with parameters, and use them.",
    invoke_without_command=True,
    epilog="'task-coordinator template COMMAND --help' says more about each.",
)
@click.pass_context
def template(ctx: click.Context) -> None:
    """Keep plans with parameters, and add their tasks as often as they are needed."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


# --- saving -----------------------------------------------------------------------------------


@client_command("Keep the tasks of a file as a template.", examples=SAVE_EXAMPLES)
@click.argument("name")
@click.argument(
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
)
@click.option("--description", metavar="TEXT", help="What it is for.")
def save(target: Target, as_json: bool, name: str, source: str, description: str | None) -> None:
    """Keep the tasks of FILE as the template NAME, in the place of one of that name; - is stdin.

    With --json: the result of save_template.
    """
    params = {"name": name, **_plan_of(source)}
    if description is not None:
        params["description"] = description
    result = ask(target, lambda client: client.call("save_template", params))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _saved_told(result))


def _plan_of(source: str) -> dict[str, Any]:
    """The tasks of a file, and the description if it has one."""
    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        plan = parse_plan(text)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{name}: {error}", click.get_current_context()) from None
    if not plan["tasks"]:
        raise click.UsageError(f"{name} holds no tasks.", click.get_current_context())
    return plan


def parse_plan(text: bytes) -> dict[str, Any]:
    """`tasks`, and `description` where there is one: from a template as `show --json` prints it,
    a JSON array, or JSON Lines.

    Raises:
        ValueError: it is none of these; the message says where.
    """
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = {}
    if isinstance(document.get("tasks"), list):
        return {name: document[name] for name in ("tasks", "description") if name in document}
    return {"tasks": parse_tasks(text)}


def _saved_told(result: Any) -> str:
    saved = understood(TemplateSaved, result).template
    named = f" with {', '.join(saved.parameters)}" if saved.parameters else ""
    number = len(saved.tasks)
    return f"saved {one_line(saved.name)}: {number} {'task' if number == 1 else 'tasks'}{named}\n"


# --- looking ----------------------------------------------------------------------------------


@client_command("List the templates.", examples=LIST_EXAMPLES)
def list_all(target: Target, as_json: bool) -> None:
    """List the project's templates and their parameters.

    With --json: the result of list_templates.
    """
    result = ask(target, lambda client: client.call("list_templates", {}))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _table(screen, result))


def _table(screen: Screen, result: Any) -> str:
    templates = understood(Templates, result).templates
    if not templates:
        click.echo("No templates yet. 'task-coordinator template save' keeps one.", err=True)
    columns = (
        Column("name"),
        Column("tasks", "right"),
        Column("parameters"),
        Column("description", flexible=True),
    )
    rows = [
        (each.name, str(len(each.tasks)), ", ".join(each.parameters), each.description or "")
        for each in templates
    ]
    return screen.table(columns, rows)


@client_command("Show a template in full.", examples=SHOW_EXAMPLES)
@click.argument("name")
def show_one(target: Target, as_json: bool, name: str) -> None:
    """Show the template NAME with its tasks.

    With --json: the template, in a form that 'template save' takes.
    """
    found = ask(target, lambda client: _found(client, name))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(found) if as_json else _view(screen, understood(Template, found)))


async def _found(client: Client, name: str) -> Any:
    templates = (await client.call("list_templates", {}))["templates"]
    for each in templates:
        if each["name"] == name:
            return each
    raise TemplateNotFound(
        f"There is no template `{name}`. 'task-coordinator template list' shows what there is.",
        name=name,
    )


def _view(screen: Screen, found: Template) -> str:
    fields = [
        ("name", found.name),
        ("description", found.description or ""),
        ("parameters", ", ".join(found.parameters)),
        ("updated", found.updated_at),
    ]
    columns = (
        Column("id"),
        Column("priority", "right"),
        Column("depends on"),
        Column("resources"),
        Column("description", flexible=True),
    )
    rows = [
        (
            task.id,
            str(task.priority),
            ", ".join(task.dependencies),
            ", ".join(task.resources),
            task.description,
        )
        for task in found.tasks
    ]
    heading = screen.fields([(name, value) for name, value in fields if value])
    return f"{heading}\n{screen.table(columns, rows)}"


# --- using ------------------------------------------------------------------------------------


def _values(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in value:
        match = _PAIR.fullmatch(word)
        if match is None:
            raise click.BadParameter(f"'{word}' is not name=value.", ctx, param)
        if match[1] in found:
            raise click.BadParameter(f"{match[1]} is given twice.", ctx, param)
        found[match[1]] = match[2]
    return found


@client_command("Add the tasks of a template.", examples=USE_EXAMPLES)
@click.argument("name")
@click.argument("values", nargs=-1, callback=_values, metavar="[PARAMETER=VALUE]...")
@click.option("--prefix", metavar="TEXT", help="Put before their ids.  [default: made for you]")
@click.option("--dry-run", is_flag=True, help="Only show what would be added.")
def use(
    target: Target,
    as_json: bool,
    name: str,
    values: dict[str, str],
    prefix: str | None,
    dry_run: bool,
) -> None:
    """Add the tasks of the template NAME, with a value for each parameter: all or none.

    With --json: the result of instantiate_template.
    """
    params: dict[str, Any] = {"name": name, "parameters": values, "dryRun": dry_run}
    if prefix is not None:
        params["prefix"] = prefix
    result = ask(target, lambda client: client.call("instantiate_template", params))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else _used_told(result))


def _used_told(result: Any) -> str:
    used = understood(TemplateInstantiated, result)
    verb = "would add" if used.dry_run else "added"
    lines = [
        f"{verb} {one_line(task.id)} ({task.status})"
        + (f": {one_line(task.description)}" if used.dry_run else "")
        for task in used.tasks
    ]
    return "".join(f"{line}\n" for line in lines)


@client_command("Remove a template.", examples=DELETE_EXAMPLES)
@click.argument("name")
def delete(target: Target, as_json: bool, name: str) -> None:
    """Remove the template NAME. The tasks that were made from it stay.

    With --json: the result of delete_template.
    """
    result = ask(target, lambda client: client.call("delete_template", {"name": name}))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else f"deleted {one_line(name)}\n")


for _command, _name in (
    (save, "save"),
    (list_all, "list"),
    (show_one, "show"),
    (use, "use"),
    (delete, "delete"),
):
    template.add_command(_command, _name)
