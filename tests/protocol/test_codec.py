"""Frames to entries and back: what JSON-RPC 2.0 calls valid, and nothing else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import (
    Request,
    decode_entry,
    decode_frame,
    encode_batch,
    encode_notification,
    encode_request,
    encode_response,
    salvage_id,
)
from protocol.errors import InvalidRequest, ParseError
from protocol.limits import BATCH_ENTRIES_MAX, REQUEST_ID_BYTES_MAX

NOT_JSON = [
    "",
    "  ",
    "hello",
    "{",
    "[",
    "[1,",
    "[1 2]",
    "[1]]",
    '{"jsonrpc": "2.0", "method": "x"} x',
    '{"jsonrpc": "2.0", "method": "x",}',
    "{'jsonrpc': '2.0', 'method': 'x'}",
    '{"jsonrpc": "2.0", "method": "x", "id": 01}',
    '{"jsonrpc": "2.0", "method": "x", "id": 1.}',
    '{"jsonrpc": "2.0", "method": "x", "id": NaN}',
    '{"jsonrpc": "2.0", "method": "x", "id": "a\nb"}',
    '{"jsonrpc": "2.0", "method": "x", "id": "\\q"}',
    '{"jsonrpc": "2.0", "method": "x", "params": {"a": "\x01"}, "id": 1}',
    '{"jsonrpc": "2.0", "method": "x", "params": ["\\ud800 alone"], "id": 1}',
    '{"jsonrpc": "2.0", "method": "x", "more": "\x00"}',
    '\ufeff{"jsonrpc": "2.0", "method": "x"}',
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"jsonrpc": "2.0", "method": "x", "params": ' + "[" * 50_000 + "]" * 50_000 + "}",
]


def decode(frame: str) -> list[Request]:
    entries, _ = decode_frame(frame)
    return [decode_entry(entry) for entry in entries]


def entry(**members: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps({"jsonrpc": "2.0", "method": "x", **members}).encode())


# --- frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", NOT_JSON, ids=lambda frame: repr(frame[:50]))
def test_what_is_not_json_is_a_parse_error(frame: str) -> None:
    with pytest.raises(ParseError) as error:
        decode(frame)
    assert error.value.data["detail"]
    assert "\n" not in error.value.message
    assert len(error.value.message) < 200


def test_nesting_too_deep_is_told_as_that() -> None:
    with pytest.raises(ParseError, match="nested too deeply") as error:
        decode("[" * 100_000)
    assert error.value.data == {"detail": "nesting"}


def test_a_single_request_is_no_batch() -> None:
    entries, is_batch = decode_frame('  {"jsonrpc": "2.0", "method": "x"}')
    assert not is_batch
    assert len(entries) == 1


@pytest.mark.parametrize("frame", ["[1]", " \t\r\n[1]", "[\n1\n]"])
def test_an_array_is_a_batch(frame: str) -> None:
    entries, is_batch = decode_frame(frame)
    assert is_batch
    assert [bytes(entry) for entry in entries] == [b"1"]


def test_the_entries_of_a_batch_keep_their_order() -> None:
    entries, _ = decode_frame('[{"a": [1, 2]}, "two", 3]')
    assert [bytes(entry) for entry in entries] == [b'{"a": [1, 2]}', b'"two"', b"3"]


def test_an_empty_batch_is_no_request() -> None:
    for frame in ("[]", " [ ] "):
        with pytest.raises(InvalidRequest, match="empty"):
            decode_frame(frame)


def test_a_batch_has_a_longest_length() -> None:
    entries, _ = decode_frame(f"[{','.join('1' * BATCH_ENTRIES_MAX)}]")
    assert len(entries) == BATCH_ENTRIES_MAX
    with pytest.raises(InvalidRequest, match="1001 entries; at most 1000") as error:
        decode_frame(f"[{','.join('1' * (BATCH_ENTRIES_MAX + 1))}]")
    assert error.value.data == {"limit": BATCH_ENTRIES_MAX}


# --- entries ----------------------------------------------------------------------------------


def test_a_request_is_taken_apart() -> None:
    [request] = decode('{"id": 7, "params": {"a": 1}, "method": "get", "jsonrpc": "2.0"}')
    assert request.method == "get"
    assert bytes(request.params) == b'{"a": 1}'
    assert request.id is not None
    assert bytes(request.id) == b"7"


@pytest.mark.parametrize("params", [{}, {"params": None}])
def test_params_may_be_left_out(params: dict[str, Any]) -> None:
    assert bytes(decode_entry(entry(**params)).params) == b"{}"


@pytest.mark.parametrize("params", ['{"a": 1}', "[1, 2]", "{}", "[]"])
def test_params_are_an_object_or_an_array(params: str) -> None:
    request = decode_entry(
        msgspec.Raw(b'{"jsonrpc":"2.0","method":"x","params":%b}' % params.encode())
    )
    assert bytes(request.params) == params.encode()


@pytest.mark.parametrize(
    "id_",
    ["1", "-1", "1.5", "1e3", "12345678901234567890123", '"a"', '""', '"\\u0041"', '"ü"', "null"],
)
def test_an_id_keeps_its_own_text(id_: str) -> None:
    """Numbers beyond 64 bits and escapes come back as they were sent."""
    request = decode_entry(msgspec.Raw(f'{{"jsonrpc":"2.0","method":"x","id": {id_} }}'.encode()))
    assert request.id is not None
    assert bytes(request.id).decode() == id_


def test_without_an_id_it_is_a_notification() -> None:
    assert decode_entry(entry()).id is None


def test_members_that_nobody_knows_are_left_alone() -> None:
    """Section 4 names the members of a request and forbids no others; some clients add some."""
    assert decode_entry(entry(id=1, trace={"span": 1})).method == "x"


@pytest.mark.parametrize(
    "value",
    [
        1,
        "x",
        None,
        True,
        [],
        {},
        {"method": "x"},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "1.0", "method": "x"},
        {"jsonrpc": 2.0, "method": "x"},
        {"jsonrpc": "2.0 ", "method": "x"},
        {"jsonrpc": None, "method": "x"},
        {"jsonrpc": "2.0", "method": 1},
        {"jsonrpc": "2.0", "method": None},
        {"jsonrpc": "2.0", "method": ["x"]},
        {"jsonrpc": "2.0", "method": "x", "params": "bar"},
        {"jsonrpc": "2.0", "method": "x", "params": 1},
        {"jsonrpc": "2.0", "method": "x", "params": False},
        {"jsonrpc": "2.0", "method": "x", "id": {}},
        {"jsonrpc": "2.0", "method": "x", "id": [1]},
        {"jsonrpc": "2.0", "method": "x", "id": True},
        {"jsonrpc": "2.0", "method": "x", "id": False},
        {"jsonrpc": "2.0", "method": "x", "id": "i" * REQUEST_ID_BYTES_MAX},
        {"jsonrpc": "2.0", "result": 1, "id": 1},
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_json_that_is_no_request_is_an_invalid_request(value: Any) -> None:
    with pytest.raises(InvalidRequest) as error:
        decode_entry(msgspec.Raw(json.dumps(value).encode()))
    assert "must" in error.value.message or "at most" in error.value.message
    assert "\n" not in error.value.message


def test_the_longest_id_is_taken() -> None:
    longest = "i" * (REQUEST_ID_BYTES_MAX - 2)
    assert decode_entry(entry(id=longest)).id is not None


@pytest.mark.parametrize(
    ("malformed", "id_"),
    [
        ('{"jsonrpc": "1.0", "method": "x", "id": 7}', "7"),
        ('{"method": 1, "id": "seven"}', '"seven"'),
        ('{"foo": "boo"}', "null"),
        ('{"id": null}', "null"),
        ('{"id": {}}', "null"),
        ('{"id": "%s"}' % ("i" * 1000), "null"),
        ("1", "null"),
        ('"id"', "null"),
        ("{", "null"),
        ("[" * 100_000, "null"),
    ],
    ids=lambda text: text[:30],
)
def test_the_id_of_a_malformed_request_is_found_where_it_can_be(malformed: str, id_: str) -> None:
    assert bytes(salvage_id(msgspec.Raw(malformed.encode()))).decode() == id_


# --- back to frames ---------------------------------------------------------------------------


def test_a_response_keeps_raw_results_and_ids_as_they_are() -> None:
    raw = {"jsonrpc": "2.0", "result": msgspec.Raw(b'{"a": 1}'), "id": msgspec.Raw(b'"\\u0041"')}
    assert encode_response(raw) == b'{"jsonrpc":"2.0","result":{"a": 1},"id":"\\u0041"}'


def test_responses_join_to_a_batch() -> None:
    assert json.loads(encode_batch([b'{"id":1}', b'{"id":2}'])) == [{"id": 1}, {"id": 2}]


def test_what_the_client_encodes_the_server_decodes() -> None:
    [request] = decode(encode_request(3, "get_task", {"taskId": "ü"}).decode())
    assert (request.method, json.loads(bytes(request.params))) == ("get_task", {"taskId": "ü"})
    assert request.id is not None
    assert bytes(request.id) == b"3"
    [event] = decode(encode_notification("events", msgspec.Raw(b'{"a":1}')).decode())
    assert event == Request("events", msgspec.Raw(b'{"a":1}'), None)


# --- anything at all --------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "method": st.text() | JSON,
        "params": JSON,
        "id": st.text() | st.integers() | JSON,
    },
)


@settings(deadline=None)
@given(st.text() | st.lists(MEMBERS | JSON, max_size=4).map(json.dumps) | MEMBERS.map(json.dumps))
def test_whatever_comes_is_taken_or_refused_and_never_fails(frame: str) -> None:
    try:
        entries, _ = decode_frame(frame)
    except (ParseError, InvalidRequest):
        return
    for each in entries:
        salvaged = bytes(salvage_id(each))
        json.loads(salvaged)
        try:
            request = decode_entry(each)
        except (ParseError, InvalidRequest):
            continue
        sent = json.loads(bytes(each))
        assert sent["jsonrpc"] == "2.0"
        assert sent["method"] == request.method
        assert (request.id is None) == ("id" not in sent)
