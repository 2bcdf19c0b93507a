"""The calls of one connection that have no answer yet, and the notification that withdraws one.

Owns the table of calls by the ids that their client gave them, and the params of `$/cancelRequest`.
Must not know what withdrawing a call does, nor frames and batches.
"""

from itertools import count
from typing import Final

import msgspec

from protocol.codec import id_text
from protocol.errors import InvalidParams, InvalidRequest
from protocol.service import Call

__all__ = ["CANCEL_REQUEST", "Unanswered", "id_to_cancel"]

CANCEL_REQUEST: Final = "$/cancelRequest"
"""Named and shaped as in the Language Server Protocol, whose libraries know it."""
_numbers = count()


class Unanswered(dict[bytes | int, Call]):
    """Calls between their start and their answer, oldest first, by the JSON text of their id.

    A dictionary for whoever starts and answers calls, because every request passes through it.
    """

    def spare_key(self) -> int:
        """A key that no client can name: for notifications, and for calls whose id another one
        has at the moment, which no client should make."""
        return next(_numbers)


class _ByName(msgspec.Struct, forbid_unknown_fields=True):
    id: msgspec.Raw


class _ByPosition(msgspec.Struct, forbid_unknown_fields=True, array_like=True):
    id: msgspec.Raw


_decode_by_name = msgspec.json.Decoder(_ByName).decode
_decode_by_position = msgspec.json.Decoder(_ByPosition).decode


def id_to_cancel(params: msgspec.Raw) -> bytes:
    """The JSON text of the id that a `$/cancelRequest` names, by name or by position.

    Raises:
        InvalidParams: there is none, or something that is no id.
    """
    decode = _decode_by_position if bytes(params)[:1] == b"[" else _decode_by_name
    try:
        id_ = id_text(decode(params).id)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _invalid(str(error)) from None
    except InvalidRequest as error:
        raise _invalid(error.message) from None
    return id_


def _invalid(detail: str) -> InvalidParams:
    return InvalidParams(
        f"`{CANCEL_REQUEST}`: {detail} Send the `id` of the request that is to be withdrawn.",
        field="id",
        detail=detail,
    )
