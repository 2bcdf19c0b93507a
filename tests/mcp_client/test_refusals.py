"""Refusals as text: the reason first, then why, then what to do."""

import json
import re

from mcp_client.refusals import FIXES, refusal_text
from mcp_client.tools import TOOL_METHODS
from protocol.errors import ConnectionLost, CoordinatorError, TaskNotAvailable


def test_a_refusal_names_reason_message_next_step_and_data() -> None:
    error = TaskNotAvailable("Task 'a' is worked on by 'w2'.", status="working", holder="w2")
    first, fix, data = refusal_text(error).split("\n")
    assert first == "task_not_available: Task 'a' is worked on by 'w2'."
    assert fix == f"What to do: {FIXES['task_not_available']}"
    assert json.loads(data) == {"status": "working", "holder": "w2"}


def test_a_refusal_without_data_has_no_empty_object() -> None:
    assert refusal_text(ConnectionLost("gone")).count("\n") == 1


def test_a_reason_that_is_not_known_here_is_passed_on_as_it_is() -> None:
    assert refusal_text(CoordinatorError("Too hot.", degrees=99)) == (
        'server_error: Too hot.\n{"degrees":99}'
    )


def test_every_error_that_a_tool_can_answer_with_has_a_next_step() -> None:
    reasons = {error.reason for method in TOOL_METHODS.values() for error in method.all_errors()}
    assert reasons | {"connection_lost", "limit_exceeded"} <= FIXES.keys()


def test_every_tool_named_in_a_next_step_exists() -> None:
    text = " ".join(FIXES.values())
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text))
    assert named
    assert named <= TOOL_METHODS.keys()
