"""How many durable changes a second, and how long does one take?

Owns the question: tasks are added, claimed and reported done on the real server process and a real
file (`synchronous=FULL`), by C connections with W requests in flight each. Beside it, in the same
run, the same load on a bare echo server. Then it counts what is really there. Must not know
sockets, processes or tables.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from benchmarks.connection import Connection
from benchmarks.load import Plan
from benchmarks.machine import commit, facts
from benchmarks.processes import Cost, Outcome, Server, coordinator, drive, echo
from benchmarks.report import Latency, append_line, latency, table

__all__ = ["Case", "Settings", "check", "lifecycle", "measure", "snapshot"]

RESULTS = Path(__file__).parent / "results" / "lifecycle.jsonl"


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is asked for."""

    connections: list[int]
    window: list[int]
    seconds: float
    warmup_seconds: float
    generators: int
    keys: bool


class Load(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One server under one load. CPU in per cent of one core."""

    per_second: float
    latency: Latency
    server_cpu: float
    server_loop_cpu: float
    generator_cpu: float
    others_cpu: float
    rss_mi_b: float = msgspec.field(name="rssMiB")


class Counted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the generators were told, the server says and the file holds: all the same."""

    done: int
    events: int
    batches: int
    """Distinct times of events. A batch has one time, so this is at most the number of commits."""


class Case(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the table."""

    connections: int
    window: int
    coordinator: Load
    echo: Load
    counted: Counted


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the results."""

    commit: str
    time: str
    machine: dict[str, str | int]
    settings: Settings
    cases: list[Case]


class _Counts(msgspec.Struct):
    blocked: int
    scheduled: int
    available: int
    working: int
    done: int
    failed: int
    cancelled: int


class Snapshot(msgspec.Struct):
    """What the server says at the end."""

    counts: _Counts
    seq: int


class _SnapshotAnswer(msgspec.Struct):
    result: Snapshot


def measure(settings: Settings, connections: int, window: int, folder: Path) -> Case:
    """One case on a new database in `folder`, and the echo server beside it.

    Raises:
        AssertionError: see `check`.
    """
    database = folder / f"lifecycle-{connections}-{window}.db"
    with coordinator(database, slots=connections * window) as server:
        outcome = _drive(settings, server, connections, window)
        told = snapshot(server)
    counted = check(outcome, told, database)
    with echo() as server:
        bare = _drive(settings, server, connections, window)
    return Case(
        connections=connections,
        window=window,
        coordinator=_load(outcome, settings.seconds),
        echo=_load(bare, settings.seconds),
        counted=counted,
    )


def _drive(settings: Settings, server: Server, connections: int, window: int) -> Outcome:
    generators = min(settings.generators, connections)
    plans = [
        Plan(
            number=number,
            port=server.port,
            connections=len(range(number, connections, generators)),
            window=window,
            keys=settings.keys,
        )
        for number in range(generators)
    ]
    return drive(server, plans, warmup=settings.warmup_seconds, seconds=settings.seconds)


def _load(outcome: Outcome, seconds: float) -> Load:
    samples = [measured.latencies_us for measured in outcome.measured]
    cost: Cost = outcome.cost
    return Load(
        per_second=round(sum(map(len, samples)) / seconds, 1),
        latency=latency(samples),
        server_cpu=round(cost.server_cpu, 1),
        server_loop_cpu=round(cost.server_loop_cpu, 1),
        generator_cpu=round(cost.generator_cpu, 1),
        others_cpu=round(cost.others_cpu, 1),
        rss_mi_b=round(cost.rss_bytes / 2**20, 1),
    )


# --- are the numbers true? --------------------------------------------------------------------


def snapshot(server: Server) -> Snapshot:
    """Ask the server what it has."""
    connection = Connection(server.port)
    connection.send([b'{"jsonrpc":"2.0","id":1,"method":"get_snapshot","params":{"limit":0}}'])
    answers: list[bytes] = []
    while not answers:
        answers = connection.receive()
    connection.close()
    return msgspec.json.decode(answers[0], type=_SnapshotAnswer).result


def check(outcome: Outcome, told: Snapshot, database: Path) -> Counted:
    """Compare what was acknowledged with what the server says and with what the file holds.

    Raises:
        AssertionError: they differ, so the numbers are not true.
    """
    said = [measured.said for measured in outcome.measured]
    done = sum(part.done for part in said)
    assert done == sum(part.added for part in said) == sum(part.claimed for part in said)
    counts = msgspec.structs.asdict(told.counts)
    assert counts == {**dict.fromkeys(counts, 0), "done": done}, "the server counts other tasks"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as real:
        (stored,) = real.execute("SELECT count(*) FROM tasks WHERE status = 'done'").fetchone()
        (events, last, batches) = real.execute(
            "SELECT count(*), max(seq), count(DISTINCT time) FROM events"
        ).fetchone()
    assert stored == done, f"the file has {stored} done tasks, {done} were acknowledged"
    changes = sum(part.slots + part.mutations for part in said)
    assert events == last == told.seq == changes, "the history has another length"
    return Counted(done=done, events=events, batches=batches)


# --- the command ------------------------------------------------------------------------------


class _Numbers(click.ParamType[list[int], str]):
    name = "N,N,..."

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        try:
            numbers = [int(part) for part in value.split(",")]
        except ValueError:
            numbers = []
        if not numbers or min(numbers) < 1:
            self.fail(f"{value!r} is no list of positive numbers such as 1,10,50", param, ctx)
        return numbers


HEAD = (
    "C",
    "W",
    "changes/s",
    "p50 ms",
    "p99 ms",
    "server %",
    "loop %",
    "us/change",
    "RSS MiB",
    "per batch",
    "echo/s",
    "echo p50",
    "echo p99",
    "ratio",
    "generator %",
    "others %",
)


def _row(case: Case) -> Sequence[str]:
    real, bare = case.coordinator, case.echo
    return (
        str(case.connections),
        str(case.window),
        f"{real.per_second:,.0f}",
        f"{real.latency.p50_ms:.2f}",
        f"{real.latency.p99_ms:.2f}",
        f"{real.server_cpu:.0f}",
        f"{real.server_loop_cpu:.0f}",
        f"{1e4 * real.server_cpu / max(1.0, real.per_second):.0f}",
        f"{real.rss_mi_b:.0f}",
        f"{case.counted.events / max(1, case.counted.batches):.1f}",
        f"{bare.per_second:,.0f}",
        f"{bare.latency.p50_ms:.2f}",
        f"{bare.latency.p99_ms:.2f}",
        f"{real.per_second / max(1.0, bare.per_second):.2f}",
        f"{real.generator_cpu:.0f}/{bare.generator_cpu:.0f}",
        f"{real.others_cpu:.0f}/{bare.others_cpu:.0f}",
    )


@click.command()
@click.option("--connections", type=_Numbers(), default="1,10,50", show_default=True)
@click.option("--window", type=_Numbers(), default="1,32", show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True)
@click.option(
    "--generators",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes that make the load.",
)
@click.option(
    "--keys/--no-keys",
    default=True,
    show_default=True,
    help="Send an idempotency key with every mutation, as the Python client does.",
)
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the database files go; by default the system's folder for temporary files.",
)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that gets the line of JSON.  [default: benchmarks/results/lifecycle.jsonl]",
)
@click.option(
    "--quick",
    is_flag=True,
    help="See whether it works, in a few seconds; kept only where --results says.",
)
def lifecycle(
    connections: list[int],
    window: list[int],
    seconds: float,
    generators: int,
    keys: bool,
    directory: Path | None,
    results: Path | None,
    quick: bool,
) -> None:
    """Add, claim, done: durable changes a second and their latency, beside a bare echo server."""
    settings = Settings(
        connections=[4] if quick else connections,
        window=[1, 8] if quick else window,
        seconds=0.3 if quick else seconds,
        warmup_seconds=0.1 if quick else 1.0,
        generators=generators,
        keys=keys,
    )
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        place = Path(folder)
        machine = facts(place)
        cases: list[Case] = []
        for count in settings.connections:
            for width in settings.window:
                cases.append(measure(settings, count, width, place))
                click.echo(
                    f"C={count} W={width}: {cases[-1].coordinator.per_second:,.0f}/s", err=True
                )
    click.echo(table(HEAD, map(_row, cases)))
    if quick and results is None:
        return
    run = Run(
        commit=commit(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        settings=settings,
        cases=cases,
    )
    kept = results or RESULTS
    click.echo(f"Kept as line {append_line(kept, run)} of {kept.name}.")
