"""How long does a person wait for the page, and does it stay fluid while much happens?

Owns the questions: the first view with 1,000 tasks; frames and memory under 200 events a second;
the graph of 1,000 tasks; the Tasks view with 100,000 tasks beside the same with 1,000. All of it
on the real server process, in Chromium. Must not know how a browser is driven.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import trio

from benchmarks.machine import commit, facts
from benchmarks.page import Browsing, Held, Tab, browsing
from benchmarks.processes import Server, coordinator
from benchmarks.report import append_line, percentile, table
from benchmarks.storm import WORKERS
from protocol.client import connect
from protocol.limits import ADD_TASKS_MAX
from protocol.params import NewTask

__all__ = ["Settings", "Shown", "Storm", "dashboard", "measure", "plan"]

RESULTS = Path(__file__).parent / "results" / "dashboard.jsonl"
LAYERS = 20
SEED = 4
PATIENCE_SECONDS = 60.0
STORM_VIEWS = ("overview", "tasks", "graph", "events")


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is asked for."""

    tasks: int
    many_tasks: int
    rounds: int
    rate: float
    seconds: float


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Until something was painted, in milliseconds."""

    what: str
    tasks: int
    median_ms: float
    worst_ms: float


class Storm(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A view while events came in."""

    view: str
    events: int
    per_second: float
    late_ms: float
    """How far behind the pace an event was sent, at worst: far from 0, the load was another."""
    frames: int
    p95_ms: float
    p99_ms: float
    worst_ms: float
    heap_begin_mi_b: float = msgspec.field(name="heapBeginMiB")
    heap_end_mi_b: float = msgspec.field(name="heapEndMiB")
    nodes_begin: int
    nodes_end: int


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the results."""

    commit: str
    time: str
    machine: dict[str, str | int]
    settings: Settings
    shown: list[Shown]
    storms: list[Storm]


class _Said(msgspec.Struct, rename="camel"):
    """What the generator of events says at its end."""

    events: int
    seconds: float
    late_seconds: float
    seq: int


# --- what is there ----------------------------------------------------------------------------


def plan(count: int, seed: int = SEED) -> list[NewTask]:
    """Tasks in layers, most of them depending on one to three of the layer before."""
    rng = random.Random(seed)
    width = max(1, count // LAYERS)
    tasks: list[NewTask] = []
    for number in range(count):
        layer = range(max(0, (number // width - 1) * width), (number // width) * width)
        wanted = min(rng.choice((0, 1, 1, 2, 2, 3)), len(layer))
        tasks.append(
            NewTask(
                id=f"T{number + 1}",
                description=f"Step {number + 1} of the plan: " + "something to do " * 5,
                dependencies=[f"T{other + 1}" for other in rng.sample(layer, wanted)],
                priority=rng.randrange(10),
                tags=rng.sample(("api", "docs", "tests", "page"), 2),
            )
        )
    return tasks


async def _fill(server: Server, project: str, count: int) -> None:
    async with connect(f"ws://127.0.0.1:{server.port}/projects/{project}") as client:
        tasks = plan(count)
        for first in range(0, count, ADD_TASKS_MAX):
            await client.add_tasks(tasks=tasks[first : first + ADD_TASKS_MAX])


# --- measuring --------------------------------------------------------------------------------


def measure(
    settings: Settings, server: Server, browser: Browsing
) -> tuple[list[Shown], list[Storm]]:
    """Everything, on a server that is empty.

    Raises:
        AssertionError: the page did not show what is there, so the numbers are not true.
    """
    few, many = settings.tasks, settings.many_tasks
    trio.run(_fill, server, "few", few)
    trio.run(_fill, server, "many", many)
    shown = [
        _loads(settings, server, browser, "few", "overview", few),
        _loads(settings, server, browser, "few", "tasks", few),
        _loads(settings, server, browser, "many", "tasks", many),
        _switches(settings, server, browser, "few", "tasks", few),
        _switches(settings, server, browser, "many", "tasks", many),
        _switches(settings, server, browser, "few", "graph", few),
    ]
    storms: list[Storm] = []
    for view in STORM_VIEWS:
        project = f"storm-{view}"
        trio.run(_fill, server, project, few)
        storms.append(_storm(settings, server, browser, project, view))
    return shown, storms


def _loads(
    settings: Settings, server: Server, browser: Browsing, project: str, view: str, tasks: int
) -> Shown:
    """From a navigation on, each time with an empty cache."""
    samples: list[float] = []
    for _ in range(settings.rounds):
        with browser.tab(server.page) as tab:
            samples.append(tab.load(project, view))
            _check_counters(tab, tasks)
    return _shown(f"load {view}", tasks, samples)


def _switches(
    settings: Settings, server: Server, browser: Browsing, project: str, view: str, tasks: int
) -> Shown:
    """From the press on the view's link on, on an open page."""
    samples: list[float] = []
    for _ in range(settings.rounds):
        with browser.tab(server.page) as tab:
            tab.load(project, "overview")
            samples.append(tab.switch(view))
            if view == "graph":
                drawn = tab.number("document.querySelector('graph-view').dataset.drawn")
                assert drawn == tasks, f"the graph shows {drawn:.0f} of {tasks} tasks"
    return _shown(f"switch to {view}", tasks, samples)


def _check_counters(tab: Tab, tasks: int) -> None:
    script = "[...document.querySelectorAll('#counts .figure')].reduce((sum, { textContent }) => "
    script += "sum + Number(textContent.replaceAll(',', '')), 0)"
    assert tab.number(script) == tasks, "the counters show another number of tasks"


def _shown(what: str, tasks: int, samples: Sequence[float]) -> Shown:
    return Shown(
        what=what,
        tasks=tasks,
        median_ms=round(statistics.median(samples), 1),
        worst_ms=round(max(samples), 1),
    )


def _storm(settings: Settings, server: Server, browser: Browsing, project: str, view: str) -> Storm:
    """First a tenth of it, so that what is kept for good is there; then the measured one."""
    with browser.tab(server.page) as tab:
        tab.load(project, view)
        _blow(settings, server, tab, project, settings.seconds / 10)
        before = tab.held()
        tab.watch_frames()
        said = _blow(settings, server, tab, project, settings.seconds)
        frames = tab.frames_ms()
        after = tab.held()
    return _storm_case(view, said, frames, before, after)


def _blow(settings: Settings, server: Server, tab: Tab, project: str, seconds: float) -> _Said:
    """A storm, until its last event is on the page."""
    url = f"ws://127.0.0.1:{server.port}/projects/{project}"
    command = [sys.executable, "-m", "benchmarks.storm", url, str(settings.rate), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert process.wait(PATIENCE_SECONDS) == 0, "the generator of events failed"
    said = msgspec.convert(json.loads(line), _Said)
    shown = "document.querySelector('#header [data-part=seq]').textContent.replace(/\\D/g, '')"
    tab.wait(f"Number({shown}) >= {said.seq}")
    return said


def _storm_case(
    view: str, said: _Said, frames: Sequence[float], before: Held, after: Held
) -> Storm:
    ordered = sorted(round(1_000 * frame) for frame in frames)
    return Storm(
        view=view,
        events=said.events,
        per_second=round(said.events / said.seconds, 1),
        late_ms=round(1_000 * said.late_seconds, 1),
        frames=len(frames),
        p95_ms=percentile(ordered, 95),
        p99_ms=percentile(ordered, 99),
        worst_ms=percentile(ordered, 100),
        heap_begin_mi_b=round(before.heap_bytes / 2**20, 2),
        heap_end_mi_b=round(after.heap_bytes / 2**20, 2),
        nodes_begin=before.nodes,
        nodes_end=after.nodes,
    )


# --- the command ------------------------------------------------------------------------------

SHOWN_HEAD = ["what", "tasks", "median ms", "worst ms"]
STORM_HEAD = [
    *("view", "events/s", "late ms", "p95 ms", "p99 ms", "worst ms", "heap MiB", "at the end"),
    *("nodes", "at the end"),
]


def _shown_row(case: Shown) -> list[str]:
    return [case.what, f"{case.tasks:,}", f"{case.median_ms:.0f}", f"{case.worst_ms:.0f}"]


def _storm_row(case: Storm) -> list[str]:
    frames = (f"{value:.1f}" for value in (case.p95_ms, case.p99_ms, case.worst_ms))
    heap = (f"{value:.1f}" for value in (case.heap_begin_mi_b, case.heap_end_mi_b))
    nodes = (f"{value:,}" for value in (case.nodes_begin, case.nodes_end))
    return [case.view, f"{case.per_second:.0f}", f"{case.late_ms:.0f}", *frames, *heap, *nodes]


@click.command()
@click.option("--tasks", type=click.IntRange(LAYERS, 10_000), default=1_000, show_default=True)
@click.option(
    "--many-tasks", type=click.IntRange(LAYERS, 1_000_000), default=100_000, show_default=True
)
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True)
@click.option("--rate", type=click.FloatRange(1, 2_000), default=200, show_default=True)
@click.option("--seconds", type=click.FloatRange(1, 3_600), default=30, show_default=True)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that gets the line of JSON.  [default: benchmarks/results/dashboard.jsonl]",
)
@click.option(
    "--quick",
    is_flag=True,
    help="See whether it works, in ten seconds; kept only where --results says.",
)
def dashboard(
    *,
    tasks: int,
    many_tasks: int,
    rounds: int,
    rate: float,
    seconds: float,
    results: Path | None,
    quick: bool,
) -> None:
    """The page in Chromium: how soon it is there, how fluid it stays, how it takes many tasks."""
    if quick:
        tasks, many_tasks, rounds, seconds = 40, 400, 1, 1
    settings = Settings(
        tasks=tasks, many_tasks=many_tasks, rounds=rounds, rate=rate, seconds=seconds
    )
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        machine = {**facts(Path(folder)), "chromium": browser.version}
        database = Path(folder) / "dashboard.db"
        with coordinator(database, slots=WORKERS, dashboard=True) as server:
            shown, storms = measure(settings, server, browser)
    click.echo(table(SHOWN_HEAD, map(_shown_row, shown)))
    click.echo()
    click.echo(table(STORM_HEAD, map(_storm_row, storms)))
    if quick and results is None:
        return
    run = Run(
        commit=commit(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine,
        settings=settings,
        shown=shown,
        storms=storms,
    )
    kept = results or RESULTS
    click.echo(f"Kept as line {append_line(kept, run)} of {kept.name}.")
