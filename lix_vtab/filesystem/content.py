"""The bytes of files: found where they were stored, rendered where nobody has done that yet."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence

from lix_vtab.errors import LixError
from lix_vtab.filesystem.lookup import Lookup
from lix_vtab.filesystem.render import Rendered, Renderer
from lix_vtab.filesystem.renderings import Position, Renderings, basis_behind, basis_of
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.resolution.scope import Scope
from lix_vtab.storage.blob_codec import digest_of
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.store import Store

__all__ = ["Content", "Contents"]

_MOST_KEPT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What a file consists of: the hash of its bytes, whose entities they are, what went wrong."""

    hash: bytes
    plugin_id: int | None = None
    error: str | None = None


class Contents:
    """Reads bytes of files in any scope.

    What had to be rendered is kept in memory, by the sets of rows it was made of.
    """

    __slots__ = ("_kept", "_kept_size", "_lookup", "_renderer", "_renderings", "_store", "blobs")

    def __init__(
        self,
        store: Store,
        lookup: Lookup,
        renderings: Renderings,
        renderer: Renderer,
        blobs: Blobs,
    ) -> None:
        self._store = store
        self._lookup = lookup
        self._renderings = renderings
        self._renderer = renderer
        self.blobs = blobs
        self._kept: OrderedDict[tuple[str, str], Rendered] = OrderedDict()
        self._kept_size = 0
        store.transaction.on_rollback(self.forget)

    # -- reading

    def read(self, scope: Scope, file_id: str) -> bytes:
        """Return the bytes of a file."""
        scope = self._lookup.whole(scope)
        number = self._store.names.find(file_id)
        positions = self._renderings.find(scope.layers, number)
        known = _current(scope, positions)
        if known is not None:
            return self._bytes(known.hash)
        return self._rendered(scope, file_id, number, positions).data

    def open(self, scope: Scope, file_id: str) -> io.BufferedIOBase:
        """Return a binary file over the bytes, which are read as they are needed."""
        known = self.content(scope, file_id)
        if known is not None:
            return self.blobs.open(known.hash.hex()) if known.hash else io.BytesIO()
        return io.BytesIO(self.read(scope, file_id))

    def content(self, scope: Scope, file_id: str) -> Content | None:
        """Return what is known of a file's content; None when it has yet to be rendered."""
        scope = self._lookup.whole(scope)
        number = self._store.names.find(file_id)
        return _current(scope, self._renderings.find(scope.layers, number))

    def mixed(self, scope: Scope, file_id: str, plugin_id: int) -> bool:
        """Tell whether entities of a plugin may show beside those of another."""
        positions = self._renderings.find(scope.layers, self._store.names.find(file_id))
        return any(position.plugin_id not in (None, plugin_id) for position in positions)

    def stands_alone(self, scope: Scope, file_id: str) -> bool:
        """Tell whether the bytes are made of what the scope shows, and of nothing inherited."""
        positions = self._renderings.find(scope.layers, self._store.names.find(file_id))
        return bool(positions) and positions[0].basis == basis_behind(positions)

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
        return self._renderer.owner(self._lookup.whole(scope), file_id)

    def error(self, scope: Scope, file_id: str) -> str | None:
        """Return why a file is not what its plugin would make of it."""
        scope = self._lookup.whole(scope)
        number = self._store.names.find(file_id)
        positions = self._renderings.find(scope.layers, number)
        known = _current(scope, positions)
        if known is not None:
            return known.error
        try:
            return self._rendered(scope, file_id, number, positions).error
        except LixError as error:
            return error.message

    # -- rendering

    def _rendered(
        self, scope: Scope, file_id: str, number: int, positions: Sequence[Position]
    ) -> Rendered:
        if number == -1:
            return Rendered()
        if any(position.dirty for position in positions) or not positions:
            return self._renderer.render(scope, file_id, positions)
        key = (basis_of(positions), self._renderer.path(scope, file_id))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        made = self._renderer.render(scope, file_id, positions)
        if self._store.transaction.settled and len(made.data) <= _MOST_KEPT // 4:
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[str, str], made: Rendered) -> None:
        self._kept[key] = made
        self._kept_size += len(made.data)
        while self._kept_size > _MOST_KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._kept_size -= len(oldest.data)

    def forget(self) -> None:
        """Drop rendered bytes because something was undone or a plugin changed."""
        self._kept.clear()
        self._kept_size = 0

    def _bytes(self, hash: bytes) -> bytes:
        return self.blobs.get(hash.hex()) if hash else b""


def _current(scope: Scope, positions: Sequence[Position]) -> Content | None:
    """Return what the nearest rendering says if it is about just these sets of rows."""
    if not positions:
        return None
    first = positions[0]
    if first.hash is None:
        return None
    if scope.version_no and first.basis != basis_behind(positions):
        return None
    return Content(first.hash, first.plugin_id, first.error)
