"""The files of the page, as they are served.

Owns which files there are: those in `static/` when the server starts, and nothing else. They are
read once and answered from memory, so no request path ever becomes a path on the disk. Must not
know JSON-RPC or tokens.
"""

import hashlib
import http
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from dashboard.asgi import Response

__all__ = ["Pages"]

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

INDEX: Final = "index.html"
STYLE: Final = "style.css"
APP: Final = "app.js"
VIEWS: Final = ("overview", "tasks", "graph", "timeline", "events")
"""As in `route.js`. Each is in a module of its name; the first one is shown where an address names
none."""
IMPORT: Final = re.compile(r'^(?:import .*|\} )from "\./([\w.]+)";$', re.MULTILINE)


class Pages:
    """The page at `/` and its parts below `/static/`."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Read the files of `folder`, by default the ones that come with the package."""
        folder = files("dashboard") / "static" if folder is None else folder
        kept = {file.name: file.read_bytes() for file in folder.iterdir() if _type_of(file.name)}
        if STYLE in kept:
            kept[STYLE] = _styles(kept)
        index = kept.pop(INDEX)
        self._pages = {
            f"/static/{name}": _page(body, _type_of(name) or "") for name, body in kept.items()
        }
        self._views = {
            view: _page(_with_modules(index, kept, view), CONTENT_TYPES[".html"]) for view in VIEWS
        }

    def __contains__(self, path: str) -> bool:
        return path == "/" or path in self._pages

    def get(self, path: str, if_none_match: str | None, view: str | None = None) -> Response:
        """The page at a path that is there, or word that the browser's copy is still right.

        Of `/`, `view` is the one that is shown first.
        """
        page = (
            self._views.get(view or "", self._views[VIEWS[0]]) if path == "/" else self._pages[path]
        )
        known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
        if _etag(page) in known:
            return Response(status=http.HTTPStatus.NOT_MODIFIED, headers=page.headers)
        return page


def _type_of(name: str) -> str | None:
    return CONTENT_TYPES.get("." + name.rpartition(".")[2])


def _with_modules(index: bytes, kept: Mapping[str, bytes], view: str) -> bytes:
    """The page with word of the modules that a view needs first: a browser would else learn of
    each only from the one that imports it, and wait for one round after the other."""
    wanted = [name for name in (APP, f"{view}.js") if name in kept]
    for name in wanted:
        found = IMPORT.findall(kept[name].decode())
        wanted += [other for other in dict.fromkeys(found) if other not in wanted]
    links = "".join(f'<link rel="modulepreload" href="/static/{name}" />' for name in wanted)
    return index.replace(b"</head>", links.encode() + b"</head>", 1)


def _styles(kept: Mapping[str, bytes]) -> bytes:
    """All sheets in one: those of the views after what they share. Each request that is left out
    saves a browser some milliseconds."""
    others = sorted(name for name in kept if name.endswith(".css") and name != STYLE)
    return b"\n".join(kept[name] for name in (STYLE, *others))


def _page(body: bytes, content_type: str) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Kept by the browser, but asked about each time: a new version shows at once.
    headers = (("ETag", etag), ("Cache-Control", "no-cache"))
    return Response(body=body, content_type=content_type, headers=headers)


def _etag(page: Response) -> str:
    return dict(page.headers)["ETag"]
