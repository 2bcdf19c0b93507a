"""Tests of `protocol.cli.event_view`: what happened, each on one line."""

from typing import Any, get_args

import pytest

from protocol.cli.event_view import event_line, event_text
from protocol.cli.screen import Screen
from protocol.models import EventType
from protocol.vocabulary import EVENT_MEANINGS
from tests.protocol.cli.samples import LATER, MOMENT, NARROW, NOW, PIPE, TERMINAL, an_event

TYPES = get_args(EventType)

TOLD: list[tuple[str, dict[str, Any], str]] = [
    ("task_added", {"status": "blocked"}, "blocked"),
    (
        "task_added",
        {"status": "available", "data": {"template": "release"}},
        "available, from template release",
    ),
    ("task_added", {"status": "done", "data": {"imported": True}}, "done, imported"),
    ("task_edited", {"data": {"fields": ["priority", "tags"]}}, "changed: priority, tags"),
    ("task_unblocked", {"status": "scheduled"}, "now scheduled"),
    ("task_ready", {"status": "available"}, "now available"),
    (
        "task_claimed",
        {"attempt": 2, "slot": 3, "data": {"waitedSeconds": 12.4}},
        "attempt 2 in slot 3, after 12 s",
    ),
    ("task_progress", {"data": {"progress": 0.5, "note": "half"}}, "50%: half"),
    ("task_progress", {"data": {"progress": 0}}, "0%"),
    ("task_noted", {"data": {"note": "look\nhere"}}, "look here"),
    ("task_noted", {"data": {"note": "look", "by": "w2"}}, "w2: look"),
    ("task_released", {"data": {"cause": "task_released", "note": "b"}}, "handed back: b"),
    ("resources_reserved", {"data": {"resources": ["a", "b/"]}}, "reserved: a, b/"),
    (
        "task_done",
        {"attempt": 1, "data": {"output": "all green", "workedSeconds": 0.25}},
        "attempt 1, in 0.2 s: all green",
    ),
    (
        "task_failed",
        {"attempt": 1, "data": {"error": "red", "workedSeconds": 75}},
        "attempt 1, after 1 min: red",
    ),
    ("task_failed", {"attempt": 5, "data": {"cause": "timeout"}}, "attempt 5: took too long"),
    (
        "task_retrying",
        {"attempt": 1, "data": {"error": "red", "retryAt": LATER}},
        f"again at {LATER}, attempt 1: red",
    ),
    (
        "task_lapsed",
        {"attempt": 1, "status": "available", "data": {"cause": "lease"}},
        "no sign of life, attempt 1, now available",
    ),
    (
        "task_lapsed",
        {"attempt": 1, "status": "available", "data": {"cause": "disconnected"}},
        "its connection is lost, attempt 1, now available",
    ),
    (
        "task_released",
        {"data": {"cause": "slot_released", "note": "see b"}},
        "handed back, its slot was given back: see b",
    ),
    ("task_released", {"data": {"cause": "not_yet_known"}}, "handed back, not yet known"),
    ("task_overdue", {"status": "working"}, "past its deadline, working"),
    (
        "task_reset",
        {"status": "available", "data": {"previousStatus": "failed"}},
        "was failed, now available",
    ),
    ("tasks_cleaned", {"data": {"removed": 3, "backup": "x.db"}}, "3 tasks removed, backup x.db"),
    ("tasks_pruned", {"data": {"removed": 3, "archive": "x"}}, "3 tasks removed, archive x"),
    ("tasks_pruned", {"data": {"events": 9, "archive": "x"}}, "9 old events removed, archive x"),
    ("slot_claimed", {"slot": 1}, "taken"),
    ("slot_claimed", {"slot": 1, "data": {"resumed": True}}, "its worker is back"),
    ("slot_released", {"slot": 1, "data": {"cause": "slot_released"}}, "given back"),
    (
        "slot_released",
        {"slot": 1, "data": {"cause": "slots_reduced"}},
        "given back: there are fewer slots now",
    ),
    ("slot_lapsed", {"slot": 1, "data": {"cause": "lease"}}, "given back: no sign of life"),
    ("slots_changed", {"data": {"slots": 8, "previous": 5}}, "8 worker slots, before 5"),
    ("claims_paused", {"data": {"reason": "a move"}}, "nobody may claim: a move"),
    ("claims_resumed", {}, "workers may claim again"),
    ("template_saved", {"data": {"name": "release"}}, "template: release"),
]


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_of_event_has_words_of_its_own_and_a_symbol(type_: str) -> None:
    event = an_event(type_)
    piped = event_line(PIPE, event, NOW).split(maxsplit=5)
    shown = event_line(TERMINAL, event, NOW).split(maxsplit=6)
    assert piped[:5] == ["7", MOMENT, type_, "-", "-"]
    assert piped[5].strip() == event_text(PIPE, event, NOW)
    assert len(shown[2]) == 1
    assert shown[3] == type_


def test_the_words_are_those_of_the_vocabulary() -> None:
    assert set(TYPES) == set(EVENT_MEANINGS)


@pytest.mark.parametrize(("type_", "fields", "text"), TOLD)
def test_what_there_is_to_say_is_said(type_: str, fields: dict[str, Any], text: str) -> None:
    assert event_text(PIPE, an_event(type_, **fields), NOW) == text


@pytest.mark.parametrize("type_", TYPES)
def test_data_of_another_kind_does_no_harm(type_: str) -> None:
    names = ("output", "error", "cause", "progress", "waitedSeconds", "workedSeconds", "fields")
    for odd in ({"a": 1}, [None], "x", 5, True):
        assert event_text(PIPE, an_event(type_, data=dict.fromkeys(names, odd)), NOW)


def test_the_moment_of_a_retry_is_told_as_people_read_it() -> None:
    event = an_event("task_retrying", attempt=1, data={"retryAt": LATER})
    assert event_text(TERMINAL, event, NOW) == "again at 12:04:30, attempt 1"


def test_a_line_has_number_moment_type_subject_and_worker_before_the_words() -> None:
    event = an_event("task_claimed", task_id="a", worker_id="w1")
    assert event_line(PIPE, event, NOW).split() == [
        *("7", MOMENT, "task_claimed", "a", "w1", "claimed")
    ]


def test_on_a_terminal_it_has_a_symbol_and_the_time_of_day() -> None:
    event = an_event("slot_released", slot=3)
    assert event_line(TERMINAL, event, NOW).split() == [
        *("7", "09:30:00", "◂", "slot_released", "slot=3", "-", "given", "back")
    ]


def test_a_long_text_is_cut_to_the_terminal_and_to_a_bound_in_a_pipe() -> None:
    event = an_event("task_done", task_id="a", worker_id="w1", data={"output": "word " * 1_000})
    assert len(event_line(NARROW, event, NOW)) <= 81
    assert event_line(NARROW, event, NOW).endswith("…\n")
    assert event_line(Screen(terminal=True, unicode=False), event, NOW).endswith("...\n")
    assert len(event_text(PIPE, event, NOW)) <= 200


def test_an_event_of_a_hostile_worker_stays_one_harmless_line() -> None:
    event = an_event(
        "task_done",
        task_id="[red]x[/red]",
        worker_id="w\n\x1b[31m",
        data={"output": "a\nb\x1b[2J[red]c"},
    )
    shown = event_line(TERMINAL, event, NOW)
    assert "[red]x[/red]" in shown
    assert "w \\x1b[31m" in shown
    assert shown.endswith("done: a b\\x1b[2J[red]c\n")
    assert shown.count("\n") == 1
