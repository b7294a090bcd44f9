"""Versions that inherit from another one, and so lose a row when it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lix_vtab.mutation.writer import Writer
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Heirs"]


class Heirs:
    """Finds the versions whose own rows a version's rules between rows must not forget."""

    __slots__ = ("_known", "_scopes", "_stamp", "_store", "_writer")

    def __init__(self, store: Store, scopes: Scopes, writer: Writer) -> None:
        self._store = store
        self._scopes = scopes
        self._writer = writer
        self._stamp = (-1, -1)
        self._known: dict[str, dict[int, list[Scope]]] = {}

    def holding(
        self, version_id: str, find_holders: Callable[[], frozenset[int]]
    ) -> Iterator[Scope]:
        """Yield the scopes of heirs that have one of some holders nearer than what they inherit.

        A holder is a segment, or minus the number of a version for its overlay.
        """
        heirs = self._of(version_id)
        found = {
            scope.version_id: scope
            for holder in (find_holders() if heirs else ())
            for scope in heirs.get(holder, ())
        }
        yield from found.values()

    def inherits(self, scope: Scope, version_id: str, key: Key) -> bool:
        """Tell whether an heir shows for a key what a version shows, rather than a nearer row."""
        nearer = scope.chain[: scope.chain.index(version_id)]
        return all(self._writer.own(link, key) is None for link in nearer)

    def _of(self, version_id: str) -> dict[int, list[Scope]]:
        """Return the heirs of a version by each holder they look into before it."""
        versions = self._store.versions
        stamp = (versions.generation, versions.births)
        if stamp != self._stamp:
            self._known.clear()
            self._stamp = stamp
        known = self._known.get(version_id)
        if known is None:
            known = {}
            for scope in self._find(version_id):
                nearer = scope.chain.index(version_id)
                for layer in scope.layers:
                    if layer.depth < nearer:
                        place = layer.params[0]
                        holder = -place if layer.kind == "o" else place
                        known.setdefault(holder, []).append(scope)
            if not versions.volatile:
                self._known[version_id] = known
        return known

    def _find(self, version_id: str) -> Iterator[Scope]:
        store = self._store
        sql = qualify("SELECT id FROM lix_internal_version WHERE id <> ?", store.db)
        for (id,) in store.connection.execute(sql, (version_id,)).fetchall():
            if version_id in store.versions.chain(id)[1:] and store.versions.listed(id):
                scope = self._scopes.of(id)
                if scope is not None:
                    yield scope
