"""Statements of our own on a connection an application has set up to its liking."""

from __future__ import annotations

import json

import apsw
import pytest

import lix_vtab
from tests.state.session import one_property


@pytest.fixture
def connection():
    connection = apsw.Connection("")
    lix_vtab.load(connection)
    connection.execute("SELECT lix_register_schema(json(?))", (one_property_text(),))
    yield connection
    connection.close()


def one_property_text() -> str:
    return json.dumps(one_property("task"))


def test_rows_an_application_makes_into_something_else_are_only_its_own(connection):
    connection.row_trace = lambda cursor, row: {"made": row}
    connection.execute("INSERT INTO task (lixcol_entity_id, value) VALUES ('a', 'x'), ('b', 'y')")
    connection.execute("UPDATE task SET value = 'z' WHERE lixcol_entity_id = 'a'")
    connection.execute("SELECT lix_create_version('draft')")
    connection.execute("DELETE FROM task WHERE lixcol_entity_id = 'b'")
    found = connection.execute("SELECT lixcol_entity_id, value FROM task").fetchall()
    assert found == [{"made": ("a", "z")}]
    connection.row_trace = None
    assert connection.execute("SELECT problem FROM lix_check").fetchall() == []


def test_cursors_of_an_application_are_only_its_own(connection):
    class Named(apsw.Cursor):
        def fetchall(self):
            raise AssertionError("not for our own statements")

    connection.cursor_factory = Named
    connection.execute("INSERT INTO task (lixcol_entity_id, value) VALUES ('a', 'x')")
    assert [*connection.execute("SELECT value FROM task")] == [("x",)]
