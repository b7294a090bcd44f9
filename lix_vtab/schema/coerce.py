"""Values between SQL and JSON, property by property.

Reading: strings, numbers and null stay; booleans become 1 and 0; arrays and objects become JSON
text. Writing: what the property's schema admits decides, as `from_sql` says.
"""

from __future__ import annotations

import math
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.json import Json, canonical_json, finite, parse_json
from lix_vtab.schema.types import Property

__all__ = ["SqlValue", "decode_jsonb", "from_sql", "read_jsonb", "to_sql"]

SqlValue = None | int | float | str | bytes

_INT64 = 1 << 63
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def to_sql(value: Json) -> SqlValue:
    """Return the SQL value of a JSON value.

    >>> to_sql(True), to_sql([1, {"a": None}]), to_sql("x")
    (1, '[1,{"a":null}]', 'x')
    """
    kind = type(value)
    if kind is str or value is None or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return int(value)
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _wide(value)
    return canonical_json(value)


def from_sql(value: SqlValue, target: Property, context: str) -> Json:
    """Return the JSON value that `value` means for a property.

    TEXT is a string where the schema admits strings, otherwise JSON text. A JSONB blob is JSON
    everywhere, other blobs are refused. 0 and 1 are booleans where the schema admits booleans but
    no numbers. A whole REAL is an integer where fractions are not admitted. `context` names table
    and column in errors.
    """
    kind = type(value)
    if value is None:
        return None
    if kind is str:
        return value if target.string else _from_text(value, target, context)
    if kind is int:
        return _from_integer(value, target)
    if kind is float:
        return _from_real(value, target, context)
    if isinstance(value, bytes | bytearray | memoryview):
        return decode_jsonb(bytes(value), context)
    raise InvalidValueError(
        f"{context} does not support values of type {kind.__name__}",
        hint="a number, a text, a blob of JSONB or NULL",
    )


def decode_jsonb(blob: bytes, context: str) -> Json:
    """Decode a blob made by SQLite's `jsonb()`; raise InvalidValueError for any other blob."""
    if not blob or not apsw.jsonb_detect(blob):
        raise InvalidValueError(
            f"{context} does not support blob values",
            hint="text is a string, jsonb(...) is JSON; bytes belong into files",
        )
    try:
        return read_jsonb(blob)
    except ValueError as error:
        raise InvalidValueError(
            f"{context} holds JSONB that cannot be read: {error}",
            hint="jsonb() and lix_json() make JSONB of JSON text",
        ) from error


def read_jsonb(blob: bytes) -> Json:
    """Decode JSONB, in which SQLite also keeps infinities; raise ValueError when it is no JSON."""
    return apsw.jsonb_decode(blob, parse_float=finite)


def _from_text(text: Any, target: Property, context: str) -> Json:
    if target.boolean and not target.number:
        word = _WORDS.get(text.strip().lower())
        if word is not None:
            return word
    try:
        value = parse_json(text)
    except (ValueError, RecursionError) as error:
        if not target.structure:
            # a string here is a violation of the schema, which knows how to say so
            return text
        raise InvalidValueError(
            f"Invalid JSON in property '{target.name}' ({context}): {error}",
            hint="its schema admits no strings, so text is read as JSON",
            details={"property": target.name},
        ) from error
    return _from_real(value, target, context) if type(value) is float else value


def _from_integer(number: Any, target: Property) -> Json:
    if target.boolean and not target.number and number in (0, 1):
        return number == 1
    return number


def _from_real(number: Any, target: Property, context: str) -> Json:
    if not math.isfinite(number):
        raise InvalidValueError(
            f"{context} contains non-finite numeric value", hint="JSON has no infinity"
        )
    if target.number and not target.fraction and number.is_integer():
        return int(number)
    return number


def _wide(number: int) -> SqlValue:
    try:
        return float(number)
    except OverflowError:
        return str(number)
