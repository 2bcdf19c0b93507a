"""What every store must do about events that are removed.

Owns the part of the one suite that is about retention; `tests.actor.store.contract` has the rest.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio

from actor.store.base import Batch, Store
from tests.actor.store.contract import event, project, seqs, task


class RetentionContract(ABC):
    """The suite. A subclass is named `Test...`, or pytest would not find it."""

    @abstractmethod
    async def make(self, folder: Path) -> Store:
        """An empty store, which may keep its files in `folder`."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncGenerator[Store]:
        """A store with ten events in each of two projects; those of project 1 are about a, b,
        nobody, a, b, nobody ..."""
        store = await self.make(tmp_path)
        events = [event(seq, task_id=("a", "b", None)[(seq - 1) % 3]) for seq in range(1, 11)]
        events += [event(seq, project=2, task_id="a") for seq in range(1, 11)]
        with trio.fail_after(60):
            await store.append(Batch(projects=[project(), project(2, "other")], events=events))
            yield store
        await store.close()

    async def test_exactly_the_named_events_are_removed(self, store: Store) -> None:
        await store.append(Batch(forget_events=[(1, 1), (1, 2), (1, 5), (2, 10), (3, 1), (1, 99)]))
        assert await seqs(store) == [3, 4, 6, 7, 8, 9, 10]
        assert await seqs(store, project=2) == list(range(1, 10))

    async def test_removed_events_leave_every_way_of_reading(self, store: Store) -> None:
        await store.append(Batch(forget_events=[(1, 1), (1, 5)]))
        assert await seqs(store, task_id="a") == [4, 7, 10]
        assert await seqs(store, task_ids=("a", "b")) == [2, 4, 7, 8, 10]
        assert await seqs(store, since=3, limit=2) == [4, 6]

    async def test_a_number_stays_used_when_its_event_is_removed(self, store: Store) -> None:
        everything = [(number, seq) for number in (1, 2) for seq in range(1, 11)]
        await store.append(Batch(forget_events=everything))
        assert await seqs(store) == []
        assert (await store.load()).last_seq == {1: 10, 2: 10}
        await store.append(Batch(events=[event(11)]))
        assert await seqs(store) == [11]
        assert (await store.load()).last_seq == {1: 11, 2: 10}

    async def test_what_tells_of_the_removal_is_written_with_it(self, store: Store) -> None:
        pruned = project()
        await store.append(
            Batch(
                projects=[pruned],
                tasks=[task(1)],
                tasks_removed=[7],
                forget_events=[(1, 1), (1, 10)],
                events=[event(11, "tasks_pruned")],
            )
        )
        assert await seqs(store) == [*range(2, 10), 11]
        loaded = await store.load()
        assert (loaded.tasks, loaded.last_number) == ([task(1)], 7)

    async def test_forgetting_alone_is_something_to_write(self, store: Store) -> None:
        assert Batch(forget_events=[(1, 1)])
        await store.append(Batch(forget_events=[(1, seq) for seq in range(1, 11)]))
        assert await seqs(store) == []

    # --- the events of many tasks -------------------------------------------------------------

    async def test_the_events_of_many_tasks_come_in_order(self, store: Store) -> None:
        assert await seqs(store, task_ids=("b", "a", "unknown")) == [1, 2, 4, 5, 7, 8, 10]
        assert await seqs(store, task_ids=("b", "a"), since=2, limit=3) == [4, 5, 7]
        assert await seqs(store, task_ids=("unknown",)) == []
        assert await seqs(store, project=2, task_ids=("a", "b"), until=3) == [1, 2, 3]

    async def test_a_thousand_tasks_can_be_asked_for_at_once(self, store: Store) -> None:
        ids = tuple(f'"{number}"' for number in range(1_000))
        events = [event(seq, task_id=ids[(seq * 7) % 1_000]) for seq in range(11, 3_011)]
        await store.append(Batch(events=events))
        assert await seqs(store, task_ids=ids, limit=5_000) == list(range(11, 3_011))
