"""What a newer version of a schema may change."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.schema import breaking_changes, builtin_schemas
from lix_vtab.schema.checker import Checker
from lix_vtab.schema.dialects import DEFAULT
from tests.schema.samples import TEXT, schema, texts

BASE = schema(
    "post",
    {
        "id": TEXT,
        "title": {"type": "string", "minLength": 2, "maxLength": 10, "pattern": "^a"},
        "rank": {"type": "integer", "minimum": 0, "maximum": 10},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "meta": {
            "type": "object",
            "properties": {"x": TEXT},
            "required": ["x"],
            "additionalProperties": False,
        },
        "open": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "both": {"allOf": [{"minLength": 1}, {"maxLength": 5}]},
        "named": {"$ref": "#/definitions/named"},
        "unlike": {"not": {"type": "null"}},
    },
    ["id"],
    primary_key=["/id"],
    unique=[["/title"]],
    definitions={"named": {"type": "string"}},
)


def change(path: str, value: object = None, *, drop: bool = False) -> dict[str, Any]:
    """Return the base with one place set or dropped."""
    changed = deepcopy(BASE)
    *above, last = path.split("/")
    place: Any = changed
    for segment in above:
        place = place[int(segment)] if isinstance(place, list) else place[segment]
    if drop:
        del place[last]
    else:
        place[last] = value
    return changed


@pytest.mark.parametrize(
    "new",
    [
        BASE,
        change("x-lix-version", "2"),
        change("title", "Posts"),
        change("properties/added", {"type": "string", "minLength": 1}),
        change("properties/added", {"x-lix-default": "'x'"}),
        change("properties/id/description", "An id"),
        change("properties/id/default", "x"),
        change("required", drop=True),
        change("properties/title/minLength", 1),
        change("properties/title/maxLength", 20),
        change("properties/title/maxLength", drop=True),
        change("properties/title/pattern", drop=True),
        change("properties/title/type", ["string", "null"]),
        change("properties/rank/type", "number"),
        change("properties/rank/minimum", -5),
        change("properties/rank/maximum", drop=True),
        change("properties/kind/enum", ["c", "b", "a"]),
        change("properties/kind", {}),
        change("properties/tags/items", {}),
        change("properties/tags/items/type", ["string", "integer"]),
        change("properties/meta/required", drop=True),
        change("properties/meta/properties/y", TEXT),
        change("properties/meta/additionalProperties", drop=True),
        change("properties/either/anyOf", [{"type": "null"}, {"type": "string"}, {"const": 1}]),
        change("properties/both/allOf", [{"maxLength": 6}]),
        change("properties/unlike", {}),
        change("definitions/named/type", ["string", "null"]),
        change("definitions/more", {"type": "null"}),
        change("x-lix-unique", []),
        change("x-lix-index", [["/rank"]]),
        change("x-lix-immutable", False),
        change("x-lix-entity-views", ["state_history", "state", "state_by_version"]),
    ],
)
def test_compatible_changes(new: dict[str, Any]) -> None:
    assert breaking_changes(BASE, new) == []


@pytest.mark.parametrize(
    ("new", "phrase"),
    [
        (change("x-lix-key", "other"), "/x-lix-key changed from 'post' to 'other'"),
        (change("x-lix-primary-key", ["/title"]), "/x-lix-primary-key changed"),
        (change("x-lix-primary-key", drop=True), "/x-lix-primary-key changed"),
        (change("x-lix-unique", [["/title"], ["/rank"]]), '/x-lix-unique ["/rank"] was added'),
        (change("x-lix-immutable", True), "/x-lix-immutable rows can no longer be updated"),
        (change("x-lix-override-lixcols", {"lixcol_file_id": "'x'"}), "/x-lix-override-lixcols"),
        (change("x-lix-entity-views", ["state"]), "/x-lix-entity-views 'state_history'"),
        (
            change(
                "x-lix-foreign-keys",
                [
                    {
                        "properties": ["/title"],
                        "references": {"schemaKey": "a", "properties": ["/i"]},
                    }
                ],
            ),
            "/x-lix-foreign-keys the reference to 'a' was added or changed",
        ),
        (change("$schema", "https://json-schema.org/draft/2020-12/schema"), "/$schema names"),
        (change("properties/rank", drop=True), "/properties/rank was removed"),
        (change("required", ["id", "title"]), "/required 'title' is now required"),
        (change("properties/title/type", "integer"), "/properties/title/type no longer admits"),
        (change("properties/open/type", drop=True) and change("properties/id", {"type": []}), "id"),
        (change("properties/title/minLength", 3), "minLength tightened from 2 to 3"),
        (change("properties/title/maxLength", 9), "maxLength tightened from 10 to 9"),
        (change("properties/title/pattern", "^b"), "/properties/title/pattern changed"),
        (change("properties/id/pattern", "^b"), "/properties/id/pattern was added"),
        (change("properties/id/minLength", 1), "/properties/id/minLength was added"),
        (change("properties/rank/minimum", 1), "minimum tightened from 0 to 1"),
        (change("properties/rank/multipleOf", 2), "multipleOf was added"),
        (change("properties/kind/enum", ["a"]), '/properties/kind/enum no longer admits "b"'),
        (change("properties/kind/const", "a"), "/properties/kind/const was added"),
        (change("properties/tags/items/type", "integer"), "/items/type no longer admits string"),
        (change("properties/tags/uniqueItems", True), "/properties/tags/uniqueItems was added"),
        (change("properties/meta/required", ["x", "y"]), "/meta/required 'y' is now required"),
        (change("properties/meta/properties/x", drop=True), "/meta/properties/x was removed"),
        (change("properties/open/additionalProperties", False), "admits no value any more"),
        (change("properties/open/properties", {"y": TEXT}), "where any value was admitted"),
        (change("properties/either/anyOf", [{"type": "null"}]), "anyOf/0 was removed"),
        (change("properties/both/allOf/0/minLength", 2), "allOf/0 was added or tightened"),
        (change("properties/unlike/not/type", "string"), "/properties/unlike/not changed"),
        (change("definitions/named/type", "integer"), "/definitions/named/type no longer"),
        (change("properties/named/$ref", "#/definitions/other"), "/properties/named/$ref changed"),
    ],
)
def test_breaking_changes(new: dict[str, Any], phrase: str) -> None:
    breaks = breaking_changes(BASE, new)
    assert any(phrase in text for text in breaks), breaks


SHAPED = schema(
    properties={"a": {"not": {"$ref": "#/definitions/x"}}, "b": {"$ref": "#/definitions/x"}},
    definitions={"x": {"$ref": "#/definitions/y"}, "y": {"type": "string"}},
)


def test_looser_is_stricter_below_not() -> None:
    new = deepcopy(SHAPED)
    new["definitions"]["y"] = {"type": ["string", "null"]}
    assert breaking_changes(SHAPED, new) == [
        "#/definitions/x/$ref refers to '#/definitions/y', which changed"
    ]
    del new["properties"]["a"]["not"]
    assert breaking_changes(SHAPED, new) == []


@pytest.mark.parametrize(
    ("old", "new", "phrase"),
    [
        ({"$ref": "#/x-types/a"}, {"$ref": "#/x-types/a"}, "refers to '#/x-types/a'"),
        ({"contains": {"const": 1}}, {"contains": {}}, "contains changed"),
        ({"contains": {}, "minContains": 0}, {"contains": {}}, "minContains was removed"),
        ({"prefixItems": [{}], "items": False}, {"items": False}, "prefixItems was removed"),
        (
            {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
            {"unevaluatedProperties": False},
            "changed beside unevaluatedProperties",
        ),
        (
            {"patternProperties": {"^p": {}}, "additionalProperties": False},
            {
                "properties": {"p": {"type": "string"}},
                "patternProperties": {"^p": {}},
                "additionalProperties": False,
            },
            "properties/p was added and may constrain",
        ),
        (
            {"patternProperties": {"^p": {}}, "additionalProperties": False},
            {"patternProperties": {"^p": {}, "p$": TEXT}, "additionalProperties": False},
            "patternProperties/p$ was added and may constrain",
        ),
    ],
)
def test_keywords_that_depend_on_each_other(old: Any, new: Any, phrase: str) -> None:
    older = schema(properties={"v": old}) | {"x-types": {"a": {}}}
    newer = schema(properties={"v": new}) | {"x-types": {"a": {"type": "null"}}}
    assert any(phrase in text for text in breaking_changes(older, newer))


def test_what_a_reference_hid_is_new_once_it_is_gone() -> None:
    older = schema(properties={"v": {"$ref": "#/definitions/any", "maxLength": 1, "title": "V"}})
    newer = schema(properties={"v": {"maxLength": 1, "title": "V"}})
    for each in (older, newer):
        each["definitions"] = {"any": {}}
    assert breaking_changes(older, newer) == ["/properties/v/maxLength was added"]
    del newer["properties"]["v"]["maxLength"]
    assert breaking_changes(older, newer) == []


def test_every_break_is_listed() -> None:
    new = schema("post", texts("title"), ["title"], primary_key=["/title"])
    places = {text.split()[0] for text in breaking_changes(BASE, new)}
    assert places >= {
        "/x-lix-primary-key",
        "/properties/id",
        "/properties/rank",
        "/properties/kind",
        "/required",
    }


def test_builtins_are_compatible_with_themselves() -> None:
    for definition in builtin_schemas():
        assert breaking_changes(definition, deepcopy(definition)) == []


_VALUES = [None, True, 0, 1, 3, 7, 2.5, "", "a", "abc", [], ["a"], [1, 1], {}, {"p": 1}, {"q": "a"}]
_LEAF: Any = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "null", "array", "object"])
        | st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, unique=True),
        "enum": st.lists(st.sampled_from([1, "a", None, 2.5]), min_size=1, unique=True),
        "const": st.sampled_from([1, "a"]),
        "minimum": st.integers(0, 3),
        "exclusiveMaximum": st.integers(1, 8),
        "minLength": st.integers(0, 3),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from(["p", "q"]), unique=True),
    },
)
_SCHEMA: Any = st.recursive(
    _LEAF | st.booleans(),
    lambda below: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["p", "q"]), below),
            "patternProperties": st.dictionaries(st.sampled_from(["^p", "q$"]), below),
            "additionalProperties": below,
            "propertyNames": below,
            "items": below,
            "contains": below,
            "if": below,
            "then": below,
            "not": below,
            "anyOf": st.lists(below, min_size=1, max_size=2),
            "allOf": st.lists(below, min_size=1, max_size=2),
            "oneOf": st.lists(below, min_size=1, max_size=2),
        },
    ),
    max_leaves=4,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """List every container with each of its keys, from the outside in."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in inside]
    for container, key in list(found):
        if isinstance(container[key], dict | list):
            found += _places(container[key])
    return found


@st.composite
def _edited(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a schema and the same with a place dropped or replaced."""
    old = {"v": draw(_SCHEMA)}
    new = deepcopy(old)
    container, key = draw(st.sampled_from(_places(new)))
    if container is new or draw(st.booleans()):
        container[key] = draw(_SCHEMA) if isinstance(container[key], dict | bool) else 1
    else:
        del container[key]
    return old["v"], new["v"]


@given(_edited() | st.tuples(_SCHEMA, _SCHEMA))
def test_without_breaks_old_values_stay_valid(pair: tuple[Any, Any]) -> None:
    before, after = ({"properties": {"v": each}} for each in pair)
    try:
        accepts_before, accepts_after = (Checker(each, DEFAULT).accepts for each in (before, after))
    except ValueError:
        # the edit made something that is no schema
        return
    if not breaking_changes(before, after):
        for value in _VALUES:
            if accepts_before({"v": value}):
                assert accepts_after({"v": value}), value
