"""One row of the table of methods: what a method declares about itself.

Owns the shape of a row and what follows from it, such as the errors that every method of a kind can
answer with. Must not know any method.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec

from protocol import errors as e
from protocol import params as p

__all__ = ["Method", "Role", "operation", "query", "wire_names"]


class Role(IntEnum):
    """What a connection may do; each role includes the ones below."""

    VIEWER = 1
    WORKER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row of the table.

    `mutates`: goes through the actor's batch and accepts `idempotencyKey`.
    `beside`: changes something all the same, beside the batch: files, or many batches.
    `destructive` and `idempotent` describe a mutation the way MCP's tool annotations do: it can
    remove or overwrite; saying it twice changes nothing more.
    `tool`: whether agents get it as an MCP tool.
    `original`: one of the ten methods that this product was asked to keep.
    """

    name: str
    params: type[p.Params]
    result: type[msgspec.Struct]
    summary: str
    group: str
    role: Role = Role.WORKER
    errors: tuple[type[e.CoordinatorError], ...] = ()
    mutates: bool = True
    beside: bool = False
    destructive: bool = False
    idempotent: bool = False
    tool: bool = True
    original: bool = False
    positional: tuple[str, ...] = field(init=False)
    """Wire names of the params in the order in which they may be sent as an array."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "positional", wire_names(self.params))

    @property
    def changes(self) -> bool:
        """Whether anything can be different after it."""
        return self.mutates or self.beside

    def all_errors(self) -> tuple[type[e.CoordinatorError], ...]:
        """Its own errors and those that every method of its kind can answer with."""
        shared: tuple[type[e.CoordinatorError], ...] = (
            e.InvalidParams,
            e.InternalError,
            e.LimitExceeded,  # a result beyond what may wait for one client
            e.ShuttingDown,
        )
        if self.role > Role.VIEWER:
            shared += (e.Forbidden,)
        if self.mutates:
            shared += (e.StorageUnavailable, e.IdempotencyConflict)
        return self.errors + tuple(error for error in shared if error not in self.errors)


def wire_names(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The camelCase names of a struct's fields, in order, `idempotencyKey` last."""
    names = [info.encode_name for info in msgspec.structs.fields(struct)]
    names.sort(key=lambda name: name == "idempotencyKey")
    return tuple(names)


def query(
    name: str,
    params: type[p.Params],
    result: type[msgspec.Struct],
    summary: str,
    group: str,
    **more: Any,
) -> Method:
    """A method that changes nothing; viewers may call it unless it says otherwise."""
    more.setdefault("role", Role.VIEWER)
    return Method(
        name=name,
        params=params,
        result=result,
        summary=summary,
        group=group,
        mutates=False,
        idempotent=True,
        **more,
    )


def operation(
    name: str,
    params: type[p.Params],
    result: type[msgspec.Struct],
    summary: str,
    **more: Any,
) -> Method:
    """What is carried out beside the actor's batch and cannot be repeated by a key."""
    return Method(
        name=name,
        params=params,
        result=result,
        summary=summary,
        group="operations",
        role=Role.ADMIN,
        mutates=False,
        beside=True,
        tool=False,
        **more,
    )
