"""How the coordinator decides: one pure function per mutation.

Each takes the project's state (read only), the params and the context, and either raises a typed
refusal or returns a `Decision`: the reply, the changes and the events. `TRANSITIONS` is the list
of them all; a test holds it against the table of methods. What happens without a request is in
`due` and `leases`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from actor.state import ProjectState
from actor.transitions.adding import add_task, add_tasks, import_tasks
from actor.transitions.bulk import cancel_tasks, edit_tasks, reset_tasks
from actor.transitions.claims import claim_next_task, claim_task
from actor.transitions.draft import Context, Decision, Waiting
from actor.transitions.due import carry_out_due
from actor.transitions.leases import disconnect, heartbeat, resume
from actor.transitions.operations import pause_claims, resume_claims, set_worker_slots
from actor.transitions.reports import (
    add_note,
    release_task,
    report_progress,
    reserve_resources,
    update_task,
)
from actor.transitions.slots import claim_worker_slot, release_worker_slot
from actor.transitions.tasks import (
    cancel_task,
    clean_all_tasks,
    delete_task,
    edit_task,
    reset_failed_task,
)
from actor.transitions.templates import delete_template, instantiate_template, save_template

__all__ = [
    "TRANSITIONS",
    "Context",
    "Decision",
    "Transition",
    "Waiting",
    "carry_out_due",
    "disconnect",
    "resume",
]

Transition = Callable[[ProjectState, Any, Context], Decision]
"""The params are of the type that the table of methods names; dispatch has seen to that."""

TRANSITIONS: Mapping[str, Transition] = {
    transition.__name__: transition
    for transition in (
        add_note,
        add_task,
        add_tasks,
        cancel_task,
        cancel_tasks,
        claim_next_task,
        claim_task,
        claim_worker_slot,
        clean_all_tasks,
        delete_task,
        delete_template,
        edit_task,
        edit_tasks,
        heartbeat,
        import_tasks,
        instantiate_template,
        pause_claims,
        release_task,
        release_worker_slot,
        report_progress,
        reserve_resources,
        reset_failed_task,
        reset_tasks,
        resume_claims,
        save_template,
        set_worker_slots,
        update_task,
    )
}
