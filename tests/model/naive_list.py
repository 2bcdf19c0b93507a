"""The task list and the project, in the plainest form.

Owns the commands that change what is to be done. Each returns the reason of its refusal, or None;
a refusal changes nothing. Shares no code with `actor`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.model.plain import FINISHED, RESTING, Item, Plain

NORMAL = {
    "src/": "src/",
    "src/**": "src/",
    "src/a": "src/a",
    "./src//a": "src/a",
    "src/b/": "src/b/",
    "src/b": "src/b",
    "db": "db",
    "*": "/",
    "/": "/",
    "../up": None,
}
"""Resources as they are written, and what is meant; None: nothing that may be meant."""


@dataclass
class NaiveList(Plain):
    """The list."""

    def reaches(self, start: str, goal: str, edges: Mapping[str, Sequence[str]]) -> bool:
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

    def bad_graph(self, new: Mapping[str, Sequence[str]]) -> str | None:
        edges: dict[str, Sequence[str]] = {name: item.needs for name, item in self.tasks.items()}
        edges |= new
        if any(need not in edges for needs in new.values() for need in needs):
            return "unknown_dependency"
        for name, needs in new.items():
            if any(self.reaches(need, name, edges) for need in needs):
                return "dependency_cycle"
        return None

    def bad_times(self, not_before: int | None, deadline: int | None) -> bool:
        past = any(at is not None and at <= self.wall for at in (not_before, deadline))
        return past or self.bad_order(not_before, deadline)

    def bad_order(self, not_before: int | None, deadline: int | None) -> bool:
        return not_before is not None and deadline is not None and deadline <= not_before

    def add(
        self,
        wanted: Sequence[tuple[str, Mapping[str, Any]]],
        statuses: Mapping[str, str | None] | None = None,
    ) -> str | None:
        """`wanted`: names and fields of `Item`, resources as they are written; `statuses`: of
        those that are finished already."""
        names = [name for name, _ in wanted]
        if len(set(names)) < len(names) or any(name in self.tasks for name in names):
            return "task_exists"
        problem = self.bad_graph({name: fields.get("needs", ()) for name, fields in wanted})
        if problem:
            return problem
        for _, fields in wanted:
            if self.bad_times(fields.get("not_before"), fields.get("deadline")):
                return "invalid_time"
            if any(NORMAL[written] is None for written in fields.get("resources", ())):
                return "invalid_resource"
        for name, fields in wanted:
            self.orders += 1
            self.tasks[name] = Item(order=self.orders, **self.as_meant(fields))
            self.tasks[name].status = (statuses or {}).get(name) or "new"
        for name in names:
            if self.tasks[name].status == "new":
                self.tasks[name].status = self.place(self.tasks[name])
            self.say("task_added", name)
        return None

    def as_meant(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Lists with each member once, resources in their normal form."""
        meant = dict(fields)
        if "resources" in fields:
            meant["resources"] = [NORMAL[written] for written in fields["resources"]]
        for name in ("needs", "tags", "resources"):
            if name in meant:
                meant[name] = list(dict.fromkeys(meant[name]))
        return meant

    def edit(self, name: str, fields: Mapping[str, Any]) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        problem = self.bad_fields(fields)
        if problem:
            return problem
        new = {k: v for k, v in self.as_meant(fields).items() if getattr(item, k) != v}
        problem = self.bad_edit(name, item, new) if new else None
        if problem or not new:
            return problem
        for key, value in new.items():
            setattr(item, key, value)
        if "deadline" in new:
            item.told_overdue = False
        if item.status in RESTING:
            item.status = self.place(item)
        self.say("task_edited", name)
        return None

    def bad_edit(self, name: str, item: Item, new: dict[str, Any]) -> str | None:
        times = {"not_before": item.not_before, "deadline": item.deadline} | new
        if self.bad_order(times["not_before"], times["deadline"]):
            return "invalid_time"
        if "needs" in new:
            if item.status not in RESTING:
                return "invalid_status"
            problem = self.bad_graph({name: new["needs"]})
            if problem:
                return problem
        held = item.status == "working"
        if held and self.in_the_way(new.get("resources", ()), own=name):
            return "resource_conflict"
        return None

    def bad_fields(self, fields: Mapping[str, Any]) -> str | None:
        if any(NORMAL[written] is None for written in fields.get("resources", ())):
            return "invalid_resource"
        times = [fields.get("not_before"), fields.get("deadline")]
        past = any(at is not None and at <= self.wall for at in times)
        return "invalid_time" if past else None

    def cancel(self, name: str) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if item.status == "cancelled":
            return None
        if item.status in FINISHED:
            return "invalid_status"
        self.take_away(name)
        item.status, item.claim, item.retry_at, item.lapsed = "cancelled", None, None, False
        self.say("task_cancelled", name)
        self.drain()
        return None

    def reset(self, name: str, *, force: bool) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        allowed = {"failed", "cancelled"} | ({"done", "working"} if force else set[str]())
        if item.status not in allowed:
            return "invalid_status"
        was_done = item.status == "done"
        self.take_away(name)
        item.worker, item.claim, item.retry_at, item.lapsed = None, None, None, False
        item.used, item.output, item.error, item.progress = 0, None, None, None
        item.status = self.place(item)
        self.say("task_reset", name)
        if was_done:
            for other, dependent in self.tasks.items():
                if name in dependent.needs and dependent.status in {"available", "scheduled"}:
                    dependent.status = "blocked"
                    self.say("task_blocked", other)
        self.drain()
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
        self.say("task_deleted", name)
        return None

    def clean(self) -> str | None:
        if self.tasks:
            for number, seat in self.seats.items():
                seat.revoked = self.task_in(number) or seat.revoked
            self.tasks.clear()
            self.say("tasks_cleaned")
            self.drain()
        return None

    # --- operations ---------------------------------------------------------------------------

    def pause(self, reason: str | None) -> str | None:
        if (self.paused, self.pause_reason) != (True, reason):
            self.paused, self.pause_reason = True, reason
            self.say("claims_paused")
        return None

    def resume(self) -> str | None:
        if self.paused:
            self.paused, self.pause_reason = False, None
            self.say("claims_resumed")
        return None

    def save_template(self, content: str) -> None:
        if content != self.template:
            self.template = content
            self.say("template_saved")

    def set_slots(self, total: int) -> str | None:
        if total != self.total:
            self.total = total
            self.say("slots_changed")
        self.drain()
        return None
