"""The facts about machine and software that a number means nothing without.

Owns reading them. Names no host, no user and no path: results are published.
"""

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

__all__ = ["commit", "facts"]

LIBRARIES = ("trio", "websockets", "msgspec", "jsonrpcserver", "sqlite-anyio")
MEASURED = ("actor", "protocol", "dashboard", "benchmarks/*.py")
ROOT = Path(__file__).parent.parent


def facts(database_folder: Path) -> dict[str, str | int]:
    """What can change the numbers. `database_folder` is where the measured file lies."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "memoryMiB": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": _filesystem(database_folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in LIBRARIES},
    }


def commit() -> str:
    """The commit that is measured, with `+` if the tree differs; `unknown` without git."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", *MEASURED)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(folder: Path) -> str:
    """The type of the file system that a folder is on: a commit to memory proves nothing."""
    place = folder.resolve()
    mounts = [
        (Path(partition.mountpoint), partition.fstype)
        for partition in psutil.disk_partitions(all=True)
    ]
    around = [mount for mount in mounts if place.is_relative_to(mount[0])]
    return max(around, key=lambda mount: len(mount[0].parts))[1] if around else "unknown"
