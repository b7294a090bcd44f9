"""Restoring, reverting, undoing and redoing: each is a new commit, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from tests.history.graphs import steps


@pytest.fixture
def r(lix):
    for key, value in (("a", "1"), ("b", "1"), ("a", "2")):
        lix.execute("INSERT OR REPLACE INTO lix_key_value (key, value) VALUES (?, ?)", (key, value))
    return lix


def shown(lix):
    return dict(
        lix.rows(
            "SELECT key, value FROM lix_key_value"
            " WHERE lixcol_inherited_from_version_id IS NULL AND lixcol_untracked = 0"
        )
    )


def do(lix, verb, *args, **options):
    lix._dirty = True
    return getattr(lix.lix, verb)(*args, **options)


def message(lix, commit_id):
    return lix.value("SELECT lixcol_message FROM lix_commit WHERE id = ?", (commit_id,))


# -- restore


def test_restore_makes_the_tip_show_a_revision(r):
    before = r.tip()
    made = do(r, "restore", "HEAD~2")
    assert shown(r) == {"a": "1"}
    assert made == r.tip() != before
    assert message(r, made) == "Restore HEAD~2"
    assert r.rows("SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (made,)) == [
        (before,)
    ]
    do(r, "restore", before)
    assert shown(r) == {"a": "2", "b": "1"}


def test_restoring_what_is_there_writes_nothing(r):
    tip = r.tip()
    assert do(r, "restore", "HEAD") == tip
    assert r.tip() == tip


def test_restore_of_some_entities_leaves_the_others(r):
    r.execute("UPDATE lix_key_value SET value = '3' WHERE key IN ('a', 'b')")
    do(r, "restore", "HEAD~1", entities=[{"schema_key": "lix_key_value", "entity_id": "b"}])
    assert shown(r) == {"a": "3", "b": "1"}


def test_restore_brings_back_metadata_and_schema_version(r):
    r.execute("UPDATE lix_state SET metadata = '{\"m\":1}' WHERE entity_id = 'a'")
    r.execute("UPDATE lix_state SET metadata = NULL WHERE entity_id = 'a'")
    do(r, "restore", "HEAD~1")
    assert r.value("SELECT metadata FROM lix_state WHERE entity_id = 'a'") == '{"m":1}'


def test_restore_reaches_under_untracked_rows(r):
    r.execute("DELETE FROM lix_key_value WHERE key = 'b'")
    r.execute("INSERT INTO lix_key_value (key, value, lixcol_untracked) VALUES ('b', 'local', 1)")
    do(r, "restore", "HEAD~1")
    do(r, "restore", "HEAD~3")
    assert r.value("SELECT value FROM lix_key_value WHERE key = 'b'") == "local"
    assert shown(r) == {"a": "1"}
    assert r.lix.check() == []


@pytest.mark.parametrize(
    ("sql", "phrase"),
    [
        ("SELECT lix_restore('nowhere')", "names no commit"),
        ("SELECT lix_restore('HEAD', NULL, 'x')", "must be a JSON array of objects"),
        ("SELECT lix_restore('HEAD', NULL, '[{}]')", "must be a JSON array of objects"),
        ("SELECT lix_restore('HEAD', 7)", "paths must be"),
        ("SELECT lix_restore('HEAD', '/none')", "no file has the path '/none'"),
        ("SELECT lix_restore('HEAD', '[not json')", "paths must be a path or a JSON array"),
        ("SELECT lix_restore('HEAD', '[1]')", "paths must be a path or a JSON array"),
        ("SELECT lix_restore(NULL)", "a revision must be a text"),
        ("SELECT lix_revert(NULL)", "a revision must be a text"),
        ("SELECT lix_revert(7)", "a revision must be a text"),
        ("SELECT lix_undo(0)", "steps must be a positive integer"),
        ("SELECT lix_revert('nowhere')", "names no commit"),
    ],
)
def test_bad_arguments_are_refused(r, sql, phrase):
    with pytest.raises(lix_vtab.LixError, match=phrase):
        r.execute(sql)


_B = {"schema_key": "lix_key_value", "entity_id": "b"}


@pytest.mark.parametrize(
    "entities",
    ["b", ["b"], [1], [_B, {"entity_id": "a"}], {**_B, "entity": "b"}, [{**_B, "file_id": 1}]],
)
def test_entities_that_name_nothing_are_refused(r, entities):
    before = shown(r)
    with pytest.raises(lix_vtab.LixError, match=r"restore: .*entit(ies|y) must be") as caught:
        do(r, "restore", "HEAD~1", entities=entities)
    assert caught.value.code == "LIX_INVALID_PARAM"
    assert shown(r) == before


def test_one_entity_may_stand_for_a_list_of_one(r):
    r.execute("DELETE FROM lix_key_value")
    do(r, "restore", "HEAD~1", entities=_B)
    assert list(shown(r)) == ["b"]


@given(todo=steps, target=st.integers(0, 99))
def test_after_restoring_nothing_differs(world, todo, target):
    with world(todo) as made:
        commit = made.commit(target)
        made.lix.restore(commit.id)
        rows = made.lix.execute("SELECT * FROM lix_diff(?, 'HEAD')", (commit.id,)).rows
        assert rows == []
        assert made.lix.check() == []


# -- files


@pytest.fixture
def files(lix):
    lix.execute(
        "INSERT INTO lix_file (path, data) VALUES"
        " ('/docs/a.json', '{\n  \"x\":   1\n}'), ('/docs/deep/b.txt', 'one\ntwo\n'),"
        " ('/c.bin', x'00ff')"
    )
    lix.execute("UPDATE lix_file SET data = '{\"x\":2}' WHERE path = '/docs/a.json'")
    lix.execute("UPDATE lix_file SET data = 'one\n2\n' WHERE path = '/docs/deep/b.txt'")
    lix.execute("DELETE FROM lix_file")
    lix.execute("DELETE FROM lix_directory")
    return lix


FIRST = {
    "/docs/a.json": b'{\n  "x":   1\n}',
    "/docs/deep/b.txt": b"one\ntwo\n",
    "/c.bin": b"\x00\xff",
}


def contents(lix):
    return dict(lix.rows("SELECT path, data FROM lix_file"))


def test_files_come_back_byte_for_byte(files):
    do(files, "restore", "HEAD~4")
    assert contents(files) == FIRST
    assert files.column("SELECT path FROM lix_directory ORDER BY 1") == ["/docs/", "/docs/deep/"]
    assert files.lix.check() == []


def test_one_file_comes_back_with_its_directories(files):
    do(files, "restore", "HEAD~4", paths="/docs/deep/b.txt")
    assert contents(files) == {"/docs/deep/b.txt": b"one\ntwo\n"}


def test_a_directory_comes_back_with_what_is_below(files):
    do(files, "restore", "HEAD~4", paths=["/docs/"])
    assert contents(files) == {path: data for path, data in FIRST.items() if "docs" in path}


def test_a_directory_comes_back_by_itself_and_by_its_old_name(lix):
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/d/x.txt', '1'), ('/other.txt', '1')")
    lix.execute("INSERT INTO lix_directory (path) VALUES ('/d/empty/')")
    start = lix.tip()
    lix.execute("DELETE FROM lix_directory WHERE path = '/d/empty/'")
    lix.execute("UPDATE lix_directory SET name = 'e' WHERE path = '/d/'")
    lix.execute("UPDATE lix_file SET data = '2'")
    do(lix, "restore", start, "/d/empty/")
    assert lix.column("SELECT path FROM lix_directory ORDER BY 1") == ["/e/", "/e/empty/"]
    do(lix, "restore", start, "/d/")
    assert lix.column("SELECT path FROM lix_directory ORDER BY 1") == ["/d/", "/d/empty/"]
    assert contents(lix) == {"/d/x.txt": b"1", "/other.txt": b"2"}
    with pytest.raises(lix_vtab.LixError, match="no directory has the path '/none/'"):
        do(lix, "restore", start, "/none/")
    assert lix.lix.check() == []


def test_a_file_that_did_not_exist_then_goes(files):
    do(files, "restore", "HEAD~2")
    files.execute("INSERT INTO lix_file (path, data) VALUES ('/docs/new.txt', 'x')")
    do(files, "restore", "HEAD~1", paths="/docs/")
    assert "/docs/new.txt" not in contents(files)
    assert contents(files)["/docs/deep/b.txt"] == b"one\n2\n"


def test_undo_and_redo_work_on_files(files):
    do(files, "undo", 2)
    assert contents(files) == FIRST | {"/docs/a.json": b'{"x":2}', "/docs/deep/b.txt": b"one\n2\n"}
    do(files, "undo", 2)
    assert contents(files) == FIRST
    do(files, "redo", 1)
    assert contents(files) == FIRST | {"/docs/a.json": b'{"x":2}'}
    assert files.lix.check() == []


# -- undo and redo


def test_undo_takes_back_commit_after_commit(r):
    states = [{"a": "1", "b": "1"}, {"a": "1"}, {}]
    for state in states:
        made = do(r, "undo")
        assert made == r.tip()
        assert message(r, made).startswith("Undo ")
        assert shown(r) == state
    with pytest.raises(lix_vtab.LixError, match="no commit to undo") as caught:
        do(r, "undo")
    assert caught.value.code == "LIX_NOTHING_TO_UNDO"
    for state in [{"a": "1"}, {"a": "1", "b": "1"}, {"a": "2", "b": "1"}]:
        do(r, "redo")
        assert shown(r) == state
    with pytest.raises(lix_vtab.LixError, match="nothing to redo") as caught:
        do(r, "redo")
    assert caught.value.code == "LIX_NOTHING_TO_REDO"


def test_undo_redo_undo_alternate(r):
    for _ in range(3):
        do(r, "undo")
        assert shown(r) == {"a": "1", "b": "1"}
        do(r, "redo")
        assert shown(r) == {"a": "2", "b": "1"}
    do(r, "undo", 2)
    do(r, "redo")
    do(r, "undo")
    assert shown(r) == {"a": "1"}


def test_a_new_write_ends_what_can_be_redone(r):
    do(r, "undo")
    r.execute("INSERT INTO lix_key_value (key, value) VALUES ('n', '1')")
    with pytest.raises(lix_vtab.LixError, match="nothing to redo"):
        do(r, "redo")
    do(r, "undo")
    assert shown(r) == {"a": "1", "b": "1"}
    do(r, "undo")
    assert shown(r) == {"a": "1"}


def test_a_transaction_is_undone_as_one(r):
    with r.transaction() as tx:
        tx.execute("DELETE FROM lix_key_value WHERE key = 'a'")
        tx.execute("UPDATE lix_key_value SET value = '9' WHERE key = 'b'")
    assert shown(r) == {"b": "9"}
    do(r, "undo")
    assert shown(r) == {"a": "2", "b": "1"}


def test_more_steps_than_there_are_take_none(r):
    before = r.tip()
    with pytest.raises(lix_vtab.errors.NothingToUndo, match="after 3 of 9 steps") as caught:
        do(r, "undo", 9)
    assert caught.value.details["steps"] == 3
    assert r.tip() == before
    do(r, "undo", 3)
    assert shown(r) == {}
    undone = r.tip()
    with pytest.raises(lix_vtab.errors.NothingToUndo, match="has no commit to undo"):
        do(r, "undo")
    with pytest.raises(lix_vtab.errors.NothingToRedo, match="after 3 of 4 steps"):
        do(r, "redo", 4)
    assert r.tip() == undone
    do(r, "redo", 3)
    assert shown(r) == {"a": "2", "b": "1"}


def test_checkpoints_are_passed_over(r):
    r._dirty = True
    r.lix.create_checkpoint("here")
    do(r, "undo")
    assert shown(r) == {"a": "1", "b": "1"}
    do(r, "redo")
    assert shown(r) == {"a": "2", "b": "1"}


def test_a_restore_can_be_undone(r):
    do(r, "restore", "HEAD~2")
    do(r, "undo")
    assert shown(r) == {"a": "2", "b": "1"}


def test_undo_does_not_go_back_before_a_branch_began(r):
    r.create_version("draft", id="draft")
    r.active("draft")
    r.execute("INSERT INTO lix_key_value (key, value) VALUES ('d', '1')")
    do(r, "undo")
    assert shown(r) == {"a": "2", "b": "1"}
    with pytest.raises(lix_vtab.LixError, match="no commit to undo"):
        do(r, "undo")


def test_undo_inside_a_transaction_takes_back_what_it_wrote(r):
    with r.transaction() as tx:
        tx.execute("UPDATE lix_key_value SET value = '7' WHERE key = 'a'")
        tx.execute("SELECT lix_undo()")
        assert tx.execute("SELECT value FROM lix_key_value WHERE key = 'a'").rows == [("2",)]
        tx.execute("SELECT lix_undo()")
    assert shown(r) == {"a": "1", "b": "1"}
    assert r.lix.check() == []


def test_undo_that_is_rolled_back_did_not_happen(r):
    tip = r.tip()
    r.execute("BEGIN")
    r.execute("SELECT lix_undo()")
    r.execute("ROLLBACK")
    assert r.tip() == tip
    do(r, "undo")
    assert shown(r) == {"a": "1", "b": "1"}


def test_own_commits_only(tmp_path):
    path = str(tmp_path / "two.lix")
    with lix_vtab.open(path) as one, lix_vtab.open(path) as other:
        for lix, key in ((one, "mine"), (other, "theirs"), (other, "more")):
            lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, '1')", (key,))
        one.undo(own=True)
        keys = "SELECT key FROM lix_key_value_at('HEAD') ORDER BY key"
        assert one.execute(keys).rows == [("more",), ("theirs",)]
        with pytest.raises(lix_vtab.LixError, match="no commit to undo"):
            one.undo(own=True)
        one.redo(own=True)
        assert one.execute(keys).rows == [("mine",), ("more",), ("theirs",)]
        other.execute("UPDATE lix_key_value SET value = '2' WHERE key = 'mine'")
        with pytest.raises(lix_vtab.LixError, match="changed since") as caught:
            one.undo(own=True)
        assert caught.value.code == "LIX_MERGE_CONFLICT"
        assert caught.value.details["conflicts"] == [
            {"schema_key": "lix_key_value", "entity_id": "mine", "file_id": "lix"}
        ]


@given(todo=steps, count=st.integers(1, 4))
def test_undo_then_redo_is_identity(world, todo, count):
    with world(todo) as made:
        tip = made.lix.active_version.commit_id
        done = 0
        try:
            for _ in range(count):
                made.lix.undo()
                done += 1
        except lix_vtab.errors.NothingToUndo:
            assert done < count
        for _ in range(done):
            made.lix.redo()
        assert made.lix.execute("SELECT * FROM lix_diff(?, 'HEAD')", (tip,)).rows == []
        assert made.lix.check() == []


# -- revert


def test_revert_takes_back_one_commit_among_others(r):
    made = do(r, "revert", "HEAD~1")
    assert shown(r) == {"a": "2"}
    assert message(r, made).startswith("Revert ")


def test_revert_of_what_changed_since_is_a_conflict(r):
    tip = r.tip()
    with pytest.raises(lix_vtab.LixError, match="lix_key_value 'a'") as caught:
        do(r, "revert", "HEAD~2")
    assert caught.value.code == "LIX_MERGE_CONFLICT"
    assert r.tip() == tip


def test_revert_of_what_is_already_gone_writes_nothing(r):
    do(r, "revert", "HEAD~1")
    tip = r.tip()
    assert do(r, "revert", "HEAD~2") == tip


def test_the_verbs_are_recorded_as_commits(r):
    do(r, "undo")
    do(r, "redo")
    do(r, "restore", "HEAD~4")
    assert shown(r) == {"a": "1"}
    assert r.value("SELECT count(*) FROM lix_state_history WHERE entity_id = 'a'") == 5
