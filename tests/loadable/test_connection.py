"""HostConnection answers like apsw.Connection: each case runs on both and must end the same way."""

from __future__ import annotations

import itertools

import apsw
import pytest

TABLE = "CREATE TABLE r(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c)"


class Sequence:
    """A sequence that is neither tuple nor list."""

    def __len__(self):
        return 2

    def __getitem__(self, n):
        return (1, "two")[n]


class Mapping(dict):
    def __missing__(self, key):
        return f"missing {key}"


CASES = {
    "no rows": lambda c: c.execute("SELECT 1 WHERE 0").fetchall(),
    "fetchone": lambda c: c.execute("SELECT 1, 'a'").fetchone(),
    "fetchone at the end": lambda c: c.execute("SELECT 1 WHERE 0").fetchone(),
    "iteration": lambda c: list(c.execute("VALUES (1), (2), (3)")),
    "next": lambda c: next(c.execute("VALUES (1), (2)")),
    "get nothing": lambda c: c.execute("SELECT 1 WHERE 0").get,
    "get value": lambda c: c.execute("SELECT 1").get,
    "get row": lambda c: c.execute("SELECT 1, 2").get,
    "get column": lambda c: c.execute("VALUES (1), (2)").get,
    "get rows": lambda c: c.execute("VALUES (1, 2), (3, 4)").get,
    "get mixed": lambda c: c.execute("SELECT 1; SELECT 2, 3").get,
    "types": lambda c: c.execute("SELECT 1, 1.5, 'é', x'00ff', NULL, '', x'', 'a' || char(0) || 'b'").get,
    "extremes": lambda c: c.execute("SELECT 9223372036854775807, -9223372036854775808, 1e999, ''").get,
    "bind types": lambda c: c.execute("SELECT ?,?,?,?,?,?,?", (None, 1, 1.5, "é\0", b"\0", True, "")).get,
    "bind buffers": lambda c: c.execute("SELECT ?, ?, ?", (bytearray(b"a"), memoryview(b"b"), b"")).get,
    "bind list": lambda c: c.execute("SELECT ?, ?", [1, 2]).get,
    "bind other sequence": lambda c: c.execute("SELECT ?, ?", Sequence()).get,
    "bind text as sequence": lambda c: c.execute("SELECT ?, ?", "ab").get,
    "bind names": lambda c: c.execute("SELECT :a, @b, $c, :a", {"a": 1, "b": 2, "c": 3}).get,
    "bind mapping": lambda c: c.execute("SELECT :a, :z", Mapping(a=1)).get,
    "bind names by position": lambda c: c.execute("SELECT :a, :b", (1, 2)).get,
    "bind numbers": lambda c: c.execute("SELECT ?2, ?1", (1, 2)).get,
    "bind over statements": lambda c: c.execute("SELECT ?; SELECT ?, ?", (1, 2, 3)).fetchall(),
    "bind names over statements": lambda c: c.execute("SELECT :a; SELECT :a, :b", {"a": 1, "b": 2}).fetchall(),
    "bind too few": lambda c: c.execute("SELECT ?, ?", (1,)),
    "bind too many": lambda c: c.execute("SELECT ?", (1, 2)),
    "bind none": lambda c: c.execute("SELECT ?"),
    "bind missing name": lambda c: c.execute("SELECT :a", {}),
    "bind unnamed by name": lambda c: c.execute("SELECT ?", {"a": 1}),
    "bind huge": lambda c: c.execute("SELECT ?", (1 << 70,)),
    "bind object": lambda c: c.execute("SELECT ?", (object(),)),
    "bind surrogate": lambda c: c.execute("SELECT ?", ("\ud800",)),
    "bind number": lambda c: c.execute("SELECT ?", 5),
    "empty": lambda c: c.execute("").fetchall(),
    "comments": lambda c: c.execute("-- nothing\n/* at all */ ; ;").fetchall(),
    "comment first": lambda c: c.execute("-- one\nSELECT 1 -- two\n; -- three").fetchall(),
    "statements": lambda c: c.execute(f"{TABLE}; INSERT INTO r VALUES (1,2,3); SELECT * FROM r;;").fetchall(),
    "statements with an error": lambda c: (
        outcome(lambda c: c.execute(f"{TABLE}; INSERT INTO r VALUES (1,2,3); nonsense"), c),
        c.execute("SELECT * FROM r").get,
    ),
    "syntax": lambda c: c.execute("SELEC 1"),
    "syntax far away": lambda c: c.execute("SELECT 1 FROM nowhere"),
    "not text": lambda c: c.execute(b"SELECT 1"),
    "unique": lambda c: c.execute(f"{TABLE}; INSERT INTO r(b) VALUES ('x'), ('x')"),
    "error on a later row": lambda c: list(c.execute("SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT -9223372036854775808)")),
    "not utf-8": lambda c: c.execute("SELECT CAST(x'ff' AS TEXT)").fetchall(),
    "executemany": lambda c: (
        c.execute(TABLE), c.executemany("INSERT INTO r(b) VALUES (?)", [("x",), ("y",)]), c.execute("SELECT b FROM r").get,
    )[2:],
    "executemany with rows": lambda c: c.executemany("SELECT ?; SELECT ?", ((n, n + 1) for n in range(3))).fetchall(),
    "executemany of dicts": lambda c: c.executemany("SELECT :a", [{"a": 1}, {"a": 2}]).fetchall(),
    "executemany of nothing": lambda c: c.executemany("SELECT ?", []).fetchall(),
    "executemany that fails": lambda c: (
        c.execute(TABLE), outcome(lambda c: c.executemany("INSERT INTO r(b) VALUES (?)", [("x",), ("x",)]), c),
        c.execute("SELECT b FROM r").get,
    )[1:],
    "executemany whose source fails": lambda c: c.executemany("SELECT ?", (1 / 0 for _ in [1])),
    "executemany of no sequence": lambda c: c.executemany("SELECT ?", [5]),
    "changes": lambda c: (c.execute(f"{TABLE}; INSERT INTO r(b) VALUES (1), (2), (3); UPDATE r SET c = 1 WHERE a > 1"), c.changes(), c.total_changes())[1:],
    "rowids": lambda c: (c.execute(f"{TABLE}; INSERT INTO r(a) VALUES (77)"), c.last_insert_rowid(), c.set_last_insert_rowid(5), c.last_insert_rowid())[1:],
    "rowid is a number": lambda c: c.set_last_insert_rowid("x"),
    "in transaction": lambda c: (c.in_transaction, c.execute("BEGIN"), c.in_transaction, c.execute("ROLLBACK"), c.in_transaction)[::2],
    "savepoints": lambda c: (c.execute(f"{TABLE}; SAVEPOINT s; INSERT INTO r(a) VALUES (1); ROLLBACK TO s; RELEASE s"), c.execute("SELECT count(*) FROM r").get)[1],
    "filename": lambda c: c.filename,
    "db_names": lambda c: (c.db_names(), c.execute("ATTACH ':memory:' AS b"), c.db_names())[::2],
    "limit": lambda c: (c.limit(apsw.SQLITE_LIMIT_ATTACHED, 3) > 3, c.limit(apsw.SQLITE_LIMIT_ATTACHED)),
    "data_version": lambda c: (v := c.data_version(), c.execute(TABLE), c.data_version() != v, c.data_version("main") == c.data_version())[2:],
    "data_version of nothing": lambda c: c.data_version("nowhere"),
    "config": lambda c: (c.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1), c.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1), c.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1)),
    "config of nothing": lambda c: c.config(99999, 1),
    "config without value": lambda c: c.config(apsw.SQLITE_DBCONFIG_DEFENSIVE),
    "readonly": lambda c: (c.readonly("main"), c.readonly("temp")),
    "readonly of nothing": lambda c: c.readonly("nowhere"),
    "interrupted": lambda c: c.is_interrupted,
    "on_conflict outside": lambda c: c.vtab_on_conflict(),
    "config outside": lambda c: c.vtab_config(apsw.SQLITE_VTAB_INNOCUOUS),
    "function": lambda c: (c.create_scalar_function("f", lambda *a: len(a)), c.execute("SELECT f(), f(1, 2)").get)[1],
    "function by count": lambda c: (
        c.create_scalar_function("f", lambda a: "one", 1), c.create_scalar_function("f", lambda *a: "any"),
        c.execute("SELECT f(1), f(1, 2)").get,
    )[2],
    "function removed": lambda c: (c.create_scalar_function("f", len), c.create_scalar_function("f", None), outcome(lambda c: c.execute("SELECT f()"), c))[2],
    "function not callable": lambda c: c.create_scalar_function("f", 5),
    "function directonly": lambda c: (
        c.create_scalar_function("f", lambda: 1, 0, flags=apsw.SQLITE_DIRECTONLY), c.execute("CREATE VIEW v AS SELECT f()"),
        outcome(lambda c: c.execute("SELECT * FROM v"), c), c.execute("SELECT f()").get,
    )[2:],
    "function deterministic": lambda c: (
        c.create_scalar_function("f", abs, 1, deterministic=True), c.execute("CREATE TABLE i(a); CREATE INDEX x ON i(f(a))").get,
    )[1],
    "function not deterministic": lambda c: (
        c.create_scalar_function("f", abs, 1), outcome(lambda c: c.execute("CREATE TABLE i(a); CREATE INDEX x ON i(f(a))"), c),
    )[1],
    "function that raises": lambda c: (c.create_scalar_function("f", lambda: 1 / 0), c.execute("SELECT f()"))[1],
    "function with a bad result": lambda c: (c.create_scalar_function("f", dict), c.execute("SELECT f()"))[1],
    "function with a huge result": lambda c: (c.create_scalar_function("f", lambda: 1 << 70), c.execute("SELECT f()"))[1],
    "function of buffers": lambda c: (c.create_scalar_function("f", lambda: bytearray(b"x")), c.execute("SELECT f()").get)[1],
    "module removed": lambda c: (c.create_module("numbers", None), outcome(lambda c: c.execute("SELECT * FROM numbers(1)"), c))[1],
    "description": lambda c: (c.execute(TABLE), [d[:2] for d in c.execute("INSERT INTO r(a) VALUES (1) RETURNING a, b AS z, 1 + 1").description])[1],
    "closed cursor": lambda c: (cursor := c.execute("VALUES (1), (2)"), cursor.close(), cursor.fetchone()),
    "same text twice at once": lambda c: [(a, b) for a in c.execute("VALUES (1), (2)") for b in c.execute("VALUES (1), (2)")],
    "schema change between": lambda c: (
        c.execute(TABLE), c.execute("SELECT * FROM r").get, c.execute("ALTER TABLE r ADD d DEFAULT 4; INSERT INTO r(a) VALUES (1)"),
        c.execute("SELECT * FROM r").get,
    )[3],
    "drop while a cursor was left": lambda c: (
        c.execute(f"{TABLE}; INSERT INTO r(a) VALUES (1), (2)"), next(c.execute("SELECT * FROM r")), c.execute("DROP TABLE r").get,
    )[2],
    "cursor's connection": lambda c: c.execute("SELECT 1").connection is c,
    "bindings by keyword": lambda c: c.execute("SELECT ?", bindings=(1,)).get,
}  # fmt: skip


def outcome(case, connection):
    """What became of it: the result, or the class and the numbers of the exception."""
    try:
        return case(connection)
    except Exception as error:
        numbers = [getattr(error, n, None) for n in ("result", "extendedresult", "error_offset")]
        return type(error), *numbers


@pytest.mark.parametrize("name", CASES)
def test_it_answers_like_apsw(pair, name):
    reference, loaded = (outcome(CASES[name], host.ours) for host in pair)
    assert loaded == reference


@pytest.mark.parametrize("name", CASES)
def test_it_answers_the_same_on_the_stock_library(pair, system_host, name):
    reference = outcome(CASES[name], pair[0].ours)
    assert outcome(CASES[name], system_host.ours) == reference


def test_messages_are_those_of_sqlite(pair):
    for sql in ("SELEC 1", "SELECT * FROM nowhere", "SELECT nope"):
        texts = []
        for host in pair:
            with pytest.raises(apsw.SQLError) as caught:
                host.ours.execute(sql)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


def test_statements_are_prepared_once(loaded_host):
    """Preparing runs BestIndexObject, which the log shows."""
    ours = loaded_host.ours
    ours.execute("CREATE VIRTUAL TABLE t USING sample")
    ours.execute("SELECT sample_log()").get
    for n in range(5):
        ours.execute("SELECT b FROM t WHERE a = ?", (n,)).fetchall()
    log = ours.execute("SELECT sample_log()").get
    assert log.count("BestIndexObject") == 1
    assert log.count("Filter") == 5


def test_the_cache_holds_more_texts_than_fit(loaded_host):
    ours = loaded_host.ours
    for _ in range(2):
        assert [ours.execute(f"SELECT {n}").get for n in range(1000)] == list(range(1000))


def test_a_cursor_is_lazy(loaded_host):
    """Only rows that are asked for are computed."""
    ours, called = loaded_host.ours, []
    ours.create_scalar_function("seen", called.append, 1)
    cursor = ours.execute("SELECT value, seen(value) FROM numbers(1000)")
    rows = list(itertools.islice(cursor, 3))
    assert [row[0] for row in rows] == [0, 1, 2]
    assert len(called) <= 4


def test_a_cursor_cannot_run_inside_itself(loaded_host):
    ours = loaded_host.ours
    cursors = []
    ours.create_scalar_function("again", lambda n: cursors[0].fetchone() if cursors else n, 1)
    cursors.append(ours.execute("SELECT again(value) FROM numbers(3)"))
    with pytest.raises(RuntimeError, match="running already"):
        cursors[0].fetchall()


def test_only_modules_with_index_objects_are_accepted(loaded_host):
    with pytest.raises(ValueError, match="use_bestindex_object"):
        loaded_host.ours.create_module("x", object())


def test_nul_in_sql_is_refused(loaded_host):
    with pytest.raises(ValueError, match="NUL"):
        loaded_host.ours.execute("SELECT 1\0; DROP TABLE t")


@pytest.mark.parametrize("arguments", [(), ("SELECT 1", (), 3)])
def test_wrong_arguments_are_refused(loaded_host, arguments):
    with pytest.raises(TypeError, match=r"execute\(statements"):
        loaded_host.ours.execute(*arguments)


def test_index_info_checks_its_arguments(loaded_host):
    seen = []

    class Module:
        def Create(self, *args):
            return "CREATE TABLE x(a)", self

        Connect = Create

        def BestIndexObject(self, info):
            seen.append(info)
            for wrong in (
                lambda: info.get_aConstraint_op(99),
                lambda: info.get_aOrderBy_desc(0),
                lambda: info.set_aConstraintUsage_argvIndex(-1, 1),
            ):
                with pytest.raises(IndexError, match="out of range"):
                    wrong()
            with pytest.raises(TypeError, match="2 arguments"):
                info.set_aConstraintUsage_omit(0)
            with pytest.raises(ValueError, match="not an 'in'"):
                info.set_aConstraintUsage_in(0, True)
            with pytest.raises(TypeError):
                info.idxNum = "x"
            with pytest.raises(AttributeError):
                del info.idxStr
            with pytest.raises(AttributeError):
                info.nConstraint = 1
            info.idxStr, info.idxNum, info.idxFlags = "é", -5, 1
            info.estimatedCost, info.estimatedRows, info.orderByConsumed = 2, 3, True
            assert (info.idxStr, info.idxNum, info.idxFlags) == ("é", -5, 1)
            assert (info.estimatedCost, info.estimatedRows) == (2.0, 3)
            assert info.orderByConsumed is True
            assert info.get_aConstraint_rhs(0) == 7
            assert info.get_aConstraint_collation(0) == "BINARY"
            assert info.get_aConstraintUsage_omit(0) is False
            assert info.get_aConstraintUsage_argvIndex(0) == 0
            info.idxStr = None
            return True

        def Open(self):
            return self

        def Filter(self, number, text, args):
            assert (number, text, args) == (-5, None, ())

        def Eof(self):
            return True

    loaded_host.ours.create_module("checks", Module(), use_bestindex_object=True)
    loaded_host.run("CREATE VIRTUAL TABLE t USING checks")
    assert loaded_host.run("SELECT * FROM t WHERE a = 7") == []
    with pytest.raises(apsw.InvalidContextError):
        seen[0].idxNum
