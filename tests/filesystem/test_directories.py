"""Directories: made, moved, renamed, deleted with what they hold; who may share a name."""

from __future__ import annotations

import pytest

from lix_vtab.errors import ConstraintViolation, InvalidValueError, LixError, UniqueError
from tests.filesystem.ways import commits, data, directories, make, paths, put, put_in
from tests.state.session import Session


def live_rows(lix: Session) -> list[tuple[str, str]]:
    """Return everything that lives and has to do with files."""
    return lix.rows(
        "SELECT schema_key, entity_id FROM lix_state WHERE file_id <> 'lix'"
        " OR schema_key IN ('lix_file_descriptor', 'lix_directory_descriptor') ORDER BY 1, 2"
    )


@pytest.mark.parametrize("where", ["id = 'dir-docs'", "path = '/docs/'"])
def test_deleting_a_directory_deletes_what_is_in_it(lix: Session, where: str) -> None:
    make(lix, "dir-docs", "/docs/", name="docs")
    make(lix, "dir-guides", "/docs/guides/", parent_id="dir-docs", name="guides")
    put(lix, "file-cascade-1", "/docs/guides/intro.md", "# Intro\n")
    put(lix, "file-cascade-2", "/docs/photo.bin", b"\x00\x01")
    put(lix, "file-cascade-3", "/docs/guides/untracked.json", '{"a":1}', lixcol_untracked=1)
    put(lix, "kept", "/docs.bin", b"\x00")
    before = commits(lix)
    lix.execute(f"DELETE FROM lix_directory WHERE {where}")
    assert directories(lix) == []
    assert paths(lix) == ["/docs.bin"]
    assert commits(lix) == before + 1
    assert live_rows(lix) == [
        ("lix_binary_blob_ref", "kept"),
        ("lix_file_descriptor", "kept"),
    ]


DIRECTORY_ROW = "schema_key = 'lix_directory_descriptor' AND snapshot_content ->> '$.name' = 'docs'"


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM lix_state WHERE {DIRECTORY_ROW}",
        f"DELETE FROM lix_state_by_version WHERE {DIRECTORY_ROW}",
        f"DELETE FROM lix_internal_state_vtable WHERE {DIRECTORY_ROW}",
        f"UPDATE lix_state SET snapshot_content = NULL WHERE {DIRECTORY_ROW}",
        "DELETE FROM lix_directory_descriptor WHERE name = 'docs'",
        "DELETE FROM lix_state WHERE schema_key IN"
        " ('lix_directory_descriptor', 'lix_file_descriptor') AND entity_id <> 'kept'",
    ],
)
def test_deleting_its_row_deletes_what_is_in_it_too(lix: Session, statement: str) -> None:
    put(lix, "in", "/docs/a.bin", b"\x00\x01")
    put(lix, "deep", "/docs/deep/b.bin", b"\x00\x02")
    put(lix, "kept", "/c.bin", b"\x00")
    before = commits(lix)
    lix.execute(statement)
    assert (paths(lix), directories(lix)) == (["/c.bin"], [])
    assert ("lix_file_descriptor", "kept") in live_rows(lix)
    assert commits(lix) == before + 1


def test_a_directory_that_shows_again_keeps_what_is_in_it(lix: Session) -> None:
    put(lix, "in", "/docs/a.bin", b"\x00")
    lix.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content, untracked) SELECT entity_id, schema_key, file_id, plugin_key,"
        f" schema_version, snapshot_content, 1 FROM lix_state WHERE {DIRECTORY_ROW}"
    )
    lix.execute(f"DELETE FROM lix_state WHERE {DIRECTORY_ROW} AND untracked = 1")
    assert paths(lix) == ["/docs/a.bin"]


def test_an_inherited_directory_goes_with_what_versions_have_in_it(lix: Session) -> None:
    put_in(lix, "global", "g", "/docs/g.bin", b"\x00")
    put(lix, "m", "/docs/m.bin", b"\x00")
    assert paths(lix) == ["/docs/g.bin", "/docs/m.bin"]
    lix.execute(f"DELETE FROM lix_state_by_version WHERE {DIRECTORY_ROW}")
    assert lix.rows("SELECT path FROM lix_file_by_version") == []
    assert lix.rows("SELECT path FROM lix_directory_by_version") == []


def test_deleting_with_a_parameter(lix: Session) -> None:
    put(lix, "f", "/docs/guides/intro.md")
    lix.execute("DELETE FROM lix_directory WHERE path = ?", ("/docs/",))
    assert (paths(lix), directories(lix)) == ([], [])


def test_deleting_everything_at_once(lix: Session) -> None:
    put(lix, "f", "/a/b/c/f.json", '{"x":1}')
    put(lix, "g", "/a/g.json", '{"x":1}')
    lix.execute("DELETE FROM lix_directory")
    assert live_rows(lix) == []
    put(lix, "h", "/a/b/h.txt")
    assert paths(lix) == ["/a/b/h.txt"]


def test_deleting_the_last_file_leaves_its_directory(lix: Session) -> None:
    put(lix, "f", "/a/b/f.txt")
    lix.execute("DELETE FROM lix_file")
    assert directories(lix) == ["/a/", "/a/b/"]


def test_a_whole_tree_moves_by_one_row(lix: Session) -> None:
    for n in range(5):
        put(lix, f"f{n}", f"/src/deep/{n}/f.bin", f"{n}")
    make(lix, "target", "/target/")
    before = lix.value("SELECT count(*) FROM lix_change")
    lix.execute(
        "UPDATE lix_directory SET parent_id = 'target', name = 'moved' WHERE path = '/src/'"
    )
    assert lix.value("SELECT count(*) FROM lix_change") == before + 1
    assert paths(lix) == [f"/target/moved/deep/{n}/f.bin" for n in range(5)]
    assert lix.column("SELECT id FROM lix_file WHERE path = '/target/moved/deep/3/f.bin'") == ["f3"]
    assert lix.column("SELECT id FROM lix_file WHERE path = '/src/deep/3/f.bin'") == []
    assert data(lix, "f3") == b"3"


def test_a_directory_moves_by_path(lix: Session) -> None:
    put(lix, "f", "/a/b/f.txt")
    make(lix, "c", "/c/")
    lix.execute("UPDATE lix_directory SET path = '/c/d/' WHERE path = '/a/b/'")
    assert paths(lix) == ["/c/d/f.txt"]
    with pytest.raises(ConstraintViolation, match="Parent directory does not exist for path /x/y/"):
        lix.execute("UPDATE lix_directory SET path = '/x/y/' WHERE path = '/c/d/'")
    lix.execute("UPDATE lix_directory SET path = '/c/d/' WHERE path = '/c/d/'")
    assert directories(lix) == ["/a/", "/c/", "/c/d/"]


def test_a_directory_cannot_contain_itself(lix: Session) -> None:
    make(lix, "a", "/a/")
    make(lix, "b", "/a/b/")
    make(lix, "c", "/a/b/c/")
    with pytest.raises(ConstraintViolation, match="cannot be its own parent"):
        lix.execute("UPDATE lix_directory SET parent_id = 'a' WHERE id = 'a'")
    with pytest.raises(ConstraintViolation, match="cannot be its own parent"):
        lix.execute("UPDATE lix_directory SET path = '/a/x/' WHERE id = 'a'")
    with pytest.raises(ConstraintViolation, match="would create a cycle"):
        lix.execute("UPDATE lix_directory SET parent_id = 'c' WHERE id = 'a'")
    with pytest.raises(ConstraintViolation, match="would create a cycle"):
        lix.execute("INSERT OR REPLACE INTO lix_directory (id, path) VALUES ('a', '/a/b/c/d/')")
    with pytest.raises(ConstraintViolation, match="Parent directory does not exist for id nowhere"):
        lix.execute("UPDATE lix_directory SET parent_id = 'nowhere' WHERE id = 'a'")
    assert directories(lix) == ["/a/", "/a/b/", "/a/b/c/"]


def test_insert_by_name_and_parent(lix: Session) -> None:
    lix.execute("INSERT INTO lix_directory (id, name) VALUES ('a', 'a')")
    lix.execute("INSERT INTO lix_directory (id, name, parent_id) VALUES ('b', 'b', 'a')")
    lix.execute("INSERT INTO lix_directory (path) VALUES ('/x/y/z/')")
    assert directories(lix) == ["/a/", "/a/b/", "/x/", "/x/y/", "/x/y/z/"]


@pytest.mark.parametrize(
    ("columns", "values", "error", "text"),
    [
        ("id", "'x'", InvalidValueError, "Directory name must be provided"),
        ("name", "'  '", InvalidValueError, "Directory name must be provided"),
        ("name", "'a/b'", InvalidValueError, "must not contain slashes"),
        ("name", "'..'", InvalidValueError, "cannot be"),
        ("name, parent_id", "'a', 'no'", ConstraintViolation, "does not exist for id no"),
        ("path", "'/'", InvalidValueError, "Invalid directory path"),
        ("path", "'/docs'", InvalidValueError, "Invalid directory path"),
        ("path", "'/docs/ '", InvalidValueError, "Invalid directory path"),
        ("path, name", "'/docs/', 'dox'", InvalidValueError, "does not match path '/docs/'"),
        ("path, parent_id", "'/docs/', 'one'", InvalidValueError, "Provided parent_id does not"),
        ("path", "'/one/'", UniqueError, "directory path '/one/' already exists"),
        ("name", "'one'", UniqueError, "directory path '/one/' already exists"),
        ("id, path", "'one', '/two/'", UniqueError, "already has an entity 'one'"),
        ("path", "'/file/'", UniqueError, "Directory path collides with existing file path: /file"),
        ("path", "'/file/in/'", UniqueError, "Directory path collides with existing file path"),
    ],
)
def test_refused_inserts(
    lix: Session, columns: str, values: str, error: type[LixError], text: str
) -> None:
    make(lix, "one", "/one/")
    put(lix, "file", "/file")
    before = commits(lix)
    with pytest.raises(error, match=text):
        lix.execute(f"INSERT INTO lix_directory ({columns}) VALUES ({values})")
    assert directories(lix) == ["/one/"]
    assert commits(lix) == before


def test_files_and_directories_do_not_share_names(lix: Session) -> None:
    make(lix, "d", "/foo.bar/")
    with pytest.raises(UniqueError, match="File path collides with existing directory path"):
        put(lix, "f", "/foo.bar")
    put(lix, "g", "/c.md")
    with pytest.raises(
        UniqueError, match=r"Directory path collides with existing file path: /c\.md"
    ):
        put(lix, "h", "/c.md/inner.txt")
    put(lix, "i", "/i.txt")
    with pytest.raises(UniqueError, match="File path collides"):
        lix.execute("UPDATE lix_file SET path = '/foo.bar' WHERE id = 'i'")
    with pytest.raises(UniqueError, match="File path collides"):
        lix.execute("UPDATE lix_file SET name = 'foo', extension = 'bar' WHERE id = 'i'")
    with pytest.raises(UniqueError, match="Directory path collides"):
        lix.execute("UPDATE lix_directory SET name = 'i.txt'")
    with pytest.raises(UniqueError, match="already exists"):
        lix.execute("UPDATE lix_file SET extension = 'md', name = 'c' WHERE id = 'i'")
    put(lix, "a", "/A.txt")
    put(lix, "b", "/a.txt")
    put(lix, "c", "/a")
    assert paths(lix) == ["/A.txt", "/a", "/a.txt", "/c.md", "/i.txt"]


def test_a_name_is_free_again_once_given_up(lix: Session) -> None:
    make(lix, "d", "/name/")
    lix.execute("UPDATE lix_directory SET name = 'other'")
    put(lix, "f", "/name")
    lix.execute("DELETE FROM lix_file")
    make(lix, "e", "/name/")
    assert directories(lix) == ["/name/", "/other/"]


def test_or_replace_takes_the_place_of_a_directory(lix: Session) -> None:
    put(lix, "f", "/docs/f.txt")
    lix.execute("INSERT OR REPLACE INTO lix_directory (id, path) VALUES ('new', '/docs/')")
    assert lix.rows("SELECT id, path FROM lix_directory") == [("new", "/docs/")]
    assert paths(lix) == []
    lix.execute("INSERT OR IGNORE INTO lix_directory (id, path) VALUES ('newer', '/docs/')")
    assert lix.column("SELECT id FROM lix_directory") == ["new"]


def test_history_knows_the_directories_of_tracked_files(lix: Session) -> None:
    make(lix, "d", "/local/", lixcol_untracked=1)
    make(lix, "e", "/local/deep/", lixcol_untracked=1)
    put(lix, "f", "/local/deep/f.txt", "x")
    assert lix.rows("SELECT id, lixcol_untracked FROM lix_directory ORDER BY id") == [
        ("d", 1),
        ("e", 1),
    ]
    draft = lix.create_version("draft")
    lix.switch_version(draft)
    assert directories(lix) == ["/local/", "/local/deep/"]
    assert paths(lix) == ["/local/deep/f.txt"]
    before = lix.value("SELECT count(*) FROM lix_change")
    lix.switch_version(lix.main())
    put(lix, "g", "/local/deep/g.bin", "x")
    assert lix.value("SELECT count(*) FROM lix_change") == before + 2


def test_metadata_and_hidden_of_directories(lix: Session) -> None:
    make(lix, "d", "/d/", lixcol_metadata='{"a": 1}')
    lix.execute("UPDATE lix_directory SET name = 'e'")
    assert lix.rows("SELECT name, lixcol_metadata FROM lix_directory") == [("e", '{"a":1}')]
    before = commits(lix)
    lix.execute("UPDATE lix_directory SET name = 'e', hidden = 0")
    assert commits(lix) == before
    lix.execute("UPDATE lix_directory SET lixcol_metadata = NULL, hidden = 1 WHERE path = '/e/'")
    assert lix.rows("SELECT hidden, lixcol_metadata FROM lix_directory") == [(1, None)]
