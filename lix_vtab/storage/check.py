"""Verifying what must always hold between the physical tables."""

from __future__ import annotations

from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rebuild import differences
from lix_vtab.storage.rows import LIVE
from lix_vtab.storage.store import Store

__all__ = ["check"]

_SEGMENT_KEY = (
    "a.segment_id = b.segment_id AND a.schema_id = b.schema_id "
    "AND a.entity_id = b.entity_id AND a.file_id = b.file_id"
)

INVARIANTS: tuple[tuple[str, str], ...] = (
    (
        "commit {} is not complete",
        "SELECT id FROM lix_internal_commit WHERE last_change IS NULL",
    ),
    (
        "commit {} has a parent that is not older",
        "SELECT id FROM lix_internal_commit c WHERE parent_seq >= seq OR EXISTS ("
        "SELECT 1 FROM lix_internal_parent p WHERE p.seq = c.seq AND p.parent_seq >= c.seq)",
    ),
    (
        "commit {} has a parent that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE parent_seq IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_commit p WHERE p.seq = c.parent_seq)",
    ),
    (
        "commit {} is in a segment that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_segment s WHERE s.id = c.segment_id)",
    ),
    (
        "change {} belongs to no commit",
        "SELECT id FROM lix_internal_change h WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_commit c WHERE c.seq = h.commit_seq "
        "AND h.no BETWEEN c.first_change AND c.last_change)",
    ),
    (
        "change {} has a snapshot that is not canonical JSON",
        "SELECT id FROM lix_internal_change "
        "WHERE snapshot IS NOT NULL AND NOT json_valid(snapshot)",
    ),
    (
        "change {} has metadata that is not JSON",
        "SELECT id FROM lix_internal_change "
        "WHERE metadata IS NOT NULL AND NOT json_valid(metadata)",
    ),
    (
        "a row of entity {} shows a change of something else",
        "SELECT a.entity_id FROM (SELECT * FROM lix_internal_tip) a "
        "LEFT JOIN lix_internal_change b ON b.no = a.change_no "
        "WHERE b.no IS NULL OR b.schema_id <> a.schema_id OR b.entity_id <> a.entity_id "
        f"OR b.file_id <> a.file_id OR {LIVE.format('b')} <> a.live",
    ),
    (
        "a superseded row of entity {} shows a change of something else",
        "SELECT a.entity_id FROM lix_internal_past a "
        "LEFT JOIN lix_internal_change b ON b.no = a.change_no "
        "WHERE b.no IS NULL OR b.schema_id <> a.schema_id OR b.entity_id <> a.entity_id "
        f"OR b.file_id <> a.file_id OR {LIVE.format('b')} <> a.live",
    ),
    (
        "a superseded row of entity {} has no successor",
        "SELECT b.entity_id FROM lix_internal_past b WHERE NOT EXISTS ("
        f"SELECT 1 FROM lix_internal_tip a WHERE {_SEGMENT_KEY} "
        "AND a.from_seq > b.from_seq AND a.first_seq <= b.from_seq)",
    ),
    (
        "a row of entity {} is older than the first of its key",
        "SELECT entity_id FROM lix_internal_tip WHERE first_seq > from_seq",
    ),
    (
        "version {} is in a segment that does not exist",
        "SELECT id FROM lix_internal_version v WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_segment s WHERE s.id = v.segment_id)",
    ),
    (
        "version {} points at a commit whose id is another",
        "SELECT v.id FROM lix_internal_version v LEFT JOIN lix_internal_commit c "
        "ON c.seq = v.tip_seq WHERE v.tip_seq IS NOT NULL AND c.id IS NOT v.commit_id",
    ),
    (
        "version {} has a descriptor and no pointer",
        "SELECT t.entity_id FROM lix_internal_version g "
        "JOIN lix_internal_tip t ON t.segment_id = g.segment_id JOIN lix_internal_name n "
        "ON n.id = t.schema_id AND n.text = 'lix_version_descriptor' WHERE g.id = 'global' "
        "AND t.live AND NOT EXISTS (SELECT 1 FROM lix_internal_version v WHERE v.id = t.entity_id)",
    ),
    (
        "commit {} was made in a version that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_version v WHERE v.no = c.version_no)",
    ),
    (
        "segment {} continues one that does not exist",
        "SELECT id FROM lix_internal_segment s WHERE base_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_segment p WHERE p.id = s.base_id)",
    ),
    (
        "name {} is interned twice",
        "SELECT text FROM lix_internal_name GROUP BY text HAVING count(*) > 1",
    ),
    (
        "adopted change {} does not exist",
        "SELECT change_no FROM lix_internal_member m WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_change c WHERE c.no = m.change_no)",
    ),
)
"""Message and query of each invariant; the query lists what breaks it."""


def check(store: Store, limit: int = 20, *, replay: bool = True, content: bool = True) -> list[str]:
    """Return what is wrong, at most `limit` findings per invariant; empty when sound.

    `replay` also derives the rows from the log and compares, which needs temporary tables.
    `content` also reads the content of every file and compares it with its hash.
    """
    problems: list[str] = []
    for message, sql in INVARIANTS:
        found = store.connection.execute(f"SELECT * FROM ({qualify(sql, store.db)}) LIMIT {limit}")
        problems.extend(message.format(f"'{row[0]}'") for row in found)
    if replay and not problems:
        problems.extend(differences(store, limit))
    problems.extend(store.checked(content=content))
    return problems
