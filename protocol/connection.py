"""One WebSocket connection of the server: text frames in, text frames out.

Owns what the library leaves to its user: taking messages as they are parsed, their bounds, writing
all that waits at once, and giving up on a peer that takes nothing. Each request of a client that
waits for its answer would cost several turns of the event loop; the shortest way has one, from
readable socket to parsed, decoded and submitted, and answers leave from `flush`. Must not know the
opening handshake, HTTP or methods.
"""

import logging
import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import trio
from websockets.frames import BINARY, CONT, TEXT, CloseCode, Frame
from websockets.protocol import OPEN, Event
from websockets.trio.server import ServerConnection

from protocol import limits
from protocol.session import CutOff, Session

__all__ = ["INBOX_FRAMES_MAX", "Connection", "PatientStream"]

INBOX_FRAMES_MAX = 64
"""Messages that wait to be looked at before reading stops."""
WRITE_PIECE_BYTES = 64 * 1024
READ_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class PatientStream(trio.abc.HalfCloseableStream):
    """A TCP connection that breaks when the peer takes too little for too long.

    It stands below the library, so that it bounds whatever is written: answers, but also pongs,
    pings and close frames, for which the library waits without a limit.
    """

    def __init__(self, stream: trio.abc.HalfCloseableStream, patience_seconds: float) -> None:
        self._stream = stream
        self._patience_seconds = patience_seconds
        # Where sockets are files, they can be read and written without Trio's look-ahead: it tries
        # before it waits, and yields after it succeeded.
        self._socket: trio.socket.SocketType | None = None
        if isinstance(stream, trio.SocketStream) and os.name == "posix":
            self._socket = stream.socket

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send in pieces, each of which has its own time.

        Raises:
            BrokenResourceError: the peer was too slow, or is gone.
        """
        rest = memoryview(data)
        while rest:
            with trio.move_on_after(self._patience_seconds) as patience:
                await self._stream.send_all(rest[:WRITE_PIECE_BYTES])
            if patience.cancelled_caught:
                log.info("a client took no data for %g s; dropped", self._patience_seconds)
                raise trio.BrokenResourceError("the peer takes no data")
            rest = rest[WRITE_PIECE_BYTES:]

    def send_now(self, data: bytes) -> bytes:
        """Send as much as goes without waiting; returns the rest, which is all of it where the
        connection is broken. Nobody may be in `send_all` meanwhile."""
        if self._socket is None:
            return data
        try:
            return data[os.write(self._socket.fileno(), data) :]
        except OSError:
            return data  # whoever sends the rest learns why

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Wait for bytes; empty at the end.

        Raises:
            BrokenResourceError: the peer is gone.
            ClosedResourceError: this side closed it.
        """
        if self._socket is None:
            return await self._stream.receive_some(max_bytes)
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return os.read(self._socket.fileno(), max_bytes or READ_BYTES)
            except BlockingIOError:
                pass
            except OSError as error:
                if self._socket.fileno() < 0:
                    raise trio.ClosedResourceError("the connection was closed") from None
                raise trio.BrokenResourceError("the connection broke") from error

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Connection(ServerConnection):
    """Takes text frames as they are parsed and writes all waiting frames with one `send_all`.

    Measured at five to seven times the throughput of `recv` and `send` for pipelined requests.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        stream: trio.abc.HalfCloseableStream,
        *args: Any,
        write_timeout: float,
        **options: Any,
    ) -> None:
        self._patient = PatientStream(stream, write_timeout)
        super().__init__(nursery, self._patient, *args, **options)
        self.session: Session | None = None
        """Set when the connection is let in. Frames may arrive earlier than that."""
        self._inbox: deque[str] = deque()
        self._arrived = trio.Event()
        self._is_read = False
        """Whether somebody waits in `next_text`: then everything before it was received."""
        self._rest = b""
        """What `flush` could not send. It goes before everything else."""
        self._fragments: list[bytes] = []
        self._refusal: CutOff | None = None
        self._deaf = False

    def begin(self, session: Session) -> None:
        """Let the connection in."""
        self.session = session
        if self._refusal is not None:
            session.cut_off(self._refusal.code, self._refusal.reason)

    def process_event(self, event: Event) -> None:
        if not (isinstance(event, Frame) and event.opcode in {TEXT, BINARY, CONT}):
            super().process_event(event)
        elif not self._deaf:
            self._process_data(event)

    def _process_data(self, event: Frame) -> None:
        if event.opcode is BINARY:
            self._refuse(CloseCode.UNSUPPORTED_DATA, "send JSON in text frames")
            return
        self._fragments.append(bytes(event.data))
        if not event.fin:
            if len(self._fragments) > limits.FRAGMENTS_MAX:
                self._refuse(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            return
        data = self._fragments[0] if len(self._fragments) == 1 else b"".join(self._fragments)
        self._fragments.clear()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self._refuse(CloseCode.INVALID_DATA, "the text frame is not UTF-8")
            return
        session = self.session
        if self._is_read and not self._inbox and session is not None and session.receive_now(text):
            return
        self._inbox.append(text)
        self._arrived.set()
        if len(self._inbox) >= INBOX_FRAMES_MAX and self.recv_flow_control is None:
            self.pause_reading()

    def ignore_input(self) -> None:
        """Throw away what comes from now on, so that the peer's close frame is reached."""
        self._deaf = True
        self._inbox.clear()
        self._read_on()

    async def next_text(self) -> str | None:
        """The next whole text message, or None once the connection is closed."""
        while not self._inbox:
            if self.stream_closed.is_set():
                return None
            self._arrived = trio.Event()
            self._is_read = True
            await self._arrived.wait()
            self._is_read = False
        if len(self._inbox) <= INBOX_FRAMES_MAX // 2:
            self._read_on()
        return self._inbox.popleft()

    async def close_stream(self) -> None:
        # The reading task ends by reading from the closed stream.
        self._read_on()
        await super().close_stream()
        self._arrived.set()

    async def send_frames(self, frames: Sequence[bytes]) -> None:
        """Send text messages as one write, after what `flush` left.

        Raises:
            ConnectionClosed: the connection is closed.
        """
        async with self.send_context():
            for frame in frames:
                self.protocol.send_text(frame)
            if frames:
                self.protocol.writes = [b"".join(self.protocol.writes)]

    def flush(self) -> None:
        """Send what the session has, as much as goes without waiting. Its writer does the rest."""
        session = self.session
        assert session is not None, "only a session announces something"
        if self._rest or self.send_lock.locked() or self.protocol.state is not OPEN:
            session.wake()
            return
        for frame in session.take_frames():
            self.protocol.send_text(frame)
        self._rest = self._patient.send_now(b"".join(self.protocol.data_to_send()))
        session.sent()
        if self._rest:
            session.wake()

    async def send_data(self) -> None:
        # The library calls it after whatever it did, and waits a turn even if there is nothing.
        if self._rest:
            self.protocol.writes.insert(0, self._rest)
            self._rest = b""
        if self.protocol.writes:
            await super().send_data()

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self._deaf = True
        self._refusal = CutOff(code, reason)
        if self.session is not None:
            self.session.cut_off(code, reason)

    def _read_on(self) -> None:
        if self.recv_flow_control is not None:
            self.resume_reading()
