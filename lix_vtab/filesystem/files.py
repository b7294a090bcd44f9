"""Writing files: descriptor, directories on the way, entities and bytes, all or nothing.

Everything that can refuse a write runs before the first row is written, the plugin included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lix_vtab.errors import InvalidValueError
from lix_vtab.filesystem.changes import Changes, NewContent, OldContent
from lix_vtab.filesystem.content import Contents
from lix_vtab.filesystem.descriptors import FILE, File
from lix_vtab.filesystem.directories import DirectoryWriter, Spot
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.paths import FilePath, check_segment, join_name, split_name
from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.refusals import file_exists, file_is_directory, no_parent_id
from lix_vtab.filesystem.renderings import Renderings
from lix_vtab.filesystem.storing import FileStore
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.mutation.batch import Batch, BatchWriter, Checked, EntityWrite
from lix_vtab.mutation.writer import RowWrite, Visible, Writer
from lix_vtab.resolution.scope import Scope
from lix_vtab.storage.blob_codec import Readable
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID, LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["FileWriter", "NewFile"]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be inserted. `data` None is a file without content."""

    path: object
    data: bytes | None = None
    id: str | None = None
    metadata: Json = None
    hidden: bool = False
    row_metadata: Json = None
    untracked: bool = False
    writer_key: str | None = None


class FileWriter:
    """Writes files into versions of one database."""

    __slots__ = (
        "_batch",
        "_changes",
        "_content",
        "_contents",
        "_directories",
        "_lookup",
        "_plugins",
        "_renderings",
        "_store",
        "_writer",
    )

    def __init__(
        self,
        store: Store,
        writer: Writer,
        batch: BatchWriter,
        lookup: Lookup,
        directories: DirectoryWriter,
        contents: Contents,
        changes: Changes,
        plugins: Plugins,
        renderings: Renderings,
        content: FileStore,
    ) -> None:
        self._store = store
        self._writer = writer
        self._batch = batch
        self._lookup = lookup
        self._directories = directories
        self._contents = contents
        self._changes = changes
        self._plugins = plugins
        self._renderings = renderings
        self._content = content
        directories.removes_files_by(self.delete)

    # -- inserting

    def insert(self, version_id: str, new: NewFile, *, replacing: bool = False) -> int:
        """Insert a file and the directories it needs; return the rowid of its descriptor."""
        path = FilePath.parse(new.path)
        scope = self._writer.scope(version_id)
        spot = self._directories.spot(scope, path.directories)
        id = new.id if new.id is not None else self._writer.source.uuid7()
        if id == "lix":
            raise InvalidValueError("a file cannot have the id 'lix'", hint="choose another id")
        other = self._check_free(scope, spot, path.segment, str(path), id, replacing=replacing)
        known = new.id is not None and self._store.names.find(id) != -1
        if new.untracked or known:
            return self._insert_over(scope, new, id, path, spot, other, replacing=replacing)
        content = self._changes.of(scope, id, str(path), new.data, None)
        assert content is not None
        file = File(id, spot.directory_id, *split_name(path.segment), new.metadata, new.hidden)
        described = self._described(file, new)
        if other is not None:
            self.delete(version_id, other, new.writer_key)
        if spot.missing or self._directories.any_untracked(scope):
            directory_id = self._directories.make(
                version_id, spot, untracked=False, writer_key=new.writer_key
            )
            described = self._described(replace(file, directory_id=directory_id), new)
        return self._content.put_new(version_id, id, described, content, new.writer_key)

    def _described(self, file: File, new: NewFile) -> Checked:
        """Return a new file's descriptor, held against its schema."""
        metadata = None if new.row_metadata is None else canonical_json(new.row_metadata)
        content = file.snapshot()
        write = EntityWrite(file.id, FILE, "1", canonical_json(content), "lix", "lix", metadata)
        return self._batch.check_one(write, content)

    def _insert_over(
        self,
        scope: Scope,
        new: NewFile,
        id: str,
        path: FilePath,
        spot: Spot,
        other: str | None,
        *,
        replacing: bool,
    ) -> int:
        """Insert a file that is untracked, or whose id has been used before."""
        version_id = scope.version_id
        own = self._writer.own(version_id, Key(FILE_ID, id, LIX))
        taken = own is not None and own.values.snapshot is not None
        file = File(id, spot.directory_id, *split_name(path.segment), new.metadata, new.hidden)
        if taken and not replacing:
            self._put(
                version_id, file, new.row_metadata, new.untracked, new.writer_key, unique=True
            )
        switched = taken and own is not None and own.untracked != new.untracked
        old = None if switched else self._old(scope, id)
        content = self._changes.of(scope, id, str(path), new.data, old)
        for gone in (other, id if switched else None):
            if gone is not None:
                self.delete(version_id, gone, new.writer_key)
        directory_id = self._directories.make(
            version_id, spot, untracked=new.untracked, writer_key=new.writer_key
        )
        if content is not None:
            self._content.put(version_id, scope, id, content, new.untracked, new.writer_key)
        return self._put(
            version_id,
            replace(file, directory_id=directory_id),
            new.row_metadata,
            new.untracked,
            new.writer_key,
        )

    def _old(self, scope: Scope, file_id: str) -> OldContent | None:
        """Describe what rows of a file's id there are already; None when it is truly new."""
        if self._store.names.find(file_id) == -1:
            return None
        return self._changes.old(scope, file_id, self.path(scope, file_id) or "")

    # -- changing

    def update(
        self,
        version_id: str,
        visible: Visible,
        given: dict[str, Any],
        writer_key: str | None,
        *,
        replacing: bool = False,
    ) -> None:
        """Change a visible file: place, flags, bytes, or all of them."""
        scope = self._writer.scope(version_id)
        old = File.parse(visible.values.snapshot or "")
        new, spot = self._changed(scope, old, given)
        other = None
        moved = bool(spot.missing) or (new.directory_id, new.segment) != (
            old.directory_id,
            old.segment,
        )
        old_path = self.path(scope, old.id) or ""
        new_path = self._new_path(scope, new, spot) if moved else old_path
        if moved:
            other = self._check_free(
                scope, spot, new.segment, new_path, old.id, replacing=replacing
            )
        content = self._new_content(scope, old.id, old_path, new_path, given)
        if other is not None:
            self.delete(version_id, other, writer_key)
        untracked = visible.untracked
        if moved:
            new = replace(
                new,
                directory_id=self._directories.make(
                    version_id, spot, untracked=untracked, writer_key=writer_key
                ),
            )
        metadata = given["row_metadata"] if "row_metadata" in given else _metadata(visible)
        if content is not None:
            self._content.put(version_id, scope, old.id, content, untracked, writer_key)
        if new != old or metadata != _metadata(visible):
            self._put(version_id, new, metadata, untracked, writer_key)

    def _changed(self, scope: Scope, old: File, given: dict[str, Any]) -> tuple[File, Spot]:
        new = replace(
            old,
            metadata=given.get("metadata", old.metadata),
            hidden=given.get("hidden", old.hidden),
        )
        if "path" in given:
            path = FilePath.parse(given["path"])
            spot = self._directories.spot(scope, path.directories)
            placed = File.at(old.id, spot.directory_id, path.segment)
            if not spot.missing and placed.segment == old.segment:
                placed = old if placed.directory_id == old.directory_id else placed
            return replace(
                new,
                directory_id=spot.directory_id,
                name=placed.name,
                extension=placed.extension,
            ), spot
        if given.keys().isdisjoint(("directory_id", "name", "extension")):
            return new, Spot(old.directory_id)
        directory_id = _text("directory_id", given.get("directory_id", old.directory_id))
        name = _text("name", given.get("name", old.name)) or ""
        extension = _text("extension", given.get("extension", old.extension)) or None
        segment = check_segment(name and join_name(name, extension))
        if directory_id is not None and self._lookup.directory(scope, directory_id) is None:
            raise no_parent_id(directory_id)
        named = File.at(old.id, directory_id, segment)
        return replace(
            new, directory_id=directory_id, name=named.name, extension=named.extension
        ), Spot(directory_id)

    def _new_path(self, scope: Scope, new: File, spot: Spot) -> str:
        above = self._lookup.paths(scope).path(spot.directory_id) or ""
        return above + "".join(f"{name}/" for name in spot.missing) + new.segment

    def _new_content(
        self, scope: Scope, file_id: str, old_path: str, new_path: str, given: dict[str, Any]
    ) -> NewContent | None:
        if "data" in given:
            old = self._changes.old(scope, file_id, old_path)
            return self._changes.of(scope, file_id, new_path, given["data"], old)
        if new_path == old_path or self._plugins.same(old_path, new_path):
            return None
        old = self._changes.old(scope, file_id, old_path)
        if old.owner is None:
            return None
        data = self._contents.read(scope, file_id)
        return self._changes.of(scope, file_id, new_path, data, old)

    def replace_by_stream(
        self,
        version_id: str,
        file_id: str,
        path: str,
        stream: Readable,
        writer_key: str | None,
    ) -> None:
        """Give a file the content of a stream too large for plugins, a piece at a time."""
        scope = self._writer.scope(version_id)
        visible = self._writer.visible(version_id, Key(FILE_ID, file_id, LIX))
        assert visible is not None
        ref = self._contents.blobs.put(stream)
        old = self._changes.old(scope, file_id, path)
        content = self._changes.of_blob(scope, file_id, path, ref, old)
        if content is not None:
            self._content.put(version_id, scope, file_id, content, visible.untracked, writer_key)

    # -- deleting

    def delete(self, version_id: str, file_id: str, writer_key: str | None) -> bool:
        """Delete what a version shows of a file, its content included; tell whether it did.

        An untracked file of the version itself is removed, so that a tracked one shows again.
        """
        key = Key(FILE_ID, file_id, LIX)
        visible = self._writer.visible(version_id, key)
        if visible is None:
            return False
        number = self._store.names.intern(file_id)
        place = self._writer.place_of(version_id)
        self._writer.remove(version_id, key, writer_key=writer_key)
        if visible.untracked and visible.depth == 0:
            self._store.overlay.delete_file(place[0], number)
        if self._writer.visible(version_id, key) is None:
            gone = self._changes.gone(self._writer.scope(version_id), file_id)
            self._batch.write(version_id, Batch(file_id, "lix", gone), writer_key)
            if not visible.untracked:
                self._renderings.touch(place[1], self._store.commits.open(place[0]), number)
        if not self._store.overlay.has_file(place[0], number):
            self._renderings.forget(-place[0], number)
        return True

    # -- paths

    def path(self, scope: Scope, file_id: str) -> str | None:
        """Return the path of a file, None when there is none."""
        file = self._lookup.file(scope, file_id)
        if file is None:
            return None
        above = self._lookup.paths(scope).path(file.directory_id)
        return None if above is None else above + file.segment

    def _check_free(
        self, scope: Scope, spot: Spot, name: str, path: str, id: str, *, replacing: bool
    ) -> str | None:
        """Refuse a path that is taken; return the file to be replaced, if so wanted."""
        if spot.missing or not self._lookup.taken(scope, spot.directory_id, name):
            return None
        if self._lookup.step(scope, DIRECTORY_ID, spot.directory_id, name):
            raise file_is_directory(path, scope.version_id)
        found = self._lookup.step(scope, FILE_ID, spot.directory_id, name)
        others = [other for other in found if other != id]
        if others and not replacing:
            raise file_exists(path, scope.version_id)
        return others[0] if others else None

    # -- storing

    def _put(
        self,
        version_id: str,
        file: File,
        metadata: Json,
        untracked: bool,
        writer_key: str | None,
        *,
        unique: bool = False,
    ) -> int:
        row = RowWrite(
            file.id, FILE, "lix", "lix", "1", file.snapshot(), metadata, writer_key, untracked
        )
        return self._writer.put(version_id, row, unique=unique)


def _metadata(visible: Visible) -> Json:
    text = visible.values.metadata
    return None if text is None else parse_json(text)


def _text(column: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidValueError(
        f"{column} must be a string, not {value!r}", hint="CAST the value AS TEXT"
    )
