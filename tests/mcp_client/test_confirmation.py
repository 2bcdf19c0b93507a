"""Saying it twice: a token is good for one call, for a while, once."""

import pytest
import trio.testing

from mcp_client.confirmation import VALID_SECONDS, Confirmations


@pytest.fixture
def confirmations() -> Confirmations:
    return Confirmations()


async def test_a_token_is_good_for_its_call_only(confirmations: Confirmations) -> None:
    token = confirmations.ask(b"clean")
    assert confirmations.accepts(b"clean", token)
    assert not confirmations.accepts(b"other", token)
    assert not confirmations.accepts(b"clean", "made-up")
    assert not confirmations.accepts(b"clean", None)


async def test_a_token_expires(
    confirmations: Confirmations, autojump_clock: trio.testing.MockClock
) -> None:
    token = confirmations.ask(b"clean")
    autojump_clock.jump(VALID_SECONDS)
    assert confirmations.accepts(b"clean", token)
    autojump_clock.jump(1)
    assert not confirmations.accepts(b"clean", token)


async def test_a_token_is_spent_once_its_call_was_answered(confirmations: Confirmations) -> None:
    token = confirmations.ask(b"clean")
    confirmations.done(b"clean")
    assert not confirmations.accepts(b"clean", token)


async def test_only_the_newest_token_counts(confirmations: Confirmations) -> None:
    old, new = confirmations.ask(b"clean"), confirmations.ask(b"clean")
    assert not confirmations.accepts(b"clean", old)
    assert confirmations.accepts(b"clean", new)
