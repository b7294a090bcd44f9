"""UPSERT and RETURNING on the tables of a lix, next to the same statements on ordinary tables."""

from __future__ import annotations

import json

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from lix_vtab.errors import ReadOnlyError, UniqueError, UnsupportedSql
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.executor import Executor

TASK = {
    "x-lix-key": "task",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "x-lix-unique": [["/slot"]],
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "x-lix-default": "lix_uuid_v7()"},
        "slot": {"type": ["integer", "null"]},
        "title": {"type": ["string", "null"]},
        "done": {"type": "boolean", "default": False},
    },
    "required": ["id"],
}
CELL = {
    "x-lix-key": "cell",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/row", "/name"],
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "row": {"type": "integer"},
        "name": {"type": "string"},
        "n": {"type": ["number", "null"]},
    },
    "required": ["row", "name"],
}


@pytest.fixture
def lix():
    with lix_vtab.open() as opened:
        opened.register_schema(TASK)
        opened.register_schema(CELL)
        yield opened


def rows(lix, sql, params=()):
    return lix.execute(sql, params).rows


_IGNORED = (
    "INSERT INTO {0} (id, slot, title) VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', 3, 'z')",
    "UPDATE OR IGNORE {0} SET slot = 2 WHERE id IN ('a', 'b') RETURNING id, slot",
    "UPDATE OR IGNORE {0} SET slot = 9 RETURNING id",
    "UPDATE OR IGNORE {0} SET slot = CASE id WHEN 'c' THEN 7 ELSE 9 END, title = 'w' RETURNING id",
    "INSERT OR IGNORE INTO {0} (id, slot) VALUES ('a', 50), ('d', 2), ('e', 60) RETURNING id",
    "INSERT OR IGNORE INTO {0} (id, slot) VALUES ('a', 51)"
    " ON CONFLICT (slot) DO UPDATE SET title = 'no' RETURNING id",
    "INSERT INTO {0} (id) VALUES ('f') ON CONFLICT DO NOTHING ON CONFLICT (id) DO NOTHING",
)


def test_rows_that_are_ignored_are_neither_counted_nor_returned(lix):
    lix.execute("CREATE TABLE plain (id TEXT PRIMARY KEY, slot UNIQUE, title)")
    for statement in _IGNORED:
        told = []
        for table in ("plain", "task"):
            try:
                result = lix.execute(statement.format(table))
                told.append((result.rows, result.changes))
            except lix_vtab.LixError as error:
                told.append(error.message)
        assert told[0] == told[1], statement
        ordered = "SELECT id, slot, title FROM {0} ORDER BY id"
        assert rows(lix, ordered.format("task")) == rows(lix, ordered.format("plain"))


# -- entity tables


def test_upsert_by_key(lix):
    upsert = (
        "INSERT INTO task (id, title) VALUES ('a', ?) ON CONFLICT (id)"
        " DO UPDATE SET title = excluded.title || '/' || title RETURNING id, title, done"
    )
    assert rows(lix, upsert, ("one",)) == [("a", "one", 0)]
    assert rows(lix, upsert, ("two",)) == [("a", "two/one", 0)]


def test_do_nothing(lix):
    rows(lix, "INSERT INTO task (id, slot) VALUES ('a', 1)")
    ignore = "INSERT INTO task (id, slot) VALUES {} ON CONFLICT DO NOTHING RETURNING id"
    assert rows(lix, ignore.format("('a', 2), ('b', 1), ('c', 3)")) == [("c",)]
    with pytest.raises(UniqueError):
        rows(lix, "INSERT INTO task (id, slot) VALUES ('b', 1) ON CONFLICT (id) DO NOTHING")


def test_a_row_that_is_only_inherited_is_not_in_the_way(lix):
    rows(
        lix,
        "INSERT INTO task_by_version (id, title, lixcol_version_id) VALUES ('a', 'g', 'global')",
    )
    upsert = (
        "INSERT INTO task (id, title) VALUES ('a', 'm') ON CONFLICT (id) DO UPDATE SET title = 'u'"
    )
    rows(lix, upsert)
    assert rows(lix, "SELECT title FROM task") == [("m",)]
    rows(lix, upsert)
    assert rows(lix, "SELECT title FROM task") == [("u",)]
    assert rows(lix, "SELECT title FROM task_by_version WHERE lixcol_version_id = 'global'") == [
        ("g",)
    ]


def test_keys_are_per_file(lix):
    insert = (
        "INSERT INTO task (id, title, lixcol_file_id) VALUES ('a', ?, ?)"
        " ON CONFLICT (id, lixcol_file_id) DO UPDATE SET title = excluded.title"
    )
    for title, file in (("one", "f"), ("two", "g"), ("three", "f")):
        rows(lix, insert, (title, file))
    assert rows(lix, "SELECT title FROM task ORDER BY lixcol_file_id") == [("three",), ("two",)]
    rows(
        lix,
        "INSERT INTO task (id, title) VALUES ('a', 'four') ON CONFLICT (id)"
        " DO UPDATE SET title = 'never'",
    )
    assert rows(lix, "SELECT count(*) FROM task") == [(3,)]


def test_generated_keys_come_back(lix):
    ((id, title, version),) = rows(
        lix, "INSERT INTO task (title) VALUES ('x') RETURNING id, title, lixcol_schema_version"
    )
    assert (title, version) == ("x", "1")
    assert rows(lix, "SELECT id FROM task") == [(id,)]
    returned = rows(lix, "INSERT INTO task (title) VALUES ('p'), ('q'), ('r') RETURNING id")
    assert sorted(returned) == sorted(rows(lix, "SELECT id FROM task WHERE title <> 'x'"))
    assert len(set(returned)) == 3


def test_generated_keys_are_looked_up_not_searched_for(lix):
    with lix.transaction() as transaction:
        transaction.execute(
            "INSERT INTO task (id, title) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
            " SELECT 'k' || i, 't' FROM n"
        )
    steps = 0

    def count():
        nonlocal steps
        steps += 1
        return False

    lix.connection.set_progress_handler(count, 100)
    rows(lix, "INSERT INTO task (title) VALUES ('x') RETURNING id")
    lix.connection.set_progress_handler(None)
    assert steps < 50, "three thousand rows were searched"


def test_composite_keys_and_by_version(lix):
    upsert = (
        "INSERT INTO cell (row, name, n) VALUES (?, ?, ?) ON CONFLICT (row, name)"
        " DO UPDATE SET n = n + excluded.n WHERE n < 10 RETURNING row, name, n"
    )
    assert rows(lix, upsert, (1, "a", 4)) == [(1, "a", 4)]
    assert rows(lix, upsert, (1, "a", 8)) == [(1, "a", 12)]
    assert rows(lix, upsert, (1, "a", 8)) == []
    main = lix.active_version.id
    by_version = (
        "INSERT INTO cell_by_version (row, name, n, lixcol_version_id) VALUES (1, 'a', 0, ?)"
        " ON CONFLICT (row, name, lixcol_version_id) DO UPDATE SET n = -1"
        " RETURNING n, lixcol_version_id"
    )
    assert rows(lix, by_version, (main,)) == [(-1, main)]
    assert rows(lix, by_version, ("global",)) == [(0, "global")]


def test_update_and_delete_return(lix):
    rows(
        lix, "INSERT INTO task (id, slot, title) VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', 3, 'z')"
    )
    updated = rows(
        lix, "UPDATE task SET slot = slot + 10, done = 1 WHERE slot > 1 RETURNING id, slot, done"
    )
    assert sorted(updated) == [("b", 12, 1), ("c", 13, 1)]
    moved = rows(
        lix,
        "UPDATE task SET title = n.value FROM (SELECT '7' AS value) n WHERE id = 'a' RETURNING title",
    )
    assert moved == [("7",)]
    assert sorted(rows(lix, "DELETE FROM task WHERE slot > 1 RETURNING id, upper(title) AS t")) == [
        ("b", "Y"), ("c", "Z"),
    ]  # fmt: skip
    assert lix.execute("DELETE FROM task RETURNING *").columns[:2] == ("done", "id")
    assert rows(lix, "SELECT * FROM task") == []


def test_delete_returning_asks_what_is_left(lix):
    rows(lix, "INSERT INTO task (id, slot, title) VALUES ('a', 1, 'x'), ('b', 2, 'y')")
    left = "DELETE FROM task WHERE id = ? RETURNING *, (SELECT count(*) FROM task) AS n, ? AS p"
    result = lix.execute(left, ("a", "p"))
    assert result.rows == [(0, "a", 1, "x", *result.rows[0][4:-2], 1, "p")]
    assert result.columns == (*lix.execute("SELECT * FROM task").columns, "n", "p")
    rows(lix, "INSERT INTO lix_file (path, data) VALUES ('/d/a', x'01'), ('/d/b', x'02')")
    deleted = "DELETE FROM lix_file WHERE path = '/d/a' RETURNING data, (SELECT path FROM lix_file)"
    assert rows(lix, deleted) == [(b"\x01", "/d/b")]
    folder = "DELETE FROM lix_directory RETURNING path, (SELECT count(*) FROM lix_file)"
    assert rows(lix, folder) == [("/d/", 0)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM task WHERE nope RETURNING id",
        "DELETE FROM task RETURNING nope",
        "INSERT INTO task (id) VALUES ('a') ON CONFLICT (id) DO UPDATE SET title = nope",
    ],
)
def test_errors_in_lowered_statements_name_no_place(lix, sql):
    # it would be one in what the statement was turned into
    with pytest.raises(lix_vtab.LixError, match="no such column: nope") as caught:
        lix.execute(sql)
    assert "offset" not in caught.value.details


def test_update_returning_on_every_version(lix):
    main = lix.active_version.id
    rows(
        lix,
        "INSERT INTO task_by_version (id, title, lixcol_version_id) VALUES"
        " ('a', 'g', 'global'), ('a', 'm', ?)",
        (main,),
    )
    returned = rows(
        lix, "UPDATE task_by_version SET title = upper(title) RETURNING lixcol_version_id, title"
    )
    assert sorted(returned) == sorted([("global", "G"), (main, "M")])
    assert len(rows(lix, "DELETE FROM task_by_version RETURNING id")) == 2


# -- state tables


STATE = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
    " snapshot_content) VALUES (?1, 'task', 'lix', 'lix', '1', ?2)"
)


def content(id, title):
    return json.dumps({"id": id, "title": title})


def test_state_upserts_with_a_clause(lix):
    upsert = STATE + (
        " ON CONFLICT (schema_key, file_id, entity_id)"
        " DO UPDATE SET snapshot_content = json_set(snapshot_content, '$.slot', 5)"
        " RETURNING entity_id, snapshot_content ->> '$.slot', version_id, untracked"
    )
    main = lix.active_version.id
    assert rows(lix, upsert, ("a", content("a", "x"))) == [("a", None, main, 0)]
    assert rows(lix, upsert, ("a", content("a", "y"))) == [("a", 5, main, 0)]
    assert rows(lix, "SELECT title FROM task") == [("x",)]


def test_state_or_ignore_and_do_nothing(lix):
    rows(lix, STATE, ("a", content("a", "first")))
    for statement in (
        STATE.replace("INSERT", "INSERT OR IGNORE"),
        STATE + " ON CONFLICT DO NOTHING",
    ):
        assert rows(lix, statement + " RETURNING entity_id", ("a", content("a", "no"))) == []
    assert rows(lix, "SELECT title FROM task") == [("first",)]


def test_state_returning(lix):
    ((id, change, commit),) = rows(
        lix, STATE + " RETURNING entity_id, change_id, commit_id", ("a", content("a", "x"))
    )
    assert rows(lix, "SELECT change_id, commit_id FROM lix_state WHERE entity_id = ?", (id,)) == [
        (change, commit)
    ]
    by_version = (
        "UPDATE lix_state_by_version SET metadata = '{}' WHERE schema_key = 'task'"
        " RETURNING entity_id, metadata"
    )
    assert rows(lix, by_version) == [("a", "{}")]
    deleted = (
        "DELETE FROM lix_state WHERE schema_key = 'task' RETURNING snapshot_content ->> '$.title'"
    )
    assert rows(lix, deleted) == [("x",)]


# -- files, directories, versions


def test_files(lix):
    upsert = (
        "INSERT INTO lix_file (path, data) VALUES ('/a.bin', ?) ON CONFLICT (path)"
        " DO UPDATE SET data = excluded.data RETURNING id, path, data"
    )
    ((id, path, data),) = rows(lix, upsert, (b"1",))
    assert (path, data) == ("/a.bin", b"1")
    assert rows(lix, upsert, (b"2",)) == [(id, "/a.bin", b"2")]
    by_id = "INSERT INTO lix_file (id, path, data) VALUES (?, '/b.bin', x'00') ON CONFLICT (id) DO UPDATE SET path = excluded.path RETURNING path, data"
    assert rows(lix, by_id, (id,)) == [("/b.bin", b"2")]
    assert rows(lix, "UPDATE lix_file SET data = data || x'33' RETURNING hex(data)") == [("3233",)]
    assert (
        rows(
            lix, "INSERT INTO lix_file (path) VALUES ('/b.bin') ON CONFLICT DO NOTHING RETURNING id"
        )
        == []
    )
    assert rows(lix, "DELETE FROM lix_file RETURNING id, path, data") == [(id, "/b.bin", b"23")]


def test_directories(lix):
    upsert = (
        "INSERT INTO lix_directory (path) VALUES ('/d/e/') ON CONFLICT (path)"
        " DO UPDATE SET hidden = 1 RETURNING path, hidden"
    )
    assert rows(lix, upsert) == [("/d/e/", 0)]
    assert rows(lix, upsert) == [("/d/e/", 1)]
    renamed = rows(lix, "UPDATE lix_directory SET name = 'x' WHERE path = '/d/' RETURNING path")
    assert renamed == [("/x/",)]
    assert set(rows(lix, "SELECT path FROM lix_directory")) == {("/x/",), ("/x/e/",)}


def test_versions(lix):
    upsert = (
        "INSERT INTO lix_version (id, name) VALUES ('v', ?) ON CONFLICT (id)"
        " DO UPDATE SET name = excluded.name RETURNING id, name, inherits_from_version_id"
    )
    assert rows(lix, upsert, ("one",)) == [("v", "one", "global")]
    assert rows(lix, upsert, ("two",)) == [("v", "two", "global")]
    ((id, name),) = rows(
        lix, "INSERT INTO lix_version (name) VALUES ('generated') RETURNING id, name"
    )
    assert lix.execute("SELECT id FROM lix_version WHERE name = 'generated'").rows == [(id,)]
    assert name == "generated"
    assert rows(lix, "DELETE FROM lix_version WHERE id = 'v' RETURNING name") == [("two",)]


@pytest.mark.parametrize(
    ("columns", "values", "parent"),
    [
        ("id", "'v'", "global"),
        ("id, inherits_from_version_id", "'v', NULL", None),
        ("id, [Inherits_From_Version_ID]", "'v', NULL", None),
        ("id, inherits_from_version_id", "'v', 'global'", "global"),
    ],
)
@pytest.mark.parametrize("ending", ["", " RETURNING id", " ON CONFLICT (id) DO NOTHING"])
def test_a_parent_left_out_is_global_and_null_is_none(lix, columns, values, parent, ending):
    lix.execute(f"INSERT INTO lix_version ({columns}) VALUES ({values}){ending}")
    assert rows(lix, "SELECT inherits_from_version_id FROM lix_version WHERE id = 'v'") == [
        (parent,)
    ]
    lix.execute(
        "INSERT INTO lix_version (id, name) SELECT 'w', 'inherits_from_version_id'; "
        "INSERT INTO lix_version (id) VALUES ('x')"
    )
    assert rows(
        lix, "SELECT DISTINCT inherits_from_version_id FROM lix_version WHERE id IN ('w', 'x')"
    ) == [("global",)]


# -- refusals


def test_read_only_tables_refuse_before_they_look_for_rows(lix):
    for table in ("lix_state_history", "lix_commit", "lix_change", "task_history", "lix_diff"):
        for statement in (
            f"DELETE FROM {table} WHERE 0",
            f"UPDATE {table} SET rowid = 1 WHERE 0",
            f"INSERT INTO {table} DEFAULT VALUES",
        ):
            with pytest.raises(ReadOnlyError, match=f"{table} is read-only; .* is not supported"):
                lix.execute(statement)


def test_unknown_conflict_targets(lix):
    with pytest.raises(UnsupportedSql, match="does not match any PRIMARY KEY") as caught:
        lix.execute("INSERT INTO task (id) VALUES ('a') ON CONFLICT (title) DO NOTHING")
    assert caught.value.hint == "conflict targets: id; slot"


def test_tables_of_schemas_come_and_change(lix):
    upsert = "INSERT INTO note (id, text) VALUES ('a', 'x') ON CONFLICT (id) DO UPDATE SET text = 'y' RETURNING *"
    note = {
        "x-lix-key": "note", "x-lix-version": "1", "x-lix-primary-key": ["/id"], "type": "object",
        "additionalProperties": False, "required": ["id"],
        "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
    }  # fmt: skip
    lix.execute("BEGIN")
    lix.register_schema(note)
    assert lix.execute(upsert).rows[0][:2] == ("a", "x")
    lix.execute("ROLLBACK")
    with pytest.raises(lix_vtab.errors.TableNotFound):
        lix.execute(upsert)
    lix.register_schema(note)
    assert lix.execute(upsert).rows[0][:2] == ("a", "x")
    newer = note | {
        "x-lix-version": "2",
        "properties": note["properties"] | {"more": {"type": ["string", "null"]}},
    }
    lix.register_schema(newer)
    assert lix.execute(upsert).columns[:3] == ("id", "more", "text")
    assert lix.execute("SELECT text FROM note").rows == [("y",)]


def test_tables_made_by_another_connection(tmp_path):
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix, lix_vtab.open(path) as other:
        with pytest.raises(lix_vtab.errors.TableNotFound):
            other.execute("INSERT INTO task (id) VALUES ('a') RETURNING id")
        generation = other._loaded.tables().generation
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
        other.execute("SELECT * FROM lix_key_value")
        assert other._loaded.tables().generation == generation, "no table changed"
        lix.register_schema(TASK)
        assert rows(other, "INSERT INTO task (id) VALUES ('a') RETURNING id") == [("a",)]


# -- laws: the same statements on an ordinary table


_IDS = st.sampled_from(["'a'", "'b'", "'c'"])
_SLOTS = st.sampled_from(["1", "2", "NULL", "NULL", "3"])
_TITLES = st.sampled_from(["'x'", "'yy'", "NULL"])
_VALUES = st.lists(st.tuples(_IDS, _SLOTS, _TITLES), min_size=1, max_size=3).map(
    lambda found: ", ".join(f"({', '.join(row)})" for row in found)
)
_TARGETS = st.sampled_from(["", " (id)", " (slot)"])
_DOES = st.sampled_from([
    "NOTHING", "UPDATE SET title = excluded.title", "UPDATE SET slot = excluded.slot",
    "UPDATE SET title = title || excluded.id, slot = NULL",
    "UPDATE SET title = 'w' WHERE excluded.title IS NOT NULL",
])  # fmt: skip
_RETURNING = st.sampled_from(["", " RETURNING id", " RETURNING title, slot, id || '!'"])
_STATEMENTS = st.one_of(
    st.builds(
        "INSERT{} INTO task (id, slot, title) VALUES {}{}".format,
        st.sampled_from(["", " OR IGNORE", " OR ABORT"]),
        _VALUES,
        _RETURNING,
    ),
    st.builds(
        "INSERT INTO task (id, slot, title) VALUES {} ON CONFLICT{} DO {}{}".format,
        _VALUES,
        _TARGETS,
        _DOES,
        _RETURNING,
    ).filter(lambda sql: "ON CONFLICT DO UPDATE" not in sql),
    st.builds("UPDATE task SET title = {} WHERE slot IS {}{}".format, _TITLES, _SLOTS, _RETURNING),
    st.builds("UPDATE task SET slot = slot + 1 WHERE id = {}{}".format, _IDS, _RETURNING),
    st.builds("DELETE FROM task WHERE id = {}{}".format, _IDS, _RETURNING),
)


@pytest.fixture(scope="module")
def shared():
    with lix_vtab.open() as opened:
        opened.register_schema(TASK)
        yield opened


def outcome(execute, sql):
    try:
        result = execute(sql)
    except lix_vtab.LixError as error:
        return error.code
    return sorted(result.rows, key=repr), result.columns


@given(st.lists(_STATEMENTS, min_size=1, max_size=8))
def test_entity_tables_agree_with_ordinary_ones(shared, statements):
    native = Executor(apsw.Connection(""), lambda: Catalogue.of(1, []))
    native.execute("CREATE TABLE task (id TEXT PRIMARY KEY, slot INTEGER UNIQUE, title TEXT)")
    shared.execute("DELETE FROM task")
    everything = "SELECT id, slot, title FROM task ORDER BY id"
    for sql in statements:
        expected, found = outcome(native.execute, sql), outcome(shared.execute, sql)
        assert found == expected, sql
        assert shared.execute(everything).rows == native.execute(everything).rows, sql
