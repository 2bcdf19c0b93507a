"""A crew of real MCP processes works through a plan while its members are killed and frozen.

Owns the plan, the crew, the faults and the log. `python -m tests.chaos.run` (`make chaos`) is the
long run; the test beside it is a short one. Every few seconds one member is struck: its host or its
MCP process is killed with SIGKILL, or both are frozen with SIGSTOP until their lease is over, and
thawed. Whoever ends is replaced.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import trio

from protocol.client import Client, connect
from protocol.models import Event, Task
from protocol.params import NewTask
from tests.chaos.verdict import broken_promises
from tests.mcp_client.agents import ROOT
from tests.servers import ServerProcess, running_server

__all__ = ["Outcome", "Settings", "chaos"]

FAULTS = ("kill the host", "kill the MCP process", "freeze both")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the run is like. Times are in seconds."""

    tasks: int = 200
    slots: int = 5
    workers: int = 8
    work: float = 1.0
    lease: float = 3.0
    grace: float = 1.0
    pause: tuple[float, float] = (1.0, 3.0)
    """Between two faults."""
    limit: float = 900.0
    seed: int = 1


@dataclass
class Outcome:
    """What happened."""

    seconds: float = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    said: Counter[str] = field(default_factory=Counter[str])
    events: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    """Reports of workers that had lost their claim, by reason."""
    problems: list[str] = field(default_factory=list[str])


@dataclass
class _Member:
    """A worker's host process and the MCP process that it started."""

    name: str
    process: trio.Process
    ready: bool = False
    frozen: bool = False

    def mcp_process(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children()
            return children[0] if children else None
        return None


class _Crew:
    def __init__(self, settings: Settings, server: ServerProcess) -> None:
        self._settings = settings
        self._server = server
        self._rng = random.Random(settings.seed)
        self._started = trio.current_time()
        self._count = 0
        self.members: dict[str, _Member] = {}
        self.outcome = Outcome()
        self.accepted: dict[str, list[str]] = {}

    def log(self, text: str) -> None:
        print(f"{trio.current_time() - self._started:7.1f} s  {text}", flush=True)

    async def keep_a_place_filled(self) -> None:
        """One worker after another, until one ends because all is done."""
        while True:
            self._count += 1
            member = await self._start(f"w{self._count}")
            try:
                async for said in _lines(member.process):
                    self._heard(member, said)
                if await member.process.wait() == 0 and not member.ready:
                    return
            finally:
                self._end(member)
            if await self._is_all_done():
                return

    async def strike_now_and_then(self) -> None:
        """Faults, one at a time but for those that are frozen meanwhile."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._rng.uniform(*self._settings.pause))
                able = [m for m in self.members.values() if m.ready and not m.frozen]
                if able:
                    member = self._rng.choice(able)
                    await self._strike(nursery, member, self._rng.choice(FAULTS))

    async def _strike(self, nursery: trio.Nursery, member: _Member, fault: str) -> None:
        mcp = await trio.to_thread.run_sync(member.mcp_process)
        if mcp is None:
            return
        self.outcome.faults[fault] += 1
        if fault == "freeze both":
            seconds = self._settings.lease * self._rng.uniform(1.3, 2.5)
            self.log(f"{member.name}: frozen for {seconds:.1f} s")
            nursery.start_soon(self._freeze, member, mcp, seconds)
            return
        self.log(f"{member.name}: {fault} with SIGKILL")
        with suppress(psutil.NoSuchProcess):
            (mcp if fault == "kill the MCP process" else psutil.Process(member.process.pid)).kill()

    async def _freeze(self, member: _Member, mcp: psutil.Process, seconds: float) -> None:
        member.frozen = True
        host = psutil.Process(member.process.pid)
        try:
            for process in (mcp, host):
                process.send_signal(signal.SIGSTOP)
            await trio.sleep(seconds)
        except psutil.NoSuchProcess:
            pass
        finally:
            for process in (mcp, host):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
            member.frozen = False
        self.log(f"{member.name}: thawed")

    async def _start(self, name: str) -> _Member:
        command = [sys.executable, "-m", "tests.chaos.worker", self._server.url, name]
        process = await trio.lowlevel.open_process(
            [*command, str(self._settings.work)], stdout=subprocess.PIPE, cwd=ROOT
        )
        member = self.members[name] = _Member(name, process)
        return member

    def _end(self, member: _Member) -> None:
        del self.members[member.name]
        if member.process.returncode is None:
            member.process.send_signal(signal.SIGCONT)
            member.process.kill()

    def _heard(self, member: _Member, said: dict[str, Any]) -> None:
        what = said["what"]
        self.outcome.said[what] += 1
        if what == "ready":
            member.ready = True
        elif what == "done":
            self.accepted.setdefault(said["task"], []).append(said["token"])
        elif what == "report refused":
            self.outcome.refused[said["reason"]] += 1
            self.log(f"{member.name}: report on {said['task']} refused: {said['reason']}")
        elif what == "notice":
            self.log(f"{member.name} is told: {said['text']}")

    async def _is_all_done(self) -> bool:
        async with connect(self._server.url) as client:
            return (await client.get_snapshot()).counts.done == self._settings.tasks


async def _lines(process: trio.Process) -> AsyncIterator[dict[str, Any]]:
    assert process.stdout is not None
    waiting = b""
    while chunk := await process.stdout.receive_some():
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


def plan(settings: Settings) -> list[NewTask]:
    """Tasks of a few kinds, with dependencies among them and resources that get in the way."""
    rng = random.Random(settings.seed)
    tasks: list[NewTask] = []
    for number in range(settings.tasks):
        earlier = range(max(0, number - 30), number)
        needs = rng.sample(earlier, k=min(len(earlier), rng.choice((0, 0, 1, 2))))
        folder = f"src/part{rng.randrange(6)}/"
        resources = rng.choice(
            ([], [], [folder], [f"{folder}file{rng.randrange(3)}.py"], ["db-schema"])
        )
        tasks.append(
            NewTask(
                id=f"t{number:03}",
                description=f"part {number}",
                dependencies=[f"t{need:03}" for need in needs],
                resources=resources,
                priority=rng.randrange(3),
                max_attempts=100,  # this many faults may strike one task by chance
            )
        )
    return tasks


async def chaos(settings: Settings, folder: Path) -> Outcome:
    """Run it, check it, and tell what happened. A problem is told, not raised."""
    options = ["--workers", str(settings.slots), "--lease-seconds", str(settings.lease)]
    options += ["--disconnect-grace-seconds", str(settings.grace)]
    async with (
        running_server(folder / "chaos.db", *options) as server,
        connect(server.url, name="chaos") as client,
    ):
        await client.add_tasks(tasks=plan(settings))
        crew = _Crew(settings, server)
        started = trio.current_time()
        with trio.move_on_after(settings.limit) as scope:
            await _work(crew, settings.workers)
        outcome = crew.outcome
        outcome.seconds = trio.current_time() - started
        if scope.cancelled_caught:
            outcome.problems.append(f"not finished within {settings.limit:g} s")
        events, tasks = await _history(client), await _tasks(client)
        outcome.events = Counter(event.type for event in events)
        outcome.problems += broken_promises(events, tasks, crew.accepted)
    return outcome


async def _work(crew: _Crew, workers: int) -> None:
    async with trio.open_nursery() as striking:
        striking.start_soon(crew.strike_now_and_then)
        async with trio.open_nursery() as working:
            for _ in range(workers):
                working.start_soon(crew.keep_a_place_filled)
        striking.cancel_scope.cancel()


async def _history(client: Client) -> list[Event]:
    events: list[Event] = []
    since: int | None = 0
    while since is not None:
        page = await client.get_events(since=since, limit=1000)
        events += page.events
        since = page.next_since
    return events


async def _tasks(client: Client) -> list[Task]:
    tasks: list[Task] = []
    cursor: str | None = None
    while True:
        page = await client.list_tasks(limit=500, cursor=cursor)
        tasks += page.tasks
        cursor = page.next_cursor
        if cursor is None:
            return tasks


def main() -> int:
    """Run it with the settings of the command line; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--slots", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 16))
    given = parser.parse_args()
    settings = Settings(
        tasks=given.tasks, workers=given.workers, slots=given.slots, seed=given.seed
    )
    print(f"seed {settings.seed}: {settings}")
    with tempfile.TemporaryDirectory() as folder:
        outcome = trio.run(chaos, settings, Path(folder))
    print(f"\n{settings.tasks} tasks in {outcome.seconds:.0f} s")
    for title, counts in (
        ("faults", outcome.faults),
        ("workers said", outcome.said),
        ("reports refused", outcome.refused),
        ("events", outcome.events),
    ):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print("broken promises: " + ("; ".join(outcome.problems[:20]) or "none"))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
