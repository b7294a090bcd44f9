"""No directory lies in itself, however its descriptor is written.

Writes of paths look before they write. This is for descriptors that are written as rows: through
the tables of states and of their schemas, and by what restores an older state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from lix_vtab.errors import ConstraintViolation
from lix_vtab.filesystem.descriptors import DIRECTORY
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.refusals import cyclic_parent, own_parent
from lix_vtab.model.cycles import cycles
from lix_vtab.model.json import parse_json
from lix_vtab.mutation.writer import ABORT, Watcher, Write, Writer
from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.storage.first_names import DIRECTORY_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["Hierarchy", "check_hierarchy"]

_PARENTS = Query(
    ("{entity_id}", "{snapshot} ->> '$.parent_id'"),
    0,
    (f"x.schema_id = {DIRECTORY_ID}", f"x.file_id = {LIX}"),
    ("json_valid({snapshot})",),
)


class Hierarchy:
    """Watches directories. `wait` puts a check off to the end of the statement, if it can."""

    __slots__ = ("_lookup", "_writer", "wait")

    def __init__(self, writer: Writer, lookup: Lookup) -> None:
        self._writer = writer
        self._lookup = lookup
        self.wait: Callable[[Callable[[], None]], bool] = lambda check: False
        writer.watch(DIRECTORY, Watcher(self._check))

    def _check(self, write: Write) -> None:
        content = self._shown(write)
        parent_id = None if content is None else content.get("parent_id")
        if parent_id is None or parent_id == _parent_before(write):
            return
        id, version_id = write.key.entity_id, write.version_id
        if not self._leads_to(version_id, parent_id, id):
            return
        error = own_parent(id) if parent_id == id else cyclic_parent(id, parent_id)
        waits = self._writer.conflict == ABORT and self.wait(
            partial(self._look_again, version_id, id, error)
        )
        # a tombstone that is no withdrawal hides what is inherited, which the end would tell
        if not waits and (write.after is not None or write.row.untracked):
            error.early = True
            raise error

    def _shown(self, write: Write) -> Mapping[str, Any] | None:
        """Return what the version shows for the directory once this is written, at the most."""
        if write.after is not None:
            before = write.before
            covered = before is not None and before.untracked and not write.row.untracked
            return None if covered else write.after
        uncover = self._writer.beneath if write.row.untracked else self._writer.inherited
        found = uncover(write.version_id, write.key)
        return None if found is None else parse_json(found.values.snapshot or "{}")

    def _look_again(self, version_id: str, id: str, error: ConstraintViolation) -> None:
        found = self._lookup.climb(self._writer.scope(version_id))(id)
        if found is not None and self._leads_to(version_id, found[0], id):
            raise error

    def _leads_to(self, version_id: str, start: str | None, goal: str) -> bool:
        """Tell whether going up from one directory comes to another."""
        climb = self._lookup.climb(self._writer.scope(version_id))
        passed: set[str] = set()
        at = start
        while at is not None and at not in passed:
            if at == goal:
                return True
            passed.add(at)
            found = climb(at)
            at = None if found is None else found[0]
        return False


def check_hierarchy(store: Store, scopes: Scopes) -> Iterator[str]:
    """Yield the directories that lie in themselves."""
    looked_at: set[object] = set()
    for pointer in store.versions.pointers():
        scope = scopes.of(pointer.id)
        if scope is None or store.versions.deleted(pointer.id):
            continue
        view = scope.view(DIRECTORY_ID, store.overlay.occupied())
        # versions that hold no directories of their own show those of others
        layers = (view.shape, *view.params[len(scope.chain) :])
        if layers in looked_at:
            continue
        looked_at.add(layers)
        sql = _PARENTS.sql(store.db, view.shape, len(scope.chain))
        rows = store.connection.execute(sql, view.params).fetchall()
        parents: dict[str, str | None] = dict(rows)
        for id in cycles(parents):
            yield f"directory '{id}' of version '{pointer.id}' lies in itself"


def _parent_before(write: Write) -> Any:
    """Return where the version's own row has the directory now."""
    if write.before is None or write.before.values.snapshot is None:
        return None
    return parse_json(write.before.values.snapshot).get("parent_id")
