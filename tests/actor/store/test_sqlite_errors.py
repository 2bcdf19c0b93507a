"""SQLite's errors become one line that names the fix, and no folder that a client could see."""

import sqlite3
from pathlib import Path

import pytest

from actor.store.base import StoreDamaged, StoreUnavailable, StoreUnusable
from actor.store.sqlite_errors import damaged, error_code, is_damage, unavailable, unusable

PATH = Path("/home/somebody/tasks.db")


def coded(code: int, message: str = "what SQLite said") -> sqlite3.Error:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_NAME"
    return error


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (sqlite3.SQLITE_FULL, "free some"),
        (sqlite3.SQLITE_IOERR_FSYNC, "check its disk"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "writable"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "end it"),
        (sqlite3.SQLITE_LOCKED, "end it"),
        (sqlite3.SQLITE_CANTOPEN, "permissions"),
        (sqlite3.SQLITE_NOMEM, "free some"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "backup"),
        (sqlite3.SQLITE_ERROR, "what SQLite said"),
    ],
)
def test_every_kind_of_failure_names_its_fix_but_not_the_folder(code: int, fix: str) -> None:
    error = unavailable(coded(code), PATH)
    assert type(error) is StoreUnavailable
    assert fix in str(error)
    assert "tasks.db" in str(error)
    assert "somebody" not in str(error)


def test_while_opening_the_whole_path_is_told() -> None:
    error = unusable(coded(sqlite3.SQLITE_CANTOPEN), PATH)
    assert type(error) is StoreUnusable
    assert str(PATH) in str(error)


def test_damage_is_told_apart_from_what_may_pass() -> None:
    assert is_damage(coded(sqlite3.SQLITE_NOTADB))
    assert is_damage(coded(sqlite3.SQLITE_CORRUPT_VTAB))
    assert not is_damage(coded(sqlite3.SQLITE_IOERR_READ))
    assert type(unusable(coded(sqlite3.SQLITE_CORRUPT), PATH)) is StoreDamaged


def test_a_long_finding_is_cut_to_one_line() -> None:
    message = str(damaged(PATH, "*** in database main ***\n" + "x" * 5_000))
    assert "\n" not in message
    assert "(*** in database main ***)" in message
    assert "x" * 201 not in str(damaged(PATH, "x" * 5_000))


def test_errors_that_the_driver_made_up_have_no_code() -> None:
    connection = sqlite3.connect(":memory:")
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError) as caught:
        connection.execute("SELECT 1")
    assert error_code(caught.value) is None
    assert not is_damage(caught.value)
    assert "closed" in str(unavailable(caught.value, PATH))
