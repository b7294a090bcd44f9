"""One path, one thing: rows that would give two files or directories of a version the same path.

Writes of paths look before they write. This is for descriptors that are written as rows: through
the tables of states and of their schemas, and by what restores an older state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lix_vtab.errors import UniqueError
from lix_vtab.filesystem.descriptors import DIRECTORY, FILE
from lix_vtab.filesystem.entries import Entries
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.paths import join_name
from lix_vtab.filesystem.refusals import (
    directory_exists,
    directory_is_file,
    file_exists,
    file_is_directory,
)
from lix_vtab.model.json import parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.writer import ABORT, Watcher, Write, Writer
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID

__all__ = ["Spots"]


class _Spot(NamedTuple):
    """A place for one thing: a name in a directory, None being the root."""

    parent_id: str | None
    name: str


class Spots:
    """Watches descriptors. `wait` puts a check off to the end of the statement, if it can."""

    __slots__ = ("_entries", "_lookup", "_writer", "wait")

    def __init__(self, writer: Writer, entries: Entries, lookup: Lookup) -> None:
        self._writer = writer
        self._entries = entries
        self._lookup = lookup
        self.wait: Callable[[Callable[[], None]], bool] = lambda check: False
        writer.watch(FILE, Watcher(self._check))
        writer.watch(DIRECTORY, Watcher(self._check))

    def _check(self, write: Write) -> None:
        entity_id = write.row.entity_id
        if write.after is None or entity_id == self._entries.expected:
            return
        kind = FILE_ID if write.row.schema_key == FILE else DIRECTORY_ID
        spot = _spot(kind, write.after)
        before = None if write.before is None else write.before.values.snapshot
        if before is not None and _spot(kind, parse_json(before)) == spot:
            return
        error = self._fault(write.version_id, kind, entity_id, spot)
        if error is None:
            return
        if self._writer.conflict != ABORT:
            raise error
        if not self.wait(partial(self._look_again, write.version_id, kind, entity_id, spot)):
            error.early = True
            raise error

    def _look_again(self, version_id: str, kind: int, entity_id: str, spot: _Spot) -> None:
        scope = self._writer.scope(version_id)
        if entity_id in self._lookup.step(scope, kind, *spot):
            error = self._fault(version_id, kind, entity_id, spot)
            if error is not None:
                raise error

    def _fault(self, version_id: str, kind: int, entity_id: str, spot: _Spot) -> UniqueError | None:
        """Say what else has the spot, if anything has."""
        scope, lookup = self._writer.scope(version_id), self._lookup
        if not lookup.taken(scope, *spot):
            return None
        files, directories = (
            [id for id in lookup.step(scope, other, *spot) if (other, id) != (kind, entity_id)]
            for other in (FILE_ID, DIRECTORY_ID)
        )
        if not files and not directories:
            return None
        above = lookup.paths(scope).path(spot.parent_id)
        if above is None:
            # nothing below a directory that is not there has a path
            return None
        path = above + spot.name
        if kind == FILE_ID:
            return (file_is_directory if directories else file_exists)(path, version_id)
        return (directory_is_file if files else directory_exists)(f"{path}/", version_id)


def _spot(kind: int, content: dict[str, Any]) -> _Spot:
    if kind == FILE_ID:
        return _Spot(content["directory_id"], join_name(content["name"], content.get("extension")))
    return _Spot(content["parent_id"], content["name"])
