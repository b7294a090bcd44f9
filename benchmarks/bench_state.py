"""State rows 1-13 of the comparison: writing, reading, branching; each beside its floor."""

from __future__ import annotations

import pytest

from benchmarks.floor import four_tables, plain, write_four
from benchmarks.rows import COLUMNS, INSERT, VALUES, Rows, filled, open_lix, row

PLACES = ["memory", "file"]


@pytest.fixture(params=PLACES)
def path(request, tmp_path):
    return ":memory:" if request.param == "memory" else str(tmp_path / "bench.db")


@pytest.mark.parametrize("number", [1, 10, 100])
@pytest.mark.parametrize("side", ["lix", "floor"])
def test_insert_rows_in_one_statement(benchmark, path, side, number):
    """Rows 1-3: autocommit, so each round is one commit."""
    rows = Rows()
    benchmark.group = f"insert {number} rows, one commit"
    if side == "floor":
        connection, seq = four_tables(path), iter(range(1, 10**9))
        benchmark.pedantic(
            lambda batch: write_four(connection, batch, next(seq)),
            setup=lambda: ((rows.take(number),), {}),
            rounds=300,
        )
        return
    connection = open_lix(path).connection
    sql = f"INSERT INTO lix_state ({COLUMNS}) VALUES {', '.join([VALUES] * number)}"
    benchmark.pedantic(
        lambda values: connection.execute(sql, values),
        setup=lambda: (([v for pair in rows.take(number) for v in pair],), {}),
        rounds=300,
    )


@pytest.mark.parametrize("side", ["lix", "floor"])
def test_bulk_insert(benchmark, side):
    """Row 4: 10,000 rows in one transaction; divide by 10,000."""
    benchmark.group = "insert 10,000 rows, one transaction"
    rows = Rows()
    if side == "floor":
        connection = plain()
        sql = "INSERT INTO state VALUES ('bench_row', ?, 'lix', ?)"
    else:
        connection, sql = open_lix().connection, INSERT

    def insert(batch):
        connection.execute("BEGIN")
        connection.executemany(sql, batch)
        connection.execute("COMMIT")

    benchmark.pedantic(insert, setup=lambda: ((rows.take(10_000),), {}), rounds=5)


@pytest.fixture(scope="module")
def ten_thousand():
    lix, rows = filled(10_000)
    return lix.connection, rows


@pytest.fixture(scope="module")
def floor_rows():
    connection = plain()
    connection.executemany(
        "INSERT INTO state VALUES ('bench_row', ?, 'lix', ?)", (row(n) for n in range(10_000))
    )
    return connection


KEY = "schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
QUERIES = {
    "point look-up by key": f"SELECT snapshot FROM state WHERE {KEY}",
    "count 10,000 rows": "SELECT count(*) FROM state WHERE schema_key = 'bench_row'",
    "scan 10,000 rows, all columns": "SELECT * FROM state WHERE schema_key = 'bench_row'",
    "filter on a JSON property": "SELECT count(*) FROM state WHERE schema_key = 'bench_row' "
    "AND snapshot ->> 'name' = 'none'",
}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("side", ["lix", "floor"])
def test_read(benchmark, name, side, ten_thousand, floor_rows):
    """Rows 6, 8 and 9."""
    benchmark.group = name
    sql = QUERIES[name]
    connection = floor_rows
    if side == "lix":
        connection = ten_thousand[0]
        sql = sql.replace("FROM state", "FROM lix_state").replace("snapshot ", "snapshot_content ")
    params = ("row-00005000",) if "?" in sql else ()
    benchmark(lambda: connection.execute(sql, params).fetchall())


def test_filter_through_the_entity_table(benchmark, ten_thousand):
    """Row 9: the property is compared inside the inner query."""
    benchmark.group = "filter on a JSON property"
    connection = ten_thousand[0]
    benchmark(lambda: connection.execute("SELECT count(*) FROM bench_row WHERE name = 'none'").get)


@pytest.mark.parametrize("verb", ["update", "delete"])
@pytest.mark.parametrize("side", ["lix", "floor"])
def test_change_one_row(benchmark, verb, side, path):
    """Row 5: by key, autocommit."""
    benchmark.group = f"{verb} one row by key"
    if side == "lix":
        connection = filled(10_000, path)[0].connection
        table, column = "lix_state", "snapshot_content"
    else:
        connection, table, column = plain(path), "state", "snapshot"
        connection.executemany(
            "INSERT INTO state VALUES ('bench_row', ?, 'lix', ?)", (row(n) for n in range(10_000))
        )
    numbers = iter(range(10_000))
    if verb == "update":
        sql = f"UPDATE {table} SET {column} = ? WHERE {KEY}"

        def arguments():
            id, snapshot = row(next(numbers))
            return (snapshot.replace("fox", "cat"), id)

    else:
        sql = f"DELETE FROM {table} WHERE {KEY}"

        def arguments():
            return (row(next(numbers))[0],)

    benchmark.pedantic(
        lambda values: connection.execute(sql, values),
        setup=lambda: ((arguments(),), {}),
        rounds=300,
    )


def test_create_version(benchmark, path):
    """Row 10."""
    benchmark.group = "create a version of 10,000 rows"
    connection = filled(10_000, path)[0].connection
    benchmark.pedantic(
        lambda: connection.execute("INSERT INTO lix_version (name) VALUES ('branch')"), rounds=200
    )


def test_write_in_a_child_and_read_it(benchmark, path):
    """Row 11."""
    benchmark.group = "write one row in a child and read it"
    lix, rows = filled(10_000, path)
    lix.create_version("child")
    lix.switch_version("child")
    connection = lix.connection

    def write(pair):
        connection.execute(INSERT, pair)
        return connection.execute(
            f"SELECT snapshot_content FROM lix_state WHERE {KEY}", pair[:1]
        ).fetchall()

    benchmark.pedantic(write, setup=lambda: ((rows.take(1)[0],), {}), rounds=300)


@pytest.mark.parametrize("relation", ["branched", "inherited"])
@pytest.mark.parametrize("query", ["point look-up by key", "count 10,000 rows"])
def test_read_what_is_not_own(benchmark, relation, query):
    """Row 12."""
    benchmark.group = f"{query}, {relation}"
    lix, _ = filled(10_000)
    source = lix.active_version
    if relation == "branched":
        child = lix.create_version("child")
    else:
        child = lix.create_version("child", source="global", inherits_from=source)
    lix.switch_version(child)
    sql = QUERIES[query].replace("FROM state", "FROM lix_state")
    sql = sql.replace("snapshot ", "snapshot_content ")
    params = ("row-00005000",) if "?" in sql else ()
    assert lix.connection.execute(sql, params).fetchall()
    benchmark(lambda: lix.connection.execute(sql, params).fetchall())


def test_open_and_read_one_row(benchmark, tmp_path):
    """Row 21: imports excluded."""
    import lix_vtab

    benchmark.group = "open 10,000 rows and read one"
    path = str(tmp_path / "app.lix")
    filled(10_000, path)[0].close()

    def visit():
        with lix_vtab.open(path) as lix:
            sql = f"SELECT snapshot_content FROM lix_state WHERE {KEY}"
            return lix.execute(sql, ("row-00000007",))

    benchmark.pedantic(visit, rounds=50)
