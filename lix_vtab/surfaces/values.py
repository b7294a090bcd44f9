"""Checking the SQL values of a write."""

from __future__ import annotations

from typing import Any

from lix_vtab.errors import InvalidValueError, SchemaValidationError
from lix_vtab.model.json import Json, parse_json
from lix_vtab.schema.coerce import read_jsonb

__all__ = ["flag", "json_value", "kind", "optional_text", "text"]

_JSON = """write it as JSON in single quotes, '{"id": "a"}', or make it with json_object()"""


def text(value: Any, where: str, column: str) -> str:
    """Return a required text."""
    if isinstance(value, str):
        return value
    if value is None:
        raise InvalidValueError(
            f"{where} requires {column}", hint="give it a text", details={"column": column}
        )
    raise InvalidValueError(
        f"{where}: {column} must be a string, got {kind(value)}",
        hint="CAST the value AS TEXT",
        details={"column": column, "value": value},
    )


def optional_text(value: Any, column: str) -> str | None:
    """Return a text or None."""
    if value is None or isinstance(value, str):
        return value
    raise InvalidValueError(
        f"{column} assignment expects text or null, got {kind(value)}",
        hint="CAST the value AS TEXT",
        details={"column": column, "value": value},
    )


def flag(value: Any, where: str, column: str) -> bool:
    """Return 0 or 1 (or NULL, which is 0) as a bool."""
    if value is None or value in (0, 1):
        return bool(value)
    raise InvalidValueError(
        f"{where} requires literal or parameter {column} values: 0 or 1, got {value!r}",
        hint="TRUE and FALSE will do, too",
        details={"column": column, "value": value},
    )


def json_value(value: Any, where: str, column: str) -> Json:
    """Return the JSON value of a text or a JSONB blob."""
    if isinstance(value, bytes):
        try:
            return read_jsonb(value)
        except ValueError:
            value = value[:0]
    if not isinstance(value, str):
        raise SchemaValidationError(
            f"{where} requires literal {column}: JSON text, got {kind(value)}",
            hint=_JSON,
            details={"column": column},
        )
    try:
        return parse_json(value)
    except (ValueError, RecursionError) as error:
        raise SchemaValidationError(
            f"{where} {column} invalid JSON: {error}",
            hint=_JSON,
            details={"column": column},
        ) from error


def kind(value: Any) -> str:
    """Name the SQL type of a value for messages.

    >>> kind(1), kind(None)
    ('an integer', 'NULL')
    """
    names = {int: "an integer", float: "a real", bytes: "a blob", str: "text", type(None): "NULL"}
    return names.get(type(value), type(value).__name__)
