"""Writes what is derived from the table of methods: `python -m protocol.generate [--check]`.

Owns which files those are. With `--check` nothing is written: it exits 1 and names what is stale.
A developer's tool: it needs ruff and a checkout.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from protocol.openrpc import openrpc_document
from protocol.reference_page import reference_page
from protocol.typed_source import typed_source

__all__ = ["main", "outputs"]

ROOT: Final = Path(__file__).resolve().parent.parent


def outputs() -> dict[str, str]:
    """What each generated file has to hold, by its path from the root of the checkout."""
    return {
        "protocol/typed.py": _formatted(typed_source(), "protocol/typed.py"),
        "docs/methods.md": reference_page(),
        "docs/openrpc.json": json.dumps(openrpc_document(), indent=2, ensure_ascii=False) + "\n",
    }


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write the stale files, or with `--check` only name them; the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m protocol.generate [--check]", file=sys.stderr)
        return 2
    stale = [name for name, text in outputs().items() if _read(root / name) != text]
    if arguments:
        for name in stale:
            print(f"{name} is stale: run `python -m protocol.generate`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(outputs()[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _formatted(source: str, name: str) -> str:
    """As ruff would leave it."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", name, "-"]
    done = subprocess.run(  # noqa: S603 -- a fixed command, the input is our own
        command, input=source, capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ruff cannot format {name}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
