"""A second coordinator, as simple as can be.

Owns the rules of workers in their plainest form: slots, claims, reports. Each command returns the
reason of its refusal, or None; a refusal changes nothing. What a command found is left in an
attribute. Shares no code with `actor`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.naive_list import NORMAL, NaiveList
from tests.model.plain import DAY_MS, FINISHED, LEASE_MS, RETRY_MS, Item, Seat


@dataclass
class Naive(NaiveList):
    """The commands."""

    given: str | None = None
    """The task that the last `claim_next` gave."""
    waiting: bool = False
    """Whether the last claim waits."""

    # --- slots --------------------------------------------------------------------------------

    def claim_slot(
        self,
        session: str,
        worker: str | None,
        *,
        lease_ms: int | None = None,
        bind: bool = False,
        may_wait: bool = False,
    ) -> str | None:
        self.waiting = False
        mine = self.seat_of(worker)
        if mine is not None:
            seat = self.seats[mine]
            if seat.session != session and seat.connected:
                self.say("slot_claimed")
            seat.session, seat.bound = session, seat.bound or bind
            seat.lease_ms = lease_ms or seat.lease_ms
            self.renew(mine)
            return None
        free = [n for n in range(1, self.total + 1) if n not in self.seats]
        if not free:
            self.waiting = may_wait
            return None if may_wait else "no_free_slot"
        lease_ms = lease_ms or LEASE_MS
        self.seats[free[0]] = Seat(worker=worker, session=session, bound=bind, lease_ms=lease_ms)
        self.renew(free[0])
        self.say("slot_claimed")
        return None

    def release_slot(self, session: str, slot: int, worker: str | None) -> str | None:
        if slot not in self.seats:
            return "slot_not_found" if slot > self.total else "slot_not_claimed"
        seat = self.seats[slot]
        own = worker is None and seat.session == session
        if seat.worker is not None and not own and worker != seat.worker:
            return "slot_not_yours"
        name = self.task_in(slot)
        if name is not None:
            self.hand_back(name)
        del self.seats[slot]
        self.say("slot_released")
        return None

    def unusable(self, session: str, slot: int, worker: str) -> str | None:
        if slot not in self.seats:
            return "slot_not_found" if slot > self.total else "slot_not_claimed"
        seat = self.seats[slot]
        if seat.worker not in {None, worker}:
            return "slot_not_yours"
        if seat.worker is None:
            if seat.bound and seat.session != session:
                return "slot_not_yours"
            if self.seat_of(worker) is not None:
                return "worker_has_slot"
        return "slot_busy" if self.task_in(slot) is not None else None

    def heartbeat(self, session: str, worker: str | None) -> str | None:
        numbers = self.seats_for(session, worker)
        for number in numbers:
            self.renew(number)
        return None if numbers else "slot_not_claimed"

    def seats_for(self, session: str, worker: str | None) -> list[int]:
        """The slots that a heartbeat renews."""
        if worker is None:
            return sorted(n for n, seat in self.seats.items() if seat.session == session)
        return [n for n, seat in self.seats.items() if seat.worker == worker]

    # --- work ---------------------------------------------------------------------------------

    def claim(  # noqa: PLR0911 -- a list of refusals, one line each
        self, session: str, name: str, worker: str, slot: int, lease_ms: int | None = None
    ) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        if item.status == "working" and (item.worker, item.slot) == (worker, slot):
            self.touch(worker)
            return None
        if item.status != "available":
            return "task_not_available"
        problem = self.unusable(session, slot, worker)
        if problem:
            return problem
        if self.paused:
            return "claims_paused"
        if self.in_the_way(item.resources):
            return "resource_conflict"
        self.take(session, name, worker, slot, lease_ms)
        return None

    def claim_next(
        self,
        session: str,
        worker: str,
        slot: int | None,
        *,
        tags: Sequence[str] = (),
        lease_ms: int | None = None,
        wait_ms: int = 0,
    ) -> str | None:
        """`wait_ms`: how long it waits if there is nothing."""
        self.given, self.waiting = None, False
        number = slot if slot is not None else self.seat_of(worker)
        if number is None:
            return "slot_not_claimed"
        problem = self.unusable(session, number, worker)
        if problem:
            return problem
        self.given = self.next_for(tags)
        if self.given is not None:
            self.take(session, self.given, worker, number, lease_ms)
            return None
        self.waiting = bool(wait_ms)
        self.renew(number, wait_ms)
        return None

    def take(self, session: str, name: str, worker: str, slot: int, lease_ms: int | None) -> None:
        seat, item = self.seats[slot], self.tasks[name]
        if seat.worker is None:
            seat.worker, seat.session = worker, session
            self.say("slot_named")
        seat.revoked = None
        self.claims += 1
        item.status, item.worker, item.slot, item.claim = "working", worker, slot, self.claims
        item.attempt += 1
        item.used += 1
        item.claimed_at, item.retry_at, item.lapsed = self.wall, None, False
        item.progress, item.output, item.error = None, None, None
        item.lease_ms = lease_ms or seat.lease_ms
        item.gives_up_at = None if item.timeout_ms is None else self.mono + item.timeout_ms
        self.renew(slot)
        self.say("task_claimed", name)

    def not_the_holder(self, item: Item, worker: str, claim: int | None) -> str | None:
        """`claim`: the one whose token comes with the call."""
        if claim is not None and claim != item.claim:
            return "stale_claim"
        if item.claim is None or item.worker != worker:
            return "not_holder"
        return None

    def report(
        self, name: str, status: str, worker: str, claim: int | None, text: str | None
    ) -> str | None:
        """`text`: the output of what is done, the error of what failed."""
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        problem = self.not_the_holder(item, worker, claim)
        if problem:
            return problem
        if not self.repeats(item, status, text):
            given_up_on = item.status == "failed" and item.lapsed and status == "done"
            if item.status in FINISHED and not given_up_on:
                return "invalid_status"
            if status == "working":
                return "not_holder"
            self.touch(worker)
            self.end(name, status, text)
            self.drain()
            return None
        self.touch(worker)
        return None

    def repeats(self, item: Item, status: str, text: str | None) -> bool:
        if status == "working":
            return item.status == "working"
        if status == "failed" and item.status == "scheduled":
            return text in {None, item.error}
        same = item.status == status and not item.lapsed
        return same and text in {None, item.output if status == "done" else item.error}

    def end(self, name: str, status: str, text: str | None) -> None:
        item = self.tasks[name]
        self.stop(name)
        if status == "done":
            item.status, item.output, item.error = "done", text, None
            item.retry_at, item.lapsed = None, False
            self.say("task_done", name)
            self.unblock(name)
            return
        item.error = text
        item.lapsed = False
        if item.max_attempts is not None and item.used < item.max_attempts:
            first_ms = RETRY_MS if item.retry_ms is None else item.retry_ms
            delay_ms = first_ms
            for _ in range(item.used - 1):
                delay_ms *= 2
            item.retry_at = self.wall + min(delay_ms, DAY_MS)
            item.status = self.place(item)
            if item.status == "available":
                item.retry_at = None
            self.say("task_retrying", name)
        else:
            item.status, item.output = "failed", None
            self.say("task_failed", name)

    def only_while_working(self, item: Item | None, worker: str, claim: int | None) -> str | None:
        if item is None:
            return "task_not_found"
        problem = self.not_the_holder(item, worker, claim)
        if problem or item.status == "working":
            return problem
        return "invalid_status" if item.status in FINISHED else "not_holder"

    def progress(
        self, name: str, worker: str, claim: int | None, progress: float, note: str | None
    ) -> str | None:
        item = self.tasks.get(name)
        problem = self.only_while_working(item, worker, claim)
        if problem or item is None:
            return problem
        self.touch(worker)
        new = (progress, note or item.note)
        if new != (item.progress, item.note):
            item.progress, item.note = new
            self.say("task_progress", name)
        return None

    def release(self, name: str, worker: str, claim: int | None, note: str | None) -> str | None:
        item = self.tasks.get(name)
        problem = self.only_while_working(item, worker, claim)
        if problem or item is None:
            return problem
        self.touch(worker)
        item.note = note or item.note
        self.hand_back(name)
        self.drain()
        return None

    def reserve(
        self, name: str, worker: str, claim: int | None, written: Sequence[str]
    ) -> str | None:
        item = self.tasks.get(name)
        problem = self.only_while_working(item, worker, claim)
        if problem or item is None:
            return problem
        if any(NORMAL[one] is None for one in written):
            return "invalid_resource"
        wanted: list[str] = self.as_meant({"resources": written})["resources"]
        new = [one for one in wanted if one not in item.holds()]
        if self.in_the_way(new, own=name):
            return "resource_conflict"
        self.touch(worker)
        if new:
            item.reserved = item.reserved + new
            self.say("resources_reserved", name)
        return None

    def add_note(self, name: str, worker: str | None, note: str) -> str | None:
        item = self.tasks.get(name)
        if item is None:
            return "task_not_found"
        self.touch(worker)
        item.note = note
        self.say("task_noted", name)
        return None
