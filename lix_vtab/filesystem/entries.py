"""The index of names: which file or directory has a name in a directory.

It is derived from descriptors and kept by hooks where rows are placed, so whoever writes a
descriptor keeps it right. One holder's part of it is exact for that holder's rows; which holder
counts is for the query that uses it (see `lookup`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lix_vtab.filesystem.descriptors import Directory, File
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID, LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["DIRECTORY_SPOT", "FILE_SPOT", "Entries"]

_FIND = (
    "SELECT parent, name, since FROM lix_internal_entry "
    f"WHERE holder = ? AND entity_id = ? AND kind = ? AND until = {NEWEST}"
)
_KEY = f"holder = ? AND parent = ? AND name = ? AND until = {NEWEST} AND kind = ? AND entity_id = ?"
_INSERT = f"INSERT INTO lix_internal_entry VALUES (?, ?, ?, {NEWEST}, ?, ?, ?)"
_DELETE = f"DELETE FROM lix_internal_entry WHERE {_KEY}"
_REOPEN = (
    f"UPDATE lix_internal_entry SET until = {NEWEST} WHERE holder = ? AND parent = ? AND name = ? "
    "AND until = ? AND kind = ? AND entity_id = ? RETURNING 1"
)
_CLOSE = f"UPDATE lix_internal_entry SET until = ? WHERE {_KEY}"

DIRECTORY_SPOT = ("coalesce(c.snapshot ->> '$.parent_id', '')", "c.snapshot ->> '$.name'")
"""Parent and name of a directory's row `c`, in SQL."""

FILE_SPOT = (
    "coalesce(c.snapshot ->> '$.directory_id', '')",
    "(c.snapshot ->> '$.name') || coalesce('.' || nullif(c.snapshot ->> '$.extension', ''), '')",
)
"""Directory and name of a file's row `c`, in SQL."""

# Of the rows of a folded segment only those that became rows of the new one count.
_FOLD = f"""INSERT OR IGNORE INTO lix_internal_entry
    SELECT ?1, e.parent, e.name, {NEWEST}, e.kind, e.entity_id, t.from_seq
    FROM lix_internal_entry e
    JOIN lix_internal_tip t ON t.segment_id = ?1 AND t.schema_id = e.kind
        AND t.entity_id = e.entity_id AND t.file_id = {LIX} AND t.live = 1
    JOIN lix_internal_change c ON c.no = t.change_no
    WHERE e.holder = ?2 AND e.since <= ?3 AND e.until > ?3
    AND (e.kind = {DIRECTORY_ID} AND (e.parent, e.name) = ({", ".join(DIRECTORY_SPOT)})
        OR e.kind = {FILE_ID} AND (e.parent, e.name) = ({", ".join(FILE_SPOT)}))"""

Changed = Callable[[int, int, int, str, bool], None]


class Entries:
    """Keeps the index of one database. `on_change` hears of each descriptor that was placed.

    `expected` is the id of a new file whose writer sees to everything itself.
    """

    __slots__ = (
        "_close",
        "_delete",
        "_execute",
        "_find",
        "_fold",
        "_hooks",
        "_insert",
        "_reopen",
        "expected",
    )

    def __init__(self, store: Store) -> None:
        db = store.db
        self._execute = store.connection.execute
        self._find = qualify(_FIND, db)
        self._insert = qualify(_INSERT, db)
        self._delete = qualify(_DELETE, db)
        self._close = qualify(_CLOSE, db)
        self._reopen = qualify(_REOPEN, db)
        self._fold = qualify(_FOLD, db)
        self._hooks: list[Changed] = []
        self.expected: str | None = None
        store.rows.on_place(self._placed, _is_descriptor)
        store.overlay.on_place(self._placed)
        store.segments.on_fold(self._folded)

    def on_change(self, hook: Changed) -> None:
        """Call `hook(holder, seq, kind, entity_id, live)` when a descriptor was placed."""
        self._hooks.append(hook)

    def place(
        self, holder: int, seq: int, kind: int, entity_id: str, spot: tuple[str, str] | None
    ) -> None:
        """Note that a descriptor now names `spot`, a (parent, name), or that it is gone."""
        execute = self._execute
        old: Any = execute(self._find, (holder, entity_id, kind)).fetchone()
        if old is not None:
            parent, name, since = old
            if spot == (parent, name):
                return
            key = (holder, parent, name, kind, entity_id)
            if holder < 0 or since == seq:
                execute(self._delete, key)
                if (
                    spot is not None
                    and holder > 0
                    and self._reopened(holder, seq, kind, entity_id, spot)
                ):
                    return
            else:
                execute(self._close, (seq, *key))
        if spot is not None:
            execute(self._insert, (holder, *spot, kind, entity_id, seq))

    def _reopened(
        self, holder: int, seq: int, kind: int, entity_id: str, spot: tuple[str, str]
    ) -> bool:
        """Tell whether a name given up in this very commit was taken up again."""
        row = self._execute(self._reopen, (holder, *spot, seq, kind, entity_id)).fetchone()
        return row is not None

    def _placed(self, holder: int, seq: int, key: Key, snapshot: str | None) -> None:
        schema_id = key.schema_id
        if not _is_descriptor(schema_id, key.file_id):
            return
        spot = None if snapshot is None else _spot(schema_id, snapshot)
        if key.entity_id == self.expected and spot is not None:
            self._execute(self._insert, (holder, *spot, schema_id, key.entity_id, seq))
            return
        self.place(holder, seq, schema_id, key.entity_id, spot)
        for hook in self._hooks:
            hook(holder, seq, schema_id, key.entity_id, spot is not None)

    def _folded(self, new: int, old: int, seq: int) -> None:
        self._execute(self._fold, (new, old, seq))


def _is_descriptor(schema_id: int, file_id: int) -> bool:
    return file_id == LIX and schema_id in (FILE_ID, DIRECTORY_ID)


def _spot(kind: int, snapshot: str) -> tuple[str, str]:
    if kind == FILE_ID:
        file = File.parse(snapshot)
        return file.directory_id or "", file.segment
    directory = Directory.parse(snapshot)
    return directory.parent_id or "", directory.name
