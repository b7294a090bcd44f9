"""Converting a constraint's value as SQLite would before comparing it with a column.

SQLite hands values to virtual tables as they are, and applies the affinity of the column only when
it compares itself.
"""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["affine", "as_text"]

_NUMBERS = frozenset(["INTEGER", "REAL", "NUMERIC", "BOOLEAN", "JSON"])
_NUMERAL = re.compile(r"[ \t-\r]*([+-]?(?:\d+(\.\d*)?|(\.\d+))(e[+-]?\d+)?)[ \t-\r]*", re.A | re.I)
"""What SQLite takes for a number: Python also takes `1_000`, `inf` and digits of any script."""

_LARGEST = 2**63


def affine(value: Any, declared: str) -> Any:
    """Convert a value for a column that was declared so.

    >>> affine(7, "TEXT"), affine(" 7", "INTEGER"), affine("seven", "INTEGER")
    ('7', 7, 'seven')
    """
    if declared == "TEXT":
        if type(value) is int:
            return str(value)
        return _real_text(value) if type(value) is float else value
    if declared in _NUMBERS and isinstance(value, str):
        return _number(value)
    return value


def as_text(value: Any) -> str | None:
    """Return what a value is for a column of texts that are never NULL; None if none can equal it.

    >>> as_text(7), as_text(b"7")
    ('7', None)
    """
    if type(value) is str:
        return value
    text = affine(value, "TEXT")
    return text if isinstance(text, str) else None


def _real_text(value: float) -> str:
    """Write a number as SQLite does, but for the last of seventeen digits."""
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    text = format(value, ".15g")
    if float(text) != value:
        text = format(value, ".17g")
    elif 1e15 <= abs(value) < 1e17:
        text = format(value, ".1f")
    mantissa, e, exponent = text.partition("e")
    mantissa = mantissa if value else "0"
    return (mantissa if "." in mantissa else f"{mantissa}.0") + e + exponent


def _number(text: str) -> Any:
    found = _NUMERAL.fullmatch(text)
    if found is None:
        return text
    numeral, fraction, bare, exponent = found.groups()
    # int() refuses texts of thousands of digits
    if fraction is None and bare is None and exponent is None and len(numeral) < 1000:
        whole = int(numeral)
        if -_LARGEST <= whole < _LARGEST:
            return whole
    return float(numeral)
