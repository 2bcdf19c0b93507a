"""Draws the state diagram of a task from the transitions themselves.

Owns `docs/states.md`. Nothing is written down twice: small worlds are driven through every command,
and every moment that comes by itself, in every reachable situation, and whatever status change is
seen is an arrow. `python -m tests.docs.diagram` writes the page, `--check` fails if it is not
current.
"""

import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from actor.agenda import Due
from actor.attempt import Attempt
from actor.policy import Policy
from actor.records import Record, TaskRecord
from actor.replies import Replies
from actor.state import ProjectState
from actor.timestamps import from_datetime
from actor.transitions import TRANSITIONS, Decision, carry_out_due, disconnect, resume
from actor.world import World
from protocol import params as p
from protocol.errors import CoordinatorError
from protocol.models import STATUSES

__all__ = ["arrows", "page"]

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

Arrow = tuple[str, str, str]
"""(status before, label, status after); `[*]` is absence."""

SOON = datetime(1970, 1, 2, tzinfo=UTC)
"""Later than everything that these worlds live through, but for what is scheduled for it."""
POLICY = Policy(attempts_max=2)
BEGAN_MS = 1_000


# --- what can happen --------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A call and the label that it puts on an arrow."""

    method: str
    label: str
    params: p.Params

    def decide(self, state: ProjectState, attempt: Attempt) -> Decision:
        """Raises `CoordinatorError` where it is refused."""
        return TRANSITIONS[self.method](state, self.params, attempt.context())


@dataclass(frozen=True)
class Restart:
    """The server starts anew, and everybody has a lease to come back."""

    label: str = "server restarted"

    def decide(self, state: ProjectState, attempt: Attempt) -> Decision:
        return resume(state, frozenset(), attempt.context())


@dataclass(frozen=True)
class Disconnect:
    """The worker's connection is lost."""

    label: str = ""

    def decide(self, state: ProjectState, attempt: Attempt) -> Decision:
        return disconnect(state, "", attempt.context())


@dataclass(frozen=True)
class Moment:
    """Something becomes due by itself. Any of them may come first: how long things take is left
    out, which keeps the number of situations finite."""

    due: Due
    label: str = ""

    def decide(self, state: ProjectState, attempt: Attempt) -> Decision:
        return carry_out_due(state, self.due, attempt.context())


Step = Command | Restart | Disconnect | Moment


def _alone() -> Iterator[Step]:
    """One task with all that time can do to it."""
    task = p.NewTask(id="a", description="a", max_attempts=2, timeout_seconds=10)
    later = p.NewTask(id="a", description="a", not_before=SOON)
    yield Command("add_tasks", "add_task", p.AddTasks(tasks=[task]))
    yield Command("add_tasks", "add_task", p.AddTasks(tasks=[later]))
    for status in ("done", "failed", "cancelled"):
        over = p.ImportedTask(id="a", description="a", status=status)
        yield Command("import_tasks", "import_tasks", p.ImportTasks(tasks=[over]))
    short = p.ClaimTask(task_id="a", worker_id="w", worker_slot=1, lease_seconds=5)
    yield Command("claim_task", "claim_task", short)
    yield Command("edit_task", "edit_task", p.EditTask(task_id="a", not_before=SOON))
    yield Command("edit_task", "edit_task", p.EditTask(task_id="a", not_before=None))
    yield from _of_slots()
    yield from _of_task("a")


def _pair() -> Iterator[Step]:
    """Two tasks, the second of which needs the first. It is scheduled by its retries alone."""
    first = p.NewTask(id="a", description="a")
    for attempts in (None, 2):
        second = p.NewTask(id="b", description="b", dependencies=["a"], max_attempts=attempts)
        yield Command("add_tasks", "add_task", p.AddTasks(tasks=[first, second]))
    yield from _of_slots()
    claim = p.ClaimTask(task_id="a", worker_id="w", worker_slot=1)
    yield Command("claim_task", "claim_task", claim)
    yield Command("update_task", "update_task done", _report("a", "done"))
    yield Command("reset_failed_task", "reset_failed_task force", _reset("a", force=True))
    yield Command("edit_task", "edit_task", p.EditTask(task_id="b", dependencies=[]))
    yield Command("edit_task", "edit_task", p.EditTask(task_id="b", dependencies=["a"]))
    yield from _of_task("b")


def _of_slots() -> Iterator[Step]:
    yield Restart()
    yield Disconnect()
    bound = p.ClaimWorkerSlot(worker_id="w", bind_to_connection=True)
    yield Command("claim_worker_slot", "", bound)
    release = p.ReleaseWorkerSlot(slot=1, worker_id="w")
    yield Command("release_worker_slot", "release_worker_slot", release)


def _of_task(name: str) -> Iterator[Step]:
    claim = p.ClaimTask(task_id=name, worker_id="w", worker_slot=1)
    yield Command("claim_task", "claim_task", claim)
    yield Command("update_task", "update_task done", _report(name, "done"))
    yield Command("update_task", "update_task failed", _report(name, "failed"))
    release = p.ReleaseTask(task_id=name, worker_id="w")
    yield Command("release_task", "release_task", release)
    yield Command("cancel_task", "cancel_task", p.CancelTask(task_id=name))
    yield Command("reset_failed_task", "reset_failed_task", _reset(name, force=False))
    yield Command("reset_failed_task", "reset_failed_task force", _reset(name, force=True))
    yield Command("delete_task", "delete_task", p.DeleteTask(task_id=name))


def _report(name: str, status: str) -> p.UpdateTask:
    return p.UpdateTask(
        task_id=name, worker_id="w", status="done" if status == "done" else "failed"
    )


def _reset(name: str, *, force: bool) -> p.ResetFailedTask:
    return p.ResetFailedTask(task_id=name, force=force)


# --- going everywhere -------------------------------------------------------------------------


@dataclass
class Place:
    """A world and its time."""

    world: World
    wall_ms: int = BEGAN_MS
    mono_ms: int = 0

    @property
    def state(self) -> ProjectState:
        return self.world.find("default", self.wall_ms)

    def moments(self) -> list[Moment]:
        return [Moment(due) for due in self.world.agenda.moments()]

    @contextmanager
    def after(self, step: Step) -> Generator[Decision | None]:
        """Take a step, and take it back at the end. Gives what was decided; None: a refusal."""
        times = self.wall_ms, self.mono_ms
        if isinstance(step, Moment):
            self.wait_for(step.due)
        attempt = Attempt(self.world, Replies(), self.wall_ms, self.mono_ms, POLICY)
        state = self.state
        try:
            decision = step.decide(state, attempt)
        except CoordinatorError:
            yield None
        else:
            attempt.take(state, decision)
            yield decision
            attempt.revert()
        self.wall_ms, self.mono_ms = times

    def wait_for(self, due: Due) -> None:
        at_ms = self.world.agenda.moments()[due]
        if due.kind in {"task_lease", "slot_lease"}:
            self.mono_ms = max(self.mono_ms, at_ms)
        else:
            self.wall_ms = max(self.wall_ms, at_ms)

    def situation(self) -> object:
        """What decides how things go on: two ways to the same one need not both be followed."""
        state = self.state
        return (
            from_datetime(SOON) > self.wall_ms,
            tuple(
                (task.id, task.status, task.worker_slot, task.worker_id, task.claim_seq is None)
                for _, task in sorted(state.tasks.items())
            ),
            tuple(
                (task.dependencies, task.max_attempts, task.attempt - task.forgiven, task.lapsed)
                for _, task in sorted(state.tasks.items())
            ),
            tuple(
                (task.lease_ms, task.timeout_ms, task.not_before_ms, task.retry_at_ms is None)
                for _, task in sorted(state.tasks.items())
            ),
            tuple(
                (slot.worker_id, slot.task_id, slot.bound, state.slot_leases[number].connected)
                for number, slot in sorted(state.slots.items())
            ),
        )


@cache
def arrows() -> frozenset[Arrow]:
    """Every status change that anything can make."""
    return frozenset(_explore(list(_alone())) | _explore(list(_pair())))


def _explore(steps: Sequence[Step]) -> set[Arrow]:
    found: set[Arrow] = set()
    start = Place(World(default_slots=1))
    seen = {start.situation()}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for step in (*steps, *place.moments()):
            with place.after(step) as decision:
                if decision is None:
                    continue
                found |= _arrows_of(decision, step)
                situation = place.situation()
                if situation not in seen:
                    seen.add(situation)
                    waiting.append(deepcopy(place))
    return found


def _arrows_of(decision: Decision, step: Step) -> set[Arrow]:
    found: set[Arrow] = set()
    for change in decision.changes:
        before, after = change.before, change.after
        task = after or before
        if isinstance(task, TaskRecord):
            old, new = _status(before), _status(after)
            if old != new:
                found.add((old, _label(decision, step, task.id), new))
    return found


def _status(record: Record | None) -> str:
    return record.status if isinstance(record, TaskRecord) else "[*]"


def _label(decision: Decision, step: Step, task_id: str) -> str:
    if isinstance(step, Command):
        own = getattr(step.params, "task_id", None)
        by_another = own is not None and own != task_id
        return _BY_A_DEPENDENCY.get(step.label, step.label) if by_another else step.label
    causes = [(event.data or {}).get("cause") for event in decision.events]
    return next((_BY_ITSELF[cause] for cause in causes if cause in _BY_ITSELF), "moment arrived")


_BY_A_DEPENDENCY = {
    "update_task done": "last dependency done",
    "reset_failed_task force": "dependency reset",
}
_BY_ITSELF = {
    "lease": "lease lapsed",
    "timeout": "timeoutSeconds over",
    "disconnected": "connection lost",
}


# --- the page ---------------------------------------------------------------------------------


def page() -> str:
    """The whole page."""
    found = arrows()
    order = ["[*]", *STATUSES]
    lines = [
        "# The life of a task",
        "",
        "Generated from the transitions by `make generate`; CI checks that it is current.",
        "",
        "```mermaid",
        "stateDiagram-v2",
    ]
    pairs = sorted(
        {(old, new) for old, _, new in found}, key=lambda pair: tuple(map(order.index, pair))
    )
    for old, new in pairs:
        labels = ", ".join(sorted(text for a, text, b in found if (a, b) == (old, new)))
        lines.append(f"    {old} --> {new} : {labels}")
    lines += ["```", "", "| from | to | by |", "| --- | --- | --- |"]
    for old, new in pairs:
        labels = ", ".join(f"`{t}`" for t in sorted(t for a, t, b in found if (a, b) == (old, new)))
        lines.append(f"| {_shown(old)} | {_shown(new)} | {labels} |")
    lines += [
        "",
        (
            "A report (`update_task`) from any other status than `working` is a late one: from the "
            "last holder, as long as nobody claimed the task since. A restart of the server moves "
            "no task: everybody has one lease to come back."
        ),
        "",
    ]
    return "\n".join(lines)


def _shown(status: str) -> str:
    return "(none)" if status == "[*]" else f"`{status}`"


def main() -> None:
    """Write the page, or with `--check` compare it."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/states.md is not current: run `make generate` and commit the result")


if __name__ == "__main__":
    main()
