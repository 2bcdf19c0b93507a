"""Tests of `protocol.cli.text`: nothing that a task says is obeyed by a terminal."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.cli.text import block, duration, elapsed, json_text, local_time, one_line

HOSTILE = {
    "escape": ("\x1b[31mred", "\\x1b[31mred"),
    "c1_csi": ("\x9b31m", "\\x9b31m"),
    "bell": ("a\x07b", "a\\x07b"),
    "delete": ("a\x7f", "a\\x7f"),
    "right_to_left_override": ("a\u202eb", "a\\u202eb"),
    "zero_width_space": ("a\u200bb", "a\\u200bb"),
    "line_separator": ("a\u2028b", "a\\u2028b"),
    "tag_character": ("\U000e0041", "\\ue0041"),
    "carriage_return": ("done\rfail", "done fail"),
    "backspace": ("ok\x08\x08no", "ok\\x08\\x08no"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_a_character_that_a_terminal_obeys_is_shown_by_its_code(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_text_of_many_lines_becomes_one() -> None:
    assert one_line("  one\n\ttwo\r\n  three ") == "one two three"


def test_ordinary_writing_of_any_script_is_left_alone() -> None:
    for text in ("naïve “quoted”", "日本語", "नमस्\u200dते", "👩\u200d🔬", "עברית"):
        assert one_line(text) == text
        assert block(text) == [text]


def test_a_block_keeps_its_lines_and_shows_what_is_hidden_in_them() -> None:
    assert block("one\r\n\ttwo\x1b[2J\n\n") == ["one", "    two\\x1b[2J"]
    assert block("") == [""]


@given(st.text())
def test_no_text_brings_a_control_character_to_the_screen(text: str) -> None:
    for line in (one_line(text), *block(text)):
        assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in line)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_stays_the_same_document_however_it_is_escaped(text: str) -> None:
    for options in ({}, {"pretty": True}, {"ascii_only": True}):
        shown = json_text({"text": text}, **options)
        assert json.loads(shown) == {"text": text}
        assert not any(0x7F <= ord(c) < 0xA0 for c in shown)


def test_json_for_programs_is_one_line_and_for_people_indented() -> None:
    assert json_text({"a": [1]}) == '{"a":[1]}'
    assert json_text({"a": [1]}, pretty=True) == '{\n  "a": [\n    1\n  ]\n}'


def test_json_in_ascii_has_only_ascii() -> None:
    assert json_text("é😀", ascii_only=True) == '"\\u00e9\\ud83d\\ude00"'


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (7_500, "2 h 5 min"),
        (360_000, "4 d 4 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_elapsed_is_the_time_between_two_moments() -> None:
    assert elapsed("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:12.900Z") == "12 s"


def test_a_moment_of_today_is_told_by_its_time_only_in_the_local_zone() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    assert local_time("2026-01-31T09:30:00.000Z", now) == "11:30:00"


def test_a_moment_of_another_day_carries_its_date() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert local_time("2026-01-30T23:59:59.999Z", now) == "2026-01-30 23:59:59"
