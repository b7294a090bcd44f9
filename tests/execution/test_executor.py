"""Scripts, transactions, results and limits."""

from __future__ import annotations

import threading

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import (
    BusyError,
    ConstraintError,
    LixError,
    RowLimitExceeded,
    StatementTimeout,
    TransactionStateError,
    UniqueError,
)
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.limits import Limits


def make(path: str = ":memory:", **options: object) -> Executor:
    return Executor(apsw.Connection(path), lambda: Catalogue.of(1, []), **options)


@pytest.fixture
def executor():
    executor = make()
    executor.execute("CREATE TABLE t(a UNIQUE, b)")
    return executor


def test_results_behave_like_sequences(executor):
    result = executor.execute("SELECT 1 AS one, 'x' UNION ALL SELECT 2, 'y'")
    assert result.rows == [(1, "x"), (2, "y")]
    assert list(result) == result.rows
    assert len(result) == 2
    assert result[1] == (2, "y")
    assert result[-1:] == [(2, "y")]
    assert result.columns == ("one", "'x'")
    assert result.changes == 0
    assert "2 rows" in repr(result)


def test_columns_of_empty_results(executor):
    for _ in range(2):
        assert executor.execute("SELECT a AS x, b FROM t").columns == ("x", "b")
        assert executor.execute("SELECT :p AS x WHERE 0", {"p": 1}).columns == ("x",)
        assert executor.execute("INSERT INTO t VALUES (1, 2)").columns == ()
        assert executor.execute("DELETE FROM t").columns == ()
        assert executor.execute("DELETE FROM t RETURNING b").columns == ("b",)


def test_columns_follow_the_schema(executor):
    assert executor.execute("SELECT * FROM t").columns == ("a", "b")
    executor.execute("ALTER TABLE t ADD COLUMN c")
    assert executor.execute("SELECT * FROM t").columns == ("a", "b", "c")
    executor.execute("INSERT INTO t VALUES (1, 2, 3)")
    assert executor.execute("SELECT * FROM t").columns == ("a", "b", "c")


def test_changes_count_rows_written(executor):
    for _ in range(2):
        assert executor.execute("INSERT INTO t VALUES (1, 1), (2, 2)").changes == 2
        assert executor.execute("UPDATE t SET b = 0").changes == 2
        assert executor.execute("SELECT * FROM t").changes == 0
        assert executor.execute("CREATE TABLE IF NOT EXISTS x(a)").changes == 0
        assert executor.execute("DELETE FROM t WHERE a = 1; DELETE FROM t").changes == 2


def test_a_script_returns_the_last_rows(executor):
    script = "SELECT 1; INSERT INTO t VALUES (5, 6); SELECT 2 AS two; DELETE FROM t"
    result = executor.execute(script)
    assert (result.rows, result.columns, result.changes) == ([(2,)], ("two",), 2)
    for begin, end in (("", ""), ("BEGIN; ", "COMMIT")):
        result = executor.execute(f"{begin}SELECT 1; INSERT INTO t VALUES (5, 6); {end}")
        assert (result.rows, result.columns, result.changes) == ([(1,)], ("1",), 1)
        executor.execute("DELETE FROM t")
    assert executor.execute("SELECT 1; SELECT 2 WHERE 0").rows == []
    assert executor.execute("INSERT INTO t VALUES (1, 1); DELETE FROM t").rows == []


@pytest.mark.parametrize("begin", ["", "BEGIN; ", "BEGIN IMMEDIATE; "])
def test_a_script_is_one_transaction(executor, begin):
    end = "; COMMIT" if begin else ""
    with pytest.raises(UniqueError):
        executor.execute(f"{begin}INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 2){end}")
    assert executor.execute("SELECT * FROM t").rows == []
    assert not executor.connection.in_transaction


def test_a_script_inside_a_transaction_is_a_savepoint(executor):
    executor.execute("BEGIN")
    executor.execute("INSERT INTO t VALUES (0, 0)")
    with pytest.raises(UniqueError):
        executor.execute("INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 2)")
    executor.execute("INSERT INTO t VALUES (3, 3); INSERT INTO t VALUES (4, 4)")
    executor.execute("COMMIT")
    assert executor.execute("SELECT a FROM t ORDER BY a").rows == [(0,), (3,), (4,)]


def test_or_rollback_may_end_the_transaction_by_itself(executor):
    executor.execute("INSERT INTO t VALUES (1, 1)")
    with pytest.raises(UniqueError):
        executor.execute("INSERT INTO t VALUES (2, 2); INSERT OR ROLLBACK INTO t VALUES (1, 2)")
    executor.execute("BEGIN")
    with pytest.raises(UniqueError):
        executor.execute("INSERT INTO t VALUES (2, 2); INSERT OR ROLLBACK INTO t VALUES (1, 2)")
    assert not executor.connection.in_transaction
    assert executor.execute("SELECT a FROM t").rows == [(1,)]


def test_a_begin_script_inside_a_transaction(executor):
    executor.execute("BEGIN")
    with pytest.raises(TransactionStateError, match="cannot start a transaction within"):
        executor.execute("BEGIN; SELECT 1; COMMIT")
    assert executor.connection.in_transaction


def test_plain_transaction_statements(executor):
    executor.execute("BEGIN")
    with pytest.raises(TransactionStateError, match="within a transaction"):
        executor.execute("BEGIN")
    executor.execute("SAVEPOINT a")
    executor.execute("INSERT INTO t VALUES (1, 1)")
    executor.execute("ROLLBACK TO a")
    executor.execute("RELEASE a")
    executor.execute("COMMIT")
    with pytest.raises(TransactionStateError, match="no transaction is active"):
        executor.execute("COMMIT")
    with pytest.raises(TransactionStateError, match="no such savepoint"):
        executor.execute("RELEASE a")


def test_savepoints_inside_a_script(executor):
    executor.execute(
        "INSERT INTO t VALUES (1, 1); SAVEPOINT s; INSERT INTO t VALUES (2, 2); ROLLBACK TO s;"
        " RELEASE s; INSERT INTO t VALUES (3, 3)"
    )
    assert executor.execute("SELECT a FROM t").rows == [(1,), (3,)]


def test_deferred_constraints_fail_a_script_at_its_end(executor):
    executor.execute(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(id PRIMARY KEY);"
        " CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(ConstraintError):
        executor.execute("INSERT INTO c VALUES (1); INSERT INTO c VALUES (2)")
    assert not executor.connection.in_transaction
    assert executor.execute("SELECT * FROM c").rows == []
    executor.execute("INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)")


def test_connection_level_statements_work_at_the_ends_of_a_script(tmp_path):
    executor = make(str(tmp_path / "a.db"))
    other = str(tmp_path / "b.db")
    executor.execute(
        "PRAGMA foreign_keys = ON; ATTACH ? AS b; CREATE TABLE b.t(a); CREATE TABLE u(a);"
        " DETACH b; VACUUM",
        (other,),
    )
    assert executor.execute("PRAGMA foreign_keys").rows == [(1,)]
    assert apsw.Connection(other).table_exists("main", "t")


def test_a_writing_script_takes_the_lock_before_it_reads(tmp_path):
    path = str(tmp_path / "a.db")
    executor = make(path)
    executor.execute("PRAGMA journal_mode = WAL")
    executor.execute("CREATE TABLE t(a)")
    other = apsw.Connection(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError) as caught:
        executor.execute("SELECT * FROM t; INSERT INTO t VALUES (1)")
    assert isinstance(caught.value, apsw.BusyError)
    assert executor.execute("SELECT * FROM t; SELECT 1").rows == [(1,)]
    other.execute("COMMIT")
    executor.execute("SELECT * FROM t; INSERT INTO t VALUES (1)")


def test_scripts_on_a_read_only_database(tmp_path):
    path = str(tmp_path / "a.db")
    make(path).execute("CREATE TABLE t(a)")
    reader = Executor(
        apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY), lambda: Catalogue.of(1, [])
    )
    sql = "CREATE TEMP TABLE x(a); INSERT INTO x VALUES (1); SELECT a FROM x"
    assert reader.execute(sql).rows == [(1,)]
    with pytest.raises(LixError, match="readonly") as caught:
        reader.execute("INSERT INTO t VALUES (1)")
    assert caught.value.code == "LIX_ERROR_READ_ONLY"


def test_interrupts_roll_back(executor):
    connection = executor.connection
    connection.create_scalar_function("stop", lambda: connection.interrupt() or 1, 0)
    with pytest.raises(LixError) as caught:
        executor.execute(
            "INSERT INTO t VALUES (1, 1);"
            " WITH RECURSIVE n(i) AS (SELECT stop() UNION ALL SELECT i + 1 FROM n)"
            " SELECT max(i) FROM n"
        )
    assert caught.value.code == "LIX_ERROR_INTERRUPTED"
    assert executor.execute("SELECT * FROM t").rows == []


def test_exceptions_of_any_kind_roll_back(executor):
    class Stop(BaseException):
        pass

    def stop():
        raise Stop

    executor.connection.create_scalar_function("stop", stop, 0)
    with pytest.raises(Stop):
        executor.execute("INSERT INTO t VALUES (1, 1); SELECT stop()")
    assert not executor.connection.in_transaction
    assert executor.execute("SELECT * FROM t").rows == []


def test_closed_connection(executor):
    executor.execute("SELECT 1")
    executor.connection.close()
    for _ in range(2):
        with pytest.raises(LixError, match="lix is closed; execute\\(\\) is unavailable") as caught:
            executor.execute("SELECT 1")
        assert isinstance(caught.value, apsw.ConnectionClosedError)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_statements_have_a_deadline():
    executor = make(limits=Limits(seconds=0.05))
    with pytest.raises(StatementTimeout, match=r"longer than 0\.05 seconds") as caught:
        executor.execute(ENDLESS)
    assert isinstance(caught.value, apsw.InterruptError)
    assert executor.execute("SELECT 1").rows == [(1,)]


def test_a_deadline_is_not_confused_with_an_interrupt():
    executor = make(limits=Limits(seconds=30))
    connection = executor.connection
    connection.create_scalar_function("stop", lambda: connection.interrupt() or 1, 0)
    with pytest.raises(LixError) as caught:
        executor.execute(ENDLESS.replace("SELECT 1", "SELECT stop()"))
    assert caught.value.code == "LIX_ERROR_INTERRUPTED"


def test_a_deadline_takes_writes_back():
    executor = make(limits=Limits(seconds=0.05))
    executor.execute("CREATE TABLE t(a)")
    with pytest.raises(StatementTimeout):
        executor.execute(f"INSERT INTO t VALUES (1); {ENDLESS}")
    assert executor.execute("SELECT * FROM t").rows == []


def test_rows_have_a_limit():
    executor = make(limits=Limits(rows=3))
    executor.execute("CREATE TABLE t(a)")
    executor.execute("INSERT INTO t VALUES (1), (2), (3), (4)")
    assert len(executor.execute("SELECT * FROM t LIMIT 3")) == 3
    for sql in (
        "SELECT * FROM t",
        "DELETE FROM t RETURNING a",
        "SELECT 1; DELETE FROM t RETURNING a",
    ):
        with pytest.raises(RowLimitExceeded, match="more than 3 rows") as caught:
            executor.execute(sql)
        assert caught.value.hint
    assert executor.execute("SELECT count(*) FROM t").rows == [(4,)]
    assert not executor.connection.in_transaction


def test_rows_of_lowered_statements_are_limited_too(virtual, catalogue):
    executor = Executor(virtual.db, lambda: catalogue, limits=Limits(rows=1))
    executor.execute("INSERT INTO item (a) VALUES ('x'), ('y')")
    with pytest.raises(RowLimitExceeded):
        executor.execute("UPDATE item SET b = 1 RETURNING id")
    assert executor.execute("SELECT count(*) FROM item WHERE b = 1").rows == [(0,)]


def test_executors_do_not_share_state():
    first, second = make(), make()
    done = threading.Event()

    def run() -> None:
        second.execute("CREATE TABLE t(a)")
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done.is_set()
    with pytest.raises(LixError):
        first.execute("SELECT * FROM t")


def test_counts_that_come_as_rows(executor):
    executor.execute("CREATE TABLE counted (v)")
    insert = "INSERT INTO counted VALUES (1)"
    for _ in range(2):
        assert (executor.execute(insert).rows, executor.execute(insert).columns) == ([], ())
    executor.execute("PRAGMA count_changes = ON")
    for _ in range(2):
        result = executor.execute(insert)
        assert (result.rows, result.columns, result.changes) == ([(1,)], ("rows inserted",), 1)
    assert executor.execute("SELECT count(*) FROM counted").rows == [(6,)]


@pytest.mark.parametrize("script", ["BEGIN; COMMIT", "begin exclusive; end transaction;"])
def test_a_script_of_nothing(executor, script):
    for _ in range(2):
        result = executor.execute(script)
        assert (result.rows, result.columns, result.changes) == ([], (), 0)
        assert not executor.connection.in_transaction
    executor.execute("BEGIN")
    with pytest.raises(LixError, match="cannot start a transaction within a transaction"):
        executor.execute(script)
    executor.execute("ROLLBACK")


@pytest.mark.parametrize("end", [";", " ; ", "; -- done\n", " -- done", " /* done */;;"])
def test_what_ends_a_text_is_no_part_of_its_clauses(end: str) -> None:
    with lix_vtab.open() as lix:
        insert = "INSERT INTO lix_key_value (key, value) VALUES ('a', 1)"
        assert lix.execute(f"{insert} RETURNING key{end}").rows == [("a",)]
        for _ in range(2):
            assert lix.execute(f"SELECT ? AS n{end}", (5,)).rows == [(5,)]
            assert lix.execute(f"SELECT 1 AS n WHERE 0{end}").columns == ("n",)
        lix.execute(f"{insert} ON CONFLICT (key) DO UPDATE SET value = 2{end}")
        update = "UPDATE lix_key_value SET value = value + 1 WHERE key = ? RETURNING value"
        assert lix.execute(f"{update}{end}", ("a",)).rows == [(3,)]
        assert lix.execute(f"DELETE FROM lix_key_value WHERE key = 'a' RETURNING key{end}").rows
