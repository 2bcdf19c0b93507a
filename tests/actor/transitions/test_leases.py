"""Leases as decisions: what a heartbeat, a lost connection and a restart are worth."""

import pytest

from actor.attempt import Attempt
from actor.replies import Replies
from actor.transitions import disconnect, resume
from protocol.errors import SlotNotClaimed
from tests.actor.worlds import Builder


def working(builder: Builder, *, bound: bool = False) -> None:
    builder.add(["a"])
    builder.do("claim_worker_slot", workerId="w", bindToConnection=bound)
    builder.do("claim_task", taskId="a", workerId="w", workerSlot=1)


def test_a_heartbeat_writes_nothing() -> None:
    builder = Builder()
    working(builder)
    builder.now_ms += 5_000
    attempt = Attempt(builder.world, Replies(), builder.now_ms, builder.now_ms)
    decision = builder.decide("heartbeat", workerId="w")
    attempt.take(builder.state, decision)
    assert (decision.events, bool(decision.changes)) == ([], True)
    batch = attempt.batch()
    assert (batch.tasks, batch.slots, batch.events) == ([], [], [])
    assert builder.state.task_leases["a"].until_ms == builder.now_ms + 300_000


def test_a_heartbeat_of_nobody_is_refused() -> None:
    builder = Builder()
    working(builder)
    with pytest.raises(SlotNotClaimed, match="Worker `v` holds no slot"):
        builder.decide("heartbeat", workerId="v")
    builder.do("release_worker_slot", slot=1, workerId="w")
    with pytest.raises(SlotNotClaimed, match="This client session holds no slot"):
        builder.decide("heartbeat")


def test_a_heartbeat_names_the_shortest_of_what_it_renews() -> None:
    builder = Builder()
    builder.add(["a"])
    builder.do("claim_worker_slot", workerId="w", leaseSeconds=50)
    builder.do("claim_worker_slot", workerId="v", leaseSeconds=90)
    builder.do("claim_task", taskId="a", workerId="v", workerSlot=2, leaseSeconds=20)
    assert builder.decide("heartbeat", workerId="w").reply.lease_seconds == 50  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] -- the reply of a heartbeat
    told = builder.do("heartbeat")
    assert told.lease_seconds == 20
    assert [held.task_id for held in told.held] == [None, "a"]


def test_a_connection_that_is_lost_twice_is_lost_once() -> None:
    builder = Builder()
    working(builder, bound=True)
    attempt = Attempt(builder.world, Replies(), builder.now_ms, builder.now_ms)
    attempt.take(builder.state, disconnect(builder.state, "", attempt.context()))
    lease = builder.state.slot_leases[1]
    assert (lease.connected, lease.until_ms) == (False, builder.now_ms + 30_000)
    later = Attempt(builder.world, Replies(), builder.now_ms + 9, builder.now_ms + 9)
    assert disconnect(builder.state, "", later.context()).changes == []


def test_a_restart_changes_leases_and_nothing_else() -> None:
    builder = Builder()
    working(builder)
    decision = resume(builder.state, frozenset(), Attempt(builder.world, Replies(), 9, 9).context())
    assert decision.events == []
    kinds = {type(change.after or change.before).__name__ for change in decision.changes}
    assert kinds == {"TaskLease", "SlotLease"}
