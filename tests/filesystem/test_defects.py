"""Defects other implementations have had, each as what should happen instead."""

from __future__ import annotations

import json
import struct

import pytest

import lix_vtab
from lix_vtab.errors import ConstraintError, LixError, UniqueError
from tests.filesystem.ways import commits, data, directories, entities, make, paths, put
from tests.state.session import Session, dump

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1, 1)


@pytest.mark.parametrize("name", ["f.json", "f.bin", "f.txt", "f.md", "f.csv"])
def test_a_read_never_hides_a_later_write(lix: Session, name: str) -> None:
    put(lix, "f", f"/{name}", '{"a":1}\n')
    assert data(lix, "f") == b'{"a":1}\n'
    lix.execute("UPDATE lix_file SET data = '{\"a\":1,\"b\":2}\n' WHERE id = 'f'")
    assert data(lix, "f") == b'{"a":1,"b":2}\n'
    lix.execute(f"UPDATE lix_file SET path = '/moved/{name}' WHERE id = 'f'")
    assert data(lix, "f") == b'{"a":1,"b":2}\n'
    lix.execute("UPDATE lix_file SET data = '{\"a\":1}\n' WHERE id = 'f'")
    assert data(lix, "f") == b'{"a":1}\n'
    if name.endswith("json"):
        assert entities(lix, "f") == ["", "/a"]


def test_a_file_inserted_again_has_its_new_content(lix: Session) -> None:
    put(lix, "f", "/f.bin", "old")
    assert data(lix, "f") == b"old"
    lix.execute("DELETE FROM lix_file")
    put(lix, "f", "/f.bin", "new")
    assert data(lix, "f") == b"new"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("f.json", "g.json"),
        ("f.bin", "g.bin"),
        ("f.txt", "g.txt"),
        ("f.md", "g.md"),
        ("f.json", "g.bin"),
        ("f.bin", "g.json"),
        ("f.json", "g.txt"),
        ("f.csv", "g.md"),
    ],
)
def test_a_rename_keeps_content_nobody_has_read(lix: Session, first: str, second: str) -> None:
    put(lix, "f", f"/{first}", '{ "a": [1] }\n')
    before = lix.value("SELECT count(*) FROM lix_change WHERE file_id = 'f'")
    lix.execute("UPDATE lix_file SET path = ? WHERE id = 'f'", (f"/{second}",))
    assert data(lix, "f") == b'{ "a": [1] }\n'
    if first[-3:] == second[-3:]:
        assert lix.value("SELECT count(*) FROM lix_change WHERE file_id = 'f'") == before


def test_parameters_go_where_they_stand(lix: Session) -> None:
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES (?, ?, 'l1'), (?, ?, 'l2')",
        ("d", "/d.bin", "e", "/e.bin"),
    )
    lix.execute("UPDATE lix_file SET path = ?, data = ? WHERE id = ?", ("/x.bin", "x", "d"))
    assert lix.rows("SELECT id, path, data FROM lix_file ORDER BY id") == [
        ("d", "/x.bin", b"x"),
        ("e", "/e.bin", b"l2"),
    ]
    lix.execute("UPDATE lix_file SET metadata = ? WHERE id = ?", ("[1]", "e"))
    lix.execute("DELETE FROM lix_file WHERE id = ?", ("d",))
    lix.execute("DELETE FROM lix_file WHERE id IN (:a, $b)", {"a": "no", "b": "other"})
    assert lix.rows("SELECT id, metadata FROM lix_file") == [("e", "[1]")]


def test_a_renamed_directory_does_not_come_back(lix: Session) -> None:
    put(lix, "a", "/docs/a.md")
    lix.execute("UPDATE lix_directory SET name = 'guides'")
    put(lix, "b", "/docs/b.md")
    assert directories(lix) == ["/docs/", "/guides/"]
    assert lix.rows("SELECT id, path FROM lix_file ORDER BY id") == [
        ("a", "/guides/a.md"),
        ("b", "/docs/b.md"),
    ]
    lix.execute("DELETE FROM lix_directory WHERE path = '/guides/'")
    put(lix, "c", "/guides/c.md")
    assert paths(lix) == ["/docs/b.md", "/guides/c.md"]


@pytest.mark.parametrize("name", ["/docs/f.bin", "/docs/f.json"])
def test_an_untracked_file_is_wholly_untracked(lix: Session, name: str) -> None:
    before = commits(lix), lix.value("SELECT count(*) FROM lix_change")
    put(lix, "f", name, '{"a":1}', lixcol_untracked=1)
    lix.execute('UPDATE lix_file SET data = \'{"a":2,"b":[]}\'')
    assert lix.rows("SELECT data, lixcol_untracked, lixcol_change_id FROM lix_file") == [
        (b'{"a":2,"b":[]}', 1, "untracked")
    ]
    assert set(lix.column("SELECT untracked FROM lix_state WHERE file_id = 'f'")) == {1}
    lix.execute("UPDATE lix_file SET path = '/else' || path")
    assert data(lix, "f") == b'{"a":2,"b":[]}'
    lix.execute("DELETE FROM lix_file WHERE id = 'f'")
    assert paths(lix) == []
    assert lix.rows("SELECT * FROM lix_state WHERE file_id = 'f'") == []
    assert (commits(lix), lix.value("SELECT count(*) FROM lix_change")) == before


def test_an_untracked_file_over_a_tracked_one(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a":1}')
    lix.version("child", inherits=lix.main())
    lix.active("child")
    put(lix, "f", "/g.json", '{"b":2}', lixcol_untracked=1)
    assert (paths(lix), data(lix, "f"), entities(lix, "f")) == (
        ["/g.json"],
        b'{"b":2}',
        ["", "/b"],
    )
    lix.execute("DELETE FROM lix_file")
    assert (paths(lix), data(lix, "f"), entities(lix, "f")) == (
        ["/f.json"],
        b'{"a":1}',
        ["", "/a"],
    )


@pytest.mark.parametrize(
    "values",
    [
        "('/same.txt'), ('/same.txt')",
        "('/x'), ('/x/y.md')",
        "('/c.md'), ('/c.md/inner.txt')",
        "('/x/y.md'), ('/x')",
    ],
)
def test_rows_of_one_statement_are_held_against_each_other(lix: Session, values: str) -> None:
    before = dump(lix.lix)
    with pytest.raises(UniqueError):
        lix.execute(f"INSERT INTO lix_file (path) VALUES ('/fine/one.txt'), {values}")
    assert dump(lix.lix) == before
    with pytest.raises(UniqueError):
        lix.execute("INSERT INTO lix_directory (path) VALUES ('/m/'), ('/m/s/'), ('/m/')")
    assert (paths(lix), directories(lix)) == ([], [])


def test_every_column_can_be_searched_by(lix: Session) -> None:
    put(lix, "f", "/docs/f.bin", b"\x01")
    put(lix, "g", "/docs/g.txt", "two")
    lix.execute("UPDATE lix_file SET metadata = '1' WHERE path = '/docs/f.bin'")
    lix.execute("UPDATE lix_directory SET hidden = 1 WHERE path = '/docs/'")
    lix.execute("UPDATE lix_file SET hidden = 1 WHERE data = x'01' AND extension = 'bin'")
    assert lix.rows("SELECT id, metadata, hidden FROM lix_file ORDER BY id") == [
        ("f", "1", 1),
        ("g", None, 0),
    ]
    lix.execute("DELETE FROM lix_file WHERE path LIKE '%.TXT' AND length(data) = 3")
    assert paths(lix) == ["/docs/f.bin"]


def test_parts_of_a_path_are_checked_like_paths(lix: Session) -> None:
    put(lix, "f", "/docs/a.txt")
    put(lix, "g", "/docs/b.txt")
    root = lix.value("SELECT directory_id FROM lix_file WHERE id = 'f'")
    with pytest.raises(UniqueError):
        lix.execute("UPDATE lix_file SET name = 'a' WHERE id = 'g'")
    with pytest.raises(ConstraintError):
        lix.execute("UPDATE lix_file SET directory_id = 'nowhere'")
    with pytest.raises(LixError, match="must not be empty"):
        lix.execute("UPDATE lix_file SET name = '', extension = NULL WHERE id = 'g'")
    lix.execute("UPDATE lix_file SET directory_id = NULL, extension = '' WHERE id = 'g'")
    assert paths(lix) == ["/b", "/docs/a.txt"]
    lix.execute("UPDATE lix_file SET directory_id = ?, name = 'c.d' WHERE id = 'g'", (root,))
    assert lix.rows("SELECT path, name, extension FROM lix_file WHERE id = 'g'") == [
        ("/docs/c.d", "c", "d")
    ]


def test_updates_go_row_by_row(lix: Session) -> None:
    make(lix, "o1", "/one/")
    make(lix, "o2", "/two/")
    with pytest.raises(UniqueError):
        lix.execute("UPDATE lix_directory SET name = 'same' WHERE id = 'o1' OR id = 'o2'")
    assert directories(lix) == ["/one/", "/two/"]
    lix.execute("UPDATE lix_directory SET name = 'new ' || name WHERE id IN ('o1', 'o2')")
    assert directories(lix) == ["/new one/", "/new two/"]


def test_scripts_of_updates_without_parameters(lix: Session) -> None:
    put(lix, "a", "/a.bin", "a")
    put(lix, "b", "/b.bin", "b")
    lix.execute(
        "BEGIN; UPDATE lix_file SET path = '/a2.bin', data = 'a2' WHERE id = 'a';"
        "UPDATE lix_file SET path = '/a.bin', data = 'b2' WHERE id = 'b'; COMMIT"
    )
    assert lix.rows("SELECT id, path, data FROM lix_file ORDER BY id") == [
        ("a", "/a2.bin", b"a2"),
        ("b", "/a.bin", b"b2"),
    ]


def test_deterministic_mode_and_transactions() -> None:
    settings = [{"key": "lix_deterministic_mode", "value": {"enabled": True}}]
    with lix_vtab.open(key_values=settings) as lix:
        put(lix, "f", "/docs/f.json", '{"a":1}')
        with lix.transaction():
            lix.execute("UPDATE lix_file SET data = '{\"a\":2}'")
            put(lix, "g", "/docs/deep/g.json", '{"a":1}')
            lix.execute("UPDATE lix_file SET data = '{\"a\":3}'")
        assert [row[0] for row in lix.execute("SELECT data FROM lix_file")] == [b'{"a":3}'] * 2
        assert lix.check() == []


def test_odd_names_read_back_as_they_were_written(lix: Session) -> None:
    names = [
        "/...", "/foo.", "/a..", "/.a.b", "/..gitignore", "/.gitignore", "/x/.env", "/ ", "/a b?#%",
        "/back\\slash", "/%zz", "/😀.txt", "/段落/章节.md", "/cafe\u0301", "/caf\u00e9", "/A", "/a",
    ]  # fmt: skip
    for name in names:
        lix.execute("INSERT INTO lix_file (path, data) VALUES (?1, ?1)", (name,))
    assert paths(lix) == sorted(names)
    for name in names:
        assert lix.column("SELECT data FROM lix_file WHERE path = ?", (name,)) == [name.encode()]


def test_a_failing_row_leaves_nothing_behind(lix: Session) -> None:
    put(lix, "taken", "/taken.json", "{}")
    before = dump(lix.lix)
    with pytest.raises(UniqueError):
        lix.execute(
            "INSERT INTO lix_file (path, data) VALUES ('/new/a.json', '{\"a\":1}'),"
            " ('/new/b.bin', 'content'), ('/taken.json', '1')"
        )
    assert dump(lix.lix) == before


def test_a_failing_row_leaves_nothing_behind_in_a_transaction(lix: Session) -> None:
    put(lix, "taken", "/taken.json", "{}")
    with lix.transaction():
        put(lix, "first", "/first/f.json", '{"f":1}')
        with pytest.raises(UniqueError):
            lix.execute(
                "INSERT INTO lix_file (path, data) VALUES ('/new/a.json', '{\"a\":1}'),"
                " ('/new/b.bin', 'content'), ('/taken.json', '1')"
            )
        with pytest.raises(UniqueError):
            lix.execute(
                "UPDATE lix_file SET path = '/deep/' || id, data = 'x' WHERE path = '/taken.json';"
                "UPDATE lix_file SET path = '/same'"
            )
        assert directories(lix) == ["/first/"]
    assert paths(lix) == ["/first/f.json", "/taken.json"]
    assert json.loads(data(lix, "first")) == {"f": 1}


def test_a_binary_file_under_a_text_plugin(lix: Session) -> None:
    put(lix, "f", "/picture.txt", PNG)
    assert data(lix, "f") == PNG
    lix.execute("UPDATE lix_file SET path = '/picture.md'")
    assert data(lix, "f") == PNG
    lix.execute("UPDATE lix_file SET path = '/picture.png'")
    assert data(lix, "f") == PNG


def test_a_kind_may_change(lix: Session) -> None:
    put(lix, "f", "/f.json", "[1]")
    lix.execute("UPDATE lix_file SET data = '{\"0\":1}'")
    assert data(lix, "f") == b'{"0":1}'
    lix.execute("UPDATE lix_file SET data = '7'")
    assert (data(lix, "f"), entities(lix, "f")) == (b"7", [""])


def test_a_child_sees_what_its_parent_writes(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a": 1, "b": 2}\n')
    lix.version("child", inherits=lix.main())
    lix.active("child")
    assert data(lix, "f") == b'{"a": 1, "b": 2}\n'
    lix.execute("UPDATE json_pointer SET value = 3 WHERE path = '/b'")
    assert data(lix, "f") == b'{"a": 1, "b": 3}\n'
    lix.active(lix.main())
    lix.execute('UPDATE lix_file SET data = \'{"a": 9, "b": 2}\n\'')
    lix.active("child")
    assert data(lix, "f") == b'{"a": 9, "b": 3}\n'
    lix.active(lix.main())
    lix.execute("UPDATE json_pointer SET value = 8 WHERE path = '/a'")
    lix.active("child")
    assert data(lix, "f") == b'{"a": 8, "b": 3}\n'


def test_an_invalid_file_is_kept_and_says_why(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a": ')
    put(lix, "g", "/g.json", "")
    shown = lix.rows("SELECT data, lixcol_plugin_error FROM lix_file ORDER BY id")
    assert [row[0] for row in shown] == [b'{"a": ', b""]
    assert shown[0][1].startswith("plugin_json: ")
    lix.execute("UPDATE lix_file SET data = '{\"a\": 1}' WHERE id = 'f'")
    assert lix.rows("SELECT data, lixcol_plugin_error FROM lix_file WHERE id = 'f'") == [
        (b'{"a": 1}', None)
    ]
    assert entities(lix, "f") == ["", "/a"]


def test_a_file_deleted_in_the_transaction_that_made_it(lix: Session) -> None:
    before = commits(lix)
    with lix.transaction():
        put(lix, "f", "/f.json", '{"a":1}')
        lix.execute("UPDATE lix_file SET data = '{\"a\":2}'")
        lix.execute("DELETE FROM lix_file")
    assert paths(lix) == []
    assert commits(lix) == before
    assert lix.rows("SELECT * FROM lix_internal_state_vtable WHERE file_id = 'f'") == []


def test_many_files_come_and_go(lix: Session) -> None:
    for n in range(40):
        put(lix, f"f{n}", f"/churn-{n}.json", f'{{"i":{n}}}')
        assert data(lix, f"f{n}") == f'{{"i":{n}}}'.encode()
        lix.execute("DELETE FROM lix_file WHERE id = ?", (f"f{n}",))
    assert paths(lix) == []
    assert lix.rows("SELECT * FROM lix_state WHERE file_id <> 'lix'") == []
