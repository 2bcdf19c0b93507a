"""What an agent reads when a call is refused: the reason, the sentence, what to do next.

Owns the advice per reason, in terms of tools. Must not know where a refusal came from.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from protocol.errors import CoordinatorError

__all__ = ["FIXES", "refusal_text"]

FIXES: Final[Mapping[str, str]] = {
    "invalid_params": "Correct the named field and call again; the tool's schema has the bounds.",
    "task_not_found": "Look up the id with get_all_tasks or list_tasks; ids are case-sensitive.",
    "task_exists": "Choose another id, or change the existing task with edit_task.",
    "task_not_available": (
        "Claim another one from get_available_tasks; explain_task says what this one waits for."
    ),
    "unknown_dependency": (
        "Add the missing tasks first, or enter all of them together with add_tasks."
    ),
    "dependency_cycle": "Remove one of the dependencies in the cycle and call again.",
    "not_holder": "Do not work on it further; claim a task from get_available_tasks.",
    "stale_claim": "Stop working on it: the task was reset, cancelled or claimed again since.",
    "invalid_status": "Read the task with get_task; the call does not fit the status it has now.",
    "has_dependents": "Delete or edit its dependents first, or use cancel_task.",
    "version_conflict": "Read the task again with get_task, then repeat the edit on top of it.",
    "no_free_slot": "get_workers shows who holds the slots; try again when one was released.",
    "slot_not_found": "get_workers lists the slots that there are.",
    "slot_not_claimed": "Call claim_worker_slot(workerId) first and use the slot it returns.",
    "slot_not_yours": "Use the slot that claim_worker_slot(workerId) returns for your workerId.",
    "slot_busy": "Report on the task in the slot with update_task before you claim another one.",
    "worker_has_slot": "Use the slot that you already hold, or release it first.",
    "storage_unavailable": "Nothing was changed. Wait a few seconds and repeat the same call.",
    "idempotency_conflict": "Leave out idempotencyKey; it is chosen for you.",
    "forbidden": "Ask the person who runs the coordinator for a token that allows it.",
    "shutting_down": "Nothing was changed. Wait a few seconds and repeat the same call.",
    "limit_exceeded": "Send less at once: fewer tasks per call, shorter texts.",
    "cursor_invalid": "Start again without a cursor, and keep the filter the same on every page.",
    "internal_error": "This is a defect of the server; its log has the details. Tell the person.",
    "connection_lost": (
        "Ask the person to start it with `task-coordinator serve`, or to check TASK_COORDINATOR_URL"
        " and TASK_COORDINATOR_TOKEN of this MCP server; then repeat the same call."
    ),
}
"""The next step per reason. Every error that a tool can answer with has one."""


def refusal_text(error: CoordinatorError) -> str:
    """The refusal as text: `reason: message`, the next step, and the data to act on as JSON."""
    lines = [f"{error.reason}: {error.message}"]
    fix = FIXES.get(error.reason)
    if fix is not None:
        lines.append(f"What to do: {fix}")
    if error.data:
        lines.append(msgspec.json.encode(error.data).decode())
    return "\n".join(lines)
