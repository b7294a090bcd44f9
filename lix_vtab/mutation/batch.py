"""Writing the entities of one file at once: all are checked, then all are written."""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.model.json import Json, parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.catalogue import Catalogue
from lix_vtab.mutation.writer import RowWrite, Visible, Watcher, Write, Writer
from lix_vtab.schema.compiled import CompiledSchema
from lix_vtab.storage.rows import Key, Values
from lix_vtab.storage.rows_many import ManyRows, RowChange
from lix_vtab.storage.store import Store

__all__ = ["Batch", "BatchWriter", "EntityWrite"]


class EntityWrite(NamedTuple):
    """An entity to be written; `text` is its canonical snapshot, None for a tombstone.

    `plugin_key` and `file_id` are those of the batch unless given.
    """

    entity_id: str
    schema_key: str
    schema_version: str
    text: str | None
    plugin_key: str | None = None
    file_id: str | None = None
    metadata: str | None = None


class Checked(NamedTuple):
    """An entity that satisfies its schema."""

    write: EntityWrite
    schema: CompiledSchema | None
    content: Json | None


class Batch(NamedTuple):
    """Checked entities of one file and one plugin."""

    file_id: str
    plugin_key: str
    rows: Sequence[Checked]
    untracked: bool = False


class _Kind(NamedTuple):
    """What all rows of one schema, file and plugin have in common."""

    schema_id: int
    file_id: int
    plugin_id: int
    watched: bool


class BatchWriter:
    """Checks and writes batches for one database."""

    __slots__ = ("_catalogue", "_many", "_store", "_writer")

    def __init__(self, store: Store, catalogue: Catalogue, writer: Writer) -> None:
        self._store = store
        self._catalogue = catalogue
        self._writer = writer
        self._many = ManyRows(store.connection, store.db, store.commits, store.identity, store.rows)

    def check(self, writes: Sequence[EntityWrite], contents: Sequence[Json]) -> list[Checked]:
        """Validate entities against their schemas; refuse the first that does not fit.

        `contents` holds what the text of each write says.
        """
        schemas: dict[tuple[str, str], CompiledSchema] = {}
        checked = []
        for write, content in zip(writes, contents, strict=True):
            if write.text is None:
                checked.append(Checked(write, None, None))
                continue
            identity = write[1:3]
            schema = schemas.get(identity)
            if schema is None:
                schema = schemas[identity] = self._catalogue.get(*identity)
            schema.validate(content, write.entity_id)
            schema.check_entity_id(write.entity_id, content)
            checked.append(Checked(write, schema, content))
        return checked

    def check_one(self, write: EntityWrite, content: Json) -> Checked:
        """Validate an entity whose text was just made of `content`."""
        schema = self._catalogue.get(write.schema_key, write.schema_version)
        schema.validate(content, write.entity_id)
        schema.check_entity_id(write.entity_id, content)
        return Checked(write, schema, content)

    def write(self, version_id: str, batch: Batch, writer_key: str | None) -> None:
        """Write a batch; rows that are there already as they should be stay untouched."""
        if not batch.rows:
            return
        if batch.untracked:
            for row in batch.rows:
                self._put_untracked(version_id, batch, row, writer_key)
            return
        place = self._writer.place_of(version_id)
        keys = self._keys(batch)
        intern = self._store.names.intern
        lineage = self._store.segments.lineage(place[1])
        occupied = self._store.overlay.occupied()
        changes: list[RowChange] = []
        writes: list[Write] = []
        for key, row in zip(keys, batch.rows, strict=True):
            if (place[0], key.schema_id) in occupied and self._has_overlay(place[0], key):
                self._put_untracked(version_id, batch, row, writer_key)
                continue
            plugin_id = intern(row.write.plugin_key or batch.plugin_key)
            values = Values(plugin_id, row.write.schema_version, row.write.text, None, writer_key)
            previous = self._store.rows.find(lineage, key)
            if previous is not None:
                if previous.values == values:
                    continue
                if row.write.text is None and self._is_young(place[0], previous.from_seq):
                    self._writer.remove(version_id, key, writer_key=writer_key)
                    continue
            changes.append(RowChange(key, values, previous))
            if self._writer.watched(row.write.schema_key, removal=row.write.text is None):
                writes.append(self._told(version_id, place[0], batch, row, key, changes[-1]))
        self._store_many(place, changes, writes)

    def write_new(self, version_id: str, batch: Batch, writer_key: str | None) -> int:
        """Write tracked rows that nobody has ever had; return the rowid of the first."""
        place = self._writer.place_of(version_id)
        kinds: dict[tuple[str, str | None, str | None], _Kind] = {}
        changes: list[RowChange] = []
        writes: list[Write] = []
        for row in batch.rows:
            entity_id, schema_key, version, text, plugin_key, file_id, metadata = row.write
            kind = kinds.get((schema_key, plugin_key, file_id))
            if kind is None:
                kind = self._kind(batch, row.write)
                kinds[(schema_key, plugin_key, file_id)] = kind
            schema_id, number, plugin_id, watched = kind
            change = RowChange(
                Key(schema_id, entity_id, number),
                Values(plugin_id, version, text, metadata, writer_key),
                None,
            )
            changes.append(change)
            if watched:
                writes.append(self._told(version_id, place[0], batch, row, change.key, change))
        return self._store_many(place, changes, writes)

    def _kind(self, batch: Batch, write: EntityWrite) -> _Kind:
        intern = self._store.names.intern
        return _Kind(
            intern(write.schema_key),
            intern(write.file_id or batch.file_id),
            intern(write.plugin_key or batch.plugin_key),
            bool(self._writer.watched(write.schema_key)),
        )

    # -- writing

    def _store_many(
        self, place: tuple[int, int], changes: Sequence[RowChange], writes: Sequence[Write]
    ) -> int:
        watched: list[tuple[Watcher, Write]] = [
            (watcher, write)
            for write in writes
            for watcher in self._writer.watched(write.row.schema_key, removal=write.after is None)
        ]
        together: dict[Watcher, list[Write]] = {}
        for watcher, write in watched:
            if watcher.check_many is not None:
                together.setdefault(watcher, []).append(write)
            elif watcher.check is not None:
                watcher.check(write)
        for watcher, group in together.items():
            if watcher.check_many is not None:
                watcher.check_many(group)
        first = self._many.write(*place, changes) if changes else 0
        for watcher, write in watched:
            if watcher.then is not None:
                watcher.then(write)
        return first

    def _put_untracked(
        self, version_id: str, batch: Batch, row: Checked, writer_key: str | None
    ) -> None:
        """Write one row outside history; a tombstone hides whatever would show."""
        names = self._store.names
        write = row.write
        key = Key(names.intern(write.schema_key), write.entity_id, names.intern(batch.file_id))
        if write.text is None:
            own = self._writer.own(version_id, key)
            if own is not None and own.untracked:
                self._writer.remove(version_id, key, writer_key=writer_key)
            if self._writer.visible(version_id, key) is None:
                return
        self._writer.put(
            version_id,
            RowWrite(
                write.entity_id,
                write.schema_key,
                batch.file_id,
                write.plugin_key or batch.plugin_key,
                write.schema_version,
                row.content,
                None,
                writer_key,
                True,
            ),
        )

    # -- looking

    def _keys(self, batch: Batch) -> list[Key]:
        intern = self._store.names.intern
        file_id = intern(batch.file_id)
        return [
            Key(intern(row.write.schema_key), row.write.entity_id, file_id) for row in batch.rows
        ]

    def _has_overlay(self, version_no: int, key: Key) -> bool:
        return self._store.overlay.find(version_no, key) is not None

    def _is_young(self, version_no: int, from_seq: int) -> bool:
        """Tell whether a row was written by this very transaction."""
        return from_seq == self._store.commits.open(version_no)

    def _told(
        self,
        version_id: str,
        version_no: int,
        batch: Batch,
        row: Checked,
        key: Key,
        change: RowChange,
    ) -> Write:
        """Return a write as watchers see it."""
        write = row.write
        stored = change.previous
        before = (
            None if stored is None else Visible(0, False, stored.values, stored.created_at, stored)
        )
        return Write(
            version_id,
            version_no,
            key,
            row.schema,
            RowWrite(
                write.entity_id,
                write.schema_key,
                write.file_id or batch.file_id,
                write.plugin_key or batch.plugin_key,
                write.schema_version,
                row.content,
                None if write.metadata is None else parse_json(write.metadata),
                change.values.writer_key,
            ),
            before,
            row.content,
        )
