"""How a server is addressed: URLs, project paths and the subprotocol.

Owns the rules by which a URL and a project name become one WebSocket address, and a request path
becomes a project again. Pure: the client and the server shell both stand on it. Must not know
sockets, tokens or the environment.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

from protocol.limits import PROJECT_LENGTH_MAX

__all__ = [
    "DEFAULT_PROJECT",
    "DEFAULT_URL",
    "SUBPROTOCOL",
    "Address",
    "address_of",
    "path_of_project",
    "project_of_path",
]

DEFAULT_URL: Final = "ws://127.0.0.1:3335"
DEFAULT_PROJECT: Final = "default"
SUBPROTOCOL: Final = "task-coordinator.v1"

_PROJECT_RULE = f"1 to {PROJECT_LENGTH_MAX} of the characters a-z 0-9 . _ -"
_PROJECT = re.compile(rf"[a-z0-9._-]{{1,{PROJECT_LENGTH_MAX}}}", re.ASCII)
_DOT_SEGMENTS = frozenset({".", ".."})
_PREFIX = "/projects/"
_SCHEMES = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}


class Address(NamedTuple):
    """Where a client connects to: `url` names the project by its path."""

    url: str
    host: str
    project: str


def project_of_path(path: str) -> str:
    """The project that a request path chooses. A query is ignored, and so is one slash at the end.

    Raises:
        ValueError: the path chooses none; the message says how one is chosen.
    """
    path = path.partition("?")[0]
    if path in {"", "/"}:
        return DEFAULT_PROJECT
    if not path.startswith(_PREFIX):
        raise ValueError(
            f"There is nothing at {_shown(path)}: use / for the project {DEFAULT_PROJECT!r}, or "
            f"{_PREFIX}NAME for another one."
        )
    return _checked(path.removeprefix(_PREFIX).removesuffix("/"))


def path_of_project(name: str) -> str:
    """The path that chooses a project.

    Raises:
        ValueError: this cannot be the name of a project.
    """
    return "/" if _checked(name) == DEFAULT_PROJECT else _PREFIX + name


def address_of(url: str, project: str | None = None) -> Address:
    """The WebSocket address for a `ws`, `wss`, `http` or `https` URL and a project.

    The project may stand in the path of the URL, in `project`, or in both if they agree.

    Raises:
        ValueError: the URL or the project cannot be used; the message says why.
    """
    parts = _split(url)
    in_path = None if parts.path in {"", "/"} else project_of_path(parts.path)
    if project is not None and in_path not in {None, _checked(project)}:
        raise ValueError(
            f"The URL {url} chooses the project {in_path!r}, but {project!r} is asked for too: "
            "name one of them only."
        )
    chosen = project or in_path or DEFAULT_PROJECT
    scheme = _SCHEMES[parts.scheme]
    whole = urlunsplit((scheme, parts.netloc, path_of_project(chosen).rstrip("/"), "", ""))
    return Address(whole, parts.hostname or "", chosen)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{_shown(url)} is no usable URL: {error}.") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise ValueError(f"{_shown(url)} is no usable URL: write it like {DEFAULT_URL}.")
    if parts.username is not None or parts.password is not None:
        # The URL itself is not repeated: it holds a secret.
        raise ValueError(
            "A URL with a user or a password is not taken: pass the token as token=... or in "
            "TASK_COORDINATOR_TOKEN."
        )
    if parts.query or parts.fragment:
        raise ValueError(f"{_shown(url)} is no usable URL: leave out what follows the path.")
    return parts


def _checked(name: str) -> str:
    # Clients and proxies resolve dot segments before the server would see them.
    if _PROJECT.fullmatch(name) is None or name in _DOT_SEGMENTS:
        raise ValueError(
            f"{_shown(name)} cannot be the name of a project: it has {_PROJECT_RULE}, "
            "and is neither '.' nor '..'."
        )
    return name


def _shown(text: str) -> str:
    """For a message: escaped, and cut where it is long."""
    return repr(text if len(text) <= 100 else text[:99] + "…")
