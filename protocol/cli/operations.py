"""`task-coordinator slots`, `pause` and `resume`: how many may work, and whether anybody may begin.

Owns the three commands. Who may call them is the server's to judge.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from protocol.cli.options import Target, ask, client_command
from protocol.cli.screen import Screen, show
from protocol.cli.text import one_line
from protocol.cli.views import understood
from protocol.limits import SLOTS_MAX
from protocol.results import ClaimsPaused, SlotsSet

__all__ = ["pause", "resume", "slots"]

SLOTS_EXAMPLES = """\
  task-coordinator slots 8
  task-coordinator slots 2 --project website"""

PAUSE_EXAMPLES = """\
  task-coordinator pause
  task-coordinator pause "The database moves; back at ten"
  task-coordinator resume"""

RESUME_EXAMPLES = """\
  task-coordinator resume"""


@client_command("Change how many worker slots there are.", examples=SLOTS_EXAMPLES)
@click.argument("number", type=click.IntRange(1, SLOTS_MAX), metavar="N")
def slots(target: Target, as_json: bool, number: int) -> None:
    """Give the project N worker slots, while it runs.

    Slots beyond N that work on a task go when it ends.

    With --json: the result of set_worker_slots.
    """
    _changed(target, as_json, "set_worker_slots", {"slots": number}, _slots_told)


@client_command("Let nobody claim a task until 'resume'.", examples=PAUSE_EXAMPLES)
@click.argument("reason", nargs=-1)
def pause(target: Target, as_json: bool, reason: Sequence[str]) -> None:
    """Let nobody claim a task until 'resume'; work that is under way goes on.

    REASON is told to whoever asks for work.

    With --json: the result of pause_claims.
    """
    params = {"reason": " ".join(reason)} if reason else {}
    _changed(target, as_json, "pause_claims", params, _pause_told)


@client_command("Let workers claim again.", examples=RESUME_EXAMPLES)
def resume(target: Target, as_json: bool) -> None:
    """Let workers claim again after a 'pause'.

    With --json: the result of resume_claims.
    """
    _changed(target, as_json, "resume_claims", {}, _pause_told)


def _changed(
    target: Target,
    as_json: bool,
    method: str,
    params: dict[str, Any],
    told: Callable[[Any], str],
) -> None:
    """Call the method and tell its result."""
    result = ask(target, lambda client: client.call(method, params))
    screen = Screen.of(sys.stdout, os.environ)
    show(screen.document(result) if as_json else f"{told(result)}\n")


def _slots_told(result: Any) -> str:
    now = understood(SlotsSet, result)
    told = f"{now.slots} worker {'slot' if now.slots == 1 else 'slots'}"
    if not now.draining:
        return told
    numbers = ", ".join(map(str, now.draining))
    many = len(now.draining) > 1
    named = f"slots {numbers} go" if many else f"slot {numbers} goes"
    return f"{told}; {named} when {'their tasks end' if many else 'its task ends'}"


def _pause_told(result: Any) -> str:
    now = understood(ClaimsPaused, result)
    if not now.paused:
        return "workers may claim"
    reason = f": {one_line(now.reason)}" if now.reason else ""
    return f"nobody may claim{reason} ('task-coordinator resume' ends it)"
