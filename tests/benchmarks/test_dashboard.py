"""The benchmark of the page runs in a real browser, and its numbers are of what was asked for."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from benchmarks.dashboard import plan
from tests.browser.chromium import chromium_or_skip

SECONDS_MAX = 120


@pytest.mark.slow
def test_a_quick_run_loads_every_view_and_stands_the_storms(tmp_path: Path) -> None:
    chromium_or_skip()
    results = tmp_path / "dashboard.jsonl"
    command = [sys.executable, "-m", "benchmarks", "dashboard", "--quick"]
    ended = subprocess.run(
        [*command, "--results", str(results)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    run = msgspec.json.decode(results.read_bytes())
    assert Counter((case["what"], case["tasks"]) for case in run["shown"]) == {
        ("load overview", 40): 1,
        ("load tasks", 40): 1,
        ("load tasks", 400): 1,
        ("switch to tasks", 40): 1,
        ("switch to tasks", 400): 1,
        ("switch to graph", 40): 1,
    }
    assert all(0 < case["medianMs"] <= case["worstMs"] for case in run["shown"])
    assert [storm["view"] for storm in run["storms"]] == ["overview", "tasks", "graph", "events"]
    for storm in run["storms"]:
        assert storm["events"] == 200 + 8, "as many as were asked for, and a slot each"
        assert 0 < storm["p95Ms"] <= storm["p99Ms"] <= storm["worstMs"]
        assert storm["frames"] > 10


def test_the_plan_is_the_same_each_time_and_can_be_added_in_order() -> None:
    tasks = plan(100)
    assert tasks == plan(100)
    assert len(tasks) == 100
    seen: set[str] = set()
    for task in tasks:
        assert task.id is not None
        assert seen.issuperset(task.dependencies)
        seen.add(task.id)
    assert sum(bool(task.dependencies) for task in tasks) > 50
