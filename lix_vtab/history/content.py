"""What a commit contains, as pieces of SQL the other modules build on.

A commit `c` contains its own changes, which lie in a range of the log, and those it adopted from
other commits. The changes of a version `v` since its baseline are what its working commit contains;
they are found through the commits `c` of its segment, never by looking at all its rows.
"""

from __future__ import annotations

__all__ = [
    "CHANGES",
    "CHANGES_BY_COMMIT",
    "CHANGES_BY_FILE",
    "CHANGES_BY_KEY",
    "CHANGE_COUNT",
    "IS_OWN",
    "IS_WORKING",
    "PARENTS",
    "SINCE_BASELINE",
    "WORKING_CHANGES",
    "WORKING_OF_VERSION",
    "change_ids",
]

LAST = 9223372036854775807

IS_OWN = f"h.commit_seq = c.seq AND h.no BETWEEN c.first_change AND coalesce(c.last_change, {LAST})"
"""Condition: change `h` was made by commit `c`. The range is what makes it a look-up."""

CHANGES = (
    f"SELECT h.no, h.id FROM lix_internal_change h WHERE {IS_OWN} "
    "UNION ALL SELECT h.no, h.id FROM lix_internal_member m "
    "JOIN lix_internal_change h ON h.no = m.change_no WHERE m.seq = c.seq"
)
"""Number and id of every change commit `c` contains."""

CHANGE_COUNT = (
    f"((SELECT count(*) FROM lix_internal_change h WHERE {IS_OWN}) "
    "+ (SELECT count(*) FROM lix_internal_member m WHERE m.seq = c.seq))"
)
"""How many changes commit `c` contains."""

SINCE_BASELINE = "c.segment_id = v.segment_id AND c.seq > coalesce(v.baseline_seq, 0)"
"""Condition: commit `c` was made in version `v` since its last checkpoint."""

IS_WORKING = (
    "t.segment_id = v.segment_id AND t.schema_id = h.schema_id AND t.entity_id = h.entity_id "
    "AND t.file_id = h.file_id AND t.change_no = h.no AND t.from_seq = c.seq"
)
"""Condition: row `t` of version `v` still shows change `h` as commit `c` brought it."""

PARENTS = (
    "SELECT p.id, 0 AS position FROM lix_internal_commit p WHERE p.seq = c.parent_seq "
    "UNION ALL SELECT p.id, x.position FROM lix_internal_parent x "
    "JOIN lix_internal_commit p ON p.seq = x.parent_seq WHERE x.seq = c.seq"
)
"""Id and position of every parent of commit `c`."""

_WORKING = (
    "SELECT h.no, h.id FROM {0}lix_internal_commit c JOIN lix_internal_change h "
    f"JOIN lix_internal_tip t WHERE {{1}}{SINCE_BASELINE} AND {IS_OWN} AND {IS_WORKING} "
    "UNION ALL SELECT h.no, h.id FROM {0}lix_internal_commit c JOIN lix_internal_member m "
    "JOIN lix_internal_change h JOIN lix_internal_tip t "
    f"WHERE {{1}}{SINCE_BASELINE} AND m.seq = c.seq AND h.no = m.change_no AND {IS_WORKING}"
)

WORKING_CHANGES = _WORKING.format("", "")
"""Number and id of the newest change of every entity changed in version `v` since its baseline."""

WORKING_OF_VERSION = _WORKING.format("lix_internal_version v JOIN ", "v.no = ?1 AND ")
"""The same for the version with number ?1, as a statement of its own."""


CHANGES_BY_COMMIT = (
    "SELECT h.no AS change_no FROM lix_internal_commit c JOIN lix_internal_change h "
    f"WHERE c.seq IN (SELECT value FROM json_each({{0}})) AND {IS_OWN} "
    "UNION SELECT m.change_no FROM lix_internal_member m "
    "WHERE m.seq IN (SELECT value FROM json_each({0}))"
)
"""Changes of commits, whose numbers parameter {0} lists as JSON."""

CHANGES_BY_KEY = (
    "SELECT x.change_no FROM lix_internal_tip x "
    "WHERE x.segment_id IN (SELECT value FROM json_each({0})){1} "
    "UNION SELECT x.change_no FROM lix_internal_past x "
    "WHERE x.segment_id IN (SELECT value FROM json_each({0})){1}"
)
"""Changes that rows of the segments parameter {0} lists show or showed; {1} narrows rows `x`."""

# superseded rows have no index by file, but each has its newest row, which does
CHANGES_BY_FILE = (
    "SELECT x.change_no FROM lix_internal_tip x "
    "WHERE x.segment_id IN (SELECT value FROM json_each({0})) AND x.file_id <> 1{1} "
    "UNION SELECT p.change_no FROM lix_internal_tip x CROSS JOIN lix_internal_past p "
    "ON p.segment_id = x.segment_id AND p.schema_id = x.schema_id "
    "AND p.entity_id = x.entity_id AND p.file_id = x.file_id "
    "WHERE x.segment_id IN (SELECT value FROM json_each({0})) AND x.file_id <> 1{1}"
)
"""The same for rows of a file, whose number {1} gives."""


def change_ids(changes: str) -> str:
    """Write the SQL of a JSON array of change ids, oldest first."""
    return f"(SELECT json_group_array(id) FROM (SELECT id FROM ({changes}) ORDER BY no))"
