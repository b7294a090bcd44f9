"""`writer_key`: who wrote the row, for consumers that must not hear their own echo."""

from __future__ import annotations

from functools import partial

import pytest

import lix_vtab
from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_state_schema"


@pytest.fixture
def wk(lix):
    lix.schema(S)
    return lix


def insert(target, columns="", values="", params=(), **options):
    target.execute(
        "INSERT INTO lix_state"
        f" (entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content{columns})"
        f" VALUES ('e', '{S}', 'f', 'lix', '1', '{content('x')}'{values})",
        params,
        **options,
    )


def keys(lix):
    """Return the writer key of the row as each of the three state tables shows it."""
    return [
        lix.value(
            f"SELECT writer_key FROM {table} WHERE schema_key = '{S}' AND entity_id = 'e'"
            " AND version_id = (SELECT version_id FROM lix_active_version)"
        )
        for table in ("lix_state", "lix_state_by_version", "lix_internal_state_vtable")
    ]


def test_option_of_execute_is_visible_everywhere(wk):
    insert(wk, writer_key="editor:single")
    assert keys(wk) == ["editor:single"] * 3


def test_option_of_a_transaction_holds_for_all_its_statements(wk):
    with wk.transaction(writer_key="editor:tx") as tx:
        insert(tx)
        tx.execute(
            "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
            f" snapshot_content) VALUES ('f', '{S}', 'f', 'lix', '1', '{content('y')}')"
        )
    assert wk.column(f"SELECT DISTINCT writer_key FROM lix_state WHERE schema_key = '{S}'") == [
        "editor:tx"
    ]


def test_option_does_not_outlive_its_call(wk):
    insert(wk, writer_key="editor:single")
    wk.execute(f"DELETE FROM lix_state WHERE schema_key = '{S}'")
    insert(wk)
    assert keys(wk) == [None] * 3


def test_option_does_not_outlive_a_failing_call(wk):
    with pytest.raises(errors.LixError):
        insert(wk, ", metadata", ", '{'", writer_key="editor:failed")
    insert(wk)
    assert keys(wk) == [None] * 3


@pytest.mark.parametrize(
    ("value", "option", "stored"),
    [
        ("'explicit'", "option", "explicit"),
        ("NULL", "option", "option"),
        ("NULL", None, None),
        ("lower('EXPRESSION')", None, "expression"),
    ],
)
def test_insert_with_explicit_column(wk, value, option, stored):
    insert(wk, ", writer_key", f", {value}", writer_key=option)
    assert keys(wk) == [stored] * 3


def test_update_without_writer_key_clears_writer_key(wk):
    insert(wk, writer_key="editor:initial")
    wk.execute(f"UPDATE lix_state SET metadata = '{{\"a\":1}}' WHERE schema_key = '{S}'")
    assert keys(wk) == [None] * 3


def test_raw_update_without_writer_key_clears_writer_key(wk):
    insert(wk, writer_key="editor:initial")
    wk.execute(
        'UPDATE lix_internal_state_vtable SET metadata = \'{"source":"update"}\''
        f" WHERE schema_key = '{S}' AND entity_id = 'e'"
    )
    assert keys(wk) == [None] * 3


@pytest.mark.parametrize(
    ("assignment", "option", "stored"),
    [
        ("metadata = '{}'", "option", "option"),
        ("writer_key = 'explicit'", "option", "explicit"),
        ("writer_key = 'explicit'", None, "explicit"),
        ("writer_key = NULL", "option", None),
        ("writer_key = NULL", None, None),
        ("writer_key = lower('EXPRESSION')", "option", "expression"),
        ("writer_key = writer_key || '!'", None, "editor:initial!"),
    ],
)
@pytest.mark.parametrize("table", ["lix_state", "lix_internal_state_vtable"])
def test_update(wk, table, assignment, option, stored):
    insert(wk, writer_key="editor:initial")
    wk.execute(f"UPDATE {table} SET {assignment} WHERE schema_key = '{S}'", writer_key=option)
    assert keys(wk) == [stored] * 3


def test_explicit_writer_key_is_kept_by_the_commit_that_follows(wk):
    with wk.transaction() as tx:
        insert(tx, writer_key="editor:initial")
        tx.execute(
            "UPDATE lix_internal_state_vtable SET writer_key = 'editor:explicit-update'"
            f" WHERE schema_key = '{S}' AND entity_id = 'e'"
        )
    assert keys(wk) == ["editor:explicit-update"] * 3


@pytest.mark.parametrize("option", [None, "editor:delete"])
@pytest.mark.parametrize("table", ["lix_state", "lix_state_by_version"])
def test_delete_puts_the_option_on_the_tombstone(wk, table, option):
    insert(wk, writer_key="editor:initial")
    wk.execute(f"DELETE FROM {table} WHERE schema_key = '{S}'", writer_key=option)
    assert wk.raw("snapshot_content, writer_key") == [(None, option)]


def test_delete_of_an_inherited_row_puts_the_option_on_the_tombstone(wk):
    wk.row("e", "global", "x")
    wk.execute(f"DELETE FROM lix_state WHERE schema_key = '{S}'", writer_key="editor:delete")
    assert wk.raw("writer_key", "version_id <> 'global'") == [("editor:delete",)]


def test_untracked_rows_have_none(wk):
    insert(wk, ", writer_key, untracked", ", 'explicit', 1", writer_key="option")
    assert keys(wk) == [None] * 3


def test_derived_rows_have_none(wk):
    insert(wk, writer_key="writer:test")
    assert wk.column(
        "SELECT DISTINCT writer_key FROM lix_internal_state_vtable"
        " WHERE schema_key IN ('lix_commit', 'lix_version_pointer', 'lix_commit_edge',"
        " 'lix_change_set_element', 'lix_change_author')"
    ) == [None]


def test_changing_only_the_writer_is_a_change(wk):
    insert(wk, writer_key="one")
    before = wk.tip()
    insert(wk, writer_key="two")
    assert keys(wk) == ["two"] * 3
    assert wk.tip() != before


def test_rebuild_keeps_it(wk):
    insert(wk, writer_key="one")
    wk.lix.rebuild()
    assert keys(wk) == ["one"] * 3


def test_inherited_rows_show_the_writer_of_the_origin(wk):
    wk.row("e", "global", "x", writer_key="origin")
    assert wk.value(f"SELECT writer_key FROM lix_state WHERE schema_key = '{S}'") == "origin"


@pytest.mark.parametrize("writer_key", [5, b"editor", ["editor"]])
def test_an_option_that_is_no_text_is_refused(writer_key):
    write = "INSERT INTO lix_key_value (key, value) VALUES ('k', 1)"
    refused = partial(
        pytest.raises, errors.InvalidValueError, match="writer_key must be a text, got"
    )
    with lix_vtab.open() as lix:
        with refused():
            lix.execute(write, writer_key=writer_key)
        with refused(), lix.transaction(writer_key=writer_key) as transaction:
            transaction.execute(write)
        with refused():
            lix_vtab.open(writer_key=writer_key)
        assert lix.execute("SELECT count(*) FROM lix_key_value WHERE key = 'k'").rows == [(0,)]
        with lix.transaction(writer_key="") as transaction:
            transaction.execute(write)
        assert lix.execute("SELECT writer_key FROM lix_state WHERE entity_id = 'k'").rows == [("",)]
