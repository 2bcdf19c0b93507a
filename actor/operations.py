"""What is carried out beside the loop: backups, pruning, and both by a schedule.

Owns when they happen and that two of a kind never happen at once. Whatever goes wrong on a
schedule is logged and tried again; it never ends the server. Must not know SQL, or how pruning
works (`actor.pruner`).
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final, cast

import msgspec
import trio

from actor.archive import Archive
from actor.attempt import defect
from actor.loop import Answer
from actor.pruner import CarryOut, Pruner, Wanted
from actor.rotation import SCHEDULED, newest_ms, remove_surplus
from actor.state import ProjectState
from actor.store.base import Store, StoreError
from actor.timestamps import from_datetime
from protocol.durations import to_duration
from protocol.errors import CoordinatorError, InvalidParams, ShuttingDown, StorageUnavailable
from protocol.params import Prune
from protocol.results import BackupMade, Pruned
from protocol.service import Call

__all__ = ["NO_SCHEDULE", "Operations", "Schedule"]

PRUNE_FIRST_SECONDS: Final = 60.0
"""After the start: whoever comes back first has the loop to itself."""
PRUNE_EVERY_SECONDS: Final = 3_600.0
BACKUP_FIRST_SECONDS: Final = 30.0
BACKUP_RETRY_SECONDS: Final = 300.0
"""After a backup that failed, unless the next one is due sooner."""
LABEL: Final = "backup"

log = logging.getLogger(__name__)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What is done regularly; None: not at all."""

    retain_finished_seconds: float | None = None
    """Finished tasks older than this are pruned."""
    retain_events_seconds: float | None = None
    backup_every_seconds: float | None = None
    backup_keep: int = 7
    """How many scheduled backups stay; at least 1."""

    @property
    def prunes(self) -> bool:
        return self.retain_finished_seconds is not None or self.retain_events_seconds is not None


NO_SCHEDULE: Final = Schedule()


class Operations:
    """Backups and pruning of one server.

    `carry_out` reaches the actor loop, `projects` names the projects that there are, `clock` gives
    milliseconds since 1970-01-01 UTC. Answers calls once `nursery` is set; the nursery's owner
    waits for what is still owed.
    """

    def __init__(
        self,
        store: Store,
        carry_out: CarryOut,
        projects: Callable[[], Iterable[str]],
        clock: Callable[[], int],
        schedule: Schedule,
    ) -> None:
        self._store = store
        self._projects = projects
        self._clock = clock
        self._schedule = schedule
        archive = None if store.place is None else Archive(store.place)
        self._pruner = Pruner(store, carry_out, archive, clock)
        self._backing_up = trio.Lock()
        self._pruning = trio.Lock()
        self.nursery: trio.Nursery
        """Where calls are carried out. To be set before the first one comes."""

    def answers(self) -> dict[str, Answer]:
        """Which method is answered how."""
        return {"backup": self._answer_backup, "prune": self._answer_prune}

    def _answer_backup(self, call: Call, project: ProjectState) -> None:
        del project
        self.nursery.start_soon(_answer, call, self.backup)

    def _answer_prune(self, call: Call, project: ProjectState) -> None:
        params = cast("Prune", call.params)
        name = project.record.name
        self.nursery.start_soon(_answer, call, partial(self.prune, name, params))

    async def backup(self) -> BackupMade:
        """Write a consistent and checked copy of the database beside it, while work goes on.

        Cancelling leaves no file behind.

        Raises:
            StorageUnavailable: it could not be written.
        """
        try:
            async with self._backing_up:
                path = await self._store.backup(LABEL)
        except StoreError as error:
            raise StorageUnavailable(f"No backup was made: {error}.", detail=str(error)) from error
        return BackupMade(backup=None if path is None else path.name)

    async def prune(self, project: str, params: Prune) -> Pruned:
        """Archive and remove old finished tasks and events of a project, or count them.

        Cancelling ends it after the step that is under way.

        Raises:
            InvalidParams: it was not said what to prune.
            StorageUnavailable: it could not go on; what was removed until then is archived.
            CoordinatorError: the server is stopping.
        """
        if params.finished_before is None and params.events_before is None:
            raise InvalidParams(
                "`prune` removes nothing unless it is told what: give `finishedBefore` for "
                "finished tasks, `eventsBefore` for events, or both.",
                field="finishedBefore",
                detail="missing",
            )
        wanted = Wanted(
            finished_before_ms=self._before(params.finished_before),
            events_before_ms=self._before(params.events_before),
            dry_run=params.dry_run,
        )
        return await self._prune(project, wanted)

    async def run(self) -> None:
        """Follow the schedule until cancelled, or until the server stops."""
        async with trio.open_nursery() as nursery:
            if self._schedule.prunes:
                nursery.start_soon(self._prune_regularly)
            if self._schedule.backup_every_seconds is not None and self._store.place is not None:
                nursery.start_soon(self._back_up_regularly, self._schedule.backup_every_seconds)

    async def _prune(self, project: str, wanted: Wanted) -> Pruned:
        if wanted.dry_run:
            return await self._pruner.prune(project, wanted)
        # Two at once would archive everything twice.
        async with self._pruning:
            return await self._pruner.prune(project, wanted)

    # --- retention ----------------------------------------------------------------------------

    async def _prune_regularly(self) -> None:
        await trio.sleep(PRUNE_FIRST_SECONDS)
        while True:
            for project in list(self._projects()):
                try:
                    await self._retain(project)
                except ShuttingDown:
                    return
                except CoordinatorError as error:
                    log.error("pruning failed, trying again in an hour: %s", error)  # noqa: TRY400 -- the line says it all
                except Exception:
                    log.exception("pruning failed, trying again in an hour")
            await trio.sleep(PRUNE_EVERY_SECONDS)

    async def _retain(self, project: str) -> None:
        pruned = await self._prune(
            project,
            Wanted(
                finished_before_ms=self._ago(self._schedule.retain_finished_seconds),
                events_before_ms=self._ago(self._schedule.retain_events_seconds),
            ),
        )
        if pruned.tasks or pruned.events:
            log.info(
                "pruned %d tasks and %d events of project %s into %s",
                pruned.tasks,
                pruned.events,
                project,
                pruned.archive,
            )

    def _ago(self, seconds: float | None) -> int | None:
        return None if seconds is None else max(0, self._clock() - int(seconds * 1000))

    def _before(self, moment: datetime | None) -> int | None:
        """A time from outside; nothing is older than 1970 or younger than now."""
        return None if moment is None else max(0, min(from_datetime(moment), self._clock()))

    # --- scheduled backups --------------------------------------------------------------------

    async def _back_up_regularly(self, every: float) -> None:
        delay = await self._until_first(every)
        while True:
            await trio.sleep(delay)
            try:
                await self._back_up()
            except (StoreError, OSError) as error:
                delay = min(every, BACKUP_RETRY_SECONDS)
                log.error(  # noqa: TRY400 -- the line says it all
                    "a scheduled backup failed, trying again in %s: %s", to_duration(delay), error
                )
            except Exception:
                delay = min(every, BACKUP_RETRY_SECONDS)
                log.exception("a scheduled backup failed, trying again in %s", to_duration(delay))
            else:
                delay = every

    async def _until_first(self, every: float) -> float:
        """Seconds until the first backup of this run: a server that is started every morning makes
        one a day as well, and one that is started again and again does not make one each time."""
        assert self._store.place is not None
        try:
            newest = await trio.to_thread.run_sync(newest_ms, self._store.place)
        except OSError as error:
            log.warning("earlier backups could not be looked for: %s", error)
            newest = None
        age = every if newest is None else (self._clock() - newest) / 1000
        first = min(BACKUP_FIRST_SECONDS, every)
        # A clock that was set back must not put it off for ever.
        return min(every, max(first, every - age))

    async def _back_up(self) -> None:
        async with self._backing_up:
            path = await self._store.backup(SCHEDULED)
        if path is not None:
            log.info("made the scheduled backup %s", path.name)
        if self._store.place is not None:
            keep = self._schedule.backup_keep
            await trio.to_thread.run_sync(remove_surplus, self._store.place, keep)


async def _answer(call: Call, work: Callable[[], Awaitable[msgspec.Struct]]) -> None:
    try:
        result = await work()
    except CoordinatorError as refusal:
        call.reply(refusal)
    except Exception:
        log.exception("%s failed", call.method.name)
        call.reply(defect())
    else:
        call.reply(msgspec.Raw(msgspec.json.encode(result)))
