"""What happens by itself: each due moment is one decision, and later ones see it."""

from actor.agenda import Due
from actor.attempt import Attempt
from actor.invariants import violations
from actor.policy import DEFAULT_POLICY
from actor.replies import Replies
from tests.actor.worlds import Builder

FAR = "1970-01-01T00:10:00Z"


def carry_out(builder: Builder, *dues: Due, later_ms: int = 10_000_000) -> list[str]:
    """The events of what is due, so much later."""
    now_ms = builder.now_ms + later_ms
    attempt = Attempt(builder.world, Replies(), now_ms, now_ms, DEFAULT_POLICY)
    for due in dues:
        if due in builder.world.agenda:
            attempt.carry_out_due(due)
    assert violations(builder.world) == []
    return [event.type for _, events in attempt.events() for event in events]


def working(builder: Builder, **fields: object) -> None:
    builder.add(["a"], **fields)
    builder.do("claim_worker_slot", workerId="w")
    builder.do("claim_task", taskId="a", workerId="w", workerSlot=1)


def test_a_slot_that_lapses_takes_the_lapse_of_its_task_off_the_agenda() -> None:
    builder = Builder()
    working(builder)
    slot, task = Due("slot_lease", 1, "1"), Due("task_lease", 1, "a")
    assert carry_out(builder, slot, task) == ["task_lapsed", "slot_lapsed"]
    assert len(builder.world.agenda) == 0


def test_a_task_that_lapses_before_its_slot_lapses_once() -> None:
    builder = Builder()
    working(builder)
    slot, task = Due("slot_lease", 1, "1"), Due("task_lease", 1, "a")
    assert carry_out(builder, task, slot) == ["task_lapsed", "slot_lapsed"]


def test_a_task_that_fails_by_its_last_lapse_is_not_told_overdue_any_more() -> None:
    builder = Builder()
    working(builder, maxAttempts=1, deadline=FAR)
    told = carry_out(builder, Due("task_lease", 1, "a"), Due("deadline", 1, "a"))
    assert told == ["task_failed"]


def test_the_start_of_a_task_is_the_moment_since_when_it_waits() -> None:
    builder = Builder()
    builder.add(["a"], notBefore=FAR)
    assert carry_out(builder, Due("start", 1, "a"), later_ms=600_000) == ["task_ready"]
    assert builder.state.tasks["a"].ready_ms == builder.now_ms + 600_000


def test_a_deadline_leaves_everything_but_the_mark_as_it_was() -> None:
    builder = Builder()
    working(builder, deadline=FAR)
    before = builder.state.tasks["a"]
    assert carry_out(builder, Due("deadline", 1, "a")) == ["task_overdue"]
    after = builder.state.tasks["a"]
    assert (after.overdue, after.status, after.claim_seq) == (True, "working", before.claim_seq)
    assert after.version == before.version + 1
    assert "a" in builder.state.overdue
