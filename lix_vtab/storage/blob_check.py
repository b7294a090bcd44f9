"""Checking that stored content is what its hashes say."""

from __future__ import annotations

from collections.abc import Iterator

from blake3 import blake3

from lix_vtab.errors import CorruptError
from lix_vtab.storage.blob_codec import Codec, digest_of
from lix_vtab.storage.blob_reader import Manifest
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify

__all__ = ["check_blobs"]

_CHUNKS = "SELECT id, hash, codec, size, CAST(data AS BLOB) FROM lix_internal_chunk ORDER BY id"
_BLOBS = "SELECT id, hash, size, chunks FROM lix_internal_blob ORDER BY id"
_CHUNK = "SELECT codec, size, CAST(data AS BLOB) FROM lix_internal_chunk WHERE id = ?"


def check_blobs(connection: Connection, db: str = "main") -> Iterator[str]:
    """Yield one sentence for every chunk or blob whose bytes do not fit its hash."""
    codec = Codec()
    for chunk_id, digest, *stored in connection.execute(qualify(_CHUNKS, db)):
        try:
            if digest_of(codec.decode(*stored)) != digest:
                yield f"chunk {chunk_id} does not have the hash {digest.hex()}"
        except CorruptError as error:
            yield f"chunk {chunk_id}: {error.message}"
    for blob_id, digest, size, chunks in connection.execute(qualify(_BLOBS, db)):
        try:
            manifest = Manifest.parse(size, chunks)
            if _digest_of_chunks(connection, db, codec, manifest) != digest:
                yield f"blob {blob_id} does not have the hash {digest.hex()}"
        except CorruptError as error:
            yield f"blob {blob_id}: {error.message}"


def _digest_of_chunks(
    connection: Connection, db: str, codec: Codec, manifest: Manifest
) -> bytes | None:
    whole = blake3()
    sql = qualify(_CHUNK, db)
    for chunk_id in manifest.chunk_ids:
        row = connection.execute(sql, (chunk_id,)).fetchone()
        if row is None:
            raise CorruptError(f"chunk {chunk_id} is missing")
        whole.update(codec.decode(*row))
    return whole.digest()
