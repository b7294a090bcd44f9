"""Reading `lix_internal_state_vtable`: stored rows per version, without inheritance."""

from __future__ import annotations

import pytest

ONE, TWO, THREE = (
    ("entity-1", "schema_a", "file-1"),
    ("entity-2", "schema_b", "file-2"),
    ("entity-3", "schema_a", "file-3"),
)


@pytest.fixture
def two(lix):
    """Three rows of two schemas in a version nobody declared."""
    lix.schema("schema_a", "key")
    lix.schema("schema_b", "key")
    insert = (
        "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
        " plugin_key, snapshot_content, schema_version) VALUES "
    )
    lix.execute(
        insert + "('entity-1', 'schema_a', 'file-1', 'version-1', 'lix', '{\"key\":\"a1\"}', '1'),"
        " ('entity-3', 'schema_a', 'file-3', 'version-1', 'lix', '{\"key\":\"a2\"}', '1')"
    )
    lix.execute(
        insert + "('entity-2', 'schema_b', 'file-2', 'version-1', 'lix', '{\"key\":\"b1\"}', '1')"
    )
    return lix


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("schema_key IN ('schema_a', 'schema_b')", [ONE, TWO, THREE]),
        ("file_id IN ('file-1', 'file-2', 'file-3')", [ONE, TWO, THREE]),
        ("schema_key IN ('schema_a')", [ONE, THREE]),
        ("schema_key = 'schema_a'", [ONE, THREE]),
        ("schema_key = 'schema_b' AND entity_id = 'entity-2'", [TWO]),
        ("schema_key = 'schema_a' AND file_id = 'file-3'", [THREE]),
        (
            "schema_key = 'schema_a' AND entity_id = 'entity-3' AND file_id = 'file-3'",
            [THREE],
        ),
        ("schema_key = 'schema_b' OR file_id = 'file-1'", [ONE, TWO]),
        ("schema_key LIKE 'schema%' AND version_id = 'version-1'", [ONE, TWO, THREE]),
        ("version_id = 'version-2'", []),
        ("schema_key = 'schema_a' AND version_id IN ('version-1', 'version-2')", [ONE, THREE]),
        ("entity_id IN (SELECT 'entity-' || value FROM json_each('[1,2]'))", [ONE, TWO]),
        ("schema_key = 'schema_c'", []),
    ],
)
def test_filters(two, condition, expected):
    assert (
        two.rows(
            "SELECT entity_id, schema_key, file_id FROM lix_internal_state_vtable"
            f" WHERE {condition} ORDER BY entity_id"
        )
        == expected
    )


@pytest.fixture
def one(lix):
    lix.schema("test_schema", "key")
    return lix


def write(lix, value, untracked=0, entity="entity-1"):
    lix.row(entity, "version-1", value, schema="test_schema", prop="key", untracked=untracked)


def read(lix, condition="1"):
    return lix.rows(
        "SELECT snapshot_content, untracked FROM lix_internal_state_vtable"
        f" WHERE schema_key = 'test_schema' AND {condition}"
    )


def test_prioritizes_untracked_over_tracked(one):
    write(one, "tracked")
    write(one, "untracked", 1)
    assert read(one) == [('{"key":"untracked"}', 1)]


def test_falls_back_to_tracked_after_untracked_deleted(one):
    write(one, "tracked")
    write(one, "untracked", 1)
    one.execute(
        "DELETE FROM lix_internal_state_vtable WHERE entity_id = 'entity-1' AND untracked = 1"
    )
    assert read(one) == [('{"key":"tracked"}', 0)]


def test_saying_again_what_an_untracked_row_hides_makes_no_commit(one):
    write(one, "tracked")
    write(one, "untracked", 1)
    before = one.rows("SELECT count(*) FROM lix_commit")
    write(one, "tracked")
    assert one.rows("SELECT count(*) FROM lix_commit") == before
    assert read(one) == [('{"key":"untracked"}', 1)]


def test_shows_tombstones(one):
    write(one, "tracked")
    write(one, None)
    write(one, None, 1, entity="entity-2")
    assert sorted(read(one), key=repr) == [(None, 0), (None, 1)]


@pytest.mark.parametrize(
    "condition",
    [
        "snapshot_content IS NOT NULL",
        "plugin_key = 'original'",
        "metadata IS NOT NULL",
        "untracked = 0",
    ],
)
def test_filters_do_not_uncover_shadowed_rows(one, condition):
    one.execute(
        "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
        " plugin_key, schema_version, snapshot_content, metadata) VALUES ('entity-1',"
        " 'test_schema', 'test-file', 'version-1', 'original', '1', '{\"key\":\"x\"}', '{}')"
    )
    write(one, None, 1)
    assert read(one, condition) == []


def test_inherited_rows_are_not_expanded(one):
    one.version("version-1")
    one.row("e", "global", "G", schema="test_schema", prop="key")
    assert one.raw("version_id, entity_id, inherited_from_version_id") == [("global", "e", None)]


def test_untracked_rows_have_neither_writer_nor_origin(one):
    one.row("e", "global", "G", schema="test_schema", prop="key", untracked=1, writer_key="someone")
    assert one.raw("writer_key, inherited_from_version_id, change_id") == [
        (None, None, "untracked")
    ]


def test_bookkeeping_is_listed_in_global(one):
    write(one, "1")
    counts = dict(
        one.rows(
            "SELECT schema_key, count(*) FROM lix_internal_state_vtable"
            " WHERE version_id = 'global' GROUP BY 1"
        )
    )
    for key in (
        "lix_commit",
        "lix_version_pointer",
        "lix_version_descriptor",
        "lix_change_set_element",
        "lix_stored_schema",
    ):
        assert counts.get(key, 0) > 0, key


def test_rows_of_a_branch_are_its_own(one):
    write(one, "1")
    one.create_version("branch", id="branch", source="global")
    one.row("g", "global", "G", schema="test_schema", prop="key")
    one.create_version("late", id="late", source="global")
    assert one.raw("version_id, entity_id", "entity_id = 'g'") == [("global", "g"), ("late", "g")]
