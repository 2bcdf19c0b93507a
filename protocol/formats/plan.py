"""From what a file holds to what may be sent: every check that needs no server.

Owns the prefix, duplicates, dependencies within the file, cycles,
times and sizes; what a single task may hold is judged by the very rules that the server applies.
Pure: must not know formats, files or connections.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeGuard, cast

import msgspec

from protocol.dispatch import decode_params
from protocol.errors import CoordinatorError
from protocol.formats.sheet import FIELDS, Entry, Problem, Sheet, ids_of, with_ids
from protocol.limits import ADD_TASKS_MAX, FRAME_BYTES_MAX, ID_LENGTH_MAX
from protocol.methods import METHODS
from protocol.params import ImportedTask, ImportTasks

__all__ = ["CHUNK_BYTES_MAX", "Plan", "Planned", "chunks", "plan_of", "without"]

CHUNK_BYTES_MAX: Final = FRAME_BYTES_MAX // 2
_TASK_BYTES_MAX: Final = FRAME_BYTES_MAX - 4_096
"""The rest is the request around a task."""

_METHOD: Final = METHODS["import_tasks"]
_STEPS_SHOWN_MAX: Final = 20


class Planned(NamedTuple):
    """A task that may be sent, the line it comes from and its length in bytes."""

    task: ImportedTask
    line: int
    size: int


@dataclass(slots=True)
class Plan:
    """Tasks by id, each after those that it depends on, and else in the order of the file.

    outside: dependencies that are not in the file, each with the line that names it first. They
    must be known to the server.
    """

    tasks: dict[str, Planned] = field(default_factory=dict[str, Planned])
    outside: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[Problem] = field(default_factory=list[Problem])


def plan_of(sheet: Sheet, now: datetime, *, prefix: str = "", drop_past: bool = False) -> Plan:
    """Check all that a file holds. The tasks of a plan with problems are not complete.

    prefix: put before the ids of the file's tasks, also where they depend on one another.
    drop_past: leave out a `notBefore` or a `deadline` of an unfinished task that is over at
    `now`, instead of refusing it.
    """
    plan = Plan(problems=list(sheet.problems))
    entries = _prefixed(with_ids(sheet.entries), prefix)
    for entry in entries:
        try:
            planned = _planned(entry)
            planned = planned._replace(task=_timely(planned.task, now, drop_past=drop_past))
        except ValueError as error:
            plan.problems.append(Problem(entry.line, f"{_shown(entry)}{error}"))
            continue
        name = cast("str", planned.task.id)
        first = plan.tasks.setdefault(name, planned)
        if first is not planned:
            text = f"the id `{name}` is taken by the task of {sheet.unit} {first.line}."
            plan.problems.append(Problem(entry.line, text))
    _connect(plan, ids_of(entries))
    return plan


def without(plan: Plan, names: set[str]) -> dict[str, Planned]:
    """The tasks of a plan but for these, in the same order."""
    return {name: planned for name, planned in plan.tasks.items() if name not in names}


def chunks(tasks: Mapping[str, Planned]) -> Iterator[list[ImportedTask]]:
    """The tasks in their order, cut into as many as one call takes."""
    chunk: list[ImportedTask] = []
    size = 0
    for planned in tasks.values():
        if len(chunk) == ADD_TASKS_MAX or (chunk and size + planned.size > CHUNK_BYTES_MAX):
            yield chunk
            chunk, size = [], 0
        chunk.append(planned.task)
        size += planned.size + 1
    if chunk:
        yield chunk


# --- ids --------------------------------------------------------------------------------------


def _prefixed(entries: Sequence[Entry], prefix: str) -> list[Entry]:
    """The same, with the prefix before every id that is one of the file's own."""
    own = ids_of(entries)

    def renamed(name: Any) -> Any:
        return f"{prefix}{name}" if isinstance(name, str) and name in own else name

    changed: list[Entry] = []
    for line, fields in entries if prefix else ():
        needed = fields.get("dependencies")
        more = {"dependencies": [renamed(name) for name in needed]} if _is_list(needed) else {}
        changed.append(Entry(line, {**fields, "id": renamed(fields["id"]), **more}))
    return changed or list(entries)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


# --- one task ---------------------------------------------------------------------------------


def _planned(entry: Entry) -> Planned:
    """The task of an entry.

    Raises:
        ValueError: it is none; the message names the field and says why.
    """
    try:
        encoded = msgspec.json.encode(entry.fields)
        params = decode_params(_METHOD, msgspec.Raw(b'{"tasks":[' + encoded + b"]}"))
    except CoordinatorError as error:
        raise ValueError(_explained(error)) from None
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair, which is no character.") from None
    except RecursionError:
        raise ValueError("its values are nested too deeply.") from None
    if len(encoded) > _TASK_BYTES_MAX:
        raise ValueError(
            f"it has {len(encoded):,} bytes; a message to the server takes {_TASK_BYTES_MAX:,}. "
            "Shorten its texts."
        )
    (task,) = cast("ImportTasks", params).tasks
    return Planned(task, entry.line, len(encoded))


def _explained(error: CoordinatorError) -> str:
    name = str(error.data.get("field", "")).removeprefix("tasks[0]").lstrip(".")
    detail = str(error.data.get("detail", error.message)).rstrip(".")
    if "unknown field" in detail:
        return f"there is no field `{name}`. {_suggestion(name)}"
    if "missing required field" in detail:
        return f"it has no `{name}`."
    hint = " Leave it out for a task that is not finished." if name == "status" else ""
    return f"`{name}`: {detail}.{hint}"


def _suggestion(name: str) -> str:
    if close := get_close_matches(name, FIELDS, n=1):
        return f"Did you mean `{close[0]}`?"
    return f"There are: {', '.join(FIELDS)}."


def _timely(task: ImportedTask, now: datetime, *, drop_past: bool) -> ImportedTask:
    """The task, if its times can be kept.

    Raises:
        ValueError: they are over, or contradict each other.
    """
    if task.status is None:
        for name in ("not_before", "deadline"):
            moment: datetime | None = getattr(task, name)
            if moment is None or moment > now:
                continue
            if not drop_past:
                wire = "notBefore" if name == "not_before" else name
                raise ValueError(
                    f"`{wire}`: {moment.isoformat()} is over. Change it, or leave out what is over "
                    "with --drop-past-times."
                )
            task = msgspec.structs.replace(task, **{name: None})
    if task.not_before and task.deadline and task.deadline <= task.not_before:
        raise ValueError("`deadline`: it is not after `notBefore`, so nobody could keep it.")
    return task


def _shown(entry: Entry) -> str:
    name = entry.fields.get("id")
    # A name that is itself the fault may be of any length.
    return f"task `{name}`: " if isinstance(name, str) and len(name) <= ID_LENGTH_MAX else ""


# --- dependencies -----------------------------------------------------------------------------


def _connect(plan: Plan, ids: set[str]) -> None:
    """Put the tasks into an order that they can be sent in, or note why there is none.

    `ids` are those of all entries, also of those that are no tasks: one problem is enough.
    """
    for planned in plan.tasks.values():
        for name in planned.task.dependencies:
            if name not in ids:
                plan.outside.setdefault(name, planned.line)
    ordered: dict[str, Planned] = {}
    for start in plan.tasks:
        cycle = _walk(start, plan.tasks, ordered)
        if cycle is not None:
            steps = [f"`{name}`" for name in cycle]
            if len(steps) > _STEPS_SHOWN_MAX:
                steps = [*steps[: _STEPS_SHOWN_MAX - 1], "...", steps[-1]]
            text = f"the dependencies run in a circle: {' -> '.join(steps)}. Leave one out."
            plan.problems.append(Problem(plan.tasks[cycle[0]].line, text))
            return
    plan.tasks = ordered


def _walk(
    start: str, tasks: Mapping[str, Planned], ordered: dict[str, Planned]
) -> list[str] | None:
    """Move a task into `ordered` after all that it needs, or return a cycle.

    Free of recursion: a chain of 100,000 tasks is an ordinary plan.
    """
    if start in ordered:
        return None
    path = {start: iter(tasks[start].task.dependencies)}
    while path:
        name, needed = next(reversed(path.items()))
        following = next((each for each in needed if each in tasks and each not in ordered), None)
        if following is None:
            ordered[name] = tasks[name]
            del path[name]
        elif following in path:
            names = list(path)
            return [*names[names.index(following) :], following]
        else:
            path[following] = iter(tasks[following].task.dependencies)
    return None
