"""THE table: every method, declared once.

Owns the name, params, result, errors, role and summary of each method. The JSON-RPC dispatch, the
Python client, the MCP tools, the OpenRPC document and the reference page are derived from it.
Must not know who carries a method out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import msgspec

from protocol import errors as e
from protocol import params as p
from protocol import results as r

__all__ = ["METHODS", "Method", "Role", "wire_names"]


class Role(IntEnum):
    """What a connection may do; each role includes the ones below."""

    VIEWER = 1
    WORKER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row of the table.

    `mutates`: goes through the actor's batch and accepts `idempotencyKey`.
    `destructive` and `idempotent` describe a mutation the way MCP's tool annotations do: it can
    remove or overwrite; saying it twice changes nothing more.
    `tool`: whether agents get it as an MCP tool.
    `original`: one of the ten methods that this product was asked to keep.
    """

    name: str
    params: type[p.Params]
    result: type[msgspec.Struct]
    summary: str
    group: str
    role: Role = Role.WORKER
    errors: tuple[type[e.CoordinatorError], ...] = ()
    mutates: bool = True
    destructive: bool = False
    idempotent: bool = False
    tool: bool = True
    original: bool = False
    positional: tuple[str, ...] = field(init=False)
    """Wire names of the params in the order in which they may be sent as an array."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "positional", wire_names(self.params))

    def all_errors(self) -> tuple[type[e.CoordinatorError], ...]:
        """Its own errors and those that every method of its kind can answer with."""
        shared: tuple[type[e.CoordinatorError], ...] = (
            e.InvalidParams,
            e.InternalError,
            e.LimitExceeded,  # a result beyond what may wait for one client
            e.ShuttingDown,
        )
        if self.role > Role.VIEWER:
            shared += (e.Forbidden,)
        if self.mutates:
            shared += (e.StorageUnavailable, e.IdempotencyConflict)
        return self.errors + tuple(error for error in shared if error not in self.errors)


def wire_names(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The camelCase names of a struct's fields, in order, `idempotencyKey` last."""
    names = [info.encode_name for info in msgspec.structs.fields(struct)]
    names.sort(key=lambda name: name == "idempotencyKey")
    return tuple(names)


def _query(
    name: str,
    params: type[p.Params],
    result: type[msgspec.Struct],
    summary: str,
    group: str,
    **more: Any,
) -> Method:
    more.setdefault("role", Role.VIEWER)
    return Method(
        name=name,
        params=params,
        result=result,
        summary=summary,
        group=group,
        mutates=False,
        idempotent=True,
        **more,
    )


_GRAPH_ERRORS = (e.UnknownDependency, e.DependencyCycle)
_NEW_TASK_ERRORS = (e.TaskExists, *_GRAPH_ERRORS, e.InvalidTime, e.InvalidResource)
_SLOT_ERRORS = (e.SlotNotFound, e.SlotNotClaimed, e.SlotNotYours, e.SlotBusy, e.WorkerHasSlot)
_HOLDER_ERRORS = (e.TaskNotFound, e.NotHolder, e.StaleClaim, e.InvalidStatus)


def _operation(
    name: str,
    params: type[p.Params],
    result: type[msgspec.Struct],
    summary: str,
    **more: Any,
) -> Method:
    """What is carried out beside the actor's batch and cannot be repeated by a key."""
    return Method(
        name=name,
        params=params,
        result=result,
        summary=summary,
        group="operations",
        role=Role.ADMIN,
        mutates=False,
        tool=False,
        **more,
    )


_TABLE: tuple[Method, ...] = (
    # --- the original ten ---------------------------------------------------------------------
    Method(
        name="claim_worker_slot",
        params=p.ClaimWorkerSlot,
        result=r.SlotClaimed,
        group="slots",
        original=True,
        idempotent=True,
        errors=(e.NoFreeSlot, e.RequestCancelled),
        summary="Take a worker slot. A worker that holds one already gets the same slot again.",
    ),
    Method(
        name="release_worker_slot",
        params=p.ReleaseWorkerSlot,
        result=r.SlotReleased,
        group="slots",
        original=True,
        errors=(e.SlotNotFound, e.SlotNotClaimed, e.SlotNotYours),
        summary="Give a slot back; its unfinished task becomes available again.",
    ),
    _query(
        "get_workers",
        p.GetWorkers,
        r.Workers,
        group="slots",
        original=True,
        summary="All worker slots, who holds them and what they work on.",
    ),
    Method(
        name="add_task",
        params=p.AddTask,
        result=r.TaskAdded,
        group="tasks",
        original=True,
        errors=_NEW_TASK_ERRORS,
        summary="Add a task. `output` is the output that is expected of whoever does it.",
    ),
    _query(
        "get_available_tasks",
        p.GetAvailableTasks,
        r.TaskSummaryPage,
        group="tasks",
        original=True,
        errors=(e.CursorInvalid,),
        summary="Tasks that can be claimed now, in the order in which they should be.",
    ),
    _query(
        "get_all_tasks",
        p.GetAllTasks,
        r.TaskSummaryPage,
        group="tasks",
        original=True,
        errors=(e.CursorInvalid,),
        summary="All tasks in short, oldest first, a page at a time.",
    ),
    Method(
        name="claim_task",
        params=p.ClaimTask,
        result=r.TaskClaimed,
        group="work",
        original=True,
        idempotent=True,
        errors=(
            e.TaskNotFound,
            e.TaskNotAvailable,
            e.ResourceConflict,
            e.ClaimsArePaused,
            *_SLOT_ERRORS,
        ),
        summary="Take an available task for a worker in its slot. Exactly one worker gets it.",
    ),
    Method(
        name="update_task",
        params=p.UpdateTask,
        result=r.TaskUpdated,
        group="work",
        original=True,
        idempotent=True,
        errors=_HOLDER_ERRORS,
        summary="Report on a claimed task: `working`, `done` with its output, or `failed`.",
    ),
    Method(
        name="reset_failed_task",
        params=p.ResetFailedTask,
        result=r.TaskAdded,
        group="tasks",
        original=True,
        destructive=True,
        errors=(e.TaskNotFound, e.InvalidStatus),
        summary="Make a failed or cancelled task ready again; with `force` any other too.",
    ),
    Method(
        name="clean_all_tasks",
        params=p.CleanAllTasks,
        result=r.TasksCleaned,
        group="tasks",
        role=Role.ADMIN,
        original=True,
        destructive=True,
        idempotent=True,
        summary="Remove all tasks of the project, after writing a backup of the database.",
    ),
    # --- tasks --------------------------------------------------------------------------------
    Method(
        name="add_tasks",
        params=p.AddTasks,
        result=r.TasksAdded,
        group="tasks",
        errors=_NEW_TASK_ERRORS,
        summary="Add many tasks at once, in any order: all of them or none.",
    ),
    Method(
        name="import_tasks",
        params=p.ImportTasks,
        result=r.TasksImported,
        group="tasks",
        role=Role.ADMIN,
        tool=False,
        errors=_NEW_TASK_ERRORS,
        summary="Add many tasks with what became of them already: all of them or none.",
    ),
    _query(
        "get_task",
        p.GetTask,
        r.TaskResult,
        group="tasks",
        errors=(e.TaskNotFound,),
        summary="One task in full.",
    ),
    _query(
        "explain_task",
        p.ExplainTask,
        r.TaskExplained,
        group="tasks",
        errors=(e.TaskNotFound,),
        summary="Why a task is where it is: what it waits for, down to the root cause.",
    ),
    _query(
        "list_tasks",
        p.ListTasks,
        r.TaskPage,
        group="tasks",
        errors=(e.CursorInvalid,),
        summary="Find tasks by status, tags, worker, dependency or text; sorted, page by page.",
    ),
    Method(
        name="edit_task",
        params=p.EditTask,
        result=r.TaskResult,
        group="tasks",
        destructive=True,
        idempotent=True,
        errors=(
            e.TaskNotFound,
            e.VersionConflict,
            e.InvalidStatus,
            *_GRAPH_ERRORS,
            e.InvalidTime,
            e.InvalidResource,
            e.ResourceConflict,
        ),
        summary="Change what a task says: description, dependencies, priority, times and so on.",
    ),
    Method(
        name="cancel_task",
        params=p.CancelTask,
        result=r.TaskAdded,
        group="tasks",
        destructive=True,
        idempotent=True,
        errors=(e.TaskNotFound, e.InvalidStatus),
        summary="Call a task off. Its dependents stay blocked until it is reset.",
    ),
    Method(
        name="delete_task",
        params=p.DeleteTask,
        result=r.TaskDeleted,
        group="tasks",
        destructive=True,
        errors=(e.TaskNotFound, e.HasDependents, e.InvalidStatus),
        summary="Remove a task that nothing depends on and nobody works on.",
    ),
    Method(
        name="add_note",
        params=p.AddNote,
        result=r.TaskAdded,
        group="tasks",
        errors=(e.TaskNotFound,),
        summary="Leave a note on a task for whoever works on it or reads about it.",
    ),
    Method(
        name="cancel_tasks",
        params=p.CancelTasks,
        result=r.BulkChanged,
        group="tasks",
        destructive=True,
        tool=False,
        errors=(e.CursorInvalid,),
        summary="Call off every task that passes a filter, up to a thousand.",
    ),
    Method(
        name="reset_tasks",
        params=p.ResetTasks,
        result=r.BulkChanged,
        group="tasks",
        destructive=True,
        tool=False,
        errors=(e.CursorInvalid,),
        summary="Put every task that passes a filter back into the queue, up to a thousand.",
    ),
    Method(
        name="edit_tasks",
        params=p.EditTasks,
        result=r.BulkChanged,
        group="tasks",
        destructive=True,
        tool=False,
        errors=(e.CursorInvalid,),
        summary="Change priority, tags or attempts of every task that passes a filter.",
    ),
    # --- work ---------------------------------------------------------------------------------
    Method(
        name="claim_next_task",
        params=p.ClaimNextTask,
        result=r.NextTask,
        group="work",
        errors=(*_SLOT_ERRORS, e.ClaimsArePaused, e.RequestCancelled),
        summary="Take the best task that can be claimed, waiting for one if there is none.",
    ),
    Method(
        name="heartbeat",
        params=p.Heartbeat,
        result=r.HeartbeatReply,
        group="work",
        idempotent=True,
        tool=False,
        errors=(e.SlotNotClaimed,),
        summary="Renew all that a worker holds, and hear what it should know.",
    ),
    Method(
        name="report_progress",
        params=p.ReportProgress,
        result=r.TaskAdded,
        group="work",
        idempotent=True,
        errors=_HOLDER_ERRORS,
        summary="Say how far a claimed task is, and what is being done.",
    ),
    Method(
        name="release_task",
        params=p.ReleaseTask,
        result=r.TaskAdded,
        group="work",
        errors=_HOLDER_ERRORS,
        summary="Hand a claimed task back, with a note for whoever takes over. The slot stays.",
    ),
    Method(
        name="reserve_resources",
        params=p.ReserveResources,
        result=r.Reserved,
        group="work",
        idempotent=True,
        errors=(*_HOLDER_ERRORS, e.ResourceConflict, e.InvalidResource, e.LimitExceeded),
        summary="Reserve more for a task while it is worked on: all of it or none.",
    ),
    # --- events -------------------------------------------------------------------------------
    _query(
        "subscribe",
        p.Subscribe,
        r.Subscribed,
        group="events",
        tool=False,
        errors=(e.LimitExceeded, e.CursorInvalid, e.HistoryPruned),
        summary="Get `events` notifications, replayed from `since` without a gap or a repeat.",
    ),
    _query(
        "unsubscribe",
        p.Unsubscribe,
        r.Unsubscribed,
        group="events",
        tool=False,
        errors=(e.SubscriptionNotFound,),
        summary="End a subscription of this connection.",
    ),
    _query(
        "get_events",
        p.GetEvents,
        r.Events,
        group="events",
        errors=(e.StorageUnavailable,),
        summary="What happened after event `since`, oldest first.",
    ),
    _query(
        "get_task_history",
        p.GetTaskHistory,
        r.TaskHistory,
        group="events",
        errors=(e.TaskNotFound, e.StorageUnavailable),
        summary="A task's attempts, with worker and duration, and all that happened to it.",
    ),
    _query(
        "get_snapshot",
        p.GetSnapshot,
        r.Snapshot,
        group="events",
        summary="Counters, slots and the head of the queue, all true at event `seq`.",
    ),
    # --- templates ----------------------------------------------------------------------------
    Method(
        name="save_template",
        params=p.SaveTemplate,
        result=r.TemplateSaved,
        group="templates",
        idempotent=True,
        errors=(e.TemplateInvalid, e.InvalidResource, e.LimitExceeded),
        summary="Keep a plan with `{{name}}` parameters, to be used again and again.",
    ),
    _query(
        "list_templates",
        p.ListTemplates,
        r.Templates,
        group="templates",
        summary="The project's templates with their parameters.",
    ),
    Method(
        name="delete_template",
        params=p.DeleteTemplate,
        result=r.TemplateDeleted,
        group="templates",
        destructive=True,
        tool=False,
        errors=(e.TemplateNotFound,),
        summary="Remove a template; tasks that were made from it stay.",
    ),
    Method(
        name="instantiate_template",
        params=p.InstantiateTemplate,
        result=r.TemplateInstantiated,
        group="templates",
        errors=(
            e.TemplateNotFound,
            e.TemplateParameters,
            e.TemplateInvalid,
            *_NEW_TASK_ERRORS,
        ),
        summary="Add the tasks of a template, with values for its parameters: all or none.",
    ),
    # --- operations ---------------------------------------------------------------------------
    _query(
        "get_stats",
        p.GetStats,
        r.Stats,
        group="operations",
        errors=(e.StorageUnavailable,),
        summary="Throughput, waiting and working times, failures and lapses within a window.",
    ),
    Method(
        name="set_worker_slots",
        params=p.SetWorkerSlots,
        result=r.SlotsSet,
        group="operations",
        role=Role.ADMIN,
        idempotent=True,
        tool=False,
        summary="Change how many worker slots there are; slots at work go when their task ends.",
    ),
    Method(
        name="pause_claims",
        params=p.PauseClaims,
        result=r.ClaimsPaused,
        group="operations",
        role=Role.ADMIN,
        idempotent=True,
        tool=False,
        summary="Let nobody claim until `resume_claims`; work that is under way goes on.",
    ),
    Method(
        name="resume_claims",
        params=p.ResumeClaims,
        result=r.ClaimsPaused,
        group="operations",
        role=Role.ADMIN,
        idempotent=True,
        tool=False,
        summary="Let workers claim again.",
    ),
    _operation(
        "backup",
        p.Backup,
        r.BackupMade,
        "Write a consistent copy of the database beside it, while work goes on.",
        errors=(e.StorageUnavailable,),
    ),
    _operation(
        "prune",
        p.Prune,
        r.Pruned,
        "Archive and remove old finished tasks and events; what open work depends on stays.",
        destructive=True,
        errors=(e.StorageUnavailable,),
    ),
    _query(
        "identify",
        p.Identify,
        r.Identified,
        group="operations",
        tool=False,
        summary="Say who calls, once per connection.",
    ),
    _query(
        "get_server_info",
        p.GetServerInfo,
        r.ServerInfo,
        group="operations",
        summary="Version, uptime, store and limits of the server.",
    ),
    _query(
        "rpc.discover",
        p.Discover,
        r.OpenRpc,
        group="operations",
        tool=False,
        summary="The OpenRPC document of this server.",
    ),
)

METHODS: Final[Mapping[str, Method]] = {method.name: method for method in _TABLE}
"""Every method by name."""
