"""`lix_log`, `lix_blame`, `lix_commit_ancestry`: who did what when."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

import lix_vtab
from lix_vtab.errors import NotFoundError
from tests.history.graphs import steps


@pytest.fixture
def t(lix):
    lix.store_schema(
        {
            "x-lix-key": "task",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "title": {"type": "string"},
                "done": {"type": "boolean"},
                "meta": {"type": ["object", "array", "number", "boolean", "null"]},
            },
            "required": ["id"],
            "additionalProperties": False,
        }
    )
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('ann')")
    return lix


def run(lix, sql, params=()):
    """Run a statement and return the commit it made."""
    lix.execute(sql, params)
    return lix.tip()


def blame(lix, *args, columns="property, value, commit_id"):
    marks = ", ".join("?" * len(args))
    return lix.rows(f"SELECT {columns} FROM lix_blame({marks}) ORDER BY property", args)


def test_blame_names_the_commit_that_set_each_property(t):
    made = run(t, "INSERT INTO task (id, title, done) VALUES ('t', 'one', 0)")
    done = run(t, "UPDATE task SET done = 1")
    titled = run(t, "UPDATE task SET title = 'two'")
    run(t, "UPDATE task SET title = 'three'")
    back = run(t, "UPDATE task SET title = 'two'")
    assert blame(t, "t") == [("done", 1, done), ("id", "t", made), ("title", "two", back)]
    assert blame(t, "t", "HEAD~2") == [
        ("done", 1, done),
        ("id", "t", made),
        ("title", "two", titled),
    ]


def test_blame_tells_author_time_message_and_change(t):
    t.execute("INSERT INTO task (id) VALUES ('t')")
    ((change, at),) = t.rows("SELECT change_id, updated_at FROM lix_state WHERE entity_id = 't'")
    columns = "entity_id, schema_key, file_id, change_id, author_account_ids, created_at, message"
    assert blame(t, "t", columns=columns) == [("t", "task", "lix", change, '["ann"]', at, None)]
    t._dirty = True
    t.execute("DELETE FROM task")
    t.lix.undo()
    ((said,),) = blame(t, "t", columns="message")
    assert said.startswith("Undo ")


def test_blame_is_not_confused_by_types_or_absence(t):
    run(t, "INSERT INTO task (id, meta) VALUES ('t', json('1'))")
    changed = run(t, "UPDATE task SET meta = json('true')")
    assert ("meta", 1, changed) in blame(t, "t")
    run(t, "UPDATE task SET title = 'x'")
    run(t, "UPDATE task SET title = NULL")
    again = run(t, "UPDATE task SET title = 'x'")
    assert ("title", "x", again) in blame(t, "t")


def test_blame_starts_anew_after_a_deletion(t):
    run(t, "INSERT INTO task (id, title) VALUES ('t', 'x')")
    run(t, "DELETE FROM task")
    again = run(t, "INSERT INTO task (id, title) VALUES ('t', 'x')")
    assert blame(t, "t") == [("id", "t", again), ("title", "x", again)]


def test_blame_goes_on_into_the_line_branched_from(t):
    made = run(t, "INSERT INTO task (id, title) VALUES ('t', 'x')")
    t.create_version("draft", id="draft")
    run(t, "UPDATE task SET title = 'main'")
    t.active("draft")
    done = run(t, "UPDATE task SET done = 1")
    assert blame(t, "t") == [("done", 1, done), ("id", "t", made), ("title", "x", made)]


def test_blame_through_a_long_chain_of_branches():
    """Old segments are folded into larger ones, which do not hold every row they had."""
    properties = {"id": {"type": "string"}, "n": {"type": "integer"}, "m": {"type": "integer"}}
    with lix_vtab.open() as lix:
        lix.register_schema({
            "x-lix-key": "pair", "x-lix-version": "1", "x-lix-primary-key": ["/id"],
            "type": "object", "additionalProperties": False, "properties": properties,
        })  # fmt: skip
        lix.execute("INSERT INTO pair (id, n, m) VALUES ('p', 0, 0)")
        first = lix.active_version.commit_id
        content = {"n": (0, first), "m": (0, first)}
        for number in range(80):
            if number % 2:
                lix.switch_version(lix.create_version(f"v{number}"))
            name, value = "nm"[number % 3 == 0], (number // 5) % 2
            lix.execute(f"UPDATE pair SET {name} = ?", (value,))
            if content[name][0] != value:
                content[name] = (value, lix.active_version.commit_id)
            blamed = lix.execute("SELECT property, value, commit_id FROM lix_blame('p')").rows
            assert blamed == [
                ("id", "p", first), ("m", *content["m"]), ("n", *content["n"])
            ], number  # fmt: skip


def test_blame_of_everything_and_by_key(t):
    t.execute("INSERT INTO task (id) VALUES ('t'), ('u')")
    assert t.rows(
        "SELECT entity_id, property FROM lix_blame WHERE schema_key = 'task' ORDER BY 1"
    ) == [("t", "id"), ("u", "id")]
    assert t.rows(
        "SELECT property FROM lix_blame WHERE entity_id = 'u' AND schema_key = 'task'"
    ) == [("id",)]
    assert t.rows("SELECT DISTINCT entity_id FROM lix_blame WHERE entity_id IN ('t', 'x')") == [
        ("t",)
    ]
    with pytest.raises(NotFoundError, match="no file and no entity has the id 'nobody'"):
        blame(t, "nobody")
    assert t.rows("SELECT * FROM lix_blame('t') WHERE schema_key = 'note'") == []
    assert t.rows("SELECT * FROM lix_blame(NULL)") == []


def test_blame_of_a_file_names_its_parts(t):
    made = run(t, "INSERT INTO lix_file (path, data) VALUES ('/a.json', '{\"x\":1,\"y\":1}')")
    changed = run(t, 'UPDATE lix_file SET data = \'{"x":1,"y":2}\'')
    rows = dict(
        t.rows(
            "SELECT entity_id, commit_id FROM lix_blame('/a.json')"
            " WHERE property = 'value' AND entity_id <> ''"
        )
    )
    assert rows == {"/x": made, "/y": changed}
    (file_id,) = t.column("SELECT id FROM lix_file")
    assert len(blame(t, file_id)) == len(blame(t, "/a.json")) > 0
    with pytest.raises(lix_vtab.LixError, match="no file has the path"):
        blame(t, "/none")
    with pytest.raises(lix_vtab.LixError, match="target must be"):
        blame(t, 1)


def merge(lix, source, target, changes):
    """Merge with the given rows adopted; return the merge commit."""
    from lix_vtab.history.adopt import adopt

    session = lix.lix._session
    numbers = [
        session.connection.execute("SELECT no FROM lix_internal_change WHERE id = ?", (change,)).get
        for change in changes
    ]
    with session.atomic():
        adopt(session.store, target, numbers, [session.history.resolve(source).commit])
    return lix.tip(target)


def test_blame_follows_what_a_merge_adopted(t):
    made = run(t, "INSERT INTO task (id, title) VALUES ('t', 'x')")
    t.create_version("draft", id="draft")
    main = t.main()
    t.active("draft")
    titled = run(t, "UPDATE task SET title = 'draft'")
    done = run(t, "UPDATE task SET done = 1")
    t.active(main)
    run(t, "INSERT INTO task (id) VALUES ('other')")
    (change,) = t.column("SELECT change_id FROM lix_state_at('draft') WHERE entity_id = 't'")
    merged = merge(t, "draft", main, [change])
    assert blame(t, "t") == [
        ("done", 1, done),
        ("id", "t", made),
        ("title", "draft", titled),
    ]
    assert sorted(
        t.rows("SELECT depth, commit_id FROM lix_state_history WHERE entity_id = 't'")
    ) == sorted([(0, merged), (2, titled), (2, made)])


# -- log


def log(lix, *args, columns="commit_id", where="1"):
    marks = ", ".join("?" * len(args))
    return lix.rows(f"SELECT {columns} FROM lix_log({marks}) WHERE {where}", args)


def test_log_lists_commits_newest_first(t):
    commits = [run(t, "INSERT INTO task (id) VALUES (?)", (id,)) for id in "abc"]
    listed = [commit for (commit,) in log(t)]
    assert listed[:3] == commits[::-1]
    assert len(listed) == t.value("SELECT count(*) FROM lix_commit_ancestry")
    assert [commit for (commit,) in log(t, "HEAD~1")] == listed[1:]
    assert log(t, columns="commit_id", where=f"commit_id = '{commits[0]}'") == [(commits[0],)]
    assert t.rows("SELECT commit_id FROM lix_log LIMIT 1 OFFSET 1") == [(commits[1],)]


def test_log_tells_what_a_log_shows(t):
    parent = t.tip()
    made = run(t, "INSERT INTO task (id) VALUES ('a'), ('b')")
    columns = (
        "commit_id, author_account_ids, message, change_count, parent_commit_ids, version_id,"
        " is_checkpoint, checkpoint_name, depth"
    )
    assert log(t, columns=columns)[0] == (
        made, '["ann"]', None, 2, json.dumps([parent]), t.main(), 0, None, 0,
    )  # fmt: skip
    t._dirty = True
    point = t.lix.create_checkpoint("one", "said")
    row = log(t, columns=columns)[0]
    assert row[:4] == (point.id, '["ann"]', "said", 2)
    assert row[6:] == (1, "one", 0)


def test_log_of_an_entity(t):
    made = run(t, "INSERT INTO task (id) VALUES ('a')")
    run(t, "INSERT INTO task (id) VALUES ('b')")
    changed = run(t, "UPDATE task SET done = 1 WHERE id = 'a'")
    t._dirty = True
    t.lix.create_checkpoint()
    removed = run(t, "DELETE FROM task WHERE id = 'a'")
    wanted = [(removed,), (changed,), (made,)]
    assert t.rows("SELECT commit_id FROM lix_log WHERE entity_id = 'a'") == wanted
    assert (
        t.rows("SELECT commit_id FROM lix_log WHERE entity_id = 'a' AND schema_key = 'task'")
        == wanted
    )
    assert t.rows("SELECT 1 FROM lix_log WHERE entity_id = 'a' AND schema_key = 'none'") == []
    assert t.rows("SELECT 1 FROM lix_log WHERE entity_id = 'a' AND file_id = 'none'") == []
    assert (
        t.rows("SELECT commit_id FROM lix_log WHERE revision = 'HEAD~1' AND entity_id = 'a'")
        == wanted[1:]
    )
    with pytest.raises(lix_vtab.LixError, match="schema_key needs entity_id"):
        t.rows("SELECT * FROM lix_log WHERE schema_key = 'task'")


def test_log_follows_a_file_whatever_it_is_called(t):
    made = run(t, "INSERT INTO lix_file (path, data) VALUES ('/a.json', '{\"x\":1}')")
    run(t, "INSERT INTO lix_file (path, data) VALUES ('/other.json', '{}')")
    changed = run(t, "UPDATE lix_file SET data = '{\"x\":2}' WHERE path = '/a.json'")
    moved = run(t, "UPDATE lix_file SET path = '/d/b.json' WHERE path = '/a.json'")
    assert log(t, "HEAD", "/d/b.json") == [(moved,), (changed,), (made,)]
    assert log(t, "HEAD~1", "/a.json") == [(changed,), (made,)]
    (file_id,) = t.column("SELECT id FROM lix_file WHERE path = '/d/b.json'")
    removed = run(t, "DELETE FROM lix_file WHERE path = '/d/b.json'")
    assert t.rows("SELECT commit_id FROM lix_log WHERE file_id = ?", (file_id,)) == [
        (removed,),
        (moved,),
        (changed,),
        (made,),
    ]
    with pytest.raises(lix_vtab.LixError, match="no file has the path"):
        log(t, "HEAD", "/d/b.json")


def test_log_of_a_file_lists_changes_of_formatting(t):
    made = run(t, "INSERT INTO lix_file (path, data) VALUES ('/a.json', '{\"x\":1}')")
    spaced = run(t, "UPDATE lix_file SET data = '{ \"x\": 1 }'")
    assert spaced != made
    assert log(t, "HEAD", "/a.json") == [(spaced,), (made,)]


@given(steps)
def test_log_has_every_ancestor_once(world, todo):
    with world(todo) as made:
        for root in list(made.commits)[-3:]:
            listed = made.lix.execute("SELECT commit_id, depth FROM lix_log(?)", (root,)).rows
            assert dict(listed) == made.ancestors(root)
            assert len(listed) == len(dict(listed))
            order = {commit: n for n, commit in enumerate(made.commits)}
            places = [order[commit] for commit, _ in listed]
            assert places == sorted(places, reverse=True)


# -- ancestry


def test_ancestry_bounds(t):
    for id in "abcd":
        run(t, "INSERT INTO task (id) VALUES (?)", (id,))
    whole = t.rows("SELECT commit_id, depth FROM lix_commit_ancestry('HEAD') ORDER BY depth")
    for bound in range(-1, 7):
        assert t.rows(
            "SELECT commit_id, depth FROM lix_commit_ancestry WHERE depth <= ? ORDER BY depth",
            (bound,),
        ) == [row for row in whole if row[1] <= bound]
        assert t.rows(
            "SELECT commit_id, depth FROM lix_commit_ancestry WHERE depth = ?", (bound,)
        ) == [row for row in whole if row[1] == bound]
    for commit, depth in whole:
        assert t.rows("SELECT depth FROM lix_commit_ancestry WHERE commit_id = ?", (commit,)) == [
            (depth,)
        ]
    assert t.rows("SELECT 1 FROM lix_commit_ancestry WHERE commit_id = 'nobody'") == []
    assert t.rows("SELECT 1 FROM lix_commit_ancestry(NULL)") == []
