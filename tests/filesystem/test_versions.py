"""Files across versions: inherited, copied on write, hidden by tombstones, branched."""

from __future__ import annotations

import pytest

from lix_vtab.errors import PluginError, UniqueError
from tests.filesystem.ways import (
    commits,
    data,
    directories,
    entities,
    make,
    paths,
    put,
    put_in,
)
from tests.state.session import Session


@pytest.fixture
def child(lix: Session) -> Session:
    """Return a session with a version `child` that inherits from the active one."""
    lix.version("child", inherits=lix.main())
    return lix


def origin(lix: Session, id: str) -> object:
    return lix.value("SELECT lixcol_inherited_from_version_id FROM lix_file WHERE id = ?", (id,))


def test_inherited_paths_are_taken(child: Session) -> None:
    make(child, "dir-parent-docs", "/docs/")
    put(child, "readme", "/docs/readme.md")
    put(child, "root", "/root.md")
    child.active("child")
    with pytest.raises(UniqueError):
        make(child, "dir-child-docs", "/docs/")
    with pytest.raises(UniqueError):
        put(child, "child-readme", "/docs/readme.md")
    with pytest.raises(UniqueError):
        put(child, "child-root", "/root.md")
    put(child, "own", "/docs/own.md")
    with pytest.raises(UniqueError):
        child.execute("UPDATE lix_file SET path = '/root.md' WHERE id = 'own'")
    assert paths(child) == ["/docs/own.md", "/docs/readme.md", "/root.md"]
    assert directories(child) == ["/docs/"]


def test_a_file_of_global_is_everywhere(lix: Session) -> None:
    put_in(lix, "global", "g", "/everywhere.txt", "x")
    assert paths(lix) == ["/everywhere.txt"]
    assert origin(lix, "g") == "global"
    with pytest.raises(UniqueError):
        put(lix, "mine", "/everywhere.txt")
    put(lix, "g", "/everywhere.txt", "own copy")
    assert origin(lix, "g") is None
    assert data(lix, "g") == b"own copy"


def test_a_tombstone_frees_the_path(child: Session) -> None:
    put(child, "file-parent-readme", "/readme.md", "parent")
    child.active("child")
    child.execute("DELETE FROM lix_file WHERE id = 'file-parent-readme'")
    assert paths(child) == []
    put(child, "file-child-readme", "/readme.md", "child")
    assert child.rows("SELECT id, path FROM lix_file WHERE path = '/readme.md'") == [
        ("file-child-readme", "/readme.md")
    ]
    child.active(child.main())
    assert data(child, "file-parent-readme") == b"parent"


def test_a_deleted_inherited_file_can_come_back(child: Session) -> None:
    put(child, "f", "/f.json", '{"a":1,"b":2}')
    child.active("child")
    child.execute("DELETE FROM lix_file")
    assert entities(child, "f") == []
    put(child, "f", "/f.json", '{"a":3}')
    assert data(child, "f") == b'{"a":3}'
    assert entities(child, "f") == ["", "/a"]
    child.active(child.main())
    assert data(child, "f") == b'{"a":1,"b":2}'


def test_content_of_an_inherited_file_is_overridden(child: Session) -> None:
    put(child, "f", "/f.bin", "old")
    child.active("child")
    child.execute("UPDATE lix_file SET data = 'new' WHERE id = 'f'")
    assert origin(child, "f") == child.main()
    assert data(child, "f") == b"new"
    child.active(child.main())
    assert data(child, "f") == b"old"


@pytest.mark.parametrize(
    ("assignment", "column", "value"),
    [
        ("path = '/moved/f.bin'", "path", "/moved/f.bin"),
        ("metadata = '{\"a\":1}'", "metadata", '{"a":1}'),
        ("hidden = 1", "hidden", 1),
    ],
)
def test_an_inherited_descriptor_is_copied_on_write(
    child: Session, assignment: str, column: str, value: object
) -> None:
    put(child, "f", "/f.bin", "content")
    before = child.rows("SELECT path, metadata, hidden, data FROM lix_file")
    child.active("child")
    child.execute(f"UPDATE lix_file SET {assignment} WHERE id = 'f'")
    assert child.value(f"SELECT {column} FROM lix_file") == value
    assert origin(child, "f") is None
    assert data(child, "f") == b"content"
    child.active(child.main())
    assert child.rows("SELECT path, metadata, hidden, data FROM lix_file") == before
    assert directories(child) == []


def test_a_no_op_update_copies_nothing(child: Session) -> None:
    put(child, "f", "/docs/f.bin", "content")
    child.active("child")
    before = commits(child)
    child.execute("UPDATE lix_file SET path = path, data = data, metadata = metadata")
    child.execute("UPDATE lix_directory SET name = 'docs', path = '/docs/'")
    assert commits(child) == before
    assert origin(child, "f") == child.main()


def test_an_inherited_directory_is_copied_on_write(child: Session) -> None:
    put(child, "f", "/docs/f.txt")
    child.active("child")
    child.execute("UPDATE lix_directory SET name = 'papers' WHERE path = '/docs/'")
    assert (paths(child), directories(child)) == (["/papers/f.txt"], ["/papers/"])
    put(child, "g", "/docs/g.txt")
    assert paths(child) == ["/docs/g.txt", "/papers/f.txt"]
    child.active(child.main())
    assert (paths(child), directories(child)) == (["/docs/f.txt"], ["/docs/"])


def test_an_inherited_directory_is_deleted_with_its_files(child: Session) -> None:
    put(child, "f", "/docs/deep/f.json", '{"a":1}')
    put(child, "g", "/docs/g.bin")
    child.active("child")
    put(child, "own", "/docs/own.txt")
    child.execute("DELETE FROM lix_directory WHERE path = '/docs/'")
    assert (paths(child), directories(child)) == ([], [])
    assert child.column("SELECT entity_id FROM lix_state WHERE file_id IN ('f', 'g', 'own')") == []
    child.active(child.main())
    assert paths(child) == ["/docs/deep/f.json", "/docs/g.bin"]
    assert data(child, "f") == b'{"a":1}'


def test_an_inherited_file_moved_away_frees_its_path(child: Session) -> None:
    put(child, "f", "/f.txt", "f")
    child.active("child")
    child.execute("UPDATE lix_file SET path = '/elsewhere.txt' WHERE id = 'f'")
    put(child, "g", "/f.txt", "g")
    assert child.rows("SELECT path, id FROM lix_file ORDER BY path") == [
        ("/elsewhere.txt", "f"),
        ("/f.txt", "g"),
    ]
    assert child.column("SELECT id FROM lix_file WHERE path = '/f.txt'") == ["g"]


def test_a_tombstone_in_the_middle(child: Session) -> None:
    put(child, "f", "/f.txt")
    child.version("grandchild", inherits="child")
    child.active("child")
    child.execute("DELETE FROM lix_file")
    child.active("grandchild")
    assert paths(child) == []
    put(child, "g", "/f.txt")
    assert child.column("SELECT id FROM lix_file") == ["g"]


def test_a_grandchild_names_the_origin(child: Session) -> None:
    put(child, "f", "/f.txt")
    child.version("grandchild", inherits="child")
    child.active("grandchild")
    assert origin(child, "f") == child.main()


def test_deleting_in_the_parent_shows_in_the_child(child: Session) -> None:
    put(child, "f", "/docs/f.txt")
    child.execute("DELETE FROM lix_directory")
    child.active("child")
    assert (paths(child), directories(child)) == ([], [])


def test_a_path_added_later_by_the_parent(child: Session) -> None:
    child.active("child")
    put(child, "own", "/docs/f.txt", "own")
    child.active(child.main())
    put(child, "theirs", "/docs/f.txt", "theirs")
    child.active("child")
    by_path = child.rows("SELECT id, data FROM lix_file WHERE path = '/docs/f.txt'")
    assert by_path == [("own", b"own"), ("theirs", b"theirs")]
    assert paths(child) == ["/docs/f.txt", "/docs/f.txt"]
    assert sorted(child.column("SELECT id FROM lix_file WHERE path GLOB '/docs/*'")) == [
        "own",
        "theirs",
    ]


def test_a_branch_keeps_what_it_started_with(lix: Session) -> None:
    put(lix, "f", "/docs/f.json", '{"a":1}')
    draft = lix.create_version("draft")
    lix.execute("UPDATE lix_file SET data = '{\"a\":2}', path = '/main/f.json'")
    lix.execute("UPDATE lix_directory SET name = 'gone' WHERE path = '/docs/'")
    lix.switch_version(draft)
    assert (paths(lix), directories(lix)) == (["/docs/f.json"], ["/docs/"])
    assert data(lix, "f") == b'{"a":1}'
    assert lix.column("SELECT id FROM lix_file WHERE path = '/docs/f.json'") == ["f"]
    assert lix.column("SELECT id FROM lix_file WHERE path GLOB '/docs/*'") == ["f"]
    lix.execute('UPDATE lix_file SET data = \'{"a":1,"b":2}\'')
    assert data(lix, "f") == b'{"a":1,"b":2}'
    with pytest.raises(UniqueError):
        put(lix, "g", "/docs/f.json")


def test_many_branches_on_top_of_each_other(lix: Session) -> None:
    put(lix, "base", "/docs/base.json", '{"n":0}')
    for n in range(1, 20):
        lix.switch_version(lix.create_version(f"v{n}"))
        put(lix, f"f{n}", f"/docs/{n}.bin", str(n))
        lix.execute("UPDATE lix_file SET data = ? WHERE id = 'base'", (f'{{"n":{n}}}',))
        if n % 3 == 0:
            lix.execute("DELETE FROM lix_file WHERE path = ?", (f"/docs/{n - 1}.bin",))
        if n % 4 == 0:
            lix.execute("UPDATE lix_file SET path = ? WHERE id = ?", (f"/docs/m{n}.bin", f"f{n}"))
    gone = {n - 1 for n in range(3, 20, 3)}
    expected = {
        f"/docs/m{n}.bin" if n % 4 == 0 else f"/docs/{n}.bin" for n in range(1, 20) if n not in gone
    }
    # a file that moved in the version before cannot be deleted by its old path
    expected |= {f"/docs/m{n}.bin" for n in gone if n % 4 == 0}
    assert paths(lix) == sorted({*expected, "/docs/base.json"})
    assert data(lix, "base") == b'{"n":19}'
    for path in expected:
        assert len(lix.rows("SELECT id FROM lix_file WHERE path = ?", (path,))) == 1
    lix.switch_version("v7")
    assert data(lix, "base") == b'{"n":7}'


def test_one_commit_per_version_of_a_statement(lix: Session) -> None:
    main = lix.main()
    lix.version("other")
    before = commits(lix)
    lix.execute(
        "INSERT INTO lix_file_by_version (path, data, lixcol_version_id)"
        " VALUES ('/a.json', '{}', ?), ('/b/c.bin', 'b', 'other'), ('/b/d.json', '1', 'other')",
        (main,),
    )
    assert commits(lix) == before + 2
    assert lix.rows(
        "SELECT lixcol_version_id, path, data FROM lix_file_by_version ORDER BY path"
    ) == [(main, "/a.json", b"{}"), ("other", "/b/c.bin", b"b"), ("other", "/b/d.json", b"1")]


def test_versions_by_predicate(lix: Session) -> None:
    lix.version("other", inherits=lix.main())
    put(lix, "f", "/f.bin", "x")
    assert lix.rows(
        "SELECT id, lixcol_inherited_from_version_id FROM lix_file_by_version"
        " WHERE lixcol_version_id = 'other' AND path = '/f.bin'"
    ) == [("f", lix.main())]
    assert lix.rows(
        "SELECT lixcol_version_id, data FROM lix_file_by_version WHERE path LIKE '/F%'"
        " AND lixcol_version_id IN ('other', 'nowhere')"
    ) == [("other", b"x")]
    assert lix.rows("SELECT * FROM lix_file_by_version WHERE lixcol_version_id = 'no'") == []


def test_a_branch_made_in_the_middle_of_a_transaction(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a": 1}')
    with lix.transaction():
        lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/a'")
        branch = lix.lix.create_version("branch")
        lix.execute("UPDATE json_pointer SET value = 3 WHERE path = '/a'")
        assert data(lix, "f") == b'{"a": 3}'
    assert data(lix, "f") == b'{"a": 3}'
    lix.switch_version(branch)
    assert data(lix, "f") == b'{"a": 2}'


def test_what_a_parent_left_in_pieces_is_repaired_by_writing_it(child: Session) -> None:
    main = child.main()
    put(child, "f", "/f.json", '{"a": 1, "b": 2}')
    child.active("child")
    child.execute("UPDATE lix_file SET hidden = 1")
    child.execute("UPDATE json_pointer SET value = 3 WHERE path = '/a'")
    child.active(main)
    child.execute("DELETE FROM lix_file")
    child.active("child")
    assert entities(child, "f") == ["/a"]
    with pytest.raises(PluginError, match="root row"):
        data(child, "f")
    child.execute("UPDATE lix_file SET data = '{\"b\": 3}'")
    assert data(child, "f") == b'{"b": 3}'
    assert entities(child, "f") == ["", "/b"]
    assert child.rows("SELECT lixcol_plugin_error FROM lix_file") == [(None,)]


def test_what_lies_behind_an_untracked_directory_is_not_taken_for_it(lix: Session) -> None:
    put(lix, "u", "/r/u.bin", "x", lixcol_untracked=1)
    put(lix, "f", "/r/f.json", '{"a": 1}')
    lix.execute("UPDATE lix_directory SET name = 'q'")
    lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/a'")
    assert paths(lix) == ["/q/f.json", "/q/u.bin"]
    assert lix.rows("SELECT id FROM lix_file WHERE path = '/q/f.json'") == [("f",)]


def test_an_edit_of_what_the_parent_gave_to_another_plugin(child: Session) -> None:
    main = child.main()
    put(child, "f", "/f.csv", "id,v\n4,1\n5,1\n")
    child.active("child")
    child.execute("UPDATE csv_row SET cells = json_set(cells, '$.v', '9') WHERE id = 'id|4'")
    assert data(child, "f") == b"id,v\n4,9\n5,1\n"
    child.active(main)
    child.execute("UPDATE lix_file SET path = '/f.json', data = '[1, 2]'")
    child.active("child")
    assert paths(child) == ["/f.json"]
    assert data(child, "f") == b"[1, 2]"
    child.execute("UPDATE json_pointer SET value = 3 WHERE path = '/0'")
    assert data(child, "f") == b"[3, 2]"
    child.execute("UPDATE lix_file SET data = '[3, 4]'")
    assert data(child, "f") == b"[3, 4]"


def test_bytes_leave_nothing_of_another_plugin_beside_them(child: Session) -> None:
    main = child.main()
    put(child, "f", "/f.md", "text\n")
    child.active("child")
    child.execute("UPDATE lix_file SET path = '/f.csv', data = 'id,v\n1,2\n'")
    child.active(main)
    child.execute("UPDATE lix_file SET data = 'other text\n'")
    child.active("child")
    assert data(child, "f") == b"id,v\n1,2\n"
    child.execute("UPDATE lix_file SET data = 'id,v\n1,3\n'")
    assert entities(child, "f") == ["header", "id|1"]
    child.execute("UPDATE lix_file SET data = ''")
    assert entities(child, "f") == []
    child.active(main)
    assert data(child, "f") == b"other text\n"
