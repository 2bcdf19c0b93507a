"""Registers the MCP server with the programs that run agents, in their own configuration files.

Owns which hosts there are, where their files lie and how a file is changed safely. Must not know
commands or terminals.
"""

import json
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from mcp_client.json_edit import NotAnObject, get_member, remove_member, set_member
from protocol.errors import CoordinatorError

__all__ = ["HOSTS", "Change", "HostConfigError", "Scope", "entry", "install", "launcher", "remove"]

PROGRAM: Final = "task-coordinator"
Scope = Literal["user", "project"]
_PRIVATE_MODE: Final = 0o600
_SHARED_MODE: Final = 0o666
_REPAIR: Final = "Repair it, or move it away, and run this again; nothing was changed."
_RIGHTS: Final = "Check the path and its permissions, or take the entry from --print."
_SERVERS: Final = "mcpServers"


class HostConfigError(CoordinatorError):
    """The host's configuration file cannot be read or changed; the message says what to do."""

    reason: ClassVar[str] = "host_config"


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to a configuration file."""

    path: Path
    changed: bool
    backup: Path | None = None
    """The copy of the file as it was; None if there was no file, or nothing to change."""


def _claude_code_file(scope: Scope) -> Path:
    return Path.home() / ".claude.json" if scope == "user" else Path.cwd() / ".mcp.json"


HOSTS: Final = {"claude-code": _claude_code_file}
"""The hosts that can be configured: their configuration file by scope."""


def launcher() -> list[str]:
    """The absolute command line that starts this very installation, wherever it is called from."""
    # Symbolic links stay: a tool manager keeps them stable while what they point to moves.
    for script in (Path(sys.executable).with_name(PROGRAM), Path(sys.argv[0])):
        if script.name == PROGRAM and os.access(script, os.X_OK):
            return [str(script.absolute())]
    return [str(Path(sys.executable).absolute()), "-m", "task_coordinator"]


def entry(*, url: str, project: str | None = None, token: str | None = None) -> dict[str, Any]:
    """The configuration entry of the MCP server. It holds the token only if one is passed."""
    command, *args = launcher()
    env = {"TASK_COORDINATOR_URL": url}
    if project is not None:
        env["TASK_COORDINATOR_PROJECT"] = project
    if token is not None:
        env["TASK_COORDINATOR_TOKEN"] = token
    return {"type": "stdio", "command": command, "args": [*args, "mcp"], "env": env}


def install(host: str, scope: Scope, name: str, server: dict[str, Any]) -> Change:
    """Write the entry under `name`; everything else in the file stays as it is.

    Raises:
        HostConfigError: the file is not what it should be, or cannot be written.
    """
    path = HOSTS[host](scope).resolve()
    found = _read(path)
    text = found if found and found.strip() else "{}\n"
    at = (_SERVERS, name)
    with _readable(path):
        if get_member(text, at) == server:
            return Change(path, changed=False)
        wanted = set_member(text, at, server)
    return _replace(path, found, wanted, private=scope == "user")


def remove(host: str, scope: Scope, name: str) -> Change:
    """Take the entry under `name` out again, and nothing else.

    Raises:
        HostConfigError: as for `install`.
    """
    path = HOSTS[host](scope).resolve()
    found = _read(path)
    if found is None or not found.strip():
        return Change(path, changed=False)
    with _readable(path):
        wanted = remove_member(found, (_SERVERS, name))
    if wanted == found:
        return Change(path, changed=False)
    return _replace(path, found, wanted, private=scope == "user")


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise HostConfigError(f"{path} is not UTF-8 text. {_REPAIR}") from error
    except OSError as error:
        raise HostConfigError(f"{path} cannot be read: {error.strerror}. {_RIGHTS}") from error


@contextmanager
def _readable(path: Path) -> Generator[None]:
    """Say of a file that cannot be understood what is wrong with it."""
    try:
        yield
    except NotAnObject as error:
        part = f"`{'.'.join(error.path)}` in {path}" if error.path else str(path)
        raise HostConfigError(f"{part} is not a JSON object. {_REPAIR}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise HostConfigError(f"{path} is not JSON ({where}). {_REPAIR}") from error
    except RecursionError as error:
        raise HostConfigError(f"{path} is nested too deeply. {_REPAIR}") from error


def _replace(path: Path, found: str | None, wanted: str, *, private: bool) -> Change:
    """Put the new text in the file's place in one step, with a copy of the old one beside it."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    backup = None if found is None else path.with_name(f"{path.name}.backup-{stamp}")
    written = path.with_name(f".{path.name}.{stamp}.tmp")
    try:
        try:
            _write_new(written, wanted, _PRIVATE_MODE if private else _SHARED_MODE)
            if _read(path) != found:
                raise HostConfigError(f"{path} was changed by another program. Run this again.")
            if backup is not None:
                shutil.copymode(path, written)
                shutil.copy2(path, backup)
            written.replace(path)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        raise HostConfigError(f"{path} cannot be written: {error.strerror}. {_RIGHTS}") from error
    return Change(path, changed=True, backup=backup)


def _write_new(path: Path, text: str, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
