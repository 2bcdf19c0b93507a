"""The book of what a process holds: learned from answers, compared with heartbeats."""

from typing import Any

from mcp_client.arguments import completed
from mcp_client.holdings import CLAIMS_MAX, Holdings
from protocol.methods import METHODS
from protocol.results import HeartbeatReply, HeldSlot


def slot_claimed(holdings: Holdings, slot: int, worker: str, caller: str, **more: Any) -> None:
    result = {"slot": slot, "workerId": worker, **more}
    holdings.heard("claim_worker_slot", {}, result, caller)


def task_claimed(holdings: Holdings, task_id: str, worker: str, token: str = "7") -> None:
    result = {"task": {"id": task_id}, "claimToken": token, "remaining": 1}
    holdings.heard("claim_next_task", {"workerId": worker}, result, worker)


def beat(*held: HeldSlot, **orders: Any) -> HeartbeatReply:
    said: dict[str, Any] = {"cancelled": [], "paused": False, "draining": False, **orders}
    return HeartbeatReply(held=list(held), lease_seconds=60.0, **said)


def held(slot: int, worker: str, task_id: str | None = None) -> HeldSlot:
    return HeldSlot(
        slot=slot, worker_id=worker, task_id=task_id, lease_expires_at="2026-01-31T09:30:00.000Z"
    )


def fill(holdings: Holdings, name: str, caller: str, **arguments: Any) -> dict[str, Any]:
    return completed(METHODS[name], arguments, caller, holdings)


# --- who is meant -----------------------------------------------------------------------------


def test_left_out_means_the_caller_and_its_slot() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 2, "me", "me")
    assert fill(holdings, "claim_task", "me", taskId="a") == {
        "taskId": "a",
        "workerId": "me",
        "workerSlot": 2,
    }
    assert fill(holdings, "release_worker_slot", "me") == {"workerId": "me", "slot": 2}


def test_a_name_that_the_caller_gave_to_its_slot_is_meant_from_then_on() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 2, "worker-1", "me")
    assert fill(holdings, "claim_next_task", "me")["workerId"] == "worker-1"
    assert fill(holdings, "claim_worker_slot", "me")["workerId"] == "worker-1"


def test_with_several_names_none_is_guessed() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "one", "me")
    slot_claimed(holdings, 2, "two", "me")
    assert fill(holdings, "claim_next_task", "me")["workerId"] == "me"
    task_claimed(holdings, "a", "two")
    report = fill(holdings, "update_task", "me", taskId="a", status="done")
    assert (report["workerId"], report["claimToken"]) == ("two", "7")
    assert fill(holdings, "add_note", "me", taskId="a", note="x")["workerId"] == "me"
    assert fill(holdings, "release_worker_slot", "me", slot=2)["workerId"] == "two"


def test_what_is_passed_wins() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me")
    task_claimed(holdings, "a", "me")
    report = fill(
        holdings, "update_task", "me", taskId="a", status="done", workerId="w", claimToken="3"
    )
    assert (report["workerId"], report["claimToken"]) == ("w", "3")
    claim = fill(holdings, "claim_task", "me", taskId="a", workerId="w", workerSlot=9)
    assert (claim["workerId"], claim["workerSlot"]) == ("w", 9)


def test_a_token_is_not_lent_to_another_worker() -> None:
    holdings = Holdings()
    task_claimed(holdings, "a", "me")
    assert "claimToken" not in fill(
        holdings, "update_task", "me", taskId="a", status="done", workerId="w"
    )


def test_a_filter_is_left_alone_and_nonsense_is_left_to_the_server() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me")
    assert fill(holdings, "list_tasks", "me") == {}
    assert fill(holdings, "get_stats", "me") == {}
    nonsense = fill(holdings, "update_task", "me", taskId=["a"], status="done")
    assert nonsense["taskId"] == ["a"]


# --- what is told -----------------------------------------------------------------------------


def test_a_cancelled_task_is_told_once_although_it_is_said_again() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me")
    task_claimed(holdings, "a", "me")
    for _ in range(2):
        holdings.ordered(beat(held(1, "me"), cancelled=["a"]))
        holdings.renewed([held(1, "me")])
    assert holdings.take_notices("me") == (
        "Task `a` was cancelled or taken back: stop working on it.",
    )
    assert holdings.take_notices("me") == ()
    task_claimed(holdings, "a", "me")
    holdings.ordered(beat(held(1, "me"), cancelled=["a"]))
    assert len(holdings.take_notices("me")) == 1


def test_a_task_that_left_its_slot_without_an_order_is_told_as_well() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me", taskId="a", claimToken="7")
    holdings.renewed([held(1, "me", "a")])
    assert holdings.take_notices("me") == ()
    holdings.renewed([held(1, "me")])
    assert "`a`" in holdings.take_notices("me")[0]


def test_what_a_worker_ended_itself_is_no_news() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me")
    for task_id in ("a", "b", "c"):
        task_claimed(holdings, task_id, "me")
    holdings.heard("update_task", {"taskId": "a", "status": "done"}, {}, "me")
    holdings.heard("release_task", {"taskId": "b"}, {}, "me")
    holdings.heard("release_worker_slot", {}, {"slot": 1}, "me")
    holdings.renewed([])
    assert holdings.take_notices("me") == ()
    assert not holdings.is_working("me")


def test_a_report_of_progress_ends_nothing() -> None:
    holdings = Holdings()
    task_claimed(holdings, "a", "me")
    holdings.heard("update_task", {"taskId": "a", "status": "working"}, {}, "me")
    assert holdings.is_working("me")


def test_a_lost_slot_is_told_with_its_task_at_once() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "me", "me")
    task_claimed(holdings, "a", "me")
    holdings.renewed([])
    (notice,) = holdings.take_notices("me")
    assert "Slot 1 of `me`" in notice
    assert holdings.slot_of("me") is None


def test_a_slot_of_the_session_that_is_not_in_the_book_is_entered() -> None:
    holdings = Holdings()
    holdings.renewed([held(3, "me")])
    assert holdings.slot_of("me") == 3
    assert holdings.take_notices("me") == ()


def test_pauses_and_draining_are_told_when_they_change() -> None:
    holdings = Holdings()
    for paused, draining, told in [
        (True, False, "paused"),
        (True, True, "fewer workers"),
        (False, True, "no longer paused"),
        (False, False, None),
    ]:
        for _ in range(2):
            holdings.ordered(beat(paused=paused, draining=draining))
        notices = holdings.take_notices("me")
        assert len(notices) == (told is not None)
        assert told is None or told in notices[0]


def test_workers_that_share_a_process_hear_what_concerns_them() -> None:
    holdings = Holdings()
    slot_claimed(holdings, 1, "one", "me")
    slot_claimed(holdings, 2, "two", "me")
    task_claimed(holdings, "a", "two")
    holdings.ordered(beat(cancelled=["a"]))
    assert holdings.take_notices("one") == ()
    assert len(holdings.take_notices("two")) == 1


def test_old_claims_are_forgotten_in_the_end() -> None:
    holdings = Holdings()
    for number in range(CLAIMS_MAX + 1):
        task_claimed(holdings, f"t{number}", "me")
    assert len(holdings.claims) == CLAIMS_MAX
    assert "t0" not in holdings.claims
