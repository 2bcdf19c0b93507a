"""Hypothesis drives the pure core with random commands against the naive model.

After every step the two must agree on every task, slot and the queue, every invariant must hold,
and what a store would have been told must load into the same world.
"""

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actor.attempt import Attempt
from actor.invariants import violations
from actor.pages import available_page
from actor.records import SlotRecord, TaskRecord
from actor.replies import Replies
from actor.state import ProjectState, World
from actor.transitions import TRANSITIONS, Context, recover
from protocol import params as p
from protocol.errors import CoordinatorError
from tests.model.naive import Naive

NAMES = "abcdef"
ANY_NAME = st.sampled_from(NAMES)
WORKERS = st.sampled_from(["w1", "w2", "w3"])
SLOTS = st.integers(1, 3)
NEEDS = st.lists(ANY_NAME, max_size=3)
TOTAL_SLOTS = 2
RARE = 17
"""One drawn number of thirty: what empties the world must not happen all the time."""


class Core(RuleBasedStateMachine):
    """The core and the model, side by side."""

    @initialize(plan=st.lists(st.lists(st.integers(0, 5), max_size=2), min_size=3, max_size=6))
    def begin(self, plan: list[list[int]]) -> None:
        """An empty project refuses nearly everything, so there is a plan from the start."""
        self.world = World(TOTAL_SLOTS)
        self.naive = Naive(TOTAL_SLOTS)
        self.now_ms = 1_000
        self.seen_events = 0
        self.tokens: dict[str, str] = {}
        self.stored_tasks: dict[int, TaskRecord] = {}
        self.stored_slots: dict[int, SlotRecord] = {}
        for number, needs in enumerate(plan):
            earlier = [NAMES[need % number] for need in needs if number]
            self.add_tasks([(NAMES[number], earlier, 0)])

    def state(self) -> ProjectState:
        return self.world.find("default", self.now_ms)

    def run(self, name: str, params: p.Params, *, fail: bool = False) -> tuple[Any, str | None]:
        """One command as a batch of its own; `fail` stands for a commit that did not work."""
        self.now_ms += 1
        state = self.state()
        context = Context(now_ms=self.now_ms, next_number=self.world.last_number + 1)
        attempt = Attempt(self.world, Replies(), self.now_ms)
        try:
            decision = TRANSITIONS[name](state, params, context)
        except CoordinatorError as refusal:
            return None, refusal.reason
        attempt.take(state, decision)
        if fail:
            attempt.revert()
            return None, None
        self.store(attempt)
        return decision.reply, None

    def store(self, attempt: Attempt) -> None:
        batch = attempt.batch()
        for number in batch.tasks_removed:
            self.stored_tasks.pop(number, None)
        self.stored_tasks |= {task.number: task for task in batch.tasks}
        for _, number in batch.slots_freed:
            self.stored_slots.pop(number, None)
        self.stored_slots |= {slot.number: slot for slot in batch.slots}
        for logged in batch.events:
            self.seen_events += 1
            assert logged.event.seq == self.seen_events, "event numbers have no gap"

    # --- commands -----------------------------------------------------------------------------

    @rule(wanted=st.lists(st.tuples(ANY_NAME, NEEDS, st.integers(-1, 1)), min_size=1, max_size=4))
    def add_tasks(self, wanted: list[tuple[str, list[str], int]]) -> None:
        tasks = [
            p.NewTask(id=name, description=name, dependencies=needs, priority=priority)
            for name, needs, priority in wanted
        ]
        _, reason = self.run("add_tasks", p.AddTasks(tasks=tasks))
        assert reason == self.naive.add(wanted)

    @rule(name=ANY_NAME, indexes=st.lists(st.integers(0, 5), min_size=1, max_size=3))
    def add_one_that_depends_on_known_tasks(self, name: str, indexes: list[int]) -> None:
        known = sorted(self.naive.tasks)
        if known and name not in known:
            self.add_tasks([(name, [known[index % len(known)] for index in indexes], 0)])

    @rule(name=ANY_NAME, needs=NEEDS)
    def edit_dependencies(self, name: str, needs: list[str]) -> None:
        _, reason = self.run("edit_task", p.EditTask(task_id=name, dependencies=needs))
        assert reason == self.naive.edit(name, needs)

    @rule(worker=st.none() | WORKERS)
    def claim_worker_slot(self, worker: str | None) -> None:
        _, reason = self.run("claim_worker_slot", p.ClaimWorkerSlot(worker_id=worker))
        assert reason == self.naive.claim_slot(worker)

    @rule(slot=SLOTS, worker=WORKERS)
    def release_worker_slot(self, slot: int, worker: str) -> None:
        params = p.ReleaseWorkerSlot(slot=slot, worker_id=worker)
        _, reason = self.run("release_worker_slot", params)
        assert reason == self.naive.release_slot(slot, worker)

    @rule(name=ANY_NAME, worker=WORKERS, slot=SLOTS)
    def claim_task(self, name: str, worker: str, slot: int) -> None:
        params = p.ClaimTask(task_id=name, worker_id=worker, worker_slot=slot)
        reply, reason = self.run("claim_task", params)
        assert reason == self.naive.claim(name, worker, slot)
        if reply is not None:
            before = self.tokens.get(name)
            assert before is None or int(reply.claim_token) >= int(before), "tokens only grow"
            self.tokens[name] = reply.claim_token

    @rule(name=ANY_NAME, status=st.sampled_from(["working", "done", "failed"]), worker=WORKERS)
    def update_task(self, name: str, status: Any, worker: str) -> None:
        params = p.UpdateTask(task_id=name, status=status, worker_id=worker)
        _, reason = self.run("update_task", params)
        assert reason == self.naive.report(name, status, worker)

    @rule(name=ANY_NAME, worker=WORKERS)
    def a_superseded_claim_never_reports(self, name: str, worker: str) -> None:
        task = self.state().tasks.get(name)
        old = self.tokens.get(name)
        if task is None or old is None or old == str(task.claim_seq):
            return
        params = p.UpdateTask(task_id=name, status="done", worker_id=worker, claim_token=old)
        _, reason = self.run("update_task", params)
        assert reason == "stale_claim"

    @rule(index=st.integers(0, 6), worker=WORKERS)
    def somebody_takes_a_task_that_is_ready(self, index: int, worker: str) -> None:
        """Most random claims are refused; this one goes through if anything can."""
        queue = self.naive.queue()
        self.claim_worker_slot(worker)
        slots = [n for n, owner in self.naive.owners.items() if owner == worker]
        if queue and slots:
            self.claim_task(queue[index % len(queue)], worker, slots[0])

    @rule(index=st.integers(0, 6), status=st.sampled_from(["done", "done", "failed"]))
    def a_present_or_former_holder_reports(self, index: int, status: str) -> None:
        held = [
            (name, item.worker)
            for name, item in self.naive.tasks.items()
            if item.worker is not None
        ]
        if held:
            name, worker = held[index % len(held)]
            self.update_task(name, status, worker)

    def one_that_is(self, status: str, index: int) -> str | None:
        found = [name for name, item in self.naive.tasks.items() if item.status == status]
        return found[index % len(found)] if found else None

    @rule(index=st.integers(0, 5))
    def finished_work_is_undone(self, index: int) -> None:
        name = self.one_that_is("done", index)
        if name is not None:
            self.reset_failed_task(name, force=True)

    @rule(index=st.integers(0, 5), status=st.sampled_from(["working", "done", "failed"]))
    def work_is_called_off_under_its_holder(self, index: int, status: str) -> None:
        name = self.one_that_is("working", index)
        if name is not None:
            holder = self.naive.tasks[name].worker
            assert holder is not None
            self.cancel_task(name)
            self.update_task(name, status, holder)

    @rule(name=ANY_NAME)
    def cancel_task(self, name: str) -> None:
        _, reason = self.run("cancel_task", p.CancelTask(task_id=name))
        assert reason == self.naive.cancel(name)

    @rule(name=ANY_NAME, force=st.booleans())
    def reset_failed_task(self, name: str, force: bool) -> None:
        _, reason = self.run("reset_failed_task", p.ResetFailedTask(task_id=name, force=force))
        assert reason == self.naive.reset(name, force)

    @rule(name=ANY_NAME, chance=st.integers(0, 5))
    def delete_task(self, name: str, chance: int) -> None:
        if chance != RARE % 6:
            return
        _, reason = self.run("delete_task", p.DeleteTask(task_id=name))
        assert reason == self.naive.delete(name)
        if reason is None:
            self.tokens.pop(name, None)

    @rule(chance=st.integers(0, 30))
    def clean_all_tasks(self, chance: int) -> None:
        if chance != RARE:
            return
        _, reason = self.run("clean_all_tasks", p.CleanAllTasks())
        assert reason == self.naive.clean()
        self.tokens.clear()

    # --- faults -------------------------------------------------------------------------------

    @rule(name=ANY_NAME, worker=WORKERS, slot=SLOTS, kind=st.integers(0, 5))
    def a_failed_commit_changes_nothing(self, name: str, worker: str, slot: int, kind: int) -> None:
        before = _picture(self.world)
        commands: list[tuple[str, p.Params]] = [
            ("claim_task", p.ClaimTask(task_id=name, worker_id=worker, worker_slot=slot)),
            ("update_task", p.UpdateTask(task_id=name, status="done", worker_id=worker)),
            ("claim_worker_slot", p.ClaimWorkerSlot(worker_id=worker)),
            ("reset_failed_task", p.ResetFailedTask(task_id=name, force=True)),
            ("add_task", p.AddTask(id=name, description="x")),
            ("clean_all_tasks", p.CleanAllTasks()),
        ]
        self.run(*commands[kind], fail=True)
        assert _picture(self.world) == before

    @rule()
    def restart(self) -> None:
        """The world is what was stored; then slots are freed."""
        if "default" not in self.world.projects:
            return
        before = _picture(self.world)
        old = self.state()
        self.world = World(TOTAL_SLOTS)
        tasks = sorted(self.stored_tasks.values(), key=lambda task: task.number)
        self.world.load([old.record], tasks, self.stored_slots.values())
        self.state().seq = old.seq
        assert _picture(self.world) == before
        attempt = Attempt(self.world, Replies(), self.now_ms)
        attempt.take(self.state(), recover(self.state(), Context(now_ms=self.now_ms)))
        self.store(attempt)
        self.naive.restart()

    # --- agreement ----------------------------------------------------------------------------

    @invariant()
    def invariants_hold(self) -> None:
        assert violations(self.world) == []

    @invariant()
    def agrees_with_the_model(self) -> None:
        state = self.state()
        seen = {
            task.id: (task.status, task.worker_id, task.worker_slot, task.attempt)
            for task in state.tasks.values()
        }
        expected = {
            name: (item.status, item.worker, item.slot, item.attempt)
            for name, item in self.naive.tasks.items()
        }
        assert seen == expected
        assert {n: slot.worker_id for n, slot in state.slots.items()} == self.naive.owners
        page, _ = available_page(state, p.GetAvailableTasks(limit=500))
        assert [task.id for task in page] == self.naive.queue()


def _picture(world: World) -> Any:
    """Everything that a revert or a reload must bring back."""
    return {
        name: (
            state.seq,
            {key: msgspec.structs.astuple(task) for key, task in state.tasks.items()},
            dict(state.slots),
            list(state.ready),
            dict(state.unmet),
            {key: set(waiting) for key, waiting in state.dependents.items()},
        )
        for name, state in world.projects.items()
    }


TestCore = Core.TestCase
TestCore.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
