"""The numbers are true: what the measurement counts is really there."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from benchmarks.lifecycle import check, snapshot
from benchmarks.load import Plan
from benchmarks.processes import coordinator, drive

SECONDS_MAX = 60


@pytest.mark.slow
def test_a_quick_run_ends_with_a_table_and_a_line_of_results(tmp_path: Path) -> None:
    results = tmp_path / "lifecycle.jsonl"
    command = [sys.executable, "-m", "benchmarks", "lifecycle", "--quick"]
    ended = subprocess.run(
        [*command, "--results", str(results), "--directory", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert len([line for line in ended.stdout.splitlines() if line.startswith("|")]) == 2 + 2
    run = msgspec.json.decode(results.read_bytes())
    cases = {(case["connections"], case["window"]): case for case in run["cases"]}
    assert set(cases) == {(4, 1), (4, 8)}
    for (connections, window), case in cases.items():
        done, events = case["counted"]["done"], case["counted"]["events"]
        assert done > 0
        assert events == 3 * done + connections * window, "a slot each, then three a life cycle"
        for load in (case["coordinator"], case["echo"]):
            assert load["perSecond"] > 0
            assert 0 < load["latency"]["p50Ms"] <= load["latency"]["p99Ms"]


@pytest.mark.slow
def test_a_run_whose_file_lacks_a_task_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "load.db"
    with coordinator(database, slots=2) as server:
        plan = Plan(number=0, port=server.port, connections=2, window=1)
        outcome = drive(server, [plan], warmup=0.0, seconds=0.1)
        told = snapshot(server)
    assert check(outcome, told, database).done > 0
    with closing(sqlite3.connect(database)) as real, real:
        real.execute("DELETE FROM tasks WHERE number = 1")
    with pytest.raises(AssertionError, match="were acknowledged"):
        check(outcome, told, database)
