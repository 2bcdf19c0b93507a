"""A client that never repeats anything: what it was told is all it knows.

Owns a bare WebSocket connection and the load of one worker on it. Unlike the real client it does
not reconnect or resend, so that an acknowledgement is one by the server that gave it.
"""

import itertools
import json
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection, connect

from tests.faults.ledger import Claim, Ledger

PATIENCE_SECONDS = 30.0
OPEN_TASKS_SEEN = 40
"""Workers choose among so many of the newest open tasks, so that they meet."""


class Refused(Exception):
    """The server's refusal."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.reason: str = error["data"]["reason"]


class RawClient:
    """One connection, used by one task."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket
        self._ids = itertools.count(1)

    async def call(self, method: str, **params: Any) -> Any:
        """The result.

        Raises:
            Refused: the server refused.
            ConnectionClosed: the connection broke; nobody knows what became of the call.
        """
        (answer,) = await self.call_all([(method, params)])
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    async def call_all(
        self,
        calls: list[tuple[str, dict[str, Any]]],
        heard: Callable[[int, dict[str, Any]], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Send all at once; the answers in the order of the calls.

        `heard` is told each answer, with the number of its call from 0, as soon as it is there.
        """
        ids = {next(self._ids): number for number in range(len(calls))}
        answers: dict[int, dict[str, Any]] = {}
        with trio.fail_after(PATIENCE_SECONDS):
            for id_, (method, params) in zip(ids, calls, strict=True):
                request = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
                await self._websocket.send(json.dumps(request))
            while len(answers) < len(calls):
                answer: dict[str, Any] = json.loads(await self._websocket.recv())
                number = ids[answer["id"]]
                answers[number] = answer
                if heard is not None:
                    heard(number, answer)
        return [answers[number] for number in range(len(calls))]


@asynccontextmanager
async def raw_client(port: int) -> AsyncGenerator[RawClient]:
    """A connection for the length of the block."""
    async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as websocket:
        yield RawClient(websocket)


class Worker:
    """Adds, claims and finishes tasks, also those of others, and writes down what it was told."""

    def __init__(self, name: str, ledger: Ledger, rng: random.Random) -> None:
        self._name = name
        self._ledger = ledger
        self._rng = rng
        self._numbers = itertools.count(1)

    async def run(self, client: RawClient) -> None:
        """Work until the connection breaks."""
        with suppress(ConnectionClosed):
            mine = await client.call("claim_worker_slot", workerId=self._name)
            if "taskId" in mine:  # it was at work when the server was killed, and goes on
                await self._report(client, mine["taskId"], mine["claimToken"])
            while True:
                await self._add_some(client)
                await self._finish_one(client, mine["slot"])

    async def _add_some(self, client: RawClient) -> None:
        """Two or three additions at once; the last one may wait for the first."""
        ids = [f"{self._name}-{next(self._numbers)}" for _ in range(self._rng.randint(2, 3))]
        tasks: list[dict[str, Any]] = [
            {"id": id_, "description": f"{id_}!", "idempotencyKey": f"add-{id_}"} for id_ in ids
        ]
        if self._rng.random() < 0.3:
            tasks[-1]["dependencies"] = ids[:1]
        self._ledger.sent.update(ids)

        def acknowledge(number: int, answer: dict[str, Any]) -> None:
            self._ledger.added[ids[number]] = tasks[number]["description"]
            self._ledger.open.append(ids[number])
            self._ledger.last_addition = tasks[number], answer["result"]
            self._ledger.note(ids[number])

        await client.call_all([("add_task", task) for task in tasks], acknowledge)

    async def _finish_one(self, client: RawClient, slot: int) -> None:
        task_id = self._rng.choice(self._ledger.open[-OPEN_TASKS_SEEN:])
        try:
            claim = await client.call(
                "claim_task", taskId=task_id, workerId=self._name, workerSlot=slot
            )
        except Refused as refused:
            if refused.reason == "task_not_available":
                return
            raise
        token: str = claim["claimToken"]
        self._ledger.claims[task_id].append(Claim(self._name, token))
        self._ledger.note(task_id)
        await self._report(client, task_id, token)

    async def _report(self, client: RawClient, task_id: str, token: str) -> None:
        output = f"{task_id} at {token}"
        await client.call(
            "update_task",
            taskId=task_id,
            workerId=self._name,
            status="done",
            output=output,
            claimToken=token,
        )
        self._ledger.done[task_id] = (self._name, output)
        if task_id in self._ledger.open:  # its addition may not have been acknowledged
            self._ledger.open.remove(task_id)
        self._ledger.note(task_id)
