"""Who may come in: the host, origin and token rules of every listening port.

Owns the checks that stand before any JSON-RPC: against DNS rebinding (`Host`), against pages of
other sites (`Origin`), and the bearer token. Pure: gets header values, gives a role or a refusal.
Must not know sockets or sessions.
"""

import hmac
import http
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.methods import Role

__all__ = ["Gate", "Refusal", "is_loopback"]

HeaderValue = Callable[[str], str | None]

_LOCAL_NAMES = frozenset({"localhost"})
# RFC 9110, section 7.2, for the hosts that can be expected here. Nothing may stand beside the name.
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class Refusal(Exception):
    """An HTTP status and one line that names the fix."""

    def __init__(self, status: http.HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def is_loopback(host: str) -> bool:
    """Whether binding to `host` keeps a port on this machine."""
    if host.lower() in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The rules of one listening port.

    `host`: what the port is bound to. `names`: further host names that clients may use.
    `origins`: pages that may connect, such as `http://localhost:3333`.
    `token`: the bearer token, or None where anybody on this machine may come in.
    """

    host: str = "127.0.0.1"
    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    token: str | None = field(default=None, repr=False)

    def admit(self, header: HeaderValue, path: str) -> Role:
        """The role of a request that may come in.

        Raises:
            Refusal: 421 for an unexpected host, 403 for a foreign origin, 401 without the token.
        """
        self._check_host(header("Host") or "")
        self._check_origin(header("Origin"))
        if self.token is not None and not _is_public(path):
            self._check_token(header("Authorization") or "")
        return Role.ADMIN

    def _check_host(self, value: str) -> None:
        """A page that rebinds its own DNS name to this machine still sends that name.

        IP addresses cannot be rebound. On a loopback port only loopback addresses are expected.
        """
        found = _HOST.fullmatch(value)
        name = found[1].strip("[]").lower() if found else ""
        if name in _LOCAL_NAMES or name in self.names or name == self.host.lower():
            return
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            pass
        else:
            if address.is_loopback or not is_loopback(self.host):
                return
        raise Refusal(
            http.HTTPStatus.MISDIRECTED_REQUEST,
            f"The host {value[:100]!r} is not expected here. Use localhost, or start the server "
            "with --allowed-host NAME.",
        )

    def _check_origin(self, value: str | None) -> None:
        if value is None or value in self.origins:
            return
        raise Refusal(
            http.HTTPStatus.FORBIDDEN,
            f"Pages of {value[:100]!r} may not connect. Start the server with "
            "--allowed-origin URL if they should.",
        )

    def _check_token(self, value: str) -> None:
        scheme, _, given = value.partition(" ")
        # The comparison takes the same time wherever the first difference is.
        right = hmac.compare_digest(given.strip().encode(), (self.token or "").encode())
        if scheme.lower() == "bearer" and right:
            return
        problem = "The token is wrong" if value else "A token is needed"
        raise Refusal(
            http.HTTPStatus.UNAUTHORIZED,
            f"{problem}: send `Authorization: Bearer TOKEN`, or set TASK_COORDINATOR_TOKEN.",
        )


def _is_public(path: str) -> bool:
    """Whether somebody without the token may see it: only that the server lives."""
    return path.partition("?")[0] == "/api/health"
