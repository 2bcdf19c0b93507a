"""Params of every method: what a caller may send, field by field.

Owns the params structs only; their order of fields is the order of params by position. Unknown
fields are refused. Must not know what the methods do with them.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.limits import (
    ADD_TASKS_MAX,
    EVENTS_PAGE_MAX,
    ID_LENGTH_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    SEARCH_LENGTH_MAX,
)
from protocol.models import (
    PRINTABLE,
    Description,
    EventType,
    Priority,
    SlotNumber,
    Status,
    Tag,
    Tags,
    TaskId,
    TaskIds,
    Text,
    WorkerId,
)

Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX, description="At most this many per page.")]
Cursor = Annotated[
    str,
    Meta(max_length=2_000, description="`nextCursor` of the page before, with the same filter."),
]
Seq = Annotated[int, Meta(ge=0, description="Event number within the project.")]
Sort = Literal["created", "-created", "updated", "-updated", "priority"]
Name = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=PRINTABLE)]
Metadata = Annotated[dict[str, Any], Meta(description="A JSON object of at most 16 KiB.")]


IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID_LENGTH_MAX,
        pattern=PRINTABLE,
        description="The same key and request gets the same reply for 24 hours.",
    ),
]


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


# --- worker slots -----------------------------------------------------------------------------


class ClaimWorkerSlot(Mutation, frozen=True, kw_only=True):
    worker_id: WorkerId | None = None


class ReleaseWorkerSlot(Mutation, frozen=True, kw_only=True):
    slot: SlotNumber
    worker_id: WorkerId | None = None


class GetWorkers(Params, frozen=True, kw_only=True):
    pass


# --- tasks ------------------------------------------------------------------------------------


class NewTask(Params, frozen=True, kw_only=True):
    """A task to be added. `output` is what is expected, not what was done."""

    id: TaskId | None = None
    description: Description
    dependencies: TaskIds = []
    output: (
        Annotated[Text, Meta(description="The output that is expected of the worker.")] | None
    ) = None
    priority: Priority = 0
    tags: Tags = []
    metadata: Metadata | None = None


class AddTask(NewTask, frozen=True, kw_only=True):
    """A `Mutation` in all but name: a struct has one base only."""

    idempotency_key: IdempotencyKey | None = None


class AddTasks(Mutation, frozen=True, kw_only=True):
    tasks: Annotated[list[NewTask], Meta(min_length=1, max_length=ADD_TASKS_MAX)]


class GetTask(Params, frozen=True, kw_only=True):
    task_id: TaskId


class ExplainTask(Params, frozen=True, kw_only=True):
    task_id: TaskId


class GetAvailableTasks(Params, frozen=True, kw_only=True):
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class GetAllTasks(Params, frozen=True, kw_only=True):
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class ListTasks(Params, frozen=True, kw_only=True):
    status: Annotated[list[Status], Meta(description="Any of these; empty means all.")] = []
    tags: Annotated[list[Tag], Meta(max_length=50, description="All of these.")] = []
    worker_id: WorkerId | None = None
    depends_on: TaskId | None = None
    search: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=SEARCH_LENGTH_MAX,
                description="Part of the id or the description, upper and lower case alike.",
            ),
        ]
        | None
    ) = None
    sort: Annotated[
        Sort, Meta(description="`priority` is the order in which tasks are claimed.")
    ] = "created"
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class EditTask(Mutation, frozen=True, kw_only=True):
    """Only the fields that are given change; `null` clears the ones that may be empty."""

    task_id: TaskId
    description: Description | UnsetType = UNSET
    dependencies: TaskIds | UnsetType = UNSET
    expected_output: Text | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    version: (
        Annotated[int, Meta(ge=1, description="Refuse if the task has another version by now.")]
        | None
    ) = None


class CancelTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId


class DeleteTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId


class ResetFailedTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    force: Annotated[bool, Meta(description="Also reset a task that is `done` or `working`.")] = (
        False
    )


class CleanAllTasks(Mutation, frozen=True, kw_only=True):
    pass


# --- work -------------------------------------------------------------------------------------


class ClaimTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    worker_id: WorkerId
    worker_slot: SlotNumber


class UpdateTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    status: Literal["working", "done", "failed"]
    worker_id: WorkerId
    output: Annotated[Text, Meta(description="What was done.")] | None = None
    error: Annotated[Text, Meta(description="Why it failed.")] | None = None
    claim_token: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="From `claim_task`: makes a report of a superseded claim impossible.",
            ),
        ]
        | None
    ) = None


# --- events -----------------------------------------------------------------------------------


class Subscribe(Params, frozen=True, kw_only=True):
    since: (
        Annotated[int, Meta(ge=0, description="Replay what came after this event first.")] | None
    ) = None
    types: Annotated[list[EventType], Meta(description="Any of these; empty means all.")] = []
    task_id: TaskId | None = None


class Unsubscribe(Params, frozen=True, kw_only=True):
    subscription: Annotated[str, Meta(max_length=64)]


class GetEvents(Params, frozen=True, kw_only=True):
    since: Seq = 0
    types: Annotated[list[EventType], Meta(description="Any of these; empty means all.")] = []
    task_id: TaskId | None = None
    limit: Annotated[int, Meta(ge=1, le=EVENTS_PAGE_MAX)] = PAGE_DEFAULT


class GetSnapshot(Params, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=0, le=PAGE_MAX, description="Length of the queue shown.")] = 20


# --- operations -------------------------------------------------------------------------------


class Identify(Params, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Shown as `createdBy` of the tasks it adds.")] | None = (
        None
    )
    session_id: (
        Annotated[Name, Meta(description="Keep it over reconnects to stay the same caller.")] | None
    ) = None


class GetServerInfo(Params, frozen=True, kw_only=True):
    pass


class Discover(Params, frozen=True, kw_only=True):
    pass
