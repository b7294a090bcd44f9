"""The content store: bytes under the BLAKE3 hash of the whole payload.

Large payloads are cut where their content says so, so payloads that share passages share chunks,
across files, versions and history. Nothing here knows what refers to a payload; `blob_gc` asks.

Write a payload in the transaction that writes the reference to it: collection runs in a write
transaction of its own and takes what nothing refers to.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import orjson
from blake3 import blake3

from lix_vtab.errors import CorruptError, InvalidValueError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.storage.blob_codec import SINGLE_MAX, Codec, Readable, digest_of
from lix_vtab.storage.blob_reader import ChunkReader, Manifest
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify

__all__ = ["BlobRef", "Blobs"]

_INSERT_CHUNK = "INSERT INTO lix_internal_chunk(hash, size, codec, data) VALUES (?, ?, ?, ?)"
_OFFER_CHUNK = _INSERT_CHUNK + " ON CONFLICT DO NOTHING"
_FIND_CHUNK = "SELECT id FROM lix_internal_chunk WHERE hash = ?"
_CHUNK_BY_HASH = "SELECT codec, size, data FROM lix_internal_chunk WHERE hash = ?"
_CHUNK_BY_ID = "SELECT codec, size, data FROM lix_internal_chunk WHERE id = ?"
_INSERT_BLOB = """INSERT INTO lix_internal_blob(hash, size, chunks) VALUES (?, ?, ?)
    ON CONFLICT DO NOTHING"""
_FIND_BLOB = "SELECT id FROM lix_internal_blob WHERE hash = ?"
_BLOB_BY_HASH = "SELECT size, chunks FROM lix_internal_blob WHERE hash = ?"
_SIZE = """SELECT size FROM lix_internal_chunk WHERE hash = ?1
    UNION ALL SELECT size FROM lix_internal_blob WHERE hash = ?1 LIMIT 1"""

# From here on compressing costs more than looking whether the content is already there.
_LOOK_FIRST = 4 * 1024


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Names stored content: `hash` is its BLAKE3 in lower-case hex, `size` its length in bytes."""

    hash: str
    size: int


class Blobs:
    """The content store of one database.

    >>> import apsw
    >>> from lix_vtab.storage.blob_tables import BLOB_TABLES
    >>> connection = apsw.Connection(":memory:")
    >>> for name, columns in BLOB_TABLES.items():
    ...     _ = connection.execute(f"CREATE TABLE lix_internal_{name}{columns}")
    >>> blobs = Blobs(connection)
    >>> ref = blobs.put(b"hello")
    >>> blobs.get(ref.hash)
    b'hello'
    """

    __slots__ = (
        "_blob_by_hash",
        "_chunk_by_hash",
        "_chunk_by_id",
        "_codec",
        "_connection",
        "_find_blob",
        "_find_chunk",
        "_insert_blob",
        "_insert_chunk",
        "_offer_chunk",
        "_size",
    )

    def __init__(self, connection: Connection, db: str = "main") -> None:
        self._connection = connection
        self._codec = Codec()
        self._insert_chunk = qualify(_INSERT_CHUNK, db)
        self._offer_chunk = qualify(_OFFER_CHUNK, db)
        self._find_chunk = qualify(_FIND_CHUNK, db)
        self._chunk_by_hash = qualify(_CHUNK_BY_HASH, db)
        self._chunk_by_id = qualify(_CHUNK_BY_ID, db)
        self._insert_blob = qualify(_INSERT_BLOB, db)
        self._find_blob = qualify(_FIND_BLOB, db)
        self._blob_by_hash = qualify(_BLOB_BY_HASH, db)
        self._size = qualify(_SIZE, db)

    def put(
        self, data: bytes | bytearray | memoryview | Readable, digest: bytes | None = None
    ) -> BlobRef:
        """Store a payload, given as bytes or as an open binary file, and return its name.

        A file is read to its end, a piece at a time. Content that is already there is not stored
        again. Must run in the transaction that writes the reference. `digest` is that of bytes,
        when the caller knows it.
        """
        if not isinstance(data, bytes):
            if not isinstance(data, bytearray | memoryview):
                return self._put_stream(data)
            data = bytes(data)
        digest = digest or digest_of(data)
        size = len(data)
        if size <= SINGLE_MAX:
            self._put_single(digest, data)
        elif self._connection.execute(self._find_blob, (digest,)).fetchone() is None:
            self._put_manifest(digest, size, list(self._put_chunks(self._codec.cut(data))))
        return BlobRef(digest.hex(), size)

    def get(self, hash: str) -> bytes:
        """Return a whole payload."""
        digest = _digest(hash)
        row = self._connection.execute(self._chunk_by_hash, (digest,)).fetchone()
        if row is not None:
            return self._codec.decode(*row)
        return b"".join(map(self._chunk, self._manifest(digest).chunk_ids))

    def open(self, hash: str) -> io.BufferedIOBase:
        """Return a seekable binary file over a payload that reads chunks as they are needed."""
        digest = _digest(hash)
        row = self._connection.execute(self._chunk_by_hash, (digest,)).fetchone()
        if row is not None:
            return io.BytesIO(self._codec.decode(*row))
        return io.BufferedReader(ChunkReader(self._manifest(digest), self._chunk))

    def read_range(self, hash: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer where the payload ends before."""
        if offset < 0 or length < 0:
            raise InvalidValueError(
                f"cannot read {length} bytes at {offset} of a blob", hint="neither may be negative"
            )
        with self.open(hash) as file:
            file.seek(offset)
            return file.read(length)

    def size(self, hash: str) -> int:
        """Return the length of a payload in bytes."""
        row = self._connection.execute(self._size, (_digest(hash),)).fetchone()
        if row is None:
            raise _missing(hash)
        return int(row[0])

    def has(self, hash: str) -> bool:
        """Tell whether a payload is stored."""
        return self._connection.execute(self._size, (_digest(hash),)).fetchone() is not None

    def _put_single(self, digest: bytes, data: bytes) -> None:
        if len(data) >= _LOOK_FIRST and self._chunk_id(digest) is not None:
            return
        self._connection.execute(self._offer_chunk, (digest, len(data), *self._codec.encode(data)))

    def _put_stream(self, source: Readable) -> BlobRef:
        if not callable(getattr(source, "read", None)):
            raise InvalidValueError(
                f"cannot store {type(source).__name__} as content",
                hint="give bytes or a file opened in binary mode",
            )
        head = _read_up_to(source, SINGLE_MAX + 1)
        if len(head) <= SINGLE_MAX:
            return self.put(head)
        whole = blake3()
        pieces = self._codec.cut_stream(_Rewound(head, source))
        layout = list(self._put_chunks(_hashed(pieces, whole)))
        digest = whole.digest()
        size = sum(size for size, _ in layout)
        self._put_manifest(digest, size, layout)
        return BlobRef(digest.hex(), size)

    def _put_chunks(self, pieces: Iterator[memoryview]) -> Iterator[tuple[int, int]]:
        """Store each piece that is new and yield its size and chunk id."""
        for piece in pieces:
            digest = digest_of(piece)
            chunk_id = self._chunk_id(digest)
            if chunk_id is None:
                size = len(piece)
                row = (digest, size, *self._codec.encode(piece))
                self._connection.execute(self._insert_chunk, row)
                chunk_id = self._connection.last_insert_rowid()
            yield len(piece), chunk_id

    def _put_manifest(self, digest: bytes, size: int, layout: list[tuple[int, int]]) -> None:
        if len(layout) > 1:  # else the only chunk has this very hash and is the payload
            flat = [number for pair in layout for number in pair]
            row = (digest, size, orjson.dumps(flat).decode())
            self._connection.execute(self._insert_blob, row)

    def _chunk_id(self, digest: bytes) -> int | None:
        row = self._connection.execute(self._find_chunk, (digest,)).fetchone()
        return None if row is None else int(row[0])

    def _chunk(self, chunk_id: int) -> bytes:
        row = self._connection.execute(self._chunk_by_id, (chunk_id,)).fetchone()
        if row is None:
            raise CorruptError(
                f"chunk {chunk_id} is not stored",
                hint="the content may have been collected since it was opened",
            )
        return self._codec.decode(*row)

    def _manifest(self, digest: bytes) -> Manifest:
        row = self._connection.execute(self._blob_by_hash, (digest,)).fetchone()
        if row is None:
            raise _missing(digest.hex())
        return Manifest.parse(*row)


class _Rewound:
    """A source whose first bytes were already taken."""

    __slots__ = ("_head", "_source")

    def __init__(self, head: bytes, source: Readable) -> None:
        self._head = head
        self._source = source

    def read(self, size: int, /) -> bytes:
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        return _read(self._source, size)


def _hashed(pieces: Iterator[memoryview], whole: blake3) -> Iterator[memoryview]:
    for piece in pieces:
        whole.update(piece)
        yield piece


def _read_up_to(source: Readable, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := _read(source, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _read(source: Readable, size: int) -> bytes:
    part = source.read(size)
    if not isinstance(part, bytes):
        raise InvalidValueError(
            f"a file gave {type(part).__name__} instead of bytes", hint="open it in binary mode"
        )
    if len(part) > size:
        raise InvalidValueError(
            f"a file gave {len(part)} bytes when asked for {size}",
            hint="read(size) returns at most that many bytes",
        )
    return part


def _digest(hash: str) -> bytes:
    try:
        digest = bytes.fromhex(hash)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise InvalidValueError(
            f"{hash!r} is no content hash", hint="a hash is 64 hexadecimal digits"
        )
    return digest


def _missing(hash: str) -> CorruptError:
    return CorruptError(f"content {hash} is not stored", details={"hash": hash})
