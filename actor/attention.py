"""What may need a person, the most urgent first.

Owns which conditions count and in which words they are told. Looks at a bounded part of what there
is: the newest failures, the oldest waiting. Must not know who is told. Pure.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Final

from actor.graph import unfinished_downstream
from actor.records import SlotRecord, TaskRecord
from actor.state import ProjectState
from actor.timestamps import to_text
from actor.views import Now, lease_end, title_of
from protocol.models import Status
from protocol.params import GetAttention
from protocol.results import Attention, AttentionItem
from protocol.results_overview import AttentionKind

__all__ = ["get_attention"]

LEASE_ENDING_MS: Final = 10_000
UNCLAIMED_MS: Final = 300_000
LOOKED_AT_MAX: Final = 1_000
"""Tasks of one kind that are looked at."""
WAITING_MAX: Final = 200
"""Tasks that are counted to say how many wait for a failed one."""

_REPORTED: Final[tuple[Status, ...]] = ("failed", "cancelled")


def get_attention(state: ProjectState, params: GetAttention, now: Now) -> Attention:
    """The most urgent entries, and how many more there are."""
    kinds = [
        list(islice(found, LOOKED_AT_MAX))
        for found in (
            _lost_workers(state, now),
            _ending_leases(state, now),
            _reported(state, "blocked_by_failed"),
            _reported(state, "failed"),
            _overdue(state),
            _unclaimed(state, now),
        )
    ]
    items = _fairly(kinds, params.limit)
    return Attention(items=items, more=sum(map(len, kinds)) - len(items), seq=state.seq)


def _fairly(kinds: list[list[AttentionItem]], limit: int) -> list[AttentionItem]:
    """The first of each kind, so that a thousand failures do not hide what is overdue."""
    room = [0] * len(kinds)
    left = limit
    while left:
        open_ = [place for place, kind in enumerate(kinds) if room[place] < len(kind)]
        if not open_:
            break
        for place in open_[:left]:
            room[place] += 1
        left -= min(left, len(open_))
    return [item for place, kind in enumerate(kinds) for item in kind[: room[place]]]


# --- workers ----------------------------------------------------------------------------------


def _held(state: ProjectState) -> Iterator[SlotRecord]:
    return (state.slots[number] for number in sorted(state.slots))


def _lost_workers(state: ProjectState, now: Now) -> Iterator[AttentionItem]:
    for slot in _held(state):
        lease = state.slot_leases[slot.number]
        if slot.bound and not lease.connected:
            yield _of_slot(
                state,
                slot,
                "worker_lost",
                now.on_wall(lease.until_ms),
                "lost its connection; unless it comes back in time, its slot is given back by"
                " itself. Release the slot if you know that it is gone.",
            )


def _ending_leases(state: ProjectState, now: Now) -> Iterator[AttentionItem]:
    for slot in _held(state):
        lease = state.slot_leases[slot.number]
        task = None if slot.task_id is None else state.tasks[slot.task_id]
        of_task = None if task is None else lease_end(state, task, now)
        ends_ms = now.on_wall(lease.until_ms)
        ends_ms = ends_ms if of_task is None else min(ends_ms, of_task)
        lost = slot.bound and not lease.connected
        if not lost and ends_ms - now.wall_ms < LEASE_ENDING_MS:
            yield _of_slot(
                state,
                slot,
                "lease_ending",
                ends_ms,
                "has given no sign of life for long; its lease ends soon, and then its task goes"
                " to somebody else. Look whether it still runs.",
            )


def _of_slot(
    state: ProjectState, slot: SlotRecord, kind: AttentionKind, until_ms: int, what: str
) -> AttentionItem:
    task = None if slot.task_id is None else state.tasks[slot.task_id]
    return AttentionItem(
        kind=kind,
        slot=slot.number,
        worker_id=slot.worker_id,
        task_id=slot.task_id,
        title=None if task is None else title_of(task),
        until=to_text(until_ms),
        message=f"The worker of slot {slot.number} {what}",
    )


# --- tasks ------------------------------------------------------------------------------------


def _newest(names: Mapping[str, None]) -> Iterator[str]:
    return islice(reversed(list(names)), LOOKED_AT_MAX)


def _reported(state: ProjectState, kind: AttentionKind) -> Iterator[AttentionItem]:
    """Failed tasks; those that hold others up, cancelled ones included, are a kind of their own."""
    for name in chain.from_iterable(_newest(state.by_status[status]) for status in _REPORTED):
        task = state.tasks[name]
        waiting = unfinished_downstream(state, task, WAITING_MAX)
        if kind == "blocked_by_failed" and waiting:
            count = f"{waiting} or more tasks" if waiting == WAITING_MAX else _tasks(waiting)
            yield _of_task(
                task,
                kind,
                f"{_what_happened(task)}, and {count} cannot go on until it is done. Reset it, or"
                " take it out of their dependencies.",
            )
        elif kind == "failed" and not waiting and task.status == "failed":
            yield _of_task(
                task,
                kind,
                f"{_what_happened(task)}. Reset it to have it tried again, or cancel it.",
            )


def _what_happened(task: TaskRecord) -> str:
    if task.status == "cancelled":
        return "It was cancelled"
    if task.lapsed:
        return f"Its worker went silent in attempt {task.attempt}, the last one that it had"
    return f"It failed in attempt {task.attempt}"


def _overdue(state: ProjectState) -> Iterator[AttentionItem]:
    for name in state.overdue:
        task = state.tasks[name]
        yield AttentionItem(
            kind="overdue",
            task_id=task.id,
            worker_id=task.worker_id if task.status == "working" else None,
            title=title_of(task),
            since=None if task.deadline_ms is None else to_text(task.deadline_ms),
            message=f"Its deadline passed, and it is {task.status}. Raise its priority, or give it"
            " another deadline.",
        )


def _unclaimed(state: ProjectState, now: Now) -> Iterator[AttentionItem]:
    """One entry for all: what is missing is a worker, whichever task it takes first."""
    free = max(0, state.record.slots - len(state.slots))
    if not free or state.record.paused:
        return
    waiting = [
        task
        for task in (state.tasks[key[-1]] for key in islice(state.ready, LOOKED_AT_MAX))
        if task.ready_ms is not None and now.wall_ms - task.ready_ms >= UNCLAIMED_MS
    ]
    if not waiting:
        return
    first = min(waiting, key=lambda task: task.ready_ms or 0)
    more = f" So have {len(waiting) - 1} others." if len(waiting) > 1 else ""
    slots = "a slot is free" if free == 1 else f"{free} slots are free"
    yield AttentionItem(
        kind="unclaimed",
        task_id=first.id,
        title=title_of(first),
        since=to_text(first.ready_ms or 0),
        message=f"It could be claimed for more than five minutes while {slots}.{more} Start a"
        " worker, or look at the tags that your workers ask for.",
    )


def _of_task(task: TaskRecord, kind: AttentionKind, message: str) -> AttentionItem:
    return AttentionItem(
        kind=kind,
        task_id=task.id,
        worker_id=task.worker_id,
        title=title_of(task),
        since=None if task.completed_ms is None else to_text(task.completed_ms),
        message=message,
    )


def _tasks(count: int) -> str:
    return "a task" if count == 1 else f"{count} tasks"
