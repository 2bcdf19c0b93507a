"""Pages of tasks: filter, order, cursor.

Owns how a long list is cut into pages that stay exact while tasks come and go: a cursor is the
sort key of the last task that was looked at, so nothing is skipped or shown twice unless its key
changes. No page looks at more than `SCAN_MAX` tasks; one that ends early carries a cursor. Bulk
changes take their tasks by the same filter, page by page. Pure.
"""

import base64
import zlib
from collections.abc import Callable, Iterable, Iterator

import msgspec

from actor.records import TaskRecord
from actor.state import Key, Order, ProjectState, claim_key, created_key, updated_key
from protocol.errors import CursorInvalid
from protocol.fields import Sort
from protocol.limits import BULK_TASKS_MAX, PAGE_TEXT_MAX, SCAN_MAX
from protocol.params import GetAllTasks, GetAvailableTasks, ListTasks, TaskFilter

__all__ = ["available_page", "bulk_page", "filtered_page", "summary_page"]

Page = tuple[list[TaskRecord], str | None]
"""The tasks and the cursor of the next page, None on the last one."""


class _Cursor(msgspec.Struct, array_like=True, frozen=True):
    scope: int
    """Tells which method and filter made it."""
    key: Key


def available_page(state: ProjectState, params: GetAvailableTasks) -> Page:
    """Tasks that can be claimed, in the order of claims."""
    scope = _scope("available")
    return _page(_walk(state, state.ready, scope, params.cursor), params.limit, scope, claim_key)


def summary_page(state: ProjectState, params: GetAllTasks) -> Page:
    """All tasks in the order of creation."""
    scope = _scope("all")
    walk = _walk(state, state.in_creation_order, scope, params.cursor)
    return _page(walk, params.limit, scope, created_key)


def filtered_page(state: ProjectState, params: ListTasks) -> Page:
    """The tasks that pass a filter, in the order that it names."""
    scope = _scope(msgspec.structs.replace(params, limit=1, cursor=None))
    walk, key = _filtered(state, params, params.sort, scope, params.cursor)
    return _page(walk, params.limit, scope, key, _passes(params), _length)


def bulk_page(state: ProjectState, wanted: TaskFilter, cursor: str | None) -> Page:
    """Up to `BULK_TASKS_MAX` tasks that pass a filter, oldest first."""
    scope = _scope(("bulk", wanted))
    walk, key = _filtered(state, wanted, "created", scope, cursor)
    return _page(walk, BULK_TASKS_MAX, scope, key, _passes(wanted))


# --- walking ----------------------------------------------------------------------------------


def _filtered(
    state: ProjectState, wanted: TaskFilter, sort: Sort, scope: int, cursor: str | None
) -> tuple[Iterator[TaskRecord], Callable[[TaskRecord], Key]]:
    """All that might pass a filter, in order, and the key of that order."""
    order, key, reverse = _order(state, sort)
    chosen = _few(state, wanted)
    if chosen is None:
        return _walk(state, order, scope, cursor, reverse=reverse), key
    return _sorted(chosen, key, _after(scope, cursor), reverse=reverse), key


def _order(state: ProjectState, sort: Sort) -> tuple[Order, Callable[[TaskRecord], Key], bool]:
    match sort:
        case "created" | "-created":
            return state.in_creation_order, created_key, sort == "-created"
        case "updated" | "-updated":
            return state.in_update_order, updated_key, sort == "-updated"
        case "priority":
            return state.in_claim_order, claim_key, False


def _walk(
    state: ProjectState, order: Order, scope: int, cursor: str | None, *, reverse: bool = False
) -> Iterator[TaskRecord]:
    last = _after(scope, cursor)
    low, high = (None, last) if reverse else (last, None)
    keys = order.irange(low, high, inclusive=(False, False), reverse=reverse)
    return (state.tasks[key[-1]] for key in keys)


def _few(state: ProjectState, wanted: TaskFilter) -> list[TaskRecord] | None:
    """The tasks that an index narrows the filter down to, if they are few enough to sort."""
    if wanted.ids:
        return [state.tasks[name] for name in dict.fromkeys(wanted.ids) if name in state.tasks]
    if wanted.depends_on is not None:
        names: Iterable[str] = state.dependents.get(wanted.depends_on, {})
        count = len(state.dependents.get(wanted.depends_on, {}))
    elif wanted.status:
        statuses = set(wanted.status)
        names = (name for status in statuses for name in state.by_status[status])
        count = sum(len(state.by_status[status]) for status in statuses)
    else:
        return None
    return [state.tasks[name] for name in names] if count <= SCAN_MAX else None


def _sorted(
    tasks: list[TaskRecord], key: Callable[[TaskRecord], Key], last: Key | None, *, reverse: bool
) -> Iterator[TaskRecord]:
    tasks.sort(key=key, reverse=reverse)
    for task in tasks:
        if last is None or (key(task) < last if reverse else key(task) > last):
            yield task


def _page(
    walk: Iterator[TaskRecord],
    limit: int,
    scope: int,
    key: Callable[[TaskRecord], Key],
    passes: Callable[[TaskRecord], bool] = lambda _task: True,
    length: Callable[[TaskRecord], int] = lambda _task: 0,
) -> Page:
    found: list[TaskRecord] = []
    text = 0
    last: TaskRecord | None = None
    for scanned, task in enumerate(walk):
        full = len(found) == limit or scanned == SCAN_MAX or text > PAGE_TEXT_MAX
        if last is not None and full:
            return found, _encode(_Cursor(scope, key(last)))
        last = task
        if passes(task):
            found.append(task)
            text += length(task)
    return found, None


def _length(task: TaskRecord) -> int:
    """Characters of the texts that may be long."""
    texts = (task.description, task.expected_output, task.output, task.error)
    return sum(len(text) for text in texts if text is not None)


def _passes(wanted: TaskFilter) -> Callable[[TaskRecord], bool]:
    ids = set(wanted.ids)
    statuses = set(wanted.status)
    tags = set(wanted.tags)
    needle = wanted.search.casefold() if wanted.search is not None else None

    def passes(task: TaskRecord) -> bool:
        return (
            (not ids or task.id in ids)
            and (not statuses or task.status in statuses)
            and (not tags or tags.issubset(task.tags))
            and (wanted.worker_id is None or task.worker_id == wanted.worker_id)
            and (wanted.depends_on is None or wanted.depends_on in task.dependencies)
            and (needle is None or _contains(task, needle))
        )

    return passes


def _contains(task: TaskRecord, needle: str) -> bool:
    return needle in task.id.casefold() or needle in task.description.casefold()


# --- cursors ----------------------------------------------------------------------------------


def _scope(source: object) -> int:
    return zlib.crc32(msgspec.json.encode(source))


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


_decode_cursor = msgspec.json.Decoder(_Cursor).decode


def _after(scope: int, cursor: str | None) -> Key | None:
    """The sort key to go on after.

    Raises:
        CursorInvalid: it was not made by this method with this filter.
    """
    if cursor is None:
        return None
    try:
        decoded = _decode_cursor(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, msgspec.DecodeError):
        decoded = None
    if decoded is None or decoded.scope != scope:
        raise CursorInvalid(
            "The cursor does not belong to this method and filter. Pass `nextCursor` of the page "
            "before, with all other params unchanged, or none for the first page."
        )
    return decoded.key
