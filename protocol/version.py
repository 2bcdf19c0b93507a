"""The one place that names the versions."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

__all__ = ["PROTOCOL", "VERSION"]

PROTOCOL: Final = "task-coordinator.v1"
"""The WebSocket subprotocol: the wire contract's own version."""


def _installed() -> str:
    try:
        return version("task-coordinator")
    except PackageNotFoundError:
        return "0+unknown"


VERSION: Final = _installed()
"""The version of the installed distribution."""
