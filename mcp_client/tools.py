"""The tools that an agent sees: one per method of the table that is meant for agents.

Owns their order, titles, descriptions and annotations; everything else is derived from the table.
Must not know how a call is carried out.
"""

from collections.abc import Mapping
from typing import Final

from mcp_types import Tool, ToolAnnotations

from mcp_client.schemas import input_schema, output_schema
from protocol.methods import METHODS, Method

__all__ = ["DESCRIPTION_LENGTH_MAX", "TOOL_METHODS", "list_tools"]

DESCRIPTION_LENGTH_MAX: Final = 400
"""Every description is in the context of every agent all day long."""

TOOL_METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in sorted(METHODS.values(), key=lambda method: not method.original)
    if method.tool
}
"""The methods that are tools, by name; the original ten first, in their order."""

_ADVICE: Final[Mapping[str, str]] = {
    "claim_worker_slot": (
        "Call it first; keep the slot across tasks. It is kept for you as long as you live. "
        "`taskId` in the answer is a task that you still hold: go on with it."
    ),
    "release_worker_slot": "Call it last, when there is nothing left for you to do.",
    "get_workers": "Look here when no slot is free, or to see what the others are doing.",
    "add_task": (
        "Dependencies must exist already; use add_tasks for several. Put all that a worker with "
        "no other context needs into `description`. Without `id` the server makes one."
    ),
    "get_available_tasks": (
        "To look, or to choose one for claim_task. For simply the best one, and to wait for work, "
        "use claim_next_task."
    ),
    "get_all_tasks": "For the next page pass `nextCursor` as `cursor`. get_task gives one in full.",
    "claim_task": (
        "For one certain task; otherwise use claim_next_task. Needs a slot, one task per slot at a "
        "time. On task_not_available take another task: somebody was faster."
    ),
    "update_task": (
        "In `output` say what the next worker needs to know. `unblocked` in the answer names tasks "
        "that can be claimed now. On stale_claim or not_holder stop: the task is no longer yours."
    ),
    "reset_failed_task": (
        "Takes the task away from whoever works on it when `force` is set: ask a person first."
    ),
    "clean_all_tasks": (
        "Only when a person asked for it. The first call only tells what would go, and a token "
        "for `confirm`."
    ),
    "add_tasks": (
        "The way to enter a plan: tasks may depend on each other in any order. Small tasks with "
        "true dependencies let more workers work side by side."
    ),
    "get_task": "With the description, the expected output and what its worker reported.",
    "explain_task": "Use it before you wait for a task, or when nothing seems to move.",
    "list_tasks": "For the next page pass `nextCursor` as `cursor`, with the same filter.",
    "edit_task": (
        "Only the fields you pass change; null clears `expectedOutput` or `metadata`. Pass the "
        "`version` that you read, so that nobody else's change is overwritten."
    ),
    "cancel_task": "Its worker, if any, loses the claim and is told to stop.",
    "delete_task": "Prefer cancel_task where the history matters.",
    "add_note": "Works on any task, also on one that another worker holds.",
    "claim_next_task": (
        "The way to get work: pass `waitSeconds` 45 and call it again when it comes back empty; "
        "waiting costs nothing. Tasks whose `resources` others hold are skipped. `remaining` 0: "
        "all is done."
    ),
    "report_progress": "On long work, every now and then: it shows the others that you live.",
    "release_task": (
        "When you cannot go on but somebody else could. For what can never work, report `failed` "
        "with update_task instead."
    ),
    "reserve_resources": (
        "Before you touch a file or folder that the task does not name. On resource_conflict "
        "leave it alone: work on the rest, or release_task with a note."
    ),
    "get_task_history": (
        "What earlier attempts came to. For the next page pass `nextSince` as `since`."
    ),
    "save_template": "For plans that come again. One of the same name is replaced.",
    "list_templates": "Look here before you plan: there may be a plan for this already.",
    "instantiate_template": "`dryRun` shows what would be added.",
    "get_stats": "How fast work goes, and where it fails, over the last hour or longer.",
    "get_events": "For the next page pass `nextSince` as `since`.",
    "get_snapshot": "The quickest overview: how much is done, who works, what comes next.",
    "get_server_info": "Also shows which project this connection works on.",
}
"""What a worker should know beyond the summary in the table."""


def list_tools() -> list[Tool]:
    """Every tool, in the order in which agents should read them."""
    return [_tool(method) for method in TOOL_METHODS.values()]


def _tool(method: Method) -> Tool:
    return Tool(
        name=method.name,
        title=method.name.replace("_", " ").capitalize(),
        description=f"{method.summary} {_ADVICE[method.name]}",
        input_schema=input_schema(method),
        output_schema=output_schema(method),
        annotations=ToolAnnotations(
            read_only_hint=not method.mutates,
            destructive_hint=method.destructive,
            idempotent_hint=method.idempotent,
            open_world_hint=False,
        ),
    )
