"""Collecting content that nothing refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify

__all__ = ["Collected", "Progress", "delete_unreferenced"]

Progress = Callable[[int, int], None]
"""Called with the last chunk id looked at and the greatest there is."""

_BATCH = 4096

# Touches no row, but makes the transaction a writing one: nothing can commit from here on, and a
# transaction that reads an older state than the newest is refused by SQLite.
_LOCK = "DELETE FROM lix_internal_blob WHERE id < 0"

# Temporary tables live outside the database, so marking writes nothing durable. They stay, empty:
# a table cannot be dropped while the statement that asked for the collection runs.
_CREATE_LIVE = "CREATE TEMP TABLE IF NOT EXISTS lix_live_hash(hash TEXT PRIMARY KEY) WITHOUT ROWID"
_CREATE_USED = "CREATE TEMP TABLE IF NOT EXISTS lix_live_chunk(id INTEGER PRIMARY KEY)"
_CLEAR_LIVE = "DELETE FROM temp.lix_live_hash"
_CLEAR_USED = "DELETE FROM temp.lix_live_chunk"

_MARK_QUERY = """INSERT OR IGNORE INTO temp.lix_live_hash
    SELECT lower(CASE typeof(hash) WHEN 'blob' THEN hex(hash) ELSE hash END)
    FROM ({live}) WHERE hash IS NOT NULL"""
_MARK_ONE = "INSERT OR IGNORE INTO temp.lix_live_hash VALUES (lower(?))"
_MARK_USED = """INSERT OR IGNORE INTO temp.lix_live_chunk
    SELECT item.value FROM lix_internal_blob AS blob, json_each(blob.chunks) AS item
    WHERE item.key % 2"""
_DELETE_BLOBS = """DELETE FROM lix_internal_blob
    WHERE lower(hex(hash)) NOT IN (SELECT hash FROM temp.lix_live_hash) RETURNING 1"""
_DELETE_CHUNKS = """DELETE FROM lix_internal_chunk WHERE id > ? AND id <= ?
    AND id NOT IN (SELECT id FROM temp.lix_live_chunk)
    AND lower(hex(hash)) NOT IN (SELECT hash FROM temp.lix_live_hash) RETURNING length(data)"""
_LAST_CHUNK = "SELECT max(id) FROM lix_internal_chunk"


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed: large payloads, chunks, and the bytes those chunks took."""

    blobs: int
    chunks: int
    bytes: int


def delete_unreferenced(
    connection: Connection,
    live: str | Iterable[str],
    *,
    db: str = "main",
    progress: Progress | None = None,
) -> Collected:
    """Delete all content except what `live` names, in one write transaction.

    `live` is a query with one column named `hash`, holding hashes as hex text or as blobs (NULLs
    count for nothing), or the hashes themselves. It is evaluated after the write lock is taken, so
    a reference another connection has committed is always seen, and none can be added meanwhile.
    """
    with _write_transaction(connection):
        connection.execute(qualify(_LOCK, db))
        _mark(connection, live)
        blobs = len(connection.execute(qualify(_DELETE_BLOBS, db)).fetchall())
        connection.execute(qualify(_MARK_USED, db))
        sizes = list(_sweep(connection, db, progress))
        connection.execute(_CLEAR_LIVE)
        connection.execute(_CLEAR_USED)
    return Collected(blobs, len(sizes), sum(sizes))


def _mark(connection: Connection, live: str | Iterable[str]) -> None:
    connection.execute(_CREATE_LIVE)
    connection.execute(_CREATE_USED)
    connection.execute(_CLEAR_LIVE)
    connection.execute(_CLEAR_USED)
    if isinstance(live, str):
        connection.execute(_MARK_QUERY.format(live=live))
    else:
        connection.executemany(_MARK_ONE, ((hash,) for hash in live))


def _sweep(connection: Connection, db: str, progress: Progress | None) -> Iterator[int]:
    """Delete dead chunks in batches and yield the stored size of each."""
    delete = qualify(_DELETE_CHUNKS, db)
    last = (connection.execute(qualify(_LAST_CHUNK, db)).fetchone() or (None,))[0] or 0
    for low in range(0, last, _BATCH):
        high = min(low + _BATCH, last)
        for (size,) in connection.execute(delete, (low, high)).fetchall():
            yield size
        if progress is not None:
            progress(high, last)


@contextmanager
def _write_transaction(connection: Connection) -> Iterator[None]:
    """Run the block in the open transaction, or in one of its own."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
