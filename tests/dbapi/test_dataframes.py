"""pandas and polars, over the engine and over the bare connection."""

from __future__ import annotations

import pytest

from tests.dbapi.conftest import register


@pytest.fixture
def engine():
    sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    from sqlalchemy.dialects import registry

    registry.register("lix", "lix_vtab.sqlalchemy", "LixDialect")
    made = sa.create_engine("lix://")
    with made.begin() as connection:
        register(connection.exec_driver_sql)
    yield made
    made.dispose()


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="pandas is not installed")


@pytest.fixture
def polars():
    return pytest.importorskip("polars", reason="polars is not installed")


def test_pandas_writes_and_reads_a_schema_s_table(engine, pandas):
    frame = pandas.DataFrame({"id": ["1", "2"], "title": ["a", "b"], "rank": [1.5, 2.5]})
    assert frame.to_sql("task", engine, if_exists="append", index=False) == 2
    found = pandas.read_sql("SELECT id, title, rank FROM task ORDER BY id", engine)
    pandas.testing.assert_frame_equal(found, frame, check_dtype=False)
    by_name = pandas.read_sql_table("task", engine, columns=["id", "title"])
    assert sorted(by_name["title"]) == ["a", "b"]


def test_pandas_makes_a_plain_table(engine, pandas):
    frame = pandas.DataFrame({"x": [1, 2, 3]})
    frame.to_sql("numbers", engine, index=False)
    frame.to_sql("numbers", engine, index=False, if_exists="replace")
    assert list(pandas.read_sql("SELECT x FROM numbers", engine)["x"]) == [1, 2, 3]


def test_what_pandas_cannot_write_leaves_nothing(engine, pandas):
    frame = pandas.DataFrame({"id": ["1", "2"], "title": ["a", None]})
    with pytest.raises(Exception, match="LIX_ERROR_SCHEMA_VALIDATION"):
        frame.to_sql("task", engine, if_exists="append", index=False)
    assert pandas.read_sql("SELECT * FROM task", engine).empty


@pytest.mark.filterwarnings("ignore:pandas only supports SQLAlchemy")
def test_pandas_on_a_bare_connection(connection, pandas):
    frame = pandas.DataFrame({"id": ["1"], "title": ["a"]})
    frame.to_sql("task", connection, if_exists="append", index=False)
    query = "SELECT id, title FROM task WHERE id = ?"
    assert pandas.read_sql(query, connection, params=("1",)).to_dict("records") == [
        {"id": "1", "title": "a"}
    ]


def test_polars_reads(connection, polars):
    connection.execute("INSERT INTO task (id, title, rank) VALUES ('1', 'a', 1.5), ('2', 'b', 2)")
    frame = polars.read_database("SELECT id, title, rank FROM task ORDER BY id", connection)
    assert frame.rows() == [("1", "a", 1.5), ("2", "b", 2.0)]


def test_polars_writes_and_reads_through_the_engine(engine, polars):
    pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    frame = polars.DataFrame({"id": ["1", "2"], "title": ["a", "b"]})
    frame.write_database("task", engine, if_table_exists="append")
    assert polars.read_database("SELECT id, title FROM task ORDER BY id", engine).equals(frame)
