"""The queue of a project: what may be claimed, in which order, and what stands in its way.

Owns the orders over available tasks and the index of held resources. Tasks that want the same
resources form a group: when one of them is worked on, none of the others can be, so a group is
opened and closed as a whole, and only its first task stands in the order of what can be claimed.
That keeps the next task at hand however many others wait for the same folder. Pure; kept in step
by `actor.state`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from sortedcontainers import SortedList

from actor.records import TaskRecord
from actor.resources import ResourceIndex

__all__ = ["FAR_MS", "ClaimQueue", "Key", "Order", "claim_key"]

Key = tuple[int, int, int, str]
Order: TypeAlias = "SortedList[Key]"
Wanted = tuple[str, ...]
"""The resources of a group."""

FAR_MS = 1 << 53
"""Later than every deadline."""


def claim_key(task: TaskRecord) -> Key:
    """The order of claims: priority (high first), deadline (early first, none last), creation."""
    deadline_ms = FAR_MS if task.deadline_ms is None else task.deadline_ms
    return (-task.priority, deadline_ms, task.number, task.id)


class ClaimQueue:
    """Read freely; `put` and `load` are for the state that owns it."""

    def __init__(self, tasks: Mapping[str, TaskRecord]) -> None:
        self._tasks = tasks
        self.ready: Order = SortedList()
        """All available tasks."""
        self.claimable: Order = SortedList()
        """What can be claimed this moment: available tasks without resources, and the first one
        of each group whose resources are free."""
        self.by_tag: dict[str, Order] = {}
        """The available tasks by each of their tags."""
        self.held: ResourceIndex[str] = ResourceIndex()
        """What is worked on: resource -> id of the task that holds it."""
        self._groups: dict[Wanted, Order] = {}
        self._closed: set[Wanted] = set()
        self._wanted: ResourceIndex[Wanted] = ResourceIndex()

    # --- questions ----------------------------------------------------------------------------

    def first(self, tags: Sequence[str] = ()) -> str | None:
        """The id of the task to be claimed next that has all of these tags, if there is one."""
        if not tags:
            return self.claimable[0][-1] if self.claimable else None
        orders = [self.by_tag.get(tag) for tag in tags]
        rarest = min((order or () for order in orders), key=len)
        for *_, task_id in rarest:
            task = self._tasks[task_id]
            if task.resources not in self._closed and set(tags).issubset(task.tags):
                return task_id
        return None

    def conflicts(
        self, resources: Iterable[str], own: str | None = None
    ) -> Iterator[tuple[str, str, str]]:
        """(wanted, held, id of the task that holds it) for all that stands in the way.

        What the task `own` holds itself is no conflict.
        """
        for resource in resources:
            for held, task_id in self.held.conflicting(resource):
                if task_id != own:
                    yield resource, held, task_id

    # --- kept by ProjectState -----------------------------------------------------------------

    def load(self, tasks: Iterable[TaskRecord]) -> None:
        """Fill an empty queue: sorting once is far cheaper than adding one by one."""
        tagged: dict[str, list[Key]] = {}
        ready: list[Key] = []
        free: list[Key] = []
        grouped: list[TaskRecord] = []
        for task in tasks:
            if task.status == "working":
                self._hold(task.id, held_by(task))
            elif task.status == "available":
                key = claim_key(task)
                ready.append(key)
                if task.resources:
                    grouped.append(task)
                else:
                    free.append(key)
                for tag in task.tags:
                    tagged.setdefault(tag, []).append(key)
        self.ready.update(ready)
        self.claimable.update(free)
        self.by_tag = {tag: SortedList(keys) for tag, keys in tagged.items()}
        for task in grouped:
            self._join_group(task.resources, claim_key(task))

    def put(self, before: TaskRecord | None, after: TaskRecord | None) -> None:
        """Bring the queue in step with a task's change."""
        old, new = held_by(before), held_by(after)
        if old != new:
            self._free((before or after).id, old)  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there
        was, is_ = _place(before), _place(after)
        if was != is_:
            if was is not None:
                self._leave(*was)
            if is_ is not None:
                self._enter(*is_)
        if old != new:
            self._hold((before or after).id, new)  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] -- one of the two is there

    def _enter(self, key: Key, tags: tuple[str, ...], resources: Wanted) -> None:
        self.ready.add(key)
        for tag in tags:
            self.by_tag.setdefault(tag, SortedList()).add(key)
        if resources:
            self._join_group(resources, key)
        else:
            self.claimable.add(key)

    def _leave(self, key: Key, tags: tuple[str, ...], resources: Wanted) -> None:
        self.ready.remove(key)
        for tag in tags:
            order = self.by_tag[tag]
            order.remove(key)
            if not order:
                del self.by_tag[tag]
        if resources:
            self._leave_group(resources, key)
        else:
            self.claimable.remove(key)

    # --- groups -------------------------------------------------------------------------------

    def _join_group(self, resources: Wanted, key: Key) -> None:
        group = self._groups.get(resources)
        if group is None:
            group = self._groups[resources] = SortedList()
            for resource in resources:
                self._wanted.add(resource, resources)
            if self._is_in_the_way(resources):
                self._closed.add(resources)
        if resources in self._closed:
            group.add(key)
            return
        if group:
            self.claimable.remove(group[0])
        group.add(key)
        self.claimable.add(group[0])

    def _leave_group(self, resources: Wanted, key: Key) -> None:
        group = self._groups[resources]
        is_open = resources not in self._closed
        if is_open:
            self.claimable.remove(group[0])
        group.remove(key)
        if group and is_open:
            self.claimable.add(group[0])
        if not group:
            del self._groups[resources]
            self._closed.discard(resources)
            for resource in resources:
                self._wanted.remove(resource, resources)

    def _hold(self, task_id: str, resources: Iterable[str]) -> None:
        for resource in resources:
            self.held.add(resource, task_id)
            for _, wanted in self._wanted.conflicting(resource):
                if wanted not in self._closed:
                    self._closed.add(wanted)
                    self.claimable.remove(self._groups[wanted][0])

    def _free(self, task_id: str, resources: Iterable[str]) -> None:
        touched: dict[Wanted, None] = {}
        for resource in resources:
            self.held.remove(resource, task_id)
            touched |= dict.fromkeys(wanted for _, wanted in self._wanted.conflicting(resource))
        for wanted in touched:
            if wanted in self._closed and not self._is_in_the_way(wanted):
                self._closed.discard(wanted)
                self.claimable.add(self._groups[wanted][0])

    def _is_in_the_way(self, resources: Wanted) -> bool:
        return any(True for _ in self.conflicts(resources))


def held_by(task: TaskRecord | None) -> tuple[str, ...]:
    """What a task keeps others from, each once."""
    if task is None or task.status != "working" or not (task.resources or task.reserved):
        return ()
    return tuple(dict.fromkeys((*task.resources, *task.reserved)))


def _place(task: TaskRecord | None) -> tuple[Key, tuple[str, ...], Wanted] | None:
    """Where an available task stands; None for any other."""
    if task is None or task.status != "available":
        return None
    return claim_key(task), task.tags, task.resources
