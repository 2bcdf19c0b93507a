"""The archive: whole lines, durable, and nothing half written after a failure."""

import json
from pathlib import Path
from typing import Any

import pytest

from actor.archive import Archive, ArchiveFailed, event_lines, task_lines
from protocol.models import Event
from tests.actor.store.contract import AT_MS, AWKWARD, TIME, task
from tests.actor.store.files import files_cannot_grow_beyond, names

FILE = "tasks.archive-20260131.jsonl"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    database = tmp_path / "tasks.db"
    database.touch()
    database.chmod(0o640)
    return Archive(database)


def events(*seqs: int) -> list[Event]:
    return [Event(seq=seq, time=TIME, type="task_added", task_id="TASK-1") for seq in seqs]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_task_is_one_line_with_its_wire_fields_and_its_events(
    archive: Archive, tmp_path: Path
) -> None:
    record = task(status="done", output=AWKWARD, dependencies=("a",), completed_ms=AT_MS)
    history = {"TASK-1": events(1, 2), "other": events(3)}
    assert archive.append(task_lines("web", [record], history), AT_MS) == FILE
    (line,) = lines(tmp_path / FILE)
    assert (line["kind"], line["project"]) == ("task", "web")
    assert line["task"] == {
        "id": "TASK-1",
        "description": "do it",
        "status": "done",
        "priority": 0,
        "dependencies": ["a"],
        "tags": [],
        "attempt": 0,
        "version": 1,
        "createdAt": TIME,
        "updatedAt": TIME,
        "output": AWKWARD,
        "completedAt": TIME,
    }
    assert [event["seq"] for event in line["events"]] == [1, 2]


def test_an_event_is_one_line(archive: Archive, tmp_path: Path) -> None:
    archive.append(event_lines("default", events(7, 8)), AT_MS)
    assert lines(tmp_path / FILE)[1] == {
        "kind": "event",
        "project": "default",
        "event": {"seq": 8, "time": TIME, "type": "task_added", "taskId": "TASK-1"},
    }


def test_lines_of_one_day_follow_one_another_in_one_file(archive: Archive, tmp_path: Path) -> None:
    for seq in (1, 2):
        archive.append(event_lines("default", events(seq)), AT_MS)
    later = archive.append(event_lines("default", events(3)), AT_MS + 86_400_000)
    assert [line["event"]["seq"] for line in lines(tmp_path / FILE)] == [1, 2]
    assert later == "tasks.archive-20260201.jsonl"
    assert names(tmp_path) == {"tasks.db", FILE, later}


def test_whoever_may_read_the_database_may_read_the_archive(
    archive: Archive, tmp_path: Path
) -> None:
    archive.append(event_lines("default", events(1)), AT_MS)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o640


def test_a_line_that_was_cut_off_spoils_no_other(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"kind":"event","proj')
    archive.append(event_lines("default", events(1)), AT_MS)
    cut, whole = (tmp_path / FILE).read_text().splitlines()
    assert cut == '{"kind":"event","proj'
    assert json.loads(whole)["event"]["seq"] == 1


def test_without_room_nothing_of_the_lines_stays(archive: Archive, tmp_path: Path) -> None:
    archive.append(event_lines("default", events(1)), AT_MS)
    before = (tmp_path / FILE).read_bytes()
    many = event_lines("default", events(*range(2, 1_000)))
    told = rf"{FILE} could not be written .*has room; nothing was removed"
    with files_cannot_grow_beyond(10_000), pytest.raises(ArchiveFailed, match=told):
        archive.append(many, AT_MS)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_link_is_not_followed(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveFailed):
        archive.append(event_lines("default", events(1)), AT_MS)
    assert not (tmp_path / "elsewhere").exists()


def test_a_vanished_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveFailed, match="No such file"):
        Archive(tmp_path / "gone" / "tasks.db").append([], AT_MS)
