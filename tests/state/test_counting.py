"""Statements that ask nothing of a row but that it is there, or its rowid."""

from __future__ import annotations

import pytest

import lix_vtab
from tests.state.session import one_property

KEY = "counted_row"
MANY = 2400
ALL = f"FROM lix_state WHERE schema_key = '{KEY}'"


@pytest.fixture(scope="module")
def counted():
    """A version whose rows come from three places: inherited, its own, and untracked."""
    with lix_vtab.open() as lix:
        lix.register_schema(one_property(KEY))
        rows = (
            "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, plugin_key, "
            "schema_version, snapshot_content, version_id, untracked) "
            "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "
            f"SELECT 'e' || i, '{KEY}', 'f', 'p', '1', '{{\"value\":\"v\"}}', ?3, ?4 FROM n"
        )
        lix.execute(rows, (0, 1000, "global", False))
        lix.execute(rows, (1000, 2000, lix.active_version.id, False))
        lix.execute(rows, (2000, MANY, lix.active_version.id, True))
        lix.execute(f"DELETE FROM lix_state WHERE schema_key = '{KEY}' AND entity_id = 'e7'")
        lix.execute(rows, (7, 8, lix.active_version.id, False))
        yield lix


def test_all_are_counted(counted):
    assert counted.execute(f"SELECT count(*) {ALL}").rows == [(MANY,)]
    assert counted.execute(f"SELECT count(*) FROM {KEY}").rows == [(MANY,)]
    assert counted.execute(f"SELECT count(*) FROM {KEY} WHERE value = 'v'").rows == [(MANY,)]
    assert counted.execute(f"SELECT count(*) {ALL} AND file_id = 'g'").rows == [(0,)]
    assert counted.execute("SELECT count(*) FROM lix_state_at('HEAD')").rows[0][0] > 1000


@pytest.mark.parametrize("limit", [0, 1, 255, 256, 257, 2303, 2304, 2305, MANY, MANY + 1])
@pytest.mark.parametrize("offset", [0, 1, 255, 256])
def test_as_many_as_asked_for_are_counted(counted, limit, offset):
    sql = f"SELECT count(*) FROM (SELECT 1 {ALL} LIMIT ? OFFSET ?)"
    assert counted.execute(sql, (limit, offset)).rows == [(min(limit, MANY - offset),)]


def test_what_rows_have_in_common_is_there_for_each(counted):
    sql = f"SELECT schema_key, file_id {ALL} AND file_id = ?"
    assert counted.execute(sql, ("f",)).rows == [(KEY, "f")] * MANY


def test_rowids_are_those_of_the_rows(counted):
    rows = counted.execute(f"SELECT rowid, entity_id {ALL}").rows
    assert counted.execute(f"SELECT rowid {ALL}").rows == [(rowid,) for rowid, _ in rows]
    assert len(set(rows)) == MANY


def test_rowids_asked_for_now_and_then_are_those_of_the_rows(counted):
    rowids = [rowid for (rowid,) in counted.execute(f"SELECT rowid {ALL}")]
    some = [row for (row,) in counted.execute(f"SELECT iif(random() % 300, NULL, rowid) {ALL}")]
    assert len(some) == MANY
    assert [(n, rowid) for n, rowid in enumerate(some) if rowid not in (None, rowids[n])] == []


@pytest.mark.parametrize("first", [0, 1, 255, 256, 257, 2399])
def test_a_rowid_asked_for_late_is_that_of_its_row(counted, first):
    rowids = [rowid for (rowid,) in counted.execute(f"SELECT rowid {ALL}")]
    seen = counted.connection.create_scalar_function
    passed = iter(range(MANY))
    seen("passed", lambda: next(passed), 0)
    try:
        sql = f"SELECT CASE WHEN passed() >= ? THEN rowid END {ALL}"
        found = [row for (row,) in counted.connection.execute(sql, (first,))]
    finally:
        seen("passed", None, 0)
    assert found == [None] * first + rowids[first:]


def test_who_stops_early_does_not_count_all(counted):
    steps = []
    counted.connection.set_progress_handler(lambda: bool(steps.append(1)), 10)
    try:
        assert counted.execute(f"SELECT EXISTS (SELECT 1 {ALL})").rows == [(1,)]
        few = len(steps)
        assert counted.execute(f"SELECT count(*) {ALL}").rows == [(MANY,)]
    finally:
        counted.connection.set_progress_handler(None)
    assert few * 4 < len(steps) - few


def test_rows_a_statement_writes_are_not_counted_by_it(lix):
    lix.schema(KEY)
    columns = "(entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"
    lix.execute(
        f"INSERT INTO lix_state {columns} "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
        f"SELECT 'e' || i, '{KEY}', 'f', 'p', '1', '{{\"value\":\"v\"}}' FROM n"
    )
    lix.execute(
        f"INSERT INTO lix_state {columns} "
        f"SELECT lix_uuid_v7(), '{KEY}', 'f', 'p', '1', '{{\"value\":\"v\"}}' "
        f"FROM lix_state_by_version WHERE schema_key = '{KEY}' "
        "AND version_id = (SELECT version_id FROM lix_active_version)"
    )
    assert lix.execute(f"SELECT count(*) {ALL}").rows == [(600,)]
    lix.execute(f"DELETE FROM lix_state WHERE schema_key = '{KEY}'")
    assert lix.execute(f"SELECT count(*) {ALL}").rows == [(0,)]


def test_rows_written_while_a_query_is_open_are_not_counted_by_it(lix):
    lix.schema(KEY)
    insert = (
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version, "
        f"snapshot_content) VALUES (?, '{KEY}', 'f', 'p', '1', '{{\"value\":\"v\"}}')"
    )
    for n in range(3):
        lix.execute(insert, (f"e{n}",))
    passed = 0
    for _ in lix.connection.execute(f"SELECT 1 {ALL}"):
        passed += 1
        lix.connection.execute(insert, (f"e{passed}+",))
    assert passed == 3
    assert lix.execute(f"SELECT count(*) {ALL}").rows == [(6,)]


def test_what_another_connection_deletes_meanwhile_is_counted(lix_path):
    with lix_vtab.open(str(lix_path)) as lix, lix_vtab.open(str(lix_path)) as other:
        lix.register_schema(one_property(KEY))
        lix.execute(
            "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version, "
            "snapshot_content) "
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
            f"SELECT 'e' || i, '{KEY}', 'f', 'p', '1', '{{\"value\":\"v\"}}' FROM n"
        )
        rows = lix.connection.execute(f"SELECT 1 {ALL}")
        next(rows)
        other.execute(f"DELETE FROM lix_state WHERE schema_key = '{KEY}'")
        assert len(list(rows)) == 599
        assert lix.execute(f"SELECT count(*) {ALL}").rows == [(0,)]
