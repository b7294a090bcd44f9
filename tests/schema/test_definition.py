"""What a schema definition may and may not say."""

from __future__ import annotations

from typing import Any

import pytest

from lix_vtab.errors import SchemaDefinitionError, SchemaValidationError
from lix_vtab.schema import (
    refuse_reserved_key,
    schema_definition,
    validate_data,
    validate_schema,
)
from tests.schema.samples import TEXT, schema, texts


def fails(definition: Any) -> SchemaDefinitionError:
    """Return the error, checking its frame."""
    with pytest.raises(SchemaDefinitionError) as caught:
        validate_schema(definition)
    error = caught.value
    assert error.code == "LIX_ERROR_SCHEMA_DEFINITION"
    assert error.message.startswith("Invalid Lix schema definition: ")
    assert error.message.endswith("; ".join(error.details["violations"]))
    assert error.details["violations"]
    return error


def without(definition: dict[str, Any], keyword: str) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name != keyword}


BASE = schema(required=["name"])
USER = schema("user", texts("id", "name"), ["id", "name"])


def foreign_key(local: list[str], key: str, remote: list[str], **extra: Any) -> dict[str, Any]:
    return {"properties": local, "references": {"schemaKey": key, "properties": remote}, **extra}


@pytest.mark.parametrize(
    "definition",
    [
        BASE,
        schema("test_entity", texts("id")),
        BASE | {"x-lix-immutable": True},
        BASE | {"x-lix-immutable": False},
        BASE | {"x-lix-unique": []},
        BASE | {"x-lix-unique": [["/name"], ["/name"]]},
        BASE | {"x-lix-index": [["/name"]]},
        BASE | {"x-lix-entity-views": ["state", "state_by_version"]},
        BASE | {"x-lix-entity-views": []},
        BASE | {"x-vendor-keyword": {"anything": [1]}},
        without(BASE, "type"),
        schema(properties=texts("id"), primary_key=["/id"]),
        schema(properties=texts("id", "version", "name"), primary_key=["/id", "/version"]),
        schema(properties=texts("a/b", "c~d"), primary_key=["/a~1b", "/c~0d"]),
        schema(
            properties={"value": {"type": "object", "properties": texts("key")}},
            primary_key=["/value/key"],
            unique=[["/value/key"]],
        ),
        schema(
            "post",
            texts("id", "author_id", "category_id"),
            foreign_keys=[
                foreign_key(["/author_id"], "user_profile", ["/id"]),
                foreign_key(["/category_id"], "post_category", ["/id"]),
            ],
        ),
        schema(
            "tag",
            texts("entity_id", "schema_key", "file_id", "label_id"),
            foreign_keys=[
                foreign_key(
                    ["/entity_id", "/schema_key", "/file_id"],
                    "lix_state",
                    ["/entity_id", "/schema_key", "/file_id"],
                ),
                foreign_key(["/label_id"], "lix_label", ["/id"]),
            ],
        ),
        *(
            schema(
                "child",
                texts("id", "parent_id"),
                primary_key=["/id"],
                foreign_keys=[foreign_key(["/parent_id"], "parent", ["/id"], **extra)],
            )
            for extra in (
                {"mode": "materialized"},
                {"mode": "immediate"},
                {"scope": ["version_id", "file_id"]},
                {"scope": []},
                {"note": "extra keys are fine"},
            )
        ),
        schema(properties={"id": TEXT | {"x-lix-default": "lix_uuid_v7()"}}),
        schema(properties={"id": TEXT | {"x-lix-default": "unknown_name + nope()"}}),
        schema(
            override_lixcols={
                "lixcol_file_id": "'lix'",
                "lixcol_version_id": "lix_timestamp()",
                "lixcol_untracked": "1",
                "lixcol_metadata": "null",
                "whatever": "[1, 2]",
            }
        ),
    ],
)
def test_valid_definitions_pass(definition: dict[str, Any]) -> None:
    validate_schema(definition)


@pytest.mark.parametrize("key", ["abc", "abc123", "abc_123", "a", "snake_case_key"])
def test_keys_in_snake_case_pass(key: str) -> None:
    validate_schema(schema(key))


@pytest.mark.parametrize(
    "key",
    [
        "Invalid-Key!",
        "also.invalid",
        "123starts_with_number",
        "contains space",
        "camelCaseKey",
        "UPPER_CASE",
        "mixed-Case_Value",
        "",
        "_leading",
        "trailing\n",
        "a\u0663",
        "a" * 129,
        7,
        None,
    ],
)
def test_other_keys_fail(key: object) -> None:
    assert "/x-lix-key" in fails(BASE | {"x-lix-key": key}).message


@pytest.mark.parametrize(
    "version", ["v1", "01", "0", "", "1.0", "-1", "1\n", "1\uff12", " 1", 1, None, "9" * 19]
)
def test_versions_are_positive_integers_as_text(version: object) -> None:
    assert "/x-lix-version" in fails(BASE | {"x-lix-version": version}).message


@pytest.mark.parametrize("keyword", ["x-lix-key", "x-lix-version", "additionalProperties"])
def test_required_keywords(keyword: str) -> None:
    assert f"'{keyword}' is a required property" in fails(without(BASE, keyword)).message


@pytest.mark.parametrize("value", [True, None, "false", 0, {}])
def test_additional_properties_must_be_false(value: object) -> None:
    fails(BASE | {"additionalProperties": value})


@pytest.mark.parametrize(
    "keywords",
    [
        {"x-lix-unique": ["/id", "/name"]},
        {"x-lix-unique": [[]]},
        {"x-lix-unique": [["/name", "/name"]]},
        {"x-lix-index": ["/name"]},
        {"x-lix-index": [["name"]]},
        {"x-lix-primary-key": []},
        {"x-lix-primary-key": ["/name", "/name"]},
        {"x-lix-primary-key": "/name"},
        {"x-lix-primary-key": ["name"]},
        {"x-lix-primary-key": ["/~2"]},
        {"x-lix-primary-key": [1]},
        {"x-lix-immutable": "yes"},
        {"x-lix-override-lixcols": {"options": {"nested": True}}},
        {"x-lix-override-lixcols": {"lixcol_file_id": "lix_uuid_v7("}},
        {"x-lix-override-lixcols": {"lixcol_file_id": "  "}},
        {"x-lix-override-lixcols": []},
        {"x-lix-entity-views": ["state", "state"]},
        {"x-lix-entity-views": ["history"]},
        {"x-lix-foreign-keys": {}},
        {"x-lix-foreign-keys": [{}]},
        {"x-lix-foreign-keys": [{"properties": ["/name"]}]},
        {"x-lix-foreign-keys": [foreign_key(["/name", "/name"], "remote", ["/id", "/version"])]},
        {"x-lix-foreign-keys": [foreign_key([], "remote", [])]},
        {"x-lix-foreign-keys": [foreign_key(["/name"], "remote", ["/id"], mode="lazy")]},
        {"x-lix-foreign-keys": [foreign_key(["/name"], "remote", ["/id"], scope=["galaxy"])]},
        {
            "x-lix-foreign-keys": [
                {
                    "properties": ["/name"],
                    "references": {"schemaKey": "r", "properties": ["/id"], "schemaVersion": "1"},
                }
            ]
        },
        {"properties": {"name": True}},
        {"properties": {"name": {"type": "text"}}},
        {"properties": {"name": TEXT | {"x-lix-default": "lix_uuid_v7("}}},
        {"properties": {"name": TEXT | {"x-lix-default": 1}}},
        {"properties": []},
        {"required": "name"},
        {"type": "record"},
        {"properties": {"name": {"pattern": "("}}},
        {"properties": {"name": {"$ref": "#/definitions/missing"}}},
        {"properties": {"name": {"$ref": "https://example.com/schema"}}},
        {"$schema": "http://json-schema.org/draft-03/schema#"},
        {"$schema": "nonsense"},
        {"$schema": 7},
    ],
)
def test_malformed_keywords_fail(keywords: dict[str, Any]) -> None:
    fails(BASE | keywords)


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_a_definition_is_an_object(value: object) -> None:
    fails(value)


def test_primary_key_must_name_properties() -> None:
    error = fails(schema("missing_pk", texts("value"), primary_key=["/entity_id"]))
    assert 'x-lix-primary-key references missing property "/entity_id".' in error.message
    assert "x-lix-primary-key references missing" in fails(schema(primary_key=[""])).message


def test_unique_groups_and_indexes_must_name_properties() -> None:
    error = fails(schema(unique=[["/name", "/nope"]], index=[["/gone"]]))
    assert 'x-lix-unique references missing property "/nope".' in error.message
    assert 'x-lix-index references missing property "/gone".' in error.message


def test_pointers_follow_properties_only() -> None:
    fails(schema(properties={"a": {"items": texts("b")}}, primary_key=["/a/items"]))


@pytest.mark.parametrize(
    "alias",
    [
        "state",
        "state_by_version",
        "state_history",
        "label",
        "entity_label",
        "conversation",
        "entity_conversation",
    ],
)
def test_former_names_of_targets_are_refused(alias: str) -> None:
    error = fails(schema(foreign_keys=[foreign_key(["/name"], alias, ["/id"])]))
    phrase = f'references.schemaKey uses deprecated alias "{alias}"; use "lix_{alias}".'
    assert phrase in error.message


def test_foreign_keys_pair_existing_local_properties() -> None:
    error = fails(schema(foreign_keys=[foreign_key(["/nope"], "remote", ["/a", "/b"])]))
    assert 'x-lix-foreign-keys references missing property "/nope".' in error.message
    assert "pairs 1 properties with 2" in error.message


@pytest.mark.parametrize(
    ("properties", "phrase"),
    [
        (texts("Name", "name"), "differ only in case"),
        (texts("lixcol_file_id"), "'lixcol_', which is reserved"),
        (texts("LIXCOL_x"), "'lixcol_', which is reserved"),
        (texts(""), "cannot be the name of a column"),
        (texts("a\0b"), "cannot be the name of a column"),
    ],
)
def test_property_names_must_make_columns(properties: dict[str, Any], phrase: str) -> None:
    assert phrase in fails(schema(properties=properties)).message


def test_letters_outside_ascii_are_distinct_columns() -> None:
    validate_schema(schema(properties=texts("Ä", "ä")))


@pytest.mark.parametrize(
    ("overrides", "phrase"),
    [
        ({"lixcol_file_id": "1"}, "'mock.lixcol_file_id' must evaluate to a string"),
        ({"lixcol_metadata": "[1]"}, "'mock.lixcol_metadata' must evaluate to a scalar or null"),
        (
            {"lixcol_version_id": "nope"},
            "invalid x-lix-override-lixcols expression for 'mock.lixcol_version_id'",
        ),
    ],
)
def test_overrides_must_evaluate(overrides: dict[str, str], phrase: str) -> None:
    assert phrase in fails(schema(override_lixcols=overrides)).message


def test_every_violation_is_listed() -> None:
    broken = BASE | {"x-lix-key": "No", "x-lix-version": "0", "x-lix-immutable": 1, "required": 2}
    violations = fails(broken).details["violations"]
    for place in ("/x-lix-key", "/x-lix-version", "/x-lix-immutable", "/required"):
        assert any(text.startswith(f"{place} ") for text in violations), place


@pytest.mark.parametrize(
    "uri",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_every_draft_can_be_named(uri: str) -> None:
    validate_schema(BASE | {"$schema": uri})
    fails(BASE | {"$schema": uri, "properties": {"name": {"type": "text"}}})


def test_the_draft_decides_what_keywords_mean() -> None:
    tuple_of_text = {"pair": {"prefixItems": [TEXT], "items": False}}
    modern = schema(properties=tuple_of_text)
    modern["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    validate_data(modern, {"pair": ["a"]})
    with pytest.raises(SchemaValidationError):
        validate_data(modern, {"pair": ["a", "b"]})
    legacy = schema(properties=tuple_of_text)
    validate_data(legacy, {"pair": []})


def test_an_embedded_schema_keeps_the_draft() -> None:
    nested = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"}
    assert "differs from the draft" in fails(schema(properties={"name": nested})).message


def test_reserved_keys_need_permission() -> None:
    with pytest.raises(SchemaDefinitionError, match="'lix_mine' is reserved"):
        refuse_reserved_key("lix_mine")
    refuse_reserved_key("lix_mine", allow_reserved=True)
    refuse_reserved_key("lixture")


def test_the_meta_schema_is_a_fresh_document_each_time() -> None:
    document = schema_definition()
    document.clear()
    assert "x-lix-key" in schema_definition()["properties"]


def test_definitions_are_not_changed() -> None:
    definition = schema("post", texts("id"), primary_key=["/id"])
    before = repr(definition)
    validate_schema(definition)
    assert repr(definition) == before


def test_data_is_judged_after_its_schema() -> None:
    validate_data(USER, {"id": "123", "name": "John Doe"})
    with pytest.raises(SchemaValidationError, match="Data validation failed: ") as caught:
        validate_data(USER, {"id": "123"})
    assert caught.value.details["violations"] == ["'name' is a required property"]
    with pytest.raises(SchemaDefinitionError, match="Invalid Lix schema definition"):
        validate_data(without(USER, "x-lix-key"), {"id": "123"})


def test_data_with_extra_fields_fails() -> None:
    with pytest.raises(SchemaValidationError, match=r"Data validation failed.*extraField"):
        validate_data(BASE, {"name": "x", "extraField": 1})


def test_data_formats_include_pointers_and_expressions() -> None:
    definition = schema(
        properties={"at": TEXT | {"format": "json-pointer"}, "rule": TEXT | {"format": "cel"}}
    )
    validate_data(definition, {"at": "/a/b", "rule": "a + 1"})
    with pytest.raises(SchemaValidationError) as caught:
        validate_data(definition, {"at": "a", "rule": "a +"})
    pointer, expression = caught.value.details["violations"]
    assert pointer == "/at 'a' is not a 'json-pointer'"
    assert expression.startswith("/rule failed to parse CEL expression 'a +'")
