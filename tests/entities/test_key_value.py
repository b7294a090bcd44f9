"""Key values, accounts, labels, and what a new database holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lix_vtab
from lix_vtab.errors import InvalidValueError, LixError, ReadOnlyError, UniqueError
from tests.state.session import Session

PUT = (
    "INSERT INTO lix_internal_state_vtable(entity_id, schema_key, file_id, version_id, plugin_key,"
    " snapshot_content, schema_version)"
    " VALUES (?1, 'lix_key_value', 'lix', 'global', 'lix', ?2, '1')"
)
RAW = "FROM lix_internal_state_vtable WHERE schema_key = 'lix_key_value' AND entity_id LIKE 'key%'"


def put(lix: Session, key: str, value: Any) -> None:
    text = json.dumps({"key": key, "value": value}, separators=(",", ":"))
    lix.execute(PUT, (key, text))


def test_raw_rows_come_and_go(lix: Session) -> None:
    put(lix, "key0", "value0")
    assert lix.rows(f"SELECT snapshot_content, untracked {RAW}") == [
        ('{"key":"key0","value":"value0"}', 0)
    ]
    lix.execute(
        "UPDATE lix_internal_state_vtable SET snapshot_content = ?"
        " WHERE schema_key = 'lix_key_value' AND entity_id = 'key0' AND version_id = 'global'",
        ('{"key":"key0","value":"value1"}',),
    )
    assert lix.column(f"SELECT snapshot_content {RAW}") == ['{"key":"key0","value":"value1"}']
    lix.execute(
        "DELETE FROM lix_internal_state_vtable WHERE schema_key = 'lix_key_value'"
        " AND entity_id = 'key0' AND version_id = 'global'"
    )
    assert lix.value(f"SELECT count(*) {RAW} AND snapshot_content IS NOT NULL") == 0


JSON_VALUES = [{"foo": "bar"}, ["foo", "bar"], "foo", 42, True, None, 1.5, "1", "", {}, [], False]


def test_raw_values_keep_their_type(lix: Session) -> None:
    for number, value in enumerate(JSON_VALUES):
        put(lix, f"key{number:02}", value)
    assert lix.column(f"SELECT snapshot_content {RAW} ORDER BY entity_id") == [
        json.dumps({"key": f"key{number:02}", "value": value}, separators=(",", ":"))
        for number, value in enumerate(JSON_VALUES)
    ]


@pytest.mark.parametrize("value", JSON_VALUES)
def test_the_table_takes_json_of_any_type(lix: Session, value: Any) -> None:
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key', ?)", ("to be replaced",))
    lix.execute("UPDATE lix_key_value SET value = jsonb(?) WHERE key = 'key'", (json.dumps(value),))
    stored = json.loads(lix.value(f"SELECT snapshot_content {RAW}"))
    assert stored == {"key": "key", "value": value}
    assert type(stored["value"]) is type(value)


@pytest.mark.parametrize(
    ("given", "stored", "shown"),
    [
        ("text", '"text"', "text"),
        ("1", '"1"', "1"),
        ("true", '"true"', "true"),
        ('{"a":1}', '"{\\"a\\":1}"', '{"a":1}'),
        (1, "1", 1),
        (0, "0", 0),
        (1.5, "1.5", 1.5),
        (None, "null", None),
    ],
)
def test_sql_values_become_json(lix: Session, given: Any, stored: str, shown: Any) -> None:
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key', ?)", (given,))
    assert lix.value(f"SELECT snapshot_content {RAW}") == '{"key":"key","value":' + stored + "}"
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'key'") == shown


def test_blobs_are_refused(lix: Session) -> None:
    with pytest.raises(InvalidValueError, match="does not support blob values"):
        lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key', x'ff00')")


def test_leaving_the_value_out_stores_null(lix: Session) -> None:
    lix.execute("INSERT INTO lix_key_value(key) VALUES ('key')")
    assert lix.value(f"SELECT snapshot_content {RAW}") == '{"key":"key","value":null}'


def test_catalogue_case_insert_update_delete(lix: Session) -> None:
    lix.execute(
        "INSERT INTO lix_key_value(key, value, lixcol_file_id, lixcol_plugin_key,"
        " lixcol_schema_version) VALUES ('key-write', 'value-insert', 'lix', 'lix', '1')"
    )
    with pytest.raises(UniqueError):
        lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key-write', 'again')")
    lix.execute("UPDATE lix_key_value SET value = 'value-update' WHERE key = 'key-write'")
    assert lix.rows(
        "SELECT key, value, lixcol_schema_key FROM lix_key_value WHERE key = 'key-write'"
    ) == [("key-write", "value-update", "lix_key_value")]
    lix.execute("DELETE FROM lix_key_value WHERE key = 'key-write'")
    assert lix.rows("SELECT * FROM lix_key_value WHERE key = 'key-write'") == []


def test_case_of_table_names_does_not_matter(lix: Session) -> None:
    lix.execute("INSERT INTO LIX_KEY_VALUE(KEY, Value) VALUES ('key', 1)")
    assert lix.rows("SELECT VALUE FROM Lix_Key_Value WHERE KEY = 'key'") == [(1,)]


# -- boot


def test_every_lix_has_an_id_and_a_name(lix: Session) -> None:
    facts = dict(
        lix.rows("SELECT key, value FROM lix_key_value WHERE key IN ('lix_id', 'lix_name')")
    )
    assert len(facts["lix_id"]) == 21
    assert facts["lix_name"].count("-") == 2
    assert lix.rows(
        "SELECT DISTINCT lixcol_untracked, lixcol_inherited_from_version_id FROM lix_key_value"
    ) == [(0, "global")]
    lix.execute("UPDATE lix_key_value_by_version SET value = 'mine' WHERE key = 'lix_name'")
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'lix_name'") == "mine"


def test_ids_differ() -> None:
    query = "SELECT value FROM lix_key_value WHERE key = 'lix_id'"
    with lix_vtab.open() as one, lix_vtab.open() as two:
        assert one.execute(query).rows != two.execute(query).rows


def test_boot_key_values_are_written_on_every_open(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lix")
    where = "FROM lix_key_value_by_version WHERE key = 'key' AND lixcol_untracked"
    with lix_vtab.open(path, key_values=[{"key": "key", "value": {"a": 1}}]) as lix:
        main = lix.active_version.id
        assert set(lix.execute(f"SELECT lixcol_version_id, value {where}").rows) == {
            ("global", '{"a":1}'),
            (main, '{"a":1}'),
        }
        tip = lix.execute("SELECT commit_id FROM lix_version ORDER BY id").rows
    again = [{"key": "key", "value": 2}, {"key": "key", "value": 3, "version_id": main}]
    with lix_vtab.open(path, key_values=again) as lix:
        assert set(lix.execute(f"SELECT lixcol_version_id, value {where}").rows) == {
            ("global", 2),
            (main, 3),
        }
        assert lix.execute("SELECT commit_id FROM lix_version ORDER BY id").rows == tip


@pytest.mark.parametrize("given", [{"key": "k"}, {"value": 1}, {"key": 1, "value": 1}])
def test_boot_key_values_that_are_none(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match="a key value needs"):
        lix_vtab.open(key_values=[given])


def test_boot_account(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lix")
    for id, name in (("a1", "Ann"), ("b1", "Bob"), ("a1", "Ann")):
        with lix_vtab.open(path, account={"id": id, "name": name}) as lix:
            assert lix.execute("SELECT account_id FROM lix_active_account").rows == [(id,)]
            lix.execute(
                "INSERT OR REPLACE INTO lix_key_value(key, value) VALUES ('by', ?)", (name,)
            )
            (authors,) = lix.execute(
                "SELECT author_account_ids FROM lix_commit WHERE id = lix_active_commit_id()"
            ).rows[0]
            assert json.loads(authors) == [id]
    with lix_vtab.open(path) as lix:
        rows = lix.execute("SELECT id, name, lixcol_untracked FROM lix_account ORDER BY id").rows
        assert rows == [("a1", "Ann", 0), ("b1", "Bob", 0)]


# -- what is there from the start


def test_builtin_schemas_are_stored(lix: Session) -> None:
    keys = [
        "lix_stored_schema",
        "lix_key_value",
        "lix_change",
        "lix_change_author",
        "lix_change_set",
        "lix_commit",
        "lix_version_pointer",
        "lix_change_set_element",
        "lix_commit_edge",
    ]
    rows = lix.rows(
        "SELECT entity_id, file_id, plugin_key, version_id, snapshot_content FROM"
        " lix_internal_state_vtable WHERE schema_key = 'lix_stored_schema'"
    )
    stored = {row[0]: json.loads(row[4])["value"] for row in rows}
    assert all(row[1:4] == ("lix", "lix", "global") for row in rows)
    for key in keys:
        definition = stored[f"{key}~1"]
        assert definition["x-lix-key"] == key
        assert definition["x-lix-version"] == "1"
        assert definition["x-lix-override-lixcols"]["lixcol_plugin_key"] == '"lix"'


def test_checkpoint_label(lix: Session) -> None:
    assert lix.rows(
        "SELECT name, lixcol_file_id, lixcol_inherited_from_version_id FROM lix_label"
    ) == [("checkpoint", "lix", "global")]


def test_accounts_live_in_global(lix: Session) -> None:
    lix.execute("INSERT INTO lix_account(name) VALUES ('Ann')")
    lix.create_version("draft")
    lix.switch_version("draft")
    assert lix.rows("SELECT name, lixcol_inherited_from_version_id FROM lix_account") == [
        ("Ann", None)
    ]
    id = lix.value("SELECT id FROM lix_account")
    assert lix.column(
        "SELECT version_id FROM lix_internal_state_vtable WHERE entity_id = ?", (id,)
    ) == ["global"]


def test_active_accounts(lix: Session) -> None:
    lix.execute("INSERT INTO lix_active_account(account_id) VALUES ('nobody'), ('somebody')")
    lix.execute("INSERT INTO lix_active_account(account_id) VALUES ('nobody')")
    assert lix.column("SELECT account_id FROM lix_active_account ORDER BY 1") == [
        "nobody",
        "somebody",
    ]
    lix.execute("DELETE FROM lix_active_account WHERE account_id = 'gone'")
    lix.execute("DELETE FROM lix_active_account WHERE account_id = 'nobody'")
    assert lix.column("SELECT account_id FROM lix_active_account") == ["somebody"]
    for bad in ("''", "NULL", "1"):
        with pytest.raises(LixError, match="account_id"):
            lix.execute(f"INSERT INTO lix_active_account(account_id) VALUES ({bad})")
    with pytest.raises(ReadOnlyError):
        lix.execute("UPDATE lix_active_account SET account_id = 'x'")


def test_labels_on_entities(lix: Session) -> None:
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key', 1)")
    lix.execute("INSERT INTO lix_label(name) VALUES ('bug')")
    lix.execute(
        "INSERT INTO lix_entity_label(entity_id, schema_key, file_id, label_id)"
        " SELECT 'key', 'lix_key_value', 'lix', id FROM lix_label WHERE name = 'bug'"
    )
    assert lix.rows(
        "SELECT e.entity_id, e.schema_key, e.file_id, l.name FROM lix_entity_label e"
        " JOIN lix_label l ON l.id = e.label_id"
    ) == [("key", "lix_key_value", "lix", "bug")]
    assert lix.value("SELECT lixcol_entity_id FROM lix_entity_label").startswith(
        "key~lix_key_value~lix~"
    )


def test_checkpoints_are_labelled(open_session: Callable[..., Session]) -> None:
    lix = open_session()
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('key', 1)")
    id = lix.lix.create_checkpoint("first").id
    lix._dirty = True
    assert lix.rows(
        "SELECT e.entity_id, e.schema_key, l.name FROM lix_entity_label e"
        " JOIN lix_label l ON l.id = e.label_id"
    ) == [(id, "lix_commit", "checkpoint")]


@pytest.mark.parametrize(
    "key",
    [
        "lix_change",
        "lix_change_author",
        "lix_change_set",
        "lix_change_set_element",
        "lix_commit",
        "lix_commit_edge",
        "lix_version_pointer",
    ],
)
def test_bookkeeping_by_version(lix: Session, key: str) -> None:
    """It belongs to the global version, and all that inherit from it show it."""
    lix.execute("INSERT INTO lix_account(id, name) VALUES ('ann', 'Ann')")
    lix.execute("INSERT INTO lix_active_account(account_id) VALUES ('ann')")
    lix.create_version("draft")
    lix.create_version("alone", inherits_from=None)
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', 1)")
    main, table = lix.main(), f"{key}_by_version"
    names = lix.column("SELECT name FROM pragma_table_info(?)", (key,))
    assert lix.column("SELECT name FROM pragma_table_info(?)", (table,)) == [
        *names[: names.index("lixcol_file_id") + 1],
        "lixcol_version_id",
        *names[names.index("lixcol_file_id") + 1 :],
    ]
    rows = lix.rows(f"SELECT lixcol_entity_id FROM {key} ORDER BY 1")
    assert rows
    for version, origin in (("global", None), (main, "global")):
        assert rows == lix.rows(
            f"SELECT lixcol_entity_id FROM {table} WHERE lixcol_version_id = ?"
            " AND lixcol_inherited_from_version_id IS ? ORDER BY 1",
            (version, origin),
        )
    assert lix.value(f"SELECT count(*) FROM {table}") == 3 * len(rows)
    assert lix.rows(f"SELECT * FROM {table} WHERE lixcol_version_id IN ('gone', 'alone')") == []
    (one,) = rows[0]
    assert lix.rows(
        f"SELECT lixcol_version_id = ?2 FROM {table} WHERE lixcol_entity_id = ?1"
        " AND lixcol_inherited_from_version_id IS NULL OR lixcol_entity_id = ?1"
        " AND lixcol_version_id = ?2 ORDER BY 1",
        (one, main),
    ) == [(0,), (1,)]
    for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET lixcol_metadata = '{{}}'"):
        with pytest.raises(ReadOnlyError):
            lix.execute(sql)
