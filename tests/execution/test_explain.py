"""`explain` shows what SQLite will be given, without running anything."""

from __future__ import annotations

import pytest

from lix_vtab.errors import LixError
from lix_vtab.execution.explain import explain


def test_a_plain_query(virtual):
    text = str(explain(virtual.db, virtual.executor, "SELECT * FROM entry_data WHERE k = ?"))
    assert "transaction: none" in text
    assert "select (inside)" in text
    assert "SEARCH entry_data USING INDEX" in text


def test_a_lowered_statement_shows_its_parts(virtual):
    sql = (
        "INSERT INTO entry (k, n) VALUES (?, 1)"
        " ON CONFLICT (k, s) DO UPDATE SET n = excluded.n RETURNING k"
    )
    virtual.executor.execute(sql, ("a",))
    before = virtual.contents()
    found = explain(virtual.db, virtual.executor, sql)
    assert virtual.contents() == before
    ((statement, parts),) = found.statements
    assert statement.lowering is not None
    assert [part.sql.split()[0] for part in parts] == [
        "VALUES", "SELECT", "UPDATE", "SELECT", "INSERT", "SELECT", "SELECT",
    ]  # fmt: skip
    text = str(found)
    assert "insert lowered to (inside)" in text
    assert "writes: entry" in text
    assert "SCAN entry VIRTUAL TABLE INDEX" in text


def test_scripts_definitions_and_nested_plans(virtual):
    found = explain(
        virtual.db,
        virtual.executor,
        "PRAGMA foreign_keys = OFF; CREATE TABLE made(a);"
        " SELECT * FROM item_data WHERE id IN (SELECT n FROM entry_data WHERE u = 1)",
    )
    text = str(found)
    assert "transaction: write" in text
    assert "changes the schema" in text
    assert "pragma (outside)" in text
    assert "LIST SUBQUERY" in text
    depths = [step.depth for _, parts in found.statements for part in parts for step in part.steps]
    assert max(depths) == 1
    assert not virtual.db.table_exists("main", "made")


def test_details_can_be_described(virtual):
    found = explain(virtual.db, virtual.executor, "SELECT * FROM entry", str.lower)
    assert "scan entry virtual table" in str(found)


def test_what_is_wrong_is_said(virtual):
    for sql in ("SELEC 1", "CREATE TABLE x(", "SELECT * FROM nowhere", "DROP TABLE nowhere"):
        with pytest.raises(LixError) as caught:
            explain(virtual.db, virtual.executor, sql)
        assert caught.value.code in ("LIX_PARSE_ERROR", "LIX_TABLE_NOT_FOUND")


def test_a_script_may_use_what_it_defines(virtual):
    script = "BEGIN; CREATE TABLE made (v); INSERT INTO made VALUES (1); COMMIT"
    found = explain(virtual.db, virtual.executor, script)
    assert [statement.kind.value for statement, _ in found.statements] == ["define", "insert"]
    assert not virtual.db.table_exists("main", "made")
