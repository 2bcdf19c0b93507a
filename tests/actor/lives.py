"""Tasks that live and die at random, with the events that tell of it.

Owns a small model of what may happen to a task, in which order, and what the attempts at it then
are. It is written without `actor.history` and `actor.stats`, which are tested against it. A step
that is not possible does nothing, so any sequence of steps makes a legal history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from actor.timestamps import to_text
from protocol.models import Event, EventType

BEGAN_MS: Final = 1_769_851_800_000

TASKS: Final = ("a", "b", "c")
WORKERS: Final = ("u", "v", "w")

Step = tuple[str, str, str, int]
"""(what happens, task, worker, milliseconds that pass before it)."""


@dataclass
class Attempt:
    """What is to be found out about an attempt."""

    task: str
    number: int
    worker: str
    slot: int
    claimed_ms: int
    waited: float
    ended_ms: int | None = None
    ended_seq: int = 0
    outcome: str | None = None
    cause: str | None = None
    error: str | None = None
    seconds: float | None = None


@dataclass
class _Task:
    status: str = "available"
    number: int = 0
    ready_ms: int = 0
    attempt: Attempt | None = None
    """The last one, as long as its worker may report."""


class Lives:
    """A project's tasks, its events, and the attempts that they tell of."""

    def __init__(self) -> None:
        self.now_ms = BEGAN_MS
        self.events: list[Event] = []
        self.attempts: list[Attempt] = []
        self.tasks: dict[str, _Task] = {}

    def play(self, steps: Sequence[Step]) -> None:
        for what, task, worker, passed_ms in steps:
            self.now_ms += passed_ms
            getattr(self, what)(task, worker)

    def attempts_at(self, task: str) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.task == task]

    # --- steps --------------------------------------------------------------------------------

    def add(self, name: str, _worker: str) -> None:
        if name not in self.tasks:
            self.tasks[name] = _Task(ready_ms=self.now_ms)
            self._tell("task_added", name)

    def claim(self, name: str, worker: str) -> None:
        task = self.tasks.get(name)
        if task is None or task.status != "available":
            return
        task.status, task.number = "working", task.number + 1
        waited = (self.now_ms - task.ready_ms) / 1000
        slot = WORKERS.index(worker) + 1
        task.attempt = Attempt(name, task.number, worker, slot, self.now_ms, waited)
        self.attempts.append(task.attempt)
        self._tell("task_claimed", name, worker, slot=slot, waitedSeconds=waited)

    def done(self, name: str, _worker: str) -> None:
        self._report(name, "task_done", "done", output="o")

    def failed(self, name: str, _worker: str) -> None:
        self._report(name, "task_failed", "failed", error="boom")

    def retrying(self, name: str, _worker: str) -> None:
        self._report(name, "task_retrying", "retrying", error="again")

    def lapsed(self, name: str, _worker: str) -> None:
        self._take_away(name, "task_lapsed", "lapsed", cause="lease")

    def lapsed_for_good(self, name: str, _worker: str) -> None:
        if self._take_away(name, "task_failed", "lapsed", cause="timeout", error="gave up"):
            self.tasks[name].status = "given up"

    def released(self, name: str, _worker: str) -> None:
        self._take_away(name, "task_released", "released", cause="task_released")

    def cancelled(self, name: str, worker: str) -> None:
        if name in self.tasks and self.tasks[name].status not in {"cancelled", "done", "failed"}:
            self._call_off(name, "task_cancelled", "cancelled", worker)
            self.tasks[name].status = "cancelled"

    def reset(self, name: str, worker: str) -> None:
        if name in self.tasks and self.tasks[name].status != "available":
            self._call_off(name, "task_reset", "reset", worker)
            self.tasks[name].status = "available"
            self.tasks[name].ready_ms = self.now_ms

    def deleted(self, name: str, _worker: str) -> None:
        if name in self.tasks and self.tasks[name].status != "working":
            del self.tasks[name]
            self._tell("task_deleted", name, about=False)

    def cleaned(self, _name: str, _worker: str) -> None:
        for task in self.tasks.values():
            if task.status == "working":
                self._end(task, "deleted")
        self.tasks.clear()
        self._tell("tasks_cleaned", None)

    def noted(self, name: str, worker: str) -> None:
        if name in self.tasks:
            self._tell("task_noted", name, worker, note="n")

    def slot(self, _name: str, worker: str) -> None:
        self._tell("slot_claimed", None, worker)

    # --- what steps share ---------------------------------------------------------------------

    def _report(self, name: str, type_: EventType, outcome: str, **data: Any) -> None:
        """What a worker says: also late, while nobody claimed again and the claim still counts."""
        task = self.tasks.get(name)
        if task is None or task.attempt is None:
            return
        late = task.status != "working"
        if late and task.status not in {"available", "given up"}:
            return
        attempt = task.attempt
        self._end(task, outcome, error=data.get("error"))
        task.status = "available" if outcome == "retrying" else outcome
        task.ready_ms = self.now_ms
        if not late:
            data["workedSeconds"] = attempt.seconds
        self._tell(type_, name, attempt.worker, slot=None if late else attempt.slot, **data)

    def _take_away(self, name: str, type_: EventType, outcome: str, **data: Any) -> bool:
        """Whether there was anything to take away."""
        task = self.tasks.get(name)
        if task is None or task.status != "working" or task.attempt is None:
            return False
        attempt = task.attempt
        self._end(task, outcome, cause=data["cause"], error=data.get("error"))
        task.status, task.ready_ms = "available", self.now_ms
        data["workedSeconds"] = attempt.seconds
        self._tell(type_, name, attempt.worker, slot=attempt.slot, **data)
        return True

    def _call_off(self, name: str, type_: EventType, outcome: str, worker: str) -> None:
        task = self.tasks[name]
        data: dict[str, Any] = {"previousStatus": task.status}
        if task.attempt is not None:
            data["previousWorkerId"] = task.attempt.worker
        if task.status == "working" and task.attempt is not None:
            self._end(task, outcome)
            data["workedSeconds"] = task.attempt.seconds
        task.attempt = None
        self._tell(type_, name, worker, **data)

    def _end(
        self, task: _Task, outcome: str, cause: str | None = None, error: str | None = None
    ) -> None:
        attempt = task.attempt
        assert attempt is not None
        attempt.outcome, attempt.cause, attempt.error = outcome, cause, error
        attempt.ended_ms, attempt.ended_seq = self.now_ms, len(self.events) + 1
        attempt.seconds = (self.now_ms - attempt.claimed_ms) / 1000

    def _tell(
        self,
        type_: EventType,
        name: str | None,
        worker: str | None = None,
        *,
        slot: int | None = None,
        about: bool = True,
        **data: Any,
    ) -> None:
        number = self.tasks[name].number if name is not None and about else None
        self.events.append(
            Event(
                seq=len(self.events) + 1,
                time=to_text(self.now_ms),
                type=type_,
                task_id=name,
                worker_id=worker,
                slot=slot,
                attempt=number,
                data=data or None,
            )
        )


# Adding and claiming stand there more than once, so that tasks get far.
_WHAT = st.sampled_from(
    (
        *("add", "add", "claim", "claim", "claim", "done", "failed", "retrying", "lapsed"),
        *("lapsed_for_good", "released", "cancelled", "reset", "deleted", "cleaned"),
        *("noted", "slot"),
    )
)

STEPS: Final[st.SearchStrategy[list[Step]]] = st.lists(
    st.tuples(_WHAT, st.sampled_from(TASKS), st.sampled_from(WORKERS), st.integers(0, 90_000)),
    min_size=10,
    max_size=80,
)


def lived(steps: Sequence[Step]) -> Lives:
    lives = Lives()
    lives.play(steps)
    return lives
