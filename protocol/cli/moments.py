"""Moments as people write them on a command line: `2h` from now, local time, RFC 3339.

Owns that notation and the click type of options that take it. A moment without an offset is one of
this machine's clock. Must not know what a moment is for, nor judge whether it is past.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from protocol.durations import parse_duration

__all__ = ["MOMENT_HELP", "Moment", "parse_moment"]

ABSOLUTE_HELP: Final = (
    "a time of this machine (2026-01-31T09:30) or one with an offset (2026-01-31T09:30:00Z)"
)
MOMENT_HELP: Final = f"a length of time from now (10m, 2h, 3d), {ABSOLUTE_HELP}"

_ABSOLUTE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_LENGTH: Final = re.compile(r"[\d.]+[wdhms][\dwdhms.]*", re.ASCII | re.IGNORECASE)


def parse_moment(text: str, now: datetime | None) -> str:
    """The moment in RFC 3339, UTC, milliseconds. What has no offset is local time.

    A length of time counts from `now`, which is aware; with None, none is taken.

    Raises:
        ValueError: the text is no moment; the message says what to write.
    """
    word = text.strip()
    try:
        if now is not None and _LENGTH.fullmatch(word):
            return _utc(now + timedelta(seconds=parse_duration(word)))
        if _ABSOLUTE.fullmatch(word) is None:
            raise ValueError(f"write {ABSOLUTE_HELP if now is None else MOMENT_HELP}")
        moment = datetime.fromisoformat(word.upper())
        return _utc(moment if moment.tzinfo else moment.astimezone())
    except OverflowError:
        raise ValueError("it is beyond the calendar") from None


def _utc(moment: datetime) -> str:
    shown = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")


class Moment(click.ParamType[str]):
    """A moment; the command gets it in RFC 3339, UTC."""

    name = "time"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        del param, ctx
        return "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_moment(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(f"'{value}' is no moment: {error}.", param, ctx)
