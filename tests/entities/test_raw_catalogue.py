"""Schemas and rows written through the raw table, case by case as the catalogue lists them.

Only what our design changes differs: snapshots are canonical JSON, stored schemas are ordinary
tracked rows with a change of their own.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

import pytest

from lix_vtab.errors import (
    ConstraintViolation,
    ImmutableError,
    LixError,
    SchemaDefinitionError,
    SchemaNotFound,
    SchemaValidationError,
)
from lix_vtab.model.deterministic import moment_of, uuid_of
from tests.entities.schemas import TEXT, schema, wrapped
from tests.state.session import Session

COLUMNS = "entity_id, schema_key, file_id, version_id, plugin_key, snapshot_content, schema_version"
INSERT = f"INSERT INTO lix_internal_state_vtable ({COLUMNS})"
REGISTER = "INSERT INTO lix_internal_state_vtable (schema_key, snapshot_content) VALUES"
PLACE = "schema_key = ? AND entity_id = 'entity-1' AND file_id = 'file-1'"

NAMED = schema("test_schema", "name", "name")
KEYED = schema("pk_schema", "id name", "id", "name", primary_key=["/id"])
FIXED = schema("immutable_schema", "name", "name", immutable=True)


def row(key: str, content: Any, entity: str = "entity-1") -> tuple[str, ...]:
    return (entity, key, "file-1", "version-1", "lix", json.dumps(content), "1")


def put(lix: Session, key: str, content: Any, entity: str = "entity-1") -> None:
    lix.execute(f"{INSERT} VALUES (?, ?, ?, ?, ?, ?, ?)", row(key, content, entity))


def change(lix: Session, key: str, content: Any) -> None:
    lix.execute(
        f"UPDATE lix_internal_state_vtable SET snapshot_content = ? WHERE {PLACE}",
        (json.dumps(content), key),
    )


def contents(lix: Session, key: str) -> list[Any]:
    return lix.column(
        f"SELECT snapshot_content FROM lix_internal_state_vtable WHERE {PLACE}"
        " AND version_id = 'version-1'",
        (key,),
    )


def content(lix: Session, key: str) -> Any:
    (text,) = contents(lix, key)
    return json.loads(text)


# -- content is held against its schema


def test_valid_content_is_stored(lix: Session) -> None:
    lix.store_schema(NAMED)
    put(lix, "test_schema", {"name": "Ada"})
    assert contents(lix, "test_schema") == ['{"name":"Ada"}']


@pytest.mark.parametrize("wrong", [{"missing": "field"}, {}, {"name": 1}, {"name": None}])
def test_invalid_content_is_refused(lix: Session, wrong: Any) -> None:
    lix.store_schema(NAMED)
    phrase = r"snapshot_content does not match schema 'test_schema' \(1\): "
    with pytest.raises(SchemaValidationError, match=phrase):
        put(lix, "test_schema", wrong)
    assert contents(lix, "test_schema") == []


@pytest.mark.parametrize("wrong", ["[]", '"text"', "7", "null", "true"])
def test_content_is_an_object(lix: Session, wrong: str) -> None:
    lix.store_schema(NAMED)
    with pytest.raises(SchemaValidationError, match="does not match schema"):
        put(lix, "test_schema", json.loads(wrong))


def test_the_schema_must_be_stored(lix: Session) -> None:
    with pytest.raises(SchemaNotFound, match=r"schema 'test_schema' \(1\) is not stored"):
        put(lix, "test_schema", {"name": "Ada"})
    lix.store_schema(NAMED)
    with pytest.raises(SchemaNotFound, match=r"schema 'test_schema' \(2\) is not stored"):
        lix.execute(
            f"{INSERT} VALUES (?, ?, ?, ?, ?, ?, '2')", row("test_schema", {"name": "A"})[:6]
        )


def test_the_entity_id_follows_from_the_key(lix: Session) -> None:
    lix.store_schema(KEYED)
    phrase = r"entity_id 'entity-1' is inconsistent for schema 'pk_schema' \(1\)"
    with pytest.raises(ConstraintViolation, match=f"{phrase}: expected 'entity-2'"):
        put(lix, "pk_schema", {"id": "entity-2", "name": "Ada"})
    put(lix, "pk_schema", {"id": "entity-1", "name": "Ada"})
    with pytest.raises(ConstraintViolation, match=phrase):
        change(lix, "pk_schema", {"id": "entity-2", "name": "Ada"})
    assert content(lix, "pk_schema") == {"id": "entity-1", "name": "Ada"}


def test_a_key_that_is_absent_or_null_is_named(lix: Session) -> None:
    lix.store_schema(schema("loose", {"id": {"type": ["string", "null"]}}, primary_key=["/id"]))
    with pytest.raises(ConstraintViolation, match="missing primary-key field at pointer '/id'"):
        put(lix, "loose", {})
    with pytest.raises(ConstraintViolation, match="null primary-key value at pointer '/id'"):
        put(lix, "loose", {"id": None})


def test_immutable_rows_stay(lix: Session) -> None:
    lix.store_schema(FIXED)
    put(lix, "immutable_schema", {"name": "Ada"})
    phrase = "Schema 'immutable_schema' is immutable and cannot be updated."
    with pytest.raises(ImmutableError, match=phrase):
        change(lix, "immutable_schema", {"name": "Grace"})
    with pytest.raises(ImmutableError, match=phrase):
        put(lix, "immutable_schema", {"name": "Grace"})
    with pytest.raises(ImmutableError, match=phrase):
        lix.execute(
            f"UPDATE lix_internal_state_vtable SET metadata = '{{}}' WHERE {PLACE}",
            ("immutable_schema",),
        )
    put(lix, "immutable_schema", {"name": "Ada"})
    assert content(lix, "immutable_schema") == {"name": "Ada"}


def test_immutable_rows_may_be_deleted(lix: Session) -> None:
    lix.store_schema(FIXED)
    put(lix, "immutable_schema", {"name": "Ada"})
    lix.execute(f"DELETE FROM lix_internal_state_vtable WHERE {PLACE}", ("immutable_schema",))
    assert contents(lix, "immutable_schema") == [None]


# -- schemas are stored


def test_a_stored_schema_is_a_row_and_its_key_can_be_asked_for(lix: Session) -> None:
    definition = schema("test_schema", "key", "key")
    lix.store_schema(definition)
    ((stored, *rest),) = lix.rows(
        "SELECT snapshot_content, entity_id, schema_key, schema_version, version_id, file_id,"
        " plugin_key, untracked FROM lix_internal_state_vtable"
        " WHERE schema_key = 'lix_stored_schema' AND entity_id = 'test_schema~1'"
    )
    assert json.loads(stored) == {"value": definition}
    assert rest == ["test_schema~1", "lix_stored_schema", "1", "global", "lix", "lix", 0]
    (change_id,) = lix.column(
        "SELECT change_id FROM lix_internal_state_vtable WHERE entity_id = 'test_schema~1'"
    )
    assert uuid.UUID(change_id).version == 7
    assert (
        lix.value("SELECT count(*) FROM lix_internal_state_vtable WHERE schema_key = 'test_schema'")
        == 0
    )


def test_foreign_keys_name_a_key_of_their_target(lix: Session) -> None:
    lix.store_schema(
        schema(
            "parent_schema",
            "id slug name",
            "id",
            "slug",
            "name",
            primary_key=["/id"],
            unique=[["/slug"]],
        )
    )

    def child(key: str, remote: str) -> dict[str, Any]:
        references = {"schemaKey": "parent_schema", "properties": [remote]}
        rules = [{"properties": ["/local"], "references": references}]
        return schema(key, "local", "local", foreign_keys=rules)

    lix.store_schema(child("child_schema", "/id"))
    lix.store_schema(child("slug_child", "/slug"))
    with pytest.raises(SchemaDefinitionError, match="not a primary key or unique key"):
        lix.store_schema(child("bad_child", "/name"))


def test_an_update_of_a_stored_schema_is_judged(lix: Session) -> None:
    lix.store_schema(schema("test_schema", "key", "key"))
    with pytest.raises(SchemaDefinitionError, match="Invalid Lix schema definition"):
        lix.execute(
            "UPDATE lix_internal_state_vtable SET snapshot_content = ?"
            " WHERE schema_key = 'lix_stored_schema' AND entity_id = 'test_schema~1'"
            " AND file_id = 'lix' AND version_id = 'global'",
            ('{"value":{"x-lix-version":"1"}}',),
        )


@pytest.mark.parametrize(
    ("columns", "values", "phrase"),
    [
        ("schema_key", "'lix_stored_schema'", "requires snapshot_content"),
        ("schema_key, snapshot_content", "'lix_stored_schema', '{'", "valid JSON|invalid JSON"),
        ("schema_key, snapshot_content", "'lix_stored_schema', '{}'", "must contain value"),
        ("schema_key, snapshot_content", "'lix_stored_schema', '{\"value\":1}'", "be an object"),
        (
            "schema_key, snapshot_content, entity_id",
            f"'lix_stored_schema', '{wrapped(NAMED)}', 'other~1'",
            r"entity_id must match schema key \+ version",
        ),
        (
            "schema_key, snapshot_content, version_id",
            f"'lix_stored_schema', '{wrapped(NAMED)}', 'other'",
            "requires version_id = 'global'",
        ),
        (
            "schema_key, snapshot_content, file_id",
            f"'lix_stored_schema', '{wrapped(NAMED)}', 'other'",
            "requires file_id = 'lix'",
        ),
        (
            "schema_key, snapshot_content, plugin_key",
            f"'lix_stored_schema', '{wrapped(NAMED)}', 'other'",
            "requires plugin_key = 'lix'",
        ),
    ],
)
def test_rows_that_are_no_schema(lix: Session, columns: str, values: str, phrase: str) -> None:
    with pytest.raises(LixError, match=phrase):
        lix.execute(f"INSERT INTO lix_internal_state_vtable ({columns}) VALUES ({values})")
    assert (
        lix.value("SELECT count(*) FROM lix_stored_schema WHERE lixcol_entity_id = 'test_schema~1'")
        == 0
    )


# -- one script


def script(*definitions: dict[str, Any]) -> str:
    return "; ".join(f"{REGISTER} ('lix_stored_schema', '{wrapped(d)}')" for d in definitions)


def test_a_script_stores_a_schema_and_what_refers_to_it(lix: Session) -> None:
    references = {"schemaKey": "same_request_parent", "properties": ["/id"]}
    lix.execute(
        script(
            schema("same_request_parent", "id", "id", primary_key=["/id"]),
            schema(
                "same_request_child",
                "parent_id",
                "parent_id",
                foreign_keys=[{"properties": ["/parent_id"], "references": references}],
            ),
        )
    )
    assert (
        lix.value(
            "SELECT count(*) FROM lix_internal_state_vtable WHERE schema_key = 'lix_stored_schema'"
            " AND entity_id IN ('same_request_parent~1', 'same_request_child~1')"
        )
        == 2
    )


def test_a_script_uses_the_defaults_it_stores(lix: Session) -> None:
    definition = schema(
        "same_request_default_schema", {"name": TEXT, "slug": TEXT | computed("name + ''-slug''")},
        "name",
    )  # fmt: skip
    lix.execute(
        f"{script(definition)}; {INSERT} VALUES ('entity-1', 'same_request_default_schema',"
        " 'file-1', 'version-1', 'lix', '{\"name\":\"Sample\"}', '1')"
    )
    found = content(lix, "same_request_default_schema")
    assert found == {"name": "Sample", "slug": "Sample-slug"}


# -- defaults


def computed(expression: str) -> dict[str, str]:
    return {"x-lix-default": expression}


SLUG = schema("slugged", {"name": TEXT, "slug": TEXT | computed("name + '-slug'")}, "name")


@pytest.mark.parametrize(
    "sql",
    [
        f"{INSERT} VALUES ('entity-1', 'slugged', 'file-1', 'version-1', 'lix',"
        " '{{\"name\":\"Sample\"}}', '1')",
        f"{INSERT} VALUES ($1, $2, $3, $4, $5, $6, $7)",
        f"{INSERT} SELECT $1, $2, $3, $4, $5, $6, $7",
    ],
)
def test_expressions_are_defaults_however_the_row_comes(lix: Session, sql: str) -> None:
    lix.store_schema(SLUG)
    params = row("slugged", {"name": "Sample"}) if "$1" in sql else ()
    lix.execute(sql.replace("{{", "{").replace("}}", "}"), params)
    assert content(lix, "slugged") == {"name": "Sample", "slug": "Sample-slug"}


STATUS = {"anyOf": [TEXT, {"type": "null"}]}


@pytest.mark.parametrize(
    ("property", "given", "status"),
    [
        (TEXT | {"default": "pending"}, {}, "pending"),
        (TEXT | {"default": "pending"} | computed("'computed'"), {}, "computed"),
        (TEXT | {"default": "pending"}, {"status": "mine"}, "mine"),
        (STATUS | computed("'computed'"), {"status": None}, None),
        (STATUS | computed("'computed'"), {}, "computed"),
        (STATUS | {"default": None}, {}, None),
        ({"type": "boolean"} | computed("size(name) > 3"), {}, True),
        ({"type": "integer"} | computed("size(name) + 1"), {}, 7),
        ({"type": "array"} | computed("[name, 'x']"), {}, ["Sample", "x"]),
        ({"type": "object"} | computed("{'n': name}"), {}, {"n": "Sample"}),
    ],
)
def test_defaults_fill_what_is_absent(lix: Session, property: Any, given: Any, status: Any) -> None:
    lix.store_schema(schema("filled", {"name": TEXT, "status": property}, "name"))
    put(lix, "filled", {"name": "Sample"} | given)
    assert content(lix, "filled") == {"name": "Sample", "status": status}


@pytest.mark.parametrize(
    "table", ["lix_state", "lix_state_by_version", "lix_internal_state_vtable"]
)
def test_the_key_of_a_row_may_be_a_default(lix: Session, table: str) -> None:
    properties = {"id": {"type": "string", "x-lix-default": "'made-' + by"}, "by": TEXT}
    lix.store_schema(schema("made", properties, "id", primary_key=["/id"]))
    version, place = ("", "") if table == "lix_state" else (", version_id", ", 'global'")
    insert = (
        f"INSERT INTO {table}(schema_key, file_id, plugin_key, schema_version, snapshot_content"
        f"{version}) VALUES ('made', 'lix', 'lix', '1', ?{place})"
    )
    lix.execute(insert, ('{"by":"default"}',))
    assert lix.rows("SELECT lixcol_entity_id, id FROM made") == [("made-default", "made-default")]
    with pytest.raises(LixError, match="Undeclared reference to 'by'"):
        lix.execute(insert, ("{}",))


def test_a_default_is_held_against_the_schema(lix: Session) -> None:
    lix.store_schema(schema("strict", {"name": TEXT, "rank": TEXT | computed("1")}, "name"))
    with pytest.raises(SchemaValidationError, match="/rank 1 is not of type 'string'"):
        put(lix, "strict", {"name": "Sample"})


@pytest.mark.parametrize("expression", ["missing_var + '-slug'", "missing_var == null", "gone()"])
def test_unknown_names_are_told_when_evaluated(lix: Session, expression: str) -> None:
    lix.store_schema(schema("lost", {"name": TEXT, "slug": TEXT | computed(expression)}, "name"))
    name = "gone" if "(" in expression else "missing_var"
    phrase = rf"failed to evaluate x-lix-default for 'lost.slug' \(1\): .*reference to '{name}'"
    with pytest.raises(LixError, match=phrase):
        put(lix, "lost", {"name": "Sample"})


def test_updates_have_no_defaults(lix: Session) -> None:
    lix.store_schema(SLUG)
    put(lix, "slugged", {"name": "Sample"})
    change(lix, "slugged", {"name": "Other"})
    assert content(lix, "slugged") == {"name": "Other"}


@pytest.mark.parametrize(
    ("function", "value"), [("lix_uuid_v7()", uuid_of(0)), ("lix_timestamp()", moment_of(0))]
)
def test_ids_and_times_as_defaults(lix: Session, function: str, value: str) -> None:
    lix.store_schema(schema("drawn", {"name": TEXT, "token": TEXT | computed(function)}, "name"))
    put_mode(lix)
    put(lix, "drawn", {"name": "Sample"})
    token = content(lix, "drawn")["token"]
    assert token == value
    if function == "lix_uuid_v7()":
        assert str(uuid.UUID(token)) == token
    else:
        assert token.endswith(".000Z")
        assert datetime.fromisoformat(token).year == 1970


def put_mode(lix: Session) -> None:
    mode = {"key": "lix_deterministic_mode", "value": {"enabled": True}}
    lix.execute(
        f"{INSERT} VALUES (?, 'lix_key_value', 'lix', 'global', 'lix', ?, '1')",
        (mode["key"], json.dumps(mode)),
    )


# -- what init leaves


def test_the_schemas_of_lix_are_stored(lix: Session) -> None:
    stored = dict(
        lix.rows(
            "SELECT entity_id, snapshot_content FROM lix_internal_state_vtable"
            " WHERE schema_key = 'lix_stored_schema' AND version_id = 'global'"
        )
    )
    names = (
        "stored_schema key_value account active_account label entity_label change change_author"
        " change_set commit version_descriptor version_pointer active_version change_set_element"
        " commit_edge file_descriptor directory_descriptor binary_blob_ref"
    )
    for id in (f"lix_{name}~1" for name in names.split()):
        value = json.loads(stored[id])["value"]
        assert f"{value['x-lix-key']}~{value['x-lix-version']}" == id
        overrides = value.get("x-lix-override-lixcols", {})
        lix_made = id != "lix_binary_blob_ref~1"
        assert overrides.get("lixcol_plugin_key") == ('"lix"' if lix_made else None)


def test_a_label_for_checkpoints_is_there(lix: Session) -> None:
    assert '"checkpoint"' in "".join(
        lix.column(
            "SELECT snapshot_content FROM lix_internal_state_vtable"
            " WHERE schema_key = 'lix_label' AND version_id = 'global' AND file_id = 'lix'"
        )
    )
