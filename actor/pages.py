"""Pages of tasks: filter, order, cursor.

Owns how a long list is cut into pages that stay exact while tasks come and go: a cursor is the
sort key of the last task that was looked at, so nothing is skipped or shown twice unless its key
changes. No page looks at more than `SCAN_MAX` tasks, or searches more than `SEARCHED_TEXT_MAX`
characters; one that ends early carries a cursor. Bulk changes take their tasks by the same filter,
page by page. What a filter means is in `actor.filtering`. Pure.
"""

import base64
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from actor.filtering import Filter
from actor.records import TaskRecord
from actor.state import Key, Order, ProjectState, claim_key, created_key, updated_key
from protocol.errors import CursorInvalid
from protocol.fields import Sort
from protocol.limits import BULK_TASKS_MAX, PAGE_TEXT_MAX, SCAN_MAX
from protocol.params import GetAllTasks, GetAvailableTasks, ListTasks, TaskFilter

__all__ = ["available_page", "bulk_page", "filtered_page", "summary_page"]

SEARCHED_TEXT_MAX: Final = 5_000_000
"""Characters of descriptions that one page searches, some 10 ms."""

Page = tuple[list[TaskRecord], str | None]
"""The tasks and the cursor of the next page, None on the last one."""


class _Cursor(msgspec.Struct, array_like=True, frozen=True):
    scope: int
    """Tells which method and filter made it."""
    key: Key


def available_page(state: ProjectState, params: GetAvailableTasks) -> Page:
    """Tasks that can be claimed, in the order of claims."""
    scope = _scope("available")
    walk = _walk(state, state.ready, scope, params.cursor)
    return _page(walk, claim_key, _always, scope, _Bounds(params.limit))


def summary_page(state: ProjectState, params: GetAllTasks) -> Page:
    """All tasks in the order of creation."""
    scope = _scope("all")
    walk = _walk(state, state.in_creation_order, scope, params.cursor)
    return _page(walk, created_key, _always, scope, _Bounds(params.limit))


def filtered_page(state: ProjectState, params: ListTasks) -> Page:
    """The tasks that pass a filter, in the order that it names."""
    scope = _scope(msgspec.structs.replace(params, limit=1, cursor=None, text_max=None))
    found = _filtered(state, params, params.sort, scope, params.cursor)
    bounds = _Bounds(params.limit, _shown(params.text_max), _searched(params))
    return _page(*found, scope, bounds)


def bulk_page(state: ProjectState, wanted: TaskFilter, cursor: str | None) -> Page:
    """Up to `BULK_TASKS_MAX` tasks that pass a filter, oldest first."""
    scope = _scope(("bulk", wanted))
    found = _filtered(state, wanted, "created", scope, cursor)
    return _page(*found, scope, _Bounds(BULK_TASKS_MAX, searched=_searched(wanted)))


# --- walking ----------------------------------------------------------------------------------


def _filtered(
    state: ProjectState, wanted: TaskFilter, sort: Sort, scope: int, cursor: str | None
) -> tuple[Iterator[TaskRecord], Callable[[TaskRecord], Key], Callable[[TaskRecord], bool]]:
    """All that might pass a filter, in order, the key of that order, and whether a task passes."""
    order, key, reverse = _order(state, sort)
    found = Filter(state, wanted)
    chosen = found.few(SCAN_MAX)
    if chosen is None:
        walk = _walk(state, order, scope, cursor, reverse=reverse)
    else:
        walk = _sorted(chosen, key, _after(scope, cursor), reverse=reverse)
    return walk, key, found.passes


def _order(state: ProjectState, sort: Sort) -> tuple[Order, Callable[[TaskRecord], Key], bool]:
    match sort:
        case "created" | "-created":
            return state.in_creation_order, created_key, sort == "-created"
        case "updated" | "-updated":
            return state.in_update_order, updated_key, sort == "-updated"
        case "priority" | "-priority":
            return state.in_claim_order, claim_key, sort == "-priority"


def _walk(
    state: ProjectState, order: Order, scope: int, cursor: str | None, *, reverse: bool = False
) -> Iterator[TaskRecord]:
    last = _after(scope, cursor)
    low, high = (None, last) if reverse else (last, None)
    keys = order.irange(low, high, inclusive=(False, False), reverse=reverse)
    return (state.tasks[key[-1]] for key in keys)


def _sorted(
    tasks: list[TaskRecord], key: Callable[[TaskRecord], Key], last: Key | None, *, reverse: bool
) -> Iterator[TaskRecord]:
    tasks.sort(key=key, reverse=reverse)
    for task in tasks:
        if last is None or (key(task) < last if reverse else key(task) > last):
            yield task


Length = Callable[[TaskRecord], int]
"""So many characters of a task count."""


def _none(_task: TaskRecord) -> int:
    return 0


def _always(_task: TaskRecord) -> bool:
    return True


class _Bounds(NamedTuple):
    """Where a page ends: at so many tasks, or with so much text."""

    limit: int
    shown: Length = _none
    searched: Length = _none


def _page(
    walk: Iterator[TaskRecord],
    key: Callable[[TaskRecord], Key],
    passes: Callable[[TaskRecord], bool],
    scope: int,
    bounds: _Bounds,
) -> Page:
    found: list[TaskRecord] = []
    shown = searched = 0
    last: TaskRecord | None = None
    for scanned, task in enumerate(walk):
        full = len(found) == bounds.limit or shown > PAGE_TEXT_MAX
        if last is not None and (full or scanned == SCAN_MAX or searched > SEARCHED_TEXT_MAX):
            return found, _encode(_Cursor(scope, key(last)))
        last = task
        searched += bounds.searched(task)
        if passes(task):
            found.append(task)
            shown += bounds.shown(task)
    return found, None


def _shown(text_max: int | None) -> Length:
    """Characters that a task shows of its texts that may be long."""

    def shown(task: TaskRecord) -> int:
        texts = (task.description, task.expected_output, task.output, task.error, task.note)
        lengths = (len(text) for text in texts if text is not None)
        return sum(lengths if text_max is None else (min(text_max, one) for one in lengths))

    return shown


def _searched(wanted: TaskFilter) -> Length:
    """Characters that are looked at to know whether a task passes."""
    return _none if wanted.search is None else lambda task: len(task.description)


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
