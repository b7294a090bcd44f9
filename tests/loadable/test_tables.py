"""The same SQL gives the same rows, errors and callbacks whichever way the tables came in."""

from __future__ import annotations

import pytest
from loadable_hosts import Refused

CREATE = "CREATE VIRTUAL TABLE t USING sample(a, b, c)"
FILL = "INSERT INTO t VALUES (1, 'one', 1.5), (2, 'two', x'00ff'), (3, NULL, 'é日')"

SCRIPTS = {
    "every type": ([CREATE, FILL, "SELECT * FROM t"], [(1, "one", 1.5), (2, "two", b"\0\xff"), (3, None, "é日")]),
    "rowid": ([CREATE, FILL, "SELECT rowid, a FROM t WHERE rowid > 1"], [(2, 2), (3, 3)]),
    "given rowid": (
        [CREATE, "INSERT INTO t(rowid, a) VALUES (77, 1)", "SELECT rowid, a FROM t"],
        [(77, 1)],
    ),
    "last_insert_rowid": ([CREATE, FILL, "SELECT last_insert_rowid(), changes()"], [(3, 3)]),
    "insert select": (
        [CREATE, "INSERT INTO t SELECT value, text, real FROM numbers(3)", "SELECT * FROM t"],
        [(0, "row 0", 0.0), (1, "row 1", 0.25), (2, "row 2", 0.5)],
    ),
    "update one column": (
        [CREATE, FILL, "UPDATE t SET b = 'new' WHERE a = 2", "SELECT a, b, c FROM t WHERE a = 2"],
        [(2, "new", b"\0\xff")],
    ),
    "update rowid": (
        [CREATE, FILL, "UPDATE t SET rowid = 9 WHERE a = 1", "SELECT rowid, a FROM t ORDER BY rowid"],
        [(2, 2), (3, 3), (9, 1)],
    ),
    "update from": (
        [CREATE, FILL, "UPDATE t SET b = n.text FROM numbers(3) AS n WHERE n.value = t.a", "SELECT a, b FROM t"],
        [(1, "row 1"), (2, "row 2"), (3, None)],
    ),
    "delete": ([CREATE, FILL, "DELETE FROM t WHERE a IN (1, 3)", "SELECT a FROM t"], [(2,)]),
    "or ignore": (
        [CREATE, FILL, "INSERT OR IGNORE INTO t VALUES (1, 'x', 0), (4, 'y', 0)", "SELECT a, b FROM t"],
        [(1, "one"), (2, "two"), (3, None), (4, "y")],
    ),
    "or replace": (
        [CREATE, FILL, "REPLACE INTO t VALUES (1, 'x', 0)", "SELECT a, b FROM t ORDER BY a"],
        [(1, "x"), (2, "two"), (3, None)],
    ),
    "rollback": ([CREATE, FILL, "BEGIN", "DELETE FROM t", "ROLLBACK", "SELECT count(*) FROM t"], [(3,)]),
    "savepoints": (
        [
            CREATE, "BEGIN", "INSERT INTO t(a) VALUES (1)", "SAVEPOINT s", "INSERT INTO t(a) VALUES (2)",
            "SAVEPOINT u", "INSERT INTO t(a) VALUES (3)", "ROLLBACK TO u", "INSERT INTO t(a) VALUES (4)",
            "RELEASE u", "ROLLBACK TO s", "INSERT INTO t(a) VALUES (5)", "RELEASE s", "COMMIT",
            "SELECT a FROM t",
        ],
        [(1,), (5,)],
    ),
    "in": ([CREATE, FILL, "SELECT a FROM t WHERE a IN (3, 1, 7)"], [(1,), (3,)]),
    "in with select": (
        [CREATE, FILL, "SELECT a FROM t WHERE a IN (SELECT value FROM numbers(3)) AND b IS NOT NULL"],
        [(1,), (2,)],
    ),
    "limit": ([CREATE, FILL, "SELECT a FROM t LIMIT 1 OFFSET 1"], [(2,)]),
    "limit with filter": ([CREATE, FILL, "SELECT a FROM t WHERE c > 1 LIMIT 1 OFFSET 1"], [(2,)]),
    "limit on a join": (
        [CREATE, FILL, "SELECT t.a, n.value FROM t, numbers(3) AS n ORDER BY 1, 2 LIMIT 2 OFFSET 2"],
        [(1, 2), (2, 0)],
    ),
    "join": (
        [CREATE, FILL, "SELECT l.a, r.a FROM t AS l JOIN t AS r ON r.a = l.a + 1 WHERE r.a IN (2, 3)"],
        [(1, 2), (2, 3)],
    ),
    "left join": (
        [CREATE, FILL, "SELECT n.value, t.b FROM numbers(2) AS n LEFT JOIN t ON t.a = n.value"],
        [(0, None), (1, "one")],
    ),
    "distinct and group": (
        [CREATE, FILL, "SELECT typeof(c), count(DISTINCT a) FROM t GROUP BY 1 ORDER BY 1"],
        [("blob", 1), ("real", 1), ("text", 1)],
    ),
    "order consumed": ([CREATE, FILL, "SELECT a FROM t ORDER BY rowid LIMIT 2"], [(1,), (2,)]),
    "two cursors": (
        [CREATE, FILL, "SELECT count(*) FROM t AS x, t AS y, numbers(4)"],
        [(36,)],
    ),
    "list cursor": (
        ["SELECT value, text, real, blob, empty, stop FROM numbers(2)"],
        [(0, "row 0", 0.0, b"blob", None, 2), (1, "row 1", 0.25, b"blob", None, 2)],
    ),
    "plain cursor": (
        ["SELECT value, text, real, blob, empty FROM plain_numbers(2)"],
        [(0, "row 0", 0.0, b"blob", None), (1, "row 1", 0.25, b"blob", None)],
    ),
    "values outlive the row": (
        ["SELECT max(text), min(text), max(blob) FROM numbers(1000)"],
        [("row 999", "row 0", b"blob")],
    ),
    "lateral": (
        ["SELECT count(*) FROM numbers(5) AS l, numbers AS r WHERE r.stop = l.value"],
        [(10,)],
    ),
    "function of the table": (
        [CREATE, FILL, "SELECT sample_twice(a), sample_twice(21) FROM t LIMIT 1"],
        [("overloaded 1", 42)],
    ),
    "rename": ([CREATE, FILL, "ALTER TABLE t RENAME TO u", "SELECT name FROM sqlite_schema"], [("u",)]),
    "returning": ([CREATE, "INSERT INTO t VALUES (1, 2, 3) RETURNING a + b"], [(3,)]),
    "sql in a function": (
        [CREATE, FILL, "SELECT sample_sql('SELECT count(*) FROM t')"],
        [("3",)],
    ),
    "write in a function": (
        [CREATE, "SELECT sample_sql('INSERT INTO t VALUES (1, 2, 3); SELECT a FROM t')"],
        [("1",)],
    ),
    "attached": (
        ["ATTACH ':memory:' AS aux1", "CREATE VIRTUAL TABLE aux1.t USING sample", "INSERT INTO aux1.t VALUES (1, 2, 3)",
         "SELECT * FROM aux1.t"],
        [(1, 2, 3)],
    ),
    "drop": ([CREATE, "DROP TABLE t", "SELECT count(*) FROM sqlite_schema"], [(0,)]),
    "wide": (["SELECT sample_echo(" + ", ".join(map(str, range(100))) + ")"], [(99,)]),
    "function types": (
        ["SELECT sample_type(1), sample_type(1.0), sample_type('a'), sample_type(x'00'), sample_type(NULL)"],
        [("int", "float", "str", "bytes", "NoneType")],
    ),
    "function results": (
        ["SELECT sample_echo(9223372036854775807), sample_echo(-1e300), sample_echo('a' || char(0) || 'é') = 'a' || char(0) || 'é',"
         " sample_echo(x''), sample_echo(zeroblob(2)), sample_echo()"],
        [(9223372036854775807, -1e300, 1, b"", b"\0\0", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_gives_these_rows(host, name):
    statements, expected = SCRIPTS[name]
    for statement in statements[:-1]:
        host.run(statement)
    assert host.run(statements[-1]) == expected


@pytest.mark.parametrize("name", SCRIPTS)
def test_callbacks_are_those_of_apsw(pair, name):
    logs = []
    for host in pair:
        for statement in SCRIPTS[name][0]:
            host.run(statement)
        logs.append(host.run("SELECT sample_log()")[0][0])
    assert logs[1] == logs[0]


def test_savepoints_are_delivered_in_every_host(host):
    for statement in SCRIPTS["savepoints"][0]:
        host.run(statement)
    log = host.run("SELECT sample_log()")[0][0].split("\n")
    told = [line for line in log if line.startswith(("Savepoint", "RollbackTo", "Release"))]
    assert "Savepoint 0" in told
    assert "Savepoint 1" in told
    assert [line for line in told if line.startswith("RollbackTo")] == [
        "RollbackTo 1",
        "RollbackTo 0",
    ]
    assert "Release 0" in told


def test_pushdown_reaches_every_host(host):
    host.run(CREATE)
    host.run(FILL)
    host.run("SELECT sample_log()")
    host.run("SELECT a FROM t WHERE a IN (1, 2) LIMIT 5")
    plan = host.run("SELECT sample_log()")[0][0]
    assert "0:2:True:True:BINARY limit=5 used=[0] distinct=0" in plan
    assert 'Filter 2 [[0, "in"], [-1, "limit"]] [[1, 2], 5]' in plan


@pytest.mark.parametrize(
    ("sql", "distinct"),
    [
        ("SELECT a FROM t ORDER BY a", 0),
        ("SELECT a FROM t GROUP BY a", 1),
        ("SELECT DISTINCT a FROM t", 2),
        ("SELECT DISTINCT a FROM t ORDER BY a", 3),
    ],
)
def test_distinct_reaches_every_host(host, sql, distinct):
    host.run(CREATE)
    host.run("SELECT sample_log()")
    host.run(sql)
    assert f"distinct={distinct}" in host.run("SELECT sample_log()")[0][0]


def test_columns_used_and_unchanged_columns_are_known(host):
    host.run(CREATE)
    host.run(FILL)
    host.run("SELECT sample_log()")
    host.run("UPDATE t SET c = 0 WHERE a = 2")
    log = host.run("SELECT sample_log()")[0][0]
    assert 'UpdateChangeRow 2 2 ["same", "same", 0]' in log
    host.run("SELECT c FROM t")
    assert "used=[2]" in host.run("SELECT sample_log()")[0][0]


def test_a_failing_statement_leaves_nothing(loaded_host):
    host = loaded_host  # APSW itself keeps RollbackTo back while an exception is on its way
    host.run(CREATE)
    host.run("BEGIN")
    host.run("INSERT INTO t VALUES (1, 2, 3)")
    with pytest.raises(Refused):
        host.run("INSERT INTO t VALUES (2, 2, 3), (3, 2, 3), ('refused', 0, 0)")
    assert host.run("SELECT a FROM t") == [(1,)]
    host.run("COMMIT")
    assert host.run("SELECT a FROM t") == [(1,)]


def test_or_fail_keeps_what_came_before(host):
    host.run(CREATE)
    with pytest.raises(Refused):
        host.run("INSERT OR FAIL INTO t VALUES (1, 0, 0), (1, 0, 0)")
    assert host.run("SELECT count(*) FROM t") == [(1,)]


def test_sync_can_refuse_a_commit(host):
    host.run(CREATE)
    host.run("BEGIN")
    host.run("INSERT INTO t VALUES ('unsyncable', 0, 0)")
    with pytest.raises(Refused, match=r"LIX_ERROR_UNIQUE: cannot be committed \(remove it\)"):
        host.run("COMMIT")
    assert host.run("SELECT count(*) FROM t") == [(0,)]  # SQLite has rolled back


def test_rename_can_be_refused(host):
    host.run(CREATE)
    with pytest.raises(Refused, match="cannot have this name"):
        host.run("ALTER TABLE t RENAME TO forbidden")
    assert host.run("SELECT name FROM sqlite_schema") == [("t",)]


def test_shadow_tables_are_protected_in_defensive_mode(pair):
    for host in pair:
        host.run("CREATE VIRTUAL TABLE sample_shadows USING sample_shadows")
        host.run("CREATE TABLE sample_shadows_data(x)")
        host.run("CREATE TABLE sample_shadows_other(x)")
        host.connection.config(1010, 1)  # SQLITE_DBCONFIG_DEFENSIVE
        host.run("INSERT INTO sample_shadows_other VALUES (1)")
        with pytest.raises(Refused, match="may not be modified"):
            host.run("INSERT INTO sample_shadows_data VALUES (1)")
        inside = host.run(
            "SELECT sample_sql('INSERT INTO sample_shadows_data VALUES (1) RETURNING x')"
        )
        assert inside == [("1",)]


def test_integrity_check_asks_the_table_where_sqlite_does(host):
    host.run(CREATE)
    assert host.run("PRAGMA integrity_check") == [("ok",)]
    host.run("INSERT INTO t(a) VALUES ('broken')")
    newer = tuple(map(int, host.version.split("."))) >= (3, 44, 0)
    expected = "main.t: a row is broken" if newer else "ok"
    assert host.run("PRAGMA integrity_check") == [(expected,)]


def test_a_table_without_a_plan_is_refused(host):
    host.run("CREATE VIRTUAL TABLE f USING faulty(False, bug)")
    assert host.run("SELECT count(*) FROM numbers(2)") == [(2,)]
    with pytest.raises(Refused, match="no query solution"):
        host.run("SELECT * FROM f")
