"""The files of the page, as they are served.

Owns which files there are: those in `static/` when the server starts, and nothing else. They are
read once and answered from memory, so no request path ever becomes a path on the disk. Must not
know JSON-RPC or tokens.
"""

import hashlib
import http
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


class Pages:
    """The page at `/` and its parts below `/static/`."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Read the files of `folder`, by default the ones that come with the package."""
        folder = files("dashboard") / "static" if folder is None else folder
        self._pages: dict[str, Response] = {}
        for file in folder.iterdir():
            content_type = CONTENT_TYPES.get("." + file.name.rpartition(".")[2])
            if content_type is not None:
                path = "/" if file.name == INDEX else f"/static/{file.name}"
                self._pages[path] = _page(file.read_bytes(), content_type)

    def __contains__(self, path: str) -> bool:
        return path in self._pages

    def get(self, path: str, if_none_match: str | None) -> Response:
        """The page at a path that is there, or word that the browser's copy is still right."""
        page = self._pages[path]
        known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
        if _etag(page) in known:
            return Response(status=http.HTTPStatus.NOT_MODIFIED, headers=page.headers)
        return page


def _page(body: bytes, content_type: str) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Kept by the browser, but asked about each time: a new version shows at once.
    headers = (("ETag", etag), ("Cache-Control", "no-cache"))
    return Response(body=body, content_type=content_type, headers=headers)


def _etag(page: Response) -> str:
    return dict(page.headers)["ETag"]
