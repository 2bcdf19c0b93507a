"""The state diagram is drawn from the transitions, and complete."""

from protocol.models import STATUSES
from tests.docs.diagram import PAGE, arrows, page


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generate`"


def test_every_status_can_be_entered_and_left() -> None:
    found = arrows()
    assert {new for _, _, new in found} == {*STATUSES, "[*]"}
    assert {old for old, _, _ in found} == {*STATUSES, "[*]"}
    assert ("working", "claim_task", "working") not in found
    assert not any(label == "claim_task" and old != "available" for old, label, _ in found)


def test_time_moves_tasks_and_a_restart_moves_none() -> None:
    found = arrows()
    assert {label for _, label, _ in found} >= {
        "lease lapsed",
        "timeoutSeconds over",
        "connection lost",
        "moment arrived",
        "last dependency done",
        "dependency reset",
    }
    assert ("scheduled", "moment arrived", "available") in found
    assert {new for _, label, new in found if label == "lease lapsed"} == {
        "blocked",
        "scheduled",
        "available",
        "failed",
    }
    assert not any(label == "server restarted" for _, label, _ in found)
