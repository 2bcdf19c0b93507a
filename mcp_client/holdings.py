"""What this process holds at the coordinator, and what its agents must hear about that.

Owns the book of slots and claims, kept from answers alone, and the notices that wait for the next
answer to an agent. Pure. Must not know connections, clocks or MCP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from protocol.results import HeartbeatReply, HeldSlot

__all__ = ["Claim", "Holdings", "SlotHeld"]

CLAIMS_MAX: Final = 1_000
"""Claims that are remembered for their tokens; the oldest are forgotten first."""

_ENDING: Final = frozenset({"update_task", "release_task"})

_PAUSED: Final = "Claims are paused: finish the task that you hold; nobody gets a new one for now."
_RESUMED: Final = "Claims are no longer paused."
_DRAINING: Final = (
    "There are to be fewer workers: finish your task, report it, and call release_worker_slot."
)


@dataclass(frozen=True, slots=True)
class SlotHeld:
    """A slot that this process claimed.

    `caller` is who asked for it, by its own id; `named` says that it chose the `worker_id` itself.
    """

    worker_id: str
    caller: str
    named: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim whose answer an agent has seen. `held`: it has not ended, as far as is known."""

    worker_id: str
    token: str | None
    held: bool = True


class Holdings:
    """The book. Each agent is a `caller`; most processes have one."""

    def __init__(self) -> None:
        self.slots: dict[int, SlotHeld] = {}
        self.claims: dict[str, Claim] = {}
        self._workers: set[str] = set()
        self._notices: list[tuple[str | None, str]] = []
        self._cancelled: frozenset[str] = frozenset()
        self._paused = False
        self._draining = False

    def worker_of(self, caller: str) -> str:
        """Whom a caller means that names no worker: the one whose slot it holds, or itself."""
        workers = {slot.worker_id for slot in self.slots.values() if slot.caller == caller}
        return workers.pop() if len(workers) == 1 else caller

    def slot_of(self, worker_id: str) -> int | None:
        """The slot that a worker holds through this process."""
        held = (number for number, slot in self.slots.items() if slot.worker_id == worker_id)
        return next(held, None)

    def is_working(self, worker_id: str) -> bool:
        """Whether an agent knows of a task that this worker holds."""
        return any(claim.held and claim.worker_id == worker_id for claim in self.claims.values())

    # --- answers to calls ---------------------------------------------------------------------

    def heard(
        self, name: str, params: Mapping[str, Any], result: Mapping[str, Any], caller: str
    ) -> None:
        """Learn from the answer to a call; the agent is about to see it."""
        match name:
            case "claim_worker_slot":
                self._slot_claimed(result, caller)
            case "release_worker_slot":
                self._slot_gone(result["slot"])
            case "claim_task" | "claim_next_task" if result.get("task") is not None:
                self._claimed(result["task"]["id"], params["workerId"], result.get("claimToken"))
            case _ if name in _ENDING and params.get("status") != "working":
                self._ended(params["taskId"])
            case _:
                pass

    def _slot_claimed(self, result: Mapping[str, Any], caller: str) -> None:
        worker_id: str = result.get("workerId") or caller
        number: int = result["slot"]
        self.slots[number] = SlotHeld(worker_id, caller, named=worker_id != caller)
        self._workers.add(worker_id)
        if result.get("taskId") is not None:
            self._claimed(result["taskId"], worker_id, result.get("claimToken"))

    def _slot_gone(self, number: int) -> None:
        slot = self.slots.pop(number, None)
        if slot is not None:
            for task_id, claim in self.claims.items():
                if claim.worker_id == slot.worker_id:
                    self.claims[task_id] = replace(claim, held=False)

    def _claimed(self, task_id: str, worker_id: str, token: str | None) -> None:
        self.claims.pop(task_id, None)
        self.claims[task_id] = Claim(worker_id, token)
        self._cancelled -= {task_id}
        if len(self.claims) > CLAIMS_MAX:
            del self.claims[next(iter(self.claims))]

    def _ended(self, task_id: str) -> None:
        claim = self.claims.get(task_id)
        if claim is not None:
            self.claims[task_id] = replace(claim, held=False)

    # --- answers to heartbeats ----------------------------------------------------------------

    def ordered(self, reply: HeartbeatReply) -> None:
        """Note the orders of a heartbeat's answer; each is told once."""
        cancelled = frozenset(reply.cancelled)
        for task_id in sorted(cancelled - self._cancelled):
            self._taken_back(task_id)
        self._cancelled = cancelled
        if reply.paused != self._paused:
            self._notices.append((None, _PAUSED if reply.paused else _RESUMED))
        if reply.draining and not self._draining:
            self._notices.append((None, _DRAINING))
        self._paused, self._draining = reply.paused, reply.draining

    def renewed(self, held: Iterable[HeldSlot]) -> None:
        """Compare the book with all that the coordinator says is held, and believe it."""
        now = {slot.slot: slot for slot in held}
        for number, slot in list(self.slots.items()):
            if number not in now or now[number].worker_id != slot.worker_id:
                self._slot_gone(number)
                self._notices.append((slot.worker_id, _lost(number, slot.worker_id)))
        for number, found in now.items():
            if number not in self.slots and found.worker_id is not None:
                self.slots[number] = SlotHeld(found.worker_id, found.worker_id, named=True)
        working = {slot.task_id for slot in now.values()}
        for task_id, claim in list(self.claims.items()):
            if claim.held and task_id not in working:
                self._taken_back(task_id)

    def _taken_back(self, task_id: str) -> None:
        claim = self.claims.get(task_id)
        text = f"Task `{task_id}` was cancelled or taken back: stop working on it."
        self._notices.append((claim.worker_id if claim else None, text))
        self._ended(task_id)

    # --- what agents must hear ----------------------------------------------------------------

    def take_notices(self, worker_id: str) -> tuple[str, ...]:
        """What this worker has not been told yet. Where there is only one, it hears everything."""
        alone = len(self._workers) <= 1
        mine = [(who, text) for who, text in self._notices if alone or who in (None, worker_id)]
        self._notices = [notice for notice in self._notices if notice not in mine]
        return tuple(text for _, text in mine)


def _lost(number: int, worker_id: str) -> str:
    return (
        f"Slot {number} of `{worker_id}` was given back meanwhile, and its task with it: nothing "
        "was heard of this process for too long, or a person took it. If the task is finished, "
        "report it all the same; otherwise stop. For more work call claim_worker_slot again."
    )
