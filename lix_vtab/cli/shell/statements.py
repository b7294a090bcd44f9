"""Statements typed into a shell, and rows in the shape the shell prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lix_vtab.errors import LixError
from lix_vtab.execution.bind import bind
from lix_vtab.execution.parse import parse

__all__ = ["Rows", "named", "split"]


def split(sql: str) -> Iterator[tuple[str, bool]]:
    """Yield each statement, and whether it has a clause SQLite refuses for virtual tables.

    A text that cannot be split is left to SQLite as a whole.

    >>> list(split("SELECT 1; DELETE FROM t RETURNING a"))
    [('SELECT 1', False), ('DELETE FROM t RETURNING a', True)]
    """
    try:
        statements = parse(sql).statements
    except LixError:
        yield sql, False
        return
    for statement in statements:
        yield statement.text, statement.upsert or statement.returning


def named(sql: str, bindings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the parameters a statement names.

    >>> named("SELECT :a", {"a": 1, "b": 2})
    {'a': 1}
    """
    return {name: bindings[name] for name in bind(parse(sql)).names if name in bindings}


class Rows:
    """Rows as a cursor gives them."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._columns = columns
        self._rows = iter(rows)

    def get_description(self) -> tuple[tuple[str, None], ...]:
        """Return the names of the columns, each with the type that nobody declared."""
        return tuple((name, None) for name in self._columns)

    def __next__(self) -> Sequence[Any]:
        return next(self._rows)
