"""The graph: long chains, circles through edits, root causes."""

import pytest

from actor.graph import check_edges, root_causes
from protocol.errors import DependencyCycle, UnknownDependency
from tests.actor.worlds import Builder


def test_a_chain_of_many_thousand_tasks_is_an_ordinary_plan() -> None:
    builder = Builder()
    builder.add(["t0"])
    for start in range(1, 5_000, 1_000):
        tasks = [
            {"id": f"t{n}", "description": "d", "dependencies": [f"t{n - 1}"]}
            for n in range(start, start + 1_000)
        ]
        builder.do("add_tasks", tasks=tasks)
    with pytest.raises(DependencyCycle) as refused:
        builder.do("edit_task", taskId="t0", dependencies=["t5000"])
    cycle = refused.value.data["cycle"]
    assert (cycle[0], cycle[-1], len(cycle)) == ("t0", "t0", 101)
    assert len(refused.value.message) < 300


def test_a_task_reached_on_two_ways_is_no_circle() -> None:
    builder = Builder()
    edges = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
    check_edges(builder.state, edges)


def test_every_unknown_dependency_is_named() -> None:
    builder = Builder()
    with pytest.raises(UnknownDependency) as refused:
        check_edges(builder.state, {"a": ["x", "y"], "b": ["a", "z"]})
    assert refused.value.data["missing"] == ["x", "y", "z"]


def test_root_causes_name_what_needs_a_person_first() -> None:
    builder = Builder()
    builder.add(["ready", "broken", "off"])
    builder.add(["middle"], dependencies=["broken", "ready"])
    builder.add(["top"], dependencies=["middle", "off"])
    builder.finish("broken", status="failed")
    builder.do("cancel_task", taskId="off")
    causes = root_causes(builder.state, builder.state.tasks["top"])
    assert [(cause.task_id, cause.status) for cause in causes] == [
        ("broken", "failed"),
        ("off", "cancelled"),
        ("ready", "available"),
    ]
