"""Templates: plans with parameters, and what becomes of them when they are filled in.

Owns the notation `{{name}}`, what a template has to keep to, and the filling in. Pure; must not
know how tasks are added.

An id or a dependency is compared as it is written in the template, so which tasks wait for which
of the same template is settled when it is saved, whatever the values will be.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, cast

import msgspec

from actor.records import TemplateRecord
from actor.resources import normal_forms
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.views import Now
from protocol.errors import (
    InvalidResource,
    LimitExceeded,
    TemplateInvalid,
    TemplateParameters,
)
from protocol.limits import (
    FRAME_BYTES_MAX,
    LISTED_MAX,
    METADATA_BYTES_MAX,
    TEMPLATE_BYTES_MAX,
    TEMPLATE_PARAMETERS_MAX,
)
from protocol.models import Template, TemplateTask
from protocol.params import ListTemplates, NewTask
from protocol.results import Templates

__all__ = [
    "check_parameters",
    "check_tasks",
    "fill",
    "filled_ids",
    "list_templates",
    "parameters_of",
    "size_of",
    "to_template",
]

_OPENING: Final = "{{"
_PARAMETER: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_IN_JSON: Final = re.compile(_PARAMETER.pattern.encode())
_WHERE: Final = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_REGEX: Final = re.compile(r"Expected `str` matching regex .*", re.DOTALL)
_SHOWN_MAX: Final = 40
"""Characters of a text that a refusal repeats."""


def parameters_of(tasks: Sequence[TemplateTask]) -> list[str]:
    """The names that stand between double braces, each once, in the order of their appearance."""
    # JSON has no double braces but inside of texts, and escapes nothing that a parameter is made
    # of: one search through it is many times faster than one through each text.
    names = _IN_JSON.findall(msgspec.json.encode(tasks))
    return [name.decode() for name in dict.fromkeys(names)]


def size_of(tasks: Sequence[TemplateTask]) -> int:
    """The bytes that the tasks take as JSON."""
    return len(msgspec.json.encode(tasks))


def to_template(record: TemplateRecord) -> Template:
    """A template as it looks on the wire."""
    return Template(
        name=record.name,
        description=record.description,
        parameters=parameters_of(record.tasks),
        tasks=list(record.tasks),
        updated_at=to_text(record.updated_ms),
    )


def list_templates(state: ProjectState, params: ListTemplates, now: Now) -> Templates:
    """All templates of the project, by name."""
    del params, now
    records = sorted(state.templates.values(), key=lambda record: record.name)
    return Templates(templates=[to_template(record) for record in records], seq=state.seq)


# --- what may be saved ------------------------------------------------------------------------


def check_tasks(tasks: Sequence[TemplateTask]) -> None:
    """Whether these tasks make a template.

    Raises:
        TemplateInvalid: double braces without a name, an id given twice, or a cycle;
            `data.taskId` or `data.cycle` say where.
        InvalidResource: a resource without parameters that could never be used.
        LimitExceeded: too long, or too many parameters; `data.limit` is how much may be.
    """
    _check_bounds(tasks)
    for task in tasks:
        _check_braces(task)
        _check_resources(task)
    _check_graph(tasks)


def _check_bounds(tasks: Sequence[TemplateTask]) -> None:
    size = size_of(tasks)
    if size > TEMPLATE_BYTES_MAX:
        raise LimitExceeded(
            f"The template's tasks take {size} bytes; at most {TEMPLATE_BYTES_MAX} are kept. "
            "Make two templates of it, or shorten its texts.",
            limit=TEMPLATE_BYTES_MAX,
        )
    parameters = len(parameters_of(tasks))
    if parameters > TEMPLATE_PARAMETERS_MAX:
        raise LimitExceeded(
            f"The template has {parameters} parameters; at most {TEMPLATE_PARAMETERS_MAX} can be "
            "given. Make two templates of it.",
            limit=TEMPLATE_PARAMETERS_MAX,
        )


def _check_braces(task: TemplateTask) -> None:
    """Every `{{` opens a parameter: a misspelt one must not end up in a task as it is."""
    for text in _texts_of(task):
        rest = _PARAMETER.sub(" ", text)
        start = rest.find(_OPENING)
        if start >= 0:
            shown = " ".join(rest[start : start + _SHOWN_MAX].split())
            raise TemplateInvalid(
                f"Task `{task.id}` has double braces without a parameter: `{shown}`. Write "
                "`{{name}}`, the name made of letters, digits and `_`. A text that needs double "
                "braces itself gets them as the value of a parameter.",
                taskId=task.id,
            )


def _check_resources(task: TemplateTask) -> None:
    """What has a parameter in it can be judged only once it is filled in."""
    plain = [resource for resource in task.resources if _PARAMETER.search(resource) is None]
    try:
        normal_forms(plain)
    except InvalidResource as refusal:
        raise InvalidResource(
            f"Task `{task.id}`: {refusal.message}", taskId=task.id, **refusal.data
        ) from None


def _check_graph(tasks: Sequence[TemplateTask]) -> None:
    own: dict[str, list[str]] = {}
    for task in tasks:
        name = _as_compared(task.id)
        if name in own:
            raise TemplateInvalid(
                f"The id `{task.id}` is given twice in the template. Rename one of the two.",
                taskId=task.id,
            )
        own[name] = [_as_compared(dependency) for dependency in task.dependencies]
    edges = {name: [needed for needed in names if needed in own] for name, names in own.items()}
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        # It runs from what is needed to what needs it; people read it the other way.
        cycle = cast("list[str]", error.args[1])[::-1]
        shown = cycle if len(cycle) <= LISTED_MAX else [*cycle[:LISTED_MAX], cycle[-1]]
        steps = " -> ".join(f"`{name}`" for name in shown[:10])
        steps += " -> ..." if len(shown) > 10 else ""
        raise TemplateInvalid(
            f"The template's dependencies run in a circle: {steps}. Leave one of them out.",
            cycle=shown,
        ) from None


# --- filling in -------------------------------------------------------------------------------


def check_parameters(template: TemplateRecord, values: Mapping[str, str]) -> None:
    """Whether there is a value for each parameter, no other, and none that makes too much of it.

    Raises:
        TemplateParameters: `data.missing` and `data.unknown` name all that does not fit.
        LimitExceeded: filled in, the tasks would be longer than a call may be.
    """
    wanted = parameters_of(template.tasks)
    missing = [name for name in wanted if name not in values]
    unknown = [name[:_SHOWN_MAX] for name in values if name not in wanted]
    if missing or unknown:
        problems = [
            f"{what} {', '.join(f'`{name}`' for name in names)}"
            for what, names in (("needs a value for", missing), ("has no parameter", unknown))
            if names
        ]
        takes = ", ".join(f"`{name}`" for name in wanted) or "none"
        raise TemplateParameters(
            f"Template `{template.name}` {' and '.join(problems)}. Its parameters: {takes}.",
            missing=missing,
            unknown=unknown,
        )
    length = sum(_filled_length(text, values) for t in template.tasks for text in _texts_of(t))
    if length > FRAME_BYTES_MAX:
        raise LimitExceeded(
            f"With these values the tasks of template `{template.name}` are {length} characters "
            f"long; at most {FRAME_BYTES_MAX} can be added at once. Use shorter values.",
            limit=FRAME_BYTES_MAX,
        )


def filled_ids(template: TemplateRecord, values: Mapping[str, str]) -> list[str]:
    """The ids of the template's tasks with their values, before a prefix comes to them."""
    return [_put(task.id, values) for task in template.tasks]


def fill(template: TemplateRecord, values: Mapping[str, str], prefix: str) -> list[NewTask]:
    """The tasks to be added: values in place of parameters, the prefix before the template's ids.

    `values` has passed `check_parameters`. What a value says is not looked at for parameters.

    Raises:
        TemplateInvalid: with these values a task breaks the rules for tasks; `data.taskId` (as
            the template calls it), `data.field` and `data.detail` say where and why.
        InvalidResource: a resource cannot be used; `data.taskId` and `data.resource` say which.
    """
    own = {_as_compared(task.id) for task in template.tasks}

    def named(text: str) -> str:
        return (prefix if _as_compared(text) in own else "") + _put(text, values)

    return [_filled(template, task, values, named) for task in template.tasks]


def _filled(
    template: TemplateRecord,
    task: TemplateTask,
    values: Mapping[str, str],
    named: Callable[[str], str],
) -> NewTask:
    fields = cast("dict[str, Any]", _replaced(msgspec.to_builtins(task), values))
    fields["id"] = named(task.id)
    fields["dependencies"] = [named(dependency) for dependency in task.dependencies]
    try:
        filled = msgspec.convert(fields, NewTask)
    except msgspec.ValidationError as error:
        raise _unfit(template, task, *_explained(error)) from None
    problem = _metadata_problem(task, filled)
    if problem is not None:
        raise _unfit(template, task, "metadata", problem)
    try:
        normal_forms(filled.resources)
    except InvalidResource as refusal:
        raise InvalidResource(
            f"Task `{task.id}` of template `{template.name}`: {refusal.message}",
            taskId=task.id,
            **refusal.data,
        ) from None
    return filled


def _unfit(template: TemplateRecord, task: TemplateTask, field: str, detail: str) -> Exception:
    return TemplateInvalid(
        f"With these values and this prefix, task `{task.id}` of template `{template.name}` is no "
        f"task any more: `{field}`: {detail}. Use other values, or save the template anew.",
        taskId=task.id,
        field=field,
        detail=detail,
    )


def _explained(error: msgspec.ValidationError) -> tuple[str, str]:
    """The field and what is wrong with it."""
    match = _WHERE.fullmatch(str(error))
    detail, field = (match[1], match[2]) if match else (str(error), "")
    return field, _REGEX.sub("Expected text without control characters", detail)


def _metadata_problem(task: TemplateTask, filled: NewTask) -> str | None:
    """What types cannot say of metadata; a task that is added plainly is held to the same."""
    if filled.metadata is None:
        return None
    size = len(msgspec.json.encode(filled.metadata))
    texts = list(_texts(filled.metadata))
    if size > METADATA_BYTES_MAX:
        return f"{size} bytes; at most {METADATA_BYTES_MAX} are kept in a task"
    if any("\x00" in text for text in texts):
        return "the character U+0000 cannot be kept"
    if len(texts) < len(list(_texts(task.metadata))):
        return "two members get the same name"
    return None


# --- texts ------------------------------------------------------------------------------------


def _texts_of(task: TemplateTask) -> Iterator[str]:
    return _texts(msgspec.to_builtins(task))


def _texts(value: object) -> Iterator[str]:
    """Every text inside a JSON value, the names of an object's members among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _texts(inner)
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield name
            yield from _texts(inner)


def _replaced(value: object, values: Mapping[str, str]) -> object:
    """The JSON value with every parameter in it replaced."""
    if isinstance(value, str):
        return _put(value, values)
    if isinstance(value, list):
        return [_replaced(inner, values) for inner in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {_put(name, values): _replaced(inner, values) for name, inner in members}
    return value


def _put(text: str, values: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda match: values[match[1]], text)


def _filled_length(text: str, values: Mapping[str, str]) -> int:
    """An upper bound that costs no memory, whatever the values are."""
    return len(text) + sum(len(values[match[1]]) for match in _PARAMETER.finditer(text))


def _as_compared(text: str) -> str:
    """`{{ name }}` and `{{name}}` are the same."""
    return _PARAMETER.sub(lambda match: f"{{{{{match[1]}}}}}", text)
