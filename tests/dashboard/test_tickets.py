"""Tickets are good once, for a short time, and their number is bounded."""

import trio
from trio.testing import MockClock

from dashboard.tickets import TICKET_SECONDS, TICKETS_MAX, Tickets
from protocol.methods import Role


async def test_a_ticket_is_good_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue(Role.WORKER)
    assert tickets.redeem(ticket) is Role.WORKER
    assert tickets.redeem(ticket) is None


async def test_an_unknown_ticket_opens_nothing() -> None:
    tickets = Tickets()
    tickets.issue(Role.ADMIN)
    assert tickets.redeem("") is None
    assert tickets.redeem("guess") is None


async def test_a_ticket_lapses(autojump_clock: MockClock) -> None:
    del autojump_clock
    tickets = Tickets()
    early, late = tickets.issue(Role.ADMIN), tickets.issue(Role.ADMIN)
    await trio.sleep(TICKET_SECONDS - 0.001)
    assert tickets.redeem(early) is Role.ADMIN
    await trio.sleep(0.001)
    assert tickets.redeem(late) is None


async def test_no_two_tickets_are_alike_and_the_oldest_make_room() -> None:
    tickets = Tickets()
    issued = [tickets.issue(Role.ADMIN) for _ in range(TICKETS_MAX + 1)]
    assert len(set(issued)) == TICKETS_MAX + 1
    assert tickets.redeem(issued[0]) is None
    assert tickets.redeem(issued[1]) is Role.ADMIN
    assert tickets.redeem(issued[-1]) is Role.ADMIN
