"""Templates: saved, removed, and turned into tasks.

Owns which templates a project may keep and how the ids of what is made from them begin. What a
template must look like and how it is filled in is decided in `actor.templates`. Pure.
"""

import re
from collections.abc import Sequence
from itertools import count
from typing import Final

from actor.records import Change, TemplateRecord
from actor.state import ProjectState
from actor.templates import (
    check_parameters,
    check_tasks,
    fill,
    filled_ids,
    size_of,
    to_template,
)
from actor.transitions.adding import add_new
from actor.transitions.draft import Context, Decision, Draft
from protocol.errors import LimitExceeded, TemplateNotFound
from protocol.limits import TEMPLATES_BYTES_MAX, TEMPLATES_MAX
from protocol.params import DeleteTemplate, InstantiateTemplate, SaveTemplate
from protocol.results import TemplateDeleted, TemplateInstantiated, TemplateSaved

__all__ = ["delete_template", "instantiate_template", "save_template"]

_PREFIX_LENGTH_MAX: Final = 40
"""Characters of a template's name that a prefix made of it keeps."""


def save_template(state: ProjectState, params: SaveTemplate, context: Context) -> Decision:
    """Keep a template in the place of the one of the same name. The same again changes nothing."""
    draft = Draft(state, context)
    check_tasks(params.tasks)
    before = state.templates.get(params.name)
    tasks = tuple(params.tasks)
    if before is not None and (before.description, before.tasks) == (params.description, tasks):
        return draft.decided(TemplateSaved(template=to_template(before)))
    _check_room(state, params)
    after = TemplateRecord(
        project=state.record.number,
        name=params.name,
        description=params.description,
        tasks=tasks,
        updated_ms=draft.now_ms,
    )
    draft.changes.append(Change(before, after))
    draft.event("template_saved", data={"name": params.name})
    return draft.decided(TemplateSaved(template=to_template(after)))


def delete_template(state: ProjectState, params: DeleteTemplate, context: Context) -> Decision:
    """Remove a template. The tasks that were made from it stay."""
    draft = Draft(state, context)
    template = _require(state, params.name)
    draft.changes.append(Change(template, None))
    draft.event("template_deleted", data={"name": params.name})
    return draft.decided(TemplateDeleted(name=params.name))


def instantiate_template(
    state: ProjectState, params: InstantiateTemplate, context: Context
) -> Decision:
    """Add the tasks of a template, all or none."""
    draft = Draft(state, context)
    template = _require(state, params.name)
    check_parameters(template, params.parameters)
    prefix = params.prefix
    if prefix is None:
        ids = filled_ids(template, params.parameters)
        prefix = _free_prefix(state, template.name, ids, context.next_number)
    added = add_new(
        draft, fill(template, params.parameters, prefix), data={"template": template.name}
    )
    reply = TemplateInstantiated(tasks=added, prefix=prefix, dry_run=params.dry_run)
    return (Draft(state, context) if params.dry_run else draft).decided(reply)


def _require(state: ProjectState, name: str) -> TemplateRecord:
    template = state.templates.get(name)
    if template is None:
        raise TemplateNotFound(
            f"There is no template `{name}` in project `{state.record.name}`. `list_templates` "
            "shows what there is.",
            name=name,
        )
    return template


def _check_room(state: ProjectState, params: SaveTemplate) -> None:
    others = [record for record in state.templates.values() if record.name != params.name]
    if len(others) >= TEMPLATES_MAX:
        raise LimitExceeded(
            f"The project has {len(others)} templates already, as many as it can keep. Remove one "
            "with `delete_template` first.",
            limit=TEMPLATES_MAX,
        )
    size = size_of(params.tasks) + sum(size_of(record.tasks) for record in others)
    if size > TEMPLATES_BYTES_MAX:
        raise LimitExceeded(
            f"With this one the project's templates would take {size} bytes; at most "
            f"{TEMPLATES_BYTES_MAX} are kept. Remove one with `delete_template` first.",
            limit=TEMPLATES_BYTES_MAX,
        )


def _free_prefix(state: ProjectState, name: str, ids: Sequence[str], next_number: int) -> str:
    """`Release 2.1` -> `Release-2.1-57-`. The number is that of the first task, or the next one
    with which none of the ids is taken; a replay makes the same."""
    stem = re.sub(r"[^\w.]+", "-", name).strip("-")[:_PREFIX_LENGTH_MAX] or "template"
    prefixes = (f"{stem}-{number}-" for number in count(next_number))
    return next(p for p in prefixes if not any(p + task_id in state.tasks for task_id in ids))
