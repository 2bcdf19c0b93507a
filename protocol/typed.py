"""Every method of the table as a Python method with types.

GENERATED from `protocol/methods.py` by `python -m protocol.generate`; do not edit.
"""
# ruff: noqa: A002, PLR0913 -- the names and the number of the params are the contract's

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from protocol import models as m
from protocol import params as p
from protocol import results as r
from protocol.fields import (
    ClaimToken,
    Cursor,
    Description,
    DryRun,
    LeaseSeconds,
    Limit,
    MaxAttempts,
    Metadata,
    Moment,
    MomentAfter,
    MomentBefore,
    Note,
    Priority,
    Progress,
    Resource,
    Resources,
    RetryDelaySeconds,
    Search,
    Seq,
    SlotNumber,
    Sort,
    Tag,
    Tags,
    TaskId,
    TaskIds,
    TemplateName,
    Text,
    TimeoutSeconds,
    WaitSeconds,
    WorkerId,
)
from protocol.methods import METHODS, Method
from protocol.models import EventType, Status

__all__ = ["TypedMethods"]


class TypedMethods(ABC):
    """The methods of a coordinator. Whoever has `request` has them all.

    Each of them raises `ConnectionLost` when no answer comes, and what its docstring names when
    the server refuses.
    """

    @abstractmethod
    async def request(
        self, method: Method, params: p.Params, *, timeout: float | None = None
    ) -> Any:
        """Call a method of the table; return its result struct."""

    async def claim_worker_slot(
        self,
        *,
        worker_id: WorkerId | None = None,
        lease_seconds: LeaseSeconds | None = None,
        bind_to_connection: bool = False,
        wait_seconds: WaitSeconds = 0,
    ) -> r.SlotClaimed:
        """Take a worker slot. A worker that holds one already gets the same slot again.

        Raises:
            NoFreeSlot: All slots of the project are held.
            RequestCancelled: The request waited and was withdrawn by `$/cancelRequest`. Nothing was
                changed.
        """
        params = p.ClaimWorkerSlot(
            worker_id=worker_id,
            lease_seconds=lease_seconds,
            bind_to_connection=bind_to_connection,
            wait_seconds=wait_seconds,
        )
        result: r.SlotClaimed = await self.request(METHODS["claim_worker_slot"], params)
        return result

    async def release_worker_slot(
        self, *, slot: SlotNumber, worker_id: WorkerId | None = None
    ) -> r.SlotReleased:
        """Give a slot back; its unfinished task becomes available again.

        Raises:
            SlotNotFound: The project has no slot with this number.
            SlotNotClaimed: The slot is free: nobody claimed it.
            SlotNotYours: Another worker owns the slot; `data.holder` says who.
        """
        params = p.ReleaseWorkerSlot(slot=slot, worker_id=worker_id)
        result: r.SlotReleased = await self.request(METHODS["release_worker_slot"], params)
        return result

    async def get_workers(self) -> r.Workers:
        """All worker slots, who holds them and what they work on."""
        params = p.GetWorkers()
        result: r.Workers = await self.request(METHODS["get_workers"], params)
        return result

    async def add_task(
        self,
        *,
        id: TaskId | None = None,
        description: Description,
        dependencies: TaskIds | None = None,
        output: str | None = None,
        priority: Priority = 0,
        tags: Tags | None = None,
        metadata: Metadata | None = None,
        resources: Resources | None = None,
        max_attempts: MaxAttempts | None = None,
        retry_delay_seconds: RetryDelaySeconds | None = None,
        not_before: Moment | None = None,
        deadline: Moment | None = None,
        timeout_seconds: TimeoutSeconds | None = None,
    ) -> r.TaskAdded:
        """Add a task. `output` is the output that is expected of whoever does it.

        Raises:
            TaskExists: The id is taken.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
        """
        params = p.AddTask(
            id=id,
            description=description,
            dependencies=dependencies or [],
            output=output,
            priority=priority,
            tags=tags or [],
            metadata=metadata,
            resources=resources or [],
            max_attempts=max_attempts,
            retry_delay_seconds=retry_delay_seconds,
            not_before=not_before,
            deadline=deadline,
            timeout_seconds=timeout_seconds,
        )
        result: r.TaskAdded = await self.request(METHODS["add_task"], params)
        return result

    async def get_available_tasks(
        self, *, limit: Limit = 100, cursor: Cursor | None = None
    ) -> r.TaskSummaryPage:
        """Tasks that can be claimed now, in the order in which they should be.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.GetAvailableTasks(limit=limit, cursor=cursor)
        result: r.TaskSummaryPage = await self.request(METHODS["get_available_tasks"], params)
        return result

    async def get_all_tasks(
        self, *, limit: Limit = 100, cursor: Cursor | None = None
    ) -> r.TaskSummaryPage:
        """All tasks in short, oldest first, a page at a time.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.GetAllTasks(limit=limit, cursor=cursor)
        result: r.TaskSummaryPage = await self.request(METHODS["get_all_tasks"], params)
        return result

    async def claim_task(
        self,
        *,
        task_id: TaskId,
        worker_id: WorkerId,
        worker_slot: SlotNumber,
        lease_seconds: LeaseSeconds | None = None,
    ) -> r.TaskClaimed:
        """Take an available task for a worker in its slot. Exactly one worker gets it.

        Raises:
            TaskNotFound: The project has no task with this id.
            TaskNotAvailable: The task cannot be claimed now; `data.status`, `holder` and
                `blockedBy` say why.
            ResourceConflict: Somebody holds what the task needs; `data.conflicts` says what and
                who.
            ClaimsPaused: Nobody may claim for now; `data.pauseReason` says why.
            SlotNotFound: The project has no slot with this number.
            SlotNotClaimed: The slot is free: nobody claimed it.
            SlotNotYours: Another worker owns the slot; `data.holder` says who.
            SlotBusy: The slot already works on a task; `data.taskId` says which.
            WorkerHasSlot: The worker already holds another slot; `data.slot` says which.
        """
        params = p.ClaimTask(
            task_id=task_id,
            worker_id=worker_id,
            worker_slot=worker_slot,
            lease_seconds=lease_seconds,
        )
        result: r.TaskClaimed = await self.request(METHODS["claim_task"], params)
        return result

    async def update_task(
        self,
        *,
        task_id: TaskId,
        status: Literal["working", "done", "failed"],
        worker_id: WorkerId,
        output: str | None = None,
        error: str | None = None,
        claim_token: ClaimToken | None = None,
    ) -> r.TaskUpdated:
        """Report on a claimed task: `working`, `done` with its output, or `failed`.

        Raises:
            TaskNotFound: The project has no task with this id.
            NotHolder: Somebody else, or nobody, holds the task; `data.holder` says who.
            StaleClaim: The claim was superseded: the task was claimed again, reset or cancelled
                since.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.UpdateTask(
            task_id=task_id,
            status=status,
            worker_id=worker_id,
            output=output,
            error=error,
            claim_token=claim_token,
        )
        result: r.TaskUpdated = await self.request(METHODS["update_task"], params)
        return result

    async def reset_failed_task(self, *, task_id: TaskId, force: bool = False) -> r.TaskAdded:
        """Make a failed or cancelled task ready again; with `force` any other too.

        Raises:
            TaskNotFound: The project has no task with this id.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.ResetFailedTask(task_id=task_id, force=force)
        result: r.TaskAdded = await self.request(METHODS["reset_failed_task"], params)
        return result

    async def clean_all_tasks(self) -> r.TasksCleaned:
        """Remove all tasks of the project, after writing a backup of the database."""
        params = p.CleanAllTasks()
        result: r.TasksCleaned = await self.request(METHODS["clean_all_tasks"], params)
        return result

    async def add_tasks(self, *, tasks: list[p.NewTask]) -> r.TasksAdded:
        """Add many tasks at once, in any order: all of them or none.

        Raises:
            TaskExists: The id is taken.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
        """
        params = p.AddTasks(tasks=tasks)
        result: r.TasksAdded = await self.request(METHODS["add_tasks"], params)
        return result

    async def import_tasks(
        self, *, tasks: list[p.ImportedTask], dry_run: DryRun = False
    ) -> r.TasksImported:
        """Add many tasks with what became of them already: all of them or none.

        Raises:
            TaskExists: The id is taken.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
        """
        params = p.ImportTasks(tasks=tasks, dry_run=dry_run)
        result: r.TasksImported = await self.request(METHODS["import_tasks"], params)
        return result

    async def get_task(self, *, task_id: TaskId) -> r.TaskResult:
        """One task in full.

        Raises:
            TaskNotFound: The project has no task with this id.
        """
        params = p.GetTask(task_id=task_id)
        result: r.TaskResult = await self.request(METHODS["get_task"], params)
        return result

    async def explain_task(self, *, task_id: TaskId) -> r.TaskExplained:
        """Why a task is where it is: what it waits for, down to the root cause.

        Raises:
            TaskNotFound: The project has no task with this id.
        """
        params = p.ExplainTask(task_id=task_id)
        result: r.TaskExplained = await self.request(METHODS["explain_task"], params)
        return result

    async def list_tasks(
        self,
        *,
        status: list[Status] | None = None,
        tags: list[Tag] | None = None,
        worker_id: WorkerId | None = None,
        depends_on: TaskId | None = None,
        search: Search | None = None,
        ids: list[TaskId] | None = None,
        exclude_tags: list[Tag] | None = None,
        priority_min: int | None = None,
        priority_max: int | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        overdue: bool | None = None,
        created_after: MomentAfter | None = None,
        created_before: MomentBefore | None = None,
        updated_after: MomentAfter | None = None,
        updated_before: MomentBefore | None = None,
        sort: Sort = "created",
        limit: Limit = 100,
        cursor: Cursor | None = None,
        text_max: int | None = None,
    ) -> r.TaskPage:
        """Find tasks by status, tags, worker, dependency or text; sorted, page by page.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.ListTasks(
            status=status or [],
            tags=tags or [],
            worker_id=worker_id,
            depends_on=depends_on,
            search=search,
            ids=ids or [],
            exclude_tags=exclude_tags or [],
            priority_min=priority_min,
            priority_max=priority_max,
            upstream_of=upstream_of,
            downstream_of=downstream_of,
            overdue=overdue,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            sort=sort,
            limit=limit,
            cursor=cursor,
            text_max=text_max,
        )
        result: r.TaskPage = await self.request(METHODS["list_tasks"], params)
        return result

    async def edit_task(
        self,
        *,
        task_id: TaskId,
        description: Description | UnsetType = UNSET,
        dependencies: TaskIds | UnsetType = UNSET,
        expected_output: Text | UnsetType | None = UNSET,
        priority: Priority | UnsetType = UNSET,
        tags: Tags | UnsetType = UNSET,
        metadata: Metadata | UnsetType | None = UNSET,
        resources: Resources | UnsetType = UNSET,
        max_attempts: MaxAttempts | UnsetType | None = UNSET,
        retry_delay_seconds: RetryDelaySeconds | UnsetType | None = UNSET,
        not_before: Moment | UnsetType | None = UNSET,
        deadline: Moment | UnsetType | None = UNSET,
        timeout_seconds: TimeoutSeconds | UnsetType | None = UNSET,
        version: int | None = None,
    ) -> r.TaskResult:
        """Change what a task says: description, dependencies, priority, times and so on.

        Raises:
            TaskNotFound: The project has no task with this id.
            VersionConflict: The task changed since it was read; `data.version` is the current one.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
            ResourceConflict: Somebody holds what the task needs; `data.conflicts` says what and
                who.
        """
        params = p.EditTask(
            task_id=task_id,
            description=description,
            dependencies=dependencies,
            expected_output=expected_output,
            priority=priority,
            tags=tags,
            metadata=metadata,
            resources=resources,
            max_attempts=max_attempts,
            retry_delay_seconds=retry_delay_seconds,
            not_before=not_before,
            deadline=deadline,
            timeout_seconds=timeout_seconds,
            version=version,
        )
        result: r.TaskResult = await self.request(METHODS["edit_task"], params)
        return result

    async def cancel_task(self, *, task_id: TaskId) -> r.TaskAdded:
        """Call a task off. Its dependents stay blocked until it is reset.

        Raises:
            TaskNotFound: The project has no task with this id.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.CancelTask(task_id=task_id)
        result: r.TaskAdded = await self.request(METHODS["cancel_task"], params)
        return result

    async def delete_task(self, *, task_id: TaskId) -> r.TaskDeleted:
        """Remove a task that nothing depends on and nobody works on.

        Raises:
            TaskNotFound: The project has no task with this id.
            HasDependents: Other tasks depend on this one; `data.dependents` lists them.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.DeleteTask(task_id=task_id)
        result: r.TaskDeleted = await self.request(METHODS["delete_task"], params)
        return result

    async def add_note(
        self, *, task_id: TaskId, note: Note, worker_id: WorkerId | None = None
    ) -> r.TaskAdded:
        """Leave a note on a task for whoever works on it or reads about it.

        Raises:
            TaskNotFound: The project has no task with this id.
        """
        params = p.AddNote(task_id=task_id, note=note, worker_id=worker_id)
        result: r.TaskAdded = await self.request(METHODS["add_note"], params)
        return result

    async def cancel_tasks(
        self, *, filter: p.TaskFilter, dry_run: DryRun = False, cursor: Cursor | None = None
    ) -> r.BulkChanged:
        """Call off every task that passes a filter, up to a thousand.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.CancelTasks(filter=filter, dry_run=dry_run, cursor=cursor)
        result: r.BulkChanged = await self.request(METHODS["cancel_tasks"], params)
        return result

    async def reset_tasks(
        self,
        *,
        filter: p.TaskFilter,
        force: bool = False,
        dry_run: DryRun = False,
        cursor: Cursor | None = None,
    ) -> r.BulkChanged:
        """Put every task that passes a filter back into the queue, up to a thousand.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.ResetTasks(filter=filter, force=force, dry_run=dry_run, cursor=cursor)
        result: r.BulkChanged = await self.request(METHODS["reset_tasks"], params)
        return result

    async def edit_tasks(
        self,
        *,
        filter: p.TaskFilter,
        priority: Priority | None = None,
        add_tags: Tags | None = None,
        remove_tags: Tags | None = None,
        max_attempts: MaxAttempts | None = None,
        dry_run: DryRun = False,
        cursor: Cursor | None = None,
    ) -> r.BulkChanged:
        """Change priority, tags or attempts of every task that passes a filter.

        Raises:
            CursorInvalid: The cursor was not made by this method with these arguments.
        """
        params = p.EditTasks(
            filter=filter,
            priority=priority,
            add_tags=add_tags or [],
            remove_tags=remove_tags or [],
            max_attempts=max_attempts,
            dry_run=dry_run,
            cursor=cursor,
        )
        result: r.BulkChanged = await self.request(METHODS["edit_tasks"], params)
        return result

    async def claim_next_task(
        self,
        *,
        worker_id: WorkerId,
        worker_slot: int | None = None,
        tags: list[Tag] | None = None,
        wait_seconds: WaitSeconds = 0,
        lease_seconds: LeaseSeconds | None = None,
    ) -> r.NextTask:
        """Take the best task that can be claimed, waiting for one if there is none.

        Raises:
            SlotNotFound: The project has no slot with this number.
            SlotNotClaimed: The slot is free: nobody claimed it.
            SlotNotYours: Another worker owns the slot; `data.holder` says who.
            SlotBusy: The slot already works on a task; `data.taskId` says which.
            WorkerHasSlot: The worker already holds another slot; `data.slot` says which.
            RequestCancelled: The request waited and was withdrawn by `$/cancelRequest`. Nothing was
                changed.
        """
        params = p.ClaimNextTask(
            worker_id=worker_id,
            worker_slot=worker_slot,
            tags=tags or [],
            wait_seconds=wait_seconds,
            lease_seconds=lease_seconds,
        )
        result: r.NextTask = await self.request(METHODS["claim_next_task"], params)
        return result

    async def heartbeat(self, *, worker_id: str | None = None) -> r.HeartbeatReply:
        """Renew all that a worker holds, and hear what it should know.

        Raises:
            SlotNotClaimed: The slot is free: nobody claimed it.
        """
        params = p.Heartbeat(worker_id=worker_id)
        result: r.HeartbeatReply = await self.request(METHODS["heartbeat"], params)
        return result

    async def report_progress(
        self,
        *,
        task_id: TaskId,
        worker_id: WorkerId,
        progress: Progress,
        note: Note | None = None,
        claim_token: ClaimToken | None = None,
    ) -> r.TaskAdded:
        """Say how far a claimed task is, and what is being done.

        Raises:
            TaskNotFound: The project has no task with this id.
            NotHolder: Somebody else, or nobody, holds the task; `data.holder` says who.
            StaleClaim: The claim was superseded: the task was claimed again, reset or cancelled
                since.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.ReportProgress(
            task_id=task_id,
            worker_id=worker_id,
            progress=progress,
            note=note,
            claim_token=claim_token,
        )
        result: r.TaskAdded = await self.request(METHODS["report_progress"], params)
        return result

    async def release_task(
        self,
        *,
        task_id: TaskId,
        worker_id: WorkerId,
        note: str | None = None,
        claim_token: ClaimToken | None = None,
    ) -> r.TaskAdded:
        """Hand a claimed task back, with a note for whoever takes over. The slot stays.

        Raises:
            TaskNotFound: The project has no task with this id.
            NotHolder: Somebody else, or nobody, holds the task; `data.holder` says who.
            StaleClaim: The claim was superseded: the task was claimed again, reset or cancelled
                since.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
        """
        params = p.ReleaseTask(
            task_id=task_id, worker_id=worker_id, note=note, claim_token=claim_token
        )
        result: r.TaskAdded = await self.request(METHODS["release_task"], params)
        return result

    async def reserve_resources(
        self,
        *,
        task_id: TaskId,
        worker_id: WorkerId,
        resources: list[Resource],
        claim_token: ClaimToken | None = None,
    ) -> r.Reserved:
        """Reserve more for a task while it is worked on: all of it or none.

        Raises:
            TaskNotFound: The project has no task with this id.
            NotHolder: Somebody else, or nobody, holds the task; `data.holder` says who.
            StaleClaim: The claim was superseded: the task was claimed again, reset or cancelled
                since.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
            ResourceConflict: Somebody holds what the task needs; `data.conflicts` says what and
                who.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
            LimitExceeded: A named limit was reached; `data.limit` is its value.
        """
        params = p.ReserveResources(
            task_id=task_id, worker_id=worker_id, resources=resources, claim_token=claim_token
        )
        result: r.Reserved = await self.request(METHODS["reserve_resources"], params)
        return result

    async def subscribe(
        self,
        *,
        since: Seq | None = None,
        types: list[EventType] | None = None,
        task_id: TaskId | None = None,
    ) -> r.Subscribed:
        """Get `events` notifications, replayed from `since` without a gap or a repeat.

        Raises:
            LimitExceeded: A named limit was reached; `data.limit` is its value.
            CursorInvalid: The cursor was not made by this method with these arguments.
            HistoryPruned: Events after `since` were removed; `data.prunedThrough` says up to which
                number.
        """
        params = p.Subscribe(since=since, types=types or [], task_id=task_id)
        result: r.Subscribed = await self.request(METHODS["subscribe"], params)
        return result

    async def unsubscribe(self, *, subscription: str) -> r.Unsubscribed:
        """End a subscription of this connection.

        Raises:
            SubscriptionNotFound: The connection has no such subscription.
        """
        params = p.Unsubscribe(subscription=subscription)
        result: r.Unsubscribed = await self.request(METHODS["unsubscribe"], params)
        return result

    async def get_events(
        self,
        *,
        since: Seq = 0,
        until: int | None = None,
        types: list[EventType] | None = None,
        task_id: TaskId | None = None,
        worker_id: WorkerId | None = None,
        limit: int = 100,
    ) -> r.Events:
        """What happened after event `since`, oldest first.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.GetEvents(
            since=since,
            until=until,
            types=types or [],
            task_id=task_id,
            worker_id=worker_id,
            limit=limit,
        )
        result: r.Events = await self.request(METHODS["get_events"], params)
        return result

    async def get_task_history(
        self, *, task_id: TaskId, since: Seq = 0, limit: int = 100
    ) -> r.TaskHistory:
        """A task's attempts, with worker and duration, and all that happened to it.

        Raises:
            TaskNotFound: The project has no task with this id.
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.GetTaskHistory(task_id=task_id, since=since, limit=limit)
        result: r.TaskHistory = await self.request(METHODS["get_task_history"], params)
        return result

    async def get_snapshot(self, *, limit: int = 20) -> r.Snapshot:
        """Counters, slots and the head of the queue, all true at event `seq`."""
        params = p.GetSnapshot(limit=limit)
        result: r.Snapshot = await self.request(METHODS["get_snapshot"], params)
        return result

    async def get_graph(
        self,
        *,
        status: list[Status] | None = None,
        tags: list[Tag] | None = None,
        worker_id: WorkerId | None = None,
        depends_on: TaskId | None = None,
        search: Search | None = None,
        ids: list[TaskId] | None = None,
        exclude_tags: list[Tag] | None = None,
        priority_min: int | None = None,
        priority_max: int | None = None,
        upstream_of: str | None = None,
        downstream_of: str | None = None,
        overdue: bool | None = None,
        created_after: MomentAfter | None = None,
        created_before: MomentBefore | None = None,
        updated_after: MomentAfter | None = None,
        updated_before: MomentBefore | None = None,
        finished_levels: int = 1,
        limit: int = 2000,
    ) -> r.Graph:
        """Tasks and dependencies in short, as a picture of the graph needs them."""
        params = p.GetGraph(
            status=status or [],
            tags=tags or [],
            worker_id=worker_id,
            depends_on=depends_on,
            search=search,
            ids=ids or [],
            exclude_tags=exclude_tags or [],
            priority_min=priority_min,
            priority_max=priority_max,
            upstream_of=upstream_of,
            downstream_of=downstream_of,
            overdue=overdue,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            finished_levels=finished_levels,
            limit=limit,
        )
        result: r.Graph = await self.request(METHODS["get_graph"], params)
        return result

    async def get_attention(self, *, limit: int = 50) -> r.Attention:
        """What may need a person: lost workers, failures, what waits for them, overdue."""
        params = p.GetAttention(limit=limit)
        result: r.Attention = await self.request(METHODS["get_attention"], params)
        return result

    async def get_throughput(
        self, *, window_seconds: float = 3600, bucket_seconds: float | None = None
    ) -> r.Throughput:
        """What happened minute by minute: added, claimed, done, failed and so on.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.GetThroughput(window_seconds=window_seconds, bucket_seconds=bucket_seconds)
        result: r.Throughput = await self.request(METHODS["get_throughput"], params)
        return result

    async def list_attempts(
        self,
        *,
        since: MomentAfter | None = None,
        until: MomentBefore | None = None,
        worker_id: WorkerId | None = None,
        limit: int = 500,
    ) -> r.TaskAttempts:
        """Who worked on what and when: the attempts of a stretch of time.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
        """
        params = p.ListAttempts(since=since, until=until, worker_id=worker_id, limit=limit)
        result: r.TaskAttempts = await self.request(METHODS["list_attempts"], params)
        return result

    async def list_projects(self) -> r.Projects:
        """The projects of this server, with how much is open and under way in each."""
        params = p.ListProjects()
        result: r.Projects = await self.request(METHODS["list_projects"], params)
        return result

    async def save_template(
        self, *, name: TemplateName, tasks: list[m.TemplateTask], description: Note | None = None
    ) -> r.TemplateSaved:
        """Keep a plan with `{{name}}` parameters, to be used again and again.

        Raises:
            TemplateInvalid: The template cannot be used: its tasks contradict one another.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
            LimitExceeded: A named limit was reached; `data.limit` is its value.
        """
        params = p.SaveTemplate(name=name, tasks=tasks, description=description)
        result: r.TemplateSaved = await self.request(METHODS["save_template"], params)
        return result

    async def list_templates(self) -> r.Templates:
        """The project's templates with their parameters."""
        params = p.ListTemplates()
        result: r.Templates = await self.request(METHODS["list_templates"], params)
        return result

    async def delete_template(self, *, name: TemplateName) -> r.TemplateDeleted:
        """Remove a template; tasks that were made from it stay.

        Raises:
            TemplateNotFound: The project has no template of this name.
        """
        params = p.DeleteTemplate(name=name)
        result: r.TemplateDeleted = await self.request(METHODS["delete_template"], params)
        return result

    async def instantiate_template(
        self,
        *,
        name: TemplateName,
        parameters: dict[str, str] | None = None,
        prefix: str | None = None,
        dry_run: DryRun = False,
    ) -> r.TemplateInstantiated:
        """Add the tasks of a template, with values for its parameters: all or none.

        Raises:
            TemplateNotFound: The project has no template of this name.
            TemplateParameters: Parameters do not fit the template; `data.missing` and
                `data.unknown` name them.
            TemplateInvalid: The template cannot be used: its tasks contradict one another.
            TaskExists: The id is taken.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
            InvalidTime: A time is in the past, or two times contradict each other; `data.field`
                says which.
            InvalidResource: A resource cannot be used as it is written; `data.resource` says which.
        """
        params = p.InstantiateTemplate(
            name=name, parameters=parameters or {}, prefix=prefix, dry_run=dry_run
        )
        result: r.TemplateInstantiated = await self.request(METHODS["instantiate_template"], params)
        return result

    async def get_stats(
        self, *, window_seconds: float = 3600, worker_id: WorkerId | None = None
    ) -> r.Stats:
        """Throughput, waiting and working times, failures and lapses within a window.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.GetStats(window_seconds=window_seconds, worker_id=worker_id)
        result: r.Stats = await self.request(METHODS["get_stats"], params)
        return result

    async def set_worker_slots(self, *, slots: int) -> r.SlotsSet:
        """Change how many worker slots there are; slots at work go when their task ends."""
        params = p.SetWorkerSlots(slots=slots)
        result: r.SlotsSet = await self.request(METHODS["set_worker_slots"], params)
        return result

    async def pause_claims(self, *, reason: str | None = None) -> r.ClaimsPaused:
        """Let nobody claim until `resume_claims`; work that is under way goes on."""
        params = p.PauseClaims(reason=reason)
        result: r.ClaimsPaused = await self.request(METHODS["pause_claims"], params)
        return result

    async def resume_claims(self) -> r.ClaimsPaused:
        """Let workers claim again."""
        params = p.ResumeClaims()
        result: r.ClaimsPaused = await self.request(METHODS["resume_claims"], params)
        return result

    async def backup(self) -> r.BackupMade:
        """Write a consistent copy of the database beside it, while work goes on.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.Backup()
        result: r.BackupMade = await self.request(METHODS["backup"], params)
        return result

    async def prune(
        self,
        *,
        finished_before: datetime | None = None,
        events_before: datetime | None = None,
        dry_run: DryRun = False,
    ) -> r.Pruned:
        """Archive and remove old finished tasks and events; what open work depends on stays.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.Prune(
            finished_before=finished_before, events_before=events_before, dry_run=dry_run
        )
        result: r.Pruned = await self.request(METHODS["prune"], params)
        return result

    async def identify(
        self, *, name: str | None = None, session_id: str | None = None
    ) -> r.Identified:
        """Say who calls, once per connection."""
        params = p.Identify(name=name, session_id=session_id)
        result: r.Identified = await self.request(METHODS["identify"], params)
        return result

    async def get_server_info(self) -> r.ServerInfo:
        """Version, uptime, store and limits of the server."""
        params = p.GetServerInfo()
        result: r.ServerInfo = await self.request(METHODS["get_server_info"], params)
        return result

    async def discover(self) -> r.OpenRpc:
        """The OpenRPC document of this server."""
        params = p.Discover()
        result: r.OpenRpc = await self.request(METHODS["rpc.discover"], params)
        return result
