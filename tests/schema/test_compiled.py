"""Compiled schemas: validating content, entity ids, what is worked out in advance."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from lix_vtab.errors import (
    CelError,
    ConstraintViolation,
    SchemaDefinitionError,
    SchemaValidationError,
)
from lix_vtab.schema import compile_schema, parse_pointer
from tests.pace import pace
from tests.schema.samples import Counting, compiled, schema, texts

NAMED = compiled("test_schema", texts("name"), ["name"])
KEYED = compiled("pk_schema", texts("id", "name"), ["id", "name"], primary_key=["/id"])


def rejects(compiled_schema: Any, value: Any) -> SchemaValidationError:
    with pytest.raises(SchemaValidationError) as caught:
        compiled_schema.validate(value)
    return caught.value


def test_valid_content_passes() -> None:
    NAMED.validate({"name": "Ada"})


def test_invalid_content_names_schema_and_every_violation() -> None:
    error = rejects(NAMED, {"missing": "field"})
    assert error.message == (
        "snapshot_content does not match schema 'test_schema' (1): "
        "Additional properties are not allowed ('missing' was unexpected); "
        "'name' is a required property"
    )
    assert error.code == "LIX_ERROR_SCHEMA_VALIDATION"
    assert error.details["schema_key"] == "test_schema"
    assert len(error.details["violations"]) == 2


def test_the_row_is_named_where_there_is_one() -> None:
    with pytest.raises(SchemaValidationError, match=r"'name' .*\(entity 'e1'\) \(") as caught:
        NAMED.validate({}, "e1")
    assert caught.value.details["entity_id"] == "e1"


def test_accepting_a_row_costs_next_to_nothing() -> None:
    """At most 3 microseconds for seven properties; it is about a tenth of that."""
    row = {
        "id": "i",
        "name": "n",
        "rank": 1,
        "size": 0.5,
        "done": True,
        "tags": ["a"],
        "note": None,
    }
    text: dict[str, object] = {"type": "string"}
    kinds = {
        "id": text,
        "name": text | {"minLength": 1, "pattern": "^[a-z]+$"},
        "rank": {"type": "integer", "minimum": 0},
        "size": {"type": "number"},
        "done": {"type": "boolean"},
        "tags": {"type": "array", "items": text},
        "note": {"type": ["string", "null"]},
    }
    validate = compiled("item", kinds, ["id", "name"], primary_key=["/id"]).validate
    validate(row)

    def cost() -> float:
        start = time.process_time()
        for _ in range(2_000):
            validate(row)
        return (time.process_time() - start) / 2_000

    assert min(cost() for _ in range(10)) <= 3e-6 * pace()


@pytest.mark.parametrize(
    ("rule", "value", "violation"),
    [
        ({"type": "string"}, None, "/p null is not of type 'string'"),
        ({"type": "string"}, True, "/p true is not of type 'string'"),
        ({"type": "string"}, {"a": None}, "/p {\"a\":null} is not of type 'string'"),
        ({"type": "string"}, [False, 1.0], "/p [false,1.0] is not of type 'string'"),
        ({"enum": [None, "a", True]}, "b", "/p 'b' is not one of [null,\"a\",true]"),
        ({"const": False}, "b", "/p false was expected"),
        ({"minItems": 1}, [], "/p []"),
        ({"items": {"type": "null"}}, [[None]], "/p/0 [null] is not of type 'null'"),
    ],
)
def test_violations_quote_json(rule: dict[str, Any], value: Any, violation: str) -> None:
    error = rejects(compiled("quoting", {"p": rule}), {"p": value})
    (found,) = error.details["violations"]
    assert found.startswith(violation)


def test_violations_tell_the_place_as_a_pointer() -> None:
    nested = compiled(properties={"a/b": {"items": {"type": "integer"}}})
    assert rejects(nested, {"a/b": [1, "x"]}).details["violations"] == [
        "/a~1b/1 'x' is not of type 'integer'"
    ]


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_content_of_an_object_schema_is_an_object(value: object) -> None:
    assert "is not of type 'object'" in rejects(NAMED, value).message


@pytest.mark.parametrize(
    ("value", "phrase"),
    [
        ({"name": {1, 2}}, "a Python set is not JSON"),
        ({"name": b"x"}, "a Python bytes is not JSON"),
        ({1: "x"}, "the key 1 is not a string"),
        ({"name": "x", "n": float("nan")}, "nan is not a JSON number"),
    ],
)
def test_what_is_not_json_is_rejected(value: object, phrase: str) -> None:
    assert phrase in rejects(NAMED, value).message


def test_lone_surrogates_are_judged_like_other_text() -> None:
    limited = compiled(properties={"name": {"type": "string", "maxLength": 2}})
    limited.validate({"name": "a\ud800"})
    assert "is too long" in rejects(limited, {"name": "ab\ud800"}).message


def test_long_values_are_quoted_in_part() -> None:
    error = rejects(compiled(properties={"n": {"type": "integer"}}), {"n": "x" * 10_000})
    assert len(error.message) < 1000
    assert error.message.endswith("is not of type 'integer'")


def test_reports_of_many_violations_break_off() -> None:
    numbers = compiled(properties={"n": {"items": {"type": "integer"}}})
    assert len(rejects(numbers, {"n": ["x"] * 5000}).details["violations"]) == 100


def test_big_values_are_told_about_without_quoting_them() -> None:
    numbers = compiled(properties={"n": {"items": {"type": "integer"}}})
    error = rejects(numbers, {"n": [1] * 200_000 + ["x"]})
    assert error.details["violations"] == ['/n/200000 the value is not of type "integer"']


def test_entity_id_follows_from_the_primary_key() -> None:
    assert KEYED.entity_id_of({"id": "entity-1", "name": "Ada"}) == "entity-1"
    assert NAMED.entity_id_of({"name": "Ada"}) is None


def test_entity_id_must_agree_with_the_primary_key() -> None:
    KEYED.check_entity_id("entity-2", {"id": "entity-2", "name": "Ada"})
    with pytest.raises(ConstraintViolation) as caught:
        KEYED.check_entity_id("entity-1", {"id": "entity-2", "name": "Ada"})
    assert caught.value.message == (
        "entity_id 'entity-1' is inconsistent for schema 'pk_schema' (1): expected 'entity-2'"
    )


def test_any_entity_id_suits_a_schema_without_primary_key() -> None:
    NAMED.check_entity_id("whatever", {"name": "Ada"})


@pytest.mark.parametrize("value", [{}, [], "x"])
def test_a_missing_key_part_is_named(value: object) -> None:
    with pytest.raises(ConstraintViolation, match="missing primary-key field at pointer '/id'"):
        KEYED.entity_id_of(value)
    with pytest.raises(ConstraintViolation, match=r"inconsistent .* missing primary-key field"):
        KEYED.check_entity_id("x", value)


def test_a_null_key_part_is_named() -> None:
    phrase = "cannot derive entity_id from null primary-key value at pointer '/id'"
    with pytest.raises(ConstraintViolation, match=phrase):
        KEYED.entity_id_of({"id": None})


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("a", "a"),
        (1, "1"),
        (1.5, "1.5"),
        (1.0, "1"),
        (-0.0, "0"),
        (10**20, "1e+20"),
        (1e20, "1e+20"),
        (2**63 - 1, "9223372036854775807"),
        (2**64 + 1, "18446744073709551617"),
        (True, "true"),
        ([1, "x"], '[1,"x"]'),
        ({"b": 1, "a": None}, '{"a":null,"b":1}'),
    ],
)
def test_key_parts_as_text(part: object, text: str) -> None:
    free = compiled(properties={"id": {}}, primary_key=["/id"])
    assert free.entity_id_of({"id": part}) == text


def test_composite_keys_are_joined_and_escaped() -> None:
    pair = compiled(properties=texts("a", "b"), primary_key=["/a", "/b"])
    assert pair.entity_id_of({"a": "x", "b": "y"}) == "x~y"
    assert pair.entity_id_of({"a": "a~b", "b": "c"}) != pair.entity_id_of({"a": "a", "b": "b~c"})


def test_nested_keys_are_followed() -> None:
    nested = compiled(
        properties={"value": {"type": "object", "properties": {"list": {"properties": {"0": {}}}}}},
        primary_key=["/value/list/0"],
    )
    assert nested.entity_id_of({"value": {"list": {"0": "object"}}}) == "object"
    assert nested.entity_id_of({"value": {"list": ["array"]}}) == "array"


def test_everything_is_worked_out_in_advance() -> None:
    post = compiled(
        "post",
        texts("slug", "id", "author"),
        ["id"],
        primary_key=["/id"],
        unique=[["/slug"], ["/author", "/slug"]],
        index=[["/author"]],
        immutable=True,
        entity_views=["state"],
        foreign_keys=[
            {
                "properties": ["/author"],
                "references": {"schemaKey": "person", "properties": ["/id"]},
                "mode": "materialized",
                "scope": ["file_id"],
            }
        ],
        override_lixcols={"lixcol_file_id": "'docs'", "lixcol_untracked": "1"},
    )
    assert (post.key, post.version, post.identity.entity_id) == ("post", "1", "post~1")
    assert post.property_names == ("author", "id", "slug")
    assert [pointer.name for pointer in post.primary_key] == ["id"]
    assert [[pointer.text for pointer in group] for group in post.unique] == [
        ["/slug"],
        ["/author", "/slug"],
    ]
    assert post.indexes == ((parse_pointer("/author"),),)
    assert post.immutable is True
    assert post.views == {"state"}
    (reference,) = post.foreign_keys
    assert (reference.target_key, reference.mode, reference.same_file) == (
        "person",
        "materialized",
        True,
    )
    assert (post.overrides.file_id, post.overrides.version_id) == ("docs", None)
    assert post.overrides.untracked is True
    assert dict(post.overrides.values) == {"file_id": "docs", "untracked": 1}
    assert [name for name, property_ in post.properties.items() if property_.required] == ["id"]


def test_what_is_not_said_has_its_default() -> None:
    assert NAMED.views == {"state", "state_by_version", "state_history"}
    assert (NAMED.immutable, NAMED.unique, NAMED.foreign_keys, NAMED.indexes) == (False, (), (), ())
    assert dict(NAMED.overrides.values) == {}


def test_a_null_override_is_an_override() -> None:
    pinned = compiled(override_lixcols={"lixcol_metadata": "null"})
    assert dict(pinned.overrides.values) == {"metadata": None}


def test_compiled_schemas_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NAMED.immutable = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        NAMED.definition["x-lix-key"] = "other"  # type: ignore[index]


def test_unusable_definitions_do_not_compile() -> None:
    broken = schema("broken", {"name": {"$ref": "#/nowhere"}})
    with pytest.raises(SchemaDefinitionError, match=r"failed to compile schema 'broken' \(1\)"):
        compile_schema(broken)
    with pytest.raises(SchemaDefinitionError, match="is not a supported draft"):
        compile_schema(schema() | {"$schema": "https://example.com/draft"})


DEFAULTED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"x-lix-default": "name + '-slug'"}, {"name": "Sample"}, {"slug": "Sample-slug"}),
    ({"default": "pending"}, {"name": "Sample"}, {"slug": "pending"}),
    ({"default": "pending", "x-lix-default": "'computed'"}, {}, {"slug": "computed"}),
    ({"x-lix-default": "'computed'"}, {"slug": None}, {}),
    ({"x-lix-default": "'computed'"}, {"slug": "given"}, {}),
    ({"default": None}, {}, {"slug": None}),
    ({"x-lix-default": "null"}, {}, {"slug": None}),
    ({"x-lix-default": "size(name) + 1"}, {"name": "abc"}, {"slug": 4}),
    ({}, {"name": "Sample"}, {}),
]


@pytest.mark.parametrize(("rule", "given", "added"), DEFAULTED)
def test_defaults(rule: dict[str, Any], given: dict[str, Any], added: dict[str, Any]) -> None:
    defaulted = compiled(properties={"name": {}, "slug": rule})
    assert defaulted.apply_defaults(given, Counting()) == given | added


def test_defaults_never_change_what_they_complete() -> None:
    defaulted = compiled(properties={"id": {"x-lix-default": "lix_uuid_v7()"}})
    given: dict[str, Any] = {}
    assert defaulted.apply_defaults(given, Counting()) == {"id": Counting().uuid7()}
    assert given == {}
    whole = {"id": "x"}
    assert defaulted.apply_defaults(whole, Counting()) is whole


def test_defaults_draw_in_the_order_of_names_and_see_each_other() -> None:
    ordered = compiled(
        properties={
            "z_uuid": {"x-lix-default": "lix_uuid_v7()"},
            "a_time": {"x-lix-default": "lix_timestamp()"},
            "m_both": {"x-lix-default": "a_time + '/' + lix_uuid_v7()"},
        }
    )
    assert ordered.apply_defaults({}, Counting()) == {
        "a_time": "1970-01-01T00:00:00.000Z",
        "m_both": "1970-01-01T00:00:00.000Z/01920000-0000-7000-8000-000000000001",
        "z_uuid": "01920000-0000-7000-8000-000000000002",
    }


def test_literal_defaults_are_not_shared_between_rows() -> None:
    listed = compiled(properties={"tags": {"type": "array", "default": []}})
    first = listed.apply_defaults({}, Counting())
    first["tags"].append("x")
    assert listed.apply_defaults({}, Counting()) == {"tags": []}


def test_failing_defaults_name_the_property() -> None:
    failing = compiled("thing", {"slug": {"x-lix-default": "missing + '-slug'"}})
    with pytest.raises(CelError) as caught:
        failing.apply_defaults({}, Counting())
    assert caught.value.message == (
        "failed to evaluate x-lix-default for 'thing.slug' (1): failed to evaluate CEL expression "
        "'missing + '-slug'': Undeclared reference to 'missing'"
    )


def test_an_omitted_optional_property_is_left_out() -> None:
    optional = compiled(properties=texts("id", "name"))
    completed = optional.apply_defaults({"id": "x"}, Counting())
    optional.validate(completed)
    assert completed == {"id": "x"}
