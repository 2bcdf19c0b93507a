"""Which worker an agent is, when it does not say so itself.

Owns where a worker id comes from: the person who configured this process, the session of the
host, or chance. Pure. Must not know connections or what an id is used for.

What hosts tell about the session that a call belongs to:

| host | where |
| --- | --- |
| Claude Code (2.1.154) | CLAUDE_CODE_SESSION_ID; since 2.1.163 the same after `--resume` |
| Codex | `_meta.threadId` of every call |
| VS Code | `_meta["vscode.conversationId"]` of every call |

The others tell nothing, so their agents get a new id with every process.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from protocol.fields import WorkerId

__all__ = ["Identity"]

_SESSION_VARIABLES: Final[Mapping[str, str]] = {"claude-code": "CLAUDE_CODE_SESSION_ID"}
"""By host: a program that another host started inherits the variable, but it is not its own."""
_SESSION_META: Final[Mapping[str, str]] = {
    "codex": "threadId",
    "visual-studio-code": "vscode.conversationId",
}
_NAMELESS: Final = "agent"
_HOST_LENGTH_MAX: Final = 40


class Identity:
    """Where the worker ids of one process come from."""

    def __init__(self, configured: str | None, environ: Mapping[str, str]) -> None:
        """`configured` is the id that a person chose for this process; it settles the matter.

        Raises:
            ValueError: it cannot be a worker id.
        """
        if configured is not None and not _usable(configured):
            raise ValueError("--worker-id must be 1-200 printable characters.")
        self._configured = configured
        self._environ = environ
        self._chance = secrets.token_hex(3)

    def worker_id(self, client: str | None, meta: Mapping[str, Any] | None = None) -> str:
        """The id for a call of the host that calls itself `client`, with the call's `_meta`."""
        if self._configured is not None:
            return self._configured
        host = _host(client)
        session = self._session(host, meta or {})
        if session is not None and _usable(f"{host}-{session}"):
            return f"{host}-{session}"
        return f"{host}-{self._chance}"

    def _session(self, host: str, meta: Mapping[str, Any]) -> str | None:
        told = meta.get(_SESSION_META[host]) if host in _SESSION_META else None
        if told is None and host in _SESSION_VARIABLES:
            told = self._environ.get(_SESSION_VARIABLES[host])
        return told if isinstance(told, str) and told else None


def _host(client: str | None) -> str:
    """`codex-mcp-client` is called `codex`, `Visual Studio Code` `visual-studio-code`."""
    words = re.findall(r"[a-z0-9.]+", (client or "").lower())
    name = "-".join(words)[:_HOST_LENGTH_MAX]
    return name.removesuffix("-mcp-client") or _NAMELESS


def _usable(worker_id: str) -> bool:
    try:
        msgspec.convert(worker_id, type=WorkerId)
    except msgspec.ValidationError:
        return False
    return True
