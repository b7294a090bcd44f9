"""Canonical JSON: compact, keys sorted by code point at every level, Unicode unescaped.

Snapshots and metadata are stored in this form only, so equal content is equal text.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from lix_vtab.model.patterns import pattern

__all__ = [
    "MAX_DEPTH",
    "Json",
    "NestingError",
    "canonical_json",
    "compact_json",
    "finite",
    "parse_json",
]

MAX_DEPTH = 512
"""How many arrays and objects may be inside each other: SQLite reads at most 1000."""

_SUSPECT = frozenset([float, dict, list])
_WIDE = pattern("[0-9]{19}")
_WIDE_BYTES = re.compile(b"[0-9]{19}")

Json = Any
"""A value `parse_json` can return: None, bool, int, float, str, list or dict."""


class NestingError(ValueError):
    """A JSON value is nested too deeply."""

    def __init__(self) -> None:
        super().__init__(f"JSON is nested too deeply: at most {MAX_DEPTH} levels")


def parse_json(text: str | bytes) -> Json:
    """Parse JSON text strictly; raise ValueError for anything RFC 8259 does not allow.

    >>> parse_json('{"b": 1, "a": [true, null]}')
    {'b': 1, 'a': [True, None]}
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        # The standard parser, minus its NaN and Infinity extensions, is the judge of what is JSON.
        return _judge(text)
    if _may_hide_integer(value) and _has_wide_number(text):
        return _judge(text)
    return value


def canonical_json(value: Json) -> str:
    """Write `value` in canonical form.

    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return _write(value, sort_keys=True)


def compact_json(value: Json) -> str:
    """Write `value` compactly, with keys in the order they have.

    >>> compact_json({"b": 1, "a": "é"})
    '{"b":1,"a":"é"}'
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _write(value, sort_keys=False)


def _write(value: Json, *, sort_keys: bool) -> str:
    """Write what orjson cannot: integers beyond 64 bits, and what is nested deeply."""
    _check_depth(value)
    return json.dumps(
        value, ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False
    )


def _check_depth(value: Json) -> None:
    """Raise `NestingError` for what SQLite's JSON functions, or a parser, could not read again."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = [one for one in level if type(one) is dict or type(one) is list]
        if not inner:
            return
        level = [child for one in inner for child in (one.values() if type(one) is dict else one)]
    raise NestingError


def _may_hide_integer(value: Json) -> bool:
    """Tell whether a float may stand where the text has an integer beyond 64 bits.

    Looks at the first level only; what is nested is judged by its text.
    """
    if type(value) is dict:
        return any(map(_SUSPECT.__contains__, map(type, value.values())))
    return type(value) in _SUSPECT


def _judge(text: str | bytes) -> Json:
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise NestingError from error
    except UnicodeEncodeError as error:
        # half of a surrogate pair: JSON can spell it, no text can hold it
        raise ValueError("a lone surrogate is not text") from error
    return value


def finite(digits: str) -> float:
    """Read a number with a fraction or an exponent; raise ValueError when it is beyond reals."""
    value = float(digits)
    if math.isinf(value):
        # it would be stored as null, for JSON has no infinity to write it as
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _has_wide_number(text: str | bytes) -> bool:
    """Tell whether 19 digits stand in a row: orjson would turn a wider integer into a float."""
    # Any such run covers every nineteenth position, so most texts are cleared by a few characters.
    if isinstance(text, bytes):
        return _WIDE_BYTES.search(text) is not None
    return any(map(str.isdigit, text[18::19])) and _WIDE.search(text) is not None
