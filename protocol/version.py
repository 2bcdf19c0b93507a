"""The one place that names the version of the product."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

__all__ = ["VERSION"]


def _installed() -> str:
    try:
        return version("task-coordinator")
    except PackageNotFoundError:
        return "0+unknown"


VERSION: Final = _installed()
"""The version of the installed distribution."""
