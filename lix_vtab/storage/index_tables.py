"""The physical table of values: which rows have a value in a group of properties.

A group is what a unique rule, a foreign key or an index of a schema names; `group_id` is its
interned name. `holder` is where a row lies: a segment, or minus the number of the version whose
overlay it is. What is said holds for the commits [since, until) of a segment; of an overlay only
the present is kept. Segments no version reads any more keep their entries, because their commits
can still be asked for (`<schema>_at`).
"""

from __future__ import annotations

__all__ = ["INDEX_INDEXES", "INDEX_TABLES", "NEWEST", "WITH_VALUE"]

NEWEST = 1 << 62
"""`until` of what still holds: greater than any commit's number."""

INDEX_TABLES: dict[str, str] = {
    "index": """(
        group_id INTEGER NOT NULL, value NOT NULL, holder INTEGER NOT NULL,
        until INTEGER NOT NULL, entity_id TEXT NOT NULL, file_id INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (group_id, value, holder, until, entity_id, file_id)) WITHOUT ROWID""",
}

INDEX_INDEXES: dict[str, str] = {
    "index_entity": f"index(holder, entity_id, group_id) WHERE until = {NEWEST}",
}

WITH_VALUE = (
    "x.entity_id IN (SELECT i.entity_id FROM lix_internal_index i WHERE i.group_id = @group "
    "AND i.value @values AND i.holder = {holder} "
    f"AND i.until > min({{limit}}, {NEWEST - 1}) AND i.since <= {{limit}})"
)
"""Filter of rows that may have one of some values; `@group` and `@values` are to be filled in."""
