"""What must always hold, checked by a full scan.

Owns the list of invariants, as plain sentences with the check beside each. Tests ask after every
step, and of every database that survived a crash. Pure; too slow for the hot path.
"""

from collections.abc import Iterable, Iterator

from actor.records import TaskRecord
from actor.state import Key, ProjectState, World, claim_key, created_key, updated_key
from protocol.models import STATUSES

__all__ = ["violations"]


def violations(world: World) -> list[str]:
    """Every broken invariant as a sentence; empty when all is well."""
    return [
        f"{state.record.name}: {sentence}"
        for state in world.projects.values()
        for sentence in _project(state)
    ]


def _project(state: ProjectState) -> Iterator[str]:
    for task in state.tasks.values():
        yield from _task(state, task)
    yield from _slots(state)
    yield from _indexes(state)
    yield from _cycles(state)


def _task(state: ProjectState, task: TaskRecord) -> Iterator[str]:
    missing = [name for name in task.dependencies if name not in state.tasks]
    if missing:
        yield f"{task.id} depends on {missing}, which do not exist"
    unmet = sum(not state.is_done(name) for name in task.dependencies)
    if state.unmet_of(task.id) != unmet:
        yield f"{task.id} counts {state.unmet_of(task.id)} unmet dependencies instead of {unmet}"
    if task.status == "available" and unmet:
        yield f"{task.id} is available while {unmet} dependencies are not done"
    if task.status == "blocked" and not unmet:
        yield f"{task.id} is blocked while all its dependencies are done"
    if task.status == "working":
        slot = state.slots.get(task.worker_slot or 0)
        if slot is None or slot.task_id != task.id or slot.worker_id != task.worker_id:
            yield f"{task.id} is working, but slot {task.worker_slot} does not work on it"
        if task.claim_seq is None or task.attempt < 1:
            yield f"{task.id} is working without a claim"
    elif task.worker_slot is not None:
        yield f"{task.id} is {task.status} and still names slot {task.worker_slot}"
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
    for number, slot in state.slots.items():
        if number != slot.number or not 1 <= number <= state.record.slots:
            yield f"slot {number} does not exist"
        if slot.task_id is not None:
            task = state.tasks.get(slot.task_id)
            if task is None or task.status != "working" or task.worker_slot != number:
                yield f"slot {number} works on {slot.task_id}, which is not working there"


def _indexes(state: ProjectState) -> Iterator[str]:
    tasks = state.tasks
    ready = [claim_key(task) for task in tasks.values() if task.status == "available"]
    orders: tuple[tuple[str, Iterable[Key], Iterable[Key]], ...] = (
        ("ready", state.ready, ready),
        ("claim order", state.in_claim_order, map(claim_key, tasks.values())),
        ("creation order", state.in_creation_order, map(created_key, tasks.values())),
        ("update order", state.in_update_order, map(updated_key, tasks.values())),
    )
    for name, index, scanned in orders:
        if list(index) != sorted(scanned):
            yield f"the index '{name}' is not what a full scan gives"
    for status in STATUSES:
        if set(state.by_status[status]) != {t.id for t in tasks.values() if t.status == status}:
            yield f"the index of {status} tasks is not what a full scan gives"
    dependents: dict[str, set[str]] = {}
    for task in tasks.values():
        for name in task.dependencies:
            dependents.setdefault(name, set()).add(task.id)
    if {name: set(waiting) for name, waiting in state.dependents.items()} != dependents:
        yield "the index of dependents is not what a full scan gives"


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
