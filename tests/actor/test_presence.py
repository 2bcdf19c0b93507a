"""Who is connected: a session is gone with its last connection, and that is said once."""

import pytest

from actor.presence import Presence, SessionKey
from protocol.dispatch import Dispatcher
from protocol.session import Session
from tests.protocol.peers import Desk

AGENT, OTHER = SessionKey("default", "agent"), SessionKey("default", "other")


@pytest.fixture
def gone() -> list[SessionKey]:
    return []


@pytest.fixture
def presence(gone: list[SessionKey]) -> Presence:
    return Presence(gone.append)


def connection(session: str = "agent", project: str = "default") -> Session:
    made = Session(Dispatcher(Desk()), project)
    made.rename(None, session)
    return made


def test_a_session_is_gone_with_its_last_connection(
    presence: Presence, gone: list[SessionKey]
) -> None:
    one, two = connection(), connection()
    for peer in (one, two, one, two):
        presence.note(peer)
    assert presence.sessions_of("default") == {"agent"}
    one.close()
    assert (presence.is_connected(AGENT), gone) == (True, [])
    two.close()
    assert (presence.is_connected(AGENT), gone) == (False, [AGENT])
    assert presence.sessions_of("default") == frozenset()


def test_a_session_that_comes_back_can_be_gone_again(
    presence: Presence, gone: list[SessionKey]
) -> None:
    for _ in range(2):
        peer = connection()
        presence.note(peer)
        assert presence.is_connected(AGENT)
        peer.close()
    assert gone == [AGENT, AGENT]


def test_a_connection_that_is_closed_already_is_gone_at_once(
    presence: Presence, gone: list[SessionKey]
) -> None:
    peer = connection()
    peer.close()
    presence.note(peer)
    assert (presence.is_connected(AGENT), gone) == (False, [AGENT])


def test_a_connection_that_says_who_it_is_later_leaves_its_first_session(
    presence: Presence, gone: list[SessionKey]
) -> None:
    peer = connection()
    presence.note(peer)
    peer.rename(None, "other")
    presence.note(peer)
    assert gone == [AGENT]
    assert presence.sessions_of("default") == {"other"}
    peer.close()
    assert gone == [AGENT, OTHER]


def test_the_same_session_in_two_projects_is_two(
    presence: Presence, gone: list[SessionKey]
) -> None:
    here, there = connection(), connection(project="elsewhere")
    presence.note(here)
    presence.note(there)
    here.close()
    assert gone == [AGENT]
    assert presence.sessions_of("elsewhere") == {"agent"}
