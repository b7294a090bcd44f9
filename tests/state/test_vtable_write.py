"""Writing through `lix_internal_state_vtable`, and what each write leaves in the journal."""

from __future__ import annotations

import json

import pytest

from lix_vtab import errors
from tests.state.session import one_property

T = "lix_internal_state_vtable"
S = "test_schema"
COLUMNS = (
    "(entity_id, schema_key, file_id, version_id, plugin_key, snapshot_content, schema_version)"
)


@pytest.fixture
def vt(lix):
    lix.schema(S, "key")
    return lix


def write(lix, entity, value, **options):
    options = {"version": "version-1", "file": "file-1"} | options
    lix.row(entity, options.pop("version"), value, schema=S, prop="key", **options)


def changes(lix, entity, columns="id, snapshot_content"):
    return lix.rows(
        f"SELECT {columns} FROM lix_change WHERE entity_id = ? AND schema_key = ? ORDER BY id",
        (entity, S),
    )


def test_untracked_insert_leaves_no_change(vt):
    write(vt, "entity-1", "local", untracked=1)
    assert vt.raw("entity_id, snapshot_content, untracked") == [("entity-1", '{"key":"local"}', 1)]
    assert changes(vt, "entity-1") == []


def test_untracked_state_change_id_is_untracked(vt):
    write(vt, "entity-1", "local", untracked=1)
    assert vt.raw("change_id") == [("untracked",)]


def test_untracked_state_metadata_is_visible_in_vtable_and_state_by_version(vt):
    write(vt, "entity-m", "x", version="main", untracked=1, metadata='{"source":"local"}')
    both = [
        f"SELECT metadata FROM {T} WHERE schema_key = '{S}'",
        "SELECT metadata FROM lix_state_by_version"
        f" WHERE schema_key = '{S}' AND version_id = 'main'",
    ]
    assert [vt.value(sql) for sql in both] == ['{"source":"local"}'] * 2
    vt.execute(
        f'UPDATE {T} SET metadata = \'{{"retries":1,"source":"updated"}}\''
        f" WHERE entity_id = 'entity-m' AND schema_key = '{S}' AND untracked = 1"
    )
    assert [vt.value(sql) for sql in both] == ['{"retries":1,"source":"updated"}'] * 2


def test_untracked_insert_upserts(vt):
    write(vt, "entity-1", "one", untracked=1)
    ((created,),) = vt.raw("created_at")
    write(vt, "entity-1", "two", untracked=1, metadata="{}")
    assert vt.raw("snapshot_content, metadata, created_at") == [('{"key":"two"}', "{}", created)]


def test_tracked_state_propagates_metadata_to_change_and_vtable(vt):
    write(vt, "entity-meta", "x", metadata='{"source":"import"}')
    assert vt.raw("metadata") == [('{"source":"import"}',)]
    assert changes(vt, "entity-meta", "metadata") == [('{"source":"import"}',)]


def test_tracked_insert_accepts_parameterized_values(vt):
    vt.execute(
        f"INSERT INTO {T} {COLUMNS} VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ("entity-1", S, "file-1", "version-1", "lix", '{"key":"tracked-param"}', "1"),
    )
    assert vt.raw() == [("version-1", '{"key":"tracked-param"}')]


def test_tracked_insert_replaces_every_mutable_column(vt):
    vt.schema(S, "key", version="2", properties={"key": {}, "more": {}})
    first = (
        f"INSERT INTO {T} (entity_id, schema_key, file_id, version_id, plugin_key, schema_version,"
        " snapshot_content, metadata, writer_key)"
        " VALUES ('entity-all-cols', ?, 'file-1', 'version-1', ?, ?, ?, ?, ?)"
    )
    vt.execute(first, (S, "lix", "1", '{"key":"old"}', '{"source":"old"}', "writer:old"))
    vt.execute(f"DELETE FROM {T} WHERE entity_id = 'entity-all-cols'")
    columns = "schema_version, plugin_key, snapshot_content, metadata, writer_key"
    assert vt.raw(columns) == [("1", "lix", None, '{"source":"old"}', None)]
    vt.execute(first, (S, "other", "2", '{"key":"updated"}', '{"source":"new"}', "writer:new"))
    assert vt.raw(columns) == [
        ("2", "other", '{"key":"updated"}', '{"source":"new"}', "writer:new")
    ]
    assert changes(vt, "entity-all-cols", "plugin_key, metadata")[-1] == (
        "other",
        '{"source":"new"}',
    )


def test_tracked_insert_select_uses_resolved_rows(vt):
    vt.execute("CREATE TABLE source_rows (entity_id TEXT, payload TEXT)")
    vt.execute("INSERT INTO source_rows VALUES ('entity-1', '{\"key\":\"from-select\"}')")
    vt.execute(
        f"INSERT INTO {T} {COLUMNS} SELECT entity_id, $1, $2, $3, $4, payload, $5 FROM source_rows",
        (S, "file-1", "version-1", "lix", "1"),
    )
    assert vt.raw() == [("version-1", '{"key":"from-select"}')]


def test_tracked_insert_select_zero_rows_is_noop(vt):
    before = vt.rows("SELECT id FROM lix_commit ORDER BY 1")
    vt.execute("CREATE TABLE source_rows (entity_id TEXT, payload TEXT)")
    vt.execute(
        f"INSERT INTO {T} {COLUMNS}"
        f" SELECT entity_id, '{S}', 'f', 'version-1', 'lix', payload, '1' FROM source_rows"
    )
    assert vt.raw() == []
    assert vt.rows("SELECT id FROM lix_commit ORDER BY 1") == before


def test_tracked_null_snapshot_is_one_change_without_content(vt):
    write(vt, "entity-2", None)
    assert changes(vt, "entity-2", "snapshot_content") == [(None,)]
    assert vt.raw() == [("version-1", None)]


def test_tracked_state_change_id_matches_vtable(vt):
    write(vt, "entity-1", "x")
    ((change,),) = vt.raw("change_id")
    assert changes(vt, "entity-1", "id") == [(change,)]


def test_tracked_update_creates_a_change(vt):
    write(vt, "entity-1", "one")
    vt.execute(
        f'UPDATE {T} SET snapshot_content = \'{{"key":"two"}}\''
        f" WHERE entity_id = 'entity-1' AND schema_key = '{S}' AND file_id = 'file-1'"
    )
    assert sorted(changes(vt, "entity-1", "snapshot_content")) == [
        ('{"key":"one"}',),
        ('{"key":"two"}',),
    ]
    assert vt.raw() == [("version-1", '{"key":"two"}')]


def test_tracked_update_to_null_makes_a_tombstone(vt):
    write(vt, "entity-1", "one")
    vt.execute(f"UPDATE {T} SET snapshot_content = NULL WHERE entity_id = 'entity-1'")
    assert vt.raw() == [("version-1", None)]
    assert (None,) in changes(vt, "entity-1", "snapshot_content")


def test_tracked_delete_creates_change_and_tombstone(vt):
    write(vt, "entity-1", "one", metadata='{"m":1}')
    vt.execute(
        f"DELETE FROM {T} WHERE entity_id = 'entity-1' AND schema_key = '{S}'"
        " AND file_id = 'file-1' AND version_id = 'version-1'"
    )
    assert vt.raw() == [("version-1", None)]
    assert sorted(changes(vt, "entity-1", "snapshot_content, metadata"), key=repr) == [
        ('{"key":"one"}', '{"m":1}'),
        (None, '{"m":1}'),
    ]


def test_tracked_multi_row_insert_creates_changes(vt):
    vt.execute(
        f"INSERT INTO {T} {COLUMNS} VALUES"
        f" ('entity-1', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"one\"}}', '1'),"
        f" ('entity-2', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"two\"}}', '1')"
    )
    stored = vt.raw("entity_id, change_id, snapshot_content")
    logged = vt.rows(
        "SELECT entity_id, id, snapshot_content FROM lix_change WHERE schema_key = ? ORDER BY 1",
        (S,),
    )
    assert stored == logged
    assert [row[2] for row in stored] == ['{"key":"one"}', '{"key":"two"}']


def test_mixed_tracked_and_untracked_insert_splits_writes(vt):
    vt.execute(
        f"INSERT INTO {T} {COLUMNS[:-1]}, untracked) VALUES"
        f" ('entity-1', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"tracked\"}}', '1', 0),"
        f" ('entity-2', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"untracked\"}}', '1', 1)"
    )
    assert vt.rows(
        "SELECT entity_id, snapshot_content FROM lix_change WHERE schema_key = ?", (S,)
    ) == [("entity-1", '{"key":"tracked"}')]
    assert vt.raw("entity_id, snapshot_content, untracked") == [
        ("entity-1", '{"key":"tracked"}', 0),
        ("entity-2", '{"key":"untracked"}', 1),
    ]


def test_tracked_insert_under_an_untracked_row_is_recorded_but_invisible(vt):
    write(vt, "entity-1", "local", untracked=1)
    write(vt, "entity-1", "tracked")
    assert vt.raw("snapshot_content, untracked") == [('{"key":"local"}', 1)]
    assert changes(vt, "entity-1", "snapshot_content") == [('{"key":"tracked"}',)]


def test_untracked_update_and_delete_leave_no_change(vt):
    write(vt, "entity-1", "local", untracked=1)
    commits = vt.value("SELECT count(*) FROM lix_commit")
    vt.execute(
        f'UPDATE {T} SET snapshot_content = \'{{"key":"newer"}}\''
        " WHERE entity_id = 'entity-1' AND untracked = 1"
    )
    assert vt.raw() == [("version-1", '{"key":"newer"}')]
    vt.execute(f"DELETE FROM {T} WHERE entity_id = 'entity-1' AND untracked = 1")
    assert vt.raw() == []
    assert changes(vt, "entity-1") == []
    assert vt.value("SELECT count(*) FROM lix_commit") == commits


def test_one_statement_may_touch_both_layers(vt):
    write(vt, "t", "tracked")
    write(vt, "u", "local", untracked=1)
    result = vt.execute(
        f"UPDATE {T} SET metadata = '{{}}' WHERE schema_key = ? AND untracked IN (0, 1)", (S,)
    )
    assert result.changes == 2
    assert vt.raw("entity_id, metadata, untracked") == [("t", "{}", 0), ("u", "{}", 1)]


def test_same_key_twice_in_one_statement_last_wins(vt):
    vt.execute(
        f"INSERT INTO {T} {COLUMNS} VALUES"
        f" ('entity-1', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"one\"}}', '1'),"
        f" ('entity-1', '{S}', 'file-1', 'version-1', 'lix', '{{\"key\":\"two\"}}', '1')"
    )
    assert vt.raw() == [("version-1", '{"key":"two"}')]


def test_four_thousand_rows_in_one_insert(vt):
    vt.execute(
        f"INSERT INTO {T} {COLUMNS} WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
        f" SELECT 'e' || i, '{S}', 'file-1', 'version-1', 'lix',"
        " json_object('key', 'v' || i), '1' FROM n"
    )
    assert vt.value(f"SELECT count(*) FROM {T} WHERE schema_key = '{S}'") == 4000
    assert vt.value("SELECT count(*) FROM lix_change WHERE schema_key = ?", (S,)) == 4000


def test_validation_names_schema_and_version(vt):
    with pytest.raises(
        errors.SchemaValidationError,
        match=r"snapshot_content does not match schema 'test_schema' \(1\)",
    ) as caught:
        vt.execute(
            f"INSERT INTO {T} {COLUMNS}"
            f" VALUES ('e', '{S}', 'f', 'version-1', 'lix', '{{\"wrong\":1}}', '1')"
        )
    assert caught.value.code == "LIX_ERROR_SCHEMA_VALIDATION"


def test_unknown_schema_is_named(vt):
    with pytest.raises(errors.SchemaNotFound, match=r"schema 'nope' \(1\) is not stored"):
        vt.row("e", "version-1", "x", schema="nope")


def test_schema_stored_in_the_same_transaction_is_effective(lix):
    stored = json.dumps({"value": one_property("tx_validation_schema", "name")})

    def store_and_violate():
        with lix.transaction() as tx:
            tx.execute(
                f"INSERT INTO {T} (schema_key, snapshot_content) VALUES ('lix_stored_schema', ?)",
                (stored,),
            )
            tx.execute(
                f"INSERT INTO {T} {COLUMNS} VALUES ('entity-1', 'tx_validation_schema', 'file-1',"
                " 'version-1', 'lix', '{\"missing\":\"field\"}', '1')"
            )

    with pytest.raises(
        errors.SchemaValidationError,
        match=r"snapshot_content does not match schema 'tx_validation_schema' \(1\)",
    ):
        store_and_violate()
    with pytest.raises(errors.SchemaNotFound, match="not stored"):
        lix.row("e", "version-1", "x", schema="tx_validation_schema", prop="name")


def test_stored_schemas_are_ordinary_tracked_rows(vt):
    assert vt.rows(
        f"SELECT entity_id, file_id, version_id FROM {T} WHERE schema_key = 'lix_stored_schema'"
        " AND entity_id LIKE 'test_schema%'"
    ) == [("test_schema~1", "lix", "global")]
    assert (
        vt.value(
            "SELECT count(*) FROM lix_change WHERE schema_key = 'lix_stored_schema'"
            " AND entity_id = 'test_schema~1'"
        )
        == 1
    )


def test_unknown_version_ids_are_writable_here_only(vt):
    write(vt, "e", "x", version="nobody")
    assert vt.raw() == [("nobody", '{"key":"x"}')]
    assert vt.rows("SELECT * FROM lix_version WHERE id = 'nobody'") == []


def test_unknown_version_may_be_declared_later(vt):
    write(vt, "e", "x", version="later")
    vt.execute("INSERT INTO lix_version (id, name) VALUES ('later', 'Later')")
    assert vt.value("SELECT count(*) FROM lix_version WHERE id = 'later'") == 1


def test_update_and_delete_match_local_rows_only(vt):
    vt.version("version-1")
    write(vt, "e", "G", version="global")
    assert (
        vt.execute(f"DELETE FROM {T} WHERE entity_id = 'e' AND version_id = 'version-1'").changes
        == 0
    )
    assert vt.raw("version_id") == [("global",)]


def test_tombstones_can_be_addressed_here(vt):
    write(vt, "e", "x")
    write(vt, "e", None)
    vt.execute(
        f'UPDATE {T} SET snapshot_content = \'{{"key":"back"}}\''
        " WHERE entity_id = 'e' AND snapshot_content IS NULL"
    )
    assert vt.raw() == [("version-1", '{"key":"back"}')]


@pytest.mark.parametrize("origin", ["version-1", "global"])
def test_what_an_untracked_tombstone_hides_shows_when_it_is_deleted_here(vt, origin):
    vt.version("version-1")
    shown = f"SELECT entity_id FROM lix_state_by_version WHERE version_id = 'version-1' AND schema_key = '{S}'"
    write(vt, "e", "x", version=origin)
    write(vt, "e", None, untracked=1)
    assert vt.column(shown) == []
    vt.execute(f"DELETE FROM {T} WHERE entity_id = 'e' AND untracked = 1")
    assert vt.column(shown) == ["e"]
    assert vt.raw() == [(origin, '{"key":"x"}')]


@pytest.mark.parametrize("column", ["entity_id", "schema_key", "file_id", "version_id"])
def test_identity_cannot_be_reassigned(vt, column):
    write(vt, "e", "x")
    with pytest.raises(errors.ReadOnlyError, match=column):
        vt.execute(f"UPDATE {T} SET {column} = 'other' WHERE entity_id = 'e'")
    assert vt.raw("entity_id, version_id") == [("e", "version-1")]


def test_identical_content_is_no_change(vt):
    write(vt, "e", "x", metadata='{"a":1}')
    before = vt.rows("SELECT id FROM lix_change ORDER BY 1"), vt.raw("change_id, updated_at")
    write(vt, "e", "x", metadata='{ "a" : 1 }')
    vt.execute(f"UPDATE {T} SET snapshot_content = '{{ \"key\": \"x\"}}' WHERE entity_id = 'e'")
    vt.execute(f"UPDATE {T} SET metadata = metadata, plugin_key = 'lix' WHERE entity_id = 'e'")
    assert (
        vt.rows("SELECT id FROM lix_change ORDER BY 1"),
        vt.raw("change_id, updated_at"),
    ) == before


@pytest.mark.parametrize(
    "assignment",
    [
        'snapshot_content = \'{"key":"y"}\'',
        "metadata = '{}'",
        "plugin_key = 'other'",
        "writer_key = 'me'",
    ],
)
def test_any_content_column_alone_is_a_change(vt, assignment):
    write(vt, "e", "x")
    before = len(changes(vt, "e"))
    vt.execute(f"UPDATE {T} SET {assignment} WHERE entity_id = 'e'")
    assert len(changes(vt, "e")) == before + 1
