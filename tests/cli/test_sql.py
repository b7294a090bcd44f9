"""`lix sql`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def database(lix, work):
    lix("init", "a.lix")


def test_a_table(lix):
    done = lix("sql", "SELECT 1 AS n, 'a' AS t UNION ALL SELECT 20, NULL ORDER BY 1")
    assert done.out == " n  t\n 1  a\n20\n"


def test_every_statement_prints_its_rows(lix):
    done = lix("sql", "SELECT 1; CREATE TABLE t (x); INSERT INTO t VALUES (7); SELECT x FROM t")
    assert done.lines == ["1", "1", "x", "7"]


def test_json(lix):
    done = lix("sql", "--json", "SELECT 1 AS a, 'é' AS b, NULL AS c, 1.5 AS d, x'00ff' AS e")
    assert json.loads(done.out) == [
        {"a": 1, "b": "é", "c": None, "d": 1.5, "e": {"$base64": True, "encoded": "AP8="}}
    ]
    assert json.loads(lix("sql", "--json", "SELECT 1 WHERE 0").out) == []
    assert json.loads(lix("sql", "--json", "SELECT 9e999 AS x").out) == [{"x": "Inf"}]


def test_csv(lix):
    done = lix("sql", "--csv", "SELECT 'a,b' AS x, NULL AS y, x'00ff' AS z")
    assert list(csv.reader(io.StringIO(done.out))) == [["x", "y", "z"], ["a,b", "", "00ff"]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1", "1"),
        ("0.1 + 0.2", "0.3"),
        ("1e100", "1.0e+100"),
        ("-0.5e-7", "-5.0e-08"),
        ("3.0", "3.0"),
        ("9e999", "Inf"),
        ("-9e999", "-Inf"),
        ("NULL", ""),
        ("'a|b'", "a|b"),
        ("x'616200'", "ab"),
    ],
)
def test_lists_look_like_those_of_the_sqlite3_shell(lix, value, shown):
    assert lix("sql", "--list", f"SELECT {value}, 1").out == f"{shown}|1\n"


def test_where_statements_come_from(lix, work: Path):
    (work / "x.sql").write_text("SELECT 'file';")
    assert lix("sql", "--list", "-f", "x.sql").out == "file\n"
    assert lix("sql", "--list", given="SELECT 'stdin';").out == "stdin\n"
    assert lix("sql", "--list", "-", given="SELECT 'dash'").out == "dash\n"
    assert lix("sql", given="  -- nothing\n").out == ""
    assert "not both" in lix("sql", "SELECT 1", "-f", "x.sql", code=10).err


def test_parameters(lix):
    done = lix("sql", "--json", "-p", "n", "12", "-p", ":t", "1x", "SELECT :n + 1 AS a, $t AS b")
    assert json.loads(done.out) == [{"a": 13, "b": "1x"}]
    assert lix("sql", "--list", "-p", "a", "1.5", "SELECT :a; SELECT 2").lines == ["1.5", "2"]
    assert "no value for :b" in lix("sql", "-p", "a", "1", "SELECT :a, :b", code=10).err


def test_a_failing_statement_ends_the_run(lix):
    script = "CREATE TABLE t (x);\nINSERT INTO t VALUES (1);\nSELECT * FROM nowhere;\nDROP TABLE t;"
    done = lix("sql", given=script, code=10)
    assert "LIX_TABLE_NOT_FOUND: line 3: " in done.err
    assert lix("sql", "--list", "SELECT x FROM t").out == "1\n"


def test_keep_going(lix):
    done = lix("sql", "--list", "--keep-going", "SELECT 1; SELECT * FROM no; SELECT 2", code=10)
    assert done.out == "1\n2\n"
    assert done.err.count("error: ") == 1
    done = lix("sql", "--list", "--keep-going", "SELECT nope; SELECT * FROM no; SELECT 2", code=10)
    assert done.out == "2\n"
    assert done.err.count("error: ") == 2


def test_atomic(lix):
    script = "CREATE TABLE t (x); INSERT INTO t VALUES (1); SELECT * FROM nowhere"
    lix("sql", "--atomic", script, code=10)
    assert lix("sql", "--list", "SELECT count(*) FROM sqlite_schema WHERE name = 't'").out == "0\n"
    count = "SELECT count(*) FROM lix_log"
    before = int(lix("sql", "--list", count).out)
    put = "INSERT INTO lix_key_value (key, value) VALUES ('{0}', 1);"
    lix("sql", "--atomic", put.format("a") + put.format("b"))
    assert int(lix("sql", "--list", count).out) == before + 1
    lix("sql", put.format("c") + put.format("d"))
    assert int(lix("sql", "--list", count).out) == before + 3


def test_what_execute_adds_is_there(lix):
    put = "INSERT INTO lix_key_value (key, value) VALUES ('k', 'a')"
    lix("sql", put)
    lix("sql", f"{put} ON CONFLICT (key) DO UPDATE SET value = 'b'")
    done = lix(
        "sql", "--list", "UPDATE lix_key_value SET value = 'c' WHERE key = 'k' RETURNING value"
    )
    assert done.out == "c\n"


def test_text_cannot_control_the_terminal(lix):
    done = lix("sql", "SELECT char(27) || '[31mred' AS \"a\nb\", 'x' || char(10) || 'y' AS c")
    assert "\x1b" not in done.out
    assert done.lines[1] == "\\x1b[31mred  x\\ny"
