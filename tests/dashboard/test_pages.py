"""The files of the page: only known ones, never out of date, nothing in them that runs text."""

import re
from pathlib import Path

import pytest

from dashboard.pages import VIEWS, Pages

STATIC = Path(__file__).parents[2] / "dashboard" / "static"
SOURCES = sorted(STATIC.glob("*.js"))


def test_only_files_of_known_kinds_are_served(tmp_path: Path) -> None:
    for name in ("index.html", "app.js", "notes.txt", "app.js.bak", ".secret"):
        (tmp_path / name).write_text(name)
    pages = Pages(tmp_path)
    assert "/" in pages
    assert "/static/app.js" in pages
    for name in ("index.html", "notes.txt", "app.js.bak", ".secret"):
        assert f"/static/{name}" not in pages


def test_another_content_has_another_etag(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("one")
    before = dict(Pages(tmp_path).get("/", None).headers)["ETag"]
    page.write_text("two")
    again = Pages(tmp_path).get("/", before)
    assert again.status == 200
    assert again.body == b"two"


@pytest.mark.parametrize("known", ["{0}", "W/{0}", '"other", {0}'])
def test_a_browser_that_has_the_page_is_told_so(tmp_path: Path, known: str) -> None:
    (tmp_path / "index.html").write_text("page")
    pages = Pages(tmp_path)
    etag = dict(pages.get("/", None).headers)["ETag"]
    answer = pages.get("/", known.format(etag))
    assert answer.status == 304
    assert answer.body == b""


@pytest.mark.parametrize("view", [None, "", *VIEWS])
def test_the_page_names_each_module_that_its_view_needs(view: str | None) -> None:
    """None is found late, when the one that imports it has come, and none is for nothing."""
    body = Pages().get("/", None, view).body.decode()
    named = re.findall(r'<link rel="modulepreload" href="/static/([\w.]+)"', body)
    needed, waiting = set[str](), ["app.js", f"{view or 'overview'}.js"]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += re.findall(r'from "\./([\w.]+)";', (STATIC / name).read_text())
    assert sorted(named) == sorted(needed)


def test_a_view_that_there_is_not_is_answered_with_the_first_one() -> None:
    pages = Pages()
    assert pages.get("/", None, "nothing").body == pages.get("/", None, "overview").body


# --- what is in them --------------------------------------------------------------------------

SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser"
    r"|srcdoc|\beval\b|new Function|javascript:|setHTML|trustedTypes"
)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_module_turns_text_into_html_or_code(source: Path) -> None:
    assert SINKS.findall(source.read_text()) == []


def test_the_page_holds_no_script_style_or_handler_of_its_own() -> None:
    html = (STATIC / "index.html").read_text()
    assert re.search(r"<script(?![^>]*\bsrc=)", html) is None
    assert "<style" not in html
    assert re.search(r"\s(?:on\w+|style)\s*=", html) is None
    assert "://" not in html, "everything comes from this server"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_modules_import_only_their_neighbours(source: Path) -> None:
    imported = re.findall(
        r'^(?:import|export|\}).*? from "([^"]*)";', source.read_text(), re.MULTILINE
    )
    for name in imported:
        assert name.startswith("./")
        assert (STATIC / name).is_file(), f"{source.name} imports {name}"


def test_the_page_and_the_server_know_the_same_views() -> None:
    listed = re.search(r"VIEWS = Object\.freeze\(\[(.*?)\]", (STATIC / "route.js").read_text())
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == VIEWS
    html = (STATIC / "index.html").read_text()
    for name in VIEWS:
        assert f"<{name}-view" in html


def test_every_part_that_a_module_asks_for_is_in_the_page() -> None:
    html = (STATIC / "index.html").read_text()
    wanted = {
        name for path in SOURCES for name in re.findall(r'part\(\w+, "(\w+)"\)', path.read_text())
    }
    assert wanted
    for name in wanted:
        assert f'data-part="{name}"' in html
