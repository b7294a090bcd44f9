"""Writing many tracked rows of one transaction at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commits
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.rows import Key, Rows, Stored, Values, liveness

__all__ = ["ManyRows", "RowChange"]

_KEY = "schema_id = ? AND entity_id = ? AND file_id = ?"


class RowChange(NamedTuple):
    """A row to be written, and the version's own row it follows."""

    key: Key
    values: Values
    previous: Stored | None


class ManyRows:
    """Does what `Rows.write` does for each of many rows, a statement at a time."""

    __slots__ = (
        "_commits",
        "_discard",
        "_executemany",
        "_identity",
        "_insert_change",
        "_insert_tip",
        "_release",
        "_rows",
        "_supersede",
        "_update_tip",
    )

    def __init__(
        self, connection: Connection, db: str, commits: Commits, identity: Identity, rows: Rows
    ) -> None:
        self._executemany: Callable[..., object] = connection.executemany
        self._commits = commits
        self._identity = identity
        self._rows = rows
        self._insert_change = qualify(
            "INSERT INTO lix_internal_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", db
        )
        self._insert_tip = qualify(
            "INSERT INTO lix_internal_tip VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", db
        )
        self._discard = qualify(
            "DELETE FROM lix_internal_change WHERE no = ? AND commit_seq = ?", db
        )
        self._release = qualify(
            "DELETE FROM lix_internal_member WHERE change_no = ? AND seq = ?", db
        )
        self._supersede = qualify(
            "INSERT INTO lix_internal_past SELECT segment_id, schema_id, entity_id, file_id, "
            f"from_seq, change_no, live FROM lix_internal_tip WHERE segment_id = ? AND {_KEY}",
            db,
        )
        self._update_tip = qualify(
            "UPDATE lix_internal_tip SET change_no = ?1, live = ?2, from_seq = ?3, "
            "created_at = CASE WHEN from_seq = ?3 THEN created_at ELSE ?4 END "
            "WHERE segment_id = ?5 AND schema_id = ?6 AND entity_id = ?7 AND file_id = ?8",
            db,
        )

    def write(self, version_no: int, segment_id: int, rows: Sequence[RowChange]) -> int:
        """Record changes in the version's open commit, in order; return the first one's number.

        No key may occur twice.
        """
        seq = self._commits.open(version_no)
        first = self._commits.take_changes(len(rows))
        self._executemany(self._insert_change, self._changes(rows, first, seq))
        new, old = [], []
        for number, (key, values, previous) in enumerate(rows, first):
            live = liveness(values)
            if previous is None or not previous.in_tip:
                created = None if previous is None else previous.created_at
                new.append((segment_id, *key, number, live, seq, seq, created))
            else:
                old.append((number, live, seq, previous.created_at, segment_id, *key))
        if old:
            self._leave_behind(segment_id, seq, rows)
            self._executemany(self._update_tip, old)
        if new:
            self._executemany(self._insert_tip, new)
        self._tell(segment_id, seq, rows)
        return first

    def _changes(self, rows: Sequence[RowChange], first: int, seq: int) -> list[tuple[object, ...]]:
        new_id = self._identity.new
        now = self._identity.now(seq)
        return [
            (number, new_id("change", number), seq, key[0], key[2], key[1], *values, now)
            for number, (key, values, _) in enumerate(rows, first)
        ]

    def _leave_behind(self, segment_id: int, seq: int, rows: Sequence[RowChange]) -> None:
        discarded, superseded = [], []
        for key, _, previous in rows:
            if previous is not None and previous.in_tip:
                if previous.from_seq == seq:
                    discarded.append((previous.change_no, seq))
                else:
                    superseded.append((segment_id, *key))
        if discarded:
            self._executemany(self._discard, discarded)
            self._executemany(self._release, discarded)
        if superseded:
            self._executemany(self._supersede, superseded)

    def _tell(self, segment_id: int, seq: int, rows: Sequence[RowChange]) -> None:
        kinds = {(key.schema_id, key.file_id) for key, _, _ in rows}
        for hook, follows in self._rows.followers:
            wanted = {kind for kind in kinds if follows(*kind)}
            if wanted:
                for key, values, _ in rows:
                    if (key.schema_id, key.file_id) in wanted:
                        hook(segment_id, seq, key, values.snapshot)
