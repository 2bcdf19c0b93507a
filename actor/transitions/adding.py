"""New tasks: one, many, imported ones, or those of a template.

Owns what a new task may look like within the project: its id, its edges, its times and resources,
and the status that it begins with. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from actor.graph import check_edges
from actor.records import TaskRecord
from actor.resources import normal_forms
from actor.state import FINISHED, ProjectState
from actor.transitions.draft import Context, Decision, Draft
from actor.transitions.times import check_order, future_ms, seconds_ms
from protocol.errors import TaskExists
from protocol.models import TaskSummary
from protocol.params import AddTask, AddTasks, ImportedTask, ImportTasks, NewTask
from protocol.results import TaskAdded, TasksAdded, TasksImported

__all__ = ["add_new", "add_task", "add_tasks", "import_tasks"]

New: TypeAlias = NewTask | AddTask | ImportedTask


def add_task(state: ProjectState, params: AddTask, context: Context) -> Decision:
    """Add one task."""
    draft = Draft(state, context)
    (summary,) = add_new(draft, [params])
    return draft.decided(TaskAdded(task=summary))


def add_tasks(state: ProjectState, params: AddTasks, context: Context) -> Decision:
    """Add many tasks, all or none; they may depend on one another in any order."""
    draft = Draft(state, context)
    return draft.decided(TasksAdded(tasks=add_new(draft, params.tasks)))


def import_tasks(state: ProjectState, params: ImportTasks, context: Context) -> Decision:
    """Add many tasks with what became of them. A dry run only looks whether that can be done."""
    draft = Draft(state, context)
    add_new(draft, params.tasks, {"imported": True})
    reply = TasksImported(tasks=len(params.tasks), dry_run=params.dry_run)
    return Decision(reply, [], []) if params.dry_run else draft.decided(reply)


def add_new(
    draft: Draft, wanted: Sequence[New], data: Mapping[str, Any] | None = None
) -> list[TaskSummary]:
    """Add tasks to the draft, all or none; they may depend on one another in any order.

    `data` goes into the event of each one.

    Raises:
        TaskExists: an id is taken, or given twice.
        UnknownDependency, DependencyCycle: the graph does not allow them.
        InvalidTime, InvalidResource: a field cannot be meant.
    """
    state, context = draft.state, draft.context
    named = _name(state, wanted, context.next_number)
    edges = {task_id: tuple(dict.fromkeys(task.dependencies)) for task_id, task in named.items()}
    check_edges(state, edges)
    records = [
        _record(draft, number, task_id, task, edges[task_id])
        for number, (task_id, task) in enumerate(named.items(), context.next_number)
    ]
    # In two steps: whether a task waits depends on what the others begin with.
    done = {record.id for record in records if record.status == "done"}
    added = [draft.add(_begun(draft, record, done)) for record in records]
    for task in added:
        draft.task_event("task_added", task, data)
    return [draft.summary(task) for task in added]


def _record(
    draft: Draft, number: int, task_id: str, task: New, dependencies: tuple[str, ...]
) -> TaskRecord:
    """The task as it was given; its status is settled later, unless it is imported as finished."""
    past = task if isinstance(task, ImportedTask) and task.status is not None else None
    is_over = past is not None
    not_before_ms = future_ms("notBefore", task.not_before, draft.now_ms, may_be_past=is_over)
    deadline_ms = future_ms("deadline", task.deadline, draft.now_ms, may_be_past=is_over)
    check_order(not_before_ms, deadline_ms)
    return TaskRecord(
        project=draft.state.record.number,
        number=number,
        id=task_id,
        description=task.description,
        status="available" if past is None or past.status is None else past.status,
        priority=task.priority,
        dependencies=dependencies,
        resources=normal_forms(task.resources),
        tags=tuple(dict.fromkeys(task.tags)),
        metadata=task.metadata,
        expected_output=task.output,
        output=None if past is None else past.result,
        error=None if past is None else past.error,
        worker_id=None if past is None else past.worker_id,
        note=task.note if isinstance(task, ImportedTask) else None,
        max_attempts=task.max_attempts,
        retry_delay_ms=seconds_ms(task.retry_delay_seconds),
        timeout_ms=seconds_ms(task.timeout_seconds),
        not_before_ms=not_before_ms,
        deadline_ms=deadline_ms,
        created_by=draft.context.caller,
        created_ms=draft.now_ms,
        updated_ms=draft.now_ms,
        completed_ms=None if past is None else draft.now_ms,
    )


def _begun(draft: Draft, record: TaskRecord, done: set[str]) -> TaskRecord:
    """The record with the status that it begins with."""
    if record.status in FINISHED:
        return record
    is_done = draft.state.is_done
    if not all(name in done or is_done(name) for name in record.dependencies):
        fields: dict[str, Any] = {"status": "blocked"}
    elif record.not_before_ms is not None:
        fields = {"status": "scheduled"}
    else:
        fields = {"ready_ms": draft.now_ms}
    return replace(record, **fields)


def _name(state: ProjectState, wanted: Sequence[New], next_number: int) -> dict[str, New]:
    """The tasks by id; those without one are called after their creation number.

    Raises:
        TaskExists: an id is taken, or is given twice in one call.
    """
    given = {task.id for task in wanted if task.id is not None}
    named: dict[str, New] = {}
    for number, task in enumerate(wanted, next_number):
        task_id = task.id
        if task_id is None:
            task_id = _free_id(state, given, number)
        elif task_id in state.tasks:
            raise TaskExists(
                f"There is a task `{task_id}` already ({state.tasks[task_id].status}). Choose "
                "another id, or change it with `edit_task`.",
                taskId=task_id,
                status=state.tasks[task_id].status,
            )
        elif task_id in named:
            raise TaskExists(f"The id `{task_id}` is given twice in one call.", taskId=task_id)
        named[task_id] = task
    return named


def _free_id(state: ProjectState, given: set[str], number: int) -> str:
    candidate = f"task-{number}"
    while candidate in state.tasks or candidate in given:
        candidate += "-1"
    given.add(candidate)
    return candidate
