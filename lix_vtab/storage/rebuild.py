"""Deriving the row tables from the log again: what `lix_rebuild()` does and `lix_check` compares.

Changes, commits, adopted changes and the segments' own description say everything. Segment after
segment, oldest first, the commits are replayed set-wise: each key gets the rows its changes gave
it; the last is its tip, the others its past. A segment that was folded when it was made starts with
copies of its parents' rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import LIVE
from lix_vtab.storage.segments import COPY, Lineage
from lix_vtab.storage.store import Store

__all__ = ["differences", "rebuild"]

_KEY = "schema_id INTEGER NOT NULL, entity_id TEXT NOT NULL, file_id INTEGER NOT NULL"

_SCRATCH = {
    "lix_rebuilt_tip": (
        f"segment_id INTEGER NOT NULL, {_KEY}, change_no INTEGER, live INTEGER, from_seq INTEGER, "
        "first_seq INTEGER, created_at TEXT, "
        "PRIMARY KEY (segment_id, schema_id, entity_id, file_id)"
    ),
    "lix_rebuilt_past": (
        f"segment_id INTEGER NOT NULL, {_KEY}, from_seq INTEGER, change_no INTEGER, live INTEGER, "
        "PRIMARY KEY (segment_id, schema_id, entity_id, file_id, from_seq)"
    ),
    # Rows of one segment in the making; `copy` marks those it was made with.
    "lix_rebuilt_row": (
        f"{_KEY}, seq INTEGER, change_no INTEGER, live INTEGER, copy INTEGER, first_seq INTEGER, "
        "created_at TEXT, PRIMARY KEY (schema_id, entity_id, file_id, seq)"
    ),
    # What the segments before this one show for the keys it changes.
    "lix_rebuilt_before": (
        f"{_KEY}, change_no INTEGER, created_at TEXT, PRIMARY KEY (schema_id, entity_id, file_id)"
    ),
}

_SAME_KEY = (
    "{0}.schema_id = {1}.schema_id AND {0}.entity_id = {1}.entity_id AND {0}.file_id = {1}.file_id"
)

_COPIES = (
    "INSERT INTO lix_rebuilt_row SELECT schema_id, entity_id, file_id, from_seq, change_no, live, "
    "1, first_seq, created_at FROM lix_rebuilt_tip WHERE segment_id = ?"
)

# A row at a commit: the newest if it is old enough, or the last superseded one.
_BEFORE = f"""
INSERT OR IGNORE INTO lix_rebuilt_before
SELECT k.schema_id, k.entity_id, k.file_id, h.no, coalesce(t.created_at, h.created_at)
FROM (SELECT DISTINCT h.schema_id, h.entity_id, h.file_id FROM ({{contents}}) h) k
JOIN lix_rebuilt_tip t ON t.segment_id = ?2 AND {_SAME_KEY.format("t", "k")}
JOIN lix_internal_change h ON h.no = CASE WHEN t.from_seq <= ?3 THEN t.change_no ELSE (
  SELECT p.change_no FROM lix_rebuilt_past p
  WHERE p.segment_id = ?2 AND {_SAME_KEY.format("p", "k")} AND p.from_seq <= ?3
  ORDER BY p.from_seq DESC LIMIT 1) END
WHERE t.first_seq <= ?3
"""

# Own changes of a segment's commits, then adopted ones. Bounds of the range make it a look-up.
_CONTENTS = f"""
SELECT h.schema_id, h.entity_id, h.file_id, c.seq, h.no, {LIVE.format("h")} AS live, 1 AS own
FROM lix_internal_commit c CROSS JOIN lix_internal_change h
WHERE c.segment_id = ?1 AND h.commit_seq = c.seq
  AND h.no BETWEEN c.first_change AND coalesce(c.last_change, 9223372036854775807)
UNION ALL
SELECT h.schema_id, h.entity_id, h.file_id, c.seq, h.no, {LIVE.format("h")}, 0
FROM lix_internal_commit c CROSS JOIN lix_internal_member m CROSS JOIN lix_internal_change h
WHERE c.segment_id = ?1 AND m.seq = c.seq AND h.no = m.change_no
"""

# Adopting a change that already shows (as checkpoints do) places nothing.
_PLACE = f"""
INSERT OR IGNORE INTO lix_rebuilt_row
SELECT schema_id, entity_id, file_id, seq, no, live, 0, seq, NULL FROM (
  SELECT *, lag(no) OVER (PARTITION BY schema_id, entity_id, file_id ORDER BY seq, own) AS prior
  FROM ({_CONTENTS})) p
WHERE own OR no IS NOT coalesce(prior,
  (SELECT change_no FROM lix_rebuilt_row r WHERE r.copy AND {_SAME_KEY.format("r", "p")}),
  (SELECT change_no FROM lix_rebuilt_before b WHERE {_SAME_KEY.format("b", "p")}))
ORDER BY own DESC
"""

_WINDOW = "OVER (PARTITION BY schema_id, entity_id, file_id ORDER BY seq {0})"
_ALL = _WINDOW.format("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING")

_PAST = f"""
INSERT INTO lix_rebuilt_past
SELECT ?1, schema_id, entity_id, file_id, seq, change_no, live FROM (
  SELECT *, lead(seq) {_WINDOW.format("")} AS next FROM lix_rebuilt_row)
WHERE next IS NOT NULL
"""

# A key that was never superseded here takes its creation time from its change, unless an older
# segment already had it.
_TIP = f"""
INSERT OR REPLACE INTO lix_rebuilt_tip
SELECT ?1, schema_id, entity_id, file_id, change_no, live, seq, first, CASE
    WHEN count = 1 THEN coalesce(created_at, (SELECT created_at FROM lix_rebuilt_before b
      WHERE NOT copy AND {_SAME_KEY.format("b", "r")}))
    ELSE coalesce(oldest_at, (SELECT created_at FROM lix_rebuilt_before b
      WHERE NOT copied AND {_SAME_KEY.format("b", "r")}),
      (SELECT created_at FROM lix_internal_change WHERE no = oldest)) END
FROM (SELECT *, count(*) {_ALL} AS count, last_value(seq) {_ALL} AS last,
    first_value(first_seq) {_ALL} AS first, first_value(created_at) {_ALL} AS oldest_at,
    first_value(copy) {_ALL} AS copied, first_value(change_no) {_ALL} AS oldest
  FROM lix_rebuilt_row) r
WHERE seq = last
"""

_DIFFERENT = """
SELECT segment_id, entity_id, schema_id, file_id FROM (SELECT * FROM {0} EXCEPT SELECT * FROM {1})
UNION
SELECT segment_id, entity_id, schema_id, file_id FROM (SELECT * FROM {1} EXCEPT SELECT * FROM {0})
ORDER BY 1, 2 LIMIT ?
"""


def rebuild(store: Store) -> int:
    """Throw away everything that is derived and derive it again; return the number of rows.

    Must run inside a transaction. Tables of other parts join through `Store.on_rebuild`.
    """
    _replay(store)
    execute = store.connection.execute
    for name in ("tip", "past"):
        execute(qualify(f"DELETE FROM lix_internal_{name}", store.db))
        execute(
            qualify(f"INSERT INTO lix_internal_{name} SELECT * FROM lix_rebuilt_{name}", store.db)
        )
    counts = (execute(f"SELECT count(*) FROM lix_rebuilt_{name}").get for name in ("tip", "past"))
    rows = sum(map(int, counts))
    _discard(store)
    store.rebuilt()
    return rows


def differences(store: Store, limit: int = 20) -> Iterator[str]:
    """Yield where the row tables do not say what the log says."""
    _replay(store)
    for name, label in (("tip", "row"), ("past", "superseded row")):
        sql = qualify(_DIFFERENT.format(f"lix_internal_{name}", f"lix_rebuilt_{name}"), store.db)
        for segment_id, entity_id, *_ in store.connection.execute(sql, (limit,)).fetchall():
            where = f"entity '{entity_id}' in segment {segment_id}"
            yield f"the {label} of {where} is not what the log says"
    _discard(store)


def _replay(store: Store) -> None:
    execute = store.connection.execute
    for name, columns in _SCRATCH.items():
        execute(f"CREATE TEMP TABLE IF NOT EXISTS {name}({columns}) WITHOUT ROWID")
    _discard(store)
    segments = execute(
        qualify(
            "SELECT id, parent_id, fork_seq, base_id, EXISTS (SELECT 1 FROM lix_internal_commit c "
            "WHERE c.segment_id = s.id) FROM lix_internal_segment s ORDER BY id",
            store.db,
        )
    ).fetchall()
    for id, parent_id, fork_seq, base_id, has_commits in segments:
        lineage = store.segments.lineage(id)
        if parent_id != base_id:
            _fold(store, id, base_id, store.segments.at(parent_id, fork_seq))
        if has_commits:
            _segment(store, id, lineage[1:])


def _fold(store: Store, id: int, base_id: int, above: Lineage) -> None:
    """Copy what a segment was made with: rows of the segments between it and its base."""
    copy = COPY.replace("lix_internal_", "lix_rebuilt_")
    for folded, limit in above:
        if folded == base_id:
            break
        store.connection.execute(copy, (id, folded, limit or 0))


def _segment(store: Store, id: int, bases: Lineage) -> None:
    execute = store.connection.execute
    execute("DELETE FROM lix_rebuilt_row")
    execute("DELETE FROM lix_rebuilt_before")
    execute(_COPIES, (id,))
    before = qualify(_BEFORE.format(contents=_CONTENTS), store.db)
    for base, limit in bases:
        execute(before, (id, base, limit))
    execute(qualify(_PLACE, store.db), (id,))
    execute(_PAST, (id,))
    execute(qualify(_TIP, store.db), (id,))


def _discard(store: Store) -> None:
    for name in _SCRATCH:
        store.connection.execute(f"DELETE FROM {name}")
