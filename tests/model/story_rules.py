"""Short stories that random commands alone rarely tell.

Owns chains of commands that lead into corners: failures in a row, work that is called off under
its holder, signs of life after a while. Each step is compared like any other.
"""

from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.bulk_rules import BulkRules
from tests.model.plain import LEASE_MS
from tests.model.strategies import NAMES, PICK, SESSIONS, WORKERS

SHORT_MS = 500


class StoryRules(BulkRules):
    """Chains of commands."""

    @rule(
        worker=WORKERS,
        most=st.integers(2, 4),
        retry_ms=st.sampled_from([300, 50_000_000]),
        text=st.none() | st.just("that"),
    )
    def a_task_fails_again_and_again(
        self, worker: str, most: int, retry_ms: int, text: str | None
    ) -> None:
        name = self.free_name()
        if name is None:
            return
        self.add([(name, {"max_attempts": most, "retry_ms": retry_ms})])
        for failures in range(most):
            self.begin_again(name, worker, None)
            if self.naive.tasks[name].status == "working":
                self.report(name, "failed", worker, None, text)
                self.time_passes(retry_ms << failures)

    @rule(
        worker=WORKERS,
        most=st.none() | st.integers(1, 2),
        status=st.sampled_from(["done", "failed"]),
    )
    def a_task_lapses_again_and_again(self, worker: str, most: int | None, status: str) -> None:
        name = self.free_name()
        if name is None:
            return
        self.add([(name, {"max_attempts": most})])
        for _ in range(most or 3):
            self.begin_again(name, worker, SHORT_MS)
            self.time_passes(SHORT_MS)
        self.report(name, status, worker, None, None)

    def free_name(self) -> str | None:
        self.open()
        return next((name for name in NAMES if name not in self.naive.tasks), None)

    def begin_again(self, name: str, worker: str, lease_ms: int | None) -> None:
        self.claim_slot("s1", worker)
        slot = self.naive.seat_of(worker)
        if slot is not None:
            self.claim_task("s1", name, worker, slot, lease_ms)

    @rule(index=PICK, how=st.sampled_from(["cancel", "reset", "clean"]), with_token=st.booleans())
    def work_is_called_off_under_its_holder(self, index: int, how: str, with_token: bool) -> None:
        self.people_work([("s1", f"w{number}", None, False, "working") for number in (1, 2)])
        name = self.pick(index, "working")
        if name is None:
            return
        item = self.naive.tasks[name]
        worker, claim = item.worker or "", item.claim
        if how == "cancel":
            self.cancel(name)
        elif how == "reset":
            self.reset(name, force=True)
        else:
            self.clean()
        self.heartbeat("s1", worker)
        self.report(name, "done", worker, claim if with_token else None, None)
        self.claim_next("s1", worker)

    @rule(
        index=PICK,
        sign=st.sampled_from(["progress", "reserve", "note", "working", "again", "slot", "beat"]),
    )
    def a_holder_gives_a_sign_of_life_after_a_while(self, index: int, sign: str) -> None:
        self.time_passes(1)
        self.open()
        name = self.pick(index, "working")
        if name is None:
            return
        item = self.naive.tasks[name]
        worker, slot = item.worker or "", item.slot or 0
        signs: Mapping[str, Callable[[], None]] = {
            "progress": lambda: self.progress(name, worker, None, 0.5, None),
            "reserve": lambda: self.reserve(name, worker, None, ["src/a"]),
            "note": lambda: self.note(name, worker, "n1"),
            "working": lambda: self.report(name, "working", worker, None, None),
            "again": lambda: self.claim_task("s1", name, worker, slot, None),
            "slot": lambda: self.claim_slot("s1", worker),
            "beat": lambda: self.heartbeat("s1", worker),
        }
        signs[sign]()

    @rule(ending=st.sampled_from(["done", "back", "away", "silent"]), total=st.integers(2, 4))
    def a_busy_slot_goes_when_its_task_ends(self, ending: str, total: int) -> None:
        self.people_work([("s1", f"w{n}", None, False, "working") for n in (1, 2, 3)])
        self.set_slots(1)
        for number, seat in list(self.naive.seats.items()):
            name, worker = self.naive.task_in(number), seat.worker or ""
            if number == 1 or name is None:
                continue
            if ending == "done":
                self.report(name, "done", worker, None, None)
            elif ending == "back":
                self.release(name, worker, None, None)
            elif ending == "away":
                self.cancel(name)
        if ending == "silent":
            self.time_passes(LEASE_MS)
        self.set_slots(total)

    @rule(session=SESSIONS, other=SESSIONS, worker=WORKERS)
    def a_nameless_slot_that_is_bound_is_used(self, session: str, other: str, worker: str) -> None:
        self.open()
        before = set(self.naive.seats)
        self.claim_slot(session, None, bind=True)
        for slot in set(self.naive.seats) - before:
            self.claim_next(other, worker, slot)

    @rule(session=SESSIONS, worker=WORKERS)
    def a_session_is_gone_comes_back_silently_and_is_gone_again(
        self, session: str, worker: str
    ) -> None:
        self.claim_slot(session, worker, bind=True)
        for _ in range(2):
            self.a_session_is_gone(session)
            self.time_passes(1)

    @rule(index=PICK, by_edit=st.booleans())
    def somebody_wants_what_another_one_holds(self, index: int, by_edit: bool) -> None:
        for number in (1, 2):
            self.claim_slot(f"s{number}", f"w{number}")
            self.claim_next(f"s{number}", f"w{number}")
        holders = [name for name, item in self.naive.tasks.items() if item.holds()]
        name = self.pick(index, "working")
        others = [other for other in holders if other != name]
        if name is None or not others:
            return
        wanted = self.naive.tasks[others[index % len(others)]].holds()
        if by_edit:
            self.edit(name, {"resources": wanted})
        else:
            self.reserve(name, self.naive.tasks[name].worker or "w1", None, wanted)

    @rule(ends=st.permutations(["src/", "db"]))
    def two_hold_what_a_third_one_wants(self, ends: list[str]) -> None:
        """It can begin when the second of them is done, and not before."""
        self.open()
        free = [name for name in NAMES if name not in self.naive.tasks][:3]
        if len(free) < 3:
            return
        for name, resources in zip(free, (["src/"], ["db"], ["src/a", "db"]), strict=True):
            self.add([(name, {"resources": resources})])
        holder: dict[str, str] = {"src/": free[0], "db": free[1]}
        for number, name in enumerate(free[:2], 1):
            self.begin_again(name, f"w{number}", None)
        for resource in ends:
            name = holder[resource]
            if self.naive.tasks[name].status == "working":
                self.report(name, "done", self.naive.tasks[name].worker or "", None, None)
