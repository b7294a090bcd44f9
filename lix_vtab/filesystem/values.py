"""Column values of the file tables: what SQL gives, what is stored, what is shown."""

from __future__ import annotations

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.json import Json, canonical_json, parse_json

__all__ = ["content_bytes", "hidden_flag", "json_text", "json_value"]

# SQL has no booleans of its own: TRUE is 1.
_FLAGS: dict[object, bool] = {
    1: True,
    0: False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}


def content_bytes(value: object) -> bytes | None:
    r"""Return what `data` was set to as bytes: text is stored as UTF-8, NULL is no content.

    >>> content_bytes("é"), content_bytes(b"x"), content_bytes(None)
    (b'\xc3\xa9', b'x', None)
    """
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    kind = "the number " if isinstance(value, int | float) else ""
    raise InvalidValueError(
        f"file data must be a blob or text, not {kind}{value!r}",
        hint="CAST the value AS TEXT or AS BLOB",
    )


def hidden_flag(value: object) -> bool:
    """Return what `hidden` was set to; NULL is the default, false.

    >>> hidden_flag(1), hidden_flag("false"), hidden_flag(None)
    (True, False, False)
    """
    if value is None:
        return False
    known = _FLAGS.get(value) if isinstance(value, int | str) else None
    if known is None:
        raise InvalidValueError(
            f"hidden must be true or false, not {value!r}", hint="use 1 or 0, TRUE or FALSE"
        )
    return known


def json_value(column: str, value: object) -> Json:
    """Return what a column that holds JSON text was set to; NULL is null.

    >>> json_value("metadata", '{"owner": "sam"}')
    {'owner': 'sam'}
    """
    if value is None:
        return None
    if not isinstance(value, str):
        kind = "a blob" if isinstance(value, bytes) else f"the number {value}"
        raise InvalidValueError(
            f"{column} must be JSON text, not {kind}", hint="""for example '{"owner": "sam"}'"""
        )
    try:
        return parse_json(value)
    except ValueError as error:
        raise InvalidValueError(
            f"{column} holds invalid JSON: {error}", hint="""for example '{"owner": "sam"}'"""
        ) from error


def json_text(value: Json) -> str | None:
    """Return how a column that holds JSON text shows a value; null is NULL.

    >>> json_text({"owner": "sam"})
    '{"owner":"sam"}'
    """
    return None if value is None else canonical_json(value)
