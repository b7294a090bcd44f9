"""Statements about tables of attached databases are planned by what those databases hold."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import ColumnNotFound, ReadOnlyError

STATE = (
    "INSERT INTO {}lix_state"
    " (entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"
    " VALUES ('s', 'note', 'f', 'lix', '1', '{{\"id\":\"s\"}}')"
)


def note(key="note", **properties):
    return {
        "x-lix-key": key,
        "x-lix-version": "1",
        "x-lix-primary-key": ["/id"],
        "type": "object",
        "required": ["id"],
        "additionalProperties": False,
        "properties": {"id": {"type": "string"}, **properties},
    }


@pytest.fixture
def two(tmp_path):
    """A lix with `note (id, text)`, and as `b` one with `note (id, size)` and `only (id)`."""
    path = str(tmp_path / "b.lix")
    with lix_vtab.open(path) as other:
        other.register_schema(note(size={"type": "integer"}))
        other.register_schema(note("only"))
        other.create_version("draft", id="draft")
        other.switch_version("draft")
    with lix_vtab.open(str(tmp_path / "a.lix")) as lix:
        lix.register_schema(note(text={"type": "string"}))
        lix.execute("ATTACH ? AS b", (path,))
        yield lix
        assert lix.check() == []
        assert lix.execute("SELECT * FROM b.lix_check").rows == []


def test_returning_shows_what_is_stored_there(two):
    run = two.execute
    wanted = " RETURNING entity_id, version_id, change_id IS NULL, commit_id IS NULL"
    assert run(STATE.format("b.") + wanted).rows == [("s", "draft", 0, 0)]
    assert run(STATE.format("B.") + wanted).rows == [("s", "draft", 0, 0)]
    (stored,) = run("SELECT change_id FROM b.lix_state WHERE entity_id = 's'").rows
    assert run("SELECT count(*) FROM lix_change WHERE id = ?", stored).rows == [(0,)]
    assert run("INSERT INTO b.lix_version (name) VALUES ('new') RETURNING name, hidden").rows == [
        ("new", 0)
    ]
    assert run(
        "INSERT INTO b.note_by_version (id, size, lixcol_version_id) VALUES ('x', 1, 'global')"
        " RETURNING size, lixcol_version_id"
    ).rows == [(1, "global")]
    assert run(
        "UPDATE b.lix_state SET metadata = '1' WHERE entity_id = 's' RETURNING entity_id, metadata"
    ).rows == [("s", "1")]


def test_columns_and_keys_are_those_of_the_table_there(two):
    run = two.execute
    for size in (1, 2):
        found = run(
            "INSERT INTO b.note (id, size) VALUES ('x', ?)"
            " ON CONFLICT (id) DO UPDATE SET size = excluded.size RETURNING size",
            (size,),
        )
        assert found.rows == [(size,)]
    upsert = "INSERT INTO b.only (id) VALUES ('x') ON CONFLICT (id) DO NOTHING RETURNING id"
    assert [run(upsert).rows for _ in range(2)] == [[("x",)], []]
    run(STATE.format("b."))
    again = STATE.format("b.") + " ON CONFLICT (entity_id, schema_key, file_id) DO UPDATE SET "
    assert run(again + "metadata = '7' RETURNING metadata, version_id").rows == [("7", "draft")]
    with pytest.raises(ColumnNotFound, match="text"):
        run("INSERT INTO b.note (id, text) VALUES ('y', 'z') RETURNING id")
    with pytest.raises(ReadOnlyError):
        run("UPDATE b.lix_commit SET id = 'x' WHERE 0")


def test_a_table_of_no_lix_is_sqlites_business(two, tmp_path):
    run = two.execute
    run("ATTACH ? AS plain", (str(tmp_path / "plain.db"),))
    run("CREATE TABLE plain.note (id INTEGER PRIMARY KEY, other, size)")
    insert = "INSERT INTO plain.note (other) VALUES ('x') ON CONFLICT DO NOTHING RETURNING *"
    assert run(insert).rows == [(1, "x", None)]
    assert run("UPDATE plain.note SET other = 5 RETURNING other, id").rows == [(5, 1)]
    run("CREATE TABLE plain.lix_commit (x)")
    assert run("INSERT INTO plain.lix_commit VALUES (1) RETURNING x").rows == [(1,)]
    with pytest.raises(apsw.SQLError):
        run("INSERT INTO nowhere.note (id) VALUES ('x') RETURNING id")


def test_another_database_may_come_to_have_the_name(two, tmp_path):
    run = two.execute
    insert = "INSERT INTO b.note (id) VALUES ('q') RETURNING *"
    assert len(run(insert).columns) == len(run("SELECT * FROM b.note").columns)
    run("DETACH b")
    run("ATTACH ? AS b", (str(tmp_path / "plain.db"),))
    run("CREATE TABLE b.note (id, more)")
    assert run(insert).rows == [("q", None)]
    run("DETACH b")
    run("ATTACH ? AS b", (str(tmp_path / "b.lix"),))
    run("DELETE FROM b.note")
    assert run(insert).rows[0][0] == "q"
