"""One client's side of the server, whatever carries its frames.

Owns the bounds of a connection: requests in flight, the outbox, subscriptions' notifications; the
assembly of batch replies; and the withdrawal of calls that nobody wants any more. A transport (the
WebSocket shell, the dashboard's ASGI socket, `POST /rpc`) feeds `receive` and drains
`next_frames`. Must not know sockets, nor what methods do.
"""

import secrets
from collections import deque
from collections.abc import Callable

import msgspec
import trio

from protocol.codec import (
    Request,
    decode_entry,
    decode_frame,
    encode_batch,
    encode_notification,
    is_batch,
    salvage_id,
)
from protocol.dispatch import Dispatcher, response
from protocol.errors import CoordinatorError, LimitExceeded
from protocol.limits import (
    BATCH_REPLY_BYTES_MAX,
    OUTBOX_BYTES_MAX,
    OUTBOX_EVENTS_MAX,
    REPLIES_BYTES_MAX,
    REQUESTS_IN_FLIGHT_MAX,
)
from protocol.methods import Role
from protocol.service import Call, Reply
from protocol.unanswered import CANCEL_REQUEST, Unanswered, id_to_cancel

__all__ = ["CutOff", "Session"]

_NULL = b"null"
_CANCELLED = msgspec.Raw(b'{"cancelled":true}')
_NOT_CANCELLED = msgspec.Raw(b'{"cancelled":false}')
TRY_AGAIN_LATER = 1013
ENTRIES_AT_A_TIME = 100
"""A batch lets others have their turn after so many entries."""


class CutOff(Exception):
    """The session ends from this side: close the transport with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Session:
    """Implements `protocol.dispatch.Caller`. One task calls `receive`, one `next_frames`."""

    def __init__(self, dispatcher: Dispatcher, project: str, role: Role = Role.ADMIN) -> None:
        self._dispatcher = dispatcher
        self._project = project
        self._role = role
        self._name: str | None = None
        self._session_id = secrets.token_hex(8)
        self._ended = False
        self._cut_off: CutOff | None = None
        self._close_callbacks: list[Callable[[], None]] = []
        self._unanswered = Unanswered()
        self._in_flight = 0
        self._room = trio.Event()
        # Replies are bounded by the requests in flight and in bytes, notifications by the outbox's
        # limits.
        self._replies: deque[bytes] = deque()
        self._unread = _Unread()
        self._handed_out: list[bytes] = []
        self._notifications: deque[bytes] = deque()
        self._notification_bytes = 0
        self._something_to_send = trio.Event()
        self._announce: Callable[[], None] = self.wake
        self._woken = False
        self._drained = trio.Event()

    # --- what a service may know (protocol.service.Peer) --------------------------------------

    @property
    def project(self) -> str:
        return self._project

    @property
    def session_id(self) -> str:
        return self._session_id

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def role(self) -> Role:
        return self._role

    @property
    def closed(self) -> bool:
        return self._ended

    def rename(self, name: str | None, session_id: str | None) -> None:
        """Take the name and session id that the client gave itself; None leaves one as it is."""
        self._name = name or self._name
        self._session_id = session_id or self._session_id

    def notify(self, method: str, params: msgspec.Raw) -> bool:
        if self.closed:
            return False
        frame = encode_notification(method, params)
        count, size = len(self._notifications) + 1, self._notification_bytes + len(frame)
        if count > OUTBOX_EVENTS_MAX or (size > OUTBOX_BYTES_MAX and count > 1):
            self.cut_off(TRY_AGAIN_LATER, "too slow for its events; reconnect and use `since`")
            return False
        self._notifications.append(frame)
        self._notification_bytes = size
        self._announce()
        return True

    async def drained(self) -> None:
        while not self.closed and self._notification_bytes > OUTBOX_BYTES_MAX // 2:
            if self._drained.is_set():
                self._drained = trio.Event()
            await self._drained.wait()

    def on_close(self, callback: Callable[[], None]) -> None:
        if self.closed:
            callback()
        else:
            self._close_callbacks.append(callback)

    # --- what a transport calls ---------------------------------------------------------------

    async def receive(self, frame: str) -> None:
        """Take one frame in: answer what is wrong with it, hand on the rest in order.

        Blocks while too many requests are in flight or the service is full; the transport must
        not read on meanwhile. After the end of the session, nothing is taken in any more. Never
        raises for anything that a client can send.
        """
        while self._in_flight >= REQUESTS_IN_FLIGHT_MAX and not self._ended:
            self._room = trio.Event()
            await self._room.wait()
        if self._ended:
            return
        self._in_flight += 1
        try:
            entries, batched = decode_frame(frame)
        except CoordinatorError as error:
            self._reply(response(_NULL, error))
            return
        answer = _Answer(len(entries), batched, self._reply, self._unread, self._unanswered)
        for number, entry in enumerate(entries, 1):
            begun = None if self.closed else self._begin(entry, answer)
            if begun is not None:
                await self._dispatcher.submit(begun[1])
            if number % ENTRIES_AT_A_TIME == 0:
                await trio.lowlevel.checkpoint()

    def receive_now(self, frame: str) -> bool:
        """As `receive`, where that takes no waiting. False says that it would: nothing was done.

        For the one request that a frame nearly always is, this spares a change of tasks. Batches
        are left to `receive`, which lets others have their turn.
        """
        if self._ended or self._in_flight >= REQUESTS_IN_FLIGHT_MAX or is_batch(frame):
            return False
        answer = _Answer(1, False, self._reply, self._unread, self._unanswered)
        self._in_flight += 1
        begun = self._begin(msgspec.Raw(frame.encode()), answer)
        if begun is None or self._dispatcher.try_submit(begun[1]):
            return True
        del self._unanswered[begun[0]]
        self._in_flight -= 1
        return False

    def write_through(self, announce: Callable[[], None]) -> None:
        """From now on, `announce` is called when there is something to send, instead of letting
        `next_frames` return: it sees to it that `take_frames` is called soon, or `wake`."""
        self._announce = announce

    def wake(self) -> None:
        """Let `next_frames` return, even if there is nothing."""
        self._woken = True
        self._something_to_send.set()

    async def next_frames(self) -> list[bytes]:
        """Wait for something to send and take all of it, replies first; nothing after `wake`.

        Calling it again says that the frames taken before are on their way, which makes room for
        further requests. Cancelling loses nothing.

        Raises:
            CutOff: the transport is to be closed now. Replies that were there before the session
                was cut off have been taken; its notifications are dropped.
        """
        self.sent()
        while not (self._replies or self._notifications or self._cut_off or self._woken):
            self._something_to_send = trio.Event()
            await self._something_to_send.wait()
        self._woken = False
        if self._cut_off is not None and not self._replies:
            raise self._cut_off
        return self.take_frames()

    def take_frames(self) -> list[bytes]:
        """Take all that there is to send, replies first. `sent` must follow."""
        self._handed_out = list(self._replies)
        frames = [*self._replies, *self._notifications]
        self._replies.clear()
        self._clear_notifications()
        self._drained.set()
        return frames

    def sent(self) -> None:
        """The frames that were taken are on their way: there is room for further requests."""
        if self._handed_out:
            self._unread.size -= sum(map(len, self._handed_out))
            self._make_room(len(self._handed_out))
            self._handed_out = []

    def cut_off(self, code: int, reason: str) -> None:
        """End the session from this side; the transport learns it from `next_frames`."""
        if not self._ended:
            self._cut_off = CutOff(code, reason)
            self._clear_notifications()
            self._end()

    def close(self) -> None:
        """The transport is gone. Idempotent."""
        self._end()

    # --- inside -------------------------------------------------------------------------------

    def _begin(self, entry: msgspec.Raw, answer: "_Answer") -> tuple[bytes | int, Call] | None:
        """The call that an entry asks for, and its key among the unanswered ones; None if it is
        answered already."""
        try:
            request = decode_entry(entry)
        except CoordinatorError as error:
            answer.add(response(salvage_id(entry), error))
            return None
        key: bytes | int | None = request.id
        if key is None or key in self._unanswered:
            key = self._unanswered.spare_key()
        reply = answer.expect(request.id, key)
        if request.method == CANCEL_REQUEST:
            reply(self._cancel(request))
            return None
        call = self._dispatcher.call_for(request, self, reply)
        if call is None:
            return None
        self._unanswered[key] = call
        return key, call

    def _cancel(self, request: Request) -> msgspec.Raw | CoordinatorError:
        """Withdraw a call. Ids that are unknown, or answered already, change nothing.

        It takes one of the places in flight, as every frame does. Waits alone cannot fill them:
        the service lets fewer of a connection wait (`WAITS_MAX`).
        """
        try:
            call = self._unanswered.get(id_to_cancel(request.params))
        except CoordinatorError as error:
            return error
        if call is not None:
            self._withdraw(call)
        return _NOT_CANCELLED if call is None else _CANCELLED

    def _withdraw(self, call: Call) -> None:
        if not call.withdrawn:
            self._dispatcher.withdraw(call)

    def _reply(self, frame: bytes | None) -> None:
        """One frame is answered; None where there is nothing to say (notifications)."""
        if frame is None or self._ended:
            self._make_room(1)
            return
        self._replies.append(frame)
        self._unread.size += len(frame)
        self._announce()

    def _clear_notifications(self) -> None:
        self._notifications.clear()
        self._notification_bytes = 0

    def _make_room(self, count: int) -> None:
        self._in_flight -= count
        if count:
            self._room.set()

    def _end(self) -> None:
        """Free everybody who waits, here and in the service, and say so once."""
        self._ended = True
        for event in (self._something_to_send, self._drained, self._room):
            event.set()
        callbacks, self._close_callbacks = self._close_callbacks, []
        for callback in callbacks:
            callback()
        for call in list(self._unanswered.values()):
            self._withdraw(call)


class _Unread:
    """The bytes of all responses that a client has not taken yet."""

    size = 0

    @property
    def too_much(self) -> bool:
        return self.size > REPLIES_BYTES_MAX


class _Answer:
    """Collects the responses of one frame and hands them over once all are there."""

    def __init__(
        self,
        entries: int,
        is_batch: bool,
        send: Callable[[bytes | None], None],
        unread: _Unread,
        unanswered: Unanswered,
    ) -> None:
        self._missing = entries
        self._is_batch = is_batch
        self._send = send
        self._unread = unread
        self._unanswered = unanswered
        self._responses: list[bytes] = []
        self._bytes = 0

    def expect(self, request_id: bytes | None, key: bytes | int) -> Reply:
        """The reply callback of one entry. A notification's outcome is dropped."""
        unanswered = self._unanswered

        def reply(outcome: msgspec.Raw | CoordinatorError) -> None:
            unanswered.pop(key, None)
            self.add(None if request_id is None else response(request_id, self._bounded(outcome)))

        return reply

    def add(self, encoded: bytes | None) -> None:
        if encoded is not None:
            self._responses.append(encoded)
            self._bytes += len(encoded)
            self._unread.size += len(encoded)
        self._missing -= 1
        if self._missing:
            return
        self._unread.size -= self._bytes  # whoever sends counts what is sent
        if not self._responses:
            self._send(None)
        elif self._is_batch:
            self._send(encode_batch(self._responses))
        else:
            self._send(self._responses[0])

    def _bounded(self, outcome: msgspec.Raw | CoordinatorError) -> msgspec.Raw | CoordinatorError:
        """A thousand large pages in one batch would not fit into memory, nor into one frame; nor
        do the large pages that a client asks for and does not read."""
        if isinstance(outcome, CoordinatorError):
            return outcome
        if self._bytes > BATCH_REPLY_BYTES_MAX:
            return LimitExceeded(
                f"The replies of this batch exceed {BATCH_REPLY_BYTES_MAX} bytes, so this result "
                "was left out; the request was carried out. Send large queries one by one.",
                limit=BATCH_REPLY_BYTES_MAX,
            )
        if self._unread.too_much:
            return LimitExceeded(
                f"More than {REPLIES_BYTES_MAX} bytes of replies wait for this client to read "
                "them, so this result was left out; the request was carried out. Read on before "
                "sending more.",
                limit=REPLIES_BYTES_MAX,
            )
        return outcome
