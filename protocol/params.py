"""Params of every method: what a caller may send, field by field.

Owns the params structs only; their order of fields is the order of params by position. Unknown
fields are refused. Must not know what the methods do with them.
"""
# ruff: noqa: RUF012 -- every struct gets an empty list or dict of its own

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from protocol.fields import (
    ClaimToken,
    Cursor,
    Description,
    DryRun,
    IdempotencyKey,
    LeaseSeconds,
    Limit,
    MaxAttempts,
    Metadata,
    Moment,
    Name,
    Note,
    Priority,
    Progress,
    Resource,
    Resources,
    RetryDelaySeconds,
    Seq,
    SlotNumber,
    Sort,
    Tags,
    TaskId,
    TaskIds,
    TemplateName,
    Text,
    TimeoutSeconds,
    WaitSeconds,
    WorkerId,
)
from protocol.limits import (
    ADD_TASKS_MAX,
    EVENTS_PAGE_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    TEMPLATE_PARAMETERS_MAX,
    TEMPLATE_TASKS_MAX,
    TEXT_LENGTH_MAX,
)
from protocol.models import EventType, TemplateTask
from protocol.params_base import Mutation, Params, TaskFilter
from protocol.params_overview import (
    GetAttention,
    GetGraph,
    GetThroughput,
    ListAttempts,
    ListProjects,
)

__all__ = [
    "GetAttention",
    "GetGraph",
    "GetThroughput",
    "ListAttempts",
    "ListProjects",
    "Mutation",
    "Params",
    "TaskFilter",
]


# --- worker slots -----------------------------------------------------------------------------


class ClaimWorkerSlot(Mutation, frozen=True, kw_only=True):
    worker_id: WorkerId | None = None
    lease_seconds: LeaseSeconds | None = None
    bind_to_connection: Annotated[
        bool, Meta(description="Give the slot back soon after this connection is lost.")
    ] = False
    wait_seconds: WaitSeconds = 0


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
    resources: Resources = []
    max_attempts: MaxAttempts | None = None
    retry_delay_seconds: RetryDelaySeconds | None = None
    not_before: Moment | None = None
    deadline: Moment | None = None
    timeout_seconds: TimeoutSeconds | None = None


class AddTask(NewTask, frozen=True, kw_only=True):
    """A `Mutation` in all but name: a struct has one base only."""

    idempotency_key: IdempotencyKey | None = None


class AddTasks(Mutation, frozen=True, kw_only=True):
    tasks: Annotated[list[NewTask], Meta(min_length=1, max_length=ADD_TASKS_MAX)]


class ImportedTask(NewTask, frozen=True, kw_only=True):
    """A task with what has become of it already."""

    status: (
        Annotated[
            Literal["done", "failed", "cancelled"],
            Meta(description="Of finished tasks only; every other status follows by itself."),
        ]
        | None
    ) = None
    result: Annotated[Text, Meta(description="What its worker reported.")] | None = None
    error: Text | None = None
    worker_id: WorkerId | None = None
    note: Note | None = None


class ImportTasks(Mutation, frozen=True, kw_only=True):
    tasks: Annotated[list[ImportedTask], Meta(min_length=1, max_length=ADD_TASKS_MAX)]
    dry_run: DryRun = False


class CancelTasks(Mutation, frozen=True, kw_only=True):
    filter: TaskFilter
    dry_run: DryRun = False
    cursor: Cursor | None = None


class ResetTasks(Mutation, frozen=True, kw_only=True):
    filter: TaskFilter
    force: Annotated[bool, Meta(description="Also those that are `done` or `working`.")] = False
    dry_run: DryRun = False
    cursor: Cursor | None = None


class EditTasks(Mutation, frozen=True, kw_only=True):
    filter: TaskFilter
    priority: Priority | None = None
    add_tags: Tags = []
    remove_tags: Tags = []
    max_attempts: MaxAttempts | None = None
    dry_run: DryRun = False
    cursor: Cursor | None = None


class AddNote(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    note: Note
    worker_id: WorkerId | None = None


class GetTaskHistory(Params, frozen=True, kw_only=True):
    task_id: TaskId
    since: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=EVENTS_PAGE_MAX)] = PAGE_DEFAULT


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


class ListTasks(TaskFilter, frozen=True, kw_only=True):
    sort: Annotated[
        Sort, Meta(description="`priority` is the order in which tasks are claimed.")
    ] = "created"
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None
    text_max: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=TEXT_LENGTH_MAX,
                description="Cut every text to so many characters, and leave out `metadata`.",
            ),
        ]
        | None
    ) = None


class EditTask(Mutation, frozen=True, kw_only=True):
    """Only the fields that are given change; `null` clears the ones that may be empty."""

    task_id: TaskId
    description: Description | UnsetType = UNSET
    dependencies: TaskIds | UnsetType = UNSET
    expected_output: Text | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    resources: Resources | UnsetType = UNSET
    max_attempts: MaxAttempts | UnsetType | None = UNSET
    retry_delay_seconds: RetryDelaySeconds | UnsetType | None = UNSET
    not_before: Moment | UnsetType | None = UNSET
    deadline: Moment | UnsetType | None = UNSET
    timeout_seconds: TimeoutSeconds | UnsetType | None = UNSET
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
    lease_seconds: LeaseSeconds | None = None


class ClaimNextTask(Mutation, frozen=True, kw_only=True):
    worker_id: WorkerId
    worker_slot: (
        Annotated[
            SlotNumber, Meta(description="Your slot; left out, the one that the worker holds.")
        ]
        | None
    ) = None
    tags: Annotated[Tags, Meta(description="Only tasks that have all of these.")] = []
    wait_seconds: WaitSeconds = 0
    lease_seconds: LeaseSeconds | None = None


class Heartbeat(Mutation, frozen=True, kw_only=True):
    worker_id: (
        Annotated[
            WorkerId,
            Meta(description="Left out: every worker whose slot this client session claimed."),
        ]
        | None
    ) = None


class ReportProgress(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    worker_id: WorkerId
    progress: Progress
    note: Note | None = None
    claim_token: ClaimToken | None = None


class ReleaseTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    worker_id: WorkerId
    note: Annotated[Note, Meta(description="What whoever takes over should know.")] | None = None
    claim_token: ClaimToken | None = None


class ReserveResources(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    worker_id: WorkerId
    resources: Annotated[list[Resource], Meta(min_length=1, max_length=50)]
    claim_token: ClaimToken | None = None


class UpdateTask(Mutation, frozen=True, kw_only=True):
    task_id: TaskId
    status: Literal["working", "done", "failed"]
    worker_id: WorkerId
    output: Annotated[Text, Meta(description="What was done.")] | None = None
    error: Annotated[Text, Meta(description="Why it failed.")] | None = None
    claim_token: ClaimToken | None = None


# --- events -----------------------------------------------------------------------------------


class Subscribe(Params, frozen=True, kw_only=True):
    since: Seq | None = None
    """Replay what came after this event first."""
    types: Annotated[list[EventType], Meta(description="Any of these; empty means all.")] = []
    task_id: TaskId | None = None


class Unsubscribe(Params, frozen=True, kw_only=True):
    subscription: Annotated[str, Meta(max_length=64)]


class GetEvents(Params, frozen=True, kw_only=True):
    since: Seq = 0
    until: Annotated[int, Meta(ge=1, description="Nothing after this event number.")] | None = None
    types: Annotated[list[EventType], Meta(description="Any of these; empty means all.")] = []
    task_id: TaskId | None = None
    worker_id: WorkerId | None = None
    limit: Annotated[int, Meta(ge=1, le=EVENTS_PAGE_MAX)] = PAGE_DEFAULT


class GetSnapshot(Params, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=0, le=PAGE_MAX, description="Length of the queue shown.")] = 20


# --- templates --------------------------------------------------------------------------------


class SaveTemplate(Mutation, frozen=True, kw_only=True):
    """A template of the same name is replaced."""

    name: TemplateName
    tasks: Annotated[list[TemplateTask], Meta(min_length=1, max_length=TEMPLATE_TASKS_MAX)]
    description: Note | None = None


class ListTemplates(Params, frozen=True, kw_only=True):
    pass


class DeleteTemplate(Mutation, frozen=True, kw_only=True):
    name: TemplateName


class InstantiateTemplate(Mutation, frozen=True, kw_only=True):
    name: TemplateName
    parameters: Annotated[
        dict[str, str],
        Meta(
            max_length=TEMPLATE_PARAMETERS_MAX,
            description="A value for each `{{name}}` of the template.",
        ),
    ] = {}
    prefix: (
        Annotated[
            str,
            Meta(
                max_length=100,
                description="Put before the ids of the new tasks; left out, the server makes one.",
            ),
        ]
        | None
    ) = None
    dry_run: DryRun = False


# --- operations -------------------------------------------------------------------------------


class GetStats(Params, frozen=True, kw_only=True):
    window_seconds: Annotated[
        float,
        Meta(ge=60, le=366 * 86_400, description="How far back to look; by default an hour."),
    ] = 3_600
    worker_id: WorkerId | None = None


class SetWorkerSlots(Mutation, frozen=True, kw_only=True):
    slots: Annotated[SlotNumber, Meta(description="How many worker slots the project has.")]


class PauseClaims(Mutation, frozen=True, kw_only=True):
    reason: Annotated[Note, Meta(description="Told to whoever asks for work.")] | None = None


class ResumeClaims(Mutation, frozen=True, kw_only=True):
    pass


class Backup(Params, frozen=True, kw_only=True):
    pass


class Prune(Params, frozen=True, kw_only=True):
    finished_before: (
        Annotated[Moment, Meta(description="Remove tasks that were finished before this time.")]
        | None
    ) = None
    events_before: (
        Annotated[Moment, Meta(description="Remove events that are older than this time.")] | None
    ) = None
    dry_run: DryRun = False


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
