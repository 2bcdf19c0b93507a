"""A short run of the long one (`make chaos`): real processes, killed and frozen while they work."""

from pathlib import Path

import pytest

from tests.chaos.run import Settings, chaos


@pytest.mark.slow
async def test_a_crew_that_is_killed_and_frozen_finishes_its_plan_and_nothing_is_done_twice(
    tmp_path: Path,
) -> None:
    settings = Settings(
        tasks=8, slots=2, workers=3, work=0.4, lease=1.5, grace=0.5, pause=(0.3, 1.2), limit=150
    )
    outcome = await chaos(settings, tmp_path)
    assert outcome.problems == []
    assert outcome.events["task_done"] == settings.tasks
    assert sum(outcome.faults.values()) > 0, "somebody was struck"
