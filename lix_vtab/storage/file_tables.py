"""The physical tables of files: the index of names, the bytes of entity sets, installed plugins.

`holder` is where rows lie: a segment, or minus the number of the version whose overlay it is.
Facts hold for the commits [since, until) of a segment; those of an overlay are not kept.
"""

from __future__ import annotations

__all__ = ["FILE_INDEXES", "FILE_TABLES", "NEWEST"]

NEWEST = 1 << 62
"""`until` of what still holds: greater than any commit's number."""

FILE_TABLES: dict[str, str] = {
    # Which file (kind 2) or directory (kind 3) has a name in a directory; '' is the root.
    "entry": """(
        holder INTEGER NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, until INTEGER NOT NULL,
        kind INTEGER NOT NULL, entity_id TEXT NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (holder, parent, name, until, kind, entity_id)) WITHOUT ROWID""",
    # The bytes a holder's rows of a file stand for. `no` names that set of rows and is never given
    # out twice; `basis` lists the sets farther away that were part of it. A NULL hash without
    # error is to be rendered before the transaction ends, one with error whenever it is read; an
    # empty hash is a file without content. `plugin_id` is who owns the entities. `previous` is what
    # the bytes were before a hash became NULL.
    "rendering": """(
        no INTEGER PRIMARY KEY AUTOINCREMENT, file_id INTEGER NOT NULL, holder INTEGER NOT NULL,
        until INTEGER NOT NULL, since INTEGER NOT NULL, hash BLOB, basis TEXT NOT NULL,
        error TEXT, plugin_id INTEGER, previous BLOB, UNIQUE (file_id, holder, until))""",
    # Plugins installed into the database, as the archives they came in.
    "plugin": """(
        key TEXT PRIMARY KEY, archive BLOB NOT NULL, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL) WITHOUT ROWID""",
}

FILE_INDEXES: dict[str, str] = {
    "overlay_file": "overlay(version_no, file_id) WHERE file_id <> 1",
    "entry_entity": f"entry(holder, entity_id, kind, since) WHERE until = {NEWEST}",
    "rendering_holder": "rendering(holder)",
    "rendering_dirty": "rendering(holder, file_id) WHERE hash IS NULL AND error IS NULL",
}
