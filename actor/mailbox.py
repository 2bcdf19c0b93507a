"""The actor's inbox: bounded, in order, taken in batches.

Owns the channel between the connections and the one loop that may change anything. A full mailbox
makes the sender wait, which stops its connection from being read: nothing is buffered without
limit. Must not know what the calls mean.
"""

from typing import Generic, TypeVar

import trio

__all__ = ["BATCH_MAX", "MAILBOX_MAX", "Mailbox", "MailboxClosed"]

MAILBOX_MAX = 4_096
"""Calls that may wait for the loop."""
BATCH_MAX = 512
"""Calls that one batch takes: bounds how long a commit and the replies to it may take."""

T = TypeVar("T")


class MailboxClosed(Exception):
    """Nothing is taken in any more (put), or nothing will come any more (take)."""


class Mailbox(Generic[T]):
    """Many tasks put, one task takes."""

    def __init__(self, size: int = MAILBOX_MAX, batch: int = BATCH_MAX) -> None:
        self._batch = batch
        self._send, self._receive = trio.open_memory_channel[T](size)

    async def put(self, item: T) -> None:
        """Add an item, in order; wait while the mailbox is full.

        Does not yield when there is room. Cancelling while it waits withdraws the item.

        Raises:
            MailboxClosed: nothing is taken in any more; the item was not added.
        """
        try:
            try:
                self._send.send_nowait(item)
            except trio.WouldBlock:
                await self._send.send(item)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            raise MailboxClosed from None

    async def take(self) -> list[T]:
        """Wait for something, then take all that waits, up to the size of a batch.

        Raises:
            MailboxClosed: it was closed and everything was taken.
        """
        try:
            items = [await self._receive.receive()]
        except trio.EndOfChannel:
            raise MailboxClosed from None
        return self._take_more(items)

    def take_nowait(self) -> list[T]:
        """Take all that waits, up to the size of a batch; perhaps nothing.

        Raises:
            MailboxClosed: it was closed and everything was taken.
        """
        try:
            items = [self._receive.receive_nowait()]
        except trio.EndOfChannel:
            raise MailboxClosed from None
        except trio.WouldBlock:
            return []
        return self._take_more(items)

    def _take_more(self, items: list[T]) -> list[T]:
        while len(items) < self._batch:
            try:
                items.append(self._receive.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
        return items

    def put_nowait(self, item: T) -> bool:
        """Add an item if there is room; False if there is none, or the mailbox is closed."""
        try:
            self._send.send_nowait(item)
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            return False
        return True

    def close(self) -> None:
        """Take nothing in any more; what is inside can still be taken. Idempotent."""
        self._send.close()

    @property
    def waiting(self) -> int:
        """Items inside."""
        return self._send.statistics().current_buffer_used
