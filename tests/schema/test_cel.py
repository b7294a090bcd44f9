"""CEL expressions."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from lix_vtab.errors import CelError
from lix_vtab.model.ids import SystemSource
from lix_vtab.schema.cel import parse_cel
from tests.schema.samples import Counting


def evaluate(expression: str, **variables: Any) -> Any:
    return parse_cel(expression).evaluate(variables, Counting())


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'open'", "open"),
        (' "lix" ', "lix"),
        ("''", ""),
        ("1", 1),
        ("-7", -7),
        ("0x10", 16),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("'it\\'s'", "it's"),
        ("'\\u00e9'", "é"),
        ("r'a\\b'", "a\\b"),
        ("1 + 2 * 3", 7),
        ("7 / 2", 3),
        ("[1, 'a', null, true]", [1, "a", None, True]),
        ("{'a': 1, 'b': [2]}", {"a": 1, "b": [2]}),
        ("{1: 'x'}", {"1": "x"}),
        ("{true: 'x'}", {"true": "x"}),
        ("b'abc'", "YWJj"),
        ("timestamp('2020-01-01T00:00:00Z')", "2020-01-01T00:00:00Z"),
        ("timestamp('0001-01-01T00:00:00.5Z')", "0001-01-01T00:00:00.5Z"),
        ("timestamp('2020-01-01T00:00:00.012345+01:00')", "2020-01-01T00:00:00.012345+01:00"),
        ("duration('1500ms')", 1_500_000_000),
        ("3u", 3),
        ("'é'.size()", 1),
        ("'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", True),
        ("'aaa'.matches('^a+$')", True),
        ("[1, 2, 3].filter(n, n > 1).map(n, n * 2)", [4, 6]),
        ("[1, 2].all(n, n > 0) && [1, 2].exists(n, n == 2)", True),
        ("string(5) + '!'", "5!"),
        ("1 in [1, 2] ? 'yes' : 'no'", "yes"),
        ("false && 1 / 0 == 1", False),
        ("string(true) + string(1 == 2) + string(1.5) + string(b'abc')", "truefalse1.5abc"),
        ("max(1, 3, 2) + min(3, 1u, 2.5)", 4),
        ("max(['a', 'c', 'b'])", "c"),
        ("min([3, 1, 2])", 1),
        ("min([])", None),
        ("max(['a'])", "a"),
        ("max({'only': 1})", {"only": 1}),
        (
            "max(timestamp('2020-01-01T00:00:00Z'), timestamp('2021-01-01T00:00:00Z'))",
            "2021-01-01T00:00:00Z",
        ),
        ("max == 1", True),
    ],
)
def test_values(expression: str, value: object) -> None:
    found = evaluate(expression, max=1)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "variables", "value"),
    [
        ("name + '-slug'", {"name": "sample"}, "sample-slug"),
        ("count + 1", {"count": 1}, 2),
        ("a.b.c", {"a": {"b": {"c": [1]}}}, [1]),
        ("tags[0]", {"tags": ["x"]}, "x"),
        ("has(a.b)", {"a": {}}, False),
        ("x == null", {"x": None}, True),
        ("flag ? 1 : 2", {"flag": True}, 1),
        ("price * 2.0", {"price": 1.25}, 2.5),
    ],
)
def test_variables(expression: str, variables: dict[str, Any], value: object) -> None:
    assert evaluate(expression, **variables) == value


@pytest.mark.parametrize(
    "value", [None, True, 0, -5, 1.25, "text", "", [], [1, [2]], {}, {"a": {"b": None}}]
)
def test_json_survives_the_way_through_cel(value: object) -> None:
    found = evaluate("value", value=value)
    assert found == value
    assert type(found) is type(value)


def test_names_that_are_no_identifiers_do_no_harm() -> None:
    assert evaluate("a + b", **{"a-b": 1, "2": 2, "wide": 2**70, "a": 1, "b": 2}) == 3


def test_functions_draw_from_the_source() -> None:
    source = Counting()
    assert parse_cel("lix_uuid_v7()").evaluate({}, source).endswith("0000")
    assert parse_cel(" lix_timestamp( ) ").evaluate({}, source).endswith(".001Z")
    assert parse_cel("'id-' + lix_uuid_v7()").evaluate({}, source).endswith("0002")
    assert parse_cel("lix_timestamp() + '!'").evaluate({}, source).endswith(".003Z!")


def test_a_custom_source_is_quoted_verbatim() -> None:
    class Fixed:
        def uuid7(self) -> str:
            return "my-id"

        def timestamp(self) -> str:
            return "my-time"

    assert parse_cel("lix_uuid_v7()").evaluate({}, Fixed()) == "my-id"
    assert parse_cel("[lix_timestamp()]").evaluate({}, Fixed()) == ["my-time"]


def test_real_functions() -> None:
    source = SystemSource()
    assert "T" in parse_cel("lix_timestamp()").evaluate({}, source)
    first, second = (parse_cel("lix_nano_id()").evaluate({}, source) for _ in range(2))
    assert first != second
    assert len(first) == 21
    assert parse_cel("size(lix_nano_id())").evaluate({}, source) == 21


def test_an_expression_is_parsed_once() -> None:
    assert parse_cel("name + '-once'") is parse_cel("name + '-once'")


@pytest.mark.parametrize(
    "expression",
    ["lix_uuid_v7(", "", "  ", "1 +", "'open", "a b", "[1,", "{'a'}", "a..b", "\0", "'\n'"],
)
def test_what_does_not_parse(expression: str) -> None:
    with pytest.raises(CelError) as caught:
        parse_cel(expression)
    assert caught.value.code == "LIX_ERROR_CEL"
    assert caught.value.message.startswith(f"failed to parse CEL expression '{expression}': ")
    assert "Token" not in caught.value.message


@pytest.mark.parametrize(
    ("expression", "phrase"),
    [
        ("1 / 0", "divide by zero"),
        ("missing_var + '-slug'", "Undeclared reference to 'missing_var'"),
        ("missing_var == null", "Undeclared reference to 'missing_var'"),
        ("nope()", "Undeclared reference to 'nope'"),
        ("'a'.nope()", "Undeclared reference to 'nope'"),
        ("lix_uuid_v7(1)", "no such overload"),
        ("1 + 'a'", "no matching overload for addition_add applied to '(int, string)'"),
        ("'x' + nope", "Undeclared reference to 'nope'"),
        ("'x' + (1 / 0)", "divide by zero"),
        ("[1][5]", "invalid_argument"),
        ("max(1, 'a')", "no such overload"),
        ("min([1, true])", "no such overload"),
        ("max([1], [2])", "no such overload"),
        ("max(1, nope)", "Undeclared reference to 'nope'"),
        ("{'a': 1}.b", "no such member"),
        ("int('x')", "invalid literal"),
        ("9223372036854775807 + 1", "overflow"),
        ("[1, 2].map(n, n + nope)", "Undeclared reference to 'nope'"),
    ],
)
def test_what_fails_when_evaluated(expression: str, phrase: str) -> None:
    parsed = parse_cel(expression)
    with pytest.raises(CelError) as caught:
        parsed.evaluate({}, Counting())
    assert caught.value.message.startswith(f"failed to evaluate CEL expression '{expression}': ")
    assert phrase in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "expression",
    ["size", "1e400", "double('NaN')", "type(1)", "lix_uuid_v7", "'\\ud800'", "{'\\ud800': 1}"],
)
def test_what_is_no_json(expression: str) -> None:
    with pytest.raises(CelError, match="failed to convert CEL value to JSON value") as caught:
        evaluate(expression)
    assert " object at 0x" not in caught.value.message


def test_what_is_no_cel_value() -> None:
    with pytest.raises(CelError, match="failed to convert JSON value to CEL value"):
        evaluate("wide", wide=2**70)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 1000 + "1" + ")" * 1000,
        "[" * 1500 + "]" * 1500,
        "1" + " + 1" * 1000,
        "!" * 2000 + "true",
        "a" * 5000,
        "[1].reduce(r, i, 'x', r + r)",
        "[1].min(x, x)",
    ],
)
def test_hostile_expressions_do_not_parse(expression: str) -> None:
    with pytest.raises(CelError, match="failed to parse CEL expression"):
        parse_cel(expression)


def test_evaluation_ends() -> None:
    numbers = f"[{','.join(map(str, range(100)))}]"
    nested = f"{numbers}.map(a, {numbers}.map(b, {numbers}.map(c, a * b * c)))"
    started = time.process_time()
    with pytest.raises(CelError, match="takes more than"):
        evaluate(nested)
    assert time.process_time() - started < 20


def test_catastrophic_matches_are_linear() -> None:
    assert evaluate("text.matches('^(a+)+$')", text="a" * 5000 + "!") is False


def test_reasonable_nesting_works_on_a_deep_stack() -> None:
    def deep(levels: int) -> Any:
        return deep(levels - 1) if levels else evaluate("((((a + ((b))))))", a=1, b=2)

    assert deep(200) == 3


def test_literals_and_calls_do_not_load_the_engine() -> None:
    script = (
        "import sys; from lix_vtab.schema.cel import parse_cel\n"
        "for text in (\"'lix'\", '1', 'false', 'lix_uuid_v7()', 'lix_nano_id()'): parse_cel(text)\n"
        "assert 'celpy' not in sys.modules\n"
        "limit = sys.getrecursionlimit(); parse_cel('a + b')\n"
        "assert 'celpy' in sys.modules and sys.getrecursionlimit() == limit\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
