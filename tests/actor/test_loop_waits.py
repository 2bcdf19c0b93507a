"""Waiting requests and the batch that they are decided in."""

import trio.testing

from tests.actor.inside import inside


async def test_a_task_of_the_same_batch_wakes_a_request_that_began_to_wait_in_it() -> None:
    """The wait is decided first, finds nothing, and the addition comes before it is in line."""
    async with inside() as server:
        worker, planner = server.client(), server.client()
        await worker("claim_worker_slot", workerId="w")
        wait = await worker.send("claim_next_task", workerId="w", waitSeconds=30)
        await planner.send("add_task", id="a", description="x")
        got = await worker.answer(wait)
        assert got["task"]["id"] == "a"
        server.check()


async def test_a_connection_that_waits_too_often_is_told_so() -> None:
    async with inside(slots=300) as server:
        client = server.client()
        for number in range(201):
            await client("claim_worker_slot", workerId=f"w{number}")
        waits = [
            await client.send("claim_next_task", workerId=f"w{number}", waitSeconds=30)
            for number in range(201)
        ]
        await trio.testing.wait_all_tasks_blocked()
        answered = [number for number, id_ in enumerate(waits) if client.answered(id_)]
        assert answered == [200], "all but one wait"
