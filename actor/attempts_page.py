"""The attempts of a stretch of time, whichever tasks they were at.

Owns how milestones of many tasks become one list, and which of them are within the stretch. Pure:
knows no clock, store or Trio; `actor.reading` fetches the milestones.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from actor.history import Milestone, attempts_of
from actor.records import TaskRecord
from actor.timestamps import to_ms, to_text
from protocol.models import AttemptRecord
from protocol.results import TaskAttempt

__all__ = ["Running", "attempts_within", "open_claims", "running_of"]

Running = Mapping[str, TaskAttempt]
"""The attempts that go on, by task."""


def running_of(tasks: Iterable[TaskRecord], title_of: Callable[[TaskRecord], str]) -> Running:
    """The attempts that go on, of the tasks that are `working`."""
    return {
        task.id: TaskAttempt(
            task_id=task.id,
            title=title_of(task),
            attempt=task.attempt,
            worker_id=task.worker_id or "",
            slot=task.worker_slot,
            claimed_at=to_text(task.claimed_ms or task.updated_ms),
        )
        for task in tasks
    }


def open_claims(milestones: Sequence[Milestone], running: Running) -> list[Milestone]:
    """Claims, of milestones oldest first, that neither end among these nor go on."""
    last: dict[str, Milestone] = {}
    for milestone in milestones:
        last[milestone.task_id or ""] = milestone
    return [
        claim
        for task_id, claim in last.items()
        if claim.type == "task_claimed"
        and (task_id not in running or running[task_id].attempt != claim.attempt)
    ]


def attempts_within(
    milestones: Iterable[Milestone],
    running: Running,
    title_of: Callable[[str], str | None],
    until_ms: int,
) -> list[TaskAttempt]:
    """The attempts that began before a time, in the order in which they did, from milestones,
    oldest first, and those that go on."""
    by_task: defaultdict[str, list[Milestone]] = defaultdict(list)
    for milestone in milestones:
        by_task[milestone.task_id or ""].append(milestone)
    found = [
        TaskAttempt(task_id=task_id, title=title_of(task_id), **msgspec.structs.asdict(attempt))
        for task_id, told in by_task.items()
        for attempt in attempts_of(told, held=task_id in running)
        if not _goes_on(attempt, running.get(task_id))
    ]
    found += running.values()
    return sorted(
        (attempt for attempt in found if to_ms(attempt.claimed_at) < until_ms),
        key=lambda attempt: attempt.claimed_at,
    )


def _goes_on(attempt: AttemptRecord, running: TaskAttempt | None) -> bool:
    return running is not None and attempt.ended_at is None and attempt.outcome is None
