"""What params of several methods share: the two bases, and the filter that chooses tasks.

Owns those structs only; `protocol.params` hands them on. Must not know any method.
"""

from typing import Annotated

from msgspec import Meta, Struct

from protocol.fields import (
    IdempotencyKey,
    MomentAfter,
    MomentBefore,
    Priority,
    Search,
    Tag,
    TaskId,
    WorkerId,
)
from protocol.limits import BULK_TASKS_MAX
from protocol.models import Status

__all__ = ["Mutation", "Params", "TaskFilter"]


class Params(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Base of all params. What is left at its default is not sent, so that a newer client can
    talk to an older server, which would refuse a field that it does not know."""


class Mutation(Params, frozen=True, kw_only=True):
    """Base of the params of everything that changes something."""

    idempotency_key: IdempotencyKey | None = None


class TaskFilter(Params, frozen=True, kw_only=True):
    """Which tasks: those that pass every condition that is given."""

    status: Annotated[list[Status], Meta(description="Any of these.")] = []
    tags: Annotated[list[Tag], Meta(max_length=50, description="All of these.")] = []
    worker_id: WorkerId | None = None
    depends_on: TaskId | None = None
    search: Search | None = None
    ids: Annotated[list[TaskId], Meta(max_length=BULK_TASKS_MAX, description="Any of these.")] = []
    exclude_tags: Annotated[list[Tag], Meta(max_length=50, description="None of these.")] = []
    priority_min: Annotated[Priority, Meta(description="At least.")] | None = None
    priority_max: Annotated[Priority, Meta(description="At most.")] | None = None
    upstream_of: (
        Annotated[
            TaskId,
            Meta(description="It and all it depends on."),
        ]
        | None
    ) = None
    downstream_of: (
        Annotated[
            TaskId,
            Meta(description="It and all that depend on it."),
        ]
        | None
    ) = None
    overdue: Annotated[bool, Meta(description="Past its deadline, or not.")] | None = None
    created_after: MomentAfter | None = None
    created_before: MomentBefore | None = None
    updated_after: MomentAfter | None = None
    updated_before: MomentBefore | None = None
