"""Frames on their way to the server.

Owns their order, how many are joined into one write, and the wait for room. Must not know calls,
nor when there is a connection.
"""

from collections import deque
from typing import Final

import trio
from websockets.exceptions import ConnectionClosed

from protocol.dialing import Wire
from protocol.limits import REQUESTS_IN_FLIGHT_MAX

__all__ = ["Outbox"]

WRITE_BYTES: Final = 256 * 1024
"""Messages are joined into writes of about this size."""


class Outbox:
    """Many tasks put, one task writes."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._to_write = trio.Event()
        self._written = trio.Event()
        self._finished = False

    def put(self, frame: bytes) -> None:
        """Have a frame written after those that wait already."""
        self._frames.append(frame)
        self._to_write.set()

    def take_back(self, frame: bytes) -> bool:
        """Do not write a frame. False if it is not here, so that its reader may get it."""
        try:
            self._frames.remove(frame)
        except ValueError:
            return False
        self._announce_room()
        return True

    def clear(self) -> None:
        """Throw away what waits."""
        self._frames.clear()
        self._announce_room()

    def finish(self) -> None:
        """Let `write` close the connection once all is written. Idempotent."""
        self._finished = True
        self._to_write.set()

    async def room(self) -> None:
        """Wait while many frames wait."""
        while len(self._frames) >= REQUESTS_IN_FLIGHT_MAX:
            await self._written.wait()

    async def write(self, wire: Wire) -> None:
        """Write what waits, all at once, until the connection or `finish` ends it."""
        while True:
            while not self._frames:
                if self._finished:
                    await wire.aclose()
                    return
                self._to_write = trio.Event()
                await self._to_write.wait()
            try:
                await wire.send_texts(self._take_some())
            except ConnectionClosed:
                return
            self._announce_room()

    def _announce_room(self) -> None:
        written, self._written = self._written, trio.Event()
        written.set()

    def _take_some(self) -> list[bytes]:
        frames: list[bytes] = []
        size = 0
        while self._frames and size < WRITE_BYTES:
            frames.append(self._frames.popleft())
            size += len(frames[-1])
        return frames
