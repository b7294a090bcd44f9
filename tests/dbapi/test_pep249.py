"""PEP 249, paragraph by paragraph."""

from __future__ import annotations

import datetime as dt

import pytest

from lix_vtab import dbapi, errors


def titles(connection):
    return connection.execute("SELECT id, title FROM task ORDER BY id").fetchall()


# Module -------------------------------------------------------------------------------------------


def test_globals():
    assert (dbapi.apilevel, dbapi.threadsafety, dbapi.paramstyle) == ("2.0", 1, "qmark")


def test_exceptions_form_the_tree_of_the_pep():
    assert issubclass(dbapi.Warning, Exception)
    assert issubclass(dbapi.Error, Exception)
    assert issubclass(dbapi.InterfaceError, dbapi.Error)
    assert not issubclass(dbapi.InterfaceError, dbapi.DatabaseError)
    for name in ("Data", "Operational", "Integrity", "Internal", "Programming", "NotSupported"):
        cls = getattr(dbapi, f"{name}Error")
        assert issubclass(cls, dbapi.DatabaseError)
        assert issubclass(cls, dbapi.Error)


def test_a_connection_has_the_exceptions_too(connection):
    names = [name for name in dbapi.__all__ if name.endswith("Error") or name == "Warning"]
    assert len(names) == 10
    for name in names:
        assert getattr(connection, name) is getattr(dbapi, name)


def test_constructors():
    assert dbapi.Date(2026, 1, 31) == dt.date(2026, 1, 31)
    assert dbapi.Time(1, 2, 3) == dt.time(1, 2, 3)
    assert dbapi.Timestamp(2026, 1, 31, 1, 2, 3) == dt.datetime(2026, 1, 31, 1, 2, 3)
    moment = dt.datetime(2026, 1, 31, 12, 0)
    ticks = moment.timestamp()
    assert dbapi.DateFromTicks(ticks) == moment.date()
    assert dbapi.TimeFromTicks(ticks) == moment.time()
    assert dbapi.TimestampFromTicks(ticks) == moment
    assert bytes(dbapi.Binary(b"\0\1")) == b"\0\1"


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("VARCHAR(20)", dbapi.STRING),
        ("TEXT", dbapi.STRING),
        ("blob", dbapi.BINARY),
        ("INTEGER", dbapi.NUMBER),
        ("DOUBLE PRECISION", dbapi.NUMBER),
        ("DATETIME", dbapi.DATETIME),
        ("ROWID", dbapi.ROWID),
    ],
)
def test_type_objects(declared, kind):
    kinds = (dbapi.STRING, dbapi.BINARY, dbapi.NUMBER, dbapi.DATETIME, dbapi.ROWID)
    assert [other for other in kinds if declared == other] == [kind]
    assert kind == kind
    assert kind != 5


def test_dates_and_times_become_text(connection):
    values = (
        dt.datetime(2026, 1, 31, 1, 2, 3),
        dt.date(2026, 1, 31),
        dt.time(1, 2),
        memoryview(b"x"),
    )
    assert connection.execute("SELECT ?, ?, ?, ?", values).fetchone() == (
        "2026-01-31 01:02:03",
        "2026-01-31",
        "01:02:00",
        b"x",
    )


# Cursors ------------------------------------------------------------------------------------------


def test_description(connection):
    cursor = connection.cursor()
    assert cursor.description is None
    cursor.execute("SELECT id, title AS t FROM task")
    assert cursor.description == (
        ("id", None, None, None, None, None, None),
        ("t", None, None, None, None, None, None),
    )
    cursor.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    assert cursor.description is None


def test_rowcount_and_lastrowid(connection):
    cursor = connection.cursor()
    assert cursor.rowcount == -1
    cursor.execute("INSERT INTO task (id, title) VALUES ('1', 'a'), ('2', 'b')")
    assert cursor.rowcount == 2
    assert connection.execute(
        "SELECT id FROM task WHERE rowid = ?", (cursor.lastrowid,)
    ).fetchall() == [("2",)]
    cursor.execute("UPDATE task SET title = 'c' WHERE id = '1'")
    assert cursor.rowcount == 1
    cursor.execute("UPDATE task SET title = 'c' WHERE id = 'nobody'")
    assert cursor.rowcount == 0
    cursor.execute("SELECT * FROM task")
    assert cursor.rowcount == -1
    cursor.execute("DELETE FROM task")
    assert cursor.rowcount == 2


def test_fetching(connection):
    cursor = connection.execute(
        "WITH n(i) AS (VALUES (1), (2), (3), (4), (5), (6)) SELECT i FROM n"
    )
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany() == [(2,)]
    cursor.arraysize = 2
    assert cursor.fetchmany() == [(3,), (4,)]
    assert cursor.fetchmany(1) == [(5,)]
    assert cursor.fetchmany(0) == []
    assert cursor.fetchall() == [(6,)]
    assert cursor.fetchone() is None
    assert cursor.fetchmany(3) == []
    assert cursor.fetchall() == []


def test_iterating(connection):
    cursor = connection.execute("VALUES (1), (2)")
    assert next(cursor) == (1,)
    assert list(cursor) == [(2,)]


def test_fetching_without_a_result_is_an_error(connection):
    cursor = connection.cursor()
    for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall):
        with pytest.raises(dbapi.Error, match="no rows"):
            fetch()
    cursor.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    with pytest.raises(dbapi.Error, match="no rows"):
        cursor.fetchall()


def test_parameters_by_position_and_by_name(connection):
    assert connection.execute("SELECT ?, ?", [1, "a"]).fetchone() == (1, "a")
    assert connection.execute("SELECT :x, :y", {"x": 1, "y": None}).fetchone() == (1, None)


@pytest.mark.parametrize("parameters", [(), (1,), {"x": 1}])
def test_wrong_parameters(connection, parameters):
    with pytest.raises(dbapi.ProgrammingError):
        connection.execute("SELECT ?, ? FROM task", parameters)


@pytest.mark.parametrize("parameters", ["ab", b"ab", 1, {1, 2}])
def test_what_is_no_parameters_at_all(connection, parameters):
    with pytest.raises(dbapi.InterfaceError):
        connection.execute("SELECT ?, ?", parameters)


def test_executemany(connection):
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO task (id, title) VALUES (?, ?)", ((str(n), f"t{n}") for n in range(3))
    )
    assert cursor.rowcount == 3
    assert titles(connection) == [("0", "t0"), ("1", "t1"), ("2", "t2")]
    cursor.executemany("INSERT INTO task (id, title) VALUES (?, ?)", [])
    assert cursor.rowcount in (-1, 0)


def test_executemany_is_all_or_nothing(connection):
    connection.execute("INSERT INTO task (id, title) VALUES ('9', 'kept')")
    with pytest.raises(dbapi.IntegrityError):
        connection.executemany(
            "INSERT INTO task (id, title) VALUES (?, ?)", [("1", "a"), ("1", "b")]
        )
    connection.commit()
    assert titles(connection) == [("9", "kept")]


def test_sizes_are_accepted(connection):
    cursor = connection.cursor()
    cursor.setinputsizes([None, 10])
    cursor.setoutputsize(100)
    cursor.setoutputsize(100, 1)
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_a_closed_cursor(connection):
    cursor = connection.execute("SELECT 1")
    cursor.close()
    cursor.close()
    for use in (cursor.fetchone, cursor.fetchall, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(dbapi.Error, match="closed"):
            use()
    assert cursor.connection is connection


def test_a_closed_connection():
    connection = dbapi.connect()
    cursor = connection.cursor()
    connection.close()
    connection.close()
    uses = (
        connection.commit,
        connection.rollback,
        connection.cursor,
        cursor.fetchall,
        lambda: cursor.execute("SELECT 1"),
    )
    for use in uses:
        with pytest.raises(dbapi.Error, match="closed"):
            use()
    assert connection.in_transaction is False


def test_cursors_share_their_connection(connection):
    first, second = connection.cursor(), connection.cursor()
    first.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    assert second.execute("SELECT id FROM task").fetchall() == [("1",)]


# Transactions -------------------------------------------------------------------------------------


def commits(connection):
    return connection.execute("SELECT count(*) FROM lix_commit").fetchone()[0]


def test_writes_wait_for_commit(tmp_path):
    path = str(tmp_path / "a.lix")
    one, other = dbapi.connect(path), dbapi.connect(path)
    count = "SELECT count(*) FROM lix_key_value WHERE key = 'k'"
    one.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
    assert other.execute(count).fetchone() == (0,)
    one.commit()
    assert other.execute(count).fetchone() == (1,)
    one.close()
    other.close()


def test_one_transaction_is_one_commit(connection):
    before = commits(connection)
    connection.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    connection.execute("INSERT INTO task (id, title) VALUES ('2', 'b')")
    connection.commit()
    assert commits(connection) == before + 1


def test_rollback(connection):
    connection.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    assert connection.in_transaction
    connection.rollback()
    assert not connection.in_transaction
    assert titles(connection) == []
    connection.rollback()
    connection.commit()


def test_reading_begins_nothing_but_functions_that_write_do(connection):
    connection.execute("SELECT * FROM task").fetchall()
    connection.execute("SELECT lix_active_version_id()").fetchall()
    assert not connection.in_transaction
    connection.execute("SELECT lix_create_version('draft')").fetchall()
    assert connection.in_transaction
    connection.rollback()
    names = connection.execute("SELECT name FROM lix_version ORDER BY name").fetchall()
    assert names == [("global",), ("main",)]


def test_closing_undoes_what_is_open(tmp_path):
    path = str(tmp_path / "a.lix")
    connection = dbapi.connect(path)
    connection.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
    connection.close()
    connection = dbapi.connect(path)
    assert connection.execute("SELECT 1 FROM lix_key_value WHERE key = 'k'").fetchall() == []
    connection.close()


def test_a_block_commits_or_undoes(connection):
    with connection:
        connection.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    assert not connection.in_transaction
    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("INSERT INTO task (id, title) VALUES ('2', 'b')")
        raise ZeroDivisionError
    assert titles(connection) == [("1", "a")]


def test_savepoints(connection):
    connection.execute("SAVEPOINT s")
    connection.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    connection.execute("ROLLBACK TO s")
    connection.execute("INSERT INTO task (id, title) VALUES ('2', 'b')")
    connection.execute("RELEASE s")
    assert connection.in_transaction
    connection.commit()
    assert titles(connection) == [("2", "b")]


def test_autocommit(tmp_path):
    path = str(tmp_path / "a.lix")
    one, other = dbapi.connect(path, isolation_level=None), dbapi.connect(path)
    assert one.autocommit
    one.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
    assert not one.in_transaction
    assert other.execute("SELECT value FROM lix_key_value WHERE key = 'k'").fetchall() == [(1,)]
    one.autocommit = False
    one.execute("INSERT INTO lix_key_value (key, value) VALUES ('l', 2)")
    assert one.in_transaction
    one.autocommit = True
    assert not one.in_transaction
    assert other.execute("SELECT value FROM lix_key_value WHERE key = 'l'").fetchall() == [(2,)]
    one.close()
    other.close()


def test_explicit_transactions_are_respected(connection):
    connection.execute("BEGIN DEFERRED")
    connection.execute("INSERT INTO task (id, title) VALUES ('1', 'a')")
    connection.execute("COMMIT")
    assert titles(connection) == [("1", "a")]


def test_isolation_levels_are_checked():
    with pytest.raises(dbapi.ProgrammingError, match="isolation_level"):
        dbapi.connect(isolation_level="SERIALIZABLE")


def test_scripts(connection):
    connection.execute("INSERT INTO task (id, title) VALUES ('0', 'before')")
    connection.executescript(
        "INSERT INTO task (id, title) VALUES ('1', 'a'); UPDATE task SET title = 'b' WHERE id = '1'"
    )
    connection.rollback()
    assert titles(connection) == [("0", "before"), ("1", "b")]


# Errors -------------------------------------------------------------------------------------------

PUT = "INSERT INTO task (id, title) VALUES "


@pytest.mark.parametrize(
    ("statement", "cls", "code"),
    [
        ("SELEC 1", dbapi.ProgrammingError, "LIX_PARSE_ERROR"),
        ("SELECT * FROM nowhere", dbapi.ProgrammingError, "LIX_TABLE_NOT_FOUND"),
        ("SELECT missing FROM task", dbapi.ProgrammingError, "LIX_COLUMN_NOT_FOUND"),
        (f"{PUT} ('1', 'a'), ('1', 'b')", dbapi.IntegrityError, "LIX_ERROR_UNIQUE"),
        (f"{PUT} ('1', NULL)", dbapi.IntegrityError, "LIX_ERROR_SCHEMA_VALIDATION"),
        (
            "INSERT INTO task (id, title, person_id) VALUES ('1', 'a', 'nobody')",
            dbapi.IntegrityError,
            "LIX_FOREIGN_KEY_VIOLATION",
        ),
        (
            "INSERT INTO lix_file (path, data) VALUES ('no/slash', x'00')",
            dbapi.DataError,
            "LIX_INVALID_PARAM",
        ),
        ("SELECT lix_switch_version('no')", dbapi.ProgrammingError, "LIX_VERSION_NOT_FOUND"),
        ("INSERT INTO lix_check VALUES (1)", dbapi.OperationalError, "LIX_ERROR_READ_ONLY"),
        (
            "SELECT * FROM lix_internal_commit",
            dbapi.ProgrammingError,
            "LIX_INTERNAL_TABLE_ACCESS",
        ),
    ],
)
def test_errors_say_their_code(connection, statement, cls, code):
    with pytest.raises(cls, match=f"^{code}: ") as caught:
        connection.execute(statement)
    assert caught.value.code == code
    assert isinstance(caught.value.__cause__, errors.LixError)
    assert caught.value.message == caught.value.__cause__.message
    connection.rollback()


def test_several_statements_need_executescript(connection):
    with pytest.raises(dbapi.ProgrammingError, match="executescript"):
        connection.execute("SELECT 1; SELECT 2")


def test_what_is_no_text_is_refused(connection):
    with pytest.raises(dbapi.ProgrammingError, match="text"):
        connection.execute(b"SELECT 1")


def test_a_busy_database(tmp_path):
    path = str(tmp_path / "a.lix")
    one, other = dbapi.connect(path), dbapi.connect(path)
    other.lix.connection.set_busy_timeout(1)
    one.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
    with pytest.raises(dbapi.OperationalError, match="LIX_ERROR_BUSY"):
        other.execute("INSERT INTO lix_key_value (key, value) VALUES ('l', 1)")
    one.close()
    other.close()


def test_options_of_open_pass_through(tmp_path):
    path = str(tmp_path / "a.lix")
    made = dbapi.connect(path, account={"id": "ann", "name": "Ann"})
    made.lix.create_version("draft")
    made.close()
    connection = dbapi.connect(path, version="draft", writer_key="w")
    assert connection.lix.active_version.name == "draft"
    connection.close()
    with pytest.raises(dbapi.ProgrammingError, match="LIX_VERSION_NOT_FOUND"):
        dbapi.connect(path, version="nowhere")
