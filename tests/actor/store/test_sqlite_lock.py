"""The lock file: one holder at a time, named in the file, freed with its descriptor."""

import os
from pathlib import Path

import pytest

from actor.store.base import StoreInUse, StoreUnusable
from actor.store.sqlite_lock import FileLock
from tests.actor.store.files import names


def test_the_lock_file_names_its_holder_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    lock = FileLock.acquire(path)
    assert (tmp_path / "tasks.db.lock").read_text() == f"{os.getpid()}\n"
    lock.release()
    lock.release()
    assert (tmp_path / "tasks.db.lock").exists()


def test_a_held_lock_is_refused_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    lock = FileLock.acquire(path)
    with pytest.raises(StoreInUse, match=rf"process {os.getpid()}\)"):
        FileLock.acquire(path)
    lock.release()
    FileLock.acquire(path).release()


def test_a_refused_lock_leaves_no_descriptor_open(tmp_path: Path) -> None:
    path = tmp_path / "tasks.db"
    lock = FileLock.acquire(path)
    before = len(names(Path("/dev/fd")))
    for _ in range(5):
        with pytest.raises(StoreInUse):
            FileLock.acquire(path)
    assert len(names(Path("/dev/fd"))) == before
    lock.release()


@pytest.mark.parametrize("left", [b"", b"1234567\n", b"\xff\xfe rubbish \x00 and more of it"])
def test_a_lock_file_that_nobody_holds_is_taken_over(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "tasks.db.lock").write_bytes(left)
    lock = FileLock.acquire(tmp_path / "tasks.db")
    assert (tmp_path / "tasks.db.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_lock_file_that_cannot_be_is_refused_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "tasks.db.lock").mkdir()
    with pytest.raises(StoreUnusable, match=r"cannot write beside .*tasks\.db\.lock writable"):
        FileLock.acquire(tmp_path / "tasks.db")
