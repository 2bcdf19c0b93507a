"""Params: what is wrong is said about the field that it is wrong with."""

from typing import Any

import msgspec
import pytest

from protocol.dispatch import decode_params
from protocol.errors import InvalidParams
from protocol.limits import METADATA_BYTES_MAX, METADATA_DEPTH_MAX
from protocol.methods import METHODS
from protocol.params import AddTask


def decode(method: str, params: Any) -> Any:
    return decode_params(METHODS[method], msgspec.Raw(msgspec.json.encode(params)))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("add_task", {}, "description"),
        ("add_task", {"description": 7}, "description"),
        ("add_task", {"description": ""}, "description"),
        ("add_task", {"description": "a\0b"}, "description"),
        ("add_task", {"description": "x", "colour": "red"}, "colour"),
        ("add_task", {"description": "x", "id": "a\u202eb"}, "id"),
        ("add_task", {"description": "x", "id": "x" * 201}, "id"),
        ("add_task", {"description": "x", "priority": "high"}, "priority"),
        ("add_task", {"description": "x", "tags": [""]}, "tags[0]"),
        ("add_task", {"description": "x", "metadata": {"a": "\0"}}, "metadata"),
        (
            "add_task",
            {"description": "x", "metadata": {"a": nested(METADATA_DEPTH_MAX)}},
            "metadata",
        ),
        ("add_task", {"description": "x", "metadata": {"a": "x" * METADATA_BYTES_MAX}}, "metadata"),
        ("add_tasks", {"tasks": [{"description": "x"}, {"id": "b"}]}, "tasks[1].description"),
        (
            "add_tasks",
            {"tasks": [{"description": "x"}, {"description": "y", "metadata": {"a": "\0"}}]},
            "tasks[1].metadata",
        ),
        ("update_task", {"taskId": "a", "status": "finished", "workerId": "w"}, "status"),
        ("claim_task", {"taskId": "a", "workerId": "w", "workerSlot": 0}, "workerSlot"),
        ("claim_task", ["a"], "workerId"),
    ],
)
def test_the_field_is_named(method: str, params: Any, field: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        decode(method, params)
    assert refused.value.data["field"] == field
    assert f"`{method}`" in refused.value.message
    assert field in refused.value.message


def test_what_just_fits_is_taken() -> None:
    deep = {"a": nested(METADATA_DEPTH_MAX - 1)}
    assert decode("add_task", {"description": "x", "metadata": deep}).metadata == deep
    backslash = {"a": "\\u0000"}
    assert decode("add_task", {"description": "x", "metadata": backslash}).metadata == backslash


def test_params_by_position_follow_the_order_of_the_originals() -> None:
    task = decode("add_task", ["id", "text", ["dep"], "expected"])
    assert task == AddTask(id="id", description="text", dependencies=["dep"], output="expected")
    assert decode("add_task", [None, "text"]).id is None
    with pytest.raises(InvalidParams, match="takes at most 0 params"):
        decode("get_workers", [1])
