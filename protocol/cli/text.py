"""Text for people: untrusted text made harmless, times and durations made readable.

Owns what may reach a terminal. A description or a worker's name is written by whoever adds a
task, so control characters, invisible marks and marks that turn the reading direction are shown
by their code instead of being obeyed. Pure: must not know tables, colours or streams.
"""

import json
import re
from datetime import datetime

import msgspec

__all__ = [
    "block",
    "duration",
    "elapsed",
    "fine_duration",
    "json_text",
    "local_time",
    "one_line",
    "seconds_between",
    "shortened",
]

# C0, DEL and C1 controls, soft hyphen, marks of direction, line and paragraph separators,
# invisible operators, byte order mark, interlinear marks, lone surrogates and tag characters.
# U+200C and U+200D stay: Persian and Indic scripts and joined emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BEYOND_ASCII = re.compile("[^\x20-\x7e]")


def one_line(text: str) -> str:
    """The text on a single line: white space runs become one space, unsafe characters visible."""
    return _UNSAFE.sub(_visible, re.sub(r"[ \t\r\n\v\f]+", " ", text).strip())


def block(text: str) -> list[str]:
    """The lines of a longer text, each safe to show; never empty."""
    lines = text.replace("\r\n", "\n").expandtabs(4).rstrip("\n").split("\n")
    return [_UNSAFE.sub(_visible, line) for line in lines]


def shortened(text: str, length: int) -> str:
    """The text on a single line of at most `length` characters, ending in `...` if it was cut."""
    whole = one_line(text)
    return whole if len(whole) <= length else f"{whole[: length - 3].rstrip()}..."


def json_text(value: object, *, pretty: bool = False, ascii_only: bool = False) -> str:
    """One JSON document, without a newline at its end.

    What JSON lets pass but a terminal would obey is escaped; that changes no value.
    """
    encoded = msgspec.json.encode(value)
    if pretty:
        encoded = msgspec.json.format(encoded, indent=2)
    unsafe = _BEYOND_ASCII if ascii_only else _UNSAFE
    # Line ends only stand between the tokens of a pretty document.
    return "\n".join(unsafe.sub(_escaped, line) for line in encoded.decode().split("\n"))


def duration(seconds: float) -> str:
    """A rough length of time: `12 s`, `5 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def fine_duration(seconds: float) -> str:
    """As `duration`, but with a decimal below ten seconds: `0.4 s`."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 9.95 else duration(seconds)


def elapsed(since: str, now: str) -> str:
    """The time between two RFC 3339 moments, as `duration` puts it."""
    return duration(seconds_between(since, now))


def seconds_between(since: str, until: str) -> float:
    """From one RFC 3339 moment to another; negative where the second comes first."""
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


def local_time(moment: str, now: datetime) -> str:
    """An RFC 3339 moment in the zone of `now`: the time of day, after the date if not today."""
    local = datetime.fromisoformat(moment).astimezone(now.tzinfo)
    return local.strftime("%H:%M:%S" if local.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]
