"""Every method of the table as a Python method with types.

GENERATED from `protocol/methods.py` by `python -m protocol.generate`; do not edit.
"""
# ruff: noqa: A002 -- the names of the params are the contract's

from abc import ABC, abstractmethod
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from protocol import params as p
from protocol import results as r
from protocol.methods import METHODS, Method
from protocol.models import (
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
from protocol.params import Cursor, Limit, Metadata, Seq, Sort

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

    async def claim_worker_slot(self, *, worker_id: WorkerId | None = None) -> r.SlotClaimed:
        """Take a worker slot. A worker that holds one already gets the same slot again.

        Raises:
            NoFreeSlot: All slots of the project are held.
        """
        params = p.ClaimWorkerSlot(worker_id=worker_id)
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
    ) -> r.TaskAdded:
        """Add a task. `output` is the output that is expected of whoever does it.

        Raises:
            TaskExists: The id is taken.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
        """
        params = p.AddTask(
            id=id,
            description=description,
            dependencies=dependencies or [],
            output=output,
            priority=priority,
            tags=tags or [],
            metadata=metadata,
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
        self, *, task_id: TaskId, worker_id: WorkerId, worker_slot: SlotNumber
    ) -> r.TaskClaimed:
        """Take an available task for a worker in its slot. Exactly one worker gets it.

        Raises:
            TaskNotFound: The project has no task with this id.
            TaskNotAvailable: The task cannot be claimed now; `data.status`, `holder` and
                `blockedBy` say why.
            SlotNotFound: The project has no slot with this number.
            SlotNotClaimed: The slot is free: nobody claimed it.
            SlotNotYours: Another worker owns the slot; `data.holder` says who.
            SlotBusy: The slot already works on a task; `data.taskId` says which.
            WorkerHasSlot: The worker already holds another slot; `data.slot` says which.
        """
        params = p.ClaimTask(task_id=task_id, worker_id=worker_id, worker_slot=worker_slot)
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
        claim_token: str | None = None,
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
        """
        params = p.AddTasks(tasks=tasks)
        result: r.TasksAdded = await self.request(METHODS["add_tasks"], params)
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
        search: str | None = None,
        sort: Sort = "created",
        limit: Limit = 100,
        cursor: Cursor | None = None,
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
            sort=sort,
            limit=limit,
            cursor=cursor,
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
        version: int | None = None,
    ) -> r.TaskResult:
        """Change a task's description, dependencies, priority, tags or metadata.

        Raises:
            TaskNotFound: The project has no task with this id.
            VersionConflict: The task changed since it was read; `data.version` is the current one.
            InvalidStatus: The task's status does not allow this; `data.status` is what it is.
            UnknownDependency: A dependency names no task; `data.missing` lists them.
            DependencyCycle: The dependencies would run in a circle; `data.cycle` spells it out.
        """
        params = p.EditTask(
            task_id=task_id,
            description=description,
            dependencies=dependencies,
            expected_output=expected_output,
            priority=priority,
            tags=tags,
            metadata=metadata,
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

    async def subscribe(
        self,
        *,
        since: int | None = None,
        types: list[EventType] | None = None,
        task_id: TaskId | None = None,
    ) -> r.Subscribed:
        """Get `events` notifications, replayed from `since` without a gap or a repeat.

        Raises:
            LimitExceeded: A named limit was reached; `data.limit` is its value.
            CursorInvalid: The cursor was not made by this method with these arguments.
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
        types: list[EventType] | None = None,
        task_id: TaskId | None = None,
        limit: int = 100,
    ) -> r.Events:
        """What happened after event `since`, oldest first.

        Raises:
            StorageUnavailable: The change could not be made durable and was undone. Nothing is half
                applied; try again.
        """
        params = p.GetEvents(since=since, types=types or [], task_id=task_id, limit=limit)
        result: r.Events = await self.request(METHODS["get_events"], params)
        return result

    async def get_snapshot(self, *, limit: int = 20) -> r.Snapshot:
        """Counters, slots and the head of the queue, all true at event `seq`."""
        params = p.GetSnapshot(limit=limit)
        result: r.Snapshot = await self.request(METHODS["get_snapshot"], params)
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
