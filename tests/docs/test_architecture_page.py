"""ARCHITECTURE.md sends nobody to a room that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("", "protocol", "actor", "actor/transitions", "mcp_client", "dashboard")


def test_every_room_it_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|cfg|md)|\w+/[\w/]*)`", text))
    assert len(named) > 40
    missing = [n for n in named if not any((ROOT / folder / n).exists() for folder in FOLDERS)]
    assert missing == []


def test_every_package_is_named() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for package in ("actor", "protocol", "mcp_client", "dashboard", "benchmarks"):
        assert f"`{package}" in text
