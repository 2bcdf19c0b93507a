"""One client's side of the server, without a transport: bounds, order and assembly."""

from typing import Any

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from protocol.dispatch import Dispatcher
from protocol.errors import ERRORS, TaskNotFound
from protocol.limits import (
    BATCH_ENTRIES_MAX,
    BATCH_REPLY_BYTES_MAX,
    OUTBOX_BYTES_MAX,
    OUTBOX_EVENTS_MAX,
    REPLIES_BYTES_MAX,
    REQUESTS_IN_FLIGHT_MAX,
)
from protocol.methods import Role
from protocol.session import CutOff, Session
from tests.protocol.peers import METHODS, Desk, request, take

NOISE = msgspec.Raw(b'{"n":1}')
A_LARGE_TEXT = "x" * 500_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def session(desk: Desk) -> Session:
    return Session(Dispatcher(desk, METHODS), "default")


async def receive(session: Session, *frames: str) -> None:
    with trio.fail_after(5):
        for frame in frames:
            await session.receive(frame)


async def nothing_to_send(session: Session) -> bool:
    with trio.move_on_after(0) as scope:
        await session.next_frames()
    return scope.cancelled_caught


async def cut_off_of(session: Session) -> CutOff:
    with pytest.raises(CutOff) as end:
        await take(session)
    return end.value


def batch(*entries: str) -> str:
    return f"[{','.join(entries)}]"


def fill_in_flight(count: int = REQUESTS_IN_FLIGHT_MAX) -> list[str]:
    return [request("hold", n, key=str(n)) for n in range(count)]


# --- answers ----------------------------------------------------------------------------------


async def test_a_request_is_answered_with_its_own_id(session: Session) -> None:
    await receive(session, request("echo", "seven", text="hello"))
    assert await take(session) == [{"jsonrpc": "2.0", "result": {"text": "hello"}, "id": "seven"}]


async def test_a_refusal_carries_code_reason_and_data(session: Session, desk: Desk) -> None:
    await receive(session, request("hold", 1, key="a"))
    desk.release("a", TaskNotFound("There is no task `a`.", taskId="a"))
    assert await take(session) == [
        {
            "jsonrpc": "2.0",
            "error": {
                "code": TaskNotFound.code,
                "message": "There is no task `a`.",
                "data": {"reason": "task_not_found", "taskId": "a"},
            },
            "id": 1,
        }
    ]


async def test_a_notification_is_carried_out_and_not_answered(session: Session, desk: Desk) -> None:
    await receive(session, request("echo"), request("break"), request("no_such_method"))
    assert [call.method.name for call in desk.calls] == ["echo", "break"]
    assert await nothing_to_send(session)


async def test_an_answer_given_later_arrives_later(session: Session, desk: Desk) -> None:
    await receive(session, request("hold", 1, key="a"), request("echo", 2))
    assert [frame["id"] for frame in await take(session)] == [2]
    desk.release("a")
    assert [frame["id"] for frame in await take(session)] == [1]


async def test_whoever_waits_for_frames_gets_them_when_they_come(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    taken: list[Any] = []

    async def taker() -> None:
        taken.extend(await take(session))

    nursery.start_soon(taker)
    await wait_all_tasks_blocked()
    assert taken == []
    await receive(session, request("hold", 1, key="a"))
    desk.release("a")
    await wait_all_tasks_blocked()
    assert [frame["id"] for frame in taken] == [1]


async def test_cancelling_a_wait_for_frames_loses_none(session: Session) -> None:
    assert await nothing_to_send(session)
    await receive(session, request("echo", 1))
    assert [frame["id"] for frame in await take(session)] == [1]


async def test_replies_leave_before_notifications(session: Session) -> None:
    session.notify("noise", NOISE)
    await receive(session, request("echo", 1))
    frames = await take(session)
    assert [frame.get("method", frame.get("id")) for frame in frames] == [1, "noise"]
    assert frames[1] == {"jsonrpc": "2.0", "method": "noise", "params": {"n": 1}}


async def test_pipelined_requests_are_handed_on_in_the_order_they_came(
    session: Session, desk: Desk
) -> None:
    singles = [request("echo", n, text=str(n)) for n in range(50)]
    await receive(session, *singles[:25], batch(*singles[25:]))
    texts = [msgspec.structs.asdict(call.params)["text"] for call in desk.calls]
    assert texts == [str(n) for n in range(50)]


# --- batches ----------------------------------------------------------------------------------


async def test_a_batch_is_answered_at_once_when_its_last_answer_is_there(
    session: Session, desk: Desk
) -> None:
    frame = batch(
        request("hold", 1, key="a"),
        '{"foo": "boo"}',
        request("hold", 2, key="b"),
        request("hold", key="unanswered"),
        request("echo", 3),
    )
    await receive(session, frame)
    desk.release("b", "second")
    desk.release("unanswered")
    assert await nothing_to_send(session)
    desk.release("a", TaskNotFound("No."))
    [answers] = await take(session)
    by_id = {answer["id"]: answer for answer in answers}
    assert len(answers) == 4
    assert by_id[2]["result"] == {"text": "second"}
    assert by_id[1]["error"]["data"]["reason"] == "task_not_found"
    assert by_id[3]["result"] == {"text": ""}
    assert by_id[None]["error"]["data"]["reason"] == "invalid_request"
    assert await nothing_to_send(session)


async def test_a_batch_of_one_is_answered_by_a_list(session: Session) -> None:
    await receive(session, batch(request("echo", 1)))
    assert await take(session) == [[{"jsonrpc": "2.0", "result": {"text": ""}, "id": 1}]]


async def test_a_batch_of_notifications_is_not_answered(session: Session, desk: Desk) -> None:
    await receive(session, batch(request("echo"), request("echo")))
    assert len(desk.calls) == 2
    assert await nothing_to_send(session)


async def test_a_batch_that_is_too_long_is_refused_as_a_whole(session: Session, desk: Desk) -> None:
    entries = [request("echo", n) for n in range(BATCH_ENTRIES_MAX + 1)]
    await receive(session, batch(*entries))
    [answer] = await take(session)
    assert answer["id"] is None
    assert answer["error"]["data"] == {"reason": "invalid_request", "limit": BATCH_ENTRIES_MAX}
    assert desk.calls == []


async def test_a_batch_of_the_longest_kind_is_carried_out(session: Session) -> None:
    await receive(session, batch(*(request("echo", n) for n in range(BATCH_ENTRIES_MAX))))
    [answers] = await take(session)
    assert len(answers) == BATCH_ENTRIES_MAX


async def test_results_beyond_the_bound_of_a_batch_are_left_out_and_say_so(
    session: Session, desk: Desk
) -> None:
    fitting = BATCH_REPLY_BYTES_MAX // len(A_LARGE_TEXT) + 1
    keys = [str(n) for n in range(fitting + 5)]
    await receive(session, batch(*(request("hold", n, key=n) for n in keys)))
    for key in keys:
        desk.release(key, A_LARGE_TEXT)
    [answers] = await take(session)
    left_out = [answer for answer in answers if "error" in answer]
    assert len(answers) == len(keys)
    assert len(left_out) == 5
    assert {answer["error"]["data"]["reason"] for answer in left_out} == {"limit_exceeded"}
    assert "was carried out" in left_out[0]["error"]["message"]


async def test_a_long_batch_lets_others_have_their_turn(
    session: Session, nursery: trio.Nursery
) -> None:
    others: list[int] = []

    async def other() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            others.append(1)

    nursery.start_soon(other)
    await trio.lowlevel.checkpoint()
    before = len(others)
    await receive(session, batch(*(request("echo", n) for n in range(BATCH_ENTRIES_MAX))))
    assert len(others) - before >= 5
    nursery.cancel_scope.cancel()


# --- bounds -----------------------------------------------------------------------------------


async def test_no_more_requests_are_taken_while_too_many_are_unanswered(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    await receive(session, *fill_in_flight())
    nursery.start_soon(session.receive, request("echo", "one too many"))
    await wait_all_tasks_blocked()
    assert len(desk.calls) == REQUESTS_IN_FLIGHT_MAX

    desk.release("0")
    await wait_all_tasks_blocked()
    assert len(desk.calls) == REQUESTS_IN_FLIGHT_MAX, "answered, but the answer has not left"

    await take(session)
    assert await nothing_to_send(session)  # the transport is done with the frames it took
    await wait_all_tasks_blocked()
    assert len(desk.calls) == REQUESTS_IN_FLIGHT_MAX + 1


async def test_garbage_counts_as_a_request_until_its_answer_has_left(
    session: Session, nursery: trio.Nursery
) -> None:
    await receive(session, *["garbage"] * REQUESTS_IN_FLIGHT_MAX)
    taken = trio.Event()

    async def one_more() -> None:
        await session.receive("garbage")
        taken.set()

    nursery.start_soon(one_more)
    await wait_all_tasks_blocked()
    assert not taken.is_set()
    assert len(await take(session)) == REQUESTS_IN_FLIGHT_MAX
    assert len(await take(session)) == 1
    await wait_all_tasks_blocked()
    assert taken.is_set()


async def test_notifications_make_room_as_soon_as_they_are_done(session: Session) -> None:
    frames = [request("echo"), batch(request("echo"), request("echo")), request("nothing_here")]
    await receive(session, *frames * REQUESTS_IN_FLIGHT_MAX)
    assert await nothing_to_send(session)


async def test_results_that_nobody_reads_are_left_out_beyond_a_bound(
    session: Session, desk: Desk
) -> None:
    large = "x" * (REPLIES_BYTES_MAX // 20)
    await receive(session, *fill_in_flight(30))
    for key in range(30):
        desk.release(str(key), large)
    answers = await take(session)
    left_out = [answer for answer in answers if "error" in answer]
    assert len(answers) == 30
    assert len(left_out) == 10
    assert {answer["error"]["data"]["reason"] for answer in left_out} == {"limit_exceeded"}
    assert "was carried out" in left_out[0]["error"]["message"]

    assert await nothing_to_send(session)  # what was taken has left
    await receive(session, request("hold", "next", key="next"))
    desk.release("next", large)
    assert "result" in (await take(session))[0]


async def test_unfinished_batches_count_among_what_nobody_reads(
    session: Session, desk: Desk
) -> None:
    large = "x" * (REPLIES_BYTES_MAX // 20)
    for n in range(30):
        await receive(session, batch(request("hold", n, key=str(n)), request("hold", 0, key="b")))
        desk.release(str(n), large)
    await receive(session, request("hold", "one", key="one"))
    desk.release("one")
    [answer] = await take(session)
    assert answer["error"]["data"]["reason"] == "limit_exceeded"


async def test_a_full_service_holds_up_its_caller_and_keeps_the_order(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    desk.shut()

    async def caller() -> None:
        await receive(session, *(request("echo", n, text=str(n)) for n in range(3)))

    nursery.start_soon(caller)
    await wait_all_tasks_blocked()
    assert desk.calls == []
    desk.reopen()
    await wait_all_tasks_blocked()
    assert [frame["id"] for frame in await take(session)] == [0, 1, 2]


async def test_too_many_notifications_cut_the_client_off(session: Session) -> None:
    for _ in range(OUTBOX_EVENTS_MAX):
        assert session.notify("noise", NOISE)
    assert not session.notify("noise", NOISE)
    end = await cut_off_of(session)
    assert end.code == 1013
    assert "`since`" in end.reason


async def test_too_many_bytes_of_notifications_cut_the_client_off(session: Session) -> None:
    large = msgspec.Raw(msgspec.json.encode({"text": "x" * (OUTBOX_BYTES_MAX // 2)}))
    assert session.notify("noise", large)
    assert not session.notify("noise", large)
    assert (await cut_off_of(session)).code == 1013


async def test_a_single_notification_may_be_larger_than_the_outbox(session: Session) -> None:
    assert session.notify("noise", msgspec.Raw(b'"%b"' % (b"x" * OUTBOX_BYTES_MAX)))
    assert len(await take(session)) == 1


async def test_frames_that_were_taken_no_longer_count(session: Session) -> None:
    for _ in range(3):
        for _ in range(OUTBOX_EVENTS_MAX):
            assert session.notify("noise", NOISE)
        assert len(await take(session)) == OUTBOX_EVENTS_MAX


async def test_a_cut_off_client_still_gets_the_replies_that_wait_for_it(session: Session) -> None:
    session.notify("noise", NOISE)
    await receive(session, request("echo", 1))
    session.cut_off(1001, "the end")
    assert [frame["id"] for frame in await take(session)] == [1]
    end = await cut_off_of(session)
    assert (end.code, end.reason) == (1001, "the end")


async def test_the_first_reason_to_cut_off_counts(session: Session) -> None:
    session.cut_off(1003, "first")
    session.cut_off(1001, "second")
    assert (await cut_off_of(session)).reason == "first"


async def test_every_waiting_replay_goes_on_once_the_outbox_is_drained(
    session: Session, nursery: trio.Nursery
) -> None:
    session.notify("noise", msgspec.Raw(b'"%b"' % (b"x" * OUTBOX_BYTES_MAX)))
    went_on: list[str] = []

    async def replay(name: str) -> None:
        await session.drained()
        went_on.append(name)

    nursery.start_soon(replay, "first")
    nursery.start_soon(replay, "second")
    await wait_all_tasks_blocked()
    assert went_on == []
    await take(session)
    await wait_all_tasks_blocked()
    assert sorted(went_on) == ["first", "second"]
    nursery.cancel_scope.cancel()


async def test_an_outbox_that_is_nearly_empty_holds_nobody_up(session: Session) -> None:
    session.notify("noise", NOISE)
    with trio.fail_after(1):
        await session.drained()


# --- the end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "cut_off"])
async def test_the_end_of_a_session_frees_everybody_who_waits_for_it(
    session: Session, nursery: trio.Nursery, desk: Desk, end: str
) -> None:
    await receive(session, *fill_in_flight())
    session.notify("noise", msgspec.Raw(b'"%b"' % (b"x" * OUTBOX_BYTES_MAX)))
    freed: list[str] = []

    async def reader() -> None:
        await session.receive(request("echo", "late"))
        freed.append("reader")

    async def replay() -> None:
        await session.drained()
        freed.append("replay")

    nursery.start_soon(reader)
    nursery.start_soon(replay)
    await wait_all_tasks_blocked()
    assert freed == []
    if end == "close":
        session.close()
    else:
        session.cut_off(1013, "the end")
    await wait_all_tasks_blocked()
    assert sorted(freed) == ["reader", "replay"]
    assert len(desk.calls) == REQUESTS_IN_FLIGHT_MAX, "nothing is carried out after the end"


async def test_nothing_is_taken_in_after_the_end(session: Session, desk: Desk) -> None:
    session.cut_off(1003, "binary")
    await receive(session, request("echo", 1), batch(request("echo", 2)))
    assert desk.calls == []


async def test_the_rest_of_a_batch_is_not_begun_after_the_end(
    session: Session, desk: Desk, nursery: trio.Nursery
) -> None:
    desk.shut()
    nursery.start_soon(session.receive, batch(*(request("echo", n) for n in range(3))))
    await wait_all_tasks_blocked()
    session.close()
    desk.reopen()
    await wait_all_tasks_blocked()
    assert len(desk.calls) == 1


async def test_on_close_is_called_once(session: Session) -> None:
    called: list[str] = []
    session.on_close(lambda: called.append("before"))
    session.cut_off(1013, "slow")
    session.close()
    session.close()
    assert called == ["before"]
    session.on_close(lambda: called.append("after"))
    assert called == ["before", "after"]


async def test_a_closed_session_sends_nothing_and_says_so(session: Session, desk: Desk) -> None:
    await receive(session, request("hold", 1, key="a"))
    session.close()
    assert session.closed
    assert not session.notify("noise", NOISE)
    desk.release("a")
    assert await nothing_to_send(session)


# --- who it is --------------------------------------------------------------------------------


async def test_a_client_says_who_it_is_and_stays_it(session: Session) -> None:
    first = session.session_id
    await receive(session, request("identify", 1, name="ann"))
    await receive(session, request("identify", 2, sessionId="s-1"))
    answers = [frame["result"] for frame in await take(session)]
    assert answers == [
        {"sessionId": first, "project": "default", "name": "ann"},
        {"sessionId": "s-1", "project": "default", "name": "ann"},
    ]
    assert (session.name, session.session_id) == ("ann", "s-1")


async def test_sessions_are_told_apart(desk: Desk) -> None:
    dispatcher = Dispatcher(desk, METHODS)
    ids = {Session(dispatcher, "default").session_id for _ in range(100)}
    assert len(ids) == 100


async def test_a_role_too_low_is_refused_before_the_service_hears_of_it(desk: Desk) -> None:
    session = Session(Dispatcher(desk, METHODS), "default", Role.WORKER)
    await receive(session, request("govern", 1), request("echo", 2))
    refused, answered = await take(session)
    assert refused["error"]["code"] == ERRORS["forbidden"].code
    assert refused["error"]["data"] == {"reason": "forbidden", "role": "admin"}
    assert answered["result"] == {"text": ""}
    assert len(desk.calls) == 1
