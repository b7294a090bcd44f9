"""The compiled validator and `jsonschema` agree on what is valid.

`Checker.accepts` is the hot path; the judge behind it is `jsonschema` with the replacements listed
in `lix_vtab.schema.judge`. Both must agree everywhere, and both must agree with stock `jsonschema`
except where a case says why not.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.schema.checker import Checker
from lix_vtab.schema.dialects import DIALECTS, Dialect
from lix_vtab.schema.judge import Judge
from lix_vtab.schema.survey import survey

DRAFT_07 = DIALECTS["http://json-schema.org/draft-07/schema"]
DRAFT_2020 = DIALECTS["https://json-schema.org/draft/2020-12/schema"]
BOTH = (DRAFT_07, DRAFT_2020)
BOOLEAN_DRAFTS = tuple(each for each in DIALECTS.values() if each.name != "draft-04")

EVERYTHING: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 10, 1.0, 1.5, -0.0, 1e300, 2**53 + 1, 2**63, 2**64, 10**30,
    "", "a", "ab", "abc", "é", "😀", "a\n", "A1", "1", [], [1], [1, 1], [1, 1.0], [1, True],
    [True, 1, 1], [0, False], ["a", "b"], ["a", 1], [[1], [1]], [{"a": 1}, {"a": 1.0}],
    [[0], [False]], [1, 2, 3, 4], {}, {"a": 1}, {"a": "x"}, {"a": 1, "b": 2}, {"b": 1}, {"ab": 1},
    {"a": {"a": {"a": 1}}}, {"a": [1, "x"]}, {"": 1}, {"é": 1}, {"a": None}, {"a": [], "c": {}},
]  # fmt: skip

NESTED = {"properties": {"a": {"$ref": "#"}}, "type": ["object", "integer"]}

# keyword: schemas that are tried with every value in both drafts
COMMON: dict[str, list[Any]] = {
    "type": [
        *({"type": kind} for kind in ("null", "boolean", "integer", "number", "string")),
        {"type": "array"},
        {"type": "object"},
        {"type": ["integer", "string"]},
    ],
    "enum": [
        {"enum": [1, "a", None, True, [1], {"a": 1}]},
        {"enum": [0, False]},
        {"enum": [1.0, [[1], [1]]]},
        {"enum": [10**30, 2**64]},
    ],
    "const": [
        {"const": value}
        for value in (None, True, 1, 1.0, 0, False, "a", [1], [True], {"a": 1}, {"a": 1.0}, 10**30)
    ],
    "multipleOf": [{"multipleOf": 1}, {"multipleOf": 2}, {"multipleOf": 0.5}, {"multipleOf": 4}],
    "maximum": [{"maximum": 1}, {"maximum": 1.5}, {"maximum": 10**30}],
    "exclusiveMaximum": [{"exclusiveMaximum": 1}, {"exclusiveMaximum": 2**53}],
    "minimum": [{"minimum": 1}, {"minimum": -0.5}, {"minimum": 2**64}],
    "exclusiveMinimum": [{"exclusiveMinimum": 1}],
    "maxLength": [{"maxLength": 1}, {"maxLength": 2.0}, {"maxLength": 0}],
    "minLength": [{"minLength": 1}, {"minLength": 2}],
    "pattern": [{"pattern": "^a"}, {"pattern": "b"}, {"pattern": "^[a-z]+$", "type": "integer"}],
    "maxItems": [{"maxItems": 0}, {"maxItems": 2}],
    "minItems": [{"minItems": 1}, {"minItems": 2}],
    "uniqueItems": [{"uniqueItems": True}, {"uniqueItems": False}],
    "contains": [{"contains": {"type": "string"}}, {"contains": True}, {"contains": False}],
    "items": [{"items": {"type": "integer"}}, {"items": True}, {"items": False}],
    "maxProperties": [{"maxProperties": 0}, {"maxProperties": 1}],
    "minProperties": [{"minProperties": 1}, {"minProperties": 2}],
    "required": [{"required": ["a"]}, {"required": ["a", "b"]}, {"required": []}],
    "properties": [
        {"properties": {"a": {"type": "integer"}, "b": False}},
        {"properties": {"": True, "é": {"type": "string"}}},
    ],
    "patternProperties": [
        {"patternProperties": {"^a": {"type": "integer"}}},
        {"patternProperties": {"b$": False}, "properties": {"ab": True}},
    ],
    "additionalProperties": [
        {"additionalProperties": False},
        {"properties": {"a": {}}, "additionalProperties": False},
        {"patternProperties": {"^a": {}}, "additionalProperties": {"type": "string"}},
        {"properties": {"b": {}}, "patternProperties": {"a": {}}, "additionalProperties": False},
    ],
    "propertyNames": [
        {"propertyNames": {"maxLength": 1}},
        {"propertyNames": {"pattern": "^a"}},
        {"propertyNames": False},
    ],
    "allOf": [{"allOf": [{"minimum": 1}, {"maximum": 2}]}, {"allOf": [True, False]}],
    "anyOf": [{"anyOf": [{"type": "string"}, {"minimum": 2}]}, {"anyOf": [False, False]}],
    "oneOf": [{"oneOf": [{"minimum": 1}, {"maximum": 1}]}, {"oneOf": [True, True]}],
    "not": [{"not": {"type": "integer"}}, {"not": {}}, {"not": {"required": ["a"]}}],
    "if": [
        {"if": {"type": "integer"}, "then": {"minimum": 1}, "else": {"type": "string"}},
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
        {"if": False, "else": {"type": "null"}},
        {"then": False},
    ],
    "$ref": [
        NESTED,
        {"properties": {"a": {"$ref": "#/definitions/i"}}, "definitions": {"i": {"minimum": 1}}},
        {"$ref": "#/definitions/a~1b%25", "definitions": {"a/b%": {"type": "array"}}},
        {"allOf": [{"$ref": "#/definitions/i"}], "definitions": {"i": {"maximum": 1}}},
        {"properties": {"a": {"$ref": "#/definitions/i", "maximum": 0}}, "definitions": {"i": {}}},
    ],
    "annotations": [
        {"title": "x", "description": "y", "default": 1, "examples": [1], "$comment": "z"},
        {"x-lix-key": "unknown keywords", "unknown": {"type": "string"}, "format": "unknown"},
    ],
}  # fmt: skip

ONLY_07: dict[str, list[Any]] = {
    "items": [
        {"items": [{"type": "integer"}, {"type": "string"}]},
        {"items": [{"type": "integer"}], "additionalItems": False},
        {"items": [{}], "additionalItems": {"type": "integer"}},
        {"items": {"type": "integer"}, "additionalItems": False},
    ],
    "dependencies": [
        {"dependencies": {"a": ["b"]}},
        {"dependencies": {"a": {"required": ["b"]}, "b": False}},
        {"dependencies": {"a": []}},
    ],
    "$id": [
        {
            "properties": {"a": {"$ref": "inner"}},
            "$id": "http://example.com/root",
            "definitions": {"x": {"$id": "inner", "type": "integer"}},
        },
        {"properties": {"a": {"$ref": "#x"}}, "definitions": {"x": {"$id": "#x", "minimum": 1}}},
    ],
}

ONLY_2020: dict[str, list[Any]] = {
    "prefixItems": [
        {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
        {"prefixItems": [{"type": "integer"}], "items": False},
        {"prefixItems": [{}], "items": {"type": "integer"}},
    ],
    "minContains": [
        {"contains": {"type": "integer"}, "minContains": 2},
        {"contains": {"type": "string"}, "minContains": 0},
        {"contains": {"type": "integer"}, "maxContains": 1},
        {"maxContains": 0},
    ],
    "dependentRequired": [{"dependentRequired": {"a": ["b"]}}],
    "dependentSchemas": [{"dependentSchemas": {"a": {"minProperties": 2}, "b": False}}],
    "unevaluatedProperties": [
        {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
        {"anyOf": [{"required": ["a"], "properties": {"a": {}}}, {}],
         "unevaluatedProperties": False},
        {
            "if": {"required": ["a"]},
            "then": {"properties": {"a": {}}},
            "unevaluatedProperties": {"type": "integer"},
        },
        {"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}},
         "unevaluatedProperties": False},
    ],
    "unevaluatedItems": [
        {"prefixItems": [{}], "unevaluatedItems": False},
        {"contains": {"type": "string"}, "unevaluatedItems": False},
        {"allOf": [{"prefixItems": [{}, {}]}], "unevaluatedItems": {"type": "integer"}},
    ],
    "$anchor": [
        {"properties": {"a": {"$ref": "#here"}},
         "$defs": {"x": {"$anchor": "here", "type": "integer"}}}
    ],
    "$dynamicRef": [
        {
            "$id": "https://example.com/tree",
            "$dynamicAnchor": "node",
            "type": ["object", "integer"],
            "properties": {"a": {"$dynamicRef": "#node"}},
        }
    ],
    "$ref": [
        {"$ref": "#/$defs/i", "minimum": 2, "$defs": {"i": {"type": "integer"}}},
        {"$defs": {"i": {"$id": "https://example.com/i", "type": "integer"}},
         "items": {"$ref": "https://example.com/i"}},
    ],
}  # fmt: skip


def keyword_cases() -> list[Any]:
    tables = ((COMMON, BOOLEAN_DRAFTS), (ONLY_07, (DRAFT_07,)), (ONLY_2020, (DRAFT_2020,)))
    return [
        pytest.param(dialect, schema, id=f"{dialect.name}-{keyword}-{index}")
        for table, dialects in tables
        for keyword, schemas in table.items()
        for index, schema in enumerate(schemas)
        for dialect in dialects
    ]


def verdicts(dialect: Dialect, schema: Any, value: Any) -> tuple[bool, bool, bool]:
    """Return what the compiled validator, the judge and stock jsonschema think."""
    stock_class = getattr(jsonschema, dialect.reference)
    stock = stock_class(schema, format_checker=stock_class.FORMAT_CHECKER)
    return (
        Checker(schema, dialect).accepts(value),
        judged(dialect, schema, value),
        stock.is_valid(value),
    )


def judged(dialect: Dialect, schema: Any, value: Any) -> bool:
    """Return what the judge thinks, with and without remembering references."""
    dynamic = "$dynamicRef" in str(schema)
    first, second = (
        Judge(schema, dialect, {}, dynamic=each).violations(value, survey(value))
        for each in (True, dynamic)
    )
    assert first == second
    return first == []


@pytest.mark.parametrize(("dialect", "schema"), keyword_cases())
def test_keywords(dialect: Dialect, schema: Any) -> None:
    jsonschema.validators.validator_for({"$schema": dialect.uri}).check_schema(schema)
    found = [verdicts(dialect, schema, value) for value in EVERYTHING]
    odd = [(value, each) for value, each in zip(EVERYTHING, found, strict=True) if len({*each}) > 1]
    assert odd == []


FORMATS: dict[str, tuple[list[str], list[str]]] = {
    "date": (
        ["2024-02-29"],
        ["2023-02-29", "2024-1-1", "x", "2024-01-01T00:00:00Z", "２024-01-01"],
    ),
    "date-time": (
        ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00.123+01:00", "1998-12-31T23:59:60Z"],
        ["2024-01-01", "2024-01-01T25:00:00Z", "2024-01-01T00:00:00", "x"],
    ),
    "time": (["12:00:00Z", "23:59:60Z"], ["12:00:00", "25:00:00Z", "x"]),
    "duration": (["P1D", "PT1H30M", "P4W"], ["P", "1D", "PT", "P1D2H"]),
    "email": (["a@b.example", '"a b"@c.example'], ["a", "@b", "a@", "a b@c"]),
    "idn-email": (["é@ä.example"], ["x"]),
    "hostname": (["a.example", "xn--4ca.example"], ["-a", "a_b", "a..b", "a" * 64, ""]),
    "idn-hostname": (["ä.example"], ["〮ä"]),
    "ipv4": (["127.0.0.1"], ["1.2.3", "256.0.0.1", "01.2.3.4", "x"]),
    "ipv6": (["::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"], ["1::2::3", "x", "::1%e", "12345::"]),
    "uri": (["https://a.example/b?c#d", "urn:x:y"], ["//a/b", "a b", "/x", "http://a/{b}"]),
    "uri-reference": (["/a", "//a/b", "#x", ""], ["\\\\a", "a b"]),
    "iri": (["https://ä.example/é"], ["//a", "a b"]),
    "iri-reference": (["/é"], ["\\\\a"]),
    "uri-template": (["/a/{b}"], ["/a/{b"]),
    "uuid": (["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "x"]),
    "json-pointer": (["", "/a~0b"], ["a", "/~2"]),
    "relative-json-pointer": (["0", "1/a", "0#"], ["/a", "-1", "01"]),
    "regex": (["^a+$", "\\d", "(?=x)"], ["(", "[z-a]", "a**"]),
    "unknown-format": (["anything"], []),
}  # fmt: skip

SINCE_2019 = {"duration", "uuid"}
STOCK_CHECKS = {"date", "ipv4", "ipv6", "uuid", "regex"}
"""Formats stock jsonschema checks without further packages, apart from a lax `email`."""


@pytest.mark.parametrize("dialect", BOTH, ids=lambda each: each.name)
@pytest.mark.parametrize("name", FORMATS)
def test_formats(dialect: Dialect, name: str) -> None:
    good, bad = FORMATS[name]
    asserted = dialect is DRAFT_2020 or name not in SINCE_2019
    for text in [*good, *bad]:
        fast, judge, stock = verdicts(dialect, {"format": name}, text)
        assert fast == judge == (text in good or not asserted), text
        if name in STOCK_CHECKS or text in good:
            assert stock == fast, text


@pytest.mark.parametrize("dialect", BOTH, ids=lambda each: each.name)
def test_formats_concern_text_only(dialect: Dialect) -> None:
    for name in FORMATS:
        for value in (1, None, [], {"a": 1}):
            assert verdicts(dialect, {"format": name}, value) == (True, True, True)


# schema, value, what both of ours say; stock jsonschema says the opposite
DIFFERENT: list[tuple[str, Dialect, Any, Any, bool]] = [
    ("decimals are exact", DRAFT_07, {"multipleOf": 0.01}, 19.99, True),
    ("decimals are exact", DRAFT_2020, {"multipleOf": 0.1}, 0.3, True),
    ("a pattern ends where the text ends", DRAFT_07, {"pattern": "^a$"}, "a\n", False),
    ("digits are ASCII", DRAFT_07, {"pattern": r"^\d$"}, "２", False),
    ("word characters are ASCII", DRAFT_07, {"pattern": r"^\w$"}, "é", False),
    ("white space is what ECMA says", DRAFT_07, {"pattern": r"^\s$"}, "\ufeff", True),
    ("big numbers are exact", DRAFT_07, {"multipleOf": 3}, 1e300, False),
    ("email is an address", DRAFT_07, {"format": "email"}, "a@", False),
    ("formats need no packages", DRAFT_07, {"format": "date-time"}, "x", False),
    ("formats need no packages", DRAFT_2020, {"format": "uri"}, "x", False),
    ("content is asserted", DRAFT_07, {"contentEncoding": "base64"}, "!", False),
    ("content is asserted", DRAFT_07, {"contentMediaType": "application/json"}, "{", False),
    (
        "content is asserted",
        DRAFT_07,
        {"contentEncoding": "base64", "contentMediaType": "application/json"},
        "ew==",
        False,
    ),
    (
        "property names end where they end",
        DRAFT_07,
        {"patternProperties": {"^a$": False}},
        {"a\n": 1},
        True,
    ),
    (
        "property names end where they end",
        DRAFT_07,
        {"patternProperties": {"^a$": {}}, "additionalProperties": False},
        {"a\n": 1},
        False,
    ),
]


@pytest.mark.parametrize(("why", "dialect", "schema", "value", "valid"), DIFFERENT)
def test_where_stock_jsonschema_differs(
    why: str, dialect: Dialect, schema: Any, value: Any, valid: bool
) -> None:
    assert verdicts(dialect, schema, value) == (valid, valid, not valid), why


@pytest.mark.parametrize(
    ("pattern", "text", "valid"),
    [
        (r"^(?!\.{1,2}$)[^/\\]+$", "..", False),
        (r"^(?!\.{1,2}$)[^/\\]+$", "a", True),
        (r"(?<=a)b", "ab", True),
        (r"^(a)\1$", "aa", True),
        (r"^[\u00e9]$", "é", True),
        (r"^\u{1F600}$", "😀", True),
        (r"^.$", "😀", True),
        (r"^\p{Lu}$", "É", True),
        (r"[\s\S]", "\n", True),
    ],
)
def test_patterns_are_ecma(pattern: str, text: str, valid: bool) -> None:
    checker = Checker({"pattern": pattern}, DRAFT_07)
    assert checker.accepts(text) is valid
    assert (checker.violations(text) == []) is valid


def test_additional_items_beside_boolean_items() -> None:
    for items, valid in ((True, True), (False, False)):
        checker = Checker({"items": items, "additionalItems": False}, DRAFT_07)
        assert checker.accepts([1]) is valid
        assert (checker.violations([1]) == []) is valid


def test_draft_04_has_its_own_bounds_and_integers() -> None:
    dialect = DIALECTS["http://json-schema.org/draft-04/schema"]
    for schema, value, valid in (
        ({"minimum": 1, "exclusiveMinimum": True}, 1, False),
        ({"maximum": 1, "exclusiveMaximum": False}, 1, True),
        ({"type": "integer"}, 1.0, False),
        ({"id": "http://example.com/x", "items": {"$ref": "#/definitions/n"},
          "definitions": {"n": {"type": "null"}}}, [1], False),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, False),
        ({"const": 1, "contains": {"type": "null"}}, [], True),
    ):  # fmt: skip
        assert verdicts(dialect, schema, value) == (valid, valid, valid), schema


def test_jsonschema_has_the_last_word_when_the_fast_one_rejects() -> None:
    checker = Checker({"const": 2**64}, DRAFT_07)
    assert checker.accepts(float(2**64)) is False
    assert checker.violations(float(2**64)) == []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 1.5, "", "a", "ab"]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "ab"]), below, max_size=3)
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(["a", "b", "ab"])
_COUNT = st.integers(0, 3)
_FLAT: dict[str, Any] = {
    "type": st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]),
    "enum": st.lists(_VALUES, min_size=1, max_size=3),
    "const": _VALUES,
    "multipleOf": st.integers(1, 3),
    "minimum": _COUNT,
    "exclusiveMaximum": _COUNT,
    "minLength": _COUNT,
    "pattern": st.sampled_from(["^a", "b$", "^ab?$"]),
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "uniqueItems": st.booleans(),
    "required": st.lists(_NAMES, max_size=2, unique=True),
    "maxProperties": _COUNT,
}


def _schemas(extra: Any) -> Any:
    def deeper(below: Any) -> Any:
        some = st.lists(below, min_size=1, max_size=2)
        named = st.dictionaries(_NAMES, below, max_size=2)
        keywords = {
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), below, max_size=2),
            "additionalProperties": below,
            "propertyNames": below,
            "items": below,
            "contains": below,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": below,
            "if": below,
            "then": below,
            "else": below,
        }
        return st.fixed_dictionaries({}, optional=keywords | extra(below, some, named) | _FLAT)

    return st.recursive(st.booleans() | st.fixed_dictionaries({}, optional=_FLAT), deeper,
                        max_leaves=5)  # fmt: skip


def _legacy(below: Any, some: Any, named: Any) -> dict[str, Any]:
    # stock jsonschema fails on boolean items beside additionalItems
    items = some | below.filter(lambda each: isinstance(each, dict))
    return {"dependencies": named, "additionalItems": below, "items": items}


def _modern(below: Any, some: Any, named: Any) -> dict[str, Any]:
    return {
        "prefixItems": some,
        "minContains": _COUNT,
        "maxContains": _COUNT,
        "dependentSchemas": named,
        "dependentRequired": st.dictionaries(_NAMES, st.lists(_NAMES, max_size=1), max_size=1),
        "unevaluatedItems": st.booleans(),
    }


def agree(dialect: Dialect, schema: Any, value: Any) -> None:
    if isinstance(schema, dict):
        assert len(set(verdicts(dialect, schema, value))) == 1


@given(_schemas(_legacy), _VALUES)
def test_random_documents_of_draft_07(schema: Any, value: Any) -> None:
    agree(DRAFT_07, schema, value)


@given(_schemas(_modern), _VALUES)
def test_random_documents_of_2020_12(schema: Any, value: Any) -> None:
    agree(DRAFT_2020, schema, value)
