"""The parts of the filesystem wired together."""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.filesystem.changes import Changes
from lix_vtab.filesystem.content import Contents
from lix_vtab.filesystem.descriptors import File
from lix_vtab.filesystem.directories import DirectoryWriter
from lix_vtab.filesystem.entries import Entries
from lix_vtab.filesystem.files import FileWriter
from lix_vtab.filesystem.hierarchy import Hierarchy, check_hierarchy
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.patching import Patcher
from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.rebuild import check_entries, check_renderings, rebuild_entries
from lix_vtab.filesystem.render import Renderer
from lix_vtab.filesystem.renderings import Renderings
from lix_vtab.filesystem.settling import Settler
from lix_vtab.filesystem.spots import Spots
from lix_vtab.filesystem.storing import FileStore
from lix_vtab.filesystem.tree import DirectoryPaths
from lix_vtab.mutation.batch import BatchWriter
from lix_vtab.mutation.catalogue import Catalogue
from lix_vtab.mutation.stored_schemas import StoredSchemas
from lix_vtab.mutation.writer import Writer
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.storage.blob_check import check_blobs
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID
from lix_vtab.storage.store import Store

__all__ = ["Filesystem"]


class Filesystem:
    """Files and directories of one database, in any scope."""

    __slots__ = (
        "_names",
        "_settler",
        "batch",
        "blobs",
        "contents",
        "directories",
        "entries",
        "files",
        "hierarchy",
        "lookup",
        "plugins",
        "renderings",
        "spots",
        "storage",
    )

    def __init__(
        self,
        store: Store,
        scopes: Scopes,
        catalogue: Catalogue,
        writer: Writer,
        schemas: StoredSchemas,
    ) -> None:
        self._names = store.names
        self.entries = Entries(store)
        self.renderings = Renderings(store)
        self.entries.on_change(self.renderings.follow)
        self.lookup = Lookup(store, self.entries)
        self.spots = Spots(writer, self.entries, self.lookup)
        self.hierarchy = Hierarchy(writer, self.lookup)
        store.on_rebuild(lambda: rebuild_entries(store))
        store.on_check(lambda: check_entries(store))
        store.on_check(lambda: check_hierarchy(store, scopes))
        store.on_check(lambda: check_renderings(store))
        store.on_check(lambda: check_blobs(store.connection, store.db), content=True)
        self.blobs = Blobs(store.connection, store.db)
        self.plugins = Plugins(store, catalogue, writer, schemas)
        renderer = Renderer(store, self.lookup, self.blobs, self.plugins)
        self.contents = Contents(store, self.lookup, self.renderings, renderer, self.blobs)
        self.plugins.on_change(self.contents.forget)
        patcher = Patcher(store, self.renderings, renderer, self.plugins, self.blobs)
        self._settler = Settler(
            store, scopes, self.lookup, self.renderings, renderer, patcher, self.blobs
        )
        self.batch = BatchWriter(store, catalogue, writer)
        self.directories = DirectoryWriter(store, writer, self.lookup)
        self.storage = FileStore(
            store,
            writer,
            self.batch,
            self.entries,
            self.lookup,
            self.contents,
            self.renderings,
            renderer,
            self._settler,
        )
        self.files = FileWriter(
            store,
            writer,
            self.batch,
            self.lookup,
            self.directories,
            self.contents,
            Changes(store, self.contents, renderer, self.plugins, self.batch, writer),
            self.plugins,
            self.renderings,
            self.storage,
        )

    # -- reading any scope

    def descriptor(self, scope: Scope, file_id: str) -> File | None:
        """Return the descriptor of a file, or None when the scope shows no such file."""
        return self.lookup.file(scope, file_id)

    def path(self, scope: Scope, file_id: str) -> str | None:
        """Return the path of a file, None when there is none."""
        return self.files.path(scope, file_id)

    def data(self, scope: Scope, file_id: str) -> bytes:
        """Return the bytes of a file."""
        return self.contents.read(scope, file_id)

    def digest(self, scope: Scope, file_id: str) -> str | None:
        """Return the hex BLAKE3 of the bytes of a file, None when it has no content."""
        return self.contents.digest(scope, file_id)

    def plugin_of(self, scope: Scope, file_id: str, schema_key: str) -> str | None:
        """Return the key of the plugin a file belongs to, if it uses entities of a schema."""
        owner = self.contents.owner(scope, file_id)
        plugin = None if owner is None else self.plugins.get(self._names.text(owner))
        if plugin is None or all(s["x-lix-key"] != schema_key for s in plugin.schemas):
            return None
        return plugin.key

    def settle(self) -> None:
        """Render now what the transaction changed through entities; it happens by itself later."""
        self._settler.settle_all()

    def adopt_bytes(self, version_id: str, file_id: str, scope: Scope) -> bool:
        """Give a file the very bytes it has in another scope, if it has the same entities there.

        Tell whether it has those bytes now.
        """
        return self.storage.adopt(version_id, file_id, scope)

    def directory_paths(self, scope: Scope) -> DirectoryPaths:
        """Return what knows the paths of directories, for one statement."""
        return self.lookup.paths(scope)

    def find(self, scope: Scope, path: str) -> list[str]:
        """Return the ids of the files at a path, nearest first."""
        return [
            id
            for directory_id, name in self.lookup.find(scope, path)
            for id in self.lookup.step(scope, FILE_ID, directory_id, name)
        ]

    def list(self, scope: Scope) -> Iterator[tuple[str, str | None]]:
        """Yield the id and the path of every file."""
        paths = self.directory_paths(scope)
        for id, snapshot in self.lookup.all(scope, FILE_ID):
            file = File.parse(snapshot)
            above = paths.path(file.directory_id)
            yield id, None if above is None else above + file.segment

    def list_directories(self, scope: Scope) -> Iterator[tuple[str, str | None]]:
        """Yield the id and the path of every directory."""
        paths = self.directory_paths(scope)
        for id, _ in self.lookup.all(scope, DIRECTORY_ID):
            yield id, paths.path(id)
