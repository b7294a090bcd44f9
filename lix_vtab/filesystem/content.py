"""The bytes of files: found where they were stored, rendered where nobody has done that yet."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lix_vtab.errors import CorruptError, LixError
from lix_vtab.filesystem.descriptors import FALLBACK_PLUGIN
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.renderings import EMPTY, LATER, Position, Renderings, basis_of, holder_of
from lix_vtab.model.json import parse_json
from lix_vtab.plugins.contract import EntityChange
from lix_vtab.plugins.contract import File as PluginFile
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.resolution.visible import IN_FILE, Query
from lix_vtab.storage.blob_codec import digest_of
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.first_names import BLOB_REF_ID, FALLBACK_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["Content", "Contents", "Entity"]

_MOST_KEPT = 16 * 1024 * 1024


class Entity(NamedTuple):
    """A live row of a file."""

    entity_id: str
    schema_id: int
    schema_version: str
    snapshot: str
    plugin_id: int


Rendered = tuple[bytes, int | None, str | None]
"""Bytes, whose entities they were made of, and what went wrong."""

_ROWS = Query(
    ("{entity_id}", "{schema_id}", "{schema_version}", "{snapshot}", "{plugin}"),
    1,
    ("x.file_id = ?1", IN_FILE),
)
_FIRST = Query(
    ("{entity_id}", "{schema_id}", "{schema_version}", "{snapshot}", "{plugin}"),
    1,
    ("x.file_id = ?1", IN_FILE),
    (f"{{plugin}} <> {LIX}",),
    limit=" LIMIT 1",
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file consists of: the hash of its bytes, whose entities they are, what went wrong."""

    hash: bytes
    plugin_id: int | None = None
    error: str | None = None


_NOTHING = Content(EMPTY)


class Contents:
    """Reads bytes of files in any scope, and renders them when a transaction ends."""

    __slots__ = (
        "_kept",
        "_kept_size",
        "_lookup",
        "_plugins",
        "_scopes",
        "_store",
        "blobs",
        "renderings",
    )

    def __init__(
        self,
        store: Store,
        scopes: Scopes,
        lookup: Lookup,
        renderings: Renderings,
        blobs: Blobs,
        plugins: Plugins,
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._lookup = lookup
        self._plugins = plugins
        self.renderings = renderings
        self.blobs = blobs
        self._kept: OrderedDict[tuple[str, str], Rendered] = OrderedDict()
        self._kept_size = 0
        store.transaction.before_commit(self.settle_all)
        store.commits.before_seal.append(self.settle_all)
        store.transaction.on_rollback(self.forget)
        plugins.on_change(self.forget)

    # -- reading

    def read(self, scope: Scope, file_id: str) -> bytes:
        """Return the bytes of a file."""
        number = self._store.names.find(file_id)
        positions = self.renderings.find(scope.layers, number)
        known = _current(scope, positions)
        if known is not None:
            return self._bytes(known.hash)
        return self._rendered(scope, file_id, number, positions)[0]

    def open(self, scope: Scope, file_id: str) -> io.BufferedIOBase:
        """Return a binary file over the bytes, which are read as they are needed."""
        known = self.content(scope, file_id)
        if known is not None:
            return self.blobs.open(known.hash.hex()) if known.hash else io.BytesIO()
        return io.BytesIO(self.read(scope, file_id))

    def content(self, scope: Scope, file_id: str) -> Content | None:
        """Return what is known of a file's content; None when it has yet to be rendered."""
        number = self._store.names.find(file_id)
        return _current(scope, self.renderings.find(scope.layers, number))

    def digest(self, scope: Scope, file_id: str) -> str | None:
        """Return the hex BLAKE3 of the bytes of a file, None when it has no content."""
        known = self.content(scope, file_id)
        if known is None:
            data = self.read(scope, file_id)
            return digest_of(data).hex() if data else None
        return known.hash.hex() or None

    def owner(self, scope: Scope, file_id: str) -> int | None:
        """Return whose entities a file consists of, as the number of the plugin's name."""
        known = self.content(scope, file_id)
        if known is not None:
            return known.plugin_id
        first = self._run(_FIRST, scope, self._store.names.find(file_id)).fetchone()
        return None if first is None else Entity(*first).plugin_id

    def error(self, scope: Scope, file_id: str) -> str | None:
        """Return why a file is not what its plugin would make of it."""
        number = self._store.names.find(file_id)
        positions = self.renderings.find(scope.layers, number)
        known = _current(scope, positions)
        if known is not None:
            return known.error
        try:
            return self._rendered(scope, file_id, number, positions)[2]
        except LixError as error:
            return error.message

    def entities(self, scope: Scope, file_id: str) -> list[Entity]:
        """Return the live rows of a file, those of the nearest layer first."""
        number = self._store.names.find(file_id)
        if number == -1:
            return []
        return [Entity(*row) for row in self._run(_ROWS, scope, number)]

    # -- rendering

    def settle_all(self) -> None:
        """Render what was changed through entities, before the transaction ends."""
        for holder, number, since, newest in self.renderings.dirty():
            scope = self._scope_of(holder, since) if newest else self._scopes.at(holder, since)
            positions = self.renderings.find(scope.layers, number)
            self.settle(scope, positions, number)

    def settle(self, scope: Scope, positions: Sequence[Position], number: int) -> None:
        """Render what is dirty, the farthest first: what lies behind must not change any more."""
        for at in range(len(positions) - 1, -1, -1):
            if positions[at].dirty:
                self._settle(scope, number, positions[at:])

    def _settle(self, scope: Scope, number: int, positions: Sequence[Position]) -> None:
        first = positions[0]
        inner = self.behind(scope, first.layer)
        file_id = self._store.names.text(number)
        basis = basis_of(positions[1:])
        there = self._lookup.file(inner, file_id) is not None
        holder = holder_of(inner.layers[0])
        newest = inner.layers[0].kind != "p"
        if newest and not self.renderings.has_rows(holder, number):
            since = self.renderings.since(first.no)
            if not self.renderings.reopen(holder, number, since) and there and holder > 0:
                # the formatting of what is behind was changed here, and stays
                hash, owner = first.previous, self.owner(inner, file_id)
                error = LATER if hash is None else None
                self.renderings.write(holder, since, number, hash, basis, error, owner)
            return
        if not there:
            self.renderings.settle(first.no, None, basis, LATER, None)
            return
        data, plugin_id, error = self._render(inner, file_id, number, positions)
        hash = self._store_bytes(data) if data or plugin_id is not None else EMPTY
        self.renderings.settle(first.no, hash, basis, error, plugin_id)

    def _rendered(
        self, scope: Scope, file_id: str, number: int, positions: Sequence[Position]
    ) -> Rendered:
        if number == -1:
            return b"", None, None
        if any(position.dirty for position in positions) or not positions:
            return self._render(scope, file_id, number, positions)
        key = (basis_of(positions), self._path(scope, file_id))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        made = self._render(scope, file_id, number, positions)
        if self._store.transaction.settled and len(made[0]) <= _MOST_KEPT // 4:
            self._keep(key, made)
        return made

    def _render(
        self, scope: Scope, file_id: str, number: int, positions: Sequence[Position]
    ) -> Rendered:
        """Return bytes, owner and error of the entities a scope shows."""
        entities = [row for row in self.entities(scope, file_id) if row.plugin_id != LIX]
        if not entities:
            return b"", None, None
        owner = entities[0].plugin_id
        if owner == FALLBACK_ID:
            return self._blob(entities), owner, None
        previous = self._previous(positions)
        key = self._store.names.text(owner)
        plugin = self._plugins.get(key)
        if plugin is None:
            return previous, owner, f"plugin '{key}' is not installed"
        text = self._store.names.text
        owned = sorted(
            (text(row.schema_id), row.entity_id, row.schema_version, row.snapshot)
            for row in entities
            if row.plugin_id == owner
        )
        contents = parse_json(f"[{','.join([row[3] for row in owned])}]")
        changes = [
            EntityChange(entity_id, schema_key, content, schema_version)
            for (schema_key, entity_id, schema_version, _), content in zip(
                owned, contents, strict=True
            )
        ]
        file = PluginFile(file_id, self._path(scope, file_id), previous)
        return self._plugins.apply(plugin, file, changes), owner, None

    def _blob(self, entities: Sequence[Entity]) -> bytes:
        for row in entities:
            if row.schema_id == BLOB_REF_ID:
                return self.blobs.get(parse_json(row.snapshot)["blob_hash"])
        raise CorruptError(f"rows of {FALLBACK_PLUGIN} name no content")

    def _previous(self, positions: Sequence[Position]) -> bytes:
        for position in positions:
            hash = position.previous if position.hash is None else position.hash
            if hash is not None:
                return self._bytes(hash)
        return b""

    def _path(self, scope: Scope, file_id: str) -> str:
        file = self._lookup.file(scope, file_id)
        if file is None:
            return ""
        return (self._lookup.paths(scope).path(file.directory_id) or "") + file.segment

    # -- storing

    def _store_bytes(self, data: bytes) -> bytes:
        return bytes.fromhex(self.blobs.put(data).hash)

    def _bytes(self, hash: bytes) -> bytes:
        return self.blobs.get(hash.hex()) if hash else b""

    def _keep(self, key: tuple[str, str], made: Rendered) -> None:
        self._kept[key] = made
        self._kept_size += len(made[0])
        while self._kept_size > _MOST_KEPT:
            _, (data, _, _) = self._kept.popitem(last=False)
            self._kept_size -= len(data)

    def forget(self) -> None:
        """Drop rendered bytes because something was undone or a plugin changed."""
        self._kept.clear()
        self._kept_size = 0

    # -- scopes

    def behind(self, scope: Scope, layer: int) -> Scope:
        """Return what a scope shows from one of its layers on."""
        return Scope(scope.version_id, scope.version_no, scope.chain, scope.layers[layer:])

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
        return self.behind(scope, holders.index(holder))

    def _run(self, query: Query, scope: Scope, number: int) -> Any:
        store = self._store
        view = scope.view(None, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        return store.connection.execute(sql, (number, *view.params))


def _current(scope: Scope, positions: Sequence[Position]) -> Content | None:
    """Return what the nearest rendering says if it is about just these sets of rows."""
    if not positions:
        return None
    first = positions[0]
    if first.hash is None:
        return None
    if scope.version_no and first.basis != basis_of(positions[1:]):
        return None
    return Content(first.hash, first.plugin_id, first.error)
