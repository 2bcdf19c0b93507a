"""Host files: our entry goes in and out, whatever else is there stays."""

import json
import os
import stat
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_client.hosts import HostConfigError, entry, install, launcher, remove

NAME = "task-coordinator"
SERVER: dict[str, Any] = {
    "type": "stdio",
    "command": "/opt/bin/task-coordinator",
    "args": ["mcp"],
    "env": {"TASK_COORDINATOR_URL": "ws://127.0.0.1:3335"},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder; the working folder is another one below it."""
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_the_user_scope_is_the_file_at_home(home: Path) -> None:
    change = install("claude-code", "user", NAME, SERVER)
    assert change.changed
    assert change.backup is None
    assert change.path == home / ".claude.json"
    assert json.loads(change.path.read_text()) == {"mcpServers": {NAME: SERVER}}


def test_the_project_scope_is_the_file_in_the_working_folder(home: Path) -> None:
    change = install("claude-code", "project", NAME, SERVER)
    assert change.path == home / "work" / ".mcp.json"
    assert json.loads(change.path.read_text()) == {"mcpServers": {NAME: SERVER}}


def test_installing_twice_writes_once(home: Path) -> None:
    install("claude-code", "user", NAME, SERVER)
    file = home / ".claude.json"
    before = (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino)
    again = install("claude-code", "user", NAME, SERVER)
    assert not again.changed
    assert again.backup is None
    assert (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino) == before
    assert len(list(home.iterdir())) == 2


def test_everything_else_in_the_file_stays(home: Path) -> None:
    file = home / ".claude.json"
    old = '{\n    "z": 1.0,\n    "mcpServers": {"x": {"command": "é"}},\n    "a": "\\u00e9"\n}'
    file.write_text(old)
    install("claude-code", "user", NAME, SERVER)
    new = file.read_text()
    assert list(json.loads(new)) == ["z", "mcpServers", "a"]
    assert '"z": 1.0' in new
    assert '{"command": "é"}' in new
    assert '"a": "\\u00e9"' in new
    remove("claude-code", "user", NAME)
    assert file.read_text() == old


def test_a_backup_of_the_file_as_it_was_is_kept_beside_it(home: Path) -> None:
    file = home / ".claude.json"
    file.write_text('{"a": 1}')
    file.chmod(0o640)
    change = install("claude-code", "user", NAME, SERVER)
    assert change.backup is not None
    assert change.backup.parent == home
    assert change.backup.read_text() == '{"a": 1}'
    assert stat.S_IMODE(change.backup.stat().st_mode) == 0o640


def test_the_mode_of_the_file_is_kept(home: Path) -> None:
    file = home / ".claude.json"
    file.write_text("{}")
    file.chmod(0o604)
    install("claude-code", "user", NAME, SERVER)
    assert stat.S_IMODE(file.stat().st_mode) == 0o604


def test_a_new_user_file_is_private(home: Path) -> None:
    install("claude-code", "user", NAME, SERVER)
    assert stat.S_IMODE((home / ".claude.json").stat().st_mode) == 0o600


def test_a_symbolic_link_is_followed_and_stays_one(home: Path) -> None:
    (home / "dotfiles").mkdir()
    target = home / "dotfiles" / "claude.json"
    target.write_text("{}")
    (home / ".claude.json").symlink_to(target)
    change = install("claude-code", "user", NAME, SERVER)
    assert (home / ".claude.json").is_symlink()
    assert json.loads(target.read_text()) == {"mcpServers": {NAME: SERVER}}
    assert change.backup is not None
    assert change.backup.parent == target.parent


def test_other_options_replace_the_entry(home: Path) -> None:
    install("claude-code", "user", NAME, SERVER)
    changed = {**SERVER, "env": {"TASK_COORDINATOR_URL": "ws://elsewhere:3335"}}
    assert install("claude-code", "user", NAME, changed).changed
    assert json.loads((home / ".claude.json").read_text()) == {"mcpServers": {NAME: changed}}


def test_an_empty_file_counts_as_an_empty_object(home: Path) -> None:
    (home / ".claude.json").write_text(" \n")
    install("claude-code", "user", NAME, SERVER)
    assert json.loads((home / ".claude.json").read_text()) == {"mcpServers": {NAME: SERVER}}


def test_removing_takes_out_our_entry_only(home: Path) -> None:
    file = home / ".claude.json"
    file.write_text('{"mcpServers": {"other": {}}, "a": 1}')
    install("claude-code", "user", NAME, SERVER)
    change = remove("claude-code", "user", NAME)
    assert change.changed
    assert change.backup is not None
    assert json.loads(file.read_text()) == {"mcpServers": {"other": {}}, "a": 1}


@pytest.mark.parametrize("content", [None, "", "{}", '{"mcpServers": {"other": {}}}'])
def test_removing_what_is_not_there_changes_nothing(home: Path, content: str | None) -> None:
    file = home / ".claude.json"
    if content is not None:
        file.write_text(content)
    assert not remove("claude-code", "user", NAME).changed
    assert (file.read_text() if file.exists() else None) == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON (line 1, column 2"),
        (b'{"a": 1,\n}', "is not JSON (line 2, column 1"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"[]", "is not a JSON object"),
        (b'{"mcpServers": []}', "`mcpServers` in"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_left_alone(
    home: Path, content: bytes, said: str
) -> None:
    file = home / ".claude.json"
    file.write_bytes(content)
    for attempt in (
        partial(install, "claude-code", "user", NAME, SERVER),
        partial(remove, "claude-code", "user", NAME),
    ):
        with pytest.raises(HostConfigError) as caught:
            attempt()
        assert str(file) in caught.value.message
        assert said in caught.value.message
        assert "\n" not in caught.value.message
    assert file.read_bytes() == content
    assert len(list(home.iterdir())) == 2


def test_a_folder_in_the_place_of_the_file_is_named(home: Path) -> None:
    (home / ".claude.json").mkdir()
    with pytest.raises(HostConfigError, match="cannot be read"):
        install("claude-code", "user", NAME, SERVER)


def test_a_place_that_cannot_be_written_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home / "missing"))
    with pytest.raises(HostConfigError, match=r"cannot be written: No such file.*--print"):
        install("claude-code", "user", NAME, SERVER)


def test_a_failed_replacement_leaves_the_file_and_no_litter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".claude.json"
    file.write_text("{}")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HostConfigError, match="No space left"):
        install("claude-code", "user", NAME, SERVER)
    assert file.read_text() == "{}"
    assert len(list(home.iterdir())) == 2


def test_a_change_of_another_program_is_not_overwritten(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".claude.json"
    file.write_text("{}")
    real_fsync = os.fsync

    def meanwhile(descriptor: int) -> None:
        real_fsync(descriptor)
        file.write_text('{"theirs": 1}')

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(HostConfigError, match="changed by another program"):
        install("claude-code", "user", NAME, SERVER)
    assert file.read_text() == '{"theirs": 1}'


def test_the_entry_starts_this_installation_by_an_absolute_path() -> None:
    made = entry(url="ws://127.0.0.1:3335")
    assert Path(made["command"]).is_absolute()
    assert os.access(made["command"], os.X_OK)
    assert made["type"] == "stdio"
    assert made["args"][-1] == "mcp"
    assert made["env"] == {"TASK_COORDINATOR_URL": "ws://127.0.0.1:3335"}
    assert [made["command"], *made["args"]] == [*launcher(), "mcp"]


def test_a_script_beside_the_interpreter_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "task-coordinator"
    script.write_text("#!/bin/sh\n")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "argv", ["elsewhere"])
    assert launcher() == [str(tmp_path / "python"), "-m", "task_coordinator"]
    script.chmod(0o755)
    assert launcher() == [str(script)]


def test_project_and_token_are_in_the_entry_only_when_they_are_given() -> None:
    assert set(entry(url="ws://h")["env"]) == {"TASK_COORDINATOR_URL"}
    assert entry(url="ws://h", project="p", token="secret")["env"] == {
        "TASK_COORDINATOR_URL": "ws://h",
        "TASK_COORDINATOR_PROJECT": "p",
        "TASK_COORDINATOR_TOKEN": "secret",
    }
