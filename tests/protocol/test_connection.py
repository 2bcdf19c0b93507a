"""What clients may send and how they may vanish, over real sockets."""

import logging
from collections.abc import AsyncGenerator, Iterator

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked
from websockets.exceptions import ConnectionClosed

from protocol.connection import INBOX_FRAMES_MAX, PatientStream
from protocol.limits import FRAGMENTS_MAX, FRAME_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX
from tests.protocol.peers import (
    BINARY,
    CLOSE,
    CONT,
    MUCH,
    PATIENCE_SECONDS,
    PING,
    PONG,
    TEXT,
    Api,
    RawClient,
    ask,
    head,
    request,
    serving,
)


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    async with serving() as api:
        yield api


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client, however rude, makes the server log an error or a traceback."""
    yield
    assert [each for each in caplog.get_records("call") if each.levelno >= logging.WARNING] == []


# --- frames -----------------------------------------------------------------------------------


async def test_requests_are_answered_in_text_frames(api: Api) -> None:
    async with api.connect() as client:
        await client.send(request("echo", 1, text="grüß dich"))
        answer = await client.recv()
        assert isinstance(answer, str)
        assert msgspec.json.decode(answer)["result"] == {"text": "grüß dich"}


async def test_a_message_in_fragments_is_one_message(api: Api) -> None:
    async with api.connect() as client:
        frame = request("echo", 1, text="grüß dich").encode()
        await client.send((bytes([byte]) for byte in frame), text=True)
        assert msgspec.json.decode(await client.recv())["result"] == {"text": "grüß dich"}
        assert (await ask(client, "echo"))["result"] == {"text": ""}


async def test_control_frames_may_come_between_fragments(api: Api) -> None:
    client = await api.raw()
    whole = request("echo", 1).encode()
    await client.send_frame(TEXT, whole[:9], fin=False)
    await client.send_frame(PING, b"beat")
    assert (await client.frame()).opcode is PONG
    await client.send_frame(CONT, whole[9:])
    assert (await client.message())["id"] == 1


async def test_the_largest_frame_is_taken_and_a_larger_one_closes_with_1009(api: Api) -> None:
    frame = request("echo", 1)
    async with api.connect() as client:
        await client.send(frame + " " * (FRAME_BYTES_MAX - len(frame)))
        assert msgspec.json.decode(await client.recv())["id"] == 1
        await client.send(frame + " " * (2 * 1024 * 1024))
        with pytest.raises(ConnectionClosed), trio.fail_after(PATIENCE_SECONDS):
            await client.recv()
        assert client.close_code == 1009
    await api.settled()
    await api.serves_others()


async def test_fragments_count_together_towards_the_largest_frame(api: Api) -> None:
    client = await api.raw()
    await client.send_frame(TEXT, b" " * (FRAME_BYTES_MAX - 10), fin=False)
    await client.send_frame(CONT, b" " * 11)
    assert (await client.closing()).code == 1009
    await api.settled()


async def test_binary_frames_close_with_1003_and_say_what_to_send(api: Api) -> None:
    client = await api.raw()
    await client.send_frame(BINARY, request("echo", 1).encode())
    close = await client.closing()
    assert (close.code, close.reason) == (1003, "send JSON in text frames")
    await api.settled()
    assert api.desk.calls == []
    await api.serves_others()


async def test_answers_that_are_there_leave_before_the_close(api: Api) -> None:
    client = await api.raw()
    await client.send_text(request("hold", 1, key="a"))
    await api.desk.accepted(1)
    api.desk.release("a")
    api.desk.held.clear()
    await client.send_frame(BINARY, b"")
    assert (await client.message())["id"] == 1
    assert (await client.closing()).code == 1003


async def test_a_binary_frame_right_behind_the_handshake_is_refused_like_any(api: Api) -> None:
    client = await api.tcp()
    await client.send(head() + bytes([0x82, 0x80, 0, 0, 0, 0]))
    assert (await client.read_head()).status == 101
    assert (await client.closing()).code == 1003
    await api.settled()
    await api.serves_others()


async def test_a_close_frame_right_behind_the_handshake_ends_quietly(api: Api) -> None:
    client = await api.tcp()
    await client.send(head() + bytes([0x88, 0x80, 0, 0, 0, 0]))
    await client.ended()
    await api.settled()
    await api.serves_others()


async def test_a_request_right_behind_the_handshake_is_answered(api: Api) -> None:
    client = await api.tcp()
    body = request("echo", 1).encode()
    assert len(body) < 126
    await client.send(head() + bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body)
    await client.read_head()
    assert (await client.message())["id"] == 1


async def test_text_that_is_not_utf8_closes_with_1007(api: Api) -> None:
    client = await api.raw()
    await client.send_frame(TEXT, b'{"text": "\xff"}')
    assert (await client.closing()).code == 1007
    await api.settled()


async def test_a_character_may_be_cut_by_a_fragment(api: Api) -> None:
    client = await api.raw()
    whole = request("echo", 1, text="ü").encode()
    middle = whole.index("ü".encode()) + 1
    await client.send_frame(TEXT, whole[:middle], fin=False)
    await client.send_frame(CONT, whole[middle:])
    assert (await client.message())["result"] == {"text": "ü"}


async def test_too_many_fragments_close_with_1009(api: Api) -> None:
    client = await api.raw()
    await client.send_frame(TEXT, b"[", fin=False)
    for _ in range(FRAGMENTS_MAX - 1):
        await client.send_frame(CONT, b"", fin=False)
    await client.send_frame(PING, b"fine so far")
    assert (await client.frame()).opcode is PONG
    await client.send_frame(CONT, b"", fin=False)
    close = await client.closing()
    assert (close.code, close.reason) == (1009, "too many fragments")
    await api.settled()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (bytes([0x80, 0x80, 0, 0, 0, 0]), 1002),  # a continuation of nothing
        (bytes([0x83, 0x80, 0, 0, 0, 0]), 1002),  # an opcode that does not exist
        (bytes([0x81, 0x00]), 1002),  # not masked
        (bytes([0xC1, 0x80, 0, 0, 0, 0]), 1002),  # a reserved bit
        (bytes([0x88, 0x81, 0, 0, 0, 0, 0]), 1002),  # a close code of one byte
    ],
)
async def test_broken_frames_close_with_1002(api: Api, raw: bytes, code: int) -> None:
    client = await api.raw()
    await trio.testing.wait_all_tasks_blocked()  # the server has taken the connection over
    await client.send(raw)
    assert (await client.closing()).code == code
    await api.settled()
    await api.serves_others()


async def test_replies_that_wait_together_are_written_together(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    send_all, send_now = PatientStream.send_all, PatientStream.send_now

    async def recording(stream: PatientStream, data: bytes | bytearray | memoryview) -> None:
        written.append(len(data))
        await send_all(stream, data)

    def recording_now(stream: PatientStream, data: bytes) -> bytes:
        written.append(len(data))
        return send_now(stream, data)

    client = await api.raw()
    await client.send_text(request("hold", 0, key="a"))
    await api.desk.accepted(1)
    monkeypatch.setattr(PatientStream, "send_all", recording)
    monkeypatch.setattr(PatientStream, "send_now", recording_now)
    for key in range(1, 101):
        await client.send_text(request("hold", key, key=str(key)))
    await api.desk.accepted(101)
    for key in range(1, 101):
        api.desk.release(str(key))
    assert [(await client.message())["id"] for _ in range(100)] == list(range(1, 101))
    assert len(written) == 1


async def test_what_does_not_fit_into_one_write_is_whole_and_in_order(api: Api) -> None:
    """The first write goes past the socket's buffer; nothing may overtake its rest."""
    client = await api.raw()
    for number in range(1, 61):
        await client.send_text(request("hold", number, key=str(number)))
    await api.desk.accepted(60)
    for number in range(1, 31):
        api.desk.release(str(number), str(number) * 200_000)
    await trio.testing.wait_all_tasks_blocked()
    for number in range(1, 31):
        answer = await client.message()
        assert (answer["id"], answer["result"]["text"]) == (number, str(number) * 200_000)
        api.desk.release(str(30 + number))  # there is room at this moment, but it is not its turn
    assert [(await client.message())["id"] for _ in range(30)] == list(range(31, 61))


# --- clients that do not take part ------------------------------------------------------------


async def read_forever(client: RawClient) -> None:
    while True:
        await client.frame()


async def send_forever(client: RawClient, data: bytes) -> None:
    while True:
        await client.stream.send_all(data)


async def test_a_client_that_never_reads_is_dropped_while_others_are_served() -> None:
    async with serving(write_timeout_seconds=0.3) as api:
        client = await api.never_reading()
        await api.serves_others()
        await api.settled()
        assert api.desk.calls[0].peer.closed
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await read_forever(client)


async def test_a_client_that_reads_slowly_is_not_dropped() -> None:
    async with serving(write_timeout_seconds=0.3) as api:
        client = await api.never_reading()
        started = trio.current_time()
        received = 0
        while received < 10 * MUCH:
            with trio.fail_after(PATIENCE_SECONDS):
                chunk = await client.stream.receive_some(MUCH)
            assert chunk, "it was dropped"
            received += len(chunk)
            await trio.sleep(0.05)  # what makes it slow
        assert trio.current_time() - started > 2 * 0.3
        assert not api.desk.calls[0].peer.closed
        await client.vanish()


async def test_a_client_that_pings_and_never_reads_is_dropped() -> None:
    async with serving(write_timeout_seconds=0.3) as api:
        client = await api.raw()
        await client.send_text(request("echo", 1))
        await api.desk.accepted(1)
        flood = b"".join([bytes([0x89, 0x80 | 125, 0, 0, 0, 0]) + b"x" * 125] * 500)
        with pytest.raises(trio.BrokenResourceError), trio.fail_after(PATIENCE_SECONDS):
            await send_forever(client, flood)
        await api.settled()


async def test_a_dead_peer_is_noticed() -> None:
    async with serving(keepalive_seconds=0.1) as api:
        client = await api.raw()
        assert (await client.frame()).opcode is PING
        assert (await client.closing()).code == 1011  # it never answered
        await api.settled()


async def test_a_quiet_client_that_answers_pings_stays() -> None:
    async with serving(keepalive_seconds=0.1) as api:
        client = await api.raw()
        for _ in range(5):
            ping = await client.frame()
            assert ping.opcode is PING
            await client.send_frame(PONG, bytes(ping.data))
        await client.send_text(request("echo", 1))
        while (frame := await client.frame()).opcode is PING:
            pass
        assert frame.opcode is TEXT
        await client.vanish()


async def test_a_client_that_vanishes_in_mid_request_leaves_nothing_behind(api: Api) -> None:
    client = await api.raw()
    await client.send_text(request("hold", 1, key="a"))
    await client.send_text(request("hold", 2, key="b"))
    await api.desk.accepted(2)
    gone = trio.Event()
    api.desk.calls[0].peer.on_close(gone.set)
    await client.vanish()
    with trio.fail_after(PATIENCE_SECONDS):
        await gone.wait()
    await api.settled()
    api.desk.release("a")
    assert not api.desk.calls[1].peer.notify("noise", msgspec.Raw(b"{}"))
    await api.serves_others()


async def test_a_client_that_vanishes_before_its_answer_is_written_ends_quietly(api: Api) -> None:
    client = await api.raw()
    await client.send_text(request("hold", 1, key="a"))
    await api.desk.accepted(1)
    await client.vanish()
    api.desk.release("a", "x" * MUCH)
    await api.settled()


async def test_a_client_that_vanishes_while_much_is_written_ends_quietly(api: Api) -> None:
    client = await api.never_reading()
    await wait_all_tasks_blocked(0.05)  # the buffers are full now
    await client.vanish()
    await api.settled()


async def test_a_client_that_vanishes_while_it_is_not_read_from_leaves_nothing_behind(
    api: Api,
) -> None:
    client = await api.raw()
    for key in range(REQUESTS_IN_FLIGHT_MAX):
        await client.send_text(request("hold", key, key=str(key)))
    await api.desk.accepted(REQUESTS_IN_FLIGHT_MAX)
    for _ in range(2 * INBOX_FRAMES_MAX):
        await client.send_text(request("echo", 1))
    await api.reading_stopped()
    await client.vanish()
    api.desk.release("0", "x" * MUCH)
    await wait_all_tasks_blocked(0.01)
    api.desk.release("1", "x" * MUCH)
    await api.settled()


async def test_a_client_that_breaks_off_in_the_middle_of_a_frame_ends_quietly(api: Api) -> None:
    client = await api.raw()
    await client.send(bytes([0x81, 0xFE, 0x40, 0x00, 0, 0, 0, 0]) + b"half")
    await client.vanish()
    await api.settled()


async def test_a_closing_client_is_answered_and_its_requests_are_carried_out(api: Api) -> None:
    client = await api.raw()
    texts = b"".join(
        bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body
        for body in (request("echo", n).encode() for n in range(20))
    )
    await client.send(texts + bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]))
    while (frame := await client.frame()).opcode is TEXT:
        pass
    assert frame.opcode is CLOSE
    await client.ended()
    await api.settled()
    assert len(api.desk.calls) == 20


# --- back pressure ----------------------------------------------------------------------------


async def test_a_client_that_only_sends_is_held_up_and_loses_nothing(api: Api) -> None:
    """Nothing is buffered without limit: reading stops, and goes on when answers are read."""
    client = await api.raw()
    count = 5_000
    api.desk.shut()

    async def send() -> None:
        for n in range(count):
            await client.send_text(request("echo", n))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await api.reading_stopped()
        assert api.desk.calls == []
        api.desk.reopen()
        assert [(await client.message())["id"] for _ in range(count)] == list(range(count))
