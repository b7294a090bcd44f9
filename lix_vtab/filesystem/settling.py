"""Rendering, before a transaction ends, what it changed through entities."""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.patching import Patcher
from lix_vtab.filesystem.render import Rendered, Renderer
from lix_vtab.filesystem.renderings import (
    EMPTY,
    LATER,
    Position,
    Renderings,
    basis_behind,
    basis_of,
    holder_of,
)
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.store import Store

__all__ = ["Settler"]


class Settler:
    """Turns dirty renderings into clean ones."""

    __slots__ = ("_blobs", "_lookup", "_patcher", "_renderer", "_renderings", "_scopes", "_store")

    def __init__(
        self,
        store: Store,
        scopes: Scopes,
        lookup: Lookup,
        renderings: Renderings,
        renderer: Renderer,
        patcher: Patcher,
        blobs: Blobs,
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._lookup = lookup
        self._renderings = renderings
        self._renderer = renderer
        self._patcher = patcher
        self._blobs = blobs
        store.transaction.before_commit(self.settle_all)
        store.commits.before_seal.append(self.settle_all)

    def settle_all(self) -> None:
        """Render everything that is dirty."""
        for holder, number, since, newest in self._renderings.dirty():
            scope = self._scope_of(holder, since) if newest else self._scopes.at(holder, since)
            positions = self._renderings.find(scope.layers, number)
            self._settle_each(scope, positions, number)

    def basis(self, scope: Scope, holder: int, number: int) -> str:
        """Name the sets of rows behind a holder, once they cannot change any more."""
        at = [holder_of(layer) for layer in scope.layers].index(holder)
        behind = _behind(scope, at + 1)
        positions = self._renderings.find(behind.layers, number)
        if any(position.dirty for position in positions):
            self._settle_each(behind, positions, number)
            positions = self._renderings.find(behind.layers, number)
        return basis_of(positions)

    def _settle_each(self, scope: Scope, positions: Sequence[Position], number: int) -> None:
        """Render what is dirty, the farthest first: what lies behind must not change any more."""
        for at in range(len(positions) - 1, -1, -1):
            if positions[at].dirty:
                self._settle(scope, number, positions[at:])

    def _settle(self, scope: Scope, number: int, positions: Sequence[Position]) -> None:
        first = positions[0]
        inner = _behind(scope, first.layer)
        layer = inner.layers[0]
        if layer.kind != "p" and not self._renderings.has_rows(holder_of(layer), number):
            self._settle_bare(inner, number, positions)
            return
        file_id = self._store.names.text(number)
        basis = basis_behind(positions)
        if self._lookup.file(inner, file_id) is None:
            self._renderings.settle(first.no, None, basis, LATER, None)
            return
        data, plugin_id, error = self._render(inner, file_id, positions)
        if error is not None:
            # the plugin is missing: when it comes back, a read finds it
            self._renderings.settle(first.no, None, basis, LATER, plugin_id)
            return
        hash = EMPTY
        if data or plugin_id is not None:
            hash = bytes.fromhex(self._blobs.put(data).hash)
        self._renderings.settle(first.no, hash, basis, None, plugin_id)

    def _render(self, scope: Scope, file_id: str, positions: Sequence[Position]) -> Rendered:
        if scope.layers[0].kind != "o":
            since = self._renderings.since(positions[0].no)
            patched = self._patcher.render(scope, file_id, since)
            if patched is not None:
                return patched
        return self._renderer.render(scope, file_id, positions)

    def _settle_bare(self, scope: Scope, number: int, positions: Sequence[Position]) -> None:
        """Settle a holder that has no rows of the file after all."""
        first, holder = positions[0], holder_of(scope.layers[0])
        file_id = self._store.names.text(number)
        since = self._renderings.since(first.no)
        if self._renderings.reopen(holder, number, since) or holder < 0:
            return
        if self._lookup.file(scope, file_id) is not None:
            # the formatting of what is behind was changed here, and stays
            owner = self._renderer.owner(scope, file_id)
            error = LATER if first.previous is None else None
            basis = basis_behind(positions)
            self._renderings.write(holder, since, number, first.previous, basis, error, owner)

    def _scope_of(self, holder: int, since: int) -> Scope:
        """Return what can be seen from a holder: its own rows and what is behind them."""
        store = self._store
        version_no = -holder
        if holder > 0:
            commit = store.commits.by_seq(since)
            version_no = commit.version_no if commit else 0
        pointer = store.versions.pointer_by_no(version_no)
        scope = self._scopes.of(pointer.id)
        holders = [] if scope is None else [holder_of(layer) for layer in scope.layers]
        if scope is None or holder not in holders:
            return self._scopes.at(holder, since)
        return _behind(scope, holders.index(holder))


def _behind(scope: Scope, layer: int) -> Scope:
    """Return what a scope shows from one of its layers on."""
    return scope.with_layers(scope.layers[layer:]) if layer else scope
