"""The document against the OpenRPC 1.3 specification and against the table of methods."""

import json
import re
from typing import Any

import msgspec
import pytest

from protocol import params as p
from protocol.dispatch import Dispatcher
from protocol.errors import ERRORS
from protocol.methods import METHODS, Method
from protocol.openrpc import openrpc_document
from protocol.session import Session
from tests.protocol.peers import METHODS as SMALL_TABLE
from tests.protocol.peers import Desk, request, take

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    """As it arrives: through JSON."""
    read: Json = json.loads(json.dumps(openrpc_document()))
    return read


def described(document: Json, name: str) -> Json:
    methods: list[Json] = document["methods"]
    (method,) = [method for method in methods if method["name"] == name]
    return method


def references(value: Any) -> list[str]:
    return re.findall(r'"\$ref": "([^"]+)"', json.dumps(value))


def resolve(document: Json, reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_outline_is_that_of_the_specification(document: Json) -> None:
    of_the_specification = {"openrpc", "info", "servers", "methods", "components"}
    assert set(document) == {*of_the_specification, "x-notifications"}
    assert document["openrpc"].startswith("1.3.")
    assert {"title", "version"} <= set(document["info"])
    assert document["servers"] == [{"name": "coordinator", "url": "ws://127.0.0.1:3335"}]
    assert set(document["components"]) == {"schemas", "errors"}


def test_the_server_can_name_its_own_url() -> None:
    document = openrpc_document("wss://tasks.example/projects/web")
    assert document["servers"][0]["url"] == "wss://tasks.example/projects/web"
    assert openrpc_document()["servers"][0]["url"] == "ws://127.0.0.1:3335"


def test_every_method_of_the_table_is_in_it_once(document: Json) -> None:
    assert [method["name"] for method in document["methods"]] == list(METHODS)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: str(method.name))
def test_a_method_is_described_as_in_the_table(document: Json, method: Method) -> None:
    found = described(document, method.name)
    assert found["summary"] == method.summary
    assert found["tags"] == [{"name": method.group}]
    assert found["x-role"] == method.role.name.lower()
    assert found["x-mutates"] is method.changes
    assert found["paramStructure"] == "either"
    # By position they are sent in this order.
    assert tuple(param["name"] for param in found["params"]) == method.positional
    for param in found["params"]:
        assert set(param) - {"description"} == {"name", "schema", "required"}
        assert param["schema"]
    assert found["result"]["schema"] == {"$ref": f"#/components/schemas/{method.result.__name__}"}
    errors = [resolve(document, reference) for reference in references(found["errors"])]
    assert [error["code"] for error in errors] == [error.code for error in method.all_errors()]


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: str(method.name))
def test_a_param_is_required_exactly_if_it_has_no_default(document: Json, method: Method) -> None:
    params: list[Json] = described(document, method.name)["params"]
    required = {param["name"] for param in params if param["required"]}
    fields = msgspec.structs.fields(method.params)
    assert required == {field.encode_name for field in fields if field.required}


async def test_a_client_can_send_the_notifications_that_it_describes(document: Json) -> None:
    [notification] = document["x-notifications"]
    [param] = notification["params"]
    assert param["schema"] == {"type": ["string", "number", "null"]}
    desk = Desk()
    desk.waiting = True
    session = Session(Dispatcher(desk, SMALL_TABLE), "default")
    for id_ in ("a", 1, None):
        await session.receive(
            json.dumps({"jsonrpc": "2.0", "id": id_, "method": "hold", "params": {"key": str(id_)}})
        )
        await session.receive(request(notification["name"], **{param["name"]: id_}))
    answers = await take(session)
    assert [answer["id"] for answer in answers] == ["a", 1, None]
    assert {answer["error"]["data"]["reason"] for answer in answers} == {"request_cancelled"}


def test_whatever_may_wait_can_be_cancelled_and_nothing_else(document: Json) -> None:
    for method in document["methods"]:
        waits = any(param["name"] == "waitSeconds" for param in method["params"])
        cancelled = "#/components/errors/RequestCancelled" in references(method["errors"])
        assert waits == cancelled, method["name"]


def test_every_reference_leads_somewhere(document: Json) -> None:
    found = set(references(document))
    assert len(found) > 30
    for reference in found:
        assert resolve(document, reference)


def test_nothing_is_defined_that_nobody_refers_to(document: Json) -> None:
    found = set(references(document))
    used = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert used <= found
    in_methods = {
        f"#/components/errors/{error.__name__}"
        for method in METHODS.values()
        for error in method.all_errors()
    }
    assert in_methods <= found


def test_an_error_has_its_code_its_reason_and_when_it_comes(document: Json) -> None:
    errors = document["components"]["errors"].values()
    assert {error["message"]: error["code"] for error in errors} == {
        reason: error.code for reason, error in ERRORS.items()
    }
    for error in errors:
        assert error["data"]["reason"] == error["message"]
        assert error["data"]["description"].endswith(".")


def test_bounds_and_descriptions_of_params_are_in_it(document: Json) -> None:
    (param,) = [
        param
        for param in described(document, "claim_task")["params"]
        if param["name"] == "workerSlot"
    ]
    assert param == {
        "name": "workerSlot",
        "required": True,
        "description": "Worker slot, counted from 1.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000,
            "description": "Worker slot, counted from 1.",
        },
    }


def test_the_description_of_a_param_that_may_be_null_is_found(document: Json) -> None:
    (param,) = [
        param for param in described(document, "update_task")["params"] if param["name"] == "output"
    ]
    assert param["description"] == "What was done."


def test_fields_of_results_are_described_by_the_strings_below_them(document: Json) -> None:
    task = document["components"]["schemas"]["Task"]["properties"]
    assert task["output"]["description"] == "What the worker reported."
    assert task["attempt"]["description"] == "0 before the first claim."
    assert "description" not in task["error"]


def test_params_that_only_objects_have_are_kept_as_an_object(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert p.NewTask.__name__ in schemas
    assert p.AddTask.__name__ not in schemas


def test_the_events_that_a_subscription_brings_are_described(document: Json) -> None:
    notification = described(document, "subscribe")["x-notification"]
    assert notification["name"] == "events"
    params = resolve(document, notification["params"]["$ref"])
    assert set(params["required"]) == {"subscription", "events"}


def test_a_real_result_fits_its_schema_field_by_field(document: Json) -> None:
    """Guards the camelCase names: a schema in snake_case would pass everything else."""
    properties = document["components"]["schemas"]["TaskClaimed"]["properties"]
    assert set(properties) == {"task", "claimToken"}
