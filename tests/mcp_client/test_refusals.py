"""Refusals as text: the reason first, then why, then what to do."""

import json
import re

from mcp_client.refusals import NEXT_STEPS, refusal_text
from mcp_client.tools import TOOL_METHODS
from protocol.errors import ERRORS, ConnectionLost, CoordinatorError, TaskNotAvailable


def test_a_refusal_names_reason_message_next_step_and_data() -> None:
    error = TaskNotAvailable("Task `a` is held by `w2`.", status="working", holder="w2")
    first, step, data = refusal_text(error).split("\n")
    assert first == "task_not_available: Task `a` is held by `w2`."
    assert step == f"What to do: {NEXT_STEPS['task_not_available']}"
    assert json.loads(data) == {"status": "working", "holder": "w2"}


def test_a_refusal_without_data_has_no_empty_object() -> None:
    assert refusal_text(ConnectionLost("gone")).count("\n") == 1


def test_a_reason_that_is_not_known_here_is_passed_on_as_it_is() -> None:
    assert refusal_text(CoordinatorError("Too hot.", degrees=99)) == (
        'server_error: Too hot.\n{"degrees":99}'
    )


def test_every_next_step_belongs_to_a_reason_and_names_tools_that_exist() -> None:
    assert NEXT_STEPS.keys() <= ERRORS.keys() | {ConnectionLost.reason}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", " ".join(NEXT_STEPS.values())))
    assert named
    assert named <= TOOL_METHODS.keys()
