"""One batch of mutations between decision and commit.

Owns what was decided but is not durable yet: the changes (so that they can be taken back), the
events, the replies, and the store's batch that they amount to. Must not know channels or the
store.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from actor.agenda import Due
from actor.policy import DEFAULT_POLICY, Policy
from actor.records import (
    Change,
    LoggedEvent,
    ProjectRecord,
    ReplyRecord,
    SlotRecord,
    TaskRecord,
    TemplateRecord,
    is_durable,
)
from actor.replies import Replies, fingerprint
from actor.state import ProjectState
from actor.store.base import Batch
from actor.transitions import TRANSITIONS, Context, Decision, Waiting, carry_out_due
from actor.waiting import News, news_of
from actor.world import World
from protocol.errors import CoordinatorError, InternalError
from protocol.models import Event
from protocol.service import Call

__all__ = ["Attempt", "Command", "Decide", "Item", "Outcome", "defect"]

log = logging.getLogger(__name__)

Outcome = msgspec.Raw | CoordinatorError
Decide = Callable[[ProjectState, Context], Decision]

_encode: Final = msgspec.json.Encoder().encode


class Command(msgspec.Struct, eq=False):
    """A change that no client asked for by a method of the table."""

    project: str
    decide: Decide
    reply: Callable[[msgspec.Struct | CoordinatorError], None]
    """Called once, when the change is durable or refused."""


Item: TypeAlias = Call | Command
"""What the actor's mailbox holds."""


class Attempt:
    """Decides calls one by one; each sees what the ones before it did."""

    def __init__(
        self,
        world: World,
        replies: Replies,
        now_ms: int,
        mono_ms: int = 0,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self._world = world
        self._replies = replies
        self.now_ms = now_ms
        self.mono_ms = mono_ms
        self._policy = policy
        self.outcomes: list[tuple[Call, Outcome]] = []
        self.command_outcomes: list[tuple[Command, msgspec.Struct | CoordinatorError]] = []
        self.waiting: list[tuple[int, Call, float]] = []
        """(project number, call, seconds) of the calls that found nothing and wait."""
        self._changes: list[Change] = []
        self._remembered: list[ReplyRecord] = []
        self._events: dict[int, list[Event]] = {}
        self._forgotten: list[tuple[int, int]] = []
        self._seq_before: dict[int, int] = {}
        self._number_before = world.last_number

    def decide(self, call: Call, backup: str | None = None, *, may_wait: bool = False) -> None:
        """Decide one call. Its outcome may be told only after the commit, a refusal included:
        it can rest on what an earlier call of this batch did."""
        outcome: Outcome | None
        try:
            outcome = self._decide(call, backup, may_wait=may_wait)
        except CoordinatorError as refusal:
            outcome = refusal
        if outcome is not None:
            self.outcomes.append((call, outcome))

    def carry_out(self, command: Command) -> None:
        """Decide a command. Its outcome may be told only after the commit."""
        state = self._world.find(command.project, self.now_ms)
        try:
            decision = command.decide(state, self.context())
        except CoordinatorError as refusal:
            self.command_outcomes.append((command, refusal))
        except Exception:
            log.exception("a command failed")
            self.command_outcomes.append((command, defect()))
        else:
            self.take(state, decision)
            self.command_outcomes.append((command, decision.reply))

    def carry_out_due(self, due: Due) -> None:
        """Do what is due by itself."""
        state = self._world.by_number[due.project]
        self.take(state, carry_out_due(state, due, self.context()))

    @property
    def size(self) -> int:
        """How many changes were made so far."""
        return len(self._changes)

    def news(self) -> dict[int, News]:
        """What this batch made available, by project number."""
        return news_of(self._changes)

    def context(
        self, call: Call | None = None, backup: str | None = None, *, may_wait: bool = False
    ) -> Context:
        """What a transition may know of the world outside the state."""
        return Context(
            now_ms=self.now_ms,
            mono_ms=self.mono_ms,
            policy=self._policy,
            may_wait=may_wait,
            session="" if call is None else call.peer.session_id,
            caller=None if call is None else call.peer.name,
            next_number=self._world.last_number + 1,
            backup=backup,
        )

    def _decide(self, call: Call, backup: str | None, *, may_wait: bool) -> msgspec.Raw | None:
        """The reply, or None for a call that waits."""
        state = self._world.find(call.peer.project, self.now_ms)
        key: str | None = getattr(call.params, "idempotency_key", None)
        request = 0
        if key is not None:
            request = fingerprint(call.method.name, call.params)
            known = self._replies.find((state.record.number, key), request, self.now_ms)
            if known is not None:
                return msgspec.Raw(known)
        try:
            context = self.context(call, backup, may_wait=may_wait)
            decision = TRANSITIONS[call.method.name](state, call.params, context)
            reply = _encode(decision.reply)
        except CoordinatorError:
            raise
        except Exception:
            # Nothing was changed yet, so the defect stays this call's own.
            log.exception("%s failed", call.method.name)
            raise defect() from None
        self.take(state, decision)
        if isinstance(decision.reply, Waiting):
            self.waiting.append((state.record.number, call, decision.reply.seconds))
            return None
        if key is not None and any(map(is_durable, decision.changes)):
            self._remember(state, key, request, reply)
        return msgspec.Raw(reply)

    def take(self, state: ProjectState, decision: Decision) -> None:
        """Make a decision true, for now."""
        if not decision.changes and not decision.forget_events:
            return
        number = state.record.number
        changes = decision.changes
        if number not in self._world.by_number:
            self._world.adopt(state)
            changes = [Change(None, state.record), *changes]
        self._world.apply(changes)
        self._changes += changes
        self._seq_before.setdefault(number, state.seq)
        state.seq += len(decision.events)
        self._events.setdefault(number, []).extend(decision.events)
        self._forgotten += [(number, seq) for seq in decision.forget_events]

    def _remember(self, state: ProjectState, key: str, request: int, reply: bytes) -> None:
        record = ReplyRecord(
            project=state.record.number,
            key=key,
            fingerprint=request,
            reply=reply,
            at_ms=self.now_ms,
        )
        self._replies.add(record)
        self._remembered.append(record)

    # --- what comes of it ---------------------------------------------------------------------

    def batch(self) -> Batch:
        """What the store has to write: every record in its last state."""
        last: dict[tuple[Any, ...], Change] = {}
        for change in self._changes:
            if is_durable(change):
                last[_identity(change)] = change
        batch = Batch(
            events=[
                LoggedEvent(number, event)
                for number, events in self._events.items()
                for event in events
            ],
            replies=self._remembered,
            forget_events=self._forgotten,
            forget_replies_before_ms=self._replies.sweep(self.now_ms),
        )
        for change in last.values():
            _put(batch, change)
        return batch

    def events(self) -> list[tuple[str, list[Event]]]:
        """The events by the name of their project."""
        by_number = self._world.by_number
        return [(by_number[number].record.name, events) for number, events in self._events.items()]

    def expected_seq(self) -> dict[int, int]:
        """The last event number of each project that this batch touches, once it is committed."""
        return {number: events[-1].seq for number, events in self._events.items() if events}

    def revert(self) -> None:
        """Take everything back."""
        for number, seq in self._seq_before.items():
            self._world.by_number[number].seq = seq
        self._world.revert(self._changes)
        self._world.last_number = self._number_before
        for record in self._remembered:
            self._replies.remove(record)


def _identity(change: Change) -> tuple[Any, ...]:
    match change.after or change.before:
        case TaskRecord(number=number):
            return ("task", number)
        case SlotRecord(project=project, number=number):
            return ("slot", project, number)
        case ProjectRecord(number=number):
            return ("project", number)
        case TemplateRecord(project=project, name=name):
            return ("template", project, name)
        case _:
            raise AssertionError("a lease is not stored")


def _put(batch: Batch, change: Change) -> None:
    match change.before, change.after:
        case _, TaskRecord() as task:
            batch.tasks.append(task)
        case TaskRecord(number=number), None:
            batch.tasks_removed.append(number)
        case _, SlotRecord() as slot:
            batch.slots.append(slot)
        case SlotRecord(project=project, number=number), None:
            batch.slots_freed.append((project, number))
        case _, ProjectRecord() as project:
            batch.projects.append(project)
        case _, TemplateRecord() as template:
            batch.templates.append(template)
        case TemplateRecord(project=project, name=name), None:
            batch.templates_removed.append((project, name))
        case _:
            raise AssertionError("a project is never removed, a lease never stored")


def defect() -> InternalError:
    """What a client hears of a defect; the log has the rest."""
    return InternalError("The server failed on this request; its log has the details.")
