"""Draws the state diagram of a task from the transitions themselves.

Owns `docs/states.md`. Nothing is written down twice: two tasks, one of which needs the other, are
driven through every command in every reachable situation, and whatever status change is seen is
an arrow. `python -m tests.docs.diagram` writes the page, `--check` fails if it is not current.
"""

import sys
from collections import deque
from pathlib import Path

from actor.attempt import Attempt
from actor.records import TaskRecord
from actor.replies import Replies
from actor.state import ProjectState, World
from actor.transitions import TRANSITIONS, Context, Decision, recover
from protocol import params as p
from protocol.errors import CoordinatorError
from protocol.models import STATUSES

__all__ = ["arrows", "page"]

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

Command = tuple[str, str, p.Params | None]
"""(method, label on the arrow, params); no params stand for a restart of the server."""
Arrow = tuple[str, str, str]
"""(status before, label, status after); `[*]` is absence."""

_SECOND = p.NewTask(id="b", description="b", dependencies=["a"])


def _commands() -> list[Command]:
    commands: list[Command] = [
        ("add_tasks", "add_task", p.AddTasks(tasks=[p.NewTask(id="a", description="a"), _SECOND])),
        ("claim_worker_slot", "", p.ClaimWorkerSlot(worker_id="w")),
        ("release_worker_slot", "slot released", p.ReleaseWorkerSlot(slot=1, worker_id="w")),
        ("recover", "server restarted", None),
        ("edit_task", "edit_task", p.EditTask(task_id="b", dependencies=[])),
        ("edit_task", "edit_task", p.EditTask(task_id="b", dependencies=["a"])),
    ]
    for name in "ab":
        claim = p.ClaimTask(task_id=name, worker_id="w", worker_slot=1)
        done = p.UpdateTask(task_id=name, status="done", worker_id="w")
        failed = p.UpdateTask(task_id=name, status="failed", worker_id="w")
        reset = p.ResetFailedTask(task_id=name)
        forced = p.ResetFailedTask(task_id=name, force=True)
        commands += [
            ("claim_task", "claim_task", claim),
            ("update_task", "update_task done", done),
            ("update_task", "update_task failed", failed),
            ("cancel_task", "cancel_task", p.CancelTask(task_id=name)),
            ("reset_failed_task", "reset_failed_task", reset),
            ("reset_failed_task", "reset_failed_task force", forced),
            ("delete_task", "delete_task", p.DeleteTask(task_id=name)),
        ]
    return commands


def arrows() -> set[Arrow]:
    """Every status change that any command can make."""
    found: set[Arrow] = set()
    commands = _commands()
    start: tuple[int, ...] = ()
    seen = {_situation(_replay(start, commands, found))}
    waiting: deque[tuple[int, ...]] = deque([start])
    while waiting:
        path = waiting.popleft()
        for index in range(len(commands)):
            longer = (*path, index)
            situation = _situation(_replay(longer, commands, found))
            if situation not in seen:
                seen.add(situation)
                waiting.append(longer)
    return found


def _replay(path: tuple[int, ...], commands: list[Command], found: set[Arrow]) -> ProjectState:
    world = World(default_slots=1)
    for index in path:
        state = world.find("default", 0)
        name, label, params = commands[index]
        context = Context(now_ms=0, next_number=world.last_number + 1)
        try:
            decision = _decide(name, state, params, context)
        except CoordinatorError:
            continue
        found |= _arrows_of(decision, label, own=getattr(params, "task_id", None))
        Attempt(world, Replies(), 0).take(state, decision)
    return world.find("default", 0)


def _decide(name: str, state: ProjectState, params: p.Params | None, context: Context) -> Decision:
    if params is None:
        return recover(state, context)
    return TRANSITIONS[name](state, params, context)


def _arrows_of(decision: Decision, label: str, own: str | None) -> set[Arrow]:
    found: set[Arrow] = set()
    for change in decision.changes:
        before, after = change.before, change.after
        if not isinstance(before or after, TaskRecord):
            continue
        old = before.status if isinstance(before, TaskRecord) else "[*]"
        new = after.status if isinstance(after, TaskRecord) else "[*]"
        task = after or before
        assert isinstance(task, TaskRecord)
        by_another = own is not None and task.id != own
        text = _BY_A_DEPENDENCY.get(label, label) if by_another else label
        if old != new:
            found.add((old, text, new))
    return found


_BY_A_DEPENDENCY = {
    "update_task done": "last dependency done",
    "reset_failed_task force": "dependency reset",
}


def _situation(state: ProjectState) -> object:
    """What decides how things go on: two paths to the same situation need not both be followed."""
    tasks = {
        task.id: (
            task.status,
            task.worker_slot,
            task.worker_id,
            task.claim_seq is None,
            task.dependencies,
        )
        for task in state.tasks.values()
    }
    slots = {number: (slot.worker_id, slot.task_id) for number, slot in state.slots.items()}
    return (tuple(sorted(tasks.items())), tuple(sorted(slots.items())))


def page() -> str:
    """The whole page."""
    found = arrows()
    order = ["[*]", *STATUSES]
    lines = [
        "# The life of a task",
        "",
        "Generated from the transitions by `make generate`; CI checks that it is current.",
        "",
        "```mermaid",
        "stateDiagram-v2",
    ]
    pairs = sorted(
        {(old, new) for old, _, new in found}, key=lambda pair: tuple(map(order.index, pair))
    )
    for old, new in pairs:
        labels = ", ".join(sorted(text for a, text, b in found if (a, b) == (old, new)))
        lines.append(f"    {old} --> {new} : {labels}")
    lines += ["```", "", "| from | to | by |", "| --- | --- | --- |"]
    for old, new in pairs:
        labels = ", ".join(f"`{t}`" for t in sorted(t for a, t, b in found if (a, b) == (old, new)))
        lines.append(f"| {_shown(old)} | {_shown(new)} | {labels} |")
    lines += [
        "",
        (
            "A report (`update_task`) from `available` or `blocked` is a late one: from the last "
            "holder, as long as nobody claimed the task since."
        ),
        "",
    ]
    return "\n".join(lines)


def _shown(status: str) -> str:
    return "(none)" if status == "[*]" else f"`{status}`"


def main() -> None:
    """Write the page, or with `--check` compare it."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/states.md is not current: run `make generate` and commit the result")


if __name__ == "__main__":
    main()
