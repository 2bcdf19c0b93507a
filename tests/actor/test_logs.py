"""Nothing that a client sends can forge a line of the log."""

import logging

from actor.logs import EscapingFormatter


def test_control_characters_are_shown_escaped() -> None:
    hostile = "x\nERROR forged\x1b[31m\u202e"
    record = logging.LogRecord("a", logging.INFO, "f", 1, "got %s", (hostile,), None)
    assert EscapingFormatter("%(message)s").format(record) == (
        "got x\\nERROR forged\\x1b[31m\\u202e"
    )
