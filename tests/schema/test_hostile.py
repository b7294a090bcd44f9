"""Definitions and values made to crash, hang or exhaust end in acceptance or a coded error."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import CelError, LixError, SchemaDefinitionError, SchemaValidationError
from lix_vtab.schema import compile_schema, validate_data, validate_schema
from lix_vtab.schema.cel import parse_cel
from lix_vtab.schema.patterns import LONGEST, Weight, weigh
from tests.schema.samples import Counting, compiled, schema, texts

MODERN = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
LIMIT = 20
"""Seconds of the processor, far above what is needed: a busy machine does not fail the test."""


def deep(levels: int, wrap: Any = lambda below: [below], leaf: Any = 1) -> Any:
    value = leaf
    for _ in range(levels):
        value = wrap(value)
    return value


def chain(length: int, doubling: str = "allOf") -> dict[str, Any]:
    """Definitions of which each applies the next twice."""
    return {
        f"d{index}": {doubling: [{"$ref": f"#/definitions/d{index + 1}"}] * 2}
        for index in range(length)
    } | {f"d{length}": {"type": "string"}}


def cyclic() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["properties"] = loop
    return loop


PATTERNS = [
    "^(a+)+$",
    "(x+x+)+y",
    "^(a|aa)+$",
    "(a|a?)+$",
    "(.*a){20}",
    "(?=a)(a+)+$",
    "^(?:(?=(a+))\\1)+$",
    "((a|a)*)*\\2b",
    "^(a?){30}a{30}(?!x)$",
    "(.*)*\\1x",
    "(?<!x)(a*)*$",
    "(a{100}){100}",
    "(a{1000}){1000}",
    "((a{100}){100}){100}",
    "a{1000000}",
    "\\p{L}{500}",
    "(" * 2000 + ")" * 2000,
    "[" * 2000,
    "(?:" * 500 + "a" + ")*" * 500,
    "a*" * 2000,
    "(x+x+)+y" * 500,
    "\\",
    "[z-a]",
    "(?<n>a)(?<n>b)",
    "\\u{110000}",
    "\0",
    "a{2147483648}",
    "x" * 5000,
    "[ab]*a[ab]{2000}[cd]",
    "(?i)straße",
]

REFERENCES: list[dict[str, Any]] = [
    {"p": {"$ref": "#/properties/p"}},
    {"p": {"$ref": "#"}},
    {"p": {"allOf": [{"$ref": "#/properties/p"}]}},
    {"p": {"anyOf": [{"type": "string"}, {"not": {"$ref": "#/properties/p"}}]}},
    {"p": {"if": {"$ref": "#/properties/p"}}},
    {"p": {"$ref": "#/properties/q"}, "q": {"$ref": "#/properties/p"}},
    {"p": {"$ref": "#/x-lix-key"}},
    {"p": {"$ref": "#/properties"}},
    {"p": {"$ref": "#/properties/p/$ref"}},
    {"p": {"$ref": "#/nope/~2"}},
    {"p": {"$ref": "#/required/99999999999999999999999"}},
    {"p": {"$ref": "file:///etc/passwd"}},
    {"p": {"$ref": "http://127.0.0.1:9/schema"}},
    {"p": {"$ref": "http://json-schema.org/draft-07/schema#"}},
    {"p": {"$ref": "https://json-schema.org/draft/2020-12/schema"}},
    {"p": {"$ref": "::::"}},
    {"p": {"$ref": "#%zz"}},
    {"p": {"$ref": 5}},
    {"p": {"$id": "::::", "type": "string"}},
    {"p": {"$id": "urn:a", "properties": {"x": {"$ref": "#"}}}},
    {"p": {"$id": "#", "$ref": "#"}},
    {"p": {"dependencies": {"a": {"$ref": "#/properties/p"}}}},
    {"p": {"items": {"$ref": "#/properties/p"}, "uniqueItems": True}},
]

WHOLE: list[Any] = [
    schema(definitions=chain(40), properties={"p": {"$ref": "#/definitions/d0"}}),
    schema(definitions=chain(40, "anyOf"), properties={"p": {"$ref": "#/definitions/d0"}}),
    schema(definitions=chain(15, "oneOf"), properties={"p": {"$ref": "#/definitions/d0"}}),
    schema(properties={"p": {"enum": ["x" * 100] * 100_000}}),
    schema(properties={"p": {"enum": list(range(50_000))}}),
    schema(properties={"p": {"const": "x" * 900_000}}),
    schema(properties={"p": deep(90, lambda below: {"not": below}, {})}),
    schema(properties={"p": deep(200, lambda below: {"not": below}, {})}),
    schema(properties={"p": deep(50_000, lambda below: {"items": below}, {})}),
    schema(properties={"p": deep(60_000, lambda below: [below])}),
    schema(properties={"p": cyclic()}),
    schema(properties=texts(*(f"p{index}" for index in range(1000)))),
    schema(properties=texts(*(f"p{index}" for index in range(1001)))),
    schema(properties={"p": {"allOf": [{"minimum": index} for index in range(12_000)]}}),
    schema(properties={"p": {"required": [f"r{index}" for index in range(30_000)]}}),
    schema(properties={"p": {"patternProperties": {f"^{i}$": {} for i in range(2000)}}}),
    schema(properties={"p": {"minimum": 10**400, "maximum": 10**5000}}),
    schema(properties={"p": {"multipleOf": 1e-300}}),
    schema(properties={"p": {"multipleOf": 0}}),
    schema(properties={"p": {"maxLength": 10**30, "minItems": -1}}),
    schema(properties={"p": {"maximum": float("inf")}}),
    schema(properties={"p": {"const": float("nan")}}),
    schema(properties={"p": {"const": "\ud800"}}),
    schema(properties={"\ud800": {}}),
    schema(properties={"p": {"enum": [b"bytes", {1}, object()]}}),
    schema(properties={1: {}}),  # type: ignore[dict-item]
    schema(properties={"p": {"type": ["string"] * 50}}),
    schema(properties={"p": {"format": "regex", "default": "("}}),
    schema(properties={"p": {"x-lix-default": "(" * 1000 + "1" + ")" * 1000}}),
    schema(properties={"p": {"x-lix-default": "1" + "+1" * 2000}}),
    schema(properties={"p": {"x-lix-default": "'" + "x" * 1_000_000}}),
    schema(override_lixcols={"lixcol_file_id": "[1,2,3].map(a,[1,2,3].map(b,a)).size() == 3"}),
    schema(primary_key=["/" + "a/" * 10_000]),
    schema(primary_key=["/name"] * 10_000),
    schema(unique=[["/name"]] * 10_000),
    schema(foreign_keys=[{"properties": ["/name"], "references": {}}] * 1000),
    schema("a" * 100_000),
    schema(version="9" * 100_000),
    schema() | MODERN | {"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]},
    schema() | MODERN | {"$defs": {"a": {"$dynamicAnchor": "n"}}, "unevaluatedProperties": False},
    schema()
    | {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": True}
    | {"properties": {"p": {"$recursiveRef": "#"}}},
    schema() | {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveRef": "#"},
    schema() | {"$id": "http://[bad"},
    schema() | {"$vocabulary": {"urn:x": True}},
    schema() | {"additionalProperties": False, "properties": None},
]

WRONG = [None, True, -1, 1.5, "", "x", [], [None], [[]], {}, {"a": None}, {"type": 5}]


def mutants(count: int) -> Iterator[dict[str, Any]]:
    """Put values of wrong types in random places of a rich definition."""
    rich = schema(
        "rich",
        {"a": {"type": "string", "pattern": "x", "items": {"anyOf": [{"$ref": "#"}]}}, "b": {}},
        ["a"],
        primary_key=["/a"],
        unique=[["/a"]],
        foreign_keys=[
            {"properties": ["/a"], "references": {"schemaKey": "t", "properties": ["/i"]}}
        ],
        override_lixcols={"lixcol_file_id": "'x'"},
        definitions={"d": {"allOf": [{}], "dependencies": {"a": ["b"]}, "enum": [1]}},
    )
    chance = random.Random(40)
    for _ in range(count):
        yield replaced(rich, chance)


def replaced(value: Any, chance: random.Random) -> Any:
    """Copy `value`, one or more places inside replaced at random."""
    if isinstance(value, dict) and value:
        hit = chance.choice(list(value))
        return {k: spoiled(v, chance) if k == hit else v for k, v in value.items()}
    if isinstance(value, list) and value:
        return [spoiled(value[0], chance), *value[1:]]
    return chance.choice(WRONG)


def spoiled(value: Any, chance: random.Random) -> Any:
    nested = isinstance(value, dict | list) and chance.random() < 0.7
    return replaced(value, chance) if nested else chance.choice(WRONG)


VALUES: list[Any] = [
    {"p": "a" * 100_000 + "!"},
    {"p": ["x"] * 1000},
    {"p": deep(400)},
    {"p": deep(20_000)},
    {"p": deep(30, lambda below: {"p": below, "q": below}) and {"p": 1}},
    {"p": {"a" * 10_000: 1, "b": 2}},
    {"p": None},
    {"name": "x"},
    cyclic(),
]


def settle(definition: Any) -> str:
    """Take a definition through everything that is done with one; return how far it got."""
    started = time.process_time()
    refusal = refused(definition)
    assert time.process_time() - started < LIMIT
    if refusal:
        assert refusal.details["violations"]
        assert len(refusal.message) < 100_000
        return "refused"
    ready = compile_schema(definition)
    for index, value in enumerate(VALUES):
        with suppress(LixError):
            ready.validate(value)
            ready.apply_defaults(value, Counting())
        assert time.process_time() - started < LIMIT, index
    return "accepted"


def refused(definition: Any) -> SchemaDefinitionError | None:
    try:
        validate_schema(definition)
    except SchemaDefinitionError as error:
        return error
    return None


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: ascii(each[:20]))
def test_patterns(pattern: str) -> None:
    by_value = settle(schema(properties={"p": {"type": "string", "pattern": pattern}}))
    by_name = settle(schema(properties={"p": {"patternProperties": {pattern: {"type": "null"}}}}))
    usable = weigh(pattern) is not Weight.INVALID and len(pattern) <= 4096
    assert by_value == by_name == ("accepted" if usable else "refused")


@pytest.mark.parametrize("properties", REFERENCES, ids=lambda each: str(each)[:60])
def test_references(properties: dict[str, Any]) -> None:
    settle(schema(properties=properties))
    settle(schema(properties=properties) | MODERN)


@pytest.mark.parametrize("definition", WHOLE, ids=range(len(WHOLE)))
def test_whole_definitions(definition: Any) -> None:
    settle(definition)


def test_wrong_types_everywhere() -> None:
    outcomes = [settle(mutant) for mutant in mutants(300)]
    assert outcomes.count("refused") > 150


@pytest.mark.parametrize(
    "properties",
    [
        {"p": {"$ref": "#/properties/p"}},
        {"p": {"allOf": [{"not": {"$ref": "#/properties/p"}}]}},
        {"p": {"$ref": "#/properties/q"}, "q": {"$ref": "#/properties/p"}},
    ],
)
def test_endless_schemas_are_named(properties: dict[str, Any]) -> None:
    with pytest.raises(SchemaDefinitionError, match="applies itself to the same value without end"):
        validate_schema(schema(properties=properties))


@pytest.mark.parametrize("draft", [{}, MODERN], ids=["draft-07", "2020-12"])
def test_work_that_doubles_is_bounded(draft: dict[str, Any]) -> None:
    twice = compiled(
        properties={"p": {"$ref": "#/definitions/t"}},
        **draft,
        definitions={
            "t": {
                "anyOf": [
                    {"properties": {"a": {"$ref": "#/definitions/t"}}, "required": ["x"]},
                    {"properties": {"a": {"$ref": "#/definitions/t"}}, "required": ["y"]},
                    {"type": "integer"},
                ]
            }
        },
    )
    assert twice.checker._guard.explosive
    started = time.process_time()
    twice.validate({"p": deep(80, lambda below: {"a": below, "y": 1})})
    with pytest.raises(SchemaValidationError, match="is not valid under any"):
        twice.validate({"p": deep(80, lambda below: {"a": below})})
    assert time.process_time() - started < LIMIT


def test_work_that_doubles_and_is_not_repetition_is_given_up() -> None:
    dynamic = schema(
        properties={"p": {"$ref": "#/$defs/t"}},
        **{
            "$defs": {
                "t": {
                    "$dynamicAnchor": "t",
                    "anyOf": [
                        {"properties": {"a": {"$dynamicRef": "#t"}}, "required": ["x"]},
                        {"properties": {"a": {"$dynamicRef": "#t"}}, "required": ["y"]},
                        {"type": "integer"},
                    ],
                }
            }
        },
    )
    started = time.process_time()
    validate_data(dynamic | MODERN, {"p": {"a": 1, "x": 1}})
    with pytest.raises(SchemaValidationError, match="too large to be checked"):
        validate_data(dynamic | MODERN, {"p": deep(60, lambda below: {"a": below}, "leaf")})
    assert time.process_time() - started < LIMIT


def test_ordinary_recursion_is_fast_and_unhindered() -> None:
    tree = compiled(
        properties={"tree": {"$ref": "#/definitions/tree"}},
        definitions={
            "tree": {
                "type": "object",
                "properties": {
                    "left": {"$ref": "#/definitions/tree"},
                    "right": {"$ref": "#/definitions/tree"},
                    "rest": {"type": "array", "items": {"$ref": "#/definitions/tree"}},
                },
                "additionalProperties": False,
            }
        },
    )
    assert not tree.checker._guard.explosive
    value = {"tree": deep(12, lambda below: {"left": below, "right": below, "rest": [below]}, {})}
    started = time.process_time()
    tree.validate(value)
    assert time.process_time() - started < LIMIT


def test_depth_is_bounded_where_validation_recurses() -> None:
    nested = compiled(
        properties={"p": {"$ref": "#/definitions/list"}},
        definitions={"list": {"items": {"$ref": "#/definitions/list"}}},
    )
    nested.validate({"p": deep(400)})
    with pytest.raises(SchemaValidationError, match="nested more than 500 levels"):
        nested.validate({"p": deep(100_000)})
    with pytest.raises(SchemaValidationError, match="nested more than 500 levels"):
        validate_data(schema(properties={"p": {}}), {"p": deep(100_000)})


def test_the_deepest_value_fits_a_small_stack() -> None:
    script = (
        "import threading; threading.stack_size(512 * 1024)\n"
        "from lix_vtab.schema.checker import Checker\n"
        "from lix_vtab.schema.dialects import DEFAULT\n"
        "from lix_vtab.schema.survey import MAX_DEPTH\n"
        "schema = {'anyOf': [{'properties': {'a': {'allOf': [{'oneOf': [{'$ref': '#'}]}]}},\n"
        "                     'uniqueItems': True}, {'type': 'string'}]}\n"
        "value = 1\n"
        "for _ in range(MAX_DEPTH - 1): value = {'a': value}\n"
        "def run():\n"
        "    assert Checker(schema, DEFAULT).accepts(value)\n"
        "    assert not Checker({'uniqueItems': True}, DEFAULT).accepts([value, value])\n"
        "    print('done')\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "done\n", "")


def test_heavy_patterns_match_texts_of_ordinary_length_only() -> None:
    heavy = compiled(properties={"p": {"pattern": "^(?!x)a+$"}, "free": {}})
    assert heavy.checker._guard.heavy
    heavy.validate({"p": "a" * LONGEST})
    heavy.validate({"p": "a", "free": "b" * 1_000_000})
    with pytest.raises(SchemaValidationError, match="/p 'aaa"):
        heavy.validate({"p": "a" * (LONGEST + 1)})


_WORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "$ref",
        "allOf",
        "not",
        "pattern",
        "enum",
        "required",
        "$defs",
        "$id",
        "dependencies",
        "format",
        "p",
        "x-lix-default",
        "x-lix-unique",
        "x-lix-primary-key",
    ]
)
_JSON: Any = st.recursive(
    st.sampled_from([None, True, 0, -1.5, "string", "#", "#/properties/p", "/p", "(", "a+", "x y"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_WORDS, below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_WORDS, _JSON, max_size=5), st.booleans())
def test_random_documents(document: dict[str, Any], modern: bool) -> None:
    settle(schema() | document | (MODERN if modern else {}))


@given(_JSON)
def test_random_properties(document: Any) -> None:
    settle(schema(properties={"p": document, "q": {"type": "string"}}))


@given(st.text(alphabet="ab1.+-*/()[]{}?:'\"\\,=<>&|! \nlix_uuid_v7", max_size=30))
def test_random_expressions(text: str) -> None:
    with suppress(CelError):
        parse_cel(text).evaluate({"a": 1, "b": "x"}, Counting())


def test_rejection_in_threads() -> None:
    shared = compiled("shared", texts("name"), ["name"])
    failures: list[str] = []

    def reject() -> None:
        for _ in range(20):
            with pytest.raises(SchemaValidationError) as caught:
                shared.validate({"name": 1})
            failures.append(caught.value.details["violations"][0])

    threads = [threading.Thread(target=reject) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == ["/name 1 is not of type 'string'"] * 80


def test_there_are_a_hundred_hostile_definitions() -> None:
    assert len(PATTERNS) + len(REFERENCES) + len(WHOLE) + 300 > 100
    assert len(PATTERNS) + len(REFERENCES) * 2 + len(WHOLE) >= 100
