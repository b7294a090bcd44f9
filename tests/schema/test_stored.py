"""Stored schema rows, schema keys, and the targets of foreign keys."""

from __future__ import annotations

from typing import Any

import pytest

from lix_vtab.errors import SchemaDefinitionError, SchemaNotFound
from lix_vtab.schema import (
    CompiledSchema,
    SchemaKey,
    check_foreign_key_targets,
    schema_of_snapshot,
    snapshot_of_schema,
    state_target,
)
from tests.schema.samples import compiled, schema, texts


def reference(local: list[str], key: str, remote: list[str]) -> dict[str, Any]:
    return {"properties": local, "references": {"schemaKey": key, "properties": remote}}


def check(referring: CompiledSchema, *stored: CompiledSchema) -> None:
    check_foreign_key_targets(referring, {each.key: each for each in stored}.get)


def test_schema_keys() -> None:
    assert SchemaKey("users", "42").entity_id == "users~42"
    assert SchemaKey("users", "42").number == 42
    assert SchemaKey("users", "v2").number is None
    assert SchemaKey("users", "\u0662").number is None


def test_schemas_are_unwrapped() -> None:
    definition = schema("profile")
    assert schema_of_snapshot(snapshot_of_schema(definition)) == (
        SchemaKey("profile", "1"),
        definition,
    )


@pytest.mark.parametrize(
    ("snapshot", "phrase"),
    [
        ("{not-json", "invalid JSON"),
        ("[" * 100_000, "invalid JSON"),
        ({}, "missing value"),
        ("[]", "must contain value"),
        ({"value": []}, "stored schema value must be an object"),
        ({"value": {"x-lix-key": 1, "x-lix-version": "1"}}, "value.x-lix-key must be string"),
        ({"value": {"x-lix-key": "a"}}, "value.x-lix-version must be string"),
        ({"value": {"x-lix-key": "a", "x-lix-version": "v1"}}, "must be a monotonic integer"),
        ({"value": {"x-lix-key": "a", "x-lix-version": "0"}}, "must be a monotonic integer"),
        ({"value": {"x-lix-key": "a", "x-lix-version": "01"}}, "without leading zeros"),
        ({"value": schema(), "note": 1}, "nothing else, not note"),
    ],
)
def test_wrappers_are_checked(snapshot: Any, phrase: str) -> None:
    with pytest.raises(SchemaDefinitionError) as caught:
        schema_of_snapshot(snapshot)
    assert phrase in caught.value.message


PARENT = compiled(
    "parent_schema", texts("id", "slug", "name", "a", "b"), primary_key=["/id"],
    unique=[["/slug"], ["/a", "/b"]],
)  # fmt: skip


def child(local: list[str], remote: list[str]) -> CompiledSchema:
    return compiled(
        "child_schema",
        texts(*(pointer[1:] for pointer in local)),
        foreign_keys=[reference(local, "parent_schema", remote)],
    )


@pytest.mark.parametrize(
    ("local", "remote"),
    [(["/parent_id"], ["/id"]), (["/slug"], ["/slug"]), (["/x", "/y"], ["/a", "/b"])],
)
def test_primary_keys_and_unique_groups_are_targets(local: list[str], remote: list[str]) -> None:
    check(child(local, remote), PARENT)


@pytest.mark.parametrize(
    ("local", "remote"), [(["/x"], ["/name"]), (["/x", "/y"], ["/b", "/a"]), (["/x"], ["/a"])]
)
def test_other_properties_are_no_targets(local: list[str], remote: list[str]) -> None:
    phrase = (
        "foreign key at index 0 references properties that are not a primary key or unique key "
        "on schema 'parent_schema'"
    )
    with pytest.raises(SchemaDefinitionError, match=phrase):
        check(child(local, remote), PARENT)


def test_targets_must_be_stored() -> None:
    with pytest.raises(SchemaNotFound, match="schema 'parent_schema' is not stored"):
        check(child(["/x"], ["/id"]))


def test_a_schema_may_reference_itself() -> None:
    check(
        compiled(
            "node",
            texts("id", "parent_id"),
            primary_key=["/id"],
            foreign_keys=[reference(["/parent_id"], "node", ["/id"])],
        )
    )


def test_all_state_is_a_target() -> None:
    pointers = ["/entity_id", "/schema_key", "/file_id"]
    names = texts(*(pointer[1:] for pointer in pointers))
    check(compiled("note", names, foreign_keys=[reference(pointers, "lix_state", pointers)]))
    assert (state_target().key, state_target().version) == ("lix_state", "1")
    backwards = [reference(pointers, "lix_state", pointers[::-1])]
    with pytest.raises(SchemaDefinitionError, match="on schema 'lix_state'"):
        check(compiled("note", names, foreign_keys=backwards))
