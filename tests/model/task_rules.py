"""Random commands about the task list and the project.

Owns adding, editing, cancelling, resetting, deleting and cleaning, and what an operator does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from protocol import params as p
from tests.model.machine import Machine
from tests.model.strategies import (
    AHEAD,
    ALL,
    ANY_NAME,
    EDITS,
    FIELDS,
    NAMES,
    NEW_FIELDS,
    PICK,
    on_wire,
)


class TaskRules(Machine):
    """The list."""

    def add(self, wanted: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.open()
        absolute = [(name, self.absolute(fields)) for name, fields in wanted]
        wires: list[dict[str, Any]] = [
            {"id": name, "description": "do it"} | on_wire(given) for name, given in absolute
        ]
        tasks = [p.NewTask(**wire) for wire in wires]
        _, reason = self.call("s1", "add_tasks", p.AddTasks(tasks=tasks))
        assert reason == self.naive.add(absolute)

    def absolute(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Moments on the wall clock instead of from now."""
        found = dict(fields)
        for name in ("not_before", "deadline"):
            if found.get(name) is not None:
                found[name] += self.driver.wall_ms
        return found

    @rule(wanted=st.lists(st.tuples(ANY_NAME, NEW_FIELDS, FIELDS["needs"]), min_size=1, max_size=3))
    def add_tasks(self, wanted: list[tuple[str, dict[str, Any], list[str]]]) -> None:
        self.add([(name, fields | {"needs": needs}) for name, fields, needs in wanted])

    @rule(fields=NEW_FIELDS, indexes=st.lists(PICK, max_size=1))
    def add_one_that_depends_on_known_tasks(
        self, fields: dict[str, Any], indexes: list[int]
    ) -> None:
        known = sorted(self.naive.tasks)
        free = [name for name in NAMES if name not in known]
        if free:
            needs = [known[index % len(known)] for index in indexes if known]
            self.add([(free[0], fields | {"needs": needs})])

    @rule(index=PICK, fields=EDITS)
    def edit_task(self, index: int, fields: dict[str, Any]) -> None:
        self.open()
        self.edit(self.pick(index, *ALL) or "a", fields)

    def edit(self, name: str, fields: Mapping[str, Any]) -> None:
        absolute = self.absolute(fields)
        _, reason = self.call("s1", "edit_task", p.EditTask(task_id=name, **on_wire(absolute)))
        assert reason == self.naive.edit(name, absolute)

    @rule(index=PICK, forward=AHEAD, name=st.sampled_from(["not_before", "deadline"]))
    def edit_a_moment_of_what_is_under_way(self, index: int, forward: int, name: str) -> None:
        self.open()
        task = self.pick(index, "working", "available", "scheduled")
        if task is not None:
            self.edit(task, {name: forward})

    @rule(index=PICK)
    def cancel_task(self, index: int) -> None:
        self.cancel(self.pick(index, *ALL) or "a")

    def cancel(self, name: str) -> None:
        _, reason = self.call("s1", "cancel_task", p.CancelTask(task_id=name))
        assert reason == self.naive.cancel(name)

    @rule(index=PICK, force=st.booleans())
    def reset_failed_task(self, index: int, force: bool) -> None:
        statuses = ("done", "working") if force else ("failed", "cancelled")
        self.reset(self.pick(index, *statuses) or self.pick(index, *ALL) or "a", force=force)

    def reset(self, name: str, *, force: bool) -> None:
        params = p.ResetFailedTask(task_id=name, force=force)
        _, reason = self.call("s1", "reset_failed_task", params)
        assert reason == self.naive.reset(name, force=force)

    @rule(index=PICK, fields=NEW_FIELDS)
    def what_was_done_is_undone(self, index: int, fields: dict[str, Any]) -> None:
        """Under a task that came to depend on it a moment before."""
        self.open()
        name = self.pick(index, "done")
        free = [name for name in NAMES if name not in self.naive.tasks]
        if name is not None and free:
            self.add([(free[0], fields | {"needs": [name]})])
            self.reset(name, force=True)

    @rule(index=PICK, chance=st.integers(0, 3))
    def delete_task(self, index: int, chance: int) -> None:
        if chance == 0:
            name = self.pick(index, *ALL) or "a"
            _, reason = self.call("s1", "delete_task", p.DeleteTask(task_id=name))
            assert reason == self.naive.delete(name)

    @rule(chance=st.integers(0, 11))
    def clean_all_tasks(self, chance: int) -> None:
        if chance == 7:
            self.clean()

    def clean(self) -> None:
        _, reason = self.call("s1", "clean_all_tasks", p.CleanAllTasks())
        assert reason == self.naive.clean()

    # --- operations ---------------------------------------------------------------------------

    @rule(reason=st.none() | st.just("lunch"), chance=st.integers(0, 9))
    def pause_claims(self, reason: str | None, chance: int) -> None:
        if chance == 0:
            self.call("s1", "pause_claims", p.PauseClaims(reason=reason))
            self.naive.pause(reason)

    @precondition(lambda self: self.naive.paused)
    @rule()
    def resume_claims(self) -> None:
        self.call("s1", "resume_claims", p.ResumeClaims())
        self.naive.resume()

    @rule(total=st.integers(1, 4), chance=st.integers(0, 2))
    def set_worker_slots(self, total: int, chance: int) -> None:
        if not chance:
            self.set_slots(total)

    def set_slots(self, total: int) -> None:
        told, _ = self.call("s1", "set_worker_slots", p.SetWorkerSlots(slots=total))
        self.naive.set_slots(total)
        assert told.draining == [n for n in sorted(self.naive.seats) if n > total]
