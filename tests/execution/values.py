"""Every kind of value SQLite and JSON know, and what each kind of column makes of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

INVALID = "LIX_INVALID_PARAM"
SCHEMA = "LIX_ERROR_SCHEMA_VALIDATION"

VALUES: dict[str, Any] = {
    "null": None,
    "zero": 0,
    "one": 1,
    "forty-two": 42,
    "highest integer": 2**63 - 1,
    "lowest integer": -(2**63),
    "true": True,
    "tenth": 0.1,
    "negative zero": -0.0,
    "whole float": 3.0,
    "smallest float": 5e-324,
    "largest float": 1.7976931348623157e308,
    "float beyond 64 bits": 1e20,
    "infinity": math.inf,
    "negative infinity": -math.inf,
    "not a number": math.nan,
    "empty text": "",
    "text": "hi",
    "NUL in text": "a\0b",
    "astral text": "\U0001f600",
    "highest character": "\U0010ffff",
    "combining": "e\u0301",
    "quotes": 'it\'s "so"',
    "long text": "x" * 100_000,
    "number as text": "42",
    "float as text": "1.50",
    "JSON string": '"x"',
    "JSON null": "null",
    "JSON true": "true",
    "JSON array": "[1,2]",
    "JSON object": '{"a":1}',
    "JSON with white space": ' {"b": 1, "a": [ ]} ',
    "duplicate keys": '{"a":1,"a":2}',
    "malformed JSON": "{bad",
    "NaN as text": "NaN",
    "Infinity as text": "Infinity",
    "wide integer as text": "123456789012345678901234567890",
    "float too large as text": "1e400",
    "escaped half of a pair": '{"a":"\\ud800"}',
    "escaped pair": '"\\ud83d\\ude00"',
    "escaped NUL": '"\\u0000"',
    "deep": "[" * 300 + "]" * 300,
    "too deep": "[" * 600 + "]" * 600,
    "far too deep": "[" * 100_000 + "]" * 100_000,
    "empty blob": b"",
    "blob": b"\x00\xff",
    "blob of text": b"hello",
}
"""What SQLite can hold."""


@dataclass(frozen=True)
class Refused:
    """A value a column does not take, and the code it says so with."""

    code: str


def literal(value: Any) -> str:
    """Write a value as SQL."""
    if value is None or value != value:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return repr(value).replace("inf", "9e999")
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        if "\0" in value:
            return f"CAST(x'{value.encode().hex()}' AS TEXT)"
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def stored(value: Any) -> Any:
    """Return what SQLite hands over: it knows no booleans, and NaN is NULL."""
    if isinstance(value, bool):
        return int(value)
    return None if value != value else value


def same(one: Any, other: Any) -> bool:
    """Compare exactly: type, sign of zero and all."""
    return type(one) is type(other) and repr(one) == repr(other)


def read_json(text: str) -> Any:
    """Return what JSON text stands for; raise ValueError for what is none or cannot be kept."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    def finite(digits: str) -> float:
        if math.isinf(float(digits)):
            raise ValueError(digits)
        return float(digits)

    if text.count("[") > 1024:
        raise ValueError("nested too deeply to be read")
    value = json.loads(text, parse_constant=refuse, parse_float=finite)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def too_deep(value: Any) -> bool:
    """Tell whether a list of one list, and so on, is deeper than can be kept."""
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth >= 512


def canonical(value: Any) -> str:
    """Write JSON the way it is stored."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def shown(value: Any) -> Any:
    """Return how a column shows a JSON value."""
    if isinstance(value, (list, dict)):
        return canonical(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def of_property(kind: str, value: Any) -> Any:
    """Return what a nullable property of a JSON type shows after `value` was written to it."""
    value = stored(value)
    if value is None:
        return None
    if isinstance(value, bytes) or value in (math.inf, -math.inf):
        return Refused(INVALID)
    if isinstance(value, str):
        if kind in ("any", "string"):
            return value
        try:
            value = read_json(value)
        except ValueError:
            return Refused(INVALID if kind in ("object", "array") else SCHEMA)
    elif kind == "boolean" and type(value) is int and value in (0, 1):
        value = bool(value)
    elif kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or kind == "any":
        return shown(value)
    fits = isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        return Refused(SCHEMA)
    return Refused(INVALID) if too_deep(value) else shown(value)


def of_text(value: Any) -> Any:
    """Return what a column shows that takes text or NULL."""
    value = stored(value)
    return value if value is None or isinstance(value, str) else Refused(INVALID)


def of_required_text(value: Any) -> Any:
    """Return what a column shows that takes text, but not the empty one."""
    return of_text(value) if stored(value) not in (None, "") else Refused(INVALID)


def of_json(value: Any, code: str = INVALID) -> Any:
    """Return what a column shows that takes JSON text or NULL."""
    value = stored(value)
    if value is None:
        return None
    try:
        found = read_json(value) if isinstance(value, str) else ValueError
    except ValueError:
        found = ValueError
    if found is ValueError:
        return Refused(code)
    if too_deep(found):
        return Refused(INVALID)
    return None if found is None else canonical(found)


def of_data(value: Any) -> Any:
    """Return what the bytes of a file are."""
    value = stored(value)
    if isinstance(value, (int, float)):
        return Refused(INVALID)
    return value.encode() if isinstance(value, str) else value or b""


def of_flag(value: Any) -> Any:
    """Return what a column shows that is true or false."""
    value = stored(value)
    if value is None or (isinstance(value, (int, float)) and value in (0, 1)):
        return int(value or 0)
    return int(value == "true") if value in ("true", "false") else Refused(INVALID)
