"""Templates: what may be saved, and what becomes of one that is filled in."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor.records import TemplateRecord
from actor.templates import check_parameters, check_tasks, fill, parameters_of
from protocol.errors import (
    InvalidResource,
    LimitExceeded,
    TemplateInvalid,
    TemplateParameters,
)
from protocol.limits import (
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    METADATA_BYTES_MAX,
    TEMPLATE_PARAMETERS_MAX,
)
from protocol.models import TemplateTask
from protocol.params import NewTask

FEATURE: list[dict[str, Any]] = [
    {
        "id": "{{ area }}-code",
        "description": "Write {{ feature }} in {{area}}",
        "output": "{{feature}} works",
        "dependencies": ["{{after}}"],
        "tags": ["{{area}}", "code"],
        "resources": ["src/{{area}}/"],
        "metadata": {"for": {"{{area}}": ["{{ticket}}", 7, None]}},
        "priority": 3,
        "maxAttempts": 2,
        "retryDelaySeconds": 1.5,
        "timeoutSeconds": 60,
    },
    {"id": "test", "description": "Test it", "dependencies": ["{{area}}-code"]},
]
VALUES = {"area": "auth", "feature": "login", "after": "setup", "ticket": "T-1"}


def tasks_of(*tasks: dict[str, Any]) -> list[TemplateTask]:
    return msgspec.convert([{"description": "d", **task} for task in tasks], list[TemplateTask])


def template(*tasks: dict[str, Any]) -> TemplateRecord:
    return TemplateRecord(project=1, name="plan", tasks=tuple(tasks_of(*tasks)), updated_ms=0)


def test_every_text_is_filled_in_and_own_ids_get_the_prefix() -> None:
    assert fill(template(*FEATURE), VALUES, "f1-") == [
        NewTask(
            id="f1-auth-code",
            description="Write login in auth",
            output="login works",
            dependencies=["setup"],
            tags=["auth", "code"],
            resources=["src/auth/"],
            metadata={"for": {"auth": ["T-1", 7, None]}},
            priority=3,
            max_attempts=2,
            retry_delay_seconds=1.5,
            timeout_seconds=60,
        ),
        NewTask(id="f1-test", description="Test it", dependencies=["f1-auth-code"]),
    ]


def test_parameters_come_in_the_order_of_their_appearance() -> None:
    names = parameters_of(tasks_of(*FEATURE))
    assert names == ["area", "feature", "after", "ticket"]
    assert parameters_of(tasks_of({"id": "a"})) == []


def test_a_value_is_put_in_as_it_is() -> None:
    plan = template({"id": "a", "description": "{{x}}|{{{y}}}|}}|{{{y}}{y"})
    check_tasks(plan.tasks)
    values = {"x": "{{y}} \\1 \\g<0> {{", "y": "é"}
    (task,) = fill(plan, values, "")
    assert task.description == "{{y}} \\1 \\g<0> {{|{é}|}}|{é{y"


def test_a_value_that_looks_like_an_own_id_names_a_task_of_the_project() -> None:
    plan = template({"id": "db"}, {"id": "api", "dependencies": ["db", "{{after}}"]})
    _, api = fill(plan, {"after": "db"}, "p-")
    assert api.dependencies == ["p-db", "db"]


@pytest.mark.parametrize(
    "text",
    [
        "{{",
        "{{}}",
        "{{ }}",
        "{{a-b}}",
        "{{1a}}",
        "{{a b}}",
        "{{a}",
        "x {{a}} {{b",
        "{{a.b}}",
        "{{é}}",
    ],
)
@pytest.mark.parametrize("field", ["id", "description", "output", "tags", "resources", "metadata"])
def test_double_braces_that_are_no_parameter_are_refused(text: str, field: str) -> None:
    value = {
        "tags": [text],
        "resources": [text],
        "metadata": {"deep": [{"in": text}]},
    }.get(field, text)
    with pytest.raises(TemplateInvalid) as refused:
        check_tasks(tasks_of({"id": "a"} | {field: value}))
    assert refused.value.data["taskId"] == (text if field == "id" else "a")
    assert "value of a parameter" in refused.value.message


@pytest.mark.parametrize(
    ("tasks", "cycle"),
    [
        ([{"id": "a", "dependencies": ["a"]}], ["a", "a"]),
        (
            [
                {"id": "a", "dependencies": ["x", "b"]},
                {"id": "b", "dependencies": ["{{c}}"]},
                {"id": "{{ c }}", "dependencies": ["a"]},
            ],
            ["a", "b", "{{c}}", "a"],
        ),
    ],
)
def test_a_cycle_is_refused_and_spelled_out(tasks: list[dict[str, Any]], cycle: list[str]) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        check_tasks(tasks_of(*tasks))
    told = refused.value.data["cycle"]
    assert told[0] == told[-1]
    assert sorted(told[1:]) == sorted(cycle[1:])
    following = dict(pairwise(cycle))
    assert all(following[name] == after for name, after in pairwise(told))
    assert " -> ".join(f"`{name}`" for name in told) in refused.value.message


def test_an_id_given_twice_is_refused_however_it_is_written() -> None:
    with pytest.raises(TemplateInvalid) as refused:
        check_tasks(tasks_of({"id": "{{a}}-x"}, {"id": "{{ a }}-x"}))
    assert refused.value.data["taskId"] == "{{ a }}-x"


def test_a_resource_is_judged_as_soon_as_it_can_be() -> None:
    with pytest.raises(InvalidResource) as refused:
        check_tasks(tasks_of({"id": "a", "resources": ["ok", "../etc"]}))
    assert refused.value.data == {"taskId": "a", "resource": "../etc"}
    plan = template({"id": "a", "resources": ["{{where}}/x"]})
    check_tasks(plan.tasks)
    with pytest.raises(InvalidResource) as refused:
        fill(plan, {"where": ".."}, "p-")
    assert refused.value.data == {"taskId": "a", "resource": "../x"}


def test_too_many_parameters_or_too_long_a_plan_is_refused() -> None:
    most = [{"id": f"{{{{p{number}}}}}"} for number in range(TEMPLATE_PARAMETERS_MAX)]
    check_tasks(tasks_of(*most))
    with pytest.raises(LimitExceeded) as refused:
        check_tasks(tasks_of(*most, {"id": "{{one_more}}"}))
    assert refused.value.data == {"limit": TEMPLATE_PARAMETERS_MAX}
    long = [{"id": f"t{number}", "description": "x" * 100_000} for number in range(6)]
    check_tasks(tasks_of(*long[:5]))
    with pytest.raises(LimitExceeded):
        check_tasks(tasks_of(*long))


def test_parameters_that_do_not_fit_are_all_named() -> None:
    given_ = {"area": "auth", "feature": "login", "aftre": "x", "y": "z"}
    with pytest.raises(TemplateParameters) as refused:
        check_parameters(template(*FEATURE), given_)
    assert refused.value.data == {"missing": ["after", "ticket"], "unknown": ["aftre", "y"]}
    for name in ("`after`", "`ticket`", "`aftre`", "`y`", "`area`, `feature`"):
        assert name in refused.value.message
    check_parameters(template(*FEATURE), VALUES)


def test_values_that_blow_the_plan_up_are_refused_before_it_is_built() -> None:
    plan = template({"id": "a", "description": "{{x}}" * 20_000})
    check_tasks(plan.tasks)
    with pytest.raises(LimitExceeded):
        check_parameters(plan, {"x": "y" * 1_000_000})


@pytest.mark.parametrize(
    ("task", "value", "field"),
    [
        ({"id": "{{x}}"}, "i" * ID_LENGTH_MAX, "id"),
        ({"id": "a\u00ef{{x}}"}, "\x07", "id"),
        ({"id": "a", "dependencies": ["{{x}}"]}, "", "dependencies[0]"),
        ({"id": "a", "description": "{{x}}"}, "", "description"),
        ({"id": "a", "description": "{{x}}"}, "d" * (DESCRIPTION_LENGTH_MAX + 1), "description"),
        ({"id": "a", "description": "{{x}}"}, "\x00", "description"),
        ({"id": "a", "tags": ["{{x}}"]}, "t" * 101, "tags[0]"),
        ({"id": "a", "metadata": {"b": "{{x}}"}}, "m" * METADATA_BYTES_MAX, "metadata"),
        ({"id": "a", "metadata": {"b": ["{{x}}"]}}, "\x00", "metadata"),
        ({"id": "a", "metadata": {"{{x}}": 1, "b": 2}}, "b", "metadata"),
    ],
)
def test_what_is_filled_in_is_held_to_the_contract_again(
    task: dict[str, Any], value: str, field: str
) -> None:
    plan = template(task)
    check_tasks(plan.tasks)
    check_parameters(plan, {"x": value})
    with pytest.raises(TemplateInvalid) as refused:
        fill(plan, {"x": value}, "p-")
    assert (refused.value.data["taskId"], refused.value.data["field"]) == (task["id"], field)
    assert f"`{task['id']}`" in refused.value.message
    assert refused.value.data["detail"] in refused.value.message


def test_a_prefix_that_no_id_may_have_is_refused() -> None:
    with pytest.raises(TemplateInvalid) as refused:
        fill(template({"id": "a"}), {}, "\u202e")
    assert refused.value.data["field"] == "id"


@given(st.dictionaries(st.sampled_from(["a", "b_1", "C"]), st.text(max_size=9)), st.text())
def test_filling_in_is_replacing_text(values: dict[str, str], rest: str) -> None:
    rest = rest.replace("{", "(").replace("\x00", "")
    names = list(values)
    written = rest + "".join(f"{{{{{name}}}}}" for name in names) + " end"
    expected = rest + "".join(values.values()) + " end"
    plan = template({"id": "a", "description": written})
    assert parameters_of(plan.tasks) == names
    check_tasks(plan.tasks)
    if "\x00" not in expected:
        assert fill(plan, values, "")[0].description == expected
