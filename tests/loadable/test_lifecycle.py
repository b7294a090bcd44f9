"""Loading, closing, threads, and what must not stay behind."""

from __future__ import annotations

import ctypes
import gc
import shutil
import sys
import threading
import weakref

import apsw
import loadable_sample
import pytest
from loadable_hosts import LoadedApswHost, SystemHost, system_sqlite

from lix_vtab.loadable import build

BUSY = 5


@pytest.fixture
def stock(extension):
    """A stock host that the test closes itself."""
    if system_sqlite() is None:
        pytest.skip("no SQLite library >= 3.40 with extension loading on this machine")
    return SystemHost(extension)


def test_loading_twice_changes_nothing(extension):
    host = LoadedApswHost(extension)
    host.run("CREATE VIRTUAL TABLE t USING sample")
    host.connection.load_extension(str(extension))
    assert loadable_sample.connections == []
    host.run("INSERT INTO t VALUES (1, 2, 3)")
    assert host.run("SELECT * FROM t") == [(1, 2, 3)]
    host.close()


def test_both_entry_points_exist(extension):
    for name in ("sqlite3_extension_init", "sqlite3_lixvtab_init"):
        connection = apsw.Connection(":memory:")
        connection.enable_load_extension(True)
        connection.load_extension(str(extension), name)
        loadable_sample.connections.pop()
        assert connection.execute("SELECT count(*) FROM numbers(3)").get == 3
        connection.close()


def test_closing_finalises_what_the_host_does_not_know_of(stock):
    for n in range(300):
        stock.ours.execute(f"SELECT {n}").fetchall()
    unfinished = stock.ours.execute("VALUES (1), (2), (3)")
    next(unfinished)
    stock.close()
    with pytest.raises(apsw.CursorClosedError):
        unfinished.fetchone()


def test_a_closed_connection_says_so(stock):
    ours = stock.ours
    stock.close()
    for use in (
        lambda: ours.execute("SELECT 1"),
        lambda: ours.executemany("SELECT ?", [(1,)]),
        lambda: ours.in_transaction,
        lambda: ours.is_interrupted,
        lambda: ours.filename,
        ours.interrupt,
        ours.changes,
        ours.total_changes,
        ours.last_insert_rowid,
        ours.data_version,
        ours.db_names,
        lambda: ours.limit(0),
        lambda: ours.set_last_insert_rowid(1),
        lambda: ours.create_scalar_function("f", len),
        lambda: ours.create_module("m", object(), use_bestindex_object=True),
    ):
        with pytest.raises(apsw.ConnectionClosedError, match="closed"):
            use()


def test_a_refused_close_leaves_a_working_connection(stock):
    stock.run("CREATE VIRTUAL TABLE t USING sample")
    pending = ctypes.c_void_p()
    stock.library.sqlite3_prepare_v2(stock.db, b"SELECT 1", -1, ctypes.byref(pending), None)
    stock.ours.execute("SELECT 2").fetchall()
    assert stock.library.sqlite3_close(stock.db) == BUSY
    stock.run("INSERT INTO t VALUES (1, 2, 3)")
    assert stock.ours.execute("SELECT * FROM t").fetchall() == [(1, 2, 3)]
    stock.library.sqlite3_finalize(pending)
    stock.close()


def test_nothing_of_a_closed_connection_stays(stock):
    class Module(loadable_sample.StoreModule):
        pass

    def function():
        return 1

    module = Module(loadable_sample.Log())
    seen = [weakref.ref(module), weakref.ref(function)]
    stock.ours.create_module("mine", module, use_bestindex_object=True)
    stock.ours.create_scalar_function("mine", function)
    stock.run("CREATE VIRTUAL TABLE t USING mine")
    stock.run("SELECT mine(), count(*) FROM t")
    del module, function
    gc.collect()
    assert all(reference() for reference in seen)
    stock.close()
    stock.ours = None
    gc.collect()
    assert [reference() for reference in seen] == [None, None]


def test_registering_again_frees_what_was_there(loaded_host):
    class Callable:
        def __call__(self):
            return 1

    old = Callable()
    seen = weakref.ref(old)
    loaded_host.ours.create_scalar_function("f", old)
    del old
    loaded_host.ours.create_scalar_function("f", Callable())
    gc.collect()
    assert seen() is None
    assert loaded_host.run("SELECT f()") == [(1,)]


def test_many_connections_come_and_go(extension):
    for n in range(60):
        host = LoadedApswHost(extension)
        host.run("CREATE VIRTUAL TABLE t USING sample")
        host.run(f"INSERT INTO t VALUES ({n}, 0, 0)")
        assert host.ours.execute("SELECT a FROM t").get == n
        host.close()


def test_two_sqlite_libraries_live_in_one_process(extension, stock):
    other = LoadedApswHost(extension)
    assert stock.version != "" != other.version
    for host in (stock, other, stock):
        assert host.run("SELECT sample_twice(sum(value)) FROM numbers(4)") == [(12,)]
        assert host.ours.execute("SELECT sqlite_version()").get == host.version
    other.close()
    assert stock.run("SELECT sample_twice(21)") == [(42,)]
    stock.close()


def test_the_host_s_files_are_shared_with_apsw(stock_file, tmp_path):
    """Different files in one process: each keeps its own."""
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE r(a); INSERT INTO r VALUES ('apsw')")
    stock_file.run("CREATE TABLE r(a); INSERT INTO r VALUES ('stock')")
    assert other.execute("SELECT a FROM r").get == "apsw"
    assert stock_file.ours.execute("SELECT a FROM r").get == "stock"
    other.close()


@pytest.fixture
def stock_file(extension, tmp_path):
    if system_sqlite() is None:
        pytest.skip("no SQLite library >= 3.40 with extension loading on this machine")
    host = SystemHost(extension, str(tmp_path / "stock.db"))
    yield host
    host.close()


def test_it_runs_in_the_host_s_transaction(stock_file):
    """What Python code writes belongs to the transaction the host has begun."""
    stock_file.run("CREATE TABLE r(a)")
    stock_file.run("BEGIN")
    stock_file.run("SELECT sample_sql('INSERT INTO r VALUES (1)')")
    assert stock_file.ours.in_transaction is True
    stock_file.run("ROLLBACK")
    assert stock_file.run("SELECT count(*) FROM r") == [(0,)]


def test_a_database_with_our_tables_opens_without_the_extension(stock_file, tmp_path):
    stock_file.run("CREATE VIRTUAL TABLE t USING sample")
    stock_file.run("CREATE TABLE r(a)")
    plain = apsw.Connection(str(tmp_path / "stock.db"))
    assert plain.execute("SELECT count(*) FROM r").get == 0
    assert plain.execute("PRAGMA integrity_check").get == "ok"
    plain.close()


def run_all(*targets):
    """Run functions in threads; fail when one fails or does not end."""
    problems = []

    def guarded(target):
        try:
            target()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=guarded, args=[target], daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert not any(thread.is_alive() for thread in threads)


def test_connections_work_in_parallel_threads(extension, stock):
    hosts = [stock, SystemHost(extension), LoadedApswHost(extension)]

    def work(host):
        host.run("CREATE VIRTUAL TABLE t USING sample")
        for n in range(50):
            host.run(f"INSERT INTO t VALUES ({n}, 0, 0)")
            assert host.run("SELECT count(*) FROM numbers(100)") == [(100,)]
        assert host.run("SELECT count(*) FROM t") == [(50,)]

    run_all(*(lambda host=host: work(host) for host in hosts))
    for host in hosts:
        host.close()


def test_host_and_python_share_a_connection_without_deadlock(stock):
    """One thread holds the mutex and needs the GIL, the other is the opposite."""

    def from_host():
        for _ in range(300):
            assert stock.run("SELECT count(*) FROM numbers(20)") == [(20,)]

    def from_python():
        for n in range(300):
            assert stock.ours.execute("SELECT sum(value), ? FROM numbers(20)", (n,)).get == (190, n)

    run_all(from_host, from_python)
    stock.close()


def test_an_exception_on_its_way_is_not_disturbed(loaded_host):
    """Closing a cursor runs callbacks, also while an exception unwinds the stack."""
    loaded_host.run("CREATE VIRTUAL TABLE t USING sample")
    loaded_host.run("INSERT INTO t VALUES (1, 2, 3), (4, 5, 6)")

    def work():
        cursor = loaded_host.ours.execute("SELECT * FROM t")
        next(cursor)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        work()
    assert loaded_host.run("SELECT count(*) FROM t") == [(2,)]


def test_errors_nobody_can_be_told_of_are_unraisable(loaded_host, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: told.append(str(report.exc_value)))
    loaded_host.run("CREATE VIRTUAL TABLE f USING faulty(Commit, bug)")
    told.clear()
    loaded_host.run("INSERT INTO f VALUES (1, 2)")
    assert told == ["division by zero"]


def test_a_refused_entry_point_can_be_retried(built, tmp_path):
    for file in built.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "flaky_entry.py").write_text(
        "calls = []\n"
        "def initialise(connection):\n"
        "    calls.append(connection)\n"
        "    if len(calls) == 1:\n"
        "        raise ValueError('not yet')\n"
        "    connection.create_scalar_function('flaky', lambda: len(calls))\n"
    )
    build.write_settings(
        tmp_path, entry="flaky_entry:initialise", paths=[tmp_path, *build.package_paths()]
    )
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    path = str(tmp_path / build.bootstrap_name())
    with pytest.raises(apsw.ExtensionLoadingError, match="LIX_ERROR_UNKNOWN: ValueError: not yet"):
        connection.load_extension(path)
    connection.load_extension(path)
    assert connection.execute("SELECT flaky()").get == 2
    connection.close()
