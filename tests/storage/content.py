"""A content store and payloads for its tests."""

from __future__ import annotations

import random

import apsw

from lix_vtab.storage.blob_tables import BLOB_TABLES
from lix_vtab.storage.blobs import Blobs


def create(connection: apsw.Connection, db: str = "main") -> Blobs:
    """Create the tables of a content store and return it."""
    for name, columns in BLOB_TABLES.items():
        connection.execute(f'CREATE TABLE "{db}".lix_internal_{name}{columns}')
    return Blobs(connection, db)


def count(connection: apsw.Connection, table: str) -> int:
    """Count the rows of an internal table."""
    return connection.execute(f"SELECT count(*) FROM lix_internal_{table}").get


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def prose(size: int, seed: int = 1) -> bytes:
    """Return bytes that compress well."""
    source = random.Random(seed)
    words = [source.choice(["alpha", "beta", "gamma", "delta", "42", "\n"]) for _ in range(size)]
    return " ".join(words).encode()[:size]
