"""Changes at a steady rate, for whoever looks on: `python -m benchmarks.storm URL RATE SECONDS`.

Owns the pace: each event has its moment, and a storm that cannot keep up says so in what it
prints. Workers add tasks, claim them, say how far they are and report them done; each of these is
one event. Runs in a process of its own, so that nobody who measures shares its time.
"""

import json
import sys

import trio

from protocol.client import Client, connect

__all__ = ["WORKERS"]

WORKERS = 8
EVENTS_PER_TASK = 4


class _Pace:
    """Moments, each for one event: whoever waits gets the next one."""

    def __init__(self, rate: float, seconds: float) -> None:
        self._step = 1 / rate
        self._tasks = round(rate * seconds / EVENTS_PER_TASK)
        self._next = trio.current_time()
        self.late_seconds = 0.0
        """How far behind its moment an event was sent, at worst."""

    def takes_another(self) -> bool:
        """Whether another task is to be done."""
        self._tasks -= 1
        return self._tasks >= 0

    async def moment(self) -> None:
        """Wait for the next one."""
        moment, self._next = self._next, self._next + self._step
        await trio.sleep_until(moment)
        self.late_seconds = max(self.late_seconds, trio.current_time() - moment)


async def _worker(client: Client, name: str, pace: _Pace) -> None:
    slot = (await client.claim_worker_slot(worker_id=name, lease_seconds=600)).slot
    while pace.takes_another():
        await _task(client, name, slot, pace)


async def _task(client: Client, name: str, slot: int, pace: _Pace) -> None:
    """A task's life, of `EVENTS_PER_TASK` events."""
    await pace.moment()
    task_id = (await client.add_task(description=f"What {name} has to do", tags=["storm"])).task.id
    await pace.moment()
    claim = await client.claim_task(task_id=task_id, worker_id=name, worker_slot=slot)
    token = claim.claim_token
    await pace.moment()
    await client.report_progress(task_id=task_id, worker_id=name, claim_token=token, progress=0.5)
    await pace.moment()
    await client.update_task(task_id=task_id, status="done", worker_id=name, claim_token=token)


async def _main(url: str, rate: float, seconds: float) -> None:
    async with connect(url, name="storm") as client:
        before = (await client.get_snapshot(limit=0)).seq
        begin = trio.current_time()
        pace = _Pace(rate, seconds)
        async with trio.open_nursery() as nursery:
            for number in range(1, WORKERS + 1):
                nursery.start_soon(_worker, client, f"worker-{number}", pace)
        took = trio.current_time() - begin
        seq = (await client.get_snapshot(limit=0)).seq
    said = {"events": seq - before, "seconds": took, "lateSeconds": pace.late_seconds, "seq": seq}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    trio.run(_main, sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
