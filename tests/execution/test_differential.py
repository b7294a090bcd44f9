"""Whatever SQLite understands does the same through the executor as on a bare connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from lix_vtab.errors import LixError
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.result import Result
from lix_vtab.execution.statements import run
from tests.execution.conftest import TABLES

STATEMENTS = [
    statement
    for statement in Path(__file__).with_name("differential.sql").read_text().split(";\n")
    if statement
]


def native(db: apsw.Connection, sql: str, params: Any) -> tuple[Any, ...]:
    try:
        # Each statement of the file stands alone, save one that is two on a line.
        found = run(db, sql, params)
    except apsw.Error as error:
        return type(error), str(error)
    return found.rows, Result(found.rows, found.description).columns


def through(executor: Executor, sql: str, params: Any) -> tuple[Any, ...]:
    try:
        found = executor.execute(sql, params)
    except apsw.Error as error:
        parents = [kind for kind in type(error).__mro__ if kind.__module__.startswith("apsw")]
        return parents[0], error.message if isinstance(error, LixError) else repr(error)
    return found.rows, found.columns


def same(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """Compare results; our messages may say more than SQLite's."""
    if isinstance(theirs[0], type) and isinstance(ours[0], type):
        return ours[0] is theirs[0] and theirs[1] in ours[1] and "Error(" not in ours[1]
    return repr(ours) == repr(theirs)


def test_every_kind_of_statement_twice():
    # The second round takes the cached way, on a schema that has changed in between.
    bare, db = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    executor = Executor(db, lambda: Catalogue.of(1, TABLES))
    compared = 0
    for _ in range(2):
        for sql in STATEMENTS:
            theirs, ours = native(bare, sql, ()), through(executor, sql, ())
            assert same(ours, theirs), f"{sql}\n ours   {ours}\n theirs {theirs}"
            assert db.in_transaction == bare.in_transaction, sql
            assert db.changes() == bare.changes(), sql
            assert db.last_insert_rowid() == bare.last_insert_rowid(), sql
            compared += not isinstance(theirs[0], type)
    assert compared > 150
    for table in ("t", "generated", "strict_t", "p", "q"):
        rows = [list(one.execute(f"SELECT * FROM {table}")) for one in (bare, db)]
        assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT ?, ?2, ?", (1, 2, 3)),
        ("SELECT ?3, ?1, ?", (1, 2, 3, 4)),
        ("SELECT :a, @b, $c, :a", {"a": 1, "b": "x", "c": None}),
        ("SELECT $a::b", {"a::b": 5}),
        ("SELECT ?, typeof(?1)", (b"\0\xff",)),
        ("SELECT ?, typeof(?1)", (2**63 - 1,)),
        ("SELECT ?, typeof(?1)", (-(2**63),)),
        ("SELECT ?, typeof(?1)", (1e308,)),
        ("SELECT ?, typeof(?1)", (float("inf"),)),
        ("SELECT ?, typeof(?1)", (float("nan"),)),
        ("SELECT ?, typeof(?1)", (-0.0,)),
        ("SELECT ?, typeof(?1)", (0.1 + 0.2,)),
        ("SELECT ?, typeof(?1)", ("a\0b",)),
        ("SELECT ?, typeof(?1)", ("😀\ufeff",)),
        ("SELECT ?, typeof(?1)", (True,)),
        ("SELECT ?, typeof(?1)", (bytearray(b"x"),)),
        ("SELECT ?, typeof(?1)", (memoryview(b"xyz"),)),
        ("SELECT length(?)", (apsw.zeroblob(1000),)),
        ("SELECT value FROM carray(?)", (apsw.carray(("a", "b")),)),
        ("INSERT INTO t VALUES (?, ?) RETURNING *", [1, b""]),
    ],
)
def test_parameters(sql, params):
    bare, db = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    executor = Executor(db, lambda: Catalogue.of(1, TABLES))
    for connection in (bare, db):
        connection.execute("CREATE TABLE t(a, b)")
    for _ in range(2):
        assert same(through(executor, sql, params), native(bare, sql, params))


def test_scripts_end_in_the_same_state():
    bare, db = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    executor = Executor(db, lambda: Catalogue.of(1, TABLES))
    script = """
        CREATE TABLE t(a UNIQUE, b);
        CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = b + 1; SELECT 1; END;
        INSERT INTO t VALUES (1, 1), (2, 2);
        -- a comment; between
        INSERT INTO t VALUES (2, 9) ON CONFLICT (a) DO UPDATE SET b = excluded.b;
        SELECT sum(b) FROM t;
    """
    expected = bare.execute(script).fetchall()
    assert executor.execute(script).rows == expected
    both = [list(one.execute("SELECT * FROM t ORDER BY a")) for one in (bare, db)]
    assert both[0] == both[1]
