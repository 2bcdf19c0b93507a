"""JSON-RPC 2.0 frames to entries and back; pure.

Owns what a frame may look like: one request or a batch, each entry judged on its own, so that one
malformed entry never spoils its neighbours (specification, section 6). Must not know methods,
params, connections or Trio.

Source: https://www.jsonrpc.org/specification (2013-01-04).
"""

from typing import Any

import msgspec

from protocol.errors import InvalidRequest, ParseError
from protocol.limits import BATCH_ENTRIES_MAX, REQUEST_ID_BYTES_MAX

__all__ = [
    "Request",
    "decode_entry",
    "decode_frame",
    "encode_batch",
    "encode_notification",
    "encode_request",
    "encode_response",
    "id_text",
    "is_batch",
    "salvage_id",
]

_NULL = b"null"
_ABSENT = msgspec.Raw(b"")
_NO_PARAMS = msgspec.Raw(b"{}")


class Request(msgspec.Struct, frozen=True):
    """A well-formed entry. `id` is None for a notification, else the id's own JSON text: a copy,
    so that a call that waits long does not keep its frame."""

    method: str
    params: msgspec.Raw
    id: bytes | None


class _Envelope(msgspec.Struct):
    jsonrpc: Any = None
    method: Any = None
    params: msgspec.Raw = _ABSENT
    id: msgspec.Raw = _ABSENT


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def decode_frame(frame: str) -> tuple[list[msgspec.Raw], bool]:
    """Split a frame into its entries, and say whether they came as a batch.

    `frame` is text, not bytes: whoever read it has checked that it is UTF-8.

    Raises:
        ParseError: the frame is a batch and not JSON as a whole.
        InvalidRequest: an empty batch, or one of more than 1,000 entries.
    """
    data = frame.encode()
    if not is_batch(frame):
        return [msgspec.Raw(data)], False
    try:
        entries = _decode_list(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _parse_error(error) from None
    if not entries:
        raise InvalidRequest("The batch is empty: send at least one request.")
    if len(entries) > BATCH_ENTRIES_MAX:
        raise InvalidRequest(
            f"The batch has {len(entries)} entries; at most {BATCH_ENTRIES_MAX} are taken. "
            "Send it in parts.",
            limit=BATCH_ENTRIES_MAX,
        )
    return entries, True


def is_batch(frame: str) -> bool:
    """Whether a frame is an array, which stands for a batch."""
    return frame.lstrip(" \t\r\n").startswith("[")


def decode_entry(entry: msgspec.Raw) -> Request:
    """Judge one entry.

    Raises:
        ParseError: not JSON (only possible for an entry that is a whole frame).
        InvalidRequest: JSON, but no JSON-RPC 2.0 request. `salvage_id` finds the id to answer to.
    """
    try:
        envelope = _decode_envelope(entry)
    except msgspec.ValidationError:
        raise InvalidRequest(
            "A request must be a JSON object with `jsonrpc`, `method`, `params` and `id`."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _parse_error(error) from None
    if envelope.jsonrpc != "2.0":
        raise InvalidRequest('`jsonrpc` must be exactly "2.0".')
    if not isinstance(envelope.method, str):
        raise InvalidRequest("`method` must be a string.")
    return Request(envelope.method, _params_of(envelope), id_text(envelope.id) or None)


def salvage_id(entry: msgspec.Raw) -> bytes:
    """The id of a malformed entry, or `null` where none can be made out (section 5)."""
    try:
        found = id_text(_decode_envelope(entry).id)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidRequest):
        return _NULL
    return found or _NULL


def id_text(id_: msgspec.Raw) -> bytes:
    """The JSON text of an id, which is what requests are told apart by; empty if there is none.

    Raises:
        InvalidRequest: it is neither a string nor a number nor null, or it is too long.
    """
    text = bytes(id_)
    if text[:1] in {b"{", b"[", b"t", b"f"}:
        raise InvalidRequest("`id` must be a string, a number or null.")
    if len(text) > REQUEST_ID_BYTES_MAX:
        raise InvalidRequest(
            f"`id` may have at most {REQUEST_ID_BYTES_MAX} bytes.", limit=REQUEST_ID_BYTES_MAX
        )
    return text


def encode_response(response: dict[str, Any]) -> bytes:
    """A response object as one frame; `result` and `id` may be JSON text in a `msgspec.Raw`."""
    return _encode(response)


def encode_batch(responses: list[bytes]) -> bytes:
    """The responses of a batch as one frame. The list must not be empty (section 6)."""
    return b"[%b]" % b",".join(responses)


def encode_notification(method: str, params: msgspec.Raw) -> bytes:
    """A request without an id."""
    return _encode({"jsonrpc": "2.0", "method": method, "params": params})


def encode_request(id_: int | str, method: str, params: Any) -> bytes:
    """A request; `params` is anything that encodes to a JSON object or array."""
    return _encode({"jsonrpc": "2.0", "method": method, "params": params, "id": id_})


def _parse_error(error: Exception) -> ParseError:
    if isinstance(error, RecursionError):
        return ParseError("The JSON is nested too deeply.", detail="nesting")
    return ParseError(f"The frame is not JSON: {error}", detail=str(error))


def _params_of(envelope: _Envelope) -> msgspec.Raw:
    params = bytes(envelope.params)
    if not params or params == b"null":
        return _NO_PARAMS
    if params[:1] not in {b"{", b"["}:
        raise InvalidRequest("`params` must be an object or an array; leave it out if empty.")
    return envelope.params
