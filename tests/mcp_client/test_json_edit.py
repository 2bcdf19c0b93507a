"""Editing JSON in place: the value is right, and nothing else moves."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_client.json_edit import NotAnObject, get_member, remove_member, set_member

AT = ("mcpServers", "ours")
ENTRY = {"command": "run", "args": ["mcp"]}

ODD = """{
    "numbers": [1.0, 1e5, 12345678901234567890123, -0],
    "text": "\\ud83d\\ude00 and \\ud800 alone, caf\u00e9 \\u00e9",
    "mcpServers": { "other" : {"command":"x"} },
    "last"  :  null
}
"""


def test_everything_else_stays_character_by_character() -> None:
    edited = set_member(ODD, AT, ENTRY)
    before, after = ODD.split(' "other" : {"command":"x"}', 1)
    assert edited.startswith(before + ' "other" : {"command":"x"},')
    assert edited.endswith(after)
    assert get_member(edited, AT) == ENTRY


def test_removing_what_was_set_gives_the_old_text_back() -> None:
    assert remove_member(set_member(ODD, AT, ENTRY), AT) == ODD


def test_a_new_entry_is_indented_like_the_file() -> None:
    text = '{\n\t"mcpServers": {\n\t\t"other": {}\n\t}\n}\n'
    added = ',\n\t\t"ours": {\n\t\t\t"command": "run"\n\t\t}'
    expected = text.replace('"other": {}', '"other": {}' + added)
    assert set_member(text, AT, {"command": "run"}) == expected


def test_windows_line_ends_stay_what_they_are() -> None:
    edited = set_member('{\r\n  "a": 1\r\n}\r\n', AT, ENTRY)
    assert "\n" not in edited.replace("\r\n", "")
    assert get_member(edited, AT) == ENTRY


def test_a_file_on_one_line_stays_on_one_line() -> None:
    assert set_member('{"a":1}', AT, {"b": 2}) == '{"a":1, "mcpServers": {"ours": {"b": 2}}}'


def test_an_empty_object_gets_a_readable_entry() -> None:
    assert set_member("{}\n", ("a", "b"), 1) == '{\n  "a": {\n    "b": 1\n  }\n}\n'


def test_an_existing_value_is_replaced_where_it_stands() -> None:
    text = '{"mcpServers": {"a": 1, "ours": {"old": true}, "z": 2}}'
    assert set_member(text, AT, 5) == '{"mcpServers": {"a": 1, "ours": 5, "z": 2}}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"mcpServers": {"ours": 1, "b": 2}}', '{"mcpServers": {"b": 2}}'),
        ('{"mcpServers": {"a": 1, "ours": 2}}', '{"mcpServers": {"a": 1}}'),
        ('{"mcpServers": {"a": 1, "ours": 2, "c": 3}}', '{"mcpServers": {"a": 1, "c": 3}}'),
        ('{"mcpServers": { "ours": 1 }}', '{"mcpServers": {}}'),
        ('{"mcpServers": {"a": 1}}', '{"mcpServers": {"a": 1}}'),
        ('{"x": 1}', '{"x": 1}'),
    ],
)
def test_only_the_named_member_is_removed(text: str, expected: str) -> None:
    assert remove_member(text, AT) == expected


def test_of_a_name_that_stands_twice_the_last_one_counts() -> None:
    text = '{"mcpServers": {"ours": 1}, "mcpServers": {"ours": 2}}'
    assert get_member(text, AT) == 2
    assert get_member(set_member(text, AT, 3), AT) == 3


def test_a_missing_member_is_none() -> None:
    assert get_member("{}", AT) is None
    assert get_member('{"mcpServers": {}}', AT) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [("[]", ()), ("3", ()), ('{"mcpServers": []}', ("mcpServers",)), ('{"mcpServers": null}', AT)],
)
def test_what_is_no_object_is_named(text: str, path: tuple[str, ...]) -> None:
    for edit in (get_member, remove_member):
        with pytest.raises(NotAnObject) as caught:
            edit(text, AT)
        assert caught.value.path == path[:1]
    with pytest.raises(NotAnObject):
        set_member(text, AT, ENTRY)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1,}', "{} trailing", "\ufeff{}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        set_member(text, AT, ENTRY)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["mcpServers", "ours", "a", "{", '"', "\\"])
OBJECTS = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES))


@settings(max_examples=60, deadline=None)
@given(OBJECTS, VALUES, st.sampled_from([None, 0, 1, 2, "\t"]), st.booleans())
def test_the_edit_means_what_it_should(
    content: dict[str, Any], value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(content, indent=indent, ensure_ascii=ascii_only)
    wanted = {**content, AT[0]: {**content.get(AT[0], {}), AT[1]: value}}
    edited = set_member(text, AT, value)
    assert json.loads(edited) == wanted
    assert list(json.loads(edited)) == list(wanted)
    assert set_member(edited, AT, value) == edited
    removed = json.loads(remove_member(edited, AT))
    assert AT[1] not in removed[AT[0]]
    assert {name: each for name, each in wanted[AT[0]].items() if name != AT[1]} == removed[AT[0]]
