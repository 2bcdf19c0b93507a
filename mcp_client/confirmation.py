"""Has an agent say twice what cannot be taken back.

Owns the tokens that the first call hands out and the second one brings. Must not know what is
confirmed, or how it is carried out.
"""

import secrets
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import trio

from protocol.errors import CoordinatorError

__all__ = ["VALID_SECONDS", "ConfirmationNeeded", "Confirmations"]

VALID_SECONDS: Final = 300.0


class ConfirmationNeeded(CoordinatorError):
    """Nothing was changed yet; `data.confirm` is the token for the second call."""

    reason: ClassVar[str] = "confirmation_needed"


@dataclass(frozen=True, slots=True)
class _Asked:
    token: str
    until: float


class Confirmations:
    """The tokens that wait to be brought back; one per call, the newest counts."""

    def __init__(self) -> None:
        self._asked: dict[bytes, _Asked] = {}

    def ask(self, call: bytes) -> str:
        """A new token for this call and no other, good for `VALID_SECONDS`."""
        token = secrets.token_hex(4)
        self._asked = {call: _Asked(token, trio.current_time() + VALID_SECONDS)}
        return token

    def accepts(self, call: bytes, token: Any) -> bool:
        """Whether the token was handed out for this call and is still good."""
        asked = self._asked.get(call)
        return asked is not None and token == asked.token and trio.current_time() <= asked.until

    def done(self, call: bytes) -> None:
        """The call was answered: its token is spent."""
        self._asked.pop(call, None)
