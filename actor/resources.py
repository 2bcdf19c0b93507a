"""Resources that only one worker may touch: how they are written, and when two of them conflict.

Owns the normal form of a resource, the rule of conflict, and an index that finds conflicts without
looking at everything that is held. Pure; must not know tasks, slots or who may hold what.

A resource is a name. One that ends in `/` is a folder and stands for all that begins with it;
`/` alone stands for everything. Two resources conflict when they are equal or one contains the
other; the plain name of a folder counts as the folder.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from sortedcontainers import SortedDict

from protocol.errors import InvalidResource

__all__ = ["ResourceIndex", "normal_form", "normal_forms"]

ROOT = "/"
_AFTER_SLASH = chr(ord("/") + 1)

Owner = TypeVar("Owner")


def normal_form(resource: str) -> str:
    """`./src//auth/**` -> `src/auth/`; a resource in this form stays as it is.

    Raises:
        InvalidResource: it leads out of the project, or has a wildcard before its end.
    """
    name = resource.removesuffix("**") if resource.endswith("/**") else resource
    name = name.removesuffix("*") if name.endswith("/*") else name
    if name in {"*", "**", ROOT}:
        return ROOT
    is_folder = name.endswith("/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    _check(resource, name, parts)
    if not parts:
        return ROOT
    return "/".join(parts) + ("/" if is_folder else "")


def normal_forms(resources: Iterable[str]) -> tuple[str, ...]:
    """The normal forms, each once, in the order given.

    Raises:
        InvalidResource: as `normal_form`.
    """
    return tuple(dict.fromkeys(map(normal_form, resources)))


def _check(resource: str, name: str, parts: list[str]) -> None:
    if name.startswith("/"):
        problem = "is an absolute path; write it relative to the project's root"
    elif ".." in parts:
        problem = "leads out of its folder; write the path without `..`"
    elif "\\" in name:
        problem = "has a backslash; write paths with `/`"
    elif "*" in name:
        problem = "has a wildcard that is not at its end; name a folder, such as `src/`"
    else:
        return
    raise InvalidResource(f"The resource `{resource}` {problem}.", resource=resource)


class ResourceIndex(Generic[Owner]):
    """Who has what. Finds all that conflicts with a resource in the time that the answer takes."""

    def __init__(self) -> None:
        self._owners: SortedDict[str, dict[Owner, None]] = SortedDict()

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, resource: str, owner: Owner) -> None:
        self._owners.setdefault(resource, {})[owner] = None

    def remove(self, resource: str, owner: Owner) -> None:
        owners = self._owners[resource]
        del owners[owner]
        if not owners:
            del self._owners[resource]

    def items(self) -> Iterator[tuple[str, Owner]]:
        """Every pair of a resource and an owner."""
        return ((name, owner) for name, owners in self._owners.items() for owner in owners)

    def conflicting(self, resource: str) -> Iterator[tuple[str, Owner]]:
        """Every pair whose resource conflicts with this one. Do not change the index meanwhile."""
        if not self._owners:
            return
        for name in self._names(resource):
            for owner in self._owners.get(name, ()):
                yield name, owner

    def _names(self, resource: str) -> Iterator[str]:
        if resource == ROOT:
            yield from self._owners
            return
        yield from _around(resource)
        yield resource
        if resource.endswith("/"):
            yield resource[:-1]
            yield from self._owners.irange(resource, resource[:-1] + _AFTER_SLASH, (False, False))
        else:
            yield resource + "/"


def _around(resource: str) -> Iterator[str]:
    """The folders that contain a resource."""
    yield ROOT
    end = resource.find("/")
    while 0 <= end < len(resource) - 1:
        yield resource[: end + 1]
        end = resource.find("/", end + 1)
