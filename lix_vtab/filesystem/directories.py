"""Writing directories: making, moving, renaming and deleting them with all they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lix_vtab.errors import InvalidValueError
from lix_vtab.filesystem.descriptors import DIRECTORY, Directory
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.paths import DirectoryPath, check_segment, directory_text
from lix_vtab.filesystem.refusals import (
    directory_exists,
    directory_is_file,
    name_mismatch,
    no_directory_name,
    no_parent_id,
    no_parent_path,
    parent_mismatch,
)
from lix_vtab.filesystem.tree import check_move
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.writer import RowWrite, Visible, Writer
from lix_vtab.resolution.scope import Scope
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID, LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["DirectoryWriter", "NewDirectory", "Spot"]


class Spot(NamedTuple):
    """Where something new goes: the deepest directory there is, and the names still missing."""

    directory_id: str | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDirectory:
    """A directory to be inserted, by path or by name and parent."""

    path: object = None
    id: str | None = None
    parent_id: str | None = None
    name: object = None
    hidden: bool = False
    metadata: Json = None
    untracked: bool = False
    writer_key: str | None = None


class DirectoryWriter:
    """Writes directories into versions of one database."""

    __slots__ = ("_lookup", "_remove_file", "_store", "_writer")

    def __init__(self, store: Store, writer: Writer, lookup: Lookup) -> None:
        self._store = store
        self._writer = writer
        self._lookup = lookup
        self._remove_file: Callable[[str, str, str | None], bool] | None = None

    def removes_files_by(self, remove: Callable[[str, str, str | None], bool]) -> None:
        """Say how the files of a deleted directory are deleted."""
        self._remove_file = remove

    # -- making

    def spot(self, scope: Scope, segments: Sequence[str]) -> Spot:
        """Find where a directory path ends for now; refuse one that leads through a file."""
        at: str | None = None
        for depth, name in enumerate(segments):
            found = self._lookup.step(scope, DIRECTORY_ID, at, name)
            if not found:
                if self._lookup.taken(scope, at, name) and self._lookup.step(
                    scope, FILE_ID, at, name
                ):
                    path = directory_text(segments[: depth + 1])
                    raise directory_is_file(path, scope.version_id)
                return Spot(at, tuple(segments[depth:]))
            at = found[0]
        return Spot(at)

    def make(
        self, version_id: str, spot: Spot, *, untracked: bool, writer_key: str | None
    ) -> str | None:
        """Create what is missing and return the id of the last directory."""
        at = spot.directory_id
        if not untracked:
            self._track(version_id, at, writer_key)
        for name in spot.missing:
            directory = Directory(self.new_id(), at, name)
            self._put(version_id, directory, None, untracked, writer_key)
            at = directory.id
        return at

    def insert(self, version_id: str, new: NewDirectory, *, replacing: bool = False) -> int:
        """Insert a directory, and by path the directories above it; return its rowid."""
        scope = self._writer.scope(version_id)
        spot, name, path = self._place_of(scope, new)
        other = self._check_free(scope, spot, name, path, new.id, replacing=replacing)
        if other is not None:
            self.delete(version_id, other, new.writer_key)
        id = new.id if new.id is not None else self._writer.source.uuid7()
        key = Key(DIRECTORY_ID, id, LIX)
        own = self._writer.own(version_id, key)
        unique = not replacing and own is not None and own.values.snapshot is not None
        if own is not None and replacing and not spot.missing:
            check_move(id, spot.directory_id, self._lookup.climb(scope))
        row = self._row(Directory(id, None, name, new.hidden), new.metadata, new.untracked, "")
        if unique:
            return self._writer.put(
                version_id, row._replace(writer_key=new.writer_key), unique=True
            )
        parent_id = self.make(version_id, spot, untracked=new.untracked, writer_key=new.writer_key)
        directory = Directory(id, parent_id, name, new.hidden)
        return self._put(version_id, directory, new.metadata, new.untracked, new.writer_key)

    def _place_of(self, scope: Scope, new: NewDirectory) -> tuple[Spot, str, str]:
        if new.path is None:
            return self._place_by_name(scope, new)
        path = DirectoryPath.parse(new.path)
        spot = self.spot(scope, path.parent.segments)
        if new.parent_id is not None and (spot.missing or spot.directory_id != new.parent_id):
            raise parent_mismatch(str(path), new.parent_id)
        if new.name is not None and new.name != path.name:
            raise name_mismatch(str(path), str(new.name))
        return spot, path.name, str(path)

    def _place_by_name(self, scope: Scope, new: NewDirectory) -> tuple[Spot, str, str]:
        if not isinstance(new.name, str) or not new.name.strip():
            raise no_directory_name()
        if new.parent_id is not None and self._lookup.directory(scope, new.parent_id) is None:
            raise no_parent_id(new.parent_id)
        name = check_segment(new.name)
        above = self._lookup.paths(scope).path(new.parent_id)
        return Spot(new.parent_id), name, f"{above or '?/'}{name}/"

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
        """Change a visible directory; whatever is in it moves along without being written."""
        scope = self._writer.scope(version_id)
        old = Directory.parse(visible.values.snapshot or "")
        new = self._moved(scope, old, given)
        if "hidden" in given:
            new = replace(new, hidden=given["hidden"])
        if (new.parent_id, new.name) != (old.parent_id, old.name):
            path = (self._lookup.paths(scope).path(new.parent_id) or "?/") + new.name + "/"
            other = self._check_free(
                scope, Spot(new.parent_id), new.name, path, old.id, replacing=replacing
            )
            if other is not None:
                self.delete(version_id, other, writer_key)
        metadata = given["metadata"] if "metadata" in given else _metadata(visible)
        if new == old and metadata == _metadata(visible):
            return
        if not visible.untracked:
            self._track(version_id, new.parent_id, writer_key)
        self._put(version_id, new, metadata, visible.untracked, writer_key)

    def _moved(self, scope: Scope, old: Directory, given: dict[str, Any]) -> Directory:
        if "path" in given:
            path = DirectoryPath.parse(given["path"])
            spot = self.spot(scope, path.parent.segments)
            if spot.missing:
                raise no_parent_path(str(path))
            parent_id, name = spot.directory_id, path.name
        else:
            parent_id = given.get("parent_id", old.parent_id)
            name = given.get("name", old.name)
            if not isinstance(name, str):
                raise no_directory_name()
            check_segment(name)
            if parent_id is not None and not isinstance(parent_id, str):
                raise InvalidValueError(
                    f"parent_id must be a string, not {parent_id!r}",
                    hint="the id of a directory, or NULL for the root",
                )
        if parent_id != old.parent_id:
            check_move(old.id, parent_id, self._lookup.climb(scope))
        return replace(old, parent_id=parent_id, name=name)

    # -- deleting

    def delete(self, version_id: str, directory_id: str, writer_key: str | None) -> bool:
        """Delete a directory with all directories and files in it; tell whether it was there."""
        self.empty(version_id, directory_id, writer_key)
        key = Key(DIRECTORY_ID, directory_id, LIX)
        return self._writer.remove(version_id, key, writer_key=writer_key)

    def empty(self, version_id: str, directory_id: str, writer_key: str | None) -> None:
        """Delete all directories and files in a directory."""
        scope = self._writer.scope(version_id)
        below: dict[str, None] = {directory_id: None}
        files: list[str] = []
        front = [directory_id]
        while front:
            at = front.pop()
            files += [id for id, _ in self._lookup.children(scope, FILE_ID, at)]
            found = [id for id, _ in self._lookup.children(scope, DIRECTORY_ID, at)]
            front += [id for id in found if id not in below]
            below.update(dict.fromkeys(found))
        assert self._remove_file is not None
        for id in files:
            self._remove_file(version_id, id, writer_key)
        del below[directory_id]
        for id in below:
            self._writer.remove(version_id, Key(DIRECTORY_ID, id, LIX), writer_key=writer_key)

    def about_to_go(
        self, version_id: str, key: Key, visible: Visible | None, writer_key: str | None
    ) -> None:
        """Delete what is in a directory whose row is about to be deleted; ignore other rows.

        A tombstone holds nothing any more, and an untracked row may hide a tracked one that stays.
        """
        if key.schema_id != DIRECTORY_ID or not self._store.versions.listed(version_id):
            return
        if visible is not None:
            if visible.values.snapshot is None:
                return
            own = visible.untracked and visible.depth == 0
            if own and self._writer.beneath(version_id, key) is not None:
                return
        self.empty(version_id, key.entity_id, writer_key)

    # -- rules

    def _check_free(
        self,
        scope: Scope,
        spot: Spot,
        name: str,
        path: str,
        id: str | None,
        *,
        replacing: bool,
    ) -> str | None:
        """Refuse a path that is taken; return the directory to be replaced, if so wanted."""
        if spot.missing or not self._lookup.taken(scope, spot.directory_id, name):
            return None
        others = self._lookup.step(scope, DIRECTORY_ID, spot.directory_id, name)
        others = [other for other in others if other != id]
        if others and not replacing:
            raise directory_exists(path, scope.version_id)
        if self._lookup.step(scope, FILE_ID, spot.directory_id, name):
            raise directory_is_file(path, scope.version_id)
        return others[0] if others else None

    # -- storing

    def new_id(self) -> str:
        """Return the id of a directory that is made on demand."""
        identity = self._store.identity
        number = self._store.commits.next_change() if identity.repeat_ids else 0
        return identity.new("row", number)

    def _track(self, version_id: str, directory_id: str | None, writer_key: str | None) -> None:
        """Make sure that history knows the directories above what is tracked."""
        at = directory_id
        if not self.any_untracked(self._writer.scope(version_id)):
            return
        while at is not None:
            key = Key(DIRECTORY_ID, at, LIX)
            visible = self._writer.visible(version_id, key)
            if visible is None or not visible.untracked or visible.values.snapshot is None:
                return
            place = self._writer.place_of(version_id)
            stored = self._store.rows.find(self._store.segments.lineage(place[1]), key)
            if stored is None or stored.values.snapshot != visible.values.snapshot:
                directory = Directory.parse(visible.values.snapshot)
                self._put(version_id, directory, _metadata(visible), False, writer_key)
            at = Directory.parse(visible.values.snapshot).parent_id

    def any_untracked(self, scope: Scope) -> bool:
        """Tell whether some directory may be untracked, which is rare."""
        occupied = self._store.overlay.occupied()
        return any(
            (layer.params[0], DIRECTORY_ID) in occupied
            for layer in scope.layers
            if layer.kind == "o"
        )

    def _put(
        self,
        version_id: str,
        directory: Directory,
        metadata: Json,
        untracked: bool,
        writer_key: str | None,
    ) -> int:
        row = self._row(directory, metadata, untracked, writer_key)
        return self._writer.put(version_id, row)

    def _row(
        self, directory: Directory, metadata: Json, untracked: bool, writer_key: str | None
    ) -> RowWrite:
        return RowWrite(
            directory.id,
            DIRECTORY,
            "lix",
            "lix",
            "1",
            directory.snapshot(),
            metadata,
            writer_key,
            untracked,
        )


def _metadata(visible: Visible) -> Json:
    text = visible.values.metadata
    return None if text is None else parse_json(text)
