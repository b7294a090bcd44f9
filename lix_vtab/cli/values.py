"""SQL values as text: for tables, for lists as the sqlite3 shell prints them, for JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from lix_vtab.cli.text import harmless

__all__ = ["cell", "json_object", "listed"]

_SHOWN_BYTES = 24


def cell(value: Any) -> str:
    r"""Return a value as a cell of a table.

    >>> cell(None), cell(1.5), cell("a\nb"), cell(b"ab")
    ('', '1.5', 'a\\nb', "x'6162'")
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        shown = value[:_SHOWN_BYTES].hex()
        return f"x'{shown}'" if len(value) <= _SHOWN_BYTES else f"x'{shown}…' {len(value)} bytes"
    if isinstance(value, float):
        return real(value)
    return harmless(value) if isinstance(value, str) else str(value)


def listed(value: Any) -> str:
    """Return a value the way the sqlite3 shell prints it in its list mode.

    >>> listed(None), listed(0.1 + 0.2), listed(1e100), listed(b"ab")
    ('', '0.3', '1.0e+100', 'ab')
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "replace")
    if isinstance(value, str):
        return value.partition("\0")[0]
    return real(value) if isinstance(value, float) else str(value)


def real(value: float) -> str:
    """Return a REAL in SQLite's spelling."""
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    text = format(value, ".15g")
    mantissa, mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}{mark}{exponent}"


def json_object(columns: Sequence[str], row: Sequence[Any]) -> str:
    """Return a row as a JSON object; blobs become `{"$base64": true, "encoded": "..."}`.

    >>> json_object(("a", "b"), (1, b"x"))
    '{"a": 1, "b": {"$base64": true, "encoded": "eA=="}}'
    """
    return json.dumps(dict(zip(columns, map(_json_value, row), strict=True)), ensure_ascii=False)


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        import base64

        return {"$base64": True, "encoded": base64.b64encode(value).decode()}
    if isinstance(value, float) and not isfinite(value):
        return real(value)  # JSON has no numbers for these
    return value
