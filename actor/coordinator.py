"""The coordinator as the protocol sees it: a `protocol.service.Service`.

Owns which part answers which method: the loop (mutations and questions about the state), the
publisher (subscriptions), the reading of history, or the coordinator itself (server info). Must not
know sockets or SQL.
"""

from collections.abc import Callable
from typing import Any, Self, cast

import msgspec
import trio

from actor.attempt import Decide
from actor.clock import Clock
from actor.loop import ActorLoop, Answer
from actor.operations import NO_SCHEDULE, Operations, Schedule
from actor.policy import DEFAULT_POLICY, Policy
from actor.publisher import Publisher
from actor.reading import Reading
from actor.state import ProjectState
from actor.store.base import Progress, Store
from actor.timestamps import to_text
from actor.world import World
from protocol import limits
from protocol.errors import CursorInvalid, HistoryPruned
from protocol.params import Subscribe, Unsubscribe
from protocol.results import Projects, ProjectSummary, ServerInfo, Subscribed, Unsubscribed
from protocol.service import Call
from protocol.urls import SUBPROTOCOL
from protocol.version import VERSION

__all__ = ["Coordinator"]

_encode = msgspec.json.Encoder().encode


class Coordinator:
    """Create with `open`, then `run` in a nursery."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        default_slots: int,
        policy: Policy,
        schedule: Schedule,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publisher = Publisher(store.read_events, self._pruned_seq)
        self._started_ms = clock.wall_ms()
        self._replays: trio.Nursery
        self._reading = Reading(store, clock)
        self._operations = Operations(
            store, self._carry_out, lambda: self.world.projects, clock.wall_ms, schedule
        )
        answers: dict[str, Answer] = {
            **self._operations.answers(),
            **self._reading.answers(),
            "get_server_info": self._get_server_info,
            "list_projects": self._list_projects,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        self._loop = ActorLoop(store, self._publisher, clock, default_slots, policy, answers)
        self.count_connections: Callable[[], int] = lambda: 0
        """Set by whoever listens."""

    @classmethod
    async def open(
        cls,
        store: Store,
        clock: Clock,
        *,
        default_slots: int = 5,
        policy: Policy = DEFAULT_POLICY,
        schedule: Schedule = NO_SCHEDULE,
        progress: Progress | None = None,
    ) -> Self:
        """Load the store; whoever held something has one lease to come back.

        The store stays the caller's to close.

        Raises:
            StoreError: the store does not work.
        """
        coordinator = cls(store, clock, default_slots, policy, schedule)
        coordinator._loop.start(await store.load(progress))
        return coordinator

    @property
    def world(self) -> World:
        """The committed state."""
        return self._loop.world

    def count_tasks(self) -> int:
        """Tasks of all projects."""
        return sum(len(state.tasks) for state in self.world.projects.values())

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`; everything that was accepted is answered before this returns."""
        # Readings and operations owe an answer and are waited for; replays would never end.
        async with trio.open_nursery() as owing, trio.open_nursery() as self._replays:
            self._reading.nursery = self._operations.nursery = owing
            self._replays.start_soon(self._operations.run)
            task_status.started()
            await self._loop.run()
            self._replays.cancel_scope.cancel()

    async def _carry_out(self, project: str, decide: Decide) -> msgspec.Struct:
        return await self._loop.carry_out(project, decide)

    def stop(self) -> None:
        """Accept nothing more and let `run` end."""
        self._loop.close()

    # --- protocol.service.Service -------------------------------------------------------------

    async def submit(self, call: Call) -> None:
        await self._loop.put(call)

    def try_submit(self, call: Call) -> bool:
        return self._loop.try_put(call)

    def withdraw(self, call: Call) -> None:
        self._loop.withdraw(call)

    def info(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "name": "task-coordinator",
            "version": VERSION,
            "uptimeSeconds": self._uptime_seconds(),
        }

    # --- methods that need more than the state; the loop calls them -----------------------------

    def _get_server_info(self, call: Call, project: ProjectState) -> None:
        _reply(
            call,
            ServerInfo(
                name="task-coordinator",
                version=VERSION,
                protocol=SUBPROTOCOL,
                project=project.record.name,
                started_at=to_text(self._started_ms),
                uptime_seconds=self._uptime_seconds(),
                database=self._store.describe(),
                connections=self.count_connections(),
                seq=project.seq,
                limits={
                    "frameBytes": limits.FRAME_BYTES_MAX,
                    "batchEntries": limits.BATCH_ENTRIES_MAX,
                    "requestsInFlight": limits.REQUESTS_IN_FLIGHT_MAX,
                    "subscriptions": limits.SUBSCRIPTIONS_MAX,
                    "pageTasks": limits.PAGE_MAX,
                    "addTasks": limits.ADD_TASKS_MAX,
                    "waits": limits.WAITS_MAX,
                },
            ),
        )

    def _list_projects(self, call: Call, project: ProjectState) -> None:
        del project
        found = sorted(self.world.projects.items())
        summaries = [
            ProjectSummary(
                name=name, open=state.unfinished(), working=len(state.by_status["working"])
            )
            for name, state in found
        ]
        _reply(call, Projects(projects=summaries))

    def _subscribe(self, call: Call, project: ProjectState) -> None:
        params = cast("Subscribe", call.params)
        if params.since is not None and params.since > project.seq:
            raise CursorInvalid(
                f"Event {params.since} has not happened: the last one is {project.seq}. The "
                "database may have been replaced; begin again with `get_snapshot`.",
                seq=project.seq,
            )
        pruned_seq = project.record.pruned_seq
        if params.since is not None and params.since < pruned_seq:
            raise HistoryPruned(
                f"Events up to number {pruned_seq} may have been removed, so what came after "
                f"{params.since} is not all there. Begin again with `get_snapshot`.",
                prunedThrough=pruned_seq,
                seq=project.seq,
            )
        subscription = self._publisher.subscribe(
            project.record.name, project.record.number, project.seq, call.peer, params
        )
        _reply(call, Subscribed(subscription=subscription.name, seq=project.seq))
        self._replays.start_soon(self._publisher.replay, subscription)

    def _pruned_seq(self, project: str) -> int:
        state = self.world.projects.get(project)
        return 0 if state is None else state.record.pruned_seq

    def _unsubscribe(self, call: Call, project: ProjectState) -> None:
        del project
        params = cast("Unsubscribe", call.params)
        self._publisher.unsubscribe(call.peer, params.subscription)
        _reply(call, Unsubscribed(subscription=params.subscription))

    def _uptime_seconds(self) -> float:
        return max(0, self._clock.wall_ms() - self._started_ms) / 1000


def _reply(call: Call, result: msgspec.Struct) -> None:
    call.reply(msgspec.Raw(_encode(result)))
