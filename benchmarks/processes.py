"""The processes of a measurement, and what they cost.

Owns starting the two servers and the generators, reading their CPU time and memory from outside,
and ending them. Must not know what is measured with them.
"""

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil

from benchmarks.load import Measured, Plan, Window, generate

__all__ = ["Cost", "Outcome", "Server", "coordinator", "drive", "echo"]

STOP_SECONDS = 20.0
START_SECONDS = 60.0
LEAD_SECONDS = 0.05
"""Between telling the generators when to begin and that moment."""


@dataclass(frozen=True)
class Server:
    """A running server of either kind."""

    process: subprocess.Popen[bytes]
    port: int
    page: str = ""
    """The address of the dashboard, where it has one."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU time over a window, in per cent of one core, and memory at its end."""

    server_cpu: float
    server_loop_cpu: float
    """Of the server's first thread alone: the event loop."""
    generator_cpu: float
    """Of the busiest generator."""
    others_cpu: float
    """Of everything else on the machine: what disturbed the measurement."""
    rss_bytes: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one load."""

    measured: list[Measured]
    cost: Cost


@contextmanager
def coordinator(database: Path, slots: int, *, dashboard: bool = False) -> Generator[Server]:
    """The real server on a new file; ended in order, so that the file is whole afterwards."""
    options = ["--port", "0", "--json", "--workers", str(slots)]
    options += ["--dashboard-port", "0"] if dashboard else ["--no-dashboard"]
    with _serving("task_coordinator", "serve", "--database", str(database), *options) as server:
        yield server


@contextmanager
def echo() -> Generator[Server]:
    """The bare echo server."""
    with _serving("benchmarks.echo") as server:
        yield server


@contextmanager
def _serving(module: str, *arguments: str) -> Generator[Server]:
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} did not start")
            announced = json.loads(line)
            yield Server(process, announced["port"], announced.get("dashboard") or "")
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def drive(server: Server, plans: Sequence[Plan], *, warmup: float, seconds: float) -> Outcome:
    """Run the generators, all in the same window, and watch what it costs.

    Raises:
        RuntimeError: a generator failed; it has printed why.
    """
    with _generating(plans) as generators:
        for _, pipe in generators:
            _receive(pipe, START_SECONDS)
        begin = time.monotonic() + LEAD_SECONDS + warmup
        window = Window(begin, begin + seconds)
        for _, pipe in generators:
            pipe.send(window)
        watch = _Watch(server.process.pid, [process.pid or 0 for process, _ in generators])
        _sleep_until(window.begin)
        watch.begin()
        _sleep_until(window.end)
        cost = watch.end()
        measured = [_receive(pipe, START_SECONDS) for _, pipe in generators]
    return Outcome(measured=measured, cost=cost)


@contextmanager
def _generating(plans: Sequence[Plan]) -> Generator[list[tuple[SpawnProcess, Pipe]]]:
    context = multiprocessing.get_context("spawn")
    started: list[tuple[SpawnProcess, Pipe]] = []
    try:
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=generate, args=(theirs, plan), daemon=True)
            process.start()
            # Only the generator's end is left open, so that its death ends the pipe.
            theirs.close()
            started.append((process, ours))
        yield started
        for process, _ in started:
            process.join(STOP_SECONDS)
    finally:
        for process, pipe in started:
            pipe.close()
            if process.is_alive():
                process.kill()


def _receive(pipe: Pipe, patience: float) -> Measured:
    try:
        if pipe.poll(patience):
            received: Measured = pipe.recv()
            return received
    except EOFError:
        pass
    raise RuntimeError("a generator failed")


class _Watch:
    """Reads CPU times at the beginning and the end of a window."""

    def __init__(self, server: int, generators: Sequence[int]) -> None:
        self._server = psutil.Process(server)
        self._generators = [psutil.Process(pid) for pid in generators]
        self._before: list[float] = []

    def begin(self) -> None:
        self._before = self._read()

    def end(self) -> Cost:
        used = [after - before for before, after in zip(self._before, self._read(), strict=True)]
        seconds = used.pop(0)
        machine, server, loop, *generators = [100 * each / seconds for each in used]
        return Cost(
            server_cpu=server,
            server_loop_cpu=loop,
            generator_cpu=max(generators),
            others_cpu=max(0.0, machine - server - sum(generators)),
            rss_bytes=self._server.memory_info().rss,
        )

    def _read(self) -> list[float]:
        """Seconds: the clock, then the CPU time of the machine, the server, its loop, the rest."""
        machine = psutil.cpu_times()
        threads = {thread.id: thread for thread in self._server.threads()}
        loop = threads[self._server.pid]
        return [
            time.monotonic(),
            sum(machine) - machine.idle - getattr(machine, "iowait", 0.0),
            _cpu_seconds(self._server),
            loop.user_time + loop.system_time,
            *map(_cpu_seconds, self._generators),
        ]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
