"""Values between SQL and JSON."""

from __future__ import annotations

import math
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.json import parse_json
from lix_vtab.schema import Property, from_sql, to_sql
from lix_vtab.surfaces.functions_values import json_blob, json_text
from tests.schema.samples import compiled

CONTEXT = "task.p"
ANY: dict[str, Any] = {}
FLAG = {"type": "boolean"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
TEXT = {"type": "string"}
LIST = {"type": "array"}
OBJECT = {"type": ["object", "null"]}


def target(schema: dict[str, Any]) -> Property:
    return compiled(properties={"p": schema}).properties["p"]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (TEXT, None, None),
        (TEXT, "plain", "plain"),
        (TEXT, '{"a": 1}', '{"a": 1}'),
        (TEXT, "true", "true"),
        (TEXT, 42, 42),
        (ANY, "1", "1"),
        (ANY, 1, 1),
        ({"type": ["string", "boolean"]}, "true", "true"),
        ({"type": ["string", "boolean"]}, 1, True),
        ({"type": ["integer", "boolean"]}, 1, 1),
        ({"type": ["integer", "boolean"]}, "true", True),
        ({"type": ["integer", "boolean"]}, "1", 1),
        (FLAG, 0, False),
        (FLAG, 1, True),
        (FLAG, 2, 2),
        (FLAG, " TRUE ", True),
        (FLAG, "0", False),
        (FLAG, "maybe", "maybe"),
        ({"anyOf": [FLAG, {"type": "null"}]}, 1, True),
        (WHOLE, 5, 5),
        (WHOLE, "5", 5),
        (WHOLE, 5.0, 5),
        (WHOLE, 5.5, 5.5),
        (WHOLE, "five", "five"),
        (NUMBER, 5, 5),
        (NUMBER, 5.0, 5.0),
        (NUMBER, "1.5", 1.5),
        (LIST, '[1, "x"]', [1, "x"]),
        (OBJECT, '{"a": {"b": null}}', {"a": {"b": None}}),
        (OBJECT, "null", None),
        (OBJECT, '"text"', "text"),
    ],
)
def test_sql_to_json(schema: dict[str, Any], value: Any, expected: Any) -> None:
    found = from_sql(value, target(schema), CONTEXT)
    assert found == expected
    assert type(found) is type(expected)


def test_a_jsonb_blob_is_json_even_where_strings_are_admitted() -> None:
    blob = apsw.jsonb_encode({"enabled": True, "list": [1, 2.5, None, "x"]})
    for schema in (ANY, TEXT, OBJECT):
        assert from_sql(blob, target(schema), CONTEXT) == {
            "enabled": True,
            "list": [1, 2.5, None, "x"],
        }


@pytest.mark.parametrize("blob", [b"", b"plain bytes", b"\x00\xff\xfe", bytes(1000)])
def test_other_blobs_are_refused(blob: bytes) -> None:
    with pytest.raises(InvalidValueError, match=r"task\.p does not support blob values"):
        from_sql(blob, target(ANY), CONTEXT)


@pytest.mark.parametrize("text", ["1e999", "-1e999", '{"a":[1e999]}', "{a:Infinity}"])
def test_infinities_in_jsonb_are_refused(text: str) -> None:
    connection = apsw.Connection("")
    blob = connection.execute("SELECT jsonb(?)", (text,)).get
    connection.close()
    with pytest.raises(InvalidValueError, match=r"cannot be read: the number .* is too large"):
        from_sql(blob, target(ANY), CONTEXT)
    for function in (json_blob, lambda value: json_text(value, "a")):
        with pytest.raises(InvalidValueError, match="is too large"):
            function(blob)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_infinite_numbers_are_refused(number: float) -> None:
    with pytest.raises(InvalidValueError, match=r"task\.p contains non-finite numeric value"):
        from_sql(number, target(NUMBER), CONTEXT)


@pytest.mark.parametrize("text", ["{", "", "[1,]", "NaN", "plain", "[" * 100_000])
def test_text_for_structures_must_be_json(text: str) -> None:
    with pytest.raises(InvalidValueError, match="Invalid JSON in property 'p'"):
        from_sql(text, target(OBJECT), CONTEXT)


def test_values_sql_does_not_know_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="does not support values of type set"):
        from_sql({1}, target(ANY), CONTEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("text", "text"),
        (5, 5),
        (1.5, 1.5),
        (True, 1),
        (False, 0),
        ([], "[]"),
        ({"b": [1, {"é": None}], "a": 1}, '{"a":1,"b":[1,{"é":null}]}'),
        (2**63 - 1, 2**63 - 1),
        (2**63, float(2**63)),
        (10**400, str(10**400)),
    ],
)
def test_json_to_sql(value: Any, expected: Any) -> None:
    found = to_sql(value)
    assert found == expected
    assert type(found) is type(expected)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below),
    max_leaves=8,
)


@given(st.lists(_JSON, max_size=4) | st.dictionaries(st.text(max_size=3), _JSON, max_size=4))
def test_structures_survive_reading_and_writing(value: Any) -> None:
    text = to_sql(value)
    assert isinstance(text, str)
    assert parse_json(text) == value
    structure = target({"type": ["object", "array"]})
    assert from_sql(text, structure, CONTEXT) == value
    assert from_sql(apsw.jsonb_encode(value), structure, CONTEXT) == value


@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()))
def test_scalars_survive_reading_and_writing(value: Any) -> None:
    if isinstance(value, float) and math.isinf(value):
        return
    kind = {int: WHOLE, float: NUMBER, str: TEXT}[type(value)]
    assert from_sql(to_sql(value), target(kind), CONTEXT) == value
