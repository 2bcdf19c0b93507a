"""A process that appends until it is killed: `python -m tests.actor.store.child PATH`.

Prints the number of the last batch that was acknowledged: at once the one it found, then one line
after each append. Batch N holds task N, event N and reply N, and changes task 1.
"""

import sys

import trio

from actor.store.base import Batch
from actor.store.sqlite import open_sqlite
from tests.actor.store.contract import event, project, reply, task


async def main(path: str) -> None:
    store = await open_sqlite(path)
    number = (await store.load()).last_seq.get(1, 0)
    if number == 0:
        await store.append(Batch(projects=[project()]))
    print(number, flush=True)
    while True:
        number += 1
        tasks = [task(1, attempt=number)]
        if number > 1:
            tasks.append(task(number))
        await store.append(
            Batch(tasks=tasks, events=[event(number)], replies=[reply(f"key-{number}")])
        )
        print(number, flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
