"""Schemas and their tables as several connections and processes see them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import LixError, SchemaNotFound, SchemaValidationError
from tests.entities.schemas import TASK, TEXT
from tests.state.session import one_property

NEWER = TASK | {"x-lix-version": "2", "properties": TASK["properties"] | {"due": TEXT}}

CHILD = """
import json, sys
import lix_vtab
with lix_vtab.open(sys.argv[1]) as lix:
    for line in sys.stdin:
        try:
            answer = lix.execute(*json.loads(line)).rows
        except lix_vtab.LixError as error:
            answer = error.code
        print(json.dumps(answer), flush=True)
"""


def test_two_connections(lix_path: Path) -> None:
    with lix_vtab.open(str(lix_path)) as one, lix_vtab.open(str(lix_path)) as two:
        with pytest.raises(LixError):
            two.execute("SELECT * FROM task")
        one.register_schema(TASK)
        two.execute("INSERT INTO task(id) VALUES ('a')")
        assert one.execute("SELECT id FROM task").rows == [("a",)]

        two.register_schema(NEWER)
        one.execute("UPDATE task SET due = 'now'")
        one.execute("INSERT INTO task(id, due) VALUES ('b', 'then')")
        assert two.execute("SELECT id, due FROM task ORDER BY id").rows == [
            ("a", "now"),
            ("b", "then"),
        ]

        one.execute("DELETE FROM task")
        one.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'task~2'")
        with pytest.raises(SchemaNotFound):
            two.execute(
                "INSERT INTO lix_state(entity_id, schema_key, file_id, plugin_key, schema_version,"
                " snapshot_content) VALUES ('x', 'task', 'lix', 'lix', '2', '{\"id\":\"x\"}')"
            )
        one.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'task~1'")
        with pytest.raises(LixError, match="no such table"):
            two.execute("SELECT * FROM task")


def test_update_on_a_version_whose_schema_is_older(lix_path: Path) -> None:
    """A row whose properties change comes under the newest schema, others stay where they are."""
    with lix_vtab.open(str(lix_path)) as lix:
        lix.register_schema(TASK)
        lix.execute("INSERT INTO task(id) VALUES ('a')")
        lix.register_schema(NEWER)
        lix.execute("UPDATE task SET title = title, lixcol_metadata = '{}'")
        assert lix.execute("SELECT lixcol_schema_version FROM task").rows == [("1",)]
        lix.execute("UPDATE task SET due = 'now'")
        assert lix.execute("SELECT due, lixcol_schema_version FROM task").rows == [("now", "2")]
        with pytest.raises(SchemaValidationError):
            lix.execute("UPDATE task SET lixcol_schema_version = '1'")


def test_validators_follow_what_another_connection_stores(lix_path: Path) -> None:
    looser = TASK | {"properties": TASK["properties"] | {"rank": {"type": ["integer", "string"]}}}
    put = "INSERT INTO lix_stored_schema(value) VALUES (?)"
    with lix_vtab.open(str(lix_path)) as one, lix_vtab.open(str(lix_path)) as two:
        one.execute(put, (json.dumps(TASK),))
        with pytest.raises(SchemaValidationError):
            two.execute("INSERT INTO task(id, rank) VALUES ('a', 'high')")
        one.execute(
            "UPDATE lix_stored_schema SET value = ? WHERE lixcol_entity_id = 'task~1'",
            (json.dumps(looser),),
        )
        two.execute("INSERT INTO task(id, rank) VALUES ('a', 'high')")
        assert one.execute("SELECT rank FROM task").rows == [("high",)]


def test_two_processes(lix_path: Path) -> None:
    with lix_vtab.open(str(lix_path)) as lix:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(lix_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(sql: str, *params: object) -> object:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps([sql, params]) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        assert ask("SELECT id FROM task") == "LIX_TABLE_NOT_FOUND"
        lix.register_schema(TASK)
        assert ask("INSERT INTO task(id) VALUES ('a')") == []
        assert lix.execute("SELECT id FROM task").rows == [("a",)]
        assert ask("SELECT lix_register_schema(?)", json.dumps(NEWER)) == [["task~2"]]
        lix.execute("INSERT INTO task(id, due) VALUES ('b', 'now')")
        assert ask("SELECT due FROM task ORDER BY id") == [[None], ["now"]]
        child.communicate()
        assert child.returncode == 0


def test_attached_database_has_schemas_of_its_own(tmp_path: Path) -> None:
    with lix_vtab.open(str(tmp_path / "b.lix")) as other:
        other.register_schema(TASK)
        other.execute("INSERT INTO task(id) VALUES ('b')")
    connection = apsw.Connection(str(tmp_path / "a.lix"))
    lix_vtab.load(connection)
    connection.execute("ATTACH ? AS b", (str(tmp_path / "b.lix"),))
    assert connection.execute("SELECT id FROM b.task").fetchall() == [("b",)]
    connection.execute("INSERT INTO b.task(id) VALUES ('c')")
    assert connection.execute("SELECT id FROM b.task_by_version WHERE id > 'b'").get == "c"
    with pytest.raises(apsw.SQLError, match="no such table"):
        connection.execute("SELECT * FROM main.task")
    connection.close()


def test_a_name_can_stand_for_one_file_after_the_other(tmp_path):
    """What was remembered of a detached database says nothing about the next of that name."""
    names = {"one": ("red", "blue"), "two": ("blue", "red")}
    for file, schemas in names.items():
        with lix_vtab.open(tmp_path / f"{file}.lix") as lix:
            for schema in schemas:
                lix.register_schema(one_property(schema))
    with lix_vtab.open() as lix:
        for turn in range(3):
            for file in names:
                lix.execute("ATTACH ? AS x", (str(tmp_path / f"{file}.lix"),))
                for schema in ("red", "blue"):
                    id = f"{file}-{schema}-{turn}"
                    lix.execute(
                        f"INSERT INTO x.{schema} (lixcol_entity_id, value) VALUES (?1, ?1)", (id,)
                    )
                lix.execute("DETACH x")
    for file in names:
        with lix_vtab.open(tmp_path / f"{file}.lix") as lix:
            for schema in ("red", "blue"):
                found = lix.execute(f"SELECT value FROM {schema} ORDER BY 1").rows
                assert found == [(f"{file}-{schema}-{turn}",) for turn in range(3)]
            assert lix.check() == []


@pytest.mark.parametrize("restore", ["backup", "deserialize"])
def test_a_database_can_be_restored_into_an_open_connection(restore):
    """What was remembered of the database before says nothing about the one restored."""
    with lix_vtab.open() as lix, lix_vtab.open() as saved:
        for one, schemas in ((lix, ("red", "blue")), (saved, ("blue", "green", "red"))):
            for schema in schemas:
                one.register_schema(one_property(schema))
            one.execute(
                f"INSERT INTO {schemas[0]} (lixcol_entity_id, value) VALUES ('a', '{schemas[0]}')"
            )
        assert lix.execute("SELECT value FROM red").rows == [("red",)]
        if restore == "backup":
            with lix.connection.backup("main", saved.connection, "main") as backup:
                backup.step()
        else:
            lix.connection.deserialize("main", saved.connection.serialize("main"))
        assert lix.execute("SELECT value FROM red").rows == []
        lix.execute("INSERT INTO red (lixcol_entity_id, value) VALUES ('b', 'new')")
        found = lix.execute(
            "SELECT schema_key, snapshot_content FROM lix_state"
            " WHERE schema_key IN ('red', 'blue', 'green') ORDER BY 1"
        ).rows
        assert found == [("blue", '{"value":"blue"}'), ("red", '{"value":"new"}')]
        assert lix.check() == []
