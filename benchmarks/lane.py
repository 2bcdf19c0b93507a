"""One worker's life: add a task, claim it, report it done, and again.

Owns the requests of one worker and the reading of their answers. Each lane has one request in
flight, so a window of W requests on a connection is W lanes. Must not know sockets or clocks.
"""

from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec

__all__ = ["Acknowledged", "Answer", "Lane", "decode_answer"]

DESCRIPTION = "Make the login page remember where the visitor came from, and send him back there."
OUTPUT = "Added `next` to the form and checked it against the list of own pages; 14 tests pass."


class Result(msgspec.Struct, rename="camel"):
    """The part of the results that a worker needs to go on."""

    slot: int = 0
    claim_token: str | None = None


class Answer(msgspec.Struct):
    """A response. The echo server sends the request back, which has neither of the two."""

    id: int
    result: Result | None = None
    error: msgspec.Raw | None = None


decode_answer = msgspec.json.Decoder(Answer).decode
_encode = msgspec.json.Encoder().encode


@dataclass
class Acknowledged:
    """What the server said it has done."""

    slots: int = 0
    added: int = 0
    claimed: int = 0
    done: int = 0

    @property
    def mutations(self) -> int:
        return self.added + self.claimed + self.done


class Lane:
    """A worker with its own slot. `number` tells it from the others on its connection."""

    def __init__(self, name: str, number: int, said: Acknowledged, *, keys: bool) -> None:
        self._name = name
        self._number = number
        self._said = said
        self._keys = keys
        self._tasks = count(1)
        self._key_numbers = count(1)
        self._task = ""
        self._slot = 0
        self._token = ""
        self._step = "claim_worker_slot"

    def first_request(self) -> bytes:
        """Ask for the slot."""
        return self._request(workerId=self._name)

    def at_rest(self) -> bool:
        """Whether the last life cycle is over and the next not begun."""
        return self._step == "add_task"

    def next_request(self) -> bytes:
        """The request after the one that was answered last."""
        if self._step == "add_task":
            self._task = f"{self._name}-{next(self._tasks)}"
            return self._request(id=self._task, description=DESCRIPTION)
        if self._step == "claim_task":
            return self._request(taskId=self._task, workerId=self._name, workerSlot=self._slot)
        return self._request(
            taskId=self._task,
            status="done",
            workerId=self._name,
            output=OUTPUT,
            claimToken=self._token,
        )

    def take(self, answer: Answer) -> None:
        """Go one step further.

        Raises:
            RuntimeError: the server refused.
        """
        if answer.error is not None:
            raise RuntimeError(f"{self._step} was refused: {bytes(answer.error).decode()}")
        result = answer.result or Result()
        if self._step == "claim_worker_slot":
            self._slot = result.slot
            self._said.slots += 1
            self._step = "add_task"
        elif self._step == "add_task":
            self._said.added += 1
            self._step = "claim_task"
        elif self._step == "claim_task":
            self._token = result.claim_token or ""
            self._said.claimed += 1
            self._step = "update_task"
        else:
            self._said.done += 1
            self._step = "add_task"

    def _request(self, **params: Any) -> bytes:
        if self._keys:
            params["idempotencyKey"] = f"{self._name}-{next(self._key_numbers)}"
        return _encode(
            {"jsonrpc": "2.0", "id": self._number, "method": self._step, "params": params}
        )
