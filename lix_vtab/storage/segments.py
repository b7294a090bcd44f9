"""Segments: linear runs of commits. A branch is a new, empty segment, whatever its parent holds."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.transaction import Transaction

__all__ = ["COPY", "Lineage", "Segments"]

Lineage = tuple[tuple[int, int | None], ...]
"""Segments to read, nearest first, each with the last commit seen of it (None: all)."""

DEPTH = 8
"""Lineages longer than this are compacted when a segment is forked from them."""

FOLD_ROWS = 256
"""Segments up to this many rows are always folded; larger ones when the fold already is as big."""


class Segments:
    """Creates segments and knows their lineage."""

    __slots__ = ("_connection", "_db", "_lineages", "_on_fold", "_transaction")

    def __init__(self, connection: Connection, db: str, transaction: Transaction) -> None:
        self._connection = connection
        self._db = db
        self._transaction = transaction
        self._lineages: dict[int, Lineage] = {}
        self._on_fold: list[Callable[[int, int, int], None]] = []
        transaction.on_rollback(self._lineages.clear)

    def create(self) -> int:
        """Create a segment that starts from nothing."""
        return self._insert(None, None, None, None)

    def fork(self, segment_id: int, seq: int) -> int:
        """Create an empty segment that continues `segment_id` as it was at commit `seq`."""
        above = self.at(segment_id, seq)
        if len(above) < DEPTH:
            return self._insert(segment_id, seq, segment_id, seq)
        return self._fold(segment_id, seq, above)

    def lineage(self, segment_id: int) -> Lineage:
        """Return what to read for the newest state of a segment."""
        known = self._lineages.get(segment_id)
        if known is None:
            known = ((segment_id, None), *self._bases(segment_id))
            if self._transaction.settled:
                self._lineages[segment_id] = known
        return known

    def at(self, segment_id: int, seq: int) -> Lineage:
        """Return what to read for the state of a segment at one of its commits."""
        return ((segment_id, seq), *self.lineage(segment_id)[1:])

    def on_fold(self, hook: Callable[[int, int, int], None]) -> None:
        """Call `hook(new, old, seq)` when rows of segment `old` up to `seq` are copied to `new`."""
        self._on_fold.append(hook)

    def forget(self) -> None:
        """Drop cached lineages after another connection changed the database."""
        self._lineages.clear()

    def _bases(self, segment_id: int) -> list[tuple[int, int | None]]:
        sql = qualify(
            "WITH RECURSIVE up(id, seq, depth) AS ("
            "SELECT base_id, base_seq, 1 FROM lix_internal_segment WHERE id = ? "
            "UNION ALL SELECT s.base_id, s.base_seq, depth + 1 FROM up "
            "JOIN lix_internal_segment s ON s.id = up.id WHERE s.base_id IS NOT NULL) "
            "SELECT id, seq FROM up WHERE id IS NOT NULL ORDER BY depth",
            self._db,
        )
        return [(row[0], row[1]) for row in self._connection.execute(sql, (segment_id,))]

    def _insert(
        self, parent_id: int | None, fork_seq: int | None, base_id: int | None, base_seq: int | None
    ) -> int:
        self._connection.execute(
            qualify(
                "INSERT INTO lix_internal_segment(parent_id, fork_seq, base_id, base_seq) "
                "VALUES (?, ?, ?, ?)",
                self._db,
            ),
            (parent_id, fork_seq, base_id, base_seq),
        )
        return self._connection.last_insert_rowid()

    def _fold(self, segment_id: int, seq: int, above: Lineage) -> int:
        """Copy the newest small segments of a long lineage into the new one.

        Sizes of what is left grow geometrically, so lineages stay logarithmic in the rows written
        and each row is copied a logarithmic number of times.
        """
        folded: list[tuple[int, int]] = []
        copied = 0
        for id, limit in above[:-1]:
            budget = max(FOLD_ROWS, 2 * copied)
            rows = self._count(id, budget + 1)
            if rows > budget:
                break
            copied += rows
            folded.append((id, limit or 0))
        base_id, base_seq = above[len(folded)]
        new = self._insert(segment_id, seq, base_id, base_seq)
        for id, limit in folded:
            self._connection.execute(qualify(COPY, self._db), (new, id, limit))
            for hook in self._on_fold:
                hook(new, id, limit)
        return new

    def _count(self, segment_id: int, most: int) -> int:
        sql = qualify(
            "SELECT count(*) FROM (SELECT 1 FROM lix_internal_tip WHERE segment_id = ? LIMIT ?)",
            self._db,
        )
        return int(self._connection.execute(sql, (segment_id, most)).get)


# Nearer segments are copied first, so a key that is already there stays.
COPY = """
INSERT OR IGNORE INTO lix_internal_tip
SELECT ?1, schema_id, entity_id, file_id, change_no, live, from_seq, first_seq, created_at
FROM lix_internal_tip WHERE segment_id = ?2 AND from_seq <= ?3
UNION ALL
SELECT ?1, t.schema_id, t.entity_id, t.file_id, p.change_no, p.live, p.from_seq, t.first_seq,
       t.created_at
FROM lix_internal_tip t JOIN lix_internal_past p
  ON p.segment_id = t.segment_id AND p.schema_id = t.schema_id
 AND p.entity_id = t.entity_id AND p.file_id = t.file_id
WHERE t.segment_id = ?2 AND t.from_seq > ?3 AND t.first_seq <= ?3
  AND p.from_seq = (SELECT max(q.from_seq) FROM lix_internal_past q
    WHERE q.segment_id = t.segment_id AND q.schema_id = t.schema_id
      AND q.entity_id = t.entity_id AND q.file_id = t.file_id AND q.from_seq <= ?3)
"""
