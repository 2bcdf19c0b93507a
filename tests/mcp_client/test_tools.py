"""The list of tools: complete, in the agreed order, described briefly, annotated truly."""

import json

from mcp_client.tools import DESCRIPTION_LENGTH_MAX, TOOL_METHODS, list_tools
from protocol.methods import METHODS

SEEN_BY_MODELS_MAX = 26_000
"""Characters of descriptions and input schemas; what models see of output schemas is little."""

ORIGINAL_TEN = [
    "claim_worker_slot",
    "release_worker_slot",
    "get_workers",
    "add_task",
    "get_available_tasks",
    "get_all_tasks",
    "claim_task",
    "update_task",
    "reset_failed_task",
    "clean_all_tasks",
]


def test_the_original_ten_come_first_in_their_order() -> None:
    assert [tool.name for tool in list_tools()][:10] == ORIGINAL_TEN


def test_every_method_meant_for_agents_is_a_tool_and_no_other_is() -> None:
    names = [tool.name for tool in list_tools()]
    assert sorted(names) == sorted(name for name, method in METHODS.items() if method.tool)
    assert list(TOOL_METHODS) == names
    assert "subscribe" not in names


def test_every_description_is_the_summary_and_brief_advice() -> None:
    for tool in list_tools():
        assert tool.description is not None
        assert tool.description.startswith(METHODS[tool.name].summary)
        assert len(METHODS[tool.name].summary) + 10 < len(tool.description)
        assert len(tool.description) <= DESCRIPTION_LENGTH_MAX
        assert tool.title
        assert tool.output_schema is not None


def test_the_whole_list_stays_affordable() -> None:
    listed = [tool.model_dump(by_alias=True, exclude_none=True) for tool in list_tools()]
    described = [(tool["description"], tool["inputSchema"]) for tool in listed]
    assert len(json.dumps(described)) < SEEN_BY_MODELS_MAX


def test_annotations_say_what_the_table_says() -> None:
    for tool in list_tools():
        method, hints = METHODS[tool.name], tool.annotations
        assert hints is not None
        assert hints.read_only_hint is not method.mutates
        assert hints.destructive_hint is method.destructive
        assert hints.idempotent_hint is method.idempotent
        assert hints.open_world_hint is False


def test_reading_is_read_only_and_cleaning_is_destructive() -> None:
    hints = {tool.name: tool.annotations for tool in list_tools()}
    reading, cleaning = hints["get_available_tasks"], hints["clean_all_tasks"]
    assert reading is not None
    assert reading.read_only_hint
    assert not reading.destructive_hint
    assert cleaning is not None
    assert cleaning.destructive_hint
    assert not cleaning.read_only_hint
