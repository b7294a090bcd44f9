"""Every exception of SQLite finds its place in both trees of errors, with a hint if one helps."""

from __future__ import annotations

import apsw
import pytest

from lix_vtab import errors
from lix_vtab.execution.catalogue import Catalogue, Table
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.hints import nearest
from lix_vtab.execution.translate import translate

CATALOGUE = Catalogue.of(
    1,
    [
        Table("lix_file", "file", ("id", "path", "data"), hidden=("lixcol_version_id",)),
        Table("lix_state", "state", ("entity_id", "schema_key", "snapshot_content")),
    ],
)
COLUMN = errors.ColumnNotFound
APSW_ERRORS = sorted(
    (
        kind
        for kind in vars(apsw).values()
        if isinstance(kind, type) and issubclass(kind, apsw.Error)
    ),
    key=lambda kind: kind.__name__,
)


@pytest.fixture
def executor():
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE lix_file(id, path, data); CREATE TABLE lix_state(entity_id)")
    db.execute("CREATE TABLE t(a UNIQUE, b NOT NULL, c CHECK (c > 0), id INTEGER PRIMARY KEY)")
    return Executor(db, lambda: CATALOGUE)


@pytest.mark.parametrize("kind", APSW_ERRORS)
def test_every_class_of_apsw_has_a_leaf(kind):
    found = translate(kind("some words"), CATALOGUE)
    assert isinstance(found, errors.LixError)
    assert isinstance(found, kind)
    assert "some words" in found.message
    assert found.code.startswith("LIX_")


def test_errors_of_the_tree_stay_the_same_object():
    error = errors.UniqueError("taken")
    assert translate(error, CATALOGUE) is error


@pytest.mark.parametrize(
    ("sql", "kind", "message", "hint"),
    [
        ("SELECT * FROM lix_flie", errors.TableNotFound, "no such table: lix_flie", "lix_file?"),
        ("SELECT * FROM main.LIX_STAT", errors.TableNotFound, "no such table", "lix_state?"),
        ("SELECT * FROM xyzzy", errors.TableNotFound, "no such table: xyzzy", None),
        ("DROP TABLE lix_fil", errors.TableNotFound, "no such table", "lix_file?"),
        ("SELECT pth FROM lix_file", COLUMN, "no such column: pth", "lix_file.path?"),
        ("SELECT f.dta FROM lix_file f", COLUMN, "f.dta", "lix_file.data?"),
        ("SELECT zzz FROM lix_file", COLUMN, "zzz", "lix_file: id, path, data"),
        ("INSERT INTO lix_file (pathh) VALUES (1)", COLUMN, "pathh", "lix_file.path?"),
        ("UPDATE lix_file SET idd = 1", COLUMN, "idd", "lix_file.id?"),
        ("SELECT nope FROM t", COLUMN, "no such column: nope", None),
        ("SELEC 1", errors.ParseError, "sql parser error", None),
        ("SELECT", errors.ParseError, "sql parser error: incomplete input", None),
        ("SELECT 'a", errors.ParseError, "sql parser error: unrecognized token", None),
        ("SELECT 1 FROM", errors.ParseError, "sql parser error", None),
        ("", errors.ParseError, "sql planner produced an execution plan without statements", None),
        ("COMMIT", errors.TransactionStateError, "no transaction is active", None),
        ("ROLLBACK TO x", errors.TransactionStateError, "no such savepoint", None),
        ("SELECT nofunction()", errors.SqlError, "no such function", None),
        ("INSERT INTO t(a, b) VALUES (1, 1), (1, 2)", errors.UniqueError, "t.a", None),
        ("INSERT INTO t(id, b) VALUES (1, 1), (1, 2)", errors.UniqueError, "t.id", None),
        ("INSERT INTO t(a) VALUES (1)", errors.ConstraintViolation, "NOT NULL", None),
        ("INSERT INTO t(b, c) VALUES (1, -1)", errors.ConstraintViolation, "CHECK", None),
        ("INSERT INTO t(id, b) VALUES ('x', 1)", errors.InvalidValueError, "mismatch", None),
        ("SELECT zeroblob(2000000000)", errors.TooBigError, "too big", None),
    ],
)  # fmt: skip
def test_classes_and_hints(executor, sql, kind, message, hint):
    with pytest.raises(errors.LixError) as caught:
        executor.execute(sql)
    error = caught.value
    assert type(error) is kind or isinstance(error, kind)
    assert message in error.message
    assert (error.hint or "").endswith(hint or "")
    assert hint is None or error.hint
    assert isinstance(error, apsw.Error)


def test_sqlites_codes_are_carried_over(executor):
    with pytest.raises(apsw.ConstraintError) as caught:
        executor.execute("INSERT INTO t(a, b) VALUES (1, 1), (1, 2)")
    error = caught.value
    assert error.extendedresult == apsw.SQLITE_CONSTRAINT_UNIQUE
    assert error.result == apsw.SQLITE_CONSTRAINT
    assert error.details["sqlite_code"] == apsw.SQLITE_CONSTRAINT_UNIQUE
    with pytest.raises(errors.ColumnNotFound) as column:
        executor.execute("SELECT  nope FROM t")
    assert column.value.details == {"column": "nope", "sqlite_code": 1, "offset": 8}
    assert column.value.error_offset == 8
    assert isinstance(column.value.__cause__, apsw.SQLError)


@pytest.mark.parametrize(
    ("sql", "params", "found"),
    [
        ("SELECT 1; SELECT nope", (), "nope"),
        ("SELECT 'ü\U0001f600'; SELECT nope; SELECT 1", (), "nope; SELECT 1"),
        ("SELECT 'ü'; SELECT ?, nope", (1,), "nope"),
        ("SELECT 'ü', nope FROM t WHERE a = :a; SELECT 2", {"a": 1}, "nope FROM"),
        ("BEGIN; SELECT 1; -- é\n SELEC 2; COMMIT", (), "SELEC 2"),
        ("PRAGMA user_version; SELECT 1; SELECT nope", (), "nope"),
        ("SELECT 1; SELECT $2, nope", (1, 2), None),
        ("SELECT 1; SELECT a FROM nope", (), None),
    ],
)
def test_places_of_errors_are_places_in_the_text(executor, sql, params, found):
    with pytest.raises(errors.LixError) as caught:
        executor.execute(sql, params)
    offset = caught.value.details.get("offset")
    assert caught.value.error_offset == (-1 if offset is None else offset)
    assert (offset is None) == (found is None)
    assert found is None or sql.encode()[offset:].decode().startswith(found)


def test_foreign_keys(executor):
    executor.execute("PRAGMA foreign_keys = ON; CREATE TABLE c(t REFERENCES t(id))")
    with pytest.raises(errors.ForeignKeyError):
        executor.execute("INSERT INTO c VALUES (77)")


def test_locked_and_corrupt_files(executor, tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"this is no database at all, whatever its name says" * 40)
    broken = Executor(apsw.Connection(str(path)), lambda: CATALOGUE)
    with pytest.raises(errors.NotADatabaseError) as caught:
        broken.execute("SELECT * FROM sqlite_schema")
    assert isinstance(caught.value, apsw.NotADBError)
    cursor = executor.connection.execute("SELECT 1 UNION SELECT 2")
    with pytest.raises(errors.LixError):
        executor.execute("DROP TABLE t; SELECT nope")
    cursor.close()


def test_errors_of_virtual_tables_that_are_ours_pass_unchanged(virtual):
    own = errors.UniqueError("entity 'a' exists already", hint="use UPDATE")

    def fail():
        raise own

    virtual.db.create_scalar_function("fail", fail, 0)
    for _ in range(2):
        with pytest.raises(errors.UniqueError) as caught:
            virtual.executor.execute("SELECT fail()")
        assert caught.value is own
        assert caught.value.__cause__ is None


def test_what_virtual_tables_refuse(virtual):
    for sql in (
        "CREATE INDEX i ON entry(k)",
        "CREATE TRIGGER x AFTER INSERT ON entry BEGIN SELECT 1; END",
        "ALTER TABLE entry ADD COLUMN x",
        "EXPLAIN INSERT INTO entry(k) VALUES (1) ON CONFLICT DO NOTHING",
        "EXPLAIN UPDATE entry SET n = 1 RETURNING k",
    ):
        with pytest.raises(errors.UnsupportedSql) as caught:
            virtual.executor.execute(sql)
        assert caught.value.code == "LIX_UNSUPPORTED_SQL"


def test_nearest():
    assert nearest("LIX_FILES", ["lix_file", "lix_state"]) == "lix_file"
    assert nearest("qqq", ["lix_file"]) is None
    assert nearest("a", []) is None
