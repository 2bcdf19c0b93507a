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
