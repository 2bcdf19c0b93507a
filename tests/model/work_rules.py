"""Random commands of workers: slots, claims, reports.

Owns the rules that send them, many of them guided, because most random claims are refused.
"""

from collections.abc import Sequence
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import rule

from protocol import params as p
from protocol import results as r
from tests.model.naive_list import NORMAL
from tests.model.plain import GRACE_MS, LEASE_MS
from tests.model.strategies import (
    ALL,
    ANY_NAME,
    ENDING,
    LEASES,
    MAYBE_WORKERS,
    PICK,
    SEEN,
    SESSIONS,
    SHIFT,
    SLOTS,
    TAGS,
    WORKERS,
    seconds,
)
from tests.model.task_rules import TaskRules


class WorkRules(TaskRules):
    """The workers."""

    # --- slots --------------------------------------------------------------------------------

    @rule(session=SESSIONS, worker=MAYBE_WORKERS, lease_ms=LEASES, bind=st.booleans())
    def claim_worker_slot(
        self, session: str, worker: str | None, lease_ms: int | None, bind: bool
    ) -> None:
        self.claim_slot(session, worker, lease_ms=lease_ms, bind=bind)

    def claim_slot(
        self,
        session: str,
        worker: str | None,
        *,
        lease_ms: int | None = None,
        bind: bool = False,
        wait: float = 0,
    ) -> None:
        params = p.ClaimWorkerSlot(
            worker_id=worker,
            lease_seconds=seconds(lease_ms),
            bind_to_connection=bind,
            wait_seconds=wait,
        )
        told, reason = self.call(session, "claim_worker_slot", params, may_wait=True)
        expected = self.naive.claim_slot(
            session, worker, lease_ms=lease_ms, bind=bind, may_wait=wait > 0
        )
        assert reason == expected
        assert isinstance(told, float) == (reason is None and self.naive.waiting)
        if isinstance(told, float):
            assert told == min(wait, 45)

    @rule(session=SESSIONS, worker=WORKERS, wait=st.sampled_from([3.0, 3_000.0]))
    def wait_for_a_slot(self, session: str, worker: str, wait: float) -> None:
        self.claim_slot(session, worker, wait=wait)

    @rule(session=SESSIONS, slot=SLOTS, worker=st.none() | WORKERS)
    def release_worker_slot(self, session: str, slot: int, worker: str | None) -> None:
        self.release_slot(session, slot, worker)

    def release_slot(self, session: str, slot: int, worker: str | None) -> None:
        params = p.ReleaseWorkerSlot(slot=slot, worker_id=worker)
        _, reason = self.call(session, "release_worker_slot", params)
        assert reason == self.naive.release_slot(session, slot, worker)

    @rule(session=SESSIONS, worker=st.none() | WORKERS)
    def heartbeat(self, session: str, worker: str | None) -> None:
        told, reason = self.call(session, "heartbeat", p.Heartbeat(worker_id=worker))
        numbers = self.naive.seats_for(session, worker)
        assert reason == self.naive.heartbeat(session, worker)
        if reason is None:
            told = cast("r.HeartbeatReply", told)
            seats = [self.naive.seats[number] for number in numbers]
            held = [(slot.slot, slot.worker_id, slot.task_id) for slot in told.held]
            assert held == [(n, self.naive.seats[n].worker, self.naive.task_in(n)) for n in numbers]
            assert told.cancelled == [seat.revoked for seat in seats if seat.revoked is not None]
            assert told.paused == self.naive.paused
            assert told.draining == any(number > self.naive.total for number in numbers)

    # --- work ---------------------------------------------------------------------------------

    @rule(session=SESSIONS, name=ANY_NAME, worker=WORKERS, slot=SLOTS, lease_ms=LEASES)
    def claim_task(
        self, session: str, name: str, worker: str, slot: int, lease_ms: int | None
    ) -> None:
        params = p.ClaimTask(
            task_id=name, worker_id=worker, worker_slot=slot, lease_seconds=seconds(lease_ms)
        )
        told, reason = self.call(session, "claim_task", params)
        assert reason == self.naive.claim(session, name, worker, slot, lease_ms)
        if told is not None:
            self.keep_token(name, told.claim_token)

    def keep_token(self, name: str, token: str) -> None:
        claim = self.naive.tasks[name].claim
        assert claim is not None
        known = self.tokens.setdefault(claim, token)
        assert known == token, "a claim has one token"
        values = [int(self.tokens[number]) for number in sorted(self.tokens)]
        assert values == sorted(set(values)), "tokens only grow"

    @rule(index=PICK, session=SESSIONS, worker=WORKERS, lease_ms=LEASES)
    def somebody_takes_a_task_that_is_ready(
        self, index: int, session: str, worker: str, lease_ms: int | None
    ) -> None:
        """Most random claims are refused; this one goes through if anything can."""
        self.claim_slot(session, worker)
        name = self.pick(index, "available")
        slot = self.naive.seat_of(worker)
        if name is not None and slot is not None:
            self.claim_task(session, name, worker, slot, lease_ms)

    @rule(index=PICK, worker=WORKERS)
    def somebody_takes_a_task_whose_resources_are_held(self, index: int, worker: str) -> None:
        self.claim_slot("s1", worker)
        free = [
            name
            for name, item in self.naive.tasks.items()
            if item.status == "available" and self.naive.in_the_way(item.resources)
        ]
        slot = self.naive.seat_of(worker)
        if free and slot is not None:
            self.claim_task("s1", free[index % len(free)], worker, slot, None)

    @rule(
        session=SESSIONS,
        worker=WORKERS,
        slot=st.none() | SLOTS,
        tags=TAGS,
        wait=st.sampled_from([0.0, 0.0, 2.0, 3_000.0]),
        comes_first=st.booleans(),
    )
    def claim_next_task(
        self,
        session: str,
        worker: str,
        slot: int | None,
        tags: list[str],
        wait: float,
        comes_first: bool,
    ) -> None:
        if comes_first:
            self.claim_slot(session, worker)
        self.claim_next(session, worker, slot, tags=tags, wait=wait)

    def claim_next(
        self,
        session: str,
        worker: str,
        slot: int | None = None,
        *,
        tags: Sequence[str] = (),
        lease_ms: int | None = None,
        wait: float = 0,
    ) -> None:
        params = p.ClaimNextTask(
            worker_id=worker,
            worker_slot=slot,
            tags=list(tags),
            wait_seconds=wait,
            lease_seconds=seconds(lease_ms),
        )
        told, reason = self.call(session, "claim_next_task", params, may_wait=True)
        wait_ms = round(min(wait, 45) * 1000)
        expected = self.naive.claim_next(
            session, worker, slot, tags=tags, lease_ms=lease_ms, wait_ms=wait_ms
        )
        assert reason == expected
        if reason is not None:
            return
        if self.naive.waiting:
            assert told == wait_ms / 1000
            return
        told = cast("r.NextTask", told)
        assert (None if told.task is None else told.task.id) == self.naive.given
        assert told.remaining == self.naive.unfinished()
        assert (told.reason is None) == (told.task is not None)
        if told.task is not None:
            assert told.claim_token is not None
            self.keep_token(told.task.id, told.claim_token)

    @rule(shifts=st.lists(SHIFT, min_size=1, max_size=5))
    def people_work(self, shifts: list[tuple[str, str, int | None, bool, str]]) -> None:
        """Whole attempts, so that every machine gets far."""
        for shift in shifts:
            self.somebody_works(*shift)

    @rule(
        shift=SHIFT.filter(lambda shift: shift[-1] not in {"silent", "late", "gone"}),
        beats=st.booleans(),
    )
    def people_work_in_vain(
        self, shift: tuple[str, str, int | None, bool, str], beats: bool
    ) -> None:
        """The commit of a whole attempt, or of signs of life, fails."""
        self.commit()
        if beats:
            for worker in ("w1", "w2", "w3"):
                self.heartbeat(shift[0], worker)
        else:
            self.somebody_works(*shift)
        self.a_commit_fails(0)

    @rule(worker=WORKERS, endings=st.lists(ENDING, min_size=2, max_size=4))
    def the_same_works_on(self, worker: str, endings: list[str]) -> None:
        for ending in endings:
            self.somebody_works("s1", worker, None, False, ending)

    def somebody_works(
        self, session: str, worker: str, lease_ms: int | None, bind: bool, ending: str
    ) -> None:
        self.claim_slot(session, worker, lease_ms=lease_ms, bind=bind or ending == "gone")
        self.claim_next(session, worker)
        name = self.naive.given
        if name is None:
            return
        if ending in {"done", "failed", "working"}:
            self.report(name, ending, worker, self.naive.tasks[name].claim, "that")
        elif ending == "back":
            self.release(name, worker, None, None)
        elif ending == "away":
            self.cancel(name)
        elif ending == "leaves":
            self.release_slot(session, self.naive.seat_of(worker) or 1, worker)
        elif ending == "gone":
            self.a_session_is_gone(session)
            self.time_passes(GRACE_MS)
        else:
            self.time_passes(LEASE_MS)
            if ending == "late":
                self.report(name, "done", worker, None, None)

    @rule(
        name=ANY_NAME,
        status=st.sampled_from(["working", "done", "failed"]),
        worker=WORKERS,
        which=st.sampled_from(["none", "right", "any"]),
        index=PICK,
    )
    def update_task(self, name: str, status: str, worker: str, which: str, index: int) -> None:
        self.report(name, status, worker, self.token(name, which, index), None)

    def report(
        self, name: str, status: str, worker: str, claim: int | None, text: str | None
    ) -> None:
        params = p.UpdateTask(
            task_id=name,
            status=cast("Any", status),
            worker_id=worker,
            output=text if status == "done" else None,
            error=text if status == "failed" else None,
            claim_token=None if claim is None else self.tokens[claim],
        )
        others = self.naive.tasks.keys() - {name}
        blocked = {other for other in others if self.naive.tasks[other].status == "blocked"}
        told, reason = self.call("s2", "update_task", params)
        late = name in self.naive.tasks and self.naive.tasks[name].status != "working"
        assert reason == self.naive.report(name, status, worker, claim, text)
        if reason is None:
            SEEN[f"{'late ' if late else ''}report {status}"] += 1
            moved = {n for n in blocked if self.naive.tasks[n].status != "blocked"}
            assert set(cast("r.TaskUpdated", told).unblocked) == moved

    @rule(
        index=PICK,
        status=st.sampled_from(["done", "done", "failed", "failed", "working"]),
        which=st.sampled_from(["none", "right", "any"]),
        text=st.none() | st.sampled_from(["this", "that"]),
    )
    def a_present_or_former_holder_reports(
        self, index: int, status: str, which: str, text: str | None
    ) -> None:
        self.open()
        held = [(n, i.worker) for n, i in self.naive.tasks.items() if i.worker is not None]
        if held:
            name, worker = held[index % len(held)]
            assert worker is not None
            self.report(name, status, worker, self.token(name, which, index), text)

    @rule(index=PICK, status=st.sampled_from(["done", "failed"]), text=st.none() | st.just("this"))
    def a_holder_reports(self, index: int, status: str, text: str | None) -> None:
        self.open()
        name = self.pick(index, "working")
        if name is not None:
            item = self.naive.tasks[name]
            assert item.worker is not None
            self.report(name, status, item.worker, item.claim, text)

    def holder(self, index: int, worker: str) -> tuple[str, str]:
        """A task that is worked on with its worker, or any with any."""
        self.open()
        name = self.pick(index, "working")
        if name is None:
            return self.pick(index, *ALL) or "a", worker
        return name, self.naive.tasks[name].worker or worker

    @rule(
        index=PICK,
        worker=WORKERS,
        which=st.sampled_from(["none", "right", "any"]),
        progress=st.sampled_from([0.0, 0.5]),
        note=st.none() | st.just("halfway"),
    )
    def report_progress(
        self, index: int, worker: str, which: str, progress: float, note: str | None
    ) -> None:
        name, worker = self.holder(index, worker)
        self.progress(name, worker, self.token(name, which, index), progress, note)

    def progress(
        self, name: str, worker: str, claim: int | None, progress: float, note: str | None
    ) -> None:
        params = p.ReportProgress(
            task_id=name,
            worker_id=worker,
            progress=progress,
            note=note,
            claim_token=None if claim is None else self.tokens[claim],
        )
        _, reason = self.call("s3", "report_progress", params)
        assert reason == self.naive.progress(name, worker, claim, progress, note)

    @rule(
        index=PICK,
        worker=WORKERS,
        which=st.sampled_from(["none", "right", "any"]),
        note=st.none() | st.just("mind the gap"),
    )
    def release_task(self, index: int, worker: str, which: str, note: str | None) -> None:
        name, worker = self.holder(index, worker)
        self.release(name, worker, self.token(name, which, index), note)

    def release(self, name: str, worker: str, claim: int | None, note: str | None) -> None:
        params = p.ReleaseTask(
            task_id=name,
            worker_id=worker,
            note=note,
            claim_token=None if claim is None else self.tokens[claim],
        )
        _, reason = self.call("s3", "release_task", params)
        assert reason == self.naive.release(name, worker, claim, note)

    @rule(
        index=PICK,
        worker=WORKERS,
        which=st.sampled_from(["none", "right", "any"]),
        written=st.lists(st.sampled_from(sorted(NORMAL)), min_size=1, max_size=2),
    )
    def reserve_resources(self, index: int, worker: str, which: str, written: list[str]) -> None:
        name, worker = self.holder(index, worker)
        self.reserve(name, worker, self.token(name, which, index), written)

    def reserve(self, name: str, worker: str, claim: int | None, written: list[str]) -> None:
        params = p.ReserveResources(
            task_id=name,
            worker_id=worker,
            resources=written,
            claim_token=None if claim is None else self.tokens[claim],
        )
        told, reason = self.call("s3", "reserve_resources", params)
        assert reason == self.naive.reserve(name, worker, claim, written)
        if reason is None:
            assert told.reserved == self.naive.tasks[name].reserved

    @rule(index=PICK, worker=st.none() | WORKERS, note=st.sampled_from(["n1", "n2"]))
    def add_note(self, index: int, worker: str | None, note: str) -> None:
        self.note(self.pick(index, *ALL) or "a", worker, note)

    def note(self, name: str, worker: str | None, note: str) -> None:
        params = p.AddNote(task_id=name, worker_id=worker, note=note)
        _, reason = self.call("s3", "add_note", params)
        assert reason == self.naive.add_note(name, worker, note)
