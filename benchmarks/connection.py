"""One WebSocket connection of the load, as cheap as Python allows.

Owns a blocking socket and the library's protocol without I/O. There is no event loop below it: the
load must cost a fraction of the server that it measures. Must not know JSON.
"""

import socket
from collections.abc import Sequence

from websockets.client import ClientProtocol
from websockets.frames import TEXT, Frame
from websockets.http11 import Response
from websockets.protocol import CLOSED, CONNECTING, Event
from websockets.uri import parse_uri

__all__ = ["Connection"]

READ_BYTES = 256 * 1024
PATIENCE_SECONDS = 30.0


class Connection:
    """An open connection to a server on this machine.

    Writes block. With some hundred small requests in flight they never have to: both directions
    fit into the system's socket buffers many times over.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/"))
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is CONNECTING:
            self._read()
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, texts: Sequence[bytes]) -> None:
        """Send text messages as one write."""
        for text in texts:
            self._protocol.send_text(text)
        self._flush()

    def receive(self) -> list[bytes]:
        """Wait for something and return the whole text messages in it, which may be none.

        Raises:
            ConnectionError: the server closed the connection.
        """
        return [_text(event) for event in self._read() if not isinstance(event, Response)]

    def close(self) -> None:
        """Close in order."""
        self._protocol.send_close(1000)
        self._flush()
        while self._protocol.state is not CLOSED:
            self._read()
        self._socket.close()

    def _read(self) -> list[Event]:
        data = self._socket.recv(READ_BYTES)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        if not data and not self._protocol.close_rcvd:
            raise ConnectionError("the server closed the connection")
        return [
            event
            for event in self._protocol.events_received()
            if isinstance(event, Response) or (isinstance(event, Frame) and event.opcode is TEXT)
        ]

    def _flush(self) -> None:
        # An empty piece stands for the end of the stream, which `close` leaves to the server.
        data = b"".join(self._protocol.data_to_send())
        if data:
            self._socket.sendall(data)


def _text(event: Event) -> bytes:
    assert isinstance(event, Frame)
    assert event.fin, "neither server sends fragments"
    return bytes(event.data)
