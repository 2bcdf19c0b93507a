"""The SQL of the SQLite backend: named queries and numbered migrations.

Owns reading them from the files beside this one. `queries.sql` holds every query under a line
`-- name: <name>`; `NNNN_<title>.sql` takes the schema from version NNNN - 1 to NNNN. Must not
know a connection: it hands out text.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = ["MIGRATIONS", "QUERIES", "Migration"]

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_MIGRATION = re.compile(r"^(\d{4})_\w+\.sql$")


class Migration(NamedTuple):
    """One step of the schema. `version` is what the schema is at afterwards."""

    version: int
    script: str


def _queries() -> Iterator[tuple[str, str]]:
    parts = _NAME.split(files(__name__).joinpath("queries.sql").read_text("utf-8"))
    for name, query in zip(parts[1::2], parts[2::2], strict=True):
        yield name, query.strip().removesuffix(";")


def _migrations() -> Iterator[Migration]:
    for entry in files(__name__).iterdir():
        if match := _MIGRATION.match(entry.name):
            yield Migration(int(match[1]), entry.read_text("utf-8"))


QUERIES: Final[Mapping[str, str]] = dict(_queries())
"""Every query by name."""

MIGRATIONS: Final[tuple[Migration, ...]] = tuple(sorted(_migrations()))
"""Every migration, oldest first. The last one's version is the schema of this program."""
