"""Types of PEP 249: constructors for parameters, and objects that describe columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Date",
    "DateFromTicks",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "adapt",
]

Binary = memoryview
Date = dt.date
Time = dt.time
Timestamp = dt.datetime


def DateFromTicks(ticks: float) -> dt.date:
    """Return the local date of seconds since 1970."""
    return dt.date.fromtimestamp(ticks)


def TimeFromTicks(ticks: float) -> dt.time:
    """Return the local time of seconds since 1970."""
    return dt.datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> dt.datetime:
    """Return the local date and time of seconds since 1970."""
    return dt.datetime.fromtimestamp(ticks)


class _Declared:
    """Equal to every declared type whose name has one of its words, as SQLite's affinities are.

    >>> "VARCHAR(20)" == STRING, "INTEGER" == STRING
    (True, False)
    """

    __slots__ = ("_words",)
    __hash__ = None  # type: ignore[assignment]  # equal to many different things

    def __init__(self, *words: str) -> None:
        self._words = words

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return any(word in other.upper() for word in self._words)
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self == other


STRING = _Declared("CHAR", "CLOB", "TEXT", "JSON")
BINARY = _Declared("BLOB", "BINARY")
NUMBER = _Declared("INT", "REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL", "BOOL")
DATETIME = _Declared("DATE", "TIME")
ROWID = _Declared("ROWID")


def adapt(value: Any) -> Any:
    """Return a parameter as something SQLite can store: dates and times become ISO 8601 text.

    >>> adapt(dt.datetime(2026, 1, 31, 12, 0)), adapt(1)
    ('2026-01-31 12:00:00', 1)
    """
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value
