import inspect
from typing import Any

import msgspec
import pytest

from protocol import params as p
from protocol import results as r
from protocol.methods import METHODS, Method
from protocol.typed import TypedMethods
from protocol.typed_source import typed_source


class Recorder(TypedMethods):
    """Keeps what it is asked to request."""

    def __init__(self) -> None:
        self.requested: list[tuple[Method, p.Params]] = []

    async def request(
        self,
        method: Method,
        params: p.Params,
        *,
        timeout: float | None = None,  # noqa: ARG002 -- the signature is given
    ) -> Any:
        self.requested.append((method, params))
        return "the result"


def function_of(method: Method) -> Any:
    return getattr(TypedMethods, method.name.removeprefix("rpc."))


def test_the_module_in_use_is_the_generated_one() -> None:
    """Also before formatting, every method is in it."""
    source = typed_source()
    for method in METHODS.values():
        assert f"async def {method.name.removeprefix('rpc.')}(self" in source


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: str(method.name))
def test_a_method_has_the_params_of_the_table_as_keywords(method: Method) -> None:
    signature = inspect.signature(function_of(method))
    fields = {
        field.name: field
        for field in msgspec.structs.fields(method.params)
        if field.name != "idempotency_key"
    }
    own = {name: param for name, param in signature.parameters.items() if name != "self"}
    assert set(own) == set(fields)
    for name, param in own.items():
        assert param.kind is inspect.Parameter.KEYWORD_ONLY
        assert (param.default is inspect.Parameter.empty) is fields[name].required


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: str(method.name))
def test_a_method_promises_the_result_and_names_its_refusals(method: Method) -> None:
    function = function_of(method)
    assert inspect.signature(function).return_annotation is method.result
    docstring = inspect.getdoc(function) or ""
    assert docstring.startswith(method.summary)
    for error in method.errors:
        assert f"{error.__name__}: " in docstring


async def test_a_method_requests_its_row_with_its_params() -> None:
    recorder = Recorder()
    result: Any = await recorder.claim_task(task_id="a", worker_id="w", worker_slot=2)
    assert result == "the result"
    assert recorder.requested == [
        (METHODS["claim_task"], p.ClaimTask(task_id="a", worker_id="w", worker_slot=2))
    ]


async def test_what_is_left_out_is_what_the_params_leave_out() -> None:
    recorder = Recorder()
    await recorder.add_task(description="x")
    await recorder.edit_task(task_id="a")
    await recorder.list_tasks()
    assert [params for _, params in recorder.requested] == [
        p.AddTask(description="x"),
        p.EditTask(task_id="a"),
        p.ListTasks(),
    ]


async def test_lists_given_to_two_calls_are_not_shared() -> None:
    recorder = Recorder()
    await recorder.list_tasks()
    await recorder.list_tasks()
    (_, one), (_, other) = recorder.requested
    assert isinstance(one, p.ListTasks)
    assert isinstance(other, p.ListTasks)
    assert one.tags is not other.tags


async def test_a_field_that_may_be_empty_can_be_cleared_or_left_alone() -> None:
    recorder = Recorder()
    await recorder.edit_task(task_id="a", metadata=None)
    ((_, params),) = recorder.requested
    assert isinstance(params, p.EditTask)
    assert params.metadata is None
    assert params.expected_output is msgspec.UNSET


async def test_discover_has_a_name_that_python_allows() -> None:
    recorder = Recorder()
    await recorder.discover()
    assert recorder.requested == [(METHODS["rpc.discover"], p.Discover())]
    assert inspect.signature(TypedMethods.discover).return_annotation is r.OpenRpc
