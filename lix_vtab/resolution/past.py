"""What the version of a commit inherited when the commit was made.

The rows of a commit are those of its own line. But a file of it may lie in a directory, and consist
of entities, that its version only inherited; those are found as they were at that moment, however
versions inherit by now and wherever they stand.
"""

from __future__ import annotations

from lix_vtab.resolution.scope import Layer, Scope
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.segments import Lineage
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import CHAIN_LIMIT, DESCRIPTOR, GLOBAL, read_descriptor

__all__ = ["Past"]

CACHED_SCOPES = 1024
"""For how many commits it is kept what their versions inherited."""

_SEGMENT = (
    "SELECT segment_id FROM lix_internal_commit WHERE version_no = ? AND seq <= ? "
    "ORDER BY seq DESC LIMIT 1"
)
_HAS_FILES = (
    "SELECT EXISTS (SELECT 1 FROM lix_internal_entry WHERE holder = ?1) "
    "OR EXISTS (SELECT 1 FROM lix_internal_rendering WHERE holder = ?1)"
)


class Past:
    """Widens the scopes of commits by what was inherited."""

    __slots__ = ("_generation", "_known", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._generation = -1
        self._known: dict[tuple[str, Layer], Scope] = {}
        store.on_foreign_write(self._known.clear)
        store.transaction.on_rollback(self._known.clear)

    def whole(self, scope: Scope) -> Scope:
        """Return the scope of a commit with what its version inherited, others as they are."""
        if scope.version_no or not scope.layers:
            return scope
        versions = self._store.versions
        if versions.generation != self._generation or len(self._known) > CACHED_SCOPES:
            self._known.clear()
            self._generation = versions.generation
        key = (scope.version_id, scope.layers[0])
        known = self._known.get(key)
        if known is None:
            seq = scope.layers[0].params[-1]
            chain = self.chain(scope.version_id, seq)
            inherited = [
                Layer("p", depth, (id, limit or 0))
                for depth, link in enumerate(chain[1:], 1)
                for id, limit in self._files(self._lineage(link, seq))
            ]
            known = scope
            if inherited:
                known = Scope(scope.version_id, 0, chain, (*scope.layers, *inherited))
            if not versions.volatile:
                self._known[key] = known
        return known

    def chain(self, version_id: str, seq: int) -> tuple[str, ...]:
        """Return a version and those it inherited from when a commit was made, nearest first."""
        links = [version_id]
        while len(links) <= CHAIN_LIMIT:
            parent = self._parent(links[-1], seq)
            if not parent or parent in links:
                break
            links.append(parent)
        return tuple(links)

    def _parent(self, version_id: str, seq: int) -> str | None:
        store = self._store
        key = Key(store.names.find(DESCRIPTOR), version_id, LIX)
        stored = store.rows.find(self._lineage(GLOBAL, seq), key)
        if stored is None:
            # its first commit is older than the one that lists it
            descriptor = store.versions.descriptor(version_id)
            return None if descriptor is None else descriptor.inherits_from_version_id
        snapshot = stored.values.snapshot
        return None if snapshot is None else read_descriptor(snapshot).inherits_from_version_id

    def _files(self, lineage: Lineage) -> Lineage:
        """Return where to look for files: nowhere if there are none, as in most of `global`."""
        sql = qualify(_HAS_FILES, self._store.db)
        execute = self._store.connection.execute
        return lineage if any(execute(sql, (id,)).get for id, _ in lineage) else ()

    def _lineage(self, version_id: str, seq: int) -> Lineage:
        """Return what to read for a version as it was when a commit was made."""
        store = self._store
        place = store.versions.place(version_id)
        if place is None:
            return ()
        sql = qualify(_SEGMENT, store.db)
        row = store.connection.execute(sql, (place[0], seq)).fetchone()
        lineage = store.segments.at(place[1] if row is None else row[0], seq)
        return tuple((id, seq if limit is None else min(limit, seq)) for id, limit in lineage)
