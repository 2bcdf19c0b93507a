"""Hypothesis drives the pure core with random commands against the naive model.

After every step the two must agree on every task, slot, lease and moment, on the queue and on what
was told; every invariant must hold; what a store was given must load into the same world; a failed
commit leaves no trace; and all of it, done again, comes to the same.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.model.story_rules import StoryRules
from tests.model.strategies import ALL, NAMES, NEW_FIELDS, SEEN


class Core(StoryRules):
    """All of it."""

    @initialize(
        plan=st.lists(
            st.tuples(st.lists(st.integers(0, 5), max_size=1), NEW_FIELDS), min_size=3, max_size=6
        )
    )
    def begin(self, plan: list[tuple[list[int], dict[str, Any]]]) -> None:
        """An empty project refuses nearly everything, so there is a plan from the start."""
        self.start()
        for number, (needs, fields) in enumerate(plan):
            earlier = [NAMES[need % number] for need in needs if number]
            self.add([(NAMES[number], fields | {"needs": earlier})])
        self.commit()


def test_the_core_does_what_the_naive_model_does() -> None:
    SEEN.clear()
    run_state_machine_as_test(
        Core,
        settings=settings(
            max_examples=400,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    assert {name: SEEN[name] for name, least in OFTEN_ENOUGH.items() if SEEN[name] < least} == {}, (
        "a machine that is refused everything finds nothing"
    )


OFTEN_ENOUGH = {
    **dict.fromkeys([f"status {status}" for status in ALL], 200),
    "cancel_tasks changed": 20,
    "claim_next_task ok": 200,
    "claim_next_task waits": 3,
    "claim_task ok": 15,
    "claim_task resource_conflict": 1,
    "claim_worker_slot ok": 400,
    "edit_tasks changed": 100,
    "event resources_reserved": 3,
    "event slot_disconnected": 5,
    "event slot_lapsed (disconnected)": 1,
    "event slot_lapsed (lease)": 20,
    "event task_blocked": 5,
    "event task_cancelled": 40,
    "event task_claimed": 100,
    "event task_done": 20,
    "event task_edited": 100,
    "event task_lapsed (lease)": 10,
    "event task_overdue": 5,
    "event task_ready": 5,
    "event task_released (slot_released)": 3,
    "event task_released (task_released)": 10,
    "event task_reset": 20,
    "event task_retrying": 4,
    "event task_unblocked": 10,
    "failed commit": 40,
    "instantiate_template ok": 20,
    "late report done": 5,
    "reserve_resources resource_conflict": 3,
    "reset_tasks changed": 20,
    "restart": 5,
    "update_task stale_claim": 5,
}
"""What one run of the machine must have seen at least: about a tenth of what it usually sees."""
