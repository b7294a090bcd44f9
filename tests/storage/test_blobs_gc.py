"""Collection takes what nothing refers to, and nothing else."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.storage import blob_gc
from lix_vtab.storage.blob_check import check_blobs
from lix_vtab.storage.blob_gc import Collected, delete_unreferenced
from lix_vtab.storage.blobs import Blobs
from tests.storage.content import count, create, noise, prose


@pytest.fixture
def connection() -> apsw.Connection:
    return apsw.Connection(":memory:")


@pytest.fixture
def blobs(connection: apsw.Connection) -> Blobs:
    return create(connection)


def test_nothing_stored_nothing_collected(connection: apsw.Connection, blobs: Blobs) -> None:
    assert delete_unreferenced(connection, []) == Collected(0, 0, 0)


def test_unreferenced_content_goes(connection: apsw.Connection, blobs: Blobs) -> None:
    keep = [blobs.put(prose(500)).hash, blobs.put(noise(200_000)).hash]
    before = count(connection, "chunk")
    drop = [blobs.put(noise(1000, 5)).hash, blobs.put(noise(100_000, 6)).hash]
    added = count(connection, "chunk") - before
    assert delete_unreferenced(connection, keep) == Collected(1, added, 101_000)
    assert [blobs.has(hash) for hash in keep + drop] == [True, True, False, False]
    assert blobs.get(keep[1]) == noise(200_000)
    assert count(connection, "chunk") == before


def test_chunks_shared_with_live_content_stay(connection: apsw.Connection, blobs: Blobs) -> None:
    data = noise(300_000)
    old = blobs.put(data).hash
    new = blobs.put(data[:150_000] + b"!" + data[150_000:]).hash
    delete_unreferenced(connection, [new])
    assert not blobs.has(old)
    assert blobs.get(new) == data[:150_000] + b"!" + data[150_000:]
    assert list(check_blobs(connection)) == []


def test_a_live_payload_that_is_a_chunk_of_a_dead_one_stays(
    connection: apsw.Connection, blobs: Blobs
) -> None:
    whole = blobs.put(noise(300_000)).hash
    piece = connection.execute("SELECT hash FROM lix_internal_chunk WHERE id = 3").get.hex()
    delete_unreferenced(connection, [piece])
    assert not blobs.has(whole)
    assert blobs.has(piece)
    assert count(connection, "chunk") == 1


@pytest.mark.parametrize("column", ["hash", "upper(hash) AS hash", "unhex(hash) AS hash"])
def test_what_is_live_may_be_a_query(
    connection: apsw.Connection, blobs: Blobs, column: str
) -> None:
    small, large = blobs.put(b"small").hash, blobs.put(noise(100_000)).hash
    blobs.put(b"dead")
    connection.execute("CREATE TABLE ref(hash)")
    connection.executemany("INSERT INTO ref VALUES (?)", [(small,), (large,), (None,), (small,)])
    assert delete_unreferenced(connection, f"SELECT {column} FROM ref").chunks == 1
    assert blobs.has(small)
    assert blobs.get(large) == noise(100_000)


def test_a_second_collection_starts_anew(connection: apsw.Connection, blobs: Blobs) -> None:
    hash = blobs.put(noise(100_000)).hash
    assert delete_unreferenced(connection, [hash]).blobs == 0
    assert delete_unreferenced(connection, []).blobs == 1
    assert count(connection, "chunk") == count(connection, "blob") == 0


def test_progress_reaches_the_end(
    connection: apsw.Connection, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_gc, "_BATCH", 4)
    for number in range(10):
        blobs.put(b"%d" % number)
    seen: list[tuple[int, int]] = []
    live = [blobs.put(b"7").hash]
    delete_unreferenced(connection, live, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert blobs.has(live[0])


def test_ids_are_never_given_out_twice(connection: apsw.Connection, blobs: Blobs) -> None:
    blobs.put(b"first")
    delete_unreferenced(connection, [])
    blobs.put(b"second")
    assert connection.execute("SELECT id FROM lix_internal_chunk").get == 2


def test_an_error_takes_nothing(connection: apsw.Connection, blobs: Blobs) -> None:
    hash = blobs.put(noise(100_000)).hash

    def fail(done: int, of: int) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        delete_unreferenced(connection, [], progress=fail)
    assert not connection.in_transaction
    assert blobs.get(hash) == noise(100_000)


def test_inside_a_transaction_it_can_be_rolled_back(
    connection: apsw.Connection, blobs: Blobs
) -> None:
    hash = blobs.put(b"content").hash
    connection.execute("BEGIN")
    assert delete_unreferenced(connection, []).chunks == 1
    connection.execute("ROLLBACK")
    assert blobs.get(hash) == b"content"


def test_works_while_a_statement_reads(connection: apsw.Connection, blobs: Blobs) -> None:
    blobs.put(b"dead")
    connection.create_scalar_function(
        "collect", lambda: delete_unreferenced(connection, []).chunks, 0
    )
    assert connection.execute("SELECT collect() UNION ALL SELECT 5").fetchall() == [(1,), (5,)]


def test_each_database_is_collected_alone(connection: apsw.Connection, blobs: Blobs) -> None:
    connection.execute("ATTACH ':memory:' AS other")
    other = create(connection, "other")
    hash = blobs.put(noise(100_000)).hash
    other.put(noise(100_000))
    assert delete_unreferenced(connection, [], db="other").blobs == 1
    assert not other.has(hash)
    assert blobs.get(hash) == noise(100_000)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[apsw.Connection, apsw.Connection]:
    path = str(tmp_path / "content.db")
    first, second = apsw.Connection(path), apsw.Connection(path)
    first.pragma("journal_mode", "wal")
    create(first)
    first.execute("CREATE TABLE ref(hash TEXT)")
    return first, second


def test_a_writer_and_a_collector_exclude_each_other(
    pair: tuple[apsw.Connection, apsw.Connection],
) -> None:
    writer, collector = pair
    content = Blobs(writer)
    writer.execute("BEGIN")
    hash = content.put(noise(100_000)).hash
    with pytest.raises(apsw.BusyError):
        delete_unreferenced(collector, "SELECT hash FROM ref")
    writer.execute("INSERT INTO ref VALUES (?)", (hash,))
    writer.execute("COMMIT")
    assert delete_unreferenced(collector, "SELECT hash FROM ref") == Collected(0, 0, 0)
    assert content.get(hash) == noise(100_000)


def test_a_writer_that_found_content_before_it_was_collected_is_refused(
    pair: tuple[apsw.Connection, apsw.Connection],
) -> None:
    writer, collector = pair
    content = Blobs(writer)
    content.put(noise(100_000))
    writer.execute("BEGIN")
    hash = content.put(noise(100_000)).hash  # already there: nothing is written, nothing locked
    assert delete_unreferenced(collector, "SELECT hash FROM ref").blobs == 1
    with pytest.raises(apsw.BusyError):
        writer.execute("INSERT INTO ref VALUES (?)", (hash,))
    writer.execute("ROLLBACK")


def test_a_collector_that_reads_an_old_state_is_refused(
    pair: tuple[apsw.Connection, apsw.Connection],
) -> None:
    writer, collector = pair
    collector.execute("BEGIN")
    collector.execute("SELECT * FROM ref").fetchall()
    writer.execute("BEGIN")
    hash = Blobs(writer).put(noise(100_000)).hash
    writer.execute("INSERT INTO ref VALUES (?)", (hash,))
    writer.execute("COMMIT")
    with pytest.raises(apsw.BusyError):
        delete_unreferenced(collector, "SELECT hash FROM ref")
    collector.execute("ROLLBACK")
    assert Blobs(writer).has(hash)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60_000), st.booleans()), max_size=12))
def test_live_content_survives_and_nothing_else(
    payloads: list[tuple[int, int, bool]],
) -> None:
    connection = apsw.Connection(":memory:")
    blobs = create(connection)
    stored = {blobs.put(noise(size, seed)).hash: (seed, size) for seed, size, _ in payloads}
    live = {blobs.put(noise(size, seed)).hash for seed, size, keep in payloads if keep}
    delete_unreferenced(connection, live)
    assert list(check_blobs(connection)) == []
    for hash in live:
        seed, size = stored[hash]
        assert blobs.get(hash) == noise(size, seed)
    expected = apsw.Connection(":memory:")
    fresh = create(expected)
    for hash in live:
        seed, size = stored[hash]
        fresh.put(noise(size, seed))
    for table in ("chunk", "blob"):
        assert count(connection, table) == count(expected, table)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("UPDATE lix_internal_chunk SET data = x'00' || substr(data, 2) WHERE id = 2", "hash"),
        ("UPDATE lix_internal_chunk SET data = substr(data, 2) WHERE id = 2", "its row says"),
        ("UPDATE lix_internal_chunk SET codec = 9 WHERE id = 2", "unknown codec"),
        ("UPDATE lix_internal_chunk SET codec = 1 WHERE id = 2", "decompressed"),
        ("DELETE FROM lix_internal_chunk WHERE id = 2", "chunk 2 is missing"),
        ("UPDATE lix_internal_blob SET size = size + 1", "add up"),
        ("UPDATE lix_internal_blob SET hash = zeroblob(32)", "blob 1 does not have the hash"),
    ],
)
def test_damage_is_found(
    connection: apsw.Connection, blobs: Blobs, damage: str, complaint: str
) -> None:
    blobs.put(noise(100_000))
    assert list(check_blobs(connection)) == []
    connection.execute(damage)
    problems = list(check_blobs(connection))
    assert problems
    assert any(complaint in problem for problem in problems)
