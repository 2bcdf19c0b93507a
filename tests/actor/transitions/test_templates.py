"""Templates of a project: kept, replaced, removed, and turned into tasks."""

from typing import Any

import pytest

from actor.invariants import violations
from actor.templates import list_templates
from actor.views import Now
from protocol import errors as e
from protocol.limits import TEMPLATES_BYTES_MAX, TEMPLATES_MAX
from protocol.params import ListTemplates
from protocol.results import Templates
from tests.actor.worlds import Builder

RELEASE: list[dict[str, Any]] = [
    {"id": "ship", "description": "Ship {{version}}", "dependencies": ["build", "{{after}}"]},
    {"id": "build", "description": "Build {{version}}", "resources": ["dist/"], "priority": 2},
]


def listed(builder: Builder) -> Templates:
    return list_templates(builder.state, ListTemplates(), Now(0, 0))


def builder_with_release() -> Builder:
    builder = Builder()
    builder.add(["setup"])
    builder.do("save_template", name="Release 2.x", tasks=RELEASE, description="How we ship")
    return builder


def test_a_template_is_kept_replaced_and_removed() -> None:
    builder = builder_with_release()
    (kept,) = listed(builder).templates
    assert (kept.name, kept.description) == ("Release 2.x", "How we ship")
    assert kept.parameters == ["version", "after"]
    assert [task.id for task in kept.tasks] == ["ship", "build"]
    told = builder.do("save_template", name="Release 2.x", tasks=RELEASE[1:])
    assert (told.template.parameters, told.template.description) == (["version"], None)
    builder.do("save_template", name="Another", tasks=RELEASE[1:])
    assert [each.name for each in listed(builder).templates] == ["Another", "Release 2.x"]
    assert builder.do("delete_template", name="Release 2.x").name == "Release 2.x"
    assert [each.name for each in listed(builder).templates] == ["Another"]
    assert listed(builder).seq == builder.state.seq == 5


def test_every_change_of_a_template_is_an_event_and_no_change_is_none() -> None:
    builder = Builder()
    save = {"name": "r", "tasks": RELEASE}
    (event,) = builder.decide("save_template", **save).events
    assert (event.type, event.data) == ("template_saved", {"name": "r"})
    first = builder.do("save_template", **save).template
    again = builder.decide("save_template", **save)
    assert (again.changes, again.events, again.reply.template) == ([], [], first)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] -- of this transition
    (event,) = builder.decide("delete_template", name="r").events
    assert (event.type, event.data) == ("template_deleted", {"name": "r"})


def test_its_tasks_are_added_together_with_a_prefix_of_their_own() -> None:
    builder = builder_with_release()
    values = {"version": "2.1", "after": "setup"}
    decision = builder.decide("instantiate_template", name="Release 2.x", parameters=values)
    assert {event.type for event in decision.events} == {"task_added"}
    assert [event.data for event in decision.events] == [{"template": "Release 2.x"}] * 2
    told = builder.do("instantiate_template", name="Release 2.x", parameters=values)
    assert told == decision.reply
    assert (told.prefix, told.dry_run) == ("Release-2.x-2-", False)
    assert [(task.id, task.status) for task in told.tasks] == [
        ("Release-2.x-2-ship", "blocked"),
        ("Release-2.x-2-build", "available"),
    ]
    ship, build = (builder.state.tasks[task.id] for task in told.tasks)
    assert (ship.description, ship.dependencies) == ("Ship 2.1", (build.id, "setup"))
    assert (build.resources, build.priority) == (("dist/",), 2)
    assert violations(builder.world) == []


def test_a_second_use_gets_another_prefix_and_so_does_one_whose_ids_are_taken() -> None:
    builder = builder_with_release()
    use = {"name": "Release 2.x", "parameters": {"version": "2.1", "after": "setup"}}
    assert builder.do("instantiate_template", **use).prefix == "Release-2.x-2-"
    builder.add(["Release-2.x-5-build"])
    assert builder.do("instantiate_template", **use).prefix == "Release-2.x-6-"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("***", "template-1-"), ("a b/c", "a-b-c-1-"), ("ü" * 99, "ü" * 40 + "-1-")],
)
def test_the_prefix_is_made_of_what_the_name_allows(name: str, prefix: str) -> None:
    builder = Builder()
    builder.do("save_template", name=name, tasks=[{"id": "x", "description": "d"}])
    assert builder.do("instantiate_template", name=name).prefix == prefix


def test_a_prefix_may_be_chosen_or_be_empty() -> None:
    builder = builder_with_release()
    use = {"name": "Release 2.x", "parameters": {"version": "1", "after": "setup"}}
    told = builder.do("instantiate_template", **use, prefix="")
    assert (told.prefix, [task.id for task in told.tasks]) == ("", ["ship", "build"])
    told = builder.do("instantiate_template", **use, prefix="r1/")
    assert [task.id for task in told.tasks] == ["r1/ship", "r1/build"]


def test_a_dry_run_says_what_would_be_added_and_adds_nothing() -> None:
    builder = builder_with_release()
    use = {"name": "Release 2.x", "parameters": {"version": "2.1", "after": "setup"}}
    decision = builder.decide("instantiate_template", **use, dryRun=True)
    assert (decision.changes, decision.events) == ([], [])
    tried = builder.do("instantiate_template", **use, dryRun=True)
    assert tried.dry_run
    assert list(builder.state.tasks) == ["setup"]
    told = builder.do("instantiate_template", **use)
    assert (tried.tasks, tried.prefix) == (told.tasks, told.prefix)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("params", "reason", "data"),
    [
        ({"name": "nope"}, "template_not_found", {"name": "nope"}),
        (
            {"parameters": {"version": "1", "afetr": "x"}},
            "template_parameters",
            {"missing": ["after"], "unknown": ["afetr"]},
        ),
        (
            {"parameters": {"version": "1", "after": "nobody"}, "prefix": "p-"},
            "unknown_dependency",
            {"missing": ["nobody"], "taskId": "p-ship"},
        ),
        (
            {"parameters": {"version": "1", "after": "ship"}, "prefix": ""},
            "dependency_cycle",
            {"cycle": ["ship", "ship"]},
        ),
        (
            {"parameters": {"version": "1", "after": "setup"}, "prefix": "taken-"},
            "task_exists",
            {"taskId": "taken-build", "status": "available"},
        ),
    ],
)
def test_what_goes_wrong_is_named_and_nothing_is_added(
    params: dict[str, Any], reason: str, data: dict[str, Any], dry_run: bool
) -> None:
    builder = builder_with_release()
    builder.add(["taken-build"])
    before, seq = dict(builder.state.tasks), builder.state.seq
    with pytest.raises(e.CoordinatorError) as refused:
        builder.do("instantiate_template", **{"name": "Release 2.x", "dryRun": dry_run, **params})
    assert (refused.value.reason, refused.value.data) == (reason, data)
    assert (dict(builder.state.tasks), builder.state.seq) == (before, seq)


def test_a_template_that_contradicts_itself_is_not_kept() -> None:
    builder = builder_with_release()
    bad = [{"id": "a", "description": "{{"}]
    with pytest.raises(e.TemplateInvalid):
        builder.do("save_template", name="Release 2.x", tasks=bad)
    (kept,) = listed(builder).templates
    assert len(kept.tasks) == 2


def test_removing_what_is_not_there_is_refused() -> None:
    with pytest.raises(e.TemplateNotFound, match="`nope`"):
        Builder().do("delete_template", name="nope")


def test_a_project_keeps_so_many_templates_and_may_still_change_them() -> None:
    builder = Builder()
    tasks = [{"id": "x", "description": "d"}]
    for number in range(TEMPLATES_MAX):
        builder.do("save_template", name=f"t{number}", tasks=tasks)
    with pytest.raises(e.LimitExceeded) as refused:
        builder.do("save_template", name="one more", tasks=tasks)
    assert refused.value.data == {"limit": TEMPLATES_MAX}
    builder.do("save_template", name="t0", tasks=tasks, description="changed")
    builder.do("delete_template", name="t1")
    builder.do("save_template", name="one more", tasks=tasks)


def test_a_project_keeps_so_many_bytes_of_templates() -> None:
    builder = Builder()
    tasks = [{"id": f"x{number}", "description": "d" * 100_000} for number in range(5)]
    fitting = TEMPLATES_BYTES_MAX // 501_000
    for number in range(fitting):
        builder.do("save_template", name=f"t{number}", tasks=tasks)
    with pytest.raises(e.LimitExceeded) as refused:
        builder.do("save_template", name="one more", tasks=tasks)
    assert refused.value.data == {"limit": TEMPLATES_BYTES_MAX}
    builder.do("save_template", name="t0", tasks=tasks, description="changed")
