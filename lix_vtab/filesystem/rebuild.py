"""Deriving the index of names from the rows again, and comparing it with what is there."""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.filesystem.entries import DIRECTORY_SPOT, FILE_SPOT
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["check_entries", "check_renderings", "rebuild_entries"]

_KINDS = f"IN ({FILE_ID}, {DIRECTORY_ID}) AND file_id = {LIX}"


def _spots(rows: str) -> str:
    """Return the names of rows: one SELECT for each kind, none for a tombstone."""
    return " UNION ALL ".join(
        f"SELECT r.holder, {kind} AS kind, r.entity_id, r.from_seq, r.next, "
        f"{spot[0]} AS parent, {spot[1]} AS name FROM ({rows}) r "
        f"JOIN lix_internal_change c ON c.no = r.change_no "
        f"WHERE r.schema_id = {kind} AND c.snapshot IS NOT NULL"
        for kind, spot in ((FILE_ID, FILE_SPOT), (DIRECTORY_ID, DIRECTORY_SPOT))
    )


_ROWS = f"""SELECT segment_id AS holder, schema_id, entity_id, from_seq, change_no,
        lead(from_seq, 1, {NEWEST}) OVER (
            PARTITION BY segment_id, schema_id, entity_id ORDER BY from_seq) AS next
    FROM (SELECT segment_id, schema_id, entity_id, from_seq, change_no FROM lix_internal_tip
            WHERE schema_id {_KINDS}
        UNION ALL SELECT segment_id, schema_id, entity_id, from_seq, change_no
            FROM lix_internal_past WHERE schema_id {_KINDS})"""

# Rows that keep a name, one right after the other, are one entry.
_TRACKED = f"""SELECT holder, parent, name, max(next) AS until, kind, entity_id,
        min(from_seq) AS since
    FROM (SELECT *, sum(fresh) OVER (PARTITION BY holder, kind, entity_id ORDER BY from_seq) AS run
        FROM (SELECT *, coalesce((parent, name, from_seq) IS NOT (
                lag(parent) OVER w, lag(name) OVER w, lag(next) OVER w), 1) AS fresh
            FROM ({_spots(_ROWS)}) WINDOW w AS (
                PARTITION BY holder, kind, entity_id ORDER BY from_seq)))
    GROUP BY holder, kind, entity_id, run"""

_UNTRACKED = " UNION ALL ".join(
    f"SELECT -c.version_no, {spot[0]}, {spot[1]}, {NEWEST}, {kind}, c.entity_id, 0 "
    f"FROM lix_internal_overlay c WHERE c.schema_id = {kind} AND c.file_id = {LIX} "
    "AND c.snapshot IS NOT NULL"
    for kind, spot in ((FILE_ID, FILE_SPOT), (DIRECTORY_ID, DIRECTORY_SPOT))
)

_EXPECTED = f"SELECT * FROM ({_TRACKED}) UNION ALL {_UNTRACKED}"
_STORED = "SELECT holder, parent, name, until, kind, entity_id, since FROM lix_internal_entry"

_WRONG = (
    f"SELECT name FROM (SELECT * FROM ({_EXPECTED}) EXCEPT {_STORED}) "
    f"UNION SELECT name FROM ({_STORED} EXCEPT SELECT * FROM ({_EXPECTED})) LIMIT 20"
)

_UNMADE = (
    "a rendering of file {} was never made",
    "SELECT n.text FROM lix_internal_rendering r JOIN lix_internal_name n ON n.id = r.file_id "
    "WHERE r.hash IS NULL AND r.error IS NULL",
)

_RENDERINGS = (
    (
        "the renderings of file {} overlap",
        "SELECT n.text FROM lix_internal_rendering r JOIN lix_internal_rendering o "
        "ON o.file_id = r.file_id AND o.holder = r.holder AND o.no <> r.no "
        "AND o.since < r.until AND o.since >= r.since AND r.since < r.until "
        "AND o.since < o.until JOIN lix_internal_name n ON n.id = r.file_id",
    ),
    (
        "the bytes of file {} are not stored",
        "SELECT n.text FROM lix_internal_rendering r JOIN lix_internal_name n ON n.id = r.file_id "
        "WHERE length(r.hash) = 32 "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_chunk c WHERE c.hash = r.hash) "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_blob b WHERE b.hash = r.hash)",
    ),
    (
        "a part of the content {} is missing",
        # sizes and numbers of chunks by turns
        "SELECT lower(hex(b.hash)) FROM lix_internal_blob b WHERE json_valid(b.chunks) AND EXISTS ("
        "SELECT 1 FROM json_each(b.chunks) j WHERE j.key % 2 = 1 "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_chunk c WHERE c.id = j.value))",
    ),
)


def rebuild_entries(store: Store) -> None:
    """Replace the index of names by what the rows say."""
    execute = store.connection.execute
    execute(qualify("DELETE FROM lix_internal_entry", store.db))
    execute(qualify(f"INSERT INTO lix_internal_entry {_EXPECTED}", store.db))


def check_entries(store: Store) -> Iterator[str]:
    """Yield the names the index has wrong."""
    for (name,) in store.connection.execute(qualify(_WRONG, store.db)):
        yield f"the index of names is wrong about '{name}'"


def check_renderings(store: Store) -> Iterator[str]:
    """Yield the files whose bytes are lost or in doubt."""
    # those of a running transaction are made when it ends
    due = () if store.transaction.active else (_UNMADE,)
    for message, sql in (*due, *_RENDERINGS):
        for (name,) in store.connection.execute(qualify(f"{sql} LIMIT 20", store.db)):
            yield message.format(f"'{name}'")
