"""Storing a file: its entities, its bytes, and the rendering that ties them together."""

from __future__ import annotations

from lix_vtab.filesystem.changes import NewContent
from lix_vtab.filesystem.content import Contents
from lix_vtab.filesystem.entries import Entries
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.render import Renderer
from lix_vtab.filesystem.renderings import Renderings
from lix_vtab.filesystem.settling import Settler
from lix_vtab.mutation.batch import Batch, BatchWriter, Checked
from lix_vtab.mutation.writer import Writer
from lix_vtab.resolution.scope import Scope
from lix_vtab.storage.store import Store

__all__ = ["FileStore"]


class FileStore:
    """Writes what was decided; refuses nothing."""

    __slots__ = (
        "_batch",
        "_contents",
        "_entries",
        "_lookup",
        "_renderer",
        "_renderings",
        "_settler",
        "_store",
        "_writer",
    )

    def __init__(
        self,
        store: Store,
        writer: Writer,
        batch: BatchWriter,
        entries: Entries,
        lookup: Lookup,
        contents: Contents,
        renderings: Renderings,
        renderer: Renderer,
        settler: Settler,
    ) -> None:
        self._store = store
        self._writer = writer
        self._batch = batch
        self._entries = entries
        self._lookup = lookup
        self._contents = contents
        self._renderings = renderings
        self._renderer = renderer
        self._settler = settler

    def put_new(
        self,
        version_id: str,
        file_id: str,
        described: Checked,
        content: NewContent,
        writer_key: str | None,
    ) -> int:
        """Write all of a tracked file whose id was never used before."""
        store = self._store
        if content.data is not None:
            self._contents.blobs.put(content.data, content.hash)
        place = self._writer.place_of(version_id)
        number = store.names.add(file_id)
        rows = [described, *content.rows]
        self._entries.expected = file_id
        try:
            with self._renderings.leaving(number):
                batch = Batch(file_id, content.plugin_key or "lix", rows)
                rowid = self._batch.write_new(version_id, batch, writer_key)
        finally:
            self._entries.expected = None
        plugin_id = store.names.intern(content.plugin_key) if content.plugin_key else None
        seq = store.commits.open(place[0])
        self._renderings.write_new(place[1], seq, number, content.hash, content.error, plugin_id)
        return rowid

    def put(
        self,
        version_id: str,
        scope: Scope,
        file_id: str,
        content: NewContent,
        untracked: bool,
        writer_key: str | None,
    ) -> None:
        """Write the entities and the bytes of a file."""
        if content.data is not None:
            self._contents.blobs.put(content.data, content.hash)
        store = self._store
        number = store.names.intern(file_id)
        place = self._writer.place_of(version_id)
        renderings = self._renderings
        with renderings.collecting(number) as touched:
            self._batch.write(
                version_id,
                Batch(file_id, content.plugin_key or "lix", content.rows, untracked),
                writer_key,
            )
        seq = 0 if untracked else store.commits.open(place[0])
        holder = -place[0] if untracked else place[1]
        if not untracked and store.overlay.has_file(place[0], number):
            if holder in touched:
                renderings.touch(holder, seq, number)
            holder, seq = -place[0], 0
        elif -place[0] in touched and not untracked:
            renderings.forget(-place[0], number)
        basis = self._settler.basis(scope, holder, number)
        plugin_id = store.names.intern(content.plugin_key) if content.plugin_key else None
        renderings.write(holder, seq, number, content.hash, basis, content.error, plugin_id)

    def adopt(self, version_id: str, file_id: str, source: Scope) -> bool:
        """Give a file the very bytes it has in another scope, if it has the same entities there.

        Tell whether it has those bytes now.
        """
        wanted = self._contents.content(source, file_id)
        scope = self._writer.scope(version_id)
        if wanted is None or self._lookup.file(scope, file_id) is None:
            return False
        known = self._contents.content(scope, file_id)
        if known is not None and known.hash == wanted.hash:
            return True
        here = sorted(self._renderer.entities(scope, file_id))
        if here != sorted(self._renderer.entities(source, file_id)):
            return False
        store = self._store
        number = store.names.intern(file_id)
        place = self._writer.place_of(version_id)
        over = store.overlay.has_file(place[0], number)
        holder, seq = (-place[0], 0) if over else (place[1], store.commits.open(place[0]))
        basis = self._settler.basis(scope, holder, number)
        # without the entities that were inherited then, the next write makes them all anew
        owner = wanted.plugin_id if self._contents.stands_alone(source, file_id) else None
        self._renderings.write(holder, seq, number, wanted.hash, basis, wanted.error, owner)
        return True
