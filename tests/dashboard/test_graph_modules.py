"""The graph: where nodes stand, who is related to whom, and the graph as a text."""

import random
import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.node import run

LAID_OUT = (
    "(({ places, routes, width, height }) => "
    "({ places: Object.fromEntries(places), routes, width, height }))(m.layOut(v.nodes))"
)
NODE = {"width": 190, "height": 46}


def graph(edges: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{"id": name, "dependencies": needs} for name, needs in edges.items()]


def lay_out(edges: dict[str, list[str]]) -> Any:
    return run("graph_layout.js", LAID_OUT, nodes=graph(edges))


def check(laid: Any, edges: dict[str, list[str]]) -> None:
    """Every node once, nothing over anything else, every edge from left to right."""
    places = laid["places"]
    assert set(places) == set(edges)
    by_column: dict[float, list[float]] = {}
    for place in places.values():
        by_column.setdefault(place["x"], []).append(place["y"])
        assert 0 <= place["x"] <= laid["width"] - NODE["width"]
        assert -0.01 <= place["y"] <= laid["height"] - NODE["height"] + 0.01
    for heights in by_column.values():
        for one, other in pairwise(sorted(heights)):
            assert other - one >= NODE["height"]
    routes = {(route["from"], route["to"]): route["points"] for route in laid["routes"]}
    assert set(routes) == {(need, name) for name, needs in edges.items() for need in needs}
    for (need, name), points in routes.items():
        assert places[need]["x"] < places[name]["x"]
        assert points[0][0] == places[need]["x"] + NODE["width"]
        assert points[-1][0] == places[name]["x"]
        assert [x for x, _ in points] == sorted(x for x, _ in points)


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_any_plan_is_laid_out_from_left_to_right_without_overlaps(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 25))
    edges: dict[str, list[str]] = {}
    for number in range(count):
        before = [f"t{other}" for other in range(number)]
        few = st.lists(st.sampled_from(before), max_size=3, unique=True) if before else st.just([])
        edges[f"t{number}"] = data.draw(few)
    check(lay_out(edges), edges)


def test_a_chain_is_a_straight_line_and_parts_do_not_mix() -> None:
    edges = {"a": [], "b": ["a"], "c": ["b"], "x": [], "y": ["x"], "alone": []}
    laid = lay_out(edges)
    check(laid, edges)
    heights = [laid["places"][name]["y"] for name in "abc"]
    assert max(heights) - min(heights) < 0.01
    assert laid["places"]["x"]["y"] > heights[0]
    assert laid["places"]["alone"]["y"] > laid["places"]["x"]["y"]


def test_many_that_stand_alone_are_a_grid_and_no_endless_column() -> None:
    laid = lay_out({f"t{number}": [] for number in range(900)})
    assert laid["height"] < 3 * laid["width"]
    assert laid["width"] < 3 * laid["height"]


def test_a_circle_and_a_dependency_that_is_not_shown_do_no_harm() -> None:
    laid = lay_out({"a": ["b"], "b": ["a"], "c": ["nobody", "c"]})
    assert set(laid["places"]) == {"a", "b", "c"}


@pytest.mark.parametrize("shape", ["wide", "deep", "tangled"])
def test_big_plans_are_laid_out_in_bounded_time(shape: str) -> None:
    """Far within the limit on any machine: it is there to find a layout that never ends."""
    rng = random.Random(5)
    count = 3_000

    def needs(number: int) -> list[str]:
        if shape == "wide":
            return ["t0"] if number else []
        if shape == "deep":
            return [f"t{number - 1}"] if number else []
        return (
            sorted({f"t{rng.randrange(max(0, number - 60), number)}" for _ in range(3)})
            if number
            else []
        )

    edges = {f"t{number}": needs(number) for number in range(count)}
    began = time.monotonic()
    laid = lay_out(edges)
    assert time.monotonic() - began < 30
    assert len(laid["places"]) == count


# --- relations --------------------------------------------------------------------------------

DIAMOND: list[dict[str, Any]] = [
    {"id": "a", "status": "available", "title": "A", "dependencies": []},
    {"id": "b", "status": "blocked", "title": "B", "dependencies": ["a"]},
    {"id": "c", "status": "blocked", "title": "C", "dependencies": ["a"]},
    {"id": "d", "status": "blocked", "title": "D", "dependencies": ["b", "c"]},
    {"id": "e", "status": "done", "title": "E", "dependencies": []},
    {"id": "f", "status": "blocked", "title": "F", "dependencies": ["d", "e"]},
]


def ask(expression: str, **values: Any) -> Any:
    whole = f"(() => {{ const r = m.relationsOf(v.nodes); return {expression}; }})()"
    return run("graph_model.js", whole, nodes=DIAMOND, **values)


def test_a_lineage_is_all_before_and_all_after() -> None:
    assert set(ask('[...m.lineageOf(r, "b")]')) == {"a", "b", "d", "f"}
    assert set(ask('[...m.lineageOf(r, "e")]')) == {"e", "f"}


def test_the_longest_way_counts_open_tasks_only() -> None:
    path = ask("m.criticalPath(r)")
    assert (path[0], path[1] in "bc", path[2:]) == ("a", True, ["d", "f"])
    assert run("graph_model.js", "m.criticalPath(m.relationsOf([]))") == []


@pytest.mark.parametrize(
    ("here", "key", "there"),
    [
        ("a", "ArrowRight", "b"),
        ("d", "ArrowLeft", "b"),
        ("b", "ArrowDown", "c"),
        ("c", "ArrowUp", "b"),
        ("f", "ArrowRight", "f"),
        ("", "ArrowRight", "a"),
    ],
)
def test_arrow_keys_go_along_edges(here: str, key: str, there: str) -> None:
    places = {"a": [0, 0], "b": [1, 0], "c": [1, 90], "d": [2, 0], "e": [2, 90], "f": [3, 0]}
    made = "new Map(Object.entries(v.places).map(([id, [x, y]]) => [id, { x, y, layer: x }]))"
    expression = f"m.nodeBeside(r, {made}, v.here, v.key)"
    assert ask(expression, places=places, here=here, key=key) == there


def test_mermaid_gets_no_character_that_means_something() -> None:
    nodes: list[dict[str, Any]] = [
        {"id": 'a"]; click a "x"', "title": "<b>&`#", "status": "done", "dependencies": []},
        {
            "id": "b",
            "title": "b",
            "status": "blocked",
            "dependencies": ['a"]; click a "x"', "gone"],
        },
    ]
    text = run("graph_model.js", "m.toMermaid(v.nodes)", nodes=nodes)
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    assert re.fullmatch(r'  n0\["[\w #;]+"\]:::done', lines[1])
    assert lines[3] == "  n0 --> n1"
