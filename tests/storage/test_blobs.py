"""The content store: what goes in comes out, once."""

from __future__ import annotations

import io
from collections.abc import Callable

import apsw
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import CorruptError, InvalidValueError
from lix_vtab.storage.blob_codec import RAW, SINGLE_MAX, ZSTD
from lix_vtab.storage.blobs import BlobRef, Blobs
from tests.storage.content import count, create, noise, prose

EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


@pytest.fixture
def connection() -> apsw.Connection:
    return apsw.Connection(":memory:")


@pytest.fixture
def blobs(connection: apsw.Connection) -> Blobs:
    return create(connection)


class Trickle:
    """A file that gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self.file.read(min(size, 1000))


@pytest.mark.parametrize("make", [noise, prose])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 4096, SINGLE_MAX, SINGLE_MAX + 1, 300_000])
def test_what_is_put_can_be_got(blobs: Blobs, make: Callable[[int], bytes], size: int) -> None:
    data = make(size)
    ref = blobs.put(data)
    assert ref == BlobRef(blake3(data).hexdigest(), size)
    assert blobs.get(ref.hash) == data
    assert blobs.size(ref.hash) == size
    assert blobs.has(ref.hash)
    with blobs.open(ref.hash) as file:
        assert file.read() == data


def test_empty_content_has_the_hash_of_nothing(blobs: Blobs) -> None:
    assert blobs.put(b"") == BlobRef(EMPTY, 0)
    assert blobs.get(EMPTY) == b""
    assert blobs.open(EMPTY).read() == b""


def test_views_and_byte_arrays_are_bytes(blobs: Blobs) -> None:
    data = noise(100)
    ref = blobs.put(data)
    assert blobs.put(bytearray(data)) == ref
    assert blobs.put(memoryview(b"x" + data)[1:]) == ref


@pytest.mark.parametrize("size", [0, 100, SINGLE_MAX, SINGLE_MAX + 1, 500_000])
def test_a_file_is_stored_as_its_bytes_would_be(connection: apsw.Connection, size: int) -> None:
    blobs = create(connection)
    data = prose(size)
    ref = blobs.put(Trickle(data))
    before = count(connection, "chunk"), count(connection, "blob")
    assert blobs.put(data) == ref
    assert (count(connection, "chunk"), count(connection, "blob")) == before
    assert blobs.get(ref.hash) == data


def test_equal_content_is_stored_once(connection: apsw.Connection, blobs: Blobs) -> None:
    small, large = prose(1000), noise(200_000)
    for _ in range(2):
        blobs.put(small)
        blobs.put(large)
        blobs.put(io.BytesIO(large))
        rows = count(connection, "chunk"), count(connection, "blob")
    assert rows[1] == 1
    before = connection.total_changes()
    blobs.put(small)
    blobs.put(large)
    blobs.put(io.BytesIO(large))
    assert connection.total_changes() == before


def test_an_edit_in_the_middle_stores_only_what_is_around_it(
    connection: apsw.Connection, blobs: Blobs
) -> None:
    data = noise(2_000_000)
    blobs.put(data)
    first = count(connection, "chunk")
    edited = data[:1_000_000] + b"inserted" + data[1_000_010:]
    ref = blobs.put(edited)
    assert first > 50
    assert 1 <= count(connection, "chunk") - first <= 3
    assert blobs.get(ref.hash) == edited


def test_a_chunk_of_a_large_payload_is_a_payload_of_its_own(
    connection: apsw.Connection, blobs: Blobs
) -> None:
    data = noise(300_000)
    blobs.put(data)
    chunk_id, digest, size = connection.execute(
        "SELECT id, hash, size FROM lix_internal_chunk ORDER BY id LIMIT 1 OFFSET 2"
    ).fetchone()
    before = count(connection, "chunk")
    piece = blobs.get(digest.hex())
    assert len(piece) == size
    assert blobs.put(piece).hash == digest.hex()
    assert count(connection, "chunk") == before
    assert chunk_id == 3


def test_only_what_shrinks_is_compressed(connection: apsw.Connection, blobs: Blobs) -> None:
    def codec(data: bytes) -> tuple[int, int]:
        digest = bytes.fromhex(blobs.put(data).hash)
        return connection.execute(
            "SELECT codec, length(data) FROM lix_internal_chunk WHERE hash = ?", (digest,)
        ).fetchone()

    assert codec(b"a" * 100) == (RAW, 100)
    assert codec(noise(5000)) == (RAW, 5000)
    kind, stored = codec(prose(5000))
    assert kind == ZSTD
    assert stored < 2500


def test_300_000_zero_bytes_take_little(connection: apsw.Connection, blobs: Blobs) -> None:
    data = bytes(300_000)
    ref = blobs.put(data)
    assert blobs.get(ref.hash) == data
    assert connection.execute("SELECT sum(length(data)) FROM lix_internal_chunk").get < 1000


def test_a_small_payload_takes_one_statement(connection: apsw.Connection, blobs: Blobs) -> None:
    seen: list[str] = []
    connection.exec_trace = lambda cursor, sql, bindings: seen.append(sql) or True
    blobs.put(noise(1024))
    assert len(seen) == 1


def test_lookups_use_indexes(connection: apsw.Connection, blobs: Blobs) -> None:
    seen: list[str] = []
    connection.exec_trace = lambda cursor, sql, bindings: seen.append(sql) or True
    ref = blobs.put(noise(100_000))
    blobs.get(ref.hash)
    blobs.size(ref.hash)
    connection.exec_trace = None
    for sql in set(seen):
        bindings = (None,) * (1 if "?1" in sql else sql.count("?"))
        plan = connection.execute("EXPLAIN QUERY PLAN " + sql, bindings).fetchall()
        assert not [row for row in plan if "SCAN" in row[3] and "CONSTANT" not in row[3]], sql


@pytest.mark.parametrize("hash", ["", "zz", "abc", "ab" * 31, "ab" * 33, "é" * 64])
def test_what_is_no_hash_is_refused(blobs: Blobs, hash: str) -> None:
    with pytest.raises(InvalidValueError, match="no content hash"):
        blobs.get(hash)


def test_missing_content_is_named(blobs: Blobs) -> None:
    for read in (blobs.get, blobs.open, blobs.size):
        with pytest.raises(CorruptError, match=f"content {EMPTY} is not stored") as caught:
            read(EMPTY)
        assert caught.value.details == {"hash": EMPTY}
    assert not blobs.has(EMPTY)


@pytest.mark.parametrize("source", ["text", 5, None, io.StringIO("text"), io.StringIO("t" * 99999)])
def test_what_gives_no_bytes_is_refused(
    connection: apsw.Connection, blobs: Blobs, source: object
) -> None:
    with pytest.raises(InvalidValueError, match=r"binary mode"):
        blobs.put(source)  # type: ignore[arg-type]
    assert count(connection, "blob") == 0


def test_a_source_that_gives_more_than_asked_is_refused(blobs: Blobs) -> None:
    class Generous:
        def read(self, size: int, /) -> bytes:
            return b"x" * (size + 1)

    with pytest.raises(InvalidValueError, match="bytes when asked for"):
        blobs.put(Generous())


def test_a_file_that_breaks_leaves_no_payload(connection: apsw.Connection, blobs: Blobs) -> None:
    class Breaking(Trickle):
        def read(self, size: int, /) -> bytes:
            if self.file.tell() > 200_000:
                raise OSError("gone")
            return super().read(size)

    with pytest.raises(OSError, match="gone"):
        blobs.put(Breaking(noise(400_000)))
    assert count(connection, "blob") == 0


def test_each_attached_database_has_its_own_content(connection: apsw.Connection) -> None:
    main = create(connection)
    connection.execute("ATTACH ':memory:' AS other")
    other = create(connection, "other")
    ref = other.put(noise(100_000))
    assert not main.has(ref.hash)
    assert other.get(ref.hash) == noise(100_000)


def test_content_of_a_rolled_back_transaction_is_gone(
    connection: apsw.Connection, blobs: Blobs
) -> None:
    connection.execute("BEGIN")
    small, large = blobs.put(b"small"), blobs.put(noise(100_000))
    connection.execute("ROLLBACK")
    assert not blobs.has(small.hash)
    assert not blobs.has(large.hash)
    assert blobs.put(b"small") == small
    assert blobs.get(small.hash) == b"small"


@pytest.mark.parametrize("size", [1000, 100_000])
def test_read_range(blobs: Blobs, size: int) -> None:
    data = noise(size)
    hash = blobs.put(data).hash
    assert blobs.read_range(hash, 0, 10) == data[:10]
    assert blobs.read_range(hash, size - 500, 400) == data[-500:-100]
    assert blobs.read_range(hash, 100, size) == data[100:]
    assert blobs.read_range(hash, size, 5) == b""
    assert blobs.read_range(hash, size + 5, 5) == b""
    assert blobs.read_range(hash, 0, 0) == b""
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(InvalidValueError, match="negative"):
            blobs.read_range(hash, offset, length)


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 200_000)), min_size=1, max_size=6),
    st.binary(max_size=300),
)
def test_any_mixture_of_passages_comes_back(passages: list[tuple[int, int]], tail: bytes) -> None:
    blobs = create(apsw.Connection(":memory:"))
    payloads = [noise(size, seed) for seed, size in passages]
    payloads.append(b"".join(payloads) + tail)
    refs = [blobs.put(Trickle(data) if index % 2 else data) for index, data in enumerate(payloads)]
    assert [blobs.get(ref.hash) for ref in refs] == payloads
    assert [ref.size for ref in refs] == [len(data) for data in payloads]
