"""Replies that were given under an idempotency key.

Owns what is known of them in memory: every key of the last 24 hours with the fingerprint of its
request, and the reply itself for the newest. Older replies are in the store only and are fetched
when a key comes again. Must not know transitions or SQL.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from actor.records import ReplyRecord
from protocol.errors import IdempotencyConflict
from protocol.limits import IDEMPOTENCY_HOURS

__all__ = ["REPLIES_IN_MEMORY_MAX", "Replies", "fingerprint"]

REPLIES_IN_MEMORY_MAX = 10_000
KEEP_MS = IDEMPOTENCY_HOURS * 3_600_000
SWEEP_MS = 60_000

Key = tuple[int, str]
"""(project number, idempotency key)."""


def fingerprint(method: str, params: msgspec.Struct) -> int:
    """Tells a request from another one: 63 bits, so that it fits every database's integer."""
    digest = blake2b(msgspec.json.encode(params), digest_size=8, key=method.encode()).digest()
    return int.from_bytes(digest) >> 1


class Replies:
    """The memory of idempotency keys."""

    def __init__(self) -> None:
        self._records: OrderedDict[Key, ReplyRecord] = OrderedDict()
        self._with_reply: OrderedDict[Key, None] = OrderedDict()
        self._swept_ms = 0

    def __len__(self) -> int:
        return len(self._records)

    def load(self, records: Iterable[ReplyRecord]) -> None:
        """Start from what the store has, oldest first."""
        self._records = OrderedDict(((record.project, record.key), record) for record in records)
        self._with_reply.clear()

    def find(self, key: Key, request: int, now_ms: int) -> bytes | None:
        """The reply that the same request got before; None if the key is new or too old.

        `fetch_needed` must have been asked, and followed, before.

        Raises:
            IdempotencyConflict: the key was used for another request.
        """
        record = self._records.get(key)
        if record is None or record.at_ms < now_ms - KEEP_MS:
            return None
        if record.fingerprint != request:
            raise IdempotencyConflict(
                f"The idempotency key `{key[1]}` was used for another request within the last "
                f"{IDEMPOTENCY_HOURS} hours. Use a new key for every new request.",
                idempotencyKey=key[1],
            )
        assert record.reply is not None, "the reply was fetched before it is looked for"
        return record.reply

    def fetch_needed(self, keys: Iterable[Key]) -> list[Key]:
        """Those keys whose reply only the store has."""
        records = self._records
        return [key for key in keys if (known := records.get(key)) and known.reply is None]

    def fetched(self, records: Iterable[ReplyRecord]) -> None:
        """Take in what was fetched from the store."""
        for record in records:
            self._put(record)

    def add(self, record: ReplyRecord) -> None:
        """Remember a new reply."""
        self._put(record)

    def remove(self, record: ReplyRecord) -> None:
        """Forget a reply whose commit failed."""
        key = (record.project, record.key)
        del self._records[key]
        self._with_reply.pop(key, None)

    def sweep(self, now_ms: int) -> int | None:
        """Forget what is too old, at most once a minute.

        Returns the time before which the store can forget too, or None if nothing was due.
        """
        if 0 <= now_ms - self._swept_ms < SWEEP_MS:
            return None
        self._swept_ms = now_ms
        limit = now_ms - KEEP_MS
        found = False
        while self._records:
            key, record = next(iter(self._records.items()))
            if record.at_ms >= limit:
                break
            del self._records[key]
            self._with_reply.pop(key, None)
            found = True
        return limit if found else None

    def _put(self, record: ReplyRecord) -> None:
        key = (record.project, record.key)
        self._records[key] = record
        self._with_reply[key] = None
        while len(self._with_reply) > REPLIES_IN_MEMORY_MAX:
            oldest, _ = self._with_reply.popitem(last=False)
            self._records[oldest] = msgspec.structs.replace(self._records[oldest], reply=None)
