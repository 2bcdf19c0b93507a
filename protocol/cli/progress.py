"""How far a long command is: a bar on a terminal, nothing anywhere else.

Owns the look of the bar. It is drawn on stderr, and gone when the work is done.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Advance", "progress"]

Advance = Callable[[int], None]
"""Takes how many more are done."""


@contextmanager
def progress(what: str, total: int | None, *, shown: bool = True) -> Generator[Advance]:
    """A bar for the length of the block. `total` None: it is not known how many there are."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        # Drawn when something was done, by nobody but this thread.
        auto_refresh=False,
        transient=True,
        disable=not (shown and sys.stderr.isatty()),
    ) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int) -> None:
            bar.update(task, advance=done, refresh=True)

        yield advance
