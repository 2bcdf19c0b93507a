"""What may travel: ids, texts and numbers by examples, and how objects look on the wire."""

import re
import unicodedata
from typing import Any

import msgspec
import pytest

from protocol.fields import (
    NO_NUL,
    PRINTABLE,
    Description,
    Priority,
    SlotNumber,
    Tags,
    TaskId,
    Text,
    WorkerId,
)
from protocol.limits import (
    DESCRIPTION_LENGTH_MAX,
    ID_LENGTH_MAX,
    PRIORITY_MAX,
    SLOTS_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
)
from protocol.models import STATUSES, Blocker, Event, Status, Task

NOW = "2026-01-31T09:30:00.000Z"


def takes(type_: Any, value: Any) -> bool:
    try:
        return bool(msgspec.json.decode(msgspec.json.encode(value), type=type_) == value)
    except msgspec.ValidationError:
        return False


# --- ids --------------------------------------------------------------------------------------

IDS = [
    "TASK-001",
    "x",
    "fix the login page",
    "src/auth/login.py",
    "ünïcödé",
    "任务-1",
    "مهمة",
    "🚀",
    "👩🏽",
    "a" * ID_LENGTH_MAX,
    "🚀" * ID_LENGTH_MAX,
    "<script>alert(1)</script>",
    "'; DROP TABLE tasks; --",
    "../../etc/passwd",
    "%s%n",
    " ",
]

NOT_IDS = [
    "",
    "a" * (ID_LENGTH_MAX + 1),
    "🚀" * (ID_LENGTH_MAX + 1),
    "a\n",
    "\na",
    "a\nb",
    "a\r",
    "a\tb",
    "a\0b",
    "a\x1b[31mb",
    "a\x7f",
    "a\x85",
    "a\x9f",
    "a\u00adb",  # soft hyphen
    "a\u200bb",  # zero width space
    "a\u200cb",
    "a\u200db",  # zero width joiner
    "a\u200eb",
    "a\u061cb",
    "a\u2028b",  # line separator
    "a\u2029b",
    "a\u202ab",
    "a\u202eb",  # right-to-left override
    "a\u2060b",
    "a\u2066b",
    "a\u2069b",
    "\ufeffa",  # byte order mark
    "a\ufff9b",
]


@pytest.mark.parametrize("type_", [TaskId, WorkerId], ids=["TaskId", "WorkerId"])
@pytest.mark.parametrize("value", IDS, ids=lambda value: ascii(value)[:30])
def test_an_id_is_1_to_200_printable_characters(type_: Any, value: str) -> None:
    assert takes(type_, value)


@pytest.mark.parametrize("type_", [TaskId, WorkerId], ids=["TaskId", "WorkerId"])
@pytest.mark.parametrize("value", NOT_IDS, ids=lambda value: ascii(value)[:30])
def test_nothing_that_hides_or_turns_a_line_round_is_an_id(type_: Any, value: str) -> None:
    assert not takes(type_, value)


def test_no_control_or_format_character_of_the_basic_plane_gets_through() -> None:
    """All of them but those that belong to the letters of a script."""
    pattern = re.compile(PRINTABLE)
    controls = [
        chr(code)
        for code in range(0x10000)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"}
    ]
    through = {char for char in controls if pattern.search(f"a{char}b")}
    assert {unicodedata.name(char).split()[0] for char in through} <= {
        "ARABIC",
        "SYRIAC",
        "MONGOLIAN",
    }


# --- texts and numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "value", "taken"),
    [
        (Description, "one\ntwo\tthree\x1b[31m\u202e", True),
        (Description, "x" * DESCRIPTION_LENGTH_MAX, True),
        (Description, "x" * (DESCRIPTION_LENGTH_MAX + 1), False),
        (Description, "", False),
        (Description, "a\0b", False),
        (Description, "a\n", True),
        (Text, "", True),
        (Text, "\0", False),
        (Text, "a\n\0", False),
        (Priority, PRIORITY_MAX, True),
        (Priority, -PRIORITY_MAX, True),
        (Priority, PRIORITY_MAX + 1, False),
        (Priority, -PRIORITY_MAX - 1, False),
        (Priority, True, False),
        (SlotNumber, 1, True),
        (SlotNumber, 0, False),
        (SlotNumber, -1, False),
        (SlotNumber, SLOTS_MAX, True),
        (SlotNumber, SLOTS_MAX + 1, False),
        (Tags, ["a"] * TAGS_MAX, True),
        (Tags, ["a"] * (TAGS_MAX + 1), False),
        (Tags, ["a" * TAG_LENGTH_MAX], True),
        (Tags, ["a" * (TAG_LENGTH_MAX + 1)], False),
        (Tags, [""], False),
        (Tags, ["a\nb"], False),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_texts_and_numbers_have_bounds(type_: Any, value: Any, taken: bool) -> None:
    assert takes(type_, value) is taken


@pytest.mark.parametrize("pattern", [PRINTABLE, NO_NUL])
def test_the_patterns_are_written_as_json_schema_wants_them(pattern: str) -> None:
    """Anchored at both ends, and without what only Python understands."""
    assert pattern.startswith("^")
    assert pattern.endswith("$(?![\\s\\S])")
    for foreign in ("(?P", "(?i", "\\A", "\\Z", "\\z", "++", "*+"):
        assert foreign not in pattern


def test_the_statuses_are_listed_in_full() -> None:
    assert set(STATUSES) == set(Status.__args__)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType] -- a Literal has them


# --- objects on the wire ----------------------------------------------------------------------


def test_a_task_looks_as_the_design_says() -> None:
    task = Task(
        id="a",
        description="Do it.",
        status="blocked",
        priority=0,
        dependencies=["b"],
        tags=[],
        attempt=0,
        version=1,
        created_at=NOW,
        updated_at=NOW,
        expected_output="a file",
        blocked_by=[Blocker(task_id="b", status="failed")],
    )
    assert msgspec.json.decode(msgspec.json.encode(task)) == {
        "id": "a",
        "description": "Do it.",
        "status": "blocked",
        "priority": 0,
        "dependencies": ["b"],
        "tags": [],
        "attempt": 0,
        "version": 1,
        "createdAt": NOW,
        "updatedAt": NOW,
        "expectedOutput": "a file",
        "blockedBy": [{"taskId": "b", "status": "failed"}],
    }


def test_what_is_null_is_left_out_and_comes_back_as_null() -> None:
    event = Event(seq=1, time=NOW, type="task_added")
    encoded = msgspec.json.encode(event)
    assert set(msgspec.json.decode(encoded)) == {"seq", "time", "type"}
    assert msgspec.json.decode(encoded, type=Event) == event


def test_an_object_of_a_newer_server_is_read_without_what_is_new() -> None:
    encoded = b'{"taskId": "a", "status": "done", "somethingNew": {"x": 1}}'
    assert msgspec.json.decode(encoded, type=Blocker) == Blocker(task_id="a", status="done")


def test_an_object_cannot_be_changed() -> None:
    blocker = Blocker(task_id="a", status="done")
    with pytest.raises(AttributeError):
        blocker.task_id = "b"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] -- that it fails is the point
