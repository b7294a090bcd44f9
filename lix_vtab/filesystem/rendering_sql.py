"""The statements on the table of renderings.

Each is a look-up by file, by holder or by number.
"""

from __future__ import annotations

from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import LIX

__all__ = ["LATER", "select"]

LATER = ""
"""The error of a rendering that is made when it is read."""

COLUMNS = "r.no, r.hash, r.basis, r.error, r.plugin_id, r.previous"
OPEN = (
    "SELECT no, since, hash, error, previous FROM lix_internal_rendering "
    f"WHERE file_id = ? AND holder = ? AND until = {NEWEST}"
)
INSERT = (
    "INSERT INTO lix_internal_rendering(file_id, holder, until, since, hash, basis, error, "
    f"plugin_id, previous) VALUES (?, ?, {NEWEST}, ?, ?, ?, ?, ?, ?)"
)
CLOSE = "UPDATE lix_internal_rendering SET until = ? WHERE no = ?"
REOPEN = (
    f"UPDATE lix_internal_rendering SET until = {NEWEST} "
    "WHERE file_id = ? AND holder = ? AND until = ? RETURNING 1"
)
FORGET = f"DELETE FROM lix_internal_rendering WHERE file_id = ? AND holder = ? AND until = {NEWEST}"
DELETE = "DELETE FROM lix_internal_rendering WHERE no = ?"
SET = "UPDATE lix_internal_rendering SET hash = ?, basis = ?, error = ?, plugin_id = ? WHERE no = ?"
SINCE = "SELECT since FROM lix_internal_rendering WHERE no = ?"
ANY = "SELECT 1 FROM lix_internal_rendering WHERE file_id = ? LIMIT 1"
# Rows that had the id of a file before there was one count from now on, in every holder.
FOLLOW = f"""INSERT INTO lix_internal_rendering(file_id, holder, until, since, basis, error)
    SELECT ?1, s.id, {NEWEST}, 0, '', '{LATER}' FROM lix_internal_segment s WHERE EXISTS (
        SELECT 1 FROM lix_internal_tip
        WHERE segment_id = s.id AND file_id = ?1 AND file_id <> {LIX})
    UNION ALL SELECT ?1, -v.no, {NEWEST}, 0, '', '{LATER}' FROM lix_internal_version v
    WHERE EXISTS (SELECT 1 FROM lix_internal_overlay
        WHERE version_no = v.no AND file_id = ?1 AND file_id <> {LIX})"""
DIRTY = (
    f"SELECT holder, file_id, since, until = {NEWEST} FROM lix_internal_rendering "
    "WHERE hash IS NULL AND error IS NULL"
)
HAS_ROWS = (
    "SELECT EXISTS (SELECT 1 FROM lix_internal_tip WHERE segment_id = ?1 AND file_id = ?2 "
    f"AND file_id <> {LIX}) OR EXISTS (SELECT 1 FROM lix_internal_overlay "
    f"WHERE version_no = -?1 AND file_id = ?2 AND file_id <> {LIX})"
)
COMMITS = (
    "SELECT since, hash FROM lix_internal_rendering WHERE file_id = ?1 AND holder = ?2 "
    "AND since BETWEEN ?3 AND ?4 ORDER BY since"
)
CHANGED = (
    "SELECT DISTINCT file_id FROM lix_internal_rendering WHERE holder = ?1 "
    "AND since BETWEEN ?2 AND ?3"
)
ALONE = (
    "SELECT EXISTS (SELECT 1 FROM lix_internal_rendering r WHERE r.no > ?1 AND r.since = ?2 "
    "AND NOT EXISTS (SELECT 1 FROM lix_internal_rendering b WHERE b.file_id = r.file_id "
    "AND b.holder = r.holder AND b.until = ?2 AND b.hash IS r.hash))"
)
OVERLAYS = "SELECT DISTINCT holder FROM lix_internal_rendering WHERE holder < 0"
LAST = "SELECT coalesce(max(no), 0) FROM lix_internal_rendering"

# The nearest of the folded segments decides; what a farther one adds is no longer behind it.
FOLD_NEW = f"""INSERT INTO lix_internal_rendering(
        file_id, holder, until, since, hash, basis, error, plugin_id, previous)
    SELECT r.file_id, ?1, {NEWEST}, r.since, r.hash, r.basis, r.error, r.plugin_id, r.previous
    FROM lix_internal_rendering r WHERE r.holder = ?2 AND r.since <= ?3 AND r.until > ?3
    AND NOT EXISTS (SELECT 1 FROM lix_internal_rendering n
        WHERE n.file_id = r.file_id AND n.holder = ?1)"""
FOLD_KNOWN = """UPDATE lix_internal_rendering AS n SET
        basis = CASE WHEN n.basis = CAST(r.no AS TEXT) THEN ''
            WHEN n.basis LIKE r.no || ',%' THEN substr(n.basis, length(r.no) + 2) ELSE '?' END
    FROM lix_internal_rendering r WHERE r.holder = ?2 AND r.since <= ?3 AND r.until > ?3
    AND n.holder = ?1 AND n.file_id = r.file_id"""


def select(shape: str) -> str:
    """Ask for the rendering of file ?1 in layers, given by their places and kinds."""
    selects = []
    number = 2
    for word in shape.split():
        place, kind = word[:-1], word[-1]
        holder = f"-?{number}" if kind == "o" else f"?{number}"
        when = f"r.until = {NEWEST}"
        if kind == "p":
            when = f"r.until > ?{number + 1} AND r.since <= ?{number + 1}"
        number += 2 if kind == "p" else 1
        selects.append(
            f"SELECT {place}, {COLUMNS} FROM lix_internal_rendering r "
            f"WHERE r.file_id = ?1 AND r.holder = {holder} AND {when}"
        )
    return " UNION ALL ".join(selects) or "SELECT 1 WHERE 0"
