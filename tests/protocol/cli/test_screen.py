"""Tests of `protocol.cli.screen`: a terminal and a pipe each get what suits them, safely."""

import io
import json
import re

import pytest
from rich.cells import cell_len

from protocol.cli.screen import Cell, Column, Screen

PIPE = Screen()
TERMINAL = Screen(terminal=True, colour=True, width=60)
MONOCHROME = Screen(terminal=True, colour=False, width=60)

HOSTILE = "[red]x[/red] \x1b[31m\x9b31m :smile: [link=http://x]y[/link]"
SHOWN = "[red]x[/red] \\x1b[31m\\x9b31m :smile: [link=http://x]y[/link]"

COLUMNS = (Column("id"), Column("n", "right"), Column("text", flexible=True))
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def colour_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich asks the environment for, whoever runs the tests."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


class Stream(io.StringIO):
    """A stream that is a terminal or not, of some encoding."""

    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # StringIO has None, a real stream a name
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


def test_a_pipe_is_plain_and_a_terminal_has_colours() -> None:
    assert Screen.of(Stream(terminal=False), {}).colour is False
    assert Screen.of(Stream(terminal=True), {}).colour is True


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_can_ask_for_no_colours(environ: dict[str, str]) -> None:
    screen = Screen.of(Stream(terminal=True), environ)
    assert (screen.terminal, screen.colour) == (True, False)


def test_an_empty_no_color_asks_for_nothing() -> None:
    assert Screen.of(Stream(terminal=True), {"NO_COLOR": ""}).colour is True


@pytest.mark.parametrize(("encoding", "expected"), [("UTF-8", True), ("ascii", False)])
def test_the_encoding_says_which_characters_can_be_shown(encoding: str, expected: bool) -> None:
    assert Screen.of(Stream(terminal=True, encoding=encoding), {}).unicode is expected


def test_a_piped_table_has_aligned_columns_and_one_line_per_row() -> None:
    long = "word " * 100
    assert PIPE.table(COLUMNS, [("a", "1", long), ("日本", "100", "one\ntwo"), ("b", "", "")]) == (
        f"ID      N  TEXT\na       1  {long.strip()}\n日本  100  one two\nb       -  -\n"
    )


def test_a_piped_table_has_no_escape_sequence_whatever_the_rows_hold() -> None:
    assert PIPE.table(COLUMNS, [("a", "1", Cell(HOSTILE, "red"))]).splitlines()[1] == (
        f"a   1  {SHOWN}"
    )


def test_a_terminal_shows_hostile_text_as_it_is_written() -> None:
    wide = Screen(terminal=True, colour=True, width=200)
    shown = wide.table(COLUMNS, [("a", "1", Cell(HOSTILE, "green"))])
    assert SHOWN in ANSI.sub("", shown)
    # The only escape sequences are those of the table itself: bold titles and one green cell.
    assert set(ANSI.findall(shown)) == {"\x1b[1m", "\x1b[32m", "\x1b[0m"}
    assert "\x9b" not in shown


def test_a_terminal_table_cuts_the_flexible_column_and_nothing_else() -> None:
    identifier = "x" * 50
    shown = MONOCHROME.table(COLUMNS, [(identifier, "1", "word " * 50), ("b", "2", "short")])
    first = shown.splitlines()[1]
    assert first.startswith(identifier)
    assert first.rstrip().endswith("…")
    assert "\x1b" not in shown
    narrow = MONOCHROME.table(COLUMNS, [("a", "1", "word " * 50)])
    assert all(cell_len(line.rstrip()) <= 60 for line in narrow.splitlines())


def test_a_terminal_table_leaves_out_columns_without_content() -> None:
    assert MONOCHROME.table(COLUMNS, [("a", "", "x")]).splitlines()[0].split() == ["id", "text"]


@pytest.mark.parametrize("screen", [PIPE, MONOCHROME])
def test_no_text_can_pass_for_another_field(screen: Screen) -> None:
    shown = screen.fields([("id", "a"), ("description", "x\nstatus       done\r\x1b[2J")])
    assert shown == "id           a\ndescription  x\n             status       done\\x0d\\x1b[2J\n"


def test_fields_on_a_terminal_show_markup_as_it_is_written() -> None:
    shown = TERMINAL.fields([("text", Cell(HOSTILE, "red"))])
    assert SHOWN in ANSI.sub("", shown)
    assert ANSI.findall(shown) == ["\x1b[1m", "\x1b[0m", "\x1b[31m", "\x1b[0m"]


def test_a_line_pads_its_cells_and_ends_without_spaces() -> None:
    assert PIPE.line(["1", "two", ""], (4, 5)) == "1     two\n"
    assert PIPE.line([HOSTILE]) == SHOWN + "\n"


def test_a_long_line_is_never_broken() -> None:
    for screen in (PIPE, TERMINAL):
        assert screen.line(["1", "word " * 100]).count("\n") == 1


def test_json_for_people_is_coloured_on_a_terminal_only_and_the_same_document() -> None:
    value = {"text": HOSTILE + "é", "number": 1.5}
    assert "\x1b" not in PIPE.json(value)
    coloured = TERMINAL.json(value)
    assert "\x1b[" in coloured
    for shown in (PIPE.json(value), ANSI.sub("", coloured)):
        assert json.loads(shown) == value


def test_a_document_is_one_line_without_colours_on_a_terminal_too() -> None:
    value = {"text": HOSTILE + "\n"}
    shown = TERMINAL.document(value)
    assert shown.count("\n") == 1
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert json.loads(shown) == value


def test_a_document_for_an_old_encoding_is_ascii() -> None:
    assert Screen(unicode=False).document("é") == '"\\u00e9"\n'


def test_a_line_that_fits_is_cut_at_its_last_cell_on_a_terminal_only() -> None:
    cells = ("abc", "日本" * 40)
    shown = MONOCHROME.line(cells, (6,), fit=True)
    assert shown.startswith("abc     日本")
    assert shown.endswith("…\n")
    assert 58 <= cell_len(shown.rstrip("\n")) <= 60
    assert MONOCHROME.line(("abc", "short"), (6,), fit=True) == "abc     short\n"
    assert MONOCHROME.line(cells, (6,)).count("日") == 40
    assert PIPE.line(cells, (6,), fit=True).count("日") == 40
