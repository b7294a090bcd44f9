"""Entity tables as the catalogue of the reference describes them, with our corrections."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lix_vtab.errors import (
    ColumnNotFound,
    InvalidValueError,
    LixError,
    ReadOnlyError,
    SchemaValidationError,
    VersionNotFound,
)
from tests.entities.schemas import TASK, TEXT, schema
from tests.state.session import Session

GLOBAL = {
    "lixcol_file_id": '"lix"',
    "lixcol_plugin_key": '"lix"',
    "lixcol_version_id": '"global"',
}
DET = [{"key": "lix_deterministic_mode", "value": {"enabled": True}}]

PUT = (
    "INSERT INTO lix_internal_state_vtable(entity_id, schema_key, file_id, version_id, plugin_key,"
    " snapshot_content, schema_version) VALUES (?, ?, ?, ?, 'lix', ?, '1')"
)


def put(lix: Session, entity: str, key: str, version: str, content: Any, file: str = "lix") -> None:
    lix.execute(PUT, (entity, key, file, version, json.dumps(content)))


@pytest.fixture
def lix(open_session: Callable[..., Session]) -> Session:
    return open_session(key_values=DET)


def test_properties_and_metadata_are_columns(lix: Session) -> None:
    put(lix, "key-sel", "lix_key_value", lix.main(), {"key": "key-sel", "value": "value-sel"})
    assert lix.rows(
        "SELECT key, value, lixcol_schema_key FROM lix_key_value WHERE key = 'key-sel'"
    ) == [("key-sel", "value-sel", "lix_key_value")]


def test_columns_and_their_order(lix: Session) -> None:
    lix.store_schema(TASK)
    meta = [
        "entity_id", "schema_key", "file_id", "version_id", "plugin_key", "schema_version",
        "created_at", "updated_at", "inherited_from_version_id", "change_id", "untracked",
        "metadata",
    ]  # fmt: skip
    properties = ["done", "extra", "id", "rank", "size", "tags", "title"]
    for table, left_out in (("task", "version_id"), ("task_by_version", None)):
        names = lix.column(f"SELECT name FROM pragma_table_info('{table}')")
        assert names == [*properties, *(f"lixcol_{name}" for name in meta if name != left_out)]
    types = dict(lix.rows("SELECT name, type FROM pragma_table_info('task')"))
    assert [types[name] for name in properties] == [
        "BOOLEAN", "", "TEXT", "INTEGER", "REAL", "JSON", "TEXT",
    ]  # fmt: skip
    assert types["lixcol_untracked"] == "INTEGER"


def test_delete_with_a_subquery_on_another_table(lix: Session) -> None:
    for key, other in (("lix_delete_message", "bundle_id"), ("lix_delete_variant", "message_id")):
        lix.store_schema(
            schema(key, f"id {other}", "id", other, primary_key=["/id"], override_lixcols=GLOBAL)
        )
    lix.execute(
        "INSERT INTO lix_delete_message(id, bundle_id)"
        " VALUES ('msg-1', 'bundle.cleanup'), ('msg-2', 'bundle.keep')"
    )
    lix.execute(
        "INSERT INTO lix_delete_variant(id, message_id)"
        " VALUES ('variant-1', 'msg-1'), ('variant-2', 'msg-2')"
    )
    lix.execute(
        "DELETE FROM lix_delete_variant WHERE message_id IN"
        " (SELECT id FROM lix_delete_message WHERE bundle_id = 'bundle.cleanup')"
    )
    assert lix.rows("SELECT id, message_id FROM lix_delete_variant") == [("variant-2", "msg-2")]


def test_by_version_shows_what_is_inherited(lix: Session) -> None:
    lix.version("version-child")
    put(
        lix,
        "inherit-key",
        "lix_key_value",
        "global",
        {"key": "inherit-key", "value": "from-global"},
    )
    assert lix.rows(
        "SELECT key, value, lixcol_version_id, lixcol_inherited_from_version_id"
        " FROM lix_key_value_by_version"
        " WHERE key = 'inherit-key' AND lixcol_version_id = 'version-child'"
    ) == [("inherit-key", "from-global", "version-child", "global")]


def test_an_update_is_validated(lix: Session) -> None:
    lix.store_schema(schema("lix_patch_validation", "id value", "id", "value", primary_key=["/id"]))
    lix.execute(
        "INSERT INTO lix_patch_validation(id, value, lixcol_file_id, lixcol_plugin_key,"
        " lixcol_schema_version) VALUES ('entity-1', 'valid', 'lix', 'lix', '1')"
    )
    phrase = "snapshot_content does not match schema 'lix_patch_validation'"
    with pytest.raises(SchemaValidationError, match=phrase):
        lix.execute("UPDATE lix_patch_validation SET value = 42 WHERE id = 'entity-1'")
    assert lix.value("SELECT value FROM lix_patch_validation") == "valid"


def test_a_version_override_ties_the_table_to_a_version(lix: Session) -> None:
    lix.store_schema(
        schema("lix_over", "id name", "id", primary_key=["/id"], override_lixcols=GLOBAL)
    )
    put(lix, "ovr-2", "lix_over", "global", {"id": "ovr-2", "name": "Global"})
    put(lix, "ovr-2", "lix_over", lix.main(), {"id": "ovr-2", "name": "Main"})
    lix.execute("UPDATE lix_over SET name = 'Updated' WHERE id = 'ovr-2'")
    assert sorted(
        lix.rows(
            "SELECT version_id = 'global', snapshot_content ->> '$.name'"
            " FROM lix_internal_state_vtable WHERE schema_key = 'lix_over'"
        )
    ) == [(0, "Main"), (1, "Updated")]
    lix.execute("INSERT INTO lix_over(id) VALUES ('new')")
    lix.execute("INSERT INTO lix_over_by_version(id) VALUES ('newer')")
    lix.execute("DELETE FROM lix_over WHERE id = 'ovr-2'")
    assert lix.column("SELECT id FROM lix_over ORDER BY id") == ["new", "newer"]
    assert lix.column(
        "SELECT id FROM lix_over_by_version WHERE lixcol_version_id = ? ORDER BY id", (lix.main(),)
    ) == ["new", "newer", "ovr-2"]


def test_literal_overrides_filter_what_is_shown(lix: Session) -> None:
    lix.store_schema(
        schema(
            "lix_select_override",
            "id",
            "id",
            primary_key=["/id"],
            override_lixcols={
                "lixcol_file_id": '"inlang"',
                "lixcol_plugin_key": '"inlang_sdk"',
                "lixcol_version_id": '"global"',
                "lixcol_untracked": "1",
                "lixcol_metadata": "null",
            },
        )
    )
    main = lix.main()
    rows = [
        ("match-global", "inlang", "global", "inlang_sdk", None, 1),
        ("mismatch-file", "other", "global", "inlang_sdk", None, 1),
        ("mismatch-plugin", "inlang", "global", "other_plugin", None, 1),
        ("mismatch-untracked", "inlang", "global", "inlang_sdk", None, 0),
        ("mismatch-metadata", "inlang", "global", "inlang_sdk", '{"k":1}', 1),
        ("match-main", "inlang", main, "inlang_sdk", None, 1),
    ]
    for id, file, version, plugin, metadata, untracked in rows:
        lix.execute(
            "INSERT INTO lix_internal_state_vtable(entity_id, schema_key, file_id, version_id,"
            " plugin_key, snapshot_content, schema_version, metadata, untracked)"
            " VALUES (?, 'lix_select_override', ?, ?, ?, ?, '1', ?, ?)",
            (id, file, version, plugin, json.dumps({"id": id}), metadata, untracked),
        )
    assert lix.column("SELECT id FROM lix_select_override") == ["match-global"]
    assert set(
        lix.rows(
            "SELECT id, lixcol_version_id, lixcol_inherited_from_version_id"
            " FROM lix_select_override_by_version"
        )
    ) == {
        ("match-global", main, "global"),
        ("match-global", "global", None),
        ("match-main", main, None),
    }
    lix.execute("INSERT INTO lix_select_override(id) VALUES ('own')")
    assert lix.rows(
        "SELECT lixcol_file_id, lixcol_plugin_key, lixcol_untracked, lixcol_metadata"
        " FROM lix_select_override WHERE id = 'own'"
    ) == [("inlang", "inlang_sdk", 1, None)]


def test_an_override_of_the_origin_filters(lix: Session) -> None:
    lix.store_schema(
        schema(
            "lix_inherited_override",
            "id",
            "id",
            primary_key=["/id"],
            override_lixcols={"lixcol_inherited_from_version_id": '"global"'},
        )
    )
    lix.version("active-inherited")
    lix.active("active-inherited")
    put(lix, "inherited-match", "lix_inherited_override", "global", {"id": "inherited-match"})
    put(lix, "mismatch", "lix_inherited_override", "active-inherited", {"id": "mismatch"})
    assert lix.rows("SELECT id, lixcol_inherited_from_version_id FROM lix_inherited_override") == [
        ("inherited-match", "global")
    ]


PINS = {
    "file_id": ("'F'", "F", "G"),
    "plugin_key": ("'P'", "P", "Q"),
    "metadata": ("'{\"k\": 1}'", '{"k":1}', '{"k":2}'),
    "entity_id": ("'only'", "only", "other"),
}
"""Expression, value of the column, and another value."""


@pytest.mark.parametrize("column", PINS)
def test_what_overrides_pin_is_given_to_new_rows_and_shown_at_any_time(
    lix: Session, column: str
) -> None:
    expression, pinned, other = PINS[column]
    lix.store_schema(
        schema("pin", "name", override_lixcols={f"lixcol_{column}": expression, "unknown": "1"})
    )
    ids = {} if column == "entity_id" else {"lixcol_entity_id": "e"}
    for number, given in enumerate(({}, {f"lixcol_{column}": other})):
        values = {"name": f"n{number}", **ids, **given}
        ids = dict.fromkeys(ids, "f")
        lix.execute(
            f"INSERT INTO pin({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            [*values.values()],
        )
    lix.execute("UPDATE pin SET name = name || '!'")
    read = f"SELECT name, lixcol_{column} FROM "
    assert lix.rows(read + "pin") == [("n0!", pinned)]
    assert set(lix.rows(read + "pin_by_version")) == {("n0!", pinned)}
    assert lix.rows(read + "pin_at('HEAD~1')") == [("n0", pinned)]
    history = lix.rows(read + "pin_history ORDER BY lixcol_depth")
    assert history == [("n0!", pinned), ("n0", pinned)]
    assert lix.value("SELECT count(*) FROM lix_state WHERE schema_key = 'pin'") == 2
    if column == "entity_id":
        upsert = "INSERT INTO pin(name) VALUES ('n2') ON CONFLICT DO UPDATE SET name = 'again'"
        lix.execute(upsert)
        assert lix.rows(read + "pin") == [("again", pinned)]
    lix.execute("DELETE FROM pin")
    assert lix.value("SELECT count(*) FROM lix_state WHERE schema_key = 'pin'") == 1


def test_a_pinned_entity_has_the_key_it_is_pinned_to(lix: Session) -> None:
    pins = {"lixcol_entity_id": "'only'"}
    lix.store_schema(schema("pin", "id", "id", primary_key=["/id"], override_lixcols=pins))
    with pytest.raises(LixError, match=r"entity_id 'only' is inconsistent.*expected 'x'"):
        lix.execute("INSERT INTO pin(id) VALUES ('x')")
    lix.execute("INSERT INTO pin(id) VALUES ('only')")
    assert lix.column("SELECT id FROM pin") == ["only"]


def test_by_version_inserts_name_their_version(lix: Session) -> None:
    with pytest.raises(InvalidValueError, match="requires lixcol_version_id or schema default"):
        lix.execute("INSERT INTO lix_key_value_by_version(key, value) VALUES ('k', 1)")
    with pytest.raises(VersionNotFound):
        lix.execute(
            "INSERT INTO lix_key_value_by_version(key, value, lixcol_version_id)"
            " VALUES ('k', 1, 'nowhere')"
        )
    lix.execute(
        "INSERT INTO lix_key_value_by_version(key, value, lixcol_version_id)"
        " VALUES ('k', 1, 'global'), ('k', 2, ?)",
        (lix.main(),),
    )
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'k'") == 2
    lix.execute("DELETE FROM lix_key_value_by_version WHERE key = 'k'")
    assert lix.rows("SELECT * FROM lix_key_value_by_version WHERE key = 'k'") == []


COMPUTED = [
    "lixcol_schema_key",
    "lixcol_created_at",
    "lixcol_updated_at",
    "lixcol_inherited_from_version_id",
    "lixcol_change_id",
]


@pytest.mark.parametrize("column", COMPUTED)
def test_computed_columns_are_read_only(lix: Session, column: str) -> None:
    reason = f"cannot set {column}; it is computed"
    if column == "lixcol_schema_key":
        reason = "cannot set schema_key; view schema is fixed"
    with pytest.raises(ReadOnlyError, match=f"lix_key_value insert {reason}"):
        lix.execute(f"INSERT INTO lix_key_value(key, value, {column}) VALUES ('k', 1, 'x')")
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', 1)")
    with pytest.raises(ReadOnlyError, match=f"lix_key_value update {reason}"):
        lix.execute(f"UPDATE lix_key_value SET {column} = 'x' WHERE key = 'k'")


@pytest.mark.parametrize(
    ("column", "value"),
    [("lixcol_entity_id", "x"), ("lixcol_file_id", "x"), ("lixcol_untracked", 1)],
)
def test_identity_stays(lix: Session, column: str, value: Any) -> None:
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', 1)")
    with pytest.raises(ReadOnlyError, match=f"cannot change {column}"):
        lix.execute(f"UPDATE lix_key_value SET {column} = ? WHERE key = 'k'", (value,))
    lix.execute(f"UPDATE lix_key_value SET {column} = {column}, value = 2 WHERE key = 'k'")
    with pytest.raises(LixError, match="inconsistent for schema 'lix_key_value'"):
        lix.execute("UPDATE lix_key_value SET key = 'other' WHERE key = 'k'")
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'k'") == 2


def test_metadata_columns_can_be_given_and_changed(lix: Session) -> None:
    lix.store_schema(TASK)
    lix.execute(
        "INSERT INTO task(id, lixcol_file_id, lixcol_plugin_key, lixcol_metadata)"
        " VALUES ('a', 'f', 'p', '{\"by\": 1}')"
    )
    query = "SELECT lixcol_file_id, lixcol_plugin_key, lixcol_metadata, title FROM task"
    assert lix.rows(query) == [("f", "p", '{"by":1}', None)]
    lix.execute("UPDATE task SET lixcol_metadata = NULL, lixcol_plugin_key = 'q', title = 'T'")
    assert lix.rows(query) == [("f", "q", None, "T")]
    with pytest.raises(LixError, match="invalid JSON"):
        lix.execute("UPDATE task SET lixcol_metadata = '{'")


def test_unknown_columns_are_errors(lix: Session) -> None:
    for sql in (
        "INSERT INTO lix_key_value(key, nowhere) VALUES ('k', 1)",
        "UPDATE lix_key_value SET nowhere = 1",
        "SELECT nowhere FROM lix_key_value",
        "SELECT entity_id FROM lix_key_value",
    ):
        with pytest.raises(LixError, match="column"):
            lix.execute(sql)


def test_a_schema_without_a_primary_key(lix: Session) -> None:
    lix.store_schema(schema("note", "text"))
    with pytest.raises(InvalidValueError, match="requires entity_id \\(schema has no"):
        lix.execute("INSERT INTO note(text) VALUES ('x')")
    lix.execute("INSERT INTO note(text, lixcol_entity_id) VALUES ('x', 'n1')")
    lix.execute("UPDATE note SET text = 'y' WHERE lixcol_entity_id = 'n1'")
    assert lix.rows("SELECT lixcol_entity_id, text FROM note") == [("n1", "y")]


@pytest.mark.parametrize(
    ("column", "phrase"),
    [
        ("snapshot_content", "cannot set snapshot_content directly; set schema properties instead"),
        ("version_id", "cannot set version_id; version scope is resolved by the view/schema"),
        ("schema_key", "did you mean task.lixcol_schema_key"),
    ],
)
def test_columns_of_state_have_another_place(lix: Session, column: str, phrase: str) -> None:
    lix.store_schema(TASK)
    for sql in (
        f"INSERT INTO task(id, {column}) VALUES ('a', 'x')",
        f"UPDATE task SET {column} = 'x'",
    ):
        with pytest.raises(ColumnNotFound) as caught:
            lix.execute(sql)
        assert phrase in str(caught.value.hint)
    with pytest.raises(ColumnNotFound) as caught:
        lix.execute("SELECT version_id FROM task_at('HEAD')")
    assert "cannot set" not in str(caught.value.hint)


@pytest.mark.parametrize("id", ["NULL", "DEFAULT"])
def test_a_primary_key_is_never_null(lix: Session, id: str) -> None:
    lix.store_schema(TASK)
    sql = "INSERT INTO task(title) VALUES ('t')"
    if id == "NULL":
        sql = "INSERT INTO task(id, title) VALUES (NULL, 't')"
    with pytest.raises(LixError, match="missing primary-key field at pointer '/id'") as caught:
        lix.execute(sql)
    assert caught.value.message.startswith(
        "task insert requires entity_id or all primary-key properties (id): "
        "cannot derive entity_id from null primary-key property 'id'"
    )


def test_defaults(lix: Session) -> None:
    lix.store_schema(
        schema(
            "thing",
            {
                "id": TEXT | {"x-lix-default": "lix_uuid_v7()"},
                "name": TEXT | {"default": "nameless"},
                "slug": TEXT | {"x-lix-default": "name + '-slug'", "default": "never"},
                "tags": {"type": "array", "default": ["new"]},
                "note": {"type": ["string", "null"]},
                "must": {"type": ["string", "null"]},
                "done": {"type": "boolean", "x-lix-default": "false"},
            },
            "must",
            primary_key=["/id"],
        )
    )
    lix.execute("INSERT INTO thing(name) VALUES ('a'), ('b')")
    lix.execute("INSERT INTO thing DEFAULT VALUES")
    contents = [
        json.loads(text)
        for text in lix.column(
            "SELECT snapshot_content FROM lix_state WHERE schema_key = 'thing' ORDER BY entity_id"
        )
    ]
    assert [c["slug"] for c in contents] == ["a-slug", "b-slug", "nameless-slug"]
    assert len({c["id"] for c in contents}) == 3
    for content in contents:
        assert content["tags"] == ["new"]
        assert content["must"] is None
        assert content["done"] is False
        assert "note" not in content


def test_a_default_that_fails_names_its_place(lix: Session) -> None:
    lix.store_schema(
        schema(
            "bad", {"id": TEXT, "x": TEXT | {"x-lix-default": "gone + 'x'"}}, primary_key=["/id"]
        )
    )
    with pytest.raises(
        LixError, match=r"x-lix-default for 'bad.x' .*Undeclared reference to 'gone'"
    ):
        lix.execute("INSERT INTO bad(id) VALUES ('a')")


def test_history_starts_where_the_table_looks(lix: Session) -> None:
    lix.store_schema(
        schema("lix_tied", "id name", "id", primary_key=["/id"], override_lixcols=GLOBAL)
    )
    lix.execute("INSERT INTO lix_tied(id, name) VALUES ('a', 'one')")
    lix.execute("UPDATE lix_tied SET name = 'two'")
    query = "SELECT name, lixcol_depth FROM lix_tied_history ORDER BY lixcol_depth"
    assert [name for name, _ in lix.rows(query)] == ["two", "one"]
    assert lix.column(
        "SELECT value ->> 'x-lix-key' FROM lix_stored_schema_history"
        " WHERE lixcol_entity_id = 'lix_tied~1'"
    ) == ["lix_tied"]
    main = "SELECT commit_id FROM lix_version WHERE name = 'main'"
    assert lix.rows(f"{query.partition(' ORDER')[0]} WHERE lixcol_root_commit_id = ({main})") == []
    nowhere = GLOBAL | {"lixcol_version_id": '"nowhere"'}
    lix.store_schema(schema("lix_lost", "id", "id", primary_key=["/id"], override_lixcols=nowhere))
    assert lix.rows("SELECT * FROM lix_lost") == lix.rows("SELECT * FROM lix_lost_history") == []
