"""From a well-formed entry to an accepted call, and from its outcome to a response.

Owns the look-up in the table, the decoding of params, the check of roles, and the two methods
that are about the connection itself (`identify`, `rpc.discover`). Built on the parts of
jsonrpcserver that work under Trio: method look-up, results and responses. Must not know what the
service does with a call, nor what carries the frames.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Protocol, cast

import msgspec
from jsonrpcserver.dispatcher import get_method, to_response
from jsonrpcserver.methods import Methods
from jsonrpcserver.request import Request as RpcRequest
from jsonrpcserver.response import to_serializable_one
from jsonrpcserver.result import Error
from oslash.either import Right

from protocol.codec import Request, encode_response
from protocol.errors import (
    CoordinatorError,
    Forbidden,
    InternalError,
    InvalidParams,
    MethodNotFound,
    ParseError,
)
from protocol.limits import METADATA_BYTES_MAX, METADATA_DEPTH_MAX
from protocol.methods import METHODS, Method
from protocol.openrpc import openrpc_document
from protocol.params import Identify, Params
from protocol.results import Identified
from protocol.service import Call, Peer, Reply, Service

__all__ = ["Caller", "Dispatcher", "decode_params", "response"]

log = logging.getLogger(__name__)

Answer = Callable[[Call], None]

_TYPO_LENGTH_MAX = 100
_SHOWN_LENGTH_MAX = 300
"""Of what a client sent, errors repeat no more characters than that."""


class Caller(Peer, Protocol):
    """A peer that can be told who it is."""

    def rename(self, name: str | None, session_id: str | None) -> None: ...


class Dispatcher:
    """Finds the method of an entry and hands it on. One per server, shared by all connections."""

    def __init__(self, service: Service, methods: Mapping[str, Method] = METHODS) -> None:
        """`methods` is the table to look up in; all but `identify` and `rpc.discover` go to the
        service."""
        self._service = service
        self._table = methods
        self._own = {name: own for name, own in _OWN.items() if name in methods}
        # jsonrpcserver types its methods as returning a Result at once; ours accept now and
        # reply later, which its look-up does not mind.
        self._methods = cast("Methods", {**dict.fromkeys(methods, service.submit), **self._own})

    def call_for(self, request: Request, peer: Caller, reply: Reply) -> Call | None:
        """The call that a request asks for; None if it was refused, through `reply`.

        Never raises for anything that a client can send.
        """
        if not isinstance(get_method(self._methods, request.method), Right):
            reply(self._method_not_found(request.method))
            return None
        method = self._table[request.method]
        try:
            if peer.role < method.role:
                raise Forbidden(
                    f"`{method.name}` needs the role {method.role.name.lower()}; this connection "
                    f"is a {peer.role.name.lower()}. Connect with another token.",
                    role=method.role.name.lower(),
                )
            return Call(method, decode_params(method, request.params), peer, reply)
        except CoordinatorError as refusal:
            reply(refusal)
            return None

    async def submit(self, call: Call) -> None:
        """Hand a call on; `call.reply` follows, now or later.

        Returns once the call has its place in the service's order; blocks while the service is
        full. A service that fails is answered for.
        """
        if self.try_submit(call):
            return
        try:
            await self._service.submit(call)
        except Exception:
            log.exception("%s failed before it was accepted", call.method.name)
            call.reply(_defect())

    def try_submit(self, call: Call) -> bool:
        """As `submit`, where that takes no waiting. False says that it would: nothing was done."""
        own = self._own.get(call.method.name)
        try:
            if own is None:
                return self._service.try_submit(call)
            own(call)
        except Exception:
            log.exception("%s failed before it was accepted", call.method.name)
            call.reply(_defect())
        return True

    def withdraw(self, call: Call) -> None:
        """The client does not want a call any more, or is gone: if it waits, it ends."""
        call.withdrawn = True
        self._service.withdraw(call)

    def health(self) -> dict[str, Any]:
        """The body of `GET /api/health`."""
        return self._service.info()

    def _method_not_found(self, name: str) -> MethodNotFound:
        # Finding a similar name takes time that grows with the name.
        close = get_close_matches(name, self._table, n=1) if len(name) <= _TYPO_LENGTH_MAX else []
        hint = f"Did you mean `{close[0]}`?" if close else "`rpc.discover` lists the methods."
        shown = _one_line(name[:_TYPO_LENGTH_MAX])
        return MethodNotFound(
            f"There is no method `{shown}`. {hint}", method=name[:_TYPO_LENGTH_MAX]
        )


def _defect() -> InternalError:
    return InternalError("The server failed on this request; its log has the details.")


def _one_line(text: str) -> str:
    """What a client sent, for a sentence: control characters and the like are escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def response(request_id: bytes, outcome: msgspec.Raw | CoordinatorError) -> bytes:
    """The encoded response object for an outcome (specification, section 5).

    `request_id` is the id's JSON text.
    """
    if not isinstance(outcome, CoordinatorError):
        # Nearly every response. Both parts are JSON text already.
        return b'{"jsonrpc":"2.0","result":%b,"id":%b}' % (bytes(outcome), request_id)
    request = RpcRequest("", {}, msgspec.Raw(request_id))
    answer = to_response(request, Error(outcome.code, outcome.message, outcome.wire_data()))
    # The library annotates the argument as the class where it takes an instance.
    return encode_response(cast("dict[str, Any]", to_serializable_one(cast("Any", answer))))


# --- methods about the connection itself ------------------------------------------------------


def _identify(call: Call) -> None:
    params = cast("Identify", call.params)
    peer = cast("Caller", call.peer)
    peer.rename(params.name, params.session_id)
    told = Identified(session_id=peer.session_id, project=peer.project, name=peer.name)
    call.reply(msgspec.Raw(msgspec.json.encode(told)))


def _discover(call: Call) -> None:
    call.reply(_openrpc())


_OWN: Mapping[str, Answer] = {"identify": _identify, "rpc.discover": _discover}


@cache
def _openrpc() -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(openrpc_document()))


# --- params -----------------------------------------------------------------------------------

_FIELD = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_QUOTED = re.compile(r"field `([^`]*)`")
_PATTERN = re.compile(r"Expected `str` matching regex .*", re.DOTALL)
# An escaped NUL: `\u0000` whose backslash is not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PLAIN = "Expected text without control characters (descriptions may have all but U+0000)"


@cache
def _decoder(params: type[Params]) -> msgspec.json.Decoder[Params]:
    return msgspec.json.Decoder(params)


_decode_positions = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_params(method: Method, params: msgspec.Raw) -> Params:
    """The typed params of a call, sent by name or by position.

    Raises:
        InvalidParams: `data.field` names the field, `data.detail` what is wrong with it.
    """
    try:
        decoded = _decode(method, params)
    except msgspec.ValidationError as error:
        raise _invalid(method, error) from None
    except msgspec.DecodeError as error:
        raise ParseError(f"The frame is not JSON: {error}", detail=str(error)) from None
    except RecursionError:
        raise InvalidParams(
            f"`{method.name}`: the params are nested too deeply.", detail="nesting"
        ) from None
    if _may_hold_metadata(method.params):
        _check_metadata(method, decoded)
    return decoded


def _decode(method: Method, params: msgspec.Raw) -> Params:
    decode = _decoder(method.params).decode
    try:
        return decode(params)
    except msgspec.ValidationError:
        # Nearly everybody sends them by name: whoever does not, waits for a second look.
        if bytes(params)[:1] != b"[":
            raise
    return decode(_named(method, params))


def _named(method: Method, params: msgspec.Raw) -> msgspec.Raw:
    """Params by position as params by name; a `null` stands for one that was left out."""
    values = _decode_positions(params)
    names = method.positional
    if len(values) > len(names):
        raise InvalidParams(
            f"`{method.name}` takes at most {len(names)} params by position "
            f"({', '.join(names) or 'none'}); got {len(values)}.",
            limit=len(names),
        )
    given = {
        name: value for name, value in zip(names, values, strict=False) if bytes(value) != b"null"
    }
    return msgspec.Raw(msgspec.json.encode(given))


def _invalid(method: Method, error: msgspec.ValidationError) -> InvalidParams:
    text = str(error)
    at = _FIELD.search(text)
    detail = text[: at.start()] if at else text
    detail = _PATTERN.sub(_PLAIN, detail)
    quoted = _QUOTED.search(detail)
    field = ".".join(part for part in (at and at[1], quoted and quoted[1]) if part)
    field, detail = field[:_SHOWN_LENGTH_MAX], detail[:_SHOWN_LENGTH_MAX]
    takes = ", ".join(method.positional) or "no params"
    named = f"`{field}`: " if field else ""
    return InvalidParams(
        f"`{method.name}`: {_one_line(named + detail)}. It takes: {takes}.",
        field=field,
        detail=detail,
    )


@cache
def _may_hold_metadata(params: type[Params]) -> bool:
    return not {"metadata", "tasks"}.isdisjoint(params.__struct_fields__)


def _check_metadata(method: Method, params: Params) -> None:
    """What JSON Schema cannot say: an object's size in bytes, and the texts deep inside it."""
    for where, holder in (("", params), *_nested_tasks(params)):
        metadata: Any = getattr(holder, "metadata", None)
        if not isinstance(metadata, dict):
            continue
        if _deeper_than(cast("object", metadata), METADATA_DEPTH_MAX):
            raise _unkeepable(method, f"{where}metadata", f"nested over {METADATA_DEPTH_MAX} deep")
        encoded = msgspec.json.encode(metadata)
        if len(encoded) > METADATA_BYTES_MAX:
            detail = f"{len(encoded)} bytes; at most {METADATA_BYTES_MAX} are kept in a task"
        elif _NUL.search(encoded):
            detail = "the character U+0000 cannot be kept"
        else:
            continue
        raise _unkeepable(method, f"{where}metadata", detail)


def _unkeepable(method: Method, field: str, detail: str) -> InvalidParams:
    return InvalidParams(f"`{method.name}`: `{field}`: {detail}.", field=field, detail=detail)


def _deeper_than(value: object, limit: int) -> bool:
    """Whether lists and objects lie inside one another more than `limit` deep; no recursion."""
    level: list[object] = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _nested_tasks(params: Params) -> list[tuple[str, Params]]:
    tasks: list[Params] = getattr(params, "tasks", [])
    return [(f"tasks[{index}].", task) for index, task in enumerate(tasks)]
