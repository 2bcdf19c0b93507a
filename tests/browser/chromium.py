"""Where the browser of the tests comes from. `python -m tests.browser.chromium` gets one.

Owns finding Chromium, installing Debian's where that can be done, and saying what to do where it
cannot. No browser build is ever downloaded: it has to be one that the system knows.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHOICE = "TASK_COORDINATOR_CHROMIUM"
NECESSITY = "TASK_COORDINATOR_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")
"""The font has every sign of the page: ▶ ○ ◷ ■ ✕ ✓ ⊘ would be boxes without it."""
HINT = (
    f"install Chromium (on Debian: apt-get install {' '.join(PACKAGES)}), "
    f"or say in {CHOICE} where it is"
)


class NoBrowser(Exception):
    """There is none; the text says what to do."""


def chromium() -> Path:
    """The browser to test with: the chosen one, else the first on the PATH.

    Raises:
        NoBrowser: there is none.
    """
    chosen = os.environ.get(CHOICE)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise NoBrowser(f"{CHOICE} is {chosen}, which cannot be run; {HINT}")
        return Path(chosen)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoBrowser(f"no browser is there; {HINT}")
    return Path(found)


def is_required() -> bool:
    """Whether tests without a browser fail instead of being skipped: in CI, or as one says."""
    said = os.environ.get(NECESSITY, "")
    if said not in ("", "required", "optional"):
        raise NoBrowser(f"{NECESSITY} is {said!r}; it can be `required` or `optional`")
    return said == "required" or (said == "" and os.environ.get("CI", "") not in ("", "false", "0"))


def chromium_or_skip() -> Path:
    """The browser, for a test that needs one: without it the test is skipped, or fails."""
    try:
        return chromium()
    except NoBrowser as error:
        if is_required():
            pytest.fail(f"The tests in a browser cannot run, and here they must: {error}.")
        pytest.skip(f"NOT TESTED IN A BROWSER: {error}.")


def install() -> None:
    """Debian's Chromium by Debian's package manager.

    Raises:
        NoBrowser: this is no such system, or it refuses.
    """
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoBrowser(f"no browser is there, and only root can install one with apt-get; {HINT}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *PACKAGES],
    ):
        print("+", *command, flush=True)
        if subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False).returncode:
            raise NoBrowser(f"`{' '.join(command)}` failed; {HINT}")


def main() -> int:
    """Say which browser the tests will use, and install one where there is none."""
    try:
        try:
            found = chromium()
        except NoBrowser:
            if os.environ.get(CHOICE):
                raise
            install()
            found = chromium()
    except NoBrowser as error:
        print(f"The tests in a browser cannot run: {error}.", file=sys.stderr)
        return 1 if is_required() else 0
    print(f"The tests in a browser use {found}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
