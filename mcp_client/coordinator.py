"""What this package needs of the coordinator: the one place that says it.

Owns the names only; `protocol.client.Client` fulfils them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Coordinator"]


class Coordinator(Protocol):
    """What the bridge and the keeper need of `protocol.client.Client`."""

    async def wait_connected(self, timeout: float | None = None) -> None: ...

    async def wait_disconnected(self) -> None: ...

    async def call(
        self, name: str, params: Mapping[str, Any], *, timeout: float | None = None
    ) -> Any: ...
