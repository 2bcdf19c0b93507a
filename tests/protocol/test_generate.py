import subprocess
import sys
from pathlib import Path

import pytest

from protocol.generate import ROOT, main, outputs

FILES = {"protocol/typed.py", "docs/methods.md", "docs/openrpc.json"}


def test_what_is_checked_in_is_what_the_table_says() -> None:
    """If this fails: `python -m protocol.generate`."""
    command = [sys.executable, "-m", "protocol.generate", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_file_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 0
    stale = tmp_path / "docs" / "methods.md"
    stale.write_text("old")
    capsys.readouterr()
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == (
        "docs/methods.md is stale: run `python -m protocol.generate`\n"
    )
    assert stale.read_text() == "old"


def test_missing_files_are_stale_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    named = {line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()}
    assert named == FILES
    assert not list(tmp_path.iterdir())


def test_writing_makes_the_check_pass_and_only_touches_what_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 0
    assert {path for path in FILES if (tmp_path / path).is_file()} == FILES
    assert main(["--check"], tmp_path) == 0
    capsys.readouterr()
    (tmp_path / "docs" / "openrpc.json").unlink()
    assert main([], tmp_path) == 0
    assert capsys.readouterr().out == "wrote docs/openrpc.json\n"


def test_two_runs_write_the_same() -> None:
    assert outputs() == outputs()


def test_other_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chekc"]) == 2
    assert "usage:" in capsys.readouterr().err
