"""No directory comes to lie in itself, whichever table its descriptor is written through."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.errors import ConstraintViolation

STATE = (
    "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, plugin_key,"
    " snapshot_content, schema_version, version_id, untracked)"
    " VALUES (?1, 'lix_directory_descriptor', 'lix', 'lix',"
    " json_object('id', ?1, 'name', 'n' || ?1, 'parent_id', ?2), '1', ?3, ?4)"
)
TO_STATE = (
    " SET snapshot_content = json_set(snapshot_content, '$.parent_id', {})"
    " WHERE schema_key = 'lix_directory_descriptor' AND entity_id {}"
)
CYCLE = "create a cycle|its own parent"


@pytest.fixture
def disk():
    """Directories /a/, /a/b/ and /a/b/c/."""
    with lix_vtab.open() as lix:
        for id, path in (("a", "/a/"), ("b", "/a/b/"), ("c", "/a/b/c/")):
            lix.execute("INSERT INTO lix_directory (id, path) VALUES (?, ?)", (id, path))
        yield lix


def paths(lix):
    return lix.execute("SELECT id, path FROM lix_directory ORDER BY id").rows


@pytest.mark.parametrize("ways", ["alone", "in a transaction", "on the connection"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE lix_state" + TO_STATE.format("'c'", "= 'a'"),
        "UPDATE lix_state" + TO_STATE.format("'a'", "= 'a'"),
        "UPDATE lix_state_by_version" + TO_STATE.format("'b'", "= 'a'"),
        "UPDATE lix_directory_descriptor SET parent_id = 'c' WHERE id = 'a'",
        "UPDATE lix_directory_descriptor_by_version SET parent_id = id WHERE id = 'c'",
        "UPDATE lix_directory_descriptor SET parent_id = 'c', name = 'n'",
        "INSERT INTO lix_directory_descriptor (id, name, parent_id) VALUES ('x', 'x', 'x')",
        "INSERT INTO lix_directory_descriptor (id, name, parent_id)"
        " VALUES ('x', 'x', 'y'), ('y', 'y', 'z'), ('z', 'z', 'x')",
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, snapshot_content,"
        " schema_version, untracked) VALUES ('a', 'lix_directory_descriptor', 'lix', 'lix',"
        """ '{"id":"a","name":"a","parent_id":"c"}', '1', 1)""",
    ],
)
def test_a_row_cannot_close_a_cycle(disk, sql, ways):
    before = paths(disk)
    if ways == "in a transaction":
        disk.execute("BEGIN")
    with pytest.raises(ConstraintViolation, match=CYCLE):
        (disk.connection if ways == "on the connection" else disk).execute(sql)
    assert paths(disk) == before
    if ways == "in a transaction":
        disk.execute("COMMIT")
    assert disk.check() == []


def test_one_statement_may_turn_a_tree_upside_down(disk):
    disk.execute(
        "UPDATE lix_directory_descriptor"
        " SET parent_id = CASE id WHEN 'a' THEN 'b' WHEN 'b' THEN 'c' END"
    )
    assert paths(disk) == [("a", "/c/b/a/"), ("b", "/c/b/"), ("c", "/c/")]
    disk.execute("UPDATE OR IGNORE lix_directory_descriptor SET parent_id = 'a' WHERE id = 'c'")
    assert paths(disk) == [("a", "/c/b/a/"), ("b", "/c/b/"), ("c", "/c/")]


def test_a_directory_cannot_come_to_be_where_its_parent_waits_for_it(disk):
    main = disk.active_version.id
    disk.execute(STATE, ("x", "y", main, 0))
    assert ("x", None) in paths(disk)
    with pytest.raises(ConstraintViolation, match=CYCLE):
        disk.execute("INSERT INTO lix_directory (id, name, parent_id) VALUES ('y', 'y', 'x')")
    assert disk.check() == []


def test_an_untracked_row_that_keeps_a_cycle_open_cannot_go(disk):
    main = disk.active_version.id
    disk.execute(STATE, ("c", None, main, 1))
    disk.execute("UPDATE lix_directory_descriptor SET parent_id = 'c' WHERE id = 'a'")
    assert paths(disk) == [("a", "/nc/a/"), ("b", "/nc/a/b/"), ("c", "/nc/")]
    for run in (disk.execute, disk.connection.execute):
        with pytest.raises(ConstraintViolation, match=CYCLE):
            run("DELETE FROM lix_state WHERE entity_id = 'c'")
    disk.execute("UPDATE lix_directory_descriptor SET parent_id = NULL WHERE id = 'a'")
    disk.execute("DELETE FROM lix_state WHERE entity_id = 'c'")
    assert paths(disk) == [("a", "/a/"), ("b", "/a/b/"), ("c", "/a/b/c/")]


def test_what_a_version_inherits_counts(disk):
    disk.create_version("heir", id="heir", inherits_from="main", source="global")
    assert disk.execute(
        "SELECT count(*) FROM lix_directory_by_version WHERE lixcol_version_id = 'heir'"
    ).rows == [(3,)]
    with pytest.raises(ConstraintViolation, match=CYCLE):
        disk.execute(STATE, ("a", "c", "heir", 0))
    # deleting what is inherited shows nothing
    disk.execute("DELETE FROM lix_state_by_version WHERE entity_id = 'c' AND version_id = 'heir'")
    assert disk.check() == []


def test_going_back_cannot_close_a_cycle(disk):
    disk.execute("UPDATE lix_directory SET parent_id = NULL WHERE id = 'b'")
    moved = disk.active_version.commit_id
    disk.execute("UPDATE lix_directory SET parent_id = 'c' WHERE id = 'a'")
    before = paths(disk)
    with pytest.raises(ConstraintViolation, match=CYCLE):
        disk.revert(moved)
    assert paths(disk) == before
    disk.undo()
    disk.undo()
    assert paths(disk) == [("a", "/a/"), ("b", "/a/b/"), ("c", "/a/b/c/")]
    assert disk.check() == []


def test_check_tells_of_a_cycle_that_live_inheritance_closed(disk):
    """Writes look at the version they go to, not at its heirs."""
    disk.create_version("heir", id="heir", inherits_from="main", source="global")
    disk.execute("UPDATE lix_directory SET parent_id = NULL WHERE id = 'b'")
    disk.execute(STATE, ("a", "b", "heir", 0))
    disk.execute("UPDATE lix_directory SET parent_id = 'a' WHERE id = 'b'")
    assert disk.check() == ["directory 'a' of version 'heir' lies in itself"]
    (problem,) = disk.execute("PRAGMA integrity_check").rows
    assert "directory 'a' of version 'heir' lies in itself" in problem[0]
    nowhere = disk.execute("SELECT id FROM lix_directory_by_version WHERE path IS NULL").rows
    assert sorted(nowhere) == [("a",), ("b",), ("c",)]
    disk.execute("UPDATE lix_directory SET parent_id = NULL WHERE id = 'b'")
    assert disk.check() == []
