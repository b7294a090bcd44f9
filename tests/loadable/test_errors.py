"""Errors of Python code, as a host without exceptions sees them, and as Python code sees them."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import apsw
import loadable_sample
import pytest
from loadable_hosts import Refused, SystemHost, system_sqlite

from lix_vtab.errors import UniqueError

KINDS = {
    "unique": (19, "LIX_ERROR_UNIQUE: a = 1 is taken (choose another a)"),
    "read_only": (8, "LIX_ERROR_READ_ONLY: sample is read-only"),
    "type": (20, "LIX_INVALID_PARAM: a must be a number"),
    "busy": (5, "somebody else is writing"),
    "bug": (1, "LIX_ERROR_UNKNOWN: ZeroDivisionError: division by zero"),
    "unicode": (19, "LIX_ERROR_UNIQUE: Ärger mit 日本 % %s"),
    "surrogate": (19, "constraint failed"),
    "silent": (9, "interrupted"),
}

METHODS = {
    "BestIndexObject": "SELECT a FROM f",
    "Open": "SELECT a FROM f",
    "Filter": "SELECT a FROM f",
    "Eof": "SELECT a FROM f",
    "Next": "SELECT a FROM f",
    "Column": "SELECT a FROM f",
    "Rowid": "SELECT rowid FROM f",
    "Begin": "INSERT INTO f VALUES (1, 2)",
    "UpdateInsertRow": "INSERT INTO f VALUES (1, 2)",
    "UpdateChangeRow": "UPDATE f SET a = 1",
    "UpdateDeleteRow": "DELETE FROM f",
    "Sync": None,
    "Rename": "ALTER TABLE f RENAME TO g",
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_a_function_has_code_and_text(loaded_host, kind):
    with pytest.raises(Refused) as caught:
        loaded_host.run(f"SELECT sample_fail('{kind}')")
    assert (caught.value.code & 0xFF, caught.value.message) == KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_an_error_in_a_method_has_code_and_text(loaded_host, method, kind):
    code, text = KINDS[kind]
    create = f"CREATE VIRTUAL TABLE f USING faulty({method}, {kind})"
    if method != "Sync":  # which CREATE brings about already
        loaded_host.run(create)
    with pytest.raises(Refused) as caught:
        loaded_host.run(create if method == "Sync" else METHODS[method])
    expected = 1 if method == "BestIndexObject" else code  # whatever code a planner returns
    assert (caught.value.code & 0xFF, caught.value.message) == (expected, text)


def test_an_error_while_connecting_has_code_and_text(loaded_host):
    with pytest.raises(Refused, match=r"^LIX_ERROR_UNIQUE: a = 1 is taken \(choose another a\)$"):
        loaded_host.run("CREATE VIRTUAL TABLE f USING faulty(Create, unique)")
    with pytest.raises(Refused, match="incomplete input"):
        loaded_host.run("CREATE VIRTUAL TABLE f USING faulty(schema, bug)")
    assert loaded_host.run("SELECT count(*) FROM sqlite_schema") == [(0,)]


def test_a_refused_drop_keeps_the_table(loaded_host):
    loaded_host.run("CREATE VIRTUAL TABLE f USING faulty(Destroy, read_only)")
    with pytest.raises(Refused):
        loaded_host.run("DROP TABLE f")
    assert loaded_host.run("SELECT name FROM sqlite_schema") == [("f",)]
    assert loaded_host.run("SELECT count(*) FROM f") == [(2,)]


@pytest.mark.parametrize(
    ("fault", "sql", "text"),
    [
        ("object", "SELECT a FROM f", "TypeError: Value from Python is not supported by SQLite"),
        ("huge", "SELECT a FROM f", "OverflowError: int too big to convert"),
        (
            "None",
            "INSERT INTO f VALUES (1, 2)",
            "TypeError: UpdateInsertRow must return the new rowid",
        ),
    ],
)
def test_unusable_values_are_refused(loaded_host, fault, sql, text):
    loaded_host.run(f"CREATE VIRTUAL TABLE f USING faulty({fault}, bug)")
    with pytest.raises(Refused, match=text):
        loaded_host.run(sql)


def test_text_that_is_not_utf8_is_refused(loaded_host):
    with pytest.raises(Refused, match="UnicodeDecodeError"):
        loaded_host.run("SELECT sample_type(CAST(x'ff' AS TEXT))")


def test_python_code_gets_the_very_exception_back(loaded_host):
    """A statement run by Python code, whose virtual table fails, raises what the table raised."""
    ours = loaded_host.ours
    ours.execute("CREATE VIRTUAL TABLE t USING sample")
    ours.execute("INSERT INTO t VALUES (1, 2, 3)")
    with pytest.raises(UniqueError) as caught:
        ours.execute("INSERT INTO t VALUES (1, 2, 3)")
    assert caught.value.hint == "choose another a"
    assert caught.traceback[-1].name == "clash"


def test_an_error_passes_through_two_levels(loaded_host):
    loaded_host.run("CREATE VIRTUAL TABLE t USING sample")
    loaded_host.run("INSERT INTO t VALUES (1, 2, 3)")
    with pytest.raises(Refused, match=r"^LIX_ERROR_UNIQUE: t.a = 1 is taken \(choose another a\)$"):
        loaded_host.run("SELECT sample_sql('INSERT INTO t VALUES (1, 2, 3)')")
    with pytest.raises(Refused, match=r"^no such table: nowhere$") as caught:
        loaded_host.run("SELECT sample_sql('SELECT * FROM nowhere')")
    assert caught.value.code & 0xFF == 1


def test_an_extended_code_survives(loaded_host):
    loaded_host.run("CREATE TABLE r(a PRIMARY KEY)")
    loaded_host.run("INSERT INTO r VALUES (1)")
    with pytest.raises(apsw.ConstraintError) as caught:
        loaded_host.ours.execute("INSERT INTO r VALUES (1)")
    assert caught.value.extendedresult == apsw.SQLITE_CONSTRAINT_PRIMARYKEY


def test_a_host_survives_a_thousand_errors(loaded_host):
    loaded_host.run("CREATE VIRTUAL TABLE t USING sample")
    loaded_host.run("INSERT INTO t VALUES (1, 2, 3)")
    for _ in range(1000):
        with pytest.raises(Refused):
            loaded_host.run("INSERT INTO t VALUES (1, 2, 3)")
    assert loaded_host.run("SELECT * FROM t") == [(1, 2, 3)]


def test_interrupt_from_python_stops_a_statement_of_python(loaded_host):
    with pytest.raises(Refused) as caught:
        loaded_host.run("SELECT sample_nested()")
    assert caught.value.code & 0xFF == 9


@contextmanager
def interrupting(interrupt, *args):
    """Call `interrupt` from a thread once `sample_wait` waits for it."""

    def strike():
        if loadable_sample.waiting.wait(60):
            interrupt(*args)

    loadable_sample.waiting.clear()
    thread = threading.Thread(target=strike)
    thread.start()
    yield
    thread.join()


def test_interrupt_by_the_host_is_seen_by_python(extension):
    if system_sqlite() is None:
        pytest.skip("no SQLite library >= 3.40 with extension loading on this machine")
    host = SystemHost(extension)
    with (
        interrupting(host.library.sqlite3_interrupt, host.db),
        pytest.raises(Refused, match="stopped in Python") as caught,
    ):
        host.run("SELECT sample_wait()")
    assert caught.value.code == 9
    assert host.run("SELECT 1") == [(1,)]
    host.close()


def test_interrupt_by_apsw_is_seen_by_python(pair):
    for host in pair:
        with (
            interrupting(host.connection.interrupt),
            pytest.raises(Refused, match="stopped in Python"),
        ):
            host.run("SELECT sample_wait()")
        assert host.run("SELECT 1") == [(1,)]
        assert host.ours.is_interrupted is False
