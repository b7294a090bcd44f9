"""The physical tables of the content store.

A payload that fits one chunk is that chunk: one row, found by its own hash. A larger payload is a
blob: a row that lists its chunks. `chunks` is JSON, `[size, chunk id, size, chunk id, ...]`, so a
manifest is written by one statement, atomically, and read by `json_each` where SQL needs it.

Ids are never given out twice: a reader that outlives its content must find nothing rather than
somebody else's bytes.
"""

from __future__ import annotations

__all__ = ["BLOB_TABLES"]

BLOB_TABLES: dict[str, str] = {
    # Pieces of content. `size` is that of the plain bytes, `codec` says how `data` holds them.
    "chunk": """(
        id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
        codec INTEGER NOT NULL, data BLOB NOT NULL)""",
    # Payloads of more than one chunk.
    "blob": """(
        id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,
        chunks TEXT NOT NULL)""",
}
"""Columns of `lix_internal_chunk` and `lix_internal_blob`, by the word after the prefix."""
