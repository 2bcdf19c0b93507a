"""A second coordinator, as simple as can be: no indexes, no tokens, full scans everywhere.

Owns the rules in their plainest form. It shares no code with `actor`, so a mistake would have to
be made twice. Returns the reason of a refusal, or None.
"""

from dataclasses import dataclass, field


@dataclass
class Item:
    """A task."""

    order: int
    priority: int
    needs: list[str]
    status: str = "available"
    worker: str | None = None
    slot: int | None = None
    attempt: int = 0
    may_report: bool = False


@dataclass
class Naive:
    """The whole world of one project."""

    total_slots: int
    tasks: dict[str, Item] = field(default_factory=dict[str, Item])
    owners: dict[int, str | None] = field(default_factory=dict[int, "str | None"])
    count: int = 0

    # --- helpers ------------------------------------------------------------------------------

    def waits(self, item: Item) -> bool:
        return any(self.tasks[name].status != "done" for name in item.needs)

    def settle(self) -> None:
        """Put every task that nobody touches where it belongs."""
        for item in self.tasks.values():
            if item.status in {"blocked", "available"}:
                item.status = "blocked" if self.waits(item) else "available"

    def task_in(self, slot: int) -> str | None:
        found = [name for name, item in self.tasks.items() if item.slot == slot]
        return found[0] if found else None

    def queue(self) -> list[str]:
        ready = [
            (-i.priority, i.order, n) for n, i in self.tasks.items() if i.status == "available"
        ]
        return [name for _, _, name in sorted(ready)]

    def reaches(self, start: str, goal: str, edges: dict[str, list[str]]) -> bool:
        seen: set[str] = set()
        todo = [start]
        while todo:
            name = todo.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                todo += edges.get(name, [])
        return False

    def bad_graph(self, new: dict[str, list[str]]) -> str | None:
        edges = {name: item.needs for name, item in self.tasks.items()} | new
        if any(need not in edges for needs in new.values() for need in needs):
            return "unknown_dependency"
        for name, needs in new.items():
            if any(self.reaches(need, name, edges) for need in needs):
                return "dependency_cycle"
        return None

    # --- commands -----------------------------------------------------------------------------

    def add(self, wanted: list[tuple[str, list[str], int]]) -> str | None:
        names = [name for name, _, _ in wanted]
        if len(set(names)) < len(names) or any(name in self.tasks for name in names):
            return "task_exists"
        problem = self.bad_graph({name: needs for name, needs, _ in wanted})
        if problem:
            return problem
        for name, needs, priority in wanted:
            self.count += 1
            self.tasks[name] = Item(self.count, priority, list(dict.fromkeys(needs)))
        self.settle()
        return None

    def edit(self, name: str, needs: list[str]) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        needs = list(dict.fromkeys(needs))
        if needs == item.needs:
            return None
        if item.status not in {"blocked", "available"}:
            return "invalid_status"
        problem = self.bad_graph({name: needs})
        if problem:
            return problem
        item.needs = needs
        self.settle()
        return None

    def claim_slot(self, worker: str | None) -> str | None:
        if worker is not None and worker in self.owners.values():
            return None
        free = [n for n in range(1, self.total_slots + 1) if n not in self.owners]
        if not free:
            return "no_free_slot"
        self.owners[free[0]] = worker
        return None

    def release_slot(self, slot: int, worker: str | None) -> str | None:
        if slot > self.total_slots:
            return "slot_not_found"
        if slot not in self.owners:
            return "slot_not_claimed"
        owner = self.owners[slot]
        if owner is not None and owner != worker:
            return "slot_not_yours"
        self.free(slot)
        return None

    def free(self, slot: int) -> None:
        del self.owners[slot]
        name = self.task_in(slot)
        if name is not None:
            self.tasks[name].slot = None
            self.tasks[name].status = "available"
            self.settle()

    def claim(  # noqa: PLR0911 -- a list of refusals, one line each
        self, name: str, worker: str, slot: int
    ) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if item.status == "working" and (item.worker, item.slot) == (worker, slot):
            return None
        if item.status != "available":
            return "task_not_available"
        if slot > self.total_slots:
            return "slot_not_found"
        if slot not in self.owners:
            return "slot_not_claimed"
        owner = self.owners[slot]
        if owner is not None and owner != worker:
            return "slot_not_yours"
        if self.task_in(slot) is not None:
            return "slot_busy"
        if owner is None and worker in self.owners.values():
            return "worker_has_slot"
        self.owners[slot] = worker
        item.status, item.worker, item.slot = "working", worker, slot
        item.attempt += 1
        item.may_report = True
        return None

    def report(self, name: str, status: str, worker: str) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if not item.may_report or item.worker != worker:
            return "not_holder"
        if item.status == status:
            return None
        if item.status not in {"working", "available", "blocked"}:
            return "invalid_status"
        if status == "working":
            return "not_holder"
        item.status, item.slot = status, None
        self.settle()
        return None

    def cancel(self, name: str) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if item.status == "cancelled":
            return None
        if item.status in {"done", "failed"}:
            return "invalid_status"
        item.status, item.slot, item.may_report = "cancelled", None, False
        return None

    def reset(self, name: str, force: bool) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        allowed = {"failed", "cancelled"} | ({"done", "working"} if force else set[str]())
        if item.status not in allowed:
            return "invalid_status"
        item.status, item.slot, item.worker, item.may_report = "available", None, None, False
        self.settle()
        return None

    def delete(self, name: str) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if item.status == "working":
            return "invalid_status"
        if any(name in other.needs for other in self.tasks.values()):
            return "has_dependents"
        del self.tasks[name]
        return None

    def clean(self) -> str | None:
        self.tasks.clear()
        return None

    def restart(self) -> None:
        for slot in list(self.owners):
            self.free(slot)
