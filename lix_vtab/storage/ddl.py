"""The physical tables. Every name is `lix_internal_` plus one word.

One word, because SQLite finds the virtual table a shadow table belongs to by its last underscore.
"""

from __future__ import annotations

from functools import lru_cache

from lix_vtab.errors import FormatError, NotInitializedError
from lix_vtab.storage.blob_tables import BLOB_TABLES
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.file_tables import FILE_INDEXES, FILE_TABLES
from lix_vtab.storage.first_names import FIRST_NAMES
from lix_vtab.storage.index_tables import INDEX_INDEXES, INDEX_TABLES

__all__ = [
    "FORMAT", "SHADOW_NAMES", "create_tables", "qualify", "quote", "read_format", "require_format",
]  # fmt: skip

FORMAT = 1
"""Number of the storage layout; a database with a greater one is refused."""

TABLES: dict[str, str] = {
    # Facts about the database itself: format number, counters.
    "meta": "(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # Interned texts: schema keys, file ids, plugin keys.
    "name": "(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    # The change log. `commit_seq` is the commit that first contained the change.
    "change": """(
        no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, commit_seq INTEGER NOT NULL,
        schema_id INTEGER NOT NULL, file_id INTEGER NOT NULL, entity_id TEXT NOT NULL,
        plugin_id INTEGER NOT NULL, schema_version TEXT NOT NULL, snapshot TEXT, metadata TEXT,
        writer_key TEXT, created_at TEXT NOT NULL)""",
    # `generation` counts commits along first parents. The own changes of a commit lie in
    # [first_change, last_change]; last_change is NULL while its transaction is open.
    "commit": """(
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, change_set_id TEXT NOT NULL UNIQUE,
        segment_id INTEGER NOT NULL, version_no INTEGER NOT NULL, generation INTEGER NOT NULL,
        parent_seq INTEGER, first_change INTEGER NOT NULL, last_change INTEGER,
        authors TEXT, message TEXT, created_at TEXT NOT NULL)""",
    # Parents after the first, in order.
    "parent": """(
        seq INTEGER NOT NULL, position INTEGER NOT NULL, parent_seq INTEGER NOT NULL,
        PRIMARY KEY (seq, position)) WITHOUT ROWID""",
    # Changes a commit adopts from other commits (merges, checkpoints).
    "member": """(
        seq INTEGER NOT NULL, change_no INTEGER NOT NULL,
        PRIMARY KEY (seq, change_no)) WITHOUT ROWID""",
    # Commits that are checkpoints.
    "checkpoint": "(seq INTEGER PRIMARY KEY, name TEXT)",
    # Commits that undo or redo another. What came after commit `skip_seq` and up to this one
    # cancels out, so that looking for what to undo can go on there.
    "reversal": """(
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, target_seq INTEGER NOT NULL,
        skip_seq INTEGER)""",
    # `parent_id` at `fork_seq` is where the segment starts; reading continues at `base_id` up to
    # `base_seq`, which skips parents whose rows were folded into this segment.
    "segment": """(
        id INTEGER PRIMARY KEY, parent_id INTEGER, fork_seq INTEGER,
        base_id INTEGER, base_seq INTEGER)""",
    # Version pointers. `baseline_seq` is the last checkpoint (or the commit the version began at).
    "version": """(
        no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, segment_id INTEGER NOT NULL,
        commit_id TEXT, tip_seq INTEGER, working_commit_id TEXT NOT NULL,
        working_change_set_id TEXT NOT NULL, baseline_seq INTEGER, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL)""",
    # The newest row of each key in each segment. `live` is 0 for a tombstone and 2 for a row that
    # was withdrawn (see `rows.WITHDRAWN`), `first_seq` the commit that brought the key into the
    # segment, `created_at` NULL when it is the change's own.
    "tip": """(
        segment_id INTEGER NOT NULL, schema_id INTEGER NOT NULL, entity_id TEXT NOT NULL,
        file_id INTEGER NOT NULL, change_no INTEGER NOT NULL, live INTEGER NOT NULL,
        from_seq INTEGER NOT NULL, first_seq INTEGER NOT NULL, created_at TEXT,
        PRIMARY KEY (segment_id, schema_id, entity_id, file_id)) WITHOUT ROWID""",
    # Superseded rows of the same keys, each valid from `from_seq` to its successor's.
    "past": """(
        segment_id INTEGER NOT NULL, schema_id INTEGER NOT NULL, entity_id TEXT NOT NULL,
        file_id INTEGER NOT NULL, from_seq INTEGER NOT NULL, change_no INTEGER NOT NULL,
        live INTEGER NOT NULL,
        PRIMARY KEY (segment_id, schema_id, entity_id, file_id, from_seq)) WITHOUT ROWID""",
    # Untracked rows, which live outside history.
    "overlay": """(
        no INTEGER PRIMARY KEY, version_no INTEGER NOT NULL, schema_id INTEGER NOT NULL,
        entity_id TEXT NOT NULL, file_id INTEGER NOT NULL, plugin_id INTEGER NOT NULL,
        schema_version TEXT NOT NULL, snapshot TEXT, metadata TEXT,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        UNIQUE (version_no, schema_id, entity_id, file_id))""",
    # What is to happen outside of the database after a commit. `due_at` is when it may be tried,
    # or, while it is running, when whoever began it counts as lost.
    "effect": """(
        no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
        due_at TEXT NOT NULL, error TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL)""",
}

INDEXES: dict[str, str] = {
    "effect_due": "effect(state, due_at)",
    # file 1 is always 'lix': rows of entity tables, which nobody lists by file
    "tip_file": "tip(segment_id, file_id, schema_id, entity_id, live, change_no) "
    "WHERE file_id <> 1",
    # hardly ever has any rows: those that were withdrawn
    "tip_withdrawn": "tip(segment_id, schema_id) WHERE live = 2",
    "past_withdrawn": "past(segment_id, schema_id) WHERE live = 2",
    "commit_parent": "commit(parent_seq)",
    "commit_version": "commit(version_no, seq)",
    "commit_segment": "commit(segment_id, seq)",
    "version_working": "version(working_commit_id)",
    "parent_parent": "parent(parent_seq)",
    "version_segment": "version(segment_id)",
    "version_set": "version(working_change_set_id)",
    "member_change": "member(change_no)",
    "checkpoint_name": "checkpoint(name)",
}

TABLES.update(BLOB_TABLES)
TABLES.update(FILE_TABLES)
INDEXES.update(FILE_INDEXES)
TABLES.update(INDEX_TABLES)
INDEXES.update(INDEX_INDEXES)

SHADOW_NAMES = frozenset(TABLES)


def quote(identifier: str) -> str:
    """Quote an SQL identifier.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + identifier.replace('"', '""') + '"'


@lru_cache(maxsize=2048)
def qualify(sql: str, db: str) -> str:
    """Address the internal tables of one attached database in `sql`."""
    return sql.replace("lix_internal_", f"{quote(db)}.lix_internal_")


def create_tables(connection: Connection, db: str) -> None:
    """Create all physical tables and indexes in database `db`."""
    schema = quote(db)
    for name, body in TABLES.items():
        connection.execute(f"CREATE TABLE {schema}.lix_internal_{name}{body}")
    for name, body in INDEXES.items():
        connection.execute(f"CREATE INDEX {schema}.lix_internal_{name} ON lix_internal_{body}")
    connection.execute(f"INSERT INTO {schema}.lix_internal_meta VALUES ('format', ?)", (FORMAT,))
    connection.executemany(
        f"INSERT INTO {schema}.lix_internal_name(text, id) VALUES (?, ?)", FIRST_NAMES.items()
    )


def read_format(connection: Connection, db: str) -> int:
    """Return the format number of database `db`; refuse a newer one and a database without lix."""
    present = connection.execute(
        f"SELECT 1 FROM {quote(db)}.sqlite_schema WHERE name = 'lix_internal_meta'"
    ).fetchone()
    if present is None:
        raise NotInitializedError(
            f"database {db!r} holds no lix", hint="load it with init=True to create one"
        )
    row = connection.execute(
        f"SELECT value FROM {quote(db)}.lix_internal_meta WHERE key = 'format'"
    ).fetchone()
    number = row[0] if row else 0
    if not isinstance(number, int) or number > FORMAT:
        raise FormatError(
            f"database {db!r} has lix format {number}, this lix_vtab reads up to {FORMAT}",
            hint="upgrade lix_vtab",
            details={"format": number, "supported": FORMAT},
        )
    return number


def require_format(connection: Connection, db: str) -> None:
    """Refuse an attached database that is not of our format: nobody brings it up to date."""
    number = read_format(connection, db)
    if number != FORMAT:
        raise FormatError(
            f"database {db!r} has lix format {number}, this lix_vtab needs {FORMAT}",
            hint="open it by itself once, which brings it up to date",
            details={"format": number, "supported": FORMAT},
        )
