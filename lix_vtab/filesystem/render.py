"""Making the bytes of a file from its entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.errors import CorruptError
from lix_vtab.filesystem.descriptors import FALLBACK_PLUGIN
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.renderings import Position
from lix_vtab.model.json import parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.plugins.contract import EntityChange
from lix_vtab.plugins.contract import File as PluginFile
from lix_vtab.resolution.scope import Scope
from lix_vtab.resolution.visible import IN_FILE, Query
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.first_names import BLOB_REF_ID, FALLBACK_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["Entity", "Rendered", "Renderer"]


class Entity(NamedTuple):
    """A live row of a file."""

    entity_id: str
    schema_id: int
    schema_version: str
    snapshot: str
    plugin_id: int


class Rendered(NamedTuple):
    """Bytes, whose entities they were made of, and what went wrong."""

    data: bytes = b""
    plugin_id: int | None = None
    error: str | None = None


_FIELDS = ("{entity_id}", "{schema_id}", "{schema_version}", "{snapshot}", "{plugin}")
_ROWS = Query(_FIELDS, 1, ("x.file_id = ?1", IN_FILE))
_ROW = Query(_FIELDS, 3, ("x.schema_id = ?1", "x.entity_id = ?2", "x.file_id = ?3"))
_FIRST = Query(
    ("{plugin}",),
    2,
    ("x.file_id = ?1", IN_FILE),
    (f"{{plugin}} <> {LIX}", "{plugin} <> ?2"),
    limit=" LIMIT 1",
)


class Renderer:
    """Renders files of any scope. Nothing is kept here and nothing written."""

    __slots__ = ("_blobs", "_lookup", "_plugins", "_store")

    def __init__(self, store: Store, lookup: Lookup, blobs: Blobs, plugins: Plugins) -> None:
        self._store = store
        self._lookup = lookup
        self._blobs = blobs
        self._plugins = plugins

    def entities(self, scope: Scope, file_id: str) -> list[Entity]:
        """Return the live rows of a file, those of the nearest layer first."""
        number = self._store.names.find(file_id)
        if number == -1:
            return []
        return [Entity(*row) for row in self._run(_ROWS, scope, number)]

    def entity(self, scope: Scope, file_id: str, schema_id: int, entity_id: str) -> Entity | None:
        """Return one live row of a file."""
        number = self._store.names.find(file_id)
        row = self._run(_ROW, scope, schema_id, entity_id, number).fetchone()
        return None if row is None else Entity(*row)

    def owner(self, scope: Scope, file_id: str) -> int | None:
        """Return whose entities a file consists of: those that lie nearest, as a rule."""
        number = self._store.names.find(file_id)
        first = self._run(_FIRST, scope, number, LIX).get
        if first is None or self._run(_FIRST, scope, number, first).get is None:
            return first  # type: ignore[no-any-return]
        return self._owner_of(scope, file_id, self._parts(scope, file_id))

    def _parts(self, scope: Scope, file_id: str) -> list[Entity]:
        return [row for row in self.entities(scope, file_id) if row.plugin_id != LIX]

    def _owner_of(self, scope: Scope, file_id: str, parts: Sequence[Entity]) -> int:
        """Choose among the plugins whose entities show.

        There is more than one where a version edited entities of a file that came to belong to
        another plugin in its parent. Then the path decides, if it can.
        """
        owners = list(dict.fromkeys(row.plugin_id for row in parts))
        if len(owners) > 1:
            plugin = self._plugins.by_path(self.path(scope, file_id))
            key = FALLBACK_PLUGIN if plugin is None else plugin.key
            named = self._store.names.find(key)
            if named in owners:
                return named
        return owners[0]

    def path(self, scope: Scope, file_id: str) -> str:
        """Return the path a plugin is told."""
        file = self._lookup.file(scope, file_id)
        if file is None:
            return ""
        return (self._lookup.paths(scope).path(file.directory_id) or "") + file.segment

    def render(self, scope: Scope, file_id: str, positions: Sequence[Position]) -> Rendered:
        """Return what the entities of a file stand for."""
        entities = self._parts(scope, file_id)
        if not entities:
            return Rendered()
        owner = self._owner_of(scope, file_id, entities)
        if owner == FALLBACK_ID:
            return Rendered(self._blob(entities), owner)
        previous = self._previous(positions)
        key = self._store.names.text(owner)
        plugin = self._plugins.get(key)
        missing = self._plugins.missing(key)
        if plugin is None or missing is not None:
            return Rendered(previous, owner, missing)
        file = PluginFile(file_id, self.path(scope, file_id), previous)
        changes = self._changes([row for row in entities if row.plugin_id == owner])
        return Rendered(self._plugins.apply(plugin, file, changes), owner)

    def _changes(self, entities: Sequence[Entity]) -> list[EntityChange]:
        """Return entities as a plugin gets them, in an order that depends on nothing else."""
        text = self._store.names.text
        owned = sorted((text(row.schema_id), *row) for row in entities)
        contents = parse_json(f"[{','.join([row[4] for row in owned])}]")
        return [
            EntityChange(entity_id, schema_key, content, schema_version)
            for (schema_key, entity_id, _, schema_version, _, _), content in zip(
                owned, contents, strict=True
            )
        ]

    def _blob(self, entities: Sequence[Entity]) -> bytes:
        for row in entities:
            if row.schema_id == BLOB_REF_ID:
                return self._blobs.get(parse_json(row.snapshot)["blob_hash"])
        raise CorruptError(f"rows of {FALLBACK_PLUGIN} name no content")

    def _previous(self, positions: Sequence[Position]) -> bytes:
        """Return the bytes as they were last written or rendered, nearby first."""
        for position in positions:
            hash = position.previous if position.hash is None else position.hash
            if hash is not None:
                return self._blobs.get(hash.hex()) if hash else b""
        return b""

    def _run(self, query: Query, scope: Scope, *values: int | str) -> Any:
        store = self._store
        view = scope.view(None, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        return store.connection.execute(sql, (*values, *view.params))
