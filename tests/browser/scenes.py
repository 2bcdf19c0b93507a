"""Projects that look like somebody's: a plan with every status, and agents that worked on it.

Owns made-up work for pictures and for looking at the page, the same for the same size. Must not
know the browser.
"""

import random
from collections.abc import Iterator
from typing import Any

import trio

from protocol.client import Client
from tests.browser.stage import Json, Stage

SEED = 11
AGENTS = ("amber", "birch", "cedar", "delta", "ember", "flint")
STEPS = (
    ("schema", "Design the tables of the {}", "db"),
    ("migration", "Write the migration of the {}", "db"),
    ("model", "Move the {} to the new models", "api"),
    ("endpoint", "Serve the {} over the new API", "api"),
    ("client", "Let the client use the new {}", "ui"),
    ("tests", "Test the {} end to end", "ci"),
    ("docs", "Document the {}", "docs"),
    ("switch", "Switch the {} over for all customers", "ops"),
)
PARTS = (
    "login",
    "accounts",
    "catalogue",
    "basket",
    "checkout",
    "invoices",
    "refunds",
    "search",
    "mail",
    "reports",
    "exports",
    "audit log",
    "rate limits",
    "web hooks",
    "settings",
)
DETAIL = (
    "\n\nIt has to hold for customers that came from the old system, too. Keep the old path until"
    " the switch, and say in the output which files changed."
)
WHY_FAILED = (
    "3 tests are red: test_empty_basket, test_two_currencies, test_refund_after_switch",
    "The migration locks the table for 40 s; it has to be done in batches.",
)
NOTES = ("reading the old code", "half of the tests are green", "waiting for the build")
FAILING = 0.12


def plan(count: int) -> list[Json]:
    """So many tasks of a move to a new API, part by part and step by step."""
    rng = random.Random(SEED)
    return [task for task, _ in zip(_steps(rng), range(count), strict=False)]


def _steps(rng: random.Random) -> Iterator[Json]:
    generation = 0
    while True:
        generation += 1
        for place, part in enumerate(PARTS):
            name = part.replace(" ", "-") + (f"-{generation}" if generation > 1 else "")
            for step, (key, words, tag) in enumerate(STEPS):
                before = [f"{name}/{STEPS[step - 1][0]}"] if step else []
                if key == "client" and place:
                    other = PARTS[place - 1].replace(" ", "-")
                    suffix = f"-{generation}" if generation > 1 else ""
                    before.append(f"{other}{suffix}/endpoint")
                yield {
                    "id": f"{name}/{key}",
                    "description": words.format(part) + (DETAIL if rng.random() < 0.3 else ""),
                    "dependencies": before,
                    "priority": rng.choice((0, 0, 0, 1, 2, 5)),
                    "tags": [tag, *(["risky"] if rng.random() < 0.15 else [])],
                    "maxAttempts": rng.choice((1, 2, 2)),
                    "retryDelaySeconds": 2,
                }


def work(stage: Stage, project: str, seconds: float, pace_seconds: float) -> None:
    """Let agents work for so long; at the end some are still at it, and one is gone."""
    stage.call(project, "set_worker_slots", slots=len(AGENTS) + 2)
    client = stage.client(project)

    async def work_all() -> None:
        until = trio.current_time() + seconds
        async with trio.open_nursery() as nursery:
            for number, name in enumerate(AGENTS):
                rng = random.Random(SEED + number)
                agent = _Agent(client, name, rng, pace_seconds, until)
                nursery.start_soon(agent.work)

    stage.loop.run(work_all, patience=seconds + 60)


class _Agent:
    """Takes tasks, reports, finishes and sometimes fails, until it is late."""

    def __init__(
        self, client: Client, name: str, rng: random.Random, pace_seconds: float, until: float
    ) -> None:
        self._client = client
        self._name = name
        self._rng = rng
        self._pace = pace_seconds
        self._until = until

    async def work(self) -> None:
        await self._call("claim_worker_slot")
        while not self._late():
            claim = await self._call("claim_next_task", waitSeconds=1)
            if "task" in claim:
                held = {"taskId": claim["task"]["id"], "claimToken": claim["claimToken"]}
                await self._do(held)

    async def _do(self, held: Json) -> None:
        for share in (0.25, 0.6, 0.9):
            await trio.sleep(self._pace * self._rng.uniform(0.2, 2) / 3)
            note = self._rng.choice(NOTES)
            await self._call("report_progress", **held, progress=share, note=note)
            if self._late():
                return
        if self._rng.random() < FAILING:
            error = self._rng.choice(WHY_FAILED)
            await self._call("update_task", **held, status="failed", error=error)
        else:
            await self._call("update_task", **held, status="done", output="Done; 4 files changed.")

    async def _call(self, method: str, **params: Any) -> Any:
        return await self._client.call(method, {"workerId": self._name, **params})

    def _late(self) -> bool:
        return trio.current_time() > self._until
