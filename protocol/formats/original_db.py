"""The database of the product that this one grew out of: its `task-coordinator.db`.

Owns finding the tasks in a SQLite file by what its tables look like, as that product had several
versions, and the meaning of its statuses. The file is only ever read, also while its server runs.
Must not know this product's own databases, beyond telling them apart.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from protocol.formats.sheet import Sheet

__all__ = ["read"]

_STATUSES: Final = {
    "available": None,
    "pending": None,
    "ready": None,
    "open": None,
    "todo": None,
    "blocked": None,
    "waiting": None,
    "scheduled": None,
    "claimed": None,
    "assigned": None,
    "working": None,
    "running": None,
    "in_progress": None,
    "done": "done",
    "completed": "done",
    "complete": "done",
    "finished": "done",
    "failed": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
"""What each status becomes here; None for one that follows from the dependencies. Nobody works on
an imported task, so one that was worked on is ready again."""

_IDS: Final = ("id", "task_id", "taskid")
_WORKERS: Final = ("worker", "worker_id", "workerid", "assigned_to", "claimed_by")
_DEPENDENCIES: Final = ("dependencies", "depends_on", "dependson", "deps")
_NEEDED: Final = (
    "dependency_id",
    "depends_on",
    "depends_on_id",
    "depends_on_task_id",
    "dependency",
)
_EXPECTED: Final = ("expected_output", "expectedoutput")


class _Table(NamedTuple):
    """A table and its columns, their names in lower case leading to the names as they are."""

    name: str
    columns: Mapping[str, str]

    def column(self, names: Sequence[str]) -> str | None:
        """The first of these columns that the table has."""
        return next((self.columns[name] for name in names if name in self.columns), None)


def read(path: Path) -> Sheet:
    """The tasks of a database, in the order in which they were added."""
    sheet = Sheet(unit="row")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            _read(database, sheet)
    except sqlite3.Error as error:
        sheet.problem(0, f"it cannot be read as a SQLite database: {error}.")
    return sheet


def _read(database: sqlite3.Connection, sheet: Sheet) -> None:
    tables = list(_tables(database))
    if any(table.name == "projects" for table in tables):
        sheet.problem(
            0,
            "this is a database of this product: start a server on it, and move tasks with "
            "'task-coordinator export' and 'import'.",
        )
        return
    table = next((table for table in tables if _holds_tasks(table)), None)
    if table is None:
        names = ", ".join(table.name for table in tables) or "none at all"
        sheet.problem(
            0,
            f"no table has the columns id, description and status. Its tables are: {names}.",
        )
        return
    apart = _kept_apart(database, tables)
    for row in database.execute(f"SELECT rowid AS _row, * FROM {_name(table.name)} ORDER BY rowid"):  # noqa: S608 -- quoted
        _task(row, table, apart, sheet)


def _tables(database: sqlite3.Connection) -> Iterator[_Table]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (name,) in found.fetchall():
        columns = database.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()
        yield _Table(name, {column.lower(): column for (column,) in columns})


def _holds_tasks(table: _Table) -> bool:
    named = table.column(_IDS) is not None
    return named and table.column(("description",)) is not None and "status" in table.columns


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _kept_apart(database: sqlite3.Connection, tables: Sequence[_Table]) -> dict[str, list[str]]:
    """The dependencies by task, where they have a table of their own."""
    found: dict[str, list[str]] = {}
    for table in tables:
        task, needed = table.column(("task_id", "taskid", "task")), table.column(_NEEDED)
        if task is None or needed is None or _holds_tasks(table):
            continue
        query = f"SELECT {_name(task)}, {_name(needed)} FROM {_name(table.name)} ORDER BY rowid"  # noqa: S608 -- quoted
        for task_id, name in database.execute(query):
            found.setdefault(str(task_id), []).append(str(name))
    return found


def _task(row: sqlite3.Row, table: _Table, apart: dict[str, list[str]], sheet: Sheet) -> None:
    def cell(*names: str) -> Any:
        column = table.column(names)
        return None if column is None else row[column]

    number: int = row["_row"]
    word = str(cell("status")).strip().lower().replace("-", "_").replace(" ", "_")
    if word not in _STATUSES:
        known = ", ".join(_STATUSES)
        sheet.problem(number, f"the status '{cell('status')}' is not known; there are {known}.")
        return
    status = _STATUSES[word]
    task_id = cell(*_IDS)
    fields = {
        "id": None if task_id is None else str(task_id),
        "description": cell("description"),
        "dependencies": [*_dependencies(cell(*_DEPENDENCIES)), *apart.get(str(task_id), [])],
        "priority": cell("priority"),
        "output": cell(*_EXPECTED),
    }
    # Its one column `output` holds what is wanted until the task is finished, then what was done.
    if status is None:
        fields["output"] = fields["output"] or cell("output")
    else:
        fields |= {"status": status, "result": cell("output")}
        fields |= {"error": cell("error"), "workerId": cell(*_WORKERS)}
    sheet.add(
        number, {name: value for name, value in fields.items() if value not in (None, "", [])}
    )


def _dependencies(value: Any) -> list[Any]:
    """Ids in the notations that are around: a JSON array, or a list with commas."""
    if not isinstance(value, str) or not value.strip():
        return []
    if value.lstrip().startswith("["):
        try:
            names: list[Any] = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
        return [str(name) if isinstance(name, int) else name for name in names]
    return [name.strip() for name in value.split(",") if name.strip()]
