"""Calls that nobody wants any more: `$/cancelRequest`, and the end of a connection."""

from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from protocol.dispatch import Dispatcher
from protocol.errors import TaskNotFound
from protocol.limits import BATCH_ENTRIES_MAX, REQUEST_ID_BYTES_MAX
from protocol.methods import Role
from protocol.service import Call
from protocol.session import Session
from tests.protocol.peers import METHODS, Desk, Hold, request, take

CANCEL = "$/cancelRequest"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.waiting = True
    return desk


@pytest.fixture
def session(desk: Desk) -> Session:
    return Session(Dispatcher(desk, METHODS), "default")


async def receive(session: Session, *frames: str) -> None:
    with trio.fail_after(5):
        for frame in frames:
            await session.receive(frame)


def batch(*entries: str) -> str:
    return f"[{','.join(entries)}]"


def entry(method: str, id_: str | None, params: str) -> str:
    """A request with an id and params that are written out as JSON."""
    given = "" if id_ is None else f'"id": {id_}, '
    return f'{{"jsonrpc": "2.0", {given}"method": "{method}", "params": {params}}}'


async def nothing_to_send(session: Session) -> bool:
    with trio.move_on_after(0) as scope:
        await session.next_frames()
    return scope.cancelled_caught


async def reasons(session: Session) -> dict[Any, str]:
    """Of the refusals that wait for the client, by id; `ok` for a result."""
    return {answer["id"]: reason_of(answer) for answer in await take(session)}


def reason_of(answer: Any) -> str:
    return str(answer["error"]["data"]["reason"]) if "error" in answer else "ok"


def remembered(session: Session) -> int:
    """How many calls the session still knows."""
    return len(session._unanswered)  # pyright: ignore[reportPrivateUsage] -- nobody else needs it


def keys(calls: list[Call]) -> list[str]:
    return [call.params.key for call in calls if isinstance(call.params, Hold)]


# --- by id ------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", ['{"id": 1}', "[1]"], ids=["by name", "by position"])
async def test_a_waiting_call_is_answered_that_it_was_cancelled(
    session: Session, desk: Desk, params: str
) -> None:
    await receive(session, request("hold", 1, key="a"), request("hold", 2, key="b"))
    await receive(session, entry(CANCEL, None, params))
    assert await reasons(session) == {1: "request_cancelled"}
    assert desk.calls[0].withdrawn
    assert not desk.calls[1].withdrawn
    desk.release("b")
    assert await reasons(session) == {2: "ok"}
    assert remembered(session) == 0


async def test_sent_as_a_request_it_says_whether_there_was_something_to_cancel(
    session: Session,
) -> None:
    await receive(session, request("hold", 1, key="a"))
    for number, id_ in enumerate((1, 1, "1", "never sent", None), 100):
        await receive(session, entry(CANCEL, str(number), msgspec.json.encode([id_]).decode()))
    cancelled, *answers = await take(session)
    assert reason_of(cancelled) == "request_cancelled"
    assert [(answer["id"], answer["result"]) for answer in answers] == [
        (100, {"cancelled": True}),
        (101, {"cancelled": False}),
        (102, {"cancelled": False}),
        (103, {"cancelled": False}),
        (104, {"cancelled": False}),
    ]
    assert remembered(session) == 0


IDS = [
    "1",
    '"1"',
    '""',
    "null",
    "0",
    "-3",
    "1.5",
    "1E3",
    "1" * 200,
    '"\\u00fc\\n"',
    '"' + "x" * (REQUEST_ID_BYTES_MAX - 2) + '"',
]


@pytest.mark.parametrize("id_", IDS)
async def test_an_id_of_any_kind_names_its_own_call_and_no_other(
    session: Session, desk: Desk, id_: str
) -> None:
    for number, other in enumerate(IDS):
        await receive(session, entry("hold", other, f'{{"key": "{number}"}}'))
    await receive(session, entry(CANCEL, None, f'{{ "id" : {id_} }}'))
    assert keys(desk.withdrawn) == [str(IDS.index(id_))]
    [answer] = await take(session)
    assert answer["id"] == msgspec.json.decode(id_)
    assert remembered(session) == len(IDS) - 1


@pytest.mark.parametrize(
    "params",
    [
        "{}",
        "[]",
        "[1, 2]",
        '{"id": {}}',
        '{"id": [1]}',
        '{"id": true}',
        '{"id": 1, "reason": "tired"}',
        f'{{"id": "{"x" * REQUEST_ID_BYTES_MAX}"}}',
    ],
    ids=lambda params: params[:30],
)
async def test_what_names_no_id_is_refused_or_ignored(
    session: Session, desk: Desk, params: str
) -> None:
    await receive(session, request("hold", 1, key="a"), entry(CANCEL, None, params))
    assert await nothing_to_send(session)
    await receive(session, entry(CANCEL, "2", params))
    [refusal] = await take(session)
    assert (refusal["id"], reason_of(refusal)) == (2, "invalid_params")
    assert refusal["error"]["message"].startswith(f"`{CANCEL}`")
    assert refusal["error"]["data"]["field"] == "id"
    assert desk.withdrawn == []


async def test_whoever_may_only_look_may_cancel_too(desk: Desk) -> None:
    session = Session(Dispatcher(desk, METHODS), "default", Role.VIEWER)
    await receive(session, entry(CANCEL, "1", '{"id": 7}'))
    assert (await take(session))[0]["result"] == {"cancelled": False}


async def test_a_call_that_is_being_carried_out_is_carried_out(
    session: Session, desk: Desk
) -> None:
    desk.waiting = False
    await receive(session, request("hold", 1, key="a"))
    await receive(session, request(CANCEL, id=1), request(CANCEL, id=1))
    assert await nothing_to_send(session)
    assert keys(desk.withdrawn) == ["a"], "told once, however often it is cancelled"
    desk.release("a")
    assert await reasons(session) == {1: "ok"}
    assert remembered(session) == 0


async def test_an_id_may_be_used_again_once_it_is_answered(session: Session, desk: Desk) -> None:
    for key in ("a", "b"):
        await receive(session, request("hold", 1, key=key), request(CANCEL, id=1))
        assert await reasons(session) == {1: "request_cancelled"}
    assert keys(desk.withdrawn) == ["a", "b"]


async def test_an_id_in_use_means_its_first_call(session: Session, desk: Desk) -> None:
    await receive(session, *(request("hold", 1, key=key) for key in "abc"))
    desk.release("c")
    await receive(session, request(CANCEL, id=1))
    assert keys(desk.withdrawn) == ["a"]
    desk.release("b")
    assert [reason_of(answer) for answer in await take(session)] == [
        "ok",
        "request_cancelled",
        "ok",
    ]
    assert remembered(session) == 0


async def test_a_waiting_notification_has_no_id_to_be_cancelled_by(
    session: Session, desk: Desk
) -> None:
    await receive(session, request("hold", key="a"), entry(CANCEL, "1", '{"id": null}'))
    assert (await take(session))[0]["result"] == {"cancelled": False}
    desk.release("a")
    assert remembered(session) == 0


async def test_pipelined_requests_keep_their_order_around_cancellations(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    desk.shut()
    frames: list[str] = []
    for number in range(50):
        frames += [request("hold", number, key=str(number)), request(CANCEL, id=number)]

    async def client() -> None:
        await receive(session, *frames[:50], batch(*frames[50:]))

    nursery.start_soon(client)
    await wait_all_tasks_blocked()
    desk.reopen()
    await wait_all_tasks_blocked()
    in_order = [str(number) for number in range(50)]
    assert keys(desk.calls) == in_order
    assert keys(desk.withdrawn) == in_order


# --- in a batch -------------------------------------------------------------------------------


async def test_a_batch_is_answered_whole_once_the_wait_in_it_ends(
    session: Session, desk: Desk
) -> None:
    await receive(session, batch(request("hold", 1, key="a"), request("echo", 2)))
    assert await nothing_to_send(session)
    await receive(session, request(CANCEL, id=1))
    [answers] = await take(session)
    assert {answer["id"]: reason_of(answer) for answer in answers} == {
        1: "request_cancelled",
        2: "ok",
    }
    assert desk.held == {}


async def test_a_batch_may_cancel_what_it_began(session: Session) -> None:
    entries = [request("hold", 1, key="a"), request(CANCEL, id=1), request(CANCEL, 2, id=1)]
    await receive(session, batch(*entries))
    [answers] = await take(session)
    assert {answer["id"]: reason_of(answer) for answer in answers} == {
        1: "request_cancelled",
        2: "ok",
    }
    assert remembered(session) == 0


async def test_a_batch_of_cancellations_empties_a_batch_of_waits(session: Session) -> None:
    ids = range(BATCH_ENTRIES_MAX)
    await receive(session, batch(*(request("hold", n, key=str(n)) for n in ids)))
    assert remembered(session) == BATCH_ENTRIES_MAX
    await receive(session, batch(*(request(CANCEL, id=n) for n in ids)))
    [answers] = await take(session)
    assert {reason_of(answer) for answer in answers} == {"request_cancelled"}
    assert remembered(session) == 0


# --- the end of a session ---------------------------------------------------------------------


@pytest.mark.parametrize("ends", [("close",), ("cut_off",), ("cut_off", "close", "close")])
async def test_the_end_of_a_session_withdraws_every_call_once(
    session: Session, desk: Desk, ends: tuple[str, ...]
) -> None:
    desk.waiting = False
    await receive(
        session,
        request("hold", 1, key="a"),
        request("hold", 1, key="of the same id"),
        request("hold", key="notification"),
        batch(request("hold", "x", key="in a batch"), request("echo", 2)),
    )
    for end in ends:
        if end == "close":
            session.close()
        else:
            session.cut_off(1013, "the end")
    assert keys(desk.withdrawn) == ["a", "of the same id", "notification", "in a batch"]
    assert all(call.withdrawn == (call.method.name == "hold") for call in desk.calls)


async def test_waits_end_with_their_session(session: Session, desk: Desk) -> None:
    await receive(session, *(request("hold", n, key=str(n)) for n in range(100)))
    session.close()
    assert desk.held == {}
    assert remembered(session) == 0
    assert await nothing_to_send(session)


async def test_a_call_that_a_full_service_has_not_accepted_is_withdrawn_too(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    desk.shut()
    nursery.start_soon(session.receive, request("hold", 1, key="late"))
    await wait_all_tasks_blocked()
    session.cut_off(1001, "the server is stopping")
    desk.reopen()
    await wait_all_tasks_blocked()
    assert [call.withdrawn for call in desk.calls] == [True], "the service sees it in time"


# --- nothing stays ----------------------------------------------------------------------------


async def test_nothing_is_remembered_of_what_was_answered(desk: Desk) -> None:
    session = Session(Dispatcher(desk, METHODS), "default", Role.WORKER)
    await receive(
        session,
        request("echo", 1),
        request("echo"),
        request("no_such_method", 2),
        request("hold", 3),
        request("govern", 4),
        request("break", 5),
        request("identify", 6, name="me"),
        request("hold", 7, key="a"),
        "garbage",
        batch(request("echo", 8), "1", request("echo", 8), request(CANCEL, 9, id=9)),
    )
    assert remembered(session) == 1
    desk.release("a", TaskNotFound("No."))
    assert remembered(session) == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "release", "cancel", "notify"]),
        st.sampled_from([1, "1", 2, None]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(steps=STEPS, waiting=st.booleans())
def test_whatever_happens_each_request_is_answered_once_and_nothing_stays(
    steps: list[tuple[str, Any, int]], waiting: bool
) -> None:
    async def run() -> None:
        desk = Desk()
        desk.waiting = waiting
        session = Session(Dispatcher(desk, METHODS), "default")
        sent: list[Any] = []
        for number, (step, id_, which) in enumerate(steps):
            written = msgspec.json.encode(id_).decode()
            match step:
                case "hold":
                    sent.append(id_)
                    await receive(session, entry("hold", written, f'{{"key": "{number}"}}'))
                case "notify":
                    await receive(session, request("hold", key=str(number)))
                case "cancel":
                    await receive(session, entry(CANCEL, None, f"[{written}]"))
                case _ if desk.held:
                    desk.release(list(desk.held)[which % len(desk.held)])
                case _:
                    pass
            assert remembered(session) == len(desk.held)
        while desk.held:
            desk.release(next(iter(desk.held)))
        answers = await take(session) if sent else []
        assert sorted(map(repr, sent)) == sorted(repr(answer["id"]) for answer in answers)
        assert remembered(session) == 0

    trio.run(run)
