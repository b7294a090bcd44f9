"""Renderings: which bytes a set of entities stands for.

Each holder that has rows of a file has a rendering of it for every commit. `no` names the set of
rows the holder has then; the bytes are those of that set together with the sets farther away that
`basis` names. So bytes are current exactly if nearest rendering's basis is what lies behind it now,
and a stale read would need a set of rows that changed and kept its number.

Hooks open a dirty rendering when rows change by any way but a write of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lix_vtab.filesystem import rendering_sql as sql
from lix_vtab.filesystem.rendering_sql import LATER
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.scope import Layer
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import FILE_ID, LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["EMPTY", "LATER", "Position", "Renderings", "basis_behind", "basis_of", "holder_of"]

EMPTY = b""
"""The hash of a file without content."""


class Position(NamedTuple):
    """What one layer of a scope has of a file."""

    layer: int
    no: int
    hash: bytes | None
    basis: str
    error: str | None
    plugin_id: int | None
    previous: bytes | None

    @property
    def dirty(self) -> bool:
        """Tell whether the rows may still change under the same number."""
        return self.hash is None and self.error is None


def basis_of(positions: Sequence[Position]) -> str:
    """Name sets of rows in one text; a set that comes a second time is hidden by the first."""
    if len(positions) < 2:
        return str(positions[0].no) if positions else ""
    return ",".join([str(no) for no in dict.fromkeys(position.no for position in positions)])


def basis_behind(positions: Sequence[Position]) -> str:
    """Name the sets of rows behind the nearest one."""
    first = positions[0].no
    return basis_of([position for position in positions[1:] if position.no != first])


def holder_of(layer: Layer) -> int:
    """Return the holder a layer reads."""
    return -layer.params[0] if layer.kind == "o" else layer.params[0]


class Renderings:
    """Keeps the table of renderings of one database."""

    __slots__ = (
        "_collected",
        "_execute",
        "_floor",
        "_overlays",
        "_plain",
        "_sql",
        "_store",
        "_texts",
        "_touched",
        "_unheard",
    )

    def __init__(self, store: Store) -> None:
        self._store = store
        self._execute = store.connection.execute
        self._texts: dict[str, str] = {}
        self._sql: dict[str, str] = {}
        self._plain: set[int] = set()
        self._overlays: frozenset[int] | None = None
        self._collected = self._unheard = LIX
        self._touched: set[int] = set()
        self._floor: int | None = None
        store.rows.on_place(self._placed, self._follows)
        store.overlay.on_place(self._placed)
        store.segments.on_fold(self._folded)
        store.commits.also_content.append(self._stands_alone)
        store.on_foreign_write(self._forget)
        store.transaction.on_begin(self._begin)
        store.transaction.on_rollback(self._forget)

    # -- reading

    def find(self, layers: Sequence[Layer], file_id: int) -> list[Position]:
        """Return what each layer has of a file, nearest first."""
        overlays = self._overlays
        if overlays is None:
            overlays = self._find_overlays()
        shape = ""
        params = [file_id]
        for place, (kind, _, numbers) in enumerate(layers):
            if kind != "o" or numbers[0] in overlays:
                shape += f"{place}{kind} "
                params += numbers
        if not shape:
            return []
        text = self._sql.get(shape)
        if text is None:
            text = self._sql[shape] = qualify(sql.select(shape), self._store.db)
        return [Position(*row) for row in self._execute(text, params)]

    def _find_overlays(self) -> frozenset[int]:
        """Return the versions whose overlays have renderings: hardly ever any."""
        found = frozenset(-row[0] for row in self._run(sql.OVERLAYS, ()))
        if self._store.transaction.settled:
            self._overlays = found
        return found

    def dirty(self) -> list[tuple[int, int, int, int]]:
        """Return what is to be rendered before the transaction ends.

        That is holder, file, since, and whether it is the newest of the holder: a branch made in
        the transaction has left older ones behind.
        """
        return self._run(sql.DIRTY, ()).fetchall()  # type: ignore[no-any-return]

    def since(self, no: int) -> int:
        """Return the first commit a rendering holds for."""
        return int(self._run(sql.SINCE, (no,)).get)

    def commits(
        self, segment_id: int, file_id: str, low: int = 0, high: int = NEWEST
    ) -> Iterator[tuple[int, str | None]]:
        """Yield (seq, hex hash) of the commits of a segment that changed the bytes of a file."""
        number = self._store.names.find(file_id)
        for seq, hash in self._run(sql.COMMITS, (number, segment_id, low, high)).fetchall():
            yield seq, hash.hex() if hash else None

    def changed(self, segment_id: int, low: int, high: int) -> Iterator[str]:
        """Yield the files whose bytes commits of a segment changed."""
        for (number,) in self._run(sql.CHANGED, (segment_id, low, high)).fetchall():
            yield self._store.names.text(number)

    def has_rows(self, holder: int, file_id: int) -> bool:
        """Tell whether a holder has rows of a file, tombstones included."""
        return bool(self._run(sql.HAS_ROWS, (holder, file_id)).get)

    # -- writing

    def write(
        self,
        holder: int,
        seq: int,
        file_id: int,
        hash: bytes | None,
        basis: str = "",
        error: str | None = None,
        plugin_id: int | None = None,
    ) -> None:
        """Make this the newest rendering of a file in a holder, under a number of its own."""
        self._set_floor()
        row = self._run(sql.OPEN, (file_id, holder)).fetchone()
        if row is None and self._run(sql.ANY, (file_id,)).fetchone() is None:
            self._run(sql.FOLLOW, (file_id,))
            row = self._run(sql.OPEN, (file_id, holder)).fetchone()
        previous = None
        if row is not None:
            if hash is None:
                previous = row[4] if row[2] is None else row[2]
            if holder < 0 or row[1] == seq:
                self._run(sql.DELETE, (row[0],))
            else:
                self._run(sql.CLOSE, (seq, row[0]))
        self._run(sql.INSERT, (file_id, holder, seq, hash, basis, error, plugin_id, previous))
        self._plain.discard(file_id)
        if holder < 0:
            self._overlays = None

    def write_new(
        self,
        holder: int,
        seq: int,
        file_id: int,
        hash: bytes,
        error: str | None,
        plugin_id: int | None,
    ) -> None:
        """Write the first rendering of a file nobody has ever had."""
        self._run(sql.INSERT, (file_id, holder, seq, hash, "", error, plugin_id, None))
        self._plain.discard(file_id)

    def settle(
        self, no: int, hash: bytes | None, basis: str, error: str | None, plugin_id: int | None
    ) -> None:
        """Fill in a rendering that was dirty."""
        self._run(sql.SET, (hash, basis, error, plugin_id, no))

    def reopen(self, holder: int, file_id: int, since: int) -> bool:
        """Return to the rendering before the newest, if there is one: the rows came to be as then.

        The newest is removed in any case.
        """
        self.forget(holder, file_id)
        return self._run(sql.REOPEN, (file_id, holder, since)).fetchone() is not None

    def forget(self, holder: int, file_id: int) -> None:
        """Remove the newest rendering of a file in a holder."""
        self._run(sql.FORGET, (file_id, holder))

    def touch(self, holder: int, seq: int, file_id: int) -> None:
        """Note that the rows of a file changed."""
        row = self._run(sql.OPEN, (file_id, holder)).fetchone()
        if row is None:
            if self._is_plain(file_id):
                return
        elif row[1] == seq and row[2] is None and row[3] is None:
            return
        self.write(holder, seq, file_id, None)

    def ensure(self, holder: int, seq: int, entity_id: str) -> None:
        """Note that a file exists, so that its rows are followed from now on."""
        file_id = self._store.names.intern(entity_id)
        if self._run(sql.ANY, (file_id,)).fetchone() is None:
            self.write(holder, seq, file_id, None)

    @contextmanager
    def collecting(self, file_id: int) -> Iterator[set[int]]:
        """Leave it to the block to write the renderings of a file; yield the holders it touches."""
        self._collected = file_id
        self._touched = set()
        try:
            yield self._touched
        finally:
            self._collected = LIX

    @contextmanager
    def leaving(self, file_id: int) -> Iterator[None]:
        """Leave it to the block to write the first rendering of a new file."""
        self._collected = self._unheard = file_id
        try:
            yield
        finally:
            self._collected = self._unheard = LIX

    # -- following rows

    def _follows(self, schema_id: int, file_id: int) -> bool:
        return file_id != LIX and file_id != self._unheard and file_id not in self._plain

    def _placed(self, holder: int, seq: int, key: Key, snapshot: str | None) -> None:
        file_id = key.file_id
        if file_id == LIX or file_id in self._plain:
            return
        if file_id == self._collected:
            self._touched.add(holder)
        else:
            self.touch(holder, seq, file_id)

    def follow(self, holder: int, seq: int, kind: int, entity_id: str, live: bool) -> None:
        """Follow the files the index of names hears of."""
        if kind == FILE_ID and live:
            self.ensure(holder, seq, entity_id)

    def _folded(self, new: int, old: int, seq: int) -> None:
        self._run(sql.FOLD_KNOWN, (new, old, seq))
        self._run(sql.FOLD_NEW, (new, old, seq))

    def _is_plain(self, file_id: int) -> bool:
        """Tell whether rows have the id of a file that never was: nobody will ask for its bytes."""
        if self._run(sql.ANY, (file_id,)).fetchone() is not None:
            return False
        if self._store.transaction.settled:
            self._plain.add(file_id)
        return True

    def _forget(self) -> None:
        self._plain.clear()
        self._overlays = None

    # -- commits

    def _begin(self) -> None:
        self._floor = None

    def _set_floor(self) -> None:
        if self._floor is None:
            self._floor = int(self._run(sql.LAST, ()).get)

    def _stands_alone(self, seq: int) -> bool:
        """Tell whether a commit without changes changed the bytes of a file."""
        return self._floor is not None and bool(self._run(sql.ALONE, (self._floor, seq)).get)

    def _run(self, statement: str, params: Sequence[Any]) -> Any:
        text = self._texts.get(statement)
        if text is None:
            text = self._texts[statement] = qualify(statement, self._store.db)
        return self._execute(text, params)
