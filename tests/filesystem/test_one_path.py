"""No two things of a version have one path, whichever table the descriptors are written through."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.errors import UniqueError

STATE = (
    "INSERT INTO lix_state"
    " (entity_id, schema_key, file_id, plugin_key, snapshot_content, schema_version)"
)
FILE = "json_object('id', 'f9', 'directory_id', NULL, 'name', 'x', 'extension', 'txt')"


@pytest.fixture
def disk():
    with lix_vtab.open() as lix:
        for path in ("/x.txt", "/y.txt", "/d/x.txt", "/d/y.txt", "/e/z"):
            lix.execute("INSERT INTO lix_file (id, path, data) VALUES (?1, ?1, ?1)", (path,))
        yield lix
        assert lix.check() == []


def paths(lix):
    files = lix.execute("SELECT path FROM lix_file ORDER BY 1").rows
    directories = lix.execute("SELECT path FROM lix_directory ORDER BY 1").rows
    return [path for (path,) in (*files, *directories)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE lix_file_descriptor SET name = 'x' WHERE id = '/y.txt'",
        "UPDATE lix_file_descriptor SET name = 'x' WHERE name = 'y'",
        "UPDATE lix_file_descriptor SET directory_id = NULL WHERE id = '/d/x.txt'",
        "UPDATE lix_file_descriptor SET name = 'x.txt', extension = NULL WHERE id = '/y.txt'",
        "UPDATE lix_file_descriptor SET name = 'd', extension = NULL WHERE id = '/y.txt'",
        "UPDATE lix_directory_descriptor SET name = 'd' WHERE name = 'e'",
        "UPDATE lix_directory_descriptor SET name = 'x.txt' WHERE name = 'e'",
        "INSERT INTO lix_directory_descriptor (id, name, parent_id) VALUES ('n', 'd', NULL)",
        "INSERT INTO lix_file_descriptor (id, name, directory_id)"
        " VALUES ('n1', 'new', NULL), ('n2', 'new', NULL)",
        f"{STATE} VALUES ('f9', 'lix_file_descriptor', 'lix', 'lix', {FILE}, '1')",
        "UPDATE lix_state SET snapshot_content = json_set(snapshot_content, '$.name', 'x')"
        " WHERE schema_key = 'lix_file_descriptor' AND entity_id = '/y.txt'",
    ],
)
@pytest.mark.parametrize("ways", ["alone", "in a transaction", "on the connection"])
def test_a_row_cannot_take_a_path(disk, sql, ways):
    before = paths(disk)
    if ways == "in a transaction":
        disk.execute("BEGIN")
    with pytest.raises(UniqueError):
        (disk.connection if ways == "on the connection" else disk).execute(sql)
    assert paths(disk) == before
    if ways == "in a transaction":
        disk.execute("COMMIT")


def test_names_may_be_swapped_in_one_statement(disk):
    disk.execute(
        "UPDATE lix_file_descriptor SET name = CASE name WHEN 'x' THEN 'y' ELSE 'x' END"
        " WHERE name IN ('x', 'y') AND directory_id IS NULL"
    )
    assert disk.execute("SELECT id FROM lix_file WHERE path = '/x.txt'").rows == [("/y.txt",)]
    disk.execute("UPDATE OR IGNORE lix_directory_descriptor SET name = 'd' WHERE name = 'e'")
    assert "/e/" in paths(disk)


def test_going_back_cannot_take_a_path(disk):
    disk.execute("UPDATE lix_directory SET path = '/old/' WHERE path = '/d/'")
    renamed = disk.active_version.commit_id
    disk.execute("INSERT INTO lix_directory (path) VALUES ('/d/')")
    disk.execute("UPDATE lix_file SET path = '/w.txt' WHERE path = '/x.txt'")
    disk.execute("INSERT INTO lix_file (path, data) VALUES ('/x.txt', 'other')")
    before = paths(disk)
    for going_back in (
        lambda: disk.revert(renamed),
        lambda: disk.restore("HEAD~4", paths=["/old/"]),
        lambda: disk.restore("HEAD~4", paths=["/w.txt"]),
    ):
        with pytest.raises(UniqueError):
            going_back()
        assert paths(disk) == before
    disk.restore("HEAD~4")
    assert "/old/" not in paths(disk)
    disk.undo()
    assert paths(disk) == before


def test_what_a_version_inherits_counts_and_its_heirs_do_not(disk):
    child = disk.create_version("child", inherits_from="main")
    empty = disk.create_version("empty", inherits_from="main", source="global")
    insert = (
        "INSERT INTO lix_file_descriptor_by_version (id, name, directory_id, lixcol_version_id)"
        " VALUES (?, ?, NULL, ?)"
    )
    with pytest.raises(UniqueError):
        disk.execute(insert, ("n", "x.txt", empty.id))
    disk.execute(insert, ("n", "shared", child.id))
    main = disk.active_version.id
    disk.execute(insert, ("m", "shared", main))
    found = disk.execute("SELECT id FROM lix_file_by_version WHERE path = '/shared' ORDER BY 1")
    assert {"m", "n"} == {id for (id,) in found.rows}


def test_a_refusal_is_not_repeated_for_what_was_there_before(disk):
    """A path taken twice through inheritance makes no further commit fail."""
    disk.execute("INSERT INTO lix_directory (path, lixcol_untracked) VALUES ('/own/', 1)")
    disk.execute(
        "INSERT INTO lix_directory_by_version (path, lixcol_version_id) VALUES ('/own/', 'global')"
    )
    (theirs,) = disk.execute("SELECT commit_id FROM lix_version WHERE id = 'global'").rows[0]
    before = paths(disk)
    with pytest.raises(UniqueError):
        disk.restore(theirs)
    assert not disk.connection.in_transaction
    assert paths(disk) == before
    disk.execute("INSERT INTO lix_directory (path) VALUES ('/more/')")
    assert not disk.connection.in_transaction
    assert "/more/" in paths(disk)
