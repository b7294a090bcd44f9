"""Untracked rows: one overlay per version, outside history."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.rows import Key, PlaceHook, Values
from lix_vtab.storage.transaction import Transaction

__all__ = ["Overlay", "OverlayRow"]

_COLUMNS = (
    "no, version_no, schema_id, entity_id, file_id, plugin_id, schema_version, snapshot, metadata"
)


_OCCUPIED = (
    "SELECT DISTINCT version_no, schema_id FROM lix_internal_overlay "
    "UNION SELECT -segment_id, schema_id FROM lix_internal_tip WHERE live = 2 "
    "UNION SELECT -segment_id, schema_id FROM lix_internal_past WHERE live = 2"
)


class OverlayRow(NamedTuple):
    """An untracked row."""

    no: int
    version_no: int
    key: Key
    values: Values


class Overlay:
    """Reads and writes untracked rows of one database."""

    __slots__ = (
        "_connection",
        "_db",
        "_find",
        "_gone",
        "_hooks",
        "_identity",
        "_occupied",
        "_transaction",
        "_upsert",
        "_watches",
    )

    def __init__(
        self, connection: Connection, db: str, transaction: Transaction, identity: Identity
    ) -> None:
        self._connection = connection
        self._db = db
        self._transaction = transaction
        self._identity = identity
        self._hooks: list[PlaceHook] = []
        self._watches: list[Callable[[int, Key], None]] = []
        self._occupied: frozenset[tuple[int, int]] | None = None
        self._find = qualify(
            f"SELECT {_COLUMNS} FROM lix_internal_overlay WHERE version_no = ? "
            "AND schema_id = ? AND entity_id = ? AND file_id = ?",
            db,
        )
        self._upsert = qualify(
            "INSERT INTO lix_internal_overlay(version_no, schema_id, entity_id, file_id, "
            "plugin_id, schema_version, snapshot, metadata, created_at, updated_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) "
            "ON CONFLICT(version_no, schema_id, entity_id, file_id) DO UPDATE SET "
            "plugin_id = excluded.plugin_id, schema_version = excluded.schema_version, "
            "snapshot = excluded.snapshot, metadata = excluded.metadata, "
            "updated_at = excluded.updated_at",
            db,
        )
        self._gone: dict[int, tuple[int, OverlayRow]] = {}
        transaction.on_rollback(self.forget)
        transaction.on_begin(self._gone.clear)
        transaction.on_release(self._released)

    def find(self, version_no: int, key: Key) -> OverlayRow | None:
        """Return the untracked row of `key` in a version."""
        if (version_no, key.schema_id) not in self.occupied():
            return None
        row = self._connection.run(self._find, (version_no, *key)).get
        return None if row is None else _row(row)

    def by_no(self, no: int) -> OverlayRow | None:
        """Return the untracked row with this number."""
        sql = qualify(f"SELECT {_COLUMNS} FROM lix_internal_overlay WHERE no = ?", self._db)
        row = self._connection.run(sql, (no,)).get
        return None if row is None else _row(row)

    def keys_of_file(self, version_no: int, file_id: int) -> list[Key]:
        """Return the keys of all untracked rows of a file in a version, tombstones included."""
        sql = qualify(
            "SELECT schema_id, entity_id, file_id FROM lix_internal_overlay "
            "WHERE version_no = ? AND file_id = ? AND file_id <> 1",
            self._db,
        )
        return [Key(*row) for row in self._connection.execute(sql, (version_no, file_id))]

    def delete_file(self, version_no: int, file_id: int) -> None:
        """Remove all untracked rows of a file from a version."""
        for key in self.keys_of_file(version_no, file_id):
            self.delete(version_no, key)

    def has_file(self, version_no: int, file_id: int) -> bool:
        """Tell whether a version has untracked rows of a file."""
        if not any(pair[0] == version_no for pair in self.occupied()):
            return False
        return bool(self.keys_of_file(version_no, file_id))

    def write(self, version_no: int, key: Key, values: Values, number: int = 0) -> None:
        """Insert or replace the untracked row of `key`; `number` stands for deterministic time."""
        for watch in self._watches:
            watch(version_no, key)
        self.write_quietly(version_no, key, values, number)
        for hook in self._hooks:
            hook(-version_no, 0, key, values.snapshot)

    def write_quietly(self, version_no: int, key: Key, values: Values, number: int = 0) -> None:
        """Do what `write` does and tell nobody: for bookkeeping nobody reports or derives from."""
        self._connection.execute(
            self._upsert, (version_no, *key, *values[:4], self._identity.now(number))
        )
        if self._occupied is None or (version_no, key.schema_id) not in self._occupied:
            self.forget()

    def on_place(self, hook: PlaceHook) -> None:
        """Call `hook(-version_no, 0, key, snapshot)` whenever an untracked row changes or goes."""
        self._hooks.append(hook)

    def before_write(self, watch: Callable[[int, Key], None]) -> None:
        """Call `watch(version_no, key)` while the row that is about to change is still there."""
        self._watches.append(watch)

    def delete(self, version_no: int, key: Key) -> bool:
        """Remove the untracked row of `key`; tell whether there was one."""
        for watch in self._watches:
            watch(version_no, key)
        row = self._connection.run(
            qualify(
                "DELETE FROM lix_internal_overlay WHERE version_no = ? "
                f"AND schema_id = ? AND entity_id = ? AND file_id = ? RETURNING {_COLUMNS}",
                self._db,
            ),
            (version_no, *key),
        ).get
        if row is None:
            return False
        gone = _row(row)
        self._gone[gone.no] = (self._transaction.level, gone)
        for hook in self._hooks:
            hook(-version_no, 0, key, None)
        return True

    def gone(self, no: int) -> OverlayRow | None:
        """Return a row the running statement removed, which it may meet again in other versions."""
        found = self._gone.get(no)
        return None if found is None else found[1]

    def _released(self, level: int) -> None:
        # statements of our own inside the running one have savepoints, too: deeper ones
        for no in [no for no, (since, _) in self._gone.items() if since >= level]:
            del self._gone[no]

    def clear(self, version_no: int) -> None:
        """Remove all untracked rows of a version."""
        sql = qualify(f"SELECT {_COLUMNS} FROM lix_internal_overlay WHERE version_no = ?", self._db)
        for row in self._connection.execute(sql, (version_no,)).fetchall():
            self.delete(version_no, _row(row).key)

    def occupied(self) -> frozenset[tuple[int, int]]:
        """Return the (version, schema) pairs that may have untracked rows.

        Reading skips the overlay of all others, which is nearly always. As rare are rows that were
        withdrawn; their (segment, schema) pairs are here too, segments being negative.
        """
        known = self._occupied
        if known is None:
            sql = qualify(_OCCUPIED, self._db)
            known = frozenset((row[0], row[1]) for row in self._connection.execute(sql))
            if self._transaction.settled:
                self._occupied = known
        return known

    def forget(self) -> None:
        """Drop what is cached about occupied pairs."""
        self._occupied = None
        self._transaction.stale()

    def forget_folded(self) -> None:
        """Do so when a segment got rows of another, if there may be withdrawn ones among them."""
        if self._occupied is not None and any(pair[0] < 0 for pair in self._occupied):
            self.forget()


def _row(row: tuple[object, ...]) -> OverlayRow:
    no, version_no, schema_id, entity_id, file_id, plugin_id, version, snapshot, metadata = row
    return OverlayRow(
        no,  # type: ignore[arg-type]
        version_no,  # type: ignore[arg-type]
        Key(schema_id, entity_id, file_id),  # type: ignore[arg-type]
        Values(plugin_id, version, snapshot, metadata, None),  # type: ignore[arg-type]
    )
