"""Lowered statements do on a virtual table what they do natively on an ordinary one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from lix_vtab.errors import ColumnNotFound, ConstraintError, SqlError, UnsupportedSql
from lix_vtab.execution.catalogue import Table, UniqueKey
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.lower import lower

SEED = (
    "INSERT INTO entry (k, u, n) VALUES ('a', 1, 10), ('b', 2, 20), ('c', NULL, 30)",
    "INSERT INTO entry (k, s, u, n) VALUES ('a', 'g', 4, 40)",
    "INSERT INTO item (id, a, b) VALUES (1, 'x', 100), (2, 'y', 200), (5, 'z', 300)",
)

STATEMENTS = [
    statement
    for statement in Path(__file__).with_name("lowering.sql").read_text().split(";\n")
    if statement.strip()
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_same_as_native(native, virtual, sql):
    for side in (native, virtual):
        for seed in SEED:
            side.db.execute(seed)
    assert virtual.run(sql) == native.run(sql)


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (
            "INSERT INTO entry (k, n) VALUES (?, ?), (?, ?) ON CONFLICT (k, s)"
            " DO UPDATE SET n = excluded.n + ? WHERE n < ? RETURNING k, n, ? AS tag",
            ("a", 1, "d", 2, 1000, 500, "t"),
        ),
        (
            "INSERT INTO entry (k, n) VALUES (?2, ?1) ON CONFLICT (k, s) DO UPDATE SET n = ?1 * ?3",
            (6, "a", 7),
        ),
        (
            "INSERT INTO entry (k, n) VALUES (:k, :n) ON CONFLICT (k, s)"
            " DO UPDATE SET n = :n + @extra RETURNING n",
            {"k": "a", "n": 5, "extra": 90},
        ),
        ("UPDATE entry SET n = ? WHERE k = ? RETURNING k, n + ?", (1, "b", 2)),
        ("DELETE FROM entry WHERE k = $k RETURNING n, $k AS key", {"k": "b"}),
    ],
)
def test_parameters_reach_their_places(native, virtual, sql, params):
    for side in (native, virtual):
        for seed in SEED:
            side.db.execute(seed)
    # Names of unnamed result columns show the renumbered placeholder, so only values are compared.
    left, right = virtual.run(sql, params), native.run(sql, params)
    assert (left[0], *left[2:]) == (right[0], *right[2:])
    assert right[0] != "refused"


def test_a_failing_row_takes_the_statement_back(virtual):
    virtual.db.execute(SEED[0])
    before = virtual.contents()
    with pytest.raises(ConstraintError):
        virtual.executor.execute(
            "INSERT INTO entry (k, u, n) VALUES ('d', 9, 1), ('a', 1, 2), ('e', 2, 3)"
            " ON CONFLICT (k, s) DO UPDATE SET n = 0"
        )
    assert virtual.contents() == before
    assert not virtual.db.in_transaction


def test_a_failing_statement_leaves_the_transaction_open(virtual):
    virtual.executor.execute("BEGIN")
    virtual.executor.execute("INSERT INTO entry (k, u) VALUES ('kept', 1) RETURNING k")
    with pytest.raises(ConstraintError):
        virtual.executor.execute("INSERT INTO entry (k, u) VALUES ('x', 2), ('y', 1) RETURNING k")
    virtual.executor.execute("COMMIT")
    assert [row[0] for row in virtual.contents()] == ["kept"]


def test_last_insert_rowid_is_that_of_the_last_row(native, virtual):
    seen = []
    for side in (native, virtual):
        side.db.execute("INSERT INTO item (id, a) VALUES (7, 'x')")
        side.executor.execute("INSERT INTO item (a) VALUES ('p'), ('q') RETURNING id")
        seen.append(side.db.last_insert_rowid())
        side.executor.execute("INSERT OR IGNORE INTO item (a) VALUES ('p') RETURNING id")
        seen.append(side.db.last_insert_rowid())
    assert seen == [9, 9, 9, 9]


def test_ten_thousand_parameters_are_not_bound_for_every_row(virtual):
    rows = 2000
    params = [value for i in range(rows) for value in (f"k{i}", i)]
    marks = ", ".join(["(?, ?)"] * rows)
    sql = f"INSERT INTO item (a, b) VALUES {marks} ON CONFLICT (a) DO NOTHING"
    plan = virtual.executor.plan(sql)
    widest = max(len(t.slots) for t in plan.statements[0].lowering.templates[1:])
    assert widest == 2
    assert virtual.executor.execute(sql, params).changes == rows


def test_a_key_may_exclude_rows_that_are_not_in_the_way():
    # As for rows a version only inherits: inserting over them is no conflict.
    key = UniqueKey(("a",), where="b IS NOT NULL")
    table = Table("item", "entity", ("id", "a", "b"), identity=("id",), keys=(key,))
    lowered = lower("INSERT INTO item (a) VALUES ('x') ON CONFLICT (a) DO NOTHING", table)
    assert lowered.rules[0].finders[0].sql.endswith("AND (b IS NOT NULL)")


def test_a_row_is_addressed_by_identity_or_first_key_or_rowid():
    keys = (UniqueKey(("k",), scope=("v",)), UniqueKey(("u",)))
    columns = ("k", "v", "u")
    assert Table("t", "x", columns, identity=("u",), keys=keys).address == ("u",)
    assert Table("t", "x", columns, keys=keys).address == ("k", "v")
    assert Table("t", "x", columns).address == ("rowid",)
    lowered = lower("DELETE FROM t RETURNING u", Table("t", "x", columns, keys=keys))
    assert lowered.delete.sql == 'DELETE FROM t WHERE "k" = ?1 AND "v" = ?2'


def test_scope_columns_come_from_the_row_or_their_default(catalogue):
    table = catalogue.tables["entry"]
    left_out = lower("INSERT INTO entry (k) VALUES ('x') ON CONFLICT DO NOTHING", table)
    given = lower("INSERT INTO entry (k, s) VALUES ('x', 'g') ON CONFLICT DO NOTHING", table)
    assert "\"s\" = ('f')" in left_out.rules[0].finders[0].sql
    assert '"s" = ?2' in given.rules[0].finders[0].sql


def test_a_target_that_is_no_key_lists_the_keys(virtual):
    with pytest.raises(UnsupportedSql, match="does not match any PRIMARY KEY") as caught:
        virtual.executor.execute("INSERT INTO entry (k) VALUES (1) ON CONFLICT (n) DO NOTHING")
    assert caught.value.hint == "conflict targets: k, s; u"


def test_unknown_columns_get_a_hint(virtual):
    with pytest.raises(ColumnNotFound) as caught:
        virtual.executor.execute("INSERT INTO entry (k, stmap) VALUES (1, 2) RETURNING k")
    assert caught.value.hint == "did you mean entry.stamp?"


def test_returning_needs_a_way_to_find_the_row():
    table = Table("t", "other", ("k", "v"), identity=("k",), rowid=False)
    with pytest.raises(UnsupportedSql, match="needs values for k"):
        lower("INSERT INTO t (v) VALUES (1) RETURNING k", table)
    assert lower("INSERT INTO t (k) VALUES (1) RETURNING k", table).by_rowid is None


def test_error_for_rows_of_another_width(virtual):
    with pytest.raises(SqlError, match="1 values for 2 columns"):
        virtual.executor.execute("INSERT INTO entry (k, n) VALUES ('a') RETURNING k")


def test_native_refusals_are_why_this_exists(virtual):
    for sql in STATEMENTS[0], "UPDATE entry SET n = 1 RETURNING k", "DELETE FROM entry RETURNING k":
        with pytest.raises(apsw.SQLError):
            virtual.db.execute(sql)


def test_scope_surrounds_a_lowered_statement_only(virtual, catalogue):
    seen = []

    @contextmanager
    def scope(statement):
        seen.append("enter")
        yield
        seen.append("leave")

    executor = Executor(virtual.db, lambda: catalogue, scope=scope)
    executor.execute("INSERT INTO item (a) VALUES ('x')")
    assert seen == []
    executor.execute("UPDATE item SET b = 1 RETURNING id")
    assert seen == ["enter", "leave"]
