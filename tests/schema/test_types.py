"""Which types a property admits, and the column type that follows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.schema.types import ALL_TYPES
from tests.schema.samples import compiled

MODERN = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("schema", "admits", "sql_type"),
    [
        ({}, ALL_TYPES, ""),
        ({"type": "string"}, {"string"}, "TEXT"),
        ({"type": ["string", "null"]}, {"string", "null"}, "TEXT"),
        ({"type": "integer"}, {"integer"}, "INTEGER"),
        ({"type": "number"}, {"integer", "number"}, "REAL"),
        ({"type": ["integer", "number"]}, {"integer", "number"}, "REAL"),
        ({"type": "boolean"}, {"boolean"}, "BOOLEAN"),
        ({"type": "array"}, {"array"}, "JSON"),
        ({"type": ["object", "array", "null"]}, {"object", "array", "null"}, "JSON"),
        ({"type": ["string", "integer"]}, {"string", "integer"}, ""),
        ({"type": "null"}, {"null"}, ""),
        ({"enum": ["a", None]}, {"string", "null"}, "TEXT"),
        ({"enum": [1, 2]}, {"integer"}, "INTEGER"),
        ({"enum": [1, 2.5]}, {"integer", "number"}, "REAL"),
        ({"enum": [[1], {}]}, {"array", "object"}, "JSON"),
        ({"const": True}, {"boolean"}, "BOOLEAN"),
        ({"const": None}, {"null"}, ""),
        ({"type": ["string", "boolean"], "enum": [True, 5]}, {"boolean"}, "BOOLEAN"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}, "TEXT"),
        ({"oneOf": [{"type": "integer"}, {"anyOf": [{"type": "boolean"}]}]}, None, ""),
        ({"anyOf": [{"type": "string"}, True]}, ALL_TYPES, ""),
        ({"anyOf": [{"type": "string"}, False]}, {"string"}, "TEXT"),
        ({"allOf": [{"type": ["string", "null"]}, {"minLength": 1}]}, {"string", "null"}, "TEXT"),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, {"integer"}, "INTEGER"),
        ({"$ref": "#/definitions/text"}, {"string"}, "TEXT"),
        ({"$ref": "#/definitions/text", "type": "integer"}, {"string"}, "TEXT"),
        ({"$ref": "#/definitions/tree"}, {"object"}, "JSON"),
        ({"minimum": 3}, ALL_TYPES, ""),
    ],
)
def test_draft_07(schema: dict[str, Any], admits: set[str] | None, sql_type: str) -> None:
    tree = {"type": "object", "properties": {"below": {"$ref": "#/definitions/tree"}}}
    definitions = {"text": {"type": "string"}, "tree": tree}
    found = compiled(properties={"p": schema}, definitions=definitions).properties["p"]
    assert found.sql_type == sql_type
    assert found.admits == (admits if admits is not None else {"integer", "boolean"})


def test_keywords_beside_a_reference_count_in_newer_drafts() -> None:
    schema = {"$ref": "#/$defs/some", "type": ["string", "integer"]}
    defs = {"some": {"type": ["string", "null"]}}
    found = compiled(properties={"p": schema}, **{"$schema": MODERN, "$defs": defs}).properties["p"]
    assert found.admits == {"string"}


def test_anchors_and_ids_are_found() -> None:
    properties = {
        "a": {"$ref": "#marked"},
        "b": {"$ref": "https://example.com/inner"},
        "c": {"$ref": "#/$defs/a~1b%25"},
    }
    defs = {
        "x": {"$anchor": "marked", "type": "integer"},
        "y": {"$id": "https://example.com/inner", "type": "boolean"},
        "a/b%": {"type": "string"},
    }
    found = compiled(properties=properties, **{"$schema": MODERN, "$defs": defs}).properties
    assert [each.sql_type for each in found.values()] == ["INTEGER", "BOOLEAN", "TEXT"]


def test_flags_follow_the_types() -> None:
    found = compiled(properties={"p": {"type": ["number", "object", "null"]}}).properties["p"]
    assert (found.number, found.fraction, found.structure, found.null) == (True, True, True, True)
    assert (found.string, found.boolean) == (False, False)


_SAMPLES: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "integer": [0, 7],
    "number": [1.5],
    "string": ["", "a"],
    "array": [[], [1]],
    "object": [{}, {"a": 1}],
}
_LEAF = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(sorted(_SAMPLES)), "enum": st.just([1, "a", None])}
)
_SCHEMAS = st.recursive(
    _LEAF,
    lambda below: st.fixed_dictionaries(
        {},
        optional={
            "anyOf": st.lists(below, min_size=1, max_size=3),
            "allOf": st.lists(below, min_size=1, max_size=2),
            "oneOf": st.lists(below, min_size=1, max_size=2),
            "type": st.sampled_from(sorted(_SAMPLES)),
        },
    ),
    max_leaves=6,
)


@given(_SCHEMAS)
def test_whatever_is_valid_is_admitted(schema: dict[str, Any]) -> None:
    built = compiled(properties={"p": schema})
    for kind, values in _SAMPLES.items():
        if any(not built.checker.violations({"p": value}) for value in values):
            assert kind in built.properties["p"].admits
