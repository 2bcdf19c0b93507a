"""The world of the naive model: plain objects, no indexes, full scans everywhere.

Owns what a task and a slot are, what can be read off them, and what time does to them. It shares
no code with `actor`, so a mistake would have to be made twice. The commands are in
`tests.model.naive`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RESTING = ("blocked", "scheduled", "available")
FINISHED = ("done", "failed", "cancelled")

LEASE_MS = 20_000
GRACE_MS = 5_000
ATTEMPTS = 3
RETRY_MS = 2_000
DAY_MS = 86_400_000


@dataclass(kw_only=True)
class Item:
    """A task."""

    order: int
    text: str = "do it"
    priority: int = 0
    needs: list[str] = field(default_factory=list[str])
    resources: list[str] = field(default_factory=list[str])
    reserved: list[str] = field(default_factory=list[str])
    tags: list[str] = field(default_factory=list[str])
    max_attempts: int | None = None
    retry_ms: int | None = None
    timeout_ms: int | None = None
    not_before: int | None = None
    deadline: int | None = None
    status: str = "available"
    retry_at: int | None = None
    told_overdue: bool = False
    worker: str | None = None
    slot: int | None = None
    attempt: int = 0
    used: int = 0
    """Attempts that count."""
    claim: int | None = None
    """The number of the claim that may report."""
    claimed_at: int = 0
    lease_ms: int = 0
    until: int = 0
    gives_up_at: int | None = None
    lapsed: bool = False
    output: str | None = None
    error: str | None = None
    progress: float | None = None
    note: str | None = None

    def holds(self) -> list[str]:
        return self.resources + self.reserved if self.status == "working" else []

    def ends_at(self) -> int:
        """When its claim ends, on the monotonic clock."""
        return self.until if self.gives_up_at is None else min(self.until, self.gives_up_at)


@dataclass(kw_only=True)
class Seat:
    """A held slot."""

    worker: str | None
    session: str
    bound: bool
    lease_ms: int
    until: int = 0
    connected: bool = True
    revoked: str | None = None


@dataclass
class Plain:
    """One project. `said` collects what an event would tell: (type, task)."""

    total: int
    wall: int
    mono: int
    tasks: dict[str, Item] = field(default_factory=dict[str, Item])
    seats: dict[int, Seat] = field(default_factory=dict[int, Seat])
    paused: bool = False
    pause_reason: str | None = None
    template: str | None = None
    orders: int = 0
    claims: int = 0
    said: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, "str | None"]])

    def say(self, what: str, task: str | None = None) -> None:
        self.said.append((what, task))

    # --- what is so ---------------------------------------------------------------------------

    def waits(self, item: Item) -> bool:
        return any(self.tasks[name].status != "done" for name in item.needs)

    def place(self, item: Item) -> str:
        """Where a task belongs that nobody works on."""
        if self.waits(item):
            return "blocked"
        if max(item.not_before or 0, item.retry_at or 0) > self.wall:
            return "scheduled"
        return "available"

    def task_in(self, slot: int) -> str | None:
        found = [name for name, item in self.tasks.items() if item.slot == slot]
        assert len(found) < 2, "a slot has at most one task"
        return found[0] if found else None

    def seat_of(self, worker: str | None) -> int | None:
        found = [number for number, seat in self.seats.items() if seat.worker == worker]
        return found[0] if found and worker is not None else None

    def queue(self) -> list[str]:
        """All available tasks in the order of claims."""
        ready = [
            (-i.priority, i.deadline is None, i.deadline or 0, i.order, name)
            for name, i in self.tasks.items()
            if i.status == "available"
        ]
        return [name for *_, name in sorted(ready)]

    def in_the_way(self, resources: Sequence[str], own: str | None = None) -> list[str]:
        """The tasks that hold something of these resources."""
        return [
            name
            for name, item in self.tasks.items()
            if name != own and any(clash(a, b) for a in resources for b in item.holds())
        ]

    def next_for(self, tags: Sequence[str]) -> str | None:
        """What whoever asks for work gets."""
        for name in self.queue():
            item = self.tasks[name]
            if set(tags) <= set(item.tags) and not self.in_the_way(item.resources):
                return None if self.paused else name
        return None

    def unfinished(self) -> int:
        return sum(item.status not in FINISHED for item in self.tasks.values())

    # --- what time does -----------------------------------------------------------------------

    def moments(self) -> Iterator[tuple[int, int, str, str | int]]:
        """(0 for the monotonic clock or 1 for the wall clock, when, what, whose)."""
        for number, seat in self.seats.items():
            yield 0, seat.until, "slot", number
        for name, item in self.tasks.items():
            if item.status == "working":
                yield 0, item.ends_at(), "task", name
            if item.status == "scheduled":
                yield 1, max(item.not_before or 0, item.retry_at or 0), "start", name
            told = item.told_overdue or item.status in FINISHED
            if item.deadline is not None and not told:
                yield 1, item.deadline, "deadline", name

    def next_in(self) -> int | None:
        """How long until something is due by itself."""
        return min((at - (self.mono, self.wall)[c] for c, at, *_ in self.moments()), default=None)

    def tick(self, wall: int, mono: int) -> None:
        """Do all that is due, leases first, the earliest first."""
        self.wall, self.mono = wall, mono
        while (in_ms := self.next_in()) is not None and in_ms <= 0:
            due = [(c, at, w, x) for c, at, w, x in self.moments() if at <= (mono, wall)[c]]
            _, _, what, whose = min(due, key=lambda moment: moment[:3])
            self.happen(what, whose)

    def happen(self, what: str, whose: str | int) -> None:
        if what == "slot":
            assert isinstance(whose, int)
            name = self.task_in(whose)
            if name is not None:
                self.lapse(name)
            if whose in self.seats:
                del self.seats[whose]
            self.say("slot_lapsed")
            return
        assert isinstance(whose, str)
        item = self.tasks[whose]
        if what == "task":
            self.lapse(whose)
            self.drain()
        elif what == "start":
            item.status, item.retry_at = "available", None
            self.say("task_ready", whose)
        else:
            item.told_overdue = True
            self.say("task_overdue", whose)

    def lapse(self, name: str) -> None:
        item = self.tasks[name]
        self.take_away(name)
        item.lapsed = True
        if item.used < (item.max_attempts or ATTEMPTS):
            item.status = self.place(item)
            self.say("task_lapsed", name)
        else:
            item.status, item.error = "failed", "gave up"
            self.say("task_failed", name)

    # --- what several commands do -------------------------------------------------------------

    def stop(self, name: str) -> None:
        """Nobody works on it any more."""
        item = self.tasks[name]
        item.slot, item.reserved = None, []

    def take_away(self, name: str) -> None:
        """As `stop`, and its worker has to hear of it."""
        slot = self.tasks[name].slot
        if slot is not None:
            self.seats[slot].revoked = name
        self.stop(name)

    def drain(self) -> None:
        """Slots beyond the number go when nobody works in them."""
        for number in sorted(self.seats):
            if number > self.total and self.task_in(number) is None:
                del self.seats[number]
                self.say("slot_released")

    def renew(self, number: int, more_ms: int = 0) -> None:
        """A sign of life."""
        seat = self.seats[number]
        if not seat.connected:
            self.say("slot_claimed")
        seat.connected = True
        seat.until = self.mono + more_ms + seat.lease_ms
        name = self.task_in(number)
        if name is not None:
            self.tasks[name].until = self.mono + more_ms + self.tasks[name].lease_ms

    def touch(self, worker: str | None) -> None:
        number = self.seat_of(worker)
        if number is not None:
            self.renew(number)

    def unblock(self, name: str) -> None:
        """A task is done."""
        for other, item in self.tasks.items():
            if item.status == "blocked" and name in item.needs and not self.waits(item):
                item.status = self.place(item)
                self.say("task_unblocked", other)

    def hand_back(self, name: str) -> None:
        item = self.tasks[name]
        self.stop(name)
        item.used -= 1
        item.status = self.place(item)
        self.say("task_released", name)

    # --- the world outside --------------------------------------------------------------------

    def disconnect(self, session: str) -> None:
        for seat in self.seats.values():
            if seat.session == session and seat.bound and seat.connected:
                seat.connected = False
                seat.until = min(seat.until, self.mono + GRACE_MS)
                self.say("slot_disconnected")

    def restart(self, wall: int, mono: int, connected: Sequence[str]) -> None:
        """Everybody gets one lease to come back; an attempt goes on with what was left of it."""
        self.wall, self.mono = wall, mono
        for seat in self.seats.values():
            seat.connected = not seat.bound or seat.session in connected
            seat.until = mono + seat.lease_ms
            if not seat.connected:
                seat.until = min(seat.until, mono + GRACE_MS)
        for item in self.tasks.values():
            if item.status == "working":
                item.until = mono + item.lease_ms
                item.gives_up_at = None
                if item.timeout_ms is not None:
                    worked = max(0, wall - item.claimed_at)
                    item.gives_up_at = mono + max(0, item.timeout_ms - worked)


def clash(one: str, other: str) -> bool:
    """Whether two resources are the same, or one lies in the other."""
    return _covers(one, other) or _covers(other, one)


def _covers(outer: str, inner: str) -> bool:
    if outer == "/" or outer.rstrip("/") == inner.rstrip("/"):
        return True
    return outer.endswith("/") and inner.startswith(outer)
