"""Where the tests find a browser, and what they say where there is none."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import NoBrowser, chromium, is_required, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a browser: its only PATH is this empty folder."""
    for name in ("TASK_COORDINATOR_CHROMIUM", "TASK_COORDINATOR_BROWSER", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def a_program(folder: Path, name: str) -> Path:
    made = folder / name
    made.symlink_to(sys.executable)
    return made


def test_the_first_known_name_on_the_path_is_taken(bare: Path) -> None:
    google = a_program(bare, "google-chrome")
    assert chromium() == google
    debian = a_program(bare, "chromium")
    assert chromium() == debian


def test_the_chosen_one_goes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(bare, "chromium")
    mine = a_program(bare, "mine")
    monkeypatch.setenv("TASK_COORDINATOR_CHROMIUM", str(mine))
    assert chromium() == mine
    monkeypatch.setenv("TASK_COORDINATOR_CHROMIUM", str(bare / "gone"))
    with pytest.raises(NoBrowser, match="gone, which cannot be run; install Chromium"):
        chromium()


@pytest.mark.parametrize(
    ("ci", "said", "required"),
    [
        ("", "", False),
        ("true", "", True),
        ("1", "", True),
        ("false", "", False),
        ("", "required", True),
        ("true", "optional", False),
    ],
)
def test_ci_must_have_a_browser_unless_it_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, ci: str, said: str, *, required: bool
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("TASK_COORDINATOR_BROWSER", said)
    assert is_required() is required


def test_a_machine_that_cannot_have_one_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no apt-get on this PATH either. The other checks go on; in CI they do not."""
    assert shutil.which("apt-get") is None
    assert main() == 0
    assert "apt-get install chromium" in capsys.readouterr().err
    monkeypatch.setenv("CI", "true")
    assert main() == 1


def test_make_test_gets_the_browser_before_the_tests_run() -> None:
    (line,) = (
        line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("test:")
    )
    steps = line.partition("##")[0].split()
    assert steps.index("browser") < steps.index("unit")
