"""What the words of the contract mean: every status and every type of event, in one sentence.

Owns the sentences only; the words themselves stand in `protocol.models`. The reference page, and
whoever explains a word to a person, takes them from here.
"""

from collections.abc import Mapping
from typing import Final

from protocol.models import EventType, Status

__all__ = ["EVENT_MEANINGS", "STATUS_MEANINGS"]

STATUS_MEANINGS: Final[Mapping[Status, str]] = {
    "blocked": "A dependency is not `done`; `blockedBy` names it.",
    "scheduled": "`notBefore`, or the delay before a retry, is still ahead.",
    "available": "May be claimed, as soon as its resources are free.",
    "working": "Held by one worker under a lease.",
    "done": "Finished.",
    "failed": "Reported failed, or ran out of attempts.",
    "cancelled": "Called off.",
}

EVENT_MEANINGS: Final[Mapping[EventType, str]] = {
    "task_added": "A task was added. `data.imported` or `data.template` say where it came from.",
    "task_edited": "What a task says was changed; `data.fields` names the fields.",
    "task_unblocked": "Its last dependency was done; `status` is what it is now.",
    "task_blocked": "A dependency was reset, so it waits again.",
    "task_ready": "Its moment arrived: from `scheduled` to `available`.",
    "task_claimed": "A worker took it. `data.waitedSeconds`: how long it had been available.",
    "task_progress": "Its worker said how far it is: `data.progress`, `data.note`.",
    "task_noted": "Somebody left `data.note` on it.",
    "resources_reserved": "Its worker reserved `data.resources` on top.",
    "task_done": "Its worker finished it: `data.output`, `data.workedSeconds`.",
    "task_failed": (
        "It failed for good: `data.error`; `data.cause` where no worker said so; "
        "`data.workedSeconds`."
    ),
    "task_retrying": "An attempt failed and another one follows at `data.retryAt`.",
    "task_lapsed": (
        "Its worker gave no sign of life, or took too long: `data.cause` is `lease`, "
        "`timeout` or `disconnected`."
    ),
    "task_released": "It was handed back: `data.cause`, and `data.note` for whoever takes over.",
    "task_overdue": "Its `deadline` passed before it was finished. Comes once per deadline.",
    "task_reset": "It was put back into the queue; `data.previousStatus`.",
    "task_cancelled": "It was called off.",
    "task_deleted": "It was removed by hand.",
    "tasks_cleaned": "All tasks were removed: `data.removed`, `data.backup`.",
    "tasks_pruned": (
        "Old finished tasks, or old events, were removed: `data.removed`, `data.tasks` (their "
        "ids), `data.events`; `data.archive` is the file that they went to."
    ),
    "slot_claimed": "A worker took a slot; `data.resumed` where it came back to its own.",
    "slot_named": "The first claim on a nameless slot gave it its worker.",
    "slot_disconnected": "The connection that a slot is bound to broke; its grace period runs.",
    "slot_released": "A slot was given back: `data.cause`.",
    "slot_lapsed": "A slot's worker gave no sign of life: `data.cause`.",
    "slots_changed": "The number of slots was changed: `data.slots`, `data.previous`.",
    "claims_paused": "Nobody may claim for now: `data.reason`.",
    "claims_resumed": "Workers may claim again.",
    "template_saved": "A template was saved: `data.name`.",
    "template_deleted": "A template was removed: `data.name`.",
}
