"""Where answers are shown: a terminal with colours, or a pipe without.

Owns the look of tables, fields, lines and JSON in both. Every string that comes in is made
harmless here, so a view cannot forget to. A terminal gets what fits its width; a pipe gets one
row per line, never cut or wrapped, in aligned columns. Must not know tasks or slots.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

from protocol.cli.text import block, json_text, one_line

__all__ = ["WIDE_CELLS", "Cell", "Column", "Screen", "show"]

_GAP: Final = "  "
_FLEXIBLE_MIN: Final = 16
"""Cells that a flexible column keeps on a narrow terminal."""

WIDE_CELLS: Final = 110
"""A terminal of this width has room for more than the most necessary."""


class Cell(NamedTuple):
    """A piece of text with a colour; the colour never carries meaning alone."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A column of a table. On a terminal a `flexible` one is cut to the width that is left."""

    title: str
    align: Literal["left", "right"] = "left"
    flexible: bool = False


Field = tuple[str, Cell | str]


@dataclass(frozen=True, slots=True)
class Screen:
    """How to draw. Every method returns the text, ending in a newline; nothing is written.

    terminal: whether a person looks at it; otherwise it is plain text for a pipe or a file.
    colour: whether colours may be used; only on a terminal.
    unicode: whether the encoding has every character.
    width: of the terminal, in cells.
    """

    terminal: bool = False
    colour: bool = False
    unicode: bool = True
    width: int = 80

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str]) -> "Screen":
        """The screen for a stream, by what it is and what the environment asks for."""
        terminal = stream.isatty()
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        encoding = (stream.encoding or "ascii").lower().replace("-", "").replace("_", "")
        width = shutil.get_terminal_size().columns
        return cls(terminal, terminal and not plain, encoding.startswith("utf"), width)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]) -> str:
        """Rows below their titles, aligned in columns."""
        cells = [[_cell(entry) for entry in row] for row in rows]
        return self._rich_table(columns, cells) if self.terminal else _plain_table(columns, cells)

    def fields(self, fields: Sequence[Field]) -> str:
        """Names and their values; the lines of a longer value stand below one another, indented,
        so that no text can pass for another field."""
        margin = max((cell_len(name) for name, _ in fields), default=0) + len(_GAP)
        shown = Text()
        for name, value in fields:
            cell = _cell(value)
            first, *others = block(cell.text)
            shown.append(name.ljust(margin), "bold")
            for line in (first, *(" " * margin + other for other in others)):
                shown.append(line, cell.style).append("\n")
        return self._drawn(shown)

    def line(
        self, cells: Sequence[Cell | str], widths: Sequence[int] = (), *, fit: bool = False
    ) -> str:
        """Cells on one line, each padded to the width of its place.

        With `fit`, a terminal gets as much of the last one as its width leaves room for.
        """
        shown = Text()
        for index, entry in enumerate(cells):
            cell = _cell(entry)
            text = one_line(cell.text)
            last = index == len(cells) - 1
            if fit and last and self.terminal:
                text = self._cut(text, max(_FLEXIBLE_MIN, self.width - shown.cell_len))
            width = widths[index] if index < len(widths) and not last else 0
            shown.append(text, cell.style).append("" if last else _padding(text, width) + _GAP)
        shown.rstrip()
        return self._drawn(shown.append("\n"))

    def json(self, value: object) -> str:
        """A JSON document for people: indented, coloured on a terminal."""
        shown = Text(json_text(value, pretty=True, ascii_only=not self.unicode) + "\n")
        JSONHighlighter().highlight(shown)
        return self._drawn(shown)

    def document(self, value: object) -> str:
        """A JSON document for programs: one line, never coloured."""
        return json_text(value, ascii_only=not self.unicode) + "\n"

    def _cut(self, text: str, width: int) -> str:
        """The text within so many cells, ending in a sign of what was cut."""
        if cell_len(text) <= width:
            return text
        mark = "…" if self.unicode else "..."
        return set_cell_size(text, width - len(mark)).rstrip() + mark

    def _drawn(self, text: Text) -> str:
        return self._rendered(text) if self.colour else text.plain

    def _rendered(self, content: RenderableType, width: int | None = None) -> str:
        """What a console of this colour, and of this width in cells, makes of it."""
        console = Console(
            force_terminal=True,
            color_system="auto" if self.colour else None,
            no_color=not self.colour,
            width=width or self.width,
            highlight=False,
            markup=False,
            emoji=False,
        )
        with console.capture() as captured:
            console.print(content, soft_wrap=isinstance(content, Text), end="")
        return captured.get()

    def _rich_table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
        kept = [
            (column, [Text(one_line(row[index].text), row[index].style) for row in rows])
            for index, column in enumerate(columns)
            if not rows or any(row[index].text for row in rows)
        ]
        fixed = sum(
            max(text.cell_len for text in [Text(column.title), *texts]) + len(_GAP)
            for column, texts in kept
            if not column.flexible
        )
        left = max(_FLEXIBLE_MIN, self.width - fixed)
        table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
        for column, _ in kept:
            table.add_column(
                Text(column.title),
                justify=column.align,
                no_wrap=True,
                max_width=left if column.flexible else None,
            )
        for cells in zip(*(texts for _, texts in kept), strict=True):
            table.add_row(*cells)
        # Only flexible columns are ever cut: an id is there to be copied. Where the rest does not
        # fit, the terminal breaks the line.
        return self._rendered(table, fixed + left)


def show(text: str) -> None:
    """Write to stdout, at once.

    Raises:
        BrokenPipeError: the reader is gone.
    """
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        # An old locale: what it cannot show is escaped rather than lost with the whole answer.
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _cell(entry: Cell | str) -> Cell:
    return Cell(entry) if isinstance(entry, str) else entry


def _padding(text: str, width: int) -> str:
    return " " * max(0, width - cell_len(text))


def _plain_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [[column.title.upper() for column in columns]]
    # An empty cell would move those after it for whoever splits a line at its spaces.
    lines += [[one_line(cell.text) or "-" for cell in row] for row in rows]
    widths = [max(cell_len(line[index]) for line in lines) for index in range(len(columns))]
    rights = [column.align == "right" for column in columns]
    shown: list[str] = []
    for line in lines:
        parts = [
            f"{_padding(text, width)}{text}" if right else f"{text}{_padding(text, width)}"
            for text, width, right in zip(line, widths, rights, strict=True)
        ]
        shown.append(_GAP.join(parts).rstrip() + "\n")
    return "".join(shown)
