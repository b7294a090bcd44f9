"""Withdrawing a row: a version shows what it inherits again, as if it had never had its own."""

from __future__ import annotations

from lix_vtab.model.json import parse_json
from lix_vtab.mutation.catalogue import Catalogue
from lix_vtab.mutation.writer import RowWrite, Write, Writer
from lix_vtab.storage.rows import WITHDRAWN, Key, Values
from lix_vtab.storage.store import Store

__all__ = ["Withdrawal"]


class Withdrawal:
    """Withdraws rows from versions of one database."""

    __slots__ = ("_catalogue", "_store", "_writer")

    def __init__(self, store: Store, catalogue: Catalogue, writer: Writer) -> None:
        self._store = store
        self._catalogue = catalogue
        self._writer = writer

    def withdraw(self, version_id: str, key: Key, writer_key: str | None) -> bool:
        """Withdraw the tracked row of a key; tell whether the version inherits one.

        If not, nothing happens. Rules apply as to an update with the inherited content. An
        untracked row stays.
        """
        writer, store, names = self._writer, self._store, self._store.names
        inherited = writer.inherited(version_id, key)
        if inherited is None or inherited.values.snapshot is None:
            return False
        version_no, segment_id = writer.place_of(version_id)
        stored = store.rows.find(store.segments.lineage(segment_id), key)
        if stored is None or stored.withdrawn:
            return True
        plugin_id, version, *_ = inherited.values
        row = RowWrite(
            key.entity_id,
            names.text(key.schema_id),
            names.text(key.file_id),
            names.text(plugin_id),
            version,
            parse_json(inherited.values.snapshot),
            writer_key=writer_key,
        )
        schema = self._catalogue.get(row.schema_key, version)
        own = writer.own(version_id, key)
        write = Write(version_id, version_no, key, schema, row, own, row.content, updates=True)
        watchers = writer.watched(row.schema_key)
        for watcher in watchers:
            if watcher.check is not None:
                watcher.check(write)
        values = Values(plugin_id, WITHDRAWN, None, None, writer_key)
        store.rows.write(version_no, segment_id, key, values, stored)
        for watcher in watchers:
            if watcher.then is not None:
                watcher.then(write)
        return True
