"""The mailbox: bounded, in order, in batches."""

import pytest
import trio
import trio.testing

from actor.mailbox import Mailbox, MailboxClosed


async def test_what_waits_is_taken_together_up_to_the_size_of_a_batch() -> None:
    mailbox = Mailbox[int](size=10, batch=3)
    for number in range(5):
        await mailbox.put(number)
    assert await mailbox.take() == [0, 1, 2]
    assert await mailbox.take() == [3, 4]


async def test_a_full_mailbox_makes_the_sender_wait_in_line() -> None:
    mailbox = Mailbox[int](size=2, batch=10)
    done: list[int] = []

    async def put(number: int) -> None:
        await mailbox.put(number)
        done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(put, number)
            await trio.testing.wait_all_tasks_blocked()
        assert (done, mailbox.waiting) == ([0, 1], 2)
        taken = await mailbox.take()
        taken += await mailbox.take() if len(taken) < 4 else []
    assert taken == [0, 1, 2, 3]


async def test_a_sender_that_gives_up_has_sent_nothing() -> None:
    mailbox = Mailbox[int](size=1)
    await mailbox.put(1)
    with trio.move_on_after(0):
        await mailbox.put(2)
    assert await mailbox.take() == [1]
    assert mailbox.waiting == 0


async def test_a_closed_mailbox_takes_nothing_in_and_gives_out_what_it_has() -> None:
    mailbox = Mailbox[int]()
    await mailbox.put(1)
    mailbox.close()
    with pytest.raises(MailboxClosed):
        await mailbox.put(2)
    assert await mailbox.take() == [1]
    with pytest.raises(MailboxClosed):
        await mailbox.take()
