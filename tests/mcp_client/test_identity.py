"""Worker ids: the person's word, the host's session, or chance."""

from typing import Any

import pytest

from mcp_client.identity import Identity

SESSION = "5c0e7a52-6a5b-4a0e-9f4e-0c2f6d2b9a11"
CLAUDE = {"CLAUDE_CODE_SESSION_ID": SESSION}


def test_what_a_person_configured_settles_the_matter() -> None:
    identity = Identity("worker-1", CLAUDE)
    assert identity.worker_id("claude-code") == "worker-1"
    assert identity.worker_id("codex-mcp-client", {"threadId": "t"}) == "worker-1"


@pytest.mark.parametrize("configured", ["", "a\u200bb", "x" * 201])
def test_what_cannot_be_an_id_is_refused_at_once(configured: str) -> None:
    with pytest.raises(ValueError, match="--worker-id"):
        Identity(configured, {})


def test_the_same_session_of_claude_code_is_the_same_worker_in_every_process() -> None:
    ids = {Identity(None, CLAUDE).worker_id("claude-code") for _ in range(2)}
    assert ids == {f"claude-code-{SESSION}"}


def test_a_host_that_claude_code_started_does_not_pass_for_it() -> None:
    assert SESSION not in Identity(None, CLAUDE).worker_id("gemini-cli-mcp-client")


@pytest.mark.parametrize(
    ("client", "meta", "worker"),
    [
        ("codex-mcp-client", {"threadId": "t-1"}, "codex-t-1"),
        ("Visual Studio Code", {"vscode.conversationId": "c-1"}, "visual-studio-code-c-1"),
    ],
)
def test_conversations_that_share_a_process_are_workers_of_their_own(
    client: str, meta: dict[str, Any], worker: str
) -> None:
    identity = Identity(None, {})
    assert identity.worker_id(client, meta) == worker
    other = {name: f"{value}0" for name, value in meta.items()}
    assert identity.worker_id(client, other) == f"{worker}0"


def test_without_a_session_chance_decides_once_per_process() -> None:
    one, two = Identity(None, {}), Identity(None, {})
    assert one.worker_id("cursor-vscode") == one.worker_id("cursor-vscode")
    assert one.worker_id("cursor-vscode") != two.worker_id("cursor-vscode")
    assert one.worker_id("cursor-vscode").startswith("cursor-vscode-")
    assert one.worker_id(None).startswith("agent-")
    assert one.worker_id("☃").startswith("agent-")


@pytest.mark.parametrize("told", [17, None, "", {"id": "t"}, "x" * 300, "two\nlines"])
def test_a_session_that_cannot_be_an_id_is_as_good_as_none(told: object) -> None:
    identity = Identity(None, {})
    chance = identity.worker_id("codex-mcp-client")
    assert identity.worker_id("codex-mcp-client", {"threadId": told}) == chance
