"""The waiting requests of one batch: who begins to wait, who is served, who is left when it fails.

Owns that every request is answered exactly once, however the batch ends and whoever withdraws
meanwhile. Must not know the store, nor how a request is decided.
"""

from collections.abc import Callable, Iterable, Mapping

from actor.attempt import Attempt, Item
from actor.state import ProjectState
from actor.waiting import Wait, Waits
from protocol.errors import LimitExceeded, RequestCancelled
from protocol.limits import WAITS_MAX
from protocol.params import ClaimNextTask
from protocol.service import Call

__all__ = ["Serving", "cancelled"]

ENDED_MAX = 500
"""Requests that have waited long enough, and are answered by one batch."""


class Serving:
    """Made for one batch: `enter`, `serve`, and `left_over` if it came to nothing."""

    def __init__(self, waits: Waits, attempt: Attempt) -> None:
        self._waits = waits
        self._attempt = attempt
        self._entered: dict[int, Call] = {}
        """Calls that began to wait in this batch, by the id of the object."""
        self._served: list[tuple[int, Wait]] = []

    def enter(self) -> None:
        """Put those in line that found nothing. Before anybody is served: what the rest of the
        batch did may be for them."""
        attempt = self._attempt
        for number, call, seconds in attempt.waiting:
            if self._waits.count_of(call.peer) >= WAITS_MAX:
                attempt.outcomes.append((call, _too_many_waits()))
                continue
            tags = call.params.tags if isinstance(call.params, ClaimNextTask) else None
            self._waits.put(number, call, tags, attempt.mono_ms + round(seconds * 1000))
            self._entered[id(call)] = call

    def serve(
        self, projects: Mapping[int, ProjectState], try_again: Callable[[Call], bool]
    ) -> None:
        """Give those who wait what this batch made available; the others hear at their time.

        `try_again` takes a call that has to be decided in a later batch; false if there is no need.
        """

        def decide(project: int, wait: Wait) -> None:
            if not try_again(wait.call):
                self._served.append((project, wait))
                self._attempt.decide(wait.call)

        for number, news in self._attempt.news().items():
            state = projects.get(number)
            if state is not None:
                self._waits.serve(state, news, decide)
        for number, wait in self._waits.take_ended(self._attempt.mono_ms, ENDED_MAX):
            decide(number, wait)

    def left_over(self, items: Iterable[Item], *, put_back: bool) -> list[Item]:
        """Who is to be answered after all that was decided came to nothing.

        Those who began to wait in this batch are answered with it, unless they withdrew meanwhile.
        Those who had waited before wait on if they may be put back and their time is not over.
        """
        served = {id(wait.call) for _, wait in self._served}
        gone = {
            key
            for key, call in self._entered.items()
            if key not in served and not self._waits.withdraw(call)
        }
        left = [item for item in items if id(item) not in gone]
        for project, wait in self._served:
            if id(wait.call) in self._entered:
                continue
            if not put_back or wait.until_ms <= self._attempt.mono_ms:
                left.append(wait.call)
            elif wait.call.withdrawn or wait.call.peer.closed:
                wait.call.reply(cancelled())
            else:
                self._waits.put_back(project, wait)
        return left


def cancelled() -> RequestCancelled:
    """What a request hears that was withdrawn."""
    return RequestCancelled("The request was withdrawn while it waited; nothing was changed.")


def _too_many_waits() -> LimitExceeded:
    return LimitExceeded(
        f"{WAITS_MAX} requests of this connection wait already. Use another connection, or ask "
        "without `waitSeconds`.",
        limit=WAITS_MAX,
    )
