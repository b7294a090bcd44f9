"""Rows 17-20 of the comparison: files with and without a plugin, one among many, one leaf."""

from __future__ import annotations

import json
from itertools import count

import pytest

import lix_vtab
from benchmarks.bench_growth import exponent, median
from benchmarks.floor import open_floor

LEAVES = 120
MANY = 10_000
INSERT = "INSERT INTO lix_file (id, path, data) VALUES (?, ?, ?)"


def nested(number: int, leaves: int = LEAVES) -> bytes:
    """Return a document of `leaves` scalars, half of them numbers."""
    values = {
        f"k_{leaf:04}": f"value_{number}_{leaf}" if (number + leaf) % 2 == 0 else number + leaf
        for leaf in range(leaves)
    }
    meta = {"id": number, "version": 1}
    return json.dumps({"meta": meta, "values": values}, separators=(",", ":")).encode()


def one_kilobyte(number: int) -> bytes:
    return (b"%08d " % number) * 114


@pytest.mark.parametrize("kind", ["no plugin", "not matching", "matching", "floor"])
def test_insert_a_json_file_of_120_leaves(benchmark, kind):
    """Row 17."""
    benchmark.group = "insert a JSON file of 120 leaves"
    numbers = count()
    if kind == "floor":
        connection, sql = floor(), "INSERT INTO file VALUES (?, ?, ?)"
    else:
        plugins = [] if kind == "no plugin" else None
        connection, sql = lix_vtab.open(plugins=plugins).connection, INSERT
    suffix = "bin" if kind == "not matching" else "json"

    def document():
        number = next(numbers)
        return ((sql, (f"f{number}", f"/bench/new-{number}.{suffix}", nested(number))), {})

    benchmark.pedantic(connection.execute, setup=document, rounds=200)


@pytest.mark.parametrize("leaves", [LEAVES, MANY])
@pytest.mark.parametrize("way", ["bytes", "entity"])
def test_update_one_leaf(benchmark, leaves, way):
    """Row 18. By bytes the file is parsed; by entity the leaf is put into its text."""
    benchmark.group = f"update one leaf of {leaves}"
    connection = lix_vtab.open().connection
    connection.execute(INSERT, ("f", "/f.json", nested(0, leaves)))
    numbers = count(1)

    def by_bytes():
        data = nested(0, leaves).replace(b'"version":1', b'"version":%d' % next(numbers))
        return (("UPDATE lix_file SET data = ? WHERE id = 'f'", (data,)), {})

    def by_entity():
        sql = "UPDATE json_pointer SET value = ? WHERE path = '/meta/version'"
        return ((sql, (next(numbers),)), {})

    setup = by_bytes if way == "bytes" else by_entity
    benchmark.pedantic(connection.execute, setup=setup, rounds=200 if leaves == LEAVES else 20)


@pytest.mark.parametrize("leaves", [LEAVES, MANY])
def test_add_one_leaf(benchmark, leaves):
    """Beside row 18: the whole file is compared, for members may have moved."""
    benchmark.group = f"add one leaf to {leaves}"
    connection = lix_vtab.open().connection
    connection.execute(INSERT, ("f", "/f.json", nested(0, leaves)))
    numbers = count(1)

    def longer():
        data = nested(0, leaves).replace(b'"version":1', b'"version":1,"n%d":1' % next(numbers))
        return (("UPDATE lix_file SET data = ? WHERE id = 'f'", (data,)), {})

    benchmark.pedantic(connection.execute, setup=longer, rounds=100 if leaves == LEAVES else 10)


@pytest.fixture(scope="module")
def many():
    """Return a lix with 10,000 files of 1 KB, and a plain table with the same."""
    lix, plain = lix_vtab.open(), floor()
    rows = [(f"f{n}", path_of(n), one_kilobyte(n)) for n in range(MANY)]
    with lix.transaction():
        lix.connection.executemany(INSERT, rows)
    plain.executemany("INSERT INTO file VALUES (?, ?, ?)", rows)
    yield lix.connection, plain
    lix.close()


def path_of(number: int) -> str:
    return f"/d{number % 100}/file-{number}.bin"


@pytest.mark.parametrize("side", ["lix", "floor"])
def test_read_one_file_by_path(benchmark, many, side):
    """Row 19, first half."""
    benchmark.group = "read one file by path among 10,000"
    connection = many[0] if side == "lix" else many[1]
    sql = f"SELECT data FROM {'lix_file' if side == 'lix' else 'file'} WHERE path = ?"
    numbers = count()

    def read():
        return connection.execute(sql, (path_of(next(numbers) % MANY),)).fetchall()

    assert benchmark(read)


@pytest.mark.parametrize("side", ["lix", "floor"])
@pytest.mark.parametrize("condition", ["", " WHERE path GLOB '/d5/*'"])
def test_list_paths(benchmark, many, side, condition):
    """Row 19, second half, and the same of one directory."""
    benchmark.group = f"list paths{condition}"
    connection = many[0] if side == "lix" else many[1]
    sql = f"SELECT path FROM {'lix_file' if side == 'lix' else 'file'}{condition}"
    found = benchmark(lambda: connection.execute(sql).fetchall())
    assert len(found) == (100 if condition else MANY)


@pytest.mark.parametrize("side", ["lix", "floor"])
def test_insert_one_file_among_many(benchmark, many, side):
    """Row 20. What is inserted is removed again, so the number of files stays."""
    benchmark.group = "insert one 1 KB file with 10,000 present"
    connection = many[0] if side == "lix" else many[1]
    table = "lix_file" if side == "lix" else "file"
    numbers = count(MANY)

    def fresh():
        connection.execute(f"DELETE FROM {table} WHERE path GLOB '/new/*'")
        number = next(numbers)
        row = (f"n{number}", f"/new/{number}.bin", one_kilobyte(number))
        return ((f"INSERT INTO {table}(id, path, data) VALUES (?, ?, ?)", row), {})

    benchmark.pedantic(connection.execute, setup=fresh, rounds=200)
    connection.execute(f"DELETE FROM {table} WHERE path GLOB '/new/*'")


def test_insert_many_files(benchmark):
    """10,000 files in one transaction; divide by 10,000."""
    benchmark.group = "insert 10,000 files, one transaction"
    rows = [(f"f{n}", path_of(n), one_kilobyte(n)) for n in range(MANY)]

    def insert(lix):
        with lix.transaction():
            lix.connection.executemany(INSERT, rows)

    benchmark.pedantic(insert, setup=lambda: ((lix_vtab.open(),), {}), rounds=3)


# -- laws of growth: these fail when they are broken


def test_inserting_is_linear_in_leaves():
    lix, numbers = lix_vtab.open(), count()
    sizes = [10, 30, 120, 480]
    times = []
    for size in sizes:

        def insert(size=size):
            number = next(numbers)
            lix.connection.execute(INSERT, (f"f{number}", f"/{number}.json", nested(number, size)))

        times.append(median(insert, 40))
    assert exponent(sizes, times) <= 1.1


def test_inserting_does_not_depend_on_how_many_files_there_are():
    sizes = [100, 1_000, 10_000]
    times = []
    for size in sizes:
        lix = lix_vtab.open()
        with lix.transaction():
            for number in range(size):
                lix.connection.execute(INSERT, (f"f{number}", path_of(number), b"x"))
        numbers = count(size)

        def insert(lix=lix, numbers=numbers):
            number = next(numbers)
            lix.connection.execute(INSERT, (f"f{number}", path_of(number), b"x"))

        times.append(median(insert, 100))
        lix.close()
    assert exponent(sizes, times) <= 0.15


def test_moving_a_directory_does_not_depend_on_what_it_holds():
    sizes = [10, 1_000, 5_000]
    times = []
    for size in sizes:
        lix = lix_vtab.open()
        with lix.transaction():
            for number in range(size):
                lix.connection.execute(INSERT, (f"f{number}", f"/a/b/{number}.bin", b"x"))
        names = count()

        def move(lix=lix, names=names):
            lix.connection.execute(
                f"UPDATE lix_directory SET name = 'n{next(names)}' WHERE parent_id IS NULL"
            )

        times.append(median(move, 60))
        lix.close()
    assert exponent(sizes, times) <= 0.15


def floor():
    connection = open_floor()
    connection.execute("CREATE TABLE file (id TEXT PRIMARY KEY, path TEXT UNIQUE, data BLOB)")
    return connection
