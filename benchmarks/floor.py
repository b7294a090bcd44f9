"""The floor: the same facts in ordinary tables, through the same APSW.

`four_tables` writes change, state, commit and version rows by hand, as any versioned store must;
`plain` is one table, without history.
"""

from __future__ import annotations

import apsw

__all__ = ["add_four", "four_tables", "open_floor", "plain", "write_four"]

SCHEMA = """
CREATE TABLE change (no INTEGER PRIMARY KEY, id TEXT UNIQUE, seq INT, entity_id TEXT, snapshot TEXT,
                     created_at TEXT);
CREATE TABLE state (schema_key TEXT, entity_id TEXT, file_id TEXT, change_no INT,
                    PRIMARY KEY (schema_key, entity_id, file_id)) WITHOUT ROWID;
CREATE TABLE commits (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, parent INT, created_at TEXT);
CREATE TABLE version (id TEXT PRIMARY KEY, tip INT) WITHOUT ROWID;
INSERT INTO version VALUES ('main', 0);
"""


def open_floor(path: str = ":memory:") -> apsw.Connection:
    """Open a plain database with the durability lix uses."""
    connection = apsw.Connection(path)
    if path != ":memory:":
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
    return connection


def plain(path: str = ":memory:") -> apsw.Connection:
    """Return a database with one table of rows, without history."""
    connection = open_floor(path)
    connection.execute(
        "CREATE TABLE state (schema_key TEXT, entity_id TEXT, file_id TEXT, snapshot TEXT, "
        "PRIMARY KEY (schema_key, entity_id, file_id)) WITHOUT ROWID"
    )
    return connection


def four_tables(path: str = ":memory:") -> apsw.Connection:
    """Return a database with hand-written history."""
    connection = open_floor(path)
    connection.execute(SCHEMA)
    return connection


def write_four(connection: apsw.Connection, rows: list[tuple[str, str]], seq: int) -> None:
    """Write rows as one commit into the four tables, in a transaction of their own."""
    connection.execute("BEGIN")
    add_four(connection, rows, seq)
    connection.execute("COMMIT")


def add_four(connection: apsw.Connection, rows: list[tuple[str, str]], seq: int) -> None:
    """Write rows as one commit into the four tables, in the transaction there is."""
    execute = connection.execute
    now = "2026-01-31T12:00:00.000Z"
    execute(
        "INSERT INTO commits VALUES (?, ?, ?, ?)",
        (seq, f"01920000-0000-7000-8002-{seq:012x}", seq - 1, now),
    )
    for number, (entity_id, snapshot) in enumerate(rows):
        execute(
            "INSERT INTO change(id, seq, entity_id, snapshot, created_at) VALUES (?, ?, ?, ?, ?)",
            (f"01920000-0000-7000-8001-{seq:06x}{number:06x}", seq, entity_id, snapshot, now),
        )
        execute(
            "INSERT INTO state VALUES ('bench_row', ?, 'lix', ?) "
            "ON CONFLICT DO UPDATE SET change_no = excluded.change_no",
            (entity_id, connection.last_insert_rowid()),
        )
    execute("UPDATE version SET tip = ? WHERE id = 'main'", (seq,))
