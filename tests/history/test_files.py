"""Files over time: `lix_file_at`, `lix_file_history`, `lix_file_diff` and those of directories."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

import lix_vtab


def head(lix):
    return lix.tip()


def insert(lix, id, path, data):
    lix.execute("INSERT INTO lix_file (id, path, data) VALUES (?, ?, ?)", (id, path, data))
    return head(lix)


def update(lix, id, **columns):
    marks = ", ".join(f"{name} = ?" for name in columns)
    lix.execute(f"UPDATE lix_file SET {marks} WHERE id = ?", (*columns.values(), id))
    return head(lix)


def entry(lix, id, root, depth, columns="path, data, lixcol_commit_id"):
    rows = lix.rows(
        f"SELECT {columns} FROM lix_file_history WHERE id = ? AND lixcol_root_commit_id = ?"
        " AND lixcol_depth = ?",
        (id, root, depth),
    )
    assert len(rows) <= 1
    return rows[0] if rows else None


def entries(lix, id, root=None):
    """Return path and data of the entries of a file, newest first."""
    where = "" if root is None else f" AND lixcol_root_commit_id = '{root}'"
    rows = lix.rows(
        f"SELECT path, data FROM lix_file_history WHERE id = ?{where} ORDER BY lixcol_depth", (id,)
    )
    return [(path, None if data is None else data.decode()) for path, data in rows]


# -- the cases of the reference


def test_history_of_files_and_directories_shows_commit_and_depth(lix):
    insert(lix, "history-file", "/history.json", "{}")
    update(lix, "history-file", path="/history-updated.json")
    lix.execute("INSERT INTO lix_directory (id, path) VALUES ('history-dir', '/history-dir/')")
    lix.execute("UPDATE lix_directory SET name = 'history-renamed' WHERE id = 'history-dir'")
    for table, id, path in (
        ("lix_file_history", "history-file", "/history-updated.json"),
        ("lix_directory_history", "history-dir", "/history-renamed/"),
    ):
        rows = lix.rows(
            f"SELECT id, path, lixcol_commit_id, lixcol_depth FROM {table} WHERE id = ?"
            " ORDER BY lixcol_depth",
            (id,),
        )
        assert rows[0][:2] == (id, path)
        assert isinstance(rows[0][2], str)
        assert [depth for *_, depth in rows] == sorted(depth for *_, depth in rows)


def test_contents_of_several_depths(lix):
    old = '{"name":"My Project","version":"1.0.0"}'
    new = '{"name":"My Cool Project","version":"1.1.0"}'
    a = insert(lix, "f", "/config.json", old)
    b = update(lix, "f", data=new)
    rows = lix.rows(
        "SELECT data, lixcol_commit_id, lixcol_root_commit_id, lixcol_depth FROM lix_file_history"
        " WHERE id = 'f' AND path = '/config.json' AND lixcol_root_commit_id = ?"
        " ORDER BY lixcol_depth",
        (b,),
    )
    assert [(json.loads(data), *rest) for data, *rest in rows] == [
        (json.loads(new), b, b, 0),
        (json.loads(old), a, b, 1),
    ]


def test_renaming_a_directory_shows_from_the_next_change_on(lix):
    a = insert(lix, "f", "/docs/readme.json", '{"content":"hello"}')
    lix.execute("UPDATE lix_directory SET name = 'guides' WHERE path = '/docs/'")
    b = update(lix, "f", metadata='{"stage":"after-rename"}')
    assert entry(lix, "f", a, 0)[0] == "/docs/readme.json"
    assert entry(lix, "f", b, 0)[0] == "/guides/readme.json"
    assert entry(lix, "f", b, 1)[0] == "/docs/readme.json"
    assert entry(lix, "f", b, 0, "metadata") == ('{"stage":"after-rename"}',)


def test_moving_a_directory_shows_from_the_next_change_on(lix):
    lix.execute("INSERT INTO lix_directory (id, path) VALUES ('articles', '/articles/')")
    a = insert(lix, "f", "/docs/guides/intro.json", '{"note":"move"}')
    lix.execute("UPDATE lix_directory SET parent_id = 'articles' WHERE path = '/docs/guides/'")
    b = update(lix, "f", metadata='{"stage":"after-move"}')
    assert entry(lix, "f", a, 0)[0] == "/docs/guides/intro.json"
    assert entry(lix, "f", b, 0)[0] == "/articles/guides/intro.json"
    assert entry(lix, "f", b, 1)[0] == "/docs/guides/intro.json"


def test_an_entry_of_content_alone(lix):
    a = insert(lix, "f", "/partial.json", '{"name":"test-item","value":100}')
    b = update(lix, "f", data='{"name":"test-item","value":105}')
    changes = lix.column(
        "SELECT change_id FROM lix_state_history WHERE file_id = 'f' AND root_commit_id = ?"
        " AND depth = 0 AND schema_key <> 'lix_file_descriptor' AND snapshot_content IS NOT NULL"
        " ORDER BY created_at DESC, change_id DESC",
        (b,),
    )
    assert json.loads(entry(lix, "f", a, 0)[1]) == {"name": "test-item", "value": 100}
    columns = (
        "data, lixcol_schema_key, lixcol_file_id, lixcol_plugin_key, lixcol_schema_version,"
        " lixcol_change_id, lixcol_commit_id, lixcol_root_commit_id, lixcol_entity_id,"
        " lixcol_version_id"
    )
    data, *rest = entry(lix, "f", b, 0, columns)
    assert json.loads(data) == {"name": "test-item", "value": 105}
    assert rest == ["lix_file_descriptor", "f", "lix", "1", changes[0], b, b, "f", "global"]


def test_an_entry_names_the_change_of_the_descriptor(lix):
    insert(lix, "f", "/document.json", '{"title":"Original Title"}')
    update(lix, "f", data='{"title":"Updated Title"}')
    (before,) = lix.column("SELECT lixcol_change_id FROM lix_file")
    k = update(lix, "f", path="/renamed-document.json")
    (after,) = lix.column("SELECT lixcol_change_id FROM lix_file")
    assert after != before
    columns = "path, data, lixcol_schema_key, lixcol_change_id, lixcol_file_id, lixcol_commit_id"
    path, data, *rest = entry(lix, "f", k, 0, columns)
    assert path == "/renamed-document.json"
    assert json.loads(data) == {"title": "Updated Title"}
    assert rest == ["lix_file_descriptor", after, "lix", k]


# -- what goes beyond


def test_every_commit_that_changed_the_file_has_an_entry(lix):
    insert(lix, "f", "/docs/a.txt", "v0\n")
    update(lix, "f", data="v1\n")
    update(lix, "f", path="/docs/b.txt")
    lix.execute("UPDATE lix_directory SET name = 'docs2' WHERE path = '/docs/'")
    update(lix, "f", data="v2\n")
    insert(lix, "other", "/unrelated.txt", "x")
    update(lix, "f", path="/arch/c.txt", data="v3\n")
    insert(lix, "more", "/more.txt", "x")
    assert entries(lix, "f") == [
        ("/arch/c.txt", "v3\n"),
        ("/docs2/b.txt", "v2\n"),
        ("/docs/b.txt", "v1\n"),
        ("/docs/a.txt", "v1\n"),
        ("/docs/a.txt", "v0\n"),
    ]
    assert lix.column(
        "SELECT lixcol_commit_depth FROM lix_file_history WHERE id = 'f' ORDER BY lixcol_depth"
    ) == [1, 3, 5, 6, 7]
    assert sorted(lix.column("SELECT DISTINCT id FROM lix_file_history")) == ["f", "more", "other"]


def test_a_deleted_file_has_an_entry_without_path_and_data(lix):
    insert(lix, "f", "/a.txt", "v0\n")
    lix.execute("DELETE FROM lix_file")
    assert entries(lix, "f") == [(None, None), ("/a.txt", "v0\n")]
    insert(lix, "f", "/b.txt", "again\n")
    assert entries(lix, "f") == [("/b.txt", "again\n"), (None, None), ("/a.txt", "v0\n")]


def test_formatting_is_history_too(lix):
    insert(lix, "f", "/a.json", '{"x":1}')
    update(lix, "f", data='{\n  "x": 1\n}\n')
    assert entries(lix, "f") == [("/a.json", '{\n  "x": 1\n}\n'), ("/a.json", '{"x":1}')]


def test_history_under_a_working_commit(lix):
    insert(lix, "f", "/a.txt", "v0\n")
    lix._dirty = True
    lix.lix.create_checkpoint()
    update(lix, "f", data="v1\n")
    update(lix, "f", data="v2\n")
    insert(lix, "new", "/new.txt", "n")
    (working,) = lix.column("SELECT working_commit_id FROM lix_version WHERE name = 'main'")
    assert entries(lix, "f", working) == [("/a.txt", "v2\n"), ("/a.txt", "v0\n")]
    assert entry(lix, "f", working, 0, "lixcol_commit_id") == (working,)
    assert entries(lix, "new", working) == [("/new.txt", "n")]
    assert sorted(
        lix.column(
            "SELECT DISTINCT id FROM lix_file_history WHERE lixcol_root_commit_id = ?", (working,)
        )
    ) == ["f", "new"]


def test_history_conditions_and_unknown_roots(lix):
    insert(lix, "f", "/a.txt", "1")
    insert(lix, "g", "/b.txt", "1")
    assert sorted(
        lix.column("SELECT id FROM lix_file_history WHERE id IN ('f', 'g', 'nobody')")
    ) == ["f", "g"]
    assert lix.column("SELECT id FROM lix_file_history WHERE path = '/b.txt'") == ["g"]
    assert lix.rows("SELECT 1 FROM lix_file_history WHERE id = 'nobody'") == []
    assert lix.rows("SELECT 1 FROM lix_file_history WHERE lixcol_root_commit_id = 'nobody'") == []
    assert lix.value("SELECT count(*) FROM lix_file_history") == 2


@pytest.mark.parametrize("table", ["lix_file_history", "lix_directory_history", "lix_file_at"])
def test_history_is_read_only(lix, table):
    insert(lix, "f", "/d/a.txt", "1")
    for verb, sql in (
        ("INSERT", f"INSERT INTO {table} (id) VALUES ('x')"),
        ("UPDATE", f"UPDATE {table} SET path = '/x'"),
        ("DELETE", f"DELETE FROM {table}"),
    ):
        with pytest.raises(lix_vtab.LixError, match=f"{table} is read-only; {verb}"):
            lix.execute(sql)


# -- time travel


def test_files_at_a_revision(lix):
    insert(lix, "f", "/docs/a.json", '{ "x": 1 }')
    insert(lix, "g", "/b.bin", b"\x00\xff")
    update(lix, "f", path="/c.json", data='{"x":2}')
    lix.execute("DELETE FROM lix_file WHERE id = 'g'")

    def at(revision):
        return dict(lix.rows("SELECT path, data FROM lix_file_at(?)", (revision,)))

    assert at("HEAD") == {"/c.json": b'{"x":2}'}
    assert at("HEAD~1") == {"/c.json": b'{"x":2}', "/b.bin": b"\x00\xff"}
    assert at("HEAD~2") == {"/docs/a.json": b'{ "x": 1 }', "/b.bin": b"\x00\xff"}
    assert at("HEAD~3") == {"/docs/a.json": b'{ "x": 1 }'}
    assert lix.rows("SELECT id FROM lix_file_at('HEAD~2') WHERE path = '/docs/a.json'") == [("f",)]
    assert lix.rows("SELECT path FROM lix_file_at('HEAD~2') WHERE path LIKE '/docs/%'") == [
        ("/docs/a.json",)
    ]
    assert lix.rows("SELECT path FROM lix_directory_at('HEAD~3')") == [("/docs/",)]
    live = lix.execute("SELECT * FROM lix_file").columns
    assert lix.execute("SELECT * FROM lix_file_at('HEAD')").columns == live
    made = lix.column("SELECT commit_id FROM lix_commit_ancestry WHERE depth = 3")
    assert lix.column("SELECT lixcol_commit_id FROM lix_file_at('HEAD~2') WHERE id = 'f'") == made


# -- differences of files


def file_diff(lix, one, other, columns="path, status"):
    return lix.rows(f"SELECT {columns} FROM lix_file_diff(?, ?) ORDER BY path", (one, other))


def test_file_diff_statuses(lix):
    insert(lix, "kept", "/kept.json", '{"a":1}')
    insert(lix, "gone", "/gone.txt", "bye\n")
    insert(lix, "moved", "/old.json", '{"a":1}')
    insert(lix, "edited", "/edited.json", '{"a":1,"b":1}')
    start = head(lix)
    lix.execute("DELETE FROM lix_file WHERE id = 'gone'")
    update(lix, "moved", path="/new.json")
    update(lix, "edited", data='{"a":2,"c":1}')
    insert(lix, "fresh", "/fresh.txt", "hi\n")
    assert file_diff(lix, start, "HEAD") == [
        ("/edited.json", "modified"),
        ("/fresh.txt", "added"),
        ("/gone.txt", "removed"),
        ("/new.json", "renamed"),
    ]
    assert file_diff(lix, "HEAD", start) == [
        ("/edited.json", "modified"),
        ("/fresh.txt", "removed"),
        ("/gone.txt", "added"),
        ("/old.json", "renamed"),
    ]
    columns = (
        "file_id, before_path, after_path, before_size, after_size, entities_added,"
        " entities_modified, entities_removed"
    )
    by_id = {row[0]: row[1:] for row in file_diff(lix, start, "HEAD", columns)}
    assert by_id["edited"] == ("/edited.json", "/edited.json", 13, 13, 1, 1, 1)
    assert by_id["gone"][:4] == ("/gone.txt", None, 4, None)
    assert by_id["fresh"][:4] == (None, "/fresh.txt", None, 3)
    assert by_id["moved"] == ("/old.json", "/new.json", 7, 7, 0, 0, 0)


def test_file_diff_sees_formatting_and_moved_directories(lix):
    insert(lix, "f", "/docs/a.json", '{"a":1}')
    insert(lix, "g", "/docs/deep/b.txt", "x")
    insert(lix, "h", "/h.txt", "x")
    start = head(lix)
    update(lix, "f", data='{ "a": 1 }')
    assert file_diff(lix, start, "HEAD") == [("/docs/a.json", "modified")]
    lix.execute("UPDATE lix_directory SET name = 'texts' WHERE path = '/docs/'")
    assert file_diff(lix, start, "HEAD") == [
        ("/texts/a.json", "renamed"),
        ("/texts/deep/b.txt", "renamed"),
    ]
    lix.execute("UPDATE lix_directory SET name = 'docs' WHERE path = '/texts/'")
    update(lix, "f", data='{"a":1}')
    assert file_diff(lix, start, "HEAD") == []


def test_file_diff_since_the_checkpoint(lix):
    insert(lix, "f", "/a.txt", "1")
    lix._dirty = True
    lix.lix.create_checkpoint()
    insert(lix, "g", "/b.txt", "1")
    assert lix.rows("SELECT path, status FROM lix_file_diff") == [("/b.txt", "added")]


def test_file_diff_sees_what_is_told_about_a_file(lix):
    insert(lix, "f", "/a.txt", "1")
    start = update(lix, "f", metadata='{"k":1}')
    update(lix, "f", metadata='{"k":2}')
    assert file_diff(lix, start, "HEAD") == [("/a.txt", "modified")]
    update(lix, "f", metadata='{ "k": 1 }')
    assert file_diff(lix, start, "HEAD") == []
    update(lix, "f", hidden=1)
    assert file_diff(lix, start, "HEAD") == [("/a.txt", "modified")]


# -- files in directories that are only inherited


@pytest.fixture
def shared(lix):
    """Put a directory with a file into `global`, and a file into it in the active version."""
    lix.execute(
        "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id)"
        " VALUES ('theirs', '/docs/deep/theirs.json', '1', 'global')"
    )
    insert(lix, "mine", "/docs/deep/mine.txt", "one\n")
    return lix


def rename_docs(lix, name):
    lix.execute(
        "UPDATE lix_directory_by_version SET name = ?"
        " WHERE parent_id IS NULL AND lixcol_version_id = 'global'",
        (name,),
    )


def test_files_of_a_commit_may_lie_in_an_inherited_directory(shared):
    first = head(shared)
    rename_docs(shared, "texts")
    second = update(shared, "mine", data="two\n")
    paths = "SELECT id, path FROM lix_file_at(?)"
    assert shared.rows(paths, (first,)) == [("mine", "/docs/deep/mine.txt")]
    assert shared.rows(paths, (second,)) == [("mine", "/texts/deep/mine.txt")]
    for where in ("path = '/docs/deep/mine.txt'", "path GLOB '/docs/*'", "path LIKE '/d%'"):
        found = f"SELECT id FROM lix_file_at(?) WHERE {where}"
        assert shared.column(found, (first,)) == ["mine"]
        assert shared.column(found, (second,)) == []
    assert shared.rows("SELECT path FROM lix_directory_at(?)", (first,)) == []
    assert entries(shared, "mine") == [
        ("/texts/deep/mine.txt", "two\n"),
        ("/docs/deep/mine.txt", "one\n"),
    ]
    assert file_diff(shared, f"{first}~1", first) == [("/docs/deep/mine.txt", "added")]
    assert file_diff(shared, second, f"{first}~1") == [("/texts/deep/mine.txt", "removed")]


def test_paths_in_inherited_directories_name_files(shared):
    first = head(shared)
    second = update(shared, "mine", data="two\n")
    path = "/docs/deep/mine.txt"
    log = "SELECT commit_id FROM lix_log('HEAD', ?)"
    assert shared.column(log, (path,)) == [second, first]
    assert shared.column(
        "SELECT commit_id FROM lix_blame(?) WHERE property = 'content'", (path,)
    ) == [second]
    shared.execute("SELECT lix_restore(?, ?)", (first, path))
    assert entries(shared, "mine")[0] == (path, "one\n")
    insert(shared, "newer", "/docs/deep/newer.txt", "x")
    shared.execute("SELECT lix_restore(?, '/docs/deep/newer.txt')", (first,))
    assert shared.column("SELECT id FROM lix_file ORDER BY id") == ["mine", "theirs"]


def test_file_diff_sees_what_files_of_a_version_inherit(shared):
    start = update(shared, "mine", metadata="{}")
    rename_docs(shared, "texts")
    insert(shared, "other", "/other.txt", "x")
    assert file_diff(shared, start, "HEAD") == [
        ("/other.txt", "added"),
        ("/texts/deep/mine.txt", "renamed"),
    ]
    update(shared, "theirs", path="/own.json")
    moved = head(shared)
    for data in ('{"a":1}', '{"a":1,"b":2}', '{ "a":1,"b":2}'):
        shared.execute("UPDATE lix_file_by_version SET data = ? WHERE id = 'theirs' AND"
                       " lixcol_version_id = 'global'", (data,))  # fmt: skip
        before, moved = moved, update(shared, "other", data=data)
        columns = "path, status, after_size"
        assert file_diff(shared, before, moved, columns) == [
            ("/other.txt", "modified", len(data)),
            ("/own.json", "modified", len(data)),
        ]


def test_a_file_whose_directory_cannot_be_seen_any_more_has_no_path(shared):
    first = head(shared)
    shared.execute("UPDATE lix_version SET inherits_from_version_id = NULL WHERE name = 'main'")
    second = update(shared, "mine", data="four\n")
    third = update(shared, "mine", data="fifth\n")
    path = "/docs/deep/mine.txt"
    columns = "before_path, after_path, status, before_size, after_size"
    assert file_diff(shared, f"{first}~1", first, columns) == [(None, path, "added", None, 4)]
    assert file_diff(shared, first, second, columns) == [(path, None, "renamed", 4, 5)]
    assert file_diff(shared, second, third, columns) == [(None, None, "modified", 5, 6)]
    assert file_diff(shared, third, f"{first}~1", columns) == [(None, None, "removed", 6, None)]


def test_what_is_in_between_counts_though_it_is_only_a_part_of_a_file(lix):
    start = head(lix)
    lix.execute(
        "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id)"
        " VALUES ('parts', '/parts.json', '{\"a\":1,\"b\":1}', 'global')"
    )
    lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/b'")
    made = lix.lix.create_version("draft", inherits_from="main", source=start)
    lix.lix.switch_version(made)
    tip = update(lix, "parts", path="/moved.json")
    content = "SELECT path, data FROM lix_file_at(?) WHERE id = 'parts'"
    assert lix.rows(content, (tip,)) == [("/moved.json", b'{"a":1,"b":2}')]


def test_what_a_version_inherited_is_known_after_it_is_deleted(shared):
    made = shared.lix.create_version("draft", inherits_from="main", source="main")
    shared.lix.switch_version(made)
    tip = update(shared, "mine", data="draft\n")
    shared.lix.switch_version("main")
    shared.lix.delete_version(made)
    rename_docs(shared, "texts")
    content = "SELECT path, data FROM lix_file_at(?)"
    assert shared.rows(content, (tip,)) == [("/docs/deep/mine.txt", b"draft\n")]


@pytest.mark.parametrize(
    ("path", "one", "two"),
    [
        ("/a.csv", "id,v\n1,a\n", "id,v\n1,b\n2,c\n"),
        ("/a.json", '{ "a": 1 }', '{"a":2}'),
        ("/a.txt", "one\n", "two\n"),
        ("/a.bin", "one", "two!"),
    ],
)
def test_a_moved_file_has_the_content_its_version_inherited_then(lix, path, one, two):
    lix.execute(
        "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id)"
        " VALUES ('f', ?, ?, 'global')",
        (path, one),
    )
    moved = path.replace("/a", "/b")
    first = update(lix, "f", path=moved)
    written = "UPDATE lix_file_by_version SET data = ? WHERE lixcol_version_id = 'global'"
    lix.execute(written, (two,))
    second = update(lix, "f", metadata="{}")
    content = "SELECT path, data FROM lix_file_at(?)"
    assert lix.rows(content, (first,)) == [(moved, one.encode())]
    assert lix.rows(content, (second,)) == [(moved, two.encode())]
    assert entries(lix, "f") == [(moved, two), (moved, one)]
    sizes = "SELECT status, before_size, after_size FROM lix_file_diff(?, ?)"
    assert lix.rows(sizes, (first, second)) == [("modified", len(one), len(two))]
    # wherever the other version stands by now
    lix.execute(
        "UPDATE lix_version SET commit_id = (SELECT commit_id FROM lix_log('global~2') LIMIT 1),"
        " working_commit_id = 'elsewhere' WHERE id = 'global'"
    )
    assert lix.rows(content, (second,)) == [(moved, two.encode())]
    assert lix.rows(content, (first,)) == [(moved, one.encode())]


def test_blame_explains_the_whole_of_a_moved_file(lix):
    lix.execute(
        "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id)"
        " VALUES ('f', '/a.txt', 'one\ntwo\n', 'global')"
    )
    theirs = lix.tip("global")
    update(lix, "f", path="/b.txt")
    blame = "SELECT value, commit_id FROM lix_blame(?) WHERE property = 'content' ORDER BY value"
    assert lix.rows(blame, ("/b.txt",)) == [("one", theirs), ("two", theirs)]
    mine = update(lix, "f", data="one\n2\n")
    for target in ("/b.txt", "f"):
        assert lix.rows(blame, (target,)) == [("2", mine), ("one", theirs)]


# -- against git


def git(folder: Path, *args: str) -> bytes:
    environment = os.environ | {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    done = subprocess.run(
        ["git", *args], cwd=folder, env=environment, capture_output=True, check=True
    )
    return done.stdout


def body(draw: random.Random, size: int) -> str:
    return "".join(f"line {draw.randrange(1000)}\n" for _ in range(size))


def test_the_same_history_as_git(tmp_path):
    """Replay random commits in both: the bytes of each commit and the log of each file agree."""
    draw = random.Random(7)
    git(tmp_path, "init", "-q", "-b", "main")
    lix = lix_vtab.open()
    files: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for step in range(30):
        with lix.transaction() as tx:
            for _ in range(draw.randrange(1, 3)):
                change(draw, step, files, tmp_path, tx)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", str(step))
        commit = git(tmp_path, "rev-parse", "HEAD").decode().strip()
        pairs.append((commit, lix.active_version.commit_id or ""))
    for commit, ours in pairs:
        names = git(tmp_path, "ls-tree", "-r", "-z", "--name-only", commit).decode().split("\0")
        shown = {path: git(tmp_path, "show", f"{commit}:{path}") for path in names if path}
        found = lix.execute("SELECT path, data FROM lix_file_at(?)", (ours,)).rows
        assert {path[1:]: data for path, data in found} == shown
    known = dict(pairs)
    for path in files:
        theirs = git(tmp_path, "log", "--follow", "-M40%", "--format=%H", "--", path).decode()
        listed = lix.execute("SELECT commit_id FROM lix_log('HEAD', ?)", (f"/{path}",)).rows
        assert [commit for (commit,) in listed] == [known[c] for c in theirs.split()]
    assert lix.check() == []
    lix.close()


def change(
    draw: random.Random, step: int, files: dict[str, str], folder: Path, tx: lix_vtab.Transaction
) -> None:
    kind = draw.choice(["new", "new", "edit", "edit", "move", "delete"])
    path = draw.choice(sorted(files)) if files else ""
    if kind == "new" or not files:
        path = f"d{draw.randrange(2)}/f{step}-{len(files)}.txt"
        # each file has contents of its own, so that git finds renames where there are some
        files[path] = f"file {path}\n" * 20 + body(draw, 5)
        tx.execute("INSERT INTO lix_file (path, data) VALUES (?, ?)", (f"/{path}", files[path]))
    elif kind == "edit":
        files[path] += body(draw, 1)
        tx.execute("UPDATE lix_file SET data = ? WHERE path = ?", (files[path], f"/{path}"))
    elif kind == "move":
        moved = f"m{draw.randrange(2)}/{step}-{draw.randrange(10**6)}.txt"
        files[moved] = files.pop(path)
        (folder / path).unlink(missing_ok=True)
        tx.execute("UPDATE lix_file SET path = ? WHERE path = ?", (f"/{moved}", f"/{path}"))
        path = moved
    elif len(files) > 3:
        del files[path]
        (folder / path).unlink(missing_ok=True)
        tx.execute("DELETE FROM lix_file WHERE path = ?", (f"/{path}",))
        return
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(files[path].encode())
