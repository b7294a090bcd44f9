"""Writes and reads of files by every way there is, and what is left when one of them fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import lix_vtab
from lix_vtab.errors import LixError, PluginError
from lix_vtab.plugins import EntityChange, File
from tests.filesystem.toys import Toy
from tests.filesystem.ways import commits, data, entities, paths, put, put_in
from tests.state.session import Session

INSERTS = {
    "lix_state": (
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) VALUES ('/extra', 'json_pointer', 'f', 'plugin_json', '1',"
        """ '{"path":"/extra","value":"Add"}')"""
    ),
    "lix_state_by_version": (
        "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, plugin_key,"
        " schema_version, snapshot_content, version_id) SELECT '/extra', 'json_pointer', 'f',"
        """ 'plugin_json', '1', '{"path":"/extra","value":"Add"}', version_id"""
        " FROM lix_active_version"
    ),
    "lix_internal_state_vtable": (
        "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, plugin_key,"
        " schema_version, snapshot_content, version_id) SELECT '/extra', 'json_pointer', 'f',"
        """ 'plugin_json', '1', '{"path":"/extra","value":"Add"}', version_id"""
        " FROM lix_active_version"
    ),
    "json_pointer": (
        "INSERT INTO json_pointer (path, value, lixcol_file_id, lixcol_plugin_key)"
        " VALUES ('/extra', 'Add', 'f', 'plugin_json')"
    ),
    "json_pointer_by_version": (
        "INSERT INTO json_pointer_by_version (path, value, lixcol_file_id, lixcol_plugin_key,"
        " lixcol_version_id) SELECT '/extra', 'Add', 'f', 'plugin_json', version_id"
        " FROM lix_active_version"
    ),
}


@pytest.mark.parametrize("table", INSERTS)
@pytest.mark.parametrize("read_before", [False, True])
def test_state_written_by_any_table_shows_in_the_bytes(
    lix: Session, table: str, read_before: bool
) -> None:
    put(lix, "f", "/f.json", '{"content":"Start"}')
    if read_before:
        assert data(lix, "f") == b'{"content":"Start"}'
    lix.execute(INSERTS[table])
    assert json.loads(data(lix, "f")) == {"content": "Start", "extra": "Add"}
    file_id = "lixcol_file_id" if table.startswith("json") else "file_id"
    entity_id = "lixcol_entity_id" if table.startswith("json") else "entity_id"
    where = f"WHERE {file_id} = 'f' AND {entity_id} = '/content'"
    if table.startswith("json"):
        lix.execute(f"UPDATE {table} SET value = 'New' {where}")
    else:
        snapshot = '{"path":"/content","value":"New"}'
        lix.execute(f"UPDATE {table} SET snapshot_content = ? {where}", (snapshot,))
    assert json.loads(data(lix, "f")) == {"content": "New", "extra": "Add"}
    lix.execute(f"DELETE FROM {table} {where}")
    assert json.loads(data(lix, "f")) == {"extra": "Add"}


@pytest.mark.parametrize("table", ["lix_file", "lix_file_by_version"])
@pytest.mark.parametrize(
    "condition",
    [
        "id = 'f'",
        "id IN ('f', 'missing')",
        "path = '/docs/f.json'",
        "path LIKE '/docs/%' AND name = 'f'",
        "metadata IS NOT NULL AND id = 'f'",
        "data = CAST('{\"a\":1}' AS BLOB)",
        "id = 'f' AND data IS NOT NULL",
        "EXISTS (SELECT 1 FROM lix_file o WHERE o.id = lix_file.id AND length(o.data) = 7)",
        "id = (SELECT lixcol_file_id FROM json_pointer WHERE path = '/a')",
    ],
)
def test_a_file_is_deleted_by_any_condition(lix: Session, table: str, condition: str) -> None:
    put(lix, "f", "/docs/f.json", '{"a":1}', metadata='{"tag":"x"}')
    put(lix, "keep", "/docs/keep.json", '{"keep":"yes"}')
    before = commits(lix)
    lix.execute(f"DELETE FROM {table} WHERE {condition.replace('lix_file.id', f'{table}.id')}")
    assert paths(lix) == ["/docs/keep.json"]
    assert (entities(lix, "f"), entities(lix, "keep")) == ([], ["", "/keep"])
    assert commits(lix) == before + 1
    put(lix, "f", "/docs/f.json", '{"b":2}')
    assert data(lix, "f") == b'{"b":2}'
    assert entities(lix, "f") == ["", "/b"]


def test_a_script_that_makes_changes_and_deletes(lix: Session) -> None:
    before = commits(lix)
    lix.execute(
        """INSERT INTO lix_file (id, path, data) VALUES ('drop', '/drop.json', '{"a":1}');
        UPDATE lix_file SET data = '{"a":2,"b":true}' WHERE id = 'drop';
        DELETE FROM lix_file WHERE id = 'drop';
        INSERT INTO lix_file (id, path, data) VALUES ('keep', '/keep.json', '{"keep":"yes"}');
        UPDATE lix_file SET path = CASE id WHEN 'keep' THEN '/next.json' ELSE path END"""
    )
    assert (paths(lix), data(lix, "keep")) == (["/next.json"], b'{"keep":"yes"}')
    assert entities(lix, "keep") == ["", "/keep"]
    assert entities(lix, "drop") == []
    assert commits(lix) == before + 1


def test_bytes_go_from_file_to_file_and_into_state(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a": 1}')
    lix.execute(
        "INSERT INTO lix_file (id, path, data) SELECT 'g', '/copy' || path, data FROM lix_file"
    )
    assert data(lix, "g") == b'{"a": 1}'
    lix.execute(
        "INSERT INTO lix_key_value (key, value) SELECT 'text', CAST(data AS TEXT) FROM lix_file WHERE id = 'g'"
    )
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'text'") == '{"a": 1}'
    lix.execute("UPDATE lix_file SET data = (SELECT CAST('[]' AS BLOB)) WHERE id = 'g'")
    assert (data(lix, "f"), data(lix, "g")) == (b'{"a": 1}', b"[]")
    lix.execute(
        "WITH all_of AS (SELECT id, data FROM lix_file) UPDATE lix_file SET data = (SELECT a.data FROM all_of a WHERE a.id = 'f') WHERE id = 'g'"
    )
    assert data(lix, "g") == b'{"a": 1}'


def test_a_version_that_is_not_active(lix: Session) -> None:
    lix.create_version("b", id="b", inherits_from=lix.active_version)
    put_in(lix, "b", "f", "/f.json", '{"hello":"before","remove":"gone"}')
    lix.execute(
        "UPDATE lix_file_by_version SET data = ? WHERE id = 'f' AND lixcol_version_id = 'b'",
        ('{"hello":"after","add":"v"}',),
    )
    assert paths(lix) == []
    of_b = "FROM lix_state_by_version WHERE file_id = 'f' AND version_id = 'b' ORDER BY entity_id"
    assert lix.column(f"SELECT entity_id {of_b}") == ["", "/add", "/hello"]
    assert lix.value(
        "SELECT data FROM lix_file_by_version WHERE id = 'f' AND lixcol_version_id = 'b'"
    ) == b'{"hello":"after","add":"v"}'  # fmt: skip
    lix.execute("DELETE FROM lix_file_by_version WHERE id = 'f' AND lixcol_version_id = 'b'")
    assert lix.column(f"SELECT entity_id {of_b}") == []


def test_an_entity_deleted_in_a_child_alone(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a": 1, "b": 2}')
    main = lix.active_version
    lix.create_version("child", id="child", source="global", inherits_from=main)
    lix.switch_version("child")
    lix.execute("DELETE FROM json_pointer WHERE path = '/b'")
    assert data(lix, "f") == b'{"a": 1}'
    lix.switch_version(main)
    assert data(lix, "f") == b'{"a": 1, "b": 2}'
    lix.execute("UPDATE json_pointer SET value = 5 WHERE path = '/a'")
    lix.switch_version("child")
    assert data(lix, "f") == b'{"a": 5}'


PATHS = ["/f.json", "/f.csv", "/f.md", "/f.txt", "/f.bin"]


@pytest.mark.parametrize("first", PATHS)
@pytest.mark.parametrize("second", PATHS)
def test_any_kind_becomes_any_other(lix: Session, first: str, second: str) -> None:
    put(lix, "f", first, '"a"\n\n"b"\n' if "json" not in first else '["a", \n "b"]\n')
    written = '"a"\n\n"b"\n' if "json" not in first else '["a", \n "b"]\n'
    if first < second:  # a read in between makes no difference
        assert data(lix, "f").decode() == written
    before = commits(lix)
    lix.execute("UPDATE lix_file SET path = ?", (second,))
    assert data(lix, "f").decode() == written
    assert commits(lix) == before + (first != second)
    owners = lix.column("SELECT DISTINCT plugin_key FROM lix_state WHERE file_id = 'f'")
    assert len(owners) == 1
    lix.execute("UPDATE lix_file SET path = ?", (first,))
    assert data(lix, "f").decode() == written


class Hostile(Toy):
    """Answers what a test tells it to."""

    answer: Callable[[], Any]

    def detect_changes(self, before: object, after: File, state_context: object) -> Any:
        if after.data == b"good":
            return [self.change("good", 1)]
        return self.answer()

    def change(self, id: Any, value: Any, version: str = "1") -> EntityChange:
        return EntityChange(id, self.schema_key, {"path": id, "value": value}, version)


HOSTILE: dict[str, tuple[Callable[[Hostile], Any], str]] = {
    "half a character in an id": (
        lambda h: [h.change("ok", 1), h.change("\ud800", 1)],
        "entity_id must be text",
    ),
    "half a character": (lambda h: [h.change("ok", 1), h.change("x", "\ud800")], "is not JSON"),
    "another version": (lambda h: [h.change("ok", 1), h.change("x", 1, "9")], "unknown version"),
    "an infinite number": (lambda h: [h.change("x", float("inf"))], "is not JSON: inf"),
    "nothing": (lambda h: None, "TypeError"),
    "text": (lambda h: "abc", "expected EntityChange"),
    "a failure on the way": (
        lambda h: (h.change(str(n), 1 // (3 - n)) for n in range(9)),
        "ZeroDivisionError",
    ),
    "the end of the program": (lambda h: exec("raise SystemExit(3)"), "SystemExit"),
    "no exception of a program": (
        lambda h: exec("raise BaseException('from below')"),
        "BaseException: from below",
    ),
    "no memory": (lambda h: exec("raise MemoryError('no more')"), "MemoryError: no more"),
    "the end of an iteration": (lambda h: exec("raise StopIteration"), "StopIteration"),
    "the same for ever": (lambda h: iter(lambda: h.change("a", 1), None), "duplicate change key"),
    "an object of another shape": (
        lambda h: [h.change("ok", 1), EntityChange("x", h.schema_key, {"path": "x"})],
        "does not match schema",
    ),
    "another name": (
        lambda h: [h.change("ok", 1), EntityChange("x", h.schema_key, {"path": "y", "value": 1})],
        "inconsistent",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_hostile_answer_leaves_nothing_half_written(name: str, in_transaction: bool) -> None:
    make, message = HOSTILE[name]
    plugin = Hostile()
    plugin.answer = lambda: make(plugin)
    with lix_vtab.open(plugins=[plugin], internal=True) as lix:
        lix.write_file("/good.words", "good")
        before = _everything(lix)
        if in_transaction:
            lix.connection.execute("BEGIN")
        for sql in (
            "INSERT INTO lix_file (path, data) VALUES ('/new/bad.words', 'bad')",
            "INSERT INTO lix_file (path, data) VALUES ('/new/a.words', 'good'),"
            " ('/new/bad.words', 'bad')",
            "UPDATE lix_file SET data = 'bad'",
            "UPDATE lix_file SET path = '/new/x.words', metadata = '{}', data = 'bad'",
        ):
            with pytest.raises(LixError, match=message):
                lix.execute(sql)
        if in_transaction:
            lix.connection.execute("COMMIT")
        assert _everything(lix) == before
        assert lix.check() == []


def _everything(lix: lix_vtab.Lix) -> list[Any]:
    return [
        lix.execute(sql).rows
        for sql in (
            "SELECT id, path, data, lixcol_change_id FROM lix_file",
            "SELECT path FROM lix_directory",
            "SELECT entity_id, snapshot_content FROM lix_state ORDER BY 1",
            "SELECT id FROM lix_change ORDER BY 1",
            "SELECT id FROM lix_commit ORDER BY 1",
            "SELECT hash FROM lix_internal_chunk ORDER BY 1",
        )
    ]


REENTRANT: dict[str, Callable[[lix_vtab.Lix], object]] = {
    "another file": lambda lix: lix.write_file("/other.bin", "x"),
    "the same path": lambda lix: lix.connection.execute(
        "INSERT INTO lix_file (path) VALUES ('/bad.words')"
    ),
    "state": lambda lix: lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '1')"),
    "a version": lambda lix: lix.create_version("mine"),
    "the plugins": lambda lix: lix.uninstall_plugin("toy_words"),
}


@pytest.mark.parametrize("name", REENTRANT)
@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize("swallows", [False, True])
def test_a_plugin_may_not_write(name: str, in_transaction: bool, swallows: bool) -> None:
    plugin = Hostile()
    refused: list[Exception] = []

    def answer() -> list[EntityChange]:
        assert lix.execute("SELECT path FROM lix_file").rows == [("/good.words",)]
        try:
            REENTRANT[name](lix)
        except LixError as error:
            refused.append(error)
            if not swallows:
                raise
        return [plugin.change("ok", 1)]

    plugin.answer = answer
    with lix_vtab.open(plugins=[plugin], internal=True) as lix:
        lix.write_file("/good.words", "good")
        before = _everything(lix)
        if in_transaction:
            lix.connection.execute("BEGIN")
        if swallows:
            lix.execute("INSERT INTO lix_file (id, path, data) VALUES ('b', '/bad.words', 'x')")
            lix.execute("DELETE FROM lix_file WHERE id = 'b'")
        else:
            with pytest.raises(PluginError, match="may not write to the database"):
                lix.execute("INSERT INTO lix_file (path, data) VALUES ('/bad.words', 'x')")
        assert "may not write to the database" in str(refused[0])
        if in_transaction:
            lix.connection.execute("COMMIT")
        assert _everything(lix)[:3] == before[:3]
        assert lix.check() == []


@pytest.mark.parametrize("sql", ["BEGIN", "ROLLBACK"])
def test_a_plugin_may_not_begin_or_end_a_transaction(sql: str) -> None:
    plugin = Hostile()

    def answer() -> list[EntityChange]:
        lix.connection.execute(sql)
        return [plugin.change("ok", 1)]

    plugin.answer = answer
    with lix_vtab.open(plugins=[plugin]) as lix:
        lix.write_file("/good.words", "good")
        if sql == "ROLLBACK":
            lix.connection.execute("BEGIN")
            lix.write_file("/more.words", "good")
        with pytest.raises(LixError):
            lix.execute("INSERT INTO lix_file (path, data) VALUES ('/bad.words', 'bad')")
        if lix.connection.in_transaction:
            lix.connection.execute("ROLLBACK")
        assert lix.execute("SELECT path FROM lix_file").rows == [("/good.words",)]
        assert lix.check() == []
        lix.write_file("/more.words", "good")
        assert lix.check() == []
