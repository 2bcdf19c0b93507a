"""What must be true of a run afterwards, read off the coordinator's own history.

Owns the checks; must not know how the run was made.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from protocol.models import Event, Task

__all__ = ["broken_promises"]

_ENDINGS = frozenset(
    {"task_done", "task_failed", "task_retrying", "task_lapsed", "task_released", "task_cancelled"}
)


def broken_promises(
    events: Sequence[Event], tasks: Sequence[Task], accepted: dict[str, list[str]]
) -> list[str]:
    """Every broken promise as a sentence.

    `accepted`: task id -> the tokens whose report of `done` was accepted, as the workers heard it.
    """
    return [
        *_history(events),
        *_outcomes(events, tasks),
        *_reports(events, accepted),
        *_resources(events, {task.id: task for task in tasks}),
    ]


def _history(events: Sequence[Event]) -> Iterator[str]:
    for one, other in pairwise(events):
        if other.seq != one.seq + 1:
            yield f"event numbers jump from {one.seq} to {other.seq}"
    holder: dict[str, str | None] = {}
    slots: dict[int, str] = {}
    for event in events:
        task_id = event.task_id
        if event.type == "task_claimed":
            assert task_id is not None and event.slot is not None  # noqa: PT018 -- one thought
            if holder.get(task_id) is not None:
                yield f"event {event.seq}: {task_id} is claimed while {holder[task_id]} holds it"
            if event.slot in slots:
                yield f"event {event.seq}: slot {event.slot} already works on {slots[event.slot]}"
            holder[task_id], slots[event.slot] = event.worker_id, task_id
        elif event.type in _ENDINGS and task_id is not None:
            if event.type == "task_done" and holder.get(task_id) not in {None, event.worker_id}:
                yield f"event {event.seq}: a zombie's report on {task_id} was accepted"
            holder[task_id] = None
            slots = {slot: name for slot, name in slots.items() if name != task_id}


def _outcomes(events: Sequence[Event], tasks: Sequence[Task]) -> Iterator[str]:
    done = [event.task_id for event in events if event.type == "task_done"]
    for task in tasks:
        if task.status != "done":
            yield f"{task.id} is {task.status}: {task.error or 'it was left behind'}"
        if done.count(task.id) != 1:
            yield f"{task.id} was done {done.count(task.id)} times"
    order = {event.task_id: event.seq for event in events if event.type == "task_done"}
    claims = [event for event in events if event.type == "task_claimed"]
    needs = {task.id: task.dependencies for task in tasks}
    for claim in claims:
        assert claim.task_id is not None
        for name in needs[claim.task_id]:
            if order.get(name, claim.seq) >= claim.seq:
                yield f"event {claim.seq}: {claim.task_id} was claimed before {name} was done"


def _reports(events: Sequence[Event], accepted: dict[str, list[str]]) -> Iterator[str]:
    """A report that a worker was told is accepted is the newest claim's at that moment."""
    last_claim: dict[str, int] = {}
    at_done: dict[str, int] = {}
    for event in events:
        if event.task_id is not None and event.type == "task_claimed":
            last_claim[event.task_id] = event.seq
        elif event.task_id is not None and event.type == "task_done":
            at_done[event.task_id] = last_claim[event.task_id]
    for task_id, tokens in accepted.items():
        for token in tokens:
            if at_done.get(task_id) != int(token):
                yield f"the report of claim {token} on {task_id} was accepted, and is not the one"


def _resources(events: Sequence[Event], tasks: dict[str, Task]) -> Iterator[str]:
    held: dict[str, list[str]] = {}
    for event in events:
        if event.task_id is None:
            continue
        if event.type in _ENDINGS:
            held.pop(event.task_id, None)
        elif event.type == "task_claimed":
            wanted = tasks[event.task_id].resources or []
            for other, names in held.items():
                if any(_overlap(a, b) for a in wanted for b in names):
                    yield f"event {event.seq}: {event.task_id} and {other} hold the same resource"
            held[event.task_id] = wanted


def _overlap(one: str, other: str) -> bool:
    if one == other:
        return True
    return (one.endswith("/") and other.startswith(one)) or (
        other.endswith("/") and one.startswith(other)
    )
