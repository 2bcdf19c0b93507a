"""Idempotency keys: remembered for a day, within bounded memory."""

import msgspec
import pytest

from actor.records import ReplyRecord
from actor.replies import KEEP_MS, REPLIES_IN_MEMORY_MAX, Replies, fingerprint
from protocol.errors import IdempotencyConflict
from protocol.params import CancelTask, DeleteTask


def record(number: int, at_ms: int = 0) -> ReplyRecord:
    return ReplyRecord(project=1, key=f"k{number}", fingerprint=7, reply=b"{}", at_ms=at_ms)


def test_only_the_newest_replies_stay_in_memory_and_the_rest_is_fetched() -> None:
    replies = Replies()
    for number in range(REPLIES_IN_MEMORY_MAX + 1):
        replies.add(record(number))
    oldest, newest = (1, "k0"), (1, f"k{REPLIES_IN_MEMORY_MAX}")
    assert replies.fetch_needed([oldest, newest, (1, "unknown")]) == [oldest]
    replies.fetched([record(0)])
    assert replies.find(oldest, 7, 0) == b"{}"
    assert len(replies) == REPLIES_IN_MEMORY_MAX + 1


def test_a_key_counts_in_its_own_project_only() -> None:
    replies = Replies()
    replies.add(record(1))
    assert replies.find((2, "k1"), 7, 0) is None
    with pytest.raises(IdempotencyConflict):
        replies.find((1, "k1"), 8, 0)


def test_what_is_older_than_a_day_is_forgotten_once_a_minute() -> None:
    replies = Replies()
    replies.add(record(1, at_ms=1_000))
    replies.add(record(2, at_ms=9_000_000))
    assert replies.find((1, "k1"), 7, 1_001 + KEEP_MS) is None
    assert replies.sweep(1_001 + KEEP_MS) == 1_001
    assert len(replies) == 1
    assert replies.sweep(9_000_001 + KEEP_MS) == 9_000_001
    assert replies.sweep(9_000_002 + KEEP_MS) is None


def test_a_reply_whose_commit_failed_is_unknown_again() -> None:
    replies = Replies()
    replies.add(record(1))
    replies.remove(record(1))
    assert replies.find((1, "k1"), 7, 0) is None
    assert len(replies) == 0


def test_fingerprints_tell_methods_and_params_apart_and_fit_into_63_bits() -> None:
    prints = {
        fingerprint("cancel_task", CancelTask(task_id="a")),
        fingerprint("delete_task", DeleteTask(task_id="a")),
        fingerprint("cancel_task", CancelTask(task_id="b")),
    }
    assert len(prints) == 3
    assert all(0 <= number < 2**63 for number in prints)
    again = msgspec.convert({"taskId": "a"}, CancelTask)
    assert fingerprint("cancel_task", again) in prints
