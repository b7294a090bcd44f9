"""Rows that need not be fetched to be passed over, such as those COUNT(*) asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from operator import length_hint
from typing import Any, Final

from lix_vtab.storage.connection import Connection

__all__ = ["Alike"]

_FIRST: Final = 256
_GROWTH: Final = 8


class Alike:
    """Rows that differ in nothing but their rowid; `row` is what they have in common.

    Only how many there are is asked, in portions that grow, so that a statement that stops early
    does not pay for all of them. Iterating fetches them one by one.
    """

    __slots__ = ("_before", "_connection", "_found", "_params", "_portion", "_sql", "row")

    def __init__(
        self, connection: Connection, sql: str, params: Sequence[Any], row: Sequence[Any]
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._params = params
        self._before = self._found = 0
        self._portion = repeat(False, 0)
        self.row = row

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self._connection.execute(self._sql, self._params))

    def portions(self) -> Iterator[Iterator[bool]]:
        """Yield a False for each row, many at a time."""
        last = len(self._params) + 2
        count = (
            f"SELECT count(*) FROM (SELECT 1 FROM ({self._sql}) LIMIT ?{last - 1} OFFSET ?{last})"
        )
        size = _FIRST
        while True:
            found = self._connection.run(count, (*self._params, size, self._before)).get
            self._portion, self._found = repeat(False, found), found
            yield self._portion
            if found < size:
                return
            self._before += found
            size *= _GROWTH

    def rest(self) -> Iterator[Sequence[Any]]:
        """Fetch the rows from that of the last False on."""
        passed = self._before + self._found - length_hint(self._portion)
        return islice(self, passed - 1, None)
