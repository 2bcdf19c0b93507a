"""What an agent reads when a call is refused: the reason, the sentence, what to do next.

Owns what an agent in particular should do. The sentence itself already says what is wrong and how
to mend it, for callers of every kind. Must not know where a refusal came from.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from protocol.errors import CoordinatorError

__all__ = ["NEXT_STEPS", "refusal_text"]

NEXT_STEPS: Final[Mapping[str, str]] = {
    "task_not_available": "explain_task says what a blocked task waits for and why.",
    "invalid_status": "get_task shows what became of the task.",
    "not_holder": "get_task shows what became of the task; leave it to whoever holds it now.",
    "no_free_slot": "Call claim_worker_slot with waitSeconds 45; get_workers shows who holds them.",
    "slot_busy": "Finish that task with update_task, or hand it back with release_task.",
    "stale_claim": "Stop working on it; claim_next_task gives you another task.",
    "resource_conflict": (
        "Leave what others hold alone: claim_next_task finds a task that is free of it; in the "
        "middle of one, work on the rest or hand it back with release_task."
    ),
    "claims_paused": "A person paused the work: tell yours, and try again later.",
    "template_not_found": "list_templates shows what there is.",
    "history_pruned": "get_events from a later `since`.",
    "request_cancelled": "Repeat the call if you still want it.",
    "storage_unavailable": "Nothing was changed. Wait a few seconds and repeat the same call.",
    "idempotency_conflict": "Leave out idempotencyKey: this MCP server chooses one for you.",
    "limit_exceeded": "Use fewer tasks per call, shorter texts, or a smaller limit.",
    "forbidden": "Ask the person who runs the coordinator for a token that allows it.",
    "internal_error": "Tell the person: this is a defect of the server.",
    "connection_lost": (
        "Tell the person; TASK_COORDINATOR_URL and TASK_COORDINATOR_TOKEN in the configuration of "
        "this MCP server say where the coordinator is. Then repeat the same call."
    ),
}
"""The next step of an agent, for the reasons whose sentence leaves it open."""


def refusal_text(error: CoordinatorError) -> str:
    """The refusal as text: `reason: message`, the next step, and the data to act on as JSON."""
    lines = [f"{error.reason}: {error.message}"]
    step = NEXT_STEPS.get(error.reason)
    if step is not None:
        lines.append(f"What to do: {step}")
    if error.data:
        lines.append(msgspec.json.encode(error.data).decode())
    return "\n".join(lines)
