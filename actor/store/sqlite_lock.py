"""The lock that keeps a second server away from a database file.

Owns `<database>.lock`: an advisory lock of the operating system, held as long as the process
lives, and in the file the holder's process id for people. Must not know SQL. The file stays when
the lock is gone: removing it would let two servers lock two different files of one name.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from actor.store.base import StoreInUse, StoreUnusable

__all__ = ["FileLock"]


class FileLock:
    """A held lock. It dies with the process, however that ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, database: Path) -> Self:
        """Take the lock of a database file, without waiting.

        Raises:
            StoreInUse: somebody has it; the message names the process.
            StoreUnusable: there can be no lock file in that folder.
        """
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreUnusable(
                f"cannot write beside {database} ({error.strerror}): make the folder and "
                f"{path.name} writable for this user, or choose another place for the database"
            ) from None
        try:
            _lock(descriptor, database)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise StoreUnusable(
                    f"cannot lock {path} ({error.strerror}): put the database on a local disk"
                ) from None
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let go. Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int, database: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise StoreInUse(
            f"{database} is in use by another server (process {holder or 'unknown'}): connect to "
            "that one, stop it, or choose another database"
        ) from None
