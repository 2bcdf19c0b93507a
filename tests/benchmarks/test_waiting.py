"""The benchmark of waiting workers runs, and wakes one worker per task."""

from pathlib import Path

import msgspec
from click.testing import CliRunner

from benchmarks.__main__ import main


def test_a_quick_run_wakes_one_worker_for_each_task(tmp_path: Path) -> None:
    results = tmp_path / "waiting.jsonl"
    outcome = CliRunner().invoke(main, ["waiting", "--quick", "--results", str(results)])
    assert outcome.exit_code == 0, outcome.output
    cases = msgspec.json.decode(results.read_bytes())["cases"]
    assert [(case["waiting"], case["woken"]) for case in cases] == [(1, 10), (50, 10)]
