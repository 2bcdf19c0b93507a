"""How the coordinator decides: one pure function per mutation.

Each takes the project's state (read only), the params and the context, and either raises a typed
refusal or returns a `Decision`: the reply, the changes and the events. `TRANSITIONS` is the list
of them all; a test holds it against the table of methods.
"""

from collections.abc import Callable, Mapping
from typing import Any

from actor.state import ProjectState
from actor.transitions.draft import Context, Decision
from actor.transitions.slots import claim_worker_slot, recover, release_worker_slot
from actor.transitions.tasks import (
    add_task,
    add_tasks,
    cancel_task,
    clean_all_tasks,
    delete_task,
    edit_task,
    reset_failed_task,
)
from actor.transitions.work import claim_task, update_task

__all__ = ["TRANSITIONS", "Context", "Decision", "Transition", "recover"]

Transition = Callable[[ProjectState, Any, Context], Decision]
"""The params are of the type that the table of methods names; dispatch has seen to that."""

TRANSITIONS: Mapping[str, Transition] = {
    transition.__name__: transition
    for transition in (
        add_task,
        add_tasks,
        cancel_task,
        claim_task,
        claim_worker_slot,
        clean_all_tasks,
        delete_task,
        edit_task,
        release_worker_slot,
        reset_failed_task,
        update_task,
    )
}
