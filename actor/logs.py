"""The server's log: plain lines on stderr.

Owns the format, and the rule that nothing from a client can forge a line or drive a terminal:
control characters are shown escaped. Must not know what is logged.
"""

import logging
import re

__all__ = ["CannotAccept", "EscapingFormatter", "configure"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_QUIET = ("task_coordinator.websockets", "websockets", "hypercorn.access")
_ACCEPTING = "trio.serve_listeners"
"""Where Trio reports, with a stack trace and ten times a second, that it cannot accept."""
REPEAT_SECONDS = 60.0


class EscapingFormatter(logging.Formatter):
    """Escapes control characters in messages; tracebacks of defects stay readable."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the library's name
        record.message = _CONTROL.sub(_escape, record.message)
        return super().formatMessage(record)


class CannotAccept(logging.Filter):
    """Makes a line that names the fix of a report that no connection can be accepted, and lets it
    through once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._quiet_until:
            return False
        self._quiet_until = record.created + REPEAT_SECONDS
        error = record.exc_info[1] if record.exc_info else None
        record.msg = "no more connections can be accepted (%s): raise the limit of open files"
        record.args = (getattr(error, "strerror", None) or "unknown reason",)
        record.exc_info = None
        return True


def configure(level: str) -> None:
    """Send the log to stderr at `level` (`debug`, `info`, `warning` or `error`)."""
    handler = logging.StreamHandler()
    handler.setFormatter(EscapingFormatter("%(asctime)s %(levelname)-7s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        # Every connection that comes and goes is of interest at level debug only.
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "ERROR")
    accepting = logging.getLogger(_ACCEPTING)
    accepting.filters = [CannotAccept()]


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
