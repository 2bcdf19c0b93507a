"""A replay of history, and what happens to the history meanwhile."""

import trio
import trio.testing

from actor.store.base import EventFilter
from actor.store.memory import MemoryStore
from actor.timestamps import to_text
from protocol.models import Event
from tests.actor.inside import inside


class Gated(MemoryStore):
    """Its first reading of events waits until it is let on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = trio.Event()
        self.go_on = trio.Event()

    async def read_events(self, wanted: EventFilter) -> list[Event]:
        if not self.asked.is_set():
            self.asked.set()
            await self.go_on.wait()
        return await super().read_events(wanted)


async def test_a_replay_that_a_prune_overtakes_is_cut_off_rather_than_given_a_hole() -> None:
    store = Gated()
    async with inside(store) as server:
        call, reader = server.client(), server.client()
        await call("add_task", id="a", description="x")
        await call("delete_task", taskId="a")
        await reader("subscribe", since=0)
        await store.asked.wait()
        server.pass_hours(1)
        tomorrow = to_text(1_800_000_000_000 + 1_800_000)
        pruned = await call("prune", eventsBefore=tomorrow)
        assert pruned["events"] == 2
        store.go_on.set()
        await trio.testing.wait_all_tasks_blocked()
        assert reader.cut_off is not None
        assert reader.cut_off.code == 1013
        assert reader.events == []
