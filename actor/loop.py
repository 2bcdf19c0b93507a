"""The single actor loop: the only place that changes anything.

Owns the order of things: take a batch, do what is due, decide the batch, serve who waits, commit
it all in one transaction, then tell. No reply and no event leaves before the transaction that
holds it is durable; what could not be committed is taken back. It sleeps in one place, until a
call comes or the next moment is due. Must not know SQL, sockets or the rules themselves.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
import trio

from actor.attempt import Attempt, Command, Decide, Item, defect
from actor.clock import Clock
from actor.mailbox import Mailbox, MailboxClosed
from actor.policy import Policy
from actor.presence import Presence, SessionKey
from actor.publisher import Publisher
from actor.queries import QUERIES
from actor.replies import Replies
from actor.serving import Serving, cancelled
from actor.state import ProjectState
from actor.store.base import Batch, CommitUnknown, Loaded, Store, StoreError, StoreUnavailable
from actor.transitions import Context, Decision, disconnect, resume
from actor.views import Now
from actor.waiting import Waits
from actor.world import World
from protocol.errors import (
    CoordinatorError,
    ShuttingDown,
    StorageUnavailable,
)
from protocol.params import ClaimNextTask, ClaimWorkerSlot
from protocol.service import Call

__all__ = ["ActorLoop", "Answer"]

Answer = Callable[[Call, ProjectState], None]
"""Answers, or sees to the answer of, a call that changes nothing but is no pure query either. It
is called with the committed state, which it may look at only until it returns."""

RELOAD_RETRY_SECONDS_MAX = 5.0
DUE_MAX = 500
"""Due moments that one batch takes care of, about."""
DUE_RETRY_MS = 1_000
"""After a commit that failed, due moments are left alone for so long."""
WALL_CLOCK_CHECK_MS = 5_000
"""The wall clock can be set forward while the loop sleeps, so it is looked at this often as long
as a moment of it is waited for."""

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
        policy: Policy,
        answers: Mapping[str, Answer],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._default_slots = default_slots
        self._policy = policy
        self._answers = answers
        self._mailbox: Mailbox[Item] = Mailbox()
        self._replies = Replies()
        self._waits = Waits()
        self._presence = Presence(self._session_gone)
        self._gone: dict[SessionKey, None] = {}
        self._sleep = trio.CancelScope()
        self._due_not_before_ms = 0
        self.world = World(default_slots)

    def start(self, loaded: Loaded) -> None:
        """Take over what the store has; whoever held something has one lease to come back."""
        self._take_over(loaded)

    async def run(self) -> None:
        """Serve until `close`, and then until everything that was accepted is answered."""
        while True:
            try:
                items = await self._next_batch()
            except MailboxClosed:
                self._dismiss_waits()
                return
            await self._handle(items)

    async def put(self, call: Call) -> None:
        """Accept a call in order, waiting while the mailbox is full."""
        try:
            await self._mailbox.put(call)
        except MailboxClosed:
            call.reply(_stopping())

    def try_put(self, call: Call) -> bool:
        """Accept a call in order; False if the mailbox is full, or nothing is accepted any more."""
        return self._mailbox.put_nowait(call)

    async def carry_out(self, project: str, decide: Decide) -> msgspec.Struct:
        """Make a change that no method of the table stands for; its reply, once it is durable.

        `decide` is a pure function of the state and the context. Cancelling stops waiting for the
        outcome; the change may still happen.

        Raises:
            CoordinatorError: the refusal, `StorageUnavailable` or `ShuttingDown` included.
        """
        outcomes: list[msgspec.Struct | CoordinatorError] = []
        decided = trio.Event()

        def reply(outcome: msgspec.Struct | CoordinatorError) -> None:
            outcomes.append(outcome)
            decided.set()

        try:
            await self._mailbox.put(Command(project, decide, reply))
        except MailboxClosed:
            raise _stopping() from None
        await decided.wait()
        if isinstance(outcomes[0], CoordinatorError):
            raise outcomes[0]
        return outcomes[0]

    def withdraw(self, call: Call) -> None:
        """Stop letting a call wait; it is answered `RequestCancelled`. Does nothing for others."""
        if self._waits.withdraw(call):
            call.reply(cancelled())

    def close(self) -> None:
        """Accept nothing more."""
        self._mailbox.close()

    def now(self, state: ProjectState) -> Now:
        """What a question about the project may know of the world outside it."""
        waiting = self._waits.count(state.record.number)
        return Now(self._clock.wall_ms(), self._clock.mono_ms(), waiting)

    # --- when ---------------------------------------------------------------------------------

    async def _next_batch(self) -> list[Item]:
        """Wait for calls, or for the next moment that is due.

        Raises:
            MailboxClosed: everything was taken and nothing more comes.
        """
        wait_ms = self._wait_ms()
        if wait_ms is not None and wait_ms <= 0:
            # Not cut off by the deadline: calls must have their turn however much is due.
            await trio.lowlevel.checkpoint()
            return self._mailbox.take_nowait()
        with trio.move_on_after(math.inf if wait_ms is None else wait_ms / 1000) as self._sleep:
            return await self._mailbox.take()
        return []

    def _session_gone(self, key: SessionKey) -> None:
        state = self.world.projects.get(key.project)
        if state is not None and key.session in state.slots_of_session:
            self._gone[key] = None
            self._sleep.cancel()

    def _wait_ms(self) -> int | None:
        """How long the loop may sleep; None: until a call comes."""
        mono_ms = self._clock.mono_ms()
        wall, mono = self.world.agenda.wait_ms(self._clock.wall_ms(), mono_ms)
        due = [0] if self._gone else []
        if wall is not None:
            due.append(min(wall, WALL_CLOCK_CHECK_MS))
        if mono is not None:
            due.append(mono)
        if due:
            due = [max(min(due), self._due_not_before_ms - mono_ms)]
        ended = self._waits.wait_ms(mono_ms)
        if ended is not None:
            due.append(ended)
        return min(due, default=None)

    # --- a batch ------------------------------------------------------------------------------

    async def _handle(self, items: list[Item]) -> None:
        """Mutations first, so that a query sees what its connection sent before it."""
        mutations = [item for item in items if isinstance(item, Command) or item.method.mutates]
        parts = list(_parts(mutations))
        for part in parts or ([[]] if self._is_anything_due() else []):
            await self._mutate(part)
        for item in items:
            if isinstance(item, Call) and not item.method.mutates:
                self._query(item)

    def _is_anything_due(self) -> bool:
        wait_ms = self._wait_ms()
        return wait_ms is not None and wait_ms <= 0

    def _query(self, call: Call) -> None:
        state = self._project(call.peer.project)
        try:
            answer = self._answers.get(call.method.name)
            if answer is not None:
                answer(call, state)
                return
            result = QUERIES[call.method.name](state, call.params, self.now(state))
        except CoordinatorError as refusal:
            call.reply(refusal)
        except Exception:
            log.exception("%s failed", call.method.name)
            call.reply(defect())
        else:
            call.reply(msgspec.Raw(_encode(result)))

    async def _mutate(self, items: list[Item]) -> None:
        calls = [item for item in items if isinstance(item, Call)]
        try:
            await self._fetch_replies(calls)
            backup = await self._backup_before(calls)
        except StoreError as error:
            _refuse(items, error)
            return
        attempt = self._new_attempt()
        serving = Serving(self._waits, attempt)
        gone, self._gone = self._gone, {}
        try:
            self._do_what_is_due(attempt, gone)
            for item in items:
                self._decide(attempt, item, backup)
            serving.enter()
            serving.serve(self.world.by_number, self._try_again)
            batch = attempt.batch()
        except Exception:
            # The changes may be half applied, so only the store knows what is true.
            log.exception("a batch failed before its commit; loading again")
            self._due_not_before_ms = self._clock.mono_ms() + DUE_RETRY_MS
            await self._reload()
            for item in serving.left_over(items, put_back=False):
                item.reply(defect())
            return
        failure = await self._commit(attempt, batch) if batch else None
        if failure is None:
            self._tell(attempt)
            return
        self._due_not_before_ms = attempt.mono_ms + DUE_RETRY_MS
        self._gone = {**gone, **self._gone}
        _refuse(serving.left_over(items, put_back=True), failure)

    def _new_attempt(self) -> Attempt:
        wall_ms, mono_ms = self._clock.wall_ms(), self._clock.mono_ms()
        return Attempt(self.world, self._replies, wall_ms, mono_ms, self._policy)

    def _do_what_is_due(self, attempt: Attempt, gone: Mapping[SessionKey, None]) -> None:
        """First of all, so that no call of this batch finds what has run out."""
        for key in gone:
            if key.project in self.world.projects and not self._presence.is_connected(key):
                decide = partial(_disconnect, session=key.session)
                attempt.carry_out(Command(key.project, decide, lambda _: None))
        if attempt.mono_ms < self._due_not_before_ms:
            return
        agenda = self.world.agenda
        while dues := agenda.due(attempt.now_ms, attempt.mono_ms, DUE_MAX):
            for due in dues:
                # An earlier one may have taken it away: a slot that lapses takes its task along.
                if due in agenda:
                    attempt.carry_out_due(due)
            if attempt.size > DUE_MAX:
                return

    def _decide(self, attempt: Attempt, item: Item, backup: str | None) -> None:
        if isinstance(item, Command):
            attempt.carry_out(item)
            return
        if item.withdrawn and _would_wait(item):
            # Nobody listens for what it would get.
            attempt.outcomes.append((item, cancelled()))
            return
        attempt.decide(item, backup, may_wait=not (item.withdrawn or item.peer.closed))
        self._presence.note(item.peer)

    async def _commit(self, attempt: Attempt, batch: Batch) -> StoreError | None:
        """Make the batch durable. If that failed, it was taken back."""
        try:
            await self._store.append(batch)
        except StoreUnavailable as error:
            attempt.revert()
            return error
        except CommitUnknown as error:
            log.warning("the outcome of a commit is not known, loading again: %s", error)
            expected = attempt.expected_seq()
            loaded = await self._reload()
            # The events tell. Where there is none, who asked has to ask again.
            lost = any(loaded.last_seq.get(number, 0) < seq for number, seq in expected.items())
            if lost or not expected:
                return error
        return None

    def _tell(self, attempt: Attempt) -> None:
        for call, outcome in attempt.outcomes:
            call.reply(outcome)
        for command, result in attempt.command_outcomes:
            command.reply(result)
        for project, events in attempt.events():
            if events:
                self._publisher.publish(project, events[-1].seq, events)

    async def _fetch_replies(self, calls: list[Call]) -> None:
        """Have at hand what the keys of this batch were answered before."""
        wanted = self._replies.fetch_needed(self._keys(calls))
        if wanted:
            self._replies.fetched(await self._store.read_replies(wanted))

    def _keys(self, calls: list[Call]) -> list[tuple[int, str]]:
        """(project number, idempotency key) of those that have one."""
        return [
            (self._project(call.peer.project).record.number, key)
            for call in calls
            if (key := getattr(call.params, "idempotency_key", None)) is not None
        ]

    def _try_again(self, call: Call) -> bool:
        """Whether a call that waited has to be decided later: its key was answered elsewhere
        meanwhile, and the store has to be asked for the answer."""
        if not self._replies.fetch_needed(self._keys([call])):
            return False
        if not self._mailbox.put_nowait(call):
            _refuse([call], StoreUnavailable("there is too much to do at this moment"))
        return True

    async def _backup_before(self, calls: list[Call]) -> str | None:
        if not calls or not _wants_backup(calls[0]):
            return None
        if not self._project(calls[0].peer.project).tasks:
            return None
        path = await self._store.backup("before-clean")
        return path.name if path is not None else None

    def _dismiss_waits(self) -> None:
        for call in self._waits.take_all():
            call.reply(_stopping())

    # --- loading ------------------------------------------------------------------------------

    def _project(self, name: str) -> ProjectState:
        return self.world.find(name, self._clock.wall_ms())

    def _take_over(self, loaded: Loaded) -> None:
        self.world = World(self._default_slots)
        self.world.load(loaded.projects, loaded.tasks, loaded.slots, loaded.templates)
        self.world.last_number = max(self.world.last_number, loaded.last_number)
        for number, seq in loaded.last_seq.items():
            self.world.by_number[number].seq = seq
        self._replies.load(loaded.replies)
        attempt = self._new_attempt()
        for name, state in self.world.projects.items():
            connected = self._presence.sessions_of(name)
            attempt.take(state, resume(state, connected, attempt.context()))

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


def _parts(items: list[Item]) -> Iterator[list[Item]]:
    """Cut a batch so that a call that needs a backup first stands alone."""
    part: list[Item] = []
    for item in items:
        if _wants_backup(item):
            if part:
                yield part
            yield [item]
            part = []
        else:
            part.append(item)
    if part:
        yield part


def _wants_backup(item: Item) -> bool:
    return isinstance(item, Call) and item.method.name == "clean_all_tasks"


def _disconnect(state: ProjectState, context: Context, session: str) -> Decision:
    return disconnect(state, session, context)


def _refuse(items: list[Item], error: StoreError) -> None:
    log.error("a batch of %d was not committed: %s", len(items), error)
    for item in items:
        item.reply(
            StorageUnavailable(
                f"The change could not be made durable and was undone: {error}. Try again with "
                "the same idempotency key.",
                detail=str(error),
            )
        )


def _would_wait(call: Call) -> bool:
    params = call.params
    return isinstance(params, ClaimNextTask | ClaimWorkerSlot) and params.wait_seconds > 0


def _stopping() -> ShuttingDown:
    return ShuttingDown("The server is stopping; the request was not carried out. Reconnect.")
