"""Writing for all connections of a server that have something to say, once per turn of the loop.

Owns who is to be written to next. A batch of the service answers many connections at once: waking
one task that writes to all of them costs a fraction of waking a writer for each. Must not know
what is written, nor how.
"""

from typing import Protocol

import trio

__all__ = ["Flushable", "Flusher"]


class Flushable(Protocol):
    """Something that can write."""

    def flush(self) -> None:
        """Write what there is, without waiting. Never raises."""
        ...


class Flusher:
    """`run` in a task; `announce` from anywhere on the Trio thread."""

    def __init__(self) -> None:
        self._waiting: dict[Flushable, None] = {}
        self._announced = trio.Event()

    def announce(self, connection: Flushable) -> None:
        """There is something to write: it is asked to as soon as the running task yields."""
        if not self._waiting:
            self._announced.set()
        self._waiting[connection] = None

    async def run(self) -> None:
        """Ask everybody who was announced, until cancelled."""
        while True:
            await self._announced.wait()
            self._announced = trio.Event()
            waiting, self._waiting = self._waiting, {}
            for connection in waiting:
                connection.flush()
