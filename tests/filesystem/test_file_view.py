"""`lix_file` and `lix_file_by_version` on their own: columns, writes, refusals."""

from __future__ import annotations

import json

import pytest

from lix_vtab.errors import (
    ConstraintViolation,
    InvalidValueError,
    LixError,
    ReadOnlyError,
    TableNotFound,
    UniqueError,
    VersionNotFound,
)
from tests.filesystem.ways import (
    commits,
    data,
    directories,
    make,
    make_in,
    paths,
    put,
    put_in,
)
from tests.state.session import Session


def test_an_inserted_file_reads_back(lix: Session) -> None:
    put(lix, "file-1", "/src/index.ts")
    assert lix.rows(
        "SELECT id, path, data, lixcol_schema_key FROM lix_file WHERE id = 'file-1'"
    ) == [("file-1", "/src/index.ts", b"ignored", "lix_file_descriptor")]


def test_directories_on_the_way_are_made(lix: Session) -> None:
    put(lix, "file-autodir-1", "/docs/readme.md")
    assert lix.rows("SELECT path, name, parent_id, hidden FROM lix_directory ORDER BY path") == [
        ("/docs/", "docs", None, 0)
    ]


def test_a_write_of_data_leaves_the_descriptor_alone(lix: Session) -> None:
    put(lix, "file-2", "/src/readme.bin")
    count = (
        "SELECT count(*) FROM lix_internal_state_vtable WHERE entity_id = 'file-2'"
        " AND schema_key = 'lix_file_descriptor' AND snapshot_content IS NOT NULL"
    )
    changes = "SELECT count(*) FROM lix_change WHERE entity_id = 'file-2' AND schema_key = ?"
    before = lix.value(count)
    described = lix.rows("SELECT lixcol_change_id, lixcol_updated_at FROM lix_file")
    lix.execute("UPDATE lix_file SET data = 'ignored-again' WHERE id = 'file-2'")
    assert lix.value(count) == before == 1
    assert data(lix, "file-2") == b"ignored-again"
    assert lix.rows("SELECT lixcol_change_id, lixcol_updated_at FROM lix_file") == described
    assert lix.value(changes, ("lix_file_descriptor",)) == 1
    assert lix.value(changes, ("lix_binary_blob_ref",)) == 2


def test_data_set_to_itself_changes_nothing(lix: Session) -> None:
    put(lix, "file-2-expr", "/src/readme.md")
    before = commits(lix)
    lix.execute("UPDATE lix_file SET data = data WHERE id = 'file-2-expr'")
    assert data(lix, "file-2-expr") == b"ignored"
    assert commits(lix) == before


def test_ids_are_immutable(lix: Session) -> None:
    put(lix, "file-id-immutable", "/immutable.json")
    with pytest.raises(ConstraintViolation, match="lix_file id is immutable"):
        lix.execute("UPDATE lix_file SET id = 'file-id-new' WHERE id = 'file-id-immutable'")
    with pytest.raises(ConstraintViolation, match="id is immutable"):
        lix.execute("UPDATE lix_file SET lixcol_entity_id = 'x' WHERE id = 'file-id-immutable'")
    main = lix.main()
    put_in(lix, main, "file-id-immutable-by-version", "/immutable-by-version.json")
    with pytest.raises(ConstraintViolation, match="lix_file_by_version id is immutable"):
        lix.execute(
            "UPDATE lix_file_by_version SET id = 'file-id-new-by-version'"
            " WHERE id = 'file-id-immutable-by-version' AND lixcol_version_id = ?",
            (main,),
        )
    assert paths(lix) == ["/immutable-by-version.json", "/immutable.json"]


def test_directory_ids_are_immutable(lix: Session) -> None:
    make(lix, "dir-id-immutable", "/immutable-dir/")
    with pytest.raises(ConstraintViolation, match="lix_directory id is immutable"):
        lix.execute("UPDATE lix_directory SET id = 'dir-id-new' WHERE id = 'dir-id-immutable'")
    main = lix.main()
    make_in(lix, main, "dir-by-version", "/immutable-dir-by-version/")
    with pytest.raises(ConstraintViolation, match="lix_directory_by_version id is immutable"):
        lix.execute(
            "UPDATE lix_directory_by_version SET id = 'dir-id-new-by-version'"
            " WHERE id = 'dir-by-version' AND lixcol_version_id = ?",
            (main,),
        )


def test_one_version_at_a_time(lix: Session) -> None:
    main = lix.main()
    lix.version("fs-version-b", inherits=main)
    put_in(lix, main, "file-shared", "/shared/config.bin")
    put_in(lix, "fs-version-b", "file-shared", "/shared/config.bin")
    lix.execute(
        "UPDATE lix_file_by_version SET path = '/shared/config-renamed.bin', data = 'ignored-again'"
        " WHERE id = 'file-shared' AND lixcol_version_id = 'fs-version-b'"
    )
    one = (
        "SELECT path, data FROM lix_file_by_version"
        " WHERE id = 'file-shared' AND lixcol_version_id = ?"
    )
    assert lix.rows(one, (main,)) == [("/shared/config.bin", b"ignored")]
    assert lix.rows(one, ("fs-version-b",)) == [("/shared/config-renamed.bin", b"ignored-again")]
    lix.execute(
        "DELETE FROM lix_file_by_version WHERE id = 'file-shared'"
        " AND lixcol_version_id = 'fs-version-b'"
    )
    assert len(lix.rows(one, (main,))) == 1
    assert lix.rows(one, ("fs-version-b",)) == []


def test_inserts_by_version_name_one(lix: Session) -> None:
    with pytest.raises(InvalidValueError, match="requires lixcol_version_id"):
        lix.execute(
            "INSERT INTO lix_file_by_version (id, path, data) VALUES ('m', '/missing.json', 'x')"
        )
    with pytest.raises(InvalidValueError, match="requires lixcol_version_id"):
        lix.execute(
            "INSERT INTO lix_directory_by_version (id, path, name)"
            " VALUES ('m', '/missing/', 'missing')"
        )
    with pytest.raises(VersionNotFound):
        put_in(lix, "nowhere", "f", "/f.txt")
    with pytest.raises(VersionNotFound):
        make_in(lix, "nowhere", "d", "/d/")
    assert lix.value("SELECT count(*) FROM lix_file_by_version") == 0


def test_writes_by_version_with_a_predicate(lix: Session) -> None:
    main = lix.main()
    put_in(lix, main, "needs", "/needs-version.json")
    lix.execute(
        "UPDATE lix_file_by_version SET path = '/changed.json' WHERE id = 'needs'"
        " AND lixcol_version_id = ?",
        (main,),
    )
    assert lix.column("SELECT path FROM lix_file WHERE id = 'needs'") == ["/changed.json"]
    lix.execute(
        "DELETE FROM lix_file_by_version WHERE id = 'needs' AND lixcol_version_id = ?", (main,)
    )
    assert lix.rows("SELECT * FROM lix_file") == []
    make_in(lix, main, "dir", "/needs-version/")
    lix.execute(
        "UPDATE lix_directory_by_version SET path = '/changed/', name = 'changed'"
        " WHERE id = 'dir' AND lixcol_version_id = ?",
        (main,),
    )
    assert lix.rows("SELECT path, name FROM lix_directory") == [("/changed/", "changed")]
    lix.execute(
        "DELETE FROM lix_directory_by_version WHERE id = 'dir' AND lixcol_version_id = ?", (main,)
    )
    assert lix.rows("SELECT * FROM lix_directory") == []


def test_writes_by_version_without_a_predicate_reach_every_match(lix: Session) -> None:
    main = lix.main()
    lix.version("other")
    put_in(lix, main, "both", "/both.txt")
    put_in(lix, "other", "both", "/both.txt")
    lix.execute("UPDATE lix_file_by_version SET path = '/changed.txt' WHERE id = 'both'")
    assert lix.rows("SELECT lixcol_version_id, path FROM lix_file_by_version ORDER BY 1") == sorted(
        [(main, "/changed.txt"), ("other", "/changed.txt")]
    )
    lix.execute("DELETE FROM lix_file_by_version WHERE id = 'both'")
    assert lix.rows("SELECT * FROM lix_file_by_version") == []


def test_data_and_metadata_together(lix: Session) -> None:
    put(lix, "file-mixed", "/mixed.bin")
    before = commits(lix)
    lix.execute(
        "UPDATE lix_file SET data = 'ignored-again', metadata = '{\"owner\":\"sam\"}'"
        " WHERE id = 'file-mixed'"
    )
    assert commits(lix) == before + 1
    assert lix.value(
        "SELECT count(*) FROM lix_change WHERE schema_key = 'lix_file_descriptor'"
        " AND entity_id = 'file-mixed'"
    ) == 2  # fmt: skip
    content, metadata = lix.rows("SELECT data, metadata FROM lix_file WHERE id = 'file-mixed'")[0]
    assert content == b"ignored-again"
    assert '"owner":"sam"' in metadata


def test_ids_are_generated(lix: Session) -> None:
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/auto-id.txt', 'ignored')")
    ((id, content),) = lix.rows("SELECT id, data FROM lix_file WHERE path = '/auto-id.txt'")
    assert id
    assert content == b"ignored"
    lix.execute(
        "INSERT INTO lix_directory (path, parent_id, name) VALUES ('/auto-dir/', NULL, 'auto-dir')"
    )
    ((id,),) = lix.rows("SELECT id FROM lix_directory WHERE path = '/auto-dir/'")
    assert id


def test_hidden_is_a_flag_that_hides_nothing(lix: Session) -> None:
    put(lix, "default", "/hidden-default.json")
    lix.execute(
        "INSERT INTO lix_file (id, path, hidden) VALUES ('true', '/hidden-true.json', true)"
    )
    make(lix, "dir-default", "/hidden-dir-default/")
    make(lix, "dir-true", "/hidden-dir-true/", hidden=1)
    files = "SELECT id, hidden FROM lix_file ORDER BY id"
    assert lix.rows(files) == [("default", 0), ("true", 1)]
    assert lix.rows("SELECT id, hidden FROM lix_directory ORDER BY id") == [
        ("dir-default", 0),
        ("dir-true", 1),
    ]
    lix.execute("UPDATE lix_file SET hidden = true WHERE id = 'default'")
    lix.execute("UPDATE lix_file SET hidden = 'false' WHERE id = 'true'")
    assert lix.rows(files) == [("default", 1), ("true", 0)]
    lix.execute("UPDATE lix_directory SET hidden = 0")
    assert lix.column("SELECT hidden FROM lix_directory") == [0, 0]
    with pytest.raises(InvalidValueError, match="hidden must be true or false"):
        lix.execute("UPDATE lix_file SET hidden = 7")


def test_paths_are_unique(lix: Session) -> None:
    put(lix, "file-dup-a", "/docs/readme.md")
    with pytest.raises(UniqueError, match="Unique constraint violation: file path"):
        put(lix, "file-dup-b", "/docs/readme.md")
    assert paths(lix) == ["/docs/readme.md"]


def test_the_same_name_in_another_directory(lix: Session) -> None:
    put(lix, "root-readme", "/readme.md", "root")
    put(lix, "nested-readme", "/docs/readme.md", "nested")
    assert lix.rows("SELECT id, path FROM lix_file ORDER BY path") == [
        ("nested-readme", "/docs/readme.md"),
        ("root-readme", "/readme.md"),
    ]


def test_a_file_cannot_move_onto_another(lix: Session) -> None:
    put(lix, "file-path-a", "/docs/a.md")
    put(lix, "file-path-b", "/docs/b.md")
    with pytest.raises(UniqueError, match="already exists"):
        lix.execute("UPDATE lix_file SET path = '/docs/a.md' WHERE id = 'file-path-b'")
    assert paths(lix) == ["/docs/a.md", "/docs/b.md"]


def test_an_untracked_file_moves_into_untracked_directories(lix: Session) -> None:
    descriptor = {
        "id": "file-path-untracked",
        "directory_id": None,
        "name": "a",
        "extension": "md",
        "hidden": False,
    }
    lix.execute(
        "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
        " plugin_key, snapshot_content, schema_version, untracked)"
        " VALUES ('file-path-untracked', 'lix_file_descriptor', 'lix', ?, 'lix', ?, '1', 1)",
        (lix.main(), json.dumps(descriptor)),
    )
    lix.execute(
        "UPDATE lix_file SET path = '/docs/guides/a.md'"
        " WHERE id = 'file-path-untracked' AND lixcol_untracked = 1"
    )
    assert lix.column("SELECT path FROM lix_file WHERE lixcol_untracked = 1") == [
        "/docs/guides/a.md"
    ]
    assert lix.rows("SELECT path, lixcol_untracked FROM lix_directory ORDER BY path") == [
        ("/docs/", 1),
        ("/docs/guides/", 1),
    ]


def test_an_update_that_matches_nothing_makes_nothing(lix: Session) -> None:
    before = commits(lix)
    lix.execute("UPDATE lix_file SET path = '/docs/noop.json' WHERE id = 'missing-file'")
    lix.execute("DELETE FROM lix_file WHERE id IN ('a', 'b')")
    lix.execute("DELETE FROM lix_file")
    lix.execute("DELETE FROM lix_directory")
    assert directories(lix) == []
    assert commits(lix) == before


def test_the_commit_is_the_versions_tip(lix: Session) -> None:
    put(lix, "file-commit-id", "/commit-id.json")
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('later', '1')")
    tip = lix.tip()
    assert tip
    assert lix.column("SELECT lixcol_commit_id FROM lix_file") == [tip]


def test_the_tables_follow_the_active_version(lix: Session) -> None:
    main = lix.main()
    lix.version("version-b", inherits=main)
    put_in(lix, main, "switch-file", "/switch-a.json")
    put_in(lix, "version-b", "switch-file", "/switch-b.json")
    make_in(lix, main, "switch-dir", "/a/")
    make_in(lix, "version-b", "switch-dir", "/b/")
    assert (paths(lix), directories(lix)) == (["/switch-a.json"], ["/a/"])
    lix.active("version-b")
    assert (paths(lix), directories(lix)) == (["/switch-b.json"], ["/b/"])


def test_every_column_can_be_read(lix: Session) -> None:
    lix.execute(
        "INSERT INTO lix_file (id, path, data, metadata)"
        " VALUES ('lixcol-file', '/lixcol.json', 'x', '{\"tag\":\"file\"}')"
    )
    make(lix, "lixcol-dir", "/lixcol/")
    names = [c for (c,) in lix.rows("SELECT name FROM pragma_table_info('lix_file')")]
    assert names[:8] == [
        "id", "directory_id", "name", "extension", "path", "data", "metadata", "hidden",
    ]  # fmt: skip
    row = dict(zip(names, lix.rows("SELECT * FROM lix_file")[0], strict=True))
    assert (row["directory_id"], row["name"], row["extension"]) == (None, "lixcol", "json")
    assert row["metadata"] == '{"tag":"file"}'
    assert row["lixcol_metadata"] is None
    assert row["lixcol_schema_key"] == "lix_file_descriptor"
    assert row["lixcol_file_id"] == row["lixcol_plugin_key"] == "lix"
    assert row["lixcol_schema_version"] == "1"
    assert row["lixcol_entity_id"] == "lixcol-file"
    assert row["lixcol_untracked"] == 0
    assert row["lixcol_inherited_from_version_id"] is None
    assert row["lixcol_created_at"] == row["lixcol_updated_at"]
    by_version = [
        c for (c,) in lix.rows("SELECT name FROM pragma_table_info('lix_file_by_version')")
    ]
    assert by_version.index("lixcol_version_id") == 11
    assert [n for n in by_version if n != "lixcol_version_id"] == names
    directory = [c for (c,) in lix.rows("SELECT name FROM pragma_table_info('lix_directory')")]
    assert directory == [
        "id", "parent_id", "name", "path", "hidden", "lixcol_entity_id", "lixcol_schema_key",
        "lixcol_schema_version", "lixcol_inherited_from_version_id", "lixcol_change_id",
        "lixcol_created_at", "lixcol_updated_at", "lixcol_commit_id", "lixcol_untracked",
        "lixcol_metadata",
    ]  # fmt: skip
    values = dict(zip(directory, lix.rows("SELECT * FROM lix_directory")[0], strict=True))
    assert values["lixcol_schema_key"] == "lix_directory_descriptor"
    assert values["lixcol_schema_version"] == "1"
    versioned = [
        c for (c,) in lix.rows("SELECT name FROM pragma_table_info('lix_directory_by_version')")
    ]
    assert versioned.index("lixcol_version_id") == 8


def test_the_change_id_is_the_descriptors(lix: Session) -> None:
    put(lix, "change-id-file", "/change-id.json")
    id = lix.value("SELECT lixcol_change_id FROM lix_file")
    assert id
    assert lix.column(
        "SELECT lixcol_change_id FROM lix_file_by_version WHERE lixcol_version_id = ?",
        (lix.main(),),
    ) == [id]
    assert lix.value("SELECT schema_key FROM lix_change WHERE id = ?", (id,)) == (
        "lix_file_descriptor"
    )


@pytest.mark.parametrize("name", ["file", "directory"])
def test_names_without_prefix_are_no_tables(lix: Session, name: str) -> None:
    with pytest.raises(TableNotFound, match=name):
        lix.execute(f'SELECT id FROM "{name}"')


def test_table_names_ignore_case(lix: Session) -> None:
    put(lix, "f", "/f.txt")
    assert lix.column("SELECT ID FROM LIX_FILE") == ["f"]


@pytest.mark.parametrize(
    ("columns", "values", "error", "text"),
    [
        ("id, data", "'f', 'x'", InvalidValueError, "lix_file insert requires path"),
        ("path", "NULL", InvalidValueError, "lix_file insert requires path"),
        ("path", "x'2f61'", InvalidValueError, "path does not support blob values"),
        ("path", "''", InvalidValueError, "Invalid file path"),
        ("path", "5", InvalidValueError, "Invalid file path 5"),
        ("path", "'/'", InvalidValueError, "Invalid file path"),
        ("path", "'/a/'", InvalidValueError, "Invalid file path"),
        ("path", "'a'", InvalidValueError, "Invalid file path"),
        ("path", "'/a//b'", InvalidValueError, "Invalid file path"),
        ("path", "'/a/../b'", InvalidValueError, r"cannot be '\.' or '\.\.'"),
        ("path, name", "'/a.txt', 'b'", InvalidValueError, "does not match path"),
        ("path, data", "'/a.txt', 5", InvalidValueError, "must be a blob or text"),
        ("path, metadata", "'/a.txt', 'plain'", InvalidValueError, "invalid JSON"),
        ("path, lixcol_metadata", "'/a.txt', 5", InvalidValueError, "must be JSON text"),
        ("path, hidden", "'/a.txt', 'maybe'", InvalidValueError, "hidden must be"),
        ("path, id", "'/a.txt', ''", InvalidValueError, "id cannot be empty"),
        ("path, id", "'/a.txt', 'lix'", InvalidValueError, "cannot have the id 'lix'"),
        (
            "path, id, lixcol_entity_id",
            "'/a.txt', 'a', 'b'",
            ConstraintViolation,
            "differs from id",
        ),
        ("path, lixcol_schema_key", "'/a.txt', 'x'", ReadOnlyError, "view schema is fixed"),
        ("path, lixcol_file_id", "'/a.txt', 'x'", ReadOnlyError, "always 'lix'"),
        ("path, lixcol_change_id", "'/a.txt', 'x'", ReadOnlyError, "it is computed"),
        ("path, lixcol_plugin_error", "'/a.txt', 'x'", ReadOnlyError, "it is computed"),
    ],
)
def test_refused_inserts(
    lix: Session, columns: str, values: str, error: type[LixError], text: str
) -> None:
    before = commits(lix)
    with pytest.raises(error, match=text):
        lix.execute(f"INSERT INTO lix_file ({columns}) VALUES ({values})")
    assert lix.rows("SELECT * FROM lix_file") == []
    assert commits(lix) == before


@pytest.mark.parametrize(
    ("assignment", "error", "text"),
    [
        ("path = NULL", InvalidValueError, "path does not support NULL"),
        ("name = '..', extension = NULL", InvalidValueError, "cannot be"),
        ("name = 'a/b'", InvalidValueError, "must not contain slashes"),
        ("directory_id = 'nowhere'", ConstraintViolation, "Parent directory does not exist"),
        ("lixcol_untracked = 1", ReadOnlyError, "cannot change lixcol_untracked"),
        ("lixcol_schema_key = 'x'", ReadOnlyError, "view schema is fixed"),
        ("lixcol_commit_id = 'x'", ReadOnlyError, "it is computed"),
        ("lixcol_plugin_key = 'x'", ReadOnlyError, "always 'lix'"),
        ("data = 7", InvalidValueError, "must be a blob or text"),
        ("metadata = 'plain'", InvalidValueError, "invalid JSON"),
    ],
)
def test_refused_updates(lix: Session, assignment: str, error: type[LixError], text: str) -> None:
    put(lix, "f", "/f.txt", "x")
    before = lix.rows("SELECT * FROM lix_file")
    with pytest.raises(error, match=text):
        lix.execute(f"UPDATE lix_file SET {assignment}")
    assert lix.rows("SELECT * FROM lix_file") == before


def test_values_a_copy_would_give_are_accepted(lix: Session) -> None:
    put(lix, "f", "/docs/f.txt", "x")
    lix.execute(
        "UPDATE lix_file SET id = id, lixcol_untracked = 0, lixcol_schema_key = lixcol_schema_key,"
        " lixcol_file_id = 'lix', name = 'g'"
    )
    assert paths(lix) == ["/docs/g.txt"]
    lix.execute(
        "INSERT INTO lix_file (path, name, extension, lixcol_schema_version)"
        " VALUES ('/docs/h.txt', 'h', 'txt', '1')"
    )
    assert paths(lix) == ["/docs/g.txt", "/docs/h.txt"]


def test_or_replace_and_or_ignore(lix: Session) -> None:
    put(lix, "a", "/a.bin", "a", metadata='{"k":1}')
    put(lix, "b", "/b.bin", "b")
    lix.execute("INSERT OR IGNORE INTO lix_file (id, path, data) VALUES ('a', '/x.bin', 'x')")
    lix.execute("INSERT OR IGNORE INTO lix_file (path, data) VALUES ('/a.bin', 'x')")
    assert lix.rows("SELECT id, path, data FROM lix_file ORDER BY id") == [
        ("a", "/a.bin", b"a"),
        ("b", "/b.bin", b"b"),
    ]
    with pytest.raises(UniqueError):
        lix.execute("INSERT INTO lix_file (id, path, data) VALUES ('a', '/x.bin', 'x')")
    lix.execute("INSERT OR REPLACE INTO lix_file (id, path, data) VALUES ('a', '/x.bin', 'x')")
    assert lix.rows("SELECT path, data, metadata FROM lix_file WHERE id = 'a'") == [
        ("/x.bin", b"x", None)
    ]
    lix.execute("INSERT OR REPLACE INTO lix_file (id, path, data) VALUES ('c', '/b.bin', 'c')")
    assert lix.rows("SELECT id, path, data FROM lix_file ORDER BY id") == [
        ("a", "/x.bin", b"x"),
        ("c", "/b.bin", b"c"),
    ]
    lix.execute("UPDATE OR REPLACE lix_file SET path = '/b.bin' WHERE id = 'a'")
    assert lix.rows("SELECT id, path FROM lix_file") == [("a", "/b.bin")]
    lix.execute("REPLACE INTO lix_file (id, path) VALUES ('a', '/b.bin')")
    assert lix.rows("SELECT id, data FROM lix_file") == [("a", b"")]


def test_upsert_and_returning_through_execute(lix: Session) -> None:
    put(lix, "a", "/a.bin", "a")
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('a', '/a.bin', 'b')"
        " ON CONFLICT (id) DO UPDATE SET data = excluded.data"
    )
    assert data(lix, "a") == b"b"
    assert lix.lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('n', '/n.bin', 'n') RETURNING id"
    ).rows == [("n",)]


def test_the_writer_key_of_a_file(lix: Session) -> None:
    put(lix, "f", "/f.bin", "x")
    lix.execute("UPDATE lix_file SET metadata = '1'", writer_key="editor")
    assert lix.value("SELECT lixcol_writer_key FROM lix_file") == "editor"
    lix.execute("UPDATE lix_file SET data = 'y'", writer_key="editor#2")
    assert lix.value(
        "SELECT writer_key FROM lix_state WHERE file_id = 'f' AND entity_id = 'f'"
    ) == "editor#2"  # fmt: skip
    lix.execute("UPDATE lix_file SET metadata = '2'")
    assert lix.value("SELECT lixcol_writer_key FROM lix_file") is None


def test_metadata_is_any_json(lix: Session) -> None:
    put(lix, "f", "/f.bin", "x", metadata="[1, true]")
    assert lix.value("SELECT metadata FROM lix_file") == "[1,true]"
    lix.execute("UPDATE lix_file SET metadata = 'true', lixcol_metadata = '{\"a\": 1}'")
    assert lix.rows("SELECT metadata, lixcol_metadata FROM lix_file") == [("true", '{"a":1}')]
    lix.execute("UPDATE lix_file SET metadata = NULL")
    assert lix.rows("SELECT metadata, lixcol_metadata FROM lix_file") == [(None, '{"a":1}')]
