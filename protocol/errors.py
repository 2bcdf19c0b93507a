"""The one table of errors: code, reason, exception.

Owns what can go wrong on the wire and how it is called. `reason` is the stable snake_case word
that programs test; `code` is the JSON-RPC number; the message is a sentence for people that names
the reason and, where there is one, the fix. Must not know who raises what.

    CoordinatorError
    +-- ParseError              -32700   JSON-RPC 2.0, section 5.1
    +-- InvalidRequest          -32600
    +-- MethodNotFound          -32601
    +-- InvalidParams           -32602
    +-- InternalError           -32603
    +-- TaskError               1000-1099
    +-- SlotError               1100-1199
    +-- ServerError             1200-1299
    +-- ConnectionLost          client side only, never on the wire
"""

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "ERRORS",
    "ClaimsPaused",
    "ConnectionLost",
    "CoordinatorError",
    "CursorInvalid",
    "DependencyCycle",
    "Forbidden",
    "HasDependents",
    "HistoryPruned",
    "IdempotencyConflict",
    "InternalError",
    "InvalidParams",
    "InvalidRequest",
    "InvalidResource",
    "InvalidStatus",
    "InvalidTime",
    "LimitExceeded",
    "MethodNotFound",
    "NoFreeSlot",
    "NotHolder",
    "ParseError",
    "RequestCancelled",
    "ResourceConflict",
    "ServerError",
    "ShuttingDown",
    "SlotBusy",
    "SlotError",
    "SlotNotClaimed",
    "SlotNotFound",
    "SlotNotYours",
    "StaleClaim",
    "StorageUnavailable",
    "SubscriptionNotFound",
    "TaskError",
    "TaskExists",
    "TaskNotAvailable",
    "TaskNotFound",
    "TemplateInvalid",
    "TemplateNotFound",
    "TemplateParameters",
    "UnknownDependency",
    "VersionConflict",
    "WorkerHasSlot",
    "from_wire",
]


class CoordinatorError(Exception):
    """A refusal with a code, a reason, a sentence and data to act on.

    `data` holds JSON values only. It never repeats `reason`; `wire_data` puts the two together.
    """

    code: ClassVar[int] = -32000
    reason: ClassVar[str] = "server_error"

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, Any] = data

    def wire_data(self) -> dict[str, Any]:
        """The JSON-RPC `error.data` member: `reason` first, then what helps to act on it."""
        return {"reason": self.reason, **self.data}


# --- JSON-RPC itself --------------------------------------------------------------------------


class ParseError(CoordinatorError):
    """The frame is not JSON."""

    code = -32700
    reason = "parse_error"


class InvalidRequest(CoordinatorError):
    """The JSON is not a JSON-RPC 2.0 request."""

    code = -32600
    reason = "invalid_request"


class MethodNotFound(CoordinatorError):
    """There is no such method."""

    code = -32601
    reason = "method_not_found"


class InvalidParams(CoordinatorError):
    """The params do not fit the method; `data.field` says which, `data.detail` says why."""

    code = -32602
    reason = "invalid_params"


class InternalError(CoordinatorError):
    """A defect of the server. The log has the details; the client never sees them."""

    code = -32603
    reason = "internal_error"


# --- tasks ------------------------------------------------------------------------------------


class TaskError(CoordinatorError):
    """Refusals about tasks."""


class TaskNotFound(TaskError):
    """The project has no task with this id."""

    code = 1001
    reason = "task_not_found"


class TaskExists(TaskError):
    """The id is taken."""

    code = 1002
    reason = "task_exists"


class TaskNotAvailable(TaskError):
    """The task cannot be claimed now; `data.status`, `holder` and `blockedBy` say why."""

    code = 1003
    reason = "task_not_available"


class UnknownDependency(TaskError):
    """A dependency names no task; `data.missing` lists them."""

    code = 1004
    reason = "unknown_dependency"


class DependencyCycle(TaskError):
    """The dependencies would run in a circle; `data.cycle` spells it out."""

    code = 1005
    reason = "dependency_cycle"


class NotHolder(TaskError):
    """Somebody else, or nobody, holds the task; `data.holder` says who."""

    code = 1006
    reason = "not_holder"


class StaleClaim(TaskError):
    """The claim was superseded: the task was claimed again, reset or cancelled since."""

    code = 1007
    reason = "stale_claim"


class InvalidStatus(TaskError):
    """The task's status does not allow this; `data.status` is what it is."""

    code = 1008
    reason = "invalid_status"


class HasDependents(TaskError):
    """Other tasks depend on this one; `data.dependents` lists them."""

    code = 1009
    reason = "has_dependents"


class VersionConflict(TaskError):
    """The task changed since it was read; `data.version` is the current one."""

    code = 1010
    reason = "version_conflict"


class ResourceConflict(TaskError):
    """Somebody holds what the task needs; `data.conflicts` says what and who."""

    code = 1011
    reason = "resource_conflict"


class InvalidTime(TaskError):
    """A time is in the past, or two times contradict each other; `data.field` says which."""

    code = 1012
    reason = "invalid_time"


class InvalidResource(TaskError):
    """A resource cannot be used as it is written; `data.resource` says which."""

    code = 1013
    reason = "invalid_resource"


class ClaimsPaused(TaskError):
    """Nobody may claim for now; `data.pauseReason` says why."""

    code = 1014
    reason = "claims_paused"


class TemplateNotFound(TaskError):
    """The project has no template of this name."""

    code = 1020
    reason = "template_not_found"


class TemplateInvalid(TaskError):
    """The template cannot be used: its tasks contradict one another."""

    code = 1021
    reason = "template_invalid"


class TemplateParameters(TaskError):
    """Parameters do not fit the template; `data.missing` and `data.unknown` name them."""

    code = 1022
    reason = "template_parameters"


# --- slots ------------------------------------------------------------------------------------


class SlotError(CoordinatorError):
    """Refusals about worker slots."""


class NoFreeSlot(SlotError):
    """All slots of the project are held."""

    code = 1101
    reason = "no_free_slot"


class SlotNotFound(SlotError):
    """The project has no slot with this number."""

    code = 1102
    reason = "slot_not_found"


class SlotNotClaimed(SlotError):
    """The slot is free: nobody claimed it."""

    code = 1103
    reason = "slot_not_claimed"


class SlotNotYours(SlotError):
    """Another worker owns the slot; `data.holder` says who."""

    code = 1104
    reason = "slot_not_yours"


class SlotBusy(SlotError):
    """The slot already works on a task; `data.taskId` says which."""

    code = 1105
    reason = "slot_busy"


class WorkerHasSlot(SlotError):
    """The worker already holds another slot; `data.slot` says which."""

    code = 1106
    reason = "worker_has_slot"


# --- the server -------------------------------------------------------------------------------


class ServerError(CoordinatorError):
    """Refusals about the service rather than its content."""


class StorageUnavailable(ServerError):
    """The change could not be made durable and was undone. Nothing is half applied; try again."""

    code = 1201
    reason = "storage_unavailable"


class IdempotencyConflict(ServerError):
    """The idempotency key was used for another request."""

    code = 1202
    reason = "idempotency_conflict"


class Forbidden(ServerError):
    """The connection's role does not allow the method."""

    code = 1203
    reason = "forbidden"


class ShuttingDown(ServerError):
    """The server is stopping. The request was not applied; reconnect and send it again."""

    code = 1204
    reason = "shutting_down"


class LimitExceeded(ServerError):
    """A named limit was reached; `data.limit` is its value."""

    code = 1205
    reason = "limit_exceeded"


class CursorInvalid(ServerError):
    """The cursor was not made by this method with these arguments."""

    code = 1206
    reason = "cursor_invalid"


class SubscriptionNotFound(ServerError):
    """The connection has no such subscription."""

    code = 1207
    reason = "subscription_not_found"


class RequestCancelled(ServerError):
    """The request waited and was withdrawn by `$/cancelRequest`. Nothing was changed."""

    code = 1208
    reason = "request_cancelled"


class HistoryPruned(ServerError):
    """Events after `since` were removed; `data.prunedThrough` says up to which number."""

    code = 1209
    reason = "history_pruned"


# --- client side ------------------------------------------------------------------------------


class ConnectionLost(CoordinatorError):
    """The client could not reach the server, or gave up reaching it again."""

    code = -32001
    reason = "connection_lost"


def _leaves(root: type[CoordinatorError]) -> list[type[CoordinatorError]]:
    children = root.__subclasses__()
    return [root] if not children else [leaf for child in children for leaf in _leaves(child)]


ERRORS: Mapping[str, type[CoordinatorError]] = {
    error.reason: error for error in _leaves(CoordinatorError) if error is not ConnectionLost
}
"""Every error that can appear on the wire, by reason."""

_BY_CODE = {error.code: error for error in ERRORS.values()}


def from_wire(code: int, message: str, data: object) -> CoordinatorError:
    """The exception for a JSON-RPC error object, so that clients can `except TaskNotAvailable`.

    An unknown code gives a plain `CoordinatorError` whose `code` and `reason` are the peer's.
    """
    details: dict[str, Any] = {}
    if isinstance(data, dict):
        details = {str(name): value for name, value in data.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- any JSON
    reason = details.pop("reason", None)
    known = ERRORS.get(reason) if isinstance(reason, str) else None
    known = known or _BY_CODE.get(code)
    if known is None:
        name = reason if isinstance(reason, str) else CoordinatorError.reason
        known = type("UnknownError", (CoordinatorError,), {"code": code, "reason": name})
    error = known(message)
    error.data = details
    return error
