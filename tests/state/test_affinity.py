"""Values of another type than the column they are compared with count as SQLite would count them."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab.surfaces.affinity import affine
from tests.state.session import one_property

TEXTS = (
    "1", "-1", " 1", "1 ", "\t1\n", "+1", "01", "1.0", ".5", "5.", "1e3", "1E+3", "-.5e1", "1e400",
    "9223372036854775807", "9223372036854775808", "99999999999999999999", "-9223372036854775808",
    "", " ", "1_000", "inf", "nan", "Infinity", "0x10", "1e", "--1", "1 2", "\u0661", "\xa01", "x",
)  # fmt: skip
NUMBERS = (
    0, 7, -(2**63), 2**63 - 1, 0.0, -0.0, 1.0, -2.5, 0.1, 1e-4, 1e-5, 1e15, 1e16, 1e17, 1e20, 1e100,
    123456789012345.6, float("inf"), float("-inf"),
)  # fmt: skip


def stored(declared, value):
    """Return what a column declared so makes of a value."""
    with apsw.Connection(":memory:") as connection:
        connection.execute(f"CREATE TABLE t(x {declared})")
        connection.execute("INSERT INTO t VALUES (?)", (value,))
        return connection.execute("SELECT x FROM t").get


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("declared", ["INTEGER", "NUMERIC"])
def test_texts_become_numbers_as_in_sqlite(declared, text):
    found, expected = affine(text, declared), stored(declared, text)
    assert found == expected
    assert isinstance(found, str) == isinstance(expected, str)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_become_texts_as_in_sqlite(number):
    assert affine(number, "TEXT") == stored("TEXT", number)


@pytest.fixture(scope="module")
def numbered():
    """A version, a file, a plugin, a schema version and an entity whose names are numbers."""
    with lix_vtab.open() as lix:
        lix.register_schema(one_property("numbered"))
        lix.create_version("seven", id="7")
        lix.execute(
            "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content)"
            " VALUES ('7', 'numbered', '7', '7', '7', '1', '{\"value\":\"x\"}')"
        )
        yield lix


@pytest.mark.parametrize("column", ["version_id", "file_id", "plugin_key", "entity_id"])
@pytest.mark.parametrize(
    "condition", ["= 7", "IS 7", "IN (7, 8)", "IN (1e400, 7)", "BETWEEN 7 AND '8'"]
)
def test_numbers_find_names(numbered, column, condition):
    sql = f"SELECT {column} FROM lix_state_by_version WHERE schema_key = 'numbered' AND {{}}"
    found = numbered.execute(sql.format(f"{column} {condition}")).rows
    assert found == [("7",)]
    assert numbered.execute(sql.format(f"+{column} {condition}").replace("7", "'7'")).rows == found


@pytest.mark.parametrize(
    "table", ["lix_state", "lix_version", "lix_commit", "lix_change", "lix_change_author"]
)
def test_what_no_text_equals_is_an_answer_too(numbered, table):
    column = numbered.execute(f"SELECT name FROM pragma_table_info('{table}')").rows[0][0]
    for condition in ("= 1e400", "= -1e400", "IN (1e400)", "BETWEEN 1e400 AND NULL"):
        sql = f"SELECT count(*) FROM {table} WHERE {column} {condition}"
        assert numbered.execute(sql).rows == [(0,)]


@pytest.mark.parametrize("text", ["1_0", "99999999999999999999", "inf", "\u0661"])
def test_what_is_no_number_is_an_answer_too(numbered, text):
    sql = "SELECT count(*) FROM lix_state_by_version WHERE untracked {} ?"
    assert numbered.execute(sql.format("="), (text,)).rows == [(0,)]
    all_rows = numbered.execute("SELECT count(*) FROM lix_state_by_version").rows
    assert numbered.execute(sql.format("<"), (text,)).rows == all_rows
