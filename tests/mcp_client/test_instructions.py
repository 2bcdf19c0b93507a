"""The instructions: short, and about tools that exist."""

import re

from mcp_client.instructions import INSTRUCTIONS, INSTRUCTIONS_BYTES_MAX
from mcp_client.tools import TOOL_METHODS
from protocol.errors import ERRORS


def test_the_instructions_stay_below_two_kilobytes() -> None:
    assert INSTRUCTIONS_BYTES_MAX == 2_048
    assert len(INSTRUCTIONS.encode()) < INSTRUCTIONS_BYTES_MAX


def test_every_call_in_the_instructions_fits_its_tool() -> None:
    calls = re.findall(r"([a-z]+(?:_[a-z]+)+)\(([^)]*)\)", INSTRUCTIONS)
    assert len(calls) >= 6
    for name, params in calls:
        given = [param.partition("=")[0] for param in re.split(r",\s*", params) if param]
        assert set(given) <= set(TOOL_METHODS[name].positional), name


def test_every_other_word_with_an_underscore_is_a_tool_or_a_reason() -> None:
    words = set(re.findall(r"[a-z]+(?:_[a-z]+)+", INSTRUCTIONS))
    assert words <= TOOL_METHODS.keys() | ERRORS.keys()


def test_the_whole_work_loop_is_taught_in_order() -> None:
    loop = [
        "claim_worker_slot",
        "claim_next_task",
        "explain_task",
        "claim_task",
        "reserve_resources",
        "report_progress",
        "update_task",
        "release_task",
        "stale_claim",
        "release_worker_slot",
        "add_tasks",
    ]
    places = [INSTRUCTIONS.index(word) for word in loop]
    assert places == sorted(places)
