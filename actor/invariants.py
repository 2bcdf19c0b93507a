"""What must always hold, checked by a full scan.

Owns the list of invariants, as plain sentences with the check beside each. Tests ask after every
step, and of every database that survived a crash. Pure; too slow for the hot path.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations

from actor.agenda import Due
from actor.queue import FAR_MS, held_by
from actor.records import TaskRecord
from actor.resources import ROOT
from actor.state import (
    FINISHED,
    Key,
    ProjectState,
    claim_key,
    created_key,
    deadline_moment,
    start_moment,
    updated_key,
)
from actor.world import World
from protocol.models import STATUSES

__all__ = ["violations"]


def violations(world: World) -> list[str]:
    """Every broken invariant as a sentence; empty when all is well."""
    found = [
        f"{state.record.name}: {sentence}"
        for state in world.projects.values()
        for sentence in _project(state)
    ]
    scanned = {due: at for state in world.projects.values() for due, at in _moments(state)}
    if world.agenda.moments() != scanned:
        found.append("the agenda is not what a full scan gives")
    return found


def _project(state: ProjectState) -> Iterator[str]:
    for task in state.tasks.values():
        yield from _dependencies(state, task)
        yield from _status(state, task)
    yield from _slots(state)
    yield from _leases(state)
    yield from _resources(state)
    yield from _indexes(state)
    yield from _cycles(state)


def _dependencies(state: ProjectState, task: TaskRecord) -> Iterator[str]:
    missing = [name for name in task.dependencies if name not in state.tasks]
    if missing:
        yield f"{task.id} depends on {missing}, which do not exist"
    unmet = sum(not state.is_done(name) for name in task.dependencies)
    if state.unmet_of(task.id) != unmet:
        yield f"{task.id} counts {state.unmet_of(task.id)} unmet dependencies instead of {unmet}"
    if task.status in {"available", "scheduled"} and unmet:
        yield f"{task.id} is {task.status} while {unmet} dependencies are not done"
    if task.status == "blocked" and not unmet:
        yield f"{task.id} is blocked while all its dependencies are done"


def _status(state: ProjectState, task: TaskRecord) -> Iterator[str]:
    if task.status == "working":
        slot = state.slots.get(task.worker_slot or 0)
        if slot is None or slot.task_id != task.id or slot.worker_id != task.worker_id:
            yield f"{task.id} is working, but slot {task.worker_slot} does not work on it"
        if task.claim_seq is None or task.attempt < 1 or task.lease_ms is None:
            yield f"{task.id} is working without a claim"
    elif task.worker_slot is not None or task.reserved or task.lease_ms is not None:
        yield f"{task.id} is {task.status} and still holds something"
    if (task.status == "scheduled") != bool(start_moment(task)):
        yield f"{task.id} is {task.status} without a moment to start at"
    if (task.ready_ms is not None) != (task.status in {"available", "working"}):
        yield f"{task.id} is {task.status} and ready since {task.ready_ms}"
    if (task.completed_ms is not None) != (task.status in FINISHED):
        yield f"{task.id} is {task.status} and completed at {task.completed_ms}"
    if task.forgiven > task.attempt:
        yield f"{task.id} has more forgiven attempts than attempts"
    if task.claim_seq is not None and task.claim_seq > state.seq:
        yield f"{task.id} has a claim from the future"


def _slots(state: ProjectState) -> Iterator[str]:
    owners = [slot.worker_id for slot in state.slots.values() if slot.worker_id is not None]
    if len(owners) != len(set(owners)):
        yield "a worker owns two slots"
    if state.slot_of_worker != {
        slot.worker_id: slot.number for slot in state.slots.values() if slot.worker_id is not None
    }:
        yield "the index of slot owners is wrong"
    sessions: dict[str, set[int]] = {}
    for number, slot in state.slots.items():
        if slot.session is not None:
            sessions.setdefault(slot.session, set()).add(number)
        beyond = number > state.record.slots and slot.task_id is None
        if number != slot.number or number < 1 or beyond:
            yield f"slot {number} does not exist"
        if slot.task_id is not None:
            task = state.tasks.get(slot.task_id)
            if task is None or task.status != "working" or task.worker_slot != number:
                yield f"slot {number} works on {slot.task_id}, which is not working there"
    if {name: set(numbers) for name, numbers in state.slots_of_session.items()} != sessions:
        yield "the index of sessions is wrong"


def _leases(state: ProjectState) -> Iterator[str]:
    if set(state.task_leases) != set(state.by_status["working"]):
        yield "not exactly the working tasks have a lease"
    if set(state.slot_leases) != set(state.slots):
        yield "not exactly the held slots have a lease"


def _moments(state: ProjectState) -> Iterator[tuple[Due, int]]:
    number = state.record.number
    for task in state.tasks.values():
        start_ms, deadline_ms = start_moment(task), deadline_moment(task)
        if start_ms is not None:
            yield Due("start", number, task.id), start_ms
        if deadline_ms is not None:
            yield Due("deadline", number, task.id), deadline_ms
    for lease in state.task_leases.values():
        yield Due("task_lease", number, lease.task_id), lease.ends_ms
    for slot_lease in state.slot_leases.values():
        yield Due("slot_lease", number, str(slot_lease.number)), slot_lease.until_ms


def _resources(state: ProjectState) -> Iterator[str]:
    holders = {task.id: held_by(task) for task in state.tasks.values() if held_by(task)}
    pairs = {(name, task_id) for task_id, names in holders.items() for name in names}
    if set(state.queue.held.items()) != pairs:
        yield "the index of held resources is not what a full scan gives"
    for (one, names), (other, others) in combinations(holders.items(), 2):
        if _conflict(names, others):
            yield f"{one} and {other} hold the same resource"


def _conflict(one: Iterable[str], other: Iterable[str]) -> bool:
    """The rule of conflict in its plainest form, without an index."""
    other = list(other)
    return any(_contains(a, b) or _contains(b, a) for a in one for b in other)


def _contains(folder: str, name: str) -> bool:
    if folder in {ROOT, name}:
        return True
    return folder.endswith("/") and (name.startswith(folder) or name + "/" == folder)


def _indexes(state: ProjectState) -> Iterator[str]:
    tasks = state.tasks
    available = [task for task in tasks.values() if task.status == "available"]
    orders: tuple[tuple[str, Iterable[Key], Iterable[Key]], ...] = (
        ("ready", state.ready, map(claim_key, available)),
        ("claimable", state.queue.claimable, _claimable(state, available)),
        ("claim order", state.in_claim_order, map(claim_key, tasks.values())),
        ("creation order", state.in_creation_order, map(created_key, tasks.values())),
        ("update order", state.in_update_order, map(updated_key, tasks.values())),
        *(
            (f"tag {tag}", order, [claim_key(task) for task in available if tag in task.tags])
            for tag, order in state.queue.by_tag.items()
        ),
    )
    for name, index, scanned in orders:
        if list(index) != sorted(scanned):
            yield f"the index '{name}' is not what a full scan gives"
    if set(state.queue.by_tag) != {tag for task in available for tag in task.tags}:
        yield "the index of tags is not what a full scan gives"
    for status in STATUSES:
        if set(state.by_status[status]) != {t.id for t in tasks.values() if t.status == status}:
            yield f"the index of {status} tasks is not what a full scan gives"
    late = {t.id for t in tasks.values() if t.overdue and t.status not in FINISHED}
    if set(state.overdue) != late:
        yield "the index of overdue tasks is not what a full scan gives"
    dependents: dict[str, set[str]] = {}
    for task in tasks.values():
        for name in task.dependencies:
            dependents.setdefault(name, set()).add(task.id)
    if {name: set(waiting) for name, waiting in state.dependents.items()} != dependents:
        yield "the index of dependents is not what a full scan gives"


def _claimable(state: ProjectState, available: list[TaskRecord]) -> list[Key]:
    """What the queue should offer: the first task of each set of resources that nobody holds."""
    held = [name for task in state.tasks.values() for name in held_by(task)]
    first: dict[tuple[str, ...], Key] = {}
    keys: list[Key] = []
    for task in available:
        key = claim_key(task)
        if not task.resources:
            keys.append(key)
        elif not _conflict(task.resources, held):
            first[task.resources] = min(key, first.get(task.resources, (FAR_MS, 0, 0, "")))
    return [*keys, *first.values()]


def _cycles(state: ProjectState) -> Iterator[str]:
    """Kahn (1962): what cannot be ordered runs in a circle."""
    open_ = {
        task.id: sum(name in state.tasks for name in task.dependencies)
        for task in state.tasks.values()
    }
    free = [name for name, count in open_.items() if not count]
    ordered = 0
    while free:
        ordered += 1
        for name in state.dependents.get(free.pop(), ()):
            if name in open_:
                open_[name] -= 1
                if not open_[name]:
                    free.append(name)
    if ordered != len(state.tasks):
        yield f"{len(state.tasks) - ordered} tasks depend on one another in a circle"
