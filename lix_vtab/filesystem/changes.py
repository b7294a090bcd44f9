"""What a write of bytes means in entities, worked out before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.errors import LixError, PluginError
from lix_vtab.filesystem.content import Contents
from lix_vtab.filesystem.descriptors import BLOB_REF, FALLBACK_PLUGIN, blob_ref_snapshot
from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.render import Entity, Renderer
from lix_vtab.filesystem.renderings import EMPTY
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, canonical_json
from lix_vtab.mutation.batch import BatchWriter, Checked, EntityWrite
from lix_vtab.mutation.writer import Writer
from lix_vtab.plugins.contract import ActiveStateRow, File, Plugin, StateContext
from lix_vtab.plugins.manifest import STATE_COLUMNS
from lix_vtab.plugins.matching import content_type_of
from lix_vtab.resolution.scope import Scope
from lix_vtab.resolution.visible import IN_FILE, Query
from lix_vtab.storage.blob_codec import digest_of
from lix_vtab.storage.blobs import BlobRef
from lix_vtab.storage.first_names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Changes", "NewContent", "OldContent"]

_FIELDS = {
    "entity_id": "{entity_id}",
    "schema_key": "{schema_key}",
    "schema_version": "{schema_version}",
    "snapshot_content": "{snapshot}",
    "file_id": "{file_id}",
    "plugin_key": "{plugin_key}",
    "version_id": "coalesce({origin}, {version_id})",
    "change_id": "{change_id}",
    "metadata": "{metadata}",
    "created_at": "{created_at}",
    "updated_at": "{updated_at}",
}


@dataclass(frozen=True, slots=True)
class OldContent:
    """A file as it is: its path, and whose entities it consists of. None: it is new."""

    path: str
    owner: int | None
    hash: bytes | None
    error: str | None


@dataclass(frozen=True, slots=True)
class NewContent:
    """A file as it will be. `data` is stored with it, `rows` are the entities that change.

    `plugin_key` owns the rows that live; tombstones keep the key of the row they hide.
    """

    data: bytes | None
    hash: bytes
    plugin_key: str | None
    rows: Sequence[Checked]
    error: str | None = None


class Changes:
    """Asks plugins what changed, and makes the tombstones of what another plugin leaves behind."""

    __slots__ = ("_batch", "_contents", "_plugins", "_queries", "_renderer", "_store", "_writer")

    def __init__(
        self,
        store: Store,
        contents: Contents,
        renderer: Renderer,
        plugins: Plugins,
        batch: BatchWriter,
        writer: Writer,
    ) -> None:
        self._store = store
        self._contents = contents
        self._renderer = renderer
        self._plugins = plugins
        self._batch = batch
        self._writer = writer
        self._queries: dict[tuple[str, ...], Query] = {}

    def old(self, scope: Scope, file_id: str, path: str) -> OldContent:
        """Describe a file as it is."""
        known = self._contents.content(scope, file_id)
        if known is not None:
            return OldContent(path, known.plugin_id, known.hash, known.error)
        return OldContent(path, self._contents.owner(scope, file_id), None, None)

    def of(
        self, scope: Scope, file_id: str, path: str, data: bytes | None, old: OldContent | None
    ) -> NewContent | None:
        """Work out what it takes to give a file these bytes; None when it has them."""
        if data is None:
            return self._emptied(scope, file_id, old)
        hash = digest_of(data)
        named = self._plugins.match(path)
        plugin = None if named is None else self._plugins.match(path, data)
        if old is not None and old.hash == hash and self._owns(plugin, old):
            return None
        error = None
        if plugin is not None:
            made = self._detected(scope, plugin, File(file_id, path, data), hash, old)
            if isinstance(made, NewContent):
                return self._unless_same(made, old)
            error = f"{plugin.key}: {made}"
        elif named is not None:
            error = _unfit(named, data)
        blob = BlobRef(hash.hex(), len(data))
        return self._unless_same(self._as_blob(scope, file_id, blob, old, error, data), old)

    def of_blob(
        self, scope: Scope, file_id: str, path: str, ref: BlobRef, old: OldContent | None
    ) -> NewContent | None:
        """Work out what it takes to give a file content that is stored already."""
        plugin = self._plugins.match(path, b"")
        error = None if plugin is None else f"{plugin.key}: the content is too large"
        return self._unless_same(self._as_blob(scope, file_id, ref, old, error), old)

    def _owns(self, plugin: Plugin | None, old: OldContent) -> bool:
        """Tell whether a file of these bytes would come out as it is."""
        key = FALLBACK_PLUGIN if plugin is None else plugin.key
        return old.error is None and old.owner == self._store.names.find(key)

    def _unless_same(self, made: NewContent, old: OldContent | None) -> NewContent | None:
        if old is None or made.rows or made.hash != old.hash or made.error != old.error:
            return made
        return None

    # -- the kinds of content

    def _emptied(self, scope: Scope, file_id: str, old: OldContent | None) -> NewContent | None:
        if old is None:
            return NewContent(None, EMPTY, None, ())
        gone = self._gone(scope, file_id)
        if not gone and old.hash in (EMPTY, None):
            return None
        return NewContent(None, EMPTY, None, gone)

    def _as_blob(
        self,
        scope: Scope,
        file_id: str,
        blob: BlobRef,
        old: OldContent | None,
        error: str | None,
        data: bytes | None = None,
    ) -> NewContent:
        content = blob_ref_snapshot(file_id, blob.hash, blob.size)
        text = canonical_json(content)
        rows = [self._batch.check_one(EntityWrite(file_id, BLOB_REF, "1", text), content)]
        if old is not None:
            live = self._renderer.entities(scope, file_id)
            if any(row.snapshot == text and row.entity_id == file_id for row in live):
                rows = []
            rows += self._tombstones(live, {(BLOB_REF, file_id)})
        hash = bytes.fromhex(blob.hash)
        return NewContent(data, hash, FALLBACK_PLUGIN, rows, error)

    def _detected(
        self, scope: Scope, plugin: Plugin, after: File, hash: bytes, old: OldContent | None
    ) -> NewContent | str:
        """Return the content a plugin makes of bytes, or the reason why it does not take them."""
        before = None
        if old is not None and old.owner == self._store.names.find(plugin.key):
            before = self._before(scope, after.id, old.path)
        same = before is not None
        context = self._context(scope, plugin, after.id, known=same)
        detection = self._plugins.detect(plugin, before, after, context)
        if detection.rejected is not None:
            return detection.rejected
        self._plugins.register(plugin)
        writes = [EntityWrite(*change) for change in detection.changes]
        rows = self._checked(plugin, after, writes, detection.contents)
        plugin_id = self._store.names.find(plugin.key)
        if old is not None and (not same or self._contents.mixed(scope, after.id, plugin_id)):
            named = {(row.write.schema_key, row.write.entity_id) for row in rows}
            live = self._renderer.entities(scope, after.id)
            left = [row for row in live if not same or row.plugin_id != plugin_id]
            rows = self._tombstones(left, named) + rows
        return NewContent(after.data, hash, plugin.key, rows)

    def _checked(
        self, plugin: Plugin, file: File, writes: Sequence[EntityWrite], contents: Sequence[Json]
    ) -> list[Checked]:
        """Hold what a plugin found against its schemas; name the plugin when it does not fit."""
        try:
            return self._batch.check(writes, contents)
        except LixError as problem:
            where = f"plugin '{plugin.key}' on file '{file.id}' ({file.path})"
            details = {"plugin": plugin.key, "file_id": file.id, "path": file.path}
            raise type(problem)(
                f"{where}: {problem.message}",
                hint=problem.hint,
                details={**problem.details, **details},
            ) from problem

    def _before(self, scope: Scope, file_id: str, path: str) -> File | None:
        """Return a file as it is, None when its entities are no file: then it is written anew."""
        try:
            return File(file_id, path, self._contents.read(scope, file_id))
        except PluginError:
            return None

    # -- tombstones

    def gone(self, scope: Scope, file_id: str) -> list[Checked]:
        """Return a tombstone for every row of a file, those of no plugin included."""
        return self._tombstones(self._renderer.entities(scope, file_id), set(), foreign=True)

    def _gone(self, scope: Scope, file_id: str) -> list[Checked]:
        return self._tombstones(self._renderer.entities(scope, file_id), set())

    def _tombstones(
        self, live: Sequence[Entity], kept: set[tuple[str, str]], *, foreign: bool = False
    ) -> list[Checked]:
        text = self._store.names.text
        gone = [
            EntityWrite(
                row.entity_id, text(row.schema_id), row.schema_version, None, text(row.plugin_id)
            )
            for row in live
            if foreign or row.plugin_id != LIX
        ]
        return [
            Checked(write, None, None)
            for write in gone
            if (write.schema_key, write.entity_id) not in kept
        ]

    # -- what a plugin may look at

    def _context(
        self, scope: Scope, plugin: Plugin, file_id: str, *, known: bool
    ) -> StateContext | None:
        columns = self._plugins.manifest(plugin).state_columns
        if columns is None:
            return None
        if not known:
            return StateContext()
        plugin_id = self._store.names.find(plugin.key)
        return StateContext(
            lambda: self._state(scope, file_id, plugin_id, columns),
            find=lambda schema, entity: self._state_of(scope, file_id, schema, entity, columns),
        )

    def _state(
        self, scope: Scope, file_id: str, plugin_id: int, columns: tuple[str, ...]
    ) -> list[ActiveStateRow]:
        query = self._queries.get(columns)
        if query is None:
            query = self._queries[columns] = Query(
                tuple(_FIELDS[name] if name in columns else "NULL" for name in STATE_COLUMNS),
                2,
                ("x.file_id = ?1", IN_FILE),
                ("{plugin} = ?2",),
                order=("1",),
            )
        store = self._store
        view = scope.view(None, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        params: tuple[Any, ...] = (store.names.find(file_id), plugin_id, *view.params)
        return [ActiveStateRow(*row) for row in store.connection.execute(sql, params)]

    def _state_of(
        self, scope: Scope, file_id: str, schema_key: str, entity_id: str, columns: tuple[str, ...]
    ) -> ActiveStateRow | None:
        names = self._store.names
        key = Key(names.find(schema_key), entity_id, names.find(file_id))
        visible = self._writer.visible(scope.version_id, key)
        if visible is None:
            return None
        values = visible.values
        row: dict[str, Any] = {
            "entity_id": entity_id,
            "schema_key": schema_key,
            "schema_version": values.schema_version,
            "snapshot_content": values.snapshot,
            "file_id": file_id,
            "plugin_key": names.text(values.plugin_id),
            "metadata": values.metadata,
        }
        return ActiveStateRow(**{name: value for name, value in row.items() if name in columns})


def _unfit(plugin: Plugin, data: bytes) -> str:
    """Say why the plugin for files of a name does not take these bytes."""
    kind = "text" if content_type_of(data) == "text" else "binary: not UTF-8, or with a NUL"
    return f"{plugin.key}: the content is {kind}"
