"""Queries that are under way when something is written: they see nothing of it, and they end."""

from __future__ import annotations

import pytest

S = "test_state_schema"
COLUMNS = "(entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"
VALUES = (
    "entity_id || '_copy', schema_key, file_id, plugin_key, schema_version, "
    "json_set(snapshot_content, '$.value', 'copy')"
)


@pytest.fixture
def two_versions(lix):
    lix.schema(S)
    for number in range(3):
        lix.execute(
            f"INSERT INTO lix_state {COLUMNS} VALUES (?, ?, 'f', 'p', '1', '{{\"value\":\"x\"}}')",
            (f"entity-{number}", S),
        )
    lix.execute("INSERT INTO lix_version(id, name) VALUES ('other', 'other')")
    return lix


def names(lix):
    sql = "SELECT entity_id FROM lix_state WHERE schema_key = ? ORDER BY 1"
    return [row[0] for row in lix.execute(sql, (S,)).rows]


@pytest.mark.parametrize("untracked", [0, 1])
def test_insert_from_another_view_of_the_same_rows_ends(two_versions, untracked):
    lix = two_versions
    lix.execute(
        f"INSERT INTO lix_state {COLUMNS[:-1]}, untracked) SELECT {VALUES}, {untracked} "
        "FROM lix_state_by_version WHERE schema_key = ?",
        (S,),
    )
    expected = [f"entity-{n}{suffix}" for n in range(3) for suffix in ("", "_copy")]
    assert names(lix) == sorted(expected)


def test_rows_inserted_while_a_cursor_is_open_do_not_show_in_it(two_versions):
    lix = two_versions
    seen = []
    sql = "SELECT entity_id, snapshot_content FROM lix_state WHERE schema_key = ?"
    for entity_id, content in lix.connection.execute(sql, (S,)):
        seen.append(entity_id)
        lix.connection.execute(
            f"INSERT INTO lix_state {COLUMNS} VALUES (?, ?, 'f', 'p', '1', ?)",
            (entity_id + "+", S, content),
        )
    assert sorted(seen) == [f"entity-{n}" for n in range(3)]


def test_rows_deleted_while_a_cursor_is_open_still_show_in_it(two_versions):
    lix = two_versions
    seen = []
    for (entity_id,) in lix.connection.execute(
        "SELECT entity_id FROM lix_state WHERE schema_key = ?", (S,)
    ):
        seen.append(entity_id)
        lix.connection.execute("DELETE FROM lix_state WHERE schema_key = ?", (S,))
    assert sorted(seen) == [f"entity-{n}" for n in range(3)]
    lix._dirty = True
    assert names(lix) == []


def test_a_function_that_writes_does_not_feed_the_query_it_is_in(two_versions):
    lix = two_versions
    created = lix.execute("SELECT lix_create_version('of ' || name) FROM lix_version").rows
    assert len(created) == 3
    assert lix.execute("SELECT count(*) FROM lix_version").rows == [(6,)]
