"""A plan that somebody pastes, read by the same readers as `task-coordinator import`.

Owns the answer to one question of the page: which tasks a text holds, and what is wrong with it.
Adds nothing: the page does that with `import_tasks`, once somebody saw what would be added. Must
not know the actor, nor who may come in.
"""

import http
import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
import trio

from dashboard.asgi import Receive, Request, Response, json_response, read_json_text
from protocol.formats.catalogue import READERS
from protocol.formats.plan import plan_of
from protocol.formats.sheet import Problem
from protocol.gate import Refusal
from protocol.limits import ADD_TASKS_MAX
from protocol.params import ImportedTask

__all__ = ["Previewed", "answer_plan", "preview"]

PROBLEMS_MAX: Final = 50
READING_AT_ONCE_MAX: Final = 2

_BOX: Final = re.compile(r"^ *(?:[-*+]|[0-9]{1,9}[.)]) +\[.\]", re.MULTILINE)
_reading = trio.CapacityLimiter(READING_AT_ONCE_MAX)


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends."""

    text: str
    format: Annotated[
        Literal["auto", "json", "jsonl", "yaml", "md"], msgspec.Meta(description="`auto` guesses.")
    ] = "auto"


class Trouble(msgspec.Struct, frozen=True):
    """What is wrong, and the line where; 0 is the text as a whole."""

    line: int
    text: str


class Previewed(msgspec.Struct, frozen=True):
    """What a text holds."""

    format: str
    tasks: list[ImportedTask]
    """Each after those that it depends on; not complete where there are problems."""
    lines: list[int]
    """The line of each task."""
    outside: dict[str, int]
    """Ids that tasks depend on and that the text does not hold, each with the line that names it
    first: the server must know them."""
    problems: list[Trouble]
    """The first of them; with any, nothing should be added."""


async def answer_plan(request: Request, receive: Receive) -> Response:
    """Read a text and say what it holds.

    Raises:
        Refusal: the body is not what is taken here.
        ClientGone: the client left before the end of its body.
    """
    body = await read_json_text(request, receive)
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.MsgspecError as error:
        raise Refusal(
            http.HTTPStatus.BAD_REQUEST, f"Send an object with `text` and `format`: {error}."
        ) from None
    now = datetime.now(UTC)
    # In a thread: half a megabyte of YAML takes a second, in which nobody else must wait.
    return json_response(await trio.to_thread.run_sync(preview, asked, now, limiter=_reading))


def preview(asked: Asked, now: datetime) -> Previewed:
    """What a text holds, read as of `now`."""
    name = _guessed(asked.text) if asked.format == "auto" else asked.format
    plan = plan_of(READERS[name](asked.text), now)
    problems = list(plan.problems)
    if len(plan.tasks) > ADD_TASKS_MAX:
        problems.append(
            Problem(
                0,
                f"these are {len(plan.tasks)} tasks, and at most {ADD_TASKS_MAX} are added at "
                "once. Use `task-coordinator import`, which adds them part by part.",
            )
        )
    elif not plan.tasks and not problems and asked.text.strip():
        problems.append(Problem(0, "there is no task in it."))
    planned = list(plan.tasks.values())[:ADD_TASKS_MAX]
    return Previewed(
        format=name,
        tasks=[each.task for each in planned],
        lines=[each.line for each in planned],
        outside=plan.outside,
        problems=[Trouble(*problem) for problem in sorted(problems)[:PROBLEMS_MAX]],
    )


def _guessed(text: str) -> str:
    """The format that a text seems to be in: YAML is what is left, as it takes nearly anything."""
    begin = text.lstrip("\ufeff \t\r\n")
    if begin.startswith("["):
        return "json"
    if begin.startswith("{"):
        lines = begin.rstrip().splitlines()
        several = len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines[:2])
        return "jsonl" if several else "json"
    return "md" if _BOX.search(text) else "yaml"
