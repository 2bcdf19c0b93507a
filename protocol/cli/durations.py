"""Options whose value is a length of time, such as `--finished-older-than 30d`.

Owns the click type of them. The notation itself is `protocol.durations`.
"""

from typing import Any

import click

from protocol.durations import parse_duration, to_duration

__all__ = ["Duration"]


class Duration(click.ParamType[float]):
    """A length of time; the command gets seconds. `shortest` seconds are the least it takes."""

    name = "duration"

    def __init__(self, shortest: float = 0) -> None:
        self._shortest = shortest

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        del param, ctx
        return "DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):  # a default
            return float(value)
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if seconds < self._shortest:
            self.fail(f"'{value}' is shorter than {to_duration(self._shortest)}.", param, ctx)
        return seconds
