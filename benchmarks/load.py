"""The load: a process of its own that drives many connections, each with many requests in flight.

Owns the loop over the sockets and what is measured on this side: answers and latencies. Must not
know processes other than its own: `lifecycle` starts it and says when to begin.
"""

import selectors
import time
from array import array
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from benchmarks.connection import Connection
from benchmarks.lane import Acknowledged, Lane, decode_answer

__all__ = ["Measured", "Plan", "Window", "generate"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one generator is to do. `number` makes the names of its workers unique.

    `keys` sends an idempotency key with every mutation, as the Python client does.
    """

    number: int
    port: int
    connections: int
    window: int
    keys: bool = True


@dataclass(frozen=True)
class Window:
    """When to measure, by the monotonic clock, which all processes of a machine share."""

    begin: float
    end: float


@dataclass(kw_only=True)
class Measured:
    """What one generator saw. The latencies, in microseconds, are of the window; what was
    acknowledged is of the whole run, from the first request to the last."""

    said: Acknowledged = field(default_factory=Acknowledged)
    latencies_us: "array[int]" = field(default_factory=lambda: array("I"))


class _Driven:
    """A connection and its lanes."""

    def __init__(self, plan: Plan, number: int, said: Acknowledged) -> None:
        self.connection = Connection(plan.port)
        self.lanes = [
            Lane(f"g{plan.number}c{number}w{lane}", lane, said, keys=plan.keys)
            for lane in range(1, plan.window + 1)
        ]
        self.sent_at = [0.0] * (plan.window + 1)


def generate(pipe: Pipe, plan: Plan) -> None:
    """Connect, claim a slot per lane, say `ready`, then work through the window that comes back.

    Every life cycle that was begun is ended, and all answers are waited for: what was sent is what
    was acknowledged.
    """
    measured = Measured()
    driven = [_Driven(plan, number, measured.said) for number in range(plan.connections)]
    with selectors.DefaultSelector() as selector:
        for one in driven:
            selector.register(one.connection, selectors.EVENT_READ, one)
            one.connection.send([lane.first_request() for lane in one.lanes])
        while measured.said.slots < plan.connections * plan.window:
            for key, _ in selector.select():
                _receive_slots(key.data)
        pipe.send("ready")
        _drive(driven, selector, pipe.recv(), measured)
    for one in driven:
        one.connection.close()
    pipe.send(measured)


def _receive_slots(one: _Driven) -> None:
    for message in one.connection.receive():
        answer = decode_answer(message)
        one.lanes[answer.id - 1].take(answer)


def _drive(
    driven: list[_Driven], selector: selectors.BaseSelector, window: Window, measured: Measured
) -> None:
    for one in driven:
        one.sent_at = [time.monotonic()] * len(one.sent_at)
        one.connection.send([lane.next_request() for lane in one.lanes])
    working = sum(len(one.lanes) for one in driven)
    while working:
        ready = selector.select()
        now = time.monotonic()
        latencies = measured.latencies_us if window.begin <= now < window.end else None
        for key, _ in ready:
            working -= _go_on(key.data, latencies, stopping=now >= window.end)


def _go_on(one: _Driven, latencies: "array[int] | None", *, stopping: bool) -> int:
    """Take what one connection has and send what follows from it; how many lanes came to rest."""
    requests: list[bytes] = []
    rested = 0
    messages = one.connection.receive()
    now = time.monotonic()
    for message in messages:
        answer = decode_answer(message)
        lane = one.lanes[answer.id - 1]
        lane.take(answer)
        if latencies is not None:
            latencies.append(int((now - one.sent_at[answer.id]) * 1e6))
        if stopping and lane.at_rest():
            rested += 1
            continue
        one.sent_at[answer.id] = now
        requests.append(lane.next_request())
    if requests:
        one.connection.send(requests)
    return rested
