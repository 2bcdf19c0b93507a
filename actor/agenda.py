"""Everything that becomes due by itself: one ordered queue of moments.

Owns the order of due moments: ends of leases and attempts, starts of scheduled tasks, deadlines.
Leases run on the monotonic clock, starts and deadlines on the wall clock, so the queue keeps one
order per clock and answers for both together. Pure: it is told what time it is, and must not know
what is done when a moment arrives.
"""

from typing import Literal, NamedTuple, TypeAlias

from sortedcontainers import SortedList

__all__ = ["Agenda", "Due", "Kind"]

Kind = Literal["task_lease", "slot_lease", "start", "deadline"]
_MONOTONIC: frozenset[Kind] = frozenset({"task_lease", "slot_lease"})


class Due(NamedTuple):
    """What a moment is about."""

    kind: Kind
    project: int
    id: str
    """The task's id, or the slot's number as text."""


Order: TypeAlias = "SortedList[tuple[int, Due]]"


class Agenda:
    """At most one moment for each `Due`."""

    def __init__(self) -> None:
        self._moments: dict[Due, int] = {}
        self._wall: Order = SortedList()
        self._mono: Order = SortedList()

    def __len__(self) -> int:
        return len(self._moments)

    def __contains__(self, due: Due) -> bool:
        return due in self._moments

    def set(self, due: Due, at_ms: int | None) -> None:
        """Make this the moment of `due`, on the clock of its kind; None takes it off."""
        before = self._moments.get(due)
        if before == at_ms:
            return
        order = self._mono if due.kind in _MONOTONIC else self._wall
        if before is not None:
            order.remove((before, due))
        if at_ms is None:
            del self._moments[due]
        else:
            self._moments[due] = at_ms
            order.add((at_ms, due))

    def moments(self) -> dict[Due, int]:
        """A copy of all of them."""
        return dict(self._moments)

    def due(self, wall_ms: int, mono_ms: int, limit: int) -> list[Due]:
        """What is due by now, at most `limit`: leases first, each clock's earliest first."""
        found: list[Due] = []
        for order, now_ms in ((self._mono, mono_ms), (self._wall, wall_ms)):
            for at_ms, due in order:
                if at_ms > now_ms or len(found) == limit:
                    break
                found.append(due)
        return found

    def wait_ms(self, wall_ms: int, mono_ms: int) -> tuple[int | None, int | None]:
        """How long until the next moment of the wall clock and of the monotonic one; None: never.

        Zero or less means that it is due.
        """
        return (
            self._wall[0][0] - wall_ms if self._wall else None,
            self._mono[0][0] - mono_ms if self._mono else None,
        )
