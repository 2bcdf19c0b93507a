"""The single actor loop: the only place that changes anything.

Owns the order of things: take a batch, decide it, commit it in one transaction, then tell. No
reply and no event leaves before the transaction that holds it is durable; what could not be
committed is taken back. Must not know SQL, sockets or the rules themselves.
"""

import logging
from collections.abc import Callable, Iterator, Mapping

import msgspec
import trio

from actor.attempt import Attempt, defect
from actor.mailbox import Mailbox, MailboxClosed
from actor.publisher import Publisher
from actor.queries import QUERIES
from actor.replies import Replies
from actor.state import ProjectState, World
from actor.store.base import Batch, CommitUnknown, Loaded, Store, StoreError, StoreUnavailable
from actor.transitions import Context, recover
from protocol.errors import CoordinatorError, ShuttingDown, StorageUnavailable
from protocol.service import Call

__all__ = ["ActorLoop", "Answer", "Clock"]

Clock = Callable[[], int]
"""Milliseconds since 1970-01-01 UTC."""

Answer = Callable[[Call, ProjectState], None]
"""Answers, or sees to the answer of, a call that changes nothing but is no pure query either. It
is called with the committed state, which it may look at only until it returns."""

RELOAD_RETRY_SECONDS_MAX = 5.0

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class ActorLoop:
    """Serialises every mutation. `start`, then `run` in a task; `put` from any task."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        clock: Clock,
        default_slots: int,
        answers: Mapping[str, Answer],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._default_slots = default_slots
        self._answers = answers
        self._mailbox: Mailbox[Call] = Mailbox()
        self._replies = Replies()
        self.world = World(default_slots)

    async def start(self, loaded: Loaded) -> None:
        """Take over what the store has, then free what a former process left behind.

        Raises:
            StoreError: the store does not work.
        """
        self._take_over(loaded)
        attempt = Attempt(self.world, self._replies, self._clock())
        for state in list(self.world.projects.values()):
            attempt.take(state, recover(state, Context(now_ms=attempt.now_ms)))
        batch = attempt.batch()
        if batch:
            await self._store.append(batch)

    async def run(self) -> None:
        """Serve until `close`, and then until everything that was accepted is answered."""
        while True:
            try:
                calls = await self._mailbox.take()
            except MailboxClosed:
                return
            await self._handle(calls)

    async def put(self, call: Call) -> None:
        """Accept a call in order, waiting while the mailbox is full."""
        try:
            await self._mailbox.put(call)
        except MailboxClosed:
            call.reply(
                ShuttingDown("The server is stopping; the request was not carried out. Reconnect.")
            )

    def close(self) -> None:
        """Accept nothing more."""
        self._mailbox.close()

    def _project(self, name: str) -> ProjectState:
        return self.world.find(name, self._clock())

    # --- a batch ------------------------------------------------------------------------------

    async def _handle(self, calls: list[Call]) -> None:
        """Mutations first, so that a query sees what its connection sent before it."""
        for part in _parts([call for call in calls if call.method.mutates]):
            await self._mutate(part)
        for call in calls:
            if not call.method.mutates:
                self._query(call)

    def _query(self, call: Call) -> None:
        state = self._project(call.peer.project)
        try:
            answer = self._answers.get(call.method.name)
            if answer is not None:
                answer(call, state)
                return
            result = QUERIES[call.method.name](state, call.params, self._clock())
        except CoordinatorError as refusal:
            call.reply(refusal)
        except Exception:
            log.exception("%s failed", call.method.name)
            call.reply(defect())
        else:
            call.reply(msgspec.Raw(_encode(result)))

    async def _mutate(self, calls: list[Call]) -> None:
        try:
            await self._fetch_replies(calls)
            backup = await self._backup_before(calls)
        except StoreError as error:
            _refuse(calls, error)
            return
        attempt = Attempt(self.world, self._replies, self._clock())
        try:
            for call in calls:
                attempt.decide(call, backup)
            batch = attempt.batch()
        except Exception:
            # The changes may be half applied, so only the store knows what is true.
            log.exception("a batch failed before its commit; loading again")
            await self._reload()
            for call in calls:
                call.reply(defect())
            return
        if not batch or await self._commit(attempt, batch, calls):
            self._tell(attempt)

    async def _commit(self, attempt: Attempt, batch: Batch, calls: list[Call]) -> bool:
        """Whether the batch is durable. If it is not, it was taken back and refused."""
        try:
            await self._store.append(batch)
        except StoreUnavailable as error:
            attempt.revert()
            _refuse(calls, error)
            return False
        except CommitUnknown as error:
            log.warning("the outcome of a commit is not known, loading again: %s", error)
            expected = attempt.expected_seq()
            loaded = await self._reload()
            if any(loaded.last_seq.get(number, 0) < seq for number, seq in expected.items()):
                _refuse(calls, error)
                return False
        return True

    def _tell(self, attempt: Attempt) -> None:
        for call, outcome in attempt.outcomes:
            call.reply(outcome)
        for project, events in attempt.events():
            if events:
                self._publisher.publish(project, events[-1].seq, events)

    async def _fetch_replies(self, calls: list[Call]) -> None:
        """Have at hand what the keys of this batch were answered before."""
        keys = [
            (self._project(call.peer.project).record.number, key)
            for call in calls
            if (key := getattr(call.params, "idempotency_key", None)) is not None
        ]
        wanted = self._replies.fetch_needed(keys)
        if wanted:
            self._replies.fetched(await self._store.read_replies(wanted))

    async def _backup_before(self, calls: list[Call]) -> str | None:
        if not _wants_backup(calls[0]) or not self._project(calls[0].peer.project).tasks:
            return None
        path = await self._store.backup("before-clean")
        return path.name if path is not None else None

    # --- loading ------------------------------------------------------------------------------

    def _take_over(self, loaded: Loaded) -> None:
        self.world = World(self._default_slots)
        self.world.load(loaded.projects, loaded.tasks, loaded.slots)
        self.world.last_number = max(self.world.last_number, loaded.last_number)
        for number, seq in loaded.last_seq.items():
            self.world.by_number[number].seq = seq
        self._replies.load(loaded.replies)

    async def _reload(self) -> Loaded:
        """Load again, however long the store takes to come back. Nothing is served meanwhile.

        Raises:
            StoreDamaged: there is nothing sound to load, so the server must end.
        """
        delay = 0.1
        while True:
            try:
                loaded = await self._store.load()
            except StoreUnavailable as error:
                log.warning("loading failed, trying again in %.1f s: %s", delay, error)
                await trio.sleep(delay)
                delay = min(delay * 2, RELOAD_RETRY_SECONDS_MAX)
            else:
                self._take_over(loaded)
                return loaded


def _parts(calls: list[Call]) -> Iterator[list[Call]]:
    """Cut a batch so that a call that needs a backup first stands alone."""
    part: list[Call] = []
    for call in calls:
        if _wants_backup(call):
            if part:
                yield part
            yield [call]
            part = []
        else:
            part.append(call)
    if part:
        yield part


def _wants_backup(call: Call) -> bool:
    return call.method.name == "clean_all_tasks"


def _refuse(calls: list[Call], error: StoreError) -> None:
    log.error("a batch of %d was not committed: %s", len(calls), error)
    for call in calls:
        call.reply(
            StorageUnavailable(
                f"The change could not be made durable and was undone: {error}. Try again with "
                "the same idempotency key.",
                detail=str(error),
            )
        )
