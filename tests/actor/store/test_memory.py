"""The memory store keeps the contract, and can be made to fail by subclassing."""

from pathlib import Path

import pytest
import trio

from actor.store.base import Batch, Store, StoreUnavailable
from actor.store.memory import MemoryStore
from tests.actor.store.contract import StoreContract, project


class TestMemoryStore(StoreContract):
    async def make(self, folder: Path) -> Store:  # noqa: ARG002 -- it has no files
        return MemoryStore()


async def test_append_is_a_checkpoint() -> None:
    store = MemoryStore()
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.append(Batch(projects=[project()]))
    assert scope.cancelled_caught
    assert (await store.load()).projects == []


async def test_there_is_nothing_to_back_up() -> None:
    assert await MemoryStore().backup("label") is None


async def test_a_subclass_can_fail_an_append() -> None:
    class FullStore(MemoryStore):
        async def append(self, batch: Batch) -> None:
            await trio.lowlevel.checkpoint()
            raise StoreUnavailable(f"no room for {len(batch.projects)}")

    store = FullStore()
    with pytest.raises(StoreUnavailable):
        await store.append(Batch(projects=[project()]))
    assert (await store.load()).projects == []
