"""Answers about the state: counters, slots, the queue, and why a task is where it is."""

from tests.actor.test_pages import ask
from tests.actor.worlds import Builder


def test_a_snapshot_counts_every_status_and_shows_the_head_of_the_queue() -> None:
    builder = Builder(slots=3)
    builder.add(["a", "b", "c", "d"])
    builder.add(["e"], dependencies=["a"], priority=9)
    builder.finish("b")
    builder.finish("c", status="failed")
    builder.do("cancel_task", taskId="d")
    builder.do("claim_task", taskId="a", workerId="w", workerSlot=1)
    builder.add(["urgent", "later"], priority=3)
    snapshot = ask(builder.state, "get_snapshot", limit=1)
    counts = snapshot.counts
    assert (counts.available, counts.working, counts.blocked) == (2, 1, 1)
    assert (counts.done, counts.failed, counts.cancelled) == (1, 1, 1)
    assert [(slot.status, slot.task_id) for slot in snapshot.workers] == [
        ("working", "a"),
        ("free", None),
        ("free", None),
    ]
    assert [task.id for task in snapshot.queue] == ["urgent"]
    assert snapshot.seq == builder.state.seq
    assert ask(builder.state, "get_snapshot", limit=0).queue == []


def test_an_explanation_goes_down_to_the_root_cause_and_up_to_what_it_unblocks() -> None:
    builder = Builder()
    builder.add(["a"])
    builder.add(["b"], dependencies=["a"])
    builder.add(["c"], dependencies=["b"])
    assert ask(builder.state, "explain_task", taskId="a").unblocks == ["b"]
    assert ask(builder.state, "explain_task", taskId="b").reason == "Waits for `a` (available)."
    why = ask(builder.state, "explain_task", taskId="c")
    assert why.reason == "Waits for `b` (blocked). In the end that is up to `a` (available)."
    assert (why.ready, [cause.task_id for cause in why.root_causes]) == (False, ["a"])
    builder.finish("a", status="failed")
    why = ask(builder.state, "explain_task", taskId="c")
    assert "stays blocked until `a` (failed) is reset" in why.reason


def test_an_explanation_of_work_under_way_names_its_holder() -> None:
    builder = Builder()
    builder.add(["a"])
    slot = builder.do("claim_worker_slot", workerId="w").slot
    builder.do("claim_task", taskId="a", workerId="w", workerSlot=slot)
    why = ask(builder.state, "explain_task", taskId="a")
    assert (why.holder, why.worker_slot, why.ready) == ("w", 1, False)
    builder.do("update_task", taskId="a", workerId="w", status="done")
    assert ask(builder.state, "explain_task", taskId="a").reason == "Finished by `w`."


def test_a_long_description_is_cut_in_lists_and_whole_on_its_own() -> None:
    builder = Builder()
    builder.do("add_task", id="a", description="x" * 300)
    (summary,) = ask(builder.state, "get_all_tasks").tasks
    assert (len(summary.description), summary.description[-1]) == (200, "…")
    assert len(ask(builder.state, "get_task", taskId="a").task.description) == 300
