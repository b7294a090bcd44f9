"""`lix_diff`, `lix_diff_property` and `lix_working_changes`: what is different, and only that."""

from __future__ import annotations

import json

import pytest

import lix_vtab


def put(lix, key, value, version=None):
    if version is None:
        lix.execute("INSERT OR REPLACE INTO lix_key_value (key, value) VALUES (?, ?)", (key, value))
    else:
        lix.execute(
            "INSERT OR REPLACE INTO lix_key_value_by_version (key, value, lixcol_version_id)"
            " VALUES (?, ?, ?)",
            (key, value, version),
        )


def delete(lix, key):
    lix.execute("DELETE FROM lix_key_value WHERE key = ?", (key,))


def checkpoint(lix, name=None):
    lix._dirty = True
    return lix.lix.create_checkpoint(name)


def diff(lix, one, other, where="1", columns="entity_id, status"):
    return lix.rows(
        f"SELECT {columns} FROM lix_diff(?, ?) WHERE {where} ORDER BY entity_id", (one, other)
    )


@pytest.fixture
def d(lix):
    """Return a session whose checkpoint `start` has a, b, c and d, of which three changed since."""
    for key in "abcd":
        put(lix, key, "1")
    checkpoint(lix, "start")
    put(lix, "a", "2")
    delete(lix, "b")
    put(lix, "e", "1")
    put(lix, "c", "2")
    put(lix, "c", "1")
    return lix


CHANGED = [("a", "modified"), ("b", "removed"), ("e", "added")]


def test_statuses(d):
    assert diff(d, "start", "HEAD") == CHANGED
    assert diff(d, "HEAD", "start") == [("a", "modified"), ("b", "added"), ("e", "removed")]


def test_before_and_after(d):
    columns = (
        "entity_id, schema_key, file_id, before_snapshot_content ->> 'value',"
        " after_snapshot_content ->> 'value', before_change_id, after_change_id,"
        " before_commit_id, after_commit_id"
    )
    kv = "lix_key_value"
    now = {
        entity: (change, commit)
        for entity, change, commit in d.rows(
            "SELECT entity_id, change_id, commit_id FROM lix_state_history"
            " WHERE schema_key = 'lix_key_value' ORDER BY depth DESC"
        )
    }
    then = {
        entity: (change, commit)
        for entity, change, commit in d.rows(
            "SELECT entity_id, change_id, commit_id FROM lix_state_at('start')"
        )
    }
    assert diff(d, "start", "HEAD", columns=columns) == [
        ("a", kv, "lix", "1", "2", then["a"][0], now["a"][0], then["a"][1], now["a"][1]),
        ("b", kv, "lix", "1", None, then["b"][0], now["b"][0], then["b"][1], now["b"][1]),
        ("e", kv, "lix", None, "1", None, now["e"][0], None, now["e"][1]),
    ]  # fmt: skip


def test_the_same_revision_differs_in_nothing(d):
    assert diff(d, "HEAD", "HEAD") == []
    assert diff(d, "start", "start") == []


def test_metadata_alone_is_a_difference(d):
    d.execute("UPDATE lix_state SET metadata = '{\"m\":1}' WHERE entity_id = 'd'")
    assert diff(d, "HEAD~1", "HEAD") == [("d", "modified")]
    assert diff(d, "HEAD~1", "HEAD", columns="before_metadata, after_metadata") == [
        (None, '{"m":1}')
    ]
    d.execute("UPDATE lix_state SET metadata = NULL WHERE entity_id = 'd'")
    assert diff(d, "HEAD~2", "HEAD") == []


def test_branches_are_compared_from_where_they_part(d):
    d.create_version("draft", id="draft")
    put(d, "only-draft", "1", "draft")
    put(d, "a", "3", "draft")
    put(d, "only-main", "1")
    assert diff(d, "main", "draft") == [
        ("a", "modified"),
        ("only-draft", "added"),
        ("only-main", "removed"),
    ]
    assert diff(d, "start", "draft") == [
        ("a", "modified"),
        ("b", "removed"),
        ("e", "added"),
        ("only-draft", "added"),
    ]


def test_what_is_inherited_is_no_difference(d):
    put(d, "shared", "1", "global")
    assert diff(d, "start", "HEAD") == CHANGED


@pytest.mark.parametrize(
    "where",
    [
        "status = 'added'",
        "status <> 'added'",
        "status IN ('added', 'removed')",
        "entity_id = 'a'",
        "entity_id = 'c'",
        "entity_id IN ('a', 'e')",
        "entity_id > 'a'",
        "schema_key = 'lix_key_value'",
        "schema_key = 'lix_key_value' AND entity_id = 'e'",
        "schema_key = 'other'",
        "schema_key LIKE 'lix%'",
        "file_id = 'lix' AND entity_id = 'b'",
        "file_id = 'other'",
        "after_snapshot_content IS NULL",
        "before_snapshot_content IS NOT NULL AND after_snapshot_content IS NOT NULL",
        "before_change_id IS NULL",
        "after_commit_id > ''",
        "entity_id IS NULL",
    ],
)
def test_conditions_mean_what_they_say(d, where):
    d.renew()
    run = d.connection.execute
    run("DROP TABLE IF EXISTS temp.copied")
    run("CREATE TEMP TABLE copied AS SELECT * FROM lix_diff('start', 'HEAD')")
    found = run(f"SELECT * FROM lix_diff('start', 'HEAD') WHERE {where}").fetchall()
    wanted = run(f"SELECT * FROM copied WHERE {where}").fetchall()
    assert sorted(found) == sorted(wanted)


def test_order_and_limit(d):
    whole = diff(d, "start", "HEAD")
    assert (
        d.rows("SELECT entity_id, status FROM lix_diff('start', 'HEAD') ORDER BY entity_id LIMIT 2")
        == whole[:2]
    )
    assert d.rows(
        "SELECT entity_id, status FROM lix_diff('start', 'HEAD')"
        " ORDER BY entity_id DESC LIMIT 1 OFFSET 1"
    ) == [whole[1]]
    assert d.value("SELECT count(*) FROM lix_diff('start', 'HEAD')") == 3


def test_arguments_as_conditions_and_in_joins(d):
    assert (
        d.rows(
            'SELECT entity_id, status FROM lix_diff WHERE "from" = ? AND "to" = ? ORDER BY 1',
            ("start", "HEAD"),
        )
        == CHANGED
    )
    per_commit = d.rows(
        "SELECT c.depth, f.entity_id, f.status FROM lix_commit_ancestry c JOIN lix_commit_edge e"
        ' ON e.child_id = c.commit_id JOIN lix_diff f ON f."from" = e.parent_id'
        ' AND f."to" = e.child_id WHERE c.depth < 5 ORDER BY 1, 2'
    )
    assert per_commit == [
        (0, "c", "modified"),
        (1, "c", "modified"),
        (2, "e", "added"),
        (3, "b", "removed"),
        (4, "a", "modified"),
    ]


def test_left_out_arguments_mean_since_the_checkpoint(d):
    assert d.rows("SELECT entity_id, status FROM lix_diff ORDER BY 1") == CHANGED
    assert d.rows("SELECT entity_id, status FROM lix_diff('HEAD~2') ORDER BY 1") == []
    assert d.rows("SELECT entity_id FROM lix_diff(NULL, 'HEAD')") == []


def test_an_unknown_revision_is_an_error(d):
    with pytest.raises(lix_vtab.LixError, match="names no commit"):
        diff(d, "start", "nowhere")


# -- working changes


def working(lix):
    return lix.rows("SELECT entity_id, status FROM lix_working_changes ORDER BY 1")


def test_working_changes_are_real_differences(d):
    assert working(d) == CHANGED
    put(d, "short", "1")
    delete(d, "short")
    assert working(d) == CHANGED


def test_a_checkpoint_leaves_no_working_changes(d):
    checkpoint(d)
    assert working(d) == []
    put(d, "d", "2")
    assert d.rows(
        "SELECT entity_id, status, before_snapshot_content ->> 'value',"
        " after_snapshot_content ->> 'value' FROM lix_working_changes"
    ) == [("d", "modified", "1", "2")]


def test_entities_of_older_checkpoints_count_as_known(d):
    checkpoint(d)
    put(d, "other", "1")
    checkpoint(d)
    put(d, "d", "2")
    delete(d, "a")
    assert working(d) == [("a", "removed"), ("d", "modified")]


def test_working_changes_are_those_of_the_active_version(d):
    d.create_version("draft", id="draft")
    d.active("draft")
    assert working(d) == []
    put(d, "x", "1")
    assert working(d) == [("x", "added")]
    d.active("global")
    assert working(d) != []


def test_a_version_without_commit_has_no_working_changes(d):
    d.version("unborn")
    d.active("unborn")
    assert working(d) == []


# -- properties


@pytest.fixture
def task(lix):
    lix.store_schema(
        {
            "x-lix-key": "task",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "title": {"type": ["string", "null"]},
                "done": {"type": "boolean"},
                "a/b": {"type": "integer"},
                "meta": {"type": ["object", "array", "number", "boolean", "null"]},
            },
            "required": ["id"],
            "additionalProperties": False,
        }
    )
    return lix


def properties(lix, one="HEAD~1", other="HEAD"):
    return lix.rows(
        "SELECT property, status, before_value, after_value FROM lix_diff_property(?, ?)"
        " ORDER BY property",
        (one, other),
    )


def test_each_property_is_a_row(task):
    task.execute("INSERT INTO task (id, title, done, \"a/b\") VALUES ('t', 'one', 0, 1)")
    assert properties(task) == [
        ("/a~1b", "added", None, 1),
        ("/done", "added", None, 0),
        ("/id", "added", None, "t"),
        ("/title", "added", None, "one"),
    ]
    task.execute("UPDATE task SET title = 'two', done = 1")
    assert properties(task) == [
        ("/done", "modified", 0, 1),
        ("/title", "modified", "one", "two"),
    ]
    task.execute("DELETE FROM task")
    assert [row[:2] for row in properties(task)] == [
        ("/a~1b", "removed"),
        ("/done", "removed"),
        ("/id", "removed"),
        ("/title", "removed"),
    ]


def test_objects_are_compared_inside(task):
    task.execute(
        "INSERT INTO task (id, meta) VALUES ('t', ?)",
        (json.dumps({"x": 1, "y": {"z": 1, "gone": True}, "list": [1, 2]}),),
    )
    task.execute(
        "UPDATE task SET meta = ?",
        (json.dumps({"x": 1, "y": {"z": 2, "new": None}, "list": [1, 3]}),),
    )
    assert properties(task) == [
        ("/meta/list", "modified", "[1,2]", "[1,3]"),
        ("/meta/y/gone", "removed", 1, None),
        ("/meta/y/new", "added", None, None),
        ("/meta/y/z", "modified", 1, 2),
    ]


def test_types_count(task):
    task.execute("INSERT INTO task (id, meta) VALUES ('t', json('{\"v\":1}'))")
    task.execute("UPDATE task SET meta = json('{\"v\":true}')")
    assert properties(task) == [("/meta/v", "modified", 1, 1)]


def test_properties_can_be_narrowed(task):
    task.execute("INSERT INTO task (id, title) VALUES ('t', 'one'), ('u', 'one')")
    rows = task.rows(
        "SELECT entity_id, property FROM lix_diff_property('HEAD~1', 'HEAD')"
        " WHERE entity_id = 'u' AND property = '/title'"
    )
    assert rows == [("u", "/title")]
    assert task.rows(
        "SELECT DISTINCT schema_key FROM lix_diff_property('HEAD~1', 'HEAD') WHERE status = 'added'"
    ) == [("task",)]
    assert task.rows("SELECT * FROM lix_diff_property('HEAD~1', NULL)") == []
